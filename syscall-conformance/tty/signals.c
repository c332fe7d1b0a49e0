/* termios(3): with ISIG, VINTR, VQUIT and VSUSP are signals for the foreground group. */
#include "pty.h"

static void stopped(int sig)
{
    _exit(sig);
}

static void waits(void)
{
    take_terminal();
    signal(SIGTSTP, stopped); /* a session of its own is an orphaned group: nothing stops it */
    (void)!write(slave, "r", 1);
    for (;;)
        pause();
}

static int signalled(const char *typed)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        waits();
        _exit(0);
    }
    if (!shows("r"))
        kill(pid, SIGKILL);
    type(typed);
    waitpid(pid, &status, 0);
    /* The signal comes before the flush, which would take what the next one shows. */
    type("flushed\n");
    return reads(slave, "flushed\n") ? status : -1;
}

int main(void)
{
    struct termios t;

    open_pty();
    set_flags(ICRNL, 0, ICANON | ISIG);
    ok(killed_by(signalled("\003"), SIGINT), "VINTR");
    ok(killed_by(signalled("\034") & ~0x80, SIGQUIT), "VQUIT");
    ok(exited_with(signalled("\032"), SIGTSTP), "VSUSP");
    type("lost\nhalf");
    ok(has_ready(slave, 5), "typed before");
    type("\003");
    ok(has_ready(slave, 0), "and dropped");
    type("kept\n");
    ok(reads(slave, "kept\n"), "what comes after is not");
    set_flags(ICRNL, 0, ICANON | ISIG | NOFLSH);
    type("one\n\003");
    type("two\n");
    ok(reads(slave, "one\n") && reads(slave, "two\n"), "not with NOFLSH");
    set_flags(ICRNL, 0, ICANON);
    type("a\003b\n");
    ok(reads(slave, "a\003b\n"), "without ISIG they are ordinary");
    tcgetattr(slave, &t);
    t.c_lflag |= ISIG;
    t.c_cc[VINTR] = _POSIX_VDISABLE;
    tcsetattr(slave, TCSANOW, &t);
    type("a\003b\n");
    ok(reads(slave, "a\003b\n"), "nor are those that are disabled");
    done();
}
