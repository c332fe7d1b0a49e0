/* utimensat(2): who may set which times, by which way; and what an error leaves alone. */
#include "../rows.h"
#include <utime.h>
#include <sys/time.h>

static const mode_t modes[] = {0, 0400, 0200, 0600, 0060, 0020, 0006, 0002, 0666, 0444};

static void table(void *arg)
{
    const struct row_user *u = arg;
    static const long nsec[] = {UTIME_NOW, UTIME_OMIT, 5, -1, 1000000000, 999999999};

    become(u);
    for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++) {
        char name[16];
        snprintf(name, sizeof(name), "f%04o", modes[m]);
        row_add("%s %04o:", u->name, modes[m]);
        row_add(" %s", says(utimensat(AT_FDCWD, name, NULL, 0)));
        for (int i = 0; i < 6; i++)
            for (int j = 0; j < 6; j++) {
                struct timespec ts[2] = {{1000, nsec[i]}, {2000, nsec[j]}};
                row_add(" %s", says(utimensat(AT_FDCWD, name, ts, 0)));
            }
        struct utimbuf b = {1, 2};
        struct timeval tv[2] = {{1, 2}, {3, 4}}, bad[2] = {{1, 2}, {3, 1000000}};
        row_add(" %s %s", says(utime(name, NULL)), says(utime(name, &b)));
        row_add(" %s %s %s", says(utimes(name, NULL)), says(utimes(name, tv)),
                says(utimes(name, bad)));
        row_add(" %s", says(syscall(SYS_futimesat, AT_FDCWD, name, tv)));
        static const char *const links[] = {"l", "d", "none", "p"};
        for (int i = 0; i < 4; i++)
            for (int fl = 0; fl < 2; fl++) {
                struct timespec ts[2] = {{1000, 5}, {2000, 6}};
                row_add(" %s",
                        says(utimensat(AT_FDCWD, links[i], ts, fl ? AT_SYMLINK_NOFOLLOW : 0)));
                row_add(" %s",
                        says(utimensat(AT_FDCWD, links[i], NULL, fl ? AT_SYMLINK_NOFOLLOW : 0)));
            }
        row_add("\n");
    }
}

int main(void)
{
    if (geteuid()) {
        skip("needs root");
        done();
    }
    tmp_enter();
    for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++) {
        char name[16];
        snprintf(name, sizeof(name), "f%04o", modes[m]);
        touch(name);
        must(chown(name, 1000, 3000));
        must(chmod(name, modes[m]));
    }
    must(symlink("f0666", "l"));
    must(mkdir("d", 0777));
    must(chmod("d", 0777));
    must(mkfifo("p", 0666));
    for (size_t u = 0; u < 4; u++)
        rows_of_child(table, (void *)&row_users[u]);
    /* What is kept, and the limits of what can be. */
    static const struct timespec wanted[] = {
        {0, 0}, {-1, 0}, {-5, 999999999}, {1LL << 31, 1}, {(1LL << 31) - 1, 7}, {-(1LL << 31), 0}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        struct timespec ts[2] = {wanted[i], {5, UTIME_OMIT}};
        struct stat a, b;
        must(stat("f0666", &a));
        must(utimensat(AT_FDCWD, "f0666", ts, 0));
        must(stat("f0666", &b));
        ok(b.st_atim.tv_sec == ts[0].tv_sec && b.st_atim.tv_nsec == ts[0].tv_nsec,
           "time of access %zu is kept", i);
        ok(a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec,
           "the other one, too");
        ok(b.st_ctim.tv_sec > 1000000, "the time of change is now");
    }
    done();
}
