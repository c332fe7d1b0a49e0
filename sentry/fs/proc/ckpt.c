/*
 * Checkpoints of files made of tables (proc, sys, cgroup): an inode is the table and the names that
 * lead to its entry. What a program has begun to read stays as it was generated.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/vfs/ckpt.h"

#define DEPTH_MAX 8
#define PATH_MAX_ 512
#define TEXT_MAX (64U << 20)

/* Numbers are part of the format. */
static const struct proc_entry *const tables[] = {
    proc_root_entries, proc_pid_entries, sys_root_entries, cgroup_root_entries, proc_tid_entries};

static bool is_about_task(const struct proc_entry *table)
{
    return table == proc_pid_entries || table == proc_tid_entries;
}

/* --- inodes --- */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as our own tables */
static bool find_entry(const struct proc_entry *dir, const struct proc_entry *want, char *path,
                       size_t len, int depth)
{
    for (const struct proc_entry *e = dir; e && e->name && depth < DEPTH_MAX; e++) {
        size_t n = strlen(e->name);
        if (len + n + 2 > PATH_MAX_)
            return false;
        path[len] = '/';
        memcpy(path + len + 1, e->name, n + 1);
        if (e == want ||
            (e->kind == PROC_DIR && find_entry(e->children, want, path, len + 1 + n, depth + 1)))
            return true;
    }
    path[len] = 0;
    return false;
}

/* The table that want is in, and the way to it: "/sys/kernel"; "" is the table itself. */
static int find_table(const struct proc_inode *pi, char path[PATH_MAX_])
{
    for (int i = 0; i < (int)ARRAY_SIZE(tables); i++) {
        path[0] = 0;
        if (pi->entry ? find_entry(tables[i], pi->entry, path, 0, 0) : pi->children == tables[i])
            return i;
    }
    return -1;
}

void proc_save_inode(struct ckpt_writer *w, struct inode *i)
{
    const struct proc_inode *pi = PROC_I(i);
    bool is_fd = pi->kind == PROC_FD || pi->kind == PROC_FDINFO;
    char path[PATH_MAX_] = "";
    int table = is_fd ? 0 : find_table(pi, path);

    if (table < 0)
        ckpt_refuse(w, "proc", "a file that is in no table");
    ckpt_put_u8(w, (uint8_t)pi->kind);
    ckpt_put_u8(w, (uint8_t)table);
    ckpt_put_string(w, path);
    ckpt_put_u32(w, (uint32_t)pi->pid);
    ckpt_put_u32(w, (uint32_t)pi->fd);
}

static const struct proc_entry *entry_named(const struct proc_entry *dir, const char *name,
                                            size_t len)
{
    for (const struct proc_entry *e = dir; e && e->name; e++)
        if (strlen(e->name) == len && !memcmp(e->name, name, len))
            return e;
    return NULL;
}

static const struct proc_entry *entry_at(const struct proc_entry *table, const char *path)
{
    const struct proc_entry *e = NULL;

    while (*path == '/') {
        size_t len = strcspn(++path, "/");
        e = entry_named(e ? e->children : table, path, len);
        if (!e)
            return NULL;
        path += len;
    }
    return *path ? NULL : e;
}

static void place(struct ckpt_reader *r, struct proc_inode *pi, unsigned int table,
                  const char *path)
{
    if (pi->kind == PROC_FD || pi->kind == PROC_FDINFO)
        return;
    pi->entry = *path ? entry_at(tables[table], path) : NULL;
    if (*path && !pi->entry && tables[table] == sys_root_entries) {
        sys_tables_init(); /* it is about a processor */
        pi->entry = entry_at(tables[table], path);
    }
    pi->children = pi->entry ? pi->entry->children : tables[table];
    if (*path && !pi->entry)
        ckpt_bad(r, "there is no %s here", path);
    else if (pi->entry ? pi->entry->kind != pi->kind
                       : pi->kind != (is_about_task(tables[table]) ? PROC_PIDDIR : PROC_DIR))
        ckpt_bad(r, "%s is something else here", path);
}

static bool kind_ok(const struct proc_inode *pi, unsigned int kind, unsigned int table, mode_t mode)
{
    if (kind > PROC_SPECIAL || table >= ARRAY_SIZE(tables) || pi->pid < 0 || pi->fd < 0 ||
        (mode & S_IFMT) != proc_kind_fmt(kind))
        return false;
    /* Only what is about a process is in its table, and the descriptors. */
    return (pi->pid > 0) ==
           (kind == PROC_FD || kind == PROC_FDINFO || is_about_task(tables[table]));
}

void proc_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version)
{
    struct proc_inode *pi = calloc(1, sizeof(*pi));
    unsigned int kind = ckpt_get_u8(r), table = ckpt_get_u8(r);
    cleanup_free char *path = ckpt_get_string(r, PATH_MAX_);

    i->priv = pi;
    if (!pi || !path) {
        ckpt_bad(r, "a file without a place");
        return;
    }
    pi->pid = (pid_t)ckpt_get_u32(r);
    pi->fd = (int)ckpt_get_u32(r);
    if (!kind_ok(pi, kind, table, i->mode)) {
        ckpt_bad(r, "a file of kind %u, process %d", kind, pi->pid);
        return;
    }
    pi->kind = kind;
    place(r, pi, table, path);
}

/* --- open files --- */
static void file_save(struct ckpt_writer *w, void *obj)
{
    const struct proc_file *pf = obj;
    const struct strbuf *b = &pf->text;

    ckpt_put_u8(w, b->data != NULL);
    if (b->data) {
        ckpt_put_u32(w, (uint32_t)b->len);
        ckpt_put_bytes(w, b->data, b->len);
    }
    ckpt_put_u8(w, pf->change && pf->seen != pf->change->count);
    ckpt_put_ref(w, &ckpt_mount_ns, pf->mounts);
    ckpt_put_path(w, &pf->root);
}

static void load_text(struct ckpt_reader *r, struct strbuf *b)
{
    if (!ckpt_get_u8(r))
        return;
    uint32_t len = ckpt_get_count(r, TEXT_MAX, 1);
    char *text = malloc(len + 1UL);
    if (!text) {
        ckpt_bad(r, "out of memory");
        return;
    }
    ckpt_get_bytes(r, text, len);
    text[len] = 0;
    *b = (struct strbuf)STRBUF_INIT;
    b->data = text;
    b->len = len;
    b->cap = len + 1UL;
}

static void file_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct proc_file *pf = obj;

    load_text(r, &pf->text);
    if (version < 2)
        return;
    pf->has_changed = ckpt_get_u8(r);
    ckpt_get_ref(r, &ckpt_mount_ns, &pf->mounts);
    ckpt_get_path(r, &pf->root);
}

static void file_link(struct ckpt_reader *r, void *obj)
{
    const struct proc_file *pf = obj;

    if (!pf->mounts != !pf->root.dentry)
        ckpt_bad(r, "mounts that are seen from nowhere");
    else if (pf->mounts)
        ckpt_path_ok(r, &pf->root);
}

static void file_hold(void *obj)
{
    ((struct proc_file *)obj)->refs++;
}

const struct ckpt_type ckpt_proc_file = {
    .name = "proc file",
    .id = CT_PROC_FILE,
    .version = 2,
    .size = sizeof(struct proc_file),
    .save = file_save,
    .load = file_load,
    .link = file_link,
    .hold = file_hold,
};
CKPT_TYPE_REGISTER(ckpt_proc_file);
