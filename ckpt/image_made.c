/*
 * Which images this user made here. Only those may name directories of the host: an image from
 * elsewhere could name any, and have it mounted. Kept by the digest of the manifest, beside the
 * store and not in it, as images are copied about.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ckpt/image_internal.h"

#define MADE "made"

static int made_dir(bool create)
{
    struct stat st;
    cleanup_free char *data = image_data_dir();
    cleanup_free char *path = NULL;

    if (!data || asprintf(&path, "%s/" MADE, data) < 0)
        return -ENOENT;
    if (create && image_make_dirs(path, NULL))
        return -EACCES;
    cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st))
        return -errno;
    return st.st_uid == geteuid() && !(st.st_mode & 022) ? steal_fd(&fd) : -EPERM;
}

static bool name_of(const char *text, size_t len, char hex[SHA256_HEX])
{
    uint8_t digest[SHA256_LEN];

    if (sha256_data(text, len, digest, NULL))
        return false;
    sha256_to_hex(digest, hex);
    return true;
}

void image_made_keep(const char *text, size_t len)
{
    char hex[SHA256_HEX];
    cleanup_close int dir = made_dir(true);

    if (dir < 0 || !name_of(text, len, hex))
        return; /* mounts have to be given again */
    cleanup_close int fd = openat(dir, hex, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    (void)fd;
}

bool image_made_here(const char *text, size_t len)
{
    char hex[SHA256_HEX];
    cleanup_close int dir = made_dir(false);

    return dir >= 0 && name_of(text, len, hex) && !faccessat(dir, hex, F_OK, AT_SYMLINK_NOFOLLOW);
}

void image_made_forget(int image_dir)
{
    char hex[SHA256_HEX];
    struct stat st;
    cleanup_close int dir = made_dir(false);
    cleanup_close int fd =
        openat(image_dir, IMAGE_MANIFEST, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (dir < 0 || fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < 1 ||
        st.st_size > (off_t)MANIFEST_MAX)
        return;
    size_t len = (size_t)st.st_size;
    cleanup_free char *text = malloc(len);
    if (text && read(fd, text, len) == st.st_size && name_of(text, len, hex))
        unlinkat(dir, hex, 0);
}
