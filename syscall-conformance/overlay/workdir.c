/* workdir/work is made, cleaned and guarded; volatile overlays cannot be mounted again. */
#include "ovl.h"

int main(void)
{
    struct stat st;

    layers();
    must(overlay("lowerdir=a" UPPER));
    must(stat("w/work", &st));
    ok(S_ISDIR(st.st_mode) && !(st.st_mode & 0777), "w/work is there, nobody's");
    lists("w", "work");
    is_errno(mount("o", "b", "overlay", 0, "lowerdir=c,index=on,upperdir=u,workdir=t"), ENOENT);
    dir("t");
    is_errno(mount("o", "b", "overlay", 0, "lowerdir=c,index=on,upperdir=u,workdir=t"), EBUSY);
    is_errno(mount("o", "b", "overlay", 0, "lowerdir=c,index=on,upperdir=t,workdir=w"), EBUSY);
    is_eq(mount("o", "b", "overlay", 0, "lowerdir=c,upperdir=u,workdir=t"), 0);
    must(umount2("b", 0));
    gone();
    put("w/work/left", "x");
    dir("w/work/d");
    put("w/work/d/left", "x");
    is_eq(overlay("lowerdir=a" UPPER), 0);
    lists("w/work", "");
    is_eq(mkdir("m/ok", 0700), 0);
    gone();
    dir("w/work/1");
    dir("w/work/1/2");
    dir("w/work/1/2/3");
    is_eq(overlay("lowerdir=a" UPPER), 0);
    is_eq(has_option("m", "ro"), 1);
    is_errno(mkdir("m/no", 0700), EROFS);
    gone();
    must(rmdir("w/work/1/2/3"));
    must(rmdir("w/work/1/2"));
    must(rmdir("w/work/1"));
    must(rmdir("w/work"));
    put("w/work", "a file");
    is_eq(overlay("lowerdir=a" UPPER), 0);
    is_eq(mkdir("m/yes", 0700), 0);
    gone();
    is_eq(overlay("lowerdir=a,volatile" UPPER), 0);
    lists("w/work/incompat/volatile", "dirty");
    gone();
    is_errno(overlay("lowerdir=a" UPPER), EINVAL);
    is_errno(overlay("lowerdir=a,volatile" UPPER), EINVAL);
    must(unlink("w/work/incompat/volatile/dirty"));
    must(rmdir("w/work/incompat/volatile"));
    is_eq(overlay("lowerdir=a" UPPER), 0);
    must(mkdir("m/d", 0755));
    put("a/low", "low");
    must(umount2("m", MNT_DETACH_));
    done();
}
