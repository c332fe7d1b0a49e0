/* open(2) EACCES: the requested access is not allowed, or search permission is denied for a
 * directory in the path prefix; creating needs write permission on the directory. */
#include "tmp.h"

static int unprivileged(void)
{
    drop_root();
    return errno_of(open("none", O_RDONLY)) != EACCES                     ? 1
           : errno_of(open("r", O_RDWR)) != EACCES                        ? 2
           : open("r", O_RDONLY) < 0                                      ? 3
           : errno_of(open("closed/f", O_RDONLY)) != EACCES               ? 4
           : errno_of(open("ro/new", O_CREAT | O_WRONLY, 0644)) != EACCES ? 5
           : errno_of(open("ro/f", O_RDONLY)) != 0                        ? 6
           : errno_of(unlink("ro/f")) != EACCES                           ? 7
           : errno_of(open("r", O_RDONLY | O_TRUNC)) != EACCES            ? 8
           : errno_of(open("closed/nothing", O_RDONLY)) != EACCES         ? 9
                                                                          : 0;
}

int main(void)
{
    tmp_enter();
    touch("none");
    touch("r");
    must(mkdir("closed", 0755));
    touch("closed/f");
    must(mkdir("ro", 0755));
    touch("ro/f");
    must(chmod("none", 0));
    must(chmod("r", 0444));
    must(chmod("closed", 0600));
    must(chmod("ro", 0555));
    is_eq(in_child(unprivileged), 0);
    must(chmod("closed", 0700));
    must(chmod("ro", 0700));
    done();
}
