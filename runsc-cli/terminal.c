/* See terminal.h. */
#include "runsc-cli/terminal.h"

#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static int tty_fd = -1;

void terminal_enter(const struct sandbox_spec *spec)
{
    struct termios raw;

    for (int i = 0; i < 3 && tty_fd < 0; i++)
        if (spec->stdio_is_tty[i] && !tcgetattr(i, &saved))
            tty_fd = i;
    if (tty_fd < 0 || !spec->stdio_is_tty[0]) {
        tty_fd = -1;
        return;
    }
    raw = saved;
    cfmakeraw(&raw);
    tcsetattr(tty_fd, TCSADRAIN, &raw);
    atexit(terminal_leave);
}

void terminal_leave(void)
{
    if (tty_fd >= 0)
        tcsetattr(tty_fd, TCSADRAIN, &saved);
    tty_fd = -1;
}
