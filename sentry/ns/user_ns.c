/* User namespaces: maps of ids, and capabilities over what belongs to one: user_namespaces(7). */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/vfs.h"

#define CAP_SETGID 6
#define CAP_SETUID 7
#define CAP_SYS_ADMIN 21
#define CAP_SETFCAP 31

int user_ns_new(const struct cred *c, bool chrooted, struct user_ns **out)
{
    const struct user_ns *parent = c->user_ns;
    unsigned int level = parent ? parent->level + 1 : 1;

    if (level > NS_LEVELS_MAX)
        return -ENOSPC;
    /* Who has no name in his own namespace cannot be the owner of another. */
    if (chrooted || from_kuid(parent, c->euid) == NO_KID || from_kgid(parent, c->egid) == NO_KID)
        return -EPERM;
    if (!ns_count_add())
        return -ENOSPC;
    struct user_ns *ns = calloc(1, sizeof(*ns));
    if (!ns) {
        ns_count_sub();
        return -ENOMEM;
    }
    ns->base.refs = 1;
    ns->base.id = ns_next_id();
    ns->base.owner = user_ns_get(c->user_ns);
    ns->level = level;
    ns->uid = c->euid;
    ns->gid = c->egid;
    ns->setgroups_denied = parent && parent->setgroups_denied;
    ns->parent_could_setfcap = c->cap_effective >> CAP_SETFCAP & 1;
    *out = ns;
    return 0;
}

struct user_ns *user_ns_get(struct user_ns *ns)
{
    if (ns)
        ns->base.refs++;
    return ns;
}

void user_ns_put(struct user_ns *ns)
{
    while (ns && --ns->base.refs == 0) {
        struct user_ns *parent = ns->base.owner;
        free(ns->uids.v);
        free(ns->gids.v);
        free(ns);
        ns_count_sub();
        ns = parent;
    }
}

/* --- ids --- */
static uint32_t map_down(const struct id_map *m, uint32_t id)
{
    for (unsigned int i = 0; i < m->n; i++)
        if (id - m->v[i].first < m->v[i].count)
            return id - m->v[i].first + m->v[i].lower;
    return NO_KID;
}

static uint32_t map_up(const struct id_map *m, uint32_t kid)
{
    for (unsigned int i = 0; i < m->n; i++)
        if (kid - m->v[i].lower < m->v[i].count)
            return kid - m->v[i].lower + m->v[i].first;
    return NO_KID;
}

/* Maps lead straight to the first namespace: id_map_write(). */
uint32_t make_kuid(const struct user_ns *ns, uint32_t id)
{
    return ns ? map_down(&ns->uids, id) : id;
}

uint32_t make_kgid(const struct user_ns *ns, uint32_t id)
{
    return ns ? map_down(&ns->gids, id) : id;
}

uint32_t from_kuid(const struct user_ns *ns, uint32_t kid)
{
    return ns ? map_up(&ns->uids, kid) : kid;
}

uint32_t from_kgid(const struct user_ns *ns, uint32_t kid)
{
    return ns ? map_up(&ns->gids, kid) : kid;
}

bool user_ns_is_in(const struct user_ns *ns, const struct user_ns *over)
{
    while (ns && ns != over)
        ns = ns->base.owner;
    return ns == over;
}

bool user_ns_is_of_root(const struct user_ns *ns, uint32_t kuid)
{
    for (; ns; ns = ns->base.owner)
        if (from_kuid(ns, kuid) == 0)
            return true;
    return kuid == 0;
}

bool user_ns_maps(const struct user_ns *ns, const struct cred *c)
{
    return !ns || (from_kuid(ns, c->fsuid) != NO_KID && from_kgid(ns, c->fsgid) != NO_KID);
}

uint32_t kuid_seen(const struct task *t, uint32_t kid)
{
    if (!t || !t->cred || !t->cred->user_ns)
        return kid;
    uint32_t id = from_kuid(t->cred->user_ns, kid);
    return id == NO_KID ? OVERFLOW_ID : id;
}

