/* inotify(7): watches give events with names for what happens in a directory, in order; errors of
 * the calls. */
#include "../tmp.h"
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

static int in;

/* The next event as "MASK name", "" when there is none. */
static const char *next(void)
{
    static char buf[4096], out[400];
    static ssize_t have, at;

    if (at >= have) {
        have = read(in, buf, sizeof(buf));
        at = 0;
    }
    if (have <= 0)
        return "";
    struct inotify_event *e = (struct inotify_event *)(buf + at);
    at += (ssize_t)sizeof(*e) + e->len;
    snprintf(out, sizeof(out), "%x %s", e->mask, e->len ? e->name : "");
    return out;
}

#define event_is(want)                                                                             \
    do {                                                                                           \
        const char *got_ = next();                                                                 \
        if (!ok(!strcmp(got_, want), "event %s", want))                                            \
            printf("# got %s\n", got_);                                                            \
    } while (0)

int main(void)
{
    int n = -1;

    tmp_enter();
    in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    must(mkdir("d", 0700));
    int wd = inotify_add_watch(in, "d", IN_ALL_EVENTS);
    is_eq(wd, 1);
    is_errno(read(in, &n, 4), EAGAIN);
    int fd = open("d/f", O_CREAT | O_RDWR, 0600);
    event_is("100 f"); /* create */
    event_is("20 f");  /* open */
    must(write(fd, "x", 1));
    event_is("2 f"); /* modify */
    must(pread(fd, &n, 1, 0));
    event_is("1 f"); /* access */
    must(fchmod(fd, 0640));
    event_is("4 f"); /* attrib */
    close(fd);
    event_is("8 f"); /* close write */
    close(open("d/f", O_RDONLY));
    event_is("20 f");
    event_is("10 f"); /* close nowrite */
    must(rename("d/f", "d/g"));
    event_is("40 f"); /* moved from */
    event_is("80 g"); /* moved to */
    must(rename("d/g", "out"));
    event_is("40 g");
    must(rename("out", "d/g"));
    event_is("80 g");
    must(mkdir("d/sub", 0700));
    event_is("40000100 sub");
    must(rmdir("d/sub"));
    event_is("40000200 sub");
    must(unlink("d/g"));
    event_is("200 g");
    event_is("");

    /* The same directory again: the same watch, another mask. */
    is_eq(inotify_add_watch(in, "d", IN_CREATE), 1);
    touch("d/h");
    event_is("100 h");
    event_is("");
    is_eq(inotify_add_watch(in, "d", IN_DELETE | IN_MASK_ADD), 1);
    must(unlink("d/h"));
    event_is("200 h");
    is_errno(inotify_add_watch(in, "d", IN_CREATE | IN_MASK_CREATE), EEXIST);
    struct pollfd pfd = {in, POLLIN, 0};
    is_eq(poll(&pfd, 1, 0), 0);
    touch("d/i");
    is_eq(poll(&pfd, 1, 0), 1);
    is_eq(ioctl(in, FIONREAD, &n), 0);
    is_eq(n, 32);
    char small[20];
    is_errno(read(in, small, sizeof(small)), EINVAL);
    event_is("100 i");
    is_eq(inotify_rm_watch(in, wd), 0);
    event_is("8000 "); /* ignored */
    is_errno(inotify_rm_watch(in, wd), EINVAL);

    close(file_with("self", "x"));
    wd = inotify_add_watch(in, "self", IN_ALL_EVENTS);
    is_eq(wd, 2);
    must(rename("self", "moved"));
    event_is("800 "); /* move self */
    must(unlink("moved"));
    event_is("4 ");   /* link count */
    event_is("400 "); /* delete self */
    event_is("8000 ");
    event_is("");

    is_errno(inotify_init1(0x10), EINVAL);
    is_errno(inotify_add_watch(in, "none", IN_CREATE), ENOENT);
    is_errno(inotify_add_watch(in, "d", 0), EINVAL);
    is_errno(inotify_add_watch(in, "d/i", IN_CREATE | IN_ONLYDIR), ENOTDIR);
    is_errno(inotify_add_watch(99, "d", IN_CREATE), EBADF);
    is_errno(inotify_add_watch(0, "d", IN_CREATE), EINVAL);
    is_errno(inotify_rm_watch(0, 1), EINVAL);
    is_errno(inotify_add_watch(in, BAD_PTR, IN_CREATE), EFAULT);
    done();
}
