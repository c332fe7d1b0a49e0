/*
 * A group that ends by a signal with a core file. The thread that takes the signal writes it, on
 * its own fiber; the others leave what they are doing, as they would to exit, note their registers
 * and wait for the end: zap_threads() and coredump_wait() of Linux.
 */
#include "sentry/core/core_internal.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/sandbox.h"

#define STOP_NS NSEC_PER_SEC /* for other threads to stop; guest code may have broken its stub */
#define CORE_SIGNALS                                                                               \
    (ksig_bit(SIGQUIT) | ksig_bit(SIGILL) | ksig_bit(SIGTRAP) | ksig_bit(SIGABRT) |                \
     ksig_bit(SIGBUS) | ksig_bit(SIGFPE) | ksig_bit(SIGSEGV) | ksig_bit(SIGXCPU) |                 \
     ksig_bit(SIGXFSZ) | ksig_bit(SIGSYS))

bool core_is_due(int sig)
{
    return ksig_bit(sig) & CORE_SIGNALS;
}

static int note_thread(struct core_dump *c, struct task *t)
{
    struct core_thread *ct = calloc(1, sizeof(*ct));
    size_t size = platform->fpstate_size();

    if (!ct)
        return -ENOMEM;
    trace_show_regs(t);
    ct->task = task_get(t);
    ct->regs = *task_regs(t);
    ct->xstate = aligned_alloc(64, ROUND_UP(size, 64));
    if (ct->xstate && trace_vectors(t, ct->xstate, size)) {
        free(ct->xstate);
        ct->xstate = NULL;
    }
    list_add_tail(&c->threads, &ct->node);
    c->nthreads++;
    return 0;
}

void core_join(struct task *t)
{
    struct core_dump *c = t->tg->core;

    if (note_thread(c, t))
        log_debug("task %d is missing in a core file: no memory", t->tid);
    if (t->tg->core) /* noting it may have parked */
        fiber_wake(c->dumper->fiber);
    while (!t->tg->exiting)
        fiber_park();
}

void core_interrupt(struct thread_group *tg)
{
    tg->core->interrupted = true;
    fiber_wake(tg->core->dumper->fiber);
}

static bool gives_up(const struct core_dump *c)
{
    return c->interrupted || c->dumper->tg->exiting;
}

struct stop_timer {
    struct ktimer timer;
    struct core_dump *c;
};

static void stop_overdue(struct ktimer *k)
{
    struct core_dump *c = container_of(k, struct stop_timer, timer)->c;

    c->overdue = true;
    fiber_wake(c->dumper->fiber);
}

static int wait_for_others(struct core_dump *c)
{
    struct thread_group *tg = c->dumper->tg;
    struct stop_timer st = {.c = c};
    struct task *o;

    trace_kill_group(tg); /* nobody stays in a stop */
    list_for_each(o, &tg->tasks, tg_node) {
        if (o != c->dumper)
            task_kick(o);
    }
    waitq_wake_all(&tg->sig.stop_wq);
    ktimer_init(&st.timer, stop_overdue);
    ktimer_arm(&st.timer, now_ns() + STOP_NS);
    while (c->nthreads < (unsigned int)tg->ntasks && !gives_up(c) && !c->overdue)
        fiber_park();
    ktimer_cancel(&st.timer);
    return gives_up(c) ? -EINTR : 0;
}

/* --- the file --- */
static void put_program_headers(const struct core_dump *c, uint64_t notes_at, size_t notes_len,
                                uint64_t data_at, struct strbuf *out)
{
    Elf64_Phdr ph = {.p_type = PT_NOTE, .p_offset = notes_at, .p_filesz = notes_len, .p_align = 4};

    strbuf_add(out, &ph, sizeof(ph));
    for (uint32_t i = 0; i < c->nareas; i++) {
        const struct core_area *a = &c->areas[i];
        ph = (Elf64_Phdr){.p_type = PT_LOAD,
                          .p_flags = a->flags,
                          .p_offset = data_at,
                          .p_vaddr = a->start,
                          .p_filesz = a->filesz,
                          .p_memsz = a->end - a->start,
                          .p_align = NV_PAGE_SIZE};
        data_at += a->filesz;
        strbuf_add(out, &ph, sizeof(ph));
    }
}

