/* clone(2) CLONE_CHILD_CLEARTID: at exit the word is zeroed and one futex waiter on it is woken. */
#include "child.h"
#include <linux/futex.h>
#include <sched.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int ctid = 1;

static int thread(void *arg)
{
    (void)arg;
    nap_ms(20);
    syscall(SYS_exit, 0);
    return 0;
}

int main(void)
{
    int flags =
        CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID;
    int tid = clone(thread, stack + sizeof(stack), flags, NULL, NULL, NULL, &ctid);

    ok(tid > 0, "thread created");
    struct timespec limit = {5, 0};
    long ret = syscall(SYS_futex, &ctid, FUTEX_WAIT, 1, &limit, NULL, 0);
    ok(ret == 0 || errno == EAGAIN, "woken");
    is_eq(ctid, 0);
    done();
}
