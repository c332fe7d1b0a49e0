/* nv checkpoint: asks the supervisor of a running sandbox to save it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ckpt/image.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/registry.h"

struct checkpoint_options {
    const char *id, *image;
    int leave_running, check;
};

static int parse(int argc, char **argv, struct checkpoint_options *o)
{
    const struct option opts[] = {{"image-path", required_argument, NULL, 'i'},
                                  {"leave-running", no_argument, &o->leave_running, 1},
                                  {"check", no_argument, &o->check, 1},
                                  {"help", no_argument, NULL, 'h'},
                                  {0}};
    int c;

    optind = 1;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
        if (c == 'h') {
            printf("usage: nv checkpoint ID --image-path NAME [--leave-running]\n"
                   "       nv checkpoint ID --check\n\n"
                   "  --image-path NAME   the image: a name in the store, or a path with a slash\n"
                   "  --leave-running     the sandbox goes on afterwards\n"
                   "  --check             only list what could not be saved (exit 1 if there is "
                   "anything)\n");
            return -1;
        }
        if (c == '?')
            return usage_error("checkpoint", "unknown option or missing argument: %s",
                               argv[optind - 1]);
        if (c == 'i')
            o->image = optarg;
    }
    if (optind + 1 != argc)
        return usage_error("checkpoint", "expected one ID; nv ps lists them");
    o->id = argv[optind];
    if (!o->image && !o->check)
        return usage_error("checkpoint", "where to? --image-path NAME");
    return 0;
}

static int report(const struct checkpoint_options *o, const json_t *answer)
{
    const char *text = json_string_value(json_object_get(answer, "report"));

    if (o->check) {
        fputs(text ? text : "", stdout);
        return text && *text ? 1 : 0;
    }
    fprintf(stderr, "nv: %s: saved (stopped in %.1f ms, saved in %.0f ms, on disk in %.0f ms)\n",
            o->image, json_real_value(json_object_get(answer, "freeze_ms")),
            json_real_value(json_object_get(answer, "save_ms")),
            json_real_value(json_object_get(answer, "commit_ms")));
    return 0;
}

int verb_checkpoint(int argc, char **argv)
{
    struct checkpoint_options o = {0};
    cleanup_error struct error e = ERROR_INIT;
    json_t *answer = NULL;

    int code = parse(argc, argv, &o);
    if (code)
        return code < 0 ? 0 : code;
    /* The supervisor has another working directory, and perhaps another store. */
    cleanup_free char *image = o.image ? image_path_new(o.image, &e) : strdup("");
    cleanup_close int conn = image ? registry_connect(o.id, &e) : -1;
    json_t *args = json_pack("{s:s,s:b,s:b}", "image", image ? image : "", "leave_running",
                             o.leave_running, "check", o.check);
    if (conn >= 0)
        answer = registry_call(conn, "checkpoint", args, NULL, 0, &e);
    json_decref(args);
    if (!answer) {
        error_print(&e);
        return EXIT_NV;
    }
    code = report(&o, answer);
    json_decref(answer);
    return code;
}
