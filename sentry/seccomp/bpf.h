/*
 * Classic BPF: checked once, then run over struct seccomp_data as seccomp(2) takes it, or over a
 * message as sockets do (SO_ATTACH_FILTER). Nothing here knows the sentry.
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

/* A message without headers of any protocol, from no device. */
struct bpf_message {
    const uint8_t *data;
    uint32_t len;
    uint32_t cpu;             /* SKF_AD_CPU */
    uint32_t (*random)(void); /* SKF_AD_RANDOM */
};
/* bpf_check_classic() alone: 0 or -EINVAL. */
int bpf_check_socket(const struct sock_filter *f, unsigned int len);
/* How many bytes of the message the program lets pass, 0: it is dropped. */
uint32_t bpf_run_socket(const struct sock_filter *f, unsigned int len, const struct bpf_message *m);

#endif
