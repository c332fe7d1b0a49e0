/*
 * The main of a unit test: runs all its tests, fails if one does.
 *
 *   UNIT_MAIN("vma", NULL, NULL, random_operations, borders)
 *
 * setup and teardown, or NULL, run before and after each test in its own process.
 */
#ifndef NV_TESTS_UNIT_H
#define NV_TESTS_UNIT_H

#include <check.h>
#include <stddef.h>

#define UNIT_SECONDS 600 /* for one test: some are long under sanitizers */

static inline int unit_run(const char *name, void (*setup)(void), void (*teardown)(void),
                           const TTest *const tests[], size_t n)
{
    Suite *s = suite_create(name);
    TCase *c = tcase_create(name);

    tcase_set_timeout(c, UNIT_SECONDS);
    tcase_add_checked_fixture(c, setup, teardown);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

#define UNIT_MAIN(name, setup, teardown, ...)                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
                                                                                                   \
        return unit_run(name, setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));           \
    }

#endif
