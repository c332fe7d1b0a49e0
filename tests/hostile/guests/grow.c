/*
 * After a restore, a process makes its mappings grow behind the kernel's back, by the stub's system
 * call instruction: what comes next in the image's file must be nothing of other processes, nor of
 * files. Saves itself by /proc/nv/checkpoint; the attack is when it has been restored.
 */
#include "guest.h"

#include <fcntl.h>
#include <stdbool.h>

#define OWN_PAGES 8
#define SECRET_PAGES 64
#define GROWN (16UL << 20)

/* Never in memory as it is but where it was put. */
static const char scrambled[] = "TFDSFU!PG!BOPUIFS!VTFS";

static void put_secret(char *page)
{
    for (unsigned int i = 0; i < sizeof(scrambled) - 1; i++)
        page[100 + i] = (char)(scrambled[i] - 1);
}

static bool is_secret(const char *page)
{
    for (unsigned int i = 0; i < sizeof(scrambled) - 1; i++)
        if (page[100 + i] != (char)(scrambled[i] - 1))
            return false;
    return true;
}

static void look(const char *from)
{
    volatile unsigned long at = 0, pages = 0;

    catch_faults();
    if (!sigsetjmp(fault_jmp, 1)) {
        for (; at < GROWN; at += 4096, pages++)
            if (is_secret(from + at)) {
                FAIL("a mapping grows into another user's memory, %lu pages on", pages);
                return;
            }
    }
    printf("%lu pages behind it are nobody else's\n", pages);
}

static void grow(char *own)
{
    for (int i = 0; i < OWN_PAGES; i++) {
        char *to = mmap(NULL, GROWN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        long r = stub_call(SYS_mremap, (long)own + i * 4096L, 4096, GROWN, 3, (long)to, 0);
        if (r == (long)to)
            look(to);
        else
            printf("page %d does not grow: %ld\n", i, r);
        munmap(to, GROWN);
    }
}

/* Another user's, saved after us: our growth goes its way. */
static pid_t keep_secret(void)
{
    int ready[2];
    char c;

    CHECK(!pipe(ready));
    pid_t pid = fork();
    if (pid)
        return read(ready[0], &c, 1) == 1 ? pid : -1;
    char *memory =
        mmap(NULL, SECRET_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int file = open("/tmp/secret", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < SECRET_PAGES; i++) {
        memory[i * 4096] = 1;
        put_secret(memory + i * 4096);
        CHECK(write(file, memory + i * 4096, 4096) == 4096);
    }
    CHECK(write(ready[1], "r", 1) == 1);
    for (;;)
        pause();
}

int main(void)
{
    volatile bool has_gadget = false;
    char text[64] = "";

    setvbuf(stdout, NULL, _IONBF, 0);
    char *own =
        mmap(NULL, OWN_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < OWN_PAGES; i++)
        own[i * 4096] = (char)(i + 1);
    pid_t pid = keep_secret();
    int fd = open("/proc/nv/checkpoint", O_RDWR);
    if (pid < 0 || fd < 0 || write(fd, "1", 1) != 1 || read(fd, text, sizeof(text) - 1) <= 0)
        FAIL("checkpoint");
    if (strncmp(text, "restored", 8))
        return failures ? 1 : 0;
    CHECK(!setresgid(1000, 1000, 1000) && !setresuid(1000, 1000, 1000));
    CHECK(kill(pid, 0) == -1 && errno == EPERM && own[4096] == 2);
    catch_faults();
    if (!sigsetjmp(fault_jmp, 1))
        has_gadget = gadget() != 0;
    printf("gadget %s\n", has_gadget ? "found" : "not found");
    if (has_gadget)
        grow(own);
    printf("%s\n", failures ? "failed" : "survived");
    return failures ? 1 : 0;
}
