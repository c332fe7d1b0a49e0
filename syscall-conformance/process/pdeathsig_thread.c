/* PR_SET_PDEATHSIG is sent when the thread ends that made the process, although others go on. */
#include "child.h"
#include <pthread.h>
#include <sys/prctl.h>

static int ready[2], hold[2];
static pid_t pid;

static void *maker(void *arg)
{
    char c;

    pid = fork();
    if (pid == 0) {
        check(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0, 1);
        int sig = 0;
        check(prctl(PR_GET_PDEATHSIG, &sig) == 0 && sig == SIGUSR1, 2);
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(prctl(PR_GET_PDEATHSIG, &sig) == 0 && sig == 0 ? 0 : 1);
        int status;
        waitpid(grandchild, &status, 0);
        check(status == 0, 3);
        check(write(ready[1], "x", 1) == 1, 4);
        pause();
        _exit(5);
    }
    (void)!read(ready[0], &c, 1);
    return arg;
}

int main(void)
{
    pthread_t t;
    int status;

    if (pipe(ready) || pipe(hold))
        return 1;
    is_errno(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
    pthread_create(&t, NULL, maker, NULL);
    pthread_join(t, NULL);
    ok(waitpid(pid, &status, 0) == pid, "its process is still the parent");
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1, "the signal came");
    done();
}
