/* Interpreters of interpreters, and first lines of scripts that are none. */
#include "guest.h"

#include <fcntl.h>
#include <sys/stat.h>

static void put(const char *name, const char *text, size_t len)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0755);

    CHECK(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    close(fd);
}

static void start(long i)
{
    char name[32], *argv[] = {name, NULL};

    snprintf(name, sizeof(name), "/tmp/s%ld", i);
    execve(name, argv, argv + 1);
    _exit(errno == 0 ? 255 : errno);
}

#define CODE(i, want)                                                                              \
    do {                                                                                           \
        int c = code(i);                                                                           \
        if (c != (want))                                                                           \
            FAIL("script %d gives %d, expected %d", i, c, want);                                   \
    } while (0)

static int code(long i)
{
    int s = attempt(start, i, 5000);

    return WIFEXITED(s) ? WEXITSTATUS(s) : -WTERMSIG(s);
}

int main(void)
{
    char text[8192];

    put("/tmp/s0", "#!/tmp/s0\n", 10); /* itself */
    CODE(0, ELOOP);
    put("/tmp/s1", "#!/tmp/s2\n", 10);
    put("/tmp/s2", "#!/tmp/s1\n", 10);
    CODE(1, ELOOP);
    for (int i = 10; i < 30; i++) { /* a chain; Linux takes five */
        char name[32];
        snprintf(name, sizeof(name), "/tmp/s%d", i);
        snprintf(text, sizeof(text), "#!/tmp/s%d -x\n", i - 1);
        put(name, text, strlen(text));
    }
    put("/tmp/s9", "#!/bin/true\n", 12);
    CODE(9, 0);
    CODE(11, 0);
    CODE(20, ELOOP);
    static const char *const odd[] = {"#!",
                                      "#!\n",
                                      "#! \t \n",
                                      "#!\n/bin/true",
                                      "#",
                                      "",
                                      "#!/",
                                      "#!/\n",
                                      "#!.\n",
                                      "#!/bin/true",
                                      "#!/nonexistent\n",
                                      "#!/etc/passwd\n",
                                      "#!/proc/self/cwd\n",
                                      "#!/proc/self/fd/9\n",
                                      "#!/dev/zero\n",
                                      "#!\0/bin/true\n",
                                      "\177ELF",
                                      "MZ",
                                      "#!/bin/true\0x\n"};
    for (unsigned int i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        put("/tmp/s40", odd[i], strlen(odd[i]) + (i == 15 ? 12 : 0));
        code(40);
    }
    for (size_t len = 100; len < sizeof(text); len += 61) { /* cut at every limit */
        memset(text, 'a', sizeof(text));
        memcpy(text, "#!/", 3);
        text[len] = '\n';
        put("/tmp/s41", text, len + 1);
        code(41);
        memset(text + 11, ' ', len - 11);
        memcpy(text, "#!/bin/true", 11);
        put("/tmp/s41", text, len + 1);
        code(41);
    }
    seed(41);
    for (int i = 0; i < 200; i++) {
        size_t len = rnd() % 300;
        for (size_t k = 0; k < len; k++)
            text[k] = rnd() % 8 == 0 ? (char)rnd() : " /\tabin\n"[rnd() % 8];
        memcpy(text, "#!", 2);
        put("/tmp/s42", text, len + 2);
        code(42);
    }
    put("/tmp/s43", "#!/bin/true\n", 12); /* busy: being written while executed */
    int fd = open("/tmp/s43", O_RDWR);
    CHECK(code(43) == ETXTBSY || code(43) == 0);
    close(fd);
    return finish();
}
