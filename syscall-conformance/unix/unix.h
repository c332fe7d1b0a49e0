/* Addresses and messages for the programs about AF_UNIX. */
#ifndef CONFORMANCE_UNIX_H
#define CONFORMANCE_UNIX_H

#include "../signal/sig.h"
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ADDR_BASE offsetof(struct sockaddr_un, sun_path)

/* "@name" is abstract, anything else a path. Returns the length for bind and connect. */
UNUSED_FN static socklen_t make_addr(struct sockaddr_un *a, const char *name)
{
    size_t len = strlen(name);

    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    memcpy(a->sun_path, name, len);
    if (name[0] != '@')
        return (socklen_t)(ADDR_BASE + len + 1);
    a->sun_path[0] = 0;
    return (socklen_t)(ADDR_BASE + len);
}

/* An abstract name nobody else has. */
UNUSED_FN static const char *own_name(const char *tail)
{
    static char name[64];

    snprintf(name, sizeof(name), "@conf.%d.%s", getpid(), tail);
    return name;
}

UNUSED_FN static int bind_to(int fd, const char *name)
{
    struct sockaddr_un a;
    socklen_t len = make_addr(&a, name);

    return bind(fd, (struct sockaddr *)&a, len);
}

UNUSED_FN static int connect_to(int fd, const char *name)
{
    struct sockaddr_un a;
    socklen_t len = make_addr(&a, name);

    return connect(fd, (struct sockaddr *)&a, len);
}

UNUSED_FN static int listener(int type, const char *name, int backlog)
{
    int fd = socket(AF_UNIX, type, 0);

    if (fd < 0 || bind_to(fd, name) < 0 || listen(fd, backlog) < 0) {
        perror("listener");
        exit(1);
    }
    return fd;
}

UNUSED_FN static int int_opt(int fd, int opt)
{
    int val = -1;
    socklen_t len = sizeof(val);

    return getsockopt(fd, SOL_SOCKET, opt, &val, &len) == 0 && len == sizeof(val) ? val : -1;
}

UNUSED_FN static short events(int fd)
{
    struct pollfd pfd = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

    poll(&pfd, 1, 0);
    return pfd.revents;
}

#endif
