/*
 * See perfmap.h. perf finds the stub, a file without a name, by its build ID (perf record
 * --buildid-mmap) in a cache in the home directory, and code without a file in /tmp/perf-PID.map,
 * with the host's number of the process: in the process's own mount namespace first, whose root is
 * empty, then in perf's.
 */
#include "runsc-cli/perfmap.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "platform/trap/stub_image.h"
#include "runsc-cli/pagemap.h"

#define FILES_MAX 4096U
#define LINE_MAX_LEN 256

/* The stub's build ID in hexadecimal digits, or NULL. */
static const char *build_id(char text[64])
{
    const Elf64_Ehdr *eh = (const void *)stub_image;
    const Elf64_Phdr *ph = (const void *)(stub_image + eh->e_phoff);

    for (int i = 0; i < eh->e_phnum; i++) {
        const Elf64_Nhdr *note = (const void *)(stub_image + ph[i].p_offset);
        const unsigned char *id = (const unsigned char *)(note + 1) + 4; /* "GNU" */
        if (ph[i].p_type != PT_NOTE || note->n_type != NT_GNU_BUILD_ID || note->n_descsz > 31)
            continue;
        for (unsigned int k = 0; k < note->n_descsz; k++)
            snprintf(text + 2 * k, 3, "%02x", id[k]);
        return text;
    }
    return NULL;
}

static int make_dirs(char *path)
{
    for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = 0;
        int r = mkdir(path, 0755);
        *p = '/';
        if (r && errno != EEXIST)
            return -errno;
    }
    return 0;
}

int perfmap_start(struct error *e)
{
    char id[64], path[4096];
    const char *home = getenv("HOME");

    if (!home || !*home || !build_id(id)) {
        error_set(e, -ENOENT, "--perf-map: no place for the stub's symbols");
        error_hint(e, "set HOME to where perf keeps its cache, .debug");
        return -ENOENT;
    }
    snprintf(path, sizeof(path), "%s/.debug/.build-id/%.2s/%s/elf", home, id, id + 2);
    int err = make_dirs(path);
    cleanup_close int fd = err ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (!err && fd < 0)
        err = -errno;
    if (!err && write(fd, stub_image, stub_image_size) != (ssize_t)stub_image_size)
        err = -EIO;
    return err ? error_set(e, err, "--perf-map: %s", path) : 0;
}

/* Processes whose files we have begun, by the numbers that the sentry has for them. */
static struct begun {
    int number;
    pid_t pid;
} begun[FILES_MAX];
static unsigned int nbegun;

/* A process may be gone before its last lines are read: then it is known from earlier ones. */
static pid_t pid_of(int number)
{
    for (unsigned int i = 0; i < MIN(nbegun, FILES_MAX); i++)
        if (begun[i].number == number)
            return begun[i].pid;
    return 0;
}

/* A file of an earlier process with this number is not added to. */
static bool is_first(int number, pid_t pid)
{
    if (pid_of(number) == pid)
        return false;
    for (unsigned int i = 0; i < MIN(nbegun, FILES_MAX); i++)
        if (begun[i].number == number)
            begun[i].number = 0; /* it has another by now */
    begun[nbegun++ % FILES_MAX] = (struct begun){number, pid};
    return true;
}

/* /tmp is everybody's: only a plain file of our own is written to. */
static int open_map(int number, pid_t pid)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/tmp/perf-%d.map", pid);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
    if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
                    (is_first(number, pid) && ftruncate(fd, 0)))) {
        close(fd);
        return -1;
    }
    return fd;
}

void perfmap_add(pid_t sentry, int pidfd, int number, const char *line, size_t len)
{
    char copy[LINE_MAX_LEN];
    cleanup_close int from = pidfd;
    pid_t pid = stub_pid(sentry, from);

    if (pid <= 0)
        pid = pid_of(number);
    cleanup_close int fd = pid > 0 && len < sizeof(copy) ? open_map(number, pid) : -1;

    if (fd < 0)
        return;
    for (size_t i = 0; i < len; i++)
        copy[i] = isprint((unsigned char)line[i]) ? line[i] : '?';
    copy[len] = '\n';
    if (write(fd, copy, len + 1) < 0)
        return; /* a full disk: the names are missing */
}
