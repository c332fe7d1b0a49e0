/*
 * OCI layouts. The input is the files: index, manifest, config and two layers, each with its
 * length; digests are taken for right, and what would be an image is memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ckpt/oci_internal.h"
#include "tests/fuzz/fuzz.h"

static int fuzz_openat(int dir, const char *name);
static struct image_writer *fuzz_create(const char *name);
static int fuzz_writer_fd(struct image_writer *w, enum image_part part);
static int fuzz_writer_add(struct image_writer *w, int part);
static int fuzz_commit(struct image_writer *w, const char *text, size_t len, const uint8_t *sig);
static void fuzz_abort(struct image_writer *w);

#define open(path, flags) fuzz_openat(-1, path)
#define openat(dir, name, flags) fuzz_openat(dir, name)
#define sha256_data(data, len, digest, e) (memcpy(digest, b.digest, SHA256_LEN), 0)
#define sha256_file(fd, size, copy, digest, e) (memcpy(digest, b.digest, SHA256_LEN), 0)
#define image_create(name, e) fuzz_create(name)
#define image_writer_fd(w, part) fuzz_writer_fd(w, part)
#define image_writer_add(w, part) fuzz_writer_add(w, part)
#define image_commit_copy(w, text, len, sig, e) fuzz_commit(w, text, len, sig)
#define image_abort(w) fuzz_abort(w)
#include "ckpt/oci_import.c"
#undef open
#undef openat

static int files[2 + 16];

/* By the first digit of a blob's name; directories are any descriptor. */
static int fuzz_openat(int dir, const char *name)
{
    if (dir < 0 || !strcmp(name, "blobs/sha256"))
        return dup(files[0]);
    REQUIRE(!strchr(name, '/') && strcmp(name, ".."));
    int i = !strcmp(name, "index.json") ? 0 : 1 + (name[0] <= '9' ? name[0] - '0' : 9);
    if (files[i] < 0) {
        errno = ENOENT;
        return -1;
    }
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", files[i]);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int out = -1;

static struct image_writer *fuzz_create(const char *name)
{
    out = memfd_create("out", MFD_CLOEXEC);
    return out < 0 ? NULL : (struct image_writer *)&out;
}

static int fuzz_writer_fd(struct image_writer *w, enum image_part part)
{
    REQUIRE(part < IMAGE_MEMORY);
    return out;
}

static int fuzz_writer_add(struct image_writer *w, int part)
{
    REQUIRE(part >= IMAGE_MEMORY && part < IMAGE_NPARTS);
    return out;
}

static void fuzz_abort(struct image_writer *w)
{
    close(out);
}

static int fuzz_commit(struct image_writer *w, const char *text, size_t len, const uint8_t *sig)
{
    uint8_t sum = 0;

    for (int i = 0; sig && i < SIGNATURE_LEN; i++)
        sum ^= sig[i];
    close(out);
    return sum == 1 && !memchr(text, '{', len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct error e = ERROR_INIT;
    char *name = NULL;

    for (int i = 0; i < 6; i++) {
        uint16_t len;
        take(&in, &len, sizeof(len));
        size_t n = len < in.left ? len : in.left;
        files[i] = memfd_create("file", MFD_CLOEXEC);
        REQUIRE(files[i] >= 0 && write(files[i], in.p, n) == (ssize_t)n);
        in.p += n;
        in.left -= n;
    }
    for (int i = 6; i < 18; i++)
        files[i] = -1;
    int err = oci_import("layout", NULL, &name, &e);
    REQUIRE(err ? e.what != NULL : name != NULL);
    free(name);
    error_free(&e);
    for (int i = 0; i < 6; i++)
        close(files[i]);
    return 0;
}
