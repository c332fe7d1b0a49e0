/* semop(2), semctl(2): values, the operations of one call together or not at all. */
#include "sysv.h"

int main(void)
{
    int id = new_sem(3, 0600);
    unsigned short vals[3] = {9, 9, 9};
    struct semid_ds ds = {0};

    is_eq(semctl(id, 0, GETALL, (union semun){.array = vals}), 0);
    ok(!vals[0] && !vals[1] && !vals[2], "they begin at zero");
    is_eq(op1(id, 1, 5, 0), 0);
    is_eq(semctl(id, 1, GETVAL), 5);
    is_eq(semctl(id, 1, GETPID), getpid());
    is_eq(semctl(id, 0, GETPID), 0);
    is_eq(op1(id, 1, -3, 0), 0);
    is_errno(op1(id, 1, -3, IPC_NOWAIT), EAGAIN);
    is_errno(op1(id, 1, 0, IPC_NOWAIT), EAGAIN);
    is_eq(op1(id, 0, 0, 0), 0);
    struct sembuf ops[3] = {{0, 1, 0}, {1, -1, 0}, {2, -1, IPC_NOWAIT}};
    is_errno(semop(id, ops, 3), EAGAIN);
    is_eq(semctl(id, 0, GETVAL), 0);
    is_eq(semctl(id, 1, GETVAL), 2);
    struct sembuf swap[3] = {{2, 4, 0}, {2, -3, IPC_NOWAIT}, {1, -2, IPC_NOWAIT}};
    is_eq(semop(id, swap, 3), 0);
    is_eq(semctl(id, 2, GETVAL), 1);
    is_eq(semctl(id, 1, GETVAL), 0);
    vals[0] = 7, vals[1] = 8, vals[2] = 9;
    is_eq(semctl(id, 0, SETALL, (union semun){.array = vals}), 0);
    is_eq(semctl(id, 2, GETVAL), 9);
    is_eq(semctl(id, 2, SETVAL, (union semun){.val = 32767}), 0);
    is_errno(op1(id, 2, 1, 0), ERANGE);
    struct sembuf range[2] = {{0, 1, 0}, {2, 1, 0}};
    is_errno(semop(id, range, 2), ERANGE);
    is_eq(semctl(id, 0, GETVAL), 7);
    is_eq(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), 0);
    is_eq(ds.sem_nsems, 3);
    ok(ds.sem_otime > 0 && ds.sem_ctime > 0, "times are set");
    done();
}
