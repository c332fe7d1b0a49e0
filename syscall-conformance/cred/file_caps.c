/* capabilities(7): what a file's capabilities give who executes it, and when they do not. */
#include "../rows.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/xattr.h>

#define RAW (1u << CAP_NET_RAW)
#define CHOWN (1u << CAP_CHOWN)
#define KILL (1u << CAP_KILL)
#define EFFECTIVE 1u

static struct __user_cap_data_struct caps[2];
static struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};

/* The file's program: its row, without the line's end, on standard output. */
static int told(void)
{
    char row[512];
    int death = -1;
    bool ambient = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) > 0;

    prctl(PR_GET_PDEATHSIG, &death);
    syscall(SYS_capget, &head, caps);
    /* What root has goes by the machine. */
    const struct __user_cap_data_struct *c = caps;
    if (c->permitted == c->effective && __builtin_popcount(c->permitted) > 20)
        snprintf(row, sizeof(row), "root's %s", c->permitted & RAW ? "all" : "but raw");
    else
        snprintf(row, sizeof(row), "p %x e %x i %x", c->permitted, c->effective,
                 c->inheritable & (RAW | CHOWN | KILL));
    size_t n = strlen(row);
    snprintf(row + n, sizeof(row) - n,
             " ambient %d uid %u euid %u secure %lu dumpable %d death %d keep %d", ambient,
             getuid(), geteuid(), getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE), death,
             prctl(PR_GET_SECUREBITS));
    return write(1, row, strlen(row)) < 0;
}

struct before {
    uid_t uid;
    uint32_t inheritable, drop; /* drop: of the bounding set */
    bool no_new_privs, ambient, shares;
};

/* Stays until nobody has the other end of the pipe, and keeps nothing else open. */
static int nothing(void *arg)
{
    unsigned int fd = (unsigned int)(uintptr_t)arg;
    char c;

    close_range(0, fd - 1, 0);
    close_range(fd + 1, ~0U, 0);
    while (read((int)fd, &c, 1) > 0)
        ;
    return 0;
}

static int become_and_run(const char *file, const struct before *b, int out, int life)
{
    static char stack[65536];

    must(prctl(PR_SET_KEEPCAPS, 1));
    must(setgroups(0, NULL));
    must(setresgid(b->uid, b->uid, b->uid));
    for (int i = 0; i < 32; i++)
        if (b->drop >> i & 1)
            must(prctl(PR_CAPBSET_DROP, i));
    must(setresuid(b->uid, b->uid, b->uid));
    must(syscall(SYS_capget, &head, caps));
    caps[0].inheritable = b->inheritable | (b->ambient ? KILL : 0);
    caps[1].inheritable = 0;
    if (b->uid) {
        caps[0].permitted = caps[0].effective = b->ambient ? KILL : 0;
        caps[1].permitted = caps[1].effective = 0;
        /* What is inheritable may stay without being permitted. */
        struct __user_cap_data_struct first[2] = {{.inheritable = caps[0].inheritable}};
        must(syscall(SYS_capget, &head, first));
        first[0].inheritable = caps[0].inheritable;
        must(syscall(SYS_capset, &head, first));
        must(syscall(SYS_capset, &head, caps));
    }
    if (b->ambient)
        must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    must(prctl(PR_SET_KEEPCAPS, 0));
    must(prctl(PR_SET_PDEATHSIG, SIGWINCH));
    if (b->no_new_privs)
        must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (b->shares)
        must(clone(nothing, stack + sizeof(stack), CLONE_FS | CLONE_VM | SIGCHLD,
                   (void *)(uintptr_t)life));
    must(dup2(out, 1));
    execl(file, "told", "told", NULL);
    dprintf(1, "%s", err_name(errno));
    return 0;
}

static void runs(const char *what, const char *file, struct before b)
{
    int p[2], life[2], status;
    char buf[512];
    size_t used = 0;

    must(pipe2(p, O_CLOEXEC));
    must(pipe2(life, O_CLOEXEC));
    fflush(stdout);
    pid_t pid = must(fork());
    if (!pid) {
        close(life[1]);
        _exit(become_and_run(file, &b, p[1], life[0]));
    }
    close(p[1]);
    for (ssize_t n;
         used < sizeof(buf) - 1 && (n = read(p[0], buf + used, sizeof(buf) - 1 - used)) > 0;)
        used += (size_t)n;
    close(p[0]);
    buf[used] = 0;
    must(waitpid(pid, &status, 0));
    close(life[0]);
    close(life[1]);
    row_add("%s %s: %s", file, what, buf);
    row_end();
}

