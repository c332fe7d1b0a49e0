/* nv image inspect and nv image diff. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/record.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/image.h"
#include "runsc-cli/text.h"

#define KERNEL_MAX (1UL << 30)
#define TYPES 65536

/* --- records --- */
struct type_sum {
    char name[48];
    uint64_t count, bytes;
};

struct records {
    struct ckpt_dump dump;
    struct type_sum *sums; /* by id of the type */
    json_t *list;          /* of records, with --records --json */
    json_t *fields;        /* of the last one */
    bool print;
};

static void on_record(struct ckpt_dump *d, const struct ckpt_type *type, uint32_t id, size_t bytes)
{
    struct records *r = container_of(d, struct records, dump);
    struct type_sum *s = &r->sums[type->id];

    snprintf(s->name, sizeof(s->name), "%s", type->name);
    s->count++;
    s->bytes += bytes;
    if (r->print)
        printf("%u: %s, %zu bytes\n", id, type->name, bytes);
    if (!r->list)
        return;
    r->fields = json_object();
    json_array_append_new(r->list, json_pack("{s:i,s:s,s:I,s:o}", "id", id, "type", type->name,
                                             "bytes", (json_int_t)bytes, "fields", r->fields));
}

static void on_field(struct ckpt_dump *d, const struct ckpt_field *f, const char *value)
{
    struct records *r = container_of(d, struct records, dump);

    if (r->print)
        printf("    %s=%s\n", f->name, value);
    if (r->list)
        json_object_set_new(r->fields, f->name, json_string(value));
}

/* Sums of all types; what else is set in r is done on the way. */
static int read_records(const struct image *img, struct records *r, struct error *e)
{
    cleanup_free void *kernel = image_read(img, IMAGE_KERNEL, KERNEL_MAX, e);

    r->sums = calloc(TYPES, sizeof(*r->sums));
    if (!kernel || !r->sums)
        return -ENOMEM;
    r->dump = (struct ckpt_dump){.record = on_record, .field = on_field};
    if (ckpt_dump(kernel, img->manifest.parts[IMAGE_KERNEL].size, &r->dump))
        return error_say(e, -EBADMSG, "kernel of image %s has no records that nv can read",
                         img->path);
    return 0;
}

static json_t *sums_to_json(const struct type_sum *s)
{
    json_t *j = json_object();

    for (int i = 0; i < TYPES; i++)
        if (s[i].count)
            json_object_set_new(j, s[i].name,
                                json_pack("{s:I,s:I}", "count", (json_int_t)s[i].count, "bytes",
                                          (json_int_t)s[i].bytes));
    return j;
}

/* --- inspect --- */
static void print_list(const char *title, const struct manifest_list *l)
{
    if (!l->n)
        return;
    printf("%-12s", title);
    for (unsigned int i = 0; i < l->n; i++)
        printf(" %s", text_safe(l->v[i]));
    printf("\n");
}

static void print_parts(const struct manifest *m)
{
    char hex[SHA256_HEX];

    for (int i = 0; i < IMAGE_NPARTS; i++) {
        sha256_to_hex(m->parts[i].sha256, hex);
        if (m->parts[i].present)
            printf("%-12s %s, sha256 %s\n", image_part_name(i), text_size(m->parts[i].size), hex);
        else if (i == IMAGE_WSET)
            printf("%-12s none recorded yet\n", image_part_name(i));
    }
}

static void print_manifest(const struct image *img)
{
    const struct manifest *m = &img->manifest;

    printf("image        %s\n", text_safe(img->path));
    printf("created      %s by nv %s (%s) on %s, Linux %s\n", text_safe(m->created),
           text_safe(m->nv_version), text_safe(m->nv_build), text_safe(m->platform),
           text_safe(m->kernel_release));
    print_list("command", &m->command);
    printf("runtime      %s %s\n", text_safe(m->runtime), text_safe(m->runtime_version));
    printf("process      user %llu:%llu in %s\n", (unsigned long long)m->uid,
           (unsigned long long)m->gid, text_safe(m->cwd));
    printf("sandbox      %s, %llu CPUs, %s, root from %s\n", text_safe(m->hostname),
           (unsigned long long)m->cpus, m->memory ? text_size(m->memory) : "no memory limit",
           text_safe(m->rootfs));
    for (unsigned int i = 0; i < m->nmounts; i++)
        printf("mount        %s on %s%s\n", text_safe(m->mounts[i].source),
               text_safe(m->mounts[i].destination), m->mounts[i].readonly ? " (read-only)" : "");
    printf("cpu          %s, save area of %llu bytes\n", text_safe(m->cpu_level),
           (unsigned long long)m->xsave_size);
    print_list("features", &m->cpu_features);
    print_list("environment", &m->environment);
    if (m->content_key)
        printf("key          %s\n", text_safe(m->content_key));
    for (unsigned int i = 0; i < m->annotation_keys.n; i++)
        printf("annotation   %s=%s\n", text_safe(m->annotation_keys.v[i]),
               text_safe(m->annotation_values.v[i]));
    print_parts(m);
    printf("signature    %s\n", img->is_signed ? "yes" : "no");
}

