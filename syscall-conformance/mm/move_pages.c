/* move_pages(2), migrate_pages(2): where pages are, and what is refused. */
#include <sys/time.h>

#include "mempolicy.h"

#define PAGE 4096UL

static long move(pid_t pid, unsigned long n, void **pages, const int *nodes, int *status, int flags)
{
    return syscall(SYS_move_pages, pid, n, pages, nodes, status, flags);
}

static void stranger(void)
{
    unsigned long mask = 1;
    void *page = &mask;
    int status;

    become_nobody();
    check(move(1, 1, &page, NULL, &status, 0) == -1 && errno == EPERM, 1);
    check(move(0, 1, &page, NULL, &status, MPOL_MF_MOVE_ALL) == -1 && errno == EPERM, 2);
    check(syscall(SYS_migrate_pages, 1, 65, &mask, &mask) == -1 && errno == EPERM, 3);
}

static void tick(int sig)
{
    (void)sig;
}

/* Signals do not end it: there is no EINTR in its manual page. */
static long with_ticks(void *page)
{
    enum { COUNT = 20000 };
    const struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    void **pages = malloc(COUNT * sizeof(*pages));
    int *status = malloc(COUNT * sizeof(*status));
    long r = -1;

    for (int i = 0; i < COUNT; i++)
        pages[i] = page;
    signal(SIGALRM, tick);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 5 && (i == 0 || r == 0); i++)
        r = move(0, COUNT, pages, NULL, status, 0);
    setitimer(ITIMER_REAL, &never, NULL);
    free(pages);
    free(status);
    return r;
}

int main(void)
{
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *pages[2] = {p, p + PAGE};
    int nodes[2] = {0, 0}, status[2] = {-9, -9};
    unsigned long mask = 1, none = 1UL << 63;

    memset(p, 1, 2 * PAGE);
    is_eq(move(0, 2, pages, NULL, status, 0), 0);
    ok(status[0] == 0 && status[1] == 0, "both are in node 0");
    status[0] = status[1] = -9;
    is_eq(move(getpid(), 2, pages, nodes, status, MPOL_MF_MOVE), 0);
    ok(status[0] == 0 && status[1] == 0, "and moved there");
    pages[1] = (void *)8;
    is_eq(move(0, 2, pages, NULL, status, 0), 0);
    ok(status[0] == 0 && status[1] == -EFAULT, "an address without memory");
    is_eq(move(0, 0, NULL, NULL, NULL, 0), 0);
    nodes[0] = 4000;
    is_errno(move(0, 1, pages, nodes, status, MPOL_MF_MOVE), ENODEV);
    is_errno(move(0, 1, pages, NULL, status, 64), EINVAL);
    is_errno(move(1 << 22, 1, pages, NULL, status, 0), ESRCH);
    is_errno(move(0, 1, (void **)BAD_PTR, NULL, status, 0), EFAULT);
    is_errno(move(0, 1, pages, NULL, BAD_PTR, 0), EFAULT);
    is_eq(syscall(SYS_migrate_pages, 0, 65, &mask, &mask), 0);
    is_errno(syscall(SYS_migrate_pages, 1 << 22, 65, &mask, &mask), ESRCH);
    is_errno(syscall(SYS_migrate_pages, 0, 65, &mask, &none), EINVAL);
    is_errno(syscall(SYS_migrate_pages, 0, 65, BAD_PTR, &mask), EFAULT);
    is_eq(with_ticks(p), 0);
    ok(exited_with(in_child(stranger), 0), "other users' processes");
    done();
}
