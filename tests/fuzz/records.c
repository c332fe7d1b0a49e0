/* The kernel part of images: types of our own, so that nothing but reader and dump is driven. */
#define ckpt_type_find fuzz_type_find
#define take cursor_take
#include "ckpt/dump.c"
#include "ckpt/reader.c"
#undef take

#include "base/list.h"
#include "tests/fuzz/fuzz.h"

struct thing {
    struct list all;
    uint8_t kind;
    uint64_t when;
    bool flag;
    char raw[5];
    char *name, *text;
    struct thing *ref, *weak, *more;
    const void *ops;
    uint32_t added, refs;
    bool is_linked;
};

static struct list things = LIST_INIT(things);
static const int some_ops = 1;
CKPT_SYMBOL("fuzz_ops", "some", some_ops);
static const struct ckpt_type thing_type, other_type;

static void *thing_create(struct ckpt_reader *r)
{
    struct thing *t = calloc(1, sizeof(*t));

    list_add(&things, &t->all);
    return t;
}

static void thing_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct thing *t = obj;
    uint32_t n = ckpt_get_count(r, 1000, 2);

    while (n--)
        t->added += ckpt_get_u8(r) + ckpt_get_u8(r);
    t->text = ckpt_get_string(r, 20);
    ckpt_get_ref(r, &other_type, &t->more);
}

static void thing_link(struct ckpt_reader *r, void *obj)
{
    struct thing *t = obj;

    REQUIRE(!t->is_linked && t->kind <= 9 && t->refs < 1 << 24);
    t->is_linked = true;
    if (t->weak == t)
        ckpt_bad(r, "itself");
}

static void thing_hold(void *obj)
{
    ((struct thing *)obj)->refs++;
}

static const struct ckpt_field fields[] = {
    CKPT_UINT_MAX(struct thing, kind, 9),
    CKPT_TIME(struct thing, when),
    CKPT_BOOL(struct thing, flag),
    CKPT_BYTES(struct thing, raw),
    CKPT_STRING(struct thing, name, 30),
    CKPT_REF(struct thing, ref, &thing_type),
    CKPT_WEAK(struct thing, weak, &thing_type),
    CKPT_SYM(struct thing, ops, "fuzz_ops"),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct thing, added),
};
#define THING(name_, id_)                                                                          \
    {                                                                                              \
        .name = (name_), .id = (id_), .version = 2, .size = sizeof(struct thing),                  \
        CKPT_TABLE(fields), .create = thing_create, .load = thing_load, .link = thing_link,        \
        .hold = thing_hold                                                                         \
    }
static const struct ckpt_type thing_type = THING("thing", 1), other_type = THING("other", 2);

const struct ckpt_type *fuzz_type_find(uint16_t id)
{
    return id == 1 ? &thing_type : id == 2 ? &other_type : NULL;
}

static void forget(void)
{
    struct thing *t, *tmp;

    list_for_each_safe(t, tmp, &things, all) {
        free(t->name);
        free(t->text);
        free(t);
    }
    list_init(&things);
}

static size_t seen;

static void on_record(struct ckpt_dump *d, const struct ckpt_type *t, uint32_t id, size_t bytes)
{
    seen += strlen(t->name) + bytes + id;
}

static void on_field(struct ckpt_dump *d, const struct ckpt_field *f, const char *value)
{
    seen += strlen(f->name) + strlen(value);
}

/* The first byte: bring it into the form of a file first, or not. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ckpt_dump d = {.record = on_record, .field = on_field};
    size_t skip = size ? 1 : 0, head = size && data[0] & 1 ? sizeof(struct ckpt_header) : 0;
    size_t len = size - skip + head;
    uint8_t *copy = malloc(len ? len : 1); /* exactly as long as it is */
    struct ckpt_header h = {.magic = CKPT_MAGIC, .format = 1, .nrecords = size ? data[0] >> 1 : 0};

    memcpy(copy, &h, head);
    memcpy(copy + head, data + skip, size - skip);
    struct ckpt_reader *r = ckpt_reader_new(copy, len, 1UL << 40);
    const struct thing *root = ckpt_load_root(r, &thing_type);
    REQUIRE(!root == ckpt_failed(r) && !root == (ckpt_reader_error(r) != NULL));
    for (int i = 0; root && i < 100; i++) {
        REQUIRE(root->is_linked && (!root->name || strlen(root->name) <= 30));
        root = i & 1 && root->more ? root->more : root->ref;
    }
    bool ok = !ckpt_failed(r);
    ckpt_reader_free(r);
    int err = ckpt_dump(copy, len, &d);
    REQUIRE(!ok || !err);
    forget();
    free(copy);
    return 0;
}
