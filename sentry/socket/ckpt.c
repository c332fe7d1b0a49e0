/* Checkpoints: what is the same for all sockets. */
#include <stdlib.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/socket/filter.h"
#include "sentry/socket/socket_internal.h"
#include "sentry/vfs/ckpt.h"

#define ERRNO_MAX 4095
#define BUF_MAX (1U << 30)

static const struct ckpt_field fields[] = {
    CKPT_UINT(struct socket, type),
    CKPT_UINT(struct socket, protocol),
    CKPT_UINT(struct socket, cookie),
    CKPT_UINT_MAX(struct socket, rcvtimeo_ns, INT64_MAX),
    CKPT_UINT_MAX(struct socket, sndtimeo_ns, INT64_MAX),
    CKPT_UINT_MAX(struct socket, sndbuf, BUF_MAX),
    CKPT_UINT_MAX(struct socket, rcvbuf, BUF_MAX),
    CKPT_UINT_MAX(struct socket, rcvlowat, INT32_MAX),
    CKPT_UINT_MAX(struct socket, error, ERRNO_MAX),
    CKPT_UINT(struct socket, flags),
    CKPT_BYTES(struct socket, linger),
    CKPT_UINT(struct socket, priority),
    CKPT_UINT(struct socket, mark),
    CKPT_UINT(struct socket, peek_off),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct socket, more_flags),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct socket, pacing),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct socket, timestamping),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct socket, txtime),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct socket, busy_poll),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct socket, incoming_cpu),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct socket, bound_if),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct socket, buf_lock),
};

static void socket_save(struct ckpt_writer *w, void *obj)
{
    struct socket *s = obj;
    char buf[CKPT_SUBJECT_MAX];

    ckpt_put_symbol(w, "socket_ops", s->ops->ckpt ? s->ops : NULL);
    ckpt_put_fields(w, fields, ARRAY_SIZE(fields), s);
    socket_filter_save(w, s);
    if (s->ops->ckpt)
        s->ops->ckpt->save(w, s);
    else
        ckpt_refuse(w, s->file ? ckpt_file_subject(s->file, buf) : "a socket",
                    "sockets of this family (%d) cannot be saved", s->family);
}

static void *socket_create(struct ckpt_reader *r)
{
    const struct socket_ops *ops = ckpt_get_symbol(r, "socket_ops");

    if (!ops || !ops->ckpt) {
        ckpt_bad(r, "a socket of no family");
        return NULL;
    }
    return ops->ckpt->make(r);
}

static void socket_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct socket *s = obj;

    ckpt_get_fields(r, fields, ARRAY_SIZE(fields), s, version);
    if (s->peek_off < -1)
        ckpt_bad(r, "a peek offset of %d", s->peek_off);
    if (version >= 4)
        socket_filter_load(r, s);
    socket_cookie_seen(s->cookie);
    if (!ckpt_failed(r))
        s->ops->ckpt->load(r, s, version);
}

static void socket_link(struct ckpt_reader *r, void *obj)
{
    struct socket *s = obj;

    s->ops->ckpt->link(r, s);
}

static void socket_hold(void *obj)
{
    struct socket *s = obj;

    s->ops->ckpt->hold(s);
}

const struct ckpt_type ckpt_socket = {
    .name = "socket",
    .id = CT_SOCKET,
    .version = 5, /* 2: urgent bytes, more options; 3: network namespaces; 4: filters; 5: peers */
    .save = socket_save,
    .create = socket_create,
    .load = socket_load,
    .link = socket_link,
    .hold = socket_hold,
};
CKPT_TYPE_REGISTER(ckpt_socket);

/* --- files in flight --- */
void scm_files_save(struct ckpt_writer *w, const struct scm_files *files)
{
    ckpt_put_u32(w, files ? (uint32_t)files->n : 0);
    for (int i = 0; files && i < files->n; i++)
        ckpt_put_ref(w, &ckpt_file, files->file[i]);
}

struct scm_files *scm_files_load(struct ckpt_reader *r)
{
    uint32_t n = ckpt_get_count(r, SCM_FDS_MAX, sizeof(uint32_t));

    if (!n)
        return NULL;
    struct scm_files *files = calloc(1, sizeof(*files) + n * sizeof(struct file *));
    if (!files) {
        ckpt_bad(r, "out of memory");
        return NULL;
    }
    files->n = (int)n;
    for (uint32_t i = 0; i < n; i++)
        ckpt_get_ref(r, &ckpt_file, &files->file[i]);
    return files;
}

bool scm_files_valid(const struct scm_files *files)
{
    for (int i = 0; files && i < files->n; i++)
        if (!files->file[i] || (files->file[i]->ops->is_socket && !files->file[i]->priv))
            return false;
    return true;
}
