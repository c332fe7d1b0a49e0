/* Code whose protection changes back and forth goes on running in other threads. */
#include "text.h"

#define THREADS 3
#define ROUNDS 40

static volatile int stop;
static int bad;

static void *caller(void *arg)
{
    int wrongs = 0;

    while (!stop) {
        wrongs += site_back(SYS_getsid, -1) != -ESRCH;
        wrongs += site_front(-1) != -ESRCH;
    }
    __atomic_add_fetch(&bad, wrongs, __ATOMIC_RELAXED);
    return NULL;
}

int main(void)
{
    char *page = (char *)((uintptr_t)site_front_at & -4096UL), *end = (char *)site_back_end;
    size_t len = (size_t)(end - page);
    pthread_t t[THREADS];
    int failed = 0;

    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, caller, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        failed += mprotect(page, len, PROT_READ | PROT_WRITE | PROT_EXEC) != 0;
        /* What the linker wrote, whatever it was a moment ago. */
        failed += site_front_at[0] != (char)0xb8 || site_back_at[0] != 0x0f;
        failed += mprotect(page, len, PROT_READ | PROT_EXEC) != 0;
        for (int k = 0; k < 20; k++)
            failed += site_front(-1) != -ESRCH;
    }
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    is_eq(failed, 0);
    is_eq(bad, 0);
    done();
}
