/* What arguments of which call make sense: structures, and what belongs together. */
#include "program.h"
#include "kernel.h"

static struct timespec short_time(void)
{
    return (struct timespec){0, (long)(rnd() % 8) * 500000};
}

/* Of a type of fixed size: argkinds.h. */
long shape_struct(uint32_t type)
{
    struct timespec ts[2] = {short_time(), short_time()};
    struct itimerspec its = {short_time(), short_time()};
    struct itimerval itv = {{0, (long)(rnd() % 5000)}, {0, (long)(rnd() % 5000)}};
    struct sigevent sev = {.sigev_notify = rnd() % 2 ? SIGEV_NONE : SIGEV_SIGNAL,
                           .sigev_signo = 10};
    struct epoll_event ee = {.events = EPOLLIN | (rnd() % 2 ? EPOLLET : 0) |
                                       (rnd() % 4 ? 0 : EPOLLONESHOT) | (rnd() % 4 ? 0 : EPOLLOUT) |
                                       (rnd() % 8 ? 0 : EPOLLEXCLUSIVE)};
    struct open_how how = {.flags = rnd() % 2 ? O_RDWR : O_RDONLY,
                           .resolve = rnd() % 2 ? 0 : 1UL << rnd() % 6};
    struct clone_args clone = {.exit_signal = SIGCHLD};
    uint64_t words[32] = {rnd() % 4, rnd() % 4}, set = rnd();
    set &= rnd(); /* a quarter of the signals */
    /* handlers: ignored, or the default */
    struct {
        uint64_t handler, flags, restorer, mask;
    } action = {rnd() % 2, 0, 0, set};

    static const unsigned long clones[] = {
        CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_PARENT, CLONE_FILES,        CLONE_FS,
        CLONE_PIDFD, CLONE_NEWIPC, CLONE_NEWUTS,  CLONE_IO,     CLONE_CLEAR_SIGHAND};
    for (size_t i = 0; i < sizeof(clones) / sizeof(*clones); i++)
        clone.flags |= rnd() % 5 ? 0 : clones[i];
    clone.pidfd = (uint64_t)put(NULL, 8);
    switch (type) {
    case AT_timespec:
        return put(ts, sizeof(*ts));
    case AT_timespec2:
        if (rnd() % 2)
            ts[0].tv_nsec = rnd() % 2 ? 0x3fffffff : 0x3ffffffe; /* UTIME_NOW, UTIME_OMIT */
        return put(ts, sizeof(ts));
    case AT_itimerspec:
        return put(&its, sizeof(its));
    case AT_itimerval:
        return put(&itv, sizeof(itv));
    case AT_sigevent:
        return put(&sev, sizeof(sev));
    case AT_epoll_event:
        return put(&ee, sizeof(ee));
    case AT_open_how:
        return put(&how, sizeof(how));
    case AT_clone_args:
        return put(&clone, sizeof(clone));
    case AT_sigaction:
        return put(&action, sizeof(action));
    case AT_sigset:
        return put(&set, sizeof(set));
    case AT_off:
    case AT_socklen:
        words[0] = rnd() % 200;
        return put(words, 8);
    case AT_capheader:
        words[0] = 0x20080522;
        return put(words, 8);
    case AT_rlimit:
        words[0] = rnd() % 64, words[1] = 64 + rnd() % 64;
        return put(words, 16);
    default:
        return put(words, sizeof(words));
    }
}

static long play(void)
{
    return PLAY + (long)(rnd() % PLAY_PAGES) * 4096;
}

static long play_size(void)
{
    static const long sizes[] = {4096, 4096, 8192, 16384, 65536, 1 << 18};
    return PICK(sizes);
}

