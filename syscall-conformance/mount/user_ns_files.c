/*
 * What is on a file system that somebody mounted in a user namespace gives nobody outside of it
 * anything: no devices, set-id bits and file capabilities, also not by way of /proc/PID/root.
 */
#include "user_ns.h"
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/xattr.h>

static int down[2], up[2];

static int give_up(void)
{
    return 99;
}

/* The file's program: which ids and capabilities has it got? */
static int told(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];

    if (syscall(SYS_capget, &h, d))
        return give_up();
    return (geteuid() == 0) | (getegid() == 0) << 1 | (d[0].effective ? 4 : 0) |
           (getuid() == 0) << 3;
}

struct exec {
    const char *path;
    uid_t uid;
};

static int run_it(const struct exec *e)
{
    int status;
    pid_t pid = must(fork());

    if (!pid) {
        if (setgroups(0, NULL) || setresgid(e->uid, e->uid, e->uid) ||
            setresuid(e->uid, e->uid, e->uid))
            _exit(98);
        execl(e->path, "told", "told", NULL);
        _exit(97);
    }
    must(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 96;
}

#define RUNS(name, user)                                                                           \
    row_add("%s by %d: %d\n", #name, user, run_it(&(struct exec){path(name), user}))

static char where[PATH_MAX + 64];

static const char *path(const char *name)
{
    static char all[2 * PATH_MAX];

    snprintf(all, sizeof(all), "%s/%s", where, name);
    return all;
}

static void wait_for(int fd)
{
    char c;

    must(read(fd, &c, 1));
}

/* A v2 value of security.capability: CAP_NET_RAW, effective. */
static const uint32_t net_raw[5] = {0x02000001, 1 << 13, 0, 0, 0};

static void inside(void)
{
    must(unshare(CLONE_NEWUSER | CLONE_NEWNS));
    must(write(up[1], "", 1));
    wait_for(down[0]);
    must(setresgid(0, 0, 0));
    must(setresuid(0, 0, 0));
    SAYS(mount("x", "d", "tmpfs", 0, NULL));
    copy_self("d/suid", 0755);
    copy_self("d/sgid", 0755);
    copy_self("d/caps", 0755);
    SAYS(chmod("d/suid", 04755));
    SAYS(chmod("d/sgid", 02755));
    SAYS(setxattr("d/caps", "security.capability", net_raw, sizeof(net_raw), 0));
    SAYS(setxattr("d/caps", "trusted.x", "1", 1, 0));
    row_add("its length inside: %zd\n", getxattr("d/caps", "security.capability", NULL, 0));
    SAYS(mkdir("d/all", 0777));
    SAYS(chmod("d/all", 0777));
    strcpy(where, "d");
    RUNS("suid", 0);
    RUNS("suid", 5);
    RUNS("sgid", 5);
    RUNS("caps", 5);
    /* The user's own view of things outside. */
    struct stat st;
    SAYS(stat("own", &st));
    row_add("root's directory is of %u:%u\n", st.st_uid, st.st_gid);
    SAYS(stat("other", &st));
    row_add("one without an id here is of %u:%u\n", st.st_uid, st.st_gid);
    SAYS(chown("other", 0, 0));
    SAYS(chmod("other", 0700));
    SAYS(open("other", O_RDONLY));
    SAYS(open("other/secret", O_RDONLY));
    SAYS(mkdir("other/new", 0700));
    SAYS(open("null", O_RDWR));
    SAYS(mount("own", "e", NULL, MS_BIND, NULL));
    SAYS(open("e/null", O_RDWR));
    must(write(up[1], row_text, row_len));
    close(up[1]);
    wait_for(down[0]);
}

/* By root, and by those who are nobody there. */
static void outside(pid_t pid)
{
    static const uint32_t v3[6] = {0x03000001, 1 << 13, 0, 0, 0, 0};

    snprintf(where, sizeof(where), "/proc/%d/root%s/d", pid, tmp_path);
    struct stat st;
    SAYS(stat(path("suid"), &st));
    row_add("it is of %u:%u\n", st.st_uid, st.st_gid);
    RUNS("suid", 0);
    RUNS("suid", 1005);
    RUNS("suid", 7);
    RUNS("sgid", 1005);
    RUNS("caps", 1005);
    uint32_t value[6] = {0};
    row_add("capabilities: %zd",
            getxattr(path("caps"), "security.capability", value, sizeof(value)));
    row_add(" version %x root %u\n", value[0], value[5]);
    SAYS(setxattr(path("caps"), "security.capability", net_raw, sizeof(net_raw), 0));
    SAYS(setxattr(path("caps"), "security.capability", v3, sizeof(v3), 0));
    SAYS(mkdir(path("mine"), 0700));
    SAYS(open(path("mine2"), O_CREAT | O_WRONLY, 0600));
    SAYS(open(path("all"), O_TMPFILE | O_WRONLY, 0600));
    SAYS(symlink("x", path("mine3")));
    SAYS(mknod(path("null"), S_IFCHR | 0666, 0x103));
    SAYS(chown(path("all"), 0, 0));
    SAYS(chown(path("all"), 1003, 1003));
    SAYS(chown(path("all"), 999, -1));
    /* As one who has an id there. */
    must(setresgid(-1, 1000, -1));
    must(syscall(SYS_setfsuid, 1000));
    SAYS(mkdir(path("theirs"), 0700));
    SAYS(mknod(path("null"), S_IFCHR | 0666, 0x103));
    must(syscall(SYS_setfsuid, 0));
    must(setresgid(-1, 0, -1));
    SAYS(open(path("null"), O_RDWR));
    SAYS(open(path("null"), O_PATH));
}

int main(int argc, char **argv)
{
    int status;
    char file[64];

    (void)argv;
    if (argc > 1)
        return told();
    mnt_enter();
    must(chmod(".", 0777));
    open_to_all("d");
    open_to_all("e");
    dir("own");
    dir("other");
    must(chmod("other", 0755));
    touch("other/secret");
    must(chmod("other/secret", 0600));
    must(chown("other/secret", 5, 5));
    must(chown("other", 5, 5));
    must(chown("own", 1000, 1000));
    must(mknod("null", S_IFCHR | 0666, 0x103));
    must(chmod("null", 0666));
    must(mknod("own/null", S_IFCHR | 0666, 0x103));
    must(chmod("own/null", 0666));
    must(pipe(down));
    must(pipe(up));
    fflush(stdout);
    pid_t pid = must(fork());
    if (!pid) {
        be_user();
        inside();
        _exit(0);
    }
    close(up[1]);
    wait_for(up[0]);
    snprintf(file, sizeof(file), "/proc/%d/uid_map", pid);
    set_map(file, "0 1000 10");
    snprintf(file, sizeof(file), "/proc/%d/gid_map", pid);
    set_map(file, "0 1000 10");
    must(write(down[1], "", 1));
    for (ssize_t n; (n = read(up[0], row_text + row_len, sizeof(row_text) - 1 - row_len)) > 0;)
        row_len += (size_t)n;
    row_text[row_len] = 0;
    outside(pid);
    must(write(down[1], "", 1));
    must(waitpid(pid, &status, 0));
    char *text = strdup(row_text);
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        ok(1, "%s", line);
    }
    free(text);
    is_eq(status, 0);
    done();
}
