/* mmap(2): pages of a shared mapping that nobody touched before fork are shared all the same. */
#include "../process/child.h"

int main(void)
{
    size_t len = 64 * 4096;
    volatile char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        for (size_t i = 0; i < len; i += 4096)
            p[i] = i / 4096 + 1;
        _exit(0);
    }
    waitpid(pid, &status, 0);
    bool all = true;
    for (size_t i = 0; i < len; i += 4096)
        all &= p[i] == (char)(i / 4096 + 1);
    ok(all, "the child's stores are visible");
    done();
}
