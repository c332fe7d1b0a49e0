/* nv image: images on disk, their verbs but for inspect and diff. */
#include "runsc-cli/image.h"
#include "runsc-cli/invoke.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/cpu.h"
#include "ckpt/oci.h"
#include "ckpt/record.h"
#include "platform/platform.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/text.h"
#include "sentry/kernel/loop.h"

#define KERNEL_MAX (1UL << 30)

int image_args_open(const struct image_args *a, int i, struct image *img, struct error *e)
{
    return image_open(img, a->names[i], a->trust ? IMAGE_TRUST : 0, a->require, e);
}

/* --- ls --- */
struct listing {
    json_t *all; /* NULL: print */
};

static void print_line(const char *name, const struct image *img)
{
    const struct manifest *m = &img->manifest;
    uint64_t size = 0;

    for (int i = 0; i < IMAGE_NPARTS; i++)
        size += m->parts[i].size;
    printf("%-20s %-20s %-8s %10s  %-6s %-6s", name, text_safe(m->created), text_safe(m->runtime),
           text_size(size), m->parts[IMAGE_WSET].present ? "yes" : "no",
           img->is_signed ? "yes" : "no");
    for (unsigned int i = 0; i < m->command.n && i < 4; i++)
        printf(" %s", text_safe(m->command.v[i]));
    printf("\n");
}

static void list_one(void *arg, const char *name, const char *path)
{
    struct listing *l = arg;
    struct error e = ERROR_INIT;
    struct image img;

    if (image_open(&img, path, IMAGE_TRUST, NULL, &e)) {
        if (l->all)
            json_array_append_new(
                l->all, json_pack("{s:s,s:s,s:s*}", "name", name, "path", path, "error", e.what));
        else
            printf("%-20s damaged: %s\n", name, text_safe(e.what));
        error_free(&e);
        return;
    }
    if (l->all)
        json_array_append_new(l->all, json_pack("{s:s,s:s,s:b,s:o}", "name", name, "path", path,
                                                "signed", img.is_signed, "manifest",
                                                manifest_to_json(&img.manifest)));
    else
        print_line(name, &img);
    image_close(&img);
}

static int verb_ls(const struct image_args *a, struct error *e)
{
    struct listing l = {a->json ? json_array() : NULL};

    if (!a->json)
        printf("%-20s %-20s %-8s %10s  %-6s %-6s %s\n", "NAME", "CREATED", "RUNTIME", "SIZE",
               "WSET", "SIGNED", "COMMAND");
    int err = image_list(list_one, &l, e);
    if (a->json && !err) {
        json_dumpf(l.all, stdout, JSON_INDENT(2));
        printf("\n");
    }
    json_decref(l.all);
    return err ? EXIT_NV : 0;
}

/* --- verify --- */
static int check_records(const struct image *img, struct error *e)
{
    struct ckpt_dump none = {0};
    cleanup_free void *kernel = image_read(img, IMAGE_KERNEL, KERNEL_MAX, e);

    if (!kernel)
        return -EIO;
    if (ckpt_dump(kernel, img->manifest.parts[IMAGE_KERNEL].size, &none))
        return error_say(e, -EBADMSG, "kernel of image %s has no records that nv can read",
                         img->path);
    for (int i = 0; i < IMAGE_NPARTS; i++)
        if ((i == IMAGE_PAGES || i >= IMAGE_MEMORY) && img->manifest.parts[i].size % NV_PAGE_SIZE)
            return error_say(e, -EBADMSG, "%s of image %s is not whole pages", image_part_name(i),
                             img->path);
    return 0;
}

