/* Messages of the CLI, and to it. It is trusted, but its messages are checked for their shape. */
#include "sentry/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fdmsg.h"
#include "base/log.h"
#include "base/macros.h"
#include "sentry/ckpt/channel.h"
#include "sentry/ckpt/ckpt.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/sandbox.h"

#define REQUEST_MAX (64L << 20)

struct message {
    struct ctl_msg m;
    char payload[CTL_PAYLOAD_MAX];
    size_t len; /* of the payload */
    int fds[CTL_FDS_MAX];
    int nfds;
};

static void close_fds(struct message *msg)
{
    for (int i = 0; i < msg->nfds; i++)
        close(msg->fds[i]);
    msg->nfds = 0;
}

/* 1, 0: nothing there, or the end of the CLI: negative. */
static int receive(int sock, struct message *msg)
{
    struct iovec iov[] = {{&msg->m, sizeof(msg->m)}, {msg->payload, sizeof(msg->payload)}};
    ssize_t n = fdmsg_receive(sock, iov, 2, msg->fds, CTL_FDS_MAX, &msg->nfds, MSG_DONTWAIT);

    if (n == -EAGAIN || n == -EINTR)
        return 0;
    if (n < (ssize_t)sizeof(msg->m))
        return -EPIPE;
    msg->len = (size_t)n - sizeof(msg->m);
    return 1;
}

static void send_signal(int sig)
{
    siginfo_t info;

    if (sig <= 0 || sig > NV_NSIG || !init_tg)
        return;
    siginfo_kernel(&info, sig);
    signal_send_group(init_tg, &info);
}

static void begin_checkpoint(struct message *msg)
{
    struct checkpoint_request req = {.kernel_fd = -1, .pages_fd = -1, .report_fd = -1};
    int err = -EINVAL;

    if (msg->nfds == 3 || msg->nfds == 1) {
        req.report_fd = msg->fds[0];
        req.kernel_fd = msg->nfds == 3 ? msg->fds[1] : -1;
        req.pages_fd = msg->nfds == 3 ? msg->fds[2] : -1;
        req.leave_running = msg->m.value & CTL_LEAVE_RUNNING;
        req.settle = msg->m.value & CTL_SETTLE;
        err = checkpoint_start(&req);
    }
    if (err) {
        close_fds(msg);
        ctl_send(CTL_SAVED, err);
    }
}

static void begin_wset(struct message *msg)
{
    int err = msg->nfds == 1 ? wset_record_start(msg->fds[0]) : -EINVAL;

    if (err) {
        close_fds(msg);
        ctl_send(CTL_SAVED, err);
    }
}

static void take_request(struct message *msg)
{
    struct stat st;
    int err;

    if (!msg->nfds) {
        err = channel_request(msg->payload, msg->len);
    } else if (fstat(msg->fds[0], &st) || st.st_size < 0 || st.st_size > REQUEST_MAX) {
        err = -EFBIG;
    } else {
        size_t len = (size_t)st.st_size;
        cleanup_free char *data = malloc(len ? len : 1);
        err = !data ? -ENOMEM : 0;
        if (!err && pread(msg->fds[0], data, len, 0) != st.st_size)
            err = -EIO;
        if (!err)
            err = channel_request(data, len);
    }
    if (err)
        log_warn("a request is lost: %s", strerror(-err));
}

static struct {
    struct fiber *fiber;
    int type; /* that is waited for; 0: it is there */
    int result;
} question;

int ctl_ask(int type, int value, int fd, int answer)
{
    while (question.fiber) /* rare: two at once */
        fiber_yield();
    question.fiber = fiber_current();
    question.type = answer;
    int err = ctl_send_more(type, value, NULL, 0, fd);
    while (!err && question.type)
        fiber_park();
    question.fiber = NULL;
    question.type = 0;
    return err ? err : question.result;
}

static void take_answer(struct message *msg)
{
    if (!question.fiber || question.type != msg->m.type)
        return;
    question.result = msg->m.value < 0 && msg->m.value > -4096 ? msg->m.value : -EPROTO;
    if (msg->nfds == 1) {
        question.result = msg->fds[0];
        msg->nfds = 0;
    }
    question.type = 0;
    fiber_wake(question.fiber);
}

static void ctl_event(struct loop_fd *w, uint32_t revents)
{
    static struct message msg;

    int r = receive(w->fd, &msg);
    if (r < 0)
        _exit(0); /* the CLI is gone: so are we, and with the first process all stubs */
    if (!r)
        return;
    switch (msg.m.type) {
    case CTL_SIGNAL:
        send_signal(msg.m.value);
        break;
    case CTL_WINCH:
        tty_console_resized();
        break;
    case CTL_REQUEST:
        take_request(&msg);
        break;
    case CTL_CHECKPOINT_DONE:
        channel_saved(msg.m.value);
        break;
    case CTL_STUB_FILE:
    case CTL_FILE:
    case CTL_CORE:
        take_answer(&msg);
        break;
    case CTL_CHECKPOINT:
        begin_checkpoint(&msg);
        return;
    case CTL_RECORD_WSET:
        begin_wset(&msg);
        return;
    default:
        break;
    }
    close_fds(&msg);
}

static struct loop_fd ctl_watch = {.events = EPOLLIN, .cb = ctl_event};

int ctl_init(void)
{
    if (sandbox->ctl_sock < 0)
        return 0;
    ctl_watch.fd = sandbox->ctl_sock;
    return loop_fd_add(&ctl_watch);
}

int ctl_send_more(int type, int value, const void *payload, size_t len, int fd)
{
    struct ctl_msg m = {.type = type, .value = value};
    const struct iovec iov[] = {{&m, sizeof(m)}, {(void *)(uintptr_t)payload, len}};

    if (sandbox->ctl_sock < 0)
        return -ENOTCONN;
    ssize_t n = fdmsg_send(sandbox->ctl_sock, iov, 2, &fd, fd >= 0, 0);
    return n < 0 ? (int)n : 0;
}

void ctl_send(int type, int value)
{
    if (ctl_send_more(type, value, NULL, 0, -1) < 0)
        log_debug("nobody listens on the control socket");
}
