/* Calls to the gofer: a fiber sends a request and parks until its reply has come. */
#ifndef NV_SENTRY_FS_GOFER_RPC_H
#define NV_SENTRY_FS_GOFER_RPC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "gofer/proto.h"

struct fiber;

struct gofer_call {
    enum gofer_msg type;
    unsigned int export_index;
    const char *path, *path2; /* below the export's root; path2 may be NULL */
    uint32_t raw_len;         /* OPEN_MANY: path is that many bytes of wants instead */
    uint64_t arg[8];
    const void *value; /* SETXATTR: with value_len bytes */
    uint32_t value_len;
    const int *file; /* NULL, or a descriptor that goes along */
    /*
     * Given the reply's data where it arrived, at a multiple of 8, instead of a copy in data. 0 or
     * negative errno. Must not park.
     */
    int (*take)(struct gofer_call *c, const char *data, uint32_t len);
    /* result */
    struct gofer_attr attr;
    uint32_t steps; /* LOOKUP: so many struct gofer_attr are in data */
    int stop;
    char *data; /* malloc'ed, NUL-terminated; the caller frees it */
    uint32_t len;
    int fd;        /* -1, or a descriptor the caller owns */
    int *fds;      /* OPEN_MANY: room for GOFER_MANY_MAX of them, the caller's; */
    uint32_t nfds; /* that many have come */
    /* under way */
    struct gofer_pending {
        struct list node;
        uint32_t id;
        struct fiber *fiber; /* that waits, if any */
        uint64_t start_ns;   /* for --stat */
        int result;
        bool done;
    } pending;
};

/*
 * In two steps: begin sends, end waits, also for what begin failed with. c must stay in between,
 * zeroed before but for the request.
 */
void gofer_rpc_begin(struct gofer_call *c);
int gofer_rpc_end(struct gofer_call *c);
/* 0 or negative errno: the gofer's, -EIO when it is gone. Not interruptible. */
int gofer_rpc(struct gofer_call *c);

#endif
