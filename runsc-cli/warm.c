/*
 * nv warm: boots a runtime, loads a function and calls it, and saves the sandbox where it waits for
 * its first real request. What an image was made of is written into it: made again from the same,
 * nothing is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "ckpt/crypto.h"
#include "platform/platform.h"
#include "runsc-cli/baseline.h"
#include "runsc-cli/checkpoint.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/function.h"
#include "runsc-cli/invoke.h"
#include "runsc-cli/request.h"
#include "runsc-cli/spec.h"
#include "runsc-cli/warm.h"
#include "sentry/kernel/loop.h"

#define FILES_KEY "nv.files" /* annotation: what the runtime had loaded, as JSON */

struct warm {
    const struct run_options *o;
    const char *file;
    struct answer loaded; /* JSON: version and files, from the runner */
    bool at_barrier;
    bool shows; /* progress on a terminal */
    uint64_t begin;
    struct manifest manifest;
};

static void show(const struct warm *w, const char *what)
{
    if (w->shows)
        fprintf(stderr, "\r\033[Knv: %s: %s (%.1f s)", w->o->output, what,
                (double)(now_ns() - w->begin) / 1e9);
}

/* --- what an image is made of --- */
/* Where the host has a file of the guest: itself, or the EROFS image it is in. malloc'ed. */
static char *host_path(const struct spawn *sp, const char *path, bool *in_image)
{
    const struct sandbox_mount *best = NULL;
    char *out;

    for (int i = 0; i < sp->spec.nmounts; i++) {
        const struct sandbox_mount *m = &sp->spec.mounts[i];
        size_t n = strlen(m->dst);
        if (!strncmp(path, m->dst, n) && (path[n] == '/' || !path[n]) &&
            (!best || n > strlen(best->dst)))
            best = m;
    }
    *in_image = best ? best->image : sp->spec.root_image;
    if (*in_image)
        return strdup(best ? best->src : sp->rootfs);
    if (asprintf(&out, "%s/%s", best ? best->src : sp->rootfs,
                 best ? path + strlen(best->dst) : path) < 0)
        return NULL;
    return out;
}

/* What is large is known by its size and time. */
static void identify(const struct stat *st, char id[128])
{
    snprintf(id, 128, "%lld %lld.%09ld", (long long)st->st_size, (long long)st->st_mtim.tv_sec,
             st->st_mtim.tv_nsec);
}

static int digest_file(const struct spawn *sp, const char *path, char hex[SHA256_HEX])
{
    bool in_image;
    cleanup_free char *host = host_path(sp, path, &in_image);
    cleanup_close int fd = host ? open(host, O_RDONLY | O_CLOEXEC) : -1;
    uint8_t digest[SHA256_LEN];
    struct stat st;
    char id[128];
    cleanup_error struct error e = ERROR_INIT;

    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
        return -ENOENT;
    identify(&st, id);
    if (in_image ? sha256_data(id, strlen(id), digest, &e)
                 : sha256_file(fd, (uint64_t)st.st_size, -1, digest, &e))
        return -ENOENT;
    sha256_to_hex(digest, hex);
    return 0;
}

static int identify_program(const struct spawn *sp, const char *path, char id[128])
{
    bool in_image;
    cleanup_free char *host = host_path(sp, path, &in_image);
    struct stat st;

    if (!host || stat(host, &st))
        return -ENOENT;
    identify(&st, id);
    return 0;
}

/* Everything but files: the build of nv, options, environment. */
static int settings_key(const struct warm *w, const struct spawn *sp, const char *event,
                        char hex[SHA256_HEX], struct error *e)
{
    const struct sandbox_spec *s = &sp->spec;
    cleanup_strbuf struct strbuf b = STRBUF_INIT;
    uint8_t digest[SHA256_LEN];

    strbuf_printf(&b, "%s %s\n%s\n%s\n%s\n%s\n%d %u %u %d %lu %s %d\n%s\n", NV_VERSION,
                  nv_build_id(), platform->name, w->file, s->cwd, sp->rootfs, w->o->calls, s->uid,
                  s->gid, w->o->cpus, (unsigned long)w->o->memory, s->cpu_level, s->cpu_hidden,
                  event);
    for (int i = 0; i < s->nmounts; i++)
        strbuf_printf(&b, "%s:%s:%d\n", s->mounts[i].src, s->mounts[i].dst, s->mounts[i].readonly);
    for (char **v = s->envp; *v; v++)
        strbuf_printf(&b, "%s\n", *v);
    if (b.failed)
        return error_set(e, -ENOMEM, "warming %s", w->file);
    int err = sha256_data(b.data, b.len, digest, e);
    if (!err)
        sha256_to_hex(digest, hex);
    return err;
}

