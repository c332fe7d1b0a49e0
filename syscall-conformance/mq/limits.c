/* getrlimit(2): RLIMIT_MSGQUEUE counts what the queues of a user could hold. */
#include "mq.h"
#include <sys/resource.h>

int main(void)
{
    struct mq_attr a = {.mq_maxmsg = 1, .mq_msgsize = 1000};
    struct rlimit none = {0, 0}, some = {4096, 4096};

    must(mq_new(1, 8, 0));
    must(setrlimit(RLIMIT_MSGQUEUE, &some));
    is_errno(mq_open("/conf-large", O_RDWR | O_CREAT, 0600,
                     &(struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = 5000}),
             EMFILE);
    must(setrlimit(RLIMIT_MSGQUEUE, &none));
    is_errno(mq_open("/conf-none", O_RDWR | O_CREAT, 0600, &a), EMFILE);
    is_errno(mq_open("/conf-none", O_RDWR, 0600, &a), ENOENT);
    ok(mq_open(mq_name, O_RDWR | O_CREAT, 0600, &a) >= 0, "one that exists costs nothing");
    done();
}
