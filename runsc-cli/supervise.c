/* See supervise.h. */
#include "runsc-cli/supervise.h"

#include <errno.h>

#include "runsc-cli/checkpoint.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/relay.h"

/* /proc/nv/checkpoint: done when the message has been dealt with. */
static bool wants_checkpoint(struct session *s, struct session_message *msg)
{
    *(int *)s->arg = msg->m.type;
    return msg->m.type == CTL_WANT_CHECKPOINT || msg->m.type == CTL_WANT_RELAY;
}

static void save_for_program(struct session *s, const char *image)
{
    struct checkpoint c = {.name = image, .leave_running = true};
    struct error e = ERROR_INIT;
    int err = image ? checkpoint_take(s, &c, &e) : -EOPNOTSUPP;

    if (err && image)
        error_print(&e);
    error_free(&e);
    if (!s->ended)
        session_send(s, CTL_CHECKPOINT_DONE, err, NULL, 0, NULL, 0);
}

int supervise(struct session *s, const struct run_options *o, uint64_t memory, struct error *e)
{
    struct control control;
    int wanted = 0;

    s->message = wants_checkpoint;
    s->arg = &wanted;
    s->control = &control;
    int code = EXIT_NV;
    if (!control_claim(&control, o->id, s->sp.spec.argv, e))
        code = session_begin(s, o, memory, e);
    if (!code) {
        for (session_run(s); !s->ended && !code; session_run(s)) {
            if (wanted == CTL_WANT_RELAY)
                code = relay(s, o, e);
            else
                save_for_program(s, o->output);
        }
        session_end(s);
    }
    s->control = NULL;
    s->arg = NULL;
    return code;
}
