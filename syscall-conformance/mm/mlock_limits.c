/*
 * mlock(2), mlock2(2), mlockall(2): RLIMIT_MEMLOCK counts each page once, 0 is EPERM, and both are
 * nothing to CAP_IPC_LOCK; MCL_FUTURE makes mmap(2) answer EAGAIN. Children have no locks.
 */
#include "../rows.h"
#include <sys/mman.h>
#include <sys/resource.h>

static int locked_kib(void)
{
    char buf[4096] = "";
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = read(fd, buf, sizeof(buf) - 1);

    close(fd);
    char *at = n > 0 ? strstr(buf, "VmLck:") : NULL;
    return at ? atoi(at + 6) : -1;
}

static char *anon(size_t pages, int flags)
{
    return mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1,
                0);
}

static const char *map_says(size_t pages, int flags)
{
    char *p = anon(pages, flags);

    if (p == MAP_FAILED)
        return err_name(errno);
    munmap(p, pages * 4096);
    return "ok";
}

static void lines(void *arg)
{
    char *p = anon(16, 0);

    row_add("lock: %s %s", says(mlock(p, 4096)), says(mlock(p, 4096)));
    row_add(" %s %s", says(mlock(p, 4 * 4096)), says(mlock(p + 4096, 4 * 4096)));
    row_add(" %s %s %s", says(mlock(p, 5 * 4096)), says(mlock2(p, 4096, 1)),
            says(syscall(SYS_mlock2, p, 4096, 2)));
    row_add(" %dK", locked_kib());
    row_add(" %s", says(munlock(p, 16 * 4096)));
    row_add(" %dK", locked_kib());
    row_add(" %s %s %s %s\n", says(mlock(p, 0)), says(mlock((void *)1, 0)),
            says(mlock((void *)8, 4096)), says(mlock(p, -1UL)));
    row_add("map: %s %s\n", map_says(1, MAP_LOCKED), map_says(8, MAP_LOCKED));
    for (int flags = 0; flags < 9; flags++) {
        row_add("all %d: %s", flags, says(mlockall(flags)));
        row_add(" %s %s", map_says(1, 0), map_says(8, 0));
        row_add(" %s", says(munlockall()));
        row_add(" %dK\n", locked_kib());
    }
}

struct user {
    uid_t uid;
    rlim_t limit;
};

static void as_user(void *arg)
{
    const struct user *u = arg;
    struct rlimit r = {u->limit, u->limit};

    setrlimit(RLIMIT_MEMLOCK, &r);
    if (u->uid && (setresgid(u->uid, u->uid, u->uid) || setresuid(u->uid, u->uid, u->uid)))
        _exit(9);
    lines(NULL);
}

static void inherited(void *arg)
{
    row_add("child: %dK\n", locked_kib());
}

int main(void)
{
    static const struct user users[] = {{0, 0}, {0, 4 * 4096}, {1000, 0}, {1000, 4 * 4096}};

    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
        rows_of_child(as_user, (void *)&users[i]);
    char *p = anon(4, 0);
    is_eq(mlock(p, 4 * 4096), 0);
    is_eq(locked_kib(), 16);
    rows_of_child(inherited, NULL);
    is_eq(munmap(p, 2 * 4096), 0);
    is_eq(locked_kib(), 8);
    done();
}
