/* remap_file_pages(2): another part of the file in its place of a shared mapping. */
#include "../process/child.h"

#define PAGE 4096UL

int main(void)
{
    int fd = memfd_create("pages", 0);
    char page[PAGE];

    for (int i = 0; i < 4; i++) {
        memset(page, 'a' + i, PAGE);
        if (write(fd, page, PAGE) != (ssize_t)PAGE)
            return 2;
    }
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    is_eq(syscall(SYS_remap_file_pages, p, PAGE, 0, 3, 0), 0);
    ok(p[0] == 'd' && p[PAGE] == 'b', "the first page is the last one");
    p[0] = 'z';
    ok(p[3 * PAGE] == 'z', "of the same file");
    is_errno(syscall(SYS_remap_file_pages, p, PAGE, PROT_READ, 0, 0), EINVAL);
    is_errno(syscall(SYS_remap_file_pages, p, 0, 0, 0, 0), EINVAL);
    char *q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    is_errno(syscall(SYS_remap_file_pages, q, PAGE, 0, 0, 0), EINVAL);
    is_errno(syscall(SYS_remap_file_pages, BAD_PTR, PAGE, 0, 0, 0), EINVAL);
    done();
}
