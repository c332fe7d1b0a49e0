/* semop(2): SEM_UNDO is undone at exit, kept in range, forgotten by SETVAL, not inherited. */
#include "sysv.h"
#include <sched.h>

static int id;

static int up_undo(void)
{
    return op1(id, 0, 3, SEM_UNDO) || op1(id, 1, -4, SEM_UNDO);
}

static int forgotten(void)
{
    return op1(id, 0, 3, SEM_UNDO) || semctl(id, 0, SETVAL, (union semun){.val = 7});
}

static int clamped(void)
{
    return op1(id, 0, 5, SEM_UNDO) || op1(id, 0, -10, 0);
}

static int inherits_not(void)
{
    if (op1(id, 0, 1, SEM_UNDO))
        return 1;
    pid_t pid = fork();
    if (!pid)
        _exit(0);
    waitpid(pid, NULL, 0);
    return semctl(id, 0, GETVAL) == 1 ? 0 : 2;
}

static int together(void)
{
    struct sembuf ops[2] = {{0, 1, SEM_UNDO}, {1, -9, SEM_UNDO | IPC_NOWAIT}};

    return errno_of(semop(id, ops, 2)) != EAGAIN;
}

static int unshares(void)
{
    if (op1(id, 0, 2, SEM_UNDO) || unshare(CLONE_SYSVSEM))
        return 1;
    return semctl(id, 0, GETVAL) ? 2 : 0;
}

static int wakes(void)
{
    return op1(id, 1, -4, SEM_UNDO);
}

int main(void)
{
    int status;

    id = new_sem(2, 0600);
    must(semctl(id, 1, SETVAL, (union semun){.val = 4}));
    is_eq(in_child(up_undo), 0);
    is_eq(semctl(id, 0, GETVAL), 0);
    is_eq(semctl(id, 1, GETVAL), 4);
    is_eq(in_child(forgotten), 0);
    is_eq(semctl(id, 0, GETVAL), 7);
    is_eq(in_child(clamped), 0);
    is_eq(semctl(id, 0, GETVAL), 0);
    is_eq(in_child(inherits_not), 0);
    is_eq(semctl(id, 0, GETVAL), 0);
    is_eq(in_child(together), 0);
    is_eq(semctl(id, 0, GETVAL), 0);
    is_eq(in_child(unshares), 0);
    pid_t waiter = (pid_t)must(fork());
    if (!waiter)
        _exit(errno_of(op1(id, 1, -8, 0)));
    await_waiters(id, 1, GETNCNT, 1);
    is_eq(in_child(wakes), 0);
    must(op1(id, 1, 4, 0));
    must(waitpid(waiter, &status, 0));
    is_eq(status, 0);
    must(semctl(id, 0, SETVAL, (union semun){.val = 0}));
    is_errno(op1(id, 0, 32767, SEM_UNDO) ? -1 : op1(id, 0, 1, SEM_UNDO), ERANGE);
    done();
}
