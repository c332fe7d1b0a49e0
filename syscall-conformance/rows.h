/*
 * Tables: what a call answers is part of the line, and the lines are compared with those of the
 * native run. For where the answers are many and each is short.
 */
#ifndef CONFORMANCE_ROWS_H
#define CONFORMANCE_ROWS_H

#include "tmp.h"

static char row_text[65536];
static size_t row_len;

#define row_add(...)                                                                               \
    (row_len += (size_t)snprintf(row_text + row_len, sizeof(row_text) - row_len, __VA_ARGS__),     \
     row_len = row_len < sizeof(row_text) ? row_len : sizeof(row_text) - 1)

TMP_FN const char *err_name(int e)
{
    return e ? strerrorname_np(e) : "ok";
}

/* What the call answers, as a word: the error's name, or ok. */
#define says(expr) err_name(errno_of(expr))

/* What has been added, as one line. */
TMP_FN void row_end(void)
{
    ok(1, "%s", row_text);
    row_len = 0;
    row_text[0] = 0;
}

/* A table made by a child: its lines become this process's. */
TMP_FN void rows_of_child(void (*fn)(void *), void *arg)
{
    int p[2], status;
    char buf[sizeof(row_text)];
    size_t used = 0;
    ssize_t n;

    must(pipe(p));
    fflush(stdout);
    pid_t pid = (pid_t)must(fork());
    if (!pid) {
        close(p[0]);
        fn(arg);
        if (write(p[1], row_text, row_len) != (ssize_t)row_len)
            _exit(1);
        _exit(0);
    }
    close(p[1]);
    while (used < sizeof(buf) - 1 && (n = read(p[0], buf + used, sizeof(buf) - 1 - used)) > 0)
        used += (size_t)n;
    close(p[0]);
    must(waitpid(pid, &status, 0));
    buf[used] = 0;
    row_len = 0;
    row_text[0] = 0;
    for (char *line = buf, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        ok(1, "%s", line);
    }
    ok(status == 0, "the child ended well");
}

/* Users without capabilities: 1000 owns, 2000 is in the group 3000, 4000 is another. */
struct row_user {
    const char *name;
    uid_t uid;
    gid_t gid, extra;
};
static const struct row_user row_users[] __attribute__((unused)) = {
    {"root", 0, 0, 0},
    {"owner", 1000, 1000, 0},
    {"member", 2000, 2000, 3000},
    {"other", 4000, 4000, 0},
};

TMP_FN void become(const struct row_user *u)
{
    if (!u->uid)
        return;
    if (setgroups(u->extra ? 1 : 0, &u->extra) || setresgid(u->gid, u->gid, u->gid) ||
        setresuid(u->uid, u->uid, u->uid))
        _exit(99);
}

#endif