static int verb_verify(const struct image_args *a, struct error *e)
{
    struct image img;
    uint64_t bytes = 0, start = now_ns();
    struct error cpu = ERROR_INIT;

    int err = image_open(&img, a->names[0], IMAGE_FULL, a->require, e);
    double ms = (double)(now_ns() - start) / 1e6;
    if (!err)
        err = check_records(&img, e);
    bool fits = !err && !cpu_check(&img.manifest, &cpu);
    for (int i = 0; !err && i < IMAGE_NPARTS; i++)
        bytes += img.manifest.parts[i].size;
    if (a->json) {
        json_t *j = json_pack("{s:s,s:b,s:I,s:f,s:b,s:b,s:b,s:s*,s:s*}", "image", a->names[0], "ok",
                              !err, "bytes", (json_int_t)bytes, "ms", ms, "signed",
                              !err && img.is_signed, "signature_checked", !err && a->require,
                              "cpu_ok", fits, "cpu", cpu.what, "error", err ? e->what : NULL);
        json_dumpf(j, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(j);
    } else if (!err) {
        printf("%s: digests of %s match (%.1f ms, %.0f MB/s)\n", text_safe(a->names[0]),
               text_size(bytes), ms, (double)bytes / 1e3 / ms);
        printf("signature: %s\n", a->require      ? "is that of the key"
                                  : img.is_signed ? "there, not checked (--require-signature KEY)"
                                                  : "none");
        printf("cpu: %s\n", fits ? "this host has all it needs" : text_safe(cpu.what));
    }
    if (!err)
        image_close(&img);
    error_free(&cpu);
    return err ? 1 : 0;
}

/* --- the others --- */
static int verb_rm(const struct image_args *a, struct error *e)
{
    return image_remove(a->names[0], e) ? 1 : 0;
}

static int verb_sign(const struct image_args *a, struct error *e)
{
    if (!a->key)
        return usage_error("image sign", "--key FILE is missing");
    return image_sign(a->names[0], a->key, e) ? 1 : 0;
}

static int verb_export(const struct image_args *a, struct error *e)
{
    struct image img;

    if (!a->oci)
        return usage_error("image export", "--oci DIR is missing");
    if (image_args_open(a, 0, &img, e))
        return 1;
    int err = oci_export(&img, a->names[0], a->oci, e);
    image_close(&img);
    return err ? 1 : 0;
}

static int verb_import(const struct image_args *a, struct error *e)
{
    cleanup_free char *name = NULL;

    if (oci_import(a->names[0], a->nnames > 1 ? a->names[1] : NULL, &name, e))
        return 1;
    printf("%s\n", text_safe(name));
    return 0;
}

int image_verb_optimize(const struct image_args *a, struct error *e)
{
    const struct run_options o = {.verb = VERB_INVOKE, .trust = a->trust};

    platform = platform_find(NULL, e);
    return !platform || invoke_record(a->names[0], &o, "{}", e) ? EXIT_NV : 0;
}

/* --- which one --- */
enum takes { JSON = 1, TRUST = 2, RECORDS = 4, KEY = 8, OCI = 16, REQUIRE = 32 };

static const struct sub {
    const char *name, *args, *what;
    int (*run)(const struct image_args *a, struct error *e);
    unsigned int options;
    int min, max; /* names */
} subs[] = {
    {"ls", "[--json]", "list the images", verb_ls, JSON, 0, 0},
    {"inspect", "[--records] [--trust] [--json] NAME", "what an image is of and holds",
     image_verb_inspect, JSON | TRUST | RECORDS | REQUIRE, 1, 1},
    {"verify", "[--require-signature PUBKEY] [--json] NAME", "compute and compare all digests",
     verb_verify, JSON | REQUIRE, 1, 1},
    {"diff", "[--trust] [--json] A B", "what differs between two images", image_verb_diff,
     JSON | TRUST, 2, 2},
    {"rm", "NAME", "remove an image", verb_rm, 0, 1, 1},
    {"sign", "--key FILE NAME", "sign with an ed25519 key", verb_sign, KEY, 1, 1},
    {"optimize", "NAME", "record the working set of a restore", image_verb_optimize, TRUST, 1, 1},
    {"export", "--oci DIR NAME", "write an OCI image layout", verb_export, OCI | TRUST | REQUIRE, 1,
     1},
    {"import", "DIR [NAME]", "make an image of an OCI image layout", verb_import, 0, 1, 2},
};

static int help(FILE *out)
{
    fprintf(out, "usage: nv image VERB ...\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(subs); i++)
        fprintf(out, "  nv image %s %s\n      %s\n", subs[i].name, subs[i].args, subs[i].what);
    fprintf(out, "\nNAME is an image of $NV_IMAGE_DIR, else of /var/lib/nv/images (root) or\n"
                 "~/.local/share/nv/images; with a slash in it, it is a directory.\n");
    return out == stdout ? 0 : EXIT_USAGE;
}

/* 0, or -1: it is none of ours. */
static int take_option(const struct sub *sub, const char *arg, const char *next, bool *took_next,
                       struct image_args *a)
{
    const struct {
        const char *name;
        unsigned int bit;
        bool *flag;
        const char **value;
    } options[] = {
        {"--json", JSON, &a->json, NULL},
        {"--trust", TRUST, &a->trust, NULL},
        {"--records", RECORDS, &a->records, NULL},
        {"--key", KEY, NULL, &a->key},
        {"--oci", OCI, NULL, &a->oci},
        {"--require-signature", REQUIRE, NULL, &a->require},
    };

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        size_t n = strlen(options[i].name);
        if (!(sub->options & options[i].bit) || strncmp(arg, options[i].name, n))
            continue;
        if (options[i].flag && !arg[n]) {
            *options[i].flag = true;
            return 0;
        }
        if (options[i].value && (arg[n] == '=' || (!arg[n] && next))) {
            *options[i].value = arg[n] ? arg + n + 1 : next;
            *took_next = !arg[n];
            return 0;
        }
    }
    return -1;
}

static int parse(const struct sub *sub, int argc, char **argv, struct image_args *a)
{
    for (int i = 2; i < argc; i++) {
        bool took_next = false;
        if (argv[i][0] == '-' && argv[i][1]) {
            if (take_option(sub, argv[i], argv[i + 1], &took_next, a))
                return usage_error("image", "%s: unknown option or missing argument: %s", sub->name,
                                   argv[i]);
            i += took_next;
        } else if (a->nnames < sub->max) {
            a->names[a->nnames++] = argv[i];
        } else {
            return usage_error("image", "%s: unexpected argument '%s'", sub->name, argv[i]);
        }
    }
    if (a->nnames < sub->min)
        return usage_error("image", "%s: expected %s", sub->name, sub->args);
    return 0;
}

int verb_image(int argc, char **argv)
{
    struct error e = ERROR_INIT;
    struct image_args a = {0};

    if (argc < 2)
        return help(stderr);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return help(stdout);
    for (size_t i = 0; i < ARRAY_SIZE(subs); i++) {
        if (strcmp(argv[1], subs[i].name))
            continue;
        int code = parse(&subs[i], argc, argv, &a);
        if (code)
            return code;
        code = subs[i].run(&a, &e);
        if (code && e.what)
            error_print(&e);
        error_free(&e);
        return code;
    }
    return usage_error("image", "unknown verb '%s'", argv[1]);
}
