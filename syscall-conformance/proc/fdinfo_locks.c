/* proc_pid_fdinfo(5), proc_locks(5): locks held by a descriptor; those of all, with who waits. */
#include <sys/file.h>
#include <sys/sysmacros.h>

#include "shape.h"

static char of_file[64];

static const char *locks_of(int fd)
{
    static char found[2048];
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    const char *at = strstr(text_of(path), "lock:");
    snprintf(found, sizeof(found), "%s", at ? at : "");
    return found;
}

/* Lines of /proc/locks about our file, without their numbers. */
static const char *system_locks(void)
{
    static char found[2048];

    found[0] = 0;
    for (const char *at = text_of("/proc/locks"); *at;) {
        size_t len = strcspn(at, "\n");
        const char *line = strchr(at, ' ');
        if (memmem(at, len, of_file, strlen(of_file)))
            snprintf(found + strlen(found), sizeof(found) - strlen(found), "%.*s\n",
                     (int)(at + len - line), line);
        at += len + (at[len] == '\n');
    }
    return found;
}

static int lock(int fd, int cmd, int type, off_t start, off_t len)
{
    struct flock l = {.l_type = (short)type, .l_start = start, .l_len = len};

    return fcntl(fd, cmd, &l);
}

int main(void)
{
    enter_scratch();
    int fd = open("f", O_RDWR | O_CREAT, 0600), other = open("f", O_RDWR);
    char want[1024];
    struct stat st;

    fstat(fd, &st);
    snprintf(of_file, sizeof(of_file), " %02x:%02x:%lu ", major(st.st_dev), minor(st.st_dev),
             (unsigned long)st.st_ino);
    ok(!lock(fd, F_SETLK, F_WRLCK, 30, 5) && !lock(fd, F_SETLK, F_WRLCK, 3, 5), "two POSIX locks");
    ok(!flock(fd, LOCK_SH), "flock");
    ok(!lock(fd, F_OFD_SETLK, F_RDLCK, 50, 0), "an OFD lock");
    snprintf(
        want, sizeof(want),
        "lock:\t1: FLOCK  ADVISORY  READ %d%s0 EOF\n"
        "lock:\t2: POSIX  ADVISORY  WRITE %d%s3 7\nlock:\t3: POSIX  ADVISORY  WRITE %d%s30 34\n"
        "lock:\t4: OFDLCK ADVISORY  READ -1%s50 EOF\n",
        getpid(), of_file, getpid(), of_file, getpid(), of_file, of_file);
    is_shape("the descriptor that has the locks", locks_of(fd), want);
    is_shape("another open file", locks_of(other), "");
    lock(fd, F_OFD_SETLK, F_UNLCK, 50, 0);
    lock(fd, F_SETLK, F_UNLCK, 30, 5);
    flock(fd, LOCK_UN);
    pid_t child = fork();
    if (!child) {
        lock(fd, F_SETLKW, F_RDLCK, 0, 0);
        _exit(0);
    }
    snprintf(want, sizeof(want),
             " POSIX  ADVISORY  WRITE %d%s3 7\n -> POSIX  ADVISORY  READ %d%s0 EOF\n", getpid(),
             of_file, child, of_file);
    while (!strstr(system_locks(), "->"))
        usleep(1000);
    is_shape("/proc/locks with a waiter", system_locks(), want);
    lock(fd, F_SETLK, F_UNLCK, 0, 0);
    waitpid(child, NULL, 0);
    is_shape("/proc/locks without them", system_locks(), "");
    done();
}
