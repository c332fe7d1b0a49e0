/* setsid(2): when the leader of a session ends, the foreground group gets SIGHUP. */
#include "pty.h"

static int said[2];

static void got(int sig)
{
    (void)!write(said[1], "h", 1);
    _exit(0);
}

static void leader(void)
{
    int ready[2];
    char c;

    take_terminal();
    check(pipe(ready) == 0, 1);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGHUP, got);
        (void)!write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    check(read(ready[0], &c, 1) == 1, 2);
}

int main(void)
{
    char c = 0;

    open_pty();
    if (pipe(said))
        return 2;
    ok(exited_with(in_child(leader), 0), "the leader has ended");
    is_eq(read(said[0], &c, 1), 1);
    ok(c == 'h', "its child had SIGHUP");
    is_errno(ioctl(slave, TIOCGSID, &(int){0}), ENOTTY);
    done();
}
