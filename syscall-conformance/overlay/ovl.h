/* Overlays over directories of a tmpfs of the program's own: a, b, c lower, u and w upper, m. */
#ifndef CONFORMANCE_OVL_H
#define CONFORMANCE_OVL_H

#include "../mount/mnt.h"
#include <dirent.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

MNT_FN void put(const char *name, const char *text)
{
    int fd = must(open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644));

    must(write(fd, text, strlen(text)));
    close(fd);
}

/* A character device 0/0, by its name in a layer. */
MNT_FN int is_whiteout(const char *name)
{
    struct stat st;

    return !lstat(name, &st) && S_ISCHR(st.st_mode) && !st.st_rdev;
}

MNT_FN void whiteout(const char *name)
{
    must(mknod(name, S_IFCHR, makedev(0, 0)));
}

MNT_FN int attr_is(const char *name, const char *attr, const char *want)
{
    char buf[256];
    ssize_t n = lgetxattr(name, attr, buf, sizeof(buf));

    return want ? n == (ssize_t)strlen(want) && !memcmp(buf, want, (size_t)n) : n < 0;
}

/* The names in a directory, sorted, with spaces between. */
MNT_FN const char *names_in(const char *dir)
{
    static char all[4096];
    struct dirent **v;
    int n = scandir(dir, &v, NULL, alphasort);

    all[0] = 0;
    for (int i = 0; i < n; i++) {
        if (strcmp(v[i]->d_name, ".") && strcmp(v[i]->d_name, ".."))
            strcat(strcat(all, *all ? " " : ""), v[i]->d_name);
        free(v[i]);
    }
    if (n >= 0)
        free(v);
    return n < 0 ? "?" : all;
}

#define lists(dir, want) ok(!strcmp(names_in(dir), want), "%s has: %s", dir, want)

MNT_FN ino_t ino_of(const char *name)
{
    struct stat st;

    must(lstat(name, &st));
    return st.st_ino;
}

MNT_FN dev_t dev_of(const char *name)
{
    struct stat st;

    must(lstat(name, &st));
    return st.st_dev;
}

MNT_FN ino_t listed_ino(const char *dir, const char *name)
{
    DIR *d = opendir(dir);
    ino_t ino = 0;

    for (struct dirent *e; d && (e = readdir(d));)
        if (!strcmp(e->d_name, name))
            ino = e->d_ino;
    if (d)
        closedir(d);
    return ino;
}

MNT_FN int overlay(const char *options)
{
    return mount("over", "m", "overlay", 0, options);
}

#define UPPER ",upperdir=u,workdir=w"
#define gone() must(umount2("m", 0))

MNT_FN void layers(void)
{
    mnt_enter();
    dir("a");
    dir("b");
    dir("c");
    dir("u");
    dir("w");
    dir("m");
}

#endif
