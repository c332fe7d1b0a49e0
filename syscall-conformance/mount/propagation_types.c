/* Changes of propagation types, and how mountinfo shows them. */
#include "mnt.h"

static int tag(const char *name, const char *kind)
{
    char *l = mnt_line(name), *p = l ? strstr(l, kind) : NULL;

    return p ? atoi(p + strlen(kind)) : 0;
}

int main(void)
{
    mnt_enter();
    dir("a");
    dir("b");
    dir("c");
    dir("d");
    tmpfs_on("a");
    dir("a/s");
    must(mount(NULL, "a", NULL, MS_SHARED, NULL));
    must(mount("a", "b", NULL, MS_BIND, NULL));
    ok(tag("a", "shared:") && tag("a", "shared:") == tag("b", "shared:"), "one group");
    must(mount("a", "c", NULL, MS_BIND, NULL));
    is_eq(mount(NULL, "c", NULL, MS_SLAVE, NULL), 0);
    ok(tag("c", "master:") == tag("a", "shared:"), "its master is that group");
    is_eq(mount(NULL, "c", NULL, MS_SHARED, NULL), 0);
    ok(tag("c", "master:") == tag("a", "shared:") && tag("c", "shared:") &&
           tag("c", "shared:") != tag("a", "shared:"),
       "a slave can have a group of its own");
    must(mount("c", "d", NULL, MS_BIND, NULL));
    ok(tag("d", "shared:") == tag("c", "shared:") && tag("d", "master:") == tag("a", "shared:"),
       "peers of a shared slave are shared slaves");
    tmpfs_on("a/s");
    ok(tag("c/s", "master:") == tag("a/s", "shared:") && tag("c/s", "shared:") &&
           tag("d/s", "shared:") == tag("c/s", "shared:"),
       "copies have the same shape");
    must(umount2("a/s", 0));
    ok(!is_mounted("b/s") && !is_mounted("c/s") && !is_mounted("d/s"), "and go together");
    is_eq(mount(NULL, "b", NULL, MS_SLAVE, NULL), 0);
    is_eq(mount(NULL, "a", NULL, MS_SLAVE, NULL), 0);
    ok(!tag("a", "shared:") && !tag("a", "master:"), "the last of a group has no peer to follow");
    ok(!tag("b", "master:") && !tag("c", "master:"), "and its slaves have no master any more");
    is_eq(mount(NULL, "c", NULL, MS_UNBINDABLE, NULL), 0);
    ok(has_option("c", "unbindable") == 1, "unbindable");
    is_errno(mount("c", "b", NULL, MS_BIND, NULL), EINVAL);
    is_eq(mount(NULL, "c", NULL, MS_SLAVE, NULL), 0);
    ok(has_option("c", "unbindable") == 1, "MS_SLAVE changes nothing of a private mount");
    is_eq(mount(NULL, "c", NULL, MS_PRIVATE, NULL), 0);
    ok(has_option("c", "unbindable") == 0, "private is bindable");
    /* Unbindable mounts are left out of recursive copies. */
    tmpfs_on("a/s");
    dir("e");
    must(mount(NULL, "a/s", NULL, MS_UNBINDABLE, NULL));
    is_eq(mount("a", "e", NULL, MS_BIND | MS_REC, NULL), 0);
    ok(is_mounted("e") && !is_mounted("e/s"), "an unbindable mount is not copied");
    must(mount(NULL, "e", NULL, MS_SHARED, NULL));
    dir("e/t");
    is_errno(mount("a/s", "e/t", NULL, MS_MOVE, NULL), EINVAL);
    is_eq(mount(NULL, "a", NULL, MS_SHARED | MS_REC, NULL), 0);
    ok(tag("a/s", "shared:") && tag("a", "shared:"), "MS_REC: all beneath");
    is_eq(mount(NULL, "a", NULL, MS_PRIVATE | MS_REC, NULL), 0);
    ok(!tag("a/s", "shared:") && !tag("a", "shared:"), "and back");
    done();
}
