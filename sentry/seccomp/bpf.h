/*
 * Classic BPF as seccomp(2) takes it: checked once, then run over struct seccomp_data. Nothing here
 * knows the sentry.
 */
#ifndef NV_SENTRY_SECCOMP_BPF_H
#define NV_SENTRY_SECCOMP_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#define BPF_LEN_MAX 4096

/* bpf_check_classic() and seccomp_check_filter(): 0 or -EINVAL. */
int bpf_check(const struct sock_filter *f, unsigned int len);
/* Runs a program that was checked; it always ends, since jumps only lead forward. */
uint32_t bpf_run(const struct sock_filter *f, unsigned int len, const struct seccomp_data *d);

#endif
