/* Executes mutated programs. usage: elves SEED COUNT FILE... */
#include "guest.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char *original;
static size_t length;

static void mutate(char *p, size_t *len)
{
    Elf64_Ehdr *eh = (void *)p;
    static const uint64_t odd[] = {0,
                                   1,
                                   0xfff,
                                   0x1000,
                                   0x7fffffff,
                                   0xffffffff,
                                   0x7ffffffff000UL,
                                   0x7fff00000000UL,
                                   0x8000000000000000UL,
                                   ~0UL,
                                   0xfffffffffffff000UL};
    unsigned int n = 1 + rnd() % 4;

    for (unsigned int i = 0; i < n; i++) {
        Elf64_Phdr *ph = (void *)(p + 64 + rnd() % 14 * sizeof(*ph));
        uint64_t v = rnd() % 3 ? odd[rnd() % 11] : rnd() % 0x100000;
        switch (rnd() % 16) {
        case 0:
            ((char *)eh)[rnd() % 64] ^= (char)(1 << rnd() % 8);
            break;
        case 1:
            eh->e_phnum = (Elf64_Half)v;
            break;
        case 2:
            eh->e_phoff = v;
            break;
        case 3:
            eh->e_phentsize = (Elf64_Half)v;
            break;
        case 4:
            eh->e_entry = v;
            break;
        case 5:
            eh->e_type = (Elf64_Half)(rnd() % 6);
            break;
        case 6:
            ph->p_vaddr = v;
            break;
        case 7:
            ph->p_memsz = v;
            break;
        case 8:
            ph->p_filesz = v;
            break;
        case 9:
            ph->p_offset = v;
            break;
        case 10:
            ph->p_type = (Elf64_Word)(rnd() % 2 ? rnd() % 8 : 0x6474e550 + rnd() % 4);
            break;
        case 11:
            ph->p_align = v;
            break;
        case 12:
            ph->p_flags = (Elf64_Word)rnd();
            break;
        case 13:
            *len = rnd() % (rnd() % 2 ? 1000 : length);
            break;
        case 14:
            for (int k = 0; k < 20; k++)
                p[rnd() % 1024] = (char)rnd();
            break;
        default:
            ph->p_vaddr += (rnd() % 64 - 32) * 4096;
            ph->p_offset += (rnd() % 8 - 4) * 4096;
        }
    }
}

static void run(long i)
{
    static const char name[] = "/tmp/mutant";
    char *argv[] = {"mutant", "true", NULL}, *envp[] = {NULL};
    struct rlimit as = {1UL << 30, 1UL << 30};
    char *copy = malloc(length);
    size_t len = length;

    memcpy(copy, original, length);
    mutate(copy, &len);
    setrlimit(RLIMIT_AS, &as);
    for (int k = 0; k < 3; k++) {
        if (k == 0 || fcntl(1, F_GETFD) >= 0)
            close(k);
        open("/dev/null", O_RDWR);
    }
    unlink(name);
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0755);
    for (size_t at = 0; at < len;) {
        ssize_t w = write(fd, copy + at, len - at);
        if (w <= 0)
            _exit(1);
        at += (size_t)w;
    }
    close(fd);
    execve(name, argv, envp);
    _exit(126);
}

int main(int argc, char **argv)
{
    uint64_t s = strtoull(argc > 1 ? argv[1] : "1", NULL, 0);
    long count = strtol(argc > 2 ? argv[2] : "100", NULL, 0), ran = 0, refused = 0;

    for (int f = 3; f < argc; f++) {
        struct stat st;
        int fd = open(argv[f], O_RDONLY);
        if (fd < 0 || fstat(fd, &st)) {
            FAIL("%s", argv[f]);
            continue;
        }
        length = (size_t)st.st_size;
        original = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
        for (long i = 0; i < count; i++) {
            seed(s * 1000 + (uint64_t)i);
            int w = attempt(run, i, 1000);
            if (WIFEXITED(w) && WEXITSTATUS(w) == 126)
                refused++;
            else
                ran++;
        }
        still_sane();
        munmap(original, length);
        close(fd);
    }
    printf("seed %lu: %ld started, %ld refused\n", s, ran, refused);
    return finish();
}
