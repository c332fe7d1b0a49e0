/* inotify(7): the events of each change, to a watch of the directory and of the object itself, in
 * their order; what watches are told of their end. */
#include "../rows.h"
#include <linux/fs.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static int in;
static uint32_t cookies[16];
static int ncookies;

static int cookie_nr(uint32_t c)
{
    if (!c)
        return 0;
    for (int i = 0; i < ncookies; i++)
        if (cookies[i] == c)
            return i + 1;
    cookies[ncookies++ % 16] = c;
    return ncookies;
}

static void drain(const char *what)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } bits[] = {{IN_ACCESS, "ACCESS"},
                {IN_MODIFY, "MODIFY"},
                {IN_ATTRIB, "ATTRIB"},
                {IN_CLOSE_WRITE, "CLOSE_WRITE"},
                {IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"},
                {IN_OPEN, "OPEN"},
                {IN_MOVED_FROM, "MOVED_FROM"},
                {IN_MOVED_TO, "MOVED_TO"},
                {IN_CREATE, "CREATE"},
                {IN_DELETE, "DELETE"},
                {IN_DELETE_SELF, "DELETE_SELF"},
                {IN_MOVE_SELF, "MOVE_SELF"},
                {IN_UNMOUNT, "UNMOUNT"},
                {IN_Q_OVERFLOW, "OVERFLOW"},
                {IN_IGNORED, "IGNORED"},
                {IN_ISDIR, "ISDIR"}};
    char buf[65536] __attribute__((aligned(8)));
    ssize_t n = read(in, buf, sizeof(buf));

    row_add("%s:", what);
    ncookies = 0;
    for (char *at = buf; n > 0 && at < buf + n;) {
        const struct inotify_event *e = (const void *)at;
        row_add(" %d/", e->wd);
        for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
            if (e->mask & bits[i].bit)
                row_add("%s", bits[i].name);
        row_add("%s%s", e->len ? "=" : "", e->len ? (*e->name == '#' ? "#" : e->name) : "");
        if (e->cookie)
            row_add("#%d", cookie_nr(e->cookie));
        at += sizeof(*e) + e->len;
    }
    row_end();
}

static int add(const char *name, uint32_t mask)
{
    return inotify_add_watch(in, name, mask);
}

#define did(what, ...)                                                                             \
    do {                                                                                           \
        __VA_ARGS__;                                                                               \
        drain(what);                                                                               \
    } while (0)

static void watch_both(void)
{
    close(in);
    in = (int)must(inotify_init1(IN_NONBLOCK));
    must(add("d", IN_ALL_EVENTS));
}

static void files(void)
{
    int fd = -1, r;
    char c;

    did("create", fd = open("d/f", O_CREAT | O_RDWR, 0644));
    did("watch", add("d/f", IN_ALL_EVENTS));
    did("write", write(fd, "text", 4));
    did("write nothing", write(fd, "", 0));
    did("read", pread(fd, &c, 1, 0));
    did("read at end", pread(fd, &c, 1, 100));
    did("read nothing", pread(fd, &c, 0, 0));
    did("writev", writev(fd, &(struct iovec){&c, 1}, 1));
    did("truncate", ftruncate(fd, 2));
    did("truncate to the same", ftruncate(fd, 2));
    did("truncate by name", truncate("d/f", 1));
    did("fallocate", fallocate(fd, 0, 0, 10));
    did("fsync", fsync(fd));
    did("chmod", fchmod(fd, 0600));
    did("chown", fchown(fd, -1, -1));
    did("times", futimens(fd, NULL));
    struct timespec at[2] = {{1, 1}, {0, UTIME_OMIT}}, mt[2] = {{0, UTIME_OMIT}, {1, 1}},
                    both[2] = {{1, 1}, {1, 1}};
    did("time of access", futimens(fd, at));
    did("time of change", futimens(fd, mt));
    did("both times", futimens(fd, both));
    did("attribute", setxattr("d/f", "user.a", "1", 1, 0));
    did("no attribute", removexattr("d/f", "user.a"));
    did("second open", r = open("d/f", O_RDONLY));
    did("close of the second", close(r));
    did("O_PATH", r = open("d/f", O_PATH));
    did("close of it", close(r));
    did("stat", (void)!access("d/f", R_OK));
    did("open truncating", r = open("d/f", O_WRONLY | O_TRUNC));
    did("close of it", close(r));
    write(fd, "text", 4);
    drain("written");
    did("open truncating what has", r = open("d/f", O_WRONLY | O_TRUNC));
    did("close of that", close(r));
    did("dup", r = dup(fd));
    did("close of the dup", close(r));
    did("mapping", munmap(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), 4096));
    did("copy range", copy_file_range(fd, &(loff_t){0}, fd, &(loff_t){100}, 4, 0));
    did("link", link("d/f", "d/g"));
    did("unlink one", unlink("d/g"));
    did("rename", rename("d/f", "d/h"));
    did("rename out", rename("d/h", "h"));
    did("rename in", rename("h", "d/f"));
    did("unlink", unlink("d/f"));
    did("write after", write(fd, "more", 4));
    did("close", close(fd));
    did("failed", unlink("d/none"));
}

