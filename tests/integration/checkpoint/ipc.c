/*
 * Pipes, sockets, timers, terminals and what waits for them, before and after a checkpoint:
 * checkpoint_ipc.sh runs this, saves it while it waits for SHARED/go, and reads what it prints
 * afterwards. usage: ipc SHARED
 */
#include "ipc.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <termios.h>

int failures;

static int64_t call_ns(clockid_t clock)
{
    struct timespec ts;

    syscall(SYS_clock_gettime, clock, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* --- pipes --- */
static int plain[2], packets[2], large[2], fifo;

static void pipes_make(void)
{
    static char block[200000];

    expect(!pipe(plain) && writes(plain[1], "abcdef") && reads(plain[0], "abcdef"));
    expect(writes(plain[1], "ghi"));
    expect(!pipe2(packets, O_DIRECT | O_NONBLOCK));
    expect(writes(packets[1], "one") && writes(packets[1], "three"));
    expect(!pipe(large) && fcntl(large[1], F_SETPIPE_SZ, 262144) == 262144);
    memset(block, 'x', sizeof(block));
    block[199999] = 'y';
    expect(write(large[1], block, sizeof(block)) == sizeof(block));
    expect(!mkfifo("/tmp/fifo", 0600));
    fifo = open("/tmp/fifo", O_RDWR);
    expect(fifo >= 0 && writes(fifo, "first in"));
}

static void pipes_check(void)
{
    static char block[200001];

    expect(reads(plain[0], "ghi"));
    close(plain[1]);
    expect(reads(plain[0], "") && (revents(plain[0]) & POLLHUP));
    expect(reads(packets[0], "one") && reads(packets[0], "three"));
    expect(read(packets[0], block, 1) == -1 && errno == EAGAIN);
    expect(fcntl(large[0], F_GETPIPE_SZ) == 262144);
    expect(read(large[0], block, sizeof(block)) == 200000 && block[0] == 'x' &&
           block[199999] == 'y');
    int again = open("/tmp/fifo", O_RDONLY | O_NONBLOCK);
    expect(reads(again, "first in"));
    close(fifo);
    expect(reads(again, ""));
}

/* --- eventfd, signalfd, epoll --- */
static int event, semaphore, signals, set, outer, edge_pipe[2], once;
static void ignore(int sig)
{
}

static void watch(int ep, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {.events = events, .data.u64 = data};

    expect(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
}

static uint64_t waits(int ep, uint32_t *events)
{
    struct epoll_event e;

    if (epoll_wait(ep, &e, 1, 0) != 1)
        return 0;
    if (events)
        *events = e.events;
    return e.data.u64;
}

static void events_make(void)
{
    sigset_t mask;

    event = eventfd(7, EFD_NONBLOCK);
    semaphore = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signals = signalfd(-1, &mask, SFD_NONBLOCK);
    set = epoll_create1(0);
    outer = epoll_create1(0);
    once = eventfd(1, 0);
    expect(!pipe(edge_pipe) && writes(edge_pipe[1], "edge"));
    watch(set, edge_pipe[0], EPOLLIN | EPOLLET, 100);
    expect(waits(set, NULL) == 100 && waits(set, NULL) == 0);
    watch(set, once, EPOLLIN | EPOLLONESHOT, 200);
    expect(waits(set, NULL) == 200 && waits(set, NULL) == 0);
    watch(set, signals, EPOLLIN, 0xfeedfacecafebeef);
    watch(outer, set, EPOLLIN, 400);
    expect(waits(outer, NULL) == 0);
}

static void events_check(void)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = 201};
    struct signalfd_siginfo si;
    uint64_t v;

    expect(waits(outer, NULL) == 0 && waits(set, NULL) == 0);
    expect(writes(edge_pipe[1], "more") && waits(outer, NULL) == 400);
    expect(waits(set, NULL) == 100 && waits(set, NULL) == 0);
    kill(getpid(), SIGUSR2);
    expect(waits(outer, NULL) == 400 && waits(set, NULL) == 0xfeedfacecafebeef);
    expect(read(signals, &si, sizeof(si)) == sizeof(si) && si.ssi_signo == SIGUSR2);
    expect(!epoll_ctl(set, EPOLL_CTL_MOD, once, &e) && waits(set, NULL) == 201);
    expect(read(event, &v, 8) == 8 && v == 7 && read(event, &v, 8) == -1 && errno == EAGAIN);
    expect(read(semaphore, &v, 8) == 8 && v == 1 && read(semaphore, &v, 8) == 8 && v == 1);
}

/* --- inotify --- */
static int notify, wd_dir;

static void inotify_make(void)
{
    mkdir("/tmp/watched", 0700);
    notify = inotify_init1(IN_NONBLOCK);
    wd_dir = inotify_add_watch(notify, "/tmp/watched", IN_CREATE | IN_DELETE);
    close(open("/tmp/watched/before", O_CREAT | O_WRONLY, 0600));
}

static bool notified(uint32_t mask, const char *name)
{
    union {
        struct inotify_event e;
        char bytes[512];
    } u;
    char one[64];

    snprintf(one, sizeof(one), "%s", name);
    ssize_t n = read(notify, &u, sizeof(u.e) + 16);
    return n == (ssize_t)(sizeof(u.e) + 16) && u.e.wd == wd_dir && u.e.mask == mask &&
           !strcmp(u.e.name, one);
}

static void inotify_check(void)
{
    expect(notified(IN_CREATE, "before"));
    unlink("/tmp/watched/before");
    expect(notified(IN_DELETE, "before"));
    expect(inotify_add_watch(notify, "/tmp/watched", IN_CREATE) == wd_dir);
    expect(inotify_add_watch(notify, "/tmp", IN_CREATE) > wd_dir);
}

/* --- timers and clocks --- */
static int timer_rel, timer_abs, timer_wall;
static timer_t posix_timer;
static int64_t mono_before, wall_before, boot_before;
static struct sysinfo info_before;

static void arm(int fd, clockid_t clock, int64_t in_ns, int64_t every_ns, bool absolute)
{
    int64_t at = in_ns + (absolute ? now_ns(clock) : 0);
    struct itimerspec v = {{every_ns / 1000000000, every_ns % 1000000000},
                           {at / 1000000000, at % 1000000000}};

    expect(!timerfd_settime(fd, absolute ? TFD_TIMER_ABSTIME : 0, &v, NULL));
}

static int64_t left_ns(int fd)
{
    struct itimerspec v;

    timerfd_gettime(fd, &v);
    return v.it_value.tv_sec * 1000000000LL + v.it_value.tv_nsec;
}

static void timers_make(void)
{
    struct itimerspec v = {{0, 0}, {100, 0}};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct itimerval it = {{0, 0}, {100, 0}}, prof = {{0, 0}, {50, 0}};

    ev.sigev_value.sival_int = 4711;
    timer_rel = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    timer_abs = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK);
    timer_wall = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    arm(timer_rel, CLOCK_MONOTONIC, 100000000000, 3000000000, false);
    arm(timer_abs, CLOCK_BOOTTIME, 100000000000, 0, true);
    arm(timer_wall, CLOCK_REALTIME, 100000000000, 0, true);
    expect(!timer_create(CLOCK_MONOTONIC, &ev, &posix_timer));
    expect(!timer_settime(posix_timer, 0, &v, NULL));
    expect(!setitimer(ITIMER_REAL, &it, NULL) && !setitimer(ITIMER_PROF, &prof, NULL));
    mono_before = now_ns(CLOCK_MONOTONIC);
    boot_before = now_ns(CLOCK_BOOTTIME);
    wall_before = now_ns(CLOCK_REALTIME);
    sysinfo(&info_before);
}

