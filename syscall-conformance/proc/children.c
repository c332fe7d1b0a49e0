/* proc_pid_task(5): children lists those of a thread; a leader that has exited is listed as long as
 * its threads go on. */
#include <dirent.h>
#include <pthread.h>

#include "shape.h"

static bool lists(pid_t pid, pid_t tid)
{
    char path[64];
    bool found = false;

    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *d = opendir(path);
    for (struct dirent *e; d && !found && (e = readdir(d));)
        found = atoi(e->d_name) == tid;
    if (d)
        closedir(d);
    return found;
}

static void *pauses(void *arg)
{
    for (;;)
        pause();
    return arg;
}

int main(void)
{
    char path[64], want[64], text[64];
    int p[2];

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
    is_shape("without children", text_of(path), "");
    pid_t a = fork();
    if (!a)
        pauses(NULL);
    pid_t b = fork();
    if (!b)
        _exit(0);
    waitid(P_PID, (id_t)b, &(siginfo_t){0}, WEXITED | WNOWAIT);
    snprintf(want, sizeof(want), "%d %d ", a, b);
    is_shape("two, one of them a zombie", text_of(path), want);
    waitpid(b, NULL, 0);
    snprintf(want, sizeof(want), "%d ", a);
    is_shape("one is waited for", text_of(path), want);
    kill(a, SIGKILL);
    waitpid(a, NULL, 0);

    ok(!pipe(p), "pipe");
    pid_t c = fork();
    if (!c) {
        pthread_t t;
        pthread_create(&t, NULL, pauses, NULL);
        if (write(p[1], "x", 1) != 1)
            _exit(1);
        syscall(SYS_exit, 0); /* of this thread only */
    }
    ok(read(p[0], text, 1) == 1, "a process with two threads");
    snprintf(path, sizeof(path), "/proc/%d/stat", c);
    while (!strstr(text_of(path), ") Z"))
        usleep(1000);
    ok(lists(c, c), "the leader that has exited is listed");
    kill(c, SIGKILL);
    waitpid(c, NULL, 0);
    done();
}
