/* set_robust_list(2), get_robust_list(2): when an owner dies the kernel sets FUTEX_OWNER_DIED in
 * the words of its list and wakes a waiter. */
#include "futex.h"

struct node {
    struct robust_list list;
    uint32_t word;
};

static struct node *shared;
static struct robust_list_head *head;

static void lock_and_die(int pending)
{
    head->futex_offset = offsetof(struct node, word);
    head->list_op_pending = NULL;
    uint32_t tid = (uint32_t)syscall(SYS_gettid);
    shared[0].word = tid | FUTEX_WAITERS;
    shared[1].word = tid;
    shared[2].word = 12345; /* somebody else's */
    head->list.next = &shared[0].list;
    shared[0].list.next = &shared[1].list;
    shared[1].list.next = &shared[2].list;
    shared[2].list.next = &head->list;
    if (pending) {
        head->list.next = &head->list;
        head->list_op_pending = &shared[1].list;
    }
    check(syscall(SYS_set_robust_list, head, sizeof(*head)) == 0, 1);
    if (pending == 2)
        raise(SIGKILL);
    _exit(0);
}

static int run(int pending, int wait_for_it)
{
    int status;

    memset(shared, 0, 4096);
    pid_t waiter = wait_for_it ? fork() : 0;
    if (wait_for_it && waiter == 0) {
        uint32_t v;
        while (!*(volatile uint32_t *)&shared[0].word)
            nap_ms(1);
        while (!((v = *(volatile uint32_t *)&shared[0].word) & FUTEX_OWNER_DIED))
            futex(&shared[0].word, FUTEX_WAIT, v, NULL, NULL, 0);
        _exit(0);
    }
    pid_t pid = fork();
    if (pid == 0) {
        if (wait_for_it) {
            shared[0].word = (uint32_t)syscall(SYS_gettid) | FUTEX_WAITERS;
            await_state(waiter, 'S');
            nap_ms(10);
        }
        lock_and_die(pending);
    }
    waitpid(pid, &status, 0);
    if (wait_for_it)
        waitpid(waiter, &status, 0);
    return status;
}

int main(void)
{
    shared = shared_page();
    head = (void *)(shared + 16);

    is_eq(run(0, 0), 0);
    is_eq(shared[0].word, FUTEX_WAITERS | FUTEX_OWNER_DIED);
    is_eq(shared[1].word, FUTEX_OWNER_DIED);
    is_eq(shared[2].word, 12345);
    is_eq(run(1, 0), 0);
    ok(shared[1].word == FUTEX_OWNER_DIED, "the pending operation as well");
    ok(killed_by(run(2, 0), SIGKILL), "killed");
    is_eq(shared[1].word, FUTEX_OWNER_DIED);
    is_eq(run(0, 1), 0);

    struct robust_list_head *got = NULL;
    size_t len = 0;
    is_errno(syscall(SYS_set_robust_list, head, sizeof(*head) - 1), EINVAL);
    is_eq(syscall(SYS_set_robust_list, head, sizeof(*head)), 0);
    is_eq(syscall(SYS_get_robust_list, 0, &got, &len), 0);
    ok(got == head && len == sizeof(*head), "what was set");
    head->list.next = &head->list;
    is_errno(syscall(SYS_get_robust_list, 0x3fffffff, &got, &len), ESRCH);
    is_errno(syscall(SYS_get_robust_list, 0, BAD_PTR, &len), EFAULT);
    is_errno(syscall(SYS_get_robust_list, 0, &got, BAD_PTR), EFAULT);
    done();
}
