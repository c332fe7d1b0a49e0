/*
 * Loading a program into a fresh address space: segments, interpreter, stack. The old image stays
 * untouched until everything is in place, so that most failures are plain errors of execve(2).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/hwcap.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/timeline.h"
#include "platform/vdso/vdso.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/elf.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/file.h"

#define PIE_BASE 0x555555554000UL
#define PIE_RANDOM (1UL << 30)
#define STACK_RANDOM (1UL << 30)
#define MMAP_RANDOM (1UL << 36)
#define BRK_RANDOM (1UL << 25)
#define STACK_TOP_MAX (NV_TASK_SIZE - NV_PAGE_SIZE)
#define STACK_INITIAL (132 * 1024UL)
#define STACK_GAP_MIN (128UL << 20)

struct loader {
    struct task *t;
    struct mm *mm;
    struct gthread *thr;
    const struct exec_params *p;
    struct elf_image img, interp;
    struct file *interp_file;
    uint64_t bias, interp_bias; /* load address minus linked address */
    uint64_t entry;
    struct mm_batch batch;
};

/* None for a debugger's program: ADDR_NO_RANDOMIZE. */
static uint64_t random_pages(const struct task *t, uint64_t range)
{
    uint64_t r = 0;

    if (t->personality & ADDR_NO_RANDOMIZE)
        return 0;
    if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
        return 0;
    return PAGE_DOWN(r % range);
}

static int read_exact(struct task *t, struct file *f, void *buf, size_t len, uint64_t off)
{
    ssize_t n = file_read_kernel(t, f, buf, len, (loff_t)off);

    return n < 0 ? (int)n : (size_t)n == len ? 0 : -ENOEXEC;
}

static int read_image(struct task *t, struct file *f, struct elf_image *img)
{
    char head[sizeof(Elf64_Ehdr)];
    ssize_t n = file_read_kernel(t, f, head, sizeof(head), 0);

    if (n < 0)
        return (int)n;
    int len = elf_check_header(head, (uint64_t)n, &img->eh);
    if (len < 0)
        return len;
    int err = read_exact(t, f, img->ph, (size_t)len, img->eh.e_phoff);
    return err ? err : elf_parse(img, NV_TASK_SIZE);
}

static int open_interp(struct loader *l)
{
    char path[4097];

    if (!l->img.interp_len)
        return 0;
    int err = read_exact(l->t, l->p->file, path, l->img.interp_len, l->img.interp_off);
    if (err)
        return err == -ENOEXEC ? -EIO : err;
    if (path[l->img.interp_len - 1])
        return -ENOEXEC;
    err = vfs_open(l->t, AT_FDCWD, path, O_RDONLY, 0, 0, &l->interp_file);
    if (err)
        return err;
    if (!S_ISREG(l->interp_file->inode->mode))
        return -EACCES;
    err = inode_permission(l->t, l->interp_file->inode, MAY_EXEC);
    if (err)
        return err;
    char probe[sizeof(Elf64_Ehdr)];
    if (read_exact(l->t, l->interp_file, probe, sizeof(probe), 0))
        return -EIO; /* shorter than any header */
    err = read_image(l->t, l->interp_file, &l->interp);
    return err == -ENOEXEC || err == -EINVAL ? -ELIBBAD : err;
}

static int map_fixed(struct loader *l, uint64_t at, uint64_t len, int prot, struct file *f,
                     uint64_t off)
{
    struct mmap_request r = {.addr = at,
                             .len = len,
                             .pgoff_bytes = off,
                             .prot = prot,
                             .flags = MAP_PRIVATE | MAP_FIXED | (f ? 0 : MAP_ANONYMOUS),
                             .file = f,
                             .batch = &l->batch};
    int64_t got = mm_mmap(l->mm, l->thr, &r, l->t);

    return got < 0 ? (int)got : 0;
}

