/*
 * Path walking: a small program makes trees on tmpfs, mounts, moves and removes things and walks
 * through them by any name. A walk's steps are bounded, what RESOLVE_BENEATH and RESOLVE_IN_ROOT
 * give is beneath where they began, the name of what is reached leads there again, and when all is
 * closed nothing is left of it: no inode, dentry, mount or superblock.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/mount.h>

#include "platform/platform.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/kernel/syscall.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm.h"
#include "sentry/vfs/inode.c"
#include "sentry/vfs/mount.h"
#include "tests/fuzz/fuzz.h"

#define BASE 0x100000UL
#define NAME_ROOM 8192
#define MEMORY (3 * NAME_ROOM)
#define FIRST BASE
#define SECOND (BASE + NAME_ROOM)
#define OTHER (BASE + 2 * NAME_ROOM)
#define FDS 16
#define OPS_MAX 200
#define MOUNTS_ENOUGH 64 /* what is shared doubles them with every call */
/* Each of 40 symlinks may give a name as long as the first, of components with one letter. */
#define STEPS_MAX (41 * PATH_MAX_LEN / 2)

#include "tests/fuzz/guest_memory.h"

static struct task task;
static struct thread_group group;
static struct mm mm;
static struct cred *root_cred, *user_cred;

/* --- file systems that are watched --- */
static struct super_ops watched;
static unsigned long steps, supers;
static bool checking;

/*
 * Names get stale, as those of a directory that others change. A directory has two dentries then,
 * and no rename(2) can see by them that it would move into itself: where names of directories get
 * stale it is the server who refuses that, and tmpfs has none.
 */
static enum { FORGETS_NOTHING, FORGETS_FILES, FORGETS_ALL, FORGETS } forgets;

static int step(struct task *t, struct dentry *d)
{
    steps++;
    bool may = forgets == FORGETS_ALL ||
               (forgets == FORGETS_FILES && d->inode && !S_ISDIR(d->inode->mode));
    return !may || checking || steps % 7;
}

static void put_watched(struct superblock *sb)
{
    REQUIRE(!TMPFS_S(sb)->inodes && !TMPFS_S(sb)->pages);
    supers--;
    tmpfs_super_ops.put_super(sb);
}

