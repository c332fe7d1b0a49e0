/*
 * System call dispatch. Rows of sentry/syscalls.def become sys_<name> prototypes, the dispatch
 * table, the stub's marshalling table and strace's decoding.
 */
#ifndef NV_SENTRY_KERNEL_SYSCALL_H
#define NV_SENTRY_KERNEL_SYSCALL_H

#include <stdbool.h>
#include <stdint.h>

struct task;

struct sysargs {
    long nr;
    unsigned long arg[6];
};

static inline uint64_t arg_u64(const struct sysargs *a, int i)
{
    return a->arg[i];
}
static inline uint32_t arg_u32(const struct sysargs *a, int i)
{
    return (uint32_t)a->arg[i];
}
static inline int arg_i32(const struct sysargs *a, int i)
{
    return (int)a->arg[i];
}
static inline int64_t arg_i64(const struct sysargs *a, int i)
{
    return (int64_t)a->arg[i];
}

/* Linux's internal restart codes; never seen by the guest. */
#ifndef ERESTARTSYS
#define ERESTARTSYS 512           /* restart if SA_RESTART or no handler ran, else EINTR */
#define ERESTARTNOINTR 513        /* always restart */
#define ERESTARTNOHAND 514        /* restart only if no handler ran */
#define ERESTART_RESTARTBLOCK 516 /* restart through restart_syscall(2) */
#endif
static inline bool is_restart_code(long r)
{
    return r == -ERESTARTSYS || r == -ERESTARTNOINTR || r == -ERESTARTNOHAND ||
           r == -ERESTART_RESTARTBLOCK;
}

typedef long syscall_fn(struct task *t, const struct sysargs *a);

#define SYS(nr, name, handler, ...) syscall_fn handler;
#define NOSYS(...)
#define REFUSED(...)
#include "sentry/syscalls.def"
#undef SYS

#define NV_NR_SYSCALLS 470

struct syscall_row {
    const char *name;
    syscall_fn *handler; /* NULL: not implemented, or refused */
    uint32_t flags;
    int refused;     /* the errno, 0 if it is not refused for good */
    const char *why; /* it is refused */
};

/* Dispatches one call; returns the value for rax or a negative errno incl. the restart codes. */
long syscall_dispatch(struct task *t, const struct sysargs *a);
const struct syscall_row *syscall_row(long nr); /* NULL: no such number */

/* For --explain: something the guest asked for and did not get, e.g. ("ioctl", "0x5413"). */
void explain_missing(const char *kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
