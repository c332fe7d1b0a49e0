/* fork(2): memory writes by either process after the fork do not affect the other. */
#include "child.h"

static int data = 1;

int main(void)
{
    int *heap = calloc(100000, sizeof(*heap));
    int local = 3, pipefd[2], status;

    heap[99999] = 2;
    if (!heap || pipe(pipefd) < 0) {
        free(heap);
        return 1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        char c;
        check(data == 1 && heap[99999] == 2 && local == 3, 1);
        data = heap[99999] = local = 40;
        check(read(pipefd[0], &c, 1) == 1, 2);
        check(data == 40 && heap[99999] == 40 && local == 40, 3);
        _exit(0);
    }
    data = 10;
    heap[99999] = 20;
    local = 30;
    ok(write(pipefd[1], "x", 1) == 1, "child told");
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    is_eq(data, 10);
    is_eq(heap[99999], 20);
    is_eq(local, 30);
    done();
}
