/* Namespaces in children: what happens there is reported by exit status. */
#ifndef CONFORMANCE_NS_H
#define CONFORMANCE_NS_H

#include "../tmp.h"
#include <sched.h>
#include <sys/prctl.h>

#define NS_FN __attribute__((unused)) static

/* Runs fn in a child and gives its status; the line that failed, by CHECK(). */
NS_FN int run(int (*fn)(void))
{
    int status;

    fflush(stdout);
    pid_t pid = must(fork());
    if (!pid)
        _exit(fn());
    must(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int ns_step;
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        ns_step++;                                                                                 \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "step %d: %s: %s\n", ns_step, #cond, strerror(errno));                 \
            return ns_step;                                                                        \
        }                                                                                          \
    } while (0)
#define CHECK_ERR(call, err) CHECK((errno = 0, (call) == -1) && errno == (err))

NS_FN int put(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    int e = errno;
    close(fd);
    errno = e;
    return n == (ssize_t)strlen(text) ? 0 : -1;
}

NS_FN int has(const char *file, const char *text)
{
    char buf[4096];
    int fd = open(file, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
    if (fd >= 0)
        close(fd);
    buf[n > 0 ? n : 0] = 0;
    return n >= 0 && !strcmp(buf, text);
}

NS_FN void need_root(void)
{
    if (geteuid()) {
        printf("1..0 # SKIP needs root\n");
        exit(0);
    }
}

NS_FN unsigned long ns_ino(const char *name)
{
    struct stat st;
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
    return stat(path, &st) ? 0 : st.st_ino;
}

#endif
