/* getrlimit(2) RLIMIT_FSIZE: growing a file beyond it sends SIGXFSZ and fails with EFBIG. */
#include "child.h"
#include <sys/resource.h>

static void ignoring(void)
{
    struct rlimit lim = {10, 10};
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);

    signal(SIGXFSZ, SIG_IGN);
    check(setrlimit(RLIMIT_FSIZE, &lim) == 0, 1);
    check(write(fd, "0123456789abc", 13) == 10, 2);
    check(write(fd, "d", 1) == -1 && errno == EFBIG, 3);
    check(ftruncate(fd, 11) == -1 && errno == EFBIG, 4);
    check(pwrite(fd, "x", 1, 3) == 1, 5);
    check(ftruncate(fd, 2) == 0, 6);
}

static void dying(void)
{
    struct rlimit lim = {4, 4}, none = {0, 0};
    int fd = open("g", O_RDWR | O_CREAT | O_TRUNC, 0600);

    signal(SIGXFSZ, SIG_DFL);
    setrlimit(RLIMIT_CORE, &none);
    check(setrlimit(RLIMIT_FSIZE, &lim) == 0, 1);
    check(pwrite(fd, "x", 1, 4) == -1, 2);
}

int main(void)
{
    enter_scratch();
    is_eq(in_child(ignoring), 0);
    ok(killed_by(in_child(dying), SIGXFSZ), "SIGXFSZ kills by default");
    done();
}
