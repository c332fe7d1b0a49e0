/* Lengths, counts and vectors that are huge, negative, overlapping or overflow when added up. */
#include "guest.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

static const long sizes[] = {
    0,          1,          4095,       4096,     65536,    65537,    1 << 20,
    0x7fffffff, 0x80000000, 0xffffffff, 1L << 32, 1L << 40, 1L << 47, 0x7fffffffffffffff,
    -1,         -2,         -4096,      LONG_MIN};
#define NSIZES (sizeof(sizes) / sizeof(sizes[0]))

static char buf[65536];
static int in, out, sock[2], ep, file, zero, ev;

static void open_all(void)
{
    int p[2];

    CHECK(pipe2(p, O_NONBLOCK) == 0);
    in = p[0];
    out = p[1];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sock) == 0);
    ep = epoll_create1(0);
    file = open("/tmp/lengths", O_RDWR | O_CREAT | O_TRUNC, 0600);
    zero = open("/dev/zero", O_RDWR);
    ev = open("/proc/self/maps", O_RDONLY);
}

/* Calls with (pointer, length) in the two places given. */
static const struct {
    short nr, fd, ptr, len;
} calls[] = {
    {SYS_read, 0, 1, 2},
    {SYS_write, 0, 1, 2},
    {SYS_pread64, 0, 1, 2},
    {SYS_pwrite64, 0, 1, 2},
    {SYS_readv, 0, 1, 2},
    {SYS_writev, 0, 1, 2},
    {SYS_preadv, 0, 1, 2},
    {SYS_pwritev, 0, 1, 2},
    {SYS_preadv2, 0, 1, 2},
    {SYS_pwritev2, 0, 1, 2},
    {SYS_getdents64, 0, 1, 2},
    {SYS_recvfrom, 0, 1, 2},
    {SYS_sendto, 0, 1, 2},
    {SYS_recvmsg, 0, 1, 2},
    {SYS_sendmsg, 0, 1, 2},
    {SYS_sendmmsg, 0, 1, 2},
    {SYS_recvmmsg, 0, 1, 2},
    {SYS_bind, 0, 1, 2},
    {SYS_connect, 0, 1, 2},
    {SYS_getsockname, 0, 1, 2},
    {SYS_accept4, 0, 1, 2},
    {SYS_epoll_wait, 0, 1, 2},
    {SYS_vmsplice, 0, 1, 2},
    {SYS_poll, -1, 0, 1},
    {SYS_select, -1, 1, 0},
    {SYS_getgroups, -1, 1, 0},
    {SYS_setgroups, -1, 1, 0},
    {SYS_getcwd, -1, 0, 1},
    {SYS_readlink, -1, 1, 2},
    {SYS_getrandom, -1, 0, 1},
    {SYS_sethostname, -1, 0, 1},
    {SYS_setdomainname, -1, 0, 1},
    {SYS_fsetxattr, 0, 2, 3},
    {SYS_fgetxattr, 0, 2, 3},
    {SYS_flistxattr, 0, 1, 2},
    {SYS_sched_getaffinity, -1, 2, 1},
    {SYS_sched_setaffinity, -1, 2, 1},
    {SYS_mincore, -1, 2, 1},
    {SYS_process_vm_readv, -1, 1, 2},
    {SYS_getsockopt, 0, 3, 4},
    {SYS_setsockopt, 0, 3, 4},
    {SYS_rt_sigpending, -1, 0, 1},
    {SYS_rt_sigprocmask, -1, 1, 3},
    {SYS_semop, -1, 1, 2},
    {SYS_msgsnd, -1, 1, 2},
    {SYS_msgrcv, -1, 1, 2},
    {SYS_futex, -1, 0, 2},
    {SYS_copy_file_range, 0, 3, 4},
    {SYS_sendfile, 0, 2, 3},
    {SYS_splice, 0, 3, 4},
    {SYS_tee, 0, 3, 2},
    {SYS_fallocate, 0, 1, 2},
    {SYS_fadvise64, 0, 1, 2},
    {SYS_readahead, 0, 1, 2},
    {SYS_sync_file_range, 0, 1, 2},
    {SYS_lseek, 0, 2, 1},
    {SYS_syslog, -1, 1, 2},
    {SYS_get_robust_list, -1, 1, 2},
    {SYS_clone3, -1, 0, 1},
    {SYS_sched_setattr, -1, 1, 2},
    {SYS_openat2, -1, 2, 3},
    {SYS_name_to_handle_at, -1, 2, 3},
    {SYS_statx, -1, 4, 3},
    {SYS_io_setup, -1, 1, 0},
    {SYS_quotactl, -1, 1, 2},
    {SYS_add_key, -1, 2, 3},
};

