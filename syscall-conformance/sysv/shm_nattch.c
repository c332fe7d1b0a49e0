/* shm_nattch counts areas: over fork, exit, exec, unmapping a part; IPC_RMID waits for the last. */
#include "sysv.h"
#include <sys/mman.h>

static int id;

static long nattch(void)
{
    struct shmid_ds ds;

    return shmctl(id, IPC_STAT, &ds) ? -1 : (long)ds.shm_nattch;
}

int main(void)
{
    int up[2], down[2];
    char c = 0;

    id = new_shm(4 * 4096, 0600);
    char *a = shmat(id, NULL, 0);
    must(pipe(up));
    must(pipe(down));
    is_eq(nattch(), 1);
    pid_t pid = (pid_t)must(fork());
    if (!pid) {
        a[1] = 'c';
        must(write(up[1], &c, 1));
        must(read(down[0], &c, 1));
        _exit(0);
    }
    must(read(up[0], &c, 1));
    is_eq(a[1], 'c');
    is_eq(nattch(), 2);
    must(write(down[1], &c, 1));
    must(waitpid(pid, NULL, 0));
    is_eq(nattch(), 1);
    must(munmap(a + 4096, 4096));
    is_eq(nattch(), 2);
    must(mprotect(a + 3 * 4096, 4096, PROT_READ));
    is_eq(nattch(), 3);
    is_eq(shmctl(id, IPC_RMID, NULL), 0);
    struct shmid_ds ds;
    is_eq(shmctl(id, IPC_STAT, &ds), 0);
    ok(ds.shm_perm.mode & SHM_DEST, "it is marked for destruction");
    is_eq(ds.shm_perm.__key, IPC_PRIVATE);
    char *b = shmat(id, NULL, 0);
    ok(b != (void *)-1 && b[1] == 'c', "and can still be attached");
    is_eq(shmdt(b), 0);
    is_eq(shmdt(a), 0);
    is_errno(shmctl(id, IPC_STAT, &ds), EINVAL);
    ok(mmap(a, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == a,
       "all pieces were detached");
    done();
}
