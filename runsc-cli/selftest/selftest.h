/*
 * nv selftest: real processes of a sandbox, started as any other, try what they must not be able to
 * do. They tell what happened in memory that they share with the CLI.
 */
#ifndef NV_RUNSC_CLI_SELFTEST_H
#define NV_RUNSC_CLI_SELFTEST_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum position {
    POS_SENTRY,
    POS_GOFER,
    POS_GUEST, /* guest code */
    POS_STUB,  /* guest code that jumps to the stub's system call instruction */
    POSITIONS
};
extern const char *const position_names[POSITIONS];

enum way { /* into the kernel */
           WAY_SYSCALL,
           WAY_INT80,
           WAY_SYSENTER,
};

struct attempt {
    enum way way;
    long nr;
    unsigned long args[6];
    long answer;      /* besides what the filter does to others: this negative errno */
    const char *what; /* the argument that is forbidden, or NULL: the call is */
};

#define PASSED_MAX 64
#define TEXT_MAX 112
#define FACTS_MAX 256

struct tally {
    bool done;
    char could_not[TEXT_MAX]; /* why nothing could be tried */
    unsigned int tried, refused, npassed;
    unsigned int exempt; /* calls that this kernel shows to no filter, refused by itself */
    char passed[PASSED_MAX][TEXT_MAX]; /* the first of them */
};

struct fact { /* about the cage */
    char who[24], what[TEXT_MAX], detail[TEXT_MAX];
    bool holds;
};

/* Written by the processes of the sandbox: judged with care, they are what is tested. */
struct selftest {
    struct tally tally[POSITIONS];
    struct fact facts[FACTS_MAX];
    unsigned int nfacts; /* more than FACTS_MAX: the others were lost */
    struct {
        bool returned;
        long value;
    } child[POSITIONS]; /* of the attempt under way */
};
extern struct selftest *selftest;

/* What one start of a sandbox is for; set before it. */
struct selftest_round {
    int weak; /* position whose filter has a hole, POSITIONS: all; -1: none */
    long hole;
    bool only_hole; /* try nothing else */
    bool only_cage; /* no calls: look at the cages */
    pid_t cli;
    bool no_int80;     /* the host has no way in for 32-bit code */
    ino_t cpuinfo_ino; /* of the host's /proc/cpuinfo, which the sentry may read */
};
extern struct selftest_round selftest_round;

/* attempts.c */
bool position_may(enum position p, long nr); /* it is on its list of host calls */
void attempts_each(enum position p, void (*fn)(const struct attempt *a, void *arg), void *arg);
const char *attempt_name(const struct attempt *a, char *buf, size_t size);

/*
 * uretprobe and uprobe are made by code that the kernel itself lays down, and no filter is asked:
 * __secure_computing(). From anywhere else one is SIGILL, the other ENXIO.
 */
bool attempt_is_exempt(const struct attempt *a, int signal, long answer);

/* tally.c: one attempt, how it ended. */
void tally_add(enum position p, const struct attempt *a, bool refused, const char *how);
void fact_add(const char *who, bool holds, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* filtered.c: struct filter_hook of sentry and gofer. */
extern const struct filter_hook selftest_hook;
long enter_kernel(enum way way, long nr, const unsigned long args[6]);
/* A filter that lets hole through as well; how many instructions, or -E2BIG. */
int filter_weaken(struct sock_filter *insns, size_t max, size_t n, long hole);

/* guest.c: drives guest code, in a fiber of the sentry, to all that POS_GUEST and POS_STUB try. */
void guest_try_all(void *arg);

/* cage.c: what a process finds out about itself, in the child it runs in. */
void cage_look(enum position p);
/* outside.c: what the host says about the processes of a sandbox. */
void outside_look(pid_t sentry, pid_t gofer);

#endif
