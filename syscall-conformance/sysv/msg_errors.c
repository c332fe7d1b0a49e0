/* msgget(2), msgop(2), msgctl(2): errors and their order. */
#include "sysv.h"

int main(void)
{
    struct {
        long type;
        char text[9000];
    } m = {.type = 1};
    struct msqid_ds ds;
    key_t key = sysv_key(4);

    is_errno(msgget(key, 0), ENOENT);
    sysv_own();
    int id = sysv_msg[sysv_nmsg++] = (int)must(msgget(key, IPC_CREAT | 0600));
    is_eq(msgget(key, IPC_CREAT), id);
    is_errno(msgget(key, IPC_CREAT | IPC_EXCL), EEXIST);
    is_errno(msgsnd(id, BAD_PTR, 1, 0), EFAULT);
    is_errno(msgsnd(-1, BAD_PTR, 1, 0), EFAULT);
    is_errno(msgsnd(-1, &m, 1, 0), EINVAL);
    is_errno(msgsnd(id + 1, &m, 1, 0), EINVAL);
    is_errno(msgsnd(id, &m, 8193, 0), EINVAL);
    is_errno(msgsnd(id, &m, (size_t)-1, 0), EINVAL);
    m.type = 0;
    is_errno(msgsnd(id, &m, 1, 0), EINVAL);
    m.type = -1;
    is_errno(msgsnd(id, &m, 1, 0), EINVAL);
    is_errno(msgrcv(-1, &m, 1, 0, 0), EINVAL);
    is_errno(msgrcv(id + 1, &m, 1, 0, 0), EINVAL);
    is_errno(msgrcv(id, &m, (size_t)-1, 0, 0), EINVAL);
    is_errno(msgrcv(id, &m, 1, 0, MSG_COPY), EINVAL);
    is_errno(msgrcv(id, &m, 1, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
    is_errno(msgrcv(id, &m, 1, 0, IPC_NOWAIT), ENOMSG);
    m.type = 1;
    must(msgsnd(id, &m, 1, 0));
    is_errno(msgrcv(id, BAD_PTR, 1, 0, 0), EFAULT);
    is_errno(msgctl(id, IPC_STAT, BAD_PTR), EFAULT);
    is_errno(msgctl(id, IPC_SET, BAD_PTR), EFAULT);
    is_errno(msgctl(id, 99, &ds), EINVAL);
    is_errno(msgctl(-1, IPC_STAT, &ds), EINVAL);
    is_errno(msgctl(id, -1, &ds), EINVAL);
    is_eq(msgctl(id, IPC_RMID, NULL), 0);
    is_errno(msgctl(id, IPC_STAT, &ds), EINVAL);
    done();
}
