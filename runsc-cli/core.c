/*
 * Core files are written by a process for each, that a sandbox is connected to:
 * sentry/core/stream.h tells what comes. All of it is the guest's word: the name is made of
 * harmless characters, offsets ascend, and together the files get no larger than --core-limit. A
 * file has its name when it is whole, and replaces one that had it; until then it has none, where
 * the directory's file system knows such files, so that nothing stays of it when we are killed.
 */
#include "runsc-cli/core.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fdmsg.h"
#include "base/macros.h"
#include "runsc-cli/spawn.h"
#include "runsc-cli/text.h"
#include "sentry/core/stream.h"
#include "sentry/sandbox.h"

#define WRITERS_MAX 16
#define FILE_COST (64U << 10) /* at least: many small files fill a disk, too */
#define OFFSET_MAX (1ULL << 47)

static struct {
    int dir;
    uint64_t limit;
    uint64_t *used; /* shared with the writers */
    pid_t writers[WRITERS_MAX];
} cores = {.dir = -1};

int core_open(const char *dir, uint64_t limit, struct error *e)
{
    struct stat st;

    cores.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cores.dir < 0)
        return error_set(e, -errno, "--core: %s", dir);
    if (fstat(cores.dir, &st) || faccessat(cores.dir, ".", W_OK, AT_EACCESS))
        return error_set(e, -errno, "--core: %s", dir);
    cores.limit = limit;
    cores.used =
        mmap(NULL, sizeof(*cores.used), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return cores.used == MAP_FAILED ? error_set(e, -errno, "--core") : 0;
}

/* --- the writer --- */
struct writing {
    int sock, fd;
    bool has_temporary; /* the name */
    char name[64], temporary[80];
    uint64_t at; /* where the last record ended */
};

static void give_up(const struct writing *w, int32_t err)
{
    if (w->has_temporary)
        unlinkat(cores.dir, w->temporary, 0);
    if (err == -EDQUOT)
        fprintf(stderr, "nv: %s was not kept: the core files have reached --core-limit, %s\n",
                w->name, text_size(cores.limit));
    else if (err != -EPIPE)
        fprintf(stderr, "nv: %s was not kept: %s\n", w->name, strerror(-err));
    if (send(w->sock, &err, sizeof(err), MSG_NOSIGNAL) < 0)
        _exit(1);
    _exit(0);
}

/* -EPIPE: the sandbox has given it up. */
static int take(const struct writing *w, void *data, size_t len)
{
    for (char *to = data; len;) {
        ssize_t n = recv(w->sock, to, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -EPIPE;
        to += n;
        len -= (size_t)n;
    }
    return 0;
}

static int charge(uint64_t bytes)
{
    return __atomic_add_fetch(cores.used, bytes, __ATOMIC_RELAXED) > cores.limit ? -EDQUOT : 0;
}

static int begin(struct writing *w)
{
    struct core_hello hello;
    int err = take(w, &hello, sizeof(hello));

    if (err || hello.pid <= 0)
        return -EPIPE;
    for (size_t i = 0; i < sizeof(hello.comm); i++)
        if (hello.comm[i] && !isalnum((unsigned char)hello.comm[i]) &&
            !strchr("._+-", hello.comm[i]))
            hello.comm[i] = '_';
    snprintf(w->name, sizeof(w->name), "core.%.15s.%d", hello.comm, hello.pid);
    snprintf(w->temporary, sizeof(w->temporary), ".%s.%d", w->name, getpid());
    err = charge(FILE_COST);
    if (err)
        return err;
    w->fd = openat(cores.dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
    if (w->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return w->fd < 0 ? -errno : 0;
    w->fd =
        openat(cores.dir, w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    w->has_temporary = w->fd >= 0;
    return w->fd < 0 ? -errno : 0;
}

/* link(2) replaces nothing: then the file has another name for a moment. */
static int give_name(struct writing *w)
{
    int copy = dup(w->fd);
    char own[32];

    if (copy < 0 || close(copy)) /* some file systems tell of errors only there */
        return -errno;
    snprintf(own, sizeof(own), "/proc/self/fd/%d", w->fd);
    if (!w->has_temporary) {
        if (!linkat(AT_FDCWD, own, cores.dir, w->name, AT_SYMLINK_FOLLOW))
            return 0;
        if (errno != EEXIST || linkat(AT_FDCWD, own, cores.dir, w->temporary, AT_SYMLINK_FOLLOW))
            return -errno;
        w->has_temporary = true;
    }
    return renameat(cores.dir, w->temporary, cores.dir, w->name) ? -errno : 0;
}

static int put(const struct writing *w, const char *data, size_t len, uint64_t offset)
{
    while (len) {
        ssize_t n = pwrite(w->fd, data, len, (off_t)offset);
        if (n < 0)
            return -errno;
        data += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

/* 1: it was the last one. */
static int next_record(struct writing *w)
{
    static char data[CORE_BYTES_MAX];
    struct core_record r;
    int err = take(w, &r, sizeof(r));

    if (err)
        return err;
    if (r.len > sizeof(data) || r.offset < w->at || r.offset > OFFSET_MAX || (r.end && r.len))
        return -EPROTO;
    if (r.end)
        return ftruncate(w->fd, (off_t)r.offset) ? -errno : 1;
    err = take(w, data, r.len);
    if (!err)
        err = charge(r.len);
    w->at = r.offset + r.len;
    return err ? err : put(w, data, r.len, r.offset);
}

static __attribute__((noreturn)) void write_core(int sock)
{
    struct writing w = {.sock = sock, .fd = -1};
    int32_t err = begin(&w);

    while (!err)
        err = next_record(&w);
    if (err == 1)
        err = give_name(&w);
    if (err < 0)
        give_up(&w, err);
    err = 0;
    _exit(send(sock, &err, sizeof(err), MSG_NOSIGNAL) < 0);
}

/* --- the CLI --- */
static pid_t *free_place(void)
{
    for (int i = 0; i < WRITERS_MAX; i++)
        if (cores.writers[i] && waitpid(cores.writers[i], NULL, WNOHANG))
            cores.writers[i] = 0;
    for (int i = 0; i < WRITERS_MAX; i++)
        if (!cores.writers[i])
            return &cores.writers[i];
    return NULL;
}

/* The sandbox's end, or negative errno. */
static int start_writer(void)
{
    pid_t *place = cores.dir < 0 ? NULL : free_place();
    int ends[2];

    if (!place)
        return cores.dir < 0 ? -EPERM : -EAGAIN;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return -errno;
    *place = fork();
    if (*place == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        spawn_keep_only((int[]){ends[1], cores.dir}, 2);
        write_core(ends[1]);
    }
    int err = *place < 0 ? -errno : 0;
    close(ends[1]);
    if (!err)
        return ends[0];
    *place = 0;
    close(ends[0]);
    return err;
}

void core_serve(int ctl)
{
    cleanup_close int fd = start_writer();
    struct ctl_msg m = {.type = CTL_CORE, .value = fd < 0 ? fd : 0};
    const struct iovec iov = {&m, sizeof(m)};

    if (fdmsg_send(ctl, &iov, 1, &fd, fd >= 0, MSG_DONTWAIT) < 0)
        return; /* it is ending */
}
