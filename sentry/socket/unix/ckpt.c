/*
 * Checkpoints of unix sockets: queues with their borders, senders and files in flight. References
 * are counted as they are resolved; lists of clients, charges and counts of files in flight are
 * made again in link().
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/ckpt/types.h"
#include "sentry/socket/unix/unix.h"
#include "sentry/vfs/ckpt.h"

#define STREAM_MAX (1U << 30)
#define QUEUE_MAX (1U << 16)
#define BACKLOG_MAX 4096
#define SNDBUF_LEAST 1024
enum { MARK_URGENT = 1, MARK_GONE = 2, MARK_OOB = 4 };

_Static_assert(offsetof(struct unix_sock, s) == 0, "references to sockets are used as either");

static const struct ckpt_field fields[] = {
    CKPT_UINT_MAX(struct unix_sock, state, UNIX_CONNECTED),
    CKPT_UINT_MAX(struct unix_sock, shut, SHUT_BOTH),
    CKPT_BOOL(struct unix_sock, dead),
    CKPT_REF(struct unix_sock, peer, &ckpt_socket),
    CKPT_BYTES(struct unix_sock, addr),
    /* A path that fills sun_path has a NUL behind it: unix_mkname_bsd(). */
    CKPT_UINT_MAX(struct unix_sock, addrlen, sizeof(struct sockaddr_un) + 1),
    CKPT_REF(struct unix_sock, inode, &ckpt_inode),
    CKPT_UINT_MAX(struct unix_sock, head, INT64_MAX),
    CKPT_BYTES(struct unix_sock, head_cred),
    CKPT_BYTES(struct unix_sock, tail_cred),
    CKPT_BYTES(struct unix_sock, peer_cred),
    CKPT_SINCE(2, CKPT_KIND_REF, struct unix_sock, peer_groups, .type = &ckpt_cred),
    CKPT_UINT_MAX(struct unix_sock, backlog, BACKLOG_MAX),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct unix_sock, net),
    CKPT_SINCE(5, CKPT_KIND_REF, struct unix_sock, peer_tg, .type = &ckpt_thread_group),
};

/* --- saving --- */
static void save_marks(struct ckpt_writer *w, const struct unix_sock *u)
{
    const struct unix_mark *k;
    uint32_t n = 0;

    list_for_each(k, &u->marks, node)
        n++;
    ckpt_put_u32(w, n);
    list_for_each(k, &u->marks, node) {
        ckpt_put_u64(w, k->start);
        ckpt_put_u64(w, k->end);
        ckpt_put_bytes(w, &k->cred, sizeof(k->cred));
        scm_files_save(w, k->files);
        ckpt_put_u8(w, (uint8_t)((k->urgent ? MARK_URGENT : 0) | (k->gone ? MARK_GONE : 0) |
                                 (k == u->oob ? MARK_OOB : 0)));
    }
}

static void save_packets(struct ckpt_writer *w, const struct unix_sock *u)
{
    const struct unix_packet *p;

    ckpt_put_u32(w, (uint32_t)u->npackets);
    list_for_each(p, &u->packets, node) {
        ckpt_put_u32(w, (uint32_t)p->len);
        ckpt_put_ref(w, &ckpt_socket, p->from);
        ckpt_put_bytes(w, &p->scm.cred, sizeof(p->scm.cred));
        scm_files_save(w, p->scm.files);
        ckpt_put_bytes(w, p->data, p->len);
        ckpt_put_u64(w, p->scm.stamp_ns);
        ckpt_put_u8(w, p->peeked);
    }
}

static void unix_save(struct ckpt_writer *w, struct socket *s)
{
    struct unix_sock *u = unix_of(s), *c;

    ckpt_put_fields(w, fields, ARRAY_SIZE(fields), u);
    ckpt_put_path(w, &u->path);
    ckpt_put_u8(w, !list_empty(&u->name_node));
    ckpt_put_u8(w, !list_empty(&u->accept_node));
    ckpt_put_u8(w, u->inode && u->inode->sock == (struct sock *)u);
    ring_save(w, &u->ring);
    save_marks(w, u);
    save_packets(w, u);
    ckpt_put_u32(w, (uint32_t)u->npending);
    list_for_each(c, &u->accept_queue, accept_node)
        ckpt_put_ref(w, &ckpt_socket, c);
}

/* --- reading --- */
/* What save() said beyond the fields, until link(). */
struct restored_unix {
    struct unix_sock u;
    bool has_name, is_pending, has_inode;
    uint32_t npending;
    struct unix_sock **pending;
};

