/* What arguments of which call make sense: values and flags, kinds of descriptors. */
#include "program.h"
#include "kernel.h"

/* One of the values (V), or some of the bits (B). */
struct choice {
    short nr;
    char arg, bits, n;
    long of[24];
};
#define COUNT(...) (sizeof((long[]){__VA_ARGS__}) / sizeof(long))
#define V(nr, i, ...)                                                                              \
    {                                                                                              \
        SYS_##nr, i, 0, COUNT(__VA_ARGS__),                                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define B(nr, i, ...)                                                                              \
    {                                                                                              \
        SYS_##nr, i, 1, COUNT(__VA_ARGS__),                                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define OPEN_BITS                                                                                  \
    O_WRONLY, O_RDWR, O_RDWR, O_CREAT, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_NONBLOCK,             \
        O_DIRECTORY, O_NOFOLLOW, O_PATH, O_CLOEXEC, O_TMPFILE
#define NS_BITS                                                                                    \
    CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,            \
        CLONE_NEWCGROUP
#define PROT PROT_READ, PROT_READ, PROT_WRITE, PROT_WRITE, PROT_EXEC
#define CLOCKS 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11
#define AT_BITS AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_SYMLINK_FOLLOW
#define MSG_BITS                                                                                   \
    MSG_DONTWAIT, MSG_DONTWAIT, MSG_PEEK, MSG_OOB, MSG_TRUNC, MSG_WAITALL, MSG_NOSIGNAL, MSG_EOR
#define WAITS WNOHANG, WNOHANG, WUNTRACED, WCONTINUED, __WALL, __WCLONE, __WNOTHREAD

static const struct choice choices[] = {
    B(open, 1, OPEN_BITS),
    B(openat, 2, OPEN_BITS),
    V(lseek, 2, 0, 1, 2, SEEK_DATA, SEEK_HOLE),
    V(mmap, 1, 4096, 8192, 65536, 1 << 20),
    B(mmap, 2, PROT),
    V(mmap, 3, MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED, MAP_PRIVATE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, MAP_SHARED | MAP_FIXED, MAP_PRIVATE | MAP_FIXED,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, MAP_SHARED_VALIDATE | MAP_FIXED),
    V(mmap, 5, 0, 4096, 8192, 1 << 20),
    B(mprotect, 2, PROT),
    V(mremap, 3, 0, MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED,
      MREMAP_MAYMOVE | MREMAP_DONTUNMAP),
    V(msync, 2, MS_SYNC, MS_ASYNC, MS_INVALIDATE | MS_SYNC),
    V(madvise, 2, 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25),
    V(rt_sigprocmask, 0, 0, 1, 2),
    V(rt_sigprocmask, 3, 8),
    V(rt_sigaction, 3, 8),
    V(rt_sigpending, 1, 8),
    V(rt_sigtimedwait, 3, 8),
    V(rt_sigsuspend, 1, 8),
    V(signalfd, 2, 8),
    V(signalfd4, 2, 8),
    B(signalfd4, 3, O_NONBLOCK, O_CLOEXEC),
    V(ppoll, 4, 8),
    V(epoll_pwait, 5, 8),
    V(epoll_pwait2, 5, 8),
    V(epoll_wait, 2, 1, 4, 16),
    V(epoll_wait, 3, 0, 1, 5),
    V(epoll_pwait, 2, 1, 4, 16),
    V(epoll_pwait, 3, 0, 1, 5),
    V(poll, 1, 1, 3, 8),
    V(poll, 2, 0, 1, 5),
    V(ppoll, 1, 1, 3, 8),
    V(select, 0, 0, 8, 40, 64),
    V(pselect6, 0, 0, 8, 40, 64),
    V(shmget, 0, 0, 0, 1, 2, 3),
    V(shmget, 1, 4096, 65536, 1, 0),
    B(shmget, 2, 01000, 01000, 0666, 02000),
    V(shmat, 0, 0, 0, 1),
    V(shmctl, 0, 0, 0, 1),
    V(semop, 0, 0, 0, 1),
    V(semtimedop, 0, 0, 0, 1),
    V(semctl, 0, 0, 0, 1),
    V(msgsnd, 0, 0, 0, 1),
    V(msgrcv, 0, 0, 0, 1),
    V(msgctl, 0, 0, 0, 1),
    B(shmat, 2, SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC),
    V(shmctl, 1, 0, 1, 2, 3, 11, 12, 13, 14, 15),
    V(semget, 0, 0, 0, 1, 2, 3),
    V(semget, 1, 1, 4, 0),
    B(semget, 2, 01000, 01000, 0666, 02000),
    V(semctl, 1, 0, 1, 2, 3),
    V(semctl, 2, 0, 1, 2, 3, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20),
    V(semop, 2, 1, 2, 3),
    V(semtimedop, 2, 1, 2, 3),
    V(msgget, 0, 0, 0, 1, 2, 3),
    B(msgget, 1, 01000, 01000, 0666, 02000),
    V(msgsnd, 2, 8, 100, 0),
    B(msgsnd, 3, 04000),
    V(msgrcv, 2, 8, 200, 0),
    V(msgrcv, 3, 0, 1, -2),
    B(msgrcv, 4, 04000, 04000, 010000, 020000, 040000),
    V(msgctl, 1, 0, 1, 2, 3, 11, 12, 13),
    V(socket, 0, AF_UNIX, AF_UNIX, AF_UNIX, AF_NETLINK, AF_INET),
    B(socket, 1, SOCK_STREAM, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_CLOEXEC),
    V(socket, 2, 0),
    V(socketpair, 0, AF_UNIX),
    V(socketpair, 1, 1, 2, 5, 1 | SOCK_NONBLOCK, 2 | SOCK_NONBLOCK),
    V(socketpair, 2, 0),
    B(sendto, 3, MSG_BITS),
    B(sendmsg, 2, MSG_BITS),
    B(sendmmsg, 3, MSG_BITS),
    B(recvfrom, 3, MSG_BITS),
    B(recvmsg, 2, MSG_BITS),
    B(recvmmsg, 3, MSG_BITS),
    V(sendmmsg, 2, 1, 2),
    V(recvmmsg, 2, 1, 2),
    V(shutdown, 1, 0, 1, 2),
    V(setsockopt, 1, SOL_SOCKET, SOL_SOCKET, 270),
    V(setsockopt, 4, 4, 8, 16),
    V(getsockopt, 1, SOL_SOCKET, SOL_SOCKET, 270),
    V(listen, 1, 0, 1, 5, 128),
    B(wait4, 2, WAITS),
    V(waitid, 0, 0, 1, 2, 3),
    B(waitid, 3, WNOHANG, WNOHANG, WEXITED, WEXITED, WSTOPPED, WCONTINUED, WNOWAIT, __WALL),
    V(fcntl, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 16, 36, 37, 38, 1024, 1026, 1030, 1031,
      1032, 1033, 1034),
    V(flock, 1, 1, 2, 5, 6, 8),
    V(ptrace, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 24, 31),
    V(prctl, 0, 1, 2, 3, 4, 7, 8, 15, 16, 21, 22, 23, 24, 25, 26, 28, 29, 30, 35, 36, 37, 38, 39),
    V(arch_prctl, 0, 0x1004, 0x1003, 0x1011, 0x1021, 0x1022),
    V(getrlimit, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    V(prlimit64, 1, 0, 3, 5, 7, 8, 10, 11, 12, 13, 14, 15),
    V(setrlimit, 0, 0, 3, 5, 7, 8, 10, 11, 12, 13, 14, 15),
    V(getrusage, 0, 0, -1, 1),
    V(personality, 0, 0xffffffff, 0, 0x0040000),
    V(getpriority, 0, 0, 1, 2),
    V(setpriority, 0, 0, 1, 2),
    V(setpriority, 2, 0, 5, 19, -5),
    V(ioprio_get, 0, 1, 2, 3),
    V(ioprio_set, 0, 1, 2, 3),
    V(ioprio_set, 2, 0, 0x4002, 0x6000),
    V(sched_setscheduler, 1, 0, 1, 2, 3, 5),
    B(mlockall, 0, 1, 2, 4),
    B(mount, 3, MS_RDONLY, MS_NOSUID, MS_NOEXEC, MS_BIND, MS_BIND, MS_REC, MS_REMOUNT, MS_NOATIME),
    B(umount2, 1, 1, 2, 2, 4, 8),
    V(setxattr, 4, 0, 1, 2),
    V(lsetxattr, 4, 0, 1, 2),
    V(fsetxattr, 4, 0, 1, 2),
    V(futex, 2, 0, 1, 2, 7),
    V(sched_setaffinity, 1, 8, 16, 128),
    V(sched_getaffinity, 1, 8, 16, 128),
    V(fadvise64, 3, 0, 1, 2, 3, 4, 5),
    V(timer_create, 0, CLOCKS),
    V(timer_settime, 0, 0, 1, 2),
    B(timer_settime, 1, 1),
    V(timer_gettime, 0, 0, 1, 2),
    V(timer_getoverrun, 0, 0, 1, 2),
    V(timer_delete, 0, 0, 1, 2),
    V(clock_gettime, 0, CLOCKS),
    V(clock_getres, 0, CLOCKS),
    V(clock_nanosleep, 0, 0, 1, 2, 7, 11),
    B(clock_nanosleep, 1, 1),
    V(epoll_ctl, 1, 1, 1, 1, 2, 3),
    V(mbind, 2, 0, 1, 2, 3),
    B(mq_open, 1, O_CREAT, O_CREAT, O_RDWR, O_NONBLOCK, O_EXCL),
    V(mq_timedsend, 2, 1, 8, 64),
    V(mq_timedreceive, 2, 8192, 64),
    V(mq_timedsend, 3, 0, 1, 5),
    B(inotify_add_watch, 2, IN_ALL_EVENTS, IN_MODIFY, IN_CREATE, IN_DELETE, IN_ONESHOT, IN_MASK_ADD,
      IN_EXCL_UNLINK, IN_ONLYDIR, IN_DELETE_SELF),
    V(inotify_rm_watch, 1, 1, 2, 3),
    B(inotify_init1, 0, O_NONBLOCK, O_CLOEXEC),
    V(mknodat, 2, 0100644, 0010644, 0140644),
    V(mknod, 1, 0100644, 0010644, 0140644),
    B(fchownat, 4, AT_BITS),
    B(newfstatat, 3, AT_BITS),
    B(statx, 2, AT_BITS, 0x2000, 0x4000),
    V(statx, 3, 0x7ff, 0xfff, 1, 0),
    B(unlinkat, 2, AT_REMOVEDIR),
    B(linkat, 4, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH),
    B(faccessat2, 3, AT_EACCESS, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH),
    B(utimensat, 3, AT_BITS),
    B(fchmodat2, 3, AT_BITS),
    B(renameat2, 4, 1, 2, 4),
    B(unshare, 0, NS_BITS, CLONE_FS, CLONE_FILES, CLONE_SYSVSEM),
    V(setns, 1, 0, 0, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC),
    B(clone, 0, NS_BITS, CLONE_FS, CLONE_FILES, CLONE_PARENT, CLONE_PTRACE, CLONE_PARENT_SETTID,
      CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID, CLONE_IO, CLONE_UNTRACED, SIGCHLD, SIGCHLD,
      SIGUSR1),
    B(splice, 5, SPLICE_F_NONBLOCK, SPLICE_F_NONBLOCK, SPLICE_F_MOVE, SPLICE_F_MORE),
    B(tee, 3, SPLICE_F_NONBLOCK),
    B(vmsplice, 3, SPLICE_F_NONBLOCK, SPLICE_F_GIFT),
    V(vmsplice, 2, 1, 2),
    B(sync_file_range, 3, 1, 2, 4),
    V(timerfd_create, 0, 0, 1, 7, 8, 9),
    B(timerfd_create, 1, O_NONBLOCK, O_CLOEXEC),
    B(timerfd_settime, 1, 1, 2),
    V(fallocate, 1, 0, 1, 3, 8, 16, 17, 32, 64),
    B(eventfd2, 1, EFD_NONBLOCK, EFD_CLOEXEC, EFD_SEMAPHORE),
    B(epoll_create1, 0, EPOLL_CLOEXEC),
    B(accept4, 3, SOCK_NONBLOCK, SOCK_CLOEXEC),
    B(dup3, 2, O_CLOEXEC),
    B(pipe2, 1, O_NONBLOCK, O_CLOEXEC, O_DIRECT),
    B(preadv2, 5, 1, 2, 4, 8, 16),
    B(pwritev2, 5, 1, 2, 4, 8, 16),
    V(kcmp, 2, 0, 1, 2, 3, 4, 5, 6, 7),
    V(seccomp, 0, 0, 1, 1, 1, 2, 3),
    V(seccomp, 1, 0, 0, 1, 2, 4, 8, 16),
    B(getrandom, 2, 1, 2, 4),
    B(memfd_create, 1, MFD_CLOEXEC, MFD_ALLOW_SEALING),
    V(membarrier, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256),
    V(membarrier, 1, 0, 0, 0, 1),
    B(mlock2, 2, 1),
    V(copy_file_range, 5, 0),
    V(pkey_mprotect, 3, -1, 0, 1),
    V(pkey_alloc, 0, 0),
    V(pidfd_send_signal, 3, 0),
    B(pidfd_open, 1, O_NONBLOCK, O_EXCL),
    V(pidfd_getfd, 2, 0),
    V(io_setup, 0, 1, 8, 128),
    V(io_submit, 1, 1, 2, 4),
    V(io_getevents, 1, 0, 0, 1),
    V(io_getevents, 2, 1, 8),
    V(io_pgetevents, 1, 0, 0, 1),
    V(io_pgetevents, 2, 1, 8),
    V(io_uring_setup, 0, 1, 8, 64),
    V(io_uring_enter, 1, 0, 1, 2),
    V(io_uring_enter, 2, 0, 0, 1),
    V(io_uring_enter, 3, 0, 1, 1),
    V(io_uring_register, 1, 0, 1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 15, 16, 20, 22, 23, 24, 25, 26),
    V(io_uring_register, 3, 0, 1, 2, 4),
    B(open_tree, 2, 1, 1, 02000000, 0x8000),
    B(move_mount, 4, 4, 4, 0x40, 1),
    V(fsconfig, 1, 0, 1, 2, 5, 6, 6, 7),
    V(fsmount, 1, 0, 1),
    V(fsmount, 2, 0, 1, 2, 8),
    B(fspick, 2, 8, 1),
    B(close_range, 2, 2, 4),
    V(close_range, 0, 30, 38, 44, 60, FX_LAST),
    V(close_range, 1, 31, 40, 46, 199),
    B(mount_setattr, 2, 0x8000, 0x1000),
    V(mount_setattr, 4, 32),
    V(statmount, 2, 512, 4096),
    V(statmount, 3, 0),
    V(listmount, 2, 8),
    V(listmount, 3, 0),
    V(mseal, 2, 0),
    V(sched_setattr, 2, 0),
    V(sched_getattr, 2, 48, 56),
    V(sched_getattr, 3, 0),
    V(clone3, 1, 64, 88),
    V(openat2, 3, 24),
    V(set_robust_list, 1, 24),
    V(process_vm_readv, 2, 1),
    V(process_vm_readv, 4, 1),
    V(process_vm_readv, 5, 0),
    V(process_vm_writev, 2, 1),
    V(process_vm_writev, 4, 1),
    V(process_vm_writev, 5, 0),
    V(getitimer, 0, 0, 1, 2),
    V(setitimer, 0, 1, 2),
    V(setpgid, 1, 0),
};

/* Which fixtures the descriptors of a call are. */
struct kinds {
    short nr;
    char arg, n;
    unsigned char of[12];
};
#define F(nr, i, ...)                                                                              \
    {                                                                                              \
        SYS_##nr, i, sizeof((char[]){__VA_ARGS__}),                                                \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define SOCKETS FX_STREAM0, FX_STREAM1, FX_DGRAM0, FX_DGRAM1, FX_SEQ0, FX_SEQ1, FX_LISTEN, FX_CLIENT
#define FILES FX_MEMFD, FX_FILE, FX_APPEND, FX_RDONLY, FX_TMPFILE
#define PIPES FX_PIPE_R, FX_PIPE_W, FX_FIFO
static const struct kinds kinds[] = {
    F(connect, 0, FX_CLIENT, FX_DGRAM0, FX_STREAM0),
    F(accept, 0, FX_LISTEN),
    F(accept4, 0, FX_LISTEN),
    F(sendto, 0, SOCKETS, FX_NETLINK),
    F(recvfrom, 0, SOCKETS, FX_NETLINK),
    F(sendmsg, 0, SOCKETS, FX_NETLINK),
    F(recvmsg, 0, SOCKETS, FX_NETLINK),
    F(sendmmsg, 0, SOCKETS),
    F(recvmmsg, 0, SOCKETS),
    F(shutdown, 0, FX_STREAM0, FX_STREAM1, FX_DGRAM0, FX_SEQ0),
    F(bind, 0, FX_CLIENT, FX_DGRAM1),
    F(listen, 0, FX_LISTEN, FX_CLIENT),
    F(getsockname, 0, SOCKETS, FX_NETLINK),
    F(getpeername, 0, SOCKETS),
    F(setsockopt, 0, SOCKETS, FX_NETLINK),
    F(getsockopt, 0, SOCKETS, FX_NETLINK),
    F(epoll_ctl, 0, FX_EPOLL, FX_EPOLL2),
    F(epoll_ctl, 2, PIPES, FX_STREAM0, FX_EVENT, FX_TIMER, FX_SIGNAL, FX_EPOLL2, FX_EPOLL, FX_PTMX),
    F(epoll_wait, 0, FX_EPOLL, FX_EPOLL2),
    F(epoll_pwait, 0, FX_EPOLL, FX_EPOLL2),
    F(epoll_pwait2, 0, FX_EPOLL, FX_EPOLL2),
    F(inotify_add_watch, 0, FX_INOTIFY),
    F(inotify_rm_watch, 0, FX_INOTIFY),
    F(timerfd_settime, 0, FX_TIMER),
    F(timerfd_gettime, 0, FX_TIMER),
    F(signalfd, 0, FX_SIGNAL),
    F(signalfd4, 0, FX_SIGNAL),
    F(fallocate, 0, FILES),
    F(ftruncate, 0, FILES),
    F(lseek, 0, FILES, FX_DIR),
    F(pread64, 0, FILES, FX_MEM, FX_PROC),
    F(pwrite64, 0, FILES),
    F(preadv, 0, FILES),
    F(pwritev, 0, FILES),
    F(preadv2, 0, FILES),
    F(pwritev2, 0, FILES),
    F(mmap, 4, FILES, FX_ZERO, FX_PTS),
    F(copy_file_range, 0, FILES),
    F(copy_file_range, 2, FILES),
    F(sendfile, 0, PIPES, FX_STREAM0, FX_FILE, FX_PTMX),
    F(sendfile, 1, FILES, FX_PROC),
    F(splice, 0, PIPES, FILES, FX_STREAM1),
    F(splice, 2, PIPES, FILES, FX_STREAM0),
    F(tee, 0, FX_PIPE_R, FX_FIFO),
    F(tee, 1, FX_PIPE_W, FX_FIFO),
    F(vmsplice, 0, PIPES),
    F(getdents, 0, FX_DIR, FX_PROC),
    F(getdents64, 0, FX_DIR, FX_PROC),
    F(fchdir, 0, FX_DIR, FX_PROC),
    F(flock, 0, FILES),
    F(fsetxattr, 0, FILES),
    F(fgetxattr, 0, FILES),
    F(flistxattr, 0, FILES),
    F(fremovexattr, 0, FILES),
    F(readahead, 0, FILES),
    F(fadvise64, 0, FILES),
    F(sync_file_range, 0, FILES),
    F(setns, 0, FX_NS_MNT, FX_NS_UTS, FX_NS_IPC, FX_NS_PID, FX_NS_NET, FX_PIDFD),
    F(pidfd_send_signal, 0, FX_PIDFD),
    F(pidfd_getfd, 0, FX_PIDFD),
    F(process_mrelease, 0, FX_PIDFD),
    F(mq_timedsend, 0, FX_MQ),
    F(mq_timedreceive, 0, FX_MQ),
    F(mq_notify, 0, FX_MQ),
    F(mq_getsetattr, 0, FX_MQ),
    F(io_uring_enter, 0, FX_RING),
    F(io_uring_register, 0, FX_RING),
    F(fsconfig, 0, FX_FSCONTEXT),
    F(fsmount, 0, FX_FSCONTEXT),
    F(move_mount, 0, FX_TREE),
    F(execveat, 0, FX_FILE, FX_DIR),
    F(ioctl, 0, FX_PTMX, FX_PTS, FX_PTS, FX_PIPE_R, FX_STREAM0, FX_FILE, FX_NS_PID, FX_SIGNAL),
};

/* Strings: names of attributes, and what attributes are set of. */
static int shape_string(struct call *c, int i)
{
    static const char *const attributes[] = {"user.a", "user.b", "trusted.x", "security.capability",
                                             "system.posix_acl_access"};
    static const short calls_of[] = {SYS_setxattr,    SYS_lsetxattr,    SYS_fsetxattr,
                                     SYS_getxattr,    SYS_lgetxattr,    SYS_fgetxattr,
                                     SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr};

    for (size_t n = 0; n < sizeof(calls_of) / sizeof(*calls_of); n++)
        if (c->row->nr == calls_of[n] && i == 1) {
            const char *name = PICK(attributes);
            value(c, i, put(name, strlen(name) + 1));
            return 1;
        }
    return 0;
}

/* Results of calls that make what others need. */
static int shape_common(struct call *c, int k, int i)
{
    static const struct {
        short nr, arg, of;
    } results[] = {
        {SYS_shmat, 0, SYS_shmget},         {SYS_shmctl, 0, SYS_shmget},
        {SYS_shmdt, 0, SYS_shmat},          {SYS_semop, 0, SYS_semget},
        {SYS_semtimedop, 0, SYS_semget},    {SYS_semctl, 0, SYS_semget},
        {SYS_msgsnd, 0, SYS_msgget},        {SYS_msgrcv, 0, SYS_msgget},
        {SYS_msgctl, 0, SYS_msgget},        {SYS_fsconfig, 0, SYS_fsopen},
        {SYS_fsmount, 0, SYS_fsopen},       {SYS_move_mount, 0, SYS_fsmount},
        {SYS_move_mount, 0, SYS_open_tree}, {SYS_inotify_rm_watch, 1, SYS_inotify_add_watch},
        {SYS_ioctl, 0, SYS_seccomp},        {SYS_pkey_mprotect, 3, SYS_pkey_alloc},
        {SYS_pkey_free, 0, SYS_pkey_alloc}};

    for (size_t r = 0; r < sizeof(results) / sizeof(*results); r++)
        if (results[r].nr == c->row->nr && results[r].arg == i && rnd() % 4 &&
            result_of(c, i, k, results[r].of))
            return 1;
    return 0;
}

int shape_value(struct call *c, int k, int i)
{
    if (shape_common(c, k, i) || shape_string(c, i))
        return 1;
    for (size_t n = 0; n < sizeof(kinds) / sizeof(*kinds); n++)
        if (kinds[n].nr == c->row->nr && kinds[n].arg == i && rnd() % 4) {
            value(c, i, kinds[n].of[rnd() % (unsigned char)kinds[n].n]);
            return 1;
        }
    for (size_t n = 0; n < sizeof(choices) / sizeof(*choices); n++) {
        const struct choice *o = &choices[n];
        if (o->nr != c->row->nr || o->arg != i)
            continue;
        long v = o->of[rnd() % (unsigned char)o->n];
        for (int b = 0; o->bits && b < o->n; b++)
            v |= rnd() % 4 ? 0 : o->of[b];
        value(c, i, o->bits && rnd() % 4 == 0 ? 0 : v);
        return 1;
    }
    return 0;
}
