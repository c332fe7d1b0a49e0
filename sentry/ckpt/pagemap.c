/* See pagemap.h. PAGEMAP_SCAN (Linux 6.7) skips what is empty; before, each page is looked at. */
#include "sentry/ckpt/pagemap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ckpt/pagemap_scan.h"
#include "sentry/ctl.h"
#include "sentry/sandbox.h"

#define REGIONS 512 /* the kernel's own buffer; with more, 6.18 gives a wrong walk_end */
#define ENTRIES 65536UL
#define ENTRY_PRESENT (1ULL << 63)
#define ENTRY_SWAPPED (1ULL << 62)
#define ENTRY_FILE (1ULL << 61)

int stub_file_open(pid_t pid, int which)
{
    cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

    return pidfd < 0 ? -errno : ctl_ask(CTL_STUB_FILE, which, pidfd, CTL_STUB_FILE);
}

/* q says which. */
static int scan_regions(int fd, struct nv_pm_scan_arg q,
                        int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg)
{
    cleanup_free struct nv_page_region *v = calloc(REGIONS, sizeof(*v));

    q.size = sizeof(q);
    q.vec = (uint64_t)v;
    q.vec_len = REGIONS;
    while (v && q.start < q.end) {
        long n = ioctl(fd, NV_PAGEMAP_SCAN, &q);
        if (n < 0)
            return -errno;
        for (long i = 0; i < n; i++) {
            int err = fn(arg, v[i].start, v[i].end);
            if (err)
                return err;
        }
        uint64_t next = n ? MAX(q.walk_end, v[n - 1].end) : q.walk_end;
        if (next <= q.start)
            return -EIO;
        q.start = next;
    }
    return v ? 0 : -ENOMEM;
}

static bool is_own(uint64_t e)
{
    return (e & (ENTRY_PRESENT | ENTRY_SWAPPED)) && !(e & ENTRY_FILE);
}

static int scan_entries(int fd, uint64_t start, uint64_t end,
                        int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg)
{
    cleanup_free uint64_t *v = malloc(ENTRIES * sizeof(*v));

    if (!v)
        return -ENOMEM;
    while (start < end) {
        size_t n = MIN((end - start) / NV_PAGE_SIZE, ENTRIES), i = 0;
        ssize_t got = pread(fd, v, n * sizeof(*v), (off_t)(start / NV_PAGE_SIZE * sizeof(*v)));
        if (got <= 0)
            return got ? -errno : -EIO;
        n = (size_t)got / sizeof(*v);
        while (i < n) {
            size_t from = i;
            while (i < n && is_own(v[i]))
                i++;
            int err = i > from ? fn(arg, start + from * NV_PAGE_SIZE, start + i * NV_PAGE_SIZE) : 0;
            if (err)
                return err;
            while (i < n && !is_own(v[i]))
                i++;
        }
        start += n * NV_PAGE_SIZE;
    }
    return 0;
}

int pagemap_scan(int fd, uint64_t start, uint64_t end,
                 int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg)
{
    const struct nv_pm_scan_arg own = {.start = start,
                                       .end = end,
                                       .category_inverted = NV_PAGE_IS_FILE | NV_PAGE_IS_PFNZERO,
                                       .category_mask = NV_PAGE_IS_FILE | NV_PAGE_IS_PFNZERO,
                                       .category_anyof_mask =
                                           NV_PAGE_IS_PRESENT | NV_PAGE_IS_SWAPPED,
                                       .return_mask = NV_PAGE_IS_PRESENT};
    int err = scan_regions(fd, own, fn, arg);

    return err == -ENOTTY ? scan_entries(fd, start, end, fn, arg) : err;
}

int pagemap_guards(int fd, uint64_t start, uint64_t end,
                   int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg)
{
    const struct nv_pm_scan_arg guards = {.start = start,
                                          .end = end,
                                          .category_mask = NV_PAGE_IS_GUARD,
                                          .return_mask = NV_PAGE_IS_GUARD};
    int err = scan_regions(fd, guards, fn, arg);

    return err == -ENOTTY || err == -EINVAL ? -EOPNOTSUPP : err;
}
