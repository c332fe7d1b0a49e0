/* semop(2): sleepers are counted, woken in order, by removal with EIDRM, by signals with EINTR. */
#include "sysv.h"

static int id;

static pid_t spawn(int num, int op, int flags)
{
    pid_t pid = (pid_t)must(fork());

    if (!pid)
        _exit(errno_of(op1(id, num, op, flags)));
    return pid;
}

static int status_of(pid_t pid)
{
    int status;

    must(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
    id = new_sem(2, 0600);
    pid_t a = spawn(0, -2, 0);
    await_waiters(id, 0, GETNCNT, 1);
    pid_t b = spawn(0, -1, 0);
    await_waiters(id, 0, GETNCNT, 2);
    is_eq(semctl(id, 0, GETNCNT), 2);
    is_eq(semctl(id, 0, GETZCNT), 0);
    is_eq(semctl(id, 1, GETNCNT), 0);
    is_eq(op1(id, 0, 1, 0), 0);
    is_eq(status_of(b), 0); /* the first needs more */
    is_eq(semctl(id, 0, GETVAL), 0);
    is_eq(op1(id, 0, 2, 0), 0);
    is_eq(status_of(a), 0);
    is_eq(semctl(id, 0, GETVAL), 0);
    must(op1(id, 1, 1, 0));
    a = spawn(1, 0, 0);
    await_waiters(id, 1, GETZCNT, 1);
    is_eq(semctl(id, 1, GETZCNT), 1);
    is_eq(semctl(id, 1, GETNCNT), 0);
    is_eq(semctl(id, 1, SETVAL, (union semun){.val = 0}), 0);
    is_eq(status_of(a), 0);
    a = (pid_t)must(fork());
    if (!a) {
        catch_signal(SIGUSR1, SA_RESTART);
        _exit(errno_of(op1(id, 0, -1, 0)));
    }
    await_waiters(id, 0, GETNCNT, 1);
    must(kill(a, SIGUSR1));
    is_eq(status_of(a), EINTR);
    is_eq(semctl(id, 0, GETNCNT), 0);
    a = spawn(0, -1, 0);
    await_waiters(id, 0, GETNCNT, 1);
    is_eq(semctl(id, 0, IPC_RMID), 0);
    is_eq(status_of(a), EIDRM);
    done();
}
