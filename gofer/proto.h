/*
 * The protocol between sentry and gofer: one SOCK_SEQPACKET socket, one packet a message, FDs by
 * SCM_RIGHTS. Both ends check every length of what they get.
 */
#ifndef NV_GOFER_PROTO_H
#define NV_GOFER_PROTO_H

#include <stdint.h>

#define GOFER_VERSION 4
#define GOFER_PACKET_MAX 131072 /* less than a socket's usual send buffer */
#define GOFER_PATH_MAX 4096
#define GOFER_NAME_MAX 255
#define GOFER_VALUE_MAX 65536 /* of an extended attribute: Linux's limit */

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
    uint16_t version, type, export_index, len1, len2; /* lengths of the paths, without NUL */
    uint16_t cpu;       /* where the sentry is: on another one, looking for its next request pays */
    uint32_t len3, pad; /* SETXATTR: of the value */
    uint64_t arg[8];
    char data[]; /* path, then path2, then the value */
};
#define GOFER_REQUEST_MAX (2 * GOFER_PATH_MAX + GOFER_VALUE_MAX)

#define GOFER_LOOKUP_OPEN 1u /* if all of it is there and a regular file: donate it, O_RDONLY */
#define GOFER_STEPS_MAX 32   /* components of path2 */

/* READDIR's arguments. */
enum gofer_readdir {
    READDIR_POS,      /* where to begin in path itself; 0: the beginning */
    READDIR_ATTRS,    /* all entries get attributes if there are no more than so many */
    READDIR_SECTIONS, /* so many directories at most, 0 is 1; below those named if these are few */
    READDIR_FLAGS,
};
#define GOFER_LIST_DIRS 1u  /* directories get attributes in any case */
#define GOFER_LIST_SMALL 2u /* E2BIG for a directory of which one look does not show all */
#define GOFER_SECTIONS_MAX 128

/*
 * OPEN_MANY: the first path of the request is an array of these, each followed by its path; the
 * reply's data is a struct gofer_found for each, its descriptors belong to those with has_fd, in
 * order.
 */
#define GOFER_MANY_MAX 200
#define GOFER_LOOK_ONLY 0xffff
struct gofer_want {
    uint16_t len;  /* of the path */
    uint16_t mode; /* O_RDONLY, O_WRONLY, O_RDWR or GOFER_LOOK_ONLY */
};
struct gofer_found {
    int32_t result; /* 0 or negative errno */
    uint32_t has_fd;
    struct gofer_attr attr;
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
    uint32_t steps; /* LOOKUP: components of path2 that are there */
    int32_t stop;   /* LOOKUP: why the next one is not, negative errno */
    struct gofer_attr attr;
    char data[]; /* LOOKUP: attributes of the steps, symlink target; sections, struct statfs */
};

/*
 * READDIR's data. The first section is what was asked for, the others are ahead of their time:
 * each is complete, and comes after one that has its directory. At multiples of 8, as are entries.
 */
struct gofer_section {
    uint32_t len; /* with the header, the name and the entries */
    uint16_t name_len;
    uint8_t complete; /* nothing comes after the entries */
    uint8_t attrs;    /* they all have attributes, unless these could not be read */
    char name[];      /* the directory's path below that of the request */
};

struct gofer_dirent {
    uint64_t next; /* position after this entry */
    uint64_t ino;
    uint16_t reclen;
    uint8_t type, name_len;
    uint8_t has_attr, link_len, pad[2];
    char data[]; /* attributes if any, name, target of a symlink if known */
};

#endif
