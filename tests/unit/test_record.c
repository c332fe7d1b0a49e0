/* Records: what was written is what is read, older versions too; nothing else is believed. */
#include "ckpt/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "ckpt/record_internal.h"
#include "tests/unit/unit.h"

enum { ID_NODE = 60100, ID_LEAF, ID_FOREIGN };

struct ops {
    int x;
};
static const struct ops some_ops = {1}, other_ops = {2}, nameless_ops = {3};
CKPT_SYMBOL("test_ops", "some", some_ops);
CKPT_SYMBOL("test_ops", "other", other_ops);

struct leaf {
    struct list all; /* of what a test has made */
    uint32_t value;
    unsigned int refs;
};

struct node {
    struct list all;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    uint8_t kind; /* 0 to 5 */
    bool flag;
    unsigned char raw[7];
    char *name;
    uint64_t when, never;
    struct node *next, *peer;
    struct leaf *leaf;
    const struct ops *ops;
    uint32_t removed, added;
    /* written by save() */
    uint32_t n;
    uint32_t items[8];
    struct leaf *extra;
    uint64_t later;
    char *text;
    struct node *linked;
    unsigned int refs;
};

static struct list nodes = LIST_INIT(nodes), leaves = LIST_INIT(leaves);

static void *leaf_create(struct ckpt_reader *r)
{
    struct leaf *l = calloc(1, sizeof(*l));

    list_add(&leaves, &l->all);
    return l;
}

static void leaf_hold(void *obj)
{
    ((struct leaf *)obj)->refs++;
}

static const struct ckpt_field leaf_fields[] = {CKPT_UINT(struct leaf, value)};
static const struct ckpt_type ckpt_leaf = {.name = "leaf",
                                           .id = ID_LEAF,
                                           .version = 1,
                                           .size = sizeof(struct leaf),
                                           CKPT_TABLE(leaf_fields),
                                           .create = leaf_create,
                                           .hold = leaf_hold};
CKPT_TYPE_REGISTER(ckpt_leaf);

static void *node_create(struct ckpt_reader *r)
{
    struct node *n = calloc(1, sizeof(*n));

    n->added = 77; /* what an older image does not have */
    list_add(&nodes, &n->all);
    return n;
}

static void node_hold(void *obj)
{
    ((struct node *)obj)->refs++;
}

static void node_save(struct ckpt_writer *w, void *obj)
{
    const struct node *n = obj;

    ckpt_put_u32(w, n->n);
    for (uint32_t i = 0; i < n->n; i++)
        ckpt_put_u32(w, n->items[i]);
    ckpt_put_ref(w, &ckpt_leaf, n->extra);
    ckpt_put_time(w, n->later);
    ckpt_put_string(w, n->text);
}

static void node_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct node *n = obj;

    n->n = ckpt_get_count(r, 8, sizeof(uint32_t));
    for (uint32_t i = 0; i < n->n; i++)
        n->items[i] = ckpt_get_u32(r);
    ckpt_get_ref(r, &ckpt_leaf, &n->extra);
    n->later = ckpt_get_time(r);
    n->text = ckpt_get_string(r, 100);
}

static void node_link(struct ckpt_reader *r, void *obj)
{
    struct node *n = obj;

    if (n->u8 == 13)
        ckpt_bad(r, "13");
    n->linked = n->next;
}

extern const struct ckpt_type ckpt_node;

#define OLD_FIELDS                                                                                 \
    CKPT_UINT(struct node, u8), CKPT_UINT(struct node, u16), CKPT_UINT(struct node, u32),          \
        CKPT_UINT(struct node, u64), CKPT_UINT_MAX(struct node, kind, 5),                          \
        CKPT_BOOL(struct node, flag), CKPT_BYTES(struct node, raw),                                \
        CKPT_STRING(struct node, name, 40), CKPT_TIME(struct node, when),                          \
        CKPT_TIME(struct node, never), CKPT_REF(struct node, next, &ckpt_node),                    \
        CKPT_WEAK(struct node, peer, &ckpt_node), CKPT_REF(struct node, leaf, &ckpt_leaf),         \
        CKPT_SYM(struct node, ops, "test_ops")
