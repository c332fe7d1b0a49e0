/* Recording the working set of a restored sandbox: what it has touched until now. */
#include <errno.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/ckpt/ckpt.h"
#include "sentry/ctl.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/freeze.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/wset.h"
#include "sentry/sandbox.h"

static int out_fd = -1;

/* Memory that several groups share is looked at once: with the first of them. */
static bool seen_before(const struct thread_group *last, const struct mm *mm)
{
    const struct thread_group *tg;

    list_for_each(tg, &all_thread_groups, all_node) {
        if (tg == last)
            break;
        if (tg->leader && tg->leader->mm == mm)
            return true;
    }
    return false;
}

static int record(struct wset *ws)
{
    struct thread_group *tg;
    int err = 0;

    list_for_each(tg, &all_thread_groups, all_node) {
        struct mm *mm = tg->leader ? tg->leader->mm : NULL;
        if (!err && mm && !seen_before(tg, mm))
            err = mm_wset_record(mm, ws);
    }
    return err;
}

static void wset_main(void *arg)
{
    struct task *culprit;
    struct wset ws = {0};

    int err = sandbox_freeze(now_ns() + FREEZE_TIME_NS, &culprit);
    if (!err) {
        err = record(&ws);
        sandbox_thaw();
    }
    if (!err)
        err = wset_write(&ws, out_fd);
    wset_free(&ws);
    close(out_fd);
    out_fd = -1;
    ctl_send(CTL_SAVED, err);
}

int wset_record_start(int fd)
{
    if (out_fd >= 0)
        return -EBUSY;
    out_fd = fd;
    if (fiber_start(wset_main, NULL))
        return 0;
    out_fd = -1;
    return -ENOMEM;
}
