/* memfd_create(2): an anonymous file that can be sized, mapped, shared and sealed. */
#include "../process/child.h"

int main(void)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    is_eq(ftruncate(fd, 8192), 0);
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p[5000] = 'm';
    char c = 0;
    ok(pread(fd, &c, 1, 5000) == 1 && c == 'm', "coherent");
    is_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    is_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    is_errno(ftruncate(fd, 4096), EPERM);
    is_errno(ftruncate(fd, 12288), EPERM);
    munmap(p, 8192);
    is_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL), 0);
    is_errno(write(fd, "x", 1), EPERM);
    is_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    is_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    is_errno(memfd_create("x", 0x100), EINVAL);
    is_errno(fcntl(memfd_create("y", 0), F_ADD_SEALS, F_SEAL_GROW), EPERM);
    done();
}
