/*
 * Where images are. Names of writers under way begin with IMAGE_TMP_PREFIX; a writer holds a lock
 * (flock) on its directory as long as it lives, so that leftovers are told from work in progress.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/image_internal.h"

#define NAME_LONGEST 128
#define TMP_DIGITS 16

static const char name_chars[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@+-";

static char *join(const char *a, const char *b)
{
    char *s;

    return asprintf(&s, "%s/%s", a, b) < 0 ? NULL : s;
}

char *image_data_dir(void)
{
    const char *dir = getenv("NV_DATA_DIR"), *base = getenv("XDG_DATA_HOME"),
               *home = getenv("HOME");

    if (dir && *dir == '/')
        return strdup(dir);
    if (geteuid() == 0)
        return strdup("/var/lib/nv");
    if (base && *base == '/')
        return join(base, "nv");
    return home && *home == '/' ? join(home, ".local/share/nv") : NULL;
}

char *image_store_dir(struct error *e)
{
    const char *dir = getenv("NV_IMAGE_DIR");
    cleanup_free char *data = dir && *dir ? NULL : image_data_dir();
    char *s = dir && *dir ? strdup(dir) : data ? join(data, "images") : NULL;

    if (s)
        return s;
    error_say(e, -ENOENT, "where images are kept is not known: HOME is not set");
    error_hint(e, "set NV_IMAGE_DIR, or give the image as a path with a slash in it");
    return NULL;
}

static bool is_name(const char *name)
{
    size_t n = strlen(name);

    return n && n <= NAME_LONGEST && name[0] != '.' && name[0] != '-' &&
           strspn(name, name_chars) == n;
}

/* What does not exist yet, in a directory that does. Takes path. */
static char *in_resolved_parent(char *path)
{
    char *slash = strrchr(path, '/');
    cleanup_free char *parent = strndup(path, slash > path ? (size_t)(slash - path) : 1);
    cleanup_free char *resolved = slash && parent ? realpath(parent, NULL) : NULL;

    if (!resolved)
        return path;
    char *whole = join(strcmp(resolved, "/") ? resolved : "", slash + 1);
    free(path);
    return whole;
}

char *image_path(const char *name, struct error *e)
{
    cleanup_free char *path = NULL;

    if (strchr(name, '/')) {
        path = strdup(name);
        size_t n = path ? strlen(path) : 0;
        while (n > 1 && path[n - 1] == '/')
            path[--n] = 0;
    } else if (!is_name(name)) {
        error_say(e, -EINVAL, "'%s' cannot be the name of an image", name);
        error_hint(e, "names have letters, digits and . _ : @ + -, at most %d; ./%s is a path",
                   NAME_LONGEST, name);
        return NULL;
    } else {
        cleanup_free char *store = image_store_dir(e);
        if (!store)
            return NULL;
        path = join(store, name);
    }
    if (!path) {
        error_set(e, -ENOMEM, "finding image %s", name);
        return NULL;
    }
    char *resolved = realpath(path, NULL);
    return resolved ? resolved : in_resolved_parent(steal_ptr(&path));
}

char *image_path_new(const char *name, struct error *e)
{
    if (!strchr(name, '/')) {
        cleanup_free char *store = image_store_dir(e);
        if (!store || image_make_dirs(store, e))
            return NULL;
    }
    return image_path(name, e);
}

int image_parent(const char *path, const char **name, struct error *e)
{
    const char *slash = strrchr(path, '/');
    cleanup_free char *dir = NULL;

    *name = slash ? slash + 1 : path;
    if (!**name || !strcmp(*name, ".") || !strcmp(*name, ".."))
        return error_say(e, -EINVAL, "'%s' cannot be an image", path);
    dir = !slash          ? strdup(".")
          : slash == path ? strdup("/")
                          : strndup(path, (size_t)(slash - path));
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return fd >= 0 ? fd : error_set(e, -errno, "directory %s", dir ? dir : path);
}

int image_make_dirs(const char *path, struct error *e)
{
    cleanup_free char *p = strdup(path);

    if (!p)
        return error_set(e, -ENOMEM, "directory %s", path);
    for (char *s = p + 1;; s++) {
        if (*s && *s != '/')
            continue;
        char end = *s;
        *s = 0;
        if (mkdir(p, 0700) && errno != EEXIST)
            return error_set(e, -errno, "creating directory %s", p);
        if (!end)
            return 0;
        *s = end;
    }
}

void image_tmp_name(char name[IMAGE_TMP_NAME])
{
    uint64_t r = 0;

    if (getrandom(&r, sizeof(r), 0) != sizeof(r))
        r = (uint64_t)getpid(); /* whoever uses the name sees if it exists */
    snprintf(name, IMAGE_TMP_NAME, IMAGE_TMP_PREFIX "%0*llx", TMP_DIGITS, (unsigned long long)r);
}

#define IMAGE_ASIDE_PREFIX ".nv-aside."

