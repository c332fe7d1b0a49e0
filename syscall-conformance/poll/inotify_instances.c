/* inotify(7): a user has at most max_user_instances instances, then EMFILE; other users have
 * theirs. */
#include "../tmp.h"

#include <fcntl.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/resource.h>

static long instances(uid_t uid, int p[2])
{
    long n = 0;

    if (fork() == 0) {
        signal(SIGTERM, SIG_DFL);
        must(setresuid(uid, uid, uid));
        while (n < 10000 && inotify_init1(0) >= 0)
            n++;
        n = errno == EMFILE ? n : -1;
        must(write(p[1], &n, sizeof(n)));
        pause();
    }
    must(read(p[0], &n, sizeof(n)));
    return n;
}

int main(void)
{
    struct rlimit r = {16384, 16384};
    char text[32] = "";
    int fd = must(open("/proc/sys/fs/inotify/max_user_instances", O_RDONLY)), p[2];

    must(read(fd, text, sizeof(text) - 1));
    long max = atol(text);
    if (max > 10000) {
        skip("the limit is too high to reach");
        done();
    }
    must(setrlimit(RLIMIT_NOFILE, &r));
    must(pipe(p));
    is_eq(instances(31339, p), max);
    is_eq(instances(31340, p), max);
    is_eq(instances(31339, p), 0);
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    done();
}
