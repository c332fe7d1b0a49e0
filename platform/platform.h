/*
 * What the sentry knows of the way guest code runs: address spaces, guest threads, their registers
 * and memory, host memory calls made inside an address space, and events.
 *
 * Everything runs on the sentry's one thread. Calls marked "blocks" park the calling fiber through
 * struct platform_host; all others return at once. Everything read from an address space is under
 * guest control.
 */
#ifndef NV_PLATFORM_PLATFORM_H
#define NV_PLATFORM_PLATFORM_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "base/error.h"

/* Guest addresses lie in [NV_TASK_MIN, NV_TASK_SIZE); above it lives the stub. */
#define NV_TASK_MIN 0x10000UL
#define NV_TASK_SIZE 0x7fff00000000UL

struct aspace;  /* an address space: one host process */
struct gthread; /* a guest thread: one host thread of an address space */

enum platform_event_kind {
    PE_NONE,
    PE_SYSCALL,     /* .sys */
    PE_FAULT,       /* .info: si_signo, si_code, si_addr as the host kernel gave them */
    PE_INTERRUPTED, /* after platform_interrupt(), or for no reason */
    PE_EXITED,      /* the host thread is gone: the address space was killed or crashed */
};

struct platform_syscall {
    long nr; /* int 0x80 and x32 entries arrive as -1 */
    unsigned long args[6];
    unsigned long ip; /* address after the syscall instruction */
};

struct platform_event {
    enum platform_event_kind kind;
    struct platform_syscall sys;
    siginfo_t info;
    /*
     * PE_SYSCALL that the platform has already served (a private futex wait that was interrupted):
     * no dispatch, the result may be a restart code.
     */
    bool sys_done;
    long sys_result;
    uint64_t deadline_ns; /* -ERESTART_RESTARTBLOCK: the host's monotonic clock */
    bool requeued;        /* perhaps: it no longer waits where its arguments say */
    /*
     * PE_SYSCALL that came the slow way, or PE_INTERRUPTED in front of such a call (.sys.ip, .nr):
     * its site is worth a thunk, patch().
     */
    bool trapped;
    int exit_signal; /* PE_EXITED: host signal that ended the process, 0 if unknown */
    /* PE_FAULT: page-fault error code and trap number of the frame (for guest sigcontext). */
    unsigned long trapno, err, cr2;
};

/* A host memory call made inside an address space: mmap, munmap, mprotect, mremap, madvise... */
struct platform_hostcall {
    long nr;
    unsigned long args[6];
    int fd; /* mmap with a file: the sentry's FD, passed over; -1 otherwise. Replaces args[4]. */
    long result; /* out: value or negative errno */
};

/* A part of a host file into guest memory, or back. */
struct platform_transfer {
    int fd;
    uint64_t id; /* of the open file; never used again for another one */
    uint64_t addr;
    size_t len;
    off_t offset;
    bool write;
    bool shared; /* it is in memory, and the guest may map it shared and writable */
};

/* For people who measure. */
struct platform_counts {
    uint64_t answers, woken; /* to guest threads; of them, to ones that slept */
    uint64_t events, rung;   /* from guest threads; of them, to a sentry that slept */
    uint64_t served;         /* calls that never came here, as the guest side says */
};

struct platform_facts {
    bool valid;
    pid_t pid, tid, ppid;
    uid_t uid, euid;
    gid_t gid, egid;
};

#define THUNK_SIZE 64 /* the first one of an area is taken */
struct platform_site {
    uint64_t ip; /* after the syscall instruction */
    long nr;
    uint64_t text_start, text_end; /* the private mapping of code around it */
    int prot;                      /* of that mapping */
    bool stop;                     /* interrupt the threads that are in the way */
    uint64_t thunk;                /* free place, writable and executable; its area is aligned */
    uint64_t area;                 /* beginning of the area */
    const char *why;               /* out: with -ENOEXEC, what is against it; a literal */
};

/* What the platform needs from the sentry; given once to platform_init(). */
struct platform_host {
    /* Parks the current fiber until platform_host.wake(owner) was called for it. */
    void (*park)(void);
    void *(*current)(void); /* the current fiber, handed to wake() */
    void (*wake)(void *fiber);
    /* Watches fd for reading in the sentry's loop; cb runs on the loop (not in a fiber). */
    int (*watch)(int fd, void (*cb)(void *arg), void *arg);
    void (*child_reaped)(pid_t pid,
                         int status); /* children that are not the platform's; may be NULL */
};

struct platform_config {
    int ncpus;                /* host CPUs the sandbox may use; 1 switches spinning off */
    unsigned int traps_shown; /* of so many calls that could be served out of sight one is seen */
    bool hide_cpuid;          /* CPUID of guests faults: the host can do that */
    const struct platform_host *host;
};

