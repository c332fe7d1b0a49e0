/* Memory calls on the stub's regions, and buffers that point into them. */
#include "guest.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/uio.h>

static const uint64_t places[] = {STUB_TEXT,
                                  STUB_TEXT - 4096,
                                  STUB_SHARED,
                                  STUB_VDSO,
                                  STUB_SCRATCH,
                                  STUB_SLOTS,
                                  STUB_SLOTS + 4 * SLOT_SIZE,
                                  STUB_END - 4096,
                                  STUB_END,
                                  0x7fffffffe000UL,
                                  0x7ffffffff000UL,
                                  0x800000000000UL,
                                  0xffff800000000000UL,
                                  ~0UL & ~4095UL};

static void must_fail(const char *what, uint64_t at, long r)
{
    if (r >= 0)
        FAIL("%s at %#lx gives %#lx", what, at, r);
}

static void memory_calls(uint64_t at)
{
    static char page[4096] __attribute__((aligned(4096)));
    long p = (long)at;
    const long fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    long length = at == STUB_TEXT - 4096 ? 8192 : 4096; /* across the border */

    must_fail("mmap", at, sys(SYS_mmap, p, length, 3, fixed, -1, 0));
    must_fail(
        "mmap noreplace", at,
        sys(SYS_mmap, p, length, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    must_fail("munmap", at, sys(SYS_munmap, p, length, 0, 0, 0, 0));
    must_fail("mprotect", at, sys(SYS_mprotect, p, length, 7, 0, 0, 0));
    must_fail("pkey_mprotect", at, sys(SYS_pkey_mprotect, p, length, 7, -1, 0, 0));
    must_fail("mremap from", at, sys(SYS_mremap, p, length, 8192, MREMAP_MAYMOVE, 0, 0));
    must_fail("mremap shrink", at, sys(SYS_mremap, p, 8192, 4096, 0, 0, 0));
    must_fail("mremap dup", at, sys(SYS_mremap, p, 0, 4096, MREMAP_MAYMOVE, 0, 0));
    must_fail("mremap to", at,
              sys(SYS_mremap, (long)page, 4096, length, MREMAP_MAYMOVE | MREMAP_FIXED, p, 0));
    must_fail("madvise", at, sys(SYS_madvise, p, length, MADV_DONTNEED, 0, 0, 0));
    must_fail("mlock", at, sys(SYS_mlock, p, length, 0, 0, 0, 0));
    must_fail("msync", at, sys(SYS_msync, p, length, MS_SYNC, 0, 0, 0));
    must_fail("mincore", at, sys(SYS_mincore, p, length, (long)page, 0, 0, 0));
    must_fail("remap_file_pages", at, sys(SYS_remap_file_pages, p, length, 0, 0, 0, 0));
    must_fail("shmat", at,
              sys(SYS_shmat, shmget(IPC_PRIVATE, (size_t)length, 0600), p, SHM_REMAP, 0, 0, 0));
    /* A hint is only a hint. */
    long hint = sys(SYS_mmap, p, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (hint > 0 && (uint64_t)hint + 4096 > STUB_TEXT)
        FAIL("mmap with hint %#lx gives %#lx", at, hint);
}

static void buffers(uint64_t at)
{
    long p = (long)at + (at == STUB_TEXT - 4096 ? 4000 : 0);
    int z = open("/dev/zero", O_RDONLY), n = open("/dev/null", O_WRONLY), q[2];
    struct iovec v = {(void *)p, 200}, w;
    static char page[4096];

    if (at == STUB_TEXT - 4096)
        return;
    CHECK(pipe(q) == 0);
    write(q[1], page, 1000);
    must_fail("read", at, sys(SYS_read, z, p, 200, 0, 0, 0));
    must_fail("read pipe", at, sys(SYS_read, q[0], p, 200, 0, 0, 0));
    must_fail("readv", at, sys(SYS_readv, q[0], (long)&v, 1, 0, 0, 0));
    must_fail("write pipe", at, sys(SYS_write, q[1], p, 200, 0, 0, 0));
    must_fail("writev", at, sys(SYS_writev, q[1], (long)&v, 1, 0, 0, 0));
    must_fail("open", at, sys(SYS_open, p, 0, 0, 0, 0, 0));
    must_fail("stat", at, sys(SYS_stat, (long)"/", p, 0, 0, 0, 0));
    must_fail("uname", at, sys(SYS_uname, p, 0, 0, 0, 0, 0));
    must_fail("getcwd", at, sys(SYS_getcwd, p, 100, 0, 0, 0, 0));
    must_fail("getrandom", at, sys(SYS_getrandom, p, 100, 0, 0, 0, 0));
    must_fail("clock_gettime", at, sys(SYS_clock_gettime, 0, p, 0, 0, 0, 0));
    must_fail("sigaltstack", at, sys(SYS_sigaltstack, 0, p, 0, 0, 0, 0));
    must_fail("rt_sigprocmask", at, sys(SYS_rt_sigprocmask, 0, 0, p, 8, 0, 0));
    must_fail("prctl name", at, sys(SYS_prctl, PR_GET_NAME, p, 0, 0, 0, 0));
    must_fail("execve", at, sys(SYS_execve, p, p, p, 0, 0, 0));
    must_fail("futex wait", at, sys(SYS_futex, p, FUTEX_WAIT, 0x12345, 0, 0, 0));
    must_fail("futex private", at, sys(SYS_futex, p, FUTEX_WAIT_PRIVATE, 0x12345, 0, 0, 0));
    w = (struct iovec){page, 100};
    must_fail("process_vm_readv", at,
              sys(SYS_process_vm_readv, getpid(), (long)&w, 1, (long)&v, 1, 0));
    must_fail("process_vm_writev", at,
              sys(SYS_process_vm_writev, getpid(), (long)&w, 1, (long)&v, 1, 0));
    int mem = open("/proc/self/mem", O_RDWR);
    if (mem >= 0) {
        must_fail("/proc/self/mem read", at, sys(SYS_pread64, mem, (long)page, 100, p, 0, 0));
        must_fail("/proc/self/mem write", at, sys(SYS_pwrite64, mem, (long)page, 100, p, 0, 0));
        close(mem);
    }
    close(z);
    close(n);
    close(q[0]);
    close(q[1]);
}

static void words(long i)
{
    uint64_t at = places[i];

    syscall(SYS_set_tid_address, at);
    syscall(SYS_set_robust_list, at, 24);
    syscall(SYS_rseq, at, 32, 0, 0x53053053);
    stack_t ss = {.ss_sp = (void *)at, .ss_size = 65536};
    sigaltstack(&ss, NULL);
    syscall(SYS_arch_prctl, ARCH_SET_GS, at);
    syscall(SYS_clone, 0x11 | 0x01000000 | 0x00200000 | 0x00100000, 0, at, at, 0);
    syscall(SYS_prctl, PR_SET_MM, PR_SET_MM_BRK, at, 0, 0);
    syscall(SYS_brk, at);
    syscall(SYS_arch_prctl, ARCH_SET_FS, at);
    _exit(0); /* with a robust list and a tid word that point there */
}

static void far_stack(long i)
{
    struct sigaction sa = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
    stack_t ss = {.ss_sp = (void *)places[i], .ss_size = 1 << 20};

    sigaltstack(&ss, NULL);
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
}

static void grow_into(long x)
{
    char *p = mmap((void *)(STUB_TEXT - 65536), 65536, 3,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
    if (p != MAP_FAILED) {
        memset(p, 1, 65536);
        mremap(p, 65536, 1 << 20, 0);
        munmap(p, 1UL << 47);
    }
}

int main(void)
{
    unsigned int n = sizeof(places) / sizeof(places[0]);

    for (unsigned int i = 0; i < n; i++) {
        memory_calls(places[i]);
        buffers(places[i]);
    }
    for (long i = 0; i < n; i++) {
        attempt(words, i, 2000);
        attempt(far_stack, i, 2000);
    }
    attempt(grow_into, 0, 2000);
    /* All of it at once, too. */
    CHECK(munmap((void *)STUB_TEXT, 1UL << 47) < 0);
    CHECK(munmap((void *)0, ~0UL) < 0);
    CHECK(mprotect((void *)(STUB_TEXT - 4096), 1UL << 40, 7) < 0);
    return finish();
}