uint32_t kgid_seen(const struct task *t, uint32_t kid)
{
    if (!t || !t->cred || !t->cred->user_ns)
        return kid;
    uint32_t id = from_kgid(t->cred->user_ns, kid);
    return id == NO_KID ? OVERFLOW_ID : id;
}

/* --- capabilities: cap_capable() of security/commoncap.c --- */
bool ns_capable(const struct cred *c, const struct user_ns *ns, int cap)
{
    unsigned int own = c->user_ns ? c->user_ns->level : 0;

    for (;;) {
        if (ns == c->user_ns)
            return c->cap_effective >> cap & 1;
        if (!ns || ns->level <= own)
            return false;
        /* Whoever made it has all capabilities over it. */
        if (ns->base.owner == c->user_ns && ns->uid == c->euid)
            return true;
        ns = ns->base.owner;
    }
}

bool inode_capable(const struct cred *c, const struct inode *i, int cap)
{
    if (!(c->cap_effective >> cap & 1))
        return false;
    return !c->user_ns ||
           (from_kuid(c->user_ns, i->uid) != NO_KID && from_kgid(c->user_ns, i->gid) != NO_KID);
}

/* --- /proc/PID/uid_map and gid_map --- */
void id_map_print(const struct user_ns *ns, bool gids, const struct user_ns *viewer,
                  struct strbuf *out)
{
    static const struct id_extent all = {0, 0, UINT32_MAX};
    const struct id_map whole = {1, (struct id_extent *)(uintptr_t)&all};
    const struct id_map *m = !ns ? &whole : gids ? &ns->gids : &ns->uids;
    const struct user_ns *lower = ns && viewer == ns ? ns->base.owner : viewer;

    for (unsigned int i = 0; i < m->n; i++) {
        uint32_t to = gids ? from_kgid(lower, m->v[i].lower) : from_kuid(lower, m->v[i].lower);
        strbuf_printf(out, "%10u %10u %10u\n", m->v[i].first, to, m->v[i].count);
    }
}

static bool overlaps(uint32_t a, uint32_t na, uint32_t b, uint32_t nb)
{
    return (uint64_t)a < (uint64_t)b + nb && (uint64_t)b < (uint64_t)a + na;
}

bool id_map_add(struct id_map *m, const struct id_extent *e)
{
    if (!e->count || e->first == NO_KID || e->lower == NO_KID || e->first + e->count <= e->first ||
        e->lower + e->count <= e->lower)
        return false;
    for (unsigned int i = 0; i < m->n; i++)
        if (overlaps(e->first, e->count, m->v[i].first, m->v[i].count) ||
            overlaps(e->lower, e->count, m->v[i].lower, m->v[i].count))
            return false;
    m->v[m->n++] = *e;
    return true;
}

static bool parse_u32(const char **p, uint32_t *v)
{
    uint64_t n = 0;

    while (**p == ' ' || **p == '\t')
        ++*p;
    if (!isdigit((unsigned char)**p))
        return false;
    for (; isdigit((unsigned char)**p) && n <= UINT32_MAX; ++*p)
        n = n * 10 + (uint64_t)(**p - '0');
    *v = (uint32_t)n;
    return n <= UINT32_MAX && (isspace((unsigned char)**p) || !**p);
}

static int parse_map(const char *p, struct id_map *m)
{
    while (*p) {
        struct id_extent e;
        if (m->n == ID_EXTENTS_MAX)
            return -EINVAL;
        if (!parse_u32(&p, &e.first) || !parse_u32(&p, &e.lower) || !parse_u32(&p, &e.count))
            return -EINVAL;
        while (*p == ' ' || *p == '\t')
            p++;
        if ((*p && *p != '\n') || !id_map_add(m, &e))
            return -EINVAL;
        p += *p == '\n';
    }
    return 0;
}