static bool ordered(clockid_t clock)
{
    for (int i = 0; i < 1000; i++) {
        int64_t a = now_ns(clock), b = call_ns(clock), c = now_ns(clock);
        if (a > b || b > c || c - a > 1000000000)
            return false;
    }
    return true;
}

static int64_t since(clockid_t clock, int64_t before)
{
    return now_ns(clock) - before;
}

/* The sandbox slept for at least two seconds of the wall clock between save and restore. */
static void timers_check(void)
{
    int64_t mono = now_ns(CLOCK_MONOTONIC) - mono_before;
    int64_t boot = now_ns(CLOCK_BOOTTIME) - boot_before;
    int64_t wall = now_ns(CLOCK_REALTIME) - wall_before;
    struct itimerspec v;
    struct itimerval it;
    struct sysinfo info;

    expect(mono > 0 && boot - mono < 100000000 && mono - boot < 100000000);
    expect(wall - mono > 2000000000 && wall - mono < 60000000000);
    expect(ordered(CLOCK_MONOTONIC) && ordered(CLOCK_BOOTTIME) && ordered(CLOCK_MONOTONIC_RAW) &&
           ordered(CLOCK_REALTIME));
    int64_t coarse = now_ns(CLOCK_MONOTONIC_COARSE), fine = now_ns(CLOCK_MONOTONIC);
    expect(coarse <= fine && fine - coarse < 1000000000);
    expect(llabs(left_ns(timer_rel) - (100000000000 - since(CLOCK_MONOTONIC, mono_before))) <
           1000000000);
    expect(llabs(left_ns(timer_abs) - (100000000000 - since(CLOCK_MONOTONIC, mono_before))) <
           1000000000);
    expect(llabs(left_ns(timer_wall) - (100000000000 - since(CLOCK_REALTIME, wall_before))) <
           1000000000);
    expect(!timer_gettime(posix_timer, &v) &&
           llabs(v.it_value.tv_sec * 1000000000LL + v.it_value.tv_nsec -
                 (100000000000 - since(CLOCK_MONOTONIC, mono_before))) < 1000000000);
    expect(!getitimer(ITIMER_REAL, &it) &&
           llabs(it.it_value.tv_sec - (100 - since(CLOCK_MONOTONIC, mono_before) / 1000000000)) <
               3);
    expect(!getitimer(ITIMER_PROF, &it) && it.it_value.tv_sec >= 45 && it.it_value.tv_sec <= 50);
    sysinfo(&info);
    expect(llabs(info.uptime - info_before.uptime -
                 since(CLOCK_MONOTONIC, mono_before) / 1000000000) < 3);
    arm(timer_abs, CLOCK_MONOTONIC, 20000000, 0, true);
    struct pollfd p = {.fd = timer_abs, .events = POLLIN};
    int64_t start = now_ns(CLOCK_MONOTONIC);
    expect(poll(&p, 1, 5000) == 1 && now_ns(CLOCK_MONOTONIC) - start >= 19000000);
    struct timespec at = {(start + 200000000) / 1000000000, (start + 200000000) % 1000000000};
    expect(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));
    int64_t slept = now_ns(CLOCK_MONOTONIC) - start;
    expect(slept >= 200000000 && slept < 3000000000);
    static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_condattr_t attr;
    pthread_cond_t cond;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&cond, &attr);
    start = now_ns(CLOCK_MONOTONIC);
    at = (struct timespec){(start + 50000000) / 1000000000, (start + 50000000) % 1000000000};
    pthread_mutex_lock(&m);
    expect(pthread_cond_timedwait(&cond, &m, &at) == ETIMEDOUT);
    slept = now_ns(CLOCK_MONOTONIC) - start;
    expect(slept >= 50000000 && slept < 3000000000);
}

