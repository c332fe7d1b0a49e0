/* Filters for programs about seccomp(2). */
#ifndef CONFORMANCE_FILTER_H
#define CONFORMANCE_FILTER_H

#include "tmp.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RET(v) BPF_STMT(BPF_RET | BPF_K, v)
#define ON_CALL(call, v) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), RET(v)

TMP_FN long install(struct sock_filter *f, size_t n, unsigned int flags)
{
    struct sock_fprog prog = {.len = (unsigned short)n, .filter = f};

    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

/* call answers action, everything else is allowed. */
TMP_FN long on_call(long call, unsigned int action, unsigned int flags)
{
    struct sock_filter f[] = {LOAD(nr), ON_CALL((unsigned int)call, action),
                              RET(SECCOMP_RET_ALLOW)};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return install(f, 4, flags);
}

/* How a child that runs fn ends. */
TMP_FN int child_status(void (*fn)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        fn();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return status;
}

#define exits_with(fn, code)                                                                       \
    do {                                                                                           \
        int s_ = child_status(fn);                                                                 \
        if (!ok(WIFEXITED(s_) && WEXITSTATUS(s_) == (code), "%s exits with %d", #fn, code))        \
            printf("# status %x\n", s_);                                                           \
    } while (0)
#define dies_of(fn, sig)                                                                           \
    do {                                                                                           \
        int s_ = child_status(fn);                                                                 \
        if (!ok(WIFSIGNALED(s_) && WTERMSIG(s_) == (sig), "%s dies of %s", #fn, #sig))             \
            printf("# status %x\n", s_);                                                           \
    } while (0)
#define check(cond, code)                                                                          \
    do {                                                                                           \
        if (!(cond))                                                                               \
            _exit(code);                                                                           \
    } while (0)

#endif
