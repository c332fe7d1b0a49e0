/* manifest.json of images: what is accepted can be written, and is the same when read again. */
#include "ckpt/manifest.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest m, again;
    struct error e = ERROR_INIT;
    char *copy = malloc(size ? size : 1);

    memcpy(copy, data, size);
    int err = manifest_parse(copy, size, &m, &e);
    free(copy);
    REQUIRE(!err || e.what);
    error_free(&e);
    if (err)
        return 0;
    REQUIRE(m.ngroups <= MANIFEST_GROUPS_MAX && m.nmounts <= MANIFEST_MOUNTS_MAX);
    REQUIRE(m.annotation_keys.n == m.annotation_values.n);
    char *text = manifest_format(&m, &e);
    REQUIRE(text && !manifest_parse(text, strlen(text), &again, &e));
    char *second = manifest_format(&again, &e);
    REQUIRE(second && !strcmp(text, second));
    free(text);
    free(second);
    manifest_free(&m);
    manifest_free(&again);
    return 0;
}
