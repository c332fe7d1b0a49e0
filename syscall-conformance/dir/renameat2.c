/* renameat2(2): RENAME_NOREPLACE fails with EEXIST, RENAME_EXCHANGE swaps two names of any kind;
 * other combinations are EINVAL. */
#include "../tmp.h"
#include <linux/fs.h>

static long rn2(const char *a, const char *b, unsigned int flags)
{
    return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

int main(void)
{
    tmp_enter();
    close(file_with("a", "A"));
    close(file_with("b", "B"));
    is_errno(rn2("a", "b", RENAME_NOREPLACE), EEXIST);
    is_eq(rn2("a", "c", RENAME_NOREPLACE), 0);
    ok(!exists("a") && content_is("c", "A"), "moved");
    is_eq(rn2("b", "c", RENAME_EXCHANGE), 0);
    ok(content_is("b", "A") && content_is("c", "B"), "exchanged");
    is_eq(mkdir("d", 0700), 0);
    touch("d/in");
    is_eq(rn2("b", "d", RENAME_EXCHANGE), 0);
    ok(content_is("d", "A") && exists("b/in"), "a file and a directory");
    is_errno(rn2("b", "none", RENAME_EXCHANGE), ENOENT);
    is_errno(rn2("b", "b/in", RENAME_EXCHANGE), EINVAL);
    is_errno(rn2("b/in", "b", RENAME_EXCHANGE), EINVAL);
    is_errno(rn2("c", "d", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
    is_errno(rn2("c", "d", 0x100), EINVAL);
    is_errno(rn2("c", "c", RENAME_NOREPLACE), EEXIST);
    is_errno(rn2("none", "x", RENAME_NOREPLACE), ENOENT);
    int fd = open("b", O_RDONLY | O_DIRECTORY);
    is_eq(syscall(SYS_renameat2, fd, "in", AT_FDCWD, "out", 0), 0);
    ok(exists("out"), "relative to a descriptor");
    is_errno(syscall(SYS_renameat2, 99, "x", AT_FDCWD, "y", 0), EBADF);
    is_errno(syscall(SYS_renameat2, AT_FDCWD, "c", 99, "y", 0), EBADF);
    int file = open("c", O_RDONLY);
    is_errno(syscall(SYS_renameat2, file, "x", AT_FDCWD, "y", 0), ENOTDIR);
    done();
}
