/*
 * What sentry and gofer have without their filters: looked for in a child that has installed none.
 * Each of these would have to hold if a filter had a hole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <net/if.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <grp.h>

#include "base/cleanup.h"
#include "base/empty_root.h"
#include "base/macros.h"
#include "runsc-cli/selftest/selftest.h"

#define DESCRIPTORS 4096

static const char *why(bool failed)
{
    return failed ? strerrorname_np(errno) : "done";
}

/* --- files --- */
static void look_at_root(const char *who)
{
    static const char *const paths[] = {"/proc/self", "/etc/passwd", "/dev/null", "/sys/kernel",
                                        "/usr/bin",   "/tmp",        "/..//etc",  "/proc/1/root"};
    char names[64] = "";
    int n = 0;
    DIR *d = opendir("/");
    struct dirent *de;

    while (d && (de = readdir(d)))
        if (strcmp(de->d_name, ".") && strcmp(de->d_name, "..") && !n++)
            snprintf(names, sizeof(names), "%.60s", de->d_name);
    if (d)
        closedir(d);
    fact_add(who, !n, "an empty root", "%d entries %s", n, names);
    n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        int fd = open(paths[i], O_PATH | O_CLOEXEC);
        if (fd >= 0 && !n++)
            snprintf(names, sizeof(names), "%s", paths[i]);
    }
    fact_add(who, !n, "no file of the host by its name", "%s", names);
    int fd = open("/x", O_CREAT | O_RDWR, 0600);
    fact_add(who, fd < 0, "makes no file", "%s", why(fd < 0));
    bool failed = mount("none", "/", "tmpfs", 0, NULL) != 0;
    fact_add(who, failed, "mounts nothing", "%s", why(failed));
    failed = chroot("/") != 0;
    fact_add(who, failed, "no chroot", "%s", why(failed));
    failed = mknod("/d", S_IFBLK | 0600, 0x801) != 0;
    fact_add(who, failed, "makes no device", "%s", why(failed));
}

static bool is_sandbox_socket(int fd)
{
    int domain = 0;
    socklen_t len = sizeof(domain);

    return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_UNIX;
}

/* One of the standard streams, or the same opened again. */
static bool is_stream(const struct stat *st)
{
    struct stat own;

    for (int fd = 0; fd < 3; fd++)
        if (!fstat(fd, &own) && own.st_ino == st->st_ino && own.st_dev == st->st_dev)
            return true;
    return false;
}

/* Of the gofer directories that are exported; of the sentry memory, sockets, event sources. */
static bool is_expected(enum position p, int fd, const struct stat *st)
{
    int flags = fcntl(fd, F_GETFL);

    if (S_ISSOCK(st->st_mode))
        return is_sandbox_socket(fd);
    if (p == POS_GOFER)
        return S_ISDIR(st->st_mode) || (flags >= 0 && flags & O_PATH);
    if (is_stream(st))
        return true;
    if (S_ISREG(st->st_mode))
        return fcntl(fd, F_GET_SEALS) >= 0 || /* memory, or what /proc/cpuinfo is answered from */
               (st->st_ino == selftest_round.cpuinfo_ino && (flags & O_ACCMODE) == O_RDONLY);
    return !(st->st_mode & S_IFMT); /* epoll, eventfd, signalfd */
}

static void look_at_descriptors(enum position p, const char *who)
{
    char names[64] = "";
    struct stat st;
    int n = 0;

    for (int fd = 3; fd < DESCRIPTORS; fd++) {
        if (fstat(fd, &st))
            continue;
        if (!is_expected(p, fd, &st) && !n++)
            snprintf(names, sizeof(names), "%d, mode %#o", fd, st.st_mode);
    }
    fact_add(who, !n, "no descriptor that it is not meant to have", "%s", names);
}

