/* openat2(2): which flags, modes and resolve bits go together; sizes of the structure; what each
 * RESOLVE_* lets through. */
#include "../rows.h"
#include <linux/openat2.h>
#include <sys/mman.h>

static int o2(int fd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    int r = (int)syscall(SYS_openat2, fd, path, &how, sizeof(how));

    if (r < 0)
        return errno;
    close(r);
    return 0;
}

static void resolve(int d)
{
    static const char *const paths[] = {"f",
                                        "none",
                                        "..",
                                        "../f",
                                        "../d/f",
                                        "s/..",
                                        "s/../f",
                                        "s/../..",
                                        "s/../../f",
                                        "up",
                                        "here",
                                        "root",
                                        "absf",
                                        "cwd",
                                        "through",
                                        "past",
                                        "fd0",
                                        "s/back",
                                        "s/back/f",
                                        "s/back/../f",
                                        "abs",
                                        "/",
                                        "/f",
                                        "/..",
                                        "/../f",
                                        ".",
                                        "",
                                        "./f",
                                        "f/",
                                        "s/",
                                        "here/",
                                        "/proc/self/fd/0",
                                        "/proc/self/exe",
                                        "/proc/self",
                                        "/proc/self/ns/mnt",
                                        "/dev/null"};
    for (unsigned int r = 0; r < 32; r++) {
        row_add("resolve %x:", r);
        for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
            row_add(" %s=%s", paths[i], err_name(o2(d, paths[i], O_RDONLY, 0, r)));
        row_end();
        row_add("resolve %x, path, nofollow:", r);
        for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
            row_add(" %s=%s", paths[i], err_name(o2(d, paths[i], O_PATH | O_NOFOLLOW, 0, r)));
        row_end();
        row_add("resolve %x, create:", r);
        static const char *const make[] = {"n",    "../n",   "s/../n", "s/../../n", "/n",      "up",
                                           "here", "root/n", "absf",   "past",      "s/back/n"};
        for (size_t i = 0; i < sizeof(make) / sizeof(*make); i++) {
            row_add(" %s=%s", make[i], err_name(o2(d, make[i], O_CREAT | O_RDWR, 0600, r)));
            row_add("%s%s", exists("d/n") ? "+d/n" : "", exists("n") ? "+n" : "");
            unlink("d/n");
            unlink("n");
            unlink("/n");
        }
        row_end();
    }
}

static void each_bit(void)
{
    row_add("each flag:");
    for (int bit = 0; bit < 64; bit++)
        row_add(" %d=%s", bit, err_name(o2(AT_FDCWD, "f", 1ULL << bit, 0, 0)));
    row_end();
    row_add("each flag with path:");
    for (int bit = 0; bit < 64; bit++)
        row_add(" %d=%s", bit, err_name(o2(AT_FDCWD, "f", O_PATH | 1ULL << bit, 0, 0)));
    row_end();
    row_add("each flag with create:");
    for (int bit = 0; bit < 64; bit++)
        row_add(" %d=%s", bit,
                err_name(o2(AT_FDCWD, "f", O_CREAT | O_RDWR | 1ULL << bit, 0644, 0)));
    row_end();
    row_add("each flag with tmpfile:");
    for (int bit = 0; bit < 64; bit++)
        row_add(" %d=%s", bit,
                err_name(o2(AT_FDCWD, ".", O_TMPFILE | O_RDWR | 1ULL << bit, 0644, 0)));
    row_end();
    row_add("each bit of mode:");
    for (int bit = 0; bit < 64; bit++)
        row_add(" %d=%s/%s/%s", bit, err_name(o2(AT_FDCWD, "f", O_RDONLY, 1ULL << bit, 0)),
                err_name(o2(AT_FDCWD, "f", O_RDWR | O_CREAT, 1ULL << bit, 0)),
                err_name(o2(AT_FDCWD, ".", O_RDWR | O_TMPFILE, 1ULL << bit, 0)));
    row_end();
    row_add("each bit of resolve:");
    for (int bit = 0; bit < 64; bit++)
        if (bit != 5) /* RESOLVE_CACHED */
            row_add(" %d=%s", bit, err_name(o2(AT_FDCWD, "f", O_RDONLY, 0, 1ULL << bit)));
    row_end();
}

