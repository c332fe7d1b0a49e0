/* A descriptor from before a copy-up reads what the file is now; a mapping stays what it was. */
#include "ovl.h"
#include <sys/mman.h>

int main(void)
{
    struct stat st;
    char buf[16] = "";

    layers();
    put("a/f", "lower");
    put("a/t", "truncated");
    must(overlay("lowerdir=a" UPPER));
    int fd = (int)must(open("m/f", O_RDONLY)), two = (int)must(open("m/f", O_RDONLY));
    char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    must(read(two, buf, 2));
    int w = (int)must(open("m/f", O_RDWR));
    must(pwrite(w, "UPPER!", 6, 0));
    is_eq(pread(fd, buf, sizeof(buf), 0), 6);
    ok(!memcmp(buf, "UPPER!", 6), "reads the upper file");
    is_eq(read(two, buf, sizeof(buf)), 4);
    ok(!memcmp(buf, "PER!", 4), "at the position it had");
    must(fstat(fd, &st));
    is_eq(st.st_size, 6);
    is_eq(lseek(fd, 0, SEEK_END), 6);
    ok(!memcmp(p, "lower", 5), "the mapping shows the lower one");
    char *q = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    ok(!memcmp(q, "lower", 5), "as does a new one by the old descriptor");
    is_errno(write(fd, "x", 1), EBADF);
    int t = (int)must(open("m/t", O_RDONLY));
    must(truncate("m/t", 3));
    is_eq(pread(t, buf, sizeof(buf), 0), 3);
    is_eq(fchmod(fd, 0600), 0);
    must(stat("u/f", &st));
    is_eq(st.st_mode & 0777, 0600);
    must(rename("m/f", "m/g"));
    is_eq(pread(fd, buf, sizeof(buf), 0), 6);
    must(unlink("m/g"));
    is_eq(pread(fd, buf, sizeof(buf), 0), 6);
    close(fd);
    close(two);
    close(t);
    close(w);
    munmap(p, 4096);
    munmap(q, 4096);
    gone();
    done();
}
