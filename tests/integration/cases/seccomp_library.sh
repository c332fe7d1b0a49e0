# Filters as libseccomp makes them: arguments compared, actions, many rules as a tree.
set -e
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >prog.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void handler(int sig, siginfo_t *info, void *context)
{
    printf("SIGSYS: %s\n", seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, info->si_syscall));
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_ALLOW);

    sigaction(SIGSYS, &sa, NULL);
    if (argc > 1)
        seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (int nr = 300; nr < 330; nr++)
        seccomp_rule_add(c, SCMP_ACT_ERRNO(nr), nr, 0);
    seccomp_rule_add(c, SCMP_ACT_ERRNO(EDOM), SCMP_SYS(dup), 1, SCMP_A0(SCMP_CMP_GT, 1000));
    seccomp_rule_add(c, SCMP_ACT_ERRNO(ERANGE), SCMP_SYS(lseek), 2,
                     SCMP_A1(SCMP_CMP_EQ, 0x123456789abcULL), SCMP_A2(SCMP_CMP_NE, SEEK_SET));
    seccomp_rule_add(c, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 1,
                     SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY));
    seccomp_rule_add(c, SCMP_ACT_TRAP, SCMP_SYS(uname), 0);
    printf("load %d\n", seccomp_load(c));
    printf("dup 5: %d %s\n", dup(999), strerror(errno));
    printf("dup 2000: %d %s\n", dup(2000), strerror(errno));
    printf("lseek: %ld %s\n", lseek(99, 0x123456789abcL, SEEK_CUR), strerror(errno));
    printf("lseek: %ld %s\n", lseek(99, 0x123456789abdL, SEEK_CUR), strerror(errno));
    printf("open: %d %s\n", open("/dev/null", O_WRONLY), strerror(errno));
    printf("open: %d\n", open("/dev/null", O_RDWR) >= 0);
    for (int nr = 300; nr < 330; nr++)
        if (syscall(nr, -1, 0, 0, 0, 0, 0) != -1 || errno != nr)
            printf("call %d\n", nr);
    syscall(SYS_uname, 0);
    seccomp_release(c);
    return 0;
}
C
gcc -o prog prog.c -lseccomp
./prog
./prog tree
