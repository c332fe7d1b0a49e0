/* See manifest.h. One table says what is read, written and released. */
#include "ckpt/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"

#define NAME_MAX_LEN 128
#define TEXT_MAX 4096
#define LIST_MAX 1024
#define LIST_KEPT 256        /* of a command line, when writing */
#define PART_MAX (1LL << 46) /* what a guest can map */

const char *image_part_name(int part)
{
    static const char *const names[] = {"kernel", "pages", "wset"};
    static char memory[CKPT_MEMORIES_MAX][12];

    if (part < IMAGE_MEMORY)
        return names[part];
    char *name = memory[part - IMAGE_MEMORY];
    if (!*name)
        snprintf(name, sizeof(memory[0]), "memory.%u", (uint8_t)(part - IMAGE_MEMORY));
    return name;
}
_Static_assert(CKPT_MEMORIES_MAX <= 256, "a number of three digits");

enum kind {
    STRING, /* max: longest */
    UINT,   /* max: largest */
    LIST,   /* of strings; max: longest of them */
    CUT,    /* a LIST that only informs: written as far as it fits */
};

struct field {
    const char *path;
    enum kind kind;
    size_t offset;
    uint64_t max;
};

#define FIELD(path_, kind_, member, max_)                                                          \
    {                                                                                              \
        .path = (path_), .kind = (kind_), .offset = offsetof(struct manifest, member),             \
        .max = (max_)                                                                              \
    }
static const struct field fields[] = {
    FIELD("created", STRING, created, NAME_MAX_LEN),
    FIELD("nv.version", STRING, nv_version, NAME_MAX_LEN),
    FIELD("nv.build", STRING, nv_build, NAME_MAX_LEN),
    FIELD("host.platform", STRING, platform, NAME_MAX_LEN),
    FIELD("host.kernel", STRING, kernel_release, NAME_MAX_LEN),
    FIELD("cpu.level", STRING, cpu_level, NAME_MAX_LEN),
    FIELD("cpu.enforced", UINT, cpu_enforced, 1),
    FIELD("cpu.features", LIST, cpu_features, NAME_MAX_LEN),
    FIELD("cpu.xsave.features", UINT, xsave_features, INT64_MAX),
    FIELD("cpu.xsave.size", UINT, xsave_size, 1 << 20),
    FIELD("process.command", CUT, command, TEXT_MAX),
    FIELD("process.environment", CUT, environment, TEXT_MAX),
    FIELD("process.cwd", STRING, cwd, TEXT_MAX),
    FIELD("process.uid", UINT, uid, UINT32_MAX - 1),
    FIELD("process.gid", UINT, gid, UINT32_MAX - 1),
    FIELD("runtime.kind", STRING, runtime, NAME_MAX_LEN),
    FIELD("runtime.version", STRING, runtime_version, NAME_MAX_LEN),
    FIELD("sandbox.hostname", STRING, hostname, 64),
    FIELD("sandbox.memory", UINT, memory, 1ULL << 50),
    FIELD("sandbox.cpus", UINT, cpus, 1024),
    FIELD("sandbox.rootfs", STRING, rootfs, TEXT_MAX),
    FIELD("sandbox.rootfs_image", UINT, root_image, 1),
    FIELD("content_key", STRING, content_key, NAME_MAX_LEN),
};

static char **string_of(const struct manifest *m, const struct field *f)
{
    return (char **)((char *)(uintptr_t)m + f->offset);
}

static uint64_t *uint_of(const struct manifest *m, const struct field *f)
{
    return (uint64_t *)((char *)(uintptr_t)m + f->offset);
}

static struct manifest_list *list_of(const struct manifest *m, const struct field *f)
{
    return (struct manifest_list *)((char *)(uintptr_t)m + f->offset);
}

/* --- ownership --- */
static void list_free(struct manifest_list *l)
{
    for (unsigned int i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
}

void manifest_free(struct manifest *m)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (fields[i].kind == STRING)
            free(*string_of(m, &fields[i]));
        else if (fields[i].kind != UINT)
            list_free(list_of(m, &fields[i]));
    }
    for (unsigned int i = 0; i < m->nmounts; i++) {
        free(m->mounts[i].source);
        free(m->mounts[i].destination);
    }
    list_free(&m->annotation_keys);
    list_free(&m->annotation_values);
    *m = (struct manifest){0};
}

