/* Of threads that call execve(2) at the same time one gets through; the others end. */
#include "exec.h"
#include <pthread.h>

#define ROUNDS 20
#define THREADS 4

static pthread_barrier_t barrier;

static void *exec_it(void *arg)
{
    pthread_barrier_wait(&barrier);
    execv("/proc/self/exe", (char *[]){"x", "again", NULL});
    return arg;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        _exit(7);
    for (int i = 0; i < ROUNDS; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            pthread_t th;
            pthread_barrier_init(&barrier, NULL, THREADS);
            for (int n = 1; n < THREADS; n++)
                pthread_create(&th, NULL, exec_it, NULL);
            exec_it(NULL);
            _exit(1);
        }
        is_eq(waitpid(pid, &status, 0), pid);
        is_eq(status, 7 << 8);
    }
    done();
}
