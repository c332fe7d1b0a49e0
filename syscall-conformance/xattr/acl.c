/* acl(5): which lists are taken, what they do to the mode and it to them, whom they let in, and
 * what new objects inherit. */
#include "../rows.h"
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

struct list {
    uint32_t version;
    struct {
        uint16_t tag, perm;
        uint32_t id;
    } e[16];
    size_t n;
};

/* "u::7 u:1000:5 g::4 g:3000:6 m::7 o::0" */
static struct list parse(const char *text)
{
    struct list l = {.version = 2};
    char copy[256], *save, kind, id[16];

    snprintf(copy, sizeof(copy), "%s", text);
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save), l.n++) {
        unsigned int perm = 0;
        id[0] = 0;
        if (sscanf(w, "%c::%o", &kind, &perm) != 2)
            sscanf(w, "%c:%15[^:]:%o", &kind, id, &perm);
        l.e[l.n].perm = (uint16_t)perm;
        l.e[l.n].id = *id ? (uint32_t)strtoul(id, NULL, 10) : (uint32_t)ACL_UNDEFINED_ID;
        l.e[l.n].tag = kind == 'u'   ? (*id ? ACL_USER : ACL_USER_OBJ)
                       : kind == 'g' ? (*id ? ACL_GROUP : ACL_GROUP_OBJ)
                       : kind == 'm' ? ACL_MASK
                       : kind == 'o' ? ACL_OTHER
                                     : 0x40;
    }
    return l;
}

static int set(const char *name, const char *which, const char *text)
{
    struct list l = parse(text);

    return errno_of(lsetxattr(name, which, &l, 4 + 8 * l.n, 0));
}

#define A "system.posix_acl_access"
#define D "system.posix_acl_default"

static void show(const char *name)
{
    static const char *const which[] = {A, D};
    struct stat st;

    if (lstat(name, &st)) {
        row_add(" -");
        return;
    }
    row_add(" %o", st.st_mode & 07777);
    for (int w = 0; w < 2; w++) {
        struct list l;
        ssize_t n = lgetxattr(name, which[w], &l, sizeof(l) - 8);
        if (n < 0) {
            row_add("[%s]", err_name(errno));
            continue;
        }
        row_add("[");
        for (ssize_t i = 0; i < (n - 4) / 8; i++)
            row_add("%s%x:%x:%x", i ? "," : "", l.e[i].tag, l.e[i].perm, l.e[i].id);
        row_add("]");
    }
}

static void try_all(void *arg)
{
    const struct row_user *u = arg;
    int fd;

    become(u);
    row_add("%s:", u->name);
    for (int m = 0; m < 8; m++)
        row_add(" %s", says(access("f", m)));
    row_add(" %s", says(fd = open("f", O_RDONLY)));
    close(fd);
    row_add(" %s", says(fd = open("f", O_WRONLY)));
    close(fd);
    row_add(" %s", says(fd = open("d/new", O_RDWR | O_CREAT, 0600)));
    close(fd);
    row_add(" %s", says(unlink("d/new")));
    row_add(" %s", says(access("d/x", F_OK)));
    row_add(" %s", says(setxattr("f", A, &(struct list){.version = 2}, 4, 0)));
    row_add(" %s\n", says(removexattr("f", A)));
}

static void inherited(const char *list)
{
    must(chmod("d", 0777));
    row_add("%s default: %s %s %s", list, err_name(set("d", D, list)), err_name(set("f", D, list)),
            err_name(set("p", A, list)));
    show("d");
    row_end();
    for (int um = 0; um < 2; um++) {
        umask(um ? 077 : 022);
        close(open("d/f", O_CREAT | O_RDWR, 0664));
        close(open("d/f7", O_CREAT | O_RDWR, 0777));
        mkdir("d/d", 0751);
        mkfifo("d/p", 0666);
        mknod("d/n", S_IFREG | 0666, 0);
        symlink("x", "d/l");
        int fd = open("d", O_TMPFILE | O_RDWR, 0666);
        char proc[40];
        snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
        linkat(AT_FDCWD, proc, AT_FDCWD, "d/t", AT_SYMLINK_FOLLOW);
        close(fd);
        umask(022);
        static const char *const made[] = {"d/f", "d/f7", "d/d", "d/p", "d/n", "d/l", "d/t"};
        row_add("%s umask %d:", list, um);
        for (size_t m = 0; m < 7; m++) {
            show(made[m]);
            remove(made[m]);
        }
        row_end();
    }
    row_add("%s", says(removexattr("d", D)));
    row_add(" %s", says(removexattr("d", D)));
    row_add(" %s", says(removexattr("f", D)));
    removexattr("p", A);
    row_end();
}

