/*
 * See leaks.h. Hooks of the allocator keep the set of live chunks; the check marks from the
 * process's globals, its stack and other roots, conservatively: any word that points into a chunk
 * keeps it, and chunks that are marked are read in turn. What is left has been lost.
 */
#include "base/leaks.h"

#if NV_ASAN
#include <link.h>
#include <sanitizer/asan_interface.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"

/* gcc installs no allocator_interface.h. */
int __sanitizer_install_malloc_and_free_hooks(void (*made)(const volatile void *, size_t),
                                              void (*freed)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *p);

#define SHOWN 20 /* leaks in a report */
#define FRAMES 16
#define FIRST_SLOTS 4096
#define UNCHECKED __attribute__((no_sanitize_address))

/* Live chunks: open addressing, linear probing, at most half full. */
static struct {
    uintptr_t *slot;
    size_t slots, used;
    bool locked, on;
} set;

struct chunk {
    uintptr_t at;
    size_t size;
    bool reached;
};
static struct {
    struct chunk *chunk;
    size_t n, todos;
    size_t *todo; /* reached, but not read yet */
} mark;

static void *stack_top;
static void (*roots)(leaks_root_fn fn);

static void lock_set(void)
{
    while (__atomic_exchange_n(&set.locked, true, __ATOMIC_ACQUIRE))
        ;
}

static void unlock_set(void)
{
    __atomic_store_n(&set.locked, false, __ATOMIC_RELEASE);
}

static void *pages(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static size_t home(uintptr_t p)
{
    return (size_t)((p >> 4) * 0x9e3779b97f4a7c15UL >> 20) & (set.slots - 1);
}

static void put(uintptr_t p)
{
    size_t i = home(p);

    while (set.slot[i])
        i = (i + 1) & (set.slots - 1);
    set.slot[i] = p;
}

static bool grow(void)
{
    uintptr_t *old = set.slot, *slot;
    size_t n = set.slots, slots = n ? n * 2 : FIRST_SLOTS;

    slot = pages(slots * sizeof(*slot));
    if (!slot)
        return false;
    set.slot = slot;
    set.slots = slots;
    for (size_t i = 0; i < n; i++)
        if (old[i])
            put(old[i]);
    if (old)
        munmap(old, n * sizeof(*old));
    return true;
}

static void made(const volatile void *p, size_t size)
{
    if (!set.on || !p)
        return;
    lock_set();
    if ((set.used + 1) * 2 > set.slots && !grow()) {
        set.on = false; /* no memory: no check */
    } else {
        put((uintptr_t)p);
        set.used++;
    }
    unlock_set();
}

static void take_out(uintptr_t p)
{
    size_t mask = set.slots - 1, i = home(p);

    while (set.slot[i] && set.slot[i] != p)
        i = (i + 1) & mask;
    if (!set.slot[i])
        return; /* older than leaks_begin() */
    set.used--;
    for (size_t j = (i + 1) & mask; set.slot[j]; j = (j + 1) & mask) {
        if (((j - home(set.slot[j])) & mask) < ((j - i) & mask))
            continue;
        set.slot[i] = set.slot[j];
        i = j;
    }
    set.slot[i] = 0;
}

static void freed(const volatile void *p)
{
    if (!set.on || !p)
        return;
    lock_set();
    take_out((uintptr_t)p);
    unlock_set();
}

void leaks_begin(void *top)
{
    stack_top = top;
    set.on = grow() && __sanitizer_install_malloc_and_free_hooks(made, freed) != 0;
}

void leaks_roots(void (*each)(leaks_root_fn fn))
{
    roots = each;
}

/* --- the check --- */
static struct chunk *chunk_of(uintptr_t p)
{
    size_t low = 0, high = mark.n;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (mark.chunk[mid].at <= p)
            low = mid + 1;
        else
            high = mid;
    }
    struct chunk *c = low ? &mark.chunk[low - 1] : NULL;
    return c && (p == c->at || p - c->at < c->size) ? c : NULL;
}

UNCHECKED static void read_range(const void *from, const void *to)
{
    const uintptr_t *w = (const uintptr_t *)ROUND_UP((uintptr_t)from, sizeof(*w));

    for (; (uintptr_t)(w + 1) <= (uintptr_t)to; w++) {
        struct chunk *c = *w ? chunk_of(*w) : NULL;
        if (!c || c->reached)
            continue;
        c->reached = true;
        mark.todo[mark.todos++] = (size_t)(c - mark.chunk);
    }
}

