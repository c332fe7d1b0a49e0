/* The gofer's server against a temporary tree: what it serves and what it must refuse. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gofer/gofer.h"
#include "gofer/proto.h"
#include "tests/unit/unit.h"

static char dir[64];
static int sock, last_fd;
static pid_t server;
static union {
    struct gofer_reply rep;
    char bytes[GOFER_PACKET_MAX];
} in;

static void put(const char *name, const char *text)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void limit_descriptors(void);

static void setup(void)
{
    char path[200];
    int sv[2];

    strcpy(dir, "/tmp/nv-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/root", dir);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "%s/root/sub", dir);
    mkdir(path, 0755);
    put("secret", "secret");
    put("root/file", "hello");
    snprintf(path, sizeof(path), "%s/root/out", dir);
    ck_assert_int_eq(symlink("../secret", path), 0);
    snprintf(path, sizeof(path), "%s/root/outdir", dir);
    ck_assert_int_eq(symlink("..", path), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
    sock = sv[0];
    server = fork();
    if (server == 0) {
        struct gofer_config cfg = {.sock = sv[1], .nexports = 2};
        close(sv[0]);
        limit_descriptors();
        snprintf(path, sizeof(path), "%s/root", dir);
        cfg.exports[0].fd = open(path, O_PATH | O_DIRECTORY);
        cfg.exports[1] = (struct gofer_export){cfg.exports[0].fd, true};
        _exit(gofer_serve(&cfg) ? 1 : 0);
    }
    close(sv[1]);
}

static void teardown(void)
{
    char cmd[100];
    int status;

    close(sock);
    ck_assert_int_eq(waitpid(server, &status, 0), server);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    ck_assert_int_eq(system(cmd), 0);
}

static int sent_along = -1; /* a descriptor that goes with the next request */

static void send_request(const void *packet, size_t len)
{
    struct iovec v = {(void *)(uintptr_t)packet, len};
    union {
        struct cmsghdr h;
        char buf[CMSG_SPACE(sizeof(int))];
    } c = {.h = {.cmsg_len = CMSG_LEN(sizeof(int)),
                 .cmsg_level = SOL_SOCKET,
                 .cmsg_type = SCM_RIGHTS}};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

    if (sent_along >= 0) {
        memcpy(CMSG_DATA(&c.h), &sent_along, sizeof(int));
        m.msg_control = &c;
        m.msg_controllen = sizeof(c);
    }
    sent_along = -1;
    ck_assert_int_eq(sendmsg(sock, &m, 0), (ssize_t)len);
}

static int exchange(const void *packet, size_t len)
{
    struct iovec v = {in.bytes, sizeof(in)};
    union {
        struct cmsghdr h;
        char buf[CMSG_SPACE(sizeof(int))];
    } c;
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};

    send_request(packet, len);
    ssize_t n = recvmsg(sock, &m, 0);
    ck_assert_int_ge(n, (ssize_t)sizeof(in.rep));
    ck_assert_int_eq(n, (ssize_t)(sizeof(in.rep) + in.rep.len));
    last_fd = -1;
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    if (h)
        memcpy(&last_fd, CMSG_DATA(h), sizeof(int));
    ck_assert_int_eq(in.rep.nfds, last_fd >= 0);
    return in.rep.result;
}

static int call(int export_index, int type, const char *path, const char *path2, uint64_t a0)
{
    union {
        struct gofer_request r;
        char bytes[8192];
    } q = {.r = {.id = 9, .version = GOFER_VERSION}};

    q.r.type = (uint16_t)type;
    q.r.export_index = (uint16_t)export_index;
    q.r.len1 = (uint16_t)strlen(path);
    q.r.len2 = (uint16_t)(path2 ? strlen(path2) : 0);
    q.r.arg[0] = a0;
    memcpy(q.r.data, path, q.r.len1);
    if (path2)
        memcpy(q.r.data + q.r.len1, path2, q.r.len2);
    int r = exchange(&q, sizeof(q.r) + q.r.len1 + q.r.len2);
    ck_assert_uint_eq(in.rep.id, 9);
    return r;
}

