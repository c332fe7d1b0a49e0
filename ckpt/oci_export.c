/* See oci.h. index.json is written last: without it a directory is no layout. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ckpt/oci_internal.h"

void oci_part_type(int part, char type[OCI_TYPE_MAX])
{
    snprintf(type, OCI_TYPE_MAX, "application/vnd.nanovisor.image.%s.v1+zstd",
             image_part_name(part));
}

#define TMP "blob.tmp"

static int write_text(int dir, const char *name, const char *text, size_t len)
{
    cleanup_close int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    ssize_t n = fd < 0 ? -1 : write(fd, text, len);

    return n < 0 ? -errno : (size_t)n < len ? -ENOSPC : 0;
}

static json_t *descriptor(const char *type, const uint8_t digest[SHA256_LEN], uint64_t size,
                          const char *title)
{
    char hex[SHA256_HEX], name[SHA256_HEX + 8];

    sha256_to_hex(digest, hex);
    snprintf(name, sizeof(name), "sha256:%s", hex);
    json_t *d =
        json_pack("{s:s,s:s,s:I}", "mediaType", type, "digest", name, "size", (json_int_t)size);
    if (d && title)
        json_object_set_new(d, "annotations",
                            json_pack("{s:s}", "org.opencontainers.image.title", title));
    return d;
}

/* A descriptor of a new blob; NULL with e set. */
static json_t *put_blob(int blobs, const char *type, const void *data, size_t len,
                        const char *title, struct error *e)
{
    uint8_t digest[SHA256_LEN];
    char hex[SHA256_HEX];

    if (sha256_data(data, len, digest, e))
        return NULL;
    sha256_to_hex(digest, hex);
    int err = write_text(blobs, hex, data, len);
    if (err && err != -EEXIST) {
        error_set(e, err, "writing a blob");
        return NULL;
    }
    return descriptor(type, digest, len, title);
}

static json_t *put_part(int blobs, const struct image *img, int i, struct error *e)
{
    uint8_t digest[SHA256_LEN];
    char hex[SHA256_HEX], type[OCI_TYPE_MAX];
    struct stat st;
    cleanup_close int fd = openat(blobs, TMP, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0) {
        error_set(e, -errno, "writing a blob");
        return NULL;
    }
    if (oci_compress(img->fd[i], img->manifest.parts[i].size, fd, e))
        return NULL;
    if (fstat(fd, &st)) {
        error_set(e, -errno, "writing a blob");
        return NULL;
    }
    if (sha256_file(fd, (uint64_t)st.st_size, -1, digest, e))
        return NULL;
    sha256_to_hex(digest, hex);
    if (fsync(fd) || renameat(blobs, TMP, blobs, hex)) {
        error_set(e, -errno, "writing a blob");
        return NULL;
    }
    oci_part_type(i, type);
    return descriptor(type, digest, (uint64_t)st.st_size, image_part_name(i));
}

static int put_signature(int blobs, const struct image *img, json_t *layers, struct error *e)
{
    uint8_t sig[SIGNATURE_LEN];
    cleanup_close int fd = openat(img->dir, "manifest.sig", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? 0 : error_set(e, -errno, "reading the signature");
    if (read(fd, sig, sizeof(sig)) != sizeof(sig))
        return error_say(e, -EBADMSG, "the signature is damaged");
    json_t *d = put_blob(blobs, NV_SIGNATURE_TYPE, sig, sizeof(sig), "manifest.sig", e);
    return d && !json_array_append_new(layers, d) ? 0 : -EIO;
}

static int put_layers(int blobs, const struct image *img, json_t *layers, struct error *e)
{
    for (int i = 0; i < IMAGE_NPARTS; i++) {
        if (!img->manifest.parts[i].present)
            continue;
        json_t *d = put_part(blobs, img, i, e);
        if (!d || json_array_append_new(layers, d))
            return -EIO;
    }
    return put_signature(blobs, img, layers, e);
}

static int put_index(int dir, json_t *manifest, struct error *e)
{
    json_t *index = json_pack("{s:i,s:s,s:[o]}", "schemaVersion", 2, "mediaType", OCI_INDEX_TYPE,
                              "manifests", manifest);
    cleanup_free char *text = index ? json_dumps(index, JSON_COMPACT) : NULL;

    json_decref(index);
    int err = text ? write_text(dir, "oci-layout", OCI_LAYOUT, sizeof(OCI_LAYOUT) - 1) : -ENOMEM;
    if (!err)
        err = write_text(dir, "index.json", text, strlen(text));
    return err ? error_set(e, err, "writing the index") : 0;
}

static int export_into(int dir, int blobs, const struct image *img, const char *name,
                       struct error *e)
{
    json_t *layers = json_array();
    json_t *config = put_blob(blobs, NV_CONFIG_TYPE, img->text, img->text_len, NULL, e);
    int err = config ? put_layers(blobs, img, layers, e) : -EIO;

    if (err) {
        json_decref(layers);
        json_decref(config);
        return err;
    }
    json_t *m =
        json_pack("{s:i,s:s,s:s,s:o,s:o}", "schemaVersion", 2, "mediaType", OCI_MANIFEST_TYPE,
                  "artifactType", NV_ARTIFACT_TYPE, "config", config, "layers", layers);
    cleanup_free char *text = m ? json_dumps(m, JSON_COMPACT) : NULL;
    json_decref(m);
    json_t *d = text ? put_blob(blobs, OCI_MANIFEST_TYPE, text, strlen(text), NULL, e) : NULL;
    if (!d)
        return -EIO;
    json_object_set_new(d, "artifactType", json_string(NV_ARTIFACT_TYPE));
    json_object_set_new(d, "annotations", json_pack("{s:s}", OCI_REF_NAME, name));
    return put_index(dir, d, e);
}

int oci_export(const struct image *img, const char *name, const char *path, struct error *e)
{
    const char *base = strrchr(name, '/');

    if (mkdir(path, 0755) && errno != EEXIST)
        return error_set(e, -errno, "creating %s", path);
    cleanup_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return error_set(e, -errno, "%s", path);
    if (mkdirat(dir, "blobs", 0755) || mkdirat(dir, "blobs/sha256", 0755)) {
        int err = error_set(e, -errno, "%s", path);
        if (err == -EEXIST)
            error_hint(e, "it has a layout already: export into a new directory");
        return err;
    }
    cleanup_close int blobs = openat(dir, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (blobs < 0)
        return error_set(e, -errno, "%s/blobs/sha256", path);
    int err = export_into(dir, blobs, img, base ? base + 1 : name, e);
    if (err)
        unlinkat(blobs, TMP, 0);
    return err;
}
