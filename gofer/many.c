/* OPEN_MANY: what a restored sandbox asks first, all its files at once. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gofer/serve.h"

/* One of them: a call of its own, whose result becomes an entry of the reply. */
static void find_one(struct call *c, const struct gofer_want *want, const char *path,
                     struct gofer_found *found)
{
    static struct call one;
    static struct gofer_request req;
    static union {
        struct gofer_reply rep;
        char bytes[sizeof(struct gofer_reply) + GOFER_PATH_MAX];
    } rep;

    one.cfg = c->cfg;
    one.exp = c->exp;
    one.req = &req;
    one.rep = &rep.rep;
    one.fd = -1;
    req.arg[0] = want->mode == GOFER_LOOK_ONLY ? 0 : want->mode;
    memset(&rep.rep, 0, sizeof(rep.rep));
    found->result = gofer_take_path(one.path, path, want->len, false);
    if (!found->result)
        found->result = want->mode == GOFER_LOOK_ONLY ? gofer_lookup(&one) : gofer_open(&one);
    found->attr = rep.rep.attr;
    found->has_fd = !found->result && one.fd >= 0;
    if (found->has_fd)
        c->fds[c->nfds++] = one.fd;
    else if (one.fd >= 0)
        close(one.fd);
}

int gofer_open_many(struct call *c)
{
    const char *at = c->req->data, *end = at + c->req->len1;

    for (int n = 0; at < end; n++) {
        struct gofer_want want;
        struct gofer_found found;
        if (n == GOFER_MANY_MAX || (size_t)(end - at) < sizeof(want))
            return -EPROTO;
        memcpy(&want, at, sizeof(want));
        at += sizeof(want);
        if (want.len > end - at)
            return -EPROTO;
        memset(&found, 0, sizeof(found));
        find_one(c, &want, at, &found);
        at += want.len;
        memcpy(c->rep->data + c->rep->len, &found, sizeof(found));
        c->rep->len += (uint32_t)sizeof(found);
    }
    return 0;
}
_Static_assert(GOFER_MANY_MAX * sizeof(struct gofer_found) <= GOFER_DATA_MAX, "a reply has room");
