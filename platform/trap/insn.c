/*
 * See insn.h. Intel's manual, volume 2: chapter 2 (formats) and appendix A (opcode maps). An opcode
 * is described by a letter:
 *
 *   -  none in 64-bit mode    .  no operand bytes     b w z  an immediate of 8, 16, 16 or 32 bits
 *   v  mov r, imm             o  a full address       e      enter
 *   m  a ModRM byte           M  and 8 bits           Z      and 16 or 32 bits
 *   f F g h  groups that differ by ModRM.reg          j J    a branch of 8 or 32 bits
 *   r i R    control, with nothing, 8 or 16 bits      p P    privileged, with nothing or 8 bits
 *   q  privileged with ModRM  x  the same, registers only
 */
#include "platform/trap/insn.h"

#include <string.h>

#define REX_W 8
#define LEN_MAX 15

static const char one_byte[] = "mmmmbz--mmmmbz--mmmmbz--mmmmbz--" /* 00 */
                               "mmmmbz--mmmmbz--mmmmbz--mmmmbz--" /* 20 */
                               "----------------................" /* 40 */
                               "---m----zZbMppppjjjjjjjjjjjjjjjj" /* 60 */
                               "MZ-Mmmmmmmmmmmqm..........-....." /* 80 */
                               "oooo....bz......bbbbbbbbvvvvvvvv" /* a0 */
                               "MMRr--Mhe.Rrri-rmmmm---.mmmmmmmm" /* c0 */
                               "jjjjPPPPJJ-jpppp-r--r.fF..pp..mg" /* e0 */;
static const char two_byte[] = "qqmm-rprpp-r-m.Mmmmmmmmmmmmmmmmm"
                               "xxxx----mmmmmmmmp.p.rr-.--------"
                               "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
                               "mmmmmmmmmmmmmmmmMMMMmmm.mm--mmmm"
                               "JJJJJJJJJJJJJJJJmmmmmmmmmmmmmmmm"
                               "...mMmmm..pmMmmmmmmmmmmmmmMmmmmm"
                               "mmMmMMMm........mmmmmmmmmmmmmmmm"
                               "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm";

struct cursor {
    const uint8_t *p;
    size_t at, n;
    bool size16, addr32;
    uint8_t rex;
};

static int next(struct cursor *c)
{
    return c->at < c->n ? c->p[c->at++] : -1;
}

static bool is_prefix(int b)
{
    return b == 0x26 || b == 0x2e || b == 0x36 || b == 0x3e || (b >= 0x64 && b <= 0x67) ||
           b == 0xf0 || b == 0xf2 || b == 0xf3;
}

/* Returns the first byte of the opcode. A REX that is not the last prefix does not count. */
static int skip_prefixes(struct cursor *c)
{
    int b = next(c);

    while (is_prefix(b) || (b & ~0xf) == 0x40) {
        c->size16 |= b == 0x66;
        c->addr32 |= b == 0x67;
        c->rex = (b & ~0xf) == 0x40 ? (uint8_t)b : 0;
        b = next(c);
    }
    return b;
}

/* The letter of an instruction with a VEX, EVEX or XOP prefix. */
static int vector_letter(int map, int op)
{
    switch (map) {
    case 1:
        return op == 0x77                                                               ? '.'
               : (op >= 0x70 && op <= 0x73) || op == 0xc2 || (op >= 0xc4 && op <= 0xc6) ? 'M'
                                                                                        : 'm';
    case 2:
    case 5:
    case 6:
    case 9: /* XOP */
        return 'm';
    case 3:
    case 8:
        return 'M';
    case 10:
        return 'Z';
    default:
        return '-';
    }
}

static bool is_vector(const struct cursor *c, int b)
{
    if (b == 0xc4 || b == 0xc5 || b == 0x62)
        return true;
    return b == 0x8f && c->at < c->n && (c->p[c->at] & 0x1f) >= 8; /* else pop */
}

