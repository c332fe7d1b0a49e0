/* nv run: one command, or one Node function, in a fresh sandbox. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/timeline.h"
#include "platform/platform.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/function.h"
#include "runsc-cli/options.h"
#include "runsc-cli/pagemap.h"
#include "runsc-cli/spawn.h"
#include "runsc-cli/spec.h"
#include "runsc-cli/terminal.h"
#include "sentry/kernel/loop.h"

#define KILL_GRACE_NS (2 * NSEC_PER_SEC) /* for a sandbox to end after --timeout */

static const int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

struct session {
    struct spawn sp;
    int signals;
    uint64_t deadline_ns; /* 0: none */
    bool timed_out;
};

static int watch_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
        sigaddset(&set, forwarded[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void tell(struct session *s, int type, int value)
{
    struct ctl_msg m = {type, value};

    if (send(s->sp.ctl, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return; /* it is ending */
}

static void forward_signals(struct session *s)
{
    struct signalfd_siginfo si;

    while (read(s->signals, &si, sizeof(si)) == sizeof(si)) {
        if (si.ssi_signo == SIGWINCH)
            tell(s, CTL_WINCH, 0);
        else
            tell(s, CTL_SIGNAL, (int)si.ssi_signo);
    }
}

static int poll_timeout(struct session *s)
{
    if (!s->deadline_ns)
        return -1;
    uint64_t now = now_ns();
    return now >= s->deadline_ns ? 0
                                 : (int)MIN((s->deadline_ns - now) / NSEC_PER_MSEC + 1, 1UL << 30);
}

/* A message, and the descriptor that came with it, or -1. As recv(2). */
static ssize_t receive(int ctl, struct ctl_msg *m, int *fd)
{
    struct iovec iov = {m, sizeof(*m)};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } c;
    struct msghdr h = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.buf, .msg_controllen = sizeof(c.buf)};

    *fd = -1;
    ssize_t n = recvmsg(ctl, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *cm = n < 0 ? NULL : CMSG_FIRSTHDR(&h);
    if (cm && cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS &&
        cm->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(cm), sizeof(int));
    return n;
}

/* Until the sentry has sent the wait status of the first process, or is gone. */
static int supervise(struct session *s)
{
    struct ctl_msg m;

    for (;;) {
        struct pollfd p[2] = {{.fd = s->sp.ctl, .events = POLLIN},
                              {.fd = s->signals, .events = POLLIN}};
        int n = poll(p, 2, poll_timeout(s));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0 && s->deadline_ns && now_ns() >= s->deadline_ns) {
            if (s->timed_out)
                return -ETIMEDOUT; /* it does not even end: reap() takes it down */
            s->timed_out = true;
            s->deadline_ns = now_ns() + KILL_GRACE_NS;
            tell(s, CTL_SIGNAL, SIGKILL);
        }
        if (p[1].revents & POLLIN)
            forward_signals(s);
        if (!(p[0].revents & (POLLIN | POLLHUP)))
            continue;
        int fd;
        ssize_t r = receive(s->sp.ctl, &m, &fd);
        if (r < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (r != sizeof(m))
            return -EPIPE;
        if (m.type == CTL_PAGEMAP)
            pagemap_serve(s->sp.ctl, s->sp.sentry, fd);
        else if (fd >= 0)
            close(fd);
        if (m.type == CTL_EXIT)
            return m.value;
    }
}

static void reap(struct session *s)
{
    int status;

    close(s->sp.ctl);
    kill(s->sp.gofer, SIGKILL);
    waitpid(s->sp.sentry, &status, 0);
    timeline_mark(PHASE_SENTRY_GONE);
    waitpid(s->sp.gofer, NULL, 0);
    timeline_mark(PHASE_GOFER_GONE);
}

static int exit_code(const struct session *s, int status)
{
    if (s->timed_out) {
        fprintf(stderr, "nv: timed out\n");
        return EXIT_TIMEOUT;
    }
    if (status < 0) {
        fprintf(stderr, "nv: the sandbox ended without an answer\n");
        return EXIT_NV;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int verb_run(int argc, char **argv)
{
    struct run_options o = {0};
    struct session s = {0};
    uint64_t main_ns = now_ns();
    struct error e = ERROR_INIT;

    int code = run_options_parse(argc, argv, &o);
    if (code)
        return code < 0 ? 0 : code;
    if (o.timing && timeline_start(main_ns))
        fprintf(stderr, "nv: --timing: no memory\n");
    platform = platform_find(o.platform, &e);
    if (!platform) {
        error_print(&e);
        return EXIT_NV;
    }
    if (e.what && !o.platform) /* the preferred one said no */
        error_print(&e);
    code = spec_fill(&s.sp, &o, argc, argv, &e);
    if (code) {
        error_print(&e);
        return code;
    }
    if (o.timeout_s > 0)
        s.deadline_ns = now_ns() + (uint64_t)(o.timeout_s * 1e9);
    if (o.memory && cgroup_new(&s.sp.cgroup, o.memory, &e)) {
        error_print(&e);
        return EXIT_NV;
    }
    s.signals = watch_signals();
    terminal_enter(&s.sp.spec);
    timeline_mark(PHASE_OPTIONS);
    if (spawn_sandbox(&s.sp, &e)) {
        terminal_leave();
        cgroup_remove(&s.sp.cgroup);
        error_print(&e);
        return EXIT_NV;
    }
    int status = supervise(&s);
    timeline_mark(PHASE_ANSWERED);
    reap(&s);
    terminal_leave();
    long kills = cgroup_oom_kills(&s.sp.cgroup);
    if (kills)
        fprintf(stderr, "nv: out of memory: %ld process%s killed at the limit of --memory\n", kills,
                kills > 1 ? "es" : "");
    cgroup_remove(&s.sp.cgroup);
    timeline_print(stderr, o.timing_json);
    return exit_code(&s, status);
}
