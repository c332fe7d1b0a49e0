/* tmpfs: a mount with limits gives ENOSPC for data and for inodes, frees again, and is another
 * device (EXDEV); EBUSY while in use. */
#include "../tmp.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

static int mounted;

static void unmount(void)
{
    if (mounted && getpid() == tmp_owner && !chdir(tmp_path))
        umount2("m", MNT_DETACH);
}

int main(void)
{
    static char block[65536];
    struct statfs fs;
    char name[32];
    long total = 0;
    ssize_t n;

    tmp_enter();
    must(mkdir("m", 0700));
    /* To ourselves where that can be had; it goes at exit anyway. */
    if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0)
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (geteuid() || mount("none", "m", "tmpfs", 0, "size=1m,nr_inodes=20")) {
        for (int i = 0; i < 19; i++)
            skip("cannot mount");
        done();
    }
    mounted = 1;
    atexit(unmount);
    is_eq(statfs("m", &fs), 0);
    is_eq(fs.f_type, 0x01021994);
    is_eq(fs.f_blocks * (unsigned long)fs.f_bsize, 1 << 20);
    is_eq(fs.f_files, 20);
    int fd = open("m/big", O_CREAT | O_RDWR, 0600);
    while ((n = write(fd, block, sizeof(block))) > 0)
        total += n;
    is_eq(errno, ENOSPC);
    is_eq(total, 1 << 20);
    is_eq(statfs("m", &fs) == 0 ? (long)fs.f_bfree : -1, 0);
    is_eq(ftruncate(fd, 4096), 0);
    is_eq(pwrite(fd, block, 4096, 8192), 4096);
    is_errno(fallocate(fd, 0, 0, 2 << 20), ENOSPC);
    int count = 0;
    for (;; count++) {
        snprintf(name, sizeof(name), "m/f%d", count);
        if (mknod(name, S_IFREG | 0600, 0))
            break;
    }
    is_eq(errno, ENOSPC);
    is_eq(count, 18); /* the root and the big file are inodes too */
    is_eq(unlink("m/f0"), 0);
    is_eq(mkdir("m/d", 0700), 0);
    touch("out");
    is_errno(rename("out", "m/out"), EXDEV);
    is_errno(link("out", "m/out"), EXDEV);
    is_errno(umount("m"), EBUSY); /* big is open */
    is_errno(rmdir("m"), EBUSY);
    close(fd);
    is_eq(umount("m"), 0);
    mounted = 0;
    done();
}
