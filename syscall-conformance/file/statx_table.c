/* statx(2): masks, flags, what each kind of object answers. */
#include "../rows.h"
#include <linux/stat.h>
#include <sys/socket.h>
#include <sys/epoll.h>
#include <sys/sysmacros.h>

struct sx {
    struct statx x;
};

static long sx(int fd, const char *name, int flags, unsigned int mask, void *to)
{
    return syscall(SYS_statx, fd, name, flags, mask, to);
}

static void show(const char *what, int fd, const char *name, int flags, unsigned int mask)
{
    struct statx x;
    struct stat st;

    memset(&x, 0xee, sizeof(x));
    row_add("%s mask %x flags %x:", what, mask, (unsigned int)flags);
    if (sx(fd, name, flags, mask, &x)) {
        row_add(" %s", err_name(errno));
        row_end();
        return;
    }
    if (fstatat(fd, name ? name : "", &st, (flags & ~0x6000) | (name ? 0 : AT_EMPTY_PATH)))
        memset(&st, 0, sizeof(st));
    /* The time of birth, DIO alignment, subvolumes and atomic writes depend on the file system; so
     * do times that nobody has asked for. */
    unsigned int times = mask & (STATX_MTIME | STATX_CTIME) ? 0 : STATX_MTIME | STATX_CTIME;
    row_add(" %x", x.stx_mask & ~(STATX_BTIME | 0xe000 | 0x10000 | 0x20000 | times));
    row_add(" %d%d%d%d%d%d%d%d", x.stx_mode == (st.st_mode & 0xffff), x.stx_ino == st.st_ino,
            x.stx_nlink == st.st_nlink, x.stx_uid == st.st_uid, x.stx_gid == st.st_gid,
            (off_t)x.stx_size == st.st_size, (blkcnt_t)x.stx_blocks == st.st_blocks,
            x.stx_blksize == st.st_blksize);
    row_add(" %d%d%d%d", times || x.stx_mtime.tv_sec == st.st_mtim.tv_sec,
            times || x.stx_ctime.tv_nsec == st.st_ctim.tv_nsec,
            x.stx_dev_major == major(st.st_dev) && x.stx_dev_minor == minor(st.st_dev),
            x.stx_rdev_major == major(st.st_rdev) && x.stx_rdev_minor == minor(st.st_rdev));
    row_add(" mount root %d/%d", !!(x.stx_attributes & STATX_ATTR_MOUNT_ROOT),
            !!(x.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT));
    row_add(" automount %d", !!(x.stx_attributes & STATX_ATTR_AUTOMOUNT));
    row_end();
}

int main(void)
{
    int p[2], sv[2];
    struct statx a, b;

    tmp_enter();
    close(file_with("f", "content"));
    must(mkdir("d", 0755));
    must(symlink("f", "l"));
    must(symlink("none", "dangling"));
    must(mkfifo("p", 0644));
    must(pipe(p));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
    int f = open("f", O_RDONLY), op = open("f", O_PATH), e = epoll_create1(0);
    static const unsigned int masks[] = {0,      1,      0x7ff,      0xfff,      0x1fff,
                                         0x3fff, 0x4fff, 0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t m = 0; m < sizeof(masks) / sizeof(*masks); m++) {
        show("file", AT_FDCWD, "f", 0, masks[m]);
        show("fd", f, "", AT_EMPTY_PATH, masks[m]);
    }
    show("dir", AT_FDCWD, "d", 0, 0x7ff);
    show("link", AT_FDCWD, "l", 0, 0x7ff);
    show("link", AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, 0x7ff);
    show("dangling", AT_FDCWD, "dangling", 0, 0x7ff);
    show("dangling", AT_FDCWD, "dangling", AT_SYMLINK_NOFOLLOW, 0x7ff);
    show("fifo", AT_FDCWD, "p", 0, 0x7ff);
    show("root", AT_FDCWD, "/", 0, 0x7ff);
    show("proc", AT_FDCWD, "/proc", 0, 0x7ff);
    show("null", AT_FDCWD, "/dev/null", 0, 0x7ff);
    show("pipe", p[0], "", AT_EMPTY_PATH, 0x7ff);
    show("socket", sv[0], "", AT_EMPTY_PATH, 0x7ff);
    show("epoll", e, "", AT_EMPTY_PATH, 0x7ff);
    show("path", op, "", AT_EMPTY_PATH, 0x7ff);
    show("null name", f, NULL, AT_EMPTY_PATH, 0x7ff);
    show("null name, cwd", AT_FDCWD, NULL, AT_EMPTY_PATH, 0x7ff);
    show("empty, cwd", AT_FDCWD, "", AT_EMPTY_PATH, 0x7ff);
    for (int sync = 0; sync < 4; sync++)
        show("sync", AT_FDCWD, "f", sync << 13, 0x7ff);
    row_add("order:");
    row_add(" %s", says(sx(AT_FDCWD, "none", 0, 0x80000000, &a)));
    row_add(" %s", says(sx(AT_FDCWD, BAD_PTR, 0x6000, 0, &a)));
    row_add(" %s", says(sx(999, "f", 0, 0x7ff, &a)));
    row_add(" %s", says(sx(999, "/", 0, 0x7ff, BAD_PTR)));
    row_add(" %s", says(sx(AT_FDCWD, "none", 0, 0x7ff, BAD_PTR)));
    row_end();
    must(sx(AT_FDCWD, "f", 0, STATX_MNT_ID, &a));
    must(sx(AT_FDCWD, "f", 0, 0x4000, &b));
    ok((a.stx_mask & 0x5000) == STATX_MNT_ID && (b.stx_mask & 0x4000), "either id of the mount");
    ok(a.stx_mnt_id < 1U << 31 && b.stx_mnt_id >= 1U << 31,
       "the unique one is larger than any other");
    must(sx(AT_FDCWD, "d", 0, 0x4000, &a));
    ok(a.stx_mnt_id == b.stx_mnt_id, "is the same within a mount");
    must(sx(AT_FDCWD, "/proc", 0, 0x4000, &a));
    ok(a.stx_mnt_id != b.stx_mnt_id, "and another in another");
    must(sx(AT_FDCWD, "f", 0, STATX_BTIME, &a));
    must(sx(AT_FDCWD, "f", 0, 0x7ff, &b));
    ok(!(a.stx_mask & STATX_BTIME) ||
           (a.stx_btime.tv_sec > 1000000000 && a.stx_btime.tv_sec <= b.stx_ctime.tv_sec + 1),
       "the time of birth, if told, was not long ago");
    must(sx(AT_FDCWD, "f", 0, 0x2000 /* STATX_DIOALIGN */, &a));
    ok(!(a.stx_mask & 0x2000) || !a.stx_dio_mem_align == !a.stx_dio_offset_align,
       "alignment of direct I/O, if told");
    done();
}
