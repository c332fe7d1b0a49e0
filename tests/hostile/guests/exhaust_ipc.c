/* System V IPC, message queues, namespaces, filters, AIO contexts. */
#include "exhaust.h"

#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

/* --- System V IPC, message queues --- */
static void sysv(long kind)
{
    static const int types[] = {'m', 's', 'q'};
    long n = 0;
    static int ids[40000];

    for (; n < 40000; n++) {
        ids[n] = kind == 0   ? shmget(IPC_PRIVATE, 4096, 0600)
                 : kind == 1 ? semget(IPC_PRIVATE, 1, 0600)
                             : msgget(IPC_PRIVATE, 0600);
        if (ids[n] < 0)
            break;
    }
    int err = errno;
    for (long i = 0; i < n; i++)
        kind == 0   ? shmctl(ids[i], IPC_RMID, NULL)
        : kind == 1 ? semctl(ids[i], 0, IPC_RMID)
                    : msgctl(ids[i], IPC_RMID, NULL);
    errno = err;
    printf("%c ", types[kind]);
    ENDED("System V objects", n, 33000, ENOSPC);
}

static void message_queues(long x)
{
    char name[32];
    long n = 0;

    limit(RLIMIT_MSGQUEUE, 100000);
    become(NOBODY);
    for (; n < 1000; n++) {
        snprintf(name, sizeof(name), "/exhaust%ld", n);
        if (mq_open(name, O_RDWR | O_CREAT, 0600, NULL) == (mqd_t)-1)
            break;
    }
    int err = errno;
    for (long i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "/exhaust%ld", i);
        mq_unlink(name);
    }
    errno = err;
    ENDED("message queues", n, 10, EMFILE);
}

/* --- namespaces, filters, contexts --- */
static void namespaces(long kind)
{
    static const int flags[] = {CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNS};
    char path[64];
    long n = 0;

    limit(RLIMIT_NOFILE, 8192);
    snprintf(path, sizeof(path), "/proc/self/ns/%s", kind == 0 ? "uts" : kind == 1 ? "ipc" : "mnt");
    for (; n < 5000; n++)
        if (unshare(flags[kind]) || open(path, O_RDONLY) < 0)
            break;
    ENDED("namespaces", n, sysctl("user/max_uts_namespaces") + 1, ENOSPC);
}

static void filters(long x)
{
    static struct sock_filter code[4096];
    struct sock_fprog p = {4096, code};
    long n = 0;

    for (int i = 0; i < 4095; i++)
        code[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, 1);
    code[4095] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    while (n < 100 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == 0)
        n++;
    ENDED("filters of 4096 instructions", n, 9, ENOMEM);
}

static void aio_contexts(long x)
{
    aio_context_t c = 0;
    long n = 0;

    while (n < 100000 && syscall(SYS_io_setup, 1000, &c) == 0) {
        c = 0;
        n++;
    }
    ENDED("AIO contexts", n, sysctl("fs/aio-max-nr") / 1000 + 1, EAGAIN);
}

static const struct exhaust_case cases[] = {
    {"shared memory", sysv, 0, 20000},
    {"semaphores", sysv, 1, 40000},
    {"messages", sysv, 2, 40000},
    {"message queues", message_queues, 0, 5000},
    {"UTS namespaces", namespaces, 0, 10000},
    {"IPC namespaces", namespaces, 1, 10000},
    {"mount namespaces", namespaces, 2, 20000},
    {"filters", filters, 0, 5000},
    {"AIO", aio_contexts, 0, 5000},
};

int main(int argc, char **argv)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return exhaust_all(cases, sizeof(cases) / sizeof(cases[0]), argv[1]);
}
