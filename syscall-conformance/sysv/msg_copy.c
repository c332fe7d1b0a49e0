/* msgop(2): MSG_COPY reads the message of a number and leaves it. */
#include "sysv.h"

int main(void)
{
    struct {
        long type;
        char text[8];
    } m = {1, "a"};
    int id = new_msg(0600);

    must(msgsnd(id, &m, 1, 0));
    m.type = 2, m.text[0] = 'b';
    must(msgsnd(id, &m, 1, 0));
    long n = msgrcv(id, &m, 8, 1, MSG_COPY | IPC_NOWAIT);
    if (n < 0 && errno == ENOSYS) {
        for (int i = 0; i < 5; i++)
            skip("the kernel has no MSG_COPY");
        done();
    }
    ok(n == 1 && m.type == 2 && m.text[0] == 'b', "the second");
    is_eq(msgrcv(id, &m, 8, 0, MSG_COPY | IPC_NOWAIT), 1);
    ok(m.type == 1 && m.text[0] == 'a', "the first");
    is_errno(msgrcv(id, &m, 8, 2, MSG_COPY | IPC_NOWAIT), ENOMSG);
    is_errno(msgrcv(id, &m, 0, 0, MSG_COPY | IPC_NOWAIT), E2BIG);
    done();
}