/* Adds identities to the runner's list: {"version", "program", "id", "files": {path: digest}}. */
static int describe_files(struct warm *w, const struct spawn *sp, struct error *e)
{
    json_t *in = json_loadb(w->loaded.text ? w->loaded.text : "", w->loaded.len, 0, NULL);
    const char *program = json_string_value(json_object_get(in, "program"));
    const char *version = json_string_value(json_object_get(in, "version"));
    json_t *list = json_object_get(in, "files"), *files = json_object(), *item;
    char id[128], hex[SHA256_HEX];
    size_t i;
    int err = program && version && json_is_array(list) ? 0 : -EBADMSG;

    if (!err)
        err = identify_program(sp, program, id);
    json_array_foreach(list, i, item)
    {
        const char *path = json_string_value(item);
        if (!err && path && !digest_file(sp, path, hex))
            json_object_set_new(files, path, json_string(hex));
    }
    json_t *out =
        err ? NULL : json_pack("{s:s,s:s,s:O}", "program", program, "id", id, "files", files);
    cleanup_free char *text = out ? json_dumps(out, JSON_COMPACT) : NULL;
    if (!err && (!text || manifest_annotate(&w->manifest, FILES_KEY, text)))
        err = -ENOMEM;
    if (!err) {
        w->manifest.runtime = strdup("node");
        w->manifest.runtime_version = strdup(version);
    }
    json_decref(out);
    json_decref(files);
    json_decref(in);
    return err ? error_set(e, err, "reading what the runtime has loaded") : 0;
}

static bool files_unchanged(const struct spawn *sp, const char *text)
{
    json_t *in = json_loads(text, 0, NULL), *digest;
    const char *program = json_string_value(json_object_get(in, "program"));
    const char *id = json_string_value(json_object_get(in, "id"));
    const char *path;
    char now[128], hex[SHA256_HEX];

    bool same = program && id && !identify_program(sp, program, now) && !strcmp(id, now);
    json_object_foreach(json_object_get(in, "files"), path, digest)
    {
        if (same)
            same = json_is_string(digest) && !digest_file(sp, path, hex) &&
                   !strcmp(hex, json_string_value(digest));
    }
    json_decref(in);
    return same;
}

static const char *warm_files(const struct manifest *m)
{
    for (unsigned int i = 0; i < m->annotation_keys.n; i++)
        if (!strcmp(m->annotation_keys.v[i], FILES_KEY))
            return m->annotation_values.v[i];
    return NULL;
}

bool warm_usable(const struct image *img, const struct spawn *sp)
{
    const struct manifest *m = &img->manifest;
    const char *files = warm_files(m);

    return m->runtime && !strcmp(m->runtime, "node") && m->uid == sp->spec.uid &&
           m->gid == sp->spec.gid && m->rootfs && !strcmp(m->rootfs, sp->rootfs) && !m->nmounts &&
           files && files_unchanged(sp, files);
}

static bool up_to_date(const struct warm *w, const struct spawn *sp, const char *key)
{
    cleanup_error struct error e = ERROR_INIT;
    struct image img;
    const char *files = NULL;

    if (image_open(&img, w->o->output, 0, NULL, &e))
        return false;
    const struct manifest *m = &img.manifest;
    files = warm_files(m);
    bool same =
        m->content_key && !strcmp(m->content_key, key) && files && files_unchanged(sp, files);
    same = same && (img.fd[IMAGE_WSET] >= 0 || !*w->file); /* killed before that was recorded */
    image_close(&img);
    return same;
}

/* --- warming --- */
static bool warm_message(struct session *s, struct session_message *msg)
{
    struct warm *w = s->arg;

    if (msg->m.type == CTL_RESPONSE) {
        s->arg = &w->loaded;
        answer_received(s, msg);
        s->arg = w;
        show(w, "warm");
        return false;
    }
    if (msg->m.type == CTL_BARRIER)
        w->at_barrier = true;
    return w->at_barrier;
}

