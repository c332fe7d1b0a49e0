/* Which programs are filters: lengths, instructions, jumps, memory; who may set them. */
#include "filter.h"
#include <linux/capability.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define refused(...)                                                                               \
    do {                                                                                           \
        struct sock_filter f_[] = {__VA_ARGS__};                                                   \
        errno = 0;                                                                                 \
        long r_ = install(f_, N(f_), 0);                                                           \
        ok(r_ == -1 && errno == EINVAL, "refused: " #__VA_ARGS__);                                 \
    } while (0)

static void without_privilege(void)
{
    struct sock_filter f[] = {RET(SECCOMP_RET_ALLOW)};

    if (!getuid())
        check(setresgid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY) == 0 &&
                  setresuid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY) == 0,
              1);
    check(install(f, 1, 0) == -1 && errno == EACCES, 2);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    check(install(f, 1, 0) == 0, 3);
}

static void computes(void)
{
    struct sock_filter f[] = {
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 1, 0),
        RET(SECCOMP_RET_ALLOW),
        LOAD(args[0]),
        BPF_STMT(BPF_ST, 3),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
        BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 3),
        BPF_STMT(BPF_LDX | BPF_MEM, 3),
        BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
        BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1),
        BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    check(install(f, N(f), 0) == 0, 1);
    check(syscall(SYS_getuid, 4L) == -1 && errno == (64 - 4) * 3 / 4 * 2, 2);
    syscall(SYS_getuid, 0L); /* a division by zero: the filter answers 0, which kills */
    _exit(3);
}

static void too_many(void)
{
    static struct sock_filter f[4096];
    int n = 0;

    for (int i = 0; i < 4096; i++)
        f[i] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    while (n < 100 && install(f, 4096, 0) == 0)
        n++;
    check(errno == ENOMEM && n > 2 && n < 9, 1);
}

int main(void)
{
    static struct sock_filter big[4097];
    struct sock_filter one[] = {RET(SECCOMP_RET_ALLOW)};
    unsigned int action = SECCOMP_RET_ERRNO;
    struct seccomp_notif_sizes sizes;

    prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
    exits_with(without_privilege, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    is_errno(install(one, 0, 0), EINVAL);
    is_errno(install(big, 4097, 0), EINVAL);
    is_errno(install(NULL, 1, 0), EINVAL);
    is_errno(install((void *)8, 1, 0), EFAULT);
    is_errno(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 8), EFAULT);
    is_errno(install(one, 1, 0x1000), EINVAL);
    is_errno(install(one, 1, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER), EINVAL);
    is_errno(install(one, 1, 32), EINVAL);
    refused(LOAD(nr));
    refused(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET(0));
    refused(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RET(0));
    refused(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RET(0));
    refused(BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RET(0));
    refused(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(0));
    refused(BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RET(0));
    refused(BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RET(0));
    refused(BPF_STMT(BPF_LD | BPF_MEM, 0), RET(0));
    refused(BPF_STMT(BPF_ST, 16), RET(0));
    refused(BPF_STMT(BPF_JMP | BPF_JA, 1), RET(0));
    refused(BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), RET(0));
    refused(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RET(0));
    refused(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), BPF_STMT(BPF_ST, 1),
            BPF_STMT(BPF_LD | BPF_MEM, 1), RET(0));
    refused(BPF_STMT(0xffff, 0), RET(0));
    dies_of(computes, SIGSYS);
    exits_with(too_many, 0);
    is_eq(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action), 0);
    action = 0x12340000;
    is_errno(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action), EOPNOTSUPP);
    is_errno(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action), EINVAL);
    is_eq(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes), 0);
    ok(sizes.seccomp_notif == 80 && sizes.seccomp_notif_resp == 24 && sizes.seccomp_data == 64,
       "sizes");
    done();
}
