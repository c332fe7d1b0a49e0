/* Ancillary data: cmsg(3), SCM_RIGHTS and SCM_CREDENTIALS of unix(7). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/uring/uring.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/task.h"
#include "sentry/socket/socket_internal.h"

#define CONTROL_MAX 131072 /* net.core.optmem_max */
#define CAP_SETGID 6
#define CAP_SETUID 7
#define CAP_SYS_ADMIN 21
#define HEADER sizeof(struct cmsghdr)

/*
 * A file dropped here may be a socket whose queue holds files, and so on: the guest chooses how
 * deep. What is dropped meanwhile waits for the outermost call.
 */
void scm_files_release(struct scm_files *files)
{
    static struct scm_files *waiting;
    static bool busy;

    if (!files)
        return;
    files->next = waiting;
    waiting = files;
    if (busy)
        return;
    busy = true;
    while (waiting) {
        files = waiting;
        waiting = files->next;
        for (int i = 0; i < files->n; i++)
            file_put(files->file[i]);
        free(files);
    }
    busy = false;
}

void scm_release(struct scm *scm)
{
    scm_files_release(scm->files);
    scm->files = NULL;
    tg_put(scm->sender);
    scm->sender = NULL;
}

struct scm_files *scm_files_dup(const struct scm_files *files)
{
    struct scm_files *d = malloc(sizeof(*d) + (size_t)files->n * sizeof(d->file[0]));

    if (!d)
        return NULL;
    d->n = files->n;
    for (int i = 0; i < d->n; i++)
        d->file[i] = file_get(files->file[i]);
    return d;
}

/* --- from the guest --- */
static int add_fds(struct task *t, struct scm *scm, const char *data, size_t len)
{
    size_t had = scm->files ? (size_t)scm->files->n : 0, n = len / sizeof(int);

    if (!n)
        return 0;
    if (n > SCM_FDS_MAX || had + n > SCM_FDS_MAX)
        return -EINVAL;
    struct scm_files *files =
        realloc(scm->files, sizeof(*files) + (had + n) * sizeof(files->file[0]));
    if (!files)
        return -ENOMEM;
    scm->files = files;
    files->n = (int)had;
    for (size_t i = 0; i < n; i++) {
        int fd;
        memcpy(&fd, data + i * sizeof(int), sizeof(fd));
        struct file *f = fd_get_path_ok(t, fd);
        if (!f)
            return -EBADF;
        if (is_uring(f)) { /* it may hold the socket: scm_fp_copy() */
            file_put(f);
            return -EINVAL;
        }
        files->file[files->n++] = f;
    }
    return 0;
}

static bool may_claim(const struct cred *c, const struct ucred *u, pid_t self)
{
    bool pid = u->pid == self || cred_capable_own(c, CAP_SYS_ADMIN);
    bool uid = u->uid == c->uid || u->uid == c->euid || u->uid == c->suid ||
               cred_capable_own(c, CAP_SETUID);
    bool gid = u->gid == c->gid || u->gid == c->egid || u->gid == c->sgid ||
               cred_capable_own(c, CAP_SETGID);

    return pid && uid && gid;
}

static int add_cred(struct task *t, struct scm *scm, const char *data, size_t len)
{
    struct ucred u;

    if (len != sizeof(u))
        return -EINVAL;
    memcpy(&u, data, sizeof(u));
    u.pid = pid_id(t->pid_ns, u.pid);
    u.uid = make_kuid(t->cred->user_ns, u.uid);
    u.gid = make_kgid(t->cred->user_ns, u.gid);
    if (t->cred->user_ns && (u.uid == NO_KID || u.gid == NO_KID))
        return -EINVAL;
    if (!may_claim(t->cred, &u, t->tg->tgid))
        return -EPERM;
    if (u.pid != t->tg->tgid && !task_find(u.pid))
        return -ESRCH;
    scm->cred = u;
    scm->has_cred = true;
    return 0;
}

static int parse(struct task *t, struct socket *s, struct scm *scm, const char *buf, size_t len)
{
    size_t off = 0;

    while (off < len && len - off >= HEADER) {
        struct cmsghdr h;
        memcpy(&h, buf + off, HEADER);
        if (h.cmsg_len < HEADER || h.cmsg_len > len - off)
            return -EINVAL;
        const char *data = buf + off + HEADER;
        int err = -EINVAL;
        if (h.cmsg_level != SOL_SOCKET)
            err = 0;
        else if (h.cmsg_type == SCM_RIGHTS && s->ops->passes_files)
            err = add_fds(t, scm, data, h.cmsg_len - HEADER);
        else if (h.cmsg_type == SCM_CREDENTIALS)
            err = add_cred(t, scm, data, h.cmsg_len - HEADER);
        if (err)
            return err;
        off += CMSG_ALIGN(h.cmsg_len);
    }
    return 0;
}

