/*
 * What the cases work on: pages for each argument, descriptors of every kind under known numbers,
 * files in a temporary directory. On tmpfs, so that limits of file systems do not count.
 */
#ifndef CONFORMANCE_GENERATED_FIXTURE_H
#define CONFORMANCE_GENERATED_FIXTURE_H

#include "generated/table.h"
#include "tmp.h"
#include <sys/mman.h>
#include <sys/un.h>
#include <sys/xattr.h>

#define PAGE 4096L
#define ARENA 0x10000000000L
#define ARG_SIZE (2 * PAGE)
#define SCRATCH_SIZE (16 * PAGE)
#define NR_BITS 34

/* Of each argument: good pages, a hole, the same pages read-only, one that may not be touched. */
#define GOOD(arg) (ARENA + (arg)*0x10000L)
#define CROSSING(arg) (GOOD(arg) + ARG_SIZE - 2)
#define UNMAPPED(arg) (GOOD(arg) + ARG_SIZE + PAGE)
#define READ_ONLY(arg) (GOOD(arg) + 0x8000)
#define NOT_ACCESSIBLE(arg) (GOOD(arg) + 0xc000)

static char long_name[5000], longest_path[4096], too_long_path[4097];
static char bit_labels[NR_BITS][24];

static const struct {
    const char *label;
    int fd;
} descriptors[] = {
    {"-1", -1},
    {"closed", FX_CLOSED},
    {"INT_MAX", INT_MAX},
    {"a file", FX_FILE},
    {"a file to be read", FX_FILE_RO},
    {"a file to be written", FX_FILE_WO},
    {"an O_PATH file", FX_PATH},
    {"a directory", FX_DIR},
    {"an O_PATH directory", FX_PATH_DIR},
    {"a pipe's reading end", FX_PIPE_R},
    {"a pipe's writing end", FX_PIPE_W},
    {"a stream socket", FX_STREAM},
    {"a seqpacket socket", FX_SEQ},
    {"a datagram socket", FX_DGRAM},
    {"a listening socket", FX_LISTEN},
    {"an epoll set", FX_EPOLL},
    {"an eventfd", FX_EVENTFD},
    {"a signalfd", FX_SIGNALFD},
    {"a timerfd", FX_TIMERFD},
    {"an inotify instance", FX_INOTIFY},
    {"a pidfd", FX_PIDFD},
    {"a memfd", FX_MEMFD},
    {"/dev/null", FX_NULL},
};
#define NR_DESCRIPTORS (sizeof(descriptors) / sizeof(*descriptors))

static void make_paths(void)
{
    memset(long_name, 'a', sizeof(long_name) - 1);
    for (size_t i = 0; i < sizeof(too_long_path) - 1; i++)
        too_long_path[i] = i % 2 ? '/' : '.';
    for (size_t i = 0; i < sizeof(longest_path) - 1; i++)
        longest_path[i] = i % 2 ? '/' : '.';
    longest_path[4094] = 'f';
    too_long_path[4094] = too_long_path[4095] = 'f';
}

/* Names of its own for what calls could do to hosts, mounts and IPC; only root has the right. */
static void leave_host(void)
{
    if (!unshare(CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC))
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static void fixture_start(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (!access("/dev/shm", W_OK))
        setenv("TMPDIR", "/dev/shm", 1);
    tmp_enter();
    leave_host();
    make_paths();
    for (int i = 0; i < NR_BITS; i++)
        snprintf(bit_labels[i], sizeof(bit_labels[i]), "0x%lx",
                 i < 32    ? 1UL << i
                 : i == 32 ? 1UL << 40
                           : -1UL);
    int fd = (int)must(memfd_create("arguments", MFD_CLOEXEC));
    must(ftruncate(fd, 6 * ARG_SIZE));
    for (int i = 0; i < 6; i++) {
        must((long)mmap((void *)GOOD(i), ARG_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                        fd, i * ARG_SIZE));
        must((long)mmap((void *)READ_ONLY(i), ARG_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
                        i * ARG_SIZE));
        must((long)mmap((void *)NOT_ACCESSIBLE(i), PAGE, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    }
    close(fd);
}

static void expect_fd(int got, int want)
{
    if (got != want) {
        fprintf(stderr, "fixture: descriptor %d instead of %d: %s\n", got, want, strerror(errno));
        _exit(77);
    }
}

/* Calls change names and files, so each child has a directory of its own. */
static void make_files(int turn)
{
    char name[16];

    snprintf(name, sizeof(name), "d%04d", turn);
    if (mkdir(name, 0755) || chdir(name))
        _exit(77);
    close(file_with("f", "some text of a file\n"));
    setxattr("f", "user.x", "value", 5, 0);
    int fd = file_with("exe", "neither a program nor a script\n");
    fchmod(fd, 0755);
    close(fd);
    if (symlink("f", "l"))
        _exit(77);
}

/* In the child: files, and descriptors at FX_FILE and up. */
static void fixture_make(int nr, int turn)
{
    struct sockaddr_un name = {AF_UNIX, ""};
    struct epoll_event ev = {EPOLLIN, {0}};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    close_range(3, ~0U, 0);
    make_files(turn);
    expect_fd(open("f", O_RDWR), FX_FILE);
    expect_fd(open("f", O_RDONLY), FX_FILE_RO);
    expect_fd(open("f", O_WRONLY), FX_FILE_WO);
    expect_fd(open("f", O_PATH), FX_PATH);
    expect_fd(open(".", O_RDONLY | O_DIRECTORY), FX_DIR);
    expect_fd(open(".", O_PATH | O_DIRECTORY), FX_PATH_DIR);
    int p[2];
    expect_fd(pipe2(p, O_NONBLOCK), 0);
    expect_fd(pipe2(p, O_NONBLOCK), 0);
    if (write(FX_PIPE_W, "some bytes in a pipe", 20) != 20)
        _exit(77);
    expect_fd(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p), 0);
    expect_fd(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, p), 0);
    expect_fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), FX_DGRAM);
    expect_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), FX_LISTEN);
    /* A name of the kernel's choice. */
    if (bind(FX_LISTEN, (struct sockaddr *)&name, 2) || listen(FX_LISTEN, 1))
        _exit(77);
    expect_fd(epoll_create1(0), FX_EPOLL);
    expect_fd(eventfd(1, EFD_NONBLOCK), FX_EVENTFD);
    expect_fd(signalfd(-1, &set, SFD_NONBLOCK), FX_SIGNALFD);
    expect_fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), FX_TIMERFD);
    expect_fd(inotify_init1(IN_NONBLOCK), FX_INOTIFY);
    expect_fd((int)syscall(SYS_pidfd_open, getpid(), 0), FX_PIDFD);
    expect_fd(memfd_create("m", MFD_ALLOW_SEALING), FX_MEMFD);
    expect_fd(open("/dev/null", O_RDWR), FX_NULL);
    epoll_ctl(FX_EPOLL, EPOLL_CTL_ADD, FX_PIPE2_R, &ev);
    epoll_ctl(FX_EPOLL, EPOLL_CTL_ADD, FX_EVENTFD, &ev);
    if (nr == SYS_timer_settime || nr == SYS_timer_gettime || nr == SYS_timer_getoverrun ||
        nr == SYS_timer_delete) {
        struct sigevent none = {.sigev_notify = SIGEV_NONE};
        timer_t id;
        timer_create(CLOCK_MONOTONIC, &none, &id);
    }
}

#endif
