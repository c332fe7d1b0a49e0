/*
 * The sandbox's own facts: what uname, sysinfo, /proc and /sys answer from. Filled once by the CLI
 * before the sentry starts; read-only afterwards.
 */
#ifndef NV_SENTRY_SANDBOX_H
#define NV_SENTRY_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/error.h"
#include "ckpt/cpu_guest.h"
#include "ckpt/record.h"

struct sandbox_mount {
    char *src, *dst;
    bool readonly;
    unsigned int export_index;
    int image; /* an EROFS image is mounted: its descriptor; else 0 */
};

enum patch_mode {
    PATCH_AUTO,
    PATCH_EAGER, /* each call site at its first call: for tests */
    PATCH_OFF    /* call sites stay as they are */
};

enum stat_form { STAT_NONE, STAT_TEXT, STAT_JSON };

struct sandbox_spec {
    char *hostname;
    int ncpus;
    uint64_t memory_bytes; /* MemTotal; the sandbox's limit, if it has one */
    bool memory_limited;   /* and the CLI answers CTL_SPARE, CTL_OOM_SCORE */
    char **argv, **envp;
    char *cwd;
    uid_t uid;
    gid_t gid;
    int ngroups;
    gid_t groups[64];
    struct rlimit rlim[RLIM_NLIMITS]; /* of the first process */
    bool root_overlay;                /* writable tmpfs over a read-only root */
    int root_image;                   /* which is this EROFS image; 0: a directory */
    struct sandbox_mount *mounts;
    int nmounts;
    int stdio[3]; /* host FDs, -1: /dev/null */
    bool stdio_is_tty[3];
    int checkpoint_every;                  /* calls; 0: never. For tests */
    const struct sandbox_restore *restore; /* NULL: argv is executed */
    int gofer_sock;
    int ctl_sock;              /* to the CLI: signals in, exit status out */
    const char *strace_filter; /* NULL: off; "" all; "open,read" */
    int strace_fd;
    bool explain;
    bool io_uring; /* guests may have rings */
    enum stat_form stat;
    int stat_fd;
    enum patch_mode patch;
    bool perf_map; /* tell the CLI of each thunk */
    int host_cpus; /* what the sandbox may use of the host */
    char boot_id[37], machine_id[33];
    uint64_t boot_ns; /* host CLOCK_MONOTONIC at start; /proc/uptime counts from here */
    /* --cpu: what the guest may see of the CPU. Not limited: all there is, cpu is not set. */
    char cpu_level[CPU_LEVEL_MAX];
    struct cpu_features cpu;
    bool cpu_limited, cpu_hidden; /* hidden: CPUID faults, the sentry answers it */
    bool core;                    /* who crashes may leave a core file with the CLI */
    int cpuinfo_fd; /* the host's /proc/cpuinfo, -1: none; Linux takes long to write it */
};

/*
 * Messages on ctl_sock, a SOCK_SEQPACKET: this struct, then the payload of some; descriptors come
 * along.
 */
enum ctl_type {
    /* to the sentry */
    CTL_SIGNAL, /* for the first process; value */
    CTL_WINCH,
    CTL_REQUEST,         /* for /proc/nv/request: the payload, or a descriptor of it */
    CTL_CHECKPOINT_DONE, /* what CTL_WANT_CHECKPOINT asked for; 0 or negative errno */
    CTL_CHECKPOINT,      /* value: below, or 0; descriptors: report and, to save, kernel, pages */
    CTL_FILE,            /* answers CTL_WANT_FILE: the descriptor, or value: negative errno */
    CTL_CORE,        /* answers CTL_WANT_CORE: a socket for core/stream.h, or a negative errno */
    CTL_RECORD_WSET, /* descriptor: where the working set goes; CTL_SAVED tells the end */
    /* to the CLI */
    CTL_EXIT,            /* wait status */
    CTL_SAVED,           /* 0 or negative errno */
    CTL_WANT_FILE,       /* value: the number of the file of memory that is to be written next */
    CTL_BARRIER,         /* the program waits for a request */
    CTL_RESPONSE,        /* value: length; the payload, or a descriptor of it */
    CTL_WANT_CHECKPOINT, /* the program asks for one */
    CTL_WANT_CORE,       /* somebody has crashed */
    CTL_WANT_RELAY,      /* --checkpoint-every: so many calls were made */
    /*
     * Asks for a file (value: enum stub_file) of the /proc directory of a process of the sandbox,
     * whose pidfd comes along. The answer is the same message with the descriptor, or with a
     * negative errno.
     */
    CTL_STUB_FILE,
    CTL_SPARE,     /* the zygote is there: let the sentry be killed last when memory runs out */
    CTL_OOM_SCORE, /* value: of the process whose pidfd comes along */
    CTL_PERF_MAP, /* a line for perf about the process whose pidfd comes along; value: our pid of it
                   */
};
enum stub_file { STUB_PAGEMAP, STUB_STATM, STUB_SMAPS };
/* Bits of CTL_CHECKPOINT's value. */
#define CTL_LEAVE_RUNNING 1
#define CTL_SETTLE 2 /* wait first until no task runs, for a while at the most */

#define CTL_PAYLOAD_MAX 65536
#define CTL_FDS_MAX 4
struct ctl_msg {
    int type, value;
};

/* The image a sandbox begins with, in place of argv. */
struct sandbox_restore {
    int kernel_fd, pages_fd;
    int memory_fds[CKPT_MEMORIES_MAX];
    unsigned int nmemories;
    const char *request; /* for /proc/nv/request; NULL: none yet */
    size_t request_len;
    const void *wset; /* the working set, NULL: not known */
    size_t wset_len;
};

extern const struct sandbox_spec *sandbox;

/* runsc-cli's way in: runs the sandbox until init exits; returns its wait status. */
int sentry_main(const struct sandbox_spec *spec);

#endif
