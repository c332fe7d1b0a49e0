/* The sentry process: puts the parts together and runs the loop. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/filter.h"
#include "base/leaks.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/timeline.h"
#include "platform/platform.h"
#include "sentry/ckpt/ckpt.h"
#include "sentry/ctl.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/boot.h"
#include "sentry/kernel/explain.h"
#include "sentry/kernel/stat.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/sandbox.h"
#include "sentry/socket/socket.h"
#include "sentry/strace/strace.h"
#include "sentry_filter.h"

const struct sandbox_spec *sandbox;

/* --- what the platform needs --- */
static void *host_current(void)
{
    return fiber_current();
}

static void host_wake(void *fiber)
{
    fiber_wake(fiber);
}

struct host_watch {
    struct loop_fd w;
    void (*cb)(void *arg);
    void *arg;
    struct host_watch *next;
};

static struct host_watch *watches; /* live as long as the sentry */

static void host_watch_event(struct loop_fd *w, uint32_t revents)
{
    struct host_watch *hw = container_of(w, struct host_watch, w);

    hw->cb(hw->arg);
}

static int host_watch(int fd, void (*cb)(void *arg), void *arg)
{
    struct host_watch *hw = calloc(1, sizeof(*hw));

    if (!hw)
        return -ENOMEM;
    *hw = (struct host_watch){.w = {.fd = fd, .events = EPOLLIN, .cb = host_watch_event},
                              .cb = cb,
                              .arg = arg,
                              .next = watches};
    watches = hw;
    return loop_fd_add(&hw->w);
}

static const struct platform_host host = {
    .park = fiber_park, .current = host_current, .wake = host_wake, .watch = host_watch};

static int start(struct error *e)
{
    static const unsigned int shown[] = {[PATCH_AUTO] = 4, [PATCH_EAGER] = 1, [PATCH_OFF] = 0};
    struct platform_config cfg = {.hide_cpuid = sandbox->cpu_hidden,
                                  .ncpus = sandbox->host_cpus,
                                  .host = &host,
                                  .traps_shown = shown[sandbox->patch]};

    int err = loop_init();
    if (!err)
        err = platform->init(&cfg, e);
    if (err)
        return err;
    timeline_mark(PHASE_SENTRY_PLATFORM);
    err = filter_install(sentry_filter, ARRAY_SIZE(sentry_filter), "sentry", e);
    timeline_mark(PHASE_SENTRY_FILTER);
    if (!err)
        err = goferfs_connect(sandbox->gofer_sock);
    if (!err && sandbox->strace_filter)
        err = strace_init(sandbox->strace_filter, sandbox->strace_fd);
    if (!err && sandbox->stat)
        err = stat_init();
    if (!err)
        err = memdev_init();
    if (!err)
        err = tty_init();
    if (!err)
        err = unix_init();
    if (!err)
        err = netlink_init();
    if (!err)
        err = ctl_init();
    if (!err && sandbox->memory_limited)
        ctl_send(CTL_SPARE, 0);
    if (!err)
        err = sandbox->restore ? restore_start() : init_start();
    timeline_mark(PHASE_SENTRY_KERNEL);
    return err;
}

int sentry_main(const struct sandbox_spec *spec)
{
    struct error e = ERROR_INIT;

    sandbox = spec;
    signal(SIGPIPE, SIG_IGN);
    int err = start(&e);
    if (err) {
        if (!e.what)
            error_set(&e, err, "starting the sentry");
        error_print(&e);
        error_free(&e);
        return 125 << 8;
    }
    loop_run();
    timeline_mark(PHASE_EXIT);
    platform->shutdown();
    if (sandbox->explain)
        explain_print(2);
    if (sandbox->stat)
        stat_print(sandbox->stat_fd, sandbox->stat == STAT_JSON);
    if (leaks_found())
        return 125 << 8;
    return init_tg->group_exit_code;
}