static void watch(struct superblock *sb)
{
    if (sb->ops != &tmpfs_super_ops)
        return;
    supers++;
    sb->ops = &watched;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct superblock *sb;

    platform = &fake;
    for (int i = 0; i < RLIM_NLIMITS; i++)
        group.rlim[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    group.rlim[RLIMIT_NOFILE].rlim_cur = FDS;
    group.tgid = task.tid = 1;
    group.leader = &task;
    task.tg = &group;
    task.mm = &mm;
    root_cred = cred_new(0, 0);
    user_cred = cred_new(1000, 1000);
    watched = tmpfs_super_ops;
    watched.revalidate = step;
    watched.put_super = put_watched;
    REQUIRE(root_cred && user_cred);
    REQUIRE(!tmpfs_new(0, 0, 0755, &sb) && !mount_ns_init(sb, 0));
    return 0;
}

/* A namespace of its own with nothing but an empty tmpfs. */
static void begin(void)
{
    struct superblock *sb;

    REQUIRE(!tmpfs_new(1 << 20, 1000, 01777, &sb));
    watch(sb);
    struct mount *m = mount_new(sb, sb->root, 0);
    task.mnt_ns = mount_ns_new(false);
    REQUIRE(m && task.mnt_ns);
    super_put(sb);
    task.mnt_ns->root = m;
    mount_ns_add_tree(task.mnt_ns, m);
    struct path root = {m, m->root};
    task.fs = fs_context_new(&root);
    task.fds = fdtable_new();
    task.cred = root_cred;
    REQUIRE(task.fs && task.fds);
}

static void end(unsigned int cached)
{
    task.cred = root_cred;
    fdtable_put(task.fds);
    fs_context_put(task.fs);
    mount_ns_put(task.mnt_ns);
    task.fds = NULL;
    task.fs = NULL;
    task.mnt_ns = NULL;
    REQUIRE(!supers && table.n == cached && !nunused && list_empty(&unused));
    REQUIRE(!rename_busy && !task.walk);
}

/* --- names --- */
static const char *const names[] = {"a", "b", "c", "d", "e", "f", "..", ".", "..", ""};

/* Components, some many times; slashes, one or more; what is longer than allowed as well. */
static uint64_t take_name(struct input *in, uint64_t addr)
{
    char *s = memory + (addr - BASE), *at = s, *last = s + NAME_ROOM - 300;
    uint8_t head = take_u8(in);
    int n = head % 8;

    if (head & 64)
        *at++ = '/';
    while (n-- > 0 && at < last) {
        uint8_t how = take_u8(in);
        unsigned int kind = how % 16, times = 1;
        size_t len;
        char one[300];
        if (kind < ARRAY_SIZE(names)) {
            snprintf(one, sizeof(one), "%s", names[kind]);
        } else if (kind < 12) {
            snprintf(one, sizeof(one), "%s%c", kind == 10 ? "f" : "", 'a' + take_u8(in) % 26);
        } else if (kind < 14) { /* as long as a name may be, and longer */
            memset(one, 'x', 256);
            one[kind == 12 ? 255 : 256] = 0;
        } else {
            snprintf(one, sizeof(one), "%s", names[take_u8(in) % ARRAY_SIZE(names)]);
            times = 1U << take_u8(in) % 12;
        }
        len = strlen(one);
        for (; times && at < last; times--) {
            memcpy(at, one, len);
            at += len;
            *at++ = '/';
            if (how & 128)
                *at++ = '/';
        }
    }
    while (!(head & 128) && at > s + 1 && at[-1] == '/')
        at--;
    *at = 0;
    return addr;
}

/* --- what must be true of what was reached --- */
static bool is_covered(const struct path *p)
{
    return p->dentry->mounted && mount_at(p->mnt, p->dentry);
}

/* Has it a name beneath the root that leads to it: nothing removed, forgotten or covered? */
static bool can_be_named(const struct path *p)
{
    struct path at = *p;

    if (is_covered(p) || (p->dentry != p->mnt->root && !p->dentry->hashed))
        return false;
    while (at.mnt != task.fs->root.mnt || at.dentry != task.fs->root.dentry) {
        if (at.dentry == at.mnt->root) {
            if (!at.mnt->parent || mount_at(at.mnt->parent, at.mnt->mountpoint) != at.mnt)
                return false;
            at = (struct path){at.mnt->parent, at.mnt->mountpoint};
            /* Who begins at the root is beneath what is mounted on it. */
            if (at.mnt == task.fs->root.mnt && at.dentry == task.fs->root.dentry)
                return false;
            continue;
        }
        if (at.dentry->parent == at.dentry || !at.dentry->hashed)
            return false;
        at = (struct path){at.mnt, at.dentry->parent};
        bool is_root = at.mnt == task.fs->root.mnt && at.dentry == task.fs->root.dentry;
        if (!is_root && is_covered(&at))
            return false;
    }
    return true;
}

static void check_path(const struct path *p)
{
    struct path again = {0};
    struct cred *was = task.cred;
    char *s = NULL;
    bool seen;

    REQUIRE(p->mnt->refs && p->dentry->refs && p->dentry->inode && p->dentry->inode->refs);
    int err = vfs_path_seen(&task.fs->root, p, &s, &seen);
    REQUIRE(!err || err == -ENAMETOOLONG);
    if (!err && seen && can_be_named(p)) {
        checking = true;
        task.cred = root_cred;
        err = vfs_walk(&task, AT_FDCWD, s, WALK_NOFOLLOW, &again);
        task.cred = was;
        checking = false;
        REQUIRE(!err && again.mnt == p->mnt && again.dentry == p->dentry);
        path_put(&again);
    }
    free(s);
}

static void check_all(void)
{
    check_path(&task.fs->cwd);
    for (int fd = 0; fd < FDS; fd++) {
        struct file *f = fd_get_path_ok(&task, fd);
        if (f && f->path.mnt && !path_is_anon(&f->path) && f->path.dentry->parent)
            check_path(&f->path);
        if (f)
            file_put(f);
    }
}

static void check_walk(struct input *in, int dirfd)
{
    static const unsigned int limits[] = {
        0, WALK_BENEATH, WALK_IN_ROOT, WALK_NO_XDEV, WALK_NO_SYMLINKS, WALK_CACHED, WALK_NOFOLLOW,
        0};
    uint8_t how = take_u8(in);
    unsigned int flags = limits[how % 8] | (how & 8 ? WALK_EMPTY_PATH : 0) |
                         (how & 16 ? WALK_MOUNTPOINT : 0) | (how & 32 ? WALK_NO_XDEV : 0);
    struct path start = {0}, p = {0};
    const char *name = memory + (take_name(in, FIRST) - BASE);

    if (dirfd == AT_FDCWD)
        start = path_get(&task.fs->cwd);
    else if (fd_path(&task, dirfd, &start))
        return;
    steps = 0;
    int err = vfs_walk_from(&task, &start, name, flags, &p);
    REQUIRE(steps <= STEPS_MAX);
    if (!err) {
        if (flags & (WALK_BENEATH | WALK_IN_ROOT))
            REQUIRE(path_is_beneath(&p, &start));
        check_path(&p);
    }
    path_put(&p);
    path_put(&start);
}

/* --- the program --- */
enum op {
    OP_MKDIR,
    OP_MKNOD,
    OP_SYMLINK,
    OP_LINK,
    OP_UNLINK,
    OP_RENAME,
    OP_OPEN,
    OP_OPENAT2,
    OP_CLOSE,
    OP_CHDIR,
    OP_CHROOT,
    OP_MOUNT,
    OP_BIND,
    OP_UMOUNT,
    OP_PIVOT,
    OP_MODE,
    OP_STAT,
    OP_READLINK,
    OP_WALK,
    OP_DEEP,
    OPS
};

static long call(syscall_fn *fn, struct sysargs a)
{
    steps = 0;
    long r = fn(&task, &a);
    REQUIRE(steps <= 2 * STEPS_MAX); /* of two names at most */
    REQUIRE(!task.walk);
    return r;
}
#define CALL(fn, ...) call(fn, (struct sysargs){.arg = {__VA_ARGS__}})

static void do_open(struct input *in, unsigned long dirfd, bool how2)
{
    static const int kinds[] = {
        O_RDONLY,           O_PATH,           O_PATH | O_NOFOLLOW, O_DIRECTORY,
        O_CREAT | O_WRONLY, O_CREAT | O_EXCL, O_RDWR | O_TRUNC,    O_TMPFILE | O_RDWR};
    uint8_t k = take_u8(in);
    int flags = kinds[k % 8] | (k & 8 ? O_NOFOLLOW : 0) | (k & 16 ? O_DIRECTORY : 0);

    if (!(flags & O_PATH))
        flags |= O_NONBLOCK;
    struct open_how how = {.flags = (unsigned int)flags, .resolve = how2 ? take_u8(in) % 64 : 0};
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE)
        how.mode = take_u8(in) & 0777;
    uint64_t name = take_name(in, FIRST);
    memcpy(memory + (OTHER - BASE), &how, sizeof(how));
    struct path start = {0};
    bool scoped = how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT);
    if (scoped && (int)dirfd == AT_FDCWD)
        start = path_get(&task.fs->cwd);
    else if (scoped && fd_path(&task, (int)dirfd, &start))
        return;
    long fd = how2 ? CALL(sys_openat2, dirfd, name, OTHER, sizeof(how))
                   : CALL(sys_openat, dirfd, name, (unsigned int)flags, how.mode);
    struct file *f = fd >= 0 ? fd_get_path_ok(&task, (int)fd) : NULL;
    REQUIRE(fd < 0 || f);
    if (f && scoped && (flags & O_TMPFILE) != O_TMPFILE)
        REQUIRE(path_is_beneath(&f->path, &start));
    if (f)
        file_put(f);
    path_put(&start);
}

