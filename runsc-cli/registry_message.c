/* Requests and answers on control sockets: one JSON object a message, descriptors with requests. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "runsc-cli/registry.h"

union fd_control {
    struct cmsghdr header;
    char space[CMSG_SPACE(REGISTRY_FDS_MAX * sizeof(int))];
};

static int send_json(int conn, const json_t *j, const int *fds, int nfds, int flags)
{
    cleanup_free char *text = json_dumps(j, JSON_COMPACT);
    union fd_control c = {0};

    if (!text)
        return -ENOMEM;
    struct iovec iov = {text, strlen(text)};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (iov.iov_len > REGISTRY_MESSAGE_MAX)
        return -EMSGSIZE;
    if (nfds) {
        m.msg_control = &c;
        m.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
        memcpy(CMSG_DATA(h), fds, (size_t)nfds * sizeof(int));
    }
    return sendmsg(conn, &m, MSG_NOSIGNAL | flags) < 0 ? -errno : 0;
}

/* *j is NULL at the end of the connection. */
static int receive_json(int conn, int flags, json_t **j, int *fds, int *nfds)
{
    cleanup_free char *buf = malloc(REGISTRY_MESSAGE_MAX);
    union fd_control c = {0};
    struct iovec iov = {buf, REGISTRY_MESSAGE_MAX};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
    ssize_t n;

    *j = NULL;
    *nfds = 0;
    if (!buf)
        return -ENOMEM;
    do
        n = recvmsg(conn, &m, flags | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        *nfds = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(h), (size_t)*nfds * sizeof(int));
    }
    if (n > 0 && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        *j = json_loadb(buf, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
    if (n > 0 && !json_is_object(*j)) {
        json_decref(*j);
        *j = NULL;
        return -EBADMSG;
    }
    return 0;
}

static void close_all(const int *fds, int n)
{
    for (int i = 0; i < n; i++)
        close(fds[i]);
}

void registry_request_free(struct registry_request *q)
{
    free(q->verb);
    json_decref(q->args);
    close_all(q->fds, q->nfds);
    *q = (struct registry_request){0};
}

int registry_receive(int conn, struct registry_request *q)
{
    *q = (struct registry_request){0};
    int err = receive_json(conn, MSG_DONTWAIT, &q->args, q->fds, &q->nfds);
    const char *verb = json_string_value(json_object_get(q->args, "verb"));

    if (!err && q->args && verb)
        q->verb = strdup(verb);
    if (q->verb)
        return 1;
    bool nonsense = q->args != NULL;
    registry_request_free(q);
    return err ? err : nonsense ? -EBADMSG : 0;
}

int registry_answer(int conn, const json_t *answer)
{
    json_t *j = json_object();

    json_object_set_new(j, "ok", json_true());
    if (answer)
        json_object_update_missing(j, (json_t *)(uintptr_t)answer);
    int err = send_json(conn, j, NULL, 0, MSG_DONTWAIT);
    json_decref(j);
    return err;
}

int registry_refuse(int conn, const struct error *e)
{
    json_t *j = json_pack("{s:b,s:i,s:s*,s:s*}", "ok", 0, "code", e->is_complete ? 0 : e->code,
                          "what", e->what ? e->what : "failed", "hint", e->hint);
    int err = j ? send_json(conn, j, NULL, 0, MSG_DONTWAIT) : -ENOMEM;

    json_decref(j);
    return err;
}

json_t *registry_call(int conn, const char *verb, json_t *args, const int *fds, int nfds,
                      struct error *e)
{
    int got[REGISTRY_FDS_MAX], ngot = 0;
    json_t *q = json_object(), *answer = NULL;

    json_object_set_new(q, "verb", json_string(verb));
    if (args)
        json_object_update_missing(q, args);
    int err = send_json(conn, q, fds, nfds, 0);
    json_decref(q);
    if (!err)
        err = receive_json(conn, 0, &answer, got, &ngot);
    close_all(got, ngot);
    if (err || !answer) {
        error_set(e, err ? err : -ECONNRESET, "the sandbox did not answer");
        return NULL;
    }
    if (json_is_true(json_object_get(answer, "ok")))
        return answer;
    const char *what = json_string_value(json_object_get(answer, "what"));
    const char *hint = json_string_value(json_object_get(answer, "hint"));
    json_int_t code = json_integer_value(json_object_get(answer, "code"));
    error_say(e, code < 0 && code > -4096 ? (int)code : -EIO, "%s%s%s", what ? what : "refused",
              code < 0 ? ": " : "", code < 0 ? strerror((int)-code) : "");
    if (hint)
        error_hint(e, "%s", hint);
    json_decref(answer);
    return NULL;
}