static void read_reached(void)
{
    while (mark.todos) {
        const struct chunk *c = &mark.chunk[mark.todo[--mark.todos]];
        read_range((const void *)c->at, (const void *)(c->at + c->size));
    }
}

/* The sanitizers' own libraries remember what they have handed out. */
static int read_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    if (strstr(info->dlpi_name, "libasan") || strstr(info->dlpi_name, "libubsan"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        const char *at = (const char *)(info->dlpi_addr + ph->p_vaddr);
        if (ph->p_type == PT_LOAD && (ph->p_flags & PF_W))
            read_range(at, at + ph->p_memsz);
        else if (ph->p_type == PT_TLS && info->dlpi_tls_data)
            read_range(info->dlpi_tls_data, (const char *)info->dlpi_tls_data + ph->p_memsz);
    }
    return 0;
}

static int by_address(const void *a, const void *b)
{
    const struct chunk *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

static bool collect(void)
{
    size_t n = set.used;

    mark.chunk = pages((n + 1) * sizeof(*mark.chunk));
    mark.todo = pages((n + 1) * sizeof(*mark.todo));
    if (!mark.chunk || !mark.todo)
        return false;
    for (size_t i = 0; i < set.slots && mark.n < n; i++)
        if (set.slot[i])
            mark.chunk[mark.n++] =
                (struct chunk){.at = set.slot[i],
                               .size = __sanitizer_get_allocated_size((const void *)set.slot[i])};
    set.slots = set.used = 0; /* not a root itself: its memory is nobody's */
    qsort(mark.chunk, mark.n, sizeof(*mark.chunk), by_address);
    return true;
}

static void report(const struct chunk *c, int n)
{
    void *frame[FRAMES];
    char line[512];
    size_t frames = __asan_get_alloc_stack((void *)c->at, frame, FRAMES, NULL);

    if (n == 0)
        dprintf(2, "==%d==ERROR: LeakSanitizer: the process has lost memory\n", (int)getpid());
    dprintf(2, "%zu bytes from\n", c->size);
    for (size_t i = 0; i < frames; i++) {
        __sanitizer_symbolize_pc(frame[i], "%f %s:%l", line, sizeof(line));
        dprintf(2, "    #%zu %s\n", i, line);
    }
}

/* A thread's own memory, made by the dynamic linker, is known to its stack only. */
static bool is_of_thread(const struct chunk *c)
{
    void *frame[FRAMES];
    char module[512];
    size_t frames = __asan_get_alloc_stack((void *)c->at, frame, FRAMES, NULL);

    for (size_t i = 0; i < frames; i++) {
        __sanitizer_symbolize_pc(frame[i], "%m", module, sizeof(module));
        if (strstr(module, "/ld-"))
            return true;
    }
    return false;
}

/* Those that another lost one points to are not told, except where they point to each other. */
static int report_lost(void)
{
    bool *inner = pages(mark.n + 1);
    int told = 0;

    for (size_t i = 0; inner && i < mark.n; i++) {
        const uintptr_t *w = (const uintptr_t *)mark.chunk[i].at;
        for (size_t k = 0; !mark.chunk[i].reached && k < mark.chunk[i].size / sizeof(*w); k++) {
            struct chunk *c = chunk_of(w[k]);
            if (c && c != &mark.chunk[i])
                inner[c - mark.chunk] = true;
        }
    }
    for (int pass = 0; inner && pass < 2; pass++) {
        for (size_t i = 0; i < mark.n; i++) {
            struct chunk *c = &mark.chunk[i];
            if (c->reached || (pass == 0 && inner[i]))
                continue;
            c->reached = true;
            mark.todo[mark.todos++] = i;
            read_reached();
            if (is_of_thread(c))
                continue;
            if (told < SHOWN)
                report(c, told);
            told++;
        }
    }
    return told;
}

bool leaks_found(void)
{
    jmp_buf registers;

    if (!set.on)
        return false;
    set.on = false;
    if (!collect())
        return false;
    setjmp(registers);
    read_range(registers, registers + 1);
    read_range(__builtin_frame_address(0), stack_top);
    dl_iterate_phdr(read_module, NULL);
    if (roots)
        roots(read_range);
    read_reached();
    int n = report_lost();
    if (n > SHOWN)
        dprintf(2, "and %d more\n", n - SHOWN);
    return n > 0;
}
#else
typedef int leaks_none; /* a file with nothing in it is not C */
#endif
