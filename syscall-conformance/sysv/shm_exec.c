/* execve(2) detaches all segments. */
#include "sysv.h"

int main(int argc, char **argv)
{
    struct shmid_ds ds;

    if (argc > 1) {
        if (shmctl(atoi(argv[1]), IPC_STAT, &ds))
            return 99;
        return (int)ds.shm_nattch;
    }
    int id = new_shm(4096, 0600);
    must(shmat(id, NULL, 0) == (void *)-1 ? -1 : 0);
    pid_t pid = (pid_t)must(fork());
    if (!pid) {
        char arg[16];
        snprintf(arg, sizeof(arg), "%d", id);
        execl("/proc/self/exe", "x", arg, (char *)NULL);
        _exit(98);
    }
    int status;
    must(waitpid(pid, &status, 0));
    is_eq(WEXITSTATUS(status), 1);
    done();
}