static void one_call(long i)
{
    const int fds[] = {in, out, sock[0], ep, file, zero, ev, -1, 1 << 30};
    const long ptrs[] = {(long)buf, 0, 1, (long)(buf + sizeof(buf) - 3), 0x7ffefffffff0L, -1};

    alarm(2);
    for (unsigned int f = 0; f < (calls[i].fd < 0 ? 1 : 9); f++)
        for (unsigned int p = 0; p < 6; p++)
            for (unsigned int s = 0; s < NSIZES; s++) {
                long a[6] = {0};
                /* Not the file system's limits but the kernel's: no terabytes of holes. */
                if (calls[i].nr == SYS_fallocate && sizes[s] > 1 << 20 && sizes[s] < 1L << 40)
                    continue;
                if (calls[i].fd >= 0)
                    a[calls[i].fd] = fds[f];
                a[calls[i].ptr] = ptrs[p];
                a[calls[i].len] = sizes[s];
                if (calls[i].nr == SYS_clone3 && sizes[s] != 1)
                    memset(buf, 0, 64);
                long r = sys(calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
                if (calls[i].nr == SYS_clone3 && r == 0)
                    _exit(0);
            }
}

static void vectors(long kind)
{
    static struct iovec v[1025];
    static const int nrs[] = {SYS_readv, SYS_writev, SYS_preadv, SYS_pwritev, SYS_vmsplice};
    int n = kind & 1 ? 1025 : 1024;

    alarm(2);
    seed((uint64_t)kind);
    for (int i = 0; i < 1025; i++) {
        v[i].iov_base = rnd() % 3 ? buf + rnd() % 1000 : (void *)rnd();
        v[i].iov_len = kind & 2 ? (size_t)sizes[rnd() % NSIZES] : rnd() % 3000;
    }
    if (kind & 4) /* the sum overflows */
        for (int i = 0; i < 1025; i++)
            v[i] = (struct iovec){buf, 0x7fffffffffffffffUL / 512};
    for (unsigned int k = 0; k < 5; k++) {
        const int fds[] = {in, out, sock[0], file, zero};
        for (int f = 0; f < 5; f++)
            for (int c = n; c >= 0; c = c > 3 ? c / 3 : c - 1)
                sys(nrs[k], fds[f], (long)v, c, 0, 0, 0);
    }
    /* A vector that lies across the end of a mapping. */
    char *e = mmap(NULL, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(e + 4096, 4096);
    memset(e, 0, 4096);
    for (int off = 1; off < 64; off++)
        for (int k = 0; k < 5; k++)
            sys(nrs[k], out, (long)(e + 4096 - off), 4, 0, 0, 0);
}

static void messages(long kind)
{
    struct msghdr m = {0};
    struct iovec v = {buf, 16};
    union {
        struct cmsghdr h;
        char b[2048];
    } c;

    alarm(2);
    seed((uint64_t)kind + 50);
    for (int i = 0; i < 300; i++) {
        memset(&c, 0, sizeof(c));
        for (int k = 0; k < 40; k++)
            ((uint32_t *)c.b)[rnd() % 64] = (uint32_t)(rnd() % 5 ? rnd() % 40 : rnd());
        c.h.cmsg_len = (size_t)(rnd() % 3 ? (long)(rnd() % 200) : sizes[rnd() % NSIZES]);
        c.h.cmsg_level = rnd() % 4 ? SOL_SOCKET : (int)rnd();
        c.h.cmsg_type = (int)(rnd() % 4);
        m = (struct msghdr){.msg_iov = &v,
                            .msg_iovlen = (size_t)(rnd() % 4 ? 1 : sizes[rnd() % NSIZES]),
                            .msg_name = rnd() % 2 ? buf : NULL,
                            .msg_namelen = (socklen_t)(rnd() % 2 ? rnd() % 200 : rnd()),
                            .msg_control = c.b,
                            .msg_controllen =
                                (size_t)(rnd() % 4 ? (long)(rnd() % 300) : sizes[rnd() % NSIZES])};
        sys(SYS_sendmsg, sock[rnd() % 2], (long)&m, (long)(rnd() % 2 ? MSG_DONTWAIT : rnd()), 0, 0,
            0);
        m.msg_controllen = rnd() % 300;
        m.msg_iovlen = 1;
        sys(SYS_recvmsg, sock[rnd() % 2], (long)&m, MSG_DONTWAIT, 0, 0, 0);
    }
    for (int i = 0; i < 300; i++) { /* addresses */
        struct sockaddr_un sun;
        int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        for (unsigned int k = 0; k < sizeof(sun); k++)
            ((char *)&sun)[k] = (char)(rnd() % 3 ? 'a' + rnd() % 3 : 0);
        sun.sun_family = rnd() % 8 ? AF_UNIX : (sa_family_t)rnd();
        sys(rnd() % 2 ? SYS_bind : SYS_connect, s, (long)&sun, (long)(rnd() % 130), 0, 0, 0);
        socklen_t len = (socklen_t)(rnd() % 2 ? rnd() % 130 : rnd());
        sys(SYS_getsockname, s, (long)buf, (long)&len, 0, 0, 0);
        close(s);
    }
}

static void many_args(long kind)
{
    static char *argv[200000];
    static char big[1 << 20];
    char *none[] = {NULL};

    alarm(3);
    memset(big, 'x', sizeof(big) - 1);
    for (int i = 0; i < 199999; i++)
        argv[i] = kind == 0 ? big : kind == 1 ? (char *)"y" : big + sizeof(big) - 100000;
    if (kind == 3)
        argv[100] = (char *)-1;
    if (kind == 4)
        execve("/bin/true", (char **)(STUB_TEXT - 8), none);
    execve("/bin/true", argv, kind == 2 ? argv : none);
    execve("/bin/true", none, none);
    syscall(SYS_execve, "/bin/true", NULL, NULL);
}

int main(void)
{
    open_all();
    for (long i = 0; i < (long)(sizeof(calls) / sizeof(calls[0])); i++) {
        int s = attempt(one_call, i, 4000);
        if (WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL)
            FAIL("call %d does not end", calls[i].nr);
    }
    still_sane();
    for (long i = 0; i < 8; i++)
        attempt(vectors, i, 4000);
    for (long i = 0; i < 4; i++)
        attempt(messages, i, 4000);
    for (long i = 0; i < 5; i++)
        attempt(many_args, i, 5000);
    return finish();
}