static void values(void)
{
    struct list l = parse("u::7 g::5 o::4");
    row_add("values:");
    for (size_t n = 0; n <= 30; n++)
        row_add(" %s", says(setxattr("f", A, &l, n, 0)));
    l.version = 1;
    row_add(" %s", says(setxattr("f", A, &l, 28, 0)));
    l.version = 2;
    row_add(" %s", says(setxattr("f", A, &l, 28, XATTR_CREATE)));
    row_add(" %s", says(setxattr("f", A, &l, 28, XATTR_REPLACE)));
    row_add(" link %s", err_name(set("l", A, "u::7 g::5 o::4")));
    row_add(" %s", says(lgetxattr("l", A, &l, sizeof(l))));
    row_add(" %s", says(lremovexattr("l", A)));
    must(set("f", A, "u::7 u:1000:5 g::4 m::7 o::0") ? -1 : 0);
    row_add(" get %ld", (long)getxattr("f", A, NULL, 0));
    for (size_t n = 1; n < 60; n += 7)
        row_add(" %s", says(getxattr("f", A, &l, n)));
    row_end();
}

int main(void)
{
    static const char *const lists[] = {
        "u::7 g::5 o::4", "u::7 u:1000:5 g::4 m::7 o::0", "u::6 u:2000:7 g::4 g:3000:6 m::5 o::1",
        "u::0 g::0 o::0", "u::7 u:4000:7 g::0 m::7 o::0", "u::6 u:4000:0 g::6 m::6 o::6",
        "u::6 g::0 g:3000:7 m::7 o::7", "u::6 g::4 g:2000:2 g:3000:4 m::7 o::7",
        "u::6 u:2000:2 g::7 g:3000:7 m::7 o::0", "u::6 u:2000:7 g::0 m::0 o::7",
        /* not in order, twice, without what must be there */
        "g::5 u::7 o::4", "u::7 o::4", "u::7 g::5", "g::5 o::4", "u::7 u:1:5 g::4 o::0",
        "u::7 g::4 g:1:4 o::0", "u::7 g::4 m::4 o::0", "u::7 u::7 g::5 o::4", "u::7 g::5 g::5 o::4",
        "u::7 g::5 o::4 o::4", "u::7 g::5 m::4 m::4 o::4", "u::8 g::5 o::4", "u::17 g::5 o::4",
        "u::7 u:2:1 u:1:1 g::4 m::7 o::0", "u::7 u:2:1 u:2:1 g::4 m::7 o::0", "x::7",
        "u::7 g::5 o::4 x::1", "u::7 g::5 m::4 g:1:4 o::4", "m::7"};
    tmp_enter();
    if (geteuid()) {
        skip("needs root");
        done();
    }
    touch("f");
    must(mkdir("d", 0755));
    touch("d/x");
    if (setxattr("f", A, &(struct list){.version = 2}, 4, 0)) {
        skip("no lists here");
        done();
    }
    must(chown("f", 1000, 3000));
    must(chown("d", 1000, 3000));
    must(mkfifo("p", 0600));
    must(symlink("f", "l"));
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        must(chmod("f", 0640));
        must(chmod("d", 0750));
        row_add("%s: %s %s", lists[i], err_name(set("f", A, lists[i])),
                err_name(set("d", A, lists[i])));
        show("f");
        show("d");
        row_end();
        for (size_t u = 0; u < 4; u++) {
            set("f", A, lists[i]);
            rows_of_child(try_all, (void *)&row_users[u]);
        }
        set("f", A, lists[i]);
        row_add("%s chmod:", lists[i]);
        static const mode_t modes[] = {0777, 0, 0640, 02755, 0070, 0604};
        for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++) {
            must(chmod("f", modes[m]));
            show("f");
        }
        row_add(" %s", says(removexattr("f", A)));
        show("f");
        removexattr("d", A);
        row_end();
        inherited(lists[i]);
    }
    values();
    char names[256];
    ssize_t n = listxattr("f", names, sizeof(names));
    ok(n == (ssize_t)sizeof(A) && !strcmp(names, A), "the list is listed");
    done();
}
