/* See checkpoint.h. */
#include "runsc-cli/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "ckpt/cpu.h"
#include "platform/platform.h"
#include "runsc-cli/cli.h"
#include "sentry/kernel/loop.h"

#define COMMAND_MAX 32 /* arguments shown in the manifest */

/* --- asking the sentry --- */
struct wait_saved {
    bool (*message)(struct session *s, struct session_message *msg); /* the session's own */
    void *arg;
    struct image_writer *image; /* NULL: nothing is saved */
    bool answered;
    int result;
};

static void answer_file(struct session *s, struct wait_saved *w, int number)
{
    int fd = w->image && number >= 0 && number < CKPT_MEMORIES_MAX
                 ? image_writer_add(w->image, IMAGE_MEMORY + number)
                 : -EINVAL;

    session_send(s, CTL_FILE, fd < 0 ? fd : 0, NULL, 0, &fd, fd >= 0);
}

static bool until_saved(struct session *s, struct session_message *msg)
{
    struct wait_saved *w = s->arg;

    if (msg->m.type == CTL_SAVED) {
        w->answered = true;
        w->result = msg->m.value;
        return true;
    }
    if (msg->m.type == CTL_WANT_FILE) {
        answer_file(s, w, msg->m.value);
        return false;
    }
    if (!w->message)
        return false;
    s->arg = w->arg;
    w->message(s, msg);
    s->arg = w;
    return false;
}

/* The sentry's answer. */
static int ask_for(struct session *s, int type, int value, const int *fds, int nfds,
                   struct image_writer *image, struct error *e)
{
    struct wait_saved w = {.message = s->message, .arg = s->arg, .image = image};

    int err = session_send(s, type, value, NULL, 0, fds, nfds);
    if (err && err != -EPIPE && err != -ECONNRESET) /* then it has ended: its last words are here */
        return error_set(e, err, "asking the sandbox for a checkpoint");
    s->message = until_saved;
    s->arg = &w;
    session_run(s);
    s->message = w.message;
    s->arg = w.arg;
    if (!w.answered || w.result == -ESRCH)
        return error_set(e, w.answered ? -ESRCH : -EPIPE, "the sandbox ended while it was saved");
    return w.result;
}

static int report_open(void)
{
    return memfd_create("report", MFD_CLOEXEC);
}

static int report_read(int fd, struct strbuf *b)
{
    char buf[4096];
    ssize_t n;

    for (off_t at = 0; (n = pread(fd, buf, sizeof(buf), at)) > 0; at += n)
        strbuf_add(b, buf, (size_t)n);
    return n < 0 ? -errno : b->failed ? -ENOMEM : 0;
}

/* --- the manifest --- */
static int set(char **field, const char *value)
{
    if (*field || !value)
        return 0;
    *field = strdup(value);
    return *field ? 0 : -ENOMEM;
}

/* A relative one is of no use to who restores from elsewhere. */
static int set_rootfs(struct manifest *m, const char *path)
{
    cleanup_free char *full = path ? realpath(path, NULL) : NULL;

    return set(&m->rootfs, full ? full : path);
}

static int set_environment(struct manifest *m, char *const *envp)
{
    int err = 0;

    for (; !err && envp && *envp; envp++) {
        cleanup_free char *name = strndup(*envp, strcspn(*envp, "="));
        err = name ? manifest_list_add(&m->environment, name) : -ENOMEM;
    }
    return err;
}

static int describe_cpu(struct manifest *m, const struct sandbox_spec *s,
                        const struct checkpoint *c, struct error *e)
{
    struct cpu_features host, f = s->cpu;

    cpu_host(&host);
    if (!s->cpu_limited)
        f = host;
    uint64_t used = c->xstate & host.xsave;
    if (used & ~f.xsave)
        fprintf(stderr,
                "nv: a program uses vector registers beyond --cpu %s: the image needs "
                "them where it is restored\n",
                s->cpu_level);
    f.xsave |= used;
    m->cpu_enforced = s->cpu_hidden;
    return cpu_describe(m, s->cpu_level, &f, e);
}

static int manifest_fill(struct manifest *m, const struct spawn *sp, const struct checkpoint *c,
                         struct error *e)
{
    const struct sandbox_spec *spec = &sp->spec;
    struct utsname u;

