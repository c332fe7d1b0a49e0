/* execve(2): a script fails like its interpreter: ENOENT, EACCES; an empty #! line is ENOEXEC. */
#include "exec.h"

static void script(const char *name, const char *line)
{
    put_file(name, line, strlen(line), 0755);
}

int main(void)
{
    char line[400];

    enter_scratch();
    script("missing", "#!/no/such/interpreter\n");
    script("empty", "#!\n");
    script("blank", "#!   \t \n");
    script("dir", "#!/tmp\n");
    put_file("noexec", "#!/bin/sh\n", 10, 0644);
    memset(line, 'x', sizeof(line));
    memcpy(line, "#!/", 3);
    line[399] = 0;
    script("long", line);
    is_eq(exec_errno("missing"), ENOENT);
    is_eq(exec_errno("empty"), ENOEXEC);
    is_eq(exec_errno("blank"), ENOEXEC);
    is_eq(exec_errno("dir"), EACCES);
    is_eq(exec_errno("noexec"), EACCES);
    is_eq(exec_errno("long"), ENOEXEC);
    done();
}
