/* Starting from an image: on the first fiber, before any task runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/timeline.h"
#include "sentry/ckpt/ckpt.h"
#include "sentry/ckpt/pages.h"
#include "sentry/ckpt/state.h"
#include "sentry/ckpt/types.h"
#include "sentry/ctl.h"
#include "sentry/fs/fs.h"
#include "sentry/ipc/epoll.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uts.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/wset.h"
#include "sentry/sandbox.h"
#include "sentry/time/clock.h"
#include "sentry/vfs/vfs.h"

#define KERNEL_SIZE_MAX (1UL << 30)

static void fail(const char *what, const char *why)
{
    dprintf(sandbox->stdio[2] >= 0 ? sandbox->stdio[2] : 2, "nv: %s: %s\n", what, why);
    ctl_send(CTL_EXIT, 125 << 8);
    _exit(125);
}

/* A copy: the file may be changed by others while it is read. */
static void *read_kernel(int fd, size_t *len)
{
    struct stat st;

    if (fstat(fd, &st) || st.st_size <= 0 || (size_t)st.st_size > KERNEL_SIZE_MAX)
        return NULL;
    char *data = malloc((size_t)st.st_size);
    if (data && pread(fd, data, (size_t)st.st_size, 0) != st.st_size) {
        free(data);
        return NULL;
    }
    *len = (size_t)st.st_size;
    return data;
}

/* Those that live in several tasks are restored with the first. */
static int restore_memory(void)
{
    struct thread_group *tg;
    struct task *t;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            int err = t->mm->as ? 0 : mm_restore(t->mm);
            if (err)
                return err;
        }
    }
    return 0;
}

/* Whoever wakes first finds all that wait in their queues. */
static int queue_waiters(void)
{
    struct thread_group *tg;
    struct task *t;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            int err = futex_wait_restore(t);
            if (err)
                return err;
        }
    }
    return 0;
}

static int start_tasks(void)
{
    struct thread_group *tg;
    struct task *t;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            int err = task_start(t);
            if (err)
                return err;
        }
    }
    return 0;
}

/* Advice: one that is not valid is as good as none. */
static void use_wset(void)
{
    struct wset ws = {0};

    if (!sandbox->restore->wset)
        return;
    if (wset_parse(sandbox->restore->wset, sandbox->restore->wset_len, &ws))
        log_warn("the image's working set is not valid");
    else
        wset_use(&ws);
}

/* --core of a restore: their limits are as of a start without it. */
static void raise_core_limits(void)
{
    struct thread_group *tg;

    list_for_each(tg, &all_thread_groups, all_node)
        tg->rlim[RLIMIT_CORE].rlim_cur = tg->rlim[RLIMIT_CORE].rlim_max;
}

static void restore_main(void *arg)
{
    cleanup_free void *data = NULL;
    struct uts_ns *uts = uts_root();
    size_t len = 0;

    ktimers_hold(true);
    data = read_kernel(sandbox->restore->kernel_fd, &len);
    if (!data)
        fail("cannot read the image's kernel part", strerror(errno ? errno : EINVAL));
    if (ckpt_pages_use(sandbox->restore->pages_fd))
        fail("cannot use the image's pages", strerror(EINVAL));
    for (unsigned int i = 0; i < sandbox->restore->nmemories; i++)
        if (ckpt_memory_use(sandbox->restore->memory_fds[i]))
            fail("cannot use the image's memory", strerror(EINVAL));
    struct ckpt_reader *r = ckpt_reader_new(data, len, now_ns());
    if (!r)
        fail("cannot restore", strerror(ENOMEM));
    cleanup_free struct sandbox_state *s = ckpt_load_root(r, &ckpt_sandbox);
    if (!s)
        fail("the image cannot be restored", ckpt_reader_error(r));
    timeline_mark(PHASE_IMAGE_OBJECTS);
    init_tg = s->init;
    task_set_last_id(s->last_tid);
    sandbox_totals = s->totals;
    if (sandbox->core)
        raise_core_limits();
    time_set_offset((int64_t)(s->guest_mono_ns - ckpt_reader_now(r)));
    if (s->nodename_kept)
        memcpy(uts->nodename, s->nodename, sizeof(uts->nodename));
    memcpy(uts->domainname, s->domainname, sizeof(uts->domainname));
    channel_restored(&s->channel);
    if (sandbox->restore->request)
        channel_request(sandbox->restore->request, sandbox->restore->request_len);
    ckpt_reader_free(r);
    int err = epoll_restored();
    if (err)
        fail("the image cannot be restored", "an epoll set is not valid");
    use_wset();
    const char *why = goferfs_resumed();
    if (why)
        fail("the image cannot be restored", why);
    err = restore_memory();
    if (err)
        fail("cannot restore the memory of the image", strerror(-err));
    err = queue_waiters();
    if (!err)
        err = start_tasks();
    if (err)
        fail("cannot start the tasks of the image", strerror(-err));
    ktimers_hold(false);
}

int restore_start(void)
{
    return fiber_start(restore_main, NULL) ? 0 : -ENOMEM;
}
