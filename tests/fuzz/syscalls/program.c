/* A program from a seed: which thread of which process makes which call with which arguments. */
#include "program.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include "sentry/argkinds.h"

const struct row rows[] = {
#define SYS(nr, name, handler, flags, ...) {nr, #name, {__VA_ARGS__}},
#include "sentry/syscalls.def"
#undef SYS
};
const int nrows = sizeof(rows) / sizeof(*rows);

struct call calls[CALLS_MAX];
int ncalls;
int own_pids;
unsigned char image[MEMORY_SIZE];

static uint64_t rng;

uint64_t rnd(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng;
}

#define LOCAL_NAMES 7
static const char *const names[] = {"f",
                                    "g",
                                    "d",
                                    "d/f",
                                    "d/g",
                                    "d/e",
                                    "l",
                                    "..",
                                    ".",
                                    "/proc/self",
                                    "/dev/ptmx",
                                    "/dev/null",
                                    "/dev/zero",
                                    "p",
                                    "/dev/shm/x",
                                    "s",
                                    "",
                                    "/proc/self/fd/3",
                                    "/proc/self/fd/20",
                                    "/proc/self/maps",
                                    "/proc/self/smaps",
                                    "/proc/self/mem",
                                    "/proc/self/task",
                                    "/proc/self/fdinfo/13",
                                    "/proc/self/mountinfo",
                                    "/proc/self/status",
                                    "/proc/self/oom_score_adj",
                                    "/proc/self/comm",
                                    "/proc/self/uid_map",
                                    "/proc/self/exe",
                                    "/proc/self/root",
                                    "/proc/self/cwd/f",
                                    "/proc/net/unix",
                                    "/sys/devices/system/cpu/online",
                                    "d/../f",
                                    "user.a",
                                    "tmpfs",
                                    "/dev/pts",
                                    "/dev/tty",
                                    "/etc/passwd",
                                    "/bin/true",
                                    "/proc/self/ns/mnt",
                                    "/proc/self/ns/user",
                                    "m",
                                    "m/a",
                                    "proc",
                                    "overlay",
                                    "mqueue",
                                    "/proc/sys/kernel"};

static const long odd[] = {
    0,        1,     2,          7,        8,          16,       63,
    64,       511,   4095,       4096,     4097,       65536,    1 << 20,
    -1,       -2,    0x7fffffff, 1L << 31, 0xffffffff, 1L << 47, 0x7fffffffffffffff,
    LONG_MIN, -4096, -100};

static const int openers[] = {
    SYS_openat,         SYS_socket,       SYS_epoll_create1, SYS_eventfd2,   SYS_timerfd_create,
    SYS_inotify_init1,  SYS_memfd_create, SYS_dup,           SYS_pidfd_open, SYS_open,
    SYS_accept4,        SYS_signalfd4,    SYS_fsopen,        SYS_open_tree,  SYS_mq_open,
    SYS_io_uring_setup, SYS_fsmount,      SYS_pidfd_getfd};

/* Where programs of many calls meet: taken more often than one in so many rows. */
static const int meeting[] = {
    SYS_mmap,    SYS_munmap,  SYS_mremap,        SYS_madvise, SYS_mprotect,      SYS_epoll_ctl,
    SYS_sendmsg, SYS_recvmsg, SYS_wait4,         SYS_waitid,  SYS_ptrace,        SYS_close,
    SYS_dup2,    SYS_futex,   SYS_kill,          SYS_tgkill,  SYS_renameat2,     SYS_unlinkat,
    SYS_mount,   SYS_umount2, SYS_move_mount,    SYS_unshare, SYS_setns,         SYS_ioctl,
    SYS_fcntl,   SYS_splice,  SYS_io_submit,     SYS_poll,    SYS_ftruncate,     SYS_fallocate,
    SYS_seccomp, SYS_setpgid, SYS_setsid,        SYS_read,    SYS_write,         SYS_connect,
    SYS_shmat,   SYS_prctl,   SYS_timer_settime, SYS_flock,   SYS_rt_sigprocmask};

const struct row *row_of(int nr)
{
    for (int i = 0; i < nrows; i++)
        if (rows[i].nr == nr)
            return &rows[i];
    return &rows[0];
}

long put(const void *data, size_t size)
{
    size_t at = 256 + (rnd() % (MEMORY_SIZE - 512 - size) & ~15UL);

    if (data)
        memcpy(image + at, data, size);
    return MEMORY + (long)at;
}

long place(void)
{
    long at = MEMORY + (long)(rnd() % MEMORY_SIZE);

    if (rnd() % 8 == 0)
        return PLAY + (long)(rnd() % PLAY_PAGES) * 4096 + (rnd() % 4 ? 0 : 4090);
    return rnd() % 8 ? at & ~15L : rnd() % 4 ? at : PICK(odd);
}

