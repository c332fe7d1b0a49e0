/*
 * A platform whose guest memory is an array, as calls of one task see it: MEMORY bytes from BASE,
 * which the target defines before.
 */
#ifndef NV_TESTS_FUZZ_GUEST_MEMORY_H
#define NV_TESTS_FUZZ_GUEST_MEMORY_H

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "platform/platform.h"

static char memory[MEMORY];

static ssize_t in_memory(uint64_t addr, size_t len)
{
    if (addr < BASE || addr >= BASE + MEMORY)
        return -EFAULT;
    return (ssize_t)MIN(len, BASE + MEMORY - addr);
}

static ssize_t read_mem(struct aspace *as, void *dst, uint64_t addr, size_t len)
{
    ssize_t n = in_memory(addr, len);

    if (n > 0)
        memcpy(dst, memory + (addr - BASE), (size_t)n);
    return n;
}

static ssize_t write_mem(struct aspace *as, uint64_t addr, const void *src, size_t len)
{
    ssize_t n = in_memory(addr, len);

    if (n > 0)
        memcpy(memory + (addr - BASE), src, (size_t)n);
    return n;
}

static const void *in_window(struct gthread *thr, uint64_t addr, size_t *avail)
{
    return NULL;
}
static void *out_window(struct gthread *thr, uint64_t addr, size_t len)
{
    return NULL;
}
static void out_commit(struct gthread *thr, uint64_t addr, size_t len)
{
}
static const struct platform fake = {.name = "fake",
                                     .read_mem = read_mem,
                                     .write_mem = write_mem,
                                     .in_window = in_window,
                                     .out_window = out_window,
                                     .out_commit = out_commit};

#endif
