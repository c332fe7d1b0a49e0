/* termios(3): a background process that reads is stopped by SIGTTIN; EIO if that cannot be. */
#include "pty.h"

static void reads_it(void)
{
    char c;

    (void)!read(slave, &c, 1);
}

static void ignores(void)
{
    char c;

    signal(SIGTTIN, SIG_IGN);
    check(read(slave, &c, 1) == -1 && errno == EIO, 1);
}

static void blocks(void)
{
    sigset_t set;
    char c;

    sigemptyset(&set);
    sigaddset(&set, SIGTTIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    check(read(slave, &c, 1) == -1 && errno == EIO, 1);
}

static void session(void)
{
    take_terminal();
    int status = in_background(reads_it, WUNTRACED);
    check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN, 1);
    check(exited_with(in_background(ignores, 0), 0), 2);
    check(exited_with(in_background(blocks, 0), 0), 3);
}

int main(void)
{
    open_pty();
    ok(exited_with(in_child(session), 0), "stopped; EIO where SIGTTIN is ignored or blocked");
    done();
}
