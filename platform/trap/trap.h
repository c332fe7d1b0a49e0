/* Internals of the trap platform: the sentry's side of address spaces and slots. */
#ifndef NV_PLATFORM_TRAP_TRAP_H
#define NV_PLATFORM_TRAP_TRAP_H

#include "base/list.h"
#include "platform/platform.h"
#include "platform/trap/layout.h"

struct trap_seg { /* validated private copy of a struct slot_seg */
    uint64_t addr;
    uint32_t len, off, dir, out_len;
    bool zero; /* the answer is zeros, as far as out_len */
};

struct gthread {
    struct aspace *as;
    unsigned int index;
    struct slot *slot;
    uint32_t seq;     /* post_seq of the last event we took */
    bool interrupted; /* before the command to run was sent */
    bool running;     /* in running[]: a command was sent, no event since */
    int run_index;
    bool posted;                           /* an event waits to be read */
    void *waiter;                          /* fiber that waits for it */
    void (*on_event)(struct gthread *thr); /* the zygote has no fiber: called from trap_poll */
    pid_t tid;
    long nr;          /* of the syscall event, -1 for others */
    bool in_syscall;  /* parked in a syscall: resume by value */
    bool fast;        /* came through a thunk: vector registers are in the processor */
    uint64_t frame;   /* offset of the ucontext, bounds-checked */
    uint64_t fs_base; /* when fs_known */
    bool fs_known;
    bool regs_set;        /* the frame was changed: resume instead of return */
    bool stepped;         /* a single step has led into a thunk */
    uint32_t stopped_seq; /* the run that text_lock() interrupts ends with this event */
    long ret;
    struct trap_seg segs[SLOT_SEGS];
    unsigned int nsegs;
    bool has_out;
    struct list node; /* in aspace.threads */
};

/* Where its slot is for the stub. */
static inline uint64_t slot_guest_addr(const struct gthread *thr)
{
    return STUB_SLOTS + thr->index * SLOT_SIZE;
}

#define DONATED_MAX 12
struct donated { /* a descriptor the stub keeps */
    uint64_t id; /* 0: of nothing any more */
    int fd;      /* its number there, -1: none */
};

struct share {   /* a part of a file: share.c */
    uint64_t id; /* 0: of nothing any more */
    off_t start;
    bool mapped;
    unsigned int warm, busy;
};

/* What one thread of a process does at a time. */
struct turns {
    bool taken;
    struct list waiters;
};

struct aspace {
    unsigned int refs;
    pid_t pid;
    bool dead, ready;
    int exit_signal;
    int slots_fd, ctl_fd;
    char *slots; /* SLOTS_SPAN bytes of address space, nslots of them backed */
    unsigned int nslots;
    uint64_t parked[SLOTS_MAX / 64]; /* threads that exist and wait to be used again */
    struct parked {
        uint32_t seq;
        pid_t tid;
    } * parked_threads; /* by slot index */
    pid_t claimed_pid;  /* what the parent's stub said: only to notice an early death */
    struct list threads;
    struct list node;        /* in all */
    unsigned int next_index; /* slots from here on were never used */
    struct text *text;       /* patched call sites, or NULL: patch.c */
    struct donated donated[DONATED_MAX];
    unsigned int next_donated, nstale;
    struct share shares[SHARES];
    unsigned int next_share, stale_shares;
    bool ask_futex; /* private futexes are the sentry's: of its threads' slots */
    bool text_busy; /* a thread changes code: the others wait before they run it */
    bool keep_text; /* the program steps through its code: no site becomes a jump */
    struct list text_waiters;
    void *text_stopper;      /* fiber that waits until the other threads stand */
    unsigned int may_clone;  /* how many clones and forks are under way: trap_may_clone() */
    struct turns forks, fds; /* who forks; whose command has descriptors on their way on ctl_fd */
};

extern const struct platform_host *trap_host;

/* slot.c */
int aspace_alloc(struct aspace **out, int *stub_ctl); /* memfd, mapping, socket; no process yet */
void aspace_free(struct aspace *as);
struct gthread *gthread_new(struct aspace *as, unsigned int index);
void gthread_destroy(struct gthread *thr);
int aspace_grow(struct aspace *as, unsigned int nslots);
void trap_send(struct gthread *thr, uint32_t cmd); /* posts a command; the thread is running then */
void trap_expect(struct gthread *thr);             /* a new thread will post by itself */
int trap_wait(struct gthread *thr);                /* parks until it has an event; -ESRCH: dead */
int trap_poll(void);
/* The call of thr sleeps: when its processor is wanted, it gives it up. */
void trap_waits(struct gthread *thr, int ncpus);
void trap_count_threads(int ncpus); /* for stubs that wait: stub_shared.crowded */
bool trap_pending(void);
bool trap_running(void);            /* is any guest? */
bool trap_others_run(uint32_t cpu); /* is a guest running that was not on this CPU? */
/*
 * Descriptors for the next command of a thread. The socket is its process's: from before they are
 * sent until the command has an answer it is that thread's turn in fds, else another receives them.
 */
