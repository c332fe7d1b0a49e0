/* mmap(2): EACCES when the file's mode does not allow the mapping, ENODEV for what has no memory.
 */
#include "../process/child.h"

static long map(int prot, int flags, int fd, off_t off)
{
    return syscall(SYS_mmap, NULL, 4096, prot, flags, fd, off);
}

int main(void)
{
    int p[2];

    enter_scratch();
    put_file("f", "data", 4, 0600);
    int ro = open("f", O_RDONLY), wo = open("f", O_WRONLY), path = open("f", O_PATH);
    is_errno(map(PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0), EACCES);
    ok(map(PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0) > 0, "private: writable");
    is_errno(map(PROT_READ, MAP_SHARED, wo, 0), EACCES);
    is_errno(map(PROT_READ, MAP_PRIVATE, wo, 0), EACCES);
    is_errno(map(PROT_WRITE, MAP_SHARED, wo, 0), EACCES);
    is_errno(map(PROT_READ, MAP_PRIVATE, path, 0), EBADF);
    is_errno(map(PROT_READ, MAP_PRIVATE, ro, 100), EINVAL);
    is_errno(map(PROT_READ, 0, ro, 0), EINVAL);
    if (pipe(p) < 0)
        return 1;
    is_errno(map(PROT_READ, MAP_PRIVATE, p[0], 0), ENODEV);
    is_errno(map(PROT_READ, MAP_PRIVATE, open("/", O_RDONLY), 0), ENODEV);
    is_errno(map(PROT_READ, MAP_PRIVATE, ro, -4096L), EOVERFLOW);
    ok(map(PROT_READ, MAP_SHARED_VALIDATE, ro, 0) > 0, "MAP_SHARED_VALIDATE");
    done();
}
