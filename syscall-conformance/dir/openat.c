/* openat(2) and its kin: relative to a directory descriptor, absolute names ignore it; EBADF,
 * ENOTDIR; openat2's RESOLVE_ flags keep a lookup inside. */
#include "../tmp.h"
#include <linux/openat2.h>

static long open2(int dir, const char *name, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .resolve = resolve};

    return syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

int main(void)
{
    struct open_how how = {.flags = O_RDONLY};
    struct stat st;

    tmp_enter();
    must(mkdir("d", 0700));
    must(mkdir("d/sub", 0700));
    close(file_with("d/f", "x"));
    close(file_with("out", "x"));
    int dir = open("d", O_RDONLY | O_DIRECTORY), file = open("out", O_RDONLY);
    int path = open("d", O_PATH);
    ok(openat(dir, "f", O_RDONLY) >= 0, "relative to a descriptor");
    ok(openat(path, "f", O_RDONLY) >= 0, "of O_PATH as well");
    is_errno(openat(dir, "out", O_RDONLY), ENOENT);
    ok(openat(dir, "../out", O_RDONLY) >= 0, "dot dot leaves it");
    ok(openat(99, tmp_path, O_RDONLY) >= 0, "absolute names ignore it");
    is_errno(openat(99, "f", O_RDONLY), EBADF);
    is_errno(openat(file, "f", O_RDONLY), ENOTDIR);
    is_errno(openat(dir, "", O_RDONLY), ENOENT);
    is_eq(fstatat(dir, "", &st, AT_EMPTY_PATH), 0);
    is_eq(S_ISDIR(st.st_mode), 1);
    is_eq(fstatat(file, "", &st, AT_EMPTY_PATH), 0);
    is_errno(fstatat(dir, "", &st, 0), ENOENT);
    is_errno(fstatat(dir, "f", &st, 0x8000), EINVAL);

    must(symlink("f", "d/s"));
    must(symlink("../out", "d/up"));
    must(symlink("/", "d/root"));
    ok(open2(dir, "s", O_RDONLY, RESOLVE_BENEATH) >= 0, "beneath");
    ok(open2(dir, "sub/../f", O_RDONLY, RESOLVE_BENEATH) >= 0, "dot dot inside");
    is_errno(open2(dir, "../out", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    is_errno(open2(dir, "up", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    is_errno(open2(dir, "root", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    is_errno(open2(dir, "/", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    is_errno(open2(dir, "s", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
    ok(open2(dir, "f", O_RDONLY, RESOLVE_NO_SYMLINKS) >= 0, "no link, no harm");
    ok(open2(dir, "/f", O_RDONLY, RESOLVE_IN_ROOT) >= 0, "as if it were the root");
    ok(open2(dir, "../../f", O_RDONLY, RESOLVE_IN_ROOT) >= 0, "whose parent is itself");
    is_errno(open2(dir, "up", O_RDONLY, RESOLVE_IN_ROOT), ENOENT);
    is_errno(open2(dir, "/proc/self/exe", O_RDONLY, RESOLVE_NO_XDEV), EXDEV);
    is_errno(open2(AT_FDCWD, "/proc/self/exe", O_RDONLY, RESOLVE_NO_MAGICLINKS), ELOOP);
    is_errno(open2(dir, "f", O_RDONLY, 0x1000), EINVAL);
    is_errno(open2(dir, "f", 1ULL << 40, 0), EINVAL);
    is_errno(open2(dir, "f", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT), EINVAL);
    how.mode = 0600;
    is_errno(syscall(SYS_openat2, dir, "f", &how, sizeof(how)), EINVAL);
    is_errno(syscall(SYS_openat2, dir, "f", &how, 8), EINVAL);
    is_errno(syscall(SYS_openat2, dir, "f", BAD_PTR, sizeof(how)), EFAULT);
    struct {
        struct open_how h;
        uint64_t more;
    } longer = {{.flags = O_RDONLY}, 0};
    ok(syscall(SYS_openat2, dir, "f", &longer, sizeof(longer)) >= 0, "longer but zero");
    longer.more = 1;
    is_errno(syscall(SYS_openat2, dir, "f", &longer, sizeof(longer)), E2BIG);
    done();
}