static void do_mount(struct input *in, enum op op)
{
    static const unsigned long types[] = {MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE};
    uint8_t k = take_u8(in);
    uint64_t at = take_name(in, FIRST), type = OTHER;
    unsigned int n = 0;
    struct mount *m;

    list_for_each(m, &task.mnt_ns->mounts, node)
        n++;
    if (op != OP_UMOUNT && n > MOUNTS_ENOUGH)
        return;
    if (op == OP_UMOUNT) {
        CALL(sys_umount2, at, k & 3 ? MNT_DETACH : 0);
    } else if (op == OP_PIVOT) {
        CALL(sys_pivot_root, at, take_name(in, SECOND));
    } else if (op == OP_BIND) {
        uint64_t from = take_name(in, SECOND);
        CALL(sys_mount, from, at, 0, (k & 7 ? MS_BIND : MS_MOVE) | (k & 8 ? MS_REC : 0));
    } else if (k % 4 == 0) {
        CALL(sys_mount, 0, at, 0, types[k / 4 % 4] | (k & 16 ? MS_REC : 0));
    } else {
        memcpy(memory + (type - BASE), "tmpfs", sizeof("tmpfs"));
        CALL(sys_mount, 0, at, type, k & 32 ? MS_NOSYMFOLLOW : 0, 0);
        list_for_each(m, &task.mnt_ns->mounts, node)
            watch(m->sb);
    }
}

