/*
 * A temporary directory of the program's own, and what most programs about files do with it.
 */
#ifndef CONFORMANCE_TMP_H
#define CONFORMANCE_TMP_H

#include "tap.h"
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TMP_FN __attribute__((unused)) static
#define TMP_NOBODY 65534
#define BAD_PTR bad_ptr()

static char tmp_path[PATH_MAX];
static pid_t tmp_owner;

/* Never mapped (mmap_min_addr), and not known to the compiler. */
TMP_FN void *bad_ptr(void)
{
    static volatile uintptr_t address = 8;

    return (void *)address;
}

TMP_FN void bail(const char *what)
{
    printf("Bail out! %s: %s\n", what, strerror(errno));
    fflush(stdout);
    exit(2);
}

/* A step that is not itself what the program asserts. */
#define must(expr)                                                                                 \
    ({                                                                                             \
        long must_r_ = (long)(expr);                                                               \
        if (must_r_ == -1)                                                                         \
            bail(#expr);                                                                           \
        must_r_;                                                                                   \
    })

TMP_FN int tmp_remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st, (void)type, (void)f;
    return remove(path) && errno == EACCES;
}

TMP_FN void tmp_remove(void)
{
    if (getpid() != tmp_owner || chdir("/"))
        return;
    nftw(tmp_path, tmp_remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* Makes the directory, enters it, and has it removed when this process exits. */
TMP_FN void tmp_enter(void)
{
    const char *base = getenv("TMPDIR");
    char name[PATH_MAX - 64];

    umask(022);
    snprintf(name, sizeof(name), "%s/conf.XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(name) || chmod(name, 0755) || chdir(name) || !getcwd(tmp_path, sizeof(tmp_path)))
        bail("temporary directory");
    tmp_owner = getpid();
    atexit(tmp_remove);
}

/* Opens for reading and writing a new file with this content, at offset 0. */
TMP_FN int file_with(const char *name, const char *content)
{
    int fd = (int)must(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));
    size_t len = strlen(content);

    if (write(fd, content, len) != (ssize_t)len)
        bail("write");
    must(lseek(fd, 0, SEEK_SET));
    return fd;
}

TMP_FN void touch(const char *name)
{
    close(file_with(name, ""));
}

TMP_FN int exists(const char *name)
{
    struct stat st;

    return lstat(name, &st) == 0;
}

TMP_FN long size_of(const char *name)
{
    struct stat st;

    return stat(name, &st) ? -1 : (long)st.st_size;
}

/* Whether the file is exactly this text. */
TMP_FN int content_is(const char *name, const char *want)
{
    char buf[4096];
    int fd = open(name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

    if (fd >= 0)
        close(fd);
    return n == (ssize_t)strlen(want) && !memcmp(buf, want, (size_t)n);
}

/* Copies the running program to a new file. */
TMP_FN void copy_self(const char *to, mode_t mode)
{
    static char buf[65536];
    int in = must(open("/proc/self/exe", O_RDONLY)), out = must(open(to, O_CREAT | O_WRONLY, 0755));
    ssize_t n;

    while ((n = read(in, buf, sizeof(buf))) > 0)
        must(write(out, buf, (size_t)n));
    close(in);
    close(out);
    must(chmod(to, mode));
}

/* In a child: becomes a user without capabilities, if root. */
TMP_FN void drop_root(void)
{
    if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY) ||
                           setresuid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY)))
        _exit(99);
}

/* Exit status of fn run in a child: what it returned; 128 + signal if it was killed. */
TMP_FN int in_child(int (*fn)(void))
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = (pid_t)must(fork());
    if (pid == 0)
        _exit(fn());
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            bail("waitpid");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The errno of a failing call, 0 if it did not fail. */
#define errno_of(expr)                                                                             \
    ({                                                                                             \
        errno = 0;                                                                                 \
        long eo_r_ = (long)(expr);                                                                 \
        eo_r_ == -1 ? errno : 0;                                                                   \
    })

TMP_FN long ms_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

TMP_FN void sleep_ms(long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&ts, &ts) && errno == EINTR)
        ;
}

/* A handler without SA_RESTART that counts. */
static volatile sig_atomic_t caught;

TMP_FN void count_signal(int sig)
{
    (void)sig;
    caught++;
}

TMP_FN void catch_signal(int sig, int flags)
{
    struct sigaction sa = {.sa_handler = count_signal, .sa_flags = flags};

    must(sigaction(sig, &sa, NULL));
}

#endif
