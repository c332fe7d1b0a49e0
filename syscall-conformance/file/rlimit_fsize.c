/* setrlimit(2) RLIMIT_FSIZE: attempts to extend a file beyond this limit result in SIGXFSZ and
 * EFBIG; a write that begins below the limit is cut short. */
#include "tmp.h"
#include <sys/resource.h>

int main(void)
{
    struct rlimit rl = {100, 100};
    static char buf[200];
    int fd;

    tmp_enter();
    fd = file_with("f", "");
    catch_signal(SIGXFSZ, SA_RESTART);
    must(setrlimit(RLIMIT_FSIZE, &rl));
    is_eq(write(fd, buf, 60), 60);
    is_eq(write(fd, buf, 60), 40);
    is_eq(caught, 0);
    is_errno(write(fd, buf, 1), EFBIG);
    is_eq(caught, 1);
    is_errno(ftruncate(fd, 101), EFBIG);
    is_eq(caught, 2);
    is_errno(pwrite(fd, buf, 1, 500), EFBIG);
    is_eq(caught, 3);
    is_eq(ftruncate(fd, 50), 0);
    is_eq(pwrite(fd, buf, 200, 0), 100);
    is_eq(size_of("f"), 100);
    is_eq(caught, 3);
    done();
}
