/* mq_open(3), mq_send(3), mq_receive(3): errors and their order. */
#include "mq.h"

#define sys_open(name, flags, attr) syscall(SYS_mq_open, name, flags, 0600, attr)

int main(void)
{
    struct mq_attr a = {.mq_maxmsg = 2, .mq_msgsize = 8};
    char buf[16], longname[300];

    mqd_t q = mq_new(2, 8, O_NONBLOCK);
    memset(longname, 'x', sizeof(longname) - 1);
    longname[299] = 0;
    is_errno(sys_open("no-such-queue", O_RDWR, NULL), ENOENT);
    is_errno(sys_open("", O_RDWR | O_CREAT, NULL), ENOENT);
    is_errno(sys_open("a/b", O_RDWR | O_CREAT, NULL), EACCES);
    is_errno(sys_open(".", O_RDWR, NULL), EACCES);
    is_errno(sys_open(longname, O_RDWR | O_CREAT, NULL), ENAMETOOLONG);
    is_errno(sys_open(BAD_PTR, O_RDWR, NULL), EFAULT);
    is_errno(sys_open(BAD_PTR, O_RDWR | O_CREAT, BAD_PTR), EFAULT);
    is_errno(sys_open(mq_name + 1, O_RDWR | O_CREAT | O_EXCL, NULL), EEXIST);
    is_errno(sys_open(mq_name + 1, 3, NULL), EINVAL);
    a.mq_maxmsg = 0;
    is_errno(sys_open("conf-bad", O_RDWR | O_CREAT, &a), EINVAL);
    a.mq_maxmsg = 1 << 20;
    is_errno(sys_open("conf-bad", O_RDWR | O_CREAT, &a), EINVAL);
    a.mq_maxmsg = 1, a.mq_msgsize = -1;
    is_errno(sys_open("conf-bad", O_RDWR | O_CREAT, &a), EINVAL);
    is_errno(syscall(SYS_mq_unlink, "no-such-queue"), ENOENT);
    is_errno(syscall(SYS_mq_unlink, ""), ENOENT);
    is_errno(mq_send(q, buf, 9, 0), EMSGSIZE);
    is_errno(mq_send(q, buf, 8, 32768), EINVAL);
    is_errno(mq_send(-1, buf, 9, 32768), EINVAL);
    is_errno(mq_send(-1, buf, 9, 0), EBADF);
    is_errno(mq_send(1, buf, 9, 0), EBADF);
    is_errno(mq_send(q, BAD_PTR, 8, 0), EFAULT);
    is_errno(mq_receive(q, buf, 7, NULL), EMSGSIZE);
    is_errno(mq_receive(q, buf, 8, NULL), EAGAIN);
    is_errno(syscall(SYS_mq_timedsend, -1, buf, 8, 0, BAD_PTR), EFAULT);
    is_errno(mq_timedsend(-1, buf, 8, 0, &(struct timespec){0, -1}), EINVAL);
    is_eq(mq_send(q, buf, 8, 0), 0);
    is_eq(mq_send(q, buf, 8, 0), 0);
    is_errno(mq_send(q, buf, 8, 0), EAGAIN);
    is_errno(syscall(SYS_mq_timedreceive, q, BAD_PTR, 8, NULL, NULL), EFAULT);
    mqd_t r = (mqd_t)must(mq_open(mq_name, O_RDONLY)), w = (mqd_t)must(mq_open(mq_name, O_WRONLY));
    is_errno(mq_send(r, buf, 8, 0), EBADF);
    is_errno(mq_receive(w, buf, 8, NULL), EBADF);
    is_errno(syscall(SYS_mq_getsetattr, q, BAD_PTR, NULL), EFAULT);
    is_errno(syscall(SYS_mq_getsetattr, -1, BAD_PTR, NULL), EFAULT);
    a.mq_flags = 1;
    is_errno(syscall(SYS_mq_getsetattr, q, &a, NULL), EINVAL);
    is_errno(syscall(SYS_mq_getsetattr, 1, NULL, NULL), EBADF);
    done();
}
