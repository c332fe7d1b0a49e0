/* Memory policy of NUMA machines. Only node 0 is there for sure. */
#ifndef CONFORMANCE_MEMPOLICY_H
#define CONFORMANCE_MEMPOLICY_H

#include <linux/mempolicy.h>

#include "../process/child.h"

#define NODE_MAX 64 /* bits of the masks here */
#define NO_NODE (1UL << 63)

UNUSED_FN static long set_policy(int mode, unsigned long mask)
{
    return syscall(SYS_set_mempolicy, mode, &mask, NODE_MAX + 1);
}

UNUSED_FN static long bind_range(void *p, size_t len, int mode, unsigned long mask, unsigned flags)
{
    return syscall(SYS_mbind, p, len, mode, &mask, NODE_MAX + 1, flags);
}

/* The policy of the caller, or with MPOL_F_ADDR of an address; -1: errno. */
UNUSED_FN static int policy_of(void *p, unsigned long flags, unsigned long *mask)
{
    int mode = -1;

    *mask = 0;
    return syscall(SYS_get_mempolicy, &mode, mask, 1024, p, flags) ? -1 : mode;
}

#endif
