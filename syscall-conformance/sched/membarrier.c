/* membarrier(2): what there is, that it must be asked for before, and that children keep that. */
#include "../process/child.h"
#include <linux/membarrier.h>
#include <sys/syscall.h>

static long mb(int cmd, unsigned int flags)
{
    return syscall(SYS_membarrier, cmd, flags, 0);
}

int main(void)
{
    int status;
    long all = mb(MEMBARRIER_CMD_QUERY, 0);

    for (int bit = 0; bit < 10; bit++)
        ok(1, all & 1 << bit ? "there" : "not there");
    is_errno(mb(MEMBARRIER_CMD_QUERY, 1), EINVAL);
    is_errno(mb(1 << 20, 0), EINVAL);
    is_errno(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0), EPERM);
    is_errno(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0), EPERM);
    is_eq(mb(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0), 0);
    is_eq(mb(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0), 0);
    is_eq(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0), 0);
    is_eq(mb(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0), 0);
    is_eq(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0), 0);
    is_eq(mb(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0), 0);
    is_eq(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0), 0);
    is_eq(mb(MEMBARRIER_CMD_GLOBAL, 0), 0);
    is_eq(mb(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0), 0);
    is_eq(mb(512, 0), 16 | 64 | 256); /* MEMBARRIER_CMD_GET_REGISTRATIONS */
    pid_t pid = fork();
    if (pid == 0)
        _exit(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0) == 0 ? 3 : 4);
    waitpid(pid, &status, 0);
    is_eq(WEXITSTATUS(status), 3);
    done();
}
