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
#include <sys/epoll.h>
#include <sys/eventfd.h>
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
#include "tests/unit/ckpt_task.h"

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
CALL(eventfd2);

#define CTX_ID 0x10000
#define KEY 77

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
    make_task();
    spec.memory_bytes = 1UL << 30;
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

/* A request that waits for an eventfd, which is told of itself. */
static void add_poll(void)
{
    struct aio_ctx *c = list_first(&mm.aio->ctxs, struct aio_ctx, node);
    long fd = call(eventfd2, 0, EFD_NONBLOCK);
    struct file *f;

    ck_assert_int_eq(fdtable_next(task->fds, (int)fd, &f), fd);
    struct aio_op op = {.cb = {.aio_buf = EPOLLIN, .aio_data = 9}, .addr = 5, .file = f};
    op.file = file_get(f);
    op.eventfd = file_get(f);
    c->active++;
    ck_assert_int_eq(aio_poll_start(c, &op), AIO_PENDING);
    ck_assert_uint_eq(aio_npolls(c), 1);
}

/* It is asked for when timers run again, and done when there is something. */
static void check_poll(void)
{
    struct aio_ctx *c = list_first(&mm.aio->ctxs, struct aio_ctx, node);
    struct file *f;
    int fd = 0;

    ck_assert_uint_eq(aio_npolls(c), 1);
    ck_assert_uint_eq(c->active, 1);
    ktimers_run(2);
    ck_assert_uint_eq(aio_npolls(c), 1);
    while ((fd = fdtable_next(task->fds, fd, &f)) >= 0 && !is_eventfd(f))
        fd++;
    eventfd_signal(f, 1);
    ck_assert_uint_eq(aio_npolls(c), 0);
    ck_assert_int_eq(call(io_getevents, CTX_ID, 1, 4, g.ev, 0), 1);
    ck_assert_int_eq(g.ev[0].data, 9);
    ck_assert_int_eq(g.ev[0].obj, 5);
    ck_assert_int_eq(g.ev[0].res, EPOLLIN);
    ktimers_run(2);
}

static void make_objects(void)
{
    make_root();
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
    add_poll();
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
static void make_objects_image(int fd)
{
    start();
    make_objects();
    struct root root = {root_mount_ns, task->fs, task->fds, task->ipc, task->sem_undo, mm.aio};
    save_root(fd, &root_type, &root);
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

    make_image(make_objects_image);
    start();
    ck_assert_msg(load(image, image_len, why), "%s", why);
    check_objects();
    check_poll();
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
    ktimers_run(2);
    const struct aio_ctx *c = list_first_or_null(&mm.aio->ctxs, struct aio_ctx, node);
    if (c)
        call(io_getevents, c->id, 0, 4, g.ev, 0);
    call(semctl, call(semget, KEY, 0, 0), 0, IPC_RMID, 0);
    call(msgctl, call(msgget, KEY, 0), IPC_RMID, 0);
    call(shmctl, call(shmget, KEY, 0, 0), IPC_RMID, 0);
    aio_table_free(mm.aio);
    for (int fd = 0; (fd = fdtable_next(task->fds, fd, &f)) >= 0; fd++)
        fd_close(task, fd);
    ktimers_run(2);
    ipc_ns_put(task->ipc);
}

static void try_image(void)
{
    char why[256];

    start();
    if (load(image, image_len, why))
        use();
}

START_TEST(wrong_bytes)
{
    make_image(make_objects_image);
    try_wrong_bytes(3, 12, try_image);
}
END_TEST

UNIT_MAIN("ckpt_ipcns", NULL, NULL, round_trip, wrong_bytes)