static const struct ckpt_field node_fields[] = {
    OLD_FIELDS,
    CKPT_FIELD_(struct node, removed, CKPT_KIND_UINT, 1, .until = 2),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct node, added),
};
const struct ckpt_type ckpt_node = {.name = "node",
                                    .id = ID_NODE,
                                    .version = 2,
                                    .size = sizeof(struct node),
                                    CKPT_TABLE(node_fields),
                                    .save = node_save,
                                    .create = node_create,
                                    .load = node_load,
                                    .link = node_link,
                                    .hold = node_hold};
CKPT_TYPE_REGISTER(ckpt_node);

/* The program before: without the field that is new, with the one that is gone. */
static const struct ckpt_field old_fields[] = {OLD_FIELDS, CKPT_UINT(struct node, removed)};
static const struct ckpt_type old_node = {.name = "node",
                                          .id = ID_NODE,
                                          .version = 1,
                                          .size = sizeof(struct node),
                                          CKPT_TABLE(old_fields),
                                          .save = node_save};
/* The program after. */
static const struct ckpt_type new_node = {.name = "node",
                                          .id = ID_NODE,
                                          .version = 3,
                                          .size = sizeof(struct node),
                                          CKPT_TABLE(node_fields),
                                          .save = node_save};
static const struct ckpt_type foreign = {.name = "foreign",
                                         .id = ID_FOREIGN,
                                         .version = 1,
                                         .size = sizeof(struct leaf),
                                         CKPT_TABLE(leaf_fields)};

#define NOW 1000000000ULL
#define LATER 5000000000ULL

static struct leaf leaf = {.value = 5};
static struct node b, a = {.u8 = 1,
                           .u16 = 0xffff,
                           .u32 = 3,
                           .u64 = UINT64_MAX,
                           .kind = 5,
                           .flag = true,
                           .raw = {1, 2, 3, 4, 5, 6, 7},
                           .name = "a name",
                           .when = NOW + 5000,
                           .never = CKPT_NO_TIME,
                           .next = &b,
                           .peer = &a,
                           .leaf = &leaf,
                           .ops = &other_ops,
                           .removed = 9,
                           .added = 10,
                           .n = 3,
                           .items = {7, 8, 9},
                           .extra = &leaf,
                           .later = NOW - 100,
                           .text = ""};
static struct node b = {.next = &a, .peer = &a, .later = CKPT_NO_TIME}; /* a cycle */

static void forget(void)
{
    struct node *n, *tn;
    struct leaf *l, *tl;

    list_for_each_safe(n, tn, &nodes, all) {
        free(n->name);
        free(n->text);
        free(n);
    }
    list_for_each_safe(l, tl, &leaves, all)
        free(l);
    list_init(&nodes);
    list_init(&leaves);
}

/* malloc'ed, so that reading over its end is seen. */
static uint8_t *save(const struct ckpt_type *type, void *obj, size_t *len)
{
    struct ckpt_writer *w = ckpt_writer_new(NOW, NULL, NULL);
    const void *data;

    ckpt_save_root(w, type, obj);
    int64_t n = ckpt_writer_finish(w, &data);
    ck_assert_int_gt(n, 0);
    uint8_t *copy = malloc((size_t)n);
    memcpy(copy, data, (size_t)n);
    ckpt_writer_free(w);
    *len = (size_t)n;
    return copy;
}

/* NULL: refused, and said why. */
static struct node *load(const void *data, size_t len)
{
    struct ckpt_reader *r = ckpt_reader_new(data, len, LATER);
    struct node *n = ckpt_load_root(r, &ckpt_node);

    ck_assert(!n == ckpt_failed(r));
    ck_assert(!n == (ckpt_reader_error(r) != NULL));
    ckpt_reader_free(r);
    return n;
}

