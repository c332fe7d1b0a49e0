/* Seccomp filters, made by mk/filters.c when nv is built: NAME_filter in NAME_filter.h. */
#ifndef NV_BASE_FILTER_H
#define NV_BASE_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* For the calling thread and what it starts; no_new_privs is set already. */
int filter_install(const struct sock_filter *insns, size_t n, const char *whose, struct error *e);
/* Into to, which has room for max instructions, for somebody else to install. How many, or -E2BIG.
 */
int filter_copy(struct sock_filter *to, size_t max, const struct sock_filter *insns, size_t n,
                const char *whose);

/*
 * nv selftest: called where a filter would be installed or handed on, in the process and at the
 * point where it would be. filter_install_now() does what filter_install() does without a hook.
 */
struct filter_hook {
    int (*install)(const struct sock_filter *insns, size_t n, const char *whose, struct error *e);
    int (*copied)(struct sock_filter *insns, size_t max, size_t n, const char *whose);
};
extern const struct filter_hook *filter_hook;
int filter_install_now(const struct sock_filter *insns, size_t n, const char *whose,
                       struct error *e);

#endif
