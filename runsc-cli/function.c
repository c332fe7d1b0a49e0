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
#include "base/macros.h"
#include "base/strbuf.h"
#include "runsc-cli/baseline.h"
#include "runsc-cli/cli.h"

extern char runner_source[];
extern const unsigned char reseed_module[];
extern const uint64_t reseed_module_size;

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

int function_event(const char *arg, struct strbuf *b, struct error *e)
{
    json_error_t je;

    if (read_event(arg, b, e))
        return EXIT_USAGE;
    json_t *event = json_loadb(b->data ? b->data : "", b->len, JSON_DECODE_ANY, &je);
    if (!event) {
        error_set(e, 0, "the event is not JSON: %s (line %d, column %d)", je.text, je.line,
                  je.column);
        error_hint(e, "--event takes JSON text, @FILE or - for standard input");
        return EXIT_USAGE;
    }
    json_decref(event);
    return 0;
}

static char *module_base64(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = reseed_module;
    size_t n = reseed_module_size, k = 0;
    char *out = malloc(n / 3 * 4 + 5);

    for (size_t i = 0; out && i < n; i += 3) {
        unsigned int left = (unsigned int)MIN(n - i, 3UL);
        unsigned int v = (unsigned int)p[i] << 16 | (left > 1 ? (unsigned int)p[i + 1] << 8 : 0) |
                         (left > 2 ? p[i + 2] : 0);
        for (unsigned int d = 0; d < 4; d++)
            out[k++] = (char)(d <= left ? digits[v >> (18 - 6 * d) & 63] : '=');
    }
    if (out)
        out[k] = 0;
    return out;
}

static int set_argv(struct sandbox_spec *s, const char *file, const char *settings)
{
    int n = 0;

    s->argv = calloc(7 + NODE_FLAGS_MAX, sizeof(char *));
    if (!s->argv)
        return EXIT_NV;
    s->argv[n++] = strdup("node");
    n += baseline_node_flags(s, s->argv + n);
    s->argv[n++] = strdup("-e");
    s->argv[n++] = runner_source;
    s->argv[n++] = strdup("--");
    s->argv[n++] = strdup(file);
    s->argv[n] = settings ? strdup(settings) : NULL;
    return 0;
}

int function_prepare_warm(struct sandbox_spec *s, const char *file, const char *event, int calls,
                          struct error *e)
{
    cleanup_free char *module = module_base64();
    cleanup_strbuf struct strbuf settings = STRBUF_INIT;

    strbuf_printf(&settings, "{\"reseed\":\"%s\",\"calls\":%d,\"event\":%s}", module ? module : "",
                  calls, event);
    if (!module || settings.failed)
        return error_set(e, -ENOMEM, "function %s", file), EXIT_NV;
    return set_argv(s, file, settings.data);
}

int function_prepare(struct sandbox_spec *s, const struct run_options *o, const char *file,
                     struct error *e)
{
    cleanup_strbuf struct strbuf b = STRBUF_INIT;

    if (access(file, R_OK) && !o->rootfs) {
        error_set(e, -errno, "function %s", file);
        return EXIT_USAGE;
    }
    int code = function_event(o->event, &b, e);
    if (code)
        return code;
    if (s->stdio[0] >= 0)
        close(s->stdio[0]);
    s->stdio[0] = event_memfd(&b);
    s->stdio_is_tty[0] = false;
    return s->stdio[0] < 0 ? EXIT_NV : set_argv(s, file, NULL);
}
