/* path_resolution(7): a component that is not a directory is ENOTDIR, a missing one ENOENT, an
 * empty path ENOENT, a component over 255 bytes or a path over 4095 ENAMETOOLONG. */
#include "tmp.h"

int main(void)
{
    static char name[300], path[5000];

    tmp_enter();
    touch("f");
    must(mkdir("d", 0755));
    is_errno(open("f/x", O_RDONLY), ENOTDIR);
    is_errno(open("f/", O_RDONLY), ENOTDIR);
    is_errno(open("f/.", O_RDONLY), ENOTDIR);
    is_errno(open("f/..", O_RDONLY), ENOTDIR);
    is_errno(open("no/x", O_RDONLY), ENOENT);
    is_errno(open("no", O_RDONLY), ENOENT);
    is_errno(open("", O_RDONLY), ENOENT);
    is_errno(open("d/../no/../f", O_RDONLY), ENOENT);
    ok(open("d/../f", O_RDONLY) >= 0, "d/../f is f");
    memset(name, 'n', 255);
    is_errno(open(name, O_RDONLY), ENOENT);
    ok(open(name, O_CREAT | O_WRONLY, 0644) >= 0, "a name of 255 bytes");
    name[255] = 'n';
    is_errno(open(name, O_RDONLY), ENAMETOOLONG);
    is_errno(open(name, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
    memset(path, '/', 4096);
    is_errno(open(path, O_RDONLY), ENAMETOOLONG);
    path[4095] = 0;
    ok(open(path, O_RDONLY) >= 0, "a path of 4095 bytes");
    is_errno(open(BAD_PTR, O_RDONLY), EFAULT);
    done();
}
