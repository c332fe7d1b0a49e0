/*
 * More memory than --memory gives: the host's OOM killer ends the process that has most, or the one
 * that asks for it by oom_score_adj; the sandbox and all others go on, also when the memory is the
 * sentry's and not a process's own.
 */
#include "guest.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MIB (1L << 20)

static void adjust(const char *value)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);

    CHECK(fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value));
    close(fd);
}

static char *take(long mib)
{
    char *p = mmap(NULL, (size_t)(mib * MIB), 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    for (long i = 0; i < mib * MIB; i += 4096)
        p[i] = (char)rnd();
    return p;
}

static void take_all(long x)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (take(1))
        ;
    pause();
}

/* Has some memory, and says so; ends well when asked to. */
static pid_t sibling(long mib, const char *score, int to[2])
{
    int ready[2];
    char c;

    if (pipe(ready) || pipe(to))
        exit(3);
    pid_t pid = fork();
    if (pid == 0) {
        close(to[1]);
        if (score)
            adjust(score);
        char *p = take(mib);
        if (write(ready[1], "x", 1) != 1 || read(to[0], &c, 1) != 1)
            _exit(1);
        for (long i = 0; i < mib * MIB; i += 4096)
            p[i]++;
        _exit(7);
    }
    close(ready[1]);
    CHECK(read(ready[0], &c, 1) == 1);
    close(ready[0]);
    close(to[0]);
    return pid;
}

static void expect(const char *what, pid_t pid, int to, int killed)
{
    int s = 0;

    if (write(to, "x", 1) != 1 && !killed)
        FAIL("%s cannot be told", what);
    close(to);
    waitpid(pid, &s, 0);
    if (killed ? !WIFSIGNALED(s) || WTERMSIG(s) != SIGKILL : !WIFEXITED(s) || WEXITSTATUS(s) != 7)
        FAIL("%s: wait status %#x", what, (unsigned int)s);
}

static void biggest(void)
{
    int to[2];
    pid_t small = sibling(20, NULL, to);
    int s = attempt(take_all, 0, 30000);

    CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL);
    expect("the small one", small, to[1], 0);
}

static long total_mib(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    long kib = 0;

    if (!f || fscanf(f, "MemTotal: %ld", &kib) != 1)
        FAIL("/proc/meminfo");
    if (f)
        fclose(f);
    return kib / 1024;
}

/* Who has less goes first when it has said so. */
static void chosen(void)
{
    int to[2], spared[2];
    pid_t volunteer = sibling(total_mib() / 4, "1000", to), other = sibling(20, "-500", spared);
    attempt(take_all, 0, 30000);
    expect("the one with 1000", volunteer, to[1], 1);
    expect("the one with -500", other, spared[1], 0);
}

/* What the sentry holds for a small process: files, buffers, names. */
static void in_sentry(long x)
{
    static char block[65536];
    int sv[2];
    char name[300];

    for (int i = 0; i < 400; i++)
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) == 0)
            while (write(sv[0], block, sizeof(block)) > 0)
                ;
    for (int i = 0; i < 400; i++) {
        int fd = (int)syscall(SYS_memfd_create, "m", 0);
        for (int k = 0; k < 100 && write(fd, block, sizeof(block)) > 0; k++)
            ;
    }
    mkdir("/tmp/oom", 0777);
    for (long i = 0; i < 300000; i++) {
        snprintf(name, sizeof(name), "/tmp/oom/%0200ld", i);
        int fd = open(name, O_RDWR | O_CREAT, 0600);
        if (fd < 0)
            break;
        close(fd);
    }
    take_all(0);
}

static void unprivileged(long x)
{
    if (setgid(1234) || setuid(1234))
        _exit(1);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    if (fd < 0)
        return;
    CHECK(write(fd, "100", 3) == 3);
    CHECK(write(fd, "0", 1) == 1);
    CHECK(write(fd, "-1", 2) < 0 && errno == EACCES);
    CHECK(write(fd, "1001", 4) < 0 && errno == EINVAL);
    CHECK(write(fd, "x", 1) < 0 && errno == EINVAL);
    fflush(stdout);
    _exit(failures ? 1 : 0);
}

int main(void)
{
    adjust("-1000"); /* we tell the tale */
    adjust("-900");
    int s = attempt(unprivileged, 0, 5000);
    CHECK(WIFEXITED(s) && WEXITSTATUS(s) == 0);
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            adjust("0");
            biggest();
            fflush(stdout);
            _exit(failures ? 1 : 0);
        }
        waitpid(pid, &s, 0);
        CHECK(WIFEXITED(s) && WEXITSTATUS(s) == 0);
    }
    chosen();
    pid_t pid = fork();
    if (pid == 0) {
        adjust("0");
        in_sentry(0);
    }
    waitpid(pid, &s, 0);
    CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL);
    still_sane();
    return finish();
}
