/* shmget(2), shmop(2), shmctl(2): errors and their order. */
#include "sysv.h"

int main(void)
{
    key_t key = sysv_key(1);
    struct shmid_ds ds;

    is_errno(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL);
    is_errno(shmget(key, 4096, 0), ENOENT);
    sysv_own();
    int id = sysv_shm[sysv_nshm++] = (int)must(shmget(key, 4096, IPC_CREAT | 0600));
    is_eq(shmget(key, 0, 0), id);
    is_eq(shmget(key, 100, IPC_CREAT), id);
    is_errno(shmget(key, 4097, 0), EINVAL);
    is_errno(shmget(key, 4097, IPC_CREAT | IPC_EXCL), EEXIST);
    is_errno(shmat(-1, NULL, 0), EINVAL);
    is_errno(shmat(id + 1, NULL, 0), EINVAL);
    is_errno(shmat(id, (void *)0x10000001, 0), EINVAL);
    is_errno(shmat(id, NULL, SHM_REMAP), EINVAL);
    is_errno(shmdt((void *)0x10000001), EINVAL);
    is_errno(shmdt(NULL), EINVAL);
    is_errno(shmctl(id, -1, &ds), EINVAL);
    is_errno(shmctl(-1, IPC_STAT, &ds), EINVAL);
    is_errno(shmctl(id, 99, &ds), EINVAL);
    is_errno(shmctl(id, IPC_STAT, BAD_PTR), EFAULT);
    is_errno(shmctl(id, IPC_SET, BAD_PTR), EFAULT);
    is_errno(shmctl(id + 1, IPC_SET, BAD_PTR), EFAULT);
    is_errno(shmctl(id + 1, IPC_STAT, BAD_PTR), EINVAL);
    is_errno(shmctl(id + 1, IPC_RMID, NULL), EINVAL);
    is_eq(shmctl(id, IPC_RMID, NULL), 0);
    is_errno(shmctl(id, IPC_STAT, &ds), EINVAL);
    is_errno(shmat(id, NULL, 0), EINVAL);
    is_errno(shmget(key, 0, 0), ENOENT);
    done();
}
