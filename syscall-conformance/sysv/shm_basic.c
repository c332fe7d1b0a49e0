/* shmget(2), shmat(2): memory of a segment begins as zeros and is the same wherever it is attached.
 */
#include "sysv.h"

int main(void)
{
    int id = new_shm(10000, 0600);
    struct shmid_ds ds;

    char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, 0);
    ok(a != (void *)-1 && b != (void *)-1 && a != b, "two attachments");
    ok(!a[0] && !a[9999] && !a[12287], "zeros up to the end of its last page");
    strcpy(a + 5000, "here");
    ok(!strcmp(b + 5000, "here"), "the other attachment shows what was written");
    is_eq(shmctl(id, IPC_STAT, &ds), 0);
    is_eq(ds.shm_segsz, 10000);
    is_eq(ds.shm_nattch, 2);
    ok(ds.shm_cpid == getpid() && ds.shm_lpid == getpid(), "creator and last user");
    is_eq(ds.shm_perm.mode, 0600);
    is_eq(ds.shm_dtime, 0);
    ok(ds.shm_atime >= ds.shm_ctime && ds.shm_ctime > 0, "times are set");
    is_eq(shmdt(b), 0);
    is_errno(shmdt(b), EINVAL);
    is_eq(shmctl(id, IPC_STAT, &ds), 0);
    is_eq(ds.shm_nattch, 1);
    ok(ds.shm_dtime > 0, "the time of detaching");
    ok(!strcmp(a + 5000, "here"), "the first is still there");
    is_eq(shmdt(a), 0);
    a = shmat(id, NULL, 0);
    ok(a != (void *)-1 && !strcmp(a + 5000, "here"), "contents outlive attachments");
    done();
}