/* --- processes, terminals --- */
static int alive_fd, zombie_fd, reaped_fd, master, slave;
static pid_t alive, zombie;

static pid_t child(int code)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (code < 0)
            for (;;)
                pause();
        _exit(code);
    }
    return pid;
}

static void processes_make(void)
{
    struct termios tio;
    struct winsize size = {33, 77, 0, 0};

    alive = child(-1);
    zombie = child(9);
    pid_t reaped = child(3);
    alive_fd = (int)syscall(SYS_pidfd_open, alive, 0);
    zombie_fd = (int)syscall(SYS_pidfd_open, zombie, 0);
    reaped_fd = (int)syscall(SYS_pidfd_open, reaped, 0);
    struct pollfd p = {.fd = zombie_fd, .events = POLLIN};
    expect(poll(&p, 1, 5000) == 1 && waitpid(reaped, NULL, 0) == reaped);
    master = posix_openpt(O_RDWR | O_NOCTTY);
    expect(master >= 0 && !grantpt(master) && !unlockpt(master));
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    expect(slave >= 0 && !tcgetattr(slave, &tio));
    tio.c_lflag &= ~(tcflag_t)ECHO;
    tio.c_cc[VINTR] = 7;
    expect(!tcsetattr(slave, TCSANOW, &tio) && !ioctl(slave, TIOCSWINSZ, &size));
    expect(writes(master, "line\nrest") && writes(slave, "out"));
}

