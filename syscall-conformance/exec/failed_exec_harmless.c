/* execve(2): when it fails before the point of no return, the caller is unchanged. */
#include "exec.h"

static void handler(int sig)
{
    (void)sig;
}

int main(void)
{
    struct sigaction sa = {.sa_handler = handler}, now;
    char *argv[] = {"x", NULL};

    enter_scratch();
    put_file("text", "not a program\n", 14, 0755);
    sigaction(SIGUSR1, &sa, NULL);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    is_errno(execv("./text", argv), ENOEXEC);
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    sigaction(SIGUSR1, NULL, &now);
    ok(now.sa_handler == handler, "handlers kept");
    is_errno(execv("./missing", argv), ENOENT);
    done();
}
