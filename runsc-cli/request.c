/* See request.h. Answers come from the guest: any bytes of any length. */
#include "runsc-cli/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX (64UL << 20)
#define EXIT_CODE_MAX 255
#define ANSWER_ID_MAX (1ULL << 53) /* what a number of JavaScript can hold */

static void put_variable(struct strbuf *b, const char *name, size_t len, const char *value)
{
    char *copy = strndup(name, len);

    strbuf_puts(b, b->data[b->len - 1] == '{' ? "" : ",");
    strbuf_json_string(b, copy ? copy : "");
    strbuf_putc(b, ':');
    strbuf_json_string(b, value);
    free(copy);
}

static void put_options_environment(struct strbuf *b, const struct run_options *o)
{
    for (int i = 0; i < o->nenv; i++) {
        size_t len = strcspn(o->env[i], "=");
        const char *value = o->env[i][len] ? o->env[i] + len + 1 : getenv(o->env[i]);
        if (value)
            put_variable(b, o->env[i], len, value);
    }
}

static void put_event(struct strbuf *b, const struct run_options *o, const char *event)
{
    strbuf_printf(b, "\"event\":%s,\"env\":{", event);
    put_options_environment(b, o);
    strbuf_puts(b, "}}");
}

void request_format(struct strbuf *b, const struct run_options *o, const char *event)
{
    strbuf_putc(b, '{');
    put_event(b, o, event);
}

void request_format_numbered(struct strbuf *b, const struct run_options *o, const char *event,
                             uint64_t id)
{
    strbuf_printf(b, "{\"id\":%llu,", (unsigned long long)id);
    put_event(b, o, event);
}

/* Names twice: in JSON the last one counts. */
void request_format_function(struct strbuf *b, const struct run_options *o, const char *event,
                             const char *file, const char *cwd)
{
    strbuf_printf(b, "{\"event\":%s,\"only\":true,\"file\":", event);
    strbuf_json_string(b, file);
    strbuf_puts(b, ",\"cwd\":");
    strbuf_json_string(b, cwd);
    strbuf_puts(b, ",\"env\":{");
    for (char **v = environ; *v; v++) {
        size_t len = strcspn(*v, "=");
        put_variable(b, *v, len, (*v)[len] ? *v + len + 1 : "");
    }
    put_options_environment(b, o);
    strbuf_puts(b, "}}");
}

/* The number at data[*i]; false: there is none that is at most max. */
static bool parse_number(const char *data, size_t len, size_t *i, uint64_t max, uint64_t *out)
{
    size_t begin = *i;

    for (*out = 0; *i < len && data[*i] >= '0' && data[*i] <= '9' && *out <= max; ++*i)
        *out = *out * 10 + (uint64_t)(data[*i] - '0');
    return *i > begin && *out <= max;
}

/* "CODE\n" or "CODE ID\n", then the text. */
static int answer_parse(struct answer *a, const char *data, size_t len)
{
    uint64_t code, id = 0;
    size_t i = 0;

    if (!parse_number(data, len, &i, EXIT_CODE_MAX, &code))
        return -EBADMSG;
    if (i < len && data[i] == ' ' && (i++, !parse_number(data, len, &i, ANSWER_ID_MAX, &id)))
        return -EBADMSG;
    if (i == len || data[i] != '\n')
        return -EBADMSG;
    a->len = len - i - 1;
    a->text = malloc(a->len ? a->len : 1);
    if (!a->text)
        return -ENOMEM;
    memcpy(a->text, data + i + 1, a->len);
    a->code = (int)code;
    a->id = id;
    return 0;
}

static int answer_from_fd(struct answer *a, int fd, int len)
{
    if (len < 0 || (size_t)len > ANSWER_MAX)
        return -EMSGSIZE;
    char *data = malloc((size_t)len + 1);
    ssize_t n = data ? pread(fd, data, (size_t)len, 0) : -1;
    int err = n == len ? answer_parse(a, data, (size_t)len) : -EIO;
    free(data);
    return err;
}

bool answer_received(struct session *s, struct session_message *msg)
{
    struct answer *a = s->arg;

    if (msg->m.type != CTL_RESPONSE)
        return false;
    answer_free(a);
    int err = msg->nfds == 1 ? answer_from_fd(a, msg->fds[0], msg->m.value)
                             : answer_parse(a, msg->payload, msg->len);
    if (err) {
        fprintf(stderr, "nv: the answer is not of the form CODE [ID], newline, result: %s\n",
                strerror(-err));
        a->code = 1;
    }
    return true;
}

void answer_print(const struct answer *a)
{
    FILE *out = a->code ? stderr : stdout;

    if (a->len && fwrite(a->text, 1, a->len, out) != a->len)
        fprintf(stderr, "nv: writing the result: %s\n", strerror(errno));
    fflush(out);
}

void answer_free(struct answer *a)
{
    free(a->text);
    *a = (struct answer){.code = -1};
}
