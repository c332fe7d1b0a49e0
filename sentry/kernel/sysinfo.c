/* uname(2), sysinfo(2), sethostname(2), getrandom(2), reboot(2) and the like. */
#include <errno.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "base/macros.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/kernel/uts.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/usage.h"
#include "sentry/ns/ns.h"
#include "sentry/sandbox.h"
#include "sentry/time/clock.h"

#define CAP_SYS_ADMIN 21
#define CAP_SYS_BOOT 22
#define GETRANDOM_CHUNK 4096
#define HOST_NAME_MAX_K 64

static struct uts_ns root_uts = {.base.refs = 1};
struct change nodename_change = CHANGE_INIT(nodename_change);
struct change domainname_change = CHANGE_INIT(domainname_change);

struct uts_ns *uts_root(void)
{
    static bool named;

    if (!named) {
        named = true;
        snprintf(root_uts.nodename, sizeof(root_uts.nodename), "%s", sandbox->hostname);
        snprintf(root_uts.domainname, sizeof(root_uts.domainname), "(none)");
    }
    return &root_uts;
}

struct uts_ns *uts_ns_copy(const struct uts_ns *old, struct user_ns *owner)
{
    struct uts_ns *ns = ns_count_add() ? malloc(sizeof(*ns)) : NULL;

    if (!ns)
        return NULL;
    *ns = *old;
    ns->base = (struct ns_base){1, ns_next_id(), user_ns_get(owner)};
    return ns;
}

struct uts_ns *uts_ns_get(struct uts_ns *ns)
{
    ns->base.refs++;
    return ns;
}

void uts_ns_put(struct uts_ns *ns)
{
    if (!ns || --ns->base.refs || ns == &root_uts)
        return;
    user_ns_put(ns->base.owner);
    free(ns);
    ns_count_sub();
}

long sys_uname(struct task *t, const struct sysargs *a)
{
    struct utsname u = {.sysname = "Linux", .machine = "x86_64"};

    snprintf(u.release, sizeof(u.release), "%s", NV_UTS_RELEASE);
    if (t->personality & UNAME26) /* kernel/sys.c override_release() */
        snprintf(u.release, sizeof(u.release), "2.6.61%s", strpbrk(NV_UTS_RELEASE, "-") ?: "");
    if ((t->personality & PER_MASK) == PER_LINUX32)
        snprintf(u.machine, sizeof(u.machine), "i686");
    snprintf(u.version, sizeof(u.version), "%s", NV_UTS_VERSION);
    snprintf(u.nodename, sizeof(u.nodename), "%s", t->uts->nodename);
    snprintf(u.domainname, sizeof(u.domainname), "%s", t->uts->domainname);
    return put_user(t, &u, arg_u64(a, 0));
}

void uts_set_name(char to[65], const char *name, size_t len)
{
    len = MIN(len, (size_t)HOST_NAME_MAX_K);
    memmove(to, name, len);
    memset(to + len, 0, HOST_NAME_MAX_K + 1 - len);
}

static long set_name(struct task *t, const struct sysargs *a, char *to, struct change *change)
{
    char name[HOST_NAME_MAX_K + 1] = {0};

    if (!ns_capable(t->cred, t->uts->base.owner, CAP_SYS_ADMIN))
        return -EPERM;
    if (arg_i32(a, 1) < 0 || arg_i32(a, 1) > HOST_NAME_MAX_K)
        return -EINVAL;
    if (copy_in(t, name, arg_u64(a, 0), arg_u32(a, 1)))
        return -EFAULT;
    memcpy(to, name, sizeof(name));
    change_made(change);
    return 0;
}

long sys_sethostname(struct task *t, const struct sysargs *a)
{
    return set_name(t, a, t->uts->nodename, &nodename_change);
}

long sys_setdomainname(struct task *t, const struct sysargs *a)
{
    return set_name(t, a, t->uts->domainname, &domainname_change);
}

long sys_sysinfo(struct task *t, const struct sysargs *a)
{
    memory_usage_ask();
    const struct memory_usage u = memory_usage();
    struct sysinfo si = {
        .uptime = (long)(time_uptime_ns() / NSEC_PER_SEC),
        .totalram = u.total,
        .freeram = u.free,
        .sharedram = u.shmem,
        .procs = (unsigned short)task_count(),
        .mem_unit = 1,
    };

    return put_user(t, &si, arg_u64(a, 0));
}

long sys_getrandom(struct task *t, const struct sysargs *a)
{
    unsigned int flags = arg_u32(a, 2);
    uint64_t addr = arg_u64(a, 0), len = MIN(arg_u64(a, 1), 0x7fffffffUL), done = 0;
    char buf[GETRANDOM_CHUNK];
    struct uio u;

    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    while (done < len) {
        size_t n = MIN(len - done, sizeof(buf));
        if (getrandom(buf, n, GRND_NONBLOCK) != (ssize_t)n)
            return done ? (long)done : -EAGAIN;
        uio_init_user(&u, t, UIO_DEST, addr + done, n);
        ssize_t out = uio_write(&u, buf, n);
        if (out < 0)
            return done ? (long)done : out;
        done += (size_t)out;
        if ((size_t)out < n)
            break;
        if (task_signal_pending(t))
            break;
    }
    return (long)done;
}

/* As in a pid namespace, which every sandbox is: reboot(2), reboot_pid_ns() of the kernel. */
long sys_reboot(struct task *t, const struct sysargs *a)
{
    struct pid_ns *ns = t->pid_ns;
    struct thread_group *init = ns ? ns->reaper : init_tg;
    uint32_t m2 = arg_u32(a, 1);

    if (!ns_capable(t->cred, ns ? ns->base.owner : NULL, CAP_SYS_BOOT))
        return -EPERM;
    if (arg_u32(a, 0) != LINUX_REBOOT_MAGIC1 ||
        (m2 != LINUX_REBOOT_MAGIC2 && m2 != LINUX_REBOOT_MAGIC2A && m2 != LINUX_REBOOT_MAGIC2B &&
         m2 != LINUX_REBOOT_MAGIC2C))
        return -EINVAL;
    switch (arg_u32(a, 2)) {
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
        return ns ? -EINVAL : 0;
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
        if (init)
            tg_exit(init, SIGHUP);
        return 0;
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
        if (init)
            tg_exit(init, SIGINT);
        return 0;
    default:
        return -EINVAL;
    }
}
