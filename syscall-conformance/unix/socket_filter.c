/* socket(7), SO_ATTACH_FILTER: a program of classic BPF says how much of each message comes into
 * the queue; SO_LOCK_FILTER keeps it. */
#include "../rows.h"
#include <linux/filter.h>
#include <sys/socket.h>

#define ST(code, k)                                                                                \
    {                                                                                              \
        (unsigned short)(code), 0, 0, (unsigned int)(k)                                            \
    }
#define JMP(code, k, t, f)                                                                         \
    {                                                                                              \
        (unsigned short)(code), t, f, (unsigned int)(k)                                            \
    }
#define RET_A ST(BPF_RET | BPF_A, 0)
#define AD(n) (SKF_AD_OFF + (n))
#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static int attach(int fd, struct sock_filter *f, size_t n)
{
    struct sock_fprog p = {(unsigned short)n, f};

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p));
}

/* What comes of messages of several lengths. */
static void send_all(int sv[2])
{
    static const char text[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x45ninth and more of it";
    static const size_t lens[] = {0, 1, 3, 4, 8, 9, 20};
    char buf[64];

    for (size_t i = 0; i < LEN(lens); i++) {
        long sent = send(sv[0], text, lens[i], 0);
        ssize_t got = recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT);
        row_add(" %ld/", sent);
        row_add(got < 0 ? "-" : "%ld", (long)got);
        if (got > 0 && memcmp(buf, text, (size_t)got) != 0)
            row_add("?");
    }
}

static void program(const char *name, struct sock_filter *f, size_t n)
{
    static const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};

    for (size_t i = 0; i < LEN(types); i++) {
        int sv[2];
        must(socketpair(AF_UNIX, types[i], 0, sv));
        row_add("%s:", name);
        row_add(" %s", says(attach(sv[1], f, n)));
        send_all(sv);
        row_end();
        close(sv[0]);
        close(sv[1]);
    }
}

#define PROGRAM(...)                                                                               \
    do {                                                                                           \
        struct sock_filter f_[] = {__VA_ARGS__};                                                   \
        program(#__VA_ARGS__, f_, LEN(f_));                                                        \
    } while (0)
#define LOAD(code, k) PROGRAM(ST(BPF_LD | BPF_IMM, 3), ST(code, k), RET_A)
#define PASS(...) PROGRAM(__VA_ARGS__, ST(BPF_RET | BPF_K, 2))

static void loads(void)
{
    LOAD(BPF_LD | BPF_B | BPF_ABS, 0);
    LOAD(BPF_LD | BPF_B | BPF_ABS, 8);
    LOAD(BPF_LD | BPF_W | BPF_LEN, 0);
    PASS(ST(BPF_LD | BPF_H | BPF_ABS, 2), JMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0304, 1, 0),
         ST(BPF_RET | BPF_K, 0));
    PASS(ST(BPF_LD | BPF_W | BPF_ABS, 4), JMP(BPF_JMP | BPF_JEQ | BPF_K, 0x05060708, 1, 0),
         ST(BPF_RET | BPF_K, 1));
    PASS(ST(BPF_LDX | BPF_IMM, 5), ST(BPF_LD | BPF_B | BPF_IND, 3),
         JMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 1, 0), ST(BPF_RET | BPF_K, 1));
    PASS(ST(BPF_LDX | BPF_IMM, -1), ST(BPF_LD | BPF_B | BPF_IND, 1));
    PASS(ST(BPF_LDX | BPF_IMM, 1), ST(BPF_LD | BPF_B | BPF_IND, -1));
    PASS(ST(BPF_LDX | BPF_IMM, 0), ST(BPF_LD | BPF_B | BPF_IND, -1));
    PROGRAM(ST(BPF_LDX | BPF_B | BPF_MSH, 8), ST(BPF_MISC | BPF_TXA, 0), RET_A);
    PROGRAM(ST(BPF_LDX | BPF_B | BPF_MSH, 0), ST(BPF_MISC | BPF_TXA, 0), RET_A);
    LOAD(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 2);
    LOAD(BPF_LD | BPF_B | BPF_ABS, SKF_LL_OFF);
    LOAD(BPF_LD | BPF_W | BPF_ABS, 0x7fffffff);
    PROGRAM(ST(BPF_LD | BPF_IMM, 23), ST(BPF_ALU | BPF_MOD | BPF_K, 5), RET_A);
    PROGRAM(ST(BPF_LD | BPF_IMM, 23), ST(BPF_LDX | BPF_IMM, 0), ST(BPF_ALU | BPF_MOD | BPF_X, 0),
            RET_A);
    PROGRAM(ST(BPF_LD | BPF_IMM, 23), ST(BPF_LDX | BPF_IMM, 0), ST(BPF_ALU | BPF_DIV | BPF_X, 0),
            RET_A);
    PROGRAM(ST(BPF_LD | BPF_IMM, 6), ST(BPF_ST, 3), ST(BPF_LD | BPF_IMM, 0),
            ST(BPF_LD | BPF_MEM, 3), RET_A);
    PROGRAM(ST(BPF_RET | BPF_K, 0));
    PROGRAM(ST(BPF_RET | BPF_K, -1));
}

