/* Seccomp filters, made by mk/filters.c when nv is built: NAME_filter in NAME_filter.h. */
#ifndef NV_BASE_FILTER_H
#define NV_BASE_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* For the calling thread and what it starts; no_new_privs is set already. */
int filter_install(const struct sock_filter *insns, size_t n, const char *whose, struct error *e);

#endif