long random_name(void)
{
    const char *name = rnd() % 2 ? names[rnd() % LOCAL_NAMES] : PICK(names);

    return put(name, strlen(name) + 1);
}

void value(struct call *c, int i, long v)
{
    c->from[i] = S_VALUE;
    c->arg[i] = v;
}

/* An earlier call of that number, whose result is the argument. */
int result_of(struct call *c, int i, int k, int nr)
{
    for (int tries = 0, j = k ? (int)(rnd() % (unsigned int)k) : -1; j >= 0 && tries < k; tries++) {
        if (calls[j].row->nr == nr) {
            c->from[i] = j;
            return 1;
        }
        j = j ? j - 1 : k - 1;
    }
    return 0;
}

static long number(const struct row *r, int i)
{
    switch (argkind_kind(r->kind[i])) {
    case AK_SIZE:
    case AK_LONG:
    case AK_OFF:
        return rnd() % 4 ? (long)(rnd() % 300) : PICK(odd);
    case AK_FLAGS:
        if (rnd() % 3 == 0)
            return 0;
        return (long)(1UL << rnd() % (rnd() % 8 ? 22 : 33)) |
               (rnd() % 2 ? (long)(1UL << rnd() % 12) : 0);
    case AK_SIG:
        return (long)(rnd() % 66);
    case AK_MODE:
        return rnd() % 4 ? 0777 : (long)(rnd() % 0x20000);
    case AK_UID:
        return rnd() % 2 ? 0 : (long)(rnd() % 3) - 1;
    default:
        return rnd() % 8 ? (long)(rnd() % 40) : PICK(odd);
    }
}

static void descriptor(struct call *c, int k, int i)
{
    if (k && rnd() % 3 == 0)
        for (int tries = 0; tries < 4; tries++)
            if (result_of(c, i, k, PICK(openers)))
                return;
    value(c, i, (long)(rnd() % (FX_LAST + 8)));
}

/* Arrays of iovecs, a control message with descriptors and credentials. */
static long vectors(long *count)
{
    struct iovec v[4];

    *count = (long)(rnd() % 5);
    for (int i = 0; i < 4; i++)
        v[i] = (struct iovec){(void *)put(NULL, 16), rnd() % 600};
    return put(v, sizeof(v));
}

static long socket_address(long *size)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    static const char at[][10] = {"s", "d/s", "\0abstract", "\0x", ""};
    unsigned int which = rnd() % 2 ? 0 : rnd() % 5;

    memcpy(un.sun_path, at[which], 9);
    *size = which == 4 ? 2 : (long)sizeof(un) - (which >= 2 ? 99 : 0);
    return put(&un, sizeof(un));
}

static long message(void)
{
    struct {
        struct cmsghdr h;
        int fds[4];
    } control = {{0, SOL_SOCKET, SCM_RIGHTS}, {0}};
    long count, size, vector = vectors(&count);
    struct msghdr m = {.msg_iov = (void *)vector, .msg_iovlen = (size_t)count};
    unsigned long n = 1 + rnd() % 4;

    control.h.cmsg_len = CMSG_LEN(n * sizeof(int));
    for (unsigned long i = 0; i < n; i++)
        control.fds[i] = FX_FIRST + (int)(rnd() % (FX_LAST - FX_FIRST));
    if (rnd() % 2) {
        m.msg_control = (void *)put(&control, sizeof(control));
        m.msg_controllen = rnd() % 8 ? CMSG_SPACE(n * sizeof(int)) : 200;
    }
    if (rnd() % 4 == 0) {
        m.msg_name = (void *)socket_address(&size);
        m.msg_namelen = (socklen_t)size;
    }
    return put(&m, sizeof(m));
}

/* A later argument, the size of this one. */
static unsigned int decided;
static void decide(struct call *c, int i, long v)
{
    value(c, i, v);
    decided |= 1U << i;
}

