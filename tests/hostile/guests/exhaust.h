/*
 * Objects of the kernel until there are no more: each must end in Linux's errno, within its bound,
 * and leave the kernel able to do everything again once their owner is gone. Run with --memory,
 * from which some bounds follow.
 */
#ifndef EXHAUST_H
#define EXHAUST_H

#include "guest.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define NOBODY 1234
#define ENDED(what, n, max, err)                                                                   \
    do {                                                                                           \
        int e_ = errno;                                                                            \
        printf("%s: %ld, then %s\n", what, (long)(n), strerrorname_np(e_));                        \
        fflush(stdout);                                                                            \
        errno = e_;                                                                                \
        if ((n) >= (max) || e_ != (err))                                                           \
            FAIL("%s: %ld of less than %ld, wanted %s", what, (long)(n), (long)(max),              \
                 strerrorname_np(err));                                                            \
    } while (0)

static long sysctl(const char *name)
{
    char path[128], text[64] = "";

    snprintf(path, sizeof(path), "/proc/sys/%s", name);
    int fd = open(path, O_RDONLY);
    long n = fd < 0 || read(fd, text, sizeof(text) - 1) < 1 ? -1 : atol(text);
    if (n < 0)
        FAIL("%s", path);
    close(fd);
    return n;
}

static void limit(int what, rlim_t value)
{
    struct rlimit r = {value, value};

    if (setrlimit((__rlimit_resource_t)what, &r))
        FAIL("setrlimit %d", what);
}

static void become(uid_t uid)
{
    if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
        FAIL("setresuid");
}

struct exhaust_case {
    const char *name;
    void (*fn)(long);
    long arg;
    int ms;
};

static void run(const char *name, void (*fn)(long), long arg, int ms)
{
    uint64_t from = now_ms();
    pid_t pid = fork();

    if (pid == 0) {
        failures = 0;
        setpgid(0, 0);
        fn(arg);
        fflush(NULL);
        _exit(failures ? 1 : 0);
    }
    int s = reap(pid, ms);
    kill(-pid, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    printf("%s: %lu ms\n", name, now_ms() - from);
    fflush(stdout);
    if (now_ms() - from >= (uint64_t)ms)
        FAIL("%s does not end: %#x", name, (unsigned int)s);
    else if (WIFEXITED(s) ? WEXITSTATUS(s) != 0 : WTERMSIG(s) != SIGKILL)
        FAIL("%s: wait status %#x", name, (unsigned int)s);
    still_sane();
}

/* All cases, or the one that is named. */
static int exhaust_all(const struct exhaust_case *cases, size_t n, const char *only)
{
    for (size_t i = 0; i < n; i++)
        if (!only || !strcmp(only, cases[i].name))
            run(cases[i].name, cases[i].fn, cases[i].arg, cases[i].ms);
    return finish();
}

#endif
