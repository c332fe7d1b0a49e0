/* signalfd(2): every field of struct signalfd_siginfo, for each way a signal can come about. */
#include "../signal/sig.h"
#include <mqueue.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>

static int fd;

static const char *who(uint32_t pid)
{
    return pid == (uint32_t)getpid() ? "self" : pid ? "other" : "0";
}

static void show(const char *what)
{
    struct signalfd_siginfo i;
    struct pollfd p = {fd, POLLIN, 0};

    memset(&i, 0xaa, sizeof(i));
    if (poll(&p, 1, 5000) != 1 || read(fd, &i, sizeof(i)) != sizeof(i)) {
        ok(0, "%s: no signal", what);
        return;
    }
    int pad = 0;
    for (size_t k = 0; k < sizeof(i.__pad); k++)
        pad |= i.__pad[k];
    ok(1,
       "%s: signo %u errno %d code %d pid %s uid %u fd %d tid %u band %#x overrun %u trapno %u "
       "status "
       "%d int %d ptr %#lx addr %#lx lsb %u syscall %d call %#lx arch %#x pad %d",
       what, i.ssi_signo, i.ssi_errno, i.ssi_code, who(i.ssi_pid), i.ssi_uid, i.ssi_fd, i.ssi_tid,
       i.ssi_band, i.ssi_overrun, i.ssi_trapno, i.ssi_status, i.ssi_int, (unsigned long)i.ssi_ptr,
       (unsigned long)i.ssi_addr, i.ssi_addr_lsb, i.ssi_syscall, (unsigned long)i.ssi_call_addr,
       i.ssi_arch, pad);
}

static pid_t child(int how)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (how == 0)
            _exit(3);
        if (how == 1)
            raise(SIGKILL);
        raise(SIGSTOP);
        _exit(4);
    }
    return pid;
}

static void children(void)
{
    pid_t pid = child(0);

    show("child exits");
    waitpid(pid, NULL, 0);
    pid = child(1);
    show("child is killed");
    waitpid(pid, NULL, 0);
    pid = child(2);
    show("child stops");
    kill(pid, SIGCONT);
    show("child goes on");
    while (waitpid(pid, NULL, 0) != pid)
        ;
    struct signalfd_siginfo rest;
    while (read(fd, &rest, sizeof(rest)) > 0)
        ;
}

static void queued(int sig, int code, long value)
{
    siginfo_t info = {.si_signo = sig, .si_code = code};

    info.si_pid = 1234;
    info.si_uid = 7;
    info.si_value.sival_ptr = (void *)value;
    info.si_errno = 5;
    syscall(SYS_rt_sigqueueinfo, getpid(), sig, &info);
}

static void timers(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct itimerspec t = {.it_value = {0, 1000000}};
    timer_t id;

    ev.sigev_value.sival_int = 42;
    if (timer_create(CLOCK_MONOTONIC, &ev, &id) || timer_settime(id, 0, &t, NULL))
        ok(0, "timer");
    show("timer");
    timer_delete(id);
    struct itimerval v = {.it_value = {0, 1000}};
    setitimer(ITIMER_REAL, &v, NULL);
    show("alarm");
}

static void files(void)
{
    int s[2], m;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
        exit(2);
    dup2(s[0], 50);
    fcntl(50, F_SETOWN, getpid());
    fcntl(50, F_SETSIG, SIGRTMIN + 2);
    fcntl(50, F_SETFL, O_ASYNC);
    if (write(s[1], "x", 1) != 1)
        exit(2);
    show("F_SETSIG");
    fcntl(50, F_SETSIG, 0);
    if (write(s[1], "x", 1) != 1)
        exit(2);
    show("SIGIO");
    fcntl(50, F_SETFL, 0);
    send(s[1], "!", 1, MSG_OOB);
    show("SIGURG");
    struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 8};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
    ev.sigev_value.sival_int = 43;
    m = mq_open("/conf.sources", O_CREAT | O_RDWR, 0600, &attr);
    mq_unlink("/conf.sources");
    mq_notify(m, &ev);
    mq_send(m, "x", 1, 0);
    show("mq_notify");
    shutdown(s[1], SHUT_WR);
    if (write(s[1], "x", 1) >= 0)
        exit(2);
    show("SIGPIPE");
}

int main(void)
{
    sigset_t all;
    union sigval v = {.sival_ptr = (void *)0x123456789aUL};

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    fd = signalfd(-1, &all, SFD_NONBLOCK);
    kill(getpid(), SIGUSR1);
    show("kill");
    raise(SIGUSR1);
    show("tgkill");
    kill(getpid(), SIGSEGV);
    show("kill SIGSEGV");
    kill(getpid(), SIGCHLD);
    show("kill SIGCHLD");
    kill(getpid(), SIGSYS);
    show("kill SIGSYS");
    sigqueue(getpid(), SIGRTMIN, v);
    show("sigqueue");
    sigqueue(getpid(), SIGUSR2, v);
    show("sigqueue SIGUSR2");
    static const int codes[] = {SI_QUEUE, SI_TIMER, SI_MESGQ, SI_ASYNCIO, SI_SIGIO, SI_TKILL,
                                -60,      1,        2,        4,          0x80};
    static const int sigs[] = {SIGUSR1, SIGSEGV, SIGCHLD, SIGIO, SIGSYS, SIGTRAP, SIGBUS, SIGFPE};
    for (size_t s = 0; s < sizeof(sigs) / sizeof(sigs[0]); s++)
        for (size_t c = 0; c < sizeof(codes) / sizeof(codes[0]); c++) {
            char name[40];
            snprintf(name, sizeof(name), "rt_sigqueueinfo %d %d", sigs[s], codes[c]);
            queued(sigs[s], codes[c], 0x1122334455667788);
            show(name);
        }
    children();
    timers();
    files();
    done();
}
