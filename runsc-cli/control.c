/* See control.h. */
#include "runsc-cli/control.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

int control_claim(struct control *c, const char *id, char *const *command, struct error *e)
{
    for (int i = 0; i < CONTROL_CONNS; i++)
        c->conn[i] = (struct control_conn){.fd = -1};
    return registry_claim(&c->registry, id, command, e);
}

int control_listen(struct control *c, struct error *e)
{
    return registry_listen(&c->registry, e);
}

static void conn_close(struct control_conn *k)
{
    close(k->fd);
    *k = (struct control_conn){.fd = -1};
}

void control_leave(struct control *c)
{
    for (int i = 0; i < CONTROL_CONNS; i++)
        if (c->conn[i].fd >= 0)
            conn_close(&c->conn[i]);
    registry_leave(&c->registry);
}

static struct control_conn *free_conn(struct control *c)
{
    for (int i = 0; i < CONTROL_CONNS; i++)
        if (c->conn[i].fd < 0)
            return &c->conn[i];
    return NULL;
}

void control_wait(const struct control *c, struct pollfd p[CONTROL_POLLFDS])
{
    bool has_room = free_conn((struct control *)(uintptr_t)c) != NULL;

    p[CONTROL_CONNS] =
        (struct pollfd){.fd = has_room ? c->registry.listener : -1, .events = POLLIN};
    for (int i = 0; i < CONTROL_CONNS; i++)
        p[i] = (struct pollfd){.fd = c->conn[i].is_busy ? -1 : c->conn[i].fd, .events = POLLIN};
}

void control_finish(struct control *c, int slot, const json_t *answer, const struct error *e)
{
    struct control_conn *k = &c->conn[slot];

    k->is_busy = false;
    if (e ? registry_refuse(k->fd, e) : registry_answer(k->fd, answer))
        conn_close(k); /* it does not read, or is gone */
}

static void serve(struct control *c, int slot, const struct control_verb *v, void *arg)
{
    struct error e = ERROR_INIT;
    struct registry_request q;
    json_t *answer = NULL;
    int n = registry_receive(c->conn[slot].fd, &q);

    if (n == -EAGAIN)
        return;
    if (n <= 0) {
        conn_close(&c->conn[slot]);
        return;
    }
    while (v->name && strcmp(v->name, q.verb))
        v++;
    c->conn[slot].is_busy = true;
    int err = v->name ? v->serve(arg, slot, &q, &answer, &e)
                      : error_set(&e, -EOPNOTSUPP, "the sandbox knows no request '%s'", q.verb);
    if (err <= 0)
        control_finish(c, slot, answer, err ? &e : NULL);
    json_decref(answer);
    error_free(&e);
    registry_request_free(&q);
}

void control_serve(struct control *c, const struct pollfd p[CONTROL_POLLFDS],
                   const struct control_verb *verbs, void *arg)
{
    for (int i = 0; i < CONTROL_CONNS; i++)
        if (p[i].fd >= 0 && p[i].revents)
            serve(c, i, verbs, arg);
    if (!(p[CONTROL_CONNS].revents & POLLIN))
        return;
    struct control_conn *k = free_conn(c);
    int fd = k ? registry_accept(&c->registry) : -1;
    if (fd >= 0)
        k->fd = fd;
}
