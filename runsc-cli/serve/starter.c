/* See starter.h. */
#include "runsc-cli/serve/starter.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fdmsg.h"
#include "runsc-cli/checkpoint.h"
#include "runsc-cli/ground.h"
#include "runsc-cli/spec.h"

enum { START, END };

struct order {
    uint32_t what, function;
    uint64_t id;
};

static int sock = -1; /* either side's */
static pid_t starter;

/* --- the starter's side --- */
struct kind { /* of sandboxes: those of one function */
    struct function *fn;
    struct session session; /* its spec, and nothing of a sandbox */
    struct ground_exports exports;
    uint64_t memory;
    int err; /* it cannot be started at all */
};

struct started {
    struct list node;
    uint64_t id;
    pid_t sentry, gofer; /* 0: gone */
    int net;
    bool keeps_net; /* nobody else gets it */
    struct cgroup cgroup;
};

static const struct serve_options *options;
static struct kind *kinds;
static unsigned int nkinds;
static bool has_ground;
static struct ground ground;
static struct list all = LIST_INIT(all);

static void tell(const struct starter_reply *r, int ctl)
{
    const struct iovec iov = {(void *)(uintptr_t)r, sizeof(*r)};

    if (fdmsg_send(sock, &iov, 1, &ctl, ctl >= 0, MSG_NOSIGNAL) < 0)
        _exit(0); /* nv serve is gone */
}

static int spawn(const struct kind *k, struct started *st, int *ctl, struct error *e)
{
    struct spawn sp = k->session.sp;

    if (k->memory && cgroup_new(&sp.cgroup, k->memory, e))
        return e->code ? e->code : -EIO;
    st->cgroup = sp.cgroup;
    int err = 0;
    if (has_ground) {
        sp.ground = &ground;
        sp.exports = &k->exports;
        err = st->net = ground_net_take(&ground, e);
    }
    if (err >= 0)
        err = spawn_sandbox(&sp, e);
    st->sentry = err ? 0 : sp.sentry;
    st->gofer = err ? 0 : sp.gofer;
    *ctl = err ? -1 : sp.ctl;
    return err;
}

static void forget(struct started *st)
{
    cgroup_remove(&st->cgroup);
    if (st->keeps_net && st->net >= 0)
        close(st->net);
    else
        ground_net_give(&ground, st->net);
    list_del(&st->node);
    free(st);
}

/* A guest might write to the host's settings of networks through a directory that it may write to.
 */
static bool writes_to_host(const struct sandbox_spec *spec)
{
    for (int i = 0; i < spec->nmounts; i++)
        if (!spec->mounts[i].readonly)
            return true;
    return !spec->root_overlay;
}

static void start_one(const struct order *o)
{
    cleanup_error struct error e = ERROR_INIT;
    struct starter_reply r = {.id = o->id, .err = -ENOMEM};
    struct kind *k = o->function < nkinds ? &kinds[o->function] : NULL;
    struct started *st = calloc(1, sizeof(*st));
    int ctl = -1;

    if (k && st) {
        *st = (struct started){.id = o->id, .net = -1};
        list_add_tail(&all, &st->node);
        st->keeps_net = writes_to_host(&k->session.sp.spec);
        spec_renew(&k->session.sp.spec);
        r.err = k->err                                ? k->err
                : k->session.sp.spec.hostname == NULL ? -ENOMEM
                                                      : spawn(k, st, &ctl, &e);
        r.sentry = st->sentry;
        r.gofer = st->gofer;
        if (r.err)
            forget(st);
    }
    if (e.what)
        error_print(&e);
    tell(&r, ctl);
    if (ctl >= 0)
        close(ctl);
}

static void kill_one(const struct started *st)
{
    if (st->sentry)
        kill(st->sentry, SIGKILL);
    if (st->gofer)
        kill(st->gofer, SIGKILL);
}

static void end_one(uint64_t id)
{
    const struct started *st;

    list_for_each(st, &all, node) {
        if (st->id == id) {
            kill_one(st);
            return;
        }
    }
}

static void gone(pid_t pid)
{
    struct started *st, *tmp;

    list_for_each_safe(st, tmp, &all, node) {
        if (st->sentry == pid)
            st->sentry = 0;
        else if (st->gofer == pid)
            st->gofer = 0;
        else
            continue;
        kill_one(st); /* neither is of use without the other */
        if (!st->sentry && !st->gofer)
            forget(st);
        return;
    }
}

static void reap(int options_wait)
{
    pid_t pid;

    while ((pid = waitpid(-1, NULL, options_wait)) > 0)
        gone(pid);
}

