/* renameat2(2): each kind of object onto each kind, within a directory and to another, with each
 * flag: the answer, and what is left under both names. */
#include "../rows.h"
#include <linux/fs.h>

static void make(const char *name, int kind)
{
    char in[64], other[64];

    snprintf(in, sizeof(in), "%s/x", name);
    snprintf(other, sizeof(other), "other-%c", name[0]);
    switch (kind) {
    case 0:
        break;
    case 1:
        touch(name);
        break;
    case 2:
        must(mkdir(name, 0755));
        break;
    case 3:
        must(mkdir(name, 0755));
        touch(in);
        break;
    case 4:
        must(symlink("f-target", name));
        break;
    case 5:
        must(mkfifo(name, 0644));
        break;
    case 6:
        must(link("hard", name));
        break;
    case 7:
        must(symlink("d-target", name));
        break;
    }
}

static char kind_of(const char *name)
{
    struct stat st;

    if (lstat(name, &st))
        return '-';
    switch (st.st_mode & S_IFMT) {
    case S_IFREG:
        return st.st_nlink > 1 ? 'h' : 'f';
    case S_IFDIR:
        return 'd';
    case S_IFLNK:
        return 'l';
    case S_IFIFO:
        return 'p';
    case S_IFCHR:
        return 'w';
    default:
        return '?';
    }
}

int main(void)
{
    static const char *const kinds[] = {"none", "file", "dir",  "full",
                                        "link", "fifo", "hard", "dirlink"};
    static const unsigned int flags[] = {
        0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_NOREPLACE | RENAME_EXCHANGE, 8, 0x80000000};
    const size_t sensible = 3; /* the others are refused before names are looked at */
    static const char *const from[] = {"a", "a/"}, *const to[] = {"b", "b/", "s/b", "s/b/"};

    tmp_enter();
    for (size_t f = 0; f < sizeof(flags) / sizeof(*flags); f++)
        for (int k = 0; k < 8; k++)
            for (int x = 0; x < (f < sensible ? 2 : 1); x++) {
                row_add("%s %s flags %x:", from[x], kinds[k], flags[f]);
                for (int j = 0; j < 8; j++)
                    for (int y = 0; y < (f < sensible ? 4 : 1); y++) {
                        char plain[8];
                        must(mkdir("w", 0755));
                        must(chdir("w"));
                        must(mkdir("s", 0755));
                        touch("hard");
                        touch("f-target");
                        must(mkdir("d-target", 0755));
                        snprintf(plain, sizeof(plain), "%s", y < 2 ? "b" : "s/b");
                        make("a", k);
                        make(plain, j);
                        int e = errno_of(
                            syscall(SYS_renameat2, AT_FDCWD, from[x], AT_FDCWD, to[y], flags[f]));
                        row_add(" %s:%s=%s%c%c", kinds[j], to[y], err_name(e), kind_of("a"),
                                kind_of(plain));
                        must(chdir(tmp_path));
                        nftw("w", tmp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
                    }
                row_end();
            }
    done();
}