    if (uname(&u))
        return -errno;
    int err = set(&m->nv_version, NV_VERSION);
    if (!err)
        err = set(&m->nv_build, nv_build_id());
    if (!err)
        err = set(&m->platform, platform->name);
    if (!err)
        err = set(&m->kernel_release, u.release);
    if (!err)
        err = set(&m->cwd, spec->cwd);
    if (!err)
        err = set(&m->hostname, spec->hostname);
    if (!err)
        err = set_rootfs(m, sp->rootfs);
    if (!err)
        err = describe_cpu(m, spec, c, e);
    if (!err && !m->environment.n)
        err = set_environment(m, spec->envp);
    for (int i = 0; !err && !m->command.n && spec->argv && spec->argv[i] && i < COMMAND_MAX; i++)
        err = manifest_list_add(&m->command, spec->argv[i]);
    for (int i = 0; !err && i < spec->nmounts; i++)
        err = manifest_add_mount(m, spec->mounts[i].src, spec->mounts[i].dst,
                                 spec->mounts[i].readonly, spec->mounts[i].image != 0);
    m->root_image = spec->root_image != 0;
    m->uid = spec->uid;
    m->gid = spec->gid;
    m->ngroups = (unsigned int)spec->ngroups;
    for (int i = 0; i < spec->ngroups; i++)
        m->groups[i] = spec->groups[i];
    m->memory = sp->cgroup.dir ? spec->memory_bytes : 0;
    m->cpus = (uint64_t)spec->ncpus;
    return err;
}

/* --- saving --- */
static void read_times(const char *report, struct checkpoint *c)
{
    json_t *j = json_loads(report, 0, NULL);

    c->freeze_ms = (double)json_integer_value(json_object_get(j, "freeze_us")) / 1000;
    c->xstate = (uint64_t)json_integer_value(json_object_get(j, "xstate"));
    c->save_ms = (double)json_integer_value(json_object_get(j, "save_us")) / 1000;
    json_decref(j);
}

static int save(struct session *s, struct checkpoint *c, struct image_writer *w, struct error *e)
{
    cleanup_strbuf struct strbuf report = STRBUF_INIT;
    cleanup_close int report_fd = report_open();
    const int fds[] = {report_fd, image_writer_fd(w, IMAGE_KERNEL),
                       image_writer_fd(w, IMAGE_PAGES)};

    if (report_fd < 0)
        return error_set(e, -errno, "saving %s", c->name);
    int how = (c->leave_running ? CTL_LEAVE_RUNNING : 0) | (c->settle ? CTL_SETTLE : 0);
    int err = ask_for(s, CTL_CHECKPOINT, how, fds, 3, w, e);
    if (!e->what && (report_read(report_fd, &report) || !report.data))
        strbuf_puts(&report, "");
    if (err && !e->what) {
        error_set(e, err, "the sandbox cannot be saved to %s", c->name);
        if (report.data && *report.data)
            error_hint(e, "in the way:\n%s", report.data);
    } else if (!err) {
        read_times(report.data, c);
    }
    return err;
}

int checkpoint_take(struct session *s, struct checkpoint *c, struct error *e)
{
    struct manifest own = {0}, *m = c->manifest ? c->manifest : &own;
    struct image_writer *w = image_create(c->name, e);
    uint64_t begin;

    if (!w)
        return e->code ? e->code : -EIO;
    int err = save(s, c, w, e);
    if (!err) {
        begin = now_ns();
        err = manifest_fill(m, &s->sp, c, e);
        if (err && !e->what)
            error_set(e, err, "describing the image %s", c->name);
    }
    if (err) {
        image_abort(w);
    } else {
        err = image_commit(w, m, e);
        c->commit_ms = (double)(now_ns() - begin) / 1e6;
    }
    manifest_free(&own);
    return err;
}

int checkpoint_check(struct session *s, struct strbuf *report, struct error *e)
{
    cleanup_close int report_fd = report_open();

    if (report_fd < 0)
        return error_set(e, -errno, "looking what could not be saved");
    int err = ask_for(s, CTL_CHECKPOINT, CTL_LEAVE_RUNNING, &report_fd, 1, NULL, e);
    if (e->what || !err)
        return err;
    if (err != -EBUSY || report_read(report_fd, report))
        return error_set(e, err, "looking what could not be saved");
    return err;
}

int checkpoint_wset(struct session *s, void **data, size_t *len, struct error *e)
{
    cleanup_strbuf struct strbuf b = STRBUF_INIT;
    cleanup_close int fd = memfd_create("wset", MFD_CLOEXEC);

    if (fd < 0)
        return error_set(e, -errno, "recording the working set");
    int err = ask_for(s, CTL_RECORD_WSET, 0, &fd, 1, NULL, e);
    if (!err)
        err = report_read(fd, &b);
    if (err)
        return e->what ? err : error_set(e, err, "recording the working set");
    *data = b.data;
    *len = b.len;
    b.data = NULL;
    return 0;
}
