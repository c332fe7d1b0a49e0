/* pidfd_open(2), PIDFD_THREAD: a descriptor of one thread; what it says, when, and whom signals
 * sent through it reach. */
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#define THREAD O_EXCL

static void must(long r)
{
    if (r < 0)
        _exit(99);
}

static int ready[2], go[2];
static volatile pid_t tid;
static pthread_t main_thread;
static volatile int got_thread, got_other, last_code;

static void handler(int sig, siginfo_t *info, void *ctx)
{
    (void)sig, (void)ctx;
    last_code = info->si_code;
    if (pthread_equal(pthread_self(), main_thread))
        got_other++;
    else
        got_thread++;
}

static void *thread(void *arg)
{
    char c;

    tid = (pid_t)syscall(SYS_gettid);
    (void)!write(ready[1], "x", 1);
    while (read(go[0], &c, 1) < 0)
        ;
    return arg;
}

static int popen_(pid_t pid, unsigned int flags)
{
    return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int send_to(int fd, int sig, unsigned int flags)
{
    return (int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, flags);
}

static int events(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};

    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

/* How often each was reached by a signal sent so. */
static void reached(int fd, unsigned int flags, const char *what)
{
    got_thread = got_other = 0;
    int r = send_to(fd, SIGUSR1, flags);
    while (!r && !got_thread && !got_other)
        sched_yield();
    printf("# %s\n", what);
    is_eq(r, 0);
    ok(got_thread + got_other == 1, "once");
}

static void child(void)
{
    siginfo_t info;
    pid_t pid = fork();

    if (pid == 0)
        pause();
    int fd = popen_(pid, THREAD), plain = popen_(pid, 0);
    is_eq(fcntl(fd, F_GETFL) & THREAD, THREAD);
    is_eq(fcntl(plain, F_GETFL) & THREAD, 0);
    is_eq(events(fd), 0);
    is_eq(send_to(fd, SIGKILL, 0), 0);
    is_eq(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT), 0);
    is_eq(info.si_pid == pid, 1);
    is_eq(events(fd), POLLIN);
    is_eq(events(plain), POLLIN);
    is_eq(send_to(fd, 0, 0), 0);
    is_eq(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
    is_eq(info.si_status, SIGKILL);
    is_eq(events(fd), POLLIN | POLLHUP);
    is_eq(events(plain), POLLIN | POLLHUP);
    is_errno(send_to(fd, 0, 0), ESRCH);
    is_errno(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
}

static int bare_thread(void *arg)
{
    char c;

    (void)arg;
    return (int)read(go[0], &c, 1);
}

/* clone(2) gives one of the thread that it makes. */
static void cloned(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    int fd = -1;

    is_eq(clone(bare_thread, stack + sizeof(stack),
                CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                    CLONE_PIDFD,
                NULL, &fd) > 0,
          1);
    is_eq(fcntl(fd, F_GETFL) & THREAD, THREAD);
    is_eq(events(fd), 0);
    must(write(go[1], "x", 1));
    while (events(fd) != (POLLIN | POLLHUP))
        sched_yield();
    is_errno(send_to(fd, 0, 0), ESRCH);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    siginfo_t info;
    pthread_t t;
    char c;

    alarm(20);
    main_thread = pthread_self();
    sigaction(SIGUSR1, &sa, NULL);
    must(pipe(ready) | pipe(go));
    must(pthread_create(&t, NULL, thread, NULL) ? -1 : 0);
    must(read(ready[0], &c, 1));

    is_errno(popen_(tid, 0), ENOENT);
    is_errno(popen_(getpid(), 1), EINVAL);
    int fd = popen_(tid, THREAD), self = popen_(getpid(), 0);
    int leader = popen_(getpid(), THREAD | O_NONBLOCK);
    ok(fd >= 0 && self >= 0 && leader >= 0, "opened");
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    is_eq(events(fd), 0);

    reached(fd, 0, "a thread's descriptor");
    is_eq(got_thread, 1);
    is_eq(last_code, SI_TKILL);
    reached(fd, 1, "for the thread");
    is_eq(got_thread, 1);
    reached(fd, 2, "for its group");
    is_eq(last_code, SI_USER);
    reached(self, 1, "the leader by a process's descriptor");
    is_eq(got_other, 1);
    is_eq(last_code, SI_TKILL);
    reached(leader, 0, "the leader by its own");
    is_eq(got_other, 1);
    is_eq(last_code, SI_TKILL);
    is_errno(send_to(fd, 0, 4), ESRCH);
    is_errno(send_to(fd, 0, 3), EINVAL);
    is_errno(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
    int got = (int)syscall(SYS_pidfd_getfd, fd, ready[1], 0);
    is_eq(write(got, "y", 1), 1);
    is_eq(read(ready[0], &c, 1), 1);

    must(write(go[1], "x", 1));
    must(pthread_join(t, NULL) ? -1 : 0);
    struct pollfd p = {fd, POLLIN, 0};
    is_eq(poll(&p, 1, 10000), 1);
    while (events(fd) == POLLIN) /* it is on its way */
        sched_yield();
    is_eq(events(fd), POLLIN | POLLHUP);
    is_errno(send_to(fd, 0, 0), ESRCH);
    is_errno(syscall(SYS_pidfd_getfd, fd, ready[1], 0), ESRCH);
    is_eq(events(self), 0);
    cloned();
    child();
    done();
}
