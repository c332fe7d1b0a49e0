/* What is changed is copied to the upper layer first, with contents, attributes and parents. */
#include "ovl.h"
#include <sys/mman.h>

static void fill(void)
{
    struct timespec ts[2] = {{1000, 5}, {2000, 7}};

    dir("a/d");
    dir("a/d/e");
    put("a/d/e/f", "lower");
    must(chmod("a/d/e/f", 04751));
    must(chown("a/d/e/f", 11, 12));
    must(chmod("a/d/e/f", 04751));
    must(setxattr("a/d/e/f", "user.x", "val", 3, 0));
    must(setxattr("a/d/e/f", "trusted.t", "tr", 2, 0));
    must(setxattr("a/d/e", "user.dir", "dd", 2, 0));
    must(chmod("a/d/e", 01711));
    must(chown("a/d/e", 13, 14));
    must(utimensat(AT_FDCWD, "a/d/e/f", ts, 0));
    must(utimensat(AT_FDCWD, "a/d/e", ts, 0));
    must(symlink("e/f", "a/d/l"));
    must(mkfifo("a/d/p", 0640));
    put("a/one", "links");
    must(link("a/one", "a/two"));
    must(mknod("a/null", S_IFCHR | 0666, makedev(1, 3)));
}

static void sparse(void)
{
    int fd = must(open("a/sparse", O_CREAT | O_RDWR, 0600));
    struct stat st;
    char c = 0;

    must(pwrite(fd, "x", 1, 3 << 20));
    must(ftruncate(fd, 5 << 20));
    close(fd);
    must(chmod("m/sparse", 0640));
    must(stat("u/sparse", &st));
    ok(st.st_size == 5 << 20 && st.st_blocks < 4096, "holes stay holes");
    fd = must(open("m/sparse", O_RDONLY));
    must(pread(fd, &c, 1, 3 << 20));
    ok(c == 'x', "and data data");
    close(fd);
}

int main(void)
{
    struct stat st;
    char buf[16];

    layers();
    fill();
    must(overlay("lowerdir=a" UPPER));
    must(close(must(open("m/d/e/f", O_RDONLY))));
    ok(!exists("u/d"), "reading copies nothing");
    is_errno(open("m/d/e/none", O_WRONLY), ENOENT);
    ok(!exists("u/d"), "nor does failing");
    must(close(must(open("m/d/e/f", O_WRONLY))));
    ok(content_is("u/d/e/f", "lower") && content_is("m/d/e/f", "lower"),
       "opening for writing does");
    must(stat("m/d/e/f", &st));
    ok((st.st_mode & 07777) == 04751 && st.st_uid == 11 && st.st_gid == 12, "mode and owner");
    ok(st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 7, "time of modification");
    ok(attr_is("m/d/e/f", "user.x", "val") && attr_is("u/d/e/f", "trusted.t", "tr"), "attributes");
    must(stat("u/d/e", &st));
    ok((st.st_mode & 07777) == 01711 && st.st_uid == 13 && st.st_mtim.tv_sec == 2000,
       "its directory has what it had");
    ok(attr_is("u/d/e", "user.dir", "dd"), "and its attributes");
    put("m/d/e/f", "upper");
    ok(content_is("a/d/e/f", "lower"), "the lower layer stays as it is");
    must(lchown("m/d/l", 5, 6));
    must(lstat("u/d/l", &st));
    ok(S_ISLNK(st.st_mode) && st.st_uid == 5 && readlink("u/d/l", buf, 16) == 3, "symlinks");
    must(chmod("m/d/p", 0600));
    must(lstat("u/d/p", &st));
    ok(S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0600, "FIFOs");
    must(chmod("m/null", 0600));
    must(lstat("u/null", &st));
    ok(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3), "devices");
    put("m/one", "changed");
    ok(content_is("m/two", "links"), "the other name of a lower file is another file from then on");
    must(stat("m/one", &st));
    is_eq(st.st_nlink, 1);
    must(stat("m/two", &st));
    is_eq(st.st_nlink, 2);
    must(truncate("m/two", 2));
    ok(content_is("m/two", "li") && content_is("u/two", "li"), "truncate(2) copies what stays");
    sparse();
    put("a/t", "contents");
    must(close(must(open("m/t", O_WRONLY | O_TRUNC))));
    ok(content_is("u/t", ""), "O_TRUNC copies nothing");
    put("a/linked", "l");
    must(link("m/linked", "m/linked2"));
    must(stat("m/linked", &st));
    ok(st.st_nlink == 2 && ino_of("m/linked") == ino_of("m/linked2"), "link(2) copies up");
    put("m/linked", "both");
    ok(content_is("m/linked2", "both"), "and names one file");
    int fd = must(open("m/d/e", O_RDONLY | O_DIRECTORY));
    is_eq(mkdirat(fd, "below", 0755), 0);
    ok(exists("u/d/e/below"), "through a descriptor of a directory");
    close(fd);
    gone();
    must(overlay("lowerdir=a" UPPER));
    ok(content_is("m/d/e/f", "upper") && content_is("m/one", "changed") &&
           content_is("m/two", "li"),
       "mounted again, all is there");
    gone();
    done();
}
