/* mq_overview(7): the highest priority first, then in order; whole messages. */
#include "mq.h"

int main(void)
{
    mqd_t q = mq_new(5, 32, 0);
    struct mq_attr a;
    char buf[32];
    unsigned int prio;

    is_eq(mq_send(q, "low", 4, 1), 0);
    is_eq(mq_send(q, "high", 5, 9), 0);
    is_eq(mq_send(q, "low too", 8, 1), 0);
    is_eq(mq_send(q, "", 0, 32767), 0);
    is_eq(mq_getattr(q, &a), 0);
    ok(a.mq_maxmsg == 5 && a.mq_msgsize == 32 && a.mq_curmsgs == 4 && !a.mq_flags, "attributes");
    is_eq(mq_receive(q, buf, 32, &prio), 0);
    is_eq(prio, 32767);
    is_eq(mq_receive(q, buf, 32, &prio), 5);
    ok(!strcmp(buf, "high") && prio == 9, "the highest");
    is_eq(mq_receive(q, buf, 32, &prio), 4);
    ok(!strcmp(buf, "low") && prio == 1, "the oldest of a priority");
    is_eq(mq_receive(q, buf, 32, NULL), 8);
    ok(fcntl(q, F_GETFD) & FD_CLOEXEC, "closed by exec");
    a.mq_flags = O_NONBLOCK;
    a.mq_maxmsg = 1;
    struct mq_attr old;
    is_eq(mq_setattr(q, &a, &old), 0);
    is_eq(old.mq_flags, 0);
    is_eq(mq_getattr(q, &a), 0);
    ok(a.mq_flags == O_NONBLOCK && a.mq_maxmsg == 5, "only O_NONBLOCK changes");
    ok(fcntl(q, F_GETFL) & O_NONBLOCK, "it is the file's flag");
    is_errno(mq_receive(q, buf, 32, NULL), EAGAIN);
    done();
}
