/* madvise(2): what each advice answers for each kind of mapping, locked and with holes. */
#include "../rows.h"
#include <sys/mman.h>

#define PAGES 4
#define LEN (PAGES * 4096UL)

static int file;

static char *map(int prot, int flags)
{
    return (char *)must((long)mmap(NULL, LEN, prot, flags, flags & MAP_ANONYMOUS ? -1 : file, 0));
}

static char *kind(int k)
{
    char *p;

    switch (k) {
    case 0:
        return map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    case 1:
        return map(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
    case 2:
        return map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
    case 3:
        return map(PROT_READ | PROT_WRITE, MAP_SHARED);
    case 4:
        return map(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
    case 5:
        return map(PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
    case 6:
        p = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        must(munmap(p + 4096, 4096));
        return p;
    case 7:
        p = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        must(mlock(p + 4096, 4096));
        return p;
    default:
        p = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        must(munmap(p, LEN));
        return p;
    }
}

int main(void)
{
    /* Not those that depend on huge pages or faulty memory of the machine. */
    static const int advice[] = {MADV_NORMAL,
                                 MADV_RANDOM,
                                 MADV_SEQUENTIAL,
                                 MADV_WILLNEED,
                                 MADV_DONTNEED,
                                 5,
                                 7,
                                 MADV_FREE,
                                 MADV_REMOVE,
                                 MADV_DONTFORK,
                                 MADV_DOFORK,
                                 MADV_DONTDUMP,
                                 MADV_DODUMP,
                                 MADV_WIPEONFORK,
                                 MADV_KEEPONFORK,
                                 MADV_COLD,
                                 MADV_PAGEOUT,
                                 22,
                                 23,
                                 24,
                                 26,
                                 102,
                                 103,
                                 104,
                                 -1};

    tmp_enter();
    file = must(open("f", O_RDWR | O_CREAT, 0600));
    must(ftruncate(file, LEN));
    for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
        row_add("%d:", advice[i]);
        for (int k = 0; k < 9; k++) {
            char *p = kind(k);
            row_add(" %s", says(syscall(SYS_madvise, p, LEN, advice[i])));
            munmap(p, LEN);
        }
        row_end();
    }
    done();
}
