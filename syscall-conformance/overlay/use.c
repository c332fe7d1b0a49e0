/* What programs do with files works in an overlay: locks, O_TMPFILE, inotify, mmap, unlinked files.
 */
#include "ovl.h"
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>

int main(void)
{
    struct stat st;
    char buf[512];

    layers();
    put("a/f", "lower");
    put("a/g", "lower");
    dir("a/d");
    put("a/d/x", "x");
    must(overlay("lowerdir=a" UPPER));
    int fd = (int)must(open("m", O_TMPFILE | O_RDWR, 0640));
    must(write(fd, "tmp", 3));
    snprintf(buf, sizeof(buf), "/proc/self/fd/%d", fd);
    is_eq(linkat(AT_FDCWD, buf, AT_FDCWD, "m/d/named", AT_SYMLINK_FOLLOW), 0);
    ok(content_is("m/d/named", "tmp") && content_is("u/d/named", "tmp"), "O_TMPFILE gets a name");
    close(fd);
    int r = (int)must(open("m/f", O_RDONLY)), w = (int)must(open("m/f", O_RDWR));
    is_eq(flock(r, LOCK_EX), 0);
    is_errno(flock(w, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    close(r);
    close(w);
    int in = (int)must(inotify_init1(IN_NONBLOCK));
    must(inotify_add_watch(in, "m", IN_CREATE | IN_DELETE | IN_MOVE));
    put("m/new", "n");
    must(rename("m/new", "m/newer"));
    must(unlink("m/newer"));
    struct inotify_event *e;
    uint32_t seen = 0;
    for (ssize_t n = read(in, buf, sizeof(buf)), at = 0; at < n; at += sizeof(*e) + e->len) {
        e = (void *)(buf + at);
        seen |= e->mask;
    }
    is_eq(seen, IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE);
    fd = (int)must(open("m/g", O_RDONLY));
    must(unlink("m/g"));
    ok(read(fd, buf, 16) == 5 && !fstat(fd, &st) && S_ISREG(st.st_mode),
       "a lower file that was unlinked can be read");
    is_errno(umount2("m", 0), EBUSY);
    close(fd);
    fd = (int)must(open("m/d/x", O_RDWR));
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p[0] = 'M';
    ok(content_is("m/d/x", "M") && content_is("u/d/x", "M") && content_is("a/d/x", "x"),
       "a shared mapping writes to the upper file");
    munmap(p, 4096);
    close(fd);
    is_errno(symlink("x", "m/d"), EEXIST);
    is_errno(mkdir("m/f", 0700), EEXIST);
    is_errno(link("m/f", "a/f2"), EXDEV);
    is_errno(rename("m/f", "b/f2"), EXDEV);
    must(chdir("m/d"));
    is_errno(umount2("../../m", 0), EBUSY);
    must(chdir("../.."));
    gone();
    done();
}
