/*
 * execve(2), execveat(2): arguments, permission, `#!` scripts and the change of process state. The
 * new image is mm/exec's matter (exec_load).
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/uring/uring.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/file.h"

#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000 /* Linux 6.14 */
#endif
#define ARG_MAX_STRINGS 0x7fffff
#define ARG_MAX_STRLEN (128 * 1024)
#define ARG_MAX_TOTAL (6 << 20)
#define INTERP_DEPTH 5
#define BINPRM_BUF 256

struct strings {
    char **v;
    int n, cap;
    size_t total;
};

static void strings_free(struct strings *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->v[i]);
    free(s->v);
}

static int strings_insert(struct strings *s, int at, char *str)
{
    if (!str)
        return -ENOMEM;
    if (s->n + 2 > s->cap) {
        int cap = s->cap ? s->cap * 2 : 16;
        char **v = realloc(s->v, (size_t)cap * sizeof(*v));
        if (!v) {
            free(str);
            return -ENOMEM;
        }
        s->v = v;
        s->cap = cap;
    }
    memmove(s->v + at + 1, s->v + at, (size_t)(s->n - at) * sizeof(*s->v));
    s->v[at] = str;
    s->v[++s->n] = NULL;
    s->total += strlen(str) + 1 + sizeof(char *);
    return 0;
}

/* A page of guest memory at a time: arguments lie side by side, and each read costs a host call. */
struct page_reader {
    uint64_t page; /* 0: none */
    char bytes[NV_PAGE_SIZE];
};

/* What is at addr, up to the end of its page; NULL: nothing that can be read. */
static const char *look_at(struct task *t, struct page_reader *r, uint64_t addr, size_t *len)
{
    uint64_t page = PAGE_DOWN(addr);

    *len = NV_PAGE_SIZE - PAGE_OFF(addr);
    if (page != r->page || !page) {
        r->page = 0;
        if (!user_range_ok(page, NV_PAGE_SIZE) ||
            mm_read(t->mm, r->bytes, page, NV_PAGE_SIZE) != (ssize_t)NV_PAGE_SIZE)
            return NULL;
        r->page = page;
    }
    return r->bytes + PAGE_OFF(addr);
}

static int fetch_pointer(struct task *t, struct page_reader *r, uint64_t addr, uint64_t *ptr)
{
    char bytes[sizeof(*ptr)];

    for (size_t have = 0, len; have < sizeof(bytes); have += len) {
        const char *p = look_at(t, r, addr + have, &len);
        if (!p)
            return -EFAULT;
        len = MIN(len, sizeof(bytes) - have);
        memcpy(bytes + have, p, len);
    }
    memcpy(ptr, bytes, sizeof(*ptr));
    return 0;
}

static int fetch_string(struct task *t, struct page_reader *r, uint64_t addr, char **out)
{
    cleanup_free char *str = NULL;
    size_t have = 0, len;
    const char *p, *nul = NULL;

    while (!nul) {
        p = look_at(t, r, addr + have, &len);
        if (!p)
            return -EFAULT;
        nul = memchr(p, 0, len);
        len = nul ? (size_t)(nul - p) + 1 : len;
        if (have + len > ARG_MAX_STRLEN)
            return -E2BIG;
        char *longer = realloc(str, have + len);
        if (!longer)
            return -ENOMEM;
        str = longer;
        memcpy(str + have, p, len);
        have += len;
    }
    *out = steal_ptr(&str);
    return 0;
}

static int fetch_strings(struct task *t, uint64_t addr, struct strings *s, size_t limit)
{
    struct page_reader pointers = {.page = 0}, texts = {.page = 0};

    while (addr) {
        uint64_t ptr;
        char *str;
        if (fetch_pointer(t, &pointers, addr, &ptr))
            return -EFAULT;
        if (!ptr)
            break;
        int err = fetch_string(t, &texts, ptr, &str);
        if (!err)
            err = strings_insert(s, s->n, str);
        if (err)
            return err;
        if (s->total > limit || s->n > ARG_MAX_STRINGS)
            return -E2BIG;
        addr += sizeof(ptr);
    }
    if (!s->v) {
        s->v = calloc(1, sizeof(*s->v));
        if (!s->v)
            return -ENOMEM;
    }
    return 0;
}

static int open_exec(struct task *t, int dirfd, const char *path, int at_flags, struct file **out)
{
    unsigned int walk = WALK_READ | (at_flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0);
    cleanup_path struct path p = {0};

    if (at_flags & AT_EMPTY_PATH)
        walk |= WALK_EMPTY_PATH;
    int err = vfs_walk(t, dirfd, path, walk, &p);
    if (err)
        return err;
    struct inode *i = p.dentry->inode;
    if (S_ISLNK(i->mode))
        return -ELOOP;
    if (!S_ISREG(i->mode) || (p.mnt && (p.mnt->flags & MS_NOEXEC)))
        return -EACCES;
    err = inode_permission(t, i, MAY_EXEC);
    if (err)
        return err;
    if (!(i->mode & 0111))
        return -EACCES;
    return vfs_open_path(t, &p, O_RDONLY | FILE_EXEC, out);
}

