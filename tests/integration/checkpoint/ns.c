/*
 * Tasks in namespaces of their own, one in the other, before and after a checkpoint:
 * checkpoint_ns.sh runs this, saves it while it waits for SHARED/go, and looks at what it says
 * afterwards. usage: ns SHARED
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALL (CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID)

static int *failures; /* everybody's */
static const char *const kinds[] = {"user", "mnt",   "uts", "ipc", "pid", "pid_for_children",
                                    "net",  "cgroup"};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

#define expect(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("line %d: %s (errno %s)\n", __LINE__, #cond, strerror(errno));                  \
            ++*failures;                                                                           \
        }                                                                                          \
    } while (0)

/* --- who somebody is --- */
struct identity {
    char links[KINDS][64], nodename[65], maps[400];
    pid_t pid, ppid, sid, pgrp;
    uid_t uid, euid;
    gid_t gid;
};

static size_t append_file(char *to, size_t size, const char *name)
{
    int fd = open(name, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, to, size - 1);

    close(fd);
    to[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}

static void who_am_i(struct identity *id)
{
    struct utsname u;
    char path[64];

    memset(id, 0, sizeof(*id));
    for (size_t i = 0; i < KINDS; i++) {
        snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
        if (readlink(path, id->links[i], sizeof(id->links[i]) - 1) < 0)
            id->links[i][0] = 0;
    }
    uname(&u);
    strcpy(id->nodename, u.nodename);
    size_t n = append_file(id->maps, 200, "/proc/self/uid_map");
    append_file(id->maps + n, 200, "/proc/self/gid_map");
    id->pid = getpid();
    id->ppid = getppid();
    id->sid = getsid(0);
    id->pgrp = getpgrp();
    id->uid = getuid();
    id->euid = geteuid();
    id->gid = getgid();
}

static void same_as(const struct identity *before)
{
    struct identity now;

    who_am_i(&now);
    for (size_t i = 0; i < KINDS; i++)
        expect(!strcmp(now.links[i], before->links[i]));
    expect(!strcmp(now.nodename, before->nodename));
    expect(!strcmp(now.maps, before->maps));
    expect(now.pid == before->pid && now.ppid == before->ppid);
    expect(now.sid == before->sid && now.pgrp == before->pgrp);
    expect(now.uid == before->uid && now.euid == before->euid && now.gid == before->gid);
}

/* --- the tree of processes --- */
static int up[2], go[2];

static void say_up(void)
{
    expect(write(up[1], "u", 1) == 1);
}

static void await_up(void)
{
    char c;

    expect(read(up[0], &c, 1) == 1);
}

static void wait_go(void)
{
    char c;

    expect(read(go[0], &c, 1) == 1);
}

static int exits(pid_t pid)
{
    int status;

    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                           : -1;
}

static pid_t child_pid(void) /* as the child sees it */
{
    pid_t pid = fork();

    if (!pid)
        _exit(getpid());
    return exits(pid);
}

/* One more namespace of processes and host names within: the first process there. */
static void innermost(void)
{
    struct identity id;

    expect(getpid() == 1 && getppid() == 0);
    who_am_i(&id);
    say_up();
    wait_go();
    same_as(&id);
    expect(child_pid() == 2);
    _exit(0);
}

static void second(void)
{
    struct identity id;

    expect(getpid() == 2 && getppid() == 1);
    expect(!unshare(CLONE_NEWPID | CLONE_NEWUTS) && !sethostname("innermost", 9));
    pid_t pid = fork();
    if (!pid)
        innermost();
    expect(pid == 3);
    who_am_i(&id);
    say_up();
    wait_go();
    same_as(&id);
    expect(exits(pid) == 0);
    _exit(0);
}

static int listen_abstract(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0checkpoint-ns"};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);

    return bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 1) ? -1 : s;
}

static bool can_connect(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0checkpoint-ns"};
    int s = socket(AF_UNIX, SOCK_STREAM, 0), r = connect(s, (struct sockaddr *)&a, sizeof(a));

    close(s);
    return r == 0;
}

