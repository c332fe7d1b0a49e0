/* What arguments of which call make sense: values and flags, kinds of descriptors, structures. */
#include "program.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/audit.h>
#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <linux/fs.h>
#include "sentry/argkinds.h"
#undef IN
#undef OUT

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

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
    V(io_uring_register, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
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
    uint64_t words[32] = {rnd() % 4, rnd() % 4}, set = rnd() & rnd();
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
    struct io_uring_sqe s = {.opcode = (unsigned char)(rnd() % 50),
                             .fd = FX_FIRST + (int)(rnd() % (FX_LAST - FX_FIRST)),
                             .addr = (uint64_t)(rnd() % 4 ? put(NULL, 256) : random_name()),
                             .len = (unsigned int)(rnd() % 64),
                             .off = rnd() % 2 ? 0 : ~0ULL,
                             .user_data = rnd() % 4};

    s.flags = rnd() % 2 ? 0 : (unsigned char)(1U << rnd() % 7);
    if (rnd() % 4 == 0)
        s.rw_flags = (int)(rnd() % 8);
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
