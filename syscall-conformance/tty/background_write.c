/* termios(3): with TOSTOP a background process that writes is stopped by SIGTTOU. */
#include "pty.h"

static void writes(void)
{
    check(write(slave, "x", 1) == 1, 1);
}

static void writes_ignoring(void)
{
    signal(SIGTTOU, SIG_IGN);
    check(write(slave, "x", 1) == 1, 1);
}

static void changes(void)
{
    struct termios t;

    check(tcgetattr(slave, &t) == 0, 1);
    tcsetattr(slave, TCSANOW, &t);
}

static void takes_foreground(void)
{
    ioctl(slave, TIOCSPGRP, &(int){getpid()});
}

static bool stops(void (*fn)(void))
{
    int status = in_background(fn, WUNTRACED);

    return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU;
}

static void flushes(void)
{
    tcflush(slave, TCIFLUSH);
}

static void orphan(void)
{
    struct termios t;

    check(tcgetattr(slave, &t) == 0, 1);
    check(tcsetattr(slave, TCSANOW, &t) == -1 && errno == EIO, 2);
    char c;
    check(read(slave, &c, 1) == -1 && errno == EIO, 3);
}

/* Its group is orphaned when its parent, the only one outside of it, has ended. */
static void orphaned(void)
{
    int go[2], end[2];
    char c = 9;

    check(pipe(go) == 0 && pipe(end) == 0, 20);
    pid_t pid = fork();
    if (pid == 0) {
        pid_t orphan_pid = fork();
        if (orphan_pid == 0) {
            int code;
            setpgid(0, 0);
            close(go[1]);
            (void)!read(go[0], &c, 1);
            pid_t p = fork();
            if (p == 0) {
                orphan();
                _exit(0);
            }
            waitpid(p, &code, 0);
            c = (char)WEXITSTATUS(code);
            (void)!write(end[1], &c, 1);
            _exit(0);
        }
        setpgid(orphan_pid, orphan_pid);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    close(go[1]);
    check(read(end[0], &c, 1) == 1, 21);
    check(c == 0, 30 + c);
}

static void session(void)
{
    take_terminal();
    set_flags(ICRNL, OPOST, ICANON);
    check(exited_with(in_background(writes, 0), 0), 1);
    set_flags(ICRNL, OPOST, ICANON | TOSTOP);
    check(stops(writes), 2);
    check(exited_with(in_background(writes_ignoring, 0), 0), 3);
    check(stops(changes), 4);
    check(stops(takes_foreground), 5);
    check(stops(flushes), 6);
    orphaned();
}

int main(void)
{
    open_pty();
    int status = in_child(session);
    if (!ok(exited_with(status, 0), "writes, changes of the terminal and of the foreground"))
        printf("# status %x\n", status);
    done();
}
