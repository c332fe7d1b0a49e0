/* inotify(7): cookies join the halves of a rename, equal events in a row are one, IN_ONESHOT ends
 * after one, IN_EXCL_UNLINK leaves out unlinked files; a read waits. */
#include "../tmp.h"
#include <sys/inotify.h>

int main(void)
{
    char buf[4096];
    int in = inotify_init(), in2 = inotify_init1(IN_NONBLOCK);

    tmp_enter();
    must(mkdir("d", 0700));
    touch("d/f");
    is_eq(inotify_add_watch(in, "d", IN_MOVE), 1);
    must(rename("d/f", "d/g"));
    ssize_t n = read(in, buf, sizeof(buf));
    struct inotify_event *a = (void *)buf, *b = (void *)(buf + sizeof(*a) + a->len);
    is_eq(n == (ssize_t)(2 * sizeof(*a) + a->len + b->len), 1);
    ok(a->cookie && a->cookie == b->cookie, "one cookie");
    ok(a->mask == IN_MOVED_FROM && b->mask == IN_MOVED_TO, "from and to");

    is_eq(inotify_add_watch(in2, "d", IN_MODIFY), 1);
    int fd = open("d/g", O_WRONLY);
    for (int i = 0; i < 5; i++)
        must(write(fd, "x", 1));
    n = read(in2, buf, sizeof(buf));
    ok(n == (ssize_t)(sizeof(*a) + a->len), "five equal events are one");
    is_eq(inotify_add_watch(in2, "d", IN_MODIFY | IN_EXCL_UNLINK), 1);
    must(unlink("d/g"));
    must(write(fd, "x", 1));
    is_errno(read(in2, buf, sizeof(buf)), EAGAIN);
    is_eq(inotify_add_watch(in2, ".", IN_CREATE | IN_ONESHOT), 2);
    touch("x");
    touch("y");
    n = read(in2, buf, sizeof(buf));
    ok(n > 0 && a->mask == IN_CREATE && !strcmp(a->name, "x"), "the first");
    b = (void *)(buf + sizeof(*a) + a->len);
    ok(n == (ssize_t)(2 * sizeof(*a) + a->len) && b->mask == IN_IGNORED, "and no more");

    pid_t pid = (pid_t)must(fork());
    if (pid == 0) {
        sleep_ms(50);
        touch("d/z");
        _exit(rename("d/z", "d/zz"));
    }
    ok(read(in, buf, sizeof(buf)) > 0 && a->mask == IN_MOVED_FROM, "a read waits");
    waitpid(pid, NULL, 0);
    done();
}
