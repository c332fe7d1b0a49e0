/* How calls end, counted by all programs in memory that they share and may spoil. */
#ifndef NV_FUZZ_COUNTS_H
#define NV_FUZZ_COUNTS_H
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

struct count {
    uint32_t made, ok, errors[4]; /* EINVAL, EBADF, EFAULT, EPERM */
};
struct counts {
    uint32_t forks, execs; /* of this program */
    int32_t first_pid;
    struct count of[512];
};
extern struct counts *counts;

static inline int counts_open(int fd)
{
    void *m = mmap((void *)0x2f000000, sizeof(struct counts), 3, MAP_SHARED | MAP_FIXED, fd, 0);

    counts = m == MAP_FAILED ? NULL : m;
    return counts != NULL;
}

#endif
