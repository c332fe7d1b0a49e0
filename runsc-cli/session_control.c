/* Requests to a running sandbox, from other nv commands of the same user. */
#include <errno.h>
#include <signal.h>

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

const struct control_verb session_verbs[] = {{"kill", serve_kill}, {0}};
