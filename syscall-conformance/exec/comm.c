/* execve(2): the process name becomes the file's base name, cut to 15 bytes; the script's own for
 * one. */
#include "exec.h"
#include <sys/prctl.h>

int main(int argc, char **argv)
{
    char name[16];

    if (argc >= 2) {
        prctl(PR_GET_NAME, name);
        return strcmp(name, argv[1]) ? 1 : 0;
    }
    enter_scratch();
    copy_self("short", 0755);
    copy_self("a-rather-long-file-name", 0755);
    ok(symlink("short", "alias") == 0, "link made");
    is_eq(run("./short", (char *[]){"x", "short", NULL}, environ), 0);
    is_eq(run("./a-rather-long-file-name", (char *[]){"x", "a-rather-long-f", NULL}, environ), 0);
    is_eq(run("./alias", (char *[]){"x", "alias", NULL}, environ), 0);
    put_file("script", "#!./short script\n", 17, 0755);
    is_eq(run("./script", (char *[]){"x", NULL}, environ), 0);
    done();
}
