/* sigqueue(3): SI_QUEUE, the sender and a value arrive; EINVAL, ESRCH as for kill. */
#include "sig.h"

int main(void)
{
    union sigval value = {.sival_ptr = (void *)0x123456789abcdef0};

    install(SIGRTMIN, record, 0);
    is_eq(sigqueue(getpid(), SIGRTMIN, value), 0);
    is_eq(hits, 1);
    is_eq(last_info.si_code, SI_QUEUE);
    ok(last_info.si_value.sival_ptr == value.sival_ptr, "si_value");
    ok(last_info.si_pid == getpid() && last_info.si_uid == getuid(), "sender");
    is_eq(sigqueue(getpid(), 0, value), 0);
    is_errno(sigqueue(getpid(), 65, value), EINVAL);
    is_errno(sigqueue(0x3ffffff, SIGRTMIN, value), ESRCH);
    siginfo_t fake = {.si_signo = SIGRTMIN, .si_code = SI_USER};
    is_errno(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &fake), EPERM);
    fake.si_code = SI_TKILL;
    is_errno(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &fake), EPERM);
    is_eq(hits, 1);
    done();
}
