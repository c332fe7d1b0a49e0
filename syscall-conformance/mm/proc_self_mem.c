/* proc(5): /proc/self/mem reads and writes the process's memory; EIO where nothing is mapped. */
#include "../process/child.h"

static char word[] = "before";

int main(void)
{
    char buf[8] = "";
    int fd = open("/proc/self/mem", O_RDWR);

    ok(fd >= 0, "opened");
    is_eq(pread(fd, buf, 6, (off_t)(uintptr_t)word), 6);
    ok(!strcmp(buf, "before"), "read");
    is_eq(pwrite(fd, "after!", 6, (off_t)(uintptr_t)word), 6);
    ok(!strcmp(*(char *volatile *)&(char *){word}, "after!"), "written");
    is_errno(pread(fd, buf, 1, 8), EIO);
    done();
}
