/* ioprio_set(2), ioprio_get(2): of process groups and users; the best of many is told. */
#include "../rows.h"

enum { PROCESS = 1, PGRP, USER };

static long get(int which, int who)
{
    return syscall(SYS_ioprio_get, which, who);
}

static long set(int which, int who, int prio)
{
    return syscall(SYS_ioprio_set, which, who, prio);
}

int main(void)
{
    int p[2];
    char c;

    setpgid(0, 0);
    is_eq(get(PGRP, 0), 2 << 13 | 4);
    is_eq(set(PGRP, 0, 2 << 13 | 3), 0);
    is_eq(get(PROCESS, 0), 2 << 13 | 3);
    must(pipe(p));
    pid_t pid = fork();
    if (!pid) {
        close(p[1]);
        (void)!read(p[0], &c, 1);
        _exit(0);
    }
    is_eq(get(PROCESS, pid), 2 << 13 | 3);
    is_eq(set(PROCESS, pid, 2 << 13 | 1), 0);
    is_eq(get(PGRP, getpgrp()), 2 << 13 | 1);
    is_eq(set(PGRP, getpgrp(), 3 << 13), 0);
    is_eq(get(PROCESS, pid), 3 << 13);
    row_add("%s %s %s", says(get(PGRP, 0x3ffffff)), says(set(PGRP, 0x3ffffff, 2 << 13)),
            says(get(USER, 54321)));
    row_add(" %s %s %s", says(set(USER, 54321, 2 << 13)), says(get(4, 0)), says(get(PROCESS, -1)));
    row_add(" %s %s", says(set(PROCESS, 0, 8 << 13)), says(set(PROCESS, 0, 4 << 13)));
    row_add(" %s %s", says(set(PROCESS, 0, 2)), says(set(PROCESS, 0, 2 << 13 | 15)));
    row_end();
    is_eq(get(PROCESS, 0), 2 << 13 | 15);
    close(p[1]);
    waitpid(pid, NULL, 0);
    done();
}
