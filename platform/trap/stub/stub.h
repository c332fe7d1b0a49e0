/* Internals of the stub: freestanding code in the guest's address space. */
#ifndef NV_PLATFORM_TRAP_STUB_STUB_H
#define NV_PLATFORM_TRAP_STUB_STUB_H

#include <stdint.h>

#include "platform/trap/layout.h"
#include "platform/vdso/vdso.h"

/* The kernel's layout; libc's header would drag in its own types. */
struct stub_sigcontext {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
    uint16_t cs, gs, fs, ss;
    uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};
struct stub_ucontext {
    uint64_t flags, link;
    struct {
        uint64_t sp;
        int32_t flags;
        uint64_t size;
    } stack;
    struct stub_sigcontext mc;
    uint64_t sigmask;
};

static inline long host_syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}
#define host_syscall(nr, a, b, c, d)                                                               \
    host_syscall6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

uint64_t stub_copy(void *dst, const void *src, uint64_t n);
int64_t stub_copy8(void *dst, const void *src); /* 0, or not if it faults */
uint64_t stub_zero(void *dst, uint64_t n);      /* bytes NOT zeroed */
int64_t stub_strcopy(char *dst, const char *src, uint64_t n);
void stub_resume(void *uc, uint32_t *interrupted);
long stub_futex(uint64_t uaddr, uint64_t op, uint64_t val, uint64_t timeout, uint64_t uaddr2,
                uint64_t val3, uint32_t *interrupted);
__attribute__((noreturn)) void stub_on_stack(void *sp, void (*fn)(void *), void *arg);
void stub_restorer(void);
void stub_fast_entry(void);
void stub_xsave(void *area, uint64_t features);
void stub_xrstor(const void *area, uint64_t features);
/* Into guest code with these registers; an interrupt on the way goes to stub_fast_interrupted. */
__attribute__((noreturn)) void stub_leave(const struct stub_sigcontext *mc);
/* Called by stub_fast_entry, with the frame it has laid down; what it returns goes into rax. */
long stub_fast_syscall(struct stub_ucontext *uc);
__attribute__((noreturn)) void stub_fast_interrupted(void);

extern char stub_text_begin[], stub_text_end[];
extern char stub_resume_begin[], stub_resume_end[], stub_resume_abort[];
extern char stub_fast_begin[], stub_fast_end[], stub_fast_abort[];
extern char stub_leave_begin[], stub_leave_end[];
extern char stub_futex_begin[], stub_futex_end[], stub_futex_abort[];
extern char stub_copy_begin[], stub_copy_end[], stub_copy_fault[];
extern char stub_copy8_begin[], stub_copy8_end[], stub_copy8_fault[];
extern char stub_zero_begin[], stub_zero_end[], stub_zero_fault[];
extern char stub_strcopy_begin[], stub_strcopy_end[], stub_strcopy_fault[];

static inline struct slot_fast *slot_fast(struct slot *s)
{
    return (struct slot_fast *)((char *)s + SLOT_FAST);
}
static inline char *slot_window(struct slot *s)
{
    return (char *)s + SLOT_WINDOW;
}
static inline const volatile struct stub_shared *stub_shared(void)
{
    return (const volatile struct stub_shared *)STUB_SHARED;
}

static inline const volatile struct vdso_params *vdso_params(void)
{
    return (const volatile struct vdso_params *)VDSO_PARAMS;
}

/* Is there something to copy out? */
static inline int has_out(const struct slot *s)
{
    return s->out_full | s->out_zero | s->out_part;
}
/* Copies the buffers of a call into the slot; fills s->segs. How many there are. */
uint32_t marshal_in(struct slot *s, uint64_t nr, const uint64_t args[6], uint32_t *dirs);
/* Copies back what the sentry has written; -EFAULT if some of it could not be. */
long marshal_out(struct slot *s);
/* What rt_sigreturn reads at the stack pointer. */
uint32_t marshal_frame(struct slot *s, uint64_t sp, uint32_t *dirs);

/* From <sys/mman.h>, which is libc's. */
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_FIXED 16
#define MAP_ANONYMOUS 32
#define MAP_NORESERVE 0x4000

/* stub.c */
struct siginfo;
__attribute__((noreturn)) void die(int code);
__attribute__((noreturn)) void thread_main(void *slot);
void stub_signal(void);
void stub_handler(int sig, struct siginfo *info, void *context);

/* command.c: what the slot asks for; the result for SEV_DONE */
int64_t do_hostcall(struct slot *s);
int64_t do_batch(struct slot *s);
int64_t do_fork(void);
int64_t do_clone(struct slot *s);

/* vectors.c */
void *memset(void *d, int c, unsigned long n);
void save_vectors(struct slot *s);
int64_t put_frame(struct slot *s);    /* CMD_FRAME */
int64_t load_vectors(struct slot *s); /* CMD_XRSTOR */

/* local.c: what became of a call that might need no sentry. */
enum served {
    NOT_SERVED,
    SERVED,         /* its result is in *ret */
    SERVED_FUTEX,   /* so it is, but the wait was interrupted */
    SERVED_SIGMASK, /* so it is (0), but a signal waits */
};
enum served serve_here(struct slot *s, struct stub_ucontext *uc, uint64_t nr, long *ret);

#endif
