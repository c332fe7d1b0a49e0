/* pipe(7): a read waits for data, a write for room; a signal interrupts both, and a write that had
 * moved something then returns the count. */
#include "../signal/sig.h"

static int p[2];

int main(void)
{
    static char buf[1 << 17];
    pid_t parent = getpid(), pid;
    int status;

    if (pipe(p) < 0)
        return 1;
    if ((pid = fork()) == 0) {
        check(await_state(parent, 'S'), 1);
        check(write(p[1], "data", 4) == 4, 2);
        _exit(0);
    }
    is_eq(read(p[0], buf, 100), 4);
    waitpid(pid, &status, 0);
    is_eq(status, 0);

    is_eq(write(p[1], buf, 65536), 65536);
    if ((pid = fork()) == 0) {
        static char in[1 << 17];
        size_t got = 0;
        check(await_state(parent, 'S'), 1);
        while (got < 65536 + 70000) {
            ssize_t n = read(p[0], in, 5000);
            check(n > 0, 2);
            got += (size_t)n;
        }
        _exit(0);
    }
    is_eq(write(p[1], buf, 70000), 70000);
    waitpid(pid, &status, 0);
    is_eq(status, 0);

    install(SIGUSR1, record, 0);
    pid = start_poker(SIGUSR1);
    is_eq(write(p[1], buf, 100000), 65536);
    stop_poker(pid);
    is_eq(hits, 1);

    /* With SA_RESTART it waits on, until there is room. */
    install(SIGUSR1, record, SA_RESTART);
    if ((pid = fork()) == 0) {
        check(await_state(parent, 'S'), 1);
        kill(parent, SIGUSR1);
        nap_ms(10);
        check(await_state(parent, 'S'), 2);
        check(read(p[0], buf, 4096) == 4096, 3);
        _exit(0);
    }
    is_eq(write(p[1], buf, 1), 1);
    is_eq(hits, 2);
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    done();
}
