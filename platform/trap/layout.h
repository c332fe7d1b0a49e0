/*
 * What stub and sentry share: addresses of the stub region and the layout of slots. The stub is
 * freestanding: only fixed-width types here. Everything a stub writes is under guest control.
 *
 *   STUB_TEXT     code and tables of the stub, one read-only executable image
 *   STUB_SHARED   one page of sentry state, read-only here, the same for all address spaces
 *   VDSO_PARAMS   the guest's vDSO: platform/vdso/vdso.h
 *   STUB_VDSO     the host's vvar and vdso, moved here by the zygote
 *   STUB_SCRATCH  private stack for the first thread of an address space and for fork children
 *   STUB_SHARES   parts of files that the guest may map: share.c
 *   STUB_SLOTS    MAP_SHARED with the sentry, never with another address space; one slot a thread
 */
#ifndef NV_PLATFORM_TRAP_LAYOUT_H
#define NV_PLATFORM_TRAP_LAYOUT_H

#define STUB_TEXT 0x7fff00000000UL
#define STUB_TEXT_SIZE 0x10000UL
#define STUB_SHARED 0x7fff00100000UL
#define STUB_VDSO 0x7fff00200000UL
#define STUB_SCRATCH 0x7fff00400000UL
#define STUB_SCRATCH_SIZE 0x8000UL
#define STUB_SHARES 0x7fff01000000UL
#define SHARES 8
#define SHARE_UNIT (1UL << 20) /* where parts begin */
#define SHARE_SPAN (2 * SHARE_UNIT)
#define STUB_SLOTS 0x7fff10000000UL
#define STUB_END 0x7fff40000000UL
#define HOST_TASK_SIZE 0x7ffffffff000UL

#define SLOT_SIZE 0x20000UL
#define SLOTS_MAX 4096UL
#define SLOTS_SPAN (SLOT_SIZE * SLOTS_MAX)
#define SLOT_WINDOW 0x1000UL
#define SLOT_WINDOW_SIZE 0x10000UL
/* The last part of the window; used for signal frames when no buffer of the call lies there. */
#define SLOT_HEAD_SIZE 1024UL
#define SLOT_HEAD (SLOT_WINDOW + SLOT_WINDOW_SIZE - SLOT_HEAD_SIZE)
#define SLOT_STACK 0x11000UL
#define SLOT_STACK_SIZE (SLOT_SIZE - SLOT_STACK)
/* Threads that have no signal frame yet run below the place where frames are put. */
#define SLOT_IDLE_STACK (SLOT_STACK + 0x8000UL)
#define SLOT_SEGS 12
/* A syscall that came through a thunk has its frame here, as do threads made by the sentry. */
#define SLOT_MADE_FRAME (SLOT_SIZE - 0x4000UL)
#define SLOT_MADE_FP (SLOT_SIZE - 0x3000UL)
/* struct slot_fast, which %gs leads to: */
#define SLOT_FAST 0x800
#define FAST_SP (SLOT_FAST + 0)
#define FAST_CONT (SLOT_FAST + 8)
#define FAST_TOP (SLOT_FAST + 16)
#define FAST_INTERRUPTED (SLOT_FAST + 24)
#define SLOT_SCRATCH 0x900 /* for the answers of host calls */

/* Descriptors every stub process has. */
#define STUB_FD_DOORBELL 3
#define STUB_FD_CTL 4
#define STUB_FD_SHARED 5 /* only until the zygote has mapped them */
#define STUB_FD_SLOTS 6
#define STUB_FD_VDSO 7

/* The host signal that interrupts guest code. */
#define STUB_SIG_INTERRUPT 12 /* SIGUSR2 */

#ifndef __ASSEMBLER__
#include <stdint.h>

#include "platform/host_vdso.h"

#define STUB_TABLE 0x100 /* offset in the image */
struct stub_table {
    uint64_t fast_entry;
};

