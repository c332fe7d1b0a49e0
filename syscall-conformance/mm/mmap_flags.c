/*
 * mmap(2): which flags go with which type. MAP_SHARED_VALIDATE refuses unknown ones, MAP_DROPPABLE
 * is private memory without a file, MAP_GROWSDOWN neither shared nor of a file.
 */
#include "../rows.h"
#include <sys/mman.h>

int main(void)
{
    /* Not MAP_SYNC of the old types: it depends on the file system. */
    static const unsigned int flags[] = {0,       0x40,     0x80,     0x100,    0x200,    0x400,
                                         0x800,   0x1000,   0x2000,   0x4000,   0x8000,   0x10000,
                                         0x20000, 0x200000, 0x400000, 0x800000, 0x2000000};

    tmp_enter();
    int fd = must(open("f", O_RDWR | O_CREAT, 0600));
    must(ftruncate(fd, 4096));
    for (unsigned int type = 0; type < 16; type++)
        for (int anon = 0; anon < 2; anon++) {
            row_add("type %u %s:", type, anon ? "anonymous" : "file");
            for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
                unsigned int f = type | flags[i] | (anon ? MAP_ANONYMOUS : 0);
                long p =
                    syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, f, anon ? -1 : fd, 0);
                row_add(" %s", p == -1 ? err_name(errno) : "ok");
                if (p != -1)
                    munmap((void *)p, 4096);
            }
            row_end();
        }
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ok(mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
               MAP_FAILED &&
           errno == EEXIST,
       "MAP_FIXED_NOREPLACE does not replace");
    is_eq(mmap(NULL, 4096, PROT_READ, MAP_SHARED_VALIDATE | 0x80000, fd, 0) == MAP_FAILED &&
              errno == EOPNOTSUPP,
          1);
    done();
}
