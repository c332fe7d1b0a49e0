/* A tracee's memory: words, and what a debugger writes where the program may not. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/macros.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/trace/trace_internal.h"

/* Of a task in a stop, or of the caller itself. *owner is to be released. */
static struct gthread *usable_thread(struct task *by, struct mm *mm, struct task **owner)
{
    struct thread_group *tg;
    struct task *t;

    *owner = NULL;
    if (by->mm == mm)
        return by->thr;
    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            if (t->mm != mm || !t->trace.stopped || t->trace.killed)
                continue;
            trace_use(t);
            *owner = t;
            if (!t->thr && !t->trace.making) { /* restored */
                t->trace.making = true;
                if (task_materialize(t))
                    log_debug("no host thread for task %d", t->tid);
                t->trace.making = false;
            }
            return t->thr;
        }
    }
    return NULL;
}

/* One page that the program may not write: FOLL_FORCE. A copy of its own, never of others. */
static ssize_t write_page(struct mm *mm, struct gthread *thr, uint64_t addr, const void *src,
                          size_t len)
{
    struct vma *v = vma_find(mm, addr);

    if (!v || v->start > addr || ((v->flags & VM_SHARED) && !(v->flags & VM_WRITE)))
        return -EFAULT;
    uint64_t page = PAGE_DOWN(addr);
    int prot = prot_to_host(v->flags);
    int64_t err =
        mm_host(thr, SYS_mprotect, page, NV_PAGE_SIZE, (uint64_t)prot | PROT_WRITE, 0, -1, 0);
    if (err)
        return -EFAULT;
    ssize_t n = mm_write(mm, addr, src, len);
    mm_host(thr, SYS_mprotect, page, NV_PAGE_SIZE, (uint64_t)prot, 0, -1, 0);
    return n;
}

ssize_t trace_write_mem(struct task *by, struct mm *mm, uint64_t addr, const void *src, size_t len)
{
    struct task *owner;
    ssize_t done = 0;

    if (!mm_access_ok(mm, addr, len, VM_WRITE)) {
        struct gthread *thr = usable_thread(by, mm, &owner);
        if (thr && mm_lock(mm, by) == 0) {
            while ((size_t)done < len) {
                uint64_t at = addr + (uint64_t)done;
                size_t n = MIN(len - (size_t)done, NV_PAGE_SIZE - PAGE_OFF(at));
                ssize_t r = write_page(mm, thr, at, (const char *)src + done, n);
                if (r <= 0)
                    break;
                done += r;
            }
            mm_unlock(mm);
        }
        if (owner)
            trace_unuse(owner);
        return done ? done : -EFAULT;
    }
    return mm_write(mm, addr, src, len);
}

long trace_peek(struct task *by, struct task *t, uint64_t addr, uint64_t to)
{
    uint64_t word;

    if (!t->mm || mm_peek(t->mm, &word, addr, sizeof(word)) != sizeof(word))
        return -EIO;
    return put_user(by, &word, to);
}

long trace_poke(struct task *by, struct task *t, uint64_t addr, uint64_t word)
{
    struct mm *mm = t->mm ? mm_get(t->mm) : NULL;

    if (!mm)
        return -EIO;
    ssize_t n = trace_write_mem(by, mm, addr, &word, sizeof(word));
    mm_put(mm);
    return n == sizeof(word) ? 0 : -EIO;
}
