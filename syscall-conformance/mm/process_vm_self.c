/* process_vm_readv(2), process_vm_writev(2): copy between iovecs; EFAULT, ESRCH, EINVAL. */
#include "../process/child.h"
#include <sys/uio.h>

int main(void)
{
    char src[] = "hello world", dst[16] = "";
    struct iovec local[2] = {{dst, 5}, {dst + 5, 6}}, remote = {src, 11};

    is_eq(process_vm_readv(getpid(), local, 2, &remote, 1, 0), 11);
    ok(!strcmp(dst, "hello world"), "copied");
    remote.iov_len = 5;
    local[0].iov_base = "HELLO";
    is_eq(process_vm_writev(getpid(), local, 1, &remote, 1, 0), 5);
    ok(!strcmp(src, "HELLO world"), "written");
    is_errno(process_vm_readv(getpid(), local, 1, &remote, 1, 1), EINVAL);
    is_errno(process_vm_readv(0x3ffffff, local, 1, &remote, 1, 0), ESRCH);
    remote.iov_base = (void *)8;
    local[0].iov_base = dst;
    is_errno(process_vm_readv(getpid(), local, 1, &remote, 1, 0), EFAULT);
    is_eq(process_vm_readv(getpid(), local, 1, &remote, 0, 0), 0);
    done();
}
