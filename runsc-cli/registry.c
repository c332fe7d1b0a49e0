/* See registry.h. */
#include "runsc-cli/registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/state_dir.h"

#define SANDBOXES "sandboxes"
#define STATE "state.json"
#define CONTROL "control"
#define STATE_MAX 65536
#define SWEEP_EVERY 16
#define COMMAND_MAX 64 /* arguments that are kept */
#define ARG_MAX_LEN 256

static bool is_id(const char *id)
{
    size_t n = strlen(id);

    return n && n <= REGISTRY_ID_MAX && id[0] != '.' && id[0] != '-' &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-") == n;
}

static int bad_id(const char *id, struct error *e)
{
    error_say(e, -EINVAL, "'%s' cannot be the id of a sandbox", id);
    error_hint(e, "ids have letters, digits and . _ + -, at most %d", REGISTRY_ID_MAX);
    return -EINVAL;
}

/* --- entries --- */
static int is_entry(const struct dirent *d)
{
    return is_id(d->d_name);
}

/* Its state.json, opened for reading, if its supervisor lives. */
static int open_state(int dir)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    cleanup_close int state = openat(dir, STATE, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

    if (state < 0)
        return -errno;
    /* A lock of our own process does not show: nobody asks for the sandbox he supervises. */
    return fcntl(state, F_GETLK, &lock) || lock.l_type == F_UNLCK ? -ESRCH : steal_fd(&state);
}

/* Its directory, if the sandbox is alive. */
static int open_alive(int all, const char *id, int *state)
{
    cleanup_close int dir = openat(all, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    *state = open_state(dir);
    return *state < 0 ? *state : steal_fd(&dir);
}

static bool is_claimed(int dir)
{
    cleanup_close int state = open_state(dir);

    return state >= 0;
}

static void remove_entry(int all, const char *id)
{
    cleanup_close int dir = openat(all, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (dir < 0)
        return;
    unlinkat(dir, CONTROL, 0);
    unlinkat(dir, STATE, 0);
    unlinkat(all, id, AT_REMOVEDIR);
}

/*
 * Of a supervisor that died. Entries are made and removed under a lock (flock) of the directory of
 * all, so one that is just being made is not taken for that.
 */
static void sweep_entry(int all, const char *id)
{
    int state = -1;
    cleanup_close int dir = open_alive(all, id, &state);

    if (state >= 0)
        close(state);
    if (dir == -ESRCH || dir == -ENOENT)
        remove_entry(all, id);
}

static json_t *describe(const struct registry *r, char *const *command)
{
    json_t *args = json_array();
    struct timespec now;
    struct tm tm;
    char started[40];

    for (int i = 0; command && command[i] && i < COMMAND_MAX; i++) {
        char arg[ARG_MAX_LEN + 1];
        snprintf(arg, sizeof(arg), "%s", command[i]);
        json_t *s = json_string(arg);
        json_array_append_new(args, s ? s : json_string("?")); /* not UTF-8 */
    }
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now.tv_sec, &tm));
    return json_pack("{s:s,s:i,s:s,s:I,s:o}", "id", r->id, "pid", getpid(), "started", started,
                     "started_s", (json_int_t)now.tv_sec, "command", args);
}

static int make_entry(struct registry *r, int all, char *const *command)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (mkdirat(all, r->id, 0700)) {
        if (errno != EEXIST)
            return -errno;
        sweep_entry(all, r->id);
        if (mkdirat(all, r->id, 0700))
            return -errno;
    }
    cleanup_close int dir = openat(all, r->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    r->state = dir < 0 ? -1 : openat(dir, STATE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (r->state < 0 || fcntl(r->state, F_SETLK, &lock))
        return -errno;
    json_t *j = describe(r, command);
    cleanup_free char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    if (!text)
        return -ENOMEM;
    size_t n = strlen(text);
    ssize_t w = write(r->state, text, n);
    return w < 0 ? -errno : (size_t)w < n ? -ENOSPC : 0;
}

static int open_all(bool create)
{
    cleanup_close int all = state_dir_open(SANDBOXES, create);

    if (all < 0)
        return all;
    return flock(all, LOCK_EX) ? -errno : steal_fd(&all);
}

/* --- the supervisor's side --- */
static int claim(struct registry *r, char *const *command)
{
    cleanup_close int all = open_all(true);

    if (all < 0)
        return all;
    int err = make_entry(r, all, command);
    if (err && r->state >= 0) {
        close(r->state);
        r->state = -1;
        remove_entry(all, r->id);
    }
    return err;
}

int registry_claim(struct registry *r, const char *id, char *const *command, struct error *e)
{
    uint64_t random = 0;

    *r = (struct registry){.state = -1, .listener = -1};
    if (id && !is_id(id))
        return bad_id(id, e);
    if (!id && getrandom(&random, 6, 0) != 6)
        return -errno;
    if (id)
        memcpy(r->id, id, strlen(id) + 1);
    else
        snprintf(r->id, sizeof(r->id), "%012llx", (unsigned long long)random);
    int err = claim(r, command);
    if (!err || !id)
        return 0;
    cleanup_free char *place = state_dir_path(SANDBOXES);
    if (err == -EEXIST) {
        error_say(e, err, "--id %s: a sandbox of this id is running", id);
        error_hint(e, "nv ps lists the running ones");
    } else {
        error_set(e, err, "--id %s: registering in %s", id, place ? place : "no state directory");
        error_hint(e, "NV_STATE_DIR names a directory of your own to keep track of sandboxes in");
    }
    return err;
}

/* A path that fits into sun_path wherever the directory is. */
static void control_address(int dir, struct sockaddr_un *a)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/" CONTROL, dir);
}

