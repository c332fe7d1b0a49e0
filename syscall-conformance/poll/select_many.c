/* select(2), poll(2): the system call takes descriptors beyond FD_SETSIZE; what lies beyond the
 * table's size is not looked at; only revents is written back. */
#include "../tmp.h"
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>

#define HIGH 2900
#define WORDS 64

static unsigned long set[3][WORDS];

static void bit(int k, int fd)
{
    set[k][fd / 64] |= 1UL << fd % 64;
}

static long wait_for(int n)
{
    struct timespec none = {0, 0};

    return syscall(SYS_pselect6, n, set[0], set[1], set[2], &none, NULL);
}

int main(void)
{
    struct rlimit r = {4096, 4096};
    int p[2];

    if (setrlimit(RLIMIT_NOFILE, &r) && (getrlimit(RLIMIT_NOFILE, &r), r.rlim_cur <= HIGH + 2)) {
        for (int i = 0; i < 14; i++)
            skip("not so many descriptors");
        done();
    }
    must(pipe(p));
    must(dup2(p[0], HIGH));
    must(dup2(p[1], HIGH + 1));
    must(write(p[1], "x", 1));
    bit(0, HIGH);
    bit(1, HIGH + 1);
    bit(0, HIGH + 1);
    is_eq(wait_for(HIGH + 2), 2);
    ok(set[0][HIGH / 64] == 1UL << HIGH % 64 && set[1][HIGH / 64] == 1UL << (HIGH + 1) % 64,
       "both bits");
    is_eq(wait_for(HIGH + 1), 1);
    memset(set, 0, sizeof(set));
    bit(0, HIGH + 2);
    is_errno(wait_for(HIGH + 3), EBADF);
    bit(0, HIGH);
    is_eq(wait_for(HIGH + 1), 1);
    is_errno(wait_for(-1), EINVAL);
    memset(set, 0, sizeof(set));
    bit(0, HIGH);
    is_eq(wait_for(INT_MAX), 1);

    struct pollfd *fds =
        mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 1024; i++)
        fds[i] = (struct pollfd){i % 2 ? HIGH : -HIGH, POLLIN, 0x55};
    is_eq(poll(fds, 1024, 0), 512);
    ok(fds[0].fd == -HIGH && !fds[0].revents && fds[1].revents == POLLIN && fds[1].events == POLLIN,
       "revents of negative numbers is 0");
    is_errno(poll(fds, 4097, 0), EINVAL);
    fds[0] = (struct pollfd){HIGH + 2, POLLIN, 0};
    is_eq(poll(fds, 1, 0), 1);
    is_eq(fds[0].revents, POLLNVAL);
    mprotect(fds, 4096, PROT_READ);
    is_errno(poll(fds, 1, 0), EFAULT);
    is_eq(poll(NULL, 0, 0), 0);
    done();
}
