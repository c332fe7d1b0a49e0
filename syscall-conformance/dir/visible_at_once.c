/* What one call changes about names, the next call sees, whoever asked for them before: lookups
 * that failed, listings, attributes of the directory. */
#include "../tmp.h"
#include <dirent.h>

static int listed(const char *dir, const char *name)
{
    DIR *d = opendir(dir);
    int n = 0;

    for (struct dirent *e; d && (e = readdir(d));)
        n += !strcmp(e->d_name, name);
    if (d)
        closedir(d);
    return n;
}

static int entries(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;

    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static long mtime_moves(const char *dir, int (*change)(void))
{
    struct stat before, after;
    struct timespec past[2] = {{1000, 0}, {1000, 0}};

    must(utimensat(AT_FDCWD, dir, past, 0));
    must(stat(dir, &before));
    must(change());
    must(stat(dir, &after));
    return before.st_mtime == 1000 && after.st_mtime > 1000;
}

static int make(void)
{
    touch("d/new");
    return 0;
}

static int rename_it(void)
{
    return rename("d/new", "d/newer");
}

static int unlink_it(void)
{
    return unlink("d/newer");
}

int main(void)
{
    struct stat st;
    char name[40];

    tmp_enter();
    must(mkdir("d", 0755));
    must(mkdir("e", 0755));
    /* Many lookups and listings first, so that whatever is cached is. */
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "d/none%d", i);
        if (exists(name) || entries("d"))
            bail("empty directory");
    }
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "d/none%d", i);
        touch(name);
        if (!exists(name) || entries("d") != i + 1 || !listed("d", name + 2))
            break;
    }
    is_eq(entries("d"), 20);

    is_eq(rename("d/none3", "e/three"), 0);
    is_eq(exists("d/none3"), 0);
    is_eq(exists("e/three"), 1);
    is_eq(listed("d", "none3") + listed("e", "three"), 1);
    is_eq(link("e/three", "d/none3"), 0);
    is_eq(stat("e/three", &st) || st.st_nlink != 2, 0);
    is_eq(unlink("e/three"), 0);
    is_eq(stat("d/none3", &st) || st.st_nlink != 1, 0);
    is_eq(exists("e/three") + listed("e", "three"), 0);
    is_eq(unlink("d/none3"), 0);
    is_errno(unlink("d/none3"), ENOENT);
    is_eq(symlink("../e", "d/none3"), 0);
    is_eq(stat("d/none3", &st) || !S_ISDIR(st.st_mode), 0);
    is_eq(unlink("d/none3"), 0);
    is_eq(mkdir("d/none3", 0755), 0);
    is_eq(lstat("d/none3", &st) || !S_ISDIR(st.st_mode), 0);
    is_eq(rmdir("d/none3"), 0);
    is_eq(entries("d"), 19);

    is_eq(mtime_moves("d", make), 1);
    is_eq(mtime_moves("d", rename_it), 1);
    is_eq(mtime_moves("d", unlink_it), 1);

    /* A directory that was there under another name, with what is in it. */
    is_eq(rename("d", "f"), 0);
    is_eq(exists("d/none4"), 0);
    is_eq(exists("f/none4"), 1);
    is_eq(mkdir("d", 0755), 0);
    is_eq(entries("d"), 0);
    is_eq(exists("d/none4"), 0);
    is_eq(entries("f"), 19);
    done();
}