static int open_entry(const char *id)
{
    cleanup_close int all = state_dir_open(SANDBOXES, false);

    if (all < 0)
        return all;
    int dir = openat(all, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return dir < 0 ? -errno : dir;
}

int registry_listen(struct registry *r, struct error *e)
{
    struct sockaddr_un a;

    if (r->state < 0)
        return 0;
    cleanup_close int dir = open_entry(r->id);
    cleanup_close int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (dir < 0 || s < 0)
        return error_set(e, dir < 0 ? dir : -errno, "opening the control socket");
    control_address(dir, &a);
    if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 16))
        return error_set(e, -errno, "opening the control socket");
    r->listener = steal_fd(&s);
    return 0;
}

/* Nobody may ever ask for a list: now and then, what was killed is removed at the end of another.
 */
static void sweep_all(int all)
{
    struct dirent **names;
    int n = scandirat(all, ".", &names, is_entry, NULL);

    for (int i = 0; i < n; i++) {
        sweep_entry(all, names[i]->d_name);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

void registry_leave(struct registry *r)
{
    if (r->listener >= 0)
        close(r->listener);
    if (r->state >= 0) {
        cleanup_close int all = open_all(false);
        if (all >= 0)
            remove_entry(all, r->id);
        if (all >= 0 && getpid() % SWEEP_EVERY == 0)
            sweep_all(all);
        close(r->state);
    }
    r->state = r->listener = -1;
}

int registry_accept(struct registry *r)
{
    struct ucred who;
    socklen_t len = sizeof(who);
    cleanup_close int c = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (c < 0)
        return -errno;
    if (getsockopt(c, SOL_SOCKET, SO_PEERCRED, &who, &len))
        return -errno;
    return who.uid == 0 || who.uid == geteuid() ? steal_fd(&c) : -EPERM;
}

/* --- looking --- */
static json_t *read_state(int fd)
{
    cleanup_free char *buf = malloc(STATE_MAX);
    ssize_t n = buf ? pread(fd, buf, STATE_MAX, 0) : -1;

    return n > 0 ? json_loadb(buf, (size_t)n, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static void list_one(int all, const char *id, void (*fn)(void *arg, const json_t *state), void *arg)
{
    int state = -1;
    cleanup_close int dir = open_alive(all, id, &state);

    if (dir < 0) {
        sweep_entry(all, id);
        return;
    }
    json_t *j = read_state(state);
    close(state);
    if (j)
        fn(arg, j);
    json_decref(j);
}

int registry_list(void (*fn)(void *arg, const json_t *state), void *arg, struct error *e)
{
    cleanup_close int all = open_all(false);
    struct dirent **names;

    if (all == -ENOENT)
        return 0;
    int n = all < 0 ? all : scandirat(all, ".", &names, is_entry, alphasort);
    if (n < 0) {
        cleanup_free char *place = state_dir_path(SANDBOXES);
        return error_set(e, all < 0 ? all : -errno, "sandboxes in %s", place ? place : "?");
    }
    for (int i = 0; i < n; i++) {
        list_one(all, names[i]->d_name, fn, arg);
        free(names[i]);
    }
    free(names);
    return 0;
}

int registry_connect(const char *id, struct error *e)
{
    struct sockaddr_un a;

    if (!is_id(id))
        return bad_id(id, e);
    cleanup_close int dir = open_entry(id);
    cleanup_close int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int err = dir < 0 ? dir : s < 0 ? -errno : 0;
    if (!err) {
        control_address(dir, &a);
        err = connect(s, (struct sockaddr *)&a, sizeof(a)) ? -errno : 0;
    }
    if (!err)
        return steal_fd(&s);
    if (dir >= 0 && (err == -ENOENT || err == -ECONNREFUSED) && is_claimed(dir)) {
        error_say(e, -EAGAIN, "sandbox '%s' is only starting, or about to end", id);
        error_hint(e, "try again");
        return -EAGAIN;
    }
    if (err == -ENOENT || err == -ECONNREFUSED) {
        error_say(e, -ESRCH, "no sandbox '%s' is running", id);
        error_hint(e, "nv ps lists the running ones");
        return -ESRCH;
    }
    return error_set(e, err, "reaching sandbox %s", id);
}
