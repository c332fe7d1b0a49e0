/* copy_file_range(2): order of checks on each pair of kinds, offsets, overlaps, ends, limits. */
#include "../rows.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

static void ranges(int w)
{
    static const struct {
        loff_t in, out;
        size_t len;
    } c[] = {{0, 5, 5},
             {0, 4, 5},
             {0, 0, 5},
             {5, 0, 5},
             {4, 0, 5},
             {0, 0, 0},
             {-1, 0, 1},
             {0, -1, 1},
             {100, 0, 1},
             {0, 1L << 62, 1},
             {1L << 62, 0, 10},
             {0x7fffffffffffffff, 0, 1},
             {0, 0x7fffffffffffffff, 1},
             {0, 100, 1UL << 40},
             {0, 5, -1UL},
             {9, 100, 50},
             {0, 100, 0x7fffffffffffffff},
             {10, 100, 5}};
    for (size_t i = 0; i < sizeof(c) / sizeof(*c); i++) {
        close(file_with("f", "0123456789"));
        loff_t in = c[i].in, out = c[i].out;
        errno = 0;
        ssize_t r = c[i].out == 1L << 62 ? 0
                                         : copy_file_range(w, &in, w, &out, c[i].len,
                                                           0); /* the largest file differs */
        row_add("%ld to %ld, %zx: %zd %s, now %ld %ld, size %ld", (long)c[i].in, (long)c[i].out,
                c[i].len, r, r < 0 ? err_name(errno) : "", (long)in, (long)out, size_of("f"));
        row_end();
    }
}

static void limit(int w, int g)
{
    struct rlimit rl = {4, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
    must(setrlimit(RLIMIT_FSIZE, &rl));
    loff_t in = 0, out = 2;
    must(ftruncate(g, 0));
    row_add("limit: %zd", copy_file_range(w, &in, g, &out, 10, 0));
    out = 4, in = 0;
    row_add(" %s", says(copy_file_range(w, &in, g, &out, 10, 0)));
    row_add(" size %ld", size_of("g"));
    must(setrlimit(RLIMIT_FSIZE, &none)); /* the output is a file, too */
    row_end();
}

int main(void)
{
    int p[2], sv[2];

    tmp_enter();
    signal(SIGXFSZ, SIG_IGN);
    must(mkdir("d", 0755));
    must(pipe(p));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
    int w = file_with("f", "0123456789"), g = file_with("g", "abc");
    struct {
        const char *name;
        int fd;
    } files[] = {{"file", w},
                 {"other", g},
                 {"read-only", open("f", O_RDONLY)},
                 {"write-only", open("f", O_WRONLY)},
                 {"append", open("g", O_RDWR | O_APPEND)},
                 {"dir", open("d", O_RDONLY)},
                 {"pipe", p[0]},
                 {"pipe end", p[1]},
                 {"socket", sv[0]},
                 {"null", open("/dev/null", O_RDWR)},
                 {"path", open("f", O_PATH)},
                 {"closed", 999},
                 {"proc", open("/proc/self/comm", O_RDWR)},
                 {"memfd", memfd_create("m", 0)}};
    size_t n = sizeof(files) / sizeof(*files);
    for (size_t i = 0; i < n; i++) {
        row_add("%s to:", files[i].name);
        for (size_t o = 0; o < n; o++) {
            loff_t zero = 0, ten = 20;
            if ((i == 13) != (o == 13)) /* between file systems */
                continue;
            row_add(" %s=%s", files[o].name,
                    says(copy_file_range(files[i].fd, &zero, files[o].fd, &ten, 2, 0)));
            row_add("/%s", says(copy_file_range(files[i].fd, &zero, files[o].fd, &ten, 2, 1)));
            row_add("/%s", says(copy_file_range(files[i].fd, &zero, files[o].fd, &ten, 0, 0)));
        }
        row_end();
    }
    ranges(w);
    must(lseek(w, 2, SEEK_SET));
    close(file_with("f", "0123456789"));
    row_add("positions: %zd", copy_file_range(w, NULL, g, NULL, 4, 0));
    row_add(" %ld %ld", (long)lseek(w, 0, SEEK_CUR), (long)lseek(g, 0, SEEK_CUR));
    row_add(" %zd", copy_file_range(w, NULL, g, NULL, 40, 0));
    row_add(" %zd", copy_file_range(w, NULL, g, NULL, 40, 0));
    row_add(" %s", says(copy_file_range(w, BAD_PTR, g, NULL, 4, 0)));
    row_add(" %s", says(copy_file_range(w, NULL, g, BAD_PTR, 4, 0)));
    row_add(" %s", says(copy_file_range(999, BAD_PTR, g, BAD_PTR, 4, 0)));
    row_add(" %d", content_is("g", "23456789"));
    row_end();
    limit(w, g);
    done();
}