/* Calls that begin with an address and a size of memory. */
static int shape_memory(struct call *c, int k)
{
    (void)k;
    switch (c->row->nr) {
    case SYS_mmap:
        value(c, 0, c->arg[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE) || rnd() % 2 ? play() : 0);
        return 1;
    case SYS_mremap:
        value(c, 4, play());
        value(c, 2, play_size());
        break;
    case SYS_mincore:
        value(c, 2, put(NULL, 512));
        break;
    case SYS_remap_file_pages:
        value(c, 2, 0);
        value(c, 3, (long)(rnd() % 4));
        value(c, 4, 0);
        break;
    case SYS_mprotect:
    case SYS_munmap:
    case SYS_msync:
    case SYS_madvise:
    case SYS_mlock:
    case SYS_mlock2:
    case SYS_munlock:
    case SYS_mbind:
    case SYS_pkey_mprotect:
    case SYS_mseal:
        break;
    case SYS_shmat:
        value(c, 1, rnd() % 2 ? play() : 0);
        return 1;
    default:
        return 0;
    }
    value(c, 0, play());
    value(c, 1, play_size());
    return 1;
}

static int shape_ioctl(struct call *c)
{
    static const long commands[] = {
        TCGETS,      TCSETS,      TCSETSW,   TCSETSF,         TCSBRK,          TCXONC,    TCFLSH,
        TIOCEXCL,    TIOCNXCL,    TIOCSCTTY, TIOCGPGRP,       TIOCSPGRP,       TIOCOUTQ,  TIOCSTI,
        TIOCGWINSZ,  TIOCSWINSZ,  FIONREAD,  TIOCPKT,         FIONBIO,         TIOCNOTTY, TIOCSETD,
        TIOCGETD,    TIOCGSID,    TIOCGPTN,  TIOCSPTLCK,      FIONCLEX,        FIOCLEX,   FIOASYNC,
        TIOCGPTPEER, TIOCVHANGUP, FIGETBSZ,  FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FICLONE,   0xb701,
        0xb702,      0xb703,      0xb704,    0xc0502100,      0xc0182101,      0x8904,    0x8905};
    struct termios t = {.c_iflag = (unsigned int)rnd(),
                        .c_oflag = (unsigned int)rnd() & 07,
                        .c_cflag = CS8 | CREAD,
                        .c_lflag = (unsigned int)rnd() & 0177777};
    struct winsize w = {(unsigned short)(rnd() % 200), 80, 0, 0};
    int one = (int)(rnd() % 3);

    value(c, 1, PICK(commands));
    for (int i = 0; i < 17; i++)
        t.c_cc[i] = (unsigned char)(rnd() % 4 ? rnd() % 28 : rnd());
    switch (c->arg[1]) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        value(c, 2, put(&t, sizeof(t)));
        return 1;
    case TIOCSWINSZ:
        value(c, 2, put(&w, sizeof(w)));
        return 1;
    case TCSBRK:
    case TCXONC:
    case TCFLSH:
    case TIOCGPTPEER:
        value(c, 2, (long)(rnd() % 4));
        return 1;
    case TIOCSCTTY:
        value(c, 2, one);
        return 1;
    case 0xc0502100:
    case 0xc0182101:
        value(c, 2, put(NULL, 128));
        return 1;
    default:
        value(c, 2, put(&one, sizeof(one)));
        return 1;
    }
}