/* new_idmap_permitted() of kernel/user_namespace.c. */
static bool map_permitted(const struct cred *writer, const struct cred *opener,
                          const struct user_ns *ns, bool gids, const struct id_map *m)
{
    int cap = gids ? CAP_SETGID : CAP_SETUID;
    bool root = false;

    for (unsigned int i = 0; i < m->n; i++)
        root |= !gids && m->v[i].lower == 0;
    if (root) {
        if (writer->user_ns == ns ? !ns->parent_could_setfcap
                                  : !ns_capable(opener, ns->base.owner, CAP_SETFCAP))
            return false;
    }
    if (m->n == 1 && m->v[0].count == 1 && ns->uid == writer->euid) {
        uint32_t kid = gids ? make_kgid(ns->base.owner, m->v[0].lower)
                            : make_kuid(ns->base.owner, m->v[0].lower);
        if (!gids && kid == writer->euid)
            return true;
        if (gids && ns->setgroups_denied && kid == writer->egid)
            return true;
    }
    return ns_capable(writer, ns->base.owner, cap) && ns_capable(opener, ns->base.owner, cap);
}

int id_map_write(struct task *writer, const struct cred *opener, struct task *target, bool gids,
                 const char *text, size_t len)
{
    struct user_ns *ns = target->cred->user_ns;
    struct id_extent v[ID_EXTENTS_MAX];
    struct id_map m = {0, v}, *to;

    if (!ns)
        return -EPERM;
    to = gids ? &ns->gids : &ns->uids;
    if (writer->cred->user_ns != ns && writer->cred->user_ns != ns->base.owner)
        return -EPERM;
    if (to->n || !ns_capable(writer->cred, ns, CAP_SYS_ADMIN))
        return -EPERM;
    if (len >= 4095)
        return -EINVAL;
    int err = parse_map(text, &m);
    if (err)
        return err;
    if (!m.n)
        return -EINVAL;
    if (!map_permitted(writer->cred, opener ? opener : writer->cred, ns, gids, &m))
        return -EPERM;
    for (unsigned int i = 0; i < m.n; i++) { /* down to the first namespace */
        uint32_t lower =
            gids ? make_kgid(ns->base.owner, v[i].lower) : make_kuid(ns->base.owner, v[i].lower);
        uint32_t last = gids ? make_kgid(ns->base.owner, v[i].lower + v[i].count - 1)
                             : make_kuid(ns->base.owner, v[i].lower + v[i].count - 1);
        if (lower == NO_KID || last == NO_KID || last - lower != v[i].count - 1)
            return -EPERM;
        v[i].lower = lower;
    }
    to->v = malloc(m.n * sizeof(v[0]));
    if (!to->v)
        return -ENOMEM;
    memcpy(to->v, v, m.n * sizeof(v[0]));
    to->n = m.n;
    return 0;
}

int setgroups_write(struct task *writer, struct task *target, const char *text, size_t len)
{
    struct user_ns *ns = target->cred->user_ns;
    bool allow;

    if (!ns_capable(writer->cred, ns, CAP_SYS_ADMIN))
        return -EACCES;
    if (len >= 8)
        return -EINVAL;
    if (!strncmp(text, "allow", 5))
        allow = true;
    else if (!strncmp(text, "deny", 4))
        allow = false;
    else
        return -EINVAL;
    text += allow ? 5 : 4;
    while (isspace((unsigned char)*text))
        text++;
    if (*text)
        return -EINVAL;
    if (allow)
        return ns && ns->setgroups_denied ? -EPERM : 0;
    if (!ns || ns->gids.n)
        return -EPERM;
    ns->setgroups_denied = true;
    return 0;
}

bool may_setgroups(const struct cred *c)
{
    return !c->user_ns || (c->user_ns->gids.n && !c->user_ns->setgroups_denied);
}
