/* One task without a sandbox around it, whose guest memory is ours, and images of what it makes. */
#ifndef NV_TESTS_UNIT_CKPT_TASK_H
#define NV_TESTS_UNIT_CKPT_TASK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/mm/mm.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/vfs_internal.h"
#include "tests/unit/unit.h"

#define CALL(name) long sys_##name(struct task *t, const struct sysargs *a)

static struct sandbox_spec spec = {.hostname = "host", .ncpus = 2, .stdio = {-1, -1, -1}};
static struct task *task;
static struct mm mm;

/* --- a platform whose guest memory is ours --- */
static const void *no_window(struct gthread *thr, uint64_t addr, size_t *avail)
{
    return NULL;
}
static void *no_out(struct gthread *thr, uint64_t addr, size_t len)
{
    return NULL;
}
/* Whole pages, as of a guest: more than a variable's own bytes. */
__attribute__((no_sanitize("address"))) static ssize_t get_bytes(struct aspace *as, void *dst,
                                                                 uint64_t addr, size_t len)
{
    const volatile char *from = (const void *)addr;

    for (size_t i = 0; i < len; i++)
        ((volatile char *)dst)[i] = from[i];
    return (ssize_t)len;
}
static ssize_t put_bytes(struct aspace *as, uint64_t addr, const void *src, size_t len)
{
    memcpy((void *)addr, src, len);
    return (ssize_t)len;
}
static void nothing(struct gthread *thr)
{
}
static const struct platform fake = {.name = "fake",
                                     .in_window = no_window,
                                     .out_window = no_out,
                                     .read_mem = get_bytes,
                                     .write_mem = put_bytes,
                                     .interrupt = nothing};

#define call(name, ...)                                                                            \
    sys_##name(task, &(struct sysargs){.arg = {CALL_ARGS(__VA_ARGS__, 0, 0, 0, 0, 0, 0)}})
#define CALL_ARGS(a, b, c, d, e, f, ...)                                                           \
    (unsigned long)(a), (unsigned long)(b), (unsigned long)(c), (unsigned long)(d),                \
        (unsigned long)(e), (unsigned long)(f)

static void make_task(void)
{
    sandbox = &spec;
    platform = &fake;
    struct thread_group *tg = tg_new();
    task = task_new(tg);
    tg->leader = task;
    tg->sighand = sighand_new();
    tg->tgid = task->tid = 1;
    for (int i = 0; i < RLIM_NLIMITS; i++)
        tg->rlim[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    tg->rlim[RLIMIT_NOFILE].rlim_cur = 1024;
    task->cred = cred_new(0, 0);
    task->mm = &mm;
}

static void make_root(void)
{
    struct superblock *sb;

    ck_assert_int_eq(tmpfs_new(1UL << 24, 1000, 0755, &sb), 0);
    ck_assert_int_eq(mount_ns_init(sb, 0), 0);
    const struct path top = {root_mount_ns->root, sb->root};
    task->fs = fs_context_new(&top);
    task->fds = fdtable_new();
}

/* --- images --- */
static char *image;
static size_t image_len;

static void save_root(int fd, const struct ckpt_type *type, void *root)
{
    struct ckpt_writer *w = ckpt_writer_new(now_ns(), NULL, NULL);
    const void *data;

    ckpt_save_root(w, type, root);
    int64_t len = ckpt_writer_finish(w, &data);
    for (unsigned int i = 0; len < 0 && ckpt_refusal(w, i); i++)
        fprintf(stderr, "refused: %s\n", ckpt_refusal(w, i));
    if (len <= 0 || write(fd, data, (size_t)len) != len)
        _exit(1);
    ckpt_writer_free(w);
}

/* The image that make writes, in a process of its own, so that nothing of it is here. */
static void make_image(void (*make)(int fd))
{
    int status, fd = memfd_create("kernel", 0);
    pid_t pid = fork();

    if (!pid) {
        make(fd);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    image_len = (size_t)lseek(fd, 0, SEEK_END);
    image = malloc(image_len);
    ck_assert_int_eq(pread(fd, image, image_len, 0), image_len);
}

/*
 * Every step-th byte is wrong in an image of its own, which a process of its own tries:
 * NV_FUZZ_STEP=1 takes them all, NV_FUZZ_SEED others.
 */
static void try_wrong_bytes(size_t step, unsigned int seed, void (*try)(void))
{
    static const unsigned char flips[] = {0xff, 0x01, 0x80, 0x10};
    const char *env = getenv("NV_FUZZ_STEP"), *other = getenv("NV_FUZZ_SEED");
    int status;

    step = env ? (size_t)atoi(env) : step;
    srandom(other ? (unsigned int)atoi(other) : seed);
    for (size_t at = (size_t)random() % step; at < image_len; at += step) {
        unsigned char flip = flips[random() % 4];
        pid_t pid = fork();
        if (!pid) {
            image[at] = (char)(image[at] ^ flip);
            alarm(20);
            try();
            _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(!status, "byte %zu of %zu ^ %#x: status %#x", at, image_len, flip, status);
    }
}

#endif
