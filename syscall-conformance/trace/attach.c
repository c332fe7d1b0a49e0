/* PTRACE_ATTACH stops a process with SIGSTOP; who may, and what fails. */
#include "trace.h"
#include <sys/prctl.h>

static void status_line(pid_t pid, const char *key, char *out)
{
    char path[64], line[256];

    out[0] = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, key, strlen(key)))
            strcpy(out, line + strlen(key) + 2);
    if (f)
        fclose(f);
}

int main(void)
{
    char text[256];
    int p[2];
    char c;

    must(pipe(p));
    pid_t pid = fork();
    if (pid == 0) {
        close(p[1]);
        _exit(read(p[0], &c, 1) == 0 ? 11 : 12);
    }
    close(p[0]);
    is_errno(tr(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
    is_errno(tr(PTRACE_ATTACH, 0x3fffff, 0, 0), ESRCH);
    is_errno(tr(PTRACE_CONT, pid, 0, 0), ESRCH);
    is_errno(tr(PTRACE_INTERRUPT, pid, 0, 0), ESRCH);
    is_errno(tr(0x7777, pid, 0, 0), ESRCH);
    status_line(pid, "TracerPid", text);
    is_eq(atoi(text), 0);
    is_eq(tr(PTRACE_ATTACH, pid, 0, 0), 0);
    ok(is_stop(next(pid), SIGSTOP), "it stops");
    is_errno(tr(PTRACE_ATTACH, pid, 0, 0), EPERM);
    is_errno(tr(PTRACE_INTERRUPT, pid, 0, 0), EIO);
    is_errno(tr(0x7777, pid, 0, 0), EIO);
    status_line(pid, "TracerPid", text);
    ok(atoi(text) == getpid(), "TracerPid");
    status_line(pid, "State", text);
    ok(!strcmp(text, "t (tracing stop)\n"), "State");
    pid_t other = fork();
    if (other == 0)
        _exit(tr(PTRACE_ATTACH, pid, 0, 0) == -1 && errno == EPERM &&
                      tr(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH
                  ? 0
                  : 1);
    ok(is_exit(next(other), 0), "nobody else may");
    is_errno(tr(PTRACE_DETACH, pid, 0, 65), EIO);
    is_eq(tr(PTRACE_DETACH, pid, 0, 0), 0);

    prctl(PR_SET_DUMPABLE, 1);
    other = fork();
    if (other == 0) {
        if (!getuid() && (setresgid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY) ||
                          setresuid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY)))
            _exit(2);
        _exit(tr(PTRACE_ATTACH, getuid() == TMP_NOBODY ? pid : 1, 0, 0) == -1 && errno == EPERM
                  ? 0
                  : 1);
    }
    ok(is_exit(next(other), 0), "another user may not");
    close(p[1]);
    ok(is_exit(next(pid), 11), "it goes on");
    done();
}