static void is_a(const struct node *n)
{
    ck_assert(n->u8 == 1 && n->u16 == 0xffff && n->u32 == 3 && n->u64 == UINT64_MAX);
    ck_assert(n->kind == 5 && n->flag && !memcmp(n->raw, a.raw, 7));
    ck_assert_str_eq(n->name, "a name");
    ck_assert_str_eq(n->text, "");
    ck_assert_uint_eq(n->when, LATER + 5000);
    ck_assert_uint_eq(n->later, LATER - 100);
    ck_assert_uint_eq(n->never, CKPT_NO_TIME);
    ck_assert_ptr_eq(n->ops, &other_ops);
    ck_assert(n->n == 3 && n->items[2] == 9);
    ck_assert_uint_eq(n->leaf->value, 5);
    ck_assert_ptr_eq(n->leaf, n->extra); /* one object stays one */
    ck_assert_uint_eq(n->leaf->refs, 2);
    ck_assert_ptr_eq(n->peer, n);
    ck_assert_ptr_eq(n->next->next, n);
    ck_assert_ptr_eq(n->next->peer, n);
    ck_assert_ptr_eq(n->linked, n->next);
    ck_assert(n->refs == 1 && n->next->refs == 1); /* weak ones hold nothing */
    ck_assert_ptr_null(n->next->ops);
    ck_assert_ptr_null(n->next->name);
    ck_assert_ptr_null(n->next->leaf);
    ck_assert_uint_eq(n->next->later, CKPT_NO_TIME);
}

START_TEST(round_trip)
{
    size_t len;
    uint8_t *data = save(&ckpt_node, &a, &len);
    struct node *n = load(data, len);

    ck_assert_ptr_nonnull(n);
    is_a(n);
    ck_assert(n->added == 10 && n->removed == 0);
    free(data);
    forget();
}
END_TEST

/* An image of the program before: what is new keeps what create() gave it. */
START_TEST(older_version)
{
    size_t len;
    uint8_t *data = save(&old_node, &a, &len);
    struct ckpt_record_header h;

    /* References name the type of today: the cycle's other node is written as that. */
    memcpy(&h, data + sizeof(struct ckpt_header), sizeof(h));
    ck_assert_uint_eq(h.version, 1);
    struct node *n = load(data, len);
    ck_assert_ptr_nonnull(n);
    ck_assert(n->added == 77 && n->removed == 9);
    ck_assert_str_eq(n->name, "a name");
    ck_assert_uint_eq(n->next->added, 0);
    free(data);
    forget();
}
END_TEST

START_TEST(refused)
{
    size_t len;
    uint8_t *data = save(&new_node, &b, &len);

    ck_assert_ptr_null(load(data, len)); /* of a newer program */
    free(data);
    data = save(&foreign, &leaf, &len);
    ck_assert_ptr_null(load(data, len)); /* of a type that is not there */
    free(data);
    data = save(&ckpt_leaf, &leaf, &len);
    ck_assert_ptr_null(load(data, len)); /* the root is of another type */
    free(data);
    struct node bad = {.u8 = 13};
    data = save(&ckpt_node, &bad, &len);
    ck_assert_ptr_null(load(data, len)); /* link() said so */
    free(data);
    bad = (struct node){.kind = 6};
    data = save(&ckpt_node, &bad, &len);
    ck_assert_ptr_null(load(data, len)); /* out of range */
    free(data);
    forget();
    struct ckpt_writer *w = ckpt_writer_new(NOW, NULL, NULL);
    bad = (struct node){.ops = &nameless_ops};
    ckpt_save_root(w, &ckpt_node, &bad);
    const void *out;
    ck_assert_int_lt(ckpt_writer_finish(w, &out), 0);
    ck_assert_ptr_nonnull(ckpt_refusal(w, 0));
    ck_assert_ptr_null(ckpt_refusal(w, 1));
    ckpt_writer_free(w);
}
END_TEST

/* A reference to an object of another type. */
START_TEST(wrong_type)
{
    size_t len;
    uint8_t *data = save(&ckpt_node, &a, &len);
    struct ckpt_record_header h;
    size_t at = sizeof(struct ckpt_header);

    /* Fields before `next`: 1 + 2 + 4 + 8 + 1 + 1 + 7, the name, two times. */
    size_t next = at + sizeof(h) + 24 + 4 + 6 + 16;
    for (uint32_t id = 0; id < 6; id++) {
        memcpy(data + next, &id, sizeof(id));
        struct node *n = load(data, len);
        ck_assert_int_eq(n != NULL, id <= 2); /* none, and the two nodes; 3 is the leaf */
        forget();
    }
    free(data);
}
END_TEST