int manifest_list_add(struct manifest_list *l, const char *s)
{
    /* Grown by powers of two; one more for a NULL, so that it can serve as an argv. */
    if (!(l->n & (l->n + 1))) {
        char **v = reallocarray(l->v, ((size_t)l->n + 1) * 2, sizeof(*v));
        if (!v)
            return -ENOMEM;
        l->v = v;
    }
    l->v[l->n] = strdup(s);
    if (!l->v[l->n])
        return -ENOMEM;
    l->v[++l->n] = NULL;
    return 0;
}

int manifest_add_mount(struct manifest *m, const char *source, const char *destination,
                       bool readonly, bool image)
{
    if (m->nmounts == MANIFEST_MOUNTS_MAX)
        return -E2BIG;
    struct manifest_mount *mt = &m->mounts[m->nmounts++];
    *mt = (struct manifest_mount){strdup(source), strdup(destination), readonly, image};
    return mt->source && mt->destination ? 0 : -ENOMEM;
}

int manifest_annotate(struct manifest *m, const char *key, const char *value)
{
    for (unsigned int i = 0; i < m->annotation_keys.n; i++) {
        if (strcmp(m->annotation_keys.v[i], key))
            continue;
        char *copy = strdup(value);
        if (!copy)
            return -ENOMEM;
        free(m->annotation_values.v[i]);
        m->annotation_values.v[i] = copy;
        return 0;
    }
    if (m->annotation_keys.n == MANIFEST_ANNOTATIONS_MAX)
        return -E2BIG;
    int err = manifest_list_add(&m->annotation_values, value);
    return err ? err : manifest_list_add(&m->annotation_keys, key);
}

/* --- reading --- */
static int wrong(struct error *e, const char *path, const char *expected)
{
    return error_say(e, -EBADMSG, "manifest.json: %s is not %s", path, expected);
}

static json_t *lookup(json_t *root, const char *path)
{
    char name[64];

    while (root) {
        size_t n = strcspn(path, ".");
        memcpy(name, path, n);
        name[n] = 0;
        root = json_object_get(root, name);
        if (!path[n])
            break;
        path += n + 1;
    }
    return root;
}

static int take_string(const json_t *j, const char *path, uint64_t max, char **to, struct error *e)
{
    if (!json_is_string(j))
        return wrong(e, path, "a string");
    if (json_string_length(j) > max)
        return error_say(e, -EBADMSG, "manifest.json: %s is longer than %llu bytes", path,
                         (unsigned long long)max);
    *to = strdup(json_string_value(j));
    return *to ? 0 : error_set(e, -ENOMEM, "manifest.json");
}

static int take_uint(const json_t *j, const char *path, uint64_t max, uint64_t *to, struct error *e)
{
    if (!json_is_integer(j) || json_integer_value(j) < 0)
        return wrong(e, path, "a number of 0 or more");
    if ((uint64_t)json_integer_value(j) > max)
        return error_say(e, -EBADMSG, "manifest.json: %s is more than %llu", path,
                         (unsigned long long)max);
    *to = (uint64_t)json_integer_value(j);
    return 0;
}

static int take_list(const json_t *j, const char *path, uint64_t max, struct manifest_list *to,
                     struct error *e)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(j) || json_array_size(j) > LIST_MAX)
        return wrong(e, path, "a list of strings, 1024 at most");
    json_array_foreach(j, i, item)
    {
        if (!json_is_string(item) || json_string_length(item) > max)
            return wrong(e, path, "a list of strings of bounded length");
        if (manifest_list_add(to, json_string_value(item)))
            return error_set(e, -ENOMEM, "manifest.json");
    }
    return 0;
}

static int take_field(json_t *root, const struct field *f, struct manifest *m, struct error *e)
{
    const json_t *j = lookup(root, f->path);

    if (!j)
        return 0;
    if (f->kind == STRING)
        return take_string(j, f->path, f->max, string_of(m, f), e);
    if (f->kind == UINT)
        return take_uint(j, f->path, f->max, uint_of(m, f), e);
    return take_list(j, f->path, f->max, list_of(m, f), e);
}

static int take_groups(json_t *root, struct manifest *m, struct error *e)
{
    const json_t *list = lookup(root, "process.groups"), *item;
    size_t i;

    if (list && (!json_is_array(list) || json_array_size(list) > MANIFEST_GROUPS_MAX))
        return wrong(e, "process.groups", "a list of at most 64 groups");
    json_array_foreach(list, i, item)
    {
        int err = take_uint(item, "process.groups", UINT32_MAX - 1, &m->groups[m->ngroups++], e);
        if (err)
            return err;
    }
    return 0;
}

