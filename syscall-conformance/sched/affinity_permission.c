/* sched_setaffinity(2), setpriority(2), sched_setscheduler(2): another user's process is EPERM. */
#include "../process/child.h"
#include <sched.h>
#include <sys/resource.h>

static pid_t root_child;

static void other_user(void)
{
    cpu_set_t s;
    struct sched_param p = {0};

    become_nobody();
    check(sched_getaffinity(root_child, sizeof(s), &s) == 0, 1);
    check(sched_setaffinity(root_child, sizeof(s), &s) == -1 && errno == EPERM, 2);
    check(setpriority(PRIO_PROCESS, (id_t)root_child, 5) == -1 && errno == EPERM, 3);
    check(sched_setscheduler(root_child, SCHED_BATCH, &p) == -1 && errno == EPERM, 4);
    check(sched_getscheduler(root_child) == SCHED_OTHER, 5);
    check(sched_setaffinity(0, sizeof(s), &s) == 0, 6);
}

int main(void)
{
    if (geteuid() != 0) {
        skip("needs two users");
        done();
    }
    root_child = fork();
    if (root_child == 0)
        for (;;)
            pause();
    ok(exited_with(in_child(other_user), 0), "others may look but not touch");
    kill(root_child, SIGKILL);
    waitpid(root_child, NULL, 0);
    done();
}
