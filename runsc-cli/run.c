/* nv run: one command, or one Node function, in a fresh sandbox. */
#include <errno.h>
#include <stdio.h>

#include "base/timeline.h"
#include "platform/platform.h"
#include "runsc-cli/baseline.h"
#include "runsc-cli/checkpoint.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/function.h"
#include "runsc-cli/invoke.h"
#include "runsc-cli/net_ahead.h"
#include "runsc-cli/options.h"
#include "runsc-cli/relay.h"
#include "runsc-cli/session.h"
#include "runsc-cli/spec.h"
#include "sentry/kernel/loop.h"

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

int verb_run(int argc, char **argv)
{
    struct run_options o = {0};
    struct control control;
    int wanted = 0;
    struct session s = {
        .signals = -1, .control = &control, .message = wants_checkpoint, .arg = &wanted};
    uint64_t main_ns = now_ns();
    struct error e = ERROR_INIT;

    net_ahead_begin();
    int code = options_parse(VERB_RUN, argc, argv, &o);
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
    if (function_wanted(&o, argv)) {
        code = invoke_function(&o, argv[o.first_arg]);
        if (code >= 0) {
            timeline_print(stderr, o.timing_json);
            return code;
        }
    }
    code = spec_fill(&s.sp, &o, argc, argv, &e);
    if (code) {
        error_print(&e);
        return code;
    }
    if (o.output)
        baseline_warn(&s.sp.spec);
    if (control_claim(&control, o.id, argv + o.first_arg, &e)) {
        error_print(&e);
        return EXIT_NV;
    }
    if (session_begin(&s, &o, o.memory, &e)) {
        error_print(&e);
        return EXIT_NV;
    }
    for (session_run(&s); !s.ended && !code; session_run(&s)) {
        if (*(int *)s.arg == CTL_WANT_RELAY)
            code = relay(&s, &o, &e);
        else
            save_for_program(&s, o.output);
    }
    if (code) {
        error_print(&e);
        session_end(&s);
        return code;
    }
    session_end(&s);
    timeline_print(stderr, o.timing_json);
    return session_exit_code(&s);
}