static int map_segment(struct loader *l, struct file *f, const Elf64_Phdr *ph, uint64_t bias)
{
    int prot = (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
               (ph->p_flags & PF_X ? PROT_EXEC : 0);
    uint64_t start = ph->p_vaddr + bias, file_end = start + ph->p_filesz;
    uint64_t mem_end = start + ph->p_memsz, map_end = PAGE_UP(file_end);
    int err = 0;

    if (ph->p_filesz)
        err = map_fixed(l, PAGE_DOWN(start), map_end - PAGE_DOWN(start), prot, f,
                        PAGE_DOWN(ph->p_offset));
    else
        map_end = PAGE_DOWN(start);
    if (!err && PAGE_UP(mem_end) > map_end)
        err = map_fixed(l, map_end, PAGE_UP(mem_end) - map_end, prot, NULL, 0);
    return err;
}

/* All that follows the file's bytes in its last page is zero: ld.so allocates from it. */
static int zero_tails(struct loader *l, const struct elf_image *img, uint64_t bias)
{
    static const char zeros[NV_PAGE_SIZE];

    for (int i = 0; i < img->nph; i++) {
        const Elf64_Phdr *ph = &img->ph[i];
        uint64_t file_end = ph->p_vaddr + bias + ph->p_filesz;
        size_t tail = NV_PAGE_SIZE - PAGE_OFF(file_end);
        if (ph->p_type != PT_LOAD || !ph->p_filesz || ph->p_memsz <= ph->p_filesz ||
            !PAGE_OFF(file_end) || !(ph->p_flags & PF_W))
            continue;
        if (mm_write(l->mm, file_end, zeros, tail) != (ssize_t)tail)
            return -EFAULT; /* the file ends before its segment does */
    }
    return 0;
}

static int map_image(struct loader *l, struct file *f, const struct elf_image *img, uint64_t bias)
{
    for (int i = 0; i < img->nph; i++) {
        if (img->ph[i].p_type != PT_LOAD || !img->ph[i].p_memsz)
            continue;
        int err = map_segment(l, f, &img->ph[i], bias);
        if (err)
            return err;
    }
    return 0;
}

static int map_program(struct loader *l)
{
    struct elf_image *img = &l->img;
    uint64_t size = img->high - img->low;

    if (img->is_dyn)
        l->bias = (l->interp_file ? PIE_BASE + random_pages(l->t, PIE_RANDOM)
                                  : vma_find_gap(l->mm->vmas, PIE_BASE, l->mm->mmap_base, size)) -
                  img->low;
    else if (img->low < NV_TASK_MIN)
        return -EPERM;
    if (img->high + l->bias > l->mm->mmap_base)
        return -ENOMEM;
    int err = map_image(l, l->p->file, img, l->bias);
    if (err)
        return err;
    l->mm->start_code = img->low + l->bias;
    l->mm->end_code = img->high + l->bias;
    l->mm->brk_start = l->mm->brk = PAGE_UP(img->high + l->bias) + random_pages(l->t, BRK_RANDOM);
    l->entry = img->eh.e_entry + l->bias;
    if (!l->interp_file)
        return 0;
    size = l->interp.high - l->interp.low;
    if (l->interp.is_dyn) {
        uint64_t at = vma_find_gap(l->mm->vmas, NV_TASK_MIN, l->mm->mmap_base, size);
        if (!at)
            return -ENOMEM;
        l->interp_bias = at - l->interp.low;
    }
    l->entry = l->interp.eh.e_entry + l->interp_bias;
    log_debug("interpreter at 0x%lx", l->interp_bias);
    return map_image(l, l->interp_file, &l->interp, l->interp_bias);
}

/* --- the stack: strings at the top, then auxv, envp, argv, argc --- */
static size_t strings_size(char *const *v, int n)
{
    size_t total = 0;

    for (int i = 0; i < n; i++)
        total += strlen(v[i]) + 1;
    return total;
}

static uint64_t put_strings(char *buf, size_t *off, uint64_t base, char *const *v, int n,
                            uint64_t *ptrs)
{
    uint64_t first = base + *off;

    for (int i = 0; i < n; i++) {
        size_t len = strlen(v[i]) + 1;
        ptrs[i] = base + *off;
        memcpy(buf + *off, v[i], len);
        *off += len;
    }
    return first;
}

static uint64_t hwcap(void)
{
    uint64_t all = hwcap_get();

    return sandbox->cpu_limited ? cpu_filter_hwcap(&sandbox->cpu, (uint32_t)all) : all;
}

static uint32_t cred_kuid(const struct cred *c, uid_t id)
{
    uint32_t v = from_kuid(c->user_ns, id);

    return v == NO_KID && c->user_ns ? OVERFLOW_ID : v;
}

static uint32_t cred_kgid(const struct cred *c, gid_t id)
{
    uint32_t v = from_kgid(c->user_ns, id);

    return v == NO_KID && c->user_ns ? OVERFLOW_ID : v;
}

static bool leave_out_zero(uint64_t type)
{
    return type == AT_SYSINFO_EHDR || type == AT_RSEQ_FEATURE_SIZE || type == AT_RSEQ_ALIGN;
}

static int fill_auxv(struct loader *l, uint64_t *av, uint64_t random_at, uint64_t platform_at,
                     uint64_t execfn_at)
{
    const struct cred *c = l->p->cred;
    const struct elf_image *img = &l->img;
    const uint64_t pairs[][2] = {
        {AT_SYSINFO_EHDR, l->mm->vdso},
        {AT_HWCAP, hwcap()},
        {AT_PAGESZ, NV_PAGE_SIZE},
        {AT_CLKTCK, 100},
        {AT_PHDR, img->phdr_vaddr ? img->phdr_vaddr + l->bias : 0},
        {AT_PHENT, sizeof(Elf64_Phdr)},
        {AT_PHNUM, (uint64_t)img->nph},
        {AT_BASE, l->interp_file ? l->interp.low + l->interp_bias : 0},
        {AT_FLAGS, 0},
        {AT_ENTRY, img->eh.e_entry + l->bias},
        {AT_UID, cred_kuid(c, c->uid)},
        {AT_EUID, cred_kuid(c, c->euid)},
        {AT_GID, cred_kgid(c, c->gid)},
        {AT_EGID, cred_kgid(c, c->egid)},
        {AT_SECURE, l->p->secure},
        {AT_RANDOM, random_at},
        /* Not FSGSBASE: the base of %gs is the platform's. */
        {AT_HWCAP2, getauxval(AT_HWCAP2) & ~2UL},
        {AT_EXECFN, execfn_at},
        {AT_PLATFORM, platform_at},
        {AT_MINSIGSTKSZ, getauxval(AT_MINSIGSTKSZ)},
        {AT_RSEQ_FEATURE_SIZE, rseq_offered() ? getauxval(AT_RSEQ_FEATURE_SIZE) : 0},
        {AT_RSEQ_ALIGN, rseq_offered() ? getauxval(AT_RSEQ_ALIGN) : 0},
        {AT_NULL, 0},
    };
    int n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (!pairs[i][1] && leave_out_zero(pairs[i][0]))
            continue;
        av[n++] = pairs[i][0];
        av[n++] = pairs[i][1];
    }
    memcpy(l->mm->auxv, av, (size_t)n * sizeof(*av));
    l->mm->auxv_len = n;
    return n;
}

