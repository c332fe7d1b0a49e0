/* What the parts of ipc.c expect of their objects before and after a checkpoint. */
#ifndef CHECKPOINT_IPC_H
#define CHECKPOINT_IPC_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern int failures;

#define expect(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("line %d: %s (errno %s)\n", __LINE__, #cond, strerror(errno));                  \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static inline int64_t now_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static inline int revents(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

    poll(&p, 1, 0);
    return p.revents;
}

static inline bool reads(int fd, const char *text)
{
    char buf[256];
    ssize_t n = read(fd, buf, sizeof(buf));

    return n == (ssize_t)strlen(text) && !memcmp(buf, text, (size_t)n);
}

#define writes(fd, text) (write(fd, text, strlen(text)) == (ssize_t)strlen(text))

/* ipc_sockets.c */
void unix_make(void);
void unix_check(void);
void netlink_make(void);
void netlink_check(void);

#endif
