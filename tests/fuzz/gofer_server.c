/* Requests to the gofer, against a temporary tree with links out of it. */
#include "gofer/server.c"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "tests/fuzz/fuzz.h"

static struct gofer_config cfg;
static char base[64];
static int home;

static void populate(void)
{
    char cmd[400];

    snprintf(cmd, sizeof(cmd),
             "rm -rf %s && mkdir -p %s/r/a/b && echo secret > %s/s && echo x > %s/r/f && "
             "ln -s .. %s/r/up && ln -s ../s %s/r/l && mkfifo %s/r/p",
             base, base, base, base, base, base, base);
    REQUIRE(system(cmd) == 0);
    if (cfg.nexports)
        close(cfg.exports[0].fd);
    snprintf(cmd, sizeof(cmd), "%s/r", base);
    cfg.exports[0].fd = open(cmd, O_PATH | O_DIRECTORY);
    cfg.exports[1] = (struct gofer_export){cfg.exports[0].fd, true};
    cfg.nexports = 2;
    REQUIRE(cfg.exports[0].fd >= 0);
}

static void cleanup(void)
{
    char cmd[100];

    snprintf(cmd, sizeof(cmd), "rm -rf %s", base);
    if (system(cmd))
        return;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    strcpy(base, "/tmp/nv-fuzz-XXXXXX");
    REQUIRE(mkdtemp(base));
    home = open(".", O_PATH | O_DIRECTORY);
    populate();
    atexit(cleanup);
    return 0;
}

/* What a sentry might send along: nothing, a file without a name, what is no business of ours. */
static int some_file(unsigned int which)
{
    char path[100];

    snprintf(path, sizeof(path), "%s/%s", base, which % 8 == 2 ? "s" : "r/f");
    switch (which % 8) {
    case 1:
        return openat(cfg.exports[0].fd, ".", O_TMPFILE | O_RDWR, 0600);
    case 2:
    case 3:
        return open(path, O_RDWR);
    default:
        return -1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct call c;
    static unsigned int runs;
    static ino_t secret;
    static mode_t secret_mode;
    char path[100];
    struct stat st;

    if (++runs % 4096 == 0) {
        populate();
        secret = 0;
    }
    snprintf(path, sizeof(path), "%s/s", base);
    if (!secret) {
        secret = stat(path, &st) ? 0 : st.st_ino;
        secret_mode = st.st_mode;
    }
    size_t n = size < sizeof(in.bytes) ? size : sizeof(in.bytes);
    memcpy(in.bytes, data, n);
    if (n >= sizeof(in.req) && data[size - 1] & 1) { /* let more of them be well-formed */
        in.req.version = GOFER_VERSION;
        in.req.type %= GOFER_NR_MSGS + 1;
        in.req.export_index %= 3;
        size_t rest = n - sizeof(in.req);
        in.req.len1 = (uint16_t)(rest ? in.req.len1 % (rest + 1) : 0);
        in.req.len2 = (uint16_t)(rest - in.req.len1);
    }
    c = (struct call){.cfg = &cfg, .req = &in.req, .rep = &out.rep, .fd = -1};
    c.sent = some_file(n ? data[size - 1] >> 1 : 0);
    memset(&out.rep, 0, sizeof(out.rep));
    int err = dispatch(&c, n);
    REQUIRE(!fchdir(home)); /* where the corpus is: attributes are asked for elsewhere */
    if (c.sent >= 0)
        close(c.sent);
    REQUIRE(err <= 0 && out.rep.len <= GOFER_DATA_MAX);
    if (c.fd >= 0)
        c.fds[c.nfds++] = c.fd;
    REQUIRE(c.nfds <= GOFER_MANY_MAX);
    while (c.nfds) {
        int fd = c.fds[--c.nfds];
        REQUIRE(!fstat(fd, &st) && st.st_ino != secret && S_ISREG(st.st_mode));
        close(fd);
    }
    REQUIRE(!stat(path, &st) && st.st_ino == secret && st.st_size == 7 && st.st_nlink == 1);
    REQUIRE(st.st_mode == secret_mode && listxattr(path, NULL, 0) <= 0);
    return 0;
}
