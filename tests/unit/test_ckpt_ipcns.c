/*
 * Checkpoints of System V IPC, POSIX message queues and AIO contexts: made by system calls in one
 * process, compared in another that has them from an image. Then images with a wrong byte: no
 * crash, whatever it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/ipc/aio_internal.h"
#include "sentry/ipc/sysv/sysv_internal.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/mm/mm.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/vfs_internal.h"
#include "tests/unit/unit.h"

#define CALL(name) long sys_##name(struct task *t, const struct sysargs *a)
CALL(semget);
CALL(semctl);
CALL(semop);
CALL(msgget);
CALL(msgsnd);
CALL(msgrcv);
CALL(msgctl);
CALL(shmget);
CALL(shmctl);
CALL(mq_open);
CALL(mq_timedsend);
CALL(mq_timedreceive);
CALL(io_getevents);

#define CTX_ID 0x10000
#define KEY 77

static struct sandbox_spec spec = {
    .hostname = "host", .ncpus = 2, .memory_bytes = 1UL << 30, .stdio = {-1, -1, -1}};
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
static ssize_t get_bytes(struct aspace *as, void *dst, uint64_t addr, size_t len)
{
    memcpy(dst, (void *)addr, len);
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

struct root {
    struct mount_ns *ns;
    struct fs_context *fs;
    struct fdtable *fds;
    struct ipc_ns *ipc;
    struct sem_undo_list *undo;
    struct aio_table *aio;
};
static const struct ckpt_field root_fields[] = {
    CKPT_REF(struct root, ns, &ckpt_mount_ns),   CKPT_REF(struct root, fs, &ckpt_fs_context),
    CKPT_REF(struct root, fds, &ckpt_fdtable),   CKPT_REF(struct root, ipc, &ckpt_ipc_ns),
    CKPT_REF(struct root, undo, &ckpt_sem_undo), CKPT_REF(struct root, aio, &ckpt_aio),
};
static const struct ckpt_type root_type = {.name = "test root",
                                           .id = 60001,
                                           .version = 1,
                                           .size = sizeof(struct root),
                                           CKPT_TABLE(root_fields)};
CKPT_TYPE_REGISTER(root_type);

static void start(void)
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

/* Guest memory is static: below the guest's limit wherever we are loaded. */
static struct guest {
    struct {
        long type;
        char text[64];
    } msg;
    struct sembuf ops[2];
    struct mq_attr attr;
    char name[16], text[8192];
    unsigned int prio;
    struct io_event ev[4];
    struct shmid_ds shm;
} g;

static int sem, msg, shm, mq;

static void add_events(void)
{
    struct aio_table *at = calloc(1, sizeof(*at));
    struct aio_ctx *c = calloc(1, sizeof(*c));

    list_init(&at->ctxs);
    *c = (struct aio_ctx){.refs = 1, .id = CTX_ID, .asked = 8, .max = 60, .cap = 4, .active = 2};
    list_init(&c->polls);
    waitq_init(&c->wq);
    c->events = calloc(4, sizeof(*c->events));
    c->events[0] = (struct io_event){.data = 1, .res = 10};
    c->events[1] = (struct io_event){.data = 2, .res = -5};
    c->nevents = 2;
    list_add_tail(&at->ctxs, &c->node);
    at->n = 1;
    mm.aio = at;
}