/* More headers than e_phnum can tell are counted in a section header, at the end: elf(5). */
static uint64_t data_size(const struct core_dump *c)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < c->nareas; i++)
        size += c->areas[i].filesz;
    return size;
}

static void put_head(const struct core_dump *c, const struct strbuf *notes, struct strbuf *out)
{
    uint64_t nph = c->nareas + 1UL;
    uint64_t notes_at = sizeof(Elf64_Ehdr) + nph * sizeof(Elf64_Phdr);
    uint64_t data_at = PAGE_UP(notes_at + notes->len);
    uint64_t phnum = MIN(nph, (uint64_t)PN_XNUM);
    Elf64_Ehdr eh = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(eh),
        .e_ehsize = sizeof(eh),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (Elf64_Half)phnum};

    if (nph >= PN_XNUM) {
        eh.e_shoff = data_at + data_size(c);
        eh.e_shentsize = sizeof(Elf64_Shdr);
        eh.e_shnum = 1;
    }
    strbuf_add(out, &eh, sizeof(eh));
    put_program_headers(c, notes_at, notes->len, data_at, out);
    strbuf_add(out, notes->data, notes->len);
}

static int write_tail(struct core_dump *c)
{
    const Elf64_Shdr sh = {.sh_size = 1, .sh_link = SHN_UNDEF, .sh_info = c->nareas + 1};

    return c->nareas + 1UL < PN_XNUM ? 0 : core_put(c, &sh, sizeof(sh));
}

static int write_head(struct core_dump *c)
{
    if (gives_up(c))
        return -EINTR;
    cleanup_strbuf struct strbuf notes = STRBUF_INIT, head = STRBUF_INIT;

    core_notes(c, &notes);
    put_head(c, &notes, &head);
    if (notes.failed || head.failed)
        return -ENOMEM;
    int err = core_put(c, head.data, head.len);
    return err ? err : core_skip(c, PAGE_UP(c->pos) - c->pos);
}

static int write_core(struct core_dump *c)
{
    int err = core_stream_open(c);

    if (!err)
        err = core_areas(c);
    if (!err)
        err = write_head(c);
    for (uint32_t i = 0; !err && i < c->nareas; i++)
        err = gives_up(c) ? -EINTR : core_area_write(c, &c->areas[i]);
    if (!err)
        err = write_tail(c);
    /* A limit that is reached leaves what was written so far, as Linux does. */
    if (err == -EFBIG && c->truncated)
        err = 0;
    return err ? err : core_stream_end(c);
}

static void free_dump(struct core_dump *c)
{
    while (!list_empty(&c->threads)) {
        struct core_thread *ct = list_first(&c->threads, struct core_thread, node);
        list_del(&ct->node);
        free(ct->xstate);
        task_put(ct->task);
        free(ct);
    }
    core_areas_free(c);
    core_stream_close(c);
    free(c);
}

static bool may_dump(const struct task *t)
{
    const struct thread_group *tg = t->tg;

    return sandbox->core && tg->dumpable && !tg->core && !tg->exiting && !t->killed && t->mm &&
           t->thr && rlimit_cur(t, RLIMIT_CORE) >= NV_PAGE_SIZE;
}

bool core_dump(struct task *t, const siginfo_t *info)
{
    struct thread_group *tg = t->tg;

    if (!may_dump(t))
        return false;
    struct core_dump *c = calloc(1, sizeof(*c));
    if (!c)
        return false;
    c->dumper = t;
    c->info = *info;
    c->sock = c->pagemap = -1;
    c->limit = rlimit_cur(t, RLIMIT_CORE);
    list_init(&c->threads);
    tg->core = c;
    tg->core_dumper = t;
    int err = note_thread(c, t);
    if (!err)
        err = wait_for_others(c);
    if (!err)
        err = mm_lock(t->mm, t);
    if (!err) {
        err = write_core(c);
        mm_unlock(t->mm);
    }
    if (err)
        log_debug("no core file of task %d: %s", t->tid, strerror(-err));
    /* From here to the end of the group nothing parks. */
    tg_exit(tg, info->si_signo | (err ? 0 : WCOREFLAG));
    tg->core = NULL;
    free_dump(c);
    return !err;
}
