/* Ids are not used again at once; removing one does not let a new object answer to it. */
#include "sysv.h"

int main(void)
{
    int a = (int)must(msgget(IPC_PRIVATE, 0600));
    must(msgctl(a, IPC_RMID, NULL));
    int same = 0;
    for (int i = 0; i < 200; i++) {
        int b = (int)must(msgget(IPC_PRIVATE, 0600));
        same += b == a;
        must(msgctl(b, IPC_RMID, NULL));
    }
    is_eq(same, 0);
    is_errno(msgctl(a, IPC_RMID, NULL), EINVAL);
    done();
}
