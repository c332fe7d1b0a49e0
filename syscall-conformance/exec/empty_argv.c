/* execve(2): since Linux 5.18 an empty argument vector is replaced by one empty string. */
#include "exec.h"

int main(int argc, char **argv)
{
    if (argc == 1 && argv[0][0] == 0)
        return argv[1] == NULL ? 33 : 34;
    char *none[] = {NULL};
    ok(exited_with(run("/proc/self/exe", none, none), 33), "an empty list");
    ok(exited_with(run("/proc/self/exe", NULL, NULL), 33), "a null pointer");
    done();
}
