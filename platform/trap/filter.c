/*
 * The stub's seccomp filter: every syscall made from outside the stub's text traps; from inside,
 * only the rows of hostcalls.def pass. libseccomp builds the allowlist; the test of the instruction
 * pointer, which libseccomp cannot express, is put in front of its program.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "platform/trap/trap.h"

#define FORK_FLAGS (CLONE_PARENT | SIGCHLD)
#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

#define ANY 0
#define ARG0(value) 1, SCMP_A0(SCMP_CMP_EQ, value, 0)
#define ARG1(value) 1, SCMP_A1(SCMP_CMP_EQ, value, 0)

static int add_rules(scmp_filter_ctx ctx)
{
    int err = 0;

    /* One by one: a comparison of ranges would let the upper half of the register through. */
#define HOSTCALL_FDS(name, reason)                                                                 \
    for (uint64_t fd = 0; !err && fd < STUB_FDS_MAX; fd++)                                         \
        if (fd != STUB_FD_DOORBELL && fd != STUB_FD_CTL)                                           \
            err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(name), ARG0(fd));
#define HOSTCALL(name, reason, ...)                                                                \
    if (!err)                                                                                      \
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(name), __VA_ARGS__);
#include "platform/trap/hostcalls.def"
#undef HOSTCALL
#undef HOSTCALL_FDS
    return err;
}

/* Traps unless arch is x86-64 and the instruction pointer lies in the stub's text. */
static unsigned int ip_check(struct sock_filter *f)
{
    const uint32_t hi = STUB_TEXT >> 32, lo = (uint32_t)STUB_TEXT;
    const struct sock_filter prog[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, hi, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, lo + STUB_TEXT_SIZE, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, lo, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };

    memcpy(f, prog, sizeof(prog));
    return ARRAY_SIZE(prog);
}

int stub_filter_build(uint64_t *insns, unsigned int max, struct error *e)
{
    struct sock_filter *f = (struct sock_filter *)insns;
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
    cleanup_close int fd = memfd_create("nv-filter", MFD_CLOEXEC);
    int ret = -ENOMEM;

    if (!ctx || fd < 0)
        goto out;
    ret = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);
    if (!ret)
        ret = add_rules(ctx);
    if (!ret)
        ret = seccomp_export_bpf(ctx, fd);
    if (ret) {
        error_set(e, ret, "building the stub's system call filter");
        goto out;
    }
    unsigned int n = ip_check(f);
    ssize_t got = pread(fd, f + n, (max - n) * sizeof(*f), 0);
    if (got <= 0 || (size_t)got == (max - n) * sizeof(*f)) {
        ret = error_set(e, -E2BIG, "the stub's system call filter is too long");
        goto out;
    }
    ret = (int)(n + (size_t)got / sizeof(*f));
out:
    if (ctx)
        seccomp_release(ctx);
    return ret;
}
