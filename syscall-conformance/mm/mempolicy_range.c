/* mbind(2): the policy of a range of memory. */
#include "mempolicy.h"

#define PAGE 4096UL

int main(void)
{
    unsigned long mask[16];
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    is_eq(bind_range(p + PAGE, PAGE, MPOL_BIND, 1, 0), 0);
    is_eq(policy_of(p, MPOL_F_ADDR, mask), MPOL_DEFAULT);
    is_eq(policy_of(p + PAGE, MPOL_F_ADDR, mask), MPOL_BIND);
    is_eq(mask[0], 1);
    is_eq(policy_of(p + 2 * PAGE, MPOL_F_ADDR, mask), MPOL_DEFAULT);
    p[PAGE] = 1;
    is_eq(policy_of(p + PAGE, MPOL_F_ADDR | MPOL_F_NODE, mask), 0);
    is_eq(syscall(SYS_set_mempolicy_home_node, p + PAGE, PAGE, 0, 0), 0);
    is_errno(syscall(SYS_set_mempolicy_home_node, p, PAGE, 0, 0), ENOENT);
    is_errno(syscall(SYS_set_mempolicy_home_node, p + PAGE, PAGE, 0, 1), EINVAL);
    is_errno(syscall(SYS_set_mempolicy_home_node, p + PAGE, PAGE, 4000, 0), EINVAL);
    is_errno(syscall(SYS_set_mempolicy_home_node, p + 1, PAGE, 0, 0), EINVAL);
    is_eq(syscall(SYS_mbind, p, 4 * PAGE, MPOL_DEFAULT, NULL, 0, 0), 0);
    is_eq(policy_of(p + PAGE, MPOL_F_ADDR, mask), MPOL_DEFAULT);
    is_eq(bind_range(p, 0, MPOL_BIND, 1, 0), 0);
    is_eq(bind_range(p, PAGE, MPOL_INTERLEAVE, 1, 0), 0);
    is_errno(syscall(SYS_set_mempolicy_home_node, p, PAGE, 0, 0), EOPNOTSUPP);
    is_eq(bind_range(p, 1, MPOL_BIND, 1, MPOL_MF_MOVE | MPOL_MF_STRICT), 0);
    is_errno(bind_range(p + 1, PAGE, MPOL_BIND, 1, 0), EINVAL);
    is_errno(bind_range(p, PAGE, MPOL_BIND, 1, 64), EINVAL);
    is_errno(bind_range(p, PAGE, MPOL_BIND, 0, 0), EINVAL);
    is_errno(bind_range(p, PAGE, 50, 1, 0), EINVAL);
    munmap(p + 2 * PAGE, PAGE);
    is_errno(bind_range(p, 4 * PAGE, MPOL_BIND, 1, 0), EFAULT);
    is_errno(bind_range(p + 2 * PAGE, PAGE, MPOL_BIND, 1, 0), EFAULT);
    is_eq(syscall(SYS_mbind, p, 4 * PAGE, MPOL_DEFAULT, NULL, 0, 0), 0);
    is_errno(syscall(SYS_mbind, p + 2 * PAGE, PAGE, MPOL_DEFAULT, NULL, 0, 0), EFAULT);
    done();
}
