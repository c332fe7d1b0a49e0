/*
 * Names as deep and as many as there can be. depths: all of it; depths deep: a hundred thousand
 * directories in each other, then waits to be saved, restored and ended.
 */
#include "guest.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define DEEP 100000

static int dig(void)
{
    int n = 0;

    if (mkdir("/dev/shm/deep", 0777))
        FAIL("mkdir");
    CHECK(chdir("/dev/shm/deep") == 0);
    for (uint64_t end = now_ms() + 20000; n < DEEP && now_ms() < end; n++)
        if (mkdir("d", 0777) || chdir("d"))
            break;
    return n;
}

static void deep(long x)
{
    static char cwd[DEEP * 4];
    char small[16];
    int n = dig();

    printf("%d directories deep\n", n);
    CHECK(syscall(SYS_getcwd, small, sizeof(small)) < 0 && errno == ENAMETOOLONG);
    CHECK(syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0 && errno == ENAMETOOLONG);
    CHECK(readlink("/proc/self/cwd", cwd, sizeof(cwd)) < 0 && errno == ENAMETOOLONG);
    CHECK(rename("/dev/shm/deep", "/dev/shm/deeper") == 0);
    CHECK(rename("/dev/shm/deeper", "e") < 0 && errno == EINVAL);
    CHECK(access("../../../../..", F_OK) == 0);
    while (chdir("..") == 0 && rmdir("d") == 0)
        n--;
    CHECK(n == 0);
    CHECK(rmdir("/dev/shm/deeper") == 0);
}

/* All at once, when their last user ends. */
static void deep_memory(long x)
{
    int n = dig();

    printf("%d directories deep, left behind\n", n);
    fflush(stdout);
    while (chdir("..") == 0 && rmdir("d") == 0 && --n > 10)
        ;
}

/* Names that do not exist are remembered, but not all of them. */
static void missing(long x)
{
    char name[300];
    struct stat st;
    uint64_t end = now_ms() + 3000;

    for (long i = 0; now_ms() < end; i++) {
        snprintf(name, sizeof(name), "/dev/shm/%0200lx", rnd());
        CHECK(stat(name, &st) < 0 && errno == ENOENT);
    }
}

static void names(long max)
{
    char name[300];
    long n = 0;

    mkdir("/dev/shm/names", 0777);
    CHECK(chdir("/dev/shm/names") == 0);
    for (uint64_t end = now_ms() + 20000; n < max && now_ms() < end; n++) {
        snprintf(name, sizeof(name), "%0255ld", n);
        if (mknod(name, S_IFREG | 0600, 0))
            break;
    }
    int err = errno;
    printf("%ld names, then %s\n", n, strerrorname_np(err));
    CHECK(n == max || err == ENOSPC || err == EEXIST || err == ECHILD || !err);
    snprintf(name, sizeof(name), "%0256d", 1);
    CHECK(mknod(name, S_IFREG | 0600, 0) < 0 && errno == ENAMETOOLONG);
    for (long i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%0255ld", i);
        if (unlink(name))
            FAIL("unlink %ld", i);
    }
    CHECK(rmdir("/dev/shm/names") == 0);
}

static void mounts(long x)
{
    long n = 0;

    mkdir("/dev/shm/m", 0777);
    for (uint64_t end = now_ms() + 5000; n < 2000 && now_ms() < end; n++)
        if (mount("none", "/dev/shm/m", "tmpfs", 0, NULL))
            break;
    printf("%ld mounts on each other\n", n);
    CHECK(n > 100);
    CHECK(access("/dev/shm/m/..", F_OK) == 0);
    while (n && umount2("/dev/shm/m", MNT_DETACH) == 0)
        n--;
    CHECK(n == 0);
    rmdir("/dev/shm/m");
}

static const struct {
    const char *name;
    void (*fn)(long);
    long arg;
    int ms;
} cases[] = {{"deep", deep, 0, 60000},
             {"left", deep_memory, 0, 60000},
             {"missing", missing, 0, 10000},
             {"names", names, 200000, 90000},
             {"mounts", mounts, 0, 60000}};

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "deep")) {
        printf("%d deep\non\n", dig());
        fflush(stdout);
        for (;;)
            pause();
    }
    for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t from = now_ms();
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            failures = 0;
            cases[i].fn(cases[i].arg);
            fflush(stdout);
            _exit(failures ? 1 : 0);
        }
        int s = reap(pid, cases[i].ms);
        printf("%s: %lu ms\n", cases[i].name, now_ms() - from);
        if (!WIFEXITED(s) || WEXITSTATUS(s))
            FAIL("%s: wait status %#x", cases[i].name, (unsigned int)s);
        still_sane();
    }
    return finish();
}