static int take_vector(struct cursor *c, int b)
{
    int map = b == 0xc5 ? 1 : next(c) & (b == 0x62 ? 7 : 0x1f);

    if (b != 0x8f && map > 6)
        return '-';
    for (int i = 0; i < (b == 0x62 ? 2 : 1); i++) /* what is left of the prefix */
        if (next(c) < 0)
            return '-';
    c->size16 = false;
    int op = next(c);
    return op < 0 ? '-' : vector_letter(map, op);
}

static int take_opcode(struct cursor *c)
{
    int b = skip_prefixes(c);

    if (b < 0)
        return '-';
    if (is_vector(c, b))
        return take_vector(c, b);
    if (b != 0x0f)
        return one_byte[b];
    b = next(c);
    if (b == 0x38 || b == 0x3a)
        return next(c) < 0 ? '-' : b == 0x38 ? 'm' : 'M';
    return b < 0 ? '-' : two_byte[b];
}

/* ModRM, SIB and displacement. The ModRM byte, or -1. */
static int take_modrm(struct cursor *c, struct insn *in)
{
    int m = next(c), mod = m >> 6, rm = m & 7, base = rm;

    if (m < 0 || mod == 3)
        return m;
    if (rm == 4) {
        int sib = next(c);
        if (sib < 0)
            return -1;
        base = sib & 7;
    }
    in->rip_relative = mod == 0 && rm == 5;
    c->at += mod == 1 ? 1 : mod == 2 || (mod == 0 && base == 5) ? 4 : 0;
    return m;
}

static size_t immediate(const struct cursor *c, int letter)
{
    bool wide = c->rex & REX_W;

    switch (letter) {
    case 'b':
    case 'M':
    case 'j':
    case 'i':
    case 'P':
        return 1;
    case 'w':
    case 'R':
        return 2;
    case 'e':
        return 3;
    case 'J':
        return 4;
    case 'z':
    case 'Z':
        return c->size16 && !wide ? 2 : 4;
    case 'v':
        return wide ? 8 : c->size16 ? 2 : 4;
    case 'o':
        return c->addr32 ? 4 : 8;
    default:
        return 0;
    }
}

static int resolve_group(int letter, int modrm, struct insn *in)
{
    int reg = modrm >> 3 & 7;

    switch (letter) {
    case 'f':
        return reg < 2 ? 'M' : 'm';
    case 'F':
        return reg < 2 ? 'Z' : 'm';
    case 'g':
        in->control = reg >= 2 && reg <= 5;
        return reg == 7 ? '-' : 'm';
    case 'h':
        in->control = modrm == 0xf8; /* xbegin */
        return 'Z';
    case 'q':
        in->privileged = true;
        return 'm';
    default:
        return letter;
    }
}

static void read_target(const struct cursor *c, int letter, struct insn *in)
{
    in->has_target = true;
    if (letter == 'j')
        in->rel = (int32_t)(c->p[c->at - 1] ^ 0x80) - 0x80; /* it has a sign */
    else
        memcpy(&in->rel, c->p + c->at - 4, sizeof(in->rel));
}

bool insn_decode(const uint8_t *p, size_t n, struct insn *in)
{
    struct cursor c = {.p = p, .n = n < LEN_MAX ? n : LEN_MAX};

    *in = (struct insn){0};
    int letter = take_opcode(&c);
    if (strchr("mMZfFghq", letter)) {
        int modrm = take_modrm(&c, in);
        letter = modrm < 0 ? '-' : resolve_group(letter, modrm, in);
    } else if (letter == 'x') {
        letter = next(&c) < 0 ? '-' : letter;
        in->privileged = true;
    }
    if (letter == '-')
        return false;
    c.at += immediate(&c, letter);
    if (c.at > c.n)
        return false;
    in->len = (unsigned int)c.at;
    in->control |= strchr("jJriR", letter) != NULL;
    in->privileged |= letter == 'p' || letter == 'P';
    if (letter == 'j' || letter == 'J')
        read_target(&c, letter, in);
    return true;
}
