/*
 * Children and scratch directories for the process, signal, mm, time, futex, sched, cred and exec
 * programs. Children report through their wait status only, so that TAP lines come from one
 * process.
 */
#ifndef CONFORMANCE_CHILD_H
#define CONFORMANCE_CHILD_H

#include "../tap.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED_FN __attribute__((unused))
#define NOBODY 65534
#define BAD_PTR bad_ptr()

/* Never mapped (mmap_min_addr), and not known to the compiler. */
UNUSED_FN static void *bad_ptr(void)
{
    static volatile uintptr_t address = 8;

    return (void *)address;
}

/* In a child: leave with a status that names the failing line's check. */
#define check(cond, code)                                                                          \
    do {                                                                                           \
        if (!(cond))                                                                               \
            _exit(code);                                                                           \
    } while (0)

/* Runs fn in a forked child, which then exits 0; returns the wait status. */
UNUSED_FN static int in_child(void (*fn)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        fn();
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

UNUSED_FN static bool exited_with(int status, int code)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

UNUSED_FN static bool killed_by(int status, int sig)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

UNUSED_FN static int64_t now_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

UNUSED_FN static void nap_ms(int ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

    while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
        ;
}

/* The state letter of a task, from /proc/PID/stat; 0 when there is none. */
UNUSED_FN static char task_state(pid_t pid)
{
    char path[64], buf[512];

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, buf, sizeof(buf) - 1);
    close(fd);
    if (n <= 0)
        return 0;
    buf[n] = 0;
    char *paren = strrchr(buf, ')');
    return paren && paren[1] ? paren[2] : 0;
}

/* Waits (bounded) until the task is in that state: 'S' is how one knows that a call blocks. */
UNUSED_FN static bool await_state(pid_t pid, char state)
{
    for (int i = 0; i < 2000; i++) {
        if (task_state(pid) == state)
            return true;
        nap_ms(1);
    }
    return false;
}

/* A page that is shared with children. */
UNUSED_FN static void *shared_page(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

/* After this the caller is an ordinary user for sure; for a forked child. */
UNUSED_FN static void become_nobody(void)
{
    if (geteuid() != 0)
        return;
    check(setgroups(0, NULL) == 0, 120);
    check(setresgid(NOBODY, NOBODY, NOBODY) == 0, 121);
    check(setresuid(NOBODY, NOBODY, NOBODY) == 0, 122);
}

static char scratch_path[64];
static pid_t scratch_owner;

UNUSED_FN static int scratch_remove_one(const char *path, const struct stat *st, int type,
                                        struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

UNUSED_FN static void scratch_remove(void)
{
    if (getpid() == scratch_owner && chdir("/") == 0)
        nftw(scratch_path, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Makes an empty directory, enters it, and removes it at exit. Searchable by everyone. */
UNUSED_FN static void enter_scratch(void)
{
    snprintf(scratch_path, sizeof(scratch_path), "/tmp/conf.XXXXXX");
    if (!mkdtemp(scratch_path) || chmod(scratch_path, 0755) < 0 || chdir(scratch_path) < 0) {
        perror("scratch directory");
        exit(1);
    }
    scratch_owner = getpid();
    atexit(scratch_remove);
}

/* Writes a whole file with that mode, whatever the umask. */
UNUSED_FN static void put_file(const char *path, const void *data, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, data, len) != (ssize_t)len || fchmod(fd, mode) < 0 || close(fd) < 0) {
        perror(path);
        exit(1);
    }
}

#endif