static int shape_mount(struct call *c)
{
    static const char *const types[] = {"tmpfs", "proc", "mqueue", "devpts", "sysfs", "overlay"};
    static const char *const options[] = {"size=1m", "mode=700", "nr_inodes=20", "",
                                          "lowerdir=/tmp/d,upperdir=/tmp/m,workdir=/tmp/w"};
    static const char *const points[] = {"d", "m", "d/e", "/tmp", "/proc", "/dev/shm"};
    static const long propagation[] = {MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE, MS_MOVE};
    static const char *const keys[] = {"size", "mode", "nr_inodes", "source", "ro", "lowerdir"};
    static const char *const settings[] = {"1m", "700", "20", "w", "", "/tmp/d"};
    const char *type = PICK(types), *option = PICK(options), *point = PICK(points);
    unsigned int key = rnd() % 6;
    struct mount_attr attr = {.attr_set = rnd() % 2 ? 1 : 8,
                              .attr_clr = rnd() % 4 ? 0 : 2,
                              .propagation = rnd() % 2 ? 0 : 1UL << (17 + rnd() % 4)};
    uint64_t request[4] = {24, rnd() % 4 ? ~0ULL : rnd() % 100,
                           c->row->nr == SYS_statmount ? 0xff : 0, 0};

    switch (c->row->nr) {
    case SYS_mount:
        value(c, 1, put(point, strlen(point) + 1));
        value(c, 2, put(type, strlen(type) + 1));
        value(c, 4, rnd() % 2 ? put(option, strlen(option) + 1) : 0);
        if (rnd() % 3 == 0)
            value(c, 3, PICK(propagation) | (rnd() % 2 ? MS_REC : 0));
        if (rnd() % 4) {
            point = PICK(points);
            value(c, 0, put(point, strlen(point) + 1));
        }
        return 1;
    case SYS_umount2:
        value(c, 0, put(point, strlen(point) + 1));
        return 1;
    case SYS_fsopen:
        value(c, 0, put(type, strlen(type) + 1));
        value(c, 1, (long)(rnd() % 2));
        return 1;
    case SYS_fsconfig:
        value(c, 2, c->arg[1] >= 6 ? 0 : put(keys[key], strlen(keys[key]) + 1));
        value(c, 3, c->arg[1] == 1 ? put(settings[key], strlen(settings[key]) + 1) : 0);
        value(c, 4, 0);
        return 1;
    case SYS_move_mount:
        value(c, 1, put("", 1));
        value(c, 2, AT_FDCWD);
        value(c, 3, put(point, strlen(point) + 1));
        return 1;
    case SYS_mount_setattr:
        value(c, 0, AT_FDCWD);
        value(c, 1, put(point, strlen(point) + 1));
        value(c, 3, put(&attr, sizeof(attr)));
        return 1;
    case SYS_statmount:
    case SYS_listmount:
        value(c, 0, put(request, 24));
        value(c, 1, put(NULL, 512));
        return 1;
    }
    return 0;
}

/* Filters that let nearly all pass: a program that may do nothing teaches nothing. */
static long filter(void)
{
    static const unsigned int ends[] = {0x50001,    0x30000,    0x7ff00000,
                                        0x7fc00000, 0x7ffc0000, 0x50026};
    struct sock_filter f[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, rnd() % 8 ? 0 : 4),
                              BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rnd() % 330, 0, 1),
                              BPF_STMT(BPF_RET | BPF_K, PICK(ends)),
                              BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog p = {4, (void *)put(f, sizeof(f))};

    return put(&p, sizeof(p));
}

static long submission(void)
{
    struct io_uring_sqe s = {.opcode = (unsigned char)(rnd() % 64),
                             .fd = FX_FIRST + (int)(rnd() % (FX_LAST - FX_FIRST)),
                             .addr = (uint64_t)(rnd() % 4 ? put(NULL, 256) : random_name()),
                             .len = (unsigned int)(rnd() % 64),
                             .off = rnd() % 2 ? 0 : ~0ULL,
                             .user_data = rnd() % 4};

    s.flags = rnd() % 2 ? 0 : (unsigned char)(1U << rnd() % 7);
    if (rnd() % 4 == 0)
        s.rw_flags = (int)(rnd() % 8);
    if (rnd() % 4 == 0)
        s.ioprio = (unsigned short)(rnd() % 8); /* multishot, polling first */
    if (rnd() % 4 == 0)
        s.buf_group = (unsigned short)(rnd() % 3);
    if (rnd() % 8 == 0)
        s.file_index = rnd() % 2 ? IORING_FILE_INDEX_ALLOC : (unsigned int)(rnd() % 4);
    if (s.opcode == IORING_OP_PROVIDE_BUFFERS)
        s.fd = (int)(rnd() % 8), s.off = rnd() % 8;
    if (s.opcode == IORING_OP_POLL_ADD)
        s.addr = s.off = 0, s.len = (unsigned int)(rnd() % 2), s.poll32_events = 0x1005;
    if (s.opcode == IORING_OP_TIMEOUT || s.opcode == IORING_OP_LINK_TIMEOUT)
        s.addr = (uint64_t)shape_struct(AT_timespec), s.len = 1;
    return put(&s, sizeof(s));
}

