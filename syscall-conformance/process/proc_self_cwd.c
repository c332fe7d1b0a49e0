/* proc(5): /proc/PID/cwd links to the current directory, /proc/self/root to the root. */
#include "child.h"

int main(void)
{
    char link[4096] = "", cwd[4096] = "";
    struct stat a, b;

    enter_scratch();
    ok(getcwd(cwd, sizeof(cwd)) != NULL, "getcwd");
    ok(readlink("/proc/self/cwd", link, sizeof(link) - 1) > 0, "readlink");
    ok(!strcmp(link, cwd), "equal");
    memset(link, 0, sizeof(link));
    ok(readlink("/proc/self/root", link, sizeof(link) - 1) == 1 && link[0] == '/', "root");
    put_file("f", "x", 1, 0600);
    ok(stat("/proc/self/cwd/f", &a) == 0 && stat("f", &b) == 0 && a.st_ino == b.st_ino,
       "paths go through it");
    done();
}
