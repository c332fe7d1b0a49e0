/* select(2): the sets are replaced by what is ready, the timeout by what is left; EBADF for a
 * closed descriptor, EINVAL for a negative count or time. */
#include "../process/child.h"
#include <sys/select.h>

int main(void)
{
    int p[2], q[2];
    fd_set r, w, e;
    struct timeval tv;

    if (pipe(p) < 0 || pipe(q) < 0)
        return 1;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&e);
    FD_SET(p[0], &r);
    FD_SET(q[0], &r);
    FD_SET(p[1], &w);
    FD_SET(p[0], &e);
    is_eq(write(q[1], "x", 1), 1);
    int n = q[1] + 1;
    is_eq(select(n, &r, &w, &e, NULL), 2);
    ok(!FD_ISSET(p[0], &r) && FD_ISSET(q[0], &r), "readable");
    ok(FD_ISSET(p[1], &w), "writable");
    ok(!FD_ISSET(p[0], &e), "nothing exceptional");

    FD_ZERO(&r);
    FD_SET(p[0], &r);
    tv = (struct timeval){0, 20000};
    int64_t start = now_ns(CLOCK_MONOTONIC);
    is_eq(select(n, &r, NULL, NULL, &tv), 0);
    ok(now_ns(CLOCK_MONOTONIC) - start >= 20000000, "never early");
    ok(!FD_ISSET(p[0], &r), "cleared at the timeout");
    ok(tv.tv_sec == 0 && tv.tv_usec == 0, "nothing left of the time");
    FD_SET(q[0], &r);
    tv = (struct timeval){100, 0};
    is_eq(select(n, &r, NULL, NULL, &tv), 1);
    ok(tv.tv_sec >= 90 && tv.tv_sec < 100, "the time left is written");
    tv = (struct timeval){0, 0};
    is_eq(select(0, NULL, NULL, NULL, &tv), 0);

    /* Beyond nfds nothing is looked at or changed. */
    FD_ZERO(&r);
    FD_SET(q[0], &r);
    tv = (struct timeval){0, 0};
    is_eq(select(q[0], &r, NULL, NULL, &tv), 0);

    close(p[1]);
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    is_eq(select(n, &r, NULL, NULL, NULL), 1);
    close(q[0]);
    signal(SIGPIPE, SIG_IGN);
    FD_ZERO(&w);
    FD_SET(q[1], &w);
    is_eq(select(n, NULL, &w, NULL, NULL), 1);

    FD_ZERO(&r);
    FD_SET(q[0], &r);
    is_errno(select(n, &r, NULL, NULL, &tv), EBADF);
    is_errno(select(-1, NULL, NULL, NULL, &tv), EINVAL);
    tv = (struct timeval){-1, 0};
    is_errno(select(0, NULL, NULL, NULL, &tv), EINVAL);
    tv = (struct timeval){0, -1};
    is_errno(select(0, NULL, NULL, NULL, &tv), EINVAL);
    tv = (struct timeval){0, 0};
    is_errno(syscall(SYS_select, n, BAD_PTR, NULL, NULL, &tv), EFAULT);
    is_errno(syscall(SYS_select, n, NULL, NULL, NULL, BAD_PTR), EFAULT);
    done();
}