/* False: nv serve has said goodbye. */
static bool obey(void)
{
    struct order o;

    for (;;) {
        ssize_t n = recv(sock, &o, sizeof(o), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n != sizeof(o))
            return false;
        if (o.what == END)
            end_one(o.id);
        else
            start_one(&o);
        if (o.what != END)
            return true; /* children may have ended meanwhile */
    }
}

static void fill_kind(struct kind *k)
{
    cleanup_error struct error e = ERROR_INIT;
    struct session *s = &k->session;

    s->signals = -1;
    k->memory = options->run.memory ? options->run.memory : k->fn->img.manifest.memory;
    if (restore_fill(s, &k->fn->img, &options->run, NULL, 0, &e) ||
        (spawn_is_privileged() && ground_open_exports(&k->exports, &s->sp, &e)))
        k->err = e.code < 0 ? e.code : -EIO;
    if (e.what)
        error_print(&e);
}

static int prepare(void)
{
    cleanup_error struct error e = ERROR_INIT;
    struct function *fn;
    bool limits = false;

    list_for_each(fn, &functions, node)
        nkinds++;
    kinds = calloc(nkinds, sizeof(*kinds));
    if (!kinds)
        return -ENOMEM;
    struct kind *k = kinds;
    list_for_each(fn, &functions, node) {
        k->fn = fn;
        fill_kind(k);
        limits |= k->memory != 0;
        k++;
    }
    has_ground = spawn_is_privileged();
    /* Control groups are made by their path. */
    int err = has_ground ? ground_enter(&ground, !limits, &e) : 0;
    if (e.what)
        error_print(&e);
    return err;
}

/* Not those of requests and of other sandboxes, if another starter was before. */
static int close_others(void)
{
    struct function *fn;
    size_t n = 1;

    list_for_each(fn, &functions, node)
        n += IMAGE_NPARTS;
    cleanup_free int *keep = calloc(n, sizeof(*keep));
    if (!keep)
        return -ENOMEM;
    keep[0] = sock;
    n = 1;
    list_for_each(fn, &functions, node) {
        memcpy(keep + n, fn->img.fd, sizeof(fn->img.fd));
        n += IMAGE_NPARTS;
    }
    spawn_keep_only(keep, n);
    return 0;
}

static int watch_children(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void __attribute__((noreturn)) starter_main(pid_t parent)
{
    struct started *st;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    prctl(PR_SET_NAME, "nv-starter");
    signal(SIGINT, SIG_IGN); /* nv serve says when it is over */
    signal(SIGTERM, SIG_IGN);
    if (close_others())
        _exit(125);
    int children = watch_children();
    if (children < 0 || prepare())
        _exit(125);
    for (bool going = true; going;) {
        struct pollfd p[] = {{.fd = sock, .events = POLLIN}, {.fd = children, .events = POLLIN}};
        struct signalfd_siginfo si;
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            break;
        while (read(children, &si, sizeof(si)) > 0)
            ;
        reap(WNOHANG);
        if (p[0].revents)
            going = obey();
    }
    list_for_each(st, &all, node)
        kill_one(st);
    reap(0);
    _exit(0);
}

/* --- nv serve's side --- */
int starter_begin(const struct serve_options *o, struct error *e)
{
    int p[2];
    pid_t self = getpid();

    if (sock >= 0)
        close(sock);
    options = o;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p))
        return error_set(e, -errno, "starting the process that starts sandboxes");
    starter = fork();
    sock = starter ? p[0] : p[1];
    close(starter ? p[1] : p[0]);
    if (starter == 0)
        starter_main(self);
    return starter < 0 ? error_set(e, -errno, "starting the process that starts sandboxes") : sock;
}

static int give(uint32_t what, unsigned int function, uint64_t id)
{
    const struct order o = {.what = what, .function = function, .id = id};

    return send(sock, &o, sizeof(o), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int starter_ask(unsigned int function, uint64_t id)
{
    return give(START, function, id);
}

void starter_end(uint64_t id)
{
    give(END, 0, id);
}

int starter_receive(struct starter_reply *r, int *ctl)
{
    struct iovec iov = {r, sizeof(*r)};
    int nfds = 0;

    *ctl = -1;
    ssize_t n = fdmsg_receive(sock, &iov, 1, ctl, 1, &nfds, MSG_DONTWAIT);
    if (n == -EAGAIN || n == -EINTR)
        return 0;
    if (n == sizeof(*r) && (r->err != 0) == (nfds == 0))
        return 1;
    if (nfds)
        close(*ctl);
    return -EPIPE;
}

void starter_stop(void)
{
    close(sock);
    sock = -1;
    waitpid(starter, NULL, 0);
}