START_TEST(serving)
{
    char buf[16] = "";

    ck_assert_int_eq(call(0, GOFER_LOOKUP, "", NULL, 0), 0);
    ck_assert(S_ISDIR(in.rep.attr.mode));
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "file", NULL, 0), 0);
    ck_assert_uint_eq(in.rep.attr.size, 5);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "nothing", NULL, 0), -ENOENT);
    ck_assert_int_eq(call(0, GOFER_OPEN, "file", NULL, O_RDONLY), 0);
    ck_assert_int_eq(read(last_fd, buf, sizeof(buf)), 5);
    ck_assert_str_eq(buf, "hello");
    ck_assert_int_eq(write(last_fd, "x", 1), -1);
    close(last_fd);
    ck_assert_int_eq(call(0, GOFER_OPEN, "sub", NULL, O_RDONLY), -EISDIR);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "out", NULL, 0), 0);
    ck_assert(S_ISLNK(in.rep.attr.mode) && !memcmp(in.rep.data, "../secret", 9));
    ck_assert_int_eq(call(0, GOFER_CREATE, "sub/new", NULL, 0600), 0);
    close(last_fd);
    ck_assert_int_eq(call(0, GOFER_CREATE, "sub/new", NULL, 0600), -EEXIST);
    ck_assert_int_eq(call(0, GOFER_RENAME, "sub/new", "new", 0), 0);
    ck_assert_int_eq(call(0, GOFER_MKDIR, "d", NULL, 0700), 0);
    ck_assert_int_eq(call(0, GOFER_RMDIR, "d", NULL, 0), 0);
    ck_assert_int_eq(call(0, GOFER_UNLINK, "new", NULL, 0), 0);
    ck_assert_int_eq(call(0, GOFER_STATFS, "", NULL, 0), 0);
}
END_TEST

/* Checks the entries of a section and counts them, or those with attributes. */
static int entries(const struct gofer_section *sec, bool with_attr)
{
    uint32_t off = (uint32_t)(sizeof(*sec) + sec->name_len + 7) & ~7U;
    int n = 0;

    while (off < sec->len) {
        const struct gofer_dirent *e = (const void *)((const char *)sec + off);
        size_t used = sizeof(*e) + e->has_attr * sizeof(struct gofer_attr) + e->name_len;
        ck_assert_uint_eq(e->reclen % 8, 0);
        ck_assert_uint_ge(e->reclen, used + e->link_len);
        off += e->reclen;
        n += !with_attr || e->has_attr;
    }
    ck_assert_uint_eq(off, sec->len);
    return n;
}

/* READDIR; the sections' names, each with a comma after it. */
static const char *list(const char *path, const char *names, uint64_t attrs, uint64_t sections)
{
    static char all[1000];
    union {
        struct gofer_request r;
        char bytes[8192];
    } q = {.r = {.version = GOFER_VERSION, .type = GOFER_READDIR}};

    q.r.len1 = (uint16_t)strlen(path);
    q.r.len2 = (uint16_t)strlen(names);
    q.r.arg[READDIR_ATTRS] = attrs;
    q.r.arg[READDIR_SECTIONS] = sections;
    q.r.arg[READDIR_FLAGS] = GOFER_LIST_DIRS;
    memcpy(q.r.data, path, q.r.len1);
    memcpy(q.r.data + q.r.len1, names, q.r.len2);
    all[0] = 0;
    if (exchange(&q, sizeof(q.r) + q.r.len1 + q.r.len2))
        return "failed";
    for (uint32_t off = 0; off < in.rep.len;) {
        const struct gofer_section *s = (void *)(in.rep.data + off);
        ck_assert_uint_eq(s->len % 8, 0);
        ck_assert_uint_ge(entries(s, false), 0);
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%.*s,", s->name_len, s->name);
        off += s->len;
    }
    return all;
}

static const struct gofer_section *first_section(void)
{
    return (const void *)in.rep.data;
}