static void processes_check(void)
{
    struct termios tio;
    struct winsize size;
    siginfo_t info;
    int status;

    expect(revents(alive_fd) == 0 && (revents(zombie_fd) & POLLIN) &&
           (revents(reaped_fd) & POLLIN));
    expect(syscall(SYS_pidfd_send_signal, reaped_fd, 0, NULL, 0) == -1 && errno == ESRCH);
    expect(!syscall(SYS_pidfd_send_signal, alive_fd, SIGKILL, NULL, 0));
    expect(waitpid(alive, &status, 0) == alive && WTERMSIG(status) == SIGKILL);
    expect(!waitid((idtype_t)3 /* P_PIDFD */, (id_t)zombie_fd, &info, WEXITED) &&
           info.si_status == 9);
    expect(!tcgetattr(slave, &tio) && !(tio.c_lflag & ECHO) && tio.c_cc[VINTR] == 7);
    expect(!ioctl(master, TIOCGWINSZ, &size) && size.ws_row == 33 && size.ws_col == 77);
    expect(reads(slave, "line\n") && writes(master, "\n") && reads(slave, "rest\n"));
    expect(reads(master, "out"));
    close(slave);
    expect(revents(master) & POLLHUP);
}

/* --- threads that wait while they are saved --- */
static int wait_pipe[2], wait_set;
static int64_t sleeper_end;

static void *reader(void *arg)
{
    return reads(wait_pipe[0], "woken") ? "ok" : NULL;
}

static void *poller(void *arg)
{
    struct epoll_event e;

    return epoll_wait(wait_set, &e, 1, -1) == 1 && e.data.u64 == 9 ? "ok" : NULL;
}

static void *sleeper(void *arg)
{
    int64_t start = now_ns(CLOCK_MONOTONIC);
    struct timespec ts = {4, 0};

    while (nanosleep(&ts, &ts))
        ;
    sleeper_end = now_ns(CLOCK_MONOTONIC) - start;
    return "ok";
}

int main(int argc, char **argv)
{
    void *(*const threads[])(void *) = {reader, poller, sleeper};
    pthread_t ids[3];
    struct stat st;
    void *result;

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, ignore);
    if (argc != 2 || chdir(argv[1]))
        return 2;
    processes_make(); /* first: children have no other's descriptors */
    pipes_make();
    events_make();
    inotify_make();
    unix_make();
    netlink_make();
    timers_make();
    wait_set = epoll_create1(0);
    int wake = eventfd(0, 0);
    expect(!pipe(wait_pipe));
    watch(wait_set, wake, EPOLLIN | EPOLLET, 9);
    for (int i = 0; i < 3; i++)
        expect(!pthread_create(&ids[i], NULL, threads[i], NULL));
    printf("ready %d\n", failures);
    while (stat("go", &st))
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    expect(writes(wait_pipe[1], "woken") && write(wake, &(uint64_t){1}, 8) == 8);
    pipes_check();
    events_check();
    inotify_check();
    unix_check();
    netlink_check();
    processes_check();
    timers_check();
    for (int i = 0; i < 3; i++)
        expect(!pthread_join(ids[i], &result) && result);
    expect(sleeper_end >= 4000000000 && sleeper_end < 8000000000);
    printf("done %d\n", failures);
    return failures != 0;
}
