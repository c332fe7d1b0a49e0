/* Replies of a gofer that lies. */
#include "sentry/fs/gofer/rpc.c"
/* Its static names do not collide with those above. */
#include "sentry/fs/gofer/dir.c"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gofer_call c = {.fd = -1};
    struct pending p = {.call = &c, .fiber = fiber_current()};
    size_t n = size < sizeof(in.bytes) ? size : sizeof(in.bytes);

    if (n < sizeof(struct gofer_reply))
        return 0;
    memcpy(in.bytes, data, n);
    if (data[n - 1] & 1) {
        in.rep.result = 0;
        in.rep.len = (uint32_t)(n - sizeof(struct gofer_reply));
    }
    p.id = in.rep.id;
    list_add_tail(&waiting, &p.node);
    deliver(n, -1);
    REQUIRE(p.done && p.result <= 0);
    if (p.result) {
        free(c.data);
        return 0;
    }
    if (c.len && entries_ok(c.data, c.len)) {
        struct gofer_listing l = {.len = c.len, .data = c.data};
        const struct gofer_dirent *e;
        unsigned int sum = 0;
        for_each_entry(e, &l)
        {
            for (int i = 0; i < e->name_len; i++)
                sum += (unsigned char)e->name[i];
        }
        __asm__ volatile("" ::"r"(sum));
    }
    if (c.data)
        REQUIRE(strlen(c.data) <= c.len);
    free(c.data);
    return 0;
}
