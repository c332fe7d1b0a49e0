/* Runs 32-bit code until it is killed: an image could not go on with that. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): features of libc */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    static const unsigned char loop[] = {0xeb, 0xfe};
    unsigned char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    memcpy(at, loop, sizeof(loop));
    if (write(1, "on\n", 3) != 3)
        return 1;
    __asm__ volatile("push $0x23\n\t"
                     "push %0\n\t"
                     "lretq" ::"r"((uint64_t)at));
    return 0;
}