static void sizes_of_how(void)
{
    row_add("sizes:");
    static const size_t sizes[] = {0, 1, 8, 16, 23, 24, 25, 32, 100, 4095, 4096, 4097, 1 << 20, -1};
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct open_how zero = {0};
        memset(page, 0, 8192);
        memcpy(page, &zero, sizeof(zero));
        row_add(" %s", says(close((int)syscall(SYS_openat2, AT_FDCWD, "f", page, sizes[i]))));
        page[30] = 1;
        row_add("/%s", says(close((int)syscall(SYS_openat2, AT_FDCWD, "f", page, sizes[i]))));
        row_add("/%s", says(syscall(SYS_openat2, AT_FDCWD, "none", page, sizes[i])));
        row_add("/%s", says(syscall(SYS_openat2, AT_FDCWD, "none", BAD_PTR, sizes[i])));
    }
    row_end();
    must(mprotect(page + 4096, 4096, PROT_NONE));
    memset(page, 0, 4096);
    row_add("end of memory: %s", says(syscall(SYS_openat2, AT_FDCWD, "f", page + 4096 - 24, 32)));
    page[4090] = 1;
    row_add(" %s", says(syscall(SYS_openat2, AT_FDCWD, "f", page + 4096 - 32, 40)));
    row_end();
}

int main(void)
{
    tmp_enter();
    touch("f");
    must(mkdir("d", 0755));
    touch("d/f");
    must(mkdir("d/s", 0755));
    must(symlink("../f", "d/up"));
    must(symlink("f", "d/here"));
    must(symlink("/", "d/root"));
    must(symlink("/f", "d/absf"));
    must(symlink("/proc/self/cwd", "d/cwd"));
    must(symlink("s/../f", "d/through"));
    must(symlink("s/../../f", "d/past"));
    must(symlink("/proc/self/fd/0", "d/fd0"));
    must(symlink("..", "d/s/back"));
    char abs[PATH_MAX + 8];
    snprintf(abs, sizeof(abs), "%s/d/f", tmp_path);
    must(symlink(abs, "d/abs"));
    int d = (int)must(open("d", O_RDONLY | O_DIRECTORY));
    resolve(d);
    each_bit();
    row_add("both:");
    row_add(" %s", err_name(o2(AT_FDCWD, "f", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT)));
    row_add(" %s", err_name(o2(999, "f", O_RDONLY, 0, RESOLVE_BENEATH)));
    row_add(" %s", err_name(o2(999, "/f", O_RDONLY, 0, RESOLVE_BENEATH)));
    row_add(" %s", err_name(o2(999, "/f", O_RDONLY, 0, RESOLVE_IN_ROOT)));
    row_add(" %s", err_name(o2(AT_FDCWD, "/f", O_RDONLY, 0, RESOLVE_IN_ROOT)));
    row_add(" %s", err_name(o2(AT_FDCWD, "f", O_RDONLY | O_CREAT, 0600, 0x20)));
    row_add(" %s", err_name(o2(AT_FDCWD, "f", O_RDWR | O_TRUNC, 0, 0x20)));
    row_add(" %s", err_name(o2(AT_FDCWD, ".", O_RDWR | O_TMPFILE, 0600, 0x20)));
    row_end();
    int cached = -1; /* a name that has been looked up is found */
    struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_CACHED};
    close((int)must(open("d/f", O_RDONLY)));
    ok((cached = (int)syscall(SYS_openat2, AT_FDCWD, "d/f", &how, sizeof(how))) >= 0,
       "a cached name with RESOLVE_CACHED");
    close(cached);
    sizes_of_how();
    done();
}
