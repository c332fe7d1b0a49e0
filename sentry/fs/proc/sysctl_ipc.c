/* /proc/sys/kernel/{shm*,msg*,sem} and /proc/sys/fs/mqueue: limits of the reader's IPC namespace.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/proc/proc.h"
#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/kernel/task.h"

static int parse(const char **at, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;

    errno = 0;
    uint64_t v = strtoull(*at, &end, 10);
    if (end == *at || errno || v < min || v > max || **at == '-')
        return -EINVAL;
    *at = end;
    *out = v;
    return 0;
}

#define LIMIT(name, field, min_, max_)                                                             \
    int proc_fill_##name(struct task *t, struct strbuf *out)                                       \
    {                                                                                              \
        strbuf_printf(out, "%lu\n", (unsigned long)task_current()->ipc->field);                    \
        return 0;                                                                                  \
    }                                                                                              \
    int proc_store_##name(struct task *t, const char *buf, size_t len)                             \
    {                                                                                              \
        uint64_t v;                                                                                \
        if (parse(&buf, min_, max_, &v))                                                           \
            return -EINVAL;                                                                        \
        t->ipc->field = (__typeof__(t->ipc->field))v;                                              \
        return 0;                                                                                  \
    }

LIMIT(shmmax, shm_max, 0UL, UINT64_MAX)
LIMIT(shmall, shm_all, 0UL, UINT64_MAX)
LIMIT(shmmni, shm_mni, 0UL, IPC_MNI_MAX)
LIMIT(msgmax, msg_max, 0UL, INT32_MAX)
LIMIT(msgmnb, msg_mnb, 0UL, INT32_MAX)
LIMIT(msgmni, msg_mni, 0UL, IPC_MNI_MAX)
LIMIT(mq_queues_max, mq_queues_max, 0UL, INT32_MAX)
LIMIT(mq_msg_max, mq_msg_max, 1UL, 65536)
LIMIT(mq_msgsize_max, mq_msgsize_max, 128UL, 16 << 20)
LIMIT(mq_msg_default, mq_msg_default, 1UL, 65536)
LIMIT(mq_msgsize_default, mq_msgsize_default, 128UL, 16 << 20)

int proc_fill_sem(struct task *t, struct strbuf *out)
{
    const struct ipc_ns *ns = task_current()->ipc;

    strbuf_printf(out, "%u\t%u\t%u\t%u\n", ns->sem_msl, ns->sem_mns, ns->sem_opm, ns->sem_mni);
    return 0;
}

/* Values that are not given stay. */
int proc_store_sem(struct task *t, const char *buf, size_t len)
{
    struct ipc_ns *ns = t->ipc;
    uint32_t *const to[] = {&ns->sem_msl, &ns->sem_mns, &ns->sem_opm, &ns->sem_mni};
    const uint64_t max[] = {65536, 1 << 20, 500, IPC_MNI_MAX};
    uint64_t v;

    for (int i = 0; i < 4 && buf[strspn(buf, " \t\n")]; i++) {
        if (parse(&buf, 0, max[i], &v))
            return -EINVAL;
        *to[i] = (uint32_t)v;
    }
    return 0;
}
