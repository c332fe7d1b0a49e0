/* Inside the ptrace platform: tracees, injection, address spaces. */
#ifndef NV_PLATFORM_PTRACE_TRACEE_H
#define NV_PLATFORM_PTRACE_TRACEE_H

#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>

#include "base/list.h"
#include "platform/platform.h"

#define SYSCALL_STOP (SIGTRAP | 0x80)

struct gthread {
    struct list node, all_node;
    struct aspace *as;
    pid_t tid;
    bool running, posted, parked;
    int status; /* of the stop that was seen */
    void *waiter;
    struct user_regs_struct regs;
    bool dirty;
};

struct aspace {
    unsigned int refs;
    pid_t pid;
    bool dead;
    int exit_signal;
    struct list threads; /* parked ones too */
    struct list node;
};

extern const struct platform_host *ptrace_host;
extern uint64_t syscall_insn; /* address of a syscall instruction in every tracee */

/* tracee.c: stops, registers, injection. */
struct gthread *tracee_new(struct aspace *as, pid_t tid);
void tracee_free(struct gthread *t);
int tracee_collect(void);          /* how many stops were seen */
int tracee_await_birth(pid_t tid); /* a newborn's stop before its first instruction */
int tracee_load_regs(struct gthread *t);
int tracee_store_regs(struct gthread *t); /* when dirty */
/* Runs a system call in a stopped tracee. *born (may be NULL): the tid a clone made. */
int64_t tracee_inject(struct gthread *t, long nr, const unsigned long args[6], pid_t *born);
int64_t tracee_inject4(struct gthread *t, long nr, unsigned long a, unsigned long b,
                       unsigned long c, unsigned long d);

/* space.c */
struct aspace *space_new(pid_t pid);
int space_fork(struct gthread *thr, struct aspace **out, struct gthread **child);
int space_empty(struct aspace **as, struct gthread **thr); /* out of the zygote */
struct aspace *space_get(struct aspace *as);
void space_put(struct aspace *as);
void space_kill(struct aspace *as);
pid_t space_pid(struct aspace *as);
int space_thread_new(struct gthread *thr, struct gthread **child);
void space_thread_free(struct gthread *t);
ssize_t space_read(struct aspace *as, void *dst, uint64_t addr, size_t len);
ssize_t space_write(struct aspace *as, uint64_t addr, const void *src, size_t len);

/* hostcall.c */
extern int fd_channel[2]; /* [1] is STUB_FD_CTL in every tracee: nobody else reads from it */
int tracee_hostcall(struct gthread *t, struct platform_hostcall *call);
int tracee_hostcalls(struct gthread *t, struct platform_hostcall *calls, unsigned int n);

/* zygote.c */
extern struct gthread *ptrace_zygote;
int ptrace_zygote_start(bool hide_cpuid);
void ptrace_zygote_stop(void);

#endif
