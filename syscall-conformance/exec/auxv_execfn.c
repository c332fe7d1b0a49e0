/* getauxval(3): AT_EXECFN is the path given to execve, for scripts and links too. */
#include "exec.h"
#include <sys/auxv.h>

int main(int argc, char **argv)
{
    if (argc >= 2)
        return strcmp((char *)getauxval(AT_EXECFN), argv[argc - 1]) == 0 ? 0 : 1;
    enter_scratch();
    copy_self("prog", 0755);
    ok(symlink("./prog", "link") == 0, "link made");
    is_eq(run("./prog", (char *[]){"x", "./prog", NULL}, environ), 0);
    is_eq(run("./link", (char *[]){"x", "./link", NULL}, environ), 0);
    is_eq(run(".//../././", (char *[]){"x", NULL}, environ), (200 + EACCES) << 8);
    put_file("script", "#!./prog\n", 9, 0755);
    is_eq(run("./script", (char *[]){"x", "./script", NULL}, environ), 0);
    done();
}