static int build_stack(struct loader *l, uint64_t *sp)
{
    const struct exec_params *p = l->p;
    struct mm *mm = l->mm;
    size_t strings = strings_size(p->argv, p->argc) + strings_size(p->envp, p->envc) +
                     strlen(p->path) + 1 + 16 + 8;
    size_t words = 1 + (size_t)p->argc + 1 + (size_t)p->envc + 1 + 48;
    size_t size = ROUND_UP(strings, 16UL) + words * 8 + 32;
    uint64_t top = mm->stack_top - 8; /* Linux leaves a null word at the very top */
    uint64_t strings_at = (top - strings) & ~15UL;
    uint64_t start = (strings_at - words * 8) & ~15UL;
    cleanup_free char *buf = calloc(1, size + 64);

    if (!buf)
        return -ENOMEM;
    char *sbuf = buf + (strings_at - start);
    uint64_t *w = (uint64_t *)buf;
    size_t off = 0;
    *w++ = (uint64_t)p->argc;
    mm->arg_start = put_strings(sbuf, &off, strings_at, p->argv, p->argc, w);
    mm->arg_end = mm->env_start = strings_at + off;
    w += p->argc + 1;
    put_strings(sbuf, &off, strings_at, p->envp, p->envc, w);
    mm->env_end = strings_at + off;
    w += p->envc + 1;
    uint64_t execfn = strings_at + off;
    memcpy(sbuf + off, p->path, strlen(p->path) + 1);
    off += strlen(p->path) + 1;
    uint64_t platform_at = strings_at + off;
    memcpy(sbuf + off, "x86_64", 7);
    off += 7;
    uint64_t random_at = strings_at + off;
    if (getrandom(sbuf + off, 16, GRND_NONBLOCK) != 16)
        return -EAGAIN;
    fill_auxv(l, w, random_at, platform_at, execfn);
    size_t len = strings_at + strings - start;
    if (mm_write(mm, start, buf, len) != (ssize_t)len)
        return -EFAULT;
    mm->start_stack = start;
    *sp = start;
    return 0;
}

