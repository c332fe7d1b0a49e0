/* fork(2): the child's descriptors refer to the same open file descriptions: the offset is shared.
 */
#include "child.h"

static int fd;

static void child(void)
{
    check(lseek(fd, 0, SEEK_CUR) == 3, 1);
    check(write(fd, "de", 2) == 2, 2);
    check(fcntl(fd, F_SETFL, O_APPEND) == 0, 3);
    close(fd);
}

int main(void)
{
    enter_scratch();
    fd = open("f", O_RDWR | O_CREAT, 0600);
    ok(write(fd, "abc", 3) == 3, "parent writes");
    ok(exited_with(in_child(child), 0), "child wrote at the parent's offset");
    is_eq(lseek(fd, 0, SEEK_CUR), 5);
    ok(fcntl(fd, F_GETFL) & O_APPEND, "status flags are shared too");
    done();
}
