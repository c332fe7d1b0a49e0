/* process_vm_readv(2): a child's memory can be read and written by its parent. */
#include "../process/child.h"
#include <sys/uio.h>

static volatile int value = 1;

int main(void)
{
    int got = 0, set = 77, status;
    volatile int *ready = shared_page();
    pid_t pid = fork();

    if (pid == 0) {
        value = 5;
        *ready = 1;
        while (value == 5)
            nap_ms(1);
        _exit(value);
    }
    while (!*ready)
        nap_ms(1);
    struct iovec local = {&got, sizeof(got)}, remote = {(void *)&value, sizeof(value)};
    is_eq(process_vm_readv(pid, &local, 1, &remote, 1, 0), sizeof(got));
    is_eq(got, 5);
    local.iov_base = &set;
    is_eq(process_vm_writev(pid, &local, 1, &remote, 1, 0), sizeof(set));
    waitpid(pid, &status, 0);
    ok(exited_with(status, 77), "the child saw the new value");
    is_eq(value, 1);
    done();
}
