/* See function.h. */
#include "runsc-cli/function.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "runsc-cli/cli.h"

extern char runner_source[];

bool function_wanted(const struct run_options *o, char **argv)
{
    const char *name = argv[o->first_arg], *dot = strrchr(name, '.');

    return !o->dashes && dot &&
           (!strcmp(dot, ".js") || !strcmp(dot, ".mjs") || !strcmp(dot, ".cjs"));
}

static int read_all(int fd, struct strbuf *b)
{
    char buf[65536];
    ssize_t n;

    while ((n = read(fd, buf, sizeof(buf))) > 0)
        strbuf_add(b, buf, (size_t)n);
    return n < 0 ? -errno : b->failed ? -ENOMEM : 0;
}

/* JSON itself, @file, or - for standard input. */
static int read_event(const char *arg, struct strbuf *b, struct error *e)
{
    if (!arg) {
        strbuf_puts(b, "{}");
        return 0;
    }
    if (strcmp(arg, "-") && arg[0] != '@') {
        strbuf_puts(b, arg);
        return 0;
    }
    cleanup_close int fd =
        arg[0] == '@' ? open(arg + 1, O_RDONLY | O_CLOEXEC) : fcntl(0, F_DUPFD_CLOEXEC, 3);
    int err = fd < 0 ? -errno : read_all(fd, b);
    return err ? error_set(e, err, "reading the event %s", arg) : 0;
}

static int event_memfd(const struct strbuf *b)
{
    int fd = memfd_create("event", MFD_CLOEXEC);

    if (fd < 0 || write(fd, b->data, b->len) != (ssize_t)b->len || lseek(fd, 0, SEEK_SET))
        return -errno;
    return fd;
}

int function_prepare(struct sandbox_spec *s, const struct run_options *o, const char *file,
                     struct error *e)
{
    cleanup_strbuf struct strbuf b = STRBUF_INIT;
    json_error_t je;

    if (access(file, R_OK) && !o->rootfs) {
        error_set(e, -errno, "function %s", file);
        return EXIT_USAGE;
    }
    if (read_event(o->event, &b, e))
        return EXIT_USAGE;
    json_t *event = json_loadb(b.data ? b.data : "", b.len, JSON_DECODE_ANY, &je);
    if (!event) {
        error_set(e, 0, "the event is not JSON: %s (line %d, column %d)", je.text, je.line,
                  je.column);
        error_hint(e, "--event takes JSON text, @FILE or - for standard input");
        return EXIT_USAGE;
    }
    json_decref(event);
    if (s->stdio[0] >= 0)
        close(s->stdio[0]);
    s->stdio[0] = event_memfd(&b);
    s->stdio_is_tty[0] = false;
    s->argv = calloc(6, sizeof(char *));
    if (s->stdio[0] < 0 || !s->argv)
        return EXIT_NV;
    s->argv[0] = strdup("node");
    s->argv[1] = strdup("-e");
    s->argv[2] = runner_source;
    s->argv[3] = strdup("--");
    s->argv[4] = strdup(file);
    return 0;
}
