/* clone3(2): EINVAL for a size below 64 bytes, E2BIG for one above a page or an unknown tail. */
#include "child.h"
#include <linux/sched.h>

static char buf[8192] __attribute__((aligned(8)));

static long try_clone3(const void *args, size_t size)
{
    long ret = syscall(SYS_clone3, args, size);

    if (ret == 0)
        syscall(SYS_exit_group, 99);
    return ret;
}

int main(void)
{
    int status;
    struct clone_args *args = (void *)buf;

    is_errno(try_clone3(buf, 0), EINVAL);
    is_errno(try_clone3(buf, 63), EINVAL);
    is_errno(try_clone3(buf, 4097), E2BIG);
    is_errno(try_clone3((void *)8, 64), EFAULT);
    buf[300] = 1;
    is_errno(try_clone3(buf, 512), E2BIG);
    buf[300] = 0;
    args->exit_signal = SIGCHLD;
    pid_t pid = try_clone3(buf, 512);
    ok(pid > 0, "a zero tail is accepted");
    waitpid(pid, &status, 0);
    ok(exited_with(status, 99), "the child ran");
    done();
}
