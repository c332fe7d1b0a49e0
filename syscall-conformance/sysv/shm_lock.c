/* shmctl(2): SHM_LOCK is shown in the mode; who is not the owner may not. */
#include "sysv.h"
#include <sys/resource.h>

static int id;

static int as_other(void)
{
    drop_root();
    return errno_of(shmctl(id, SHM_LOCK, NULL)) == EPERM ? 0 : 1;
}

int main(void)
{
    struct shmid_ds ds;

    id = new_shm(4096, 0666);
    is_eq(shmctl(id, SHM_LOCK, NULL), 0);
    must(shmctl(id, IPC_STAT, &ds));
    ok(ds.shm_perm.mode & SHM_LOCKED, "it is locked");
    is_eq(shmctl(id, SHM_UNLOCK, NULL), 0);
    must(shmctl(id, IPC_STAT, &ds));
    ok(!(ds.shm_perm.mode & SHM_LOCKED), "it is not");
    is_errno(shmctl(id + 1, SHM_LOCK, NULL), EINVAL);
    if (geteuid())
        skip("needs another user");
    else
        is_eq(in_child(as_other), 0);
    done();
}