int send_fds(int sock, const int *fds, int n);
void turn_take(struct turns *t); /* parks while another has it */
void turn_give(struct turns *t);
int recv_pid(int sock, pid_t *pid);
struct aspace *aspace_by_pid(pid_t pid);
void slots_counts(struct platform_counts *c);
extern struct platform_counts trap_counts; /* of address spaces that are gone, as to served */
/*
 * Guest code can jump to the stub's clone. RLIMIT_NPROC of a guest process is 0, except while the
 * sentry has asked for a clone.
 */
void trap_may_clone(struct aspace *as, bool may);
void aspace_set_pid(struct aspace *as, pid_t pid);
void aspace_died(struct aspace *as, int sig);
/* window.c: buffers of a call; platform.h says what in, out, commit and zero do. */
void window_read_segs(struct gthread *thr, uint32_t nsegs, uint32_t dirs);
void window_put_out(struct gthread *thr);
int window_flush(struct gthread *thr);
const void *window_in(struct gthread *thr, uint64_t addr, size_t *avail);
void *window_out(struct gthread *thr, uint64_t addr, size_t len);
void window_commit(struct gthread *thr, uint64_t addr, size_t len);
const void *window_written(struct gthread *thr, uint64_t addr, size_t len);
bool window_zero(struct gthread *thr, uint64_t addr, size_t len);
/* batch.c */
int trap_hostcalls(struct gthread *thr, struct platform_hostcall *calls, unsigned int n);
/* donate.c */
int trap_hostcall_with(struct gthread *thr, struct platform_hostcall *call, uint32_t with);
int donate_cleanup(struct gthread *thr);
ssize_t donate_transfer(struct gthread *thr, const struct platform_transfer *x);
void donate_forget(uint64_t id);
/* share.c */
int share_cleanup(struct gthread *thr);
ssize_t share_transfer(struct gthread *thr, const struct platform_transfer *x);
void share_forget(struct aspace *as, uint64_t id);
struct aspace *aspace_next(const struct aspace *as); /* all of them, beginning with NULL */
/* code.c, patch.c, text.c: call sites that were turned into jumps to thunks. */
void text_wait(struct gthread *thr); /* while code is being changed */
int text_patch(struct gthread *thr, struct platform_site *site);
int text_restore(struct gthread *thr, uint64_t start, uint64_t end);
int text_never(struct gthread *thr);
int text_claim_futex(struct gthread *thr);
void text_forget(struct aspace *as, uint64_t start, uint64_t end);
void text_hide(const struct aspace *as, uint64_t addr, void *bytes, size_t n);
bool text_is_entry(const struct aspace *as, uint64_t ip); /* does a thunk begin there? */
struct text *text_get(struct text *t);                    /* of a fork; NULL stays NULL */
void text_put(struct text *t);
/* Where to resume who was to resume at ip, and what address a thunk's instruction stands for. */
uint64_t text_redirect(const struct aspace *as, uint64_t ip);
uint64_t text_canonical(const struct aspace *as, uint64_t ip);
/* frame.c */
int frame_get_regs(struct gthread *thr, struct user_regs_struct *regs);
int frame_set_regs(struct gthread *thr, const struct user_regs_struct *regs);
void frame_set_ax(struct gthread *thr, long value);
int frame_get_fpstate(struct gthread *thr, void *buf, size_t size);
int frame_set_fpstate(struct gthread *thr, const void *buf, size_t size);
int frame_push(struct gthread *thr, uint64_t sp, const void *head, size_t len, uint64_t fp);
int frame_load_fpstate(struct gthread *thr, uint64_t addr);
void frame_init(struct gthread *thr);                        /* clean registers */
int frame_copy(struct gthread *thr, struct gthread *parent); /* as fork and clone do; may park */
uint64_t frame_fs_base(struct gthread *thr);
uint64_t frame_ip(const struct gthread *thr);
uint64_t frame_flags(const struct gthread *thr);
void frame_set_ip(struct gthread *thr, uint64_t ip);
/* space.c: what struct platform says of them */
struct aspace *trap_aspace_get(struct aspace *as);
void trap_aspace_kill(struct aspace *as);
void trap_aspace_put(struct aspace *as);
pid_t trap_aspace_pid(struct aspace *as);
int trap_aspace_fork(struct gthread *thr, struct aspace **out, struct gthread **out_thr);
int trap_aspace_new(struct aspace **as, struct gthread **thr);
int trap_thread_new(struct gthread *thr, struct gthread **out);
void trap_thread_free(struct gthread *thr);
/* zygote.c */
int zygote_start(bool hide_cpuid, struct error *e);
int zygote_fork(struct aspace **as, struct gthread **thr);
void zygote_stop(void);
uint64_t trap_fast_entry(void); /* where thunks jump to */
extern struct stub_shared *trap_shared;
extern int trap_doorbell;

#endif
