/*
 * Checkpoints of pipes, sockets, timers and terminals: objects made by system calls in one process
 * are compared in another that has them from an image, and used. Then the same with images that
 * have a wrong byte: no crash, whatever it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/ipc/epoll.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/mm/mm.h"
#include "sentry/sandbox.h"
#include "sentry/socket/socket.h"
#include "sentry/vfs/vfs_internal.h"
#include "tests/unit/ckpt_root.h"
#include "tests/unit/ckpt_task.h"

int pidfd_install(struct task *t, struct thread_group *tg, int flags);
CALL(pipe2);
CALL(eventfd2);
CALL(signalfd4);
CALL(epoll_create1);
CALL(epoll_ctl);
CALL(epoll_wait);
CALL(inotify_init1);
CALL(inotify_add_watch);
CALL(timerfd_create);
CALL(timerfd_settime);
CALL(timerfd_gettime);
CALL(socket);
CALL(socketpair);
CALL(bind);
CALL(listen);
CALL(connect);
CALL(accept4);
CALL(sendmsg);
CALL(recvmsg);
CALL(sendto);
CALL(recvfrom);
CALL(shutdown);
CALL(read);
CALL(write);
CALL(ioctl);
CALL(mknodat);

static void start(void)
{
    make_task();
    unix_init();
    netlink_init();
    tty_init();
}

/* --- objects; guest memory is static: below the guest's limit wherever we are loaded --- */
static struct guest {
    int fds[2];
    char text[4096], control[256];
    struct epoll_event ev;
    struct itimerspec when;
    struct sockaddr_un name;
    struct iovec iov;
    struct msghdr h;
    struct {
        struct nlmsghdr h;
        struct rtgenmsg g;
    } req;
    uint64_t set;
} g;

enum {
    PIPE_R,
    PIPE_W,
    PACKET_R,
    PACKET_W,
    EVENT,
    SIGNALS,
    SET,
    OUTER,
    NOTIFY,
    TIMER,
    WALL_TIMER,
    STREAM_A,
    STREAM_B,
    DGRAM_A,
    DGRAM_B,
    SEQ_A,
    SEQ_B,
    LISTENER,
    CLIENT,
    NAMED,
    NETLINK,
    MASTER,
    SLAVE,
    PIDFD,
    NFDS
};

static void put_text(int fd, const char *text)
{
    memcpy(g.text, text, strlen(text) + 1);
    ck_assert_int_eq(call(write, fd, g.text, strlen(text)), strlen(text));
}

static void check_text(int fd, const char *text)
{
    memset(g.text, 0, sizeof(g.text));
    long n = call(read, fd, g.text, sizeof(g.text));
    ck_assert_msg(n == (long)strlen(text) && !strcmp(g.text, text), "fd %d: %ld, '%s' for '%s'", fd,
                  n, g.text, text);
}

static void opened(int fd, long got)
{
    ck_assert_int_eq(got, fd);
}

static void pair(int first)
{
    ck_assert_int_eq(g.fds[0], first);
    ck_assert_int_eq(g.fds[1], first + 1);
}

static void watch(int ep, int fd, uint32_t events)
{
    g.ev = (struct epoll_event){.events = events, .data.u64 = 1000U + (unsigned int)fd};
    ck_assert_int_eq(call(epoll_ctl, ep, EPOLL_CTL_ADD, fd, &g.ev), 0);
}

static void send_files(int to, const char *text, int a, int b)
{
    struct cmsghdr *c = (struct cmsghdr *)g.control;

    memcpy(g.text, text, strlen(text) + 1);
    g.iov = (struct iovec){g.text, strlen(text)};
    *c = (struct cmsghdr){CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(c), (int[]){a, b}, 2 * sizeof(int));
    g.h = (struct msghdr){.msg_iov = &g.iov,
                          .msg_iovlen = 1,
                          .msg_control = g.control,
                          .msg_controllen = CMSG_SPACE(2 * sizeof(int))};
    ck_assert_int_eq(call(sendmsg, to, &g.h, 0), strlen(text));
}

