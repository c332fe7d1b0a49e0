/* fifo(7): opening for reading waits for a writer and the other way round; O_NONBLOCK opens for
 * reading at once and fails with ENXIO for writing; O_RDWR never waits. */
#include "../signal/sig.h"

int main(void)
{
    pid_t parent = getpid(), pid;
    int fd, status;
    struct stat st;
    char c = 0;

    enter_scratch();
    umask(022);
    is_eq(mkfifo("f", 0666), 0);
    is_errno(mkfifo("f", 0666), EEXIST);
    is_errno(mkfifo("none/f", 0666), ENOENT);
    ok(stat("f", &st) == 0 && S_ISFIFO(st.st_mode) && (st.st_mode & 07777) == 0644, "mode, umask");
    is_eq(mknod("g", S_IFIFO | 0600, 0), 0);
    is_errno(open("f", O_WRONLY | O_NONBLOCK), ENXIO);
    fd = open("f", O_RDONLY | O_NONBLOCK);
    ok(fd >= 0, "O_RDONLY|O_NONBLOCK opens at once");
    is_eq(read(fd, &c, 1), 0);
    int w = open("f", O_WRONLY | O_NONBLOCK);
    ok(w >= 0, "now O_WRONLY|O_NONBLOCK succeeds");
    is_errno(read(fd, &c, 1), EAGAIN);
    is_eq(write(w, "q", 1), 1);
    is_eq(read(fd, &c, 1), 1);
    close(w);
    is_eq(read(fd, &c, 1), 0);
    close(fd);
    fd = open("f", O_RDWR);
    ok(fd >= 0, "O_RDWR opens at once");
    is_eq(write(fd, "z", 1), 1);
    is_eq(read(fd, &c, 1), 1);
    is_errno(lseek(fd, 0, SEEK_SET), ESPIPE);
    close(fd);

    if ((pid = fork()) == 0) {
        check(await_state(parent, 'S'), 1);
        int out = open("f", O_WRONLY);
        check(out >= 0 && write(out, "k", 1) == 1, 2);
        _exit(0);
    }
    fd = open("f", O_RDONLY);
    ok(fd >= 0 && read(fd, &c, 1) == 1 && c == 'k', "the reader waited for the writer");
    is_eq(read(fd, &c, 1), 0);
    close(fd);
    waitpid(pid, &status, 0);
    is_eq(status, 0);

    if ((pid = fork()) == 0) {
        check(await_state(parent, 'S'), 1);
        int in = open("f", O_RDONLY);
        check(in >= 0 && read(in, &c, 1) == 1, 2);
        _exit(0);
    }
    fd = open("f", O_WRONLY);
    ok(fd >= 0 && write(fd, "k", 1) == 1, "the writer waited for the reader");
    close(fd);
    waitpid(pid, &status, 0);
    is_eq(status, 0);

    install(SIGUSR1, record, 0);
    pid = start_poker(SIGUSR1);
    is_errno(open("f", O_RDONLY), EINTR);
    stop_poker(pid);
    pid = start_poker(SIGUSR1);
    is_errno(open("f", O_WRONLY), EINTR);
    stop_poker(pid);
    /* The interrupted ones count no more. */
    is_errno(open("f", O_WRONLY | O_NONBLOCK), ENXIO);
    done();
}
