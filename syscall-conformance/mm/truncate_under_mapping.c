/* mmap(2): when a file shrinks, pages behind its end are gone (SIGBUS, EFAULT); growth brings
 * zeros. */
#include "../process/child.h"

static volatile char *p;

static void touch_second(void)
{
    (void)p[4096];
}

int main(void)
{
    char data[8192];

    memset(data, 't', sizeof(data));
    enter_scratch();
    put_file("f", data, sizeof(data), 0600);
    int fd = open("f", O_RDWR), null = open("/dev/null", O_WRONLY), pipefd[2];
    p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    is_eq(p[4096], 't');
    is_eq(ftruncate(fd, 10), 0);
    ok(killed_by(in_child(touch_second), SIGBUS), "SIGBUS");
    if (pipe(pipefd) < 0)
        return 1;
    is_errno(write(pipefd[1], (char *)p + 4096, 1), EFAULT);
    ok(p[9] == 't' && p[10] == 0, "the partial page is zeroed");
    is_eq(ftruncate(fd, 8192), 0);
    is_eq(p[4096], 0);
    close(null);
    done();
}
