/* getdents64(2): all names once, with inode numbers and types; EINVAL when not even one fits; at
 * the end 0; a position may be taken up again. */
#include "../tmp.h"

struct entry {
    uint64_t ino;
    int64_t off;
    unsigned short len;
    unsigned char type;
    char name[];
};

static int seen[300], types[300], dots, others;

static void note(const struct entry *e)
{
    int i;

    if (sscanf(e->name, "entry_with_a_long_name_%d", &i) == 1 && i >= 0 && i < 300) {
        seen[i]++;
        types[i] = e->type;
    } else if (!strcmp(e->name, ".") || !strcmp(e->name, "..")) {
        dots++;
    } else {
        others++;
    }
}

static long read_all(int fd, size_t size)
{
    char buf[4096];
    long n, calls = 0;

    while ((n = syscall(SYS_getdents64, fd, buf, size)) > 0) {
        for (long at = 0; at < n; at += ((struct entry *)(buf + at))->len)
            note((struct entry *)(buf + at));
        calls++;
    }
    return n < 0 ? -1 : calls;
}

int main(void)
{
    char name[64], buf[4096];

    tmp_enter();
    is_eq(mkdir("d", 0700), 0);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "d/entry_with_a_long_name_%d", i);
        if (i % 3 == 0)
            touch(name);
        else if (i % 3 == 1)
            must(mkdir(name, 0700));
        else
            must(symlink("x", name));
    }
    int fd = open("d", O_RDONLY | O_DIRECTORY);
    is_errno(syscall(SYS_getdents64, fd, buf, 10), EINVAL);
    ok(read_all(fd, 700) > 10, "many small calls");
    int bad = 0, bad_type = 0;
    for (int i = 0; i < 300; i++) {
        bad += seen[i] != 1;
        bad_type += types[i] != (i % 3 == 0 ? 8 : i % 3 == 1 ? 4 : 10) && types[i] != 0;
    }
    is_eq(bad, 0);
    is_eq(bad_type, 0);
    is_eq(dots, 2);
    is_eq(others, 0);
    is_eq(syscall(SYS_getdents64, fd, buf, sizeof(buf)), 0);
    is_eq(lseek(fd, 0, SEEK_SET), 0);
    ok(read_all(fd, sizeof(buf)) > 0 && dots == 4 && seen[7] == 2, "once more from the start");
    /* From the position after the first entry. */
    is_eq(lseek(fd, 0, SEEK_SET), 0);
    long n = must(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
    struct entry *first = (struct entry *)buf, *second = (struct entry *)(buf + first->len);
    snprintf(name, sizeof(name), "%s", second->name);
    ok(n > first->len, "more than one");
    is_eq(lseek(fd, first->off, SEEK_SET) == first->off, 1);
    must(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
    ok(!strcmp(name, first->name), "goes on after it");
    is_errno(syscall(SYS_getdents64, fd, BAD_PTR, 4096) < 0 && lseek(fd, 0, SEEK_SET) == 0
                 ? syscall(SYS_getdents64, fd, BAD_PTR, 4096)
                 : 0,
             EFAULT);
    int file = open("d/entry_with_a_long_name_0", O_RDONLY);
    is_errno(syscall(SYS_getdents64, file, buf, sizeof(buf)), ENOTDIR);
    is_errno(syscall(SYS_getdents64, 99, buf, sizeof(buf)), EBADF);
    is_errno(read(fd, buf, 10), EISDIR);
    is_errno(open("d", O_WRONLY), EISDIR);
    done();
}
