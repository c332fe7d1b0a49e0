/* execve(2): all other threads are destroyed; the caller's thread becomes the leader. */
#include "exec.h"
#include <dirent.h>
#include <pthread.h>

static void *block(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void *execer(void *arg)
{
    char pid[16], *args[] = {"x", pid, NULL};

    snprintf(pid, sizeof(pid), "%d", getpid());
    execv("/proc/self/exe", args);
    return arg;
}

static int verify(pid_t before)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/task");

    for (struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    check(getpid() == before, 1);
    check(gettid() == before, 2);
    check(n == 1, 3);
    return 0;
}

int main(int argc, char **argv)
{
    pthread_t t[3];
    int status;

    if (argc == 2)
        return verify(atoi(argv[1]));
    pid_t pid = fork();
    if (pid == 0) {
        pthread_create(&t[0], NULL, block, NULL);
        pthread_create(&t[1], NULL, execer, NULL);
        pthread_join(t[1], NULL);
        _exit(127);
    }
    ok(waitpid(pid, &status, 0) == pid, "the same process");
    is_eq(status, 0);
    done();
}
