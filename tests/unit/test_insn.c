/* The decoder of call sites, judged by capstone over the code of the libraries in this process. */
#include <capstone/capstone.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "platform/trap/insn.h"
#include "tests/unit/unit.h"

static csh cs;
static unsigned long total;

static bool in_group(const cs_insn *ci, uint8_t group)
{
    return cs_insn_group(cs, ci, group);
}

static void same(const cs_insn *ci, const struct insn *in, bool ok)
{
    const cs_x86 *x = &ci->detail->x86;
    bool rip = false, control = in_group(ci, CS_GRP_JUMP) || in_group(ci, CS_GRP_CALL) ||
                                in_group(ci, CS_GRP_RET) || in_group(ci, CS_GRP_INT) ||
                                in_group(ci, CS_GRP_IRET) || ci->id == X86_INS_SYSCALL;

    for (int i = 0; i < x->op_count; i++) {
        rip |= x->operands[i].type == X86_OP_MEM && x->operands[i].mem.base == X86_REG_RIP;
        if (control && x->operands[i].type == X86_OP_IMM && in->has_target)
            ck_assert_msg((uint64_t)x->operands[i].imm == ci->address + ci->size + in->rel, "%s %s",
                          ci->mnemonic, ci->op_str);
    }
    ck_assert_msg(ok && in->len == ci->size, "%s %s: %u bytes, not %u (%02x %02x %02x %02x)",
                  ci->mnemonic, ci->op_str, ci->size, in->len, ci->bytes[0], ci->bytes[1],
                  ci->bytes[2], ci->bytes[3]);
    ck_assert_msg(!control || in->control, "%s is control", ci->mnemonic);
    ck_assert_msg(rip == in->rip_relative, "%s %s", ci->mnemonic, ci->op_str);
    ck_assert_msg(!in_group(ci, CS_GRP_PRIVILEGE) || in->privileged || in->control,
                  "%s %s is privileged", ci->mnemonic, ci->op_str);
}

static void sweep(const uint8_t *p, size_t n)
{
    uint64_t at = (uint64_t)(uintptr_t)p;
    cs_insn *ci = cs_malloc(cs);

    while (n) {
        struct insn in;
        const uint8_t *was = p;
        size_t left = n;
        if (!cs_disasm_iter(cs, &p, &n, &at, ci)) { /* data, or newer than capstone */
            p++;
            n--;
            at++;
            continue;
        }
        bool ok = insn_decode(was, left, &in);
        same(ci, &in, ok);
        total++;
    }
    cs_free(ci, 1);
}

static int sweep_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type == PT_LOAD && ph->p_flags & PF_X)
            sweep((const void *)(info->dlpi_addr + ph->p_vaddr), ph->p_filesz);
    }
    return 0;
}

START_TEST(agrees_with_capstone)
{
    ck_assert(!cs_open(CS_ARCH_X86, CS_MODE_64, &cs));
    cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
    dl_iterate_phdr(sweep_object, NULL);
    ck_assert_uint_gt(total, 300000);
    cs_close(&cs);
}
END_TEST

/* Random bytes: every decoding stays inside what is there, and nothing depends on what is behind.
 */
START_TEST(bounds)
{
    uint8_t buf[16];
    struct insn in, again;

    srand(1);
    for (int i = 0; i < 1000000; i++) {
        for (size_t k = 0; k < sizeof(buf); k++)
            buf[k] = (uint8_t)(rand() >> 7);
        if (!insn_decode(buf, sizeof(buf), &in))
            continue;
        ck_assert_uint_ge(in.len, 1);
        ck_assert_uint_le(in.len, 15);
        ck_assert(!insn_decode(buf, in.len - 1, &again));
        memset(buf + in.len, 0xcc, sizeof(buf) - in.len);
        ck_assert(insn_decode(buf, in.len, &again) && again.len == in.len);
    }
}
END_TEST

UNIT_MAIN("insn", NULL, NULL, agrees_with_capstone, bounds)
