/* Lists, hash tables and string buffers. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/strbuf.h"
#include "tests/unit/unit.h"

struct item {
    int value;
    struct list node;
};

static int sum(struct list *l)
{
    struct item *i;
    int n = 0;

    list_for_each(i, l, node)
        n = n * 10 + i->value;
    return n;
}

START_TEST(order)
{
    struct list a = LIST_INIT(a), b = LIST_INIT(b);
    struct item i[5] = {{.value = 1}, {.value = 2}, {.value = 3}, {.value = 4}, {.value = 5}};

    ck_assert(list_empty(&a) && !list_first_or_null(&a, struct item, node));
    list_add_tail(&a, &i[1].node);
    list_add_tail(&a, &i[2].node);
    list_add(&a, &i[0].node);
    ck_assert_int_eq(sum(&a), 123);
    ck_assert_ptr_eq(list_first(&a, struct item, node), &i[0]);
    ck_assert_ptr_eq(list_last(&a, struct item, node), &i[2]);
    list_splice_tail(&a, &b); /* empty */
    list_add_tail(&b, &i[3].node);
    list_add_tail(&b, &i[4].node);
    list_splice_tail(&a, &b);
    ck_assert_int_eq(sum(&a), 12345);
    ck_assert(list_empty(&b));
    list_del(&i[2].node);
    list_del(&i[2].node); /* of an unlinked one: nothing */
    ck_assert(list_empty(&i[2].node));
    ck_assert_int_eq(sum(&a), 1245);
}
END_TEST

START_TEST(deleting_while_walking)
{
    struct list a = LIST_INIT(a);
    struct item *i, *tmp;

    for (int k = 0; k < 9; k++) {
        i = malloc(sizeof(*i));
        i->value = k;
        list_add_tail(&a, &i->node);
    }
    list_for_each_safe(i, tmp, &a, node) {
        if (i->value % 2) {
            list_del(&i->node);
            free(i);
        }
    }
    ck_assert_int_eq(sum(&a), 2468);
    list_for_each_safe(i, tmp, &a, node)
        free(i);
}
END_TEST

struct number {
    struct hash_node in;
    int value;
};

static struct number *find(const struct hash *h, int value)
{
    struct number *n;

    hash_for_each(n, h, (uint32_t)value / 2, in)
    {
        if (n->value == value)
            return n;
    }
    return NULL;
}

/* Two numbers a hash; the table grows several times. */
START_TEST(hashes)
{
    static struct number v[20000];
    struct hash h = {0};
    int n = ARRAY_SIZE(v);

    ck_assert_ptr_null(find(&h, 7));
    for (int i = 0; i < n; i++) {
        v[i].value = i;
        hash_add(&h, &v[i].in, (uint32_t)i / 2);
    }
    for (int i = 0; i < n; i += 3)
        hash_del(&h, &v[i].in);
    hash_del(&h, &v[0].in);
    for (int i = 0; i < n; i++)
        ck_assert_ptr_eq(find(&h, i), i % 3 ? &v[i] : NULL);
    ck_assert_uint_eq(h.n, (unsigned int)(n - (n + 2) / 3));
    hash_free(&h);
    ck_assert_ptr_null(find(&h, 7));
}
END_TEST

START_TEST(text)
{
    struct strbuf b = STRBUF_INIT;

    strbuf_add(&b, "", 0);
    strbuf_puts(&b, "one");
    strbuf_putc(&b, ' ');
    strbuf_printf(&b, "%d%s", 2, "!");
    ck_assert_str_eq(b.data, "one 2!");
    ck_assert_uint_eq(b.len, 6);
    for (int i = 0; i < 100000; i++)
        strbuf_putc(&b, 'x');
    ck_assert_uint_eq(b.len, 100006);
    ck_assert_uint_eq(strlen(b.data), 100006);
    strbuf_printf(&b, "%0*d", 70000, 1);
    ck_assert_uint_eq(b.len, 170006);
    ck_assert(!b.failed && b.cap > b.len);
    strbuf_free(&b);
    ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(json)
{
    struct strbuf b = STRBUF_INIT;

    strbuf_json_string(&b, "a\"b\\c\n\t\x01\xc3\xa9");
    ck_assert_str_eq(b.data, "\"a\\\"b\\\\c\\n\\u0009\\u0001\xc3\xa9\"");
    strbuf_free(&b);
}
END_TEST

UNIT_MAIN("base", NULL, NULL, order, deleting_while_walking, hashes, text, json)
