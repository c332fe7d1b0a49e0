/* clone3(2): EINVAL for unknown flags, CSIGNAL bits in flags, bad exit signals, or half a stack. */
#include "child.h"
#include <linux/sched.h>

static char stack[4096];

static long try_clone3(struct clone_args args)
{
    long ret = syscall(SYS_clone3, &args, sizeof(args));

    if (ret == 0)
        syscall(SYS_exit_group, 99);
    return ret;
}

int main(void)
{
    uint64_t base = (uintptr_t)stack;

    is_errno(try_clone3((struct clone_args){.flags = SIGCHLD}), EINVAL);
    is_errno(try_clone3((struct clone_args){.flags = 1ULL << 60}), EINVAL);
    is_errno(try_clone3((struct clone_args){.flags = CLONE_DETACHED}), EINVAL);
    is_errno(try_clone3((struct clone_args){.exit_signal = 65}), EINVAL);
    is_errno(try_clone3((struct clone_args){.exit_signal = 0x100}), EINVAL);
    is_errno(try_clone3((struct clone_args){.stack = base}), EINVAL);
    is_errno(try_clone3((struct clone_args){.stack_size = 4096}), EINVAL);
    is_errno(try_clone3((struct clone_args){.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
                                            .exit_signal = SIGCHLD}),
             EINVAL);
    is_errno(try_clone3((struct clone_args){.set_tid_size = 1}), EINVAL);
    is_errno(try_clone3((struct clone_args){.set_tid = base}), EINVAL);
    done();
}