static int map_stack(struct loader *l)
{
    const struct exec_params *p = l->p;
    size_t args = strings_size(p->argv, p->argc) + strings_size(p->envp, p->envc) +
                  (size_t)(p->argc + p->envc) * 8;
    uint64_t len = PAGE_UP(STACK_INITIAL + args), limit = rlimit_cur(l->t, RLIMIT_STACK);

    if (limit != RLIM_INFINITY && args + NV_PAGE_SIZE > limit)
        return -E2BIG;
    struct mmap_request r = {.addr = l->mm->stack_top - len,
                             .len = len,
                             .prot = PROT_READ | PROT_WRITE | (l->img.exec_stack ? PROT_EXEC : 0),
                             .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN,
                             .name = "[stack]",
                             .vm_flags = VM_STACK,
                             .batch = &l->batch};
    int64_t at = mm_mmap(l->mm, l->thr, &r, l->t);
    return at < 0 ? (int)at : 0;
}

/* Linux: the mmap area begins below the largest stack there can be. */
static void choose_layout(struct loader *l)
{
    uint64_t gap = rlimit_cur(l->t, RLIMIT_STACK);

    gap = MIN(MAX(gap, STACK_GAP_MIN), NV_TASK_SIZE / 6 * 5);
    l->mm->stack_top = STACK_TOP_MAX - random_pages(l->t, STACK_RANDOM);
    l->mm->mmap_base =
        PAGE_DOWN(NV_TASK_SIZE - STACK_RANDOM - gap - random_pages(l->t, MMAP_RANDOM));
}

/* From here on the task is the new program. */
static void switch_to(struct loader *l, uint64_t sp)
{
    struct task *t = l->t;

    task_account(t);
    task_clear_tid(t);
    task_exit_memory(t);
    t->mm = l->mm;
    t->thr = l->thr;
    if (t->tg->oom_score_adj)
        mm_tell_oom_score(t->mm, t->tg->oom_score_adj);
    sched_pin(t);
    t->facts_cred = NULL; /* the new thread knows nothing yet */
    memset(&t->regs, 0, sizeof(t->regs));
    t->regs.rip = l->entry;
    t->regs.rsp = sp;
    t->regs.eflags = 0x202;
    t->regs.cs = 0x33;
    t->regs.ss = 0x2b;
    t->regs.orig_rax = (unsigned long long)-1;
    t->regs_valid = t->regs_dirty = true;
    t->in_syscall = false;
    t->ev.kind = PE_INTERRUPTED; /* no result to hand over */
}

int exec_load(struct task *t, struct exec_params *p)
{
    struct loader l = {.t = t, .p = p};
    struct aspace *as;
    uint64_t sp = 0;

    int err = read_image(t, p->file, &l.img);
    if (!err)
        err = open_interp(&l);
    timeline_mark(PHASE_EXEC_OPENED);
    if (!err)
        err = platform->aspace_new(&as, &l.thr);
    timeline_mark(PHASE_EXEC_ASPACE);
    if (err)
        goto out;
    l.mm = mm_new(as);
    if (!l.mm) {
        platform->thread_free(l.thr);
        platform->aspace_put(as);
        err = -ENOMEM;
        goto out;
    }
    choose_layout(&l);
    l.mm->vdso = VDSO_IMAGE;
    if (t->mm)
        l.mm->core_filter = t->mm->core_filter;
    if (t->mm)
        l.mm->traits = mm_traits_inherited(t->mm);
    err = map_stack(&l);
    if (!err)
        err = map_program(&l);
    if (!err)
        err = mm_batch_flush(&l.batch, l.thr);
    if (!err)
        err = zero_tails(&l, &l.img, l.bias);
    if (!err && l.interp_file)
        err = zero_tails(&l, &l.interp, l.interp_bias);
    if (!err)
        err = build_stack(&l, &sp);
    if (!err && p->commit)
        err = p->commit(t);
    if (err) {
        platform->thread_free(l.thr);
        mm_put(l.mm);
    } else {
        switch_to(&l, sp);
    }
out:
    if (l.interp_file)
        file_put(l.interp_file);
    return err;
}
