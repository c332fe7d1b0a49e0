/* A tree of mounts of the program's own: a private namespace with a tmpfs on its directory. */
#ifndef CONFORMANCE_MNT_H
#define CONFORMANCE_MNT_H

#include "../tmp.h"
#include <linux/mount.h>
#include <sched.h>
#include <sys/statfs.h>

#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x200
#endif
#define MNT_FN __attribute__((unused)) static

/* Of sys/mount.h, which does not agree with linux/mount.h. */
extern int mount(const char *, const char *, const char *, unsigned long, const void *);
extern int umount2(const char *, int);
#define MNT_FORCE_ 1
#define MNT_DETACH_ 2
#define MNT_EXPIRE_ 4
#define UMOUNT_NOFOLLOW_ 8

MNT_FN void mnt_leave(void)
{
    if (getpid() == tmp_owner && !chdir("/"))
        umount2(tmp_path, MNT_DETACH_);
}

MNT_FN void mnt_enter(void)
{
    if (geteuid() || unshare(CLONE_NEWNS)) {
        printf("1..0 # SKIP may not mount\n");
        exit(0);
    }
    tmp_enter();
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    must(mount("top", tmp_path, "tmpfs", 0, NULL));
    atexit(mnt_leave);
    must(chdir(tmp_path));
}

/* The last line of mountinfo whose mountpoint is name in the program's directory; NULL: none. */
MNT_FN char *mnt_line(const char *name)
{
    static char line[4096];
    char want[2 * PATH_MAX], found[4096] = "";
    FILE *f = fopen("/proc/self/mountinfo", "r");

    snprintf(want, sizeof(want), " %s%s%s ", tmp_path, *name ? "/" : "", name);
    while (f && fgets(line, sizeof(line), f))
        if (strstr(line, want))
            strcpy(found, line);
    if (f)
        fclose(f);
    strcpy(line, found);
    return *line ? line : NULL;
}

MNT_FN int is_mounted(const char *name)
{
    return mnt_line(name) != NULL;
}

/* Has the mount this option (or tag "shared:", "master:")? */
MNT_FN int has_option(const char *name, const char *opt)
{
    char *l = mnt_line(name), *save, copy[4096];

    if (!l)
        return -1;
    strcpy(copy, l);
    for (char *w = strtok_r(copy, " ,\n", &save); w; w = strtok_r(NULL, " ,\n", &save))
        if (opt[strlen(opt) - 1] == ':' ? !strncmp(w, opt, strlen(opt)) : !strcmp(w, opt))
            return 1;
    return 0;
}

MNT_FN void dir(const char *name)
{
    must(mkdir(name, 0755));
}

MNT_FN void tmpfs_on(const char *name)
{
    must(mount("x", name, "tmpfs", 0, NULL));
}

#endif
