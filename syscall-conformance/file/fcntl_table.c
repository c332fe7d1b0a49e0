/* fcntl(2): each command on each kind of file, with a null, a small and a bad argument. */
#include "../rows.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static const int skipped[] = {
    F_SETLKW, 38 /* F_OFD_SETLKW */, F_SETFL, F_GETOWN,   F_SETOWN, F_SETSIG,
    F_DUPFD,  F_DUPFD_CLOEXEC,       F_SETFD, F_SETLEASE, F_NOTIFY /* not everywhere */};

struct kind {
    const char *name;
    int fd;
};

static void commands(const struct kind *k)
{
    for (int a = 0; a < 5; a++) {
        static const long args[] = {0, 1, 2, 8, -1};
        row_add("%s, %ld:", k->name, args[a]);
        for (int cmd = 0; cmd <= 1046; cmd++) {
            int skip_it = 0;
            for (size_t i = 0; i < sizeof(skipped) / sizeof(*skipped); i++)
                skip_it |= skipped[i] == cmd;
            if (cmd > 44 && cmd < 1022)
                cmd = 1022;
            if (skip_it)
                continue;
            row_add(" %d=%s", cmd, says(fcntl(k->fd, cmd, args[a])));
        }
        row_end();
    }
}

static void owners_of(int d)
{
    row_add("owners:");
    static const long owners[] = {0, 1, -1, 0x7fffffff, -0x7fffffff - 1L, 65, 64, -64};
    for (int i = 0; i < 5; i++) {
        struct {
            int type, pid;
        } ex = {(int)owners[i], 0};
        row_add(" %s", says(fcntl(d, F_SETOWN_EX, &ex)));
        if (i >= 3 || !owners[i])
            row_add("/%s", says(fcntl(d, F_SETOWN, owners[i])));
        row_add("/%s=%d", says(fcntl(d, F_SETSIG, owners[i])), fcntl(d, F_GETSIG));
    }
    row_end();
}

int main(void)
{
    int p[2], sv[2], d;
    sigset_t none;

    tmp_enter();
    sigemptyset(&none);
    signal(SIGIO, SIG_IGN);
    must(pipe(p));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
    must(mkdir("d", 0755));
    close(file_with("f", "x"));
    close(file_with("w", "x"));
    d = (int)must(open("d", O_RDONLY));
    int reader = (int)must(open("f", O_RDONLY)), writer = (int)must(open("w", O_WRONLY));
    struct kind files[] = {{"file", reader},
                           {"writer", writer},
                           {"directory", d},
                           {"pipe", p[0]},
                           {"pipe end", p[1]},
                           {"socket", sv[0]},
                           {"eventfd", eventfd(0, 0)},
                           {"epoll", epoll_create1(0)},
                           {"inotify", inotify_init()},
                           {"timerfd", timerfd_create(0, 0)},
                           {"signalfd", signalfd(-1, &none, 0)},
                           {"memfd", memfd_create("m", MFD_ALLOW_SEALING)},
                           {"memfd sealed", memfd_create("m", 0)},
                           {"null", open("/dev/null", O_RDWR)},
                           {"closed", 999}};
    for (size_t f = 0; f < sizeof(files) / sizeof(*files); f++)
        commands(&files[f]);
    /* Hints of how long data live: kept with the inode, any value of the six. */
    for (size_t f = 0; f < 6; f++) {
        row_add("%s, hints:", files[f].name);
        for (uint64_t v = 0; v < 8; v++) {
            uint64_t got = 99;
            row_add(" %s", says(fcntl(files[f].fd, F_SET_RW_HINT, &v)));
            row_add("/%s", says(fcntl(files[f].fd, F_GET_RW_HINT, &got)));
            row_add("=%lu", (unsigned long)got);
        }
        row_end();
    }
    row_add("same file:");
    int other = dup(files[0].fd), again = open("f", O_RDONLY),
        made = open("new", O_CREAT | O_RDWR, 0600);
    row_add(" %d %d %d %s", fcntl(files[0].fd, 1027, other), fcntl(files[0].fd, 1027, again),
            fcntl(files[0].fd, 1027, files[0].fd), says(fcntl(files[0].fd, 1027, 999)));
    row_add(" created %d %d %d", fcntl(made, 1028, 0), fcntl(again, 1028, 0),
            fcntl(open("new", O_CREAT | O_RDWR, 0600), 1028, 0));
    row_end();
    row_add("dupfd:");
    static const long mins[] = {-1, 0, 1023, 1024, 1048576, 1L << 32, 2147483647};
    for (int i = 0; i < 7; i++)
        row_add(" %s", says(close(fcntl(d, F_DUPFD, mins[i]))));
    row_end();
    owners_of(d);
    static const int flags[] = {0,       O_APPEND, O_NONBLOCK,
                                O_ASYNC, O_DIRECT, O_NOATIME,
                                O_SYNC,  O_DSYNC,  O_CREAT | O_EXCL | O_TRUNC,
                                O_RDWR,  O_PATH,   -1};
    for (size_t f = 0; f < sizeof(files) / sizeof(*files) - 1; f++) {
        row_add("%s flags:", files[f].name);
        for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
            if (flags[i] & O_DIRECT && f < 3) /* differs between file systems */
                continue;
            row_add(" %s", says(fcntl(files[f].fd, F_SETFL, flags[i])));
            row_add("=%o", (unsigned int)fcntl(files[f].fd, F_GETFL));
        }
        row_end();
        fcntl(files[f].fd, F_SETFL, 0);
    }
    done();
}
