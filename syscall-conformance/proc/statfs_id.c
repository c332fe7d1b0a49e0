/* statfs(2): f_fsid is not 0; without an identity of its own a file system's is its device. */
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "shape.h"

static void is_device(const char *path)
{
    struct statfs fs = {0};
    struct stat st = {0};

    ok(!statfs(path, &fs) && !stat(path, &st), "%s is there", path);
    unsigned int dev =
        (minor(st.st_dev) & 0xff) | major(st.st_dev) << 8 | (minor(st.st_dev) & ~0xffU) << 12;
    ok((unsigned int)fs.f_fsid.__val[0] == dev && !fs.f_fsid.__val[1], "%s: of its device", path);
}

int main(void)
{
    struct statfs fs;
    int p[2] = {-1, -1};

    is_device("/proc");
    is_device("/dev/pts");
    ok(!statfs("/", &fs) && (fs.f_fsid.__val[0] || fs.f_fsid.__val[1]), "the root has one");
    ok(!statfs("/dev/shm", &fs) && (fs.f_fsid.__val[0] || fs.f_fsid.__val[1]), "a tmpfs has one");
    ok(!pipe(p) && !fstatfs(p[0], &fs) && fs.f_fsid.__val[0], "pipes have one");
    done();
}
