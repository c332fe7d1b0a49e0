/*
 * Checkpoints of terminals. The console is bound to the terminal of the sandbox it is restored
 * into; without one it has been hung up.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/ckpt/types.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/sandbox.h"

static const struct ckpt_field fields[] = {
    CKPT_BYTES(struct tty, termios),
    CKPT_BYTES(struct tty, size),
    CKPT_WEAK(struct tty, session, &ckpt_session),
    CKPT_UINT(struct tty, index),
    CKPT_UINT_MAX(struct tty, len, TTY_BUF),
    CKPT_UINT_MAX(struct tty, done, TTY_BUF),
    CKPT_FIELD_(struct tty, old.lines, CKPT_KIND_UINT, 1, .until = 2, .max = 1U << 24),
    CKPT_FIELD_(struct tty, old.eof, CKPT_KIND_BOOL, 1, .until = 2),
    CKPT_UINT_MAX(struct tty, out_len, TTY_BUF),
    CKPT_BOOL(struct tty, stopped),
    CKPT_FIELD_(struct tty, old.column_known, CKPT_KIND_BOOL, 1, .until = 2),
    CKPT_UINT_MAX(struct tty, column, UINT32_MAX),
    CKPT_BOOL(struct tty, slave_seen),
    CKPT_BOOL(struct tty, locked),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct tty, ispeed),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct tty, ospeed),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct tty, uid),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct tty, gid),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct tty, exclusive),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct tty, literal),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct tty, erasing),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct tty, flow_stopped),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct tty, line_column, .max = UINT32_MAX),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct tty, packet),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct tty, packet_status),
    CKPT_SINCE(2, CKPT_KIND_BYTES, struct tty, ends),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct tty, ntyped, .max = TTY_TYPED_MAX),
    CKPT_SINCE(3, CKPT_KIND_BYTES, struct tty, kept),
};

static void tty_save(struct ckpt_writer *w, void *obj)
{
    const struct tty *t = obj;

    ckpt_put_bytes(w, t->in, t->len);
    ckpt_put_bytes(w, t->out, t->out_len);
    ckpt_put_bytes(w, t->typed, t->ntyped);
}

static void *tty_create(struct ckpt_reader *r)
{
    struct tty *t = tty_alloc();

    if (t)
        t->refs = 0;
    return t;
}

/* Version 1 knew lines by their newlines, and a VEOF only behind all of them. */
static void find_lines(struct tty *t)
{
    if (!TTY_FLAG(t, c_lflag, ICANON))
        return;
    for (size_t i = 0; i < t->done; i++)
        if (t->in[i] == '\n')
            tty_set_line_end(t, i, true);
    if (t->done && t->in[t->done - 1] != '\n')
        tty_set_line_end(t, t->done - 1, true);
}

/* Here and not in link(): a standard stream that is a terminal looks for the console there. */
static void tty_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct tty *t = obj;
    struct tty **slot = t->index >= 0 && t->index < PTYS_MAX ? &ptys[t->index] : &console_tty;

    if (t->index < -1 || t->index >= PTYS_MAX || t->done > t->len || *slot) {
        ckpt_bad(r, "terminal %d is there already, or cannot be", t->index);
        return;
    }
    *slot = t;
    t->refs += slot == &console_tty;
    ckpt_get_bytes(r, t->in, t->len);
    ckpt_get_bytes(r, t->out, t->out_len);
    if (version < 2)
        find_lines(t);
    if (!t->ntyped)
        return;
    t->typed = malloc(t->ntyped);
    if (!t->typed)
        ckpt_bad(r, "no memory");
    else
        ckpt_get_bytes(r, t->typed, t->ntyped);
}

static void tty_link(struct ckpt_reader *r, void *obj)
{
    struct tty *t = obj;

    if (!t->refs || (t->session && t->session->tty != t)) {
        ckpt_bad(r, "nobody's, or of a session that has another");
        return;
    }
    for (int i = 0; i < 3 && t == console_tty && sandbox && t->host_fd < 0; i++)
        if (sandbox->stdio_is_tty[i] && sandbox->stdio[i] >= 0 &&
            console_bind(t, sandbox->stdio[i]))
            ckpt_bad(r, "the terminal cannot be used");
}

static void tty_hold(void *obj)
{
    tty_get(obj);
}

int tty_restore_slave(struct file *f)
{
    struct tty *t = f->priv;
    bool seen = t->slave_seen;

    if (!S_ISCHR(f->inode->mode))
        return -EINVAL;
    if (tty_file_is_hung(f)) {
        t->slaves++;
        return 0;
    }
    int err = tty_attach(t, f);
    t->slave_seen |= seen;
    if (!err)
        tty_put(t); /* the reference of f was there already */
    return err;
}

int tty_restore_master(struct file *f)
{
    struct tty *t = f->priv;

    t->masters++;
    return S_ISCHR(f->inode->mode) && t->index >= 0 && f->path.dentry ? 0 : -EINVAL;
}

const struct ckpt_type ckpt_tty = {
    .name = "tty",
    .id = CT_TTY,
    .version = 3,
    CKPT_TABLE(fields),
    .save = tty_save,
    .create = tty_create,
    .load = tty_load,
    .link = tty_link,
    .hold = tty_hold,
};
CKPT_TYPE_REGISTER(ckpt_tty);
