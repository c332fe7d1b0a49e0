/* The notes of a core file, in Linux's order: fs/binfmt_elf.c, fill_note_info(). */
#include <cpuid.h>
#include <elf.h>
#include <string.h>
#include <sys/procfs.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/core/core_internal.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/vfs.h"

#ifndef NT_SIGINFO
#define NT_SIGINFO 0x53494749
#define NT_FILE 0x46494c45
#endif
#ifndef NT_X86_XSAVE_LAYOUT
#define NT_X86_XSAVE_LAYOUT 0x205
#endif
#define FX_SIZE 512
#define FILES_MAX (4U << 20) /* kernel.core_file_note_size_limit */

static void pad(struct strbuf *out)
{
    static const char zeros[4];

    strbuf_add(out, zeros, -out->len & 3);
}

static void put_note(struct strbuf *out, const char *name, uint32_t type, const void *data,
                     size_t len)
{
    const Elf64_Nhdr h = {(uint32_t)strlen(name) + 1, (uint32_t)len, type};

    strbuf_add(out, &h, sizeof(h));
    strbuf_add(out, name, strlen(name) + 1);
    pad(out);
    strbuf_add(out, data, len);
    pad(out);
}

_Static_assert(sizeof(elf_gregset_t) == sizeof(struct user_regs_struct), "the same registers");

static void put_status(const struct core_dump *c, const struct core_thread *ct, struct strbuf *out)
{
    const struct task *t = ct->task;
    const struct thread_group *tg = t->tg;
    bool first = t == c->dumper;
    struct elf_prstatus s = {
        .pr_info = {.si_signo = first ? c->info.si_signo : 0},
        .pr_cursig = (short)c->info.si_signo,
        .pr_sigpend = t->sig.pending.set,
        .pr_sighold = t->sig.blocked,
        .pr_pid = t->tid,
        .pr_ppid = tg->parent ? tg->parent->tgid : 0,
        .pr_pgrp = tg->pgrp ? tg->pgrp->id : 0,
        .pr_sid = tg->session ? tg->session->id : 0,
        .pr_fpvalid = ct->xstate != NULL,
    };

    memcpy(s.pr_reg, &ct->regs, sizeof(s.pr_reg));
    put_note(out, "CORE", NT_PRSTATUS, &s, sizeof(s));
}

/* psargs: the command line with blanks. */
static void put_process(const struct core_dump *c, struct strbuf *out)
{
    const struct task *t = c->dumper;
    const struct thread_group *tg = t->tg;
    struct elf_prpsinfo p = {
        .pr_sname = 'R',
        .pr_nice = (char)tg->nice,
        .pr_uid = t->cred->uid,
        .pr_gid = t->cred->gid,
        .pr_pid = tg->tgid,
        .pr_ppid = tg->parent ? tg->parent->tgid : 0,
        .pr_pgrp = tg->pgrp ? tg->pgrp->id : 0,
        .pr_sid = tg->session ? tg->session->id : 0,
    };
    uint64_t len = t->mm->arg_end - t->mm->arg_start;
    size_t want = MIN(len, sizeof(p.pr_psargs) - 1);

    memcpy(p.pr_fname, t->comm, sizeof(p.pr_fname));
    ssize_t n = want ? mm_read(t->mm, p.pr_psargs, t->mm->arg_start, want) : 0;
    for (ssize_t i = 0; i < n; i++)
        if (!p.pr_psargs[i])
            p.pr_psargs[i] = ' ';
    put_note(out, "CORE", NT_PRPSINFO, &p, sizeof(p));
}

/* How many, the page size, a triple for each, then their names. */
static void put_files(const struct core_dump *c, struct strbuf *out)
{
    cleanup_strbuf struct strbuf b = STRBUF_INIT, names = STRBUF_INIT;
    uint64_t head[2] = {0, NV_PAGE_SIZE};

    strbuf_add(&b, head, sizeof(head));
    for (uint32_t i = 0; i < c->nareas; i++) {
        const struct core_area *a = &c->areas[i];
        const uint64_t row[3] = {a->start, a->end, a->pgoff / NV_PAGE_SIZE};
        cleanup_free char *name = a->file ? file_map_name(c->dumper, a->file) : NULL;
        if (!name)
            continue;
        strbuf_add(&b, row, sizeof(row));
        strbuf_add(&names, name, strlen(name) + 1);
        head[0]++;
        if (names.len > FILES_MAX)
            return;
    }
    if (b.failed || names.failed || !head[0])
        return;
    memcpy(b.data, head, sizeof(head));
    strbuf_add(&b, names.data, names.len);
    put_note(out, "CORE", NT_FILE, b.data, b.len);
}

/* Where the parts of NT_X86_XSTATE lie, which differs between processors. */
static void put_layout(struct strbuf *out)
{
    uint64_t features = platform->xfeatures();
    uint32_t parts[64][4], n = 0, d;

    for (uint32_t i = 2; i < 64; i++) {
        if (!(features >> i & 1))
            continue;
        uint32_t *p = parts[n++];
        p[0] = i;
        __cpuid_count(0xd, i, p[1], p[2], p[3], d); /* size, offset, flags */
    }
    put_note(out, "LINUX", NT_X86_XSAVE_LAYOUT, parts, n * sizeof(parts[0]));
}

void core_notes(const struct core_dump *c, struct strbuf *out)
{
    const struct mm *mm = c->dumper->mm;
    const struct core_thread *ct;

    list_for_each(ct, &c->threads, node) {
        put_status(c, ct, out);
        if (ct->task == c->dumper) {
            put_process(c, out);
            put_note(out, "CORE", NT_SIGINFO, &c->info, sizeof(c->info));
            put_note(out, "CORE", NT_AUXV, mm->auxv, (size_t)mm->auxv_len * 8);
            put_files(c, out);
        }
        if (!ct->xstate)
            continue;
        put_note(out, "CORE", NT_FPREGSET, ct->xstate, FX_SIZE);
        put_note(out, "LINUX", NT_X86_XSTATE, ct->xstate, platform->fpstate_size());
    }
    put_layout(out);
}
