/*
 * Run by make: writes the seccomp filters of sentry, gofer and stub as C arrays, each from its
 * hostcalls.def and by libseccomp. A sandbox starts with programs that are ready.
 * usage: filters sentry|gofer|stub
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sentry/ckpt/pagemap_scan.h"
#include "base/macros.h"
#include "base/nr.h"
#include "base/sanitize.h"
#include "platform/trap/layout.h"

#define INSNS_MAX 4096 /* what Linux takes */
#define OPTIMIZE_TREE 2
#define FORK_FLAGS (CLONE_PARENT | SIGCHLD)
#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

#define ANY 0
#define ARG0(value) 1, SCMP_A0(SCMP_CMP_EQ, value, 0)
#define ARG1(value) 1, SCMP_A1(SCMP_CMP_EQ, value, 0)
/* A thread, in the namespaces of its process. */
#define NAMESPACES                                                                                 \
    (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |     \
     CLONE_NEWCGROUP)
#define THREADS_ONLY                                                                               \
    1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_VM | CLONE_THREAD | NAMESPACES, CLONE_VM | CLONE_THREAD)
#define NOT_EXECUTABLE 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)

#ifndef __SNR_fchmodat2
#define __SNR_fchmodat2 SYS_fchmodat2
#endif

#define ALLOW(name, ...)                                                                           \
    if (!err)                                                                                      \
    err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(name), __VA_ARGS__)
#define REFUSE(name)                                                                               \
    if (!err)                                                                                      \
    err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(name), 0)
/* Rows of sentry and gofer: a third column is what the arguments must be. */
#define HOSTCALL(name, reason, ...) ALLOW(name, 0 __VA_OPT__(+) __VA_ARGS__);
#define HOSTCALL_NOSYS(name, reason) REFUSE(name);

/* Entered in another way than as 64-bit code does: int 0x80, x32. */
static int forbid_other_entries(scmp_filter_ctx ctx)
{
    return seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
}

static int sentry_rules(scmp_filter_ctx ctx)
{
    int err = forbid_other_entries(ctx);

#include "sentry/hostcalls.def"
#if NV_ASAN
#include "base/sanitize.def"
#endif
    return err;
}

static int gofer_rules(scmp_filter_ctx ctx)
{
    int err = forbid_other_entries(ctx);

#include "gofer/hostcalls.def"
#if NV_ASAN
#include "base/sanitize.def"
#endif
    return err;
}

#undef HOSTCALL
#undef HOSTCALL_NOSYS

static int stub_rules(scmp_filter_ctx ctx)
{
    int err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);

    /* One by one: a comparison of ranges would let the upper half of the register through. */
#define HOSTCALL_FDS(name, reason)                                                                 \
    for (uint64_t fd = 0; fd < STUB_FDS_MAX; fd++)                                                 \
        if (fd != STUB_FD_DOORBELL && fd != STUB_FD_CTL)                                           \
            ALLOW(name, ARG0(fd));
#define HOSTCALL(name, reason, ...) ALLOW(name, __VA_ARGS__);
#include "platform/trap/hostcalls.def"
#undef HOSTCALL
#undef HOSTCALL_FDS
    return err;
}

/*
 * libseccomp cannot express tests of the instruction pointer: this goes in front of its program.
 * Traps unless arch is x86-64 and the instruction pointer lies in the stub's text.
 */
static size_t stub_prologue(struct sock_filter *f)
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

static const struct kind {
    const char *name;
    uint32_t otherwise;
    int (*rules)(scmp_filter_ctx ctx);
    size_t (*prologue)(struct sock_filter *f);
} kinds[] = {
    {"sentry", SCMP_ACT_KILL_PROCESS, sentry_rules, NULL},
    {"gofer", SCMP_ACT_KILL_PROCESS, gofer_rules, NULL},
    {"stub", SCMP_ACT_TRAP, stub_rules, stub_prologue},
};

/* The number of instructions, or a negative errno. */
static int build(const struct kind *k, struct sock_filter *insns)
{
    scmp_filter_ctx ctx = seccomp_init(k->otherwise);
    int fd = memfd_create("filter", MFD_CLOEXEC);

    if (!ctx || fd < 0)
        return -ENOMEM;
    int err = k->rules(ctx);
    if (!err)
        err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_TREE);
    if (!err)
        err = seccomp_export_bpf(ctx, fd);
    seccomp_release(ctx);
    if (err)
        return err;
    size_t n = k->prologue ? k->prologue(insns) : 0, room = (INSNS_MAX - n) * sizeof(*insns);
    ssize_t got = pread(fd, insns + n, room, 0);
    close(fd);
    return got <= 0 || (size_t)got == room ? -E2BIG : (int)(n + (size_t)got / sizeof(*insns));
}

int main(int argc, char **argv)
{
    static struct sock_filter insns[INSNS_MAX];
    const struct kind *k = kinds;

    while (k < kinds + ARRAY_SIZE(kinds) && (argc != 2 || strcmp(k->name, argv[1])))
        k++;
    int n = k < kinds + ARRAY_SIZE(kinds) ? build(k, insns) : -EINVAL;
    if (n < 0) {
        fprintf(stderr, "filters: %s: %s\n", argc > 1 ? argv[1] : "usage", strerror(-n));
        return 1;
    }
    printf("static const struct sock_filter %s_filter[] = {\n", k->name);
    for (int i = 0; i < n; i++)
        printf("    {0x%02x, %u, %u, 0x%08x},\n", insns[i].code, insns[i].jt, insns[i].jf,
               insns[i].k);
    puts("};");
    return 0;
}
