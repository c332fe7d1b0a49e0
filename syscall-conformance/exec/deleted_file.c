/* A running program may be unlinked; /proc/self/exe still executes it and reads "(deleted)". */
#include "exec.h"

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "first")) {
        char link[4096] = "";
        check(unlink("./prog") == 0, 1);
        check(readlink("/proc/self/exe", link, sizeof(link) - 1) > 0, 2);
        check(strstr(link, "/prog (deleted)") != NULL, 3);
        execv("/proc/self/exe", (char *[]){"x", "second", NULL});
        return 4;
    }
    if (argc == 2)
        return 55;
    enter_scratch();
    copy_self("prog", 0755);
    ok(exited_with(run("./prog", (char *[]){"x", "first", NULL}, environ), 55), "ran again");
    done();
}
