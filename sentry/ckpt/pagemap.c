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

static int scan_regions(int fd, uint64_t start, uint64_t end,
                        int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg)
{
    cleanup_free struct nv_page_region *v = calloc(REGIONS, sizeof(*v));
    struct nv_pm_scan_arg a = {.size = sizeof(a),
                               .start = start,
                               .end = end,
                               .vec = (uint64_t)v,
                               .vec_len = REGIONS,
                               .category_inverted = NV_PAGE_IS_FILE | NV_PAGE_IS_PFNZERO,
                               .category_mask = NV_PAGE_IS_FILE | NV_PAGE_IS_PFNZERO,
                               .category_anyof_mask = NV_PAGE_IS_PRESENT | NV_PAGE_IS_SWAPPED,
                               .return_mask = NV_PAGE_IS_PRESENT};

    while (v && a.start < end) {
        long n = ioctl(fd, NV_PAGEMAP_SCAN, &a);
        if (n < 0)
            return -errno;
        for (long i = 0; i < n; i++) {
            int err = fn(arg, v[i].start, v[i].end);
            if (err)
                return err;
        }
        uint64_t next = n ? MAX(a.walk_end, v[n - 1].end) : a.walk_end;
        if (next <= a.start)
            return -EIO;
        a.start = next;
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
    int err = scan_regions(fd, start, end, fn, arg);

    return err == -ENOTTY ? scan_entries(fd, start, end, fn, arg) : err;
}