static void print_sums(const struct type_sum *s)
{
    printf("records\n");
    for (int i = 0; i < TYPES; i++)
        if (s[i].count)
            printf("  %-20s %6llu  %s\n", s[i].name, (unsigned long long)s[i].count,
                   text_size(s[i].bytes));
}

static int inspect(const struct image *img, const struct image_args *a, struct error *e)
{
    struct records r = {.print = a->records && !a->json,
                        .list = a->records && a->json ? json_array() : NULL};

    if (!a->json)
        print_manifest(img);
    int err = read_records(img, &r, e);
    if (!err && a->json) {
        json_t *j = json_pack("{s:s,s:b,s:o,s:o,s:o*}", "path", img->path, "signed", img->is_signed,
                              "manifest", manifest_to_json(&img->manifest), "record_types",
                              sums_to_json(r.sums), "records", steal_ptr(&r.list));
        json_dumpf(j, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(j);
    } else if (!err && !a->records) {
        print_sums(r.sums);
    }
    json_decref(r.list);
    free(r.sums);
    return err ? 1 : 0;
}

int image_verb_inspect(const struct image_args *a, struct error *e)
{
    struct image img;

    if (image_args_open(a, 0, &img, e))
        return 1;
    int code = inspect(&img, a, e);
    image_close(&img);
    return code;
}

/* --- diff: manifests --- */
/* Adds {path: [a, b]} for what differs. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the manifests that we make of what we read */
static void diff_values(json_t *out, const char *path, json_t *a, json_t *b)
{
    const char *key;
    json_t *v;

    if (json_equal(a, b))
        return;
    if (!json_is_object(a) || !json_is_object(b)) {
        json_object_set_new(out, path,
                            json_pack("[O,O]", a ? a : json_null(), b ? b : json_null()));
        return;
    }
    for (int second = 0; second < 2; second++) {
        json_object_foreach(second ? b : a, key, v)
        {
            cleanup_free char *sub = NULL;
            if (second && json_object_get(a, key))
                continue;
            if (asprintf(&sub, "%s%s%s", path, *path ? "." : "", key) < 0)
                return;
            diff_values(out, sub, json_object_get(a, key), json_object_get(b, key));
        }
    }
}

static void print_value(const json_t *v)
{
    cleanup_free char *s = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

    printf("%s", s ? text_safe(s) : "?");
}

static void print_differences(const json_t *d)
{
    const char *path;
    json_t *pair;

    json_object_foreach((json_t *)(uintptr_t)d, path, pair)
    {
        printf("%s: ", text_safe(path));
        print_value(json_array_get(pair, 0));
        printf(" -> ");
        print_value(json_array_get(pair, 1));
        printf("\n");
    }
}

/* --- diff: pages --- */
struct page_sums {
    uint64_t a, b, both; /* both: pages of b whose content is in a */
};

/* Not cryptographic: who makes two pages that collide only misleads himself. */
static uint64_t page_hash(const uint64_t *p)
{
    uint64_t h = 0x9e3779b97f4a7c15ULL;

    for (size_t i = 0; i < NV_PAGE_SIZE / 8; i++) {
        h = (h ^ p[i]) * 0xff51afd7ed558ccdULL;
        h ^= h >> 32;
    }
    return h;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static uint64_t part_pages(const struct image *img, int part)
{
    bool has = part == IMAGE_PAGES || part >= IMAGE_MEMORY;

    return has ? img->manifest.parts[part].size / NV_PAGE_SIZE : 0;
}

static int hash_part(const struct image *img, int part, uint64_t *h, struct error *e)
{
    uint64_t page[NV_PAGE_SIZE / 8];

    for (uint64_t i = 0; i < part_pages(img, part); i++) {
        ssize_t n = pread(img->fd[part], page, sizeof(page), (off_t)(i * sizeof(page)));
        if (n != sizeof(page))
            return error_set(e, n < 0 ? -errno : -EIO, "reading %s of %s", image_part_name(part),
                             img->path);
        h[i] = page_hash(page);
    }
    return 0;
}

/* Sorted hashes of all pages. */
static uint64_t *hash_pages(const struct image *img, uint64_t *n, struct error *e)
{
    int err = 0;

    *n = 0;
    for (int i = 0; i < IMAGE_NPARTS; i++)
        *n += part_pages(img, i);
    cleanup_free uint64_t *h = calloc(*n + 1, sizeof(*h));
    *n = 0;
    for (int i = 0; h && !err && i < IMAGE_NPARTS; i++) {
        err = hash_part(img, i, h + *n, e);
        *n += part_pages(img, i);
    }
    if (!h || err)
        return NULL;
    qsort(h, *n, sizeof(*h), compare_hashes);
    return steal_ptr(&h);
}

static int diff_pages(const struct image *a, const struct image *b, struct page_sums *s,
                      struct error *e)
{
    cleanup_free uint64_t *ha = hash_pages(a, &s->a, e);
    cleanup_free uint64_t *hb = ha ? hash_pages(b, &s->b, e) : NULL;

    if (!ha || !hb)
        return -ENOMEM;
    s->both = 0;
    for (uint64_t i = 0, k = 0; i < s->a && k < s->b;) {
        if (ha[i] == hb[k]) {
            s->both++;
            i++;
            k++;
        } else if (ha[i] < hb[k]) {
            i++;
        } else {
            k++;
        }
    }
    return 0;
}

/* --- diff: the whole --- */
#define RANGES_SHOWN 8

static void print_mapping(const json_t *m)
{
    const json_t *ranges = json_object_get(m, "ranges"), *r;
    const char *name = json_string_value(json_object_get(m, "name"));
    size_t i;

    printf("memory.%lld %s %s%s%s: ", (long long)json_integer_value(json_object_get(m, "memory")),
           json_string_value(json_object_get(m, "range")),
           json_string_value(json_object_get(m, "perms")), name ? " " : "", name ? name : "");
    long long pages = (long long)json_integer_value(json_object_get(m, "pages"));
    if (!ranges) {
        printf("%lld pages, only in the %s\n", pages,
               json_string_value(json_object_get(m, "only_in")));
        return;
    }
    printf("%lld of %lld pages differ:",
           (long long)json_integer_value(json_object_get(m, "differ")), pages);
    json_array_foreach(ranges, i, r)
    {
        long long first = (long long)json_integer_value(json_array_get(r, 0));
        long long n = (long long)json_integer_value(json_array_get(r, 1));
        if (i == RANGES_SHOWN) {
            printf(" ...");
            break;
        }
        printf(n > 1 ? " %lld-%lld" : " %lld", first, first + n - 1);
    }
    printf("\n");
}

static void print_diff(const json_t *manifests, const struct type_sum *a, const struct type_sum *b,
                       const struct page_sums *p, const json_t *memory)
{
    const json_t *m;
    size_t at;

    print_differences(manifests);
    for (int i = 0; i < TYPES; i++)
        if (a[i].count != b[i].count || a[i].bytes != b[i].bytes)
            printf("records %s: %llu (%llu bytes) -> %llu (%llu bytes)\n",
                   a[i].count ? a[i].name : b[i].name, (unsigned long long)a[i].count,
                   (unsigned long long)a[i].bytes, (unsigned long long)b[i].count,
                   (unsigned long long)b[i].bytes);
    json_array_foreach(memory, at, m) print_mapping(m);
    printf("pages: %llu KiB in both, %llu KiB only in the first, %llu KiB only in the second\n",
           (unsigned long long)p->both * 4, (unsigned long long)(p->a - p->both) * 4,
           (unsigned long long)(p->b - p->both) * 4);
}

static int diff(const struct image *a, const struct image *b, bool json, struct error *e)
{
    struct records ra = {0}, rb = {0};
    struct page_sums p = {0};
    json_t *ma = manifest_to_json(&a->manifest), *mb = manifest_to_json(&b->manifest);
    json_t *manifests = json_object();

    diff_values(manifests, "", ma, mb);
    int err = read_records(a, &ra, e);
    if (!err)
        err = read_records(b, &rb, e);
    if (!err)
        err = diff_pages(a, b, &p, e);
    json_t *memory = err ? NULL : image_diff_memory(a, b, e);
    if (!err && !memory)
        err = e->code ? e->code : -EIO;
    if (!err && json) {
        json_t *j =
            json_pack("{s:O,s:o,s:O,s:{s:I,s:I,s:I}}", "manifest", manifests, "record_types",
                      json_pack("[o,o]", sums_to_json(ra.sums), sums_to_json(rb.sums)), "memory",
                      memory, "pages_kib", "both", (json_int_t)p.both * 4, "first",
                      (json_int_t)(p.a - p.both) * 4, "second", (json_int_t)(p.b - p.both) * 4);
        json_dumpf(j, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(j);
    } else if (!err) {
        print_diff(manifests, ra.sums, rb.sums, &p, memory);
    }
    json_decref(memory);
    json_decref(ma);
    json_decref(mb);
    json_decref(manifests);
    free(ra.sums);
    free(rb.sums);
    return err ? 1 : 0;
}

int image_verb_diff(const struct image_args *a, struct error *e)
{
    struct image first, second;

    if (image_args_open(a, 0, &first, e))
        return 1;
    int code = 1;
    if (!image_args_open(a, 1, &second, e)) {
        code = diff(&first, &second, a->json, e);
        image_close(&second);
    }
    image_close(&first);
    return code;
}