static int warm_session(struct warm *w, struct session *s, struct error *e)
{
    struct checkpoint c = {.name = w->o->output, .manifest = &w->manifest, .settle = true};

    show(w, "booting the runtime");
    session_run(s);
    if (!w->at_barrier) {
        error_set(e, 0, "%s ended before it was warm", *w->file ? w->file : "the runtime");
        error_hint(e, "what it said is above; nv run %s --event ... shows more", w->file);
        return EXIT_NV;
    }
    show(w, "saving");
    if (describe_files(w, &s->sp, e) || checkpoint_take(s, &c, e))
        return EXIT_NV;
    if (w->shows)
        fprintf(stderr, "\r\033[K");
    fprintf(stderr,
            "nv: %s: warm in %.0f ms (stopped in %.1f ms, saved in %.0f ms, checked and on disk in "
            "%.0f ms)\n",
            w->o->output, (double)(now_ns() - w->begin) / 1e6, c.freeze_ms, c.save_ms, c.commit_ms);
    return 0;
}

static int sign(const struct warm *w, struct error *e)
{
    return w->o->sign_key && image_sign(w->o->output, w->o->sign_key, e) ? EXIT_NV : 0;
}

/* Nothing of the terminal or a pipe may be part of an image: only standard error is seen. */
static void close_streams(struct sandbox_spec *s)
{
    for (int i = 0; i < 2; i++) {
        if (s->stdio[i] >= 0)
            close(s->stdio[i]);
        s->stdio[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
        s->stdio_is_tty[i] = false;
    }
}

static int warm_image(struct warm *w, int argc, char **argv, struct error *e)
{
    struct session s = {.signals = -1, .message = warm_message, .arg = w};
    cleanup_strbuf struct strbuf event = STRBUF_INIT;
    char key[SHA256_HEX];

    int code = function_event(w->o->event, &event, e);
    if (!code)
        code = spec_fill_common(&s.sp, w->o, argc, argv, e);
    if (!code && settings_key(w, &s.sp, event.data, key, e))
        code = EXIT_NV;
    if (code)
        return code;
    if (!w->o->force && up_to_date(w, &s.sp, key)) {
        fprintf(stderr, "nv: %s: up to date\n", w->o->output);
        return sign(w, e);
    }
    w->manifest.content_key = strdup(key);
    baseline_warn(&s.sp.spec);
    close_streams(&s.sp.spec);
    code = function_prepare_warm(&s.sp.spec, w->file, event.data, w->o->calls, e);
    if (!code)
        code = session_begin(&s, w->o, w->o->memory, e);
    if (code)
        return code;
    code = warm_session(w, &s, e);
    session_end(&s);
    if (!code && *w->file && invoke_record(w->o->output, w->o, event.data, e))
        code = EXIT_NV;
    if (!code)
        code = sign(w, e);
    if (!code && image_check_ahead(w->o->output, e))
        code = EXIT_NV;
    if (s.ended && !w->at_barrier && (s.timed_out || s.status > 0))
        code = session_exit_code(&s);
    return code;
}

int verb_warm(int argc, char **argv)
{
    struct run_options o = {0};
    cleanup_error struct error e = ERROR_INIT;

    int code = options_parse(VERB_WARM, argc, argv, &o);
    if (code)
        return code < 0 ? 0 : code;
    if (!o.output)
        return usage_error("warm", "the image has no name: -o NAME");
    bool any = o.first_arg == argc; /* a runtime for whatever function */
    cleanup_free char *file = any ? strdup("") : realpath(argv[o.first_arg], NULL);
    if (!file && !o.rootfs) {
        error_set(&e, -errno, "function %s", argv[o.first_arg]);
        error_print(&e);
        return EXIT_USAGE;
    }
    struct warm w = {.o = &o,
                     .file = o.rootfs && !any ? argv[o.first_arg] : file,
                     .loaded = {.code = -1},
                     .shows = isatty(2),
                     .begin = now_ns()};
    platform = platform_find(o.platform, &e);
    code = platform ? warm_image(&w, argc, argv, &e) : EXIT_NV;
    if (w.shows && code)
        fprintf(stderr, "\r\033[K");
    if (e.what)
        error_print(&e);
    answer_free(&w.loaded);
    manifest_free(&w.manifest);
    return code;
}
