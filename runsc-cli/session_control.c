/* Requests to the supervisor of a running sandbox, by its control socket. */
#include <errno.h>
#include <signal.h>

#include "base/strbuf.h"
#include "runsc-cli/checkpoint.h"
#include "runsc-cli/session.h"

static int serve_kill(void *arg, int slot, struct registry_request *q, json_t **answer,
                      struct error *e)
{
    json_int_t sig = json_integer_value(json_object_get(q->args, "signal"));

    if (sig < 1 || sig >= NSIG)
        return error_say(e, -EINVAL, "kill: no such signal");
    int err = session_send(arg, CTL_SIGNAL, (int)sig, NULL, 0, NULL, 0);
    return err ? error_set(e, err, "the sandbox is ending") : 0;
}

static int serve_check(struct session *s, json_t **answer, struct error *e)
{
    struct strbuf report = STRBUF_INIT;

    int err = checkpoint_check(s, &report, e);
    if (!err || (err == -EBUSY && !e->what)) {
        *answer = json_pack("{s:s}", "report", report.data ? report.data : "");
        err = *answer ? 0 : -ENOMEM;
    }
    strbuf_free(&report);
    return err;
}

/* A sandbox that is saved and does not go on has ended: as if killed. */
static int serve_checkpoint(void *arg, int slot, struct registry_request *q, json_t **answer,
                            struct error *e)
{
    struct session *s = arg;
    struct checkpoint c = {
        .name = json_string_value(json_object_get(q->args, "image")),
        .leave_running = json_is_true(json_object_get(q->args, "leave_running")),
    };

    if (json_is_true(json_object_get(q->args, "check")))
        return serve_check(s, answer, e);
    if (!c.name)
        return error_say(e, -EINVAL, "checkpoint: no image is named");
    int err = checkpoint_take(s, &c, e);
    if (err)
        return err;
    *answer = json_pack("{s:f,s:f,s:f}", "freeze_ms", c.freeze_ms, "save_ms", c.save_ms,
                        "commit_ms", c.commit_ms);
    if (!c.leave_running)
        session_saved(s);
    return *answer ? 0 : -ENOMEM;
}

const struct control_verb session_verbs[] = {
    {"kill", serve_kill}, {"checkpoint", serve_checkpoint}, {0}};
