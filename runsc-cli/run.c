/* nv run: one command, or one Node function, in a fresh sandbox. */
#include <stdio.h>

#include "base/timeline.h"
#include "platform/platform.h"
#include "runsc-cli/baseline.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/function.h"
#include "runsc-cli/invoke.h"
#include "runsc-cli/net_ahead.h"
#include "runsc-cli/options.h"
#include "runsc-cli/spec.h"
#include "runsc-cli/supervise.h"
#include "sentry/kernel/loop.h"

int verb_run(int argc, char **argv)
{
    struct run_options o = {0};
    struct session s = {.signals = -1};
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
    code = supervise(&s, &o, o.memory, &e);
    if (code) {
        error_print(&e);
        return code;
    }
    timeline_print(stderr, o.timing_json);
    return session_exit_code(&s);
}
