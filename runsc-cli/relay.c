/* See relay.h. */
#include "runsc-cli/relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "runsc-cli/checkpoint.h"
#include "runsc-cli/cli.h"

static int go_on(struct session *s, const struct run_options *o, const char *image, struct error *e)
{
    struct session next = {
        .signals = -1, .deadline_ns = s->deadline_ns, .message = s->message, .arg = s->arg};
    struct image img;

    if (image_open(&img, image, IMAGE_MAP, NULL, e))
        return EXIT_NV;
    int code = restore_fill(&next, &img, o, NULL, 0, e);
    if (!code)
        code = session_begin(&next, o, o->memory, e);
    if (!code)
        *s = next;
    image_close(&img);
    return code;
}

int relay(struct session *s, const struct run_options *o, struct error *e)
{
    char dir[] = "/tmp/nv-relay-XXXXXX";
    cleanup_free char *image = NULL;
    struct checkpoint c = {0};

    if (!mkdtemp(dir) || asprintf(&image, "%s/image", dir) < 0)
        return error_set(e, -errno, "a directory for images"), EXIT_NV;
    c.name = image;
    int err = checkpoint_take(s, &c, e), code = err ? EXIT_NV : 0;
    if (code && (s->ended || err == -ESRCH)) { /* it was faster */
        error_free(e);
        code = 0;
    } else if (!code) {
        struct control *control = s->control; /* goes on, too */
        s->control = NULL;
        session_end(s);
        s->ended = true;
        code = go_on(s, o, image, e);
        if (code && control)
            control_leave(control);
        else
            s->control = control;
        cleanup_error struct error removing = ERROR_INIT;
        image_remove(image, &removing);
    }
    rmdir(dir);
    return code;
}