static int take_mounts(json_t *root, struct manifest *m, struct error *e)
{
    const json_t *list = lookup(root, "sandbox.mounts"), *item;
    size_t i;

    if (list && (!json_is_array(list) || json_array_size(list) > MANIFEST_MOUNTS_MAX))
        return wrong(e, "sandbox.mounts", "a list of at most 64 mounts");
    json_array_foreach(list, i, item)
    {
        struct manifest_mount *mt = &m->mounts[m->nmounts++];
        const json_t *ro = json_object_get(item, "readonly");
        const json_t *image = json_object_get(item, "image");
        int err = take_string(json_object_get(item, "source"), "sandbox.mounts[].source", TEXT_MAX,
                              &mt->source, e);
        if (!err)
            err = take_string(json_object_get(item, "destination"), "sandbox.mounts[].destination",
                              TEXT_MAX, &mt->destination, e);
        if (!err && ((ro && !json_is_boolean(ro)) || (image && !json_is_boolean(image)) ||
                     mt->destination[0] != '/'))
            err = wrong(e, "sandbox.mounts[]", "a mount");
        if (err)
            return err;
        mt->readonly = json_is_true(ro);
        mt->image = json_is_true(image);
    }
    return 0;
}

static int take_annotations(json_t *root, struct manifest *m, struct error *e)
{
    json_t *all = json_object_get(root, "annotations"), *item;
    const char *key;

    if (all && (!json_is_object(all) || json_object_size(all) > MANIFEST_ANNOTATIONS_MAX))
        return wrong(e, "annotations", "an object of at most 64 strings");
    json_object_foreach(all, key, item)
    {
        if (strlen(key) > NAME_MAX_LEN || !json_is_string(item) ||
            json_string_length(item) > TEXT_MAX)
            return wrong(e, "annotations", "an object of strings of bounded length");
        if (manifest_annotate(m, key, json_string_value(item)))
            return error_set(e, -ENOMEM, "manifest.json");
    }
    return 0;
}

static int take_parts(json_t *root, struct manifest *m, struct error *e)
{
    const json_t *parts = lookup(root, "parts");

    for (int i = 0; i < IMAGE_NPARTS; i++) {
        const json_t *j = json_object_get(parts, image_part_name(i)), *digest;
        struct manifest_part *p = &m->parts[i];

        p->present = j != NULL;
        if (!j && i == IMAGE_WSET)
            continue;
        if (!j && i >= IMAGE_MEMORY)
            break;
        if (!json_is_object(j))
            return wrong(e, "parts", "an object that has kernel and pages");
        int err = take_uint(json_object_get(j, "size"), "parts: size", PART_MAX, &p->size, e);
        if (err)
            return err;
        digest = json_object_get(j, "sha256");
        if (!json_is_string(digest) || sha256_from_hex(json_string_value(digest), p->sha256))
            return wrong(e, "parts: sha256", "64 digits of hexadecimal");
    }
    return 0;
}

static int take_all(json_t *root, struct manifest *m, struct error *e)
{
    if (!json_is_object(root))
        return wrong(e, "the whole", "an object");
    int err = take_uint(json_object_get(root, "format"), "format", INT64_MAX, &m->format, e);
    if (err)
        return err;
    if (m->format > MANIFEST_FORMAT || m->format + 1 < MANIFEST_FORMAT || !m->format) {
        error_say(e, -EPROTONOSUPPORT, "the image has format %llu; this nv reads format %d",
                  (unsigned long long)m->format, MANIFEST_FORMAT);
        error_hint(e, m->format > MANIFEST_FORMAT ? "a newer nv made it: use that"
                                                  : "make the image again with this nv");
        return -EPROTONOSUPPORT;
    }
    for (size_t i = 0; !err && i < ARRAY_SIZE(fields); i++)
        err = take_field(root, &fields[i], m, e);
    if (!err)
        err = take_groups(root, m, e);
    if (!err)
        err = take_mounts(root, m, e);
    if (!err)
        err = take_annotations(root, m, e);
    return err ? err : take_parts(root, m, e);
}

int manifest_parse(const char *text, size_t len, struct manifest *m, struct error *e)
{
    json_error_t je;

    *m = (struct manifest){0};
    if (len > MANIFEST_MAX)
        return error_say(e, -EFBIG, "manifest.json is larger than %lu KiB", MANIFEST_MAX >> 10);
    /* jansson bounds the depth, refuses zeros in strings and what is not UTF-8. */
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
    if (!root)
        return error_say(e, -EBADMSG, "manifest.json is not JSON: %s (line %d)", je.text, je.line);
    int err = take_all(root, m, e);
    json_decref(root);
    if (err)
        manifest_free(m);
    return err;
}

