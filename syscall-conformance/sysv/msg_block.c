/* msgop(2): a full queue blocks senders, an empty one receivers; EIDRM and EINTR end both. */
#include "sysv.h"

static struct {
    long type;
    char text[8192];
} m = {.type = 1};
static int id;

static int status_of(pid_t pid)
{
    int status;

    must(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
    struct msqid_ds ds;

    id = new_msg(0600);
    must(msgctl(id, IPC_STAT, &ds));
    ds.msg_qbytes = 100;
    is_eq(msgctl(id, IPC_SET, &ds), 0);
    is_eq(msgsnd(id, &m, 100, 0), 0);
    is_errno(msgsnd(id, &m, 1, IPC_NOWAIT), EAGAIN);
    is_eq(msgsnd(id, &m, 0, IPC_NOWAIT), 0);
    pid_t pid = (pid_t)must(fork());
    if (!pid)
        _exit(errno_of(msgsnd(id, &m, 50, 0)));
    is_eq(msgrcv(id, &m, 8192, 0, 0), 100);
    is_eq(status_of(pid), 0);
    must(msgrcv(id, &m, 8192, 0, 0));
    is_eq(msgrcv(id, &m, 8192, 0, 0), 50);
    pid = (pid_t)must(fork());
    if (!pid)
        _exit(msgrcv(id, &m, 8192, 7, 0) == 3 ? 0 : 1);
    m.type = 6;
    must(msgsnd(id, &m, 2, 0));
    m.type = 7;
    must(msgsnd(id, &m, 3, 0));
    is_eq(status_of(pid), 0);
    int ready[2];
    must(pipe(ready));
    pid = (pid_t)must(fork());
    if (!pid) {
        catch_signal(SIGUSR1, 0);
        must(write(ready[1], "x", 1));
        for (;;) {
            int e = errno_of(msgrcv(id, &m, 8192, 9, 0));
            if (caught)
                _exit(e);
        }
    }
    must(read(ready[0], &m, 1));
    sleep_ms(20);
    must(kill(pid, SIGUSR1));
    is_eq(status_of(pid), EINTR);
    pid = (pid_t)must(fork());
    if (!pid)
        _exit(errno_of(msgrcv(id, &m, 8192, 9, 0)));
    sleep_ms(20);
    is_eq(msgctl(id, IPC_RMID, NULL), 0);
    int e = status_of(pid);
    ok(e == EIDRM || e == EINVAL, "a receiver of a removed queue is told");
    done();
}