static struct restored_unix *restored_of(struct socket *s)
{
    return container_of(unix_of(s), struct restored_unix, u);
}

static struct socket *unix_make(struct ckpt_reader *r)
{
    struct restored_unix *ru = calloc(1, sizeof(*ru));

    if (!ru)
        return NULL;
    unix_sock_init(&ru->u, SOCK_STREAM);
    ru->u.refs = 0;
    return &ru->u.s;
}

/* Marks lie in the ring, one behind the other. */
static void load_mark(struct ckpt_reader *r, struct unix_sock *u, uint64_t *floor,
                      unsigned int version)
{
    struct unix_mark *k = calloc(1, sizeof(*k));
    uint64_t end = u->head + u->ring.used;

    if (!k) {
        ckpt_bad(r, "out of memory");
        return;
    }
    k->start = ckpt_get_u64(r);
    k->end = ckpt_get_u64(r);
    ckpt_get_bytes(r, &k->cred, sizeof(k->cred));
    k->files = scm_files_load(r);
    uint8_t kind = version > 1 ? ckpt_get_u8(r) : 0;
    k->urgent = kind & MARK_URGENT;
    k->gone = kind & MARK_GONE;
    if (kind > 7 || (kind && !k->urgent) || (k->gone && (kind & MARK_OOB)) ||
        ((kind & MARK_OOB) && u->oob) || (k->urgent && !k->gone && k->end != k->start + 1))
        ckpt_bad(r, "an urgent byte that cannot be");
    if (k->start < *floor || k->start >= end || k->end <= k->start || k->end > end)
        ckpt_bad(r, "a mark that is not in its data");
    *floor = k->urgent ? k->end : k->start + 1;
    if (kind & MARK_OOB)
        u->oob = k;
    if (k->gone && !ckpt_failed(r))
        u->gone += k->end - k->start;
    list_add_tail(&u->marks, &k->node);
}

static void load_packet(struct ckpt_reader *r, struct unix_sock *u, unsigned int version)
{
    uint32_t len = ckpt_get_count(r, STREAM_MAX, 1);
    struct unix_packet *p = ckpt_failed(r) ? NULL : unix_packet_new(len);

    if (!p) {
        ckpt_bad(r, "out of memory");
        return;
    }
    ckpt_get_ref(r, &ckpt_socket, &p->from);
    ckpt_get_bytes(r, &p->scm.cred, sizeof(p->scm.cred));
    p->scm.has_cred = true;
    p->scm.files = scm_files_load(r);
    ckpt_get_bytes(r, p->data, len);
    if (version > 1) {
        p->scm.stamp_ns = ckpt_get_u64(r);
        p->peeked = ckpt_get_u8(r);
    }
    list_add_tail(&u->packets, &p->node);
    u->npackets++;
}

