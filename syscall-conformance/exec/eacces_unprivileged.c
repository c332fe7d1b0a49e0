/* execve(2): EACCES without search permission on the path; execute-only files can be executed. */
#include "exec.h"

static void child(void)
{
    char *argv[] = {"x", "role", NULL};

    become_nobody();
    check(execv("dir/prog", argv) == -1 && errno == EACCES, 1);
    check(open("secret", O_RDONLY) == -1 && errno == EACCES, 2);
    execv("secret", argv);
    _exit(3);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc == 2)
        return 44;
    enter_scratch();
    ok(mkdir("dir", 0700) == 0, "directory made");
    copy_self("dir/prog", 0755);
    copy_self("secret", 0111);
    chmod("dir", 0600);
    ok(exited_with(in_child(child), 44), "executed");
    chmod("dir", 0700);
    done();
}