static long control_blocks(void)
{
    long at[4];

    for (int i = 0; i < 4; i++) {
        struct iocb b = {.aio_lio_opcode = (unsigned short)(rnd() % 9),
                         .aio_fildes = FX_FIRST + (unsigned int)(rnd() % (FX_LAST - FX_FIRST)),
                         .aio_buf = (uint64_t)put(NULL, 64),
                         .aio_nbytes = rnd() % 200,
                         .aio_flags = rnd() % 4 ? 0 : IOCB_FLAG_RESFD,
                         .aio_resfd = FX_EVENT};
        at[i] = put(&b, sizeof(b));
    }
    return put(at, sizeof(at));
}

static int shape_ptrace(struct call *c, int k)
{
    static const long options[] = {0, 1, 0x7f, 0xff, 0x100000, 0x80};
    static const long words[] = {0, 8, 64, 120, 128, 136, 216, 848, 1000};

    if (rnd() % 2)
        c->from[1] = S_VICTIM;
    else if (rnd() % 4 && !result_of(c, 1, k, SYS_clone))
        result_of(c, 1, k, SYS_fork);
    if (rnd() % 4 == 0)
        value(c, 0, rnd() % 2 ? 0x4206 : PTRACE_ATTACH);
    else if (rnd() % 3 == 0)
        value(c, 0, 0x4200 + (long)(rnd() % 18));
    switch (c->arg[0]) {
    case 0x4200: /* SETOPTIONS */
    case 0x4206: /* SEIZE */
        value(c, 2, 0);
        value(c, 3, PICK(options));
        break;
    case PTRACE_PEEKUSER:
    case PTRACE_POKEUSER:
        value(c, 2, PICK(words));
        value(c, 3, rnd() % 2 ? put(NULL, 8) : (long)rnd());
        break;
    case PTRACE_CONT:
    case PTRACE_SYSCALL:
    case PTRACE_SINGLESTEP:
    case PTRACE_DETACH:
    case 31:
        value(c, 3, rnd() % 2 ? 0 : (long)(rnd() % 65));
        break;
    case 0x4204:
    case 0x4205: { /* register sets */
        struct iovec v = {(void *)put(NULL, 512), rnd() % 600};
        value(c, 2, rnd() % 2 ? 1 : 2);
        value(c, 3, put(&v, sizeof(v)));
        break;
    }
    default:
        value(c, 2, rnd() % 2 ? MEMORY : 64);
        value(c, 3, put(NULL, 512));
    }
    return 1;
}

static long polled(void)
{
    struct pollfd p[8];

    for (int i = 0; i < 8; i++)
        p[i] = (struct pollfd){FX_FIRST + (int)(rnd() % (FX_LAST - FX_FIRST)),
                               (short)(POLLIN | (rnd() % 2 ? POLLOUT : 0)), 0};
    return put(p, sizeof(p));
}

static long messages(void)
{
    struct iovec v = {(void *)put(NULL, 64), 64};
    struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = (void *)put(&v, sizeof(v)), .msg_iovlen = 1}}};

    m[1] = m[0];
    return put(m, sizeof(m));
}

static long lock(void)
{
    struct flock l = {.l_type = (short)(rnd() % 3), .l_start = (long)(rnd() % 100), .l_len = 10};

    return put(&l, sizeof(l));
}

