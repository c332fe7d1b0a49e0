/* The zygote's start: its regions, handlers and filter. Address spaces are forked from it. */
#include <asm/prctl.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <elf.h>
#include <linux/seccomp.h>

#include "platform/trap/stub/stub.h"

#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED 2
#define PR_SET_NO_NEW_PRIVS 38

struct kernel_sigaction {
    void *handler;
    uint64_t flags;
    void *restorer;
    uint64_t mask;
};

static void install_handlers(void)
{
    static const uint8_t signals[] = {SIGSYS,  SIGSEGV,           SIGBUS, SIGFPE, SIGILL,
                                      SIGTRAP, STUB_SIG_INTERRUPT};

    for (unsigned int i = 0; i < sizeof(signals); i++) {
        struct kernel_sigaction sa = {
            .handler = (void *)stub_signal,
            .flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER,
            .restorer = (void *)stub_restorer,
            .mask = 0,
        };
        if (signals[i] != STUB_SIG_INTERRUPT)
            sa.flags |= SA_NODEFER;
        host_syscall(__NR_rt_sigaction, signals[i], &sa, 0, 8);
    }
}

static void move_vdso(const struct zygote_params *p, uint64_t vdso)
{
    for (uint32_t i = 0; i < p->nmaps && i < HOST_VDSO_PIECES; i++)
        host_syscall6(__NR_mremap, (long)(vdso + (uint64_t)p->maps[i].delta), (long)p->maps[i].len,
                      (long)p->maps[i].len, MREMAP_MAYMOVE | MREMAP_FIXED,
                      (long)(p->vdso_base + (uint64_t)p->maps[i].delta), 0);
}

static void apply_filter(const struct zygote_params *p)
{
    struct {
        uint16_t len;
        const void *filter;
    } prog = {(uint16_t)p->filter_len, p->filter};

    if (host_syscall6(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0) ||
        host_syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog, 0))
        die(105);
}

static __attribute__((noreturn)) void zygote_main(void *arg)
{
    struct slot *s = (struct slot *)STUB_SLOTS;
    const struct zygote_params *p = (const struct zygote_params *)slot_window(s);

    if (arg)
        move_vdso(p, (uint64_t)arg);
    host_syscall(__NR_munmap, 0, STUB_TEXT, 0, 0);
    host_syscall(__NR_munmap, STUB_END, HOST_TASK_SIZE - STUB_END, 0, 0);
    host_syscall(__NR_close, STUB_FD_SHARED, 0, 0, 0);
    host_syscall(__NR_close, STUB_FD_SLOTS, 0, 0, 0);
    host_syscall(__NR_close, STUB_FD_VDSO, 0, 0, 0);
    install_handlers();
    if (p->hide_cpuid && host_syscall(__NR_arch_prctl, ARCH_SET_CPUID, 0, 0, 0))
        die(112);
    if (p->filter_len)
        apply_filter(p);
    thread_main(s);
}

__attribute__((noreturn)) void stub_main(uint64_t *sp);
void stub_main(uint64_t *sp)
{
    uint64_t *p = sp + 1 + sp[0] + 1; /* argc, argv, NULL */
    uint64_t vdso = 0;

    while (*p++)
        ; /* envp */
    for (; p[0] != AT_NULL; p += 2)
        if (p[0] == AT_SYSINFO_EHDR)
            vdso = p[1];
    long r = host_syscall6(__NR_mmap, STUB_SLOTS, SLOTS_SPAN, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_FIXED | MAP_NORESERVE, STUB_FD_SLOTS, 0);
    if (r < 0)
        die(106);
    r = host_syscall6(__NR_mmap, STUB_SHARED, 4096, PROT_READ, MAP_SHARED | MAP_FIXED,
                      STUB_FD_SHARED, 0);
    if (r < 0)
        die(107);
    r = host_syscall6(__NR_mmap, VDSO_PARAMS, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, STUB_FD_VDSO,
                      0);
    if (r >= 0)
        r = host_syscall6(__NR_mmap, VDSO_IMAGE, VDSO_IMAGE_SIZE, PROT_READ | PROT_EXEC,
                          MAP_PRIVATE | MAP_FIXED, STUB_FD_VDSO, 4096);
    if (r < 0)
        die(109);
    r = host_syscall6(__NR_mmap, STUB_SCRATCH, STUB_SCRATCH_SIZE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
    if (r < 0)
        die(108);
    stub_on_stack((void *)(STUB_SCRATCH + STUB_SCRATCH_SIZE - 64), zygote_main, (void *)vdso);
}