static void make_objects(void)
{
    struct superblock *sb;

    ck_assert_int_eq(tmpfs_new(1UL << 24, 1000, 0755, &sb), 0);
    ck_assert_int_eq(mount_ns_init(sb, 0), 0);
    const struct path top = {root_mount_ns->root, sb->root};
    task->fs = fs_context_new(&top);
    task->fds = fdtable_new();
    task->ipc = ipc_ns_new();
    sem = (int)call(semget, KEY, 3, IPC_CREAT | 0600);
    ck_assert_int_ge(sem, 0);
    ck_assert_int_eq(call(semctl, sem, 0, SETVAL, 5), 0);
    g.ops[0] = (struct sembuf){.sem_num = 0, .sem_op = -2, .sem_flg = SEM_UNDO};
    g.ops[1] = (struct sembuf){.sem_num = 1, .sem_op = 4};
    ck_assert_int_eq(call(semop, sem, g.ops, 2), 0);
    msg = (int)call(msgget, KEY, IPC_CREAT | 0600);
    for (int i = 0; i < 3; i++) {
        g.msg.type = 1 + i;
        snprintf(g.msg.text, sizeof(g.msg.text), "message %d", i);
        ck_assert_int_eq(call(msgsnd, msg, &g.msg, 10, 0), 0);
    }
    shm = (int)call(shmget, KEY, 10000, IPC_CREAT | 0600);
    ck_assert_int_ge(shm, 0);
    strcpy(g.name, "queue");
    g.attr = (struct mq_attr){.mq_maxmsg = 4, .mq_msgsize = 100};
    mq = (int)call(mq_open, g.name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &g.attr);
    ck_assert_int_ge(mq, 0);
    strcpy(g.text, "low");
    ck_assert_int_eq(call(mq_timedsend, mq, g.text, 3, 1, 0), 0);
    strcpy(g.text, "high");
    ck_assert_int_eq(call(mq_timedsend, mq, g.text, 4, 9, 0), 0);
    add_events();
}

static void check_objects(void)
{
    ck_assert_int_eq(call(semctl, call(semget, KEY, 0, 0), 0, GETVAL, 0), 3);
    ck_assert_int_eq(call(semctl, call(semget, KEY, 0, 0), 1, GETVAL, 0), 4);
    long id = call(msgget, KEY, 0);
    ck_assert_int_eq(call(msgrcv, id, &g.msg, 64, 2, IPC_NOWAIT), 10);
    ck_assert(!memcmp(g.msg.text, "message 1", 9));
    ck_assert_int_eq(call(msgrcv, id, &g.msg, 64, 0, IPC_NOWAIT), 10);
    ck_assert_int_eq(g.msg.type, 1);
    ck_assert_int_eq(call(shmctl, call(shmget, KEY, 0, 0), IPC_STAT, &g.shm), 0);
    ck_assert_int_eq(g.shm.shm_segsz, 10000);
    ck_assert_int_eq(call(mq_timedreceive, 0, g.text, 100, &g.prio, 0), 4);
    ck_assert_int_eq(g.prio, 9);
    ck_assert_int_eq(call(mq_timedreceive, 0, g.text, 100, &g.prio, 0), 3);
    ck_assert_int_eq(call(io_getevents, CTX_ID, 2, 4, g.ev, 0), 2);
    ck_assert_int_eq(g.ev[0].data, 1);
    ck_assert_int_eq(g.ev[1].res, -5);
}

/* --- images --- */
static char *image;
static size_t image_len;

static void save(int fd)
{
    struct root root = {root_mount_ns, task->fs, task->fds, task->ipc, task->sem_undo, mm.aio};
    struct ckpt_writer *w = ckpt_writer_new(now_ns(), NULL, NULL);
    const void *data;

    ckpt_save_root(w, &root_type, &root);
    int64_t len = ckpt_writer_finish(w, &data);
    for (unsigned int i = 0; len < 0 && ckpt_refusal(w, i); i++)
        fprintf(stderr, "refused: %s\n", ckpt_refusal(w, i));
    if (len <= 0 || write(fd, data, (size_t)len) != len)
        _exit(1);
    ckpt_writer_free(w);
}

