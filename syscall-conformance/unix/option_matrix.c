/* socket(7): each option of SOL_SOCKET on each kind of AF_UNIX socket, set and asked with short and
 * long values. Nothing is asserted but that the answers are the host's. */
#include "unix.h"

static char line[1024];

static void say(const char *fmt, ...)
{
    size_t at = strlen(line);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line + at, sizeof(line) - at, fmt, ap);
    va_end(ap);
}

/* Values that are another on each run, or that depend on the machine. */
static int is_private(int opt)
{
    return opt == SO_COOKIE || opt == SO_PEERCRED || opt == SO_MEMINFO || opt == SO_PEERSEC ||
           opt == 71 /* NETNS_COOKIE */ || opt == 77 /* PEERPIDFD */ || opt == SO_PEERGROUPS ||
           opt == SO_INCOMING_CPU || opt == SO_INCOMING_NAPI_ID || opt == 75;
}

static void get(int fd, int opt)
{
    static const unsigned int lens[] = {0, 1, 3, 4, 8, 12, 16, 64};

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        unsigned char buf[80];
        socklen_t len = lens[i];
        unsigned int sum = 0;
        if (opt == 77 && lens[i] >= 4)
            continue;
        memset(buf, 0xaa, sizeof(buf));
        if (getsockopt(fd, SOL_SOCKET, opt, buf, &len) < 0) {
            say(" %u:%s/%u", lens[i], strerrorname_np(errno), len);
            continue;
        }
        for (socklen_t k = 0; k < len && k < sizeof(buf); k++)
            sum = sum * 31 + buf[k];
        say(" %u:%u", lens[i], len);
        if (!is_private(opt))
            say("=%u", sum);
    }
}

static void set(int fd, int opt)
{
    static const int values[] = {0, 1, -1, 5000};
    static const unsigned int lens[] = {0, 1, 3, 4, 8, 16, 64};
    int buf[16] = {0};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        buf[0] = values[i];
        say(" %d:%s", values[i],
            setsockopt(fd, SOL_SOCKET, opt, buf, sizeof(int)) ? strerrorname_np(errno) : "0");
    }
    buf[0] = 1;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
        say(" len%u:%s", lens[i],
            setsockopt(fd, SOL_SOCKET, opt, buf, lens[i]) ? strerrorname_np(errno) : "0");
}

static int make(int kind)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int s[2];

    if (kind < 3) {
        if (socketpair(AF_UNIX, types[kind], 0, s) < 0)
            exit(2);
        dup2(s[1], 100);
        close(s[1]);
        return s[0];
    }
    s[0] = socket(AF_UNIX, kind == 4 ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (kind == 5 && (bind(s[0], (void *)&a, sizeof(a.sun_family)) < 0 || listen(s[0], 3) < 0))
        exit(2);
    return s[0];
}

int main(void)
{
    static const char *const kinds[] = {
        "stream", "dgram", "seqpacket", "unconnected", "unconnected dgram", "listener"};

    for (int kind = 0; kind < 6; kind++)
        for (int opt = 0; opt < 86; opt++) {
            int fd = make(kind);
            line[0] = 0;
            get(fd, opt);
            ok(1, "%s, get %d:%s", kinds[kind], opt, line);
            line[0] = 0;
            set(fd, opt);
            ok(1, "%s, set %d:%s", kinds[kind], opt, line);
            line[0] = 0;
            get(fd, opt);
            ok(1, "%s, get again %d:%s", kinds[kind], opt, line);
            close(fd);
        }
    done();
}