static void make_argument(struct call *c, int k, int i)
{
    uint32_t kind = argkind_kind(c->row->kind[i]), p1 = argkind_p1(c->row->kind[i]);
    long count;

    if (kind == AK_NONE || decided & 1U << i)
        return;
    if (rnd() % 8 && shape_value(c, k, i))
        return;
    switch (kind) {
    case AK_DIRFD:
        if (rnd() % 4) {
            value(c, i, rnd() % 4 ? AT_FDCWD : FX_DIR);
            break;
        }
        descriptor(c, k, i);
        break;
    case AK_FD:
        descriptor(c, k, i);
        break;
    case AK_PID:
        if (result_of(c, i, k, rnd() % 2 ? SYS_clone : SYS_fork) && rnd() % 2)
            break;
        c->from[i] = rnd() % 2 ? S_VICTIM : rnd() % 2 ? S_SELF : S_VALUE;
        c->arg[i] = rnd() % 4 ? (long)(rnd() % 6) : rnd() % 2 ? -1 : 0x3ffffff0;
        break;
    case AK_IN_STR:
        value(c, i, rnd() % 16 ? random_name() : place());
        break;
    case AK_IN:
    case AK_INOUT:
        value(c, i, rnd() % 5 ? rnd() % 8 ? shape_struct(p1) : place() : 0);
        break;
    case AK_IN_IOV:
    case AK_OUT_IOV:
        value(c, i, vectors(&count));
        if (rnd() % 8)
            decide(c, (int)p1, count);
        break;
    case AK_IN_SOCKADDR:
        value(c, i, rnd() % 6 ? socket_address(&count) : (count = 0));
        decide(c, (int)p1, rnd() % 8 ? count : (long)(rnd() % 200));
        break;
    case AK_IN_MSGHDR:
    case AK_OUT_MSGHDR:
        value(c, i, rnd() % 8 ? message() : place());
        break;
    default:
        if (kind > AK_IN_STR || kind == AK_PTR)
            value(c, i, rnd() % 10 ? place() : 0);
        else if ((kind == AK_INT || kind == AK_HEX) && k && rnd() % 6 == 0)
            c->from[i] = (int)(rnd() % (unsigned int)k);
        else
            value(c, i, number(c->row, i));
    }
}

static void choose_act(struct call *c)
{
    switch (c->row->nr) {
    case SYS_fork:
    case SYS_vfork:
    case SYS_clone3:
        c->act = A_FORK;
        break;
    case SYS_clone:
        c->act = rnd() % 2 ? A_FORK : A_THREAD;
        break;
    case SYS_execve:
    case SYS_execveat:
        c->act = rnd() % 4 ? A_EXEC : A_CALL;
        break;
    case SYS_io_uring_enter:
        c->act = A_RING;
        break;
    case SYS_mincore:
    case SYS_getpid:
        c->act = rnd() % 2 ? A_TOUCH : A_CALL;
        break;
    default:
        c->act = A_CALL;
    }
}

/* Structures of all kinds side by side: whatever is pointed to, something of it makes sense. */
static void fill_image(void)
{
    for (long i = 0; i < MEMORY_SIZE / 8; i++) {
        uint64_t r = rnd(), w = 0;
        switch (r % 8) {
        case 0:
        case 1:
            w = (uint64_t)MEMORY + r / 8 % MEMORY_SIZE;
            break;
        case 2:
        case 3:
            w = r / 8 % 40;
            break;
        case 4:
            w = 1 | (r & 0xff00);
            break;
        case 5:
            w = r;
            break;
        }
        memcpy(image + i * 8, &w, 8);
    }
    memset(image, 0, 256);
}

void make_program(uint64_t seed)
{
    rng = seed * 0x9e3779b97f4a7c15ULL + 1;
    for (int i = 0; i < 8; i++)
        rnd();
    fill_image();
    own_pids = (int)(rnd() % 2);
    ncalls = 40 + (int)(rnd() % (CALLS_MAX - 40));
    int processes = 1 + (int)(rnd() % PROCESSES), threads = 1 + (int)(rnd() % THREADS);
    int favourites[4];
    for (int i = 0; i < 4; i++)
        favourites[i] = rnd() % 2 ? PICK(meeting) : rows[rnd() % (unsigned int)nrows].nr;
    for (int k = 0; k < ncalls; k++) {
        struct call *c = &calls[k];
        switch (rnd() % 10) {
        case 0:
        case 1:
            c->row = row_of(PICK(favourites));
            break;
        case 2:
        case 3:
            c->row = row_of(PICK(meeting));
            break;
        case 4:
            c->row = row_of(PICK(openers));
            break;
        case 5:
            if (rnd() % 4 == 0) {
                static const int begin[] = {SYS_clone,  SYS_fork,           SYS_clone3,
                                            SYS_execve, SYS_io_uring_enter, SYS_mincore};
                c->row = row_of(PICK(begin));
                break;
            }
            /* fall through */
        default:
            c->row = &rows[rnd() % (unsigned int)nrows];
        }
        c->process = (int)(rnd() % (unsigned int)processes);
        c->thread = (int)(rnd() % (unsigned int)threads);
        choose_act(c);
        decided = 0;
        for (int i = 0; i < 6; i++)
            value(c, i, 0);
        for (int i = 0; i < 6; i++)
            make_argument(c, k, i);
        if (rnd() % 8)
            shape_call(c, k);
    }
}