static void load_queues(struct ckpt_reader *r, struct restored_unix *ru, unsigned int version)
{
    struct unix_sock *u = &ru->u;
    uint64_t floor = u->head;

    ring_load(r, &u->ring, STREAM_MAX);
    uint32_t n = ckpt_get_count(r, STREAM_MAX, 16);
    while (n-- && !ckpt_failed(r))
        load_mark(r, u, &floor, version);
    n = ckpt_get_count(r, QUEUE_MAX, 12);
    while (n-- && !ckpt_failed(r))
        load_packet(r, u, version);
    ru->npending = ckpt_get_count(r, BACKLOG_MAX + 1, sizeof(uint32_t));
    if (!ru->npending)
        return;
    ru->pending = calloc(ru->npending, sizeof(*ru->pending));
    if (!ru->pending) {
        ckpt_bad(r, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < ru->npending; i++)
        ckpt_get_ref(r, &ckpt_socket, &ru->pending[i]);
}

static bool name_ok(const struct restored_unix *ru)
{
    const struct unix_sock *u = &ru->u;
    bool named = u->addrlen > UNIX_NAMELESS;

    if (u->addr.sun_family != AF_UNIX || u->addrlen < UNIX_NAMELESS)
        return false;
    if (ru->has_name)
        return named && !u->addr.sun_path[0] && u->addrlen <= sizeof(u->addr);
    return u->addrlen <= sizeof(u->addr) || u->addr.sun_path[0];
}

static void unix_load(struct ckpt_reader *r, struct socket *s, unsigned int version)
{
    struct restored_unix *ru = restored_of(s);
    struct unix_sock *u = &ru->u;

    s->family = AF_UNIX;
    ckpt_get_fields(r, fields, ARRAY_SIZE(fields), u, version);
    ckpt_get_path(r, &u->path);
    ru->has_name = ckpt_get_u8(r);
    ru->is_pending = ckpt_get_u8(r);
    ru->has_inode = ckpt_get_u8(r);
    s->no_file = ru->is_pending || u->dead;
    load_queues(r, ru, version);
    bool stream = s->type == SOCK_STREAM;
    if (!stream && s->type != SOCK_DGRAM && s->type != SOCK_SEQPACKET)
        ckpt_bad(r, "of type %d", s->type);
    else if (s->sndbuf < SNDBUF_LEAST || !name_ok(ru))
        ckpt_bad(r, "its name or the size of its buffer is not valid");
    else if (stream ? u->npackets : u->ring.used || !list_empty(&u->marks))
        ckpt_bad(r, "the queue of another type");
    else if (u->state == UNIX_LISTEN ? !unix_connects(u) || u->dead || ru->is_pending
                                     : ru->npending > 0)
        ckpt_bad(r, "nobody can be waiting for it to accept");
    else if (u->dead && u->state != UNIX_CLOSED)
        ckpt_bad(r, "closed and connected");
}

static bool is_unix(const struct unix_sock *u, int type)
{
    return u->s.ops == &unix_ops && u->s.type == type;
}

static void link_peer(struct ckpt_reader *r, struct unix_sock *u)
{
    struct unix_sock *p = u->peer;

    if (!p ? u->state == UNIX_CONNECTED
           : !is_unix(p, u->s.type) || (unix_connects(u) && u->state != UNIX_CONNECTED) || u->dead)
        ckpt_bad(r, "its peer is not valid");
    else if (p && !unix_connects(u))
        list_add_tail(&p->clients, &u->client_node);
}

static void link_pending(struct ckpt_reader *r, struct restored_unix *ru)
{
    struct unix_sock *u = &ru->u;

    for (uint32_t i = 0; i < ru->npending && !ckpt_failed(r); i++) {
        struct unix_sock *c = ru->pending[i];
        if (!c || !is_unix(c, u->s.type) || !restored_of(&c->s)->is_pending ||
            !list_empty(&c->accept_node) || c->s.file) {
            ckpt_bad(r, "a connection that cannot be waiting");
            return;
        }
        list_add_tail(&u->accept_queue, &c->accept_node);
        u->npending++;
    }
    free(ru->pending);
    ru->pending = NULL;
}

static void link_queues(struct ckpt_reader *r, struct unix_sock *u)
{
    struct unix_packet *p;
    struct unix_mark *k;

    list_for_each(k, &u->marks, node) {
        if (!scm_files_valid(k->files)) {
            ckpt_bad(r, "files in flight that are not there");
            return;
        }
        if (k->files)
            unix_inflight_add(k->files);
    }
    list_for_each(p, &u->packets, node) {
        if (!p->from || !is_unix(p->from, u->s.type) || !scm_files_valid(p->scm.files)) {
            ckpt_bad(r, "a packet of nobody, or with files that are not there");
            return;
        }
        p->from->wmem += p->charge;
        if (p->scm.files)
            unix_inflight_add(p->scm.files);
    }
}

static void link_name(struct ckpt_reader *r, struct restored_unix *ru)
{
    struct unix_sock *u = &ru->u;

    if (u->path.dentry && !ckpt_path_ok(r, &u->path))
        return;
    if (!u->inode != !u->path.dentry || (u->inode && !S_ISSOCK(u->inode->mode)) ||
        (ru->has_inode && (!u->inode || u->inode->sock)) ||
        (ru->has_name && unix_name_restored(u))) {
        ckpt_bad(r, "its name is not valid, or another's");
        return;
    }
    if (ru->has_inode)
        u->inode->sock = (struct sock *)u;
}

static void unix_link(struct ckpt_reader *r, struct socket *s)
{
    struct restored_unix *ru = restored_of(s);

    if (!ru->u.refs) {
        ckpt_bad(r, "nobody's");
        return;
    }
    link_peer(r, &ru->u);
    link_pending(r, ru);
    link_name(r, ru);
    link_queues(r, &ru->u);
}

static void unix_hold(struct socket *s)
{
    unix_get(unix_of(s));
}

const struct socket_ckpt unix_ckpt = {
    .make = unix_make,
    .save = unix_save,
    .load = unix_load,
    .link = unix_link,
    .hold = unix_hold,
};
