/* The files of /proc/nv; see channel.h. */
#include "sentry/ckpt/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/ctl.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/file.h"

#define RESPONSE_MAX (64UL << 20)

static struct channel_state state;

/* --- request --- */
#define REQUESTS_MAX 1024

struct request {
    struct list node;
    size_t len, taken;
    char data[];
};
static struct list requests = LIST_INIT(requests);
static int nrequests;
static bool request_ended; /* its reader has not seen the end yet */
static bool barrier_told;  /* the CLI knows that we wait */
static struct waitq request_wq = {.waiters = LIST_INIT(request_wq.waiters)};

int channel_request(const void *data, size_t len)
{
    if (nrequests >= REQUESTS_MAX)
        return -EBUSY;
    struct request *r = malloc(sizeof(*r) + len);
    if (!r)
        return -ENOMEM;
    r->len = len;
    r->taken = 0;
    memcpy(r->data, data, len);
    list_add_tail(&requests, &r->node);
    nrequests++;
    waitq_wake_all(&request_wq);
    return 0;
}

static int request_wait(struct task *t, const struct file *f)
{
    while (list_empty(&requests)) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        if (!barrier_told)
            ctl_send(CTL_BARRIER, 0);
        barrier_told = true;
        int err = task_wait(t, &request_wq, NO_DEADLINE);
        if (err)
            return err;
    }
    return 0;
}

static ssize_t request_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    if (request_ended) {
        request_ended = false;
        return 0;
    }
    int err = request_wait(t, f);
    if (err)
        return err;
    struct request *r = list_first(&requests, struct request, node);
    ssize_t n = uio_write(u, r->data + r->taken, MIN(r->len - r->taken, u->resid));
    if (n < 0)
        return n;
    r->taken += (size_t)n;
    if (r->taken == r->len) {
        list_del(&r->node);
        nrequests--;
        free(r);
        barrier_told = false;
        request_ended = n > 0;
    }
    return n;
}

static uint32_t request_poll(struct file *f, struct poll_table *pt)
{
    poll_wait(pt, &request_wq);
    return !list_empty(&requests) || request_ended ? EPOLLIN | EPOLLRDNORM : 0;
}

/* --- response --- */
static int send_response(const char *data, size_t len)
{
    if (len <= CTL_PAYLOAD_MAX)
        return ctl_send_more(CTL_RESPONSE, (int)len, data, len, -1);
    cleanup_close int fd = memfd_create("response", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        return -ENOMEM;
    return ctl_send_more(CTL_RESPONSE, (int)len, NULL, 0, fd);
}

static ssize_t response_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    size_t len = u->resid;

    if (len > RESPONSE_MAX)
        return -EFBIG;
    cleanup_free char *data = malloc(len ? len : 1);
    if (!data)
        return -ENOMEM;
    ssize_t n = uio_read(u, data, len);
    if (n < 0)
        return n;
    int err = send_response(data, (size_t)n);
    return err ? err : n;
}

/* --- checkpoint --- */
struct asked { /* by the program, through one open file */
    bool pending;
    int error;
    uint64_t saves, generation; /* when it asked */
};

static struct waitq saved_wq = {.waiters = LIST_INIT(saved_wq.waiters)};
static int last_error;

void channel_saved(int err)
{
    if (!err)
        state.saves++;
    last_error = err;
    waitq_wake_all(&saved_wq);
}

static ssize_t checkpoint_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct asked *a = f->priv;

    if (!a->pending) {
        *a = (struct asked){.pending = true, .saves = state.saves, .generation = state.generation};
        last_error = 0;
        int err = ctl_send_more(CTL_WANT_CHECKPOINT, 0, NULL, 0, -1);
        if (err)
            return err;
    }
    while (a->saves == state.saves && !last_error) {
        int err = task_wait(t, &saved_wq, NO_DEADLINE);
        if (err)
            return err;
    }
    a->pending = false;
    if (a->saves == state.saves)
        return last_error;
    ssize_t n = (ssize_t)u->resid;
    u->resid = 0;
    return n;
}

static ssize_t checkpoint_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    const struct asked *a = f->priv;
    char text[64];
    int len;

    if (a->saves == state.saves)
        return 0;
    if (a->generation == state.generation)
        len = snprintf(text, sizeof(text), "saved\n");
    else
        len = snprintf(text, sizeof(text), "restored %llu\n", (unsigned long long)state.generation);
    if (*pos >= len)
        return 0;
    ssize_t n = uio_write(u, text + *pos, MIN((size_t)(len - *pos), u->resid));
    if (n > 0)
        *pos += n;
    return n;
}