struct platform {
    const char *name;
    /* Interrupts and faults are signals of the host, which end rseq(2) sections. */
    bool aborts_rseq;

    /* Could this platform run here? Explains itself in e. Called in the CLI before namespaces. */
    int (*probe)(struct error *e);
    /*
     * Creates the zygote. Called once, in the sentry process, before it drops privileges and
     * installs its filter: no fibers yet.
     */
    int (*init)(const struct platform_config *cfg, struct error *e);
    void (*shutdown)(void);

    /*
     * Loop side. poll() collects posted events and wakes the fibers that wait for them; returns how
     * many. idle_enter() announces that the sentry is about to sleep and returns false when an
     * event slipped in; idle_leave() takes it back. spin_ns() is how long polling on is worthwhile
     * now; crowded(), asked then, whether guests need this CPU to go on.
     */
    int (*poll)(void);
    bool (*idle_enter)(void);
    void (*idle_leave)(void);
    int64_t (*spin_ns)(void);
    bool (*crowded)(void);

    /* An empty address space with one thread, not yet started. Blocks. 0 or negative errno. */
    int (*aspace_new)(struct aspace **as, struct gthread **thr);
    /* Copy of the address space of thr (which must be parked in an event); COW. Blocks. */
    int (*aspace_fork)(struct gthread *thr, struct aspace **as, struct gthread **child);
    struct aspace *(*aspace_get)(struct aspace *as);
    /* Last put kills the host process. Threads must have been freed before. */
    void (*aspace_put)(struct aspace *as);
    /* Kills the host process now: every run() in it returns PE_EXITED. */
    void (*aspace_kill)(struct aspace *as);
    pid_t (*aspace_pid)(struct aspace *as);

    /* Another thread in the address space of thr (parked in an event), registers copied. Blocks. */
    int (*thread_new)(struct gthread *thr, struct gthread **child);
    /* The thread ends (or is parked for reuse). Not while in run(). */
    void (*thread_free)(struct gthread *thr);

    /* Resumes guest code and blocks until the next event. */
    void (*run)(struct gthread *thr, struct platform_event *ev);
    /* Makes a running thread return PE_INTERRUPTED soon. Harmless when it does not run. */
    void (*interrupt)(struct gthread *thr);

    /* The call of thr, which is parked in it, is going to sleep. NULL: no matter. */
    void (*call_waits)(struct gthread *thr);

    /* Does a running thread sleep in a call that the platform serves? For /proc; NULL: never. */
    bool (*sleeps)(const struct gthread *thr);

    /* CPU time of a thread parked in an event. Blocks. 0 or negative errno. */
    int (*thread_cpu_ns)(struct gthread *thr, uint64_t *ns);

    /* Registers of a thread parked in an event. orig_rax is the syscall number, or -1. */
    int (*get_regs)(struct gthread *thr, struct user_regs_struct *regs);
    int (*set_regs)(struct gthread *thr, const struct user_regs_struct *regs);
    /* The common case of set_regs after a syscall: rax only. */
    void (*set_return)(struct gthread *thr, long value);
    /* XSAVE area in the standard (non-compacted) format; size from fpstate_size(). */
    size_t (*fpstate_size)(void);
    uint64_t (*xfeatures)(void); /* XCR0's user features */
    int (*get_fpstate)(struct gthread *thr, void *buf, size_t size);
    int (*set_fpstate)(struct gthread *thr, const void *buf, size_t size);

    /*
     * A signal frame in guest memory: len bytes of head at sp, and at fp the vector registers as
     * the kernel lays them down, with both magic numbers; they are in their initial state then.
     * NULL or an error: the caller does it by get_fpstate() and write_mem(). Blocks.
     */
    int (*push_frame)(struct gthread *thr, uint64_t sp, const void *head, size_t len, uint64_t fp);
    /* The vector registers as rt_sigreturn takes them from guest memory; as above. */
    int (*load_fpstate)(struct gthread *thr, uint64_t addr);

    /* Guest memory; both return bytes moved (short at the first bad page) or -EFAULT for none. */
    ssize_t (*read_mem)(struct aspace *as, void *dst, uint64_t addr, size_t len);
    ssize_t (*write_mem)(struct aspace *as, uint64_t addr, const void *src, size_t len);
    /*
     * Marshalled buffers of the current syscall of thr: in_window() gives the sentry's view of
     * guest bytes at addr that the stub has copied for us and how many there are, or NULL. The
     * memory may change under the reader: copy once. out_window() gives a place whose first len
     * bytes the stub will copy to addr when the syscall returns, or NULL; out_commit() says they
     * were written; written() gives what the stub will copy to addr, or NULL.
     */
    const void *(*in_window)(struct gthread *thr, uint64_t addr, size_t *avail);
    void *(*out_window)(struct gthread *thr, uint64_t addr, size_t len);
    void (*out_commit)(struct gthread *thr, uint64_t addr, size_t len);
    const void *(*written)(struct gthread *thr, uint64_t addr, size_t len);

