/* See vdso.h. */
#include "sentry/mm/vdso.h"

int vdso_map(struct mm *mm, struct gthread *thr, struct task *t)
{
    return 0;
}
