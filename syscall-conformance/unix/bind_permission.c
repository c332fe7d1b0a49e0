/* unix(7): connecting needs write permission on the socket, making one needs it on the directory:
 * EACCES; abstract names have no permissions. */
#include "unix.h"

static const char *abstract;

static void other_user(void)
{
    become_nobody();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    check(connect_to(fd, "sock") == -1 && errno == EACCES, 1);
    check(connect_to(fd, "open") == 0, 2);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    check(bind_to(fd, "mine") == -1 && errno == EACCES, 3);
    check(bind_to(fd, "sock") == -1 && (errno == EADDRINUSE || errno == EACCES), 4);
    check(connect_to(fd, abstract) == 0, 5);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    check(connect_to(fd, "closed/sock") == -1 && errno == EACCES, 6);
}

int main(void)
{
    enter_scratch();
    listener(SOCK_STREAM, "sock", 5);
    is_eq(chmod("sock", 0700), 0);
    listener(SOCK_STREAM, "open", 5);
    is_eq(chmod("open", 0722), 0);
    abstract = own_name("p");
    listener(SOCK_STREAM, abstract, 5);
    is_eq(mkdir("closed", 0700), 0);
    listener(SOCK_STREAM, "closed/sock", 5);
    if (geteuid() == 0)
        ok(exited_with(in_child(other_user), 0), "another user");
    else
        skip("needs two users");
    done();
}