START_TEST(listing)
{
    ck_assert_str_eq(list("", "", 0, 0), ",");
    ck_assert_int_eq(entries(first_section(), false), 4); /* sub, file, out, outdir */
    ck_assert_int_eq(entries(first_section(), true), 1);  /* directories always have them */
    ck_assert_int_eq(first_section()->complete, 1);
    ck_assert_str_eq(list("", "", 4, 0), ",");
    ck_assert_int_eq(entries(first_section(), true), 4);
    ck_assert_int_eq(first_section()->attrs, 1);
    ck_assert_str_eq(list("", "", 3, 0), ","); /* more entries than the limit */
    ck_assert_int_eq(entries(first_section(), true), 1);
    ck_assert_str_eq(list("file", "", 0, 0), "failed");
}
END_TEST

START_TEST(listing_ahead)
{
    char path[200];

    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "sub/%.*s", 1 + 2 * i, "a/b/c/d");
        ck_assert_int_eq(call(0, GOFER_MKDIR, path, NULL, 0700), 0);
    }
    ck_assert_int_eq(call(0, GOFER_MKDIR, "two", NULL, 0700), 0);
    ck_assert_str_eq(list("", "sub", 0, 1), "sub,");
    ck_assert_str_eq(list("", "sub", 0, 3), "sub,sub/a,sub/a/b,");
    ck_assert_str_eq(list("", "sub/two", 0, 9), "sub,sub/a,sub/a/b,sub/a/b/c,sub/a/b/c/d,two,");
    ck_assert_str_eq(list("sub", "a", 0, 2), "a,a/b,");
    ck_assert_str_eq(list("", "two/missing/file/outdir", 0, 9), "two,");
    ck_assert_str_eq(list("", "missing/two", 0, 9), "failed");
    ck_assert_str_eq(list("", "..", 0, 9), "failed");
    ck_assert_str_eq(list("", "two/../sub", 0, 9), "failed");
    ck_assert_str_eq(list("", "outdir", 0, 9), "failed"); /* a symlink */
    ck_assert_str_eq(list("sub", "//", 0, 9), "failed");
}
END_TEST

/* More than a reply holds: position by position, every name once. */
START_TEST(listing_in_parts)
{
    char path[200];
    int n = 0, parts = 0;
    uint64_t pos = 0;

    snprintf(path, sizeof(path), "%s/root/big", dir);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    for (int i = 0; i < 3000; i++) {
        snprintf(path, sizeof(path), "root/big/%060d", i);
        put(path, "");
    }
    for (bool complete = false; !complete && parts < 50; parts++) {
        ck_assert_int_eq(call(0, GOFER_READDIR, "big", NULL, pos), 0);
        const struct gofer_section *s = first_section();
        complete = s->complete;
        n += entries(s, false);
        for (uint32_t off = sizeof(*s); off < s->len;) {
            const struct gofer_dirent *e = (const void *)((const char *)s + off);
            pos = e->next;
            off += e->reclen;
        }
    }
    ck_assert_int_gt(parts, 1);
    ck_assert_int_eq(n, 3000);
}
END_TEST

START_TEST(walking)
{
    ck_assert_int_eq(call(0, GOFER_CREATE, "sub/new", NULL, 0600), 0);
    close(last_fd);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "sub", "new", GOFER_LOOKUP_OPEN), 0);
    ck_assert_uint_eq(in.rep.steps, 1);
    ck_assert_int_ge(last_fd, 0);
    close(last_fd);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "sub", "new", 0), 0);
    ck_assert_int_lt(last_fd, 0);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "", "sub/missing/x", GOFER_LOOKUP_OPEN), 0);
    ck_assert_uint_eq(in.rep.steps, 1);
    ck_assert_int_eq(in.rep.stop, -ENOENT);
    ck_assert_int_lt(last_fd, 0);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "", "outdir/secret", GOFER_LOOKUP_OPEN), 0);
    ck_assert_uint_eq(in.rep.steps, 1); /* up to the symlink, with its target */
    ck_assert_int_lt(last_fd, 0);
    ck_assert_uint_eq(in.rep.len, sizeof(struct gofer_attr) + 2);
    ck_assert(!memcmp(in.rep.data + sizeof(struct gofer_attr), "..", 2));
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "", "file/x", GOFER_LOOKUP_OPEN), 0);
    ck_assert_uint_eq(in.rep.steps, 1);
    ck_assert_int_lt(last_fd, 0);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "sub", "../../secret", 0), -EINVAL);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "sub", "./new", 0), -EINVAL);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "sub", "a//b", 0), -EINVAL);
}
END_TEST

