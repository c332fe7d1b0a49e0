/* System V objects of the program's own, gone at exit. */
#ifndef CONFORMANCE_SYSV_H
#define CONFORMANCE_SYSV_H

#include "../tmp.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static int sysv_shm[16], sysv_sem[16], sysv_msg[16], sysv_nshm, sysv_nsem, sysv_nmsg;
static pid_t sysv_owner;

TMP_FN void sysv_clean(void)
{
    if (getpid() != sysv_owner)
        return;
    while (sysv_nshm)
        shmctl(sysv_shm[--sysv_nshm], IPC_RMID, NULL);
    while (sysv_nsem)
        semctl(sysv_sem[--sysv_nsem], 0, IPC_RMID);
    while (sysv_nmsg)
        msgctl(sysv_msg[--sysv_nmsg], IPC_RMID, NULL);
}

TMP_FN void sysv_own(void)
{
    if (!sysv_owner) {
        sysv_owner = getpid();
        atexit(sysv_clean);
    }
}

/* A key that nobody else has. */
TMP_FN key_t sysv_key(int n)
{
    return (key_t)(0x4e560000 ^ (getpid() << 4) ^ n);
}

TMP_FN int new_shm(size_t size, int mode)
{
    sysv_own();
    return sysv_shm[sysv_nshm++] = (int)must(shmget(IPC_PRIVATE, size, IPC_CREAT | mode));
}

TMP_FN int new_sem(int n, int mode)
{
    sysv_own();
    return sysv_sem[sysv_nsem++] = (int)must(semget(IPC_PRIVATE, n, IPC_CREAT | mode));
}

TMP_FN int new_msg(int mode)
{
    sysv_own();
    return sysv_msg[sysv_nmsg++] = (int)must(msgget(IPC_PRIVATE, IPC_CREAT | mode));
}

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

TMP_FN int op1(int id, int num, int op, int flags)
{
    struct sembuf b = {(unsigned short)num, (short)op, (short)flags};

    return semop(id, &b, 1);
}

/* Waits for at least n sleepers, as GETNCNT or GETZCNT tells. */
TMP_FN void await_waiters(int id, int num, int cmd, int n)
{
    while (semctl(id, num, cmd) < n)
        usleep(1000);
}

#endif
