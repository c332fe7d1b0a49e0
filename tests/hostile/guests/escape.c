/*
 * Tries to read what lies outside of a mount at /mnt, with links the host has put into it and while
 * the host exchanges names below our feet. usage: escape SECONDS SECRET-WORD-SHIFTED OUTSIDE-PATH
 */
#include "guest.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

static char secret[128];
static long opened;

static void look(int fd, const char *how)
{
    char buf[4096];
    ssize_t n;

    if (fd < 0)
        return;
    opened++;
    n = read(fd, buf, sizeof(buf));
    if (n > 0 && memmem(buf, (size_t)n, secret, strlen(secret)))
        FAIL("read the secret through %s", how);
    close(fd);
}

static void try_name(const char *name)
{
    look(open(name, O_RDONLY | O_NONBLOCK), name);
    int dir = open("/mnt", O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return;
    struct open_how how = {.flags = O_RDONLY | O_NONBLOCK};
    look(openat(dir, strncmp(name, "/mnt/", 5) ? name : name + 5, O_RDONLY | O_NONBLOCK), name);
    look((int)syscall(SYS_openat2, dir, strncmp(name, "/mnt/", 5) ? name : name + 5, &how,
                      sizeof(how)),
         name);
    close(dir);
}

static const char *const names[] = {"/mnt/out/secret",
                                    "/mnt/out-relative/secret",
                                    "/mnt/file-out",
                                    "/mnt/chain",
                                    "/mnt/up/up/up",
                                    "/mnt/../outside/secret",
                                    "/mnt/in/../../outside/secret",
                                    "/mnt/in/up/outside/secret",
                                    "/mnt/in/../../../../../../../../proc/1/root",
                                    "/mnt/procroot/etc/shadow",
                                    "/mnt/procfd",
                                    "/mnt/in/up/../outside/secret",
                                    "/proc/self/root/../outside/secret",
                                    "/proc/1/root",
                                    "/mnt/in/./.././../outside/secret",
                                    "/mnt//in//..//../outside/secret",
                                    "/mnt/out",
                                    "/mnt/loop",
                                    "/proc/1/cwd/../outside/secret",
                                    "/mnt/in/file/../../../outside/secret",
                                    "/mnt/fifo",
                                    "/mnt/dev"};

static void through_descriptors(const char *outside)
{
    int dir = open("/mnt", O_RDONLY | O_DIRECTORY), up = dir;
    char path[512];

    for (int i = 0; i < 12; i++) {
        int next = openat(up, "..", O_RDONLY | O_DIRECTORY);
        if (next < 0)
            break;
        look(openat(next, "outside/secret", O_RDONLY), "..");
        up = next;
    }
    for (int fd = 0; fd < 64; fd++) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        int h = open(path, O_RDONLY | O_NONBLOCK | O_PATH);
        if (h < 0)
            continue;
        look(openat(h, "outside/secret", O_RDONLY), path);
        look(openat(h, "../outside/secret", O_RDONLY), path);
        look(openat(h, outside + 1, O_RDONLY), path);
        close(h);
    }
    look(open(outside, O_RDONLY), outside);
    /* New links from inside, into the exported directory. */
    symlink("../../../../../../../../../outside/secret", "/mnt/made");
    symlink(outside, "/mnt/made-absolute");
    try_name("/mnt/made");
    try_name("/mnt/made-absolute");
    snprintf(path, sizeof(path), "/mnt/made-dir");
    symlink("/", path);
    snprintf(path, sizeof(path), "/mnt/made-dir%s", outside);
    try_name(path);
    CHECK(link("/mnt/out/secret", "/mnt/hard") < 0);
    CHECK(rename("/mnt/in", "/mnt/in/below") < 0);
    CHECK(rename("/mnt/in", "/mnt/../escaped") < 0);
    mknod("/mnt/disk", S_IFBLK | 0666, 0x801);
    mknod("/mnt/mem", S_IFCHR | 0666, 0x101);
    look(open("/mnt/disk", O_RDONLY), "a block device made here");
    look(open("/mnt/mem", O_RDONLY), "a character device made here");
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    for (size_t i = 0; argv[2][i] && i < sizeof(secret) - 1; i++)
        secret[i] = (char)(argv[2][i] - 1);
    for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        try_name(names[i]);
    through_descriptors(argv[3]);
    uint64_t end = now_ms() + strtoull(argv[1], NULL, 0) * 1000;
    long rounds = 0;
    for (; now_ms() < end; rounds++) { /* the host swaps "flip" and "flop" */
        char b[64];
        look(open("/mnt/flip/secret", O_RDONLY), "/mnt/flip/secret");
        look(open("/mnt/flop/secret", O_RDONLY), "/mnt/flop/secret");
        look(open("/mnt/flip/sub/../secret", O_RDONLY), "flip/sub/..");
        look(open("/mnt/flip/sub/deep/secret", O_RDONLY), "flip/sub/deep");
        int d = open("/mnt/flip", O_RDONLY | O_DIRECTORY);
        if (d >= 0) {
            look(openat(d, "secret", O_RDONLY), "flip by descriptor");
            look(openat(d, "../outside/secret", O_RDONLY), "flip/..");
            close(d);
        }
        if (readlink("/mnt/flop/secret", b, sizeof(b)) > 0)
            rounds++;
        /* Writes must not get out either: the runner compares the outside afterwards. */
        int w = open("/mnt/flip/secret", O_WRONLY | O_TRUNC);
        if (w >= 0)
            close(w);
        w = open("/mnt/flip/new", O_RDWR | O_CREAT | O_EXCL, 0600);
        if (w >= 0)
            close(w);
        mkdir("/mnt/flip/newdir", 0700);
        unlink("/mnt/flip/victim");
        truncate("/mnt/flip/secret", 0);
        chmod("/mnt/flip/secret", 0777);
        rename("/mnt/flip/victim", "/mnt/flip/gone");
    }
    printf("%ld rounds, %ld opened\n", rounds, opened);
    return finish();
}
