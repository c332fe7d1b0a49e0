/*
 * See oci.h. Names in a layout are digests and nothing else; each blob is checked against its
 * digest in memory, or what comes out of it against the digest in our manifest.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ckpt/oci_internal.h"

static int open_file(int dir, const char *name, struct stat *st, struct error *e)
{
    cleanup_close int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 || fstat(fd, st))
        return error_set(e, -errno, "%s of the layout", name);
    if (!S_ISREG(st->st_mode))
        return error_say(e, -EBADMSG, "%s of the layout is not a file", name);
    return steal_fd(&fd);
}

/* malloc'ed; NULL with e set. */
static char *read_file(int dir, const char *name, size_t max, size_t *len, struct error *e)
{
    struct stat st = {0};
    cleanup_close int fd = open_file(dir, name, &st, e);

    if (fd < 0)
        return NULL;
    if (st.st_size < 0 || (size_t)st.st_size > max) {
        error_say(e, -EFBIG, "%s of the layout is larger than %zu bytes", name, max);
        return NULL;
    }
    cleanup_free char *buf = malloc((size_t)st.st_size + 1);
    ssize_t n = buf ? read(fd, buf, (size_t)st.st_size) : -1;
    if (n != st.st_size) {
        error_set(e, n < 0 ? -errno : -EBADMSG, "reading %s of the layout", name);
        return NULL;
    }
    *len = (size_t)n;
    return steal_ptr(&buf);
}

static json_t *parse(const char *text, size_t len, const char *what, struct error *e)
{
    json_error_t je;
    json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);

    if (json_is_object(j))
        return j;
    error_say(e, -EBADMSG, "%s is not a JSON object: %s", what,
              j ? "it is another value" : je.text);
    json_decref(j);
    return NULL;
}

struct blob {
    char hex[SHA256_HEX];
    uint8_t digest[SHA256_LEN];
    uint64_t size;
};

static int take_descriptor(const json_t *j, struct blob *b, struct error *e)
{
    const char *digest = json_string_value(json_object_get(j, "digest"));
    const json_t *size = json_object_get(j, "size");

    if (!digest || strncmp(digest, "sha256:", 7) || sha256_from_hex(digest + 7, b->digest) ||
        !json_is_integer(size) || json_integer_value(size) < 0)
        return error_say(e, -EBADMSG, "the layout has a descriptor without SHA-256 digest or size");
    memcpy(b->hex, digest + 7, SHA256_HEX);
    b->size = (uint64_t)json_integer_value(size);
    return 0;
}

/* A blob in memory, and checked there. */
static char *read_blob(int blobs, const json_t *descriptor, size_t max, size_t *len,
                       struct error *e)
{
    uint8_t digest[SHA256_LEN];
    struct blob b = {0};

    if (take_descriptor(descriptor, &b, e))
        return NULL;
    cleanup_free char *data = read_file(blobs, b.hex, max, len, e);
    if (!data || sha256_data(data, *len, digest, e))
        return NULL;
    if (*len == b.size && !memcmp(digest, b.digest, SHA256_LEN))
        return steal_ptr(&data);
    error_say(e, -EBADMSG, "blob %s does not have its digest", b.hex);
    return NULL;
}

static bool has_type(const json_t *j, const char *key, const char *type)
{
    const char *s = json_string_value(json_object_get(j, key));

    return s && !strcmp(s, type);
}

/* The artifact of ours in the index: its manifest, and its descriptor, borrowed from the index. */
static json_t *find_artifact(int blobs, const json_t *index, const json_t **descriptor,
                             struct error *e)
{
    const json_t *list = json_object_get(index, "manifests"), *d;
    json_t *found = NULL;
    size_t i, len;

    if (!json_is_array(list) || json_array_size(list) > 1024) {
        error_say(e, -EBADMSG, "index.json has no list of manifests, or a very long one");
        return NULL;
    }
    json_array_foreach(list, i, d)
    {
        if (!has_type(d, "mediaType", OCI_MANIFEST_TYPE))
            continue;
        cleanup_free char *text = read_blob(blobs, d, OCI_JSON_MAX, &len, e);
        json_t *m = text ? parse(text, len, "a manifest of the layout", e) : NULL;
        if (!m) {
            json_decref(found);
            return NULL;
        }
        if (!has_type(json_object_get(m, "config"), "mediaType", NV_CONFIG_TYPE)) {
            json_decref(m);
            continue;
        }
        if (found) {
            error_say(e, -EBADMSG, "the layout has several images");
            json_decref(found);
            json_decref(m);
            return NULL;
        }
        found = m;
        *descriptor = d;
    }
    if (!found)
        error_say(e, -ENOENT, "the layout has no image of nv");
    return found;
}

