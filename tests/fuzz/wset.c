/* The working set of an image: ranges that are accepted are memory a guest can have. */
#include "sentry/mm/wset.h"

#include "sentry/mm/mm_internal.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wset ws = {0};
    size_t head = size && data[0] & 1 ? 16 : 0, len = (size ? size - 1 : 0) + head;
    uint8_t *copy = malloc(len ? len : 1);
    uint32_t n = (uint32_t)(len - head) / sizeof(struct wset_range);

    if (head) {
        memset(copy, 0, head);
        const char magic[8] = {'N', 'V', 'W', 'S', 'E', 'T', '0', '1'};
        memcpy(copy, magic, sizeof(magic));
        memcpy(copy + 8, &n, sizeof(n));
    }
    memcpy(copy + head, data + (size ? 1 : 0), len - head);
    if (!wset_parse(copy, len, &ws)) {
        for (uint32_t i = 0; i < ws.n; i++) {
            REQUIRE(ws.v[i].start >= NV_TASK_MIN && ws.v[i].npages);
            REQUIRE(ws.v[i].start + ws.v[i].npages * NV_PAGE_SIZE <= NV_TASK_SIZE);
        }
    }
    wset_free(&ws);
    free(copy);
    return 0;
}
