/*
 * Threads of one process map files, read them and fork at once: each gets its own file, and no call
 * fails. mmap(2), pread(2), fork(2).
 */
#include <pthread.h>
#include <sys/mman.h>

#include "tmp.h"

#define ROUNDS 400

static int files[4]; /* each is full of its own number */
static int wrong_maps, wrong_reads, failed_forks;

static int file_of(int number)
{
    char page[8192];
    char name[16];
    int fd;

    snprintf(name, sizeof(name), "f%d", number);
    must(fd = open(name, O_RDWR | O_CREAT, 0600));
    memset(page, 'a' + number, sizeof(page));
    must(write(fd, page, sizeof(page)));
    return fd;
}

static void *maps(void *arg)
{
    int n = (int)(intptr_t)arg, wrong = 0;

    for (int i = 0; i < ROUNDS; i++) {
        char *p = mmap(NULL, 4096, PROT_READ, i & 1 ? MAP_SHARED : MAP_PRIVATE, files[n], 4096);
        char *anon = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        wrong += p == MAP_FAILED || *p != 'a' + n || anon == MAP_FAILED || *anon;
        if (p != MAP_FAILED)
            munmap(p, 4096);
        if (anon != MAP_FAILED) {
            *anon = 1;
            munmap(anon, 4096);
        }
    }
    __atomic_fetch_add(&wrong_maps, wrong, __ATOMIC_RELAXED);
    return NULL;
}

/* Each time through a descriptor that is new. */
static void *reads(void *arg)
{
    int n = (int)(intptr_t)arg, wrong = 0;
    char name[16], c[4096];

    snprintf(name, sizeof(name), "f%d", n);
    for (int i = 0; i < ROUNDS; i++) {
        int fd = open(name, O_RDONLY);
        wrong += pread(fd, c, sizeof(c), 4096) != sizeof(c) || c[0] != 'a' + n;
        close(fd);
    }
    __atomic_fetch_add(&wrong_reads, wrong, __ATOMIC_RELAXED);
    return NULL;
}

static void *forks(void *arg)
{
    int failed = 0;

    (void)arg;
    for (int i = 0; i < ROUNDS / 4; i++) {
        int status = -1;
        pid_t pid = fork();
        if (pid == 0)
            _exit(7);
        failed += pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7;
    }
    __atomic_fetch_add(&failed_forks, failed, __ATOMIC_RELAXED);
    return NULL;
}

int main(void)
{
    void *(*const work[])(void *) = {maps, maps, reads, reads, forks, forks};
    pthread_t thread[6];

    tmp_enter();
    for (int i = 0; i < 4; i++)
        files[i] = file_of(i);
    for (int i = 0; i < 6; i++)
        must(-pthread_create(&thread[i], NULL, work[i], (void *)(intptr_t)(i & 3)));
    for (int i = 0; i < 6; i++)
        pthread_join(thread[i], NULL);
    ok(wrong_maps == 0, "each mapping is of its own file");
    ok(wrong_reads == 0, "each read is of its own file");
    ok(failed_forks == 0, "each fork has a child");
    done();
}