static const json_t *find_layer(const json_t *manifest, const char *type)
{
    const json_t *layers = json_object_get(manifest, "layers"), *d;
    size_t i;

    json_array_foreach(layers, i, d) if (has_type(d, "mediaType", type)) return d;
    return NULL;
}

static int import_part(int blobs, const json_t *manifest, int i, const struct manifest_part *p,
                       int to, struct error *e)
{
    uint8_t digest[SHA256_LEN];
    char type[OCI_TYPE_MAX];
    struct stat st = {0};
    struct blob b = {0};

    oci_part_type(i, type);
    const json_t *d = find_layer(manifest, type);
    if (!d)
        return error_say(e, -EBADMSG, "the layout has no %s", image_part_name(i));
    if (to < 0)
        return error_set(e, to, "writing %s", image_part_name(i));
    int err = take_descriptor(d, &b, e);
    if (err)
        return err;
    cleanup_close int fd = open_file(blobs, b.hex, &st, e);
    if (fd < 0)
        return fd;
    err = sha256_file(fd, b.size, -1, digest, e);
    if (err)
        return err;
    if ((uint64_t)st.st_size != b.size || memcmp(digest, b.digest, SHA256_LEN))
        return error_say(e, -EBADMSG, "blob %s does not have its digest", b.hex);
    return oci_decompress(fd, to, p->size, e);
}

static int import_as(int blobs, const json_t *manifest, const char *name, struct error *e)
{
    cleanup_manifest struct manifest m = {0};
    size_t len, sig_len;
    cleanup_free char *sig = NULL;
    cleanup_free char *text =
        read_blob(blobs, json_object_get(manifest, "config"), MANIFEST_MAX, &len, e);

    if (!text)
        return -EBADMSG;
    int err = manifest_parse(text, len, &m, e);
    if (err)
        return err;
    const json_t *d = find_layer(manifest, NV_SIGNATURE_TYPE);
    if (d)
        sig = read_blob(blobs, d, SIGNATURE_LEN, &sig_len, e);
    if (d && (!sig || sig_len != SIGNATURE_LEN))
        return error_say(e, -EBADMSG, "the signature in the layout is damaged");
    struct image_writer *w = image_create(name, e);
    if (!w)
        return -EIO;
    for (int i = 0; i < IMAGE_NPARTS && !err; i++)
        if (m.parts[i].present)
            err = import_part(blobs, manifest, i, &m.parts[i],
                              i < IMAGE_MEMORY ? image_writer_fd(w, (enum image_part)i)
                                               : image_writer_add(w, i),
                              e);
    if (!err)
        return image_commit_copy(w, text, len, (uint8_t *)sig, e);
    image_abort(w);
    return err;
}

int oci_import(const char *path, const char *name, char **made, struct error *e)
{
    const json_t *descriptor = NULL;
    size_t len;
    cleanup_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return error_set(e, -errno, "layout %s", path);
    cleanup_close int blobs = openat(dir, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (blobs < 0)
        return error_set(e, -errno, "layout %s: blobs/sha256", path);
    cleanup_free char *text = read_file(dir, "index.json", OCI_JSON_MAX, &len, e);
    json_t *index = text ? parse(text, len, "index.json", e) : NULL;
    json_t *manifest = index ? find_artifact(blobs, index, &descriptor, e) : NULL;
    int err = manifest ? 0 : -EBADMSG;
    if (!err && !name) {
        name = json_string_value(
            json_object_get(json_object_get(descriptor, "annotations"), OCI_REF_NAME));
        if (!name || strchr(name, '/')) { /* a path is for us to choose */
            err = error_say(e, -EINVAL, "the layout does not name its image, or by a path");
            error_hint(e, "nv image import DIR NAME");
        }
    }
    if (!err)
        err = import_as(blobs, manifest, name, e);
    if (!err && made)
        *made = strdup(name);
    json_decref(manifest);
    json_decref(index);
    return err;
}
