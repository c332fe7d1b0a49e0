/* The first tracee, out of which all others are forked. It never runs guest code. */
#include <asm/prctl.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "platform/host_vdso.h"
#include "platform/ptrace/tracee.h"
#include "platform/trap/layout.h"
#include "platform/vdso/vdso.h"

#define OPTIONS                                                                                    \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL)

extern const char stub_image[];
extern const size_t stub_image_size;

struct gthread *ptrace_zygote;
static struct aspace *zygote_as;
static uint64_t vdso_end;

static __attribute__((noreturn)) void exec_tracee(int image, int vdso)
{
    char *argv[] = {"nv-stub", NULL}, *envp[] = {NULL};
    sigset_t none;

    int exec_fd = fcntl(image, F_DUPFD_CLOEXEC, 100), vdso_fd = fcntl(vdso, F_DUPFD_CLOEXEC, 100);
    if (dup2(fd_channel[1], STUB_FD_CTL) < 0 || dup2(vdso_fd, STUB_FD_VDSO) < 0)
        _exit(110);
    for (int i = 0; i < STUB_FD_CTL; i++)
        close(i);
    close_range(STUB_FD_CTL + 1, STUB_FD_VDSO - 1, 0);
    close_range(STUB_FD_VDSO + 1, (unsigned int)exec_fd - 1, 0);
    close_range((unsigned int)exec_fd + 1, ~0U, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    personality(ADDR_NO_RANDOMIZE);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    syscall(SYS_execveat, exec_fd, "", argv, envp, AT_EMPTY_PATH);
    _exit(111);
}

static int find_syscall_insn(void)
{
    for (const char *p = stub_image + 0x100; p + 1 < stub_image + stub_image_size; p++)
        if ((unsigned char)p[0] == 0x0f && (unsigned char)p[1] == 0x05) {
            syscall_insn = STUB_TEXT + (uint64_t)(p - stub_image);
            return 0;
        }
    return -ENOEXEC;
}

static int64_t unmap(uint64_t start, uint64_t end)
{
    return tracee_inject4(ptrace_zygote, SYS_munmap, start, end - start, 0, 0);
}

/* Where the kernel has put the vDSO of the tracee, which is at its first instruction: auxv. */
static uint64_t find_vdso(void)
{
    uint64_t stack[256];
    size_t i = 0;

    ssize_t n = space_read(zygote_as, stack, ptrace_zygote->regs.rsp, sizeof(stack));
    size_t words = n > 0 ? (size_t)n / 8 : 0;
    for (int zeros = 0; i < words && zeros < 2; i++) /* the ends of argv and envp */
        zeros += !stack[i];
    for (; i + 1 < words && stack[i] != AT_NULL; i += 2)
        if (stack[i] == AT_SYSINFO_EHDR)
            return stack[i + 1];
    return 0;
}

/* The pieces keep their distances. */
static int64_t move_vdso(void)
{
    uint64_t from = find_vdso(), to = host_vdso_base(STUB_VDSO);

    vdso_end = STUB_VDSO;
    for (int i = 0; from && i < host_vdso_find(); i++) {
        const struct vdso_piece *p = &host_vdso_pieces[i];
        uint64_t at = to + (uint64_t)p->delta;
        int64_t r = tracee_inject(ptrace_zygote, SYS_mremap,
                                  (unsigned long[]){from + (uint64_t)p->delta, p->len, p->len,
                                                    MREMAP_MAYMOVE | MREMAP_FIXED, at, 0},
                                  NULL);
        if (r < 0)
            return r;
        vdso_end = MAX(vdso_end, at + p->len);
    }
    return 0;
}

/* The guest's vDSO, and its descriptor closed. */
static int64_t map_vdso(void)
{
    int64_t r = tracee_inject(ptrace_zygote, SYS_mmap,
                              (unsigned long[]){VDSO_PARAMS, NV_PAGE_SIZE, PROT_READ,
                                                MAP_SHARED | MAP_FIXED, STUB_FD_VDSO, 0},
                              NULL);
    if (r >= 0)
        r = tracee_inject(ptrace_zygote, SYS_mmap,
                          (unsigned long[]){VDSO_IMAGE, VDSO_IMAGE_SIZE, PROT_READ | PROT_EXEC,
                                            MAP_PRIVATE | MAP_FIXED, STUB_FD_VDSO, NV_PAGE_SIZE},
                          NULL);
    return r < 0 ? r : tracee_inject4(ptrace_zygote, SYS_close, STUB_FD_VDSO, 0, 0, 0);
}

/* Leaves nothing mapped but the stub's text, both vDSOs and a scratch page. */
static int empty_zygote(void)
{
    int64_t r = tracee_load_regs(ptrace_zygote);

    if (!r)
        r = tracee_inject4(ptrace_zygote, SYS_munmap, 0, STUB_TEXT, 0, 0);
    if (!r)
        r = move_vdso();
    if (!r)
        r = unmap(STUB_TEXT + STUB_TEXT_SIZE, STUB_VDSO);
    if (!r)
        r = map_vdso();
    if (!r)
        r = unmap(vdso_end, HOST_TASK_SIZE);
    if (!r)
        r = tracee_inject(ptrace_zygote, SYS_mmap,
                          (unsigned long[]){STUB_SCRATCH, STUB_SCRATCH_SIZE, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                                            (unsigned long)-1, 0},
                          NULL);
    return r < 0 ? (int)r : 0;
}

int ptrace_zygote_start(bool hide_cpuid)
{
    cleanup_close int image = memfd_create("nv-stub", MFD_CLOEXEC);
    cleanup_close int vdso = vdso_file(STUB_VDSO);
    size_t len = stub_image_size;

    if (vdso < 0)
        return vdso;
    if (image < 0 || write(image, stub_image, len) != (ssize_t)len || find_syscall_insn())
        return -EIO;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd_channel))
        return -errno;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        exec_tracee(image, vdso);
    int err = tracee_await_birth(pid); /* here: the stop after exec */
    if (err || ptrace(PTRACE_SETOPTIONS, pid, NULL, OPTIONS))
        return err ? err : -errno;
    zygote_as = space_new(pid);
    ptrace_zygote = zygote_as ? tracee_new(zygote_as, pid) : NULL;
    err = ptrace_zygote ? empty_zygote() : -ENOMEM;
    if (!err && hide_cpuid)
        err = (int)tracee_inject4(ptrace_zygote, SYS_arch_prctl, ARCH_SET_CPUID, 0, 0, 0);
    return err;
}

void ptrace_zygote_stop(void)
{
    if (zygote_as)
        space_kill(zygote_as);
}