START_TEST(no_way_out)
{
    static const char *const paths[] = {"..",
                                        "../secret",
                                        "sub/../../secret",
                                        "out",
                                        "outdir/secret",
                                        "outdir/root/file",
                                        "sub/../../root/file"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ck_assert_int_lt(call(0, GOFER_OPEN, paths[i], NULL, O_RDONLY), 0);
        ck_assert_int_lt(call(0, GOFER_READDIR, paths[i], NULL, 0), 0);
        if (strcmp(paths[i], "out"))
            ck_assert_int_lt(call(0, GOFER_LOOKUP, paths[i], NULL, 0), 0);
        ck_assert_int_lt(call(0, GOFER_CREATE, paths[i], NULL, 0600), 0);
        ck_assert_int_lt(call(0, GOFER_SETATTR, paths[i], NULL, GOFER_SET_MODE), 0);
    }
    ck_assert_int_lt(call(0, GOFER_MKDIR, "../made", NULL, 0700), 0);
    ck_assert_int_lt(call(0, GOFER_MKDIR, "outdir/made", NULL, 0700), 0);
    ck_assert_int_lt(call(0, GOFER_LINK, "../secret", "hard", 0), 0);
    ck_assert_int_lt(call(0, GOFER_LINK, "outdir/secret", "hard", 0), 0);
    ck_assert_int_lt(call(0, GOFER_RENAME, "file", "../file", 0), 0);
    ck_assert_int_lt(call(0, GOFER_UNLINK, "outdir/secret", NULL, 0), 0);
    ck_assert_int_lt(call(0, GOFER_MKDIR, "..", NULL, 0700), 0);
    ck_assert_int_lt(call(0, GOFER_UNLINK, "sub/.", NULL, 0), 0);
}
END_TEST

START_TEST(readonly_export)
{
    ck_assert_int_eq(call(1, GOFER_LOOKUP, "file", NULL, 0), 0);
    ck_assert_int_eq(call(1, GOFER_CREATE, "x", NULL, 0600), -EROFS);
    ck_assert_int_eq(call(1, GOFER_UNLINK, "file", NULL, 0), -EROFS);
    ck_assert_int_eq(call(1, GOFER_SETATTR, "file", NULL, GOFER_SET_SIZE), -EROFS);
}
END_TEST

START_TEST(bad_packets)
{
    union {
        struct gofer_request r;
        char bytes[200];
    } q = {.r = {.version = GOFER_VERSION, .type = GOFER_LOOKUP}};

    ck_assert_int_eq(exchange("x", 1), -EPROTO);
    ck_assert_int_eq(exchange(&q, sizeof(q.r) - 1), -EPROTO);
    ck_assert_int_eq(exchange(&q, sizeof(q.r) + 1), -EPROTO); /* more than it says */
    q.r.len1 = 5;
    ck_assert_int_eq(exchange(&q, sizeof(q.r) + 4), -EPROTO);
    ck_assert_int_eq(exchange(&q, sizeof(q.r) + 5), -EPROTO); /* NULs in a path */
    memcpy(q.r.data, "/file", 5);
    ck_assert_int_eq(exchange(&q, sizeof(q.r) + 5), -EPROTO);
    q.r.len1 = 0;
    q.r.type = GOFER_NR_MSGS;
    ck_assert_int_eq(exchange(&q, sizeof(q.r)), -ENOSYS);
    q.r.type = GOFER_LOOKUP;
    q.r.export_index = 2;
    ck_assert_int_eq(exchange(&q, sizeof(q.r)), -EPROTO);
    q.r.export_index = 0;
    q.r.version++;
    ck_assert_int_eq(exchange(&q, sizeof(q.r)), -EPROTO);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "file", NULL, 0), 0); /* it is alive */
}
END_TEST

