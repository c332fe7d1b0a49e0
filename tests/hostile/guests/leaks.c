/*
 * Reads every page of the stub's region that can be read and looks for what a guest must not know:
 * the text given as argument, with each letter moved on by one so that it is not found in argv.
 */
#include "guest.h"

static char want[256];
static size_t want_len;
static long pages, readable;

static void scan(uint64_t at, size_t len)
{
    volatile const char *p = (volatile const char *)at;
    char page[4096 + 256];

    for (volatile size_t off = 0; off < len; off += 4096) {
        pages++;
        if (sigsetjmp(fault_jmp, 0))
            continue;
        for (int i = 0; i < 4096; i++)
            page[i] = p[off + (size_t)i];
        readable++;
        if (memmem(page, 4096, want, want_len))
            FAIL("found the secret at %#lx", (unsigned long)(at + off));
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    for (size_t i = 0; argv[1][i] && i < sizeof(want) - 1; i++)
        want[want_len++] = (char)(argv[1][i] - 1);
    catch_faults();
    scan(STUB_TEXT, STUB_TEXT_SIZE);
    scan(STUB_SHARED, 0x10000);
    scan(STUB_VDSO - 0x10000, 0x40000);
    scan(STUB_SCRATCH - 0x10000, 0x40000);
    scan(STUB_SLOTS, 16 * SLOT_SIZE);
    scan(STUB_END - 0x10000, 0x20000);
    scan(0x7ffffff00000UL, 0xff000);
    for (int i = 1; i < 32; i++)
        signal(i, SIG_DFL);
    printf("%ld of %ld pages readable\n", readable, pages);
    return finish();
}
