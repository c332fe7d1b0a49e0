/* semget(2), semop(2), semctl(2): errors and their order. */
#include "sysv.h"

int main(void)
{
    struct sembuf ops[501] = {{0}};
    unsigned short bad[2] = {1, 40000};
    key_t key = sysv_key(2);

    is_errno(semget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL);
    is_errno(semget(IPC_PRIVATE, -1, IPC_CREAT | 0600), EINVAL);
    is_errno(semget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600), EINVAL);
    is_errno(semget(key, 1, 0), ENOENT);
    sysv_own();
    int id = sysv_sem[sysv_nsem++] = (int)must(semget(key, 2, IPC_CREAT | 0600));
    is_eq(semget(key, 0, 0), id);
    is_errno(semget(key, 3, 0), EINVAL);
    is_errno(semget(key, 3, IPC_CREAT | IPC_EXCL), EEXIST);
    is_errno(semop(id, ops, 0), EINVAL);
    is_errno(semop(id, ops, 501), E2BIG);
    is_errno(semop(-1, ops, 501), E2BIG);
    is_errno(semop(id, BAD_PTR, 1), EFAULT);
    is_errno(semop(-1, BAD_PTR, 1), EFAULT);
    is_errno(semop(id + 1, ops, 1), EINVAL);
    is_errno(op1(id, 2, 1, 0), EFBIG);
    is_errno(semtimedop(id, ops, 1, BAD_PTR), EFAULT);
    is_errno(semtimedop(id, ops, 1, &(struct timespec){0, 1000000000}), EINVAL);
    is_errno(semtimedop(id, ops, 1, &(struct timespec){-1, 0}), EINVAL);
    is_eq(semtimedop(id, ops, 1, &(struct timespec){0, 0}), 0);
    is_errno(semctl(id, 2, GETVAL), EINVAL);
    is_errno(semctl(id, -1, GETVAL), EINVAL);
    is_errno(semctl(id, 2, SETVAL, (union semun){.val = 0}), EINVAL);
    is_errno(semctl(id, 2, SETVAL, (union semun){.val = -1}), ERANGE);
    is_errno(semctl(id, 0, SETVAL, (union semun){.val = 32768}), ERANGE);
    is_errno(semctl(id, 0, SETALL, (union semun){.array = bad}), ERANGE);
    is_eq(semctl(id, 0, GETVAL), 0);
    is_errno(semctl(id, 0, SETALL, (union semun){.array = BAD_PTR}), EFAULT);
    is_errno(semctl(id, 0, GETALL, (union semun){.array = BAD_PTR}), EFAULT);
    is_errno(semctl(id, 0, IPC_STAT, (union semun){.buf = BAD_PTR}), EFAULT);
    is_errno(semctl(id, 0, IPC_SET, (union semun){.buf = BAD_PTR}), EFAULT);
    is_errno(semctl(id, 0, 99), EINVAL);
    is_errno(semctl(-1, 0, IPC_RMID), EINVAL);
    is_eq(semctl(id, 9, IPC_RMID), 0);
    is_errno(semctl(id, 0, GETVAL), EINVAL);
    is_errno(op1(id, 0, 1, 0), EINVAL);
    done();
}