static void names(void)
{
    int fd;

    did("mkdir", mkdir("d/s", 0755));
    did("watch", add("d/s", IN_ALL_EVENTS));
    did("list", {
        fd = open("d/s", O_RDONLY | O_DIRECTORY);
        char buf[1024];
        syscall(SYS_getdents64, fd, buf, sizeof(buf));
        syscall(SYS_getdents64, fd, buf, sizeof(buf));
        close(fd);
    });
    did("make in", close(open("d/s/f", O_CREAT | O_RDWR, 0644)));
    did("rename dir", rename("d/s", "d/t"));
    did("rename dir out", rename("d/t", "t"));
    did("rename dir in", rename("t", "d/s"));
    did("chmod dir", chmod("d/s", 0700));
    did("rmdir full", rmdir("d/s"));
    did("unlink in", unlink("d/s/f"));
    did("rmdir", rmdir("d/s"));
    did("symlink", symlink("x", "d/l"));
    did("unlink symlink", unlink("d/l"));
    did("fifo", mkfifo("d/p", 0600));
    did("unlink fifo", unlink("d/p"));
    did("two", {
        close(open("d/a", O_CREAT | O_RDWR, 0644));
        close(open("d/b", O_CREAT | O_RDWR, 0644));
    });
    add("d/a", IN_ALL_EVENTS);
    add("d/b", IN_ALL_EVENTS);
    did("exchange", syscall(SYS_renameat2, AT_FDCWD, "d/a", AT_FDCWD, "d/b", RENAME_EXCHANGE));
    did("rename over", rename("d/a", "d/b"));
    did("close what is gone", (void)0);
    mkdir("d/x", 0755);
    mkdir("d/y", 0755);
    drain("two directories");
    add("d/x", IN_ALL_EVENTS);
    add("d/y", IN_ALL_EVENTS);
    did("directory over", rename("d/x", "d/y"));
    did("file without a name", fd = open("d", O_TMPFILE | O_RDWR, 0600));
    did("written", write(fd, "x", 1));
    did("given one", linkat(fd, "", AT_FDCWD, "d/given", AT_EMPTY_PATH));
    did("closed", close(fd));
    did("rename of an open one", {
        fd = open("d/given", O_WRONLY);
        rename("d/given", "d/again");
        write(fd, "y", 1);
        close(fd);
    });
}

static void add_masks(void)
{
    row_add("add:");
    static const uint32_t all[] = {0,
                                   IN_ACCESS,
                                   IN_ISDIR,
                                   IN_IGNORED,
                                   IN_UNMOUNT,
                                   IN_Q_OVERFLOW,
                                   IN_ONESHOT,
                                   0x00400000,
                                   0x00800000,
                                   0x08000000,
                                   0xffffffff,
                                   IN_ONLYDIR,
                                   IN_MASK_ADD,
                                   IN_MASK_CREATE,
                                   IN_MASK_ADD | IN_MASK_CREATE,
                                   IN_DONT_FOLLOW,
                                   IN_EXCL_UNLINK,
                                   0x1000000 | IN_MODIFY,
                                   IN_MODIFY | IN_MASK_CREATE,
                                   IN_MODIFY | IN_MASK_ADD | IN_MASK_CREATE};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        int fresh = inotify_init1(IN_NONBLOCK);
        row_add(" %x=%s", all[i], says(inotify_add_watch(fresh, "m", all[i])));
        row_add("/%s", says(inotify_add_watch(fresh, "md", all[i])));
        row_add("/%s", says(inotify_add_watch(fresh, "ml", all[i])));
        row_add("/%s", says(inotify_add_watch(fresh, "none", all[i])));
        row_add("/%s", says(inotify_add_watch(999, "none", all[i])));
        row_add("/%s", says(inotify_add_watch(0, "m", all[i])));
        row_add("/%s", says(inotify_add_watch(fresh, BAD_PTR, all[i])));
        close(fresh);
    }
    row_add(" rm %s %s %s", says(inotify_rm_watch(in, 1)), says(inotify_rm_watch(999, 1)),
            says(inotify_rm_watch(0, 1)));
    row_end();
}

