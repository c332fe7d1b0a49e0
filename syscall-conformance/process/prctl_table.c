/*
 * prctl(2): what options answer for arguments that are good, too big, or given where none belongs.
 * Each in a child. Those that depend on the processor or on newer kernels are left out.
 */
#include "../rows.h"
#include <sys/prctl.h>

static const unsigned long args[][4] = {
    {0},       {1},          {2},    {3},    {4},    {100},     {-1UL},   {0, 1},
    {0, 0, 1}, {0, 0, 0, 1}, {1, 1}, {1, 2}, {1, 4}, {1, 0, 1}, {0x1000}, {1, 3},
};

static void option(void *arg)
{
    int op = *(int *)arg;

    row_add("%d:", op);
    for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
        const unsigned long *a = args[i];
        errno = 0;
        long r = syscall(SYS_prctl, op, a[0], a[1], a[2], a[3]);
        row_add(" %s", r < 0 ? err_name(errno) : r ? "some" : "0");
    }
    row_add("\n");
}

int main(void)
{
    static const int ops[] = {PR_SET_PDEATHSIG,
                              PR_GET_PDEATHSIG,
                              PR_SET_DUMPABLE,
                              PR_GET_UNALIGN,
                              PR_GET_FPEMU,
                              PR_GET_FPEXC,
                              PR_SET_TIMING,
                              PR_GET_ENDIAN,
                              PR_CAPBSET_READ,
                              31 /* of perf */,
                              PR_MCE_KILL,
                              PR_MCE_KILL_GET,
                              PR_SET_CHILD_SUBREAPER,
                              PR_GET_NO_NEW_PRIVS,
                              PR_SET_NO_NEW_PRIVS,
                              PR_GET_THP_DISABLE,
                              43,
                              44,
                              45,
                              46,
                              50,
                              65 /* MDWE */,
                              66,
                              67 /* MEMORY_MERGE */,
                              68,
                              72,
                              1000,
                              -1};

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        rows_of_child(option, (void *)&ops[i]);
    is_eq(prctl(PR_MCE_KILL, 1, 1, 0, 0), 0);
    is_eq(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), 1);
    is_eq(prctl(PR_MCE_KILL, 0, 0, 0, 0), 0);
    is_eq(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), 2);
    is_eq(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
    is_eq(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
    is_eq(prctl(67, 1, 0, 0, 0), 0);
    is_eq(prctl(68, 0, 0, 0, 0), 1);
    done();
}
