/* preadv2(2), pwritev2(2): what each RWF_ flag means to each kind of file, at a position and at -1,
 * the file's own. Nothing is asserted but that the answers are the host's. */
#include "../pipe/kinds.h"
#include <sys/uio.h>

static const struct {
    const char *name;
    int flags;
} flags[] = {
    {"0", 0},
    {"HIPRI", 1},
    {"DSYNC", 2},
    {"SYNC", 4},
    {"NOWAIT", 8},
    {"APPEND", 0x10},
    {"NOAPPEND", 0x20},
    {"APPEND|NOAPPEND", 0x30},
    {"ATOMIC", 0x40},
    {"DONTCACHE", 0x80},
    {"NOSIGNAL", 0x100},
    {"HIPRI|NOWAIT", 9},
    {"0x200", 0x200},
    {"ATOMIC|APPEND", 0x50},
    {"-1", -1},
};

static void try(const struct kind *k, int i, int write, loff_t off)
{
    static char buf[160];
    struct iovec v = {buf, write ? LEN : sizeof(buf)};
    int fd = k->make(write);
    long r =
        write ? pwritev2(fd, &v, 1, off, flags[i].flags) : preadv2(fd, &v, 1, off, flags[i].flags);

    result(flags[i].name, r > 0 ? 1 : r, NULL);
    if (write && r > 0 && off < 0) {
        int e = errno;
        loff_t at = lseek(fd, 0, SEEK_CUR);
        if (at >= 0 && at <= 32)
            result("pos", at, NULL);
        errno = e;
    }
    drop(fd);
}

int main(void)
{
    static const char *const how[] = {"read", "read at 2", "write", "write at 2"};

    signal(SIGPIPE, SIG_IGN);
    tmp_enter();
    for (int i = 0; i < KINDS; i++)
        for (int h = 0; h < 4; h++) {
            line[0] = 0;
            for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++)
                try(&kinds[i], (int)k, h / 2, h % 2 ? 2 : -1);
            ok(1, "%s, %s:%s", kinds[i].name, how[h], line);
        }
    done();
}
