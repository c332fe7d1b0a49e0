/*
 * The protocol between sentry and gofer: one SOCK_SEQPACKET socket, one packet a message, FDs by
 * SCM_RIGHTS. Both ends check every length of what they get.
 */
#ifndef NV_GOFER_PROTO_H
#define NV_GOFER_PROTO_H

#include <stdint.h>

#define GOFER_VERSION 1
#define GOFER_PACKET_MAX 65536
#define GOFER_PATH_MAX 4096

enum gofer_msg {
#define MSG(name, mutates, what) GOFER_##name,
#include "gofer/messages.def"
#undef MSG
    GOFER_NR_MSGS
};

struct gofer_attr {
    uint64_t dev, ino, size, blocks, rdev;
    uint32_t mode, nlink, uid, gid, blksize, pad;
    int64_t atime_sec, mtime_sec, ctime_sec, btime_sec;
    uint32_t atime_nsec, mtime_nsec, ctime_nsec, btime_nsec;
};

struct gofer_request {
    uint32_t id;
    uint16_t version, type, export_index, len1, len2, pad; /* lengths of the paths, without NUL */
    uint64_t arg[8];
    char data[]; /* path, then path2 */
};

#define GOFER_SET_MODE 1u
#define GOFER_SET_UID 2u
#define GOFER_SET_GID 4u
#define GOFER_SET_SIZE 8u
#define GOFER_SET_ATIME 16u
#define GOFER_SET_MTIME 32u
/* SETATTR: arg 0 mask, 1 mode, 2 uid | gid << 32, 3 size, 4 5 atime, 6 7 mtime. */

struct gofer_reply {
    uint32_t id;
    int32_t result; /* 0 or negative errno */
    uint32_t len;   /* bytes of data */
    uint32_t nfds;
    struct gofer_attr attr;
    char data[]; /* symlink target, entries, struct statfs */
};

struct gofer_dirent {       /* in READDIR's data, each at a multiple of 8 */
    uint64_t next;          /* position after this entry */
    struct gofer_attr attr; /* mode 0: could not be read */
    uint64_t ino;
    uint16_t reclen;
    uint8_t type, name_len;
    char name[];
};

#endif
