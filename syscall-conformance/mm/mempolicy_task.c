/* set_mempolicy(2): the calling thread's policy, which children inherit; what is refused. */
#include "mempolicy.h"

static void inherited(void)
{
    unsigned long mask[16];

    check(policy_of(NULL, 0, mask) == MPOL_BIND && mask[0] == 1, 1);
    check(set_policy(MPOL_DEFAULT, 0) == 0, 2);
}

int main(void)
{
    unsigned long mask[16];

    is_eq(policy_of(NULL, 0, mask), MPOL_DEFAULT);
    is_eq(mask[0], 0);
    is_eq(set_policy(MPOL_BIND, 1), 0);
    is_eq(policy_of(NULL, 0, mask), MPOL_BIND);
    is_eq(mask[0], 1);
    ok(exited_with(in_child(inherited), 0), "a child has it");
    is_eq(policy_of(NULL, 0, mask), MPOL_BIND);
    is_eq(set_policy(MPOL_PREFERRED, 0), 0);
    is_eq(policy_of(NULL, 0, mask), MPOL_LOCAL);
    is_eq(mask[0], 0);
    is_eq(set_policy(MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, 1), 0);
    is_eq(policy_of(NULL, 0, mask), MPOL_INTERLEAVE | MPOL_F_STATIC_NODES);
    is_eq(policy_of(NULL, MPOL_F_NODE, mask), 0);
    is_eq(policy_of(NULL, MPOL_F_MEMS_ALLOWED, mask), 0);
    ok(mask[0] & 1, "memory of node 0 is allowed");
    is_eq(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0), 0);
    is_errno(set_policy(99, 1), EINVAL);
    is_errno(set_policy(-1, 1), EINVAL);
    is_errno(set_policy(MPOL_DEFAULT, 1), EINVAL);
    is_errno(set_policy(MPOL_BIND, 0), EINVAL);
    is_errno(set_policy(MPOL_BIND, NO_NODE), EINVAL);
    is_errno(set_policy(MPOL_LOCAL, 1), EINVAL);
    is_errno(set_policy(MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, 1), EINVAL);
    is_errno(syscall(SYS_set_mempolicy, MPOL_BIND, BAD_PTR, 65), EFAULT);
    is_errno(syscall(SYS_set_mempolicy, MPOL_BIND, mask, 1 << 20), EINVAL);
    is_errno(policy_of(mask, 0, mask), EINVAL);
    is_errno(policy_of(NULL, MPOL_F_NODE, mask), EINVAL);
    is_errno(policy_of(NULL, 64, mask), EINVAL);
    is_errno(policy_of(NULL, MPOL_F_MEMS_ALLOWED | MPOL_F_NODE, mask), EINVAL);
    is_errno(policy_of(BAD_PTR, MPOL_F_ADDR, mask), EFAULT);
    is_errno(syscall(SYS_get_mempolicy, BAD_PTR, NULL, 0, NULL, 0), EFAULT);
    is_errno(syscall(SYS_get_mempolicy, NULL, BAD_PTR, 1024, NULL, 0), EFAULT);
    is_errno(syscall(SYS_get_mempolicy, NULL, mask, 0, NULL, 0), EINVAL);
    done();
}
