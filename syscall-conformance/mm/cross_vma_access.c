/* System calls read and write buffers that span several mappings of different kinds. */
#include "../process/child.h"

int main(void)
{
    int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;

    enter_scratch();
    char *block = malloc(3 * 4096);
    memset(block, 'k', 3 * 4096);
    put_file("f", block, 3 * 4096, 0600);
    int fd = open("f", O_RDWR), out = open("g", O_RDWR | O_CREAT, 0600);
    char *p = mmap(NULL, 3 * 4096, rw, anon, -1, 0);
    ok(mmap(p + 4096, 4096, rw, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 4096, "map");
    ok(mmap(p + 8192, 4096, rw, MAP_SHARED | MAP_FIXED, out, 0) == p + 8192, "map a file");
    is_eq(ftruncate(out, 4096), 0);
    is_eq(read(fd, p, 3 * 4096), 3 * 4096);
    ok(!memcmp(p, block, 3 * 4096), "read into all of them");
    is_eq(pwrite(fd, p, 3 * 4096, 4096), 3 * 4096);
    char c = 0;
    ok(pread(out, &c, 1, 4095) == 1 && c == 'k', "the file behind the last one has it");
    done();
}
