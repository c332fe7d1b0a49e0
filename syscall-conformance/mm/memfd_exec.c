/* memfd_create(2): MFD_NOEXEC_SEAL and MFD_EXEC; F_SEAL_EXEC of fcntl(2). */
#include "../process/child.h"

#define NOEXEC_SEAL 8U
#define WITH_EXEC 16U
#define SEAL_EXEC 0x20

static mode_t mode_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) ? 0 : st.st_mode & 07777;
}

int main(void)
{
    int fd = (int)syscall(SYS_memfd_create, "x", WITH_EXEC | MFD_ALLOW_SEALING);

    if (fd < 0 && errno == EINVAL) {
        skip("before Linux 6.3");
        done();
    }
    is_eq(mode_of(fd), 0777);
    is_eq(fcntl(fd, F_GET_SEALS), 0);
    is_eq(fchmod(fd, 0644), 0);
    is_eq(fcntl(fd, F_ADD_SEALS, SEAL_EXEC), 0);
    is_eq(fcntl(fd, F_GET_SEALS), SEAL_EXEC);
    is_errno(fchmod(fd, 0744), EPERM);
    is_eq(fchmod(fd, 0600), 0);
    close(fd);
    fd = (int)syscall(SYS_memfd_create, "x", NOEXEC_SEAL);
    is_eq(mode_of(fd), 0666);
    is_eq(fcntl(fd, F_GET_SEALS), SEAL_EXEC);
    is_errno(fchmod(fd, 0777), EPERM);
    is_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
    close(fd);
    fd = (int)syscall(SYS_memfd_create, "x", WITH_EXEC | MFD_ALLOW_SEALING);
    is_eq(fcntl(fd, F_ADD_SEALS, SEAL_EXEC), 0);
    is_eq(fcntl(fd, F_GET_SEALS),
          SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
    is_errno(syscall(SYS_memfd_create, "x", WITH_EXEC | NOEXEC_SEAL), EINVAL);
    done();
}
