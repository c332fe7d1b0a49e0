/*
 * How much may be stored. Each tmpfs has its own limit, and all of them together must fit into the
 * sandbox's memory: half of it, as Linux's default for one tmpfs.
 * inode.blocks is what a file really occupies, holes excluded.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/kernel/fiber.h"
#include "sentry/sandbox.h"

#define HOLES_PER_TURN 1024
#define BYTES_PER_INODE 8192 /* of the limit: a million names are memory, too */

static uint64_t total_pages, total_inodes;

uint64_t tmpfs_total_max(void)
{
    if (!sandbox || !sandbox->memory_bytes)
        return UINT64_MAX / NV_PAGE_SIZE;
    return sandbox->memory_bytes / 2 / NV_PAGE_SIZE;
}

uint64_t tmpfs_used_pages(void)
{
    return total_pages;
}

uint64_t tmpfs_free_pages(const struct tmpfs_super *s)
{
    uint64_t max = tmpfs_total_max();
    uint64_t all = max > total_pages ? max - total_pages : 0;
    uint64_t own = s->max_pages > s->pages ? s->max_pages - s->pages : 0;

    return s->max_pages ? MIN(all, own) : all;
}

int tmpfs_room(const struct inode *i, uint64_t more)
{
    return more > tmpfs_free_pages(TMPFS_S(i->sb)) ? -ENOSPC : 0;
}

void tmpfs_book(struct inode *i, uint64_t pages)
{
    uint64_t had = i->blocks / 8;

    TMPFS_S(i->sb)->pages += pages - had;
    total_pages += pages - had;
    i->blocks = pages * 8;
}

/* After the host file may have got or lost pages, also through mappings. */
void tmpfs_settle(struct inode *i)
{
    struct stat st;

    if (TMPFS_I(i)->memfd >= 0 && !fstat(TMPFS_I(i)->memfd, &st))
        tmpfs_book(i, (uint64_t)st.st_blocks / 8);
}

/* Of a part of a file with holes, pages that were allocated and never written are not known. */
uint64_t tmpfs_cached(struct file *f, uint64_t first, uint64_t last)
{
    const struct inode *i = f->inode;
    uint64_t n = 0, size = PAGE_UP((uint64_t)i->size) / NV_PAGE_SIZE;
    int fd = TMPFS_I(i)->memfd;

    tmpfs_settle(f->inode);
    if (!first && last + 1 >= size)
        return i->blocks / 8;
    last = MIN(last, size - 1);
    if (!size || first > last)
        return 0;
    if (fd < 0 || i->blocks / 8 >= size)
        return MIN(last - first + 1, i->blocks / 8);
    for (unsigned int k = 1; first <= last; k++) {
        off_t from = lseek(fd, (off_t)(first * NV_PAGE_SIZE), SEEK_DATA);
        off_t to = from < 0 ? from : lseek(fd, from, SEEK_HOLE);
        if (to < 0)
            break;
        first = MIN((uint64_t)from / NV_PAGE_SIZE, last + 1);
        uint64_t end = MIN(PAGE_UP((uint64_t)to) / NV_PAGE_SIZE, last + 1);
        n += end - first;
        first = end;
        if (k % HOLES_PER_TURN == 0)
            fiber_yield();
    }
    return n;
}

bool tmpfs_inode_book(struct tmpfs_super *s)
{
    if ((s->max_inodes && s->inodes >= s->max_inodes) ||
        total_inodes >= tmpfs_total_max() / (BYTES_PER_INODE / NV_PAGE_SIZE))
        return false;
    s->inodes++;
    total_inodes++;
    return true;
}

void tmpfs_inode_book_always(struct tmpfs_super *s)
{
    s->inodes++;
    total_inodes++;
}

void tmpfs_inode_unbook(struct tmpfs_super *s)
{
    s->inodes--;
    total_inodes--;
}
