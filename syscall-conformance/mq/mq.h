/* Message queues of the program's own, gone at exit. */
#ifndef CONFORMANCE_MQ_H
#define CONFORMANCE_MQ_H

#include "../tmp.h"
#include <mqueue.h>
#include <poll.h>

static char mq_name[64];
static pid_t mq_owner;

TMP_FN void mq_clean(void)
{
    if (getpid() == mq_owner)
        mq_unlink(mq_name);
}

/* A new queue for both directions. */
TMP_FN mqd_t mq_new(long maxmsg, long msgsize, int flags)
{
    struct mq_attr a = {.mq_maxmsg = maxmsg, .mq_msgsize = msgsize};

    mq_owner = getpid();
    snprintf(mq_name, sizeof(mq_name), "/conf-%d", mq_owner);
    atexit(mq_clean);
    return (mqd_t)must(mq_open(mq_name, O_RDWR | O_CREAT | O_EXCL | flags, 0600, &a));
}

#endif
