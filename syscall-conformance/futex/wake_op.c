/* futex(2) FUTEX_WAKE_OP: changes the second word atomically, wakes waiters of the first, and those
 * of the second if its old value compares true. */
#include "futex.h"

static uint32_t a, b;

static long wake_op(int op, int oparg, int cmp, int cmparg)
{
    return futex2(&a, FUTEX_WAKE_OP_PRIVATE, 1, 1, &b, (uint32_t)FUTEX_OP(op, oparg, cmp, cmparg));
}

int main(void)
{
    struct waiter w[2];

    b = 5;
    is_eq(wake_op(FUTEX_OP_SET, 9, FUTEX_OP_CMP_EQ, 5), 0);
    is_eq(b, 9);
    is_eq(wake_op(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 0), 0);
    is_eq(b, 12);
    is_eq(wake_op(FUTEX_OP_OR, 3, FUTEX_OP_CMP_EQ, 0), 0);
    is_eq(b, 15);
    is_eq(wake_op(FUTEX_OP_ANDN, 5, FUTEX_OP_CMP_EQ, 0), 0);
    is_eq(b, 10);
    is_eq(wake_op(FUTEX_OP_XOR, 3, FUTEX_OP_CMP_EQ, 0), 0);
    is_eq(b, 9);
    is_eq(wake_op(FUTEX_OP_ADD, -1, FUTEX_OP_CMP_EQ, 0), 0);
    is_eq(b, 8);
    is_eq(wake_op(FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_EQ, 0), 0);
    is_eq(b, 16);

    static const struct {
        int cmp, arg, want;
    } tests[] = {{FUTEX_OP_CMP_EQ, 7, 2}, {FUTEX_OP_CMP_EQ, 6, 1}, {FUTEX_OP_CMP_NE, 6, 2},
                 {FUTEX_OP_CMP_LT, 8, 2}, {FUTEX_OP_CMP_LT, 7, 1}, {FUTEX_OP_CMP_LE, 7, 2},
                 {FUTEX_OP_CMP_GT, 6, 2}, {FUTEX_OP_CMP_GE, 8, 1}};
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        a = 0;
        b = 7;
        waiter_start(&w[0], &a, FUTEX_WAIT_PRIVATE, 0, 0);
        waiter_start(&w[1], &b, FUTEX_WAIT_PRIVATE, 7, 0);
        ok(wake_op(FUTEX_OP_SET, 0, tests[i].cmp, tests[i].arg) == tests[i].want,
           "comparison %d with %d", tests[i].cmp, tests[i].arg);
        futex(&b, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        waiter_join(&w[0]);
        waiter_join(&w[1]);
    }
    is_errno(wake_op(7, 0, FUTEX_OP_CMP_EQ, 0), ENOSYS);
    is_errno(wake_op(FUTEX_OP_SET, 0, 9, 0), ENOSYS);
    is_errno(futex2(&a, FUTEX_WAKE_OP_PRIVATE, 1, 1, BAD_PTR, 0), EFAULT);
    done();
}
