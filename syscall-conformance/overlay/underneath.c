/* Layers that change while an overlay is mounted give any answer, but an answer. */
#include "ovl.h"

static void poke(void)
{
    struct stat st;

    (void)!stat("m/d/f", &st);
    close(open("m/d/f", O_RDWR));
    close(open("m/d/new", O_CREAT | O_RDWR, 0600));
    (void)!rename("m/d/f", "m/d/g");
    (void)!rename("m/g", "m/d/h");
    (void)!unlink("m/d/f");
    (void)!rmdir("m/e");
    (void)!mkdir("m/e", 0700);
    (void)!link("m/d/g", "m/d/l");
    (void)!chmod("m/d", 0711);
    names_in("m");
    names_in("m/d");
}

int main(void)
{
    layers();
    dir("a/d");
    put("a/d/f", "f");
    dir("a/e");
    put("a/g", "g");
    must(overlay("lowerdir=a:b,redirect_dir=on" UPPER));
    poke();
    must(rename("u/d", "u/elsewhere"));
    poke();
    (void)!rename("u/elsewhere", "w/work/d");
    poke();
    must(rename("a/d", "b/d"));
    poke();
    (void)!rmdir("w/work");
    poke();
    must(rename("u", "c/u"));
    poke();
    must(rename("a", "c/u/a"));
    poke();
    lists("c", "u");
    gone();
    dir("u2");
    dir("t");
    tmpfs_on("t");
    dir("t/u");
    dir("t/w");
    must(mount("o", "m", "overlay", 0, "lowerdir=b,upperdir=t/u,workdir=t/w"));
    is_eq(umount2("t", MNT_DETACH_), 0);
    put("m/after", "x");
    ok(content_is("m/after", "x"), "an upper layer that nothing else shows works on");
    gone();
    must(mount("o", "m", "overlay", 0, "lowerdir=b:c"));
    is_eq(mount("o", "m", "overlay", 0, "lowerdir=m:u2"), 0); /* on itself */
    lists("m", "d u");
    gone();
    gone();
    done();
}
