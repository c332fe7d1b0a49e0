/*
 * Checkpoints of the gofer's files. A record names a file by its path below the export and says
 * what it was like. Restoring asks for all of them at once (OPEN_MANY), when the first is linked,
 * and looks at the replies when all else is done (goferfs_resumed()): files that are open must be
 * what they were, by size and time of modification; others must be there and of the same kind.
 * Where the export is on the host, and on which device, may change.
 *
 * A file that has lost its name while it was open comes back as a memfd with its contents.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/ckpt/contents.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/gofer/goferfs.h"
#include "sentry/kernel/loop.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/ckpt.h"

#define ORPHAN_MAX (64LL << 20)
#define RAW_MAX 60000U

enum state { STATE_NAMED, STATE_ORPHAN, STATE_ORPHAN_DATA };

struct gofer_resume {
    uint8_t state;
    char *path; /* below the export's root */
    uint64_t size, mtime_sec, host_dev, host_ino;
    uint32_t mtime_nsec;
    struct ckpt_contents *contents;
    struct inode *inode;
    struct gofer_resume *next;
};

static const struct ckpt_field resume_fields[] = {
    CKPT_UINT_MAX(struct gofer_resume, state, STATE_ORPHAN_DATA),
    CKPT_STRING(struct gofer_resume, path, GOFER_PATH_MAX - 1),
    CKPT_UINT_MAX(struct gofer_resume, size, INT64_MAX),
    CKPT_UINT(struct gofer_resume, mtime_sec),
    CKPT_UINT_MAX(struct gofer_resume, mtime_nsec, 999999999),
    CKPT_UINT(struct gofer_resume, host_dev),
    CKPT_UINT(struct gofer_resume, host_ino),
};

/* --- superblocks --- */
static const struct ckpt_field super_fields[] = {
    CKPT_UINT_MAX(struct gofer_super, export_index, UINT16_MAX),
    CKPT_BOOL(struct gofer_super, readonly),
    CKPT_UINT(struct gofer_super, root_dev),
};

static const struct sandbox_mount *mount_of(unsigned int export_index)
{
    for (int i = 0; sandbox && i < sandbox->nmounts; i++)
        if (sandbox->mounts[i].export_index == export_index)
            return &sandbox->mounts[i];
    return NULL;
}

/* The new sandbox must have the same exports. */
static void super_link(struct ckpt_reader *r, void *obj)
{
    const struct gofer_super *s = obj;
    const struct sandbox_mount *m = mount_of(s->export_index);

    if (s->export_index && !m)
        ckpt_bad(r, "mount %u of the sandbox is missing: give all mounts it was started with",
                 s->export_index);
    else if (sandbox && s->readonly != (m ? m->readonly : sandbox->root_overlay))
        ckpt_bad(r, "%s was %s when it was saved", m ? m->dst : "/",
                 s->readonly ? "read-only" : "writable");
}

const struct ckpt_type ckpt_goferfs = {
    .name = "gofer file system",
    .id = CT_GOFERFS,
    .version = 1,
    .size = sizeof(struct gofer_super),
    CKPT_TABLE(super_fields),
    .link = super_link,
};
CKPT_TYPE_REGISTER(ckpt_goferfs);
CKPT_SYMBOL("super_ops", "gofer", gofer_super_ops);
CKPT_SYMBOL("file_ops", "gofer file", gofer_file_ops);
CKPT_SYMBOL("file_ops", "gofer directory", gofer_dir_ops);

const struct inode_ops *goferfs_ops_of(mode_t mode)
{
    return &goferfs_ops;
}

/* --- saving inodes --- */
static int any_fd(const struct inode *i, bool readable)
{
    const struct gofer_fd *g;

    list_for_each(g, &GOFER_I(i)->fds, node) {
        if (!readable || g->acc != O_WRONLY)
            return g->fd;
    }
    return -1;
}

