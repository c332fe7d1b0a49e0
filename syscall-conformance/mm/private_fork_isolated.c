/* mmap(2) MAP_PRIVATE: after fork neither sees the other's stores, to touched pages or not. */
#include "../process/child.h"

int main(void)
{
    volatile char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int status, pipefd[2];
    char c;

    p[0] = 'p';
    if (pipe(pipefd) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        check(read(pipefd[0], &c, 1) == 1, 1);
        check(p[0] == 'p' && p[4096] == 0, 2);
        p[0] = p[4096] = 'c';
        _exit(0);
    }
    p[0] = p[4096] = 'q';
    ok(write(pipefd[1], "x", 1) == 1, "child released");
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    ok(p[0] == 'q' && p[4096] == 'q', "the parent's values stay");
    done();
}
