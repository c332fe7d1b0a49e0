/* msgop(2): messages come in order; by type, by the lowest type, by any other type. */
#include "sysv.h"

struct m {
    long type;
    char text[64];
};

static int id;

static void send(long type, const char *text)
{
    struct m m = {.type = type};

    strcpy(m.text, text);
    must(msgsnd(id, &m, strlen(text), 0));
}

static const char *get(long type, int flags)
{
    static struct m m;
    ssize_t n = msgrcv(id, &m, sizeof(m.text) - 1, type, flags | IPC_NOWAIT);

    if (n < 0)
        return "";
    m.text[n] = 0;
    return m.text;
}

int main(void)
{
    struct msqid_ds ds;
    struct m m;

    id = new_msg(0600);
    send(5, "five");
    send(3, "three");
    send(4, "four");
    send(3, "three again");
    ok(!strcmp(get(0, 0), "five"), "the first");
    send(5, "five");
    ok(!strcmp(get(4, 0), "four"), "the first of a type");
    ok(!strcmp(get(-4, 0), "three"), "the lowest type up to a limit");
    ok(!strcmp(get(3, MSG_EXCEPT), "five"), "not of a type");
    is_errno(msgrcv(id, &m, 64, 9, IPC_NOWAIT), ENOMSG);
    is_errno(msgrcv(id, &m, 64, -2, IPC_NOWAIT), ENOMSG);
    is_errno(msgrcv(id, &m, 3, 0, 0), E2BIG);
    is_eq(msgrcv(id, &m, 3, 0, MSG_NOERROR), 3);
    ok(m.type == 3 && !memcmp(m.text, "thr", 3), "cut off");
    is_eq(msgctl(id, IPC_STAT, &ds), 0);
    is_eq(ds.msg_qnum, 0);
    send(1, "");
    send(1, "abc");
    must(msgctl(id, IPC_STAT, &ds));
    is_eq(ds.msg_qnum, 2);
    is_eq(ds.__msg_cbytes, 3);
    ok(ds.msg_lspid == getpid() && ds.msg_lrpid == getpid(), "last sender and receiver");
    is_eq(msgrcv(id, &m, 0, 0, 0), 0);
    ok(!strcmp(get(LONG_MIN, 0), "abc"), "the lowest limit there is");
    done();
}