    /*
     * Puts what was committed into guest memory now, not when the call returns. NULL: it is there.
     * 0 or -EFAULT.
     */
    int (*out_flush)(struct gthread *thr);

    /* Like a window filled with zeros and committed: false where that is not possible. May be NULL.
     */
    bool (*out_zero)(struct gthread *thr, uint64_t addr, size_t len);

    /*
     * Answers that the guest may have without asking; NULL where there is no such way. May be
     * called at any time. With valid false the sentry wants to see the calls.
     */
    void (*set_facts)(struct gthread *thr, const struct platform_facts *f);

    /*
     * The signals thr blocks are kept where it can change them without asking, unless pending says
     * that a signal waits. set_sigmask() before it runs, get_sigmask() when the sentry wants to
     * know while it runs and after. signal_waits() is for a thread that runs: from then on it asks,
     * and what get_sigmask() says afterwards holds until it does. NULL: every change is a call.
     */
    void (*set_sigmask)(struct gthread *thr, uint64_t blocked, bool pending);
    uint64_t (*get_sigmask)(const struct gthread *thr);
    void (*signal_waits)(struct gthread *thr);

    void (*counts)(struct platform_counts *c); /* NULL: there is nothing to count */

    /*
     * Turns the call site that thr, which is parked in its syscall, has just trapped at into a jump
     * to a thunk. NULL where calls are not intercepted by traps. 0; -EAGAIN: other threads run
     * guest code now; -EEXIST: it has become one meanwhile; -ENOEXEC: the code around it does not
     * allow it. Blocks.
     */
    int (*patch)(struct gthread *thr, struct platform_site *site);
    /* The guest changed its mappings there: what was patched is gone. */
    void (*patch_forget)(struct aspace *as, uint64_t start, uint64_t end);
    /* Makes the code there what it was. NULL like patch; 0 or negative errno. Blocks. */
    int (*patch_restore)(struct gthread *thr, uint64_t start, uint64_t end);
    /* Bytes that were read from addr as they would be without patches. NULL like patch. */
    void (*patch_hide)(const struct aspace *as, uint64_t addr, void *bytes, size_t n);

    /*
     * A large transfer by the guest's own thread, in its own memory and cache: the stub keeps a
     * descriptor or a mapping for the next one. Only of files that the guest may use as that
     * descriptor allows. NULL: not here. Bytes, maybe fewer than there are, or negative errno;
     * -EAGAIN: it cannot be done now. Blocks.
     */
    ssize_t (*transfer)(struct gthread *thr, const struct platform_transfer *x);
    /* The file with that id is closed: stubs give it up. */
    void (*forget_file)(uint64_t id);

    /*
     * From now on all futex calls of this address space are the sentry's: some of its tasks wait in
     * the sentry without a host thread. NULL: they always are.
     */
    void (*ask_futex)(struct aspace *as);
    /*
     * The same while threads run, so that none of them waits where the sentry does not see it. thr
     * is parked in an event. 0 or negative errno. Blocks.
     */
    int (*claim_futex)(struct gthread *thr);
    /*
     * The next FUTEX_WAIT of thr at addr, a private one, goes on until this deadline whatever its
     * timeout is. False, or NULL: the sentry has to do it.
     */
    bool (*futex_again)(struct gthread *thr, uint64_t addr, uint64_t deadline_ns);
    /*
     * The code of the address space of thr, which is parked in an event, becomes what its program
     * has, and stays so: somebody steps through it or changes it. NULL like patch. Blocks.
     */
    int (*patch_never)(struct gthread *thr);

    /* The host CPUs on which thr, and threads made from it, may run. */
    void (*set_cpus)(struct gthread *thr, const cpu_set_t *set);

    /* Runs one host call inside the address space of thr, which is parked in an event. Blocks. */
    int (*hostcall)(struct gthread *thr, struct platform_hostcall *call);
    /*
     * Many of them in as few handoffs as possible, all of them, also behind one that fails: see
     * their results. An error only if they could not be made. Blocks.
     */
    int (*hostcalls)(struct gthread *thr, struct platform_hostcall *calls, unsigned int n);
};

extern const struct platform platform_trap, platform_ptrace;
/* The one in use; set by platform_init(). */
extern const struct platform *platform;

/* Chooses by name ("trap", "ptrace") or, with NULL, the first whose probe succeeds. */
const struct platform *platform_find(const char *name, struct error *e);

#endif
