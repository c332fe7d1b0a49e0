/* fcntl(2) O_ASYNC: the owner gets SIGIO, or the signal of F_SETSIG with the descriptor in its
 * siginfo, when data arrives. */
#include "../signal/sig.h"

int main(void)
{
    int p[2];
    struct f_owner_ex ex = {F_OWNER_TID, 0};
    char c;

    if (pipe(p) < 0)
        return 1;
    is_eq(fcntl(p[0], F_GETOWN), 0);
    is_eq(fcntl(p[0], F_GETSIG), 0);
    is_errno(fcntl(p[0], F_SETOWN, 0x3fffffff), ESRCH);
    is_errno(fcntl(p[0], F_SETSIG, 65), EINVAL);
    is_errno(fcntl(p[0], F_SETSIG, -1), EINVAL);
    is_eq(fcntl(p[0], F_SETOWN, getpid()), 0);
    is_eq(fcntl(p[0], F_GETOWN) == getpid(), 1);
    is_eq(fcntl(p[0], F_GETOWN_EX, &ex), 0);
    is_eq(ex.type, F_OWNER_PID);
    is_eq(ex.pid == getpid(), 1);
    install(SIGIO, record, 0);
    is_eq(write(p[1], "1", 1), 1);
    is_eq(hits, 0);
    is_eq(fcntl(p[0], F_SETFL, O_ASYNC), 0);
    is_eq(fcntl(p[0], F_GETFL), O_RDONLY | O_ASYNC);
    is_eq(read(p[0], &c, 1), 1);
    is_eq(write(p[1], "2", 1), 1);
    is_eq(hits, 1);
    is_eq(last_sig, SIGIO);

    is_eq(read(p[0], &c, 1), 1);
    install(SIGRTMIN + 2, record, 0);
    is_eq(fcntl(p[0], F_SETSIG, SIGRTMIN + 2), 0);
    is_eq(fcntl(p[0], F_GETSIG) == SIGRTMIN + 2, 1);
    is_eq(write(p[1], "3", 1), 1);
    is_eq(hits, 2);
    is_eq(last_sig == SIGRTMIN + 2, 1);
    is_eq(last_info.si_fd, p[0]);
    is_eq(last_info.si_code, 1); /* POLL_IN */
    is_eq(last_info.si_band & 0x41, 0x41);
    is_eq(fcntl(p[0], F_SETFL, 0), 0);
    is_eq(write(p[1], "4", 1), 1);
    is_eq(hits, 2);
    done();
}