int control_in(struct task *t, struct socket *s, struct scm *scm, uint64_t addr, size_t len)
{
    if (len > CONTROL_MAX)
        return -ENOBUFS;
    if (!addr || !len)
        return 0;
    cleanup_free char *buf = malloc(len);
    if (!buf)
        return -ENOBUFS;
    if (copy_in(t, buf, addr, len))
        return -EFAULT;
    return parse(t, s, scm, buf, len);
}

/* --- to the guest --- */
/* Space for control messages: where the next one goes and how much is left. */
struct control {
    uint64_t at;
    size_t left;
};

static int put_cmsg(struct task *t, struct control *c, int type, const void *data, size_t len)
{
    struct cmsghdr h = {.cmsg_len = CMSG_LEN(len), .cmsg_level = SOL_SOCKET, .cmsg_type = type};
    int flags = 0;

    if (c->left < HEADER)
        return MSG_CTRUNC;
    if (h.cmsg_len > c->left) {
        h.cmsg_len = c->left;
        flags = MSG_CTRUNC;
    }
    if (copy_out(t, c->at, &h, HEADER) || copy_out(t, c->at + HEADER, data, h.cmsg_len - HEADER))
        return MSG_CTRUNC;
    size_t used = MIN(CMSG_SPACE(len), c->left);
    c->at += used;
    c->left -= used;
    return flags;
}

/* SO_TIMESTAMP and its relatives: the time in the form that was asked for. */
static int put_stamp(struct task *t, struct control *c, struct socket *s, uint64_t ns)
{
    int type = socket_flag(s, SO_TIMESTAMP_OLD)     ? SO_TIMESTAMP_OLD
               : socket_flag(s, SO_TIMESTAMP_NEW)   ? SO_TIMESTAMP_NEW
               : socket_flag(s, SO_TIMESTAMPNS_OLD) ? SO_TIMESTAMPNS_OLD
                                                    : SO_TIMESTAMPNS_NEW;
    bool micro = type == SO_TIMESTAMP_OLD || type == SO_TIMESTAMP_NEW;

    if (!ns)
        ns = wall_now_ns();
    int64_t v[2] = {(int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC)};
    if (micro)
        v[1] /= NSEC_PER_USEC;
    return put_cmsg(t, c, type, v, sizeof(v));
}

/* SO_PASSPIDFD: of the sender, or the errno in its place when it is gone. */
static int put_pidfd(struct task *t, struct control *c, const struct scm *scm)
{
    pid_t pid = scm->cred.pid;
    struct thread_group *tg = scm->sender ? scm->sender : tg_find(pid);

    if (c->left <= HEADER)
        return MSG_CTRUNC;
    if (!pid)
        return 0;
    int fd = tg ? pidfd_install(t, tg, 0) : -ESRCH;
    return put_cmsg(t, c, SCM_PIDFD, &fd, sizeof(fd));
}

static int put_files(struct task *t, struct control *c, const struct scm_files *files, bool cloexec)
{
    size_t room = c->left > HEADER ? (c->left - HEADER) / sizeof(int) : 0;
    int fds[SCM_FDS_MAX], n = 0, flags = 0;

    for (; n < files->n && (size_t)n < room; n++) {
        fds[n] = fd_install(t, files->file[n], cloexec, 0);
        if (fds[n] < 0)
            break;
    }
    if (n)
        flags = put_cmsg(t, c, SCM_RIGHTS, fds, (size_t)n * sizeof(int));
    return n < files->n ? MSG_CTRUNC : flags;
}

void control_out(struct task *t, struct socket *s, struct msghdr *h, struct msg *m)
{
    struct control c = {(uint64_t)h->msg_control, h->msg_control ? h->msg_controllen : 0};

    bool message = m->scm.has_cred || s->family != AF_UNIX; /* not the end of a stream */
    if (message && socket_wants_times(s) && s->type != SOCK_STREAM)
        m->out_flags |= put_stamp(t, &c, s, m->scm.stamp_ns);
    if (message && socket_flag(s, SO_PASSCRED)) {
        struct ucred seen = ucred_seen(t, &m->scm.cred);
        if (seen.uid == NO_KID) /* nobody in particular */
            seen.uid = seen.gid = OVERFLOW_ID;
        m->out_flags |= put_cmsg(t, &c, SCM_CREDENTIALS, &seen, sizeof(seen));
    }
    if (m->scm.files)
        m->out_flags |= put_files(t, &c, m->scm.files, m->flags & MSG_CMSG_CLOEXEC);
    if (message && socket_flag(s, SO_PASSPIDFD))
        m->out_flags |= put_pidfd(t, &c, &m->scm);
    if (socket_flag(s, SO_INQ))
        m->out_flags |= put_cmsg(t, &c, SO_INQ, &m->inq, sizeof(m->inq));
    h->msg_controllen = h->msg_control ? c.at - (uint64_t)h->msg_control : 0;
}