static int set_attribute(const char *path, const char *name, const char *value)
{
    union {
        struct gofer_request r;
        char bytes[8192];
    } q = {.r = {.version = GOFER_VERSION, .type = GOFER_SETXATTR}};

    q.r.len1 = (uint16_t)strlen(path);
    q.r.len2 = (uint16_t)strlen(name);
    q.r.len3 = (uint32_t)strlen(value);
    memcpy(q.r.data, path, q.r.len1);
    memcpy(q.r.data + q.r.len1, name, q.r.len2);
    memcpy(q.r.data + q.r.len1 + q.r.len2, value, q.r.len3);
    return exchange(&q, sizeof(q.r) + q.r.len1 + q.r.len2 + q.r.len3);
}

START_TEST(attributes)
{
    int err = set_attribute("file", "user.a", "value");

    if (err == -EOPNOTSUPP)
        return; /* a temporary directory without them */
    ck_assert_int_eq(err, 0);
    ck_assert_int_eq(call(0, GOFER_GETXATTR, "file", "user.a", 0), 0);
    ck_assert(in.rep.len == 5 && !memcmp(in.rep.data, "value", 5));
    ck_assert_int_eq(call(0, GOFER_LISTXATTR, "file", NULL, 0), 0);
    ck_assert(in.rep.len == 7 && !memcmp(in.rep.data, "user.a", 7));
    ck_assert_int_eq(call(0, GOFER_REMOVEXATTR, "file", "user.a", 0), 0);
    ck_assert_int_eq(call(0, GOFER_GETXATTR, "file", "user.a", 0), -ENODATA);
    ck_assert_int_eq(set_attribute("", "user.root", "value"), 0);
    ck_assert_int_eq(set_attribute("file", "trusted.a", "value"), -EOPNOTSUPP);
    ck_assert_int_eq(set_attribute("file", "system.posix_acl_access", "value"), -EOPNOTSUPP);
    ck_assert_int_eq(set_attribute("file", "security.capability", "value"), -EPERM);
    /* Links are never followed, and none leads out. */
    ck_assert_int_eq(set_attribute("out", "user.a", "value"), -EPERM);
    ck_assert_int_lt(set_attribute("outdir/secret", "user.a", "value"), 0);
    ck_assert_int_lt(set_attribute("../secret", "user.a", "value"), 0);
    ck_assert_int_lt(call(0, GOFER_LISTXATTR, "..", NULL, 0), 0);
    ck_assert_int_eq(call(1, GOFER_REMOVEXATTR, "file", "user.a", 0), -EROFS);
}
END_TEST

START_TEST(without_a_name)
{
    char path[200];

    int err = call(0, GOFER_TMPFILE, "sub", NULL, 0640);
    if (err == -EOPNOTSUPP)
        return;
    ck_assert_int_eq(err, 0);
    ck_assert_uint_eq(in.rep.attr.nlink, 0);
    close(last_fd); /* may get no name, as arg 3 says */
    snprintf(path, sizeof(path), "%s/root/sub", dir);
    int own = open(path, O_TMPFILE | O_RDWR, 0600);
    ck_assert_int_ge(own, 0);
    sent_along = own;
    ck_assert_int_eq(call(0, GOFER_LINK_FILE, "", "sub/given", 0), 0);
    ck_assert_uint_eq(in.rep.attr.nlink, 1);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "sub/given", NULL, 0), 0);
    /* It has a name now: only by that. */
    sent_along = own;
    ck_assert_int_eq(call(0, GOFER_LINK_FILE, "", "sub/second", 0), -EPERM);
    sent_along = own;
    ck_assert_int_eq(call(0, GOFER_SETATTR, "", NULL, GOFER_SET_MODE), -EPERM);
    close(own);
    ck_assert_int_eq(call(0, GOFER_TMPFILE, "..", NULL, 0600), -EXDEV);
    ck_assert_int_lt(call(0, GOFER_TMPFILE, "outdir", NULL, 0600), 0);
    ck_assert_int_eq(call(1, GOFER_TMPFILE, "", NULL, 0600), -EROFS);
}
END_TEST

