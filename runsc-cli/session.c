/* See session.h. */
#include "runsc-cli/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fdmsg.h"
#include "base/macros.h"
#include "base/timeline.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/core.h"
#include "runsc-cli/oom.h"
#include "runsc-cli/pagemap.h"
#include "runsc-cli/perfmap.h"
#include "runsc-cli/terminal.h"
#include "sentry/kernel/loop.h"

#define KILL_GRACE_NS (2 * NSEC_PER_SEC) /* for a sandbox to end after its time is up */

static const int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

static void start_forwarding(struct session *s)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
        sigaddset(&set, forwarded[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int session_send(struct session *s, int type, int value, const void *payload, size_t len,
                 const int *fds, int nfds)
{
    struct ctl_msg m = {type, value};
    const struct iovec iov[] = {{&m, sizeof(m)}, {(void *)(uintptr_t)payload, len}};
    ssize_t n = fdmsg_send(s->sp.ctl, iov, 2, fds, nfds, 0);

    return n < 0 ? (int)n : 0;
}

int session_send_request(struct session *s, const char *request, size_t len)
{
    if (len <= CTL_PAYLOAD_MAX)
        return session_send(s, CTL_REQUEST, 0, request, len, NULL, 0);
    cleanup_close int fd = memfd_create("request", MFD_CLOEXEC);
    if (fd < 0 || pwrite(fd, request, len, 0) != (ssize_t)len)
        return -errno;
    return session_send(s, CTL_REQUEST, 0, NULL, 0, &fd, 1);
}

static void forward_signals(struct session *s)
{
    struct signalfd_siginfo si;

    while (read(s->signals, &si, sizeof(si)) == sizeof(si)) {
        if (si.ssi_signo == SIGWINCH)
            session_send(s, CTL_WINCH, 0, NULL, 0, NULL, 0);
        else
            session_send(s, CTL_SIGNAL, (int)si.ssi_signo, NULL, 0, NULL, 0);
    }
}

static int poll_timeout(const struct session *s)
{
    if (!s->deadline_ns)
        return -1;
    uint64_t now = now_ns();
    return now >= s->deadline_ns ? 0
                                 : (int)MIN((s->deadline_ns - now) / NSEC_PER_MSEC + 1, 1UL << 30);
}

static void ended(struct session *s, int status)
{
    s->ended = true;
    s->status = status;
}

void session_saved(struct session *s)
{
    s->saved = true;
    ended(s, SIGKILL);
}

static void time_is_up(struct session *s)
{
    if (s->timed_out) {
        ended(s, -ETIMEDOUT); /* it does not even end: session_end() takes it down */
        return;
    }
    s->timed_out = true;
    s->deadline_ns = now_ns() + KILL_GRACE_NS;
    session_send(s, CTL_SIGNAL, SIGKILL, NULL, 0, NULL, 0);
}

/* 1, 0: nothing there, negative: it is gone. */
static int receive(struct session *s, struct session_message *msg)
{
    struct iovec iov[] = {{&msg->m, sizeof(msg->m)}, {msg->payload, sizeof(msg->payload)}};
    ssize_t n = fdmsg_receive(s->sp.ctl, iov, 2, msg->fds, CTL_FDS_MAX, &msg->nfds, MSG_DONTWAIT);

    if (n == -ECONNRESET) /* it ended without reading all of ours; its last words are behind this */
        n = fdmsg_receive(s->sp.ctl, iov, 2, msg->fds, CTL_FDS_MAX, &msg->nfds, MSG_DONTWAIT);
    if (n == -EAGAIN || n == -EINTR)
        return 0;
    if (n < (ssize_t)sizeof(msg->m))
        return -EPIPE;
    msg->len = (size_t)n - sizeof(msg->m);
    return 1;
}

/* True: the caller of session_run() has what it wanted. */
static bool handle(struct session *s, struct session_message *msg)
{
    bool stop = false;

    if (msg->m.type == CTL_EXIT) {
        ended(s, msg->m.value);
    } else if (msg->m.type == CTL_STUB_FILE && msg->nfds == 1) {
        pagemap_serve(s->sp.ctl, s->sp.sentry, msg->fds[0], msg->m.value);
        msg->nfds = 0;
    } else if (msg->m.type == CTL_SPARE) {
        oom_spare(s->sp.sentry);
        oom_spare(s->sp.gofer);
    } else if (msg->m.type == CTL_OOM_SCORE && msg->nfds == 1) {
        oom_adjust_stub(s->sp.sentry, msg->fds[0], msg->m.value);
    } else if (msg->m.type == CTL_WANT_CORE) {
        core_serve(s->sp.ctl);
    } else if (msg->m.type == CTL_PERF_MAP && msg->nfds == 1 && s->sp.spec.perf_map) {
        perfmap_add(s->sp.sentry, msg->fds[0], msg->m.value, msg->payload, msg->len);
        msg->nfds = 0;
    } else if (s->message) {
        stop = s->message(s, msg);
    }
    for (int i = 0; i < msg->nfds; i++)
        if (msg->fds[i] >= 0)
            close(msg->fds[i]);
    return stop;
}

static bool receive_one(struct session *s)
{
    static struct session_message msg;

    int r = receive(s, &msg);
    if (r < 0)
        ended(s, r);
    return r > 0 && handle(s, &msg);
}

void session_receive(struct session *s)
{
    receive_one(s);
}

void session_run(struct session *s)
{
    while (!s->ended) {
        struct pollfd p[2 + CONTROL_POLLFDS] = {{.fd = s->sp.ctl, .events = POLLIN},
                                                {.fd = s->signals, .events = POLLIN}};
        if (s->control)
            control_wait(s->control, p + 2);
        int n = poll(p, s->control ? ARRAY_SIZE(p) : 2, poll_timeout(s));
        if (n < 0 && errno != EINTR)
            ended(s, -errno);
        if (n == 0 && s->deadline_ns && now_ns() >= s->deadline_ns)
            time_is_up(s);
        if (p[1].revents & POLLIN)
            forward_signals(s);
        if (n > 0 && s->control)
            control_serve(s->control, p + 2, session_verbs, s);
        if ((p[0].revents & (POLLIN | POLLHUP)) && receive_one(s))
            return;
    }
}

/* Whatever the guest does, others can reach us by then: it may tell them that it is ready. */
static void listen_first(void *arg)
{
    struct session *s = arg;
    cleanup_error struct error e = ERROR_INIT;

    if (s->control && control_listen(s->control, &e))
        error_print(&e); /* it runs all the same */
}

int session_start(struct session *s, struct error *e)
{
    s->sp.meanwhile = listen_first;
    s->sp.meanwhile_arg = s;
    terminal_enter(&s->sp.spec);
    timeline_mark(PHASE_OPTIONS);
    if (!spawn_sandbox(&s->sp, e))
        return 0;
    terminal_leave();
    if (s->control)
        control_leave(s->control);
    cgroup_remove(&s->sp.cgroup);
    return EXIT_NV;
}

int session_begin(struct session *s, const struct run_options *o, uint64_t memory, struct error *e)
{
    if (o->timeout_s > 0 && !s->deadline_ns)
        s->deadline_ns = now_ns() + (uint64_t)(o->timeout_s * 1e9);
    if (memory && cgroup_new(&s->sp.cgroup, memory, e)) {
        if (s->control)
            control_leave(s->control);
        return EXIT_NV;
    }
    s->sp.spec.memory_limited = memory != 0;
    start_forwarding(s);
    return session_start(s, e);
}

/* What only we can know, at the end of the sentry's report. */
static void print_gofer_usage(const struct session *s)
{
    const struct rusage *r = &s->gofer_usage;
    double user = (double)r->ru_utime.tv_sec + (double)r->ru_utime.tv_usec / 1e6;
    double system = (double)r->ru_stime.tv_sec + (double)r->ru_stime.tv_usec / 1e6;
    int fd = s->sp.spec.stat_fd;

    if (s->sp.spec.stat == STAT_JSON)
        dprintf(fd, ", \"gofer_cpu_s\": {\"user\": %.6f, \"system\": %.6f}}\n", user, system);
    else if (s->sp.spec.stat)
        dprintf(fd, "nv: stat: CPU of the gofer %.3f s user, %.3f s system\n", user, system);
}

/* Those that were waited for are 0: their numbers may be others' by now. */
static void kill_process(pid_t pid)
{
    if (pid > 0)
        kill(pid, SIGKILL);
}

void session_kill(struct session *s)
{
    close(s->sp.ctl);
    s->sp.ctl = -1;
    kill_process(s->sp.sentry);
    kill_process(s->sp.gofer);
}

/* It has no reason to: what it was ended by is the first thing to know. */
static void explain_gofer(struct session *s)
{
    int status;

    if (s->sp.gofer <= 0 || wait4(s->sp.gofer, &status, WNOHANG, &s->gofer_usage) != s->sp.gofer)
        return;
    s->sp.gofer = 0;
    if (WIFSIGNALED(status))
        fprintf(stderr, "nv: the gofer was ended by signal %d (%s)\n", WTERMSIG(status),
                strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status))
        fprintf(stderr, "nv: the gofer ended with status %d\n", WEXITSTATUS(status));
}

void session_close_streams(struct session *s)
{
    int *fds[] = {&s->sp.spec.stdio[0], &s->sp.spec.stdio[1], &s->sp.spec.stdio[2],
                  &s->sp.spec.cpuinfo_fd};

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        if (*fds[i] > 2)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

void session_end(struct session *s)
{
    int status;

    timeline_mark(PHASE_ANSWERED);
    if (s->signals >= 0)
        close(s->signals);
    s->signals = -1;
    explain_gofer(s);
    session_kill(s);
    if (s->sp.sentry > 0)
        waitpid(s->sp.sentry, &status, 0);
    timeline_mark(PHASE_SENTRY_GONE);
    if (s->sp.gofer > 0)
        wait4(s->sp.gofer, NULL, 0, &s->gofer_usage);
    s->sp.sentry = s->sp.gofer = 0;
    timeline_mark(PHASE_GOFER_GONE);
    if (s->control)
        control_leave(s->control);
    terminal_leave();
    if (s->ended && s->status >= 0)
        print_gofer_usage(s);
    long kills = cgroup_oom_kills(&s->sp.cgroup);
    if (kills)
        fprintf(stderr, "nv: out of memory: %ld process%s killed at the limit of --memory\n", kills,
                kills > 1 ? "es" : "");
    cgroup_remove(&s->sp.cgroup);
}

int session_exit_code(const struct session *s)
{
    if (s->timed_out) {
        fprintf(stderr, "nv: timed out\n");
        return EXIT_TIMEOUT;
    }
    if (s->status < 0) {
        fprintf(stderr, "nv: the sandbox ended without an answer\n");
        return EXIT_NV;
    }
    return WIFSIGNALED(s->status) ? 128 + WTERMSIG(s->status) : WEXITSTATUS(s->status);
}
