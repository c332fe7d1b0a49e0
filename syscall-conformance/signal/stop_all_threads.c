/* signal(7): a stop signal stops every thread of the process, SIGCONT resumes them. */
#include "sig.h"
#include <pthread.h>

static volatile long *counter;

static void *spin(void *arg)
{
    for (;;) {
        ++*counter;
        sched_yield();
    }
    return arg;
}

int main(void)
{
    int status;

    counter = shared_page();
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t t;
        pthread_create(&t, NULL, spin, NULL);
        for (;;)
            pause();
    }
    while (*counter < 10)
        nap_ms(1);
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    ok(WIFSTOPPED(status), "stopped");
    long before = *counter;
    nap_ms(30);
    ok(*counter == before, "no thread runs");
    kill(pid, SIGCONT);
    for (int i = 0; i < 2000 && *counter == before; i++)
        nap_ms(1);
    ok(*counter != before, "running again");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    done();
}
