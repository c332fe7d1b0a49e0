/* execve(2): a script's interpreter may be a script, up to a depth; beyond it fails with ELOOP. */
#include "exec.h"

int main(int argc, char **argv)
{
    char name[16], line[5000];

    if (argc > 1)
        return !strcmp(argv[argc - 1], "./s4") ? 70 : 71;
    enter_scratch();
    snprintf(line, sizeof(line), "#!%s\n", self_path());
    if (strlen(line) > 250) {
        skip("the program's path is too long for a script line");
        done();
    }
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        put_file(name, line, strlen(line), 0755);
        snprintf(line, sizeof(line), "#!./s%d\n", i);
    }
    char *args[] = {"x", NULL};
    ok(exited_with(run("./s4", args, environ), 70), "five levels");
    is_eq(exec_errno("./s5"), ELOOP);
    is_eq(exec_errno("./s7"), ELOOP);
    put_file("self", "#!./self\n", 9, 0755);
    is_eq(exec_errno("./self"), ELOOP);
    done();
}