struct stub_shared {
    uint32_t sentry_sleeping; /* ring the doorbell after posting */
    uint32_t spin;            /* how often to look for a reply before sleeping */
    uint32_t traps_shown;     /* of so many calls that trap and could be served here; 0: none */
    uint32_t crowded;         /* more threads want to run than there are processors */
    uint32_t spinners_mask;   /* threads of an address space that may do so at once, less one */
    uint32_t sentry_cpu;      /* where it was when it last had nothing to do; + 1 */
    uint64_t xfeatures;       /* what a signal frame holds */
    uint64_t xsize;
};

enum slot_event {
    SEV_NONE,
    SEV_READY,       /* a new thread waits for its first command */
    SEV_SYSCALL,     /* nr, args, ip, segs */
    SEV_SYSCALL_INT, /* a futex wait served here was interrupted */
    SEV_SIGMASK,     /* rt_sigprocmask was served here; a signal may have been unblocked */
    SEV_FAULT,       /* signo, code, addr, trapno, err, cr2 */
    SEV_INTERRUPTED,
    SEV_SITE, /* like it, in front of a call that trapped: nr */
    SEV_DONE, /* result of a command */
};

enum slot_cmd {
    CMD_NONE,
    CMD_RETURN,   /* put ret in rax, copy out, resume */
    CMD_RESUME,   /* resume the frame as the sentry left it; sets fs_base */
    CMD_HOSTCALL, /* hc_nr, hc_args; with hc_fd: receive the FD first and use it as args[4] */
    CMD_FORK,     /* receive {slots, ctl}, fork */
    CMD_CLONE,    /* another thread in slot clone_index */
    CMD_XSAVE,    /* put the vector registers into the made frame */
    CMD_FRAME,    /* copy hc_args[1] bytes from SLOT_HEAD to hc_args[0], vectors to hc_args[2] */
    CMD_XRSTOR,   /* load the vector registers from hc_args[0], as a signal frame has them */
    CMD_COPY,     /* hc_args[2] bytes from hc_args[1] to hc_args[0]; the result says how many */
    CMD_BATCH,    /* hc_nr host calls that are in the window, with hc_fd descriptors */
};

/* A descriptor comes with the host call: it is the fifth argument and closed after, or the first
 * and kept. */
enum hc_fd { HC_NO_FD, HC_FD_ONCE, HC_FD_KEEP };
#define STUB_FDS_MAX 64 /* what close lets through: hostcalls.def */

/* A host call of a batch. The upper half of nr: 0, or which descriptor, from 1, is args[4]. */
struct slot_call {
    uint64_t nr, args[6];
    int64_t result;
};
#define BATCH_MAX (SLOT_WINDOW_SIZE / sizeof(struct slot_call))
#define BATCH_FDS 32 /* they are held together: less than STUB_FDS_MAX */

enum seg_dir { SEG_IN = 1, SEG_OUT = 2 };

struct slot_seg { /* a guest buffer and the place of its bytes, an offset in the slot */
    uint64_t addr;
    uint32_t len; /* bytes valid (in) or available (out) */
    uint32_t off;
};

/* Each line that crosses between two processors costs as much as the rest of a short call. */
#define SEG_INLINE 32
struct slot_seg_line {
    struct slot_seg seg[2];
    uint8_t data[SEG_INLINE]; /* of what is short enough to come */
};

/* slot.event: what, how the frame was made, and how many buffers */
#define EVENT_KIND(e) ((e)&0xff)
#define EVENT_FAST                                                                                 \
    0x100U /* by a thunk: vector registers are in the processor, the frame is known */
#define EVENT_NSEGS(e) ((e) >> 16)

struct slot_facts {
    uint32_t valid;
    uint32_t pid, tid, ppid, uid, euid, gid, egid;
};

/* slot.result of SEV_SYSCALL_INT; the last: no wait, the call was not made at all. */
enum slot_timeout { TIMEOUT_NONE, TIMEOUT_ABSOLUTE, TIMEOUT_RELATIVE, TIMEOUT_NOT_BEGUN };
#define TIMEOUT_MASK 3
#define WAIT_REQUEUED 4 /* perhaps */

#define SPINNERS_MAX 16