/* A descriptor of what is none of the gofer's business gets it to do nothing. */
START_TEST(foreign_descriptors)
{
    static const int takers[] = {GOFER_LINK_FILE, GOFER_SETATTR, GOFER_GETXATTR, GOFER_LISTXATTR,
                                 GOFER_REMOVEXATTR};
    char path[200];

    snprintf(path, sizeof(path), "%s/secret", dir);
    int secret = open(path, O_RDWR), memory = memfd_create("m", 0), pipe_fds[2];
    ck_assert_int_eq(pipe(pipe_fds), 0);
    const int fds[] = {secret, memory, pipe_fds[0], sock};
    for (size_t k = 0; k < sizeof(fds) / sizeof(fds[0]); k++) {
        for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++) {
            sent_along = fds[k];
            ck_assert_int_lt(call(0, takers[i], "", "user.a", GOFER_SET_MODE), 0);
        }
        sent_along = fds[k];
        ck_assert_int_eq(call(0, GOFER_LOOKUP, "", NULL, 0), -EPROTO);
        close(fds[k] == sock ? pipe_fds[1] : fds[k]);
    }
    ck_assert_int_eq(call(0, GOFER_LINK_FILE, "", "none", 0), -EPROTO);
}
END_TEST

/* Names of sockets, no devices. */
START_TEST(nodes)
{
    ck_assert_int_eq(call(0, GOFER_MKNOD, "fifo", NULL, S_IFIFO | 0600), 0);
    ck_assert_int_eq(call(0, GOFER_MKNOD, "sock", NULL, S_IFSOCK | 0600), 0);
    ck_assert(S_ISSOCK(in.rep.attr.mode));
    ck_assert_int_eq(call(0, GOFER_SETATTR, "sock", NULL, GOFER_SET_MODE), 0);
    ck_assert_int_eq(call(0, GOFER_OPEN, "sock", NULL, O_RDWR), -ENXIO);
    ck_assert_int_eq(call(0, GOFER_MKNOD, "dev", NULL, S_IFCHR | 0600), -EPERM);
    ck_assert_int_eq(call(0, GOFER_MKNOD, "file2", NULL, S_IFREG | 0600), -EPERM);
    ck_assert_int_lt(call(0, GOFER_MKNOD, "outdir/x", NULL, S_IFIFO | 0600), 0);
}
END_TEST

/* What it may not exceed: unix(7), ETOOMANYREFS, of all descriptors of a user that are under way.
 */
static bool is_limited;

static void limit_descriptors(void)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2];

    if (!is_limited)
        return;
    if (syscall(SYS_capget, &h, d))
        _exit(2);
    d[0].effective &= ~(1U << CAP_SYS_ADMIN | 1U << CAP_SYS_RESOURCE);
    if (syscall(SYS_capset, &h, d) || setrlimit(RLIMIT_NOFILE, &(struct rlimit){32, 32}))
        _exit(2);
}

START_TEST(too_many_under_way)
{
    int pair[2], fds[40];

    teardown();
    is_limited = true;
    setup();
    is_limited = false;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    for (int i = 0; i < 40; i++)
        fds[i] = 0;
    union {
        struct cmsghdr h;
        char buf[CMSG_SPACE(sizeof(fds))];
    } c = {.h = {.cmsg_len = CMSG_LEN(sizeof(fds)),
                 .cmsg_level = SOL_SOCKET,
                 .cmsg_type = SCM_RIGHTS}};
    struct iovec v = {"x", 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
    memcpy(CMSG_DATA(&c.h), fds, sizeof(fds));
    ck_assert_int_eq(sendmsg(pair[0], &m, 0), 1);
    ck_assert_int_eq(call(0, GOFER_OPEN, "file", NULL, O_RDONLY), -ENFILE);
    ck_assert_int_eq(call(0, GOFER_LOOKUP, "file", NULL, 0), 0);
    close(pair[0]); /* with what is under way */
    close(pair[1]);
}
END_TEST

UNIT_MAIN("gofer", setup, teardown, serving, listing, listing_ahead, listing_in_parts, walking,
          no_way_out, readonly_export, bad_packets, attributes, without_a_name, foreign_descriptors,
          nodes, too_many_under_way)
