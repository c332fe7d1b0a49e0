/*
 * proc_sys_kernel(5): hostname and domainname of the writer's UTS namespace are set by root,
 * whoever has which capabilities; a write goes on where the last one ended, and poll(2) tells
 * POLLERR and POLLPRI of a change in any namespace. Numbers are only taken at the start of the
 * file.
 */
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/utsname.h>

#include "../cred/cred.h"
#include "shape.h"

#define HOSTNAME "/proc/sys/kernel/hostname"
#define DOMAINNAME "/proc/sys/kernel/domainname"

static const char *node(void)
{
    static struct utsname u;

    uname(&u);
    return u.nodename;
}

static void is_name(const char *want, const char *what)
{
    char line[80];

    snprintf(line, sizeof(line), "%s\n", want);
    ok(!strcmp(node(), want) && !strcmp(text_of(HOSTNAME), line), "%s: %.20s", what, want);
    if (strcmp(node(), want))
        printf("# %s\n", node());
}

static void put(const char *what, const char *text, size_t len, const char *want)
{
    int fd = open(HOSTNAME, O_WRONLY | O_CLOEXEC);

    eq(write(fd, text, len), (long)len, "%s: all is taken", what);
    close(fd);
    is_name(want, what);
}

static void writing(void)
{
    char many[100];
    struct utsname u;
    int fd;

    put("a name", "one", 3, "one");
    put("with a line's end", "two\n", 4, "two");
    put("two lines", "three\nfour\n", 11, "three");
    put("a NUL", "fi\0ve", 5, "fi");
    put("nothing", "", 0, "fi");
    put("an empty line", "\n", 1, "");
    memset(many, 'x', sizeof(many));
    put("more than there is room for", many, sizeof(many),
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    fd = open(HOSTNAME, O_RDWR | O_CLOEXEC);
    eq(write(fd, "ab", 2), 2, "a first write");
    is_name("ab", "a first write");
    eq(write(fd, "cd", 2), 2, "a second one");
    is_name("abcd", "they are put together");
    eq(pwrite(fd, "X", 1, 1), 1, "at a position");
    is_name("aX", "what comes before stays");
    eq(pwrite(fd, "Y", 1, 10), 1, "behind the end");
    is_name("aX", "is dropped");
    close(fd);
    fd = open(DOMAINNAME, O_WRONLY | O_CLOEXEC);
    eq(write(fd, "some.where", 10), 10, "the domain");
    uname(&u);
    ok(!strcmp(u.domainname, "some.where"), "is set");
    close(fd);
}

static int polled(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLPRI, 0};

    poll(&p, 1, 0);
    return p.revents;
}

static void polling(void)
{
    int fd = open(HOSTNAME, O_RDONLY | O_CLOEXEC), domain = open(DOMAINNAME, O_RDONLY | O_CLOEXEC);
    int ep = epoll_create1(0), max = open("/proc/sys/kernel/pid_max", O_RDONLY | O_CLOEXEC);
    struct epoll_event e = {.events = EPOLLPRI};

    eq(polled(fd), POLLIN | POLLOUT, "nothing has changed");
    eq(sethostname("new", 3), 0, "sethostname");
    eq(polled(fd), POLLIN | POLLERR | POLLPRI, "is told");
    eq(polled(fd), POLLIN | POLLOUT, "once");
    put("a write", "newer", 5, "newer");
    eq(polled(fd), POLLIN | POLLERR | POLLPRI, "so is a write");
    eq(polled(domain), POLLIN | POLLOUT, "the domain has not changed");
    eq(setdomainname("d", 1), 0, "setdomainname");
    eq(polled(domain), POLLIN | POLLERR | POLLPRI, "now it has");
    eq(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0, "in an epoll set");
    eq(epoll_wait(ep, &e, 1, 0), 0, "nothing");
    pid_t pid = fork();
    if (!pid) {
        unshare(CLONE_NEWUTS);
        _exit(sethostname("child", 5));
    }
    waitpid(pid, NULL, 0);
    eq(epoll_wait(ep, &e, 1, 1000), 1, "another namespace's name is told, too");
    is_name("newer", "and this one stays");
    e.events = EPOLLIN;
    eq(epoll_ctl(ep, EPOLL_CTL_ADD, max, &e), 0, "other files do not change, and may be asked");
    eq(polled(max), POLLIN | POLLOUT, "they are ready");
    close(fd);
    close(domain);
    close(max);
    close(ep);
}

static int opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* Errors of an open for writing, and of a write to what root has opened. */
static int done_by(uid_t uid, gid_t gid, bool keep_caps, const char *path, int fd, const char *text)
{
    pid_t pid = fork();

    if (!pid) {
        if (gid && setresgid(gid, gid, gid))
            _exit(99);
        setgroups(0, NULL);
        if (keep_caps)
            prctl(PR_SET_KEEPCAPS, 1);
        if (uid && setresuid(uid, uid, uid))
            _exit(99);
        struct caps c = {0};
        caps_get(&c);
        c.effective = keep_caps ? c.permitted : 0;
        c.permitted = c.effective;
        if (caps_set(&c))
            _exit(98);
        _exit(path ? opens(path, O_WRONLY) : write(fd, text, strlen(text)) < 0 ? errno : 0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static void rights(void)
{
    int fd = open(HOSTNAME, O_RDWR | O_CLOEXEC), max = 0;

    eq(done_by(0, 0, false, HOSTNAME, -1, NULL), 0, "root without capabilities opens it");
    eq(done_by(0, 0, false, NULL, fd, "bare"), 0, "and writes");
    is_name("bare", "and has set it");
    eq(done_by(1000, 1000, true, HOSTNAME, -1, NULL), EACCES, "another with all of them not");
    eq(done_by(1000, 1000, true, NULL, fd, "no"), EPERM, "nor may it write to root's file");
    eq(done_by(1000, 0, true, HOSTNAME, -1, NULL), EACCES, "nor may root's group");
    is_name("bare", "it stays");
    max = opens("/proc/sys/kernel/osrelease", O_WRONLY);
    eq(max, EACCES, "what has no write bits is nobody's to open for writing");
    eq(opens("/proc/sys/kernel/osrelease", O_RDONLY), 0, "all may read it");
    close(fd);
    fd = open("/proc/version", O_WRONLY | O_CLOEXEC);
    fails(write(fd, "x", 1), EIO, "files that take nothing, elsewhere");
    close(fd);
}

/* The limits of a new IPC namespace, which nobody uses. */
static void numbers(void)
{
    int fd = open("/proc/sys/kernel/shmmni", O_RDWR | O_CLOEXEC);

    eq(write(fd, "1000\n", 5), 5, "a number");
    eq(write(fd, "2000\n", 5), 5, "another behind it");
    ok(!strcmp(text_of("/proc/sys/kernel/shmmni"), "1000\n"), "which is dropped");
    eq(pwrite(fd, "3000\n", 5, 0), 5, "at the start");
    ok(!strcmp(text_of("/proc/sys/kernel/shmmni"), "3000\n"), "it is taken");
    close(fd);
}

int main(void)
{
    if (unshare(CLONE_NEWUTS | CLONE_NEWIPC) || geteuid()) {
        skip("namespaces of names");
        done();
    }
    writing();
    polling();
    rights();
    numbers();
    done();
}