struct slot {
    /* Written by the stub. One line is enough for a plain syscall through a thunk. */
    _Alignas(64) uint32_t post_seq;
    uint32_t event;
    uint32_t nr;
    uint32_t dirs; /* of the buffers, two bits each */
    uint64_t args[6];
    struct slot_seg_line segs[SLOT_SEGS / 2];
    /* More of it, looked at only when needed. */
    uint64_t ip;
    uint64_t frame; /* offset of the ucontext in the slot */
    uint64_t fs_base;
    int64_t result; /* SEV_DONE */
    uint32_t signo;
    uint32_t fast, nsegs; /* the stub's own copies */
    int32_t kept;         /* number of the descriptor that was kept */
    uint64_t fault_addr, fault_code, trapno, err, cr2;

    /* Written by the sentry; the first line is enough for a plain answer. */
    _Alignas(64) uint32_t cmd_seq;
    uint32_t cmd;
    int64_t ret;
    uint16_t out_full;  /* buffers to be copied out whole, a bit each */
    uint16_t out_zero;  /* or filled with zeros */
    uint16_t out_part;  /* or up to out_len */
    uint16_t out_first; /* of out_part, the one whose length is here */
    uint32_t out_first_len;
    uint32_t waits; /* the answer to this post will take long: no use to look for it */
    uint8_t out_data[SEG_INLINE];
    uint32_t out_len[SLOT_SEGS];
    uint64_t set_fs_base;
    uint64_t hc_nr;
    uint64_t hc_args[6];
    uint32_t hc_fd; /* enum hc_fd */
    uint32_t clone_index;
    uint64_t resume_frame; /* offset of the ucontext to resume */
    uint32_t text_locked;  /* the sentry changes guest code: do not go there */
    uint32_t ask_futex;    /* private futexes are the sentry's */
    uint64_t again_addr;   /* the next timed wait there ends when this one would have ended: */
    uint64_t again_deadline;

    /* Answers to calls that need no round trip. */
    struct slot_facts facts;

    /*
     * Signals the thread blocks. It may change them itself as long as none is pending: the stub
     * writes sigmask and then looks at sigpending, the sentry the other way round, so that one of
     * them sees a signal that comes meanwhile.
     */
    _Alignas(64) uint64_t sigmask;
    uint32_t sigpending;

    /* Written by the stub when it goes to sleep; the stub's own state. */
    _Alignas(64) uint32_t sleeping;
    uint32_t in_futex;       /* a private wait served by the stub */
    uint32_t futex_timeout;  /* its timeout, enum slot_timeout */
    uint64_t futex_deadline; /* of TIMEOUT_RELATIVE: when it ends, the host's clock */
    uint32_t futex_requeues; /* as many as there were when it began */
    uint32_t spin;  /* how long to look for a reply now: between SPIN_MIN and the shared limit */
    uint32_t traps; /* some are shown to the sentry although it has nothing to answer */
    uint64_t site_shown; /* by the last SEV_SITE */
    uint32_t cpu;        /* where it was, as of the last trap or long wait; + 1 */

    /* In slot 0, for all threads of the address space: which of them spin. */
    _Alignas(64) uint32_t spinner[SPINNERS_MAX];
    uint32_t requeues; /* that moved waits on private futexes */
};

struct slot_fast { /* the thunk's scratch; offsets are FAST_* */
    uint64_t guest_sp;
    uint64_t cont;        /* where the thunk goes on */
    uint64_t top;         /* where its frame begins, growing down: constant */
    uint32_t interrupted; /* an interrupt hit the stub's code */
    uint64_t served;      /* calls that the sentry has not seen */
};
_Static_assert(sizeof(struct slot) <= SLOT_FAST, "slot overlaps its thunk scratch");
_Static_assert(SLOT_FAST + sizeof(struct slot_fast) <= SLOT_SCRATCH, "overlaps");

struct zygote_params { /* in the window of the zygote's slot 0 */
    uint32_t nmaps, filter_len, hide_cpuid;
    uint64_t vdso_base; /* of the vDSO when its pieces are moved: host_vdso_base() */
    struct vdso_piece maps[HOST_VDSO_PIECES];
    uint64_t filter[2048]; /* struct sock_filter */
};
#endif
#endif