static void make_sockets(void)
{
    const int stream = SOCK_STREAM | SOCK_NONBLOCK;

    call(socketpair, AF_UNIX, stream, 0, g.fds);
    pair(STREAM_A);
    call(socketpair, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, g.fds);
    pair(DGRAM_A);
    call(socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, g.fds);
    pair(SEQ_A);
    put_text(STREAM_A, "plain");
    send_files(STREAM_A, "files", STREAM_B, PIPE_R); /* a cycle */
    put_text(DGRAM_A, "one");
    send_files(DGRAM_A, "two", EVENT, DGRAM_A);
    put_text(SEQ_B, "packet");
    ck_assert_int_eq(call(shutdown, SEQ_B, 1), 0);
    opened(LISTENER, call(socket, AF_UNIX, stream, 0));
    g.name = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "/listener"};
    ck_assert_int_eq(call(bind, LISTENER, &g.name, sizeof(g.name)), 0);
    ck_assert_int_eq(call(listen, LISTENER, 3), 0);
    opened(CLIENT, call(socket, AF_UNIX, stream, 0));
    ck_assert_int_eq(call(connect, CLIENT, &g.name, sizeof(g.name)), 0);
    put_text(CLIENT, "waiting");
    strcpy(g.text, "!");
    ck_assert_int_eq(call(sendto, CLIENT, g.text, 1, MSG_OOB), 1);
    opened(NAMED, call(socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    g.name = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "\0hidden"};
    ck_assert_int_eq(call(bind, NAMED, &g.name, 9), 0);
    opened(NETLINK, call(socket, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE));
    g.req.h = (struct nlmsghdr){.nlmsg_len = sizeof(g.req),
                                .nlmsg_type = RTM_GETLINK,
                                .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                                .nlmsg_seq = 77};
    ck_assert_int_eq(call(sendto, NETLINK, &g.req, sizeof(g.req), 0, 0, 0), sizeof(g.req));
}

static void arm(int fd, int flags, int64_t at_ns)
{
    g.when = (struct itimerspec){{3, 0}, {at_ns / NSEC_PER_SEC, at_ns % NSEC_PER_SEC}};
    ck_assert_int_eq(call(timerfd_settime, fd, flags, &g.when, 0), 0);
}

static void open_pty(int fd, const char *name)
{
    struct file *f;

    ck_assert_int_eq(vfs_open(task, AT_FDCWD, name, O_RDWR | O_NOCTTY | O_NONBLOCK, 0, 0, &f), 0);
    opened(fd, fd_install_steal(task, f, false));
}

static void make_terminals(void)
{
    struct superblock *sb;
    struct path at;

    ck_assert_int_eq(vfs_mkdir(task, "/pts", 0755), 0);
    ck_assert_int_eq(devpts_new(&sb), 0);
    ck_assert_int_eq(vfs_walk(task, AT_FDCWD, "/pts", 0, &at), 0);
    ck_assert_int_eq(vfs_mount(&at, sb, 0, NULL), 0);
    path_put(&at);
    open_pty(MASTER, "/pts/ptmx");
    g.fds[0] = 0;
    ck_assert_int_eq(call(ioctl, MASTER, TIOCSPTLCK, g.fds), 0);
    open_pty(SLAVE, "/pts/0");
    put_text(MASTER, "line\nrest");
    put_text(SLAVE, "out");
}

