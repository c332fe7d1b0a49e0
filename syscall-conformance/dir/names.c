/* path_resolution(7): a component has at most 255 bytes, a path 4095: ENAMETOOLONG; slashes, dots,
 * search permission (EACCES) on the way. */
#include "../tmp.h"

static int as_user(void)
{
    struct stat st;

    drop_root();
    if (errno_of(stat("closed/f", &st)) != EACCES)
        return 1;
    if (errno_of(stat("closed/none", &st)) != EACCES)
        return 2;
    if (errno_of(open("nowrite/new", O_CREAT | O_WRONLY, 0600)) != EACCES)
        return 3;
    if (errno_of(unlink("nowrite/f")) != EACCES)
        return 4;
    if (errno_of(rename("nowrite/f", "nowrite/g")) != EACCES)
        return 5;
    if (errno_of(unlink("sticky/f")) != EPERM)
        return 6;
    if (errno_of(rename("sticky/f", "sticky/g")) != EPERM)
        return 7;
    return open("sticky/mine", O_CREAT | O_WRONLY, 0600) >= 0 && !unlink("sticky/mine") ? 0 : 8;
}

int main(void)
{
    static char name[5000];
    struct stat st;

    tmp_enter();
    memset(name, 'n', 255);
    is_eq(close(open(name, O_CREAT | O_WRONLY, 0600)), 0);
    is_eq(stat(name, &st), 0);
    name[255] = 'n';
    is_errno(stat(name, &st), ENAMETOOLONG);
    is_errno(mkdir(name, 0700), ENAMETOOLONG);
    is_errno(open(name, O_CREAT | O_WRONLY, 0600), ENAMETOOLONG);
    is_errno(rename("x", name), ENOENT);
    memset(name, 0, sizeof(name));
    for (int i = 0; i < 2047; i++)
        memcpy(name + 2 * i, "./", 2);
    name[4094] = '.';
    is_eq(strlen(name), 4095);
    is_eq(stat(name, &st), 0);
    name[4095] = '/';
    is_errno(stat(name, &st), ENAMETOOLONG);
    touch("f");
    is_eq(stat("//..//../", &st), 0);
    is_eq(stat("./././//f", &st), 0);
    is_errno(stat("f/", &st), ENOTDIR);
    is_errno(stat("f/.", &st), ENOTDIR);
    is_errno(stat("f/..", &st), ENOTDIR);
    is_errno(stat("none/..", &st), ENOENT);
    is_errno(stat("", &st), ENOENT);
    is_errno(open("f/", O_RDONLY), ENOTDIR);
    is_errno(open("new/", O_CREAT | O_WRONLY, 0600), EISDIR);
    must(mkdir("closed", 0700));
    touch("closed/f");
    must(chmod("closed", 0600));
    must(mkdir("nowrite", 0755));
    touch("nowrite/f");
    must(mkdir("sticky", 0755));
    touch("sticky/f");
    must(chmod("sticky", 01777));
    if (geteuid() == 0)
        is_eq(in_child(as_user), 0);
    else
        skip("needs two users");
    must(chmod("closed", 0700));
    done();
}
