/* PAGEMAP_SCAN, as Documentation/admin-guide/mm/pagemap.rst has it: libc's headers may be older. */
#ifndef NV_SENTRY_CKPT_PAGEMAP_SCAN_H
#define NV_SENTRY_CKPT_PAGEMAP_SCAN_H

#include <stdint.h>
#include <sys/ioctl.h>

struct nv_page_region {
    uint64_t start, end, categories;
};
struct nv_pm_scan_arg {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define NV_PAGEMAP_SCAN _IOWR('f', 16, struct nv_pm_scan_arg)
#define NV_PAGE_IS_FILE 4
#define NV_PAGE_IS_PRESENT 8
#define NV_PAGE_IS_SWAPPED 16
#define NV_PAGE_IS_PFNZERO 32
#define NV_PAGE_IS_GUARD 256 /* Linux 6.15 */

#endif