/* Sets what the file gives; version 1 has no second words, 3 a root. */
static void give(const char *file, uint32_t version, uint32_t permitted, uint32_t inheritable,
                 uint32_t flags)
{
    uint32_t v[6] = {version | flags, permitted, inheritable, 0, 0, 0};

    must(setxattr(file, "security.capability", v, version == VFS_CAP_REVISION_3 ? 24 : 20, 0));
}

static void each(const char *file)
{
    runs("by a user", file, (struct before){.uid = 1000});
    runs("with it inheritable", file, (struct before){.uid = 1000, .inheritable = RAW | CHOWN});
    runs("bounded", file, (struct before){.uid = 1000, .drop = RAW});
    runs("without new privileges", file, (struct before){.uid = 1000, .no_new_privs = true});
    runs("with ambient ones", file, (struct before){.uid = 1000, .ambient = true});
    runs("with a shared directory", file, (struct before){.uid = 1000, .shares = true});
    runs("by root", file, (struct before){.uid = 0});
    runs("by bounded root", file, (struct before){.uid = 0, .drop = RAW});
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return told();
    if (geteuid() || unshare(CLONE_NEWNS)) {
        printf("1..0 # SKIP needs root\n");
        return 0;
    }
    tmp_enter();
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    must(mkdir("t", 0755));
    must(mount("x", "t", "tmpfs", 0, NULL));
    must(chdir("t"));
    copy_self("none", 0755);
    copy_self("raw", 0755);
    give("raw", VFS_CAP_REVISION_2, RAW, 0, EFFECTIVE);
    copy_self("later", 0755);
    give("later", VFS_CAP_REVISION_2, RAW, 0, 0);
    copy_self("inherits", 0755);
    give("inherits", VFS_CAP_REVISION_2, 0, RAW | CHOWN, EFFECTIVE);
    copy_self("empty", 0755);
    give("empty", VFS_CAP_REVISION_2, 0, 0, 0);
    copy_self("root", 04755);
    copy_self("mixed", 04755);
    give("mixed", VFS_CAP_REVISION_2, RAW, 0, EFFECTIVE);
    copy_self("third", 0755);
    give("third", VFS_CAP_REVISION_3, RAW, 0, EFFECTIVE);
    copy_self("unread", 0711);
    static const char *const files[] = {"./none", "./raw",   "./later", "./inherits", "./empty",
                                        "./root", "./mixed", "./third", "./unread"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        each(files[i]);
    int fd = must(open("script", O_CREAT | O_WRONLY, 0755));
    dprintf(fd, "#!./none\n");
    close(fd);
    give("script", VFS_CAP_REVISION_2, RAW, 0, EFFECTIVE);
    runs("by a user", "./script", (struct before){.uid = 1000});
    must(mount(NULL, "../t", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
    runs("by a user, nosuid", "./raw", (struct before){.uid = 1000});
    runs("by a user, nosuid", "./mixed", (struct before){.uid = 1000});
    runs("by root, nosuid", "./raw", (struct before){.uid = 0});
    must(mount(NULL, "../t", NULL, MS_REMOUNT | MS_BIND, NULL));
    /* Writing and another owner take them. */
    fd = must(open("raw", O_WRONLY | O_APPEND));
    must(write(fd, "", 1));
    close(fd);
    is_errno(getxattr("raw", "security.capability", NULL, 0), ENODATA);
    runs("by a user, written to", "./raw", (struct before){.uid = 1000});
    must(chown("later", 1, 1));
    runs("by a user, another's", "./later", (struct before){.uid = 1000});
    must(chdir("/"));
    char t[PATH_MAX + 8];
    snprintf(t, sizeof(t), "%s/t", tmp_path);
    must(umount2(t, MNT_DETACH));
    done();
}
