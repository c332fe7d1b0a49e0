/*
 * PR_SET_MDWE: memory is not writable and executable at once, nor becomes executable. It cannot be
 * taken back, and is a child's unless that was excluded.
 */
#include "../process/child.h"
#include <sys/prctl.h>

#define SET_MDWE 65
#define GET_MDWE 66

static int rw = PROT_READ | PROT_WRITE, rx = PROT_READ | PROT_EXEC;

static char *map(int prot)
{
    return mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void inherits(void)
{
    check(prctl(GET_MDWE, 0, 0, 0, 0) == 1, 1);
    check(map(rw | rx) == MAP_FAILED && errno == EACCES, 2);
}

static void excluded(void)
{
    check(prctl(SET_MDWE, 3, 0, 0, 0) == 0, 1);
    check(prctl(GET_MDWE, 0, 0, 0, 0) == 3, 2);
    int status;
    pid_t pid = fork();
    if (!pid)
        _exit(prctl(GET_MDWE, 0, 0, 0, 0));
    check(waitpid(pid, &status, 0) == pid && status == 0, 3);
    check(prctl(SET_MDWE, 1, 0, 0, 0) == -1 && errno == EPERM, 4);
}

int main(void)
{
    is_eq(prctl(GET_MDWE, 0, 0, 0, 0), 0);
    is_errno(prctl(SET_MDWE, 2, 0, 0, 0), EINVAL);
    is_errno(prctl(SET_MDWE, 4, 0, 0, 0), EINVAL);
    is_errno(prctl(SET_MDWE, 1, 1, 0, 0), EINVAL);
    ok(exited_with(in_child(excluded), 0), "without children");
    char *was = map(rx), *data = map(rw);
    is_eq(prctl(SET_MDWE, 1, 0, 0, 0), 0);
    is_eq(prctl(GET_MDWE, 0, 0, 0, 0), 1);
    is_errno(prctl(SET_MDWE, 0, 0, 0, 0), EPERM);
    ok(map(rw | rx) == MAP_FAILED && errno == EACCES, "both at once");
    ok(map(rx) != MAP_FAILED, "code from the start");
    is_errno(mprotect(data, 4096, rx), EACCES);
    is_errno(mprotect(was, 4096, rw | rx), EACCES);
    is_eq(mprotect(was, 4096, PROT_READ), 0);
    is_errno(mprotect(was, 4096, rx), EACCES);
    ok(exited_with(in_child(inherits), 0), "a child, too");
    done();
}