static bool is_tmp_name(const char *name)
{
    size_t n = sizeof(IMAGE_TMP_PREFIX) - 1;

    return !strncmp(name, IMAGE_TMP_PREFIX, n) && strlen(name + n) == TMP_DIGITS &&
           strspn(name + n, "0123456789abcdef") == TMP_DIGITS;
}

static bool is_image_file(const char *name)
{
    bool known =
        !strcmp(name, IMAGE_MANIFEST) || !strcmp(name, IMAGE_SIGNATURE) || is_tmp_name(name);

    for (int i = 0; i < IMAGE_NPARTS; i++)
        known |= !strcmp(name, image_part_name(i));
    return known;
}

bool image_may_remove(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    bool ok = d != NULL, is_image = false, empty = true;
    const struct dirent *entry;

    if (fd >= 0 && !d)
        close(fd);
    while (ok && (entry = readdir(d))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        empty = false;
        is_image |= !strcmp(entry->d_name, IMAGE_MANIFEST);
        ok = is_image_file(entry->d_name);
    }
    if (d)
        closedir(d);
    return ok && (is_image || empty);
}

void image_dir_remove(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (fd >= 0 && !d)
        close(fd);
    if (!d)
        return;
    image_stamp_forget(fd);
    image_made_forget(fd);
    while ((entry = readdir(d)))
        if (is_image_file(entry->d_name))
            unlinkat(fd, entry->d_name, 0);
    closedir(d);
    /* Files of others in it keep it where it is, under its temporary name. */
    unlinkat(parent, name, AT_REMOVEDIR);
}

int image_aside_name(const char *base, char name[NAME_MAX + 1])
{
    int n = snprintf(name, NAME_MAX + 1, IMAGE_ASIDE_PREFIX "%s", base);

    return n <= NAME_MAX ? 0 : -ENAMETOOLONG;
}

int image_open_aside(const char *path)
{
    char name[NAME_MAX + 1];
    const char *base;
    cleanup_close int parent = image_parent(path, &base, NULL);

    if (parent < 0 || image_aside_name(base, name)) {
        errno = ENOENT;
        return -1;
    }
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Its writer has put the new one in its place, or died before that. */
static void sweep_aside(int parent, const char *name)
{
    const char *base = name + sizeof(IMAGE_ASIDE_PREFIX) - 1;

    if (!faccessat(parent, base, F_OK, AT_SYMLINK_NOFOLLOW))
        image_dir_remove(parent, name);
    else
        renameat(parent, name, parent, base);
}

static void sweep_one(int parent, const char *name)
{
    struct stat st;
    cleanup_close int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && !fstat(fd, &st) && st.st_uid == geteuid() && !flock(fd, LOCK_EX | LOCK_NB))
        image_dir_remove(parent, name);
}

void image_sweep(int parent)
{
    int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (fd >= 0 && !d)
        close(fd);
    if (!d)
        return;
    while ((entry = readdir(d)))
        if (is_tmp_name(entry->d_name))
            sweep_one(parent, entry->d_name);
        else if (!strncmp(entry->d_name, IMAGE_ASIDE_PREFIX, sizeof(IMAGE_ASIDE_PREFIX) - 1))
            sweep_aside(parent, entry->d_name);
    closedir(d);
}

static int is_listed(const struct dirent *d)
{
    return is_name(d->d_name);
}

int image_list(void (*fn)(void *arg, const char *name, const char *path), void *arg,
               struct error *e)
{
    cleanup_free char *store = image_store_dir(e);
    struct dirent **names;

    if (!store)
        return -ENOENT;
    cleanup_close int dir = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return errno == ENOENT ? 0 : error_set(e, -errno, "images in %s", store);
    image_sweep(dir);
    int n = scandirat(dir, ".", &names, is_listed, alphasort);
    if (n < 0)
        return error_set(e, -errno, "images in %s", store);
    for (int i = 0; i < n; i++) {
        cleanup_free char *path = join(store, names[i]->d_name);
        cleanup_free char *file = path ? join(path, IMAGE_MANIFEST) : NULL;
        if (file && !access(file, F_OK))
            fn(arg, names[i]->d_name, path);
        free(names[i]);
    }
    free(names);
    return 0;
}

int image_remove(const char *name, struct error *e)
{
    cleanup_free char *path = image_path(name, e);
    char tmp[IMAGE_TMP_NAME];
    const char *base;

    if (!path)
        return -EINVAL;
    cleanup_close int parent = image_parent(path, &base, e);
    if (parent < 0)
        return parent;
    image_sweep(parent);
    if (faccessat(parent, base, F_OK, AT_SYMLINK_NOFOLLOW))
        return error_set(e, -errno, "image %s", name);
    if (!image_may_remove(parent, base))
        return error_say(e, -EINVAL, "%s is not an image, or has other files in it: not removed",
                         path);
    image_tmp_name(tmp);
    if (renameat(parent, base, parent, tmp)) /* nobody else has that name */
        return error_set(e, -errno, "removing image %s", name);
    image_dir_remove(parent, tmp);
    fsync(parent);
    return 0;
}
