/* tmpfs(5): size, nr_inodes, mode, uid and gid of a mount. */
#include "mnt.h"

static long fill(const char *name)
{
    static char page[4096];
    int fd = must(open(name, O_CREAT | O_WRONLY, 0600));
    long n = 0;
    ssize_t w;

    while ((w = write(fd, page, sizeof(page))) > 0)
        n += w;
    close(fd);
    return w < 0 && errno == ENOSPC ? n : -1;
}

int main(void)
{
    struct statfs s;
    struct stat st;

    mnt_enter();
    dir("m");
    is_eq(mount("x", "m", "tmpfs", 0, "size=16k,nr_inodes=5,mode=750,uid=5,gid=6"), 0);
    must(stat("m", &st));
    ok((st.st_mode & 07777) == 0750 && st.st_uid == 5 && st.st_gid == 6, "mode and owner");
    must(statfs("m", &s));
    is_eq(s.f_blocks, 4);
    is_eq(s.f_files, 5);
    is_eq(s.f_ffree, 4);
    is_eq(s.f_type, 0x01021994);
    is_eq(fill("m/f"), 16384);
    touch("m/1");
    touch("m/2");
    touch("m/3");
    is_errno(open("m/4", O_CREAT | O_WRONLY, 0600), ENOSPC);
    is_errno(mkdir("m/4", 0700), ENOSPC);
    must(unlink("m/f"));
    is_eq(fill("m/g"), 16384);
    is_eq(umount2("m", 0), 0);
    is_eq(mount("x", "m", "tmpfs", 0, "nr_blocks=3"), 0);
    must(statfs("m", &s));
    is_eq(s.f_blocks, 3);
    must(stat("m", &st));
    is_eq(st.st_mode & 07777, 01777);
    is_eq(umount2("m", 0), 0);
    is_eq(mount("x", "m", "tmpfs", 0, "size=5000"), 0);
    must(statfs("m", &s));
    is_eq(s.f_blocks, 2);
    ok(has_option("m", "size=8k") == 1, "mountinfo shows the size");
    is_eq(umount2("m", 0), 0);
    is_eq(mount("x", "m", "tmpfs", 0, "huge=never"), 0);
    is_eq(umount2("m", 0), 0);
    is_eq(mount("x", "m", "tmpfs", MS_RDONLY, "mode=0"), 0);
    is_errno(mkdir("m/d", 0700), EROFS);
    is_eq(umount2("m", 0), 0);
    is_eq(mount("y", "m", "ramfs", 0, "whatever=1"), 0);
    must(statfs("m", &s));
    is_eq(s.f_type, 0x858458f6);
    is_eq(umount2("m", 0), 0);
    done();
}
