/* mincore(2): private memory is resident page by page; a vector is written as far as it is mapped.
 */
#include "../rows.h"
#include <sys/mman.h>

static unsigned char vec[4];

static void show(const char *what, char *p, size_t len)
{
    memset(vec, 9, sizeof(vec));
    row_add("%s: %s", what, says(mincore(p, len, vec)));
    for (int i = 0; i < 4; i++)
        row_add(" %d", vec[i]);
    row_end();
}

int main(void)
{
    size_t len = 4 * 4096;
    char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    show("untouched", p, len);
    p[4096] = 1;
    show("written", p, len);
    show("one byte of a page counts", p, 4097);
    madvise(p, len, MADV_DONTNEED);
    show("given back", p, len);
    mlock(p, 4096);
    show("locked", p, len);
    mlock2(p + 4096, 4096, MLOCK_ONFAULT);
    show("locked on fault", p, len);
    munlock(p, len);
    munmap(p + 8192, 4096);
    show("with a hole", p, len);
    row_add("%s %s %s", says(mincore(p + 1, 4096, vec)), says(mincore(p, 0, vec)),
            says(syscall(SYS_mincore, p, 4096, 8)));
    row_add(" %s %s", says(syscall(SYS_mincore, p, -1L, vec)),
            says(syscall(SYS_mincore, 1UL << 63, 4096, vec)));
    row_end();
    char *q =
        mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    show("populated", q, len);
    q = mmap(NULL, len, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_NONBLOCK, -1, 0);
    show("not waited for", q, len);
    q = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
    show("mapped locked", q, len);
    done();
}
