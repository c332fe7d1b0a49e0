/* statx(2): the fields asked for with a mask of what is filled in; agrees with stat; flags and
 * errors. */
#include "../tmp.h"
#include <sys/sysmacros.h>

int main(void)
{
    struct statx x;
    struct stat st;

    tmp_enter();
    int fd = file_with("f", "hello");
    must(symlink("f", "s"));
    memset(&x, 0x55, sizeof(x));
    is_eq(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x), 0);
    is_eq(x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
    must(stat("f", &st));
    is_eq(x.stx_size, 5);
    is_eq(x.stx_mode, S_IFREG | 0644);
    is_eq(x.stx_nlink, 1);
    ok(x.stx_ino == st.st_ino && x.stx_uid == st.st_uid && x.stx_gid == st.st_gid, "as stat");
    ok(makedev(x.stx_dev_major, x.stx_dev_minor) == st.st_dev, "device");
    ok(x.stx_mtime.tv_sec == st.st_mtim.tv_sec && x.stx_mtime.tv_nsec == st.st_mtim.tv_nsec,
       "time");
    ok(x.stx_blksize == (unsigned int)st.st_blksize && x.stx_blocks == (uint64_t)st.st_blocks,
       "blocks");
    is_eq(statx(AT_FDCWD, "s", 0, STATX_TYPE, &x) == 0 && S_ISREG(x.stx_mode), 1);
    is_eq(statx(AT_FDCWD, "s", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x) == 0 && S_ISLNK(x.stx_mode), 1);
    is_eq(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x) == 0 && x.stx_size == 5, 1);
    is_eq(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_SIZE, &x), 0);
    is_eq(statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC, STATX_SIZE, &x), 0);
    is_errno(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &x),
             EINVAL);
    is_errno(statx(AT_FDCWD, "f", 0x8, STATX_SIZE, &x), EINVAL);
    is_errno(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000U, &x), EINVAL);
    is_errno(statx(AT_FDCWD, "none", 0, STATX_SIZE, &x), ENOENT);
    is_errno(statx(AT_FDCWD, "", 0, STATX_SIZE, &x), ENOENT);
    is_errno(statx(99, "f", 0, STATX_SIZE, &x), EBADF);
    is_errno(statx(fd, "f", 0, STATX_SIZE, &x), ENOTDIR);
    is_errno(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_SIZE, BAD_PTR), EFAULT);
    is_errno(syscall(SYS_statx, AT_FDCWD, BAD_PTR, 0, STATX_SIZE, &x), EFAULT);
    done();
}