static void make_objects(void)
{
    make_root();
    ck_assert_int_eq(vfs_mkdir(task, "/dir", 0755), 0);
    call(pipe2, g.fds, O_NONBLOCK);
    pair(PIPE_R);
    put_text(PIPE_W, "in the pipe");
    call(pipe2, g.fds, O_NONBLOCK | O_DIRECT);
    pair(PACKET_R);
    put_text(PACKET_W, "first");
    put_text(PACKET_W, "second");
    opened(EVENT, call(eventfd2, 7, EFD_NONBLOCK));
    g.set = 1UL << (SIGUSR2 - 1);
    opened(SIGNALS, call(signalfd4, -1, &g.set, 8, SFD_NONBLOCK));
    opened(SET, call(epoll_create1, 0));
    opened(OUTER, call(epoll_create1, 0));
    watch(SET, PIPE_R, EPOLLIN | EPOLLET);
    watch(SET, EVENT, EPOLLIN | EPOLLONESHOT);
    watch(SET, SIGNALS, EPOLLIN);
    ck_assert_int_eq(call(epoll_wait, SET, g.text, 8, 0), 2);
    watch(OUTER, SET, EPOLLIN);
    opened(NOTIFY, call(inotify_init1, IN_NONBLOCK));
    strcpy(g.text, "/dir");
    ck_assert_int_eq(call(inotify_add_watch, NOTIFY, g.text, IN_CREATE), 1);
    strcpy(g.text, "/dir/new");
    ck_assert_int_eq(call(mknodat, AT_FDCWD, g.text, S_IFREG | 0600, 0), 0);
    opened(TIMER, call(timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK));
    arm(TIMER, 0, 100 * NSEC_PER_SEC);
    opened(WALL_TIMER, call(timerfd_create, CLOCK_REALTIME, TFD_NONBLOCK));
    arm(WALL_TIMER, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
        (int64_t)realtime_ns() + 100 * NSEC_PER_SEC);
    make_sockets();
    make_terminals();
    struct thread_group *reaped = tg_new();
    reaped->zombie = true;
    opened(PIDFD, pidfd_install(task, reaped, 0));
}

/* --- comparing --- */
static void check_sockets(void)
{
    memset(g.text, 0, sizeof(g.text));
    ck_assert_int_eq(call(read, STREAM_B, g.text, 5), 5);
    ck_assert_str_eq(g.text, "plain");
    g.iov = (struct iovec){g.text, 100};
    g.h = (struct msghdr){.msg_iov = &g.iov,
                          .msg_iovlen = 1,
                          .msg_control = g.control,
                          .msg_controllen = sizeof(g.control)};
    ck_assert_int_eq(call(recvmsg, STREAM_B, &g.h, 0), 5);
    const int *got = (const int *)CMSG_DATA((struct cmsghdr *)g.control);
    ck_assert_int_eq(got[0], NFDS);
    check_text(got[1], "in the pipe");
    check_text(DGRAM_B, "one");
    check_text(DGRAM_B, "two");
    check_text(SEQ_A, "packet");
    check_text(SEQ_A, "");
    put_text(SEQ_A, "back");
    check_text(SEQ_B, "back");
    long conn = call(accept4, LISTENER, 0, 0, SOCK_NONBLOCK);
    ck_assert_int_gt(conn, 0);
    check_text((int)conn, "waiting");
    ck_assert_int_eq(call(ioctl, conn, SIOCATMARK, g.fds), 0);
    ck_assert_int_eq(g.fds[0], 1);
    ck_assert_int_eq(call(recvfrom, conn, g.text, 1, MSG_OOB), 1);
    ck_assert_int_eq(g.text[0], '!');
    g.name = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "/listener"};
    long late = call(socket, AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(call(connect, late, &g.name, sizeof(g.name)), 0);
    strcpy(g.text, "hi");
    g.name = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "\0hidden"};
    ck_assert_int_eq(call(sendto, DGRAM_A, g.text, 2, 0, &g.name, 9), 2);
    check_text(NAMED, "hi");
    ck_assert_int_gt(call(read, NETLINK, g.text, sizeof(g.text)), 0);
    ck_assert_int_eq(((struct nlmsghdr *)g.text)->nlmsg_seq, 77);
}