START_TEST(truncated)
{
    size_t len;
    uint8_t *data = save(&ckpt_node, &a, &len);

    for (size_t n = 0; n < len; n++) {
        uint8_t *part = malloc(n ? n : 1);
        memcpy(part, data, n);
        ck_assert_ptr_null(load(part, n));
        ck_assert_int_lt(ckpt_dump(part, n, &(struct ckpt_dump){0}), 0);
        free(part);
        forget();
    }
    uint8_t *more = calloc(1, len + 1);
    memcpy(more, data, len);
    ck_assert_ptr_null(load(more, len + 1));
    ck_assert_int_lt(ckpt_dump(more, len + 1, &(struct ckpt_dump){0}), 0);
    free(more);
    free(data);
    forget();
}
END_TEST

static unsigned int walk(const struct node *n)
{
    unsigned int steps = 0;

    /* All pointers lead to objects, or nowhere. */
    for (; n && steps < 10; n = n->next, steps++)
        if (n->peer && n->peer->leaf)
            steps += n->peer->leaf->value & 1;
    return steps;
}

START_TEST(every_byte)
{
    static const uint8_t flips[] = {0x01, 0x02, 0x10, 0x80, 0xff};
    size_t len;
    uint8_t *data = save(&ckpt_node, &a, &len);
    unsigned int taken = 0;

    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < sizeof(flips); k++) {
            data[i] ^= flips[k];
            struct node *n = load(data, len);
            taken += n != NULL;
            walk(n);
            ckpt_dump(data, len, &(struct ckpt_dump){0});
            forget();
            data[i] ^= flips[k];
        }
    }
    ck_assert_uint_gt(taken, 0); /* most bytes are values */
    is_a(load(data, len));
    free(data);
    forget();
}
END_TEST

/* --- looking --- */
struct seen {
    struct ckpt_dump d;
    unsigned int records, fields;
    char text[4096];
};

static void see_record(struct ckpt_dump *d, const struct ckpt_type *t, uint32_t id, size_t bytes)
{
    struct seen *s = (struct seen *)d;

    s->records++;
    ck_assert_uint_eq(id, s->records);
    snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), "[%s]", t->name);
}

static void see_field(struct ckpt_dump *d, const struct ckpt_field *f, const char *value)
{
    struct seen *s = (struct seen *)d;

    s->fields++;
    snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), "%s=%s;", f->name,
             value);
}

START_TEST(dump)
{
    struct seen s = {.d = {.record = see_record, .field = see_field}};
    size_t len;
    uint8_t *data = save(&ckpt_node, &a, &len);

    ck_assert_int_eq(ckpt_dump(data, len, &s.d), 0);
    ck_assert_uint_eq(s.records, 3);
    ck_assert_ptr_nonnull(strstr(s.text, "[node]u8=1;u16=65535 (0xffff);u32=3;"));
    ck_assert_ptr_nonnull(strstr(s.text, "raw=01020304050607;name=\"a name\";"));
    ck_assert_ptr_nonnull(strstr(s.text, "when=in 0.000005 s;never=never;next=-> 2;peer=-> 1;"));
    ck_assert_ptr_nonnull(strstr(s.text, "leaf=-> 3;ops=\"other\";added=10;(more)="));
    ck_assert_ptr_nonnull(strstr(s.text, "ops=NULL;"));
    ck_assert_ptr_nonnull(strstr(s.text, "[leaf]value=5;"));
    free(data);
    /* Types that nobody here knows are counted, not guessed. */
    s = (struct seen){.d = {.record = see_record, .field = see_field}};
    data = save(&foreign, &leaf, &len);
    ck_assert_int_eq(ckpt_dump(data, len, &s.d), 0);
    ck_assert_str_eq(s.text, "[type 60102](more)=4 bytes;");
    free(data);
}
END_TEST

/* A long list is no recursion, and finding an object again does not take longer and longer. */
START_TEST(many)
{
    enum { N = 200000 };
    struct node *all = calloc(N, sizeof(*all));
    size_t len;

    for (int i = 0; i + 1 < N; i++)
        all[i] = (struct node){.u32 = (uint32_t)i, .next = &all[i + 1], .peer = &all[i / 2]};
    uint8_t *data = save(&ckpt_node, all, &len);
    const struct node *n = load(data, len);
    for (uint32_t i = 0; i + 1 < N; i++, n = n->next) {
        ck_assert_uint_eq(n->u32, i);
        ck_assert_uint_eq(n->peer->u32, i / 2);
    }
    free(data);
    free(all);
    forget();
}
END_TEST

UNIT_MAIN("record", NULL, NULL, round_trip, older_version, refused, wrong_type, truncated,
          every_byte, dump, many)
