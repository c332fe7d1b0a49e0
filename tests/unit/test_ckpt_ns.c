/*
 * Checkpoints of namespaces: made by system calls in one process, looked at in another that has
 * them from an image. Then images with a wrong byte: no crash, whatever it is.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/fs.h"
#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/kernel/uts.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/mount.h"
#include "tests/unit/ckpt_task.h"

CALL(setns);
CALL(sethostname);
CALL(ioctl);

#define ALL                                                                                        \
    (CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWPID | CLONE_NEWIPC | \
     CLONE_NEWNS)

struct root {
    struct mount_ns *first, *ns;
    struct fs_context *fs;
    struct fdtable *fds;
    struct cred *cred;
    struct pid_ns *pid;
    struct plain_ns *net;
    struct uts_ns *uts;
};
static const struct ckpt_field root_fields[] = {
    CKPT_REF(struct root, first, &ckpt_mount_ns), CKPT_REF(struct root, ns, &ckpt_mount_ns),
    CKPT_REF(struct root, fs, &ckpt_fs_context),  CKPT_REF(struct root, fds, &ckpt_fdtable),
    CKPT_REF(struct root, cred, &ckpt_cred),      CKPT_REF(struct root, pid, &ckpt_pid_ns),
    CKPT_REF(struct root, net, &ckpt_plain_ns),   CKPT_REF(struct root, uts, &ckpt_uts),
};
static const struct ckpt_type root_type = {.name = "test root",
                                           .id = 60003,
                                           .version = 1,
                                           .size = sizeof(struct root),
                                           CKPT_TABLE(root_fields)};
CKPT_TYPE_REGISTER(root_type);

static char name[] = "inner"; /* guest memory */

/* A descriptor of each of the task's namespaces, of those there are no processes in yet, not. */
static int open_all(void)
{
    int n = 0;

    for (int kind = NS_MNT; kind <= NS_CGROUP; kind++) {
        struct path p;
        struct file *f;
        if (kind == NS_PID_CHILDREN)
            continue;
        ck_assert_int_eq(ns_link_follow(task, kind, &p), 0);
        ck_assert_int_eq(p.dentry->inode->ops->open(task, p.dentry->inode, &p, O_RDONLY, &f), 0);
        ck_assert_int_eq(fd_install_steal(task, f, false), n++);
        path_put(&p);
    }
    return n;
}

static void start(void)
{
    make_task();
    list_init(&task->tg_node);
    list_add_tail(&task->tg->tasks, &task->tg_node);
    task->tg->ntasks = 1;
    task->uts = uts_ns_get(uts_root());
    task->ipc = ipc_ns_get(ipc_ns_root());
    task->state = TASK_RUNNING;
}

static void make_all_image(int fd)
{
    start();
    make_root();
    task->mnt_ns = mount_ns_get(root_mount_ns);
    for (int i = 0; i < 2; i++) /* one in the other */
        ck_assert_int_eq(ns_unshare(task, ALL), i ? -EPERM : 0);
    ck_assert_int_eq(id_map_write(task, NULL, task, false, "7 0 1", 5), 0);
    ck_assert_int_eq(call(sethostname, name, 5), 0);
    ck_assert_int_eq(pid_ns_number(task->pid_ns_children, 20), 0);
    ck_assert_int_eq(pid_ns_number(task->pid_ns_children, 30), 0);
    task->net->state.lo_up = true;
    open_all();
    struct root root = {root_mount_ns, task->mnt_ns,          task->fs,  task->fds,
                        task->cred,    task->pid_ns_children, task->net, task->uts};
    save_root(fd, &root_type, &root);
}

static bool load(char why[256])
{
    struct ckpt_reader *r = ckpt_reader_new(image, image_len, now_ns());
    struct root *root = ckpt_load_root(r, &root_type);

    bool whole = root && root->first && root->ns && root->fs && root->fds && root->cred &&
                 root->pid && root->net && root->uts;
    snprintf(why, 256, "%s", ckpt_reader_error(r) ? ckpt_reader_error(r) : "");
    ckpt_reader_free(r);
    if (whole) {
        task->fs = root->fs;
        task->fds = root->fds;
        cred_put(task->cred);
        task->cred = root->cred;
        task->mnt_ns = root->ns;
        task->pid_ns_children = root->pid;
        task->net = root->net;
        uts_ns_put(task->uts);
        task->uts = root->uts;
    }
    free(root);
    return whole;
}

START_TEST(round_trip)
{
    struct strbuf text = STRBUF_INIT;
    char why[256];

    make_image(make_all_image);
    start();
    ck_assert_msg(load(why), "%s", why);
    const struct user_ns *u = task->cred->user_ns;
    ck_assert_uint_eq(u->level, 1);
    id_map_print(u, false, u, &text);
    ck_assert_str_eq(text.data, "         7          0          1\n");
    ck_assert_uint_eq(u->gids.n, 0);
    ck_assert_str_eq(task->uts->nodename, "inner");
    ck_assert_ptr_eq(task->uts->base.owner, u);
    ck_assert_ptr_eq(task->mnt_ns->user_ns, u);
    ck_assert_ptr_eq(task->net->base.owner, u);
    ck_assert(task->net->state.lo_up);
    ck_assert_int_eq(pid_nr(task->pid_ns_children, 20), 1);
    ck_assert_int_eq(pid_id(task->pid_ns_children, 2), 30);
    ck_assert_int_eq(pid_ns_number(task->pid_ns_children, 40), 0);
    ck_assert_int_eq(pid_nr(task->pid_ns_children, 40), 3);
    ck_assert_uint_gt(ns_next_id(), task->uts->base.id);
    for (int fd = 0; fd < 7; fd++) /* in the order of kinds; that of processes is still the first */
        ck_assert_int_eq(call(setns, fd, 0), fd == 3 ? -EINVAL : fd == 4 ? -EPERM : 0);
    ck_assert_uint_ne(task->ipc->id, 0);
    strbuf_free(&text);
}
END_TEST

/* Everything that may be done with what was made of a wrong image, none of it waiting. */
static void use(void)
{
    static const enum ns_kind kinds[] = {NS_MNT, NS_UTS, NS_IPC, NS_USER, NS_PID, NS_NET};
    struct strbuf text = STRBUF_INIT;
    struct file *f;

    for (int fd = 0; (fd = fdtable_next(task->fds, fd, &f)) >= 0; fd++) {
        call(setns, fd, 0);
        for (int cmd = 0xb701; cmd <= 0xb703; cmd++)
            call(ioctl, fd, cmd, 0);
        if (fd > 100)
            break;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        ns_link_text(task, kinds[i], &text);
    for (const struct user_ns *u = task->cred->user_ns; u; u = u->base.owner) {
        id_map_print(u, false, u, &text);
        id_map_print(u, true, u, &text);
        ns_capable(task->cred, u, 5);
    }
    pid_ns_number(task->pid_ns_children, 50);
    pid_ns_forget(20);
    ns_unshare(task, CLONE_NEWUSER);
    ns_unshare(task, ALL & ~CLONE_NEWUSER);
    strbuf_free(&text);
    for (int fd = 0; (fd = fdtable_next(task->fds, fd, &f)) >= 0; fd++)
        fd_close(task, fd);
    ns_exit(task);
    cred_put(task->cred);
}

static void try_image(void)
{
    char why[256];

    start();
    if (load(why))
        use();
}

START_TEST(wrong_bytes)
{
    make_image(make_all_image);
    try_wrong_bytes(2, 21, try_image);
}
END_TEST

UNIT_MAIN("ckpt_ns", NULL, NULL, round_trip, wrong_bytes)