static void shape_futex(struct call *c)
{
    static const long operations[] = {0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
    long word = rnd() % 4 ? MEMORY + 128 + (long)(rnd() % 4) * 4 : play();

    value(c, 0, word);
    value(c, 1, PICK(operations) | (rnd() % 2 ? 128 : 0) | (rnd() % 8 ? 0 : 256));
    value(c, 3, rnd() % 4 ? shape_struct(AT_timespec) : (long)(rnd() % 4));
    value(c, 4, MEMORY + 128 + (long)(rnd() % 4) * 4);
    value(c, 5, rnd() % 4 ? 0 : (long)rnd());
}

static void shape_vm(struct call *c)
{
    struct iovec to = {(void *)put(NULL, 256), rnd() % 256}, from = {(void *)play(), rnd() % 256};

    c->from[0] = S_SELF;
    value(c, 1, put(&to, sizeof(to)));
    value(c, 3, put(&from, sizeof(from)));
}

int shape_call(struct call *c, int k)
{
    struct sembuf ops[3];
    uint64_t message[16] = {1 + rnd() % 3};
    struct mount_attr scheduling = {0};

    if (shape_memory(c, k) || shape_mount(c))
        return 1;
    switch (c->row->nr) {
    case SYS_ioctl:
        return rnd() % 8 ? shape_ioctl(c) : 0;
    case SYS_ptrace:
        return shape_ptrace(c, k);
    case SYS_futex:
        shape_futex(c);
        return 1;
    case SYS_process_vm_readv:
    case SYS_process_vm_writev:
        shape_vm(c);
        return 1;
    case SYS_poll:
    case SYS_ppoll:
        value(c, 0, polled());
        return 1;
    case SYS_sendmmsg:
    case SYS_recvmmsg:
        value(c, 1, messages());
        return 1;
    case SYS_fcntl:
        if (c->arg[1] == 5 || c->arg[1] == 6 || c->arg[1] == 7 || c->arg[1] >= 36)
            value(c, 2, lock());
        else if (c->arg[1] == F_ADD_SEALS)
            value(c, 2, (long)(rnd() % 32));
        return 1;
    case SYS_semop:
    case SYS_semtimedop:
        for (int i = 0; i < 3; i++)
            ops[i] = (struct sembuf){(unsigned short)(rnd() % 2), (short)((int)(rnd() % 3) - 1),
                                     (short)(rnd() % 2 ? IPC_NOWAIT : SEM_UNDO)};
        value(c, 1, put(ops, sizeof(ops)));
        return 1;
    case SYS_msgsnd:
        value(c, 1, put(message, sizeof(message)));
        return 1;
    case SYS_seccomp:
        value(c, 2, filter());
        return 1;
    case SYS_io_setup:
        value(c, 1, CONTEXT);
        return 1;
    case SYS_io_submit:
        value(c, 2, control_blocks()); /* fall through */
    case SYS_io_destroy:
    case SYS_io_getevents:
    case SYS_io_cancel:
    case SYS_io_pgetevents:
        value(c, 0, CONTEXT);
        c->from[0] = S_MEMORY;
        return 1;
    case SYS_io_uring_enter:
        value(c, 4, submission());
        return 1;
    case SYS_io_uring_setup:
        memset(message, 0, sizeof(message));
        value(c, 1, put(message, sizeof(message)));
        return 1;
    case SYS_clone:
        for (int i = 1; i < 5; i++)
            value(c, i, put(NULL, 16));
        return 1;
    case SYS_mq_open:
        value(c, 0, put(rnd() % 2 ? "q" : "r", 2));
        value(c, 3, 0);
        return 1;
    case SYS_mq_unlink:
        value(c, 0, put("q", 2));
        return 1;
    case SYS_splice:
        value(c, 1, rnd() % 4 ? 0 : put(NULL, 8));
        value(c, 3, rnd() % 4 ? 0 : put(NULL, 8));
        return 1;
    case SYS_sched_setattr:
        scheduling.attr_set = 56; /* its size, then the policy */
        value(c, 1, put(&scheduling, sizeof(scheduling)));
        return 1;
    }
    return 0;
}
