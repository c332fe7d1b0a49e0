/* Socket calls of one task: addresses, vectors, control messages, options, netlink requests. */
#include <errno.h>
#include <sys/socket.h>

#include "platform/platform.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/syscall.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm.h"
#include "sentry/socket/socket.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"
#include "sentry/vfs/vfs.h"

#include "tests/fuzz/fuzz.h"

#define BASE 0x100000UL
#define MEMORY 16384

#include "tests/fuzz/guest_memory.h"

static struct task task;
static struct thread_group group;
static struct mm mm;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct superblock *sb;

    platform = &fake;
    for (int i = 0; i < RLIM_NLIMITS; i++)
        group.rlim[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    group.rlim[RLIMIT_NOFILE].rlim_cur = 64;
    group.tgid = task.tid = 1;
    group.leader = &task;
    task.tg = &group;
    task.mm = &mm;
    task.cred = cred_new(0, 0);
    REQUIRE(!tmpfs_new(0, 0, 0755, &sb) && !mount_ns_init(sb, 0));
    struct path root = {root_mount_ns->root, sb->root};
    task.fs = fs_context_new(&root);
    REQUIRE(!unix_init() && !netlink_init());
    return 0;
}

typedef long (*handler)(struct task *t, const struct sysargs *a);
static const handler calls[] = {
    sys_bind,        sys_connect,    sys_sendto,     sys_sendmsg,    sys_recvmsg, sys_getsockname,
    sys_getpeername, sys_setsockopt, sys_getsockopt, sys_listen,     sys_accept4, sys_shutdown,
    sys_recvfrom,    sys_sendmmsg,   sys_recvmmsg,   sys_socketpair, sys_close};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int domains[] = {AF_UNIX, AF_NETLINK, AF_INET, AF_UNIX};
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW};
    struct input in = {data, size};

    task.fds = fdtable_new();
    REQUIRE(task.fds);
    memset(memory, 0, sizeof(memory));
    struct input whole = in; /* the same bytes are calls and what they point to */
    take(&whole, memory, sizeof(memory));
    for (int i = 0; i < 24 && in.left; i++) {
        unsigned int op = take_u8(&in);
        struct sysargs a = {0};
        if (op % 4 == 0) {
            uint8_t k = take_u8(&in);
            a.arg[0] = (unsigned long)domains[k % 4];
            a.arg[1] = (unsigned long)(types[k / 4 % 4] | SOCK_NONBLOCK);
            if (k & 64) {
                a.arg[3] = BASE + 4096;
                sys_socketpair(&task, &a);
            } else {
                sys_socket(&task, &a);
            }
            continue;
        }
        for (int k = 0; k < 6; k++) {
            uint8_t how = take_u8(&in);
            a.arg[k] = how < 128 ? how : how < 250 ? BASE + (how - 128) * 16UL : take_u64(&in);
        }
        a.arg[0] %= 16;
        handler h = calls[op / 4 % (sizeof(calls) / sizeof(calls[0]))];
        if (h == sys_socketpair)
            a.arg[1] |= SOCK_NONBLOCK;
        else if (h == sys_sendto || h == sys_recvfrom || h == sys_sendmmsg || h == sys_recvmmsg)
            a.arg[3] |= MSG_DONTWAIT | MSG_NOSIGNAL;
        else if (h == sys_sendmsg || h == sys_recvmsg)
            a.arg[2] |= MSG_DONTWAIT | MSG_NOSIGNAL;
        else if (h == sys_accept4)
            a.arg[3] |= SOCK_NONBLOCK;
        if (h)
            h(&task, &a);
    }
    fdtable_put(task.fds);
    task.fds = NULL;
    return 0;
}
