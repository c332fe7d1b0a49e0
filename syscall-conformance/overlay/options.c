/* What mount(2) says to layers and options of an overlay: each mount that fails, and with what. */
#include "ovl.h"

static const struct {
    const char *options;
    int err;
} cases[] = {
    {"", EINVAL},
    {"lowerdir=a", EINVAL}, /* one layer is no overlay */
    {"lowerdir=a:b", 0},
    {"lowerdir=a,upperdir=u", EINVAL},
    {"lowerdir=a,workdir=w", EINVAL},
    {"upperdir=u,workdir=w", EINVAL},
    {"lowerdir=a" UPPER, 0},
    {"lowerdir=a:b:c" UPPER, 0},
    {"workdir=w,lowerdir=a,upperdir=u", 0},
    {"lowerdir=b,lowerdir=a" UPPER, 0},
    {"lowerdir=a:b,workdir=w", 0}, /* useless, ignored */
    {"lowerdir=a:b,volatile,index=on", 0},
    {"lowerdir=a:a", ELOOP},
    {"lowerdir=a,upperdir=a,workdir=w", ELOOP},
    {"lowerdir=.,upperdir=u,workdir=w", 0},
    {"lowerdir=a:." UPPER, ELOOP},
    {"lowerdir=a:a/d", ELOOP},
    {"lowerdir=a/d:a", ELOOP},
    {"lowerdir=u/s:a" UPPER, ELOOP},
    {"lowerdir=a,upperdir=u,workdir=u", EINVAL},
    {"lowerdir=a,upperdir=u,workdir=u/s", EINVAL},
    {"lowerdir=a,upperdir=u/s,workdir=u", EINVAL},
    {"lowerdir=a,upperdir=u,workdir=t", EINVAL},
    {"lowerdir=a,upperdir=t,workdir=w", EINVAL},
    {"lowerdir=none", ENOENT},
    {"lowerdir=a:none", ENOENT},
    {"lowerdir=a,upperdir=none,workdir=w", ENOENT},
    {"lowerdir=a,upperdir=u,workdir=none", ENOENT},
    {"lowerdir=a/f:b", EINVAL},
    {"lowerdir=a,upperdir=a/f,workdir=w", EINVAL},
    {"lowerdir=a,upperdir=u,workdir=a/f", EINVAL},
    {"lowerdir=", EINVAL},
    {"lowerdir=:a", EINVAL},
    {"lowerdir=a:", EINVAL},
    {"lowerdir=a::b", 0},
    {"lowerdir=a::b:c", EINVAL},
    {"lowerdir", EINVAL},
    {"lowerdir=a,none=1" UPPER, EINVAL},
    {"lowerdir=a,none" UPPER, EINVAL},
    {"lowerdir=a,redirect_dir=on" UPPER, 0},
    {"lowerdir=a,redirect_dir=off" UPPER, 0},
    {"lowerdir=a,redirect_dir=follow" UPPER, 0},
    {"lowerdir=a,redirect_dir=nofollow" UPPER, 0},
    {"lowerdir=a,redirect_dir=other" UPPER, EINVAL},
    {"lowerdir=a,redirect_dir" UPPER, EINVAL},
    {"lowerdir=a,index=off" UPPER, 0},
    {"lowerdir=a,index=other" UPPER, EINVAL},
    {"lowerdir=a,nfs_export=off" UPPER, 0},
    {"lowerdir=a,nfs_export=on,index=off" UPPER, EINVAL},
    {"lowerdir=a,metacopy=off" UPPER, 0},
    {"lowerdir=a,metacopy=on,redirect_dir=off" UPPER, EINVAL},
    {"lowerdir=a,metacopy=on,nfs_export=on" UPPER, EINVAL},
    {"lowerdir=a,xino=on" UPPER, 0},
    {"lowerdir=a,xino=off" UPPER, 0},
    {"lowerdir=a,xino=auto" UPPER, 0},
    {"lowerdir=a,xino=other" UPPER, EINVAL},
    {"lowerdir=a,uuid=null" UPPER, 0},
    {"lowerdir=a,uuid=other" UPPER, EINVAL},
    {"lowerdir=a,volatile=1" UPPER, EINVAL},
    {"lowerdir=a,default_permissions" UPPER, 0},
    {"lowerdir=a,userxattr" UPPER, 0},
    {"lowerdir=a,userxattr,redirect_dir=nofollow" UPPER, 0},
    {"lowerdir=a,userxattr,redirect_dir=on" UPPER, EINVAL},
    {"lowerdir=a,userxattr,metacopy=on" UPPER, EINVAL},
    {"lowerdir=a,verity=off" UPPER, 0},
    {"lowerdir=co\\,ma:co\\:lon", 0},
    {"lowerdir=co,ma", ENOENT},
    {"lowerdir=a,upperdir=ro/u,workdir=ro/w", EINVAL},
    {"lowerdir=/proc:a", EINVAL},
    {"lowerdir=/sys:a", 0},
    {"lowerdir=/dev:a", 0},
};

static int mounted_then_gone(const char *options)
{
    int r = overlay(options);
    int err = errno;

    if (!r)
        umount2("m", 0);
    errno = err;
    return r;
}

int main(void)
{
    layers();
    dir("a/d");
    put("a/f", "f");
    dir("u/s");
    dir("t");
    tmpfs_on("t");
    dir("ro");
    tmpfs_on("ro");
    dir("ro/u");
    dir("ro/w");
    must(mount(NULL, "ro", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    dir("co,ma");
    dir("co:lon");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int r = mounted_then_gone(cases[i].options);
        int err = errno;
        if (!ok(cases[i].err ? r && err == cases[i].err : !r, "'%s': %s", cases[i].options,
                cases[i].err ? strerror(cases[i].err) : "mounted"))
            printf("# %s\n", r ? strerror(err) : "mounted");
    }
    must(mount(NULL, "ro", NULL, MS_REMOUNT, NULL));
    must(mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    is_errno(mounted_then_gone("lowerdir=a,upperdir=ro/u,workdir=ro/w"), EINVAL);
    must(umount2("ro", 0));
    must(umount2("t", 0));
    done();
}
