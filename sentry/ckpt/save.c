/* Taking a checkpoint: on a fiber of its own, while every task is frozen. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "sentry/ckpt/ckpt.h"
#include "sentry/ckpt/pages.h"
#include "sentry/ckpt/state.h"
#include "sentry/ckpt/types.h"
#include "sentry/ctl.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/freeze.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uts.h"
#include "sentry/sandbox.h"
#include "sentry/time/clock.h"
#include "sentry/vfs/vfs.h"

static struct checkpoint_request request;
static bool under_way;
static uint64_t xstate_used;

void checkpoint_uses_xstate(uint64_t features)
{
    xstate_used |= features;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return w < 0 ? -errno : -EIO;
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

static int save_objects(struct ckpt_writer *w)
{
    const struct uts_ns *uts = uts_root();
    struct sandbox_state s = {
        .guest_mono_ns = ckpt_now(w) + (uint64_t)time_offset(),
        .last_tid = task_last_id(),
        .init = init_tg,
        .mnt = root_mount_ns,
        .channel = channel_state(),
        .totals = sandbox_totals,
        .nodename_kept = strcmp(uts->nodename, sandbox->hostname) != 0,
    };
    const void *data;

    memcpy(s.nodename, uts->nodename, sizeof(s.nodename));
    memcpy(s.domainname, uts->domainname, sizeof(s.domainname));
    ckpt_save_root(w, &ckpt_sandbox, &s);
    int64_t len = ckpt_writer_finish(w, &data);
    if (len < 0)
        return (int)len;
    return request.kernel_fd < 0 ? 0 : write_all(request.kernel_fd, data, (size_t)len);
}

static void report_refusals(const struct ckpt_writer *w)
{
    const char *line;

    for (unsigned int i = 0; (line = ckpt_refusal(w, i)); i++)
        dprintf(request.report_fd, "%s\n", line);
}

/* Files of memory come one after the other, each from the CLI when it is begun. */
struct sink {
    struct ckpt_pages pages, memory;
    unsigned int file; /* that memory is; CKPT_PAGES: none yet */
};

static int finish_memory(struct sink *s)
{
    int err = s->file ? ckpt_pages_finish(&s->memory) : 0;

    if (s->file)
        close(s->memory.fd);
    s->file = CKPT_PAGES;
    return err;
}

static int next_memory(struct sink *s, unsigned int file)
{
    int err = finish_memory(s);

    if (err)
        return err;
    int fd = ctl_ask(CTL_WANT_FILE, (int)(file - CKPT_MEMORY), -1, CTL_FILE);
    if (fd < 0)
        return fd;
    s->memory = (struct ckpt_pages){.fd = fd};
    s->file = file;
    return 0;
}

static int64_t sink_pages(void *arg, unsigned int file, const void *data, size_t npages)
{
    struct sink *s = arg;
    int err = file == CKPT_PAGES || file == s->file ? 0 : next_memory(s, file);

    if (err)
        return err;
    return ckpt_pages_sink(file == CKPT_PAGES ? &s->pages : &s->memory, file, data, npages);
}

static int save(void)
{
    struct sink sink = {.pages = {.fd = request.pages_fd}};
    bool dry = request.pages_fd < 0;

    struct ckpt_writer *w = ckpt_writer_new(now_ns(), dry ? NULL : sink_pages, dry ? NULL : &sink);
    if (!w)
        return -ENOMEM;
    cpu_times_sample();
    int err = save_objects(w);
    int pages_err = dry ? 0 : ckpt_pages_finish(&sink.pages);
    int memory_err = finish_memory(&sink);
    err = err ? err : pages_err ? pages_err : memory_err;
    if (err)
        report_refusals(w);
    ckpt_writer_free(w);
    return err;
}

static void close_all(const struct checkpoint_request *r)
{
    const int fds[] = {r->kernel_fd, r->pages_fd, r->report_fd};

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void checkpoint_main(void *arg)
{
    struct task *culprit = NULL;

    if (request.settle)
        sandbox_settle(now_ns() + SETTLE_TIME_NS);
    uint64_t begin = now_ns();
    xstate_used = 0;
    int err = sandbox_freeze(begin + FREEZE_TIME_NS, &culprit);
    uint64_t frozen = now_ns();
    if (culprit)
        dprintf(request.report_fd, "pid %d tid %d (%s): it does not stop\n", culprit->tg->tgid,
                culprit->tid, culprit->comm);
    if (!err && init_tg->zombie) { /* the message that says so is on its way */
        err = -ESRCH;
        sandbox_thaw();
    } else if (!err) {
        err = save();
        if (!err)
            dprintf(
                request.report_fd, "{\"freeze_us\": %llu, \"save_us\": %llu, \"xstate\": %llu}\n",
                (unsigned long long)(frozen - begin) / 1000,
                (unsigned long long)(now_ns() - frozen) / 1000, (unsigned long long)xstate_used);
        if (err || request.leave_running || request.kernel_fd < 0)
            sandbox_thaw();
    }
    close_all(&request);
    under_way = false;
    ctl_send(CTL_SAVED, err);
}

int checkpoint_start(const struct checkpoint_request *req)
{
    if (under_way)
        return -EBUSY;
    request = *req;
    under_way = true;
    if (fiber_start(checkpoint_main, NULL))
        return 0;
    under_way = false;
    return -ENOMEM;
}
