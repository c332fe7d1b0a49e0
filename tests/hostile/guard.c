/*
 * Runs a command and answers for everything it starts: guard SECONDS COMMAND... As the subreaper it
 * inherits what is left behind. Exit 99: did not end in time; 98: something survived the command.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int parent_of(int pid, char *name, size_t size)
{
    char path[64], line[512] = "", *open, *close;
    int parent = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    if (fgets(line, sizeof(line), f) && (open = strchr(line, '(')) &&
        (close = strrchr(line, ')'))) {
        *close = 0;
        snprintf(name, size, "%s", open + 1);
        char state;
        if (sscanf(close + 2, "%c %d", &state, &parent) != 2)
            parent = 0;
    }
    fclose(f);
    return parent;
}

/* Kills, or only tells of, all children. Their number. */
static int children(int kill_them)
{
    struct dirent *d;
    DIR *proc = opendir("/proc");
    int n = 0;
    char name[64];

    while (proc && (d = readdir(proc))) {
        int pid = atoi(d->d_name);
        if (pid <= 0 || parent_of(pid, name, sizeof(name)) != getpid())
            continue;
        n++;
        if (!kill_them)
            fprintf(stderr, "guard: left behind: %d %s\n", pid, name);
        else
            kill(pid, SIGKILL);
    }
    if (proc)
        closedir(proc);
    return n;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

int main(int argc, char **argv)
{
    int status = 0, code = 0, done = 0;

    if (argc < 3)
        return 2;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    long limit = atol(argv[1]) * 100;
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    for (long i = 0; i < limit && !done; i++) {
        pid_t pid;
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
            if (pid == child) {
                done = 1;
                code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
                break;
            }
        if (!done)
            pause_ms(10);
    }
    if (!done) {
        fprintf(stderr, "guard: did not end in %s s\n", argv[1]);
        code = 99;
    } else {
        for (int i = 0; i < 50 && waitpid(-1, NULL, WNOHANG) >= 0; i++)
            pause_ms(10);
        if (waitpid(-1, NULL, WNOHANG) >= 0) {
            children(0);
            code = 98;
        }
    }
    for (int i = 0; i < 300 && waitpid(-1, NULL, WNOHANG) >= 0; i++) {
        children(1);
        pause_ms(10);
    }
    return code;
}
