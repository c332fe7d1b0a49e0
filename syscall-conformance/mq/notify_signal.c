/* mq_notify(3): one signal when a message comes to an empty queue that nobody waits for. */
#include "mq.h"

static siginfo_t got;

static void handler(int sig, siginfo_t *info, void *ctx)
{
    (void)sig, (void)ctx;
    got = *info;
    caught++;
}

int main(void)
{
    mqd_t q = mq_new(4, 8, 0);
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    char buf[8];
    int status;

    must(sigaction(SIGUSR1, &sa, NULL));
    ev.sigev_value.sival_int = 77;
    is_errno(mq_notify(-1, &ev), EBADF);
    is_errno(mq_notify(1, &ev), EBADF);
    ev.sigev_signo = 65;
    is_errno(mq_notify(q, &ev), EINVAL);
    ev.sigev_notify = 9;
    is_errno(mq_notify(q, &ev), EINVAL);
    ev.sigev_notify = SIGEV_SIGNAL, ev.sigev_signo = SIGUSR1;
    is_errno(syscall(SYS_mq_notify, -1, BAD_PTR), EFAULT);
    is_eq(mq_notify(q, &ev), 0);
    is_errno(mq_notify(q, &ev), EBUSY);
    is_eq(mq_send(q, "a", 1, 0), 0);
    is_eq(caught, 1);
    ok(got.si_code == SI_MESGQ && got.si_value.sival_int == 77 && got.si_pid == getpid() &&
           got.si_uid == getuid(),
       "what the signal tells");
    is_eq(mq_notify(q, &ev), 0);
    is_eq(mq_send(q, "b", 1, 0), 0);
    is_eq(caught, 1); /* it was not empty */
    must(mq_receive(q, buf, 8, NULL));
    must(mq_receive(q, buf, 8, NULL));
    is_eq(mq_notify(q, NULL), 0);
    is_eq(mq_notify(q, NULL), 0);
    is_eq(mq_send(q, "c", 1, 0), 0);
    is_eq(caught, 1);
    must(mq_receive(q, buf, 8, NULL));
    ev.sigev_notify = SIGEV_NONE;
    is_eq(mq_notify(q, &ev), 0);
    is_errno(mq_notify(q, &ev), EBUSY);
    pid_t pid = (pid_t)must(fork());
    if (!pid)
        _exit(errno_of(mq_notify(q, &ev)) != EBUSY || mq_notify(q, NULL) ||
              errno_of(mq_notify(q, &ev)) != EBUSY);
    must(waitpid(pid, &status, 0));
    is_eq(status, 0);
    mqd_t other = (mqd_t)must(mq_open(mq_name, O_RDONLY));
    must(mq_close(other)); /* any descriptor of the process */
    is_eq(mq_notify(q, &ev), 0);
    done();
}
