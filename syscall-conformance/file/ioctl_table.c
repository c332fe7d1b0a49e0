/* ioctl(2) requests that are the same for all files, and those of file systems, on each kind. */
#include "../rows.h"
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

int main(void)
{
    int p[2], sv[2], d;

    tmp_enter();
    must(mkdir("d", 0755));
    must(pipe(p));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
    d = (int)must(open("d", O_RDONLY));
    int f = file_with("f", "content");
    struct {
        const char *name;
        int fd;
    } files[] = {{"file", f},
                 {"read-only", open("f", O_RDONLY)},
                 {"dir", d},
                 {"pipe", p[0]},
                 {"socket", sv[0]},
                 {"eventfd", eventfd(0, 0)},
                 {"epoll", epoll_create1(0)},
                 {"inotify", inotify_init()},
                 {"null", open("/dev/null", O_RDWR)},
                 {"zero", open("/dev/zero", O_RDWR)},
                 {"random", open("/dev/urandom", O_RDONLY)},
                 {"path", open("f", O_PATH)},
                 {"closed", 999},
                 {"proc", open("/proc/self/stat", O_RDONLY)}};
    /* Those that only some file systems know are asked of files that have none. */
    static const struct {
        const char *name;
        unsigned long cmd;
        int files;
    } cmds[] = {{"FIOCLEX", FIOCLEX, 1},
                {"FIONCLEX", FIONCLEX, 1},
                {"FIONBIO", FIONBIO, 1},
                {"FIOASYNC", FIOASYNC, 0},
                {"FIOQSIZE", FIOQSIZE, 1},
                {"FIONREAD", FIONREAD, 1},
                {"FIGETBSZ", FIGETBSZ, 0},
                {"FIBMAP", FIBMAP, 0},
                {"FICLONE", FICLONE, 0},
                {"FIDEDUPERANGE", FIDEDUPERANGE, 0},
                {"FS_IOC_FIEMAP", FS_IOC_FIEMAP, 0},
                {"FS_IOC_GETFLAGS", FS_IOC_GETFLAGS, 0},
                {"FS_IOC_FSGETXATTR", FS_IOC_FSGETXATTR, 0},
                {"BLKGETSIZE64", BLKGETSIZE64, 1},
                {"BLKSSZGET", BLKSSZGET, 1},
                {"TCGETS", TCGETS, 1},
                {"TIOCGWINSZ", TIOCGWINSZ, 1},
                {"TIOCGPGRP", TIOCGPGRP, 1},
                {"SIOCGIFCONF", 0x8912, 0},
                {"zero", 0, 1},
                {"odd", 0xdeadbeef, 1},
                {"FIFREEZE", FIFREEZE, 1},
                {"FITHAW", FITHAW, 1}};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        row_add("%s:", files[i].name);
        for (size_t c = 0; c < sizeof(cmds) / sizeof(*cmds); c++) {
            char arg[256] = {0};
            int own = i < 3 || i == 13;
            if ((own && !cmds[c].files) ||
                (!strncmp(cmds[c].name, "FIFREEZE", 8) && geteuid() == 0) ||
                (!strncmp(cmds[c].name, "FITHAW", 6) && geteuid() == 0) ||
                (i == 4 && !cmds[c].files) || (i == 2 && cmds[c].cmd == FIOQSIZE))
                continue;
            row_add(" %s=%s", cmds[c].name, says(ioctl(files[i].fd, cmds[c].cmd, arg)));
            row_add("/%s", says(ioctl(files[i].fd, cmds[c].cmd, BAD_PTR)));
        }
        row_end();
    }
    int v;
    loff_t size;
    row_add("values:");
    must(lseek(f, 3, SEEK_SET));
    must(ioctl(f, FIONREAD, &v));
    row_add(" %d", v);
    must(lseek(f, 30, SEEK_SET));
    must(ioctl(f, FIONREAD, &v));
    row_add(" %d", v);
    must(ioctl(f, FIOQSIZE, &size));
    v = 1;
    must(ioctl(p[0], FIONBIO, &v));
    row_add(" %o", (unsigned int)fcntl(p[0], F_GETFL));
    row_add(" %d", fcntl(p[0], F_GETFD));
    row_end();
    done();
}
