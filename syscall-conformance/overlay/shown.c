/* /proc/self/mountinfo shows an overlay's layers, and the options that are not the usual ones. */
#include "ovl.h"

static void check(const char *options, const char *want)
{
    must(overlay(options));
    char *l = strstr(mnt_line("m"), " - ");
    l[strcspn(l, "\n")] = 0;
    if (!ok(!strcmp(l + 3, want), "'%s' is shown as '%s'", options, want))
        printf("# %s\n", l + 3);
    gone();
}

int main(void)
{
    layers();
    dir("sp ace");
    dir("co,ma");
    dir("co:lon");
    check("lowerdir=a:b", "overlay over ro,lowerdir=a:b,redirect_dir=on");
    check("lowerdir=a" UPPER, "overlay over rw,lowerdir=a,upperdir=u,workdir=w,uuid=on");
    check("lowerdir=a" UPPER, "overlay over rw,lowerdir=a,upperdir=u,workdir=w");
    check("lowerdir=a,uuid=on" UPPER, "overlay over rw,lowerdir=a,upperdir=u,workdir=w,uuid=on");
    check("lowerdir=a,uuid=off" UPPER, "overlay over rw,lowerdir=a,upperdir=u,workdir=w,uuid=off");
    check("lowerdir=a,redirect_dir=on" UPPER,
          "overlay over rw,lowerdir=a,upperdir=u,workdir=w,redirect_dir=on");
    check("lowerdir=a,redirect_dir=off" UPPER, "overlay over rw,lowerdir=a,upperdir=u,workdir=w");
    check("lowerdir=a,redirect_dir=nofollow" UPPER,
          "overlay over rw,lowerdir=a,upperdir=u,workdir=w,redirect_dir=nofollow");
    check("lowerdir=a,xino=on" UPPER, "overlay over rw,lowerdir=a,upperdir=u,workdir=w");
    check("lowerdir=a,default_permissions" UPPER,
          "overlay over rw,lowerdir=a,upperdir=u,workdir=w,default_permissions");
    check("lowerdir=sp ace:a", "overlay over ro,lowerdir=sp\\040ace:a,redirect_dir=on");
    check("lowerdir=co\\,ma:co\\:lon",
          "overlay over ro,lowerdir=co\\134\\054ma:co\\134:lon,redirect_dir=on");
    must(mount("over", "m", "overlay", MS_RDONLY, "lowerdir=a" UPPER));
    is_eq(has_option("m", "ro"), 1);
    is_errno(mkdir("m/x", 0700), EROFS);
    is_eq(mount(NULL, "m", NULL, MS_REMOUNT, "whatever=1"), 0);
    is_eq(mkdir("m/x", 0700), 0);
    gone();
    must(overlay("lowerdir=a:b"));
    is_errno(mkdir("m/y", 0700), EROFS);
    is_errno(mount(NULL, "m", NULL, MS_REMOUNT, NULL), EROFS);
    gone();
    done();
}
