/* See pages.h. Short pieces are collected, long ones written as they come. */
#include "sentry/ckpt/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "ckpt/record.h"

#define BUFFER_PAGES 256UL
#define LONG_PAGES 64UL
#define PAGES_MAX (1UL << 40)

static int write_at(int fd, const char *data, size_t len, uint64_t at)
{
    while (len) {
        ssize_t n = pwrite(fd, data, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -ENOSPC;
        data += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return 0;
}

static int flush(struct ckpt_pages *p)
{
    size_t n = p->nbuf;

    p->nbuf = 0;
    return n ? write_at(p->fd, p->buf, n * NV_PAGE_SIZE, (p->npages - n) * NV_PAGE_SIZE) : 0;
}

int64_t ckpt_pages_sink(void *arg, unsigned int file, const void *data, size_t npages)
{
    struct ckpt_pages *p = arg;
    int err = 0;

    if (npages > PAGES_MAX - p->npages)
        return -EFBIG;
    if (!p->buf && !(p->buf = malloc(BUFFER_PAGES * NV_PAGE_SIZE)))
        return -ENOMEM;
    if (!data || npages >= LONG_PAGES || p->nbuf + npages > BUFFER_PAGES)
        err = flush(p);
    if (err)
        return err;
    uint64_t at = p->npages * NV_PAGE_SIZE;
    if (data && npages >= LONG_PAGES) {
        err = write_at(p->fd, data, npages * NV_PAGE_SIZE, at);
    } else if (data) {
        memcpy(p->buf + p->nbuf * NV_PAGE_SIZE, data, npages * NV_PAGE_SIZE);
        p->nbuf += npages;
    }
    p->npages += npages;
    return err ? err : (int64_t)at;
}

int ckpt_pages_finish(struct ckpt_pages *p)
{
    int err = flush(p);

    free(p->buf);
    p->buf = NULL;
    if (!err && ftruncate(p->fd, (off_t)(p->npages * NV_PAGE_SIZE)))
        err = -errno;
    return err;
}

static struct {
    int fd;
    uint64_t npages;
} pages = {.fd = -1}, memories[CKPT_MEMORIES_MAX];
static unsigned int nmemories;

static int use(int fd, uint64_t *npages)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fstat(fd, &st))
        return -errno;
    if ((flags & O_ACCMODE) != O_RDONLY || !S_ISREG(st.st_mode))
        return -EINVAL;
    *npages = (uint64_t)st.st_size / NV_PAGE_SIZE;
    return 0;
}

int ckpt_pages_use(int fd)
{
    int err = use(fd, &pages.npages);

    if (!err)
        pages.fd = fd;
    return err;
}

int ckpt_memory_use(int fd)
{
    if (nmemories == CKPT_MEMORIES_MAX)
        return -E2BIG;
    int err = use(fd, &memories[nmemories].npages);
    if (!err)
        memories[nmemories++].fd = fd;
    return err;
}

int ckpt_pages_fd(void)
{
    return pages.fd;
}

uint64_t ckpt_pages_count(void)
{
    return pages.npages;
}

int ckpt_memory_fd(unsigned int i)
{
    return i < nmemories ? memories[i].fd : -1;
}

uint64_t ckpt_memory_count(unsigned int i)
{
    return i < nmemories ? memories[i].npages : 0;
}
