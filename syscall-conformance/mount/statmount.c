/* statmount(2), listmount(2). */
#include "mnt.h"

#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif

struct req {
    uint32_t size, spare;
    uint64_t id, param, ns;
};
struct sm {
    uint32_t size, opts;
    uint64_t mask;
    uint32_t major, minor;
    uint64_t magic;
    uint32_t flags, fs_type;
    uint64_t id, parent;
    uint32_t old_id, old_parent;
    uint64_t attr, propagation, group, master, from;
    uint32_t root, point;
    uint64_t ns, spare[49];
    char str[4096];
};

static struct sm s;

static long list(uint64_t id, uint64_t last, uint64_t *v, size_t n, unsigned flags)
{
    struct req r = {.size = 24, .id = id, .param = last};

    return syscall(SYS_listmount, &r, v, n, flags);
}

static int stat_(uint64_t id, uint64_t mask, size_t size)
{
    struct req r = {.size = 24, .id = id, .param = mask};

    memset(&s, 0xff, sizeof(s));
    return (int)syscall(SYS_statmount, &r, &s, size, 0);
}

static uint64_t id_of(const char *name)
{
    struct statx x;

    must(statx(AT_FDCWD, name, 0, 0x4000 /* STATX_MNT_ID_UNIQUE */, &x));
    return x.stx_mnt_id;
}

int main(void)
{
    uint64_t v[64];

    mnt_enter();
    dir("a");
    must(mount("x", "a", "tmpfs", MS_NODEV | MS_NOATIME, "size=8k"));
    dir("a/1");
    dir("a/2");
    dir("a/1/3");
    tmpfs_on("a/1");
    tmpfs_on("a/2");
    dir("a/1/3");
    tmpfs_on("a/1/3");
    must(mount(NULL, "a", NULL, MS_SHARED, NULL));
    uint64_t id = id_of("a");
    is_eq(list(id, 0, v, 64, 0), 3);
    ok(v[0] == id_of("a/1") && v[1] == id_of("a/2") && v[2] == id_of("a/1/3"),
       "all beneath, by age");
    is_eq(list(id, 0, v, 2, 0), 2);
    is_eq(list(id, v[1], v, 64, 0), 1);
    ok(v[0] == id_of("a/1/3"), "those after one");
    is_eq(list(id_of("a/2"), 0, v, 64, 0), 0);
    is_eq(list(id, 0, v, 64, 1), 3);
    ok(v[0] == id_of("a/1/3") && v[2] == id_of("a/1"), "backwards");
    is_errno(list(id, 0, v, 64, 2), EINVAL);
    is_errno(list(1, 0, v, 64, 0), EINVAL);
    is_errno(list(id + 100000, 0, v, 64, 0), ENOENT);
    is_errno(list(id, 0, v, 1000001, 0), EOVERFLOW);
    struct req r = {.size = 8, .id = id};
    is_errno(syscall(SYS_listmount, &r, v, 64, 0), EINVAL);
    r.size = 5000;
    is_errno(syscall(SYS_listmount, &r, v, 64, 0), E2BIG);
    is_errno(syscall(SYS_listmount, BAD_PTR, v, 64, 0), EFAULT);
    is_eq(stat_(id, 0x3, sizeof(s)), 0);
    is_eq(s.mask, 3);
    is_eq(s.size, 512);
    is_eq(s.magic, 0x01021994);
    ok(s.id == id && s.parent == id_of("."), "ids");
    is_eq(s.attr, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME);
    is_eq(s.propagation, MS_SHARED);
    ok(s.group && !s.master, "a group");
    is_eq(stat_(id, 0x38, sizeof(s)), 0);
    is_eq(s.mask, 0x38);
    ok(!strcmp(s.str + s.fs_type, "tmpfs"), "fs_type");
    ok(!strcmp(s.str + s.root, "/"), "mnt_root");
    ok(!strncmp(s.str + s.point, tmp_path, strlen(tmp_path)) &&
           !strcmp(s.str + s.point + strlen(tmp_path), "/a"),
       "mnt_point");
    is_errno(stat_(id, 0x38, 512), EOVERFLOW);
    is_eq(stat_(id, 3, 8), 0);
    is_errno(stat_(id + 100000, 3, sizeof(s)), ENOENT);
    is_errno(stat_(1, 3, sizeof(s)), EINVAL);
    r = (struct req){.size = 24, .id = id, .spare = 77};
    is_errno(syscall(SYS_statmount, &r, &s, sizeof(s), 1), EINVAL);
    done();
}