static ssize_t peek(const void *arg, void *buf, size_t len, loff_t pos)
{
    ssize_t n = pread(any_fd(arg, true), buf, len, pos);

    return n < 0 ? -errno : n;
}

static void save_orphan(struct ckpt_writer *w, struct inode *i, loff_t size)
{
    const struct ckpt_contents_source source = {.arg = i, .size = size, .peek = peek};
    char buf[CKPT_SUBJECT_MAX];

    if (size > ORPHAN_MAX)
        ckpt_refuse(w, ckpt_inode_subject(i, buf),
                    "the file was deleted from its mount; its %lld MB are more than an image takes "
                    "(%lld MB)",
                    (long long)size >> 20, (long long)ORPHAN_MAX >> 20);
    else if (any_fd(i, true) < 0)
        ckpt_refuse(w, ckpt_inode_subject(i, buf),
                    "the file was deleted from its mount and is open for writing only: its "
                    "contents cannot be read");
    int err = size > ORPHAN_MAX || any_fd(i, true) < 0 ? 0 : ckpt_contents_save(w, &source);
    if (err)
        ckpt_fail(w, err);
}

void goferfs_save_inode(struct ckpt_writer *w, struct inode *i)
{
    const struct gofer_inode *gi = GOFER_I(i);
    const struct dentry *d = inode_dentry(i);
    char path[GOFER_PATH_MAX], buf[CKPT_SUBJECT_MAX];
    struct stat st;

    struct gofer_resume s = {.path = d && goferfs_has_name(d) ? goferfs_path(d, path) : NULL,
                             .size = (uint64_t)i->size,
                             .mtime_sec = (uint64_t)i->mtime.sec,
                             .mtime_nsec = i->mtime.nsec,
                             .host_dev = gi->host_dev,
                             .host_ino = gi->host_ino};
    bool lost = gi->orphan || !s.path;
    int fd = any_fd(i, false);
    if (fd >= 0 && !fstat(fd, &st)) {
        s.size = (uint64_t)st.st_size;
        s.mtime_sec = (uint64_t)st.st_mtim.tv_sec;
        s.mtime_nsec = (uint32_t)st.st_mtim.tv_nsec;
        lost = lost || !st.st_nlink;
    }
    s.state = !lost ? STATE_NAMED : fd >= 0 ? STATE_ORPHAN_DATA : STATE_ORPHAN;
    if (!s.path && d && goferfs_has_name(d))
        ckpt_refuse(w, ckpt_inode_subject(i, buf), "its path is too long");
    if (lost && i->may_link)
        ckpt_refuse(w, ckpt_inode_subject(i, buf),
                    "it has no name yet and may get one (O_TMPFILE): a restored file could not");
    ckpt_put_fields(w, resume_fields, ARRAY_SIZE(resume_fields), &s);
    if (s.state == STATE_ORPHAN_DATA)
        save_orphan(w, i, (loff_t)s.size);
}

/* --- finding them again --- */
/* One request: files and what to open them for. */
struct batch {
    struct batch *next;
    struct gofer_call call;
    unsigned int n;
    struct gofer_resume *inodes[GOFER_MANY_MAX];
    struct gofer_fd *fds[GOFER_MANY_MAX]; /* NULL: a look only */
    int host_fds[GOFER_MANY_MAX];
    char raw[RAW_MAX];
};

static struct {
    struct gofer_resume *inodes;
    struct gofer_fd **fds; /* without a host descriptor yet */
    size_t ninodes, nfds, fds_cap;
    struct batch *first, *last;
    bool started;
    char error[GOFER_PATH_MAX + 256];
} resume;

