/*
 * proc(5): statm and smaps tell what is resident: memory counts when it is touched, not when it is
 * mapped, and no more when it was given back.
 */
#include "tap.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (8L << 20)
#define MARGIN (1L << 20)

static long resident(void)
{
    char buf[128] = "";
    long size = 0, pages = -1;
    int fd = open("/proc/self/statm", O_RDONLY);

    if (read(fd, buf, sizeof(buf) - 1) <= 0 || sscanf(buf, "%ld %ld", &size, &pages) != 2)
        pages = -1;
    close(fd);
    return pages * 4096;
}

/* A field of the area that begins at p, in kB. */
static long area_field(const void *p, const char *field)
{
    char line[512], name[64];
    unsigned long start, end;
    long kb, found = -1;
    int inside = 0;
    FILE *f = fopen("/proc/self/smaps", "r");

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            inside = start <= (uintptr_t)p && (uintptr_t)p < end;
        else if (inside && sscanf(line, "%63[A-Za-z_]: %ld kB", name, &kb) == 2 &&
                 !strcmp(name, field))
            found = kb;
    }
    if (f)
        fclose(f);
    return found;
}

int main(void)
{
    long before = resident();
    /* A hole on both sides, so that the area stays one of its own. */
    char *all = mmap(NULL, SIZE + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *p = all + 4096;

    mprotect(p, SIZE, PROT_READ | PROT_WRITE);
    madvise(p, SIZE, MADV_NOHUGEPAGE);
    ok(before > 0, "statm tells a resident size");
    ok(resident() < before + MARGIN, "mapping does not make it grow");
    is_eq(area_field(p, "Size"), SIZE / 1024);
    is_eq(area_field(p, "Rss"), 0);
    memset(p, 1, SIZE / 2);
    long half = resident();
    ok(half >= before + SIZE / 2 - MARGIN && half <= before + SIZE / 2 + MARGIN,
       "touching half of it does, by as much");
    is_eq(area_field(p, "Rss"), SIZE / 2 / 1024);
    is_eq(area_field(p, "Anonymous"), SIZE / 2 / 1024);
    is_eq(area_field(p, "Private_Dirty"), SIZE / 2 / 1024);
    madvise(p, SIZE, MADV_DONTNEED);
    usleep(20000);
    ok(resident() < before + MARGIN, "giving it back makes it small again");
    is_eq(area_field(p, "Rss"), 0);
    done();
}
