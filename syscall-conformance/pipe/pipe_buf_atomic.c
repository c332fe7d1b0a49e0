/* pipe(7): writes of up to PIPE_BUF bytes are atomic; without room a non-blocking one fails with
 * EAGAIN as a whole, a longer one may be partial. */
#include "../process/child.h"
#include <limits.h>

static int p[2];

static void writer(char c)
{
    char buf[1000];

    memset(buf, c, sizeof(buf));
    for (int i = 0; i < 200; i++)
        check(write(p[1], buf, sizeof(buf)) == sizeof(buf), 1);
    _exit(0);
}

int main(void)
{
    static char buf[1 << 17];
    long total = 0, n;

    if (pipe2(p, O_NONBLOCK) < 0)
        return 1;
    is_eq(write(p[1], buf, sizeof(buf)), 65536);
    is_errno(write(p[1], buf, 1), EAGAIN);
    is_eq(read(p[0], buf, 100), 100);
    is_errno(write(p[1], buf, PIPE_BUF), EAGAIN);
    is_eq(read(p[0], buf, 3996), 3996);
    is_eq(write(p[1], buf, PIPE_BUF), PIPE_BUF);
    is_eq(read(p[0], buf, 3 * 4096), 3 * 4096);
    is_eq(write(p[1], buf, sizeof(buf)), 3 * 4096);
    is_errno(write(p[1], buf, sizeof(buf)), EAGAIN);
    while ((n = read(p[0], buf, sizeof(buf))) > 0)
        total += n;
    is_eq(total, 65536);
    ok(n == -1 && errno == EAGAIN, "empty");
    close(p[0]);
    close(p[1]);

    /* Several writers never mix. */
    if (pipe(p) < 0)
        return 1;
    for (int i = 0; i < 3; i++)
        if (fork() == 0)
            writer((char)('a' + i));
    close(p[1]);
    int mixed = 0, blocks = 0;
    long have = 0;
    while ((n = read(p[0], buf + have, 1000 - (size_t)have)) > 0) {
        have += n;
        if (have < 1000)
            continue;
        for (int i = 1; i < 1000; i++)
            mixed += buf[i] != buf[0];
        blocks++;
        have = 0;
    }
    is_eq(have, 0);
    is_eq(blocks, 600);
    is_eq(mixed, 0);
    int bad = 0, status;
    while (wait(&status) > 0)
        bad += status != 0;
    is_eq(bad, 0);
    done();
}