/* The first process of the namespace: it has its own proc, tmpfs, host name and abstract name. */
static void first(void)
{
    struct identity id;
    char text[64];

    expect(getpid() == 1);
    expect(!mount("proc", "/proc", "proc", 0, NULL) && !mount("t", "/tmp", "tmpfs", 0, "size=64k"));
    expect(close(open("/tmp/mine", O_CREAT | O_WRONLY, 0600)) == 0);
    expect(!sethostname("inner", 5) && listen_abstract() >= 0);
    pid_t pid = fork();
    if (!pid)
        second();
    expect(pid == 2);
    who_am_i(&id);
    say_up();
    wait_go();
    same_as(&id);
    expect(readlink("/proc/self", text, sizeof(text)) == 1 && text[0] == '1');
    expect(!access("/proc/2/status", F_OK) && access("/proc/7/status", F_OK));
    expect(!access("/tmp/mine", F_OK) && can_connect());
    expect(child_pid() > 3);
    expect(exits(pid) == 0);
    say_up();
    pause(); /* until killed */
}

static void put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY);

    expect(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* Makes them, and stays outside of that of processes. */
static void maker(int mapped)
{
    char c;

    expect(!unshare(CLONE_NEWUSER));
    say_up();
    expect(read(mapped, &c, 1) == 1);
    expect(!setresuid(0, 0, 0) && !setgid(0));
    expect(!unshare(ALL));
    pid_t pid = fork();
    if (!pid)
        first();
    expect(waitpid(pid, NULL, 0) == pid);
    _exit(0);
}

/* --- seen from outside --- */
static int open_ns(pid_t pid, const char *kind)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
    return open(path, O_RDONLY);
}

/* With descriptors from before the checkpoint: what is opened now are the same files. */
static void enter(pid_t init, const int fds[KINDS])
{
    struct utsname u;
    struct stat a, b;

    for (size_t i = 0; i < KINDS; i++) {
        int fd = open_ns(init, kinds[i]);
        expect(!fstat(fd, &a) && !fstat(fds[i], &b) && a.st_ino == b.st_ino &&
               a.st_dev == b.st_dev);
        close(fd);
    }
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i], "pid_for_children") && strcmp(kinds[i], "cgroup") &&
            setns(fds[i], 0)) {
            printf("setns of %s: %s\n", kinds[i], strerror(errno));
            ++*failures;
        }
    }
    uname(&u);
    expect(!strcmp(u.nodename, "inner") && getuid() == 0);
    expect(child_pid() > 4);
    _exit(0);
}

static void wait_for_go_file(const char *shared)
{
    char name[300];

    snprintf(name, sizeof(name), "%s/go", shared);
    while (access(name, F_OK))
        usleep(20000);
}

int main(int argc, char **argv)
{
    struct identity id;
    char name[64];
    int mapped[2], fds[KINDS];

    setvbuf(stdout, NULL, _IOLBF, 0);
    failures = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pipe(up) || pipe(go) || pipe(mapped))
        return 2;
    pid_t pid = fork();
    if (!pid)
        maker(mapped[0]);
    await_up();
    snprintf(name, sizeof(name), "/proc/%d/uid_map", pid);
    put(name, "0 0 1\n3 1000 7\n");
    snprintf(name, sizeof(name), "/proc/%d/gid_map", pid);
    put(name, "0 0 1\n");
    expect(write(mapped[1], "m", 1) == 1);
    for (int i = 0; i < 3; i++)
        await_up();
    pid_t init = pid + 1; /* the next process of all */
    for (size_t i = 0; i < KINDS; i++) {
        fds[i] = open_ns(init, kinds[i]);
        expect(fds[i] >= 0);
    }
    expect(!can_connect());
    who_am_i(&id);
    printf("ready %d\n", *failures);
    wait_for_go_file(argc > 1 ? argv[1] : ".");
    strcpy(id.nodename, ""); /* a restored sandbox has a name of its own */
    struct utsname u;
    uname(&u);
    strcpy(id.nodename, u.nodename);
    same_as(&id);
    expect(strcmp(u.nodename, "inner") != 0 && !can_connect());
    expect(write(go[1], "ggg", 3) == 3);
    await_up();
    pid_t helper = fork();
    if (!helper)
        enter(init, fds);
    expect(exits(helper) == 0);
    expect(!kill(init, SIGKILL) && exits(pid) == 0);
    printf("done %d\n", *failures);
    return *failures != 0;
}