/* --- writing --- */
/* Sets root.a.b.c; takes the reference. */
static int put(json_t *root, const char *path, json_t *value)
{
    char name[64];
    size_t n;

    for (; path[n = strcspn(path, ".")]; path += n + 1) {
        memcpy(name, path, n);
        name[n] = 0;
        json_t *next = json_object_get(root, name);
        if (!next) {
            next = json_object();
            if (json_object_set_new(root, name, next)) {
                json_decref(value);
                return -ENOMEM;
            }
        }
        root = next;
    }
    return json_object_set_new(root, path, value) ? -ENOMEM : 0;
}

/* Arguments and names of a guest may be any bytes; what is not UTF-8 is shown as '?'. */
static json_t *text(const char *s)
{
    json_t *j = json_string(s);

    if (j)
        return j;
    cleanup_free char *copy = strdup(s);
    for (char *p = copy; p && *p; p++)
        if (*p & 0x80)
            *p = '?';
    return copy ? json_string(copy) : NULL;
}

static json_t *list_to_json(const struct manifest_list *l, const struct field *f)
{
    json_t *a = json_array();
    bool cut = f->kind == CUT;

    for (unsigned int i = 0; a && i < l->n && (!cut || i < LIST_KEPT); i++) {
        cleanup_free char *s = cut ? strndup(l->v[i], 256) : strdup(l->v[i]);
        if (!s || json_array_append_new(a, cut ? text(s) : json_string(s))) {
            json_decref(a);
            return NULL;
        }
    }
    return a;
}

static int put_field(json_t *root, const struct field *f, const struct manifest *m)
{
    if (f->kind == UINT)
        return put(root, f->path, json_integer((json_int_t)*uint_of(m, f)));
    if (f->kind == STRING)
        return *string_of(m, f) ? put(root, f->path, text(*string_of(m, f))) : 0;
    return put(root, f->path, list_to_json(list_of(m, f), f));
}

static int put_lists(json_t *root, const struct manifest *m)
{
    json_t *groups = json_array(), *mounts = json_array(), *notes = json_object();
    int err = 0;

    for (unsigned int i = 0; i < m->ngroups; i++)
        err |= json_array_append_new(groups, json_integer((json_int_t)m->groups[i]));
    for (unsigned int i = 0; i < m->nmounts; i++)
        err |= json_array_append_new(mounts,
                                     json_pack("{s:s,s:s,s:b,s:b}", "source", m->mounts[i].source,
                                               "destination", m->mounts[i].destination, "readonly",
                                               m->mounts[i].readonly, "image", m->mounts[i].image));
    for (unsigned int i = 0; i < m->annotation_keys.n; i++)
        err |= json_object_set_new(notes, m->annotation_keys.v[i], text(m->annotation_values.v[i]));
    err |= put(root, "process.groups", groups);
    err |= put(root, "sandbox.mounts", mounts);
    err |= put(root, "annotations", notes);
    return err;
}

static int put_parts(json_t *root, const struct manifest *m)
{
    json_t *parts = json_object();
    char hex[SHA256_HEX];
    int err = 0;

    for (int i = 0; i < IMAGE_NPARTS; i++) {
        const struct manifest_part *p = &m->parts[i];
        if (!p->present)
            continue;
        sha256_to_hex(p->sha256, hex);
        err |=
            json_object_set_new(parts, image_part_name(i),
                                json_pack("{s:I,s:s}", "size", (json_int_t)p->size, "sha256", hex));
    }
    return err | put(root, "parts", parts);
}

json_t *manifest_to_json(const struct manifest *m)
{
    json_t *root = json_object();
    int err = put(root, "format", json_integer((json_int_t)m->format));

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        err |= put_field(root, &fields[i], m);
    err |= put_lists(root, m);
    err |= put_parts(root, m);
    if (!err)
        return root;
    json_decref(root);
    return NULL;
}

char *manifest_format(const struct manifest *m, struct error *e)
{
    cleanup_manifest struct manifest again = {0};
    json_t *root = manifest_to_json(m);
    char *s = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

    json_decref(root);
    if (!s) {
        error_say(e, -EILSEQ, "the manifest cannot be written: a name in it is not UTF-8");
        return NULL;
    }
    /* An image that nobody could open must not replace one. */
    if (manifest_parse(s, strlen(s), &again, e)) {
        free(s);
        return NULL;
    }
    return s;
}
