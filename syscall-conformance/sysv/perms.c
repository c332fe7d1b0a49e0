/* svipc(7): permissions of objects; IPC_SET and IPC_RMID are for owner and creator. */
#include "sysv.h"

static int shm, sem, msg;
static key_t key;

static int as_other(void)
{
    struct shmid_ds ds;
    struct {
        long type;
        char c;
    } m = {1, 'x'};
    unsigned short vals[1];

    drop_root();
    if (errno_of(shmat(shm, NULL, 0)) != EACCES)
        return 1;
    if (shmat(shm, NULL, SHM_RDONLY) == (void *)-1)
        return 2;
    if (shmctl(shm, IPC_STAT, &ds))
        return 3;
    if (errno_of(shmctl(shm, IPC_SET, &ds)) != EPERM ||
        errno_of(shmctl(shm, IPC_RMID, NULL)) != EPERM)
        return 4;
    if (errno_of(op1(sem, 0, 1, 0)) != EACCES || op1(sem, 0, 0, 0))
        return 5;
    if (errno_of(semctl(sem, 0, SETVAL, (union semun){.val = 1})) != EACCES ||
        semctl(sem, 0, GETVAL) != 0 || semctl(sem, 0, GETALL, (union semun){.array = vals}))
        return 6;
    if (errno_of(semctl(sem, 0, IPC_RMID)) != EPERM)
        return 7;
    if (errno_of(msgsnd(msg, &m, 1, 0)) != EACCES ||
        errno_of(msgrcv(msg, &m, 1, 0, IPC_NOWAIT)) != ENOMSG)
        return 8;
    if (errno_of(msgctl(msg, IPC_RMID, NULL)) != EPERM)
        return 9;
    if (errno_of(shmget(sysv_key(0), 10, 0600)) != ENOENT)
        return 10;
    return 0;
}

static int denied(void)
{
    struct shmid_ds ds;

    drop_root();
    if (errno_of(shmctl(shm, IPC_STAT, &ds)) != EACCES)
        return 1;
    if (errno_of(semctl(sem, 0, GETVAL)) != EACCES)
        return 2;
    return errno_of(msgget(key, 0600)) != EACCES ? 3 : msgget(key, 0) < 0 ? 4 : 0;
}

int main(void)
{
    struct shmid_ds ds;
    struct semid_ds sd;

    if (geteuid()) {
        for (int i = 0; i < 8; i++)
            skip("needs another user");
        done();
    }
    key = sysv_key(3);
    shm = new_shm(4096, 0644);
    sem = new_sem(1, 0644);
    msg = new_msg(0644);
    is_eq(in_child(as_other), 0);
    must(shmctl(shm, IPC_STAT, &ds));
    ds.shm_perm.mode = 07600;
    is_eq(shmctl(shm, IPC_SET, &ds), 0);
    must(shmctl(shm, IPC_STAT, &ds));
    is_eq(ds.shm_perm.mode, 0600);
    must(semctl(sem, 0, IPC_STAT, (union semun){.buf = &sd}));
    sd.sem_perm.mode = 0600;
    is_eq(semctl(sem, 0, IPC_SET, (union semun){.buf = &sd}), 0);
    sysv_msg[sysv_nmsg++] = (int)must(msgget(key, IPC_CREAT | 0600));
    is_eq(in_child(denied), 0);
    ds.shm_perm.uid = TMP_NOBODY;
    is_eq(shmctl(shm, IPC_SET, &ds), 0);
    must(shmctl(shm, IPC_STAT, &ds));
    is_eq(ds.shm_perm.uid, TMP_NOBODY);
    is_eq(ds.shm_perm.cuid, 0);
    done();
}
