/* pipe(7): writing to a pipe without readers sends SIGPIPE to the thread and fails with EPIPE; what
 * had been written before the reader went is reported. */
#include "../signal/sig.h"
#include <sys/uio.h>

static int p[2];

static void dies(void)
{
    signal(SIGPIPE, SIG_DFL);
    (void)!write(p[1], "x", 1);
}

/* Reads some, then leaves while the parent waits for room. */
static pid_t short_reader(void)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        static char buf[4096];
        close(p[1]);
        await_state(parent, 'S');
        check(read(p[0], buf, sizeof(buf)) == sizeof(buf), 1);
        nap_ms(20);
        await_state(parent, 'S');
        _exit(0);
    }
    return pid;
}

int main(void)
{
    static char junk[1 << 17];
    struct iovec iov = {"x", 1};

    if (pipe(p) < 0)
        return 1;
    close(p[0]);
    install(SIGPIPE, record, 0);
    is_errno(write(p[1], "x", 1), EPIPE);
    is_eq(hits, 1);
    ok(last_info.si_code == SI_USER || last_info.si_code == SI_KERNEL, "from the kernel");
    is_errno(writev(p[1], &iov, 1), EPIPE);
    is_eq(hits, 2);
    is_eq(write(p[1], "", 0), 0);
    is_eq(hits, 2);
    signal(SIGPIPE, SIG_IGN);
    is_errno(write(p[1], "x", 1), EPIPE);
    ok(killed_by(in_child(dies), SIGPIPE), "kills by default");
    block(SIGPIPE);
    install(SIGPIPE, record, 0);
    is_errno(write(p[1], "x", 1), EPIPE);
    ok(is_pending(SIGPIPE), "pending while blocked");
    siginfo_t info;
    sigset_t set = set_of(SIGPIPE);
    is_eq(sigwaitinfo(&set, &info), SIGPIPE);
    close(p[1]);

    signal(SIGPIPE, SIG_IGN);
    if (pipe(p) < 0)
        return 1;
    pid_t pid = short_reader();
    close(p[0]);
    is_eq(write(p[1], junk, sizeof(junk)), 65536 + 4096);
    is_errno(write(p[1], junk, 1), EPIPE);
    waitpid(pid, NULL, 0);
    done();
}