/*
 * Parses "#! interpreter [argument]" in buf. 1: a script, 0: not one, -ENOEXEC: a broken line.
 * The strings point into buf.
 */
static int parse_script(char *buf, char **interp, char **arg)
{
    if (buf[0] != '#' || buf[1] != '!')
        return 0;
    char *end = strchr(buf, '\n');
    if (!end) { /* a truncated interpreter path is refused, a truncated argument is not */
        char *p = buf + 2 + strspn(buf + 2, " \t");
        if (!p[strcspn(p, " \t")] && strlen(buf) >= BINPRM_BUF - 1)
            return -ENOEXEC;
        end = buf + strlen(buf);
    }
    *end = 0;
    while (end > buf + 2 && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = 0;
    char *p = buf + 2 + strspn(buf + 2, " \t");
    if (!*p)
        return -ENOEXEC;
    *interp = p;
    p += strcspn(p, " \t");
    *arg = NULL;
    if (*p) {
        *p++ = 0;
        p += strspn(p, " \t");
        *arg = *p ? p : NULL;
    }
    return 1;
}

/* Follows scripts to the binary that will run; argv is rewritten as for the interpreter. */
static int resolve_scripts(struct task *t, struct file **file, char **path, struct strings *argv,
                           bool fd_closes)
{
    for (int depth = 0;; depth++) {
        char buf[BINPRM_BUF + 1] = {0}, *interp, *arg;
        ssize_t n = file_read_kernel(t, *file, buf, BINPRM_BUF, 0);
        if (n < 0)
            return (int)n;
        int r = parse_script(buf, &interp, &arg);
        if (r <= 0)
            return r;
        if (depth == INTERP_DEPTH)
            return -ELOOP;
        if (depth == 0 && fd_closes)
            return -ENOENT; /* its interpreter could not open /dev/fd/N: execveat(2) */
        if (argv->n > 0) {  /* argv[0] gives way to the script's path */
            free(argv->v[0]);
            memmove(argv->v, argv->v + 1, (size_t)argv->n * sizeof(*argv->v));
            argv->n--;
        }
        int err = strings_insert(argv, 0, strdup(*path));
        if (!err && arg)
            err = strings_insert(argv, 0, strdup(arg));
        if (!err)
            err = strings_insert(argv, 0, strdup(interp));
        struct file *next;
        if (!err)
            err = open_exec(t, AT_FDCWD, interp, 0, &next);
        if (err)
            return err;
        file_put(*file);
        *file = next;
        free(*path);
        *path = strdup(interp);
        if (!*path)
            return -ENOMEM;
    }
}

static void set_comm(struct task *t, const char *path)
{
    const char *base = strrchr(path, '/');

    memset(t->comm, 0, sizeof(t->comm));
    snprintf(t->comm, sizeof(t->comm), "%s", base ? base + 1 : path);
}

/* State that does not survive: execve(2), "Effect on process attributes". */
static int fresh_state(struct task *t)
{
    struct thread_group *tg = t->tg;

    task_kill_others(t);
    if (task_fatal_pending(t))
        return -EINTR;
    /* exec_mm_release() of kernel/fork.c: as if the task left the old memory by its end. */
    robust_list_exit(t);
    futex_pi_exit(t);
    task_rseq_leave(t);
    task_clear_tid(t);
    if (tg->sighand->refs > 1) {
        struct signal_shared *own = sighand_copy(tg->sighand);
        if (!own)
            return -ENOMEM;
        sighand_put(tg->sighand);
        tg->sighand = own;
    }
    sighand_exec(tg->sighand);
    posix_timers_exec(tg);
    t->sig.altstack = (stack_t){.ss_flags = SS_DISABLE};
    if (fdtable_users(t->fds) > 1) {
        struct fdtable *own = fdtable_copy(t->fds);
        if (!own)
            return -ENOMEM;
        fdtable_put(t->fds);
        t->fds = own;
    }
    return 0;
}

static int do_exec(struct task *t, struct file **file, char **path, const char *exec_fn,
                   struct strings *argv, struct strings *envp, bool fd_closes)
{
    struct exec_creds c;

    int err = resolve_scripts(t, file, path, argv, fd_closes);
    if (!err)
        err = exec_cred(t, *file, &c);
    if (err)
        return err;
    struct exec_params p = {.file = *file,
                            .path = exec_fn,
                            .argv = argv->v,
                            .envp = envp->v,
                            .argc = argv->n,
                            .envc = envp->n,
                            .cred = c.cred,
                            .secure = c.secure,
                            .commit = fresh_state};
    pid_t old_tid = t->tid;
    err = exec_load(t, &p);
    if (err) {
        cred_put(c.cred);
        return err;
    }
    t->clear_child_tid = 0;
    t->dispatch.on = false;
    t->personality &= ~(uint32_t)READ_IMPLIES_EXEC; /* set_personality_64bit() */
    t->robust_list = 0;
    t->rseq = 0;
    cred_put(t->cred);
    t->cred = c.cred;
    t->tg->dumpable = c.dumpable;
    if (c.secure || c.gained)
        t->pdeath_signal = 0;
    t->tg->did_exec = true;
    t->tg->keepcaps = false;
    if (t->tg->exe)
        file_put(t->tg->exe);
    t->tg->exe = file_get(*file);
    uring_task_gone(t, true);
    fdtable_close_on_exec(t);
    trace_execed(t, old_tid);
    return 0;
}

int task_exec(struct task *t, int dirfd, const char *name, int at_flags, char **argv0, char **envp0)
{
    struct strings argv = {0}, envp = {0};
    struct file *file = NULL;
    char *path = NULL;
    int err = 0;

    for (int i = 0; !err && argv0[i]; i++)
        err = strings_insert(&argv, argv.n, strdup(argv0[i]));
    for (int i = 0; !err && envp0[i]; i++)
        err = strings_insert(&envp, envp.n, strdup(envp0[i]));
    if (!err && !envp.v)
        err = (envp.v = calloc(1, sizeof(*envp.v))) ? 0 : -ENOMEM;
    if (!err)
        err = open_exec(t, dirfd, name, at_flags, &file);
    if (!err)
        err = (path = strdup(name)) ? 0 : -ENOMEM;
    if (!err)
        err = do_exec(t, &file, &path, name, &argv, &envp, false);
    if (!err)
        set_comm(t, path);
    if (file)
        file_put(file);
    free(path);
    strings_free(&argv);
    strings_free(&envp);
    return err;
}

static long exec_common(struct task *t, int dirfd, uint64_t name_addr, uint64_t argv_addr,
                        uint64_t envp_addr, int at_flags)
{
    cleanup_free char *name = NULL;
    struct strings argv = {0}, envp = {0};
    struct file *file = NULL;
    char *path = NULL;
    size_t limit = MIN((size_t)ARG_MAX_TOTAL, rlimit_cur(t, RLIMIT_STACK) / 4);

    limit = MAX(limit, (size_t)ARG_MAX_STRLEN);
    if (at_flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_EXECVE_CHECK))
        return -EINVAL;
    int err = vfs_get_name(t, name_addr, at_flags & AT_EMPTY_PATH ? WALK_EMPTY_PATH : 0, &name);
    if (!err)
        err = open_exec(t, dirfd, name, at_flags, &file);
    if (!err)
        err = fetch_strings(t, argv_addr, &argv, limit);
    if (!err)
        err = fetch_strings(t, envp_addr, &envp, limit);
    if (!err && argv.total + envp.total > limit)
        err = -E2BIG;
    if (!err && argv.n == 0) /* Linux gives such programs an empty argv[0] */
        err = strings_insert(&argv, 0, strdup(""));
    if (err || (at_flags & AT_EXECVE_CHECK))
        goto out;
    /* The name scripts and AT_EXECFN see: a path through /dev/fd when executed by descriptor. */
    if (dirfd != AT_FDCWD && name[0] != '/') {
        if (asprintf(&path, name[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", dirfd, name) < 0)
            err = -ENOMEM;
    } else {
        err = (path = strdup(name)) ? 0 : -ENOMEM;
    }
    if (!err) {
        cleanup_free char *exec_fn = strdup(path);
        bool closes = dirfd >= 0 && name[0] != '/' && fd_cloexec(t, dirfd);
        err = exec_fn ? do_exec(t, &file, &path, exec_fn, &argv, &envp, closes) : -ENOMEM;
        if (!err)
            set_comm(t, name[0] ? name : path);
    }
out:
    if (file)
        file_put(file);
    free(path);
    strings_free(&argv);
    strings_free(&envp);
    return err;
}

long sys_execve(struct task *t, const struct sysargs *a)
{
    return exec_common(t, AT_FDCWD, arg_u64(a, 0), arg_u64(a, 1), arg_u64(a, 2), 0);
}

long sys_execveat(struct task *t, const struct sysargs *a)
{
    return exec_common(t, arg_i32(a, 0), arg_u64(a, 1), arg_u64(a, 2), arg_u64(a, 3),
                       arg_i32(a, 4));
}
