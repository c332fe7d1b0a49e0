/* pty(7): a writer of the slave waits for the master's reader; nothing is lost. */
#include "pty.h"

#define TOTAL (200 * 1000)

static void writer(void)
{
    static char block[1000];

    for (int i = 0; i < TOTAL / 1000; i++) {
        memset(block, 'a' + i % 26, sizeof(block));
        for (size_t done = 0; done < sizeof(block);) {
            ssize_t n = write(slave, block + done, sizeof(block) - done);
            check(n > 0, 1);
            done += (size_t)n;
        }
    }
}

int main(void)
{
    static char buf[8192];
    long got = 0;
    bool right = true;

    open_pty();
    set_flags(0, 0, 0);
    pid_t pid = fork();
    if (pid == 0) {
        writer();
        _exit(0);
    }
    while (got < TOTAL && comes(master, POLLIN)) {
        ssize_t n = read(master, buf, sizeof(buf));
        for (ssize_t i = 0; i < n; i++, got++)
            right &= buf[i] == 'a' + got / 1000 % 26;
        if (n <= 0)
            break;
    }
    is_eq(got, TOTAL);
    ok(right, "in order");
    int status;
    waitpid(pid, &status, 0);
    ok(exited_with(status, 0), "the writer has ended");
    done();
}