/* A directory in a directory in a directory. */
static void do_deep(struct input *in)
{
    int n = take_u8(in);
    uint64_t name = take_name(in, FIRST);

    while (n-- && !CALL(sys_mkdir, name, 0777) && !CALL(sys_chdir, name))
        ;
}

static void run(struct input *in)
{
    enum op op = take_u8(in) % OPS;
    uint8_t k = take_u8(in);
    unsigned long dirfd = k & 1 ? k / 2 % FDS : (unsigned long)AT_FDCWD;

    switch (op) {
    case OP_MKDIR:
        CALL(sys_mkdirat, dirfd, take_name(in, FIRST), k & 128 ? 0700 : 0777);
        break;
    case OP_MKNOD:
        CALL(sys_mknodat, dirfd, take_name(in, FIRST), (k & 64 ? S_IFIFO : S_IFREG) | 0666);
        break;
    case OP_SYMLINK: {
        uint64_t target = take_name(in, FIRST);
        CALL(sys_symlinkat, target, dirfd, take_name(in, SECOND));
        break;
    }
    case OP_LINK: {
        uint64_t old = take_name(in, FIRST);
        CALL(sys_linkat, dirfd, old, take_u8(in) % FDS, take_name(in, SECOND),
             k & 64    ? AT_SYMLINK_FOLLOW
             : k & 128 ? AT_EMPTY_PATH
                       : 0);
        break;
    }
    case OP_UNLINK:
        CALL(sys_unlinkat, dirfd, take_name(in, FIRST), k & 64 ? AT_REMOVEDIR : 0);
        break;
    case OP_RENAME: {
        uint64_t old = take_name(in, FIRST), new = take_name(in, SECOND);
        uint8_t how = take_u8(in);
        if (forgets == FORGETS_ALL)
            break;
        CALL(sys_renameat2, dirfd, old, how & 8 ? dirfd : (unsigned long)AT_FDCWD, new, how % 8);
        break;
    }
    case OP_OPEN:
    case OP_OPENAT2:
        do_open(in, dirfd, op == OP_OPENAT2);
        break;
    case OP_CLOSE:
        CALL(sys_close, dirfd);
        break;
    case OP_CHDIR:
        if (k & 1)
            CALL(sys_fchdir, dirfd);
        else
            CALL(sys_chdir, take_name(in, FIRST));
        break;
    case OP_CHROOT:
        CALL(sys_chroot, take_name(in, FIRST));
        break;
    case OP_MOUNT:
    case OP_BIND:
    case OP_UMOUNT:
    case OP_PIVOT:
        do_mount(in, op);
        break;
    case OP_MODE: /* of a file, or whose the next calls are */
        if (k & 64)
            task.cred = k & 128 ? user_cred : root_cred;
        else
            CALL(sys_fchmodat, dirfd, take_name(in, FIRST), take_u8(in));
        break;
    case OP_STAT:
        CALL(sys_newfstatat, dirfd, take_name(in, FIRST), OTHER, k & 64 ? AT_SYMLINK_NOFOLLOW : 0);
        CALL(sys_getcwd, OTHER, NAME_ROOM);
        break;
    case OP_READLINK:
        CALL(sys_readlinkat, dirfd, take_name(in, FIRST), OTHER, NAME_ROOM);
        break;
    case OP_WALK:
        check_walk(in, (int)dirfd);
        break;
    case OP_DEEP:
        do_deep(in);
        break;
    case OPS:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned int cached = table.n;

    forgets = take_u8(&in) % FORGETS;
    begin();
    for (int i = 0; i < OPS_MAX && in.left; i++)
        run(&in);
    check_all();
    end(cached);
    return 0;
}
