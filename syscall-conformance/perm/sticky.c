/* unlink(2), rename(2), rmdir(2), link(2) in directories of each mode, with entries of each owner:
 * sticky directories are their owners'. */
#include "../rows.h"
#include <linux/fs.h>

static const mode_t modes[] = {0777, 01777, 0755, 01755, 0555, 0333, 0070, 01077, 03777};
static const uid_t owners[] = {0, 1000, 4000};
struct where {
    const struct row_user *u;
    char dir[32];
};

static void make_all(const char *dir, uid_t owner)
{
    char name[64];
    static const char *const files[] = {"a", "b", "c", "d", "e", "t"};

    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof(name), "%s/%s", dir, files[i]);
        touch(name);
        must(chown(name, owner, 5000));
    }
    snprintf(name, sizeof(name), "%s/sub", dir);
    must(mkdir(name, 0755));
    must(chown(name, owner, 5000));
    snprintf(name, sizeof(name), "%s/sub2", dir);
    must(mkdir(name, 0755));
    must(chown(name, owner, 5000));
}

static void table(void *arg)
{
    const struct where *w = arg;

    become(w->u);
    if (chdir(w->dir)) {
        row_add("%s %s: cannot enter\n", w->u->name, w->dir);
        return;
    }
    row_add("%s %s:", w->u->name, w->dir);
    row_add(" unlink %s", says(unlink("a")));
    row_add(" rename %s", says(rename("b", "new")));
    row_add(" over %s", says(rename("c", "d")));
    row_add(" out %s", says(rename("e", "../pub/e")));
    unlink("../pub/e");
    row_add(" in %s", says(rename("../pub/mine", "mine")));
    row_add(" onto %s", says(rename("../pub/mine2", "t")));
    row_add(" exchange %s",
            says(syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "../pub/mine3", RENAME_EXCHANGE)));
    row_add(" rmdir %s", says(rmdir("sub")));
    row_add(" dir out %s", says(rename("sub2", "../pub/sub2")));
    rename("../pub/sub2", "sub2");
    row_add(" link %s", says(link("t", "tt")));
    row_add(" link out %s", says(link("t", "../pub/tt")));
    unlink("../pub/tt");
    row_add(" mkdir %s", says(mkdir("m", 0700)));
    row_add(" symlink %s", says(symlink("x", "s")));
    row_add(" mkfifo %s", says(mkfifo("p", 0600)));
    row_add(" mknod %s", says(mknod("n", S_IFCHR | 0600, 0x103)));
    row_add(" block %s", says(mknod("n2", S_IFBLK | 0600, 0x700)));
    row_add(" sock %s\n", says(mknod("n4", S_IFSOCK | 0600, 0)));
}

int main(void)
{
    if (geteuid()) {
        skip("needs root");
        done();
    }
    tmp_enter();
    must(mkdir("pub", 0777));
    must(chmod("pub", 0777));
    for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++)
        for (size_t o = 0; o < 3; o++)
            for (size_t fo = 0; fo < 3; fo++)
                for (size_t u = 0; u < 4; u++) {
                    struct where w = {.u = &row_users[u]};
                    snprintf(w.dir, sizeof(w.dir), "d%04o.%d.%d", modes[m], owners[o], owners[fo]);
                    must(mkdir(w.dir, 0755));
                    make_all(w.dir, owners[fo]);
                    static const char *const mine[] = {"pub/mine", "pub/mine2", "pub/mine3"};
                    for (int i = 0; i < 3; i++) {
                        touch(mine[i]);
                        must(chown(mine[i], row_users[u].uid, 5000));
                    }
                    must(chown(w.dir, owners[o], 3000));
                    must(chmod(w.dir, modes[m]));
                    rows_of_child(table, &w);
                    must(chmod(w.dir, 0755));
                    nftw(w.dir, tmp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
                }
    done();
}
