/* ioctls of pidfds: namespaces of the process, and what it is: pidfd_ioctl() of fs/pidfs.c. */
#include <errno.h>
#include <linux/ioctl.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/file.h"

#define PIDFS_IOCTL_MAGIC 0xff
#define NR_GET_INFO 11
#define FS_IOC_GETVERSION_ _IOR('v', 1, long)

#define INFO_PID 1U
#define INFO_CREDS 2U
#define INFO_CGROUPID 4U
#define INFO_EXIT 8U
#define INFO_COREDUMP 16U
#define COREDUMPED 1U
#define COREDUMP_SKIP 2U
#define COREDUMP_USER 4U
#define CGROUP_ROOT_ID 1

struct pidfd_info_k {
    uint64_t mask, cgroupid;
    uint32_t pid, tgid, ppid;
    uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code;
    uint32_t coredump_mask, spare;
};
#define INFO_SIZE_VER0 64

static void fill_ids(struct task *t, const struct task *o, struct pidfd_info_k *k)
{
    const struct cred *c = o->cred;

    k->pid = (uint32_t)task_nr(o);
    k->tgid = (uint32_t)tg_nr(o->tg);
    k->ppid = o->tg->parent ? (uint32_t)tg_nr(o->tg->parent) : 0;
    k->ruid = (uint32_t)kuid_seen(t, c->uid);
    k->rgid = (uint32_t)kgid_seen(t, c->gid);
    k->euid = (uint32_t)kuid_seen(t, c->euid);
    k->egid = (uint32_t)kgid_seen(t, c->egid);
    k->suid = (uint32_t)kuid_seen(t, c->suid);
    k->sgid = (uint32_t)kgid_seen(t, c->sgid);
    k->fsuid = (uint32_t)kuid_seen(t, c->fsuid);
    k->fsgid = (uint32_t)kgid_seen(t, c->fsgid);
    k->mask |= INFO_PID | INFO_CREDS;
}

static long get_info(struct task *t, struct file *f, unsigned int size, uint64_t addr)
{
    struct pidfd_info_k k = {.cgroupid = CGROUP_ROOT_ID};
    struct task *o;
    uint64_t asked;

    if (!addr)
        return -EINVAL;
    if (get_user(t, &asked, addr))
        return -EFAULT;
    pidfd_target(f, &o);
    if (!o && !(asked & INFO_EXIT))
        return -ESRCH;
    k.mask = INFO_CGROUPID;
    if (o) {
        fill_ids(t, o, &k);
        if (!k.pid || !k.tgid)
            return -ESRCH; /* of a namespace that the caller does not see */
    } else {
        k.mask |= INFO_EXIT;
        k.exit_code = pidfd_exit_code(f);
    }
    if (asked & INFO_COREDUMP) {
        k.mask |= INFO_COREDUMP;
        k.coredump_mask = o && o->mm           ? o->tg->dumpable ? COREDUMP_USER : COREDUMP_SKIP
                          : k.exit_code & 0x80 ? COREDUMPED
                                               : 0;
    }
    if (copy_out(t, addr, &k, MIN((size_t)size, sizeof(k))))
        return -EFAULT;
    for (uint64_t at = sizeof(k); at < size;) { /* what newer kernels would fill */
        static const char zeros[512];
        uint64_t n = MIN(size - at, (uint64_t)sizeof(zeros));
        if (copy_out(t, addr + at, zeros, n))
            return -EFAULT;
        at += n;
    }
    return 0;
}

static long open_ns(struct task *t, struct file *f, unsigned int nr, uint64_t arg)
{
    static const int kinds[] = {NS_CGROUP,       NS_IPC, NS_MNT, NS_NET,  NS_PID,
                                NS_PID_CHILDREN, -1,     -1,     NS_USER, NS_UTS};
    struct task *o;

    pidfd_target(f, &o);
    if (!o)
        return -ESRCH;
    if (arg)
        return -EINVAL;
    if (!o->mnt_ns)
        return -ESRCH; /* it has ended */
    if (kinds[nr - 1] < 0)
        return -EOPNOTSUPP; /* as without CONFIG_TIME_NS */
    if (!task_may_access(t, o))
        return -EACCES;
    long fd = ns_install(t, o, (enum ns_kind)kinds[nr - 1]);
    return fd == -ENOENT ? -ESRCH : fd;
}

long pidfd_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg)
{
    unsigned int nr = _IOC_NR(cmd);
    uint32_t generation = 0;

    if (cmd == FS_IOC_GETVERSION_)
        return !arg ? -EINVAL : put_user(t, &generation, arg) ? -EFAULT : 0;
    if (_IOC_TYPE(cmd) != PIDFS_IOCTL_MAGIC)
        return -ENOTTY;
    if (nr == NR_GET_INFO && _IOC_DIR(cmd) == (_IOC_READ | _IOC_WRITE) &&
        _IOC_SIZE(cmd) >= INFO_SIZE_VER0)
        return get_info(t, f, _IOC_SIZE(cmd), arg);
    if (cmd != _IO(PIDFS_IOCTL_MAGIC, nr) || nr < 1 || nr >= NR_GET_INFO)
        return -ENOTTY;
    return open_ns(t, f, nr, arg);
}
