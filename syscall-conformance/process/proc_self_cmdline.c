/* proc(5): /proc/PID/cmdline holds the arguments, each ended by a null byte. */
#include "child.h"

int main(int argc, char **argv)
{
    static const char want[] = "prog\0one\0\0last arg";
    char buf[256];

    if (argc == 4) {
        int fd = open("/proc/self/cmdline", O_RDONLY);
        ssize_t n = read(fd, buf, sizeof(buf));
        return n == sizeof(want) && !memcmp(buf, want, sizeof(want)) ? 0 : 1;
    }
    int status;
    (void)argv;
    pid_t pid = fork();
    if (pid == 0) {
        char *args[] = {"prog", "one", "", "last arg", NULL};
        execv("/proc/self/exe", args);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    done();
}