/* An exported directory has nothing above itself, and a read-only one stays so. */
static void look_at_exports(const char *who)
{
    struct stat own, above;

    for (int fd = 3; fd < DESCRIPTORS; fd++) {
        if (fstat(fd, &own) || !S_ISDIR(own.st_mode))
            continue;
        bool same = !fstatat(fd, "..", &above, 0) && own.st_ino == above.st_ino &&
                    own.st_dev == above.st_dev;
        fact_add(who, same, "nothing above the exported directory", "descriptor %d", fd);
        int made = openat(fd, ".nv-selftest", O_CREAT | O_EXCL | O_WRONLY, 0600);
        fact_add(who, made < 0 && errno == EROFS, "the read-only export stays so", "%s",
                 why(made < 0));
        if (made >= 0)
            unlinkat(fd, ".nv-selftest", 0);
    }
}

/* --- rights --- */
static void look_at_rights(const char *who, uint64_t may)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2] = {0};
    uint64_t bounding = 0;

    syscall(SYS_capget, &h, d);
    uint64_t has = d[0].permitted | d[0].effective | d[0].inheritable |
                   (uint64_t)(d[1].permitted | d[1].effective | d[1].inheritable) << 32;
    fact_add(who, !(has & ~may), "no capabilities but what it needs", "%#llx",
             (unsigned long long)has);
    for (int cap = 0; cap < 64; cap++)
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
            bounding |= 1ULL << cap;
    fact_add(who, !(bounding & ~may), "nor in its bounding set", "%#llx",
             (unsigned long long)bounding);
    fact_add(who, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs", "%s", "");
    int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    bool root_is_nothing = bits >= 0 && bits & SECBIT_NOROOT && bits & SECBIT_NOROOT_LOCKED;
    fact_add(who, root_is_nothing, "user 0 has no rights as such", "%#x", bits);
    bool failed = setresuid(1, 1, 1) != 0;
    fact_add(who, failed, "becomes no other user", "%s", why(failed));
    failed = setresgid(1, 1, 1) != 0;
    fact_add(who, failed, "nor in another group", "%s", why(failed));
    failed = setgroups(1, &(gid_t){0}) != 0;
    fact_add(who, failed, "nor in more groups", "%s", why(failed));
}

/* --- others --- */
static void look_at_others(enum position p, const char *who)
{
    pid_t cli = selftest_round.cli;
    bool failed = ptrace(PTRACE_SEIZE, cli, NULL, NULL) != 0;

    fact_add(who, failed, "does not trace its supervisor", "%s", why(failed));
    if (p == POS_GOFER)
        return; /* it sees processes; its filter has no call to reach one */
    failed = kill(cli, 0) != 0;
    fact_add(who, failed, "does not see its supervisor", "%s", why(failed));
    pid_t parent = (pid_t)syscall(SYS_getppid);
    fact_add(who, parent == 1, "is the first of its processes", "parent %d", parent);
}

static void look_at_network(enum position p, const char *who)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct ifreq r = {.ifr_ifindex = 0};
    bool only_lo = true;

    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (int i = 1; fd >= 0 && i < 64; i++) {
        r.ifr_ifindex = i;
        if (ioctl(fd, SIOCGIFNAME, &r))
            continue;
        only_lo &=
            !ioctl(fd, SIOCGIFFLAGS, &r) && r.ifr_flags & IFF_LOOPBACK && !(r.ifr_flags & IFF_UP);
    }
    fact_add(who, only_lo, "no network interface but a loopback that is down", "%s",
             only_lo ? "" : r.ifr_name);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool failed = connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0;
    fact_add(who, failed, "reaches no address", "%s", why(failed));
    if (fd >= 0)
        close(fd);
    if (p == POS_GOFER)
        return; /* root's has rights there, as the owner of the sentry's user namespace */
    int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    fact_add(who, raw < 0, "opens no raw socket", "%s", why(raw < 0));
    raw = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    fact_add(who, raw < 0, "nor one for packets", "%s", why(raw < 0));
}

void cage_look(enum position p)
{
    const char *who = position_names[p];

    look_at_descriptors(p, who);
    look_at_root(who);
    if (p == POS_GOFER)
        look_at_exports(who);
    look_at_network(p, who);
    look_at_others(p, who);
    look_at_rights(who, p == POS_GOFER ? CAPS_FILE_SERVICE : 0);
}