void goferfs_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version)
{
    struct gofer_inode *gi = calloc(1, sizeof(*gi));
    struct gofer_resume *s = calloc(1, sizeof(*s));

    if (!gi || !s) {
        ckpt_bad(r, "out of memory");
        free(gi);
        free(s);
        return;
    }
    list_init(&gi->lru);
    list_init(&gi->fds);
    i->priv = gi;
    ckpt_get_fields(r, resume_fields, ARRAY_SIZE(resume_fields), s, version);
    if (s->state == STATE_ORPHAN_DATA)
        s->contents = ckpt_contents_load(r, (loff_t)s->size);
    else if (s->state == STATE_NAMED && !s->path)
        ckpt_bad(r, "a file of the host without a path");
    s->inode = i;
    s->next = resume.inodes;
    gi->resume = s;
    gi->host_dev = s->host_dev;
    gi->host_ino = s->host_ino;
    gi->orphan = s->state != STATE_NAMED;
    resume.inodes = s;
    resume.ninodes++;
}

static const char *mount_name(const struct inode *i)
{
    const struct sandbox_mount *m = mount_of(GOFER_S(i->sb)->export_index);

    return m ? m->dst : "";
}

/* The first reason counts. */
static void complain(const struct gofer_resume *s, const char *fmt, ...)
{
    char what[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    if (!*resume.error && s && s->path)
        snprintf(resume.error, sizeof(resume.error), "the file %s/%s %s", mount_name(s->inode),
                 s->path, what);
    else if (!*resume.error)
        snprintf(resume.error, sizeof(resume.error), "%s", what);
}

static void check(struct gofer_resume *s, bool open, const struct gofer_found *found)
{
    const struct gofer_attr *a = &found->attr;

    if (found->result == -ENOENT || found->result == -ENOTDIR)
        complain(s, "has vanished since the checkpoint");
    else if (found->result == -EISDIR || found->result == -ENXIO || found->result == -ELOOP ||
             (!found->result && (a->mode ^ s->inode->mode) & S_IFMT))
        complain(s, "has become something else since the checkpoint");
    else if (found->result)
        complain(s, "cannot be opened again: %s", strerror(-found->result));
    else if (open && a->size != s->size)
        complain(s, "has changed since the checkpoint (its size was %llu, is %llu)",
                 (unsigned long long)s->size, (unsigned long long)a->size);
    else if (open && (a->mtime_sec != (int64_t)s->mtime_sec || a->mtime_nsec != s->mtime_nsec))
        complain(s, "has changed since the checkpoint (it was modified)");
    else
        goferfs_apply(s->inode, a);
}

static void take_replies(struct batch *b)
{
    uint32_t used = 0;

    for (unsigned int k = 0; k < b->n; k++) {
        struct gofer_found found;
        memcpy(&found, b->call.data + k * sizeof(found), sizeof(found));
        if (found.has_fd != (b->fds[k] && !found.result) || used + found.has_fd > b->call.nfds) {
            complain(NULL, "the gofer's answer is wrong");
            return;
        }
        if (found.has_fd)
            b->fds[k]->fd = b->host_fds[used++];
        check(b->inodes[k], b->fds[k], &found);
    }
}

static struct batch *batch_for(const struct gofer_resume *s, size_t len)
{
    unsigned int export_index = GOFER_S(s->inode->sb)->export_index;
    struct batch *b = resume.last;

    if (b && b->n < GOFER_MANY_MAX && b->call.export_index == export_index &&
        b->call.raw_len + sizeof(struct gofer_want) + len <= RAW_MAX)
        return b;
    if (b)
        gofer_rpc_begin(&b->call);
    b = calloc(1, sizeof(*b));
    if (!b)
        return NULL;
    b->call.type = GOFER_OPEN_MANY;
    b->call.export_index = export_index;
    b->call.path = b->raw;
    b->call.fds = b->host_fds;
    if (resume.last)
        resume.last->next = b;
    else
        resume.first = b;
    return resume.last = b;
}

static void ask(struct gofer_resume *s, struct gofer_fd *g)
{
    size_t len = strlen(s->path);
    struct gofer_want want = {.len = (uint16_t)len, .mode = g ? g->acc : GOFER_LOOK_ONLY};
    struct batch *b = batch_for(s, len);

    if (!b) {
        complain(NULL, "out of memory");
        return;
    }
    b->inodes[b->n] = s;
    b->fds[b->n++] = g;
    memcpy(b->raw + b->call.raw_len, &want, sizeof(want));
    memcpy(b->raw + b->call.raw_len + sizeof(want), s->path, len);
    b->call.raw_len += (uint32_t)(sizeof(want) + len);
}

static int revive_orphan(struct gofer_resume *s)
{
    int fd = memfd_create("nv-orphan", MFD_CLOEXEC);

    if (fd < 0 || ftruncate(fd, (off_t)s->size) ||
        ckpt_contents_copy(s->contents, fd, (loff_t)s->size))
        complain(NULL, "the contents of a deleted file cannot be restored");
    s->inode->size = (loff_t)s->size;
    return fd;
}

/* All descriptors of an orphan are of one memfd. */
static void open_orphan(struct gofer_resume *s, struct gofer_fd *g)
{
    int first = any_fd(s->inode, false);

    if (s->state != STATE_ORPHAN_DATA)
        complain(NULL, "a deleted file without contents is open");
    else
        g->fd = first >= 0 ? fcntl(first, F_DUPFD_CLOEXEC, 0) : revive_orphan(s);
    if (g->fd < 0)
        complain(NULL, "out of descriptors");
}

static bool is_ours(const struct inode *i)
{
    return i && i->ops == &goferfs_ops && i->sb && i->sb->ops == &gofer_super_ops && i->sb->priv;
}

/* So that the gofer meets the files of a directory one after the other. */
static int by_place(const void *a, const void *b)
{
    const struct gofer_resume *x = *(const struct gofer_resume *const *)a;
    const struct gofer_resume *y = *(const struct gofer_resume *const *)b;
    unsigned int ex = GOFER_S(x->inode->sb)->export_index;
    unsigned int ey = GOFER_S(y->inode->sb)->export_index;

    return ex != ey ? (ex > ey) - (ex < ey) : strcmp(x->path, y->path);
}

/* Those that have a place, sorted; orphans are dealt with at once. NULL: something is wrong. */
static struct gofer_resume **sorted(size_t *n)
{
    struct gofer_resume **v = calloc(resume.ninodes + 1, sizeof(struct gofer_resume *));

    *n = 0;
    for (size_t k = 0; v && k < resume.nfds; k++) {
        struct gofer_fd *g = resume.fds[k];
        if (!is_ours(g->inode) || !S_ISREG(g->inode->mode)) {
            free(v);
            return NULL;
        }
        struct gofer_resume *s = GOFER_I(g->inode)->resume;
        if (s->state != STATE_NAMED)
            open_orphan(s, g);
        list_add_tail(&GOFER_I(g->inode)->fds, &g->node);
    }
    for (struct gofer_resume *s = resume.inodes; v && s; s = s->next) {
        if (!is_ours(s->inode)) {
            free(v);
            return NULL;
        }
        if (s->state == STATE_NAMED)
            v[(*n)++] = s;
    }
    if (v)
        qsort(v, *n, sizeof(struct gofer_resume *), by_place);
    return v;
}

/* The hooks run one at a time: the first that is called asks for all. */
static void resume_start(void)
{
    size_t n;

    if (resume.started)
        return;
    resume.started = true;
    struct gofer_resume **v = sorted(&n);
    if (!v)
        complain(NULL, "a file of the host is none");
    for (size_t k = 0; v && k < n; k++) {
        struct gofer_inode *gi = GOFER_I(v[k]->inode);
        struct gofer_fd *g;
        if (list_empty(&gi->fds))
            ask(v[k], NULL);
        list_for_each(g, &gi->fds, node)
            ask(v[k], g);
    }
    if (resume.last)
        gofer_rpc_begin(&resume.last->call);
    free(v);
}

static void free_all(void)
{
    while (resume.inodes) {
        struct gofer_resume *s = resume.inodes;
        resume.inodes = s->next;
        GOFER_I(s->inode)->resume = NULL;
        free(s->path);
        free(s->contents);
        free(s);
    }
    while (resume.first) {
        struct batch *b = resume.first;
        resume.first = b->next;
        free(b->call.data);
        free(b);
    }
    free(resume.fds);
    resume.fds = NULL;
    resume.last = NULL;
    resume.ninodes = resume.nfds = resume.fds_cap = 0;
}

const char *goferfs_resumed(void)
{
    for (struct batch *b = resume.first; b; b = b->next) {
        int err = gofer_rpc_end(&b->call);
        if (!err && b->call.len != b->n * sizeof(struct gofer_found))
            err = -EPROTO;
        if (err)
            complain(NULL, "asking the gofer for files: %s", strerror(-err));
        else
            take_replies(b);
    }
    for (struct gofer_resume *s = resume.inodes; s; s = s->next)
        if (s->inode->sb->root && s->inode->sb->root->inode == s->inode)
            GOFER_S(s->inode->sb)->root_dev = GOFER_I(s->inode)->host_dev;
    free_all();
    return *resume.error ? resume.error : NULL;
}

void goferfs_restore_inode(struct ckpt_reader *r, struct inode *i)
{
    resume_start();
    if (*resume.error)
        ckpt_bad(r, "%s", resume.error);
}

/* --- open files --- */
static const struct ckpt_field fd_fields[] = {
    CKPT_WEAK(struct gofer_fd, inode, &ckpt_inode),
    CKPT_UINT_MAX(struct gofer_fd, acc, O_RDWR),
};

static void *fd_create(struct ckpt_reader *r)
{
    if (resume.nfds == resume.fds_cap) {
        size_t cap = resume.fds_cap ? resume.fds_cap * 2 : 64;
        struct gofer_fd **fds = reallocarray(resume.fds, cap, sizeof(struct gofer_fd *));
        if (!fds)
            return NULL;
        resume.fds = fds;
        resume.fds_cap = cap;
    }
    struct gofer_fd *g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    g->fd = -1;
    list_init(&g->node);
    return resume.fds[resume.nfds++] = g;
}

static void fd_hold(void *obj)
{
    ((struct gofer_fd *)obj)->refs++;
}

const struct ckpt_type ckpt_gofer_fd = {
    .name = "descriptor of the host",
    .id = CT_GOFER_FILE,
    .version = 1,
    CKPT_TABLE(fd_fields),
    .create = fd_create,
    .hold = fd_hold,
};
CKPT_TYPE_REGISTER(ckpt_gofer_fd);

/* Its descriptor comes later: goferfs_resumed(). */
int goferfs_restore_file(struct file *f)
{
    struct gofer_fd *g = f->priv;

    resume_start();
    if (g->inode != f->inode || !is_ours(f->inode) || (file_writable(f) && g->acc == O_RDONLY))
        return -EINVAL;
    struct gofer_inode *gi = GOFER_I(f->inode);
    if (file_writable(f) && gi->writers++ == 0) {
        g->refs++;
        gi->wr = g;
    }
    if (g->acc == O_RDONLY && !gi->rd)
        goferfs_keep_rd(gi, g);
    return 0;
}

/* Where a directory is being read is in the file's position. */
const struct ckpt_type ckpt_gofer_dir = {
    .name = "open directory of the host",
    .id = CT_GOFER_DIR,
    .version = 1,
    .size = sizeof(struct gofer_dir),
};
CKPT_TYPE_REGISTER(ckpt_gofer_dir);

int goferfs_restore_dir(struct file *f)
{
    return is_ours(f->inode) && S_ISDIR(f->inode->mode) ? 0 : -EINVAL;
}