static void beside(void)
{
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_PROTOCOL));
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_PKTTYPE));
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_IFINDEX));
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_HATYPE));
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_MARK));
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_QUEUE));
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_VLAN_TAG));
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_VLAN_TAG_PRESENT));
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_VLAN_TPID));
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_PAY_OFFSET));
    PROGRAM(ST(BPF_LDX | BPF_IMM, 6), ST(BPF_LD | BPF_IMM, 3),
            ST(BPF_LD | BPF_B | BPF_ABS, AD(SKF_AD_ALU_XOR_X)), RET_A);
    PASS(ST(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_CPU)));
    PASS(ST(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_RANDOM)));
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(2)); /* there is none */
    LOAD(BPF_LD | BPF_W | BPF_ABS, AD(200));
    /* nlattr of type 0x0807 and length 0x0605 is not there; 0x0403 of length 0x0201 neither. */
    PROGRAM(ST(BPF_LD | BPF_IMM, 4), ST(BPF_LDX | BPF_IMM, 0x807),
            ST(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_NLATTR)), RET_A);
    PROGRAM(ST(BPF_LD | BPF_IMM, 400), ST(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_NLATTR_NEST)), RET_A);
}

static void attributes(void)
{
    static const unsigned char msg[] = {1, 0, 0, 0, 8, 0, 1, 0, 9, 9, 9, 9, 12, 0,
                                        2, 0, 8, 0, 5, 0, 7, 7, 7, 7, 4, 0, 3,  0x80};
    for (unsigned int nest = 0; nest < 2; nest++) {
        for (unsigned int a = 0; a < 32; a += 4) {
            for (unsigned int type = 1; type < 6; type++) {
                struct sock_filter f[] = {
                    ST(BPF_LDX | BPF_IMM, type), ST(BPF_LD | BPF_IMM, a),
                    ST(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_NLATTR) + 4 * nest), RET_A};
                char buf[64];
                int sv[2];
                must(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
                must(attach(sv[1], f, LEN(f)));
                must(send(sv[0], msg, sizeof(msg), 0));
                row_add(" %ld", (long)recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT));
                close(sv[0]);
                close(sv[1]);
            }
        }
        row_end();
    }
}

static void bad_programs(void)
{
    static const unsigned short codes[] = {
        0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x80, 0x81, 0xb1, 0xa1, 0x61, 0x01, 0x00,
        0x02, 0x03, 0x04, 0x94, 0x9c, 0x34, 0x3c, 0x64, 0x74, 0x84, 0xa4, 0xac, 0xc4, 0x05,
        0x15, 0x06, 0x16, 0x0e, 0x07, 0x87, 0x17, 0x25, 0x55, 0xff, 0x38, 0x18, 0x100};
    static const unsigned int ks[] = {0, 1, 15, 16, 32, 0xfffff000, 0xfffff010, 0xffffffff};
    int sv[2];

    must(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
    for (size_t i = 0; i < LEN(codes); i++) {
        row_add("%x:", (unsigned int)codes[i]);
        for (size_t j = 0; j < LEN(ks); j++) {
            struct sock_filter f[] = {ST(codes[i], ks[j]), ST(BPF_RET | BPF_K, 1)};
            row_add(" %s", says(attach(sv[1], f, 2)));
        }
        row_end();
    }
}

static void options(void)
{
    struct sock_filter f[] = {ST(BPF_LD | BPF_W | BPF_LEN, 0), RET_A}, got[4];
    struct sock_fprog p = {2, f};
    int sv[2], on = 1, off = 0;
    socklen_t len;

    must(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
    row_add("detach %s", says(setsockopt(sv[0], SOL_SOCKET, SO_DETACH_FILTER, &on, 4)));
    for (unsigned int n = 0; n <= 24; n += 4)
        row_add(" %s", says(setsockopt(sv[0], SOL_SOCKET, SO_ATTACH_FILTER, &p, n)));
    row_add(" len 0 %s", says(attach(sv[0], f, 0)));
    row_add(" 4097 %s", says(attach(sv[0], f, 4097)));
    row_add(" null %s", says(attach(sv[0], NULL, 2)));
    row_add(" bad %s", says(attach(sv[0], BAD_PTR, 2)));
    row_add(" no end %s", says(attach(sv[0], f, 1)));
    row_end();
    for (len = 0; len < 4; len++) {
        socklen_t n = len;
        row_add("get %s", says(getsockopt(sv[0], SOL_SOCKET, SO_GET_FILTER, got, &n)));
        row_add(" %u ", n);
    }
    row_add(" bad %s", says(getsockopt(sv[0], SOL_SOCKET, SO_GET_FILTER, BAD_PTR, &len)));
    row_end();
    row_add("bpf %s", says(setsockopt(sv[0], SOL_SOCKET, SO_ATTACH_BPF, &sv[0], 4)));
    row_add(" lock %s", says(setsockopt(sv[0], SOL_SOCKET, SO_LOCK_FILTER, &on, 4)));
    row_add(" attach %s", says(attach(sv[0], f, 2)));
    row_add(" bad %s", says(attach(sv[0], NULL, 0)));
    row_add(" detach %s", says(setsockopt(sv[0], SOL_SOCKET, SO_DETACH_FILTER, &on, 4)));
    row_add(" unlock %s", says(setsockopt(sv[0], SOL_SOCKET, SO_LOCK_FILTER, &off, 4)));
    row_add(" detach %s", says(setsockopt(sv[1], SOL_SOCKET, SO_DETACH_FILTER, &on, 4)));
    row_end();
    is_eq(attach(sv[1], f, 2), 0);
    is_eq(setsockopt(sv[1], SOL_SOCKET, SO_DETACH_FILTER, &on, 4), 0);
    is_errno(setsockopt(sv[1], SOL_SOCKET, SO_DETACH_FILTER, &on, 4), ENOENT);
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
    struct sock_filter none[] = {ST(BPF_RET | BPF_K, 0)};
    row_add("stream: %s", says(attach(sv[1], none, 1)));
    send_all(sv);
    row_end();
}

int main(void)
{
    loads();
    beside();
    attributes();
    bad_programs();
    options();
    done();
}
