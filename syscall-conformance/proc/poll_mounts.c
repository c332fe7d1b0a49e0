/*
 * proc_pid_mounts(5), proc_pid_mountinfo(5): poll(2) tells POLLERR and POLLPRI after the mounts of
 * the namespace have changed that the process was in when the file was opened, once to each open
 * file; it can always be read. mountstats cannot be watched.
 */
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>

#include "shape.h"

static int events_of(int fd, int ms)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLPRI, 0};

    poll(&p, 1, ms);
    return p.revents;
}

static void is_told(int fd, bool told, const char *what)
{
    eq(events_of(fd, 0), POLLIN | (told ? POLLERR | POLLPRI : 0), "%s: %s", what,
       told ? "told" : "not told");
}

static void changes(const char *name, const char *dir)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC), other = open(name, O_RDONLY | O_CLOEXEC);
    struct pollfd p = {fd, POLLPRI, 0};
    char c;

    printf("# %s\n", name);
    is_told(fd, false, "at first");
    mount("none", dir, "tmpfs", 0, NULL);
    is_told(fd, true, "a mount");
    is_told(fd, false, "again");
    is_told(other, true, "another open file");
    mount("none", dir, NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL);
    is_told(fd, true, "flags of a mount");
    mount("none", dir, NULL, MS_SHARED, NULL);
    is_told(fd, false, "propagation");
    umount(dir);
    eq(read(fd, &c, 1), 1, "it is read");
    is_told(fd, true, "an unmount, read by then");
    pid_t pid = fork();
    if (!pid) {
        usleep(20000);
        mount("none", dir, "tmpfs", 0, NULL);
        _exit(0);
    }
    eq(poll(&p, 1, 10000), 1, "who waits is woken by a mount");
    eq(p.revents, POLLERR | POLLPRI, "and told what for");
    waitpid(pid, NULL, 0);
    umount(dir);
    close(fd);
    close(other);
}

static void by_epoll(const char *dir)
{
    int ep = epoll_create1(0), fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    struct epoll_event e = {.events = EPOLLPRI};

    eq(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0, "it can be in an epoll set");
    eq(epoll_wait(ep, &e, 1, 0), 0, "nothing yet");
    mount("none", dir, "tmpfs", 0, NULL);
    eq(epoll_wait(ep, &e, 1, 1000), 1, "a mount is told");
    eq((int)e.events, EPOLLERR | EPOLLPRI, "with these events");
    eq(epoll_wait(ep, &e, 1, 0), 0, "once");
    umount(dir);
    eq(epoll_wait(ep, &e, 1, 1000), 1, "an unmount is told");
    close(fd);
    fd = open("/proc/self/mountstats", O_RDONLY | O_CLOEXEC);
    e.events = EPOLLIN;
    fails(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), EPERM, "mountstats cannot be in an epoll set");
    close(fd);
    close(ep);
}

/* The namespace that it was opened in. */
static void stays(const char *dir)
{
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    char buf[65536];

    unshare(CLONE_NEWNS);
    mount("none", dir, "tmpfs", 0, NULL);
    is_told(fd, false, "a mount in another namespace");
    ssize_t n = read(fd, buf, sizeof(buf) - 1);
    buf[n > 0 ? n : 0] = 0;
    ok(n > 0 && !strstr(buf, dir), "what is read is of the first namespace");
    ok(strstr(text_of("/proc/self/mountinfo"), dir), "who opens it now reads of the second");
    umount(dir);
    close(fd);

    char path[64];
    pid_t pid = fork();
    if (!pid)
        for (;;)
            pause();
    snprintf(path, sizeof(path), "/proc/%d/mounts", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ok(read(fd, buf, sizeof(buf)) > 0, "the process may be gone");
    close(fd);
    pid = fork();
    if (!pid)
        _exit(0);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    snprintf(path, sizeof(path), "/proc/%d/mounts", pid);
    fails(open(path, O_RDONLY), EINVAL, "a zombie has no mounts");
    waitpid(pid, NULL, 0);
}

int main(void)
{
    char dir[] = "/tmp/poll_mounts.XXXXXX";

    if (!mkdtemp(dir) || unshare(CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        rmdir(dir);
        skip("a namespace of mounts");
        done();
    }
    changes("/proc/self/mountinfo", dir);
    changes("/proc/self/mounts", dir);
    by_epoll(dir);
    stays(dir);
    rmdir(dir);
    done();
}