static void check_objects(void)
{
    check_text(PACKET_R, "first");
    check_text(PACKET_R, "second");
    ck_assert_int_eq(call(read, PACKET_R, g.text, 1), -EAGAIN);
    ck_assert_int_eq(call(epoll_wait, SET, g.text, 8, 0), 0);
    ck_assert_int_eq(call(epoll_wait, OUTER, g.text, 8, 0), 0);
    put_text(PIPE_W, "");
    g.ev = (struct epoll_event){.events = EPOLLIN, .data.u64 = 5};
    ck_assert_int_eq(call(epoll_ctl, SET, EPOLL_CTL_MOD, EVENT, &g.ev), 0);
    ck_assert_int_eq(call(epoll_wait, OUTER, &g.ev, 1, 0), 1);
    ck_assert_int_eq(g.ev.data.u64, 1000 + SET);
    ck_assert_int_eq(call(epoll_wait, SET, &g.ev, 1, 0), 1);
    ck_assert_int_eq(g.ev.data.u64, 5);
    ck_assert_int_eq(call(read, EVENT, g.text, 8), 8);
    ck_assert_int_eq(g.text[0], 7);
    ck_assert_int_eq(call(read, NOTIFY, g.text, sizeof(g.text)), 32);
    ck_assert_str_eq(((struct inotify_event *)g.text)->name, "new");
    ck_assert_int_eq(call(timerfd_gettime, TIMER, &g.when), 0);
    ck_assert(g.when.it_value.tv_sec >= 97 && g.when.it_interval.tv_sec == 3);
    ck_assert_int_eq(call(read, WALL_TIMER, g.text, 8), -ECANCELED);
    ck_assert_int_eq(call(timerfd_gettime, WALL_TIMER, &g.when), 0);
    ck_assert_int_ge(g.when.it_value.tv_sec, 97);
    check_sockets();
    check_text(SLAVE, "line\n");
    put_text(MASTER, "\n");
    check_text(SLAVE, "rest\n");
    ck_assert_int_gt(call(read, MASTER, g.text, sizeof(g.text)), 3);
    ck_assert(!memcmp(g.text + strcspn(g.text, "o"), "out", 3));
}

/* --- images --- */
static void save(int fd)
{
    struct root root = {root_mount_ns, task->fs, task->fds};

    save_root(fd, &root_type, &root);
}

static void make_objects_image(int fd)
{
    start();
    make_objects();
    /* Sockets remember who made them: by now it has gone. */
    task->tg->leader = NULL;
    task->tg->zombie = true;
    save(fd);
    save(memfd_create("again", 0)); /* nothing was changed by it */
}

static bool load(const char *data, size_t len, char why[256])
{
    struct ckpt_reader *r = ckpt_reader_new(data, len, now_ns());
    struct root *root = ckpt_load_root(r, &root_type);

    bool whole = root && root->ns && root->fs && root->fds;
    snprintf(why, 256, "%s", ckpt_reader_error(r) ? ckpt_reader_error(r) : "");
    ckpt_reader_free(r);
    if (whole) {
        task->fs = root->fs;
        task->fds = root->fds;
    }
    free(root);
    return whole && !epoll_restored();
}

START_TEST(round_trip)
{
    char why[256];

    make_image(make_objects_image);
    start();
    ck_assert_msg(load(image, image_len, why), "%s", why);
    check_objects();
    for (int fd = 0; fd < 64; fd++)
        fd_close(task, fd);
}
END_TEST

/* Everything that may be done with what was made of a wrong image, none of it waiting. */
static void use(void)
{
    struct file *f;

    for (int fd = 0; (fd = fdtable_next(task->fds, fd, &f)) >= 0; fd++)
        f->flags |= O_NONBLOCK;
    for (int round = 0; round < 3; round++) {
        for (int fd = 0; (fd = fdtable_next(task->fds, fd, &f)) >= 0; fd++) {
            file_poll(f, NULL);
            strcpy(g.text, "text");
            call(write, fd, g.text, 4);
            call(epoll_wait, fd, g.text, 8, 0);
            g.iov = (struct iovec){g.text, 8};
            g.h = (struct msghdr){.msg_iov = &g.iov,
                                  .msg_iovlen = 1,
                                  .msg_control = g.control,
                                  .msg_controllen = sizeof(g.control)};
            call(recvmsg, fd, &g.h, round == 0 ? MSG_PEEK : 0);
            call(accept4, fd, 0, 0, SOCK_NONBLOCK);
            call(timerfd_gettime, fd, &g.when);
            call(ioctl, fd, FIONREAD, g.fds);
            call(read, fd, g.text, 64);
        }
    }
    strcpy(g.text, "/dir/another");
    call(mknodat, AT_FDCWD, g.text, S_IFREG | 0600, 0);
    for (int fd = 0; (fd = fdtable_next(task->fds, fd, &f)) >= 0; fd++)
        fd_close(task, fd);
}

static void try_image(void)
{
    char why[256];

    start();
    if (load(image, image_len, why))
        use();
}

START_TEST(wrong_bytes)
{
    make_image(make_objects_image);
    try_wrong_bytes(5, 11, try_image);
}
END_TEST

UNIT_MAIN("ckpt_ipc", NULL, NULL, round_trip, wrong_bytes)
