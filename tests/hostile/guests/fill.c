/* Writes files until there is no room: that must come, as an error, before the host is full. */
#include "guest.h"

#include <fcntl.h>

static char block[1 << 20];

static long fill(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    long mib = 0;

    if (fd < 0)
        return -1;
    for (; mib < 512; mib++)
        if (write(fd, block, sizeof(block)) != sizeof(block))
            break;
    if (mib == 512)
        FAIL("%s takes 512 MiB in a sandbox of 64 MiB", name);
    close(fd);
    unlink(name);
    return mib;
}

int main(void)
{
    memset(block, 1, sizeof(block));
    printf("/tmp: %ld MiB\n", fill("/tmp/big"));
    printf("/dev/shm: %ld MiB\n", fill("/dev/shm/big"));
    printf("/var/tmp: %ld MiB\n", fill("/var/tmp/big"));
    int fd = open("/tmp/hole", O_RDWR | O_CREAT, 0600);
    CHECK(posix_fallocate(fd, 0, 1L << 40) != 0);
    CHECK(ftruncate(fd, 1L << 40) == 0); /* a hole costs nothing */
    unlink("/tmp/hole");
    return finish();
}
