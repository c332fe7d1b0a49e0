/* pipe(7): a user without capabilities whose pipes have more pages than pipe-user-pages-soft gets
 * pipes of two pages, and may not make them larger. Other users are not concerned. */
#include "../tmp.h"

static long soft_limit(void)
{
    FILE *f = fopen("/proc/sys/fs/pipe-user-pages-soft", "r");
    long n = -1;

    if (f && fscanf(f, "%ld", &n) != 1)
        n = -1;
    if (f)
        fclose(f);
    return n;
}

/* Answers as bits, since a child reports by its exit status. */
static int greedy(void)
{
    long left = soft_limit(), size = 1048576;
    int p[2], q[2], bits = 0;

    if (geteuid() == 0 &&
        (setgroups(0, NULL) || setresgid(54321, 54321, 54321) || setresuid(54321, 54321, 54321)))
        return 99;
    if (pipe(q) < 0)
        return 98;
    bits |= fcntl(q[1], F_GETPIPE_SZ) == 65536;
    for (left -= 16; left >= 256; left -= 256) {
        if (pipe(p) < 0)
            return 97;
        if (fcntl(p[1], F_SETPIPE_SZ, size) != size)
            return 96;
    }
    while (left >= 16) {
        if (pipe(p) < 0 || fcntl(p[1], F_GETPIPE_SZ) != 65536)
            return 95;
        left -= 16;
    }
    if (pipe(p) < 0)
        return 94;
    bits |= (fcntl(p[1], F_GETPIPE_SZ) == 8192) << 1;
    errno = 0;
    bits |= (fcntl(p[1], F_SETPIPE_SZ, 65536) == -1 && errno == EPERM) << 2;
    bits |= (fcntl(p[1], F_SETPIPE_SZ, 4096) == 4096) << 3;
    bits |= (fcntl(q[1], F_SETPIPE_SZ, 32768) == 32768) << 4;
    return bits;
}

int main(void)
{
    int p[2];

    if (soft_limit() < 1024 || soft_limit() > 65536) {
        skip("the limit is another");
        skip("the limit is another");
        done();
    }
    is_eq(in_child(greedy), 31);
    must(pipe(p));
    is_eq(fcntl(p[1], F_GETPIPE_SZ), 65536);
    done();
}
