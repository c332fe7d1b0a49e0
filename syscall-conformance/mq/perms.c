/* mq_overview(7): queues have owners and modes; O_CREAT honours the umask. */
#include "mq.h"

static int as_other(void)
{
    drop_root();
    if (errno_of(mq_open(mq_name, O_RDWR)) != EACCES)
        return 1;
    if (mq_open(mq_name, O_RDONLY) < 0)
        return 2;
    if (errno_of(mq_unlink(mq_name)) != EACCES && errno_of(mq_unlink(mq_name)) != EPERM)
        return 3;
    return 0;
}

int main(void)
{
    struct stat st;

    umask(022);
    mqd_t q = mq_new(1, 8, 0);
    must(fstat(q, &st));
    ok(S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600, "a file of mode 0600");
    is_eq(st.st_size, 80);
    is_eq(st.st_uid, geteuid());
    is_eq(fchmod(q, 0644), 0);
    if (geteuid())
        skip("needs another user");
    else
        is_eq(in_child(as_other), 0);
    is_eq(mq_unlink(mq_name), 0);
    is_errno(mq_open(mq_name, O_RDWR), ENOENT);
    is_eq(mq_send(q, "x", 1, 0), 0);
    must(fstat(q, &st));
    is_eq(st.st_nlink, 0);
    umask(077);
    mqd_t r = (mqd_t)must(mq_open(mq_name, O_RDWR | O_CREAT, 0666, NULL));
    must(fstat(r, &st));
    is_eq(st.st_mode & 07777, 0600);
    struct mq_attr a;
    must(mq_getattr(r, &a));
    ok(a.mq_maxmsg == 10 && a.mq_msgsize == 8192 && !a.mq_curmsgs, "the defaults");
    done();
}
