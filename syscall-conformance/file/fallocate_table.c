/* fallocate(2), lseek(2) DATA and HOLE, posix_fadvise(2), readahead(2), sync_file_range(2),
 * ftruncate(2): order of checks, on each kind of file. What a mode does where it is served is
 * compared by contents. */
#include "../rows.h"
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/eventfd.h>

static void holes(int w)
{
    char buf[16384];

    /* Holes are zeros and stay within the file. */
    memset(buf, 'a', sizeof(buf));
    must(ftruncate(w, 0));
    must(pwrite(w, buf, sizeof(buf), 0));
    row_add("punch: %s", says(fallocate(w, 3, 4096, 4096)));
    must(pread(w, buf, sizeof(buf), 0));
    row_add(" %d%d%d%d", buf[4095] == 'a', buf[4096] == 0, buf[8191] == 0, buf[8192] == 'a');
    row_add(" hole %ld data %ld %ld", (long)lseek(w, 0, SEEK_HOLE), (long)lseek(w, 4096, SEEK_DATA),
            (long)lseek(w, 5000, SEEK_HOLE));
    row_add(" %s", says(fallocate(w, 3, 100, 100)));
    must(pread(w, buf, 300, 0));
    row_add(" %d%d%d", buf[99] == 'a', buf[100] == 0 && buf[199] == 0, buf[200] == 'a');
    row_add(" %s size %ld", says(fallocate(w, 3, 12288, 1 << 20)), size_of("f"));
    row_add(" beyond %s size %ld", says(fallocate(w, 3, 1 << 20, 1 << 20)), size_of("f"));
    row_add(" keep %s size %ld", says(fallocate(w, 1, 1 << 20, 4096)), size_of("f"));
    row_add(" grow %s size %ld", says(fallocate(w, 0, 1 << 20, 4096)), size_of("f"));
    row_add(" ends %s", says(lseek(w, size_of("f"), SEEK_DATA)));
    row_add(" %s", says(lseek(w, size_of("f"), SEEK_HOLE)));
    row_add(" %s", says(lseek(w, -1, SEEK_HOLE)));
    row_add(" %d", lseek(w, size_of("f") - 1, SEEK_HOLE) <= size_of("f"));
    row_end();
    /* A mapping sees the hole; what is mapped beyond the end is not written. */
    must(ftruncate(w, 8192));
    char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, w, 0);
    memset(m, 'm', 8192);
    row_add("mapped: %s %d %d", says(fallocate(w, 3, 4096, 4096)), m[4095], m[4096]);
    m[5000] = 'n';
    must(pread(w, buf, 1, 5000));
    row_add(" %c", buf[0]);
    row_end();
}

int main(void)
{
    int p[2], sv[2], d, w, r, ap;

    tmp_enter();
    must(mkdir("d", 0755));
    must(pipe(p));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
    w = file_with("f", "x");
    r = (int)must(open("f", O_RDONLY));
    ap = (int)must(open("f", O_WRONLY | O_APPEND));
    d = (int)must(open("d", O_RDONLY));
    struct {
        const char *name;
        int fd;
    } files[] = {{"file", w},
                 {"read-only", r},
                 {"append", ap},
                 {"dir", d},
                 {"pipe", p[1]},
                 {"pipe read", p[0]},
                 {"socket", sv[0]},
                 {"eventfd", eventfd(0, 0)},
                 {"null", open("/dev/null", O_RDWR)},
                 {"zero", open("/dev/zero", O_RDWR)},
                 {"path", open("f", O_PATH)},
                 {"closed", 999},
                 {"proc", open("/proc/self/comm", O_RDWR)}};
    static const struct {
        long off, len;
    } ranges[] = {{0, 100},
                  {-1, 1},
                  {0, 0},
                  {0, -1},
                  {1L << 62, 1L << 62},
                  {0x7fffffffffffffff, 1},
                  {0x7ffffffffffffff0, 8},
                  {1, 4096}};
    for (size_t f = 0; f < sizeof(files) / sizeof(*files); f++) {
        int fd = files[f].fd;
        row_add("%s fallocate:", files[f].name);
        for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
            if ((f < 3 || f == 12) && i >= 6)
                continue; /* the largest file differs */
            static const int modes[] = {0,    1,    2,     3,          0x8,  0x9,
                                        0x20, 0x80, 0x100, 0x7fffffff, 0x23, 0x18};
            for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++) {
                if ((f == 0 || f == 2) && (modes[m] & 0x78))
                    continue;
                row_add(" %s", says(fallocate(fd, modes[m], ranges[i].off, ranges[i].len)));
            }
        }
        row_end();
        if (f < 3)
            ftruncate(w, 1);
        row_add("%s advice:", files[f].name);
        for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
            for (int adv = -1; adv < 8; adv++)
                row_add(" %s", err_name(posix_fadvise(fd, ranges[i].off, ranges[i].len, adv)));
        row_end();
        row_add("%s readahead, sync:", files[f].name);
        for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
            row_add(" %s", says(readahead(fd, ranges[i].off, (size_t)ranges[i].len)));
            for (unsigned int fl = 0; fl < 9; fl += 3)
                row_add("/%s", says(sync_file_range(fd, ranges[i].off, ranges[i].len, fl)));
        }
        row_add(" %s %s %s", says(fsync(fd)), says(fdatasync(fd)), says(syncfs(fd)));
        row_end();
        row_add("%s truncate, seek:", files[f].name);
        static const long sizes[] = {0, 1, -1, 100};
        for (size_t i = 0; i < 4; i++)
            row_add(" %s", says(ftruncate(fd, sizes[i])));
        for (int whence = -1; whence < 7; whence++)
            for (size_t i = 0; i < 4; i++)
                if ((whence < 3 && f < 3) || (whence < 2 && f < 12) ||
                    f < 3) /* of directories and devices differs */
                    row_add(" %s", says(lseek(fd, sizes[i], whence)));
        row_end();
    }
    holes(w);
    done();
}
