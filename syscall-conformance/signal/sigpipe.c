/* pipe(7): writing to a pipe nobody reads sends SIGPIPE, and gives EPIPE when that is ignored. */
#include "sig.h"
#include <sys/socket.h>

static void dies(void)
{
    int p[2];

    signal(SIGPIPE, SIG_DFL);
    check(pipe(p) == 0 && close(p[0]) == 0, 1);
    check(write(p[1], "x", 1) == 1, 2);
}

int main(void)
{
    int p[2], s[2];

    ok(killed_by(in_child(dies), SIGPIPE), "killed by default");
    install(SIGPIPE, record, 0);
    if (pipe(p) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
        return 1;
    close(p[0]);
    close(s[0]);
    is_errno(write(p[1], "x", 1), EPIPE);
    is_eq(hits, 1);
    is_eq(last_info.si_code, SI_USER);
    is_errno(write(s[1], "x", 1), EPIPE);
    is_eq(hits, 2);
    is_errno(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    is_eq(hits, 2);
    is_eq(write(p[1], "", 0), 0);
    signal(SIGPIPE, SIG_IGN);
    is_errno(write(p[1], "x", 1), EPIPE);
    done();
}
