/* proc(5): /proc/PID/exe is a symbolic link to the executed file and can be opened. */
#include "child.h"

int main(int argc, char **argv)
{
    char link[4096], magic[4] = "";
    struct stat a = {0}, b = {0};

    (void)argc, (void)argv;
    ssize_t n = readlink("/proc/self/exe", link, sizeof(link) - 1);
    ok(n > 0 && link[0] == '/', "an absolute path");
    link[n > 0 ? n : 0] = 0;
    ok(stat(link, &a) == 0 && stat("/proc/self/exe", &b) == 0, "both can be examined");
    ok(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "the same file");
    int fd = open("/proc/self/exe", O_RDONLY);
    ok(read(fd, magic, 4) == 4 && !memcmp(magic, "\177ELF", 4), "an ELF file");
    ok(lstat("/proc/self/exe", &a) == 0 && S_ISLNK(a.st_mode), "a symbolic link");
    is_errno(readlink("/proc/self/exe", link, 0), EINVAL);
    done();
}