static void excluded(void)
{
    int fd;

    add("md", IN_ALL_EVENTS | IN_EXCL_UNLINK);
    fd = open("md/f", O_CREAT | O_RDWR, 0600);
    unlink("md/f");
    drain("made and unlinked");
    did("excluded", {
        write(fd, "x", 1);
        fchmod(fd, 0644);
        close(fd);
    });
}

static void masks(void)
{
    int wd, fd;

    close(in);
    in = (int)must(inotify_init1(IN_NONBLOCK));
    touch("m");
    must(mkdir("md", 0755));
    must(symlink("m", "ml"));
    add_masks();
    wd = add("m", IN_MODIFY);
    row_add("same: %d", add("m", IN_ATTRIB) == wd);
    row_add(" by link %d", add("ml", IN_ATTRIB) == wd);
    row_add(" the link %d", add("ml", IN_ATTRIB | IN_DONT_FOLLOW) == wd);
    row_add(" %s", says(add("m", IN_ATTRIB | IN_MASK_CREATE)));
    row_end();
    did("replaced", truncate("m", 5));
    did("added", {
        add("m", IN_MODIFY | IN_MASK_ADD);
        truncate("m", 6);
        chmod("m", 0600);
    });
    did("oneshot", {
        add("m", IN_MODIFY | IN_ONESHOT);
        truncate("m", 7);
        truncate("m", 8);
    });
    did("again", wd = add("m", IN_MODIFY));
    did("removed", inotify_rm_watch(in, wd));
    row_add("numbers grow: %d", add("m", IN_MODIFY) > wd);
    row_end();
    /* Coalescing: only what is the same and last. */
    add("m", IN_ALL_EVENTS);
    fd = open("m", O_RDWR);
    drain("opened");
    did("coalesced", {
        write(fd, "1", 1);
        write(fd, "1", 1);
        pread(fd, &wd, 1, 0);
        write(fd, "1", 1);
        write(fd, "1", 1);
    });
    int n;
    write(fd, "1", 1);
    must(ioctl(in, FIONREAD, &n));
    char small[8];
    row_add("readable %d, small %s", n, says(read(in, small, sizeof(small))));
    row_end();
    drain("kept");
    close(fd);
    drain("closed");
    excluded();
    did("onlydir of a file", row_add("%s ", says(add("m", IN_ALL_EVENTS | IN_ONLYDIR))));
    close(in);
    in = (int)must(inotify_init1(IN_NONBLOCK));
    add("md", IN_CREATE | IN_DELETE_SELF);
    did("only some", {
        close(open("md/g", O_CREAT | O_RDWR, 0600));
        unlink("md/g");
        rmdir("md");
    });
}

static void overflow(void)
{
    char buf[4096];
    long events = 0, over = 0, last = 0, max = 16384;
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");

    if (f && fscanf(f, "%ld", &max) != 1)
        max = 16384;
    if (f)
        fclose(f);
    close(in);
    in = (int)must(inotify_init1(IN_NONBLOCK));
    touch("o");
    add("o", IN_ATTRIB | IN_MODIFY);
    int fd = (int)must(open("o", O_RDWR));
    for (long i = 0; i < max + 10; i++)
        must(i & 1 ? fchmod(fd, 0600) : write(fd, "x", 1));
    for (ssize_t n; (n = read(in, buf, sizeof(buf))) > 0;)
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e = (const void *)(buf + at);
            last = e->mask == IN_Q_OVERFLOW && e->wd == -1;
            over += last;
            events++;
            at += (ssize_t)(sizeof(*e) + e->len);
        }
    ok(events == max + 1 && over == 1 && last, "a full queue ends with one note of it");
    close(fd);
}

int main(void)
{
    tmp_enter();
    must(mkdir("d", 0755));
    watch_both();
    files();
    watch_both();
    names();
    masks();
    overflow();
    row_add("init: %s %s", says(inotify_init1(1)), says(inotify_init1(IN_NONBLOCK | 4)));
    row_add(" %s", says(write(in, "x", 1)));
    row_add(" %s", says(lseek(in, 0, SEEK_SET)));
    row_end();
    done();
}
