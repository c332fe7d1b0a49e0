/* pselect(2): the mask is in force while waiting; EINTR even with SA_RESTART, and the sets are then
 * as they were. */
#include "../signal/sig.h"
#include <sys/select.h>

int main(void)
{
    int p[2];
    fd_set r;
    sigset_t none = set_of(0);
    struct timespec bad = {0, -1}, ts = {0, 1000000};
    struct {
        void *set;
        size_t size;
    } arg = {&none, 4};

    if (pipe(p) < 0)
        return 1;
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    install(SIGUSR1, record, SA_RESTART);
    block(SIGUSR1);
    kill(getpid(), SIGUSR1);
    is_eq(pselect(0, NULL, NULL, NULL, &ts, NULL), 0);
    is_eq(hits, 0);
    is_errno(pselect(p[0] + 1, &r, NULL, NULL, NULL, &none), EINTR);
    is_eq(hits, 1);
    ok(is_blocked(SIGUSR1), "the old mask is back");
    ok(FD_ISSET(p[0], &r), "the set is as it was");
    pid_t pid = start_poker(SIGUSR1);
    is_errno(pselect(p[0] + 1, &r, NULL, NULL, NULL, &none), EINTR);
    stop_poker(pid);
    is_eq(hits, 2);
    is_errno(pselect(0, NULL, NULL, NULL, &bad, NULL), EINVAL);
    is_errno(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, &arg), EINVAL);
    is_errno(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, BAD_PTR), EFAULT);
    arg.set = BAD_PTR;
    arg.size = 8;
    is_errno(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, &arg), EFAULT);
    arg.set = NULL;
    arg.size = 3;
    is_eq(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, &arg), 0);
    unblock(SIGUSR1);
    pid = start_poker(SIGUSR1);
    is_errno(select(p[0] + 1, &r, NULL, NULL, NULL), EINTR);
    stop_poker(pid);
    done();
}
