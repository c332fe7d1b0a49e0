/* IPC_INFO, SHM_INFO and the like, the STAT commands of indexes, /proc/sysvipc. */
#include "sysv.h"

static int lines_with(const char *file, int id, char *head)
{
    char line[512];
    FILE *f = fopen(file, "r");
    int n = 0, a, b;

    if (!f || !fgets(head, 512, f))
        return -1;
    while (fgets(line, sizeof(line), f))
        n += sscanf(line, "%d %d", &a, &b) == 2 && b == id;
    fclose(f);
    return n;
}

int main(void)
{
    struct shminfo si;
    struct shm_info su;
    struct seminfo mi = {0};
    struct msginfo qi;
    struct shmid_ds ds = {0};
    char head[512];

    int shm = new_shm(5000, 0600), sem = new_sem(2, 0600), msg = new_msg(0600);
    int max = shmctl(0, IPC_INFO, (void *)&si);
    ok(max >= 0 && si.shmmin == 1 && si.shmmni > 0 && si.shmmax > 1UL << 30, "shminfo");
    max = shmctl(0, SHM_INFO, (void *)&su);
    ok(max >= 0 && su.used_ids >= 1 && su.shm_tot >= 2, "shm_info");
    int found = 0;
    for (int i = 0; i <= max; i++)
        if (shmctl(i, SHM_STAT, &ds) == shm)
            found += ds.shm_segsz == 5000;
    is_eq(found, 1);
    found = 0;
    for (int i = 0; i <= max; i++)
        found += shmctl(i, SHM_STAT_ANY, &ds) == shm;
    is_eq(found, 1);
    max = semctl(0, 0, IPC_INFO, (union semun){.info = &mi});
    ok(max >= 0 && mi.semmni > 0 && mi.semmsl > 0 && mi.semopm > 0 && mi.semvmx == 32767,
       "seminfo");
    max = semctl(0, 0, SEM_INFO, (union semun){.info = &mi});
    ok(max >= 0 && mi.semusz >= 1 && mi.semaem >= 2, "SEM_INFO counts what is used");
    found = 0;
    struct semid_ds sd = {0};
    for (int i = 0; i <= max; i++)
        found += semctl(i, 0, SEM_STAT, (union semun){.buf = &sd}) == sem && sd.sem_nsems == 2;
    is_eq(found, 1);
    max = msgctl(0, IPC_INFO, (void *)&qi);
    ok(max >= 0 && qi.msgmax == 8192 && qi.msgmnb == 16384, "msginfo");
    struct {
        long type;
        char c[4];
    } m = {1, "abc"};
    must(msgsnd(msg, &m, 4, 0));
    max = msgctl(0, MSG_INFO, (void *)&qi);
    ok(max >= 0 && qi.msgpool >= 1 && qi.msgmap >= 1 && qi.msgtql >= 4, "MSG_INFO counts");
    struct msqid_ds qd;
    found = 0;
    for (int i = 0; i <= max; i++)
        found += msgctl(i, MSG_STAT, &qd) == msg && qd.msg_qnum == 1;
    is_eq(found, 1);
    is_errno(shmctl(30000, SHM_STAT, &ds), EINVAL);
    is_eq(lines_with("/proc/sysvipc/shm", shm, head), 1);
    ok(strstr(head, "key      shmid perms                  size  cpid  lpid nattch"), "its head");
    is_eq(lines_with("/proc/sysvipc/sem", sem, head), 1);
    ok(strstr(head, "key      semid perms      nsems   uid"), "its head");
    is_eq(lines_with("/proc/sysvipc/msg", msg, head), 1);
    ok(strstr(head, "key      msqid perms      cbytes       qnum lspid lrpid"), "its head");
    done();
}