/* In a process of its own, so that nothing of it is here. */
static void make_image(void)
{
    int status, fd = memfd_create("kernel", 0);
    pid_t pid = fork();

    if (!pid) {
        start();
        make_objects();
        save(fd);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    image_len = (size_t)lseek(fd, 0, SEEK_END);
    image = malloc(image_len);
    ck_assert_int_eq(pread(fd, image, image_len, 0), image_len);
}

static bool load(const char *data, size_t len, char why[256])
{
    struct ckpt_reader *r = ckpt_reader_new(data, len, now_ns());
    struct root *root = ckpt_load_root(r, &root_type);

    bool whole = root && root->ns && root->fs && root->fds && root->ipc && root->aio;
    snprintf(why, 256, "%s", ckpt_reader_error(r) ? ckpt_reader_error(r) : "");
    ckpt_reader_free(r);
    if (whole) {
        task->fs = root->fs;
        task->fds = root->fds;
        task->ipc = root->ipc;
        mm.aio = root->aio;
    }
    free(root);
    return whole;
}

START_TEST(round_trip)
{
    char why[256];

    make_image();
    start();
    ck_assert_msg(load(image, image_len, why), "%s", why);
    check_objects();
    aio_table_free(mm.aio);
    mm.aio = NULL;
}
END_TEST

/* Everything that may be done with what was made of a wrong image, none of it waiting. */
static void use(void)
{
    struct file *f;

    for (int fd = 0; (fd = fdtable_next(task->fds, fd, &f)) >= 0; fd++) {
        f->flags |= O_NONBLOCK;
        file_poll(f, NULL);
        call(mq_timedreceive, fd, g.text, sizeof(g.text), &g.prio, 0);
        call(mq_timedsend, fd, g.text, 3, 5, 0);
    }
    for (int i = 0; i < 3; i++) {
        long id = call(semget, KEY, 0, 0);
        g.ops[0] =
            (struct sembuf){.sem_num = (unsigned short)i, .sem_op = 1, .sem_flg = IPC_NOWAIT};
        call(semop, id, g.ops, 1);
        call(semctl, id, i, GETNCNT, 0);
        id = call(msgget, KEY, 0);
        call(msgrcv, id, &g.msg, 64, 0, IPC_NOWAIT | MSG_NOERROR);
        call(msgsnd, id, &g.msg, 20, IPC_NOWAIT);
        call(shmctl, call(shmget, KEY, 0, 0), IPC_STAT, &g.shm);
    }
    const struct aio_ctx *c = list_first_or_null(&mm.aio->ctxs, struct aio_ctx, node);
    if (c)
        call(io_getevents, c->id, 0, 4, g.ev, 0);
    call(semctl, call(semget, KEY, 0, 0), 0, IPC_RMID, 0);
    call(msgctl, call(msgget, KEY, 0), IPC_RMID, 0);
    call(shmctl, call(shmget, KEY, 0, 0), IPC_RMID, 0);
    aio_table_free(mm.aio);
    for (int fd = 0; (fd = fdtable_next(task->fds, fd, &f)) >= 0; fd++)
        fd_close(task, fd);
    ipc_ns_put(task->ipc);
}

/* Every step-th byte is wrong in an image of its own: NV_FUZZ_STEP=1 takes them all. */
START_TEST(wrong_bytes)
{
    static const unsigned char flips[] = {0xff, 0x01, 0x80, 0x10};
    const char *env = getenv("NV_FUZZ_STEP");
    size_t step = env ? (size_t)atoi(env) : 3;
    char why[256];
    int status;

    make_image();
    const char *seed = getenv("NV_FUZZ_SEED");
    srandom((unsigned int)(seed ? atoi(seed) : 12));
    for (size_t at = (size_t)random() % step; at < image_len; at += step) {
        unsigned char flip = flips[random() % 4];
        pid_t pid = fork();
        if (!pid) {
            image[at] = (char)(image[at] ^ flip);
            alarm(20);
            start();
            if (load(image, image_len, why))
                use();
            _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(!status, "byte %zu of %zu ^ %#x: status %#x", at, image_len, flip, status);
    }
}
END_TEST

UNIT_MAIN("ckpt_ipcns", NULL, NULL, round_trip, wrong_bytes)