/* --- generation --- */
struct seen { /* by the readers of one open file */
    uint64_t generation;
};

static struct waitq generation_wq = {.waiters = LIST_INIT(generation_wq.waiters)};

static ssize_t generation_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct seen *seen = f->priv;
    char text[32];
    int len = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)state.generation);

    seen->generation = state.generation;
    if (*pos >= len)
        return 0;
    ssize_t n = uio_write(u, text + *pos, MIN((size_t)(len - *pos), u->resid));
    if (n > 0)
        *pos += n;
    return n;
}

static uint32_t generation_poll(struct file *f, struct poll_table *pt)
{
    const struct seen *seen = f->priv;

    poll_wait(pt, &generation_wq);
    return EPOLLIN | EPOLLRDNORM | (seen->generation != state.generation ? EPOLLPRI | EPOLLERR : 0);
}

static void priv_release(struct file *f)
{
    free(f->priv);
}

/* --- checkpoints of the channel itself --- */
struct channel_state channel_state(void)
{
    return state;
}

void channel_restored(const struct channel_state *s)
{
    state = *s;
    state.generation++;
    state.saves++; /* the one it comes from */
}

static const struct ckpt_field asked_fields[] = {
    CKPT_BOOL(struct asked, pending),
    CKPT_UINT(struct asked, saves),
    CKPT_UINT(struct asked, generation),
};
static const struct ckpt_type ckpt_asked = {
    .name = "checkpoint_file",
    .id = CT_CHANNEL_CHECKPOINT,
    .version = 1,
    .size = sizeof(struct asked),
    CKPT_TABLE(asked_fields),
};
CKPT_TYPE_REGISTER(ckpt_asked);

static const struct ckpt_field seen_fields[] = {CKPT_UINT(struct seen, generation)};
static const struct ckpt_type ckpt_seen = {
    .name = "generation_file",
    .id = CT_CHANNEL_GENERATION,
    .version = 1,
    .size = sizeof(struct seen),
    CKPT_TABLE(seen_fields),
};
CKPT_TYPE_REGISTER(ckpt_seen);

static const struct file_ops request_ops = {
    .kind = "nv request", .read = request_read, .poll = request_poll, .no_seek = true};
static const struct file_ops response_ops = {
    .kind = "nv response", .write = response_write, .no_seek = true};
static const struct file_ops checkpoint_ops = {.kind = "nv checkpoint",
                                               .read = checkpoint_read,
                                               .write = checkpoint_write,
                                               .llseek = noop_llseek,
                                               .release = priv_release,
                                               .priv_type = &ckpt_asked};
static const struct file_ops generation_ops = {.kind = "nv generation",
                                               .read = generation_read,
                                               .poll = generation_poll,
                                               .llseek = noop_llseek,
                                               .release = priv_release,
                                               .priv_type = &ckpt_seen};
CKPT_SYMBOL("file_ops", "nv-request", request_ops);
CKPT_SYMBOL("file_ops", "nv-response", response_ops);
CKPT_SYMBOL("file_ops", "nv-checkpoint", checkpoint_ops);
CKPT_SYMBOL("file_ops", "nv-generation", generation_ops);

static int channel_open(struct inode *i, const struct path *p, int flags, struct file **out)
{
    static const struct {
        const char *name;
        const struct file_ops *ops;
        size_t priv_size;
    } files[] = {{"request", &request_ops, 0},
                 {"response", &response_ops, 0},
                 {"checkpoint", &checkpoint_ops, sizeof(struct asked)},
                 {"generation", &generation_ops, sizeof(struct seen)}};

    for (size_t k = 0; k < ARRAY_SIZE(files); k++) {
        if (strcmp(p->dentry->name, files[k].name))
            continue;
        *out = file_new(files[k].ops, i, p, flags);
        if (!*out)
            return file_new_error();
        if (files[k].priv_size) {
            (*out)->priv = calloc(1, files[k].priv_size);
            if (!(*out)->priv) {
                file_put(*out);
                return -ENOMEM;
            }
        }
        return 0;
    }
    return -ENOENT;
}

#define CHANNEL(n, m)                                                                              \
    {                                                                                              \
        .name = (n), .kind = PROC_SPECIAL, .mode = (m), .open = channel_open                       \
    }
const struct proc_entry channel_entries[] = {
    CHANNEL("checkpoint", 0600),
    CHANNEL("generation", 0444),
    CHANNEL("request", 0400),
    CHANNEL("response", 0200),
    {0},
};
