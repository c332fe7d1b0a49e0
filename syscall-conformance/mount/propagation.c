/* Shared subtrees: mounts and unmounts reach peers and slaves, not the other way, not private ones.
 */
#include "mnt.h"

int main(void)
{
    mnt_enter();
    dir("a");
    dir("peer");
    dir("slave");
    dir("private");
    tmpfs_on("a");
    dir("a/x");
    dir("a/y");
    must(mount("a", "private", NULL, MS_BIND, NULL));
    is_eq(mount(NULL, "a", NULL, MS_SHARED, NULL), 0);
    must(mount("a", "peer", NULL, MS_BIND, NULL));
    must(mount("a", "slave", NULL, MS_BIND, NULL));
    is_eq(mount(NULL, "slave", NULL, MS_SLAVE, NULL), 0);
    ok(has_option("peer", "shared:") == 1, "a bind of a shared mount is its peer");
    ok(has_option("slave", "master:") == 1 && has_option("slave", "shared:") == 0, "a slave");
    ok(has_option("private", "shared:") == 0, "what was bound before is private");
    tmpfs_on("a/x");
    touch("a/x/f");
    ok(exists("peer/x/f") && is_mounted("peer/x"), "a mount reaches the peer");
    ok(exists("slave/x/f"), "and the slave");
    ok(!exists("private/x/f"), "and not the private one");
    ok(has_option("a/x", "shared:") == 1, "what is mounted on a shared mount is shared");
    ok(has_option("slave/x", "master:") == 1, "its copy on the slave is a slave");
    tmpfs_on("slave/y");
    ok(!is_mounted("a/y") && !is_mounted("peer/y"), "a slave gives nothing back");
    ok(has_option("slave/y", "shared:") == 0, "and what is mounted on it is private");
    tmpfs_on("peer/y");
    ok(is_mounted("a/y"), "a peer does");
    touch("peer/y/g");
    ok(!exists("slave/y/g"), "what was mounted on a slave stays on top of what comes");
    is_eq(umount2("slave/y", 0), 0);
    ok(exists("slave/y/g"), "and uncovers it");
    is_eq(umount2("a/x", 0), 0);
    ok(!is_mounted("peer/x") && !is_mounted("slave/x"), "an unmount reaches all");
    is_eq(umount2("slave/y", 0), 0);
    ok(is_mounted("a/y") && is_mounted("peer/y"), "one on a slave does not go up");
    is_eq(umount2("peer/y", 0), 0);
    ok(!is_mounted("a/y"), "one on a peer does");
    tmpfs_on("a/x");
    dir("a/x/z");
    tmpfs_on("slave/x/z");
    is_eq(umount2("a/x", 0), 0);
    ok(!is_mounted("peer/x"), "gone from the peer");
    ok(is_mounted("slave/x"), "a copy with a mount on it stays");
    must(umount2("slave/x/z", 0));
    must(umount2("slave/x", 0));
    /* A busy copy keeps the original. */
    tmpfs_on("a/x");
    int fd = must(open("slave/x", O_RDONLY));
    is_errno(umount2("a/x", 0), EBUSY);
    close(fd);
    is_eq(umount2("a/x", 0), 0);
    is_eq(mount(NULL, "slave", NULL, MS_PRIVATE, NULL), 0);
    tmpfs_on("a/x");
    ok(!is_mounted("slave/x"), "a private mount gets nothing more");
    is_eq(umount2("a", MNT_DETACH_), 0);
    ok(is_mounted("peer") && !is_mounted("peer/x"), "what is beneath goes from all, the top alone");
    done();
}
