/* What can be found out about code around a call site: patch.h. */
#include <capstone/capstone.h>
#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/macros.h"
#include "platform/trap/patch.h"

#define BEFORE 64   /* bytes of code looked at in front of the call */
#define NEAR 160    /* short branches reach no farther, with their own length */
#define SYNC_MIN 16 /* a linear decoding that begins so far in front has found the instructions */

/* Loaded by hand, into the sentry alone: its tables are a megabyte of relocations. */
#define CAPSTONE "libcapstone.so.4"
static struct {
    bool loaded;
    __typeof__(cs_open) *cs_open;
    __typeof__(cs_option) *cs_option;
    __typeof__(cs_malloc) *cs_malloc;
    __typeof__(cs_free) *cs_free;
    __typeof__(cs_disasm_iter) *cs_disasm_iter;
    __typeof__(cs_insn_group) *cs_insn_group;
} capstone;
static const struct {
    const char *name;
    void **to;
} functions[] = {
    {"cs_open", (void **)&capstone.cs_open},
    {"cs_option", (void **)&capstone.cs_option},
    {"cs_malloc", (void **)&capstone.cs_malloc},
    {"cs_free", (void **)&capstone.cs_free},
    {"cs_disasm_iter", (void **)&capstone.cs_disasm_iter},
    {"cs_insn_group", (void **)&capstone.cs_insn_group},
};
static csh disassembler;

/* Relocation has gone through all of it: gives back the pages that are the file's. */
static int drop_file_pages(struct dl_phdr_info *info, size_t size, void *arg)
{
    if (!strstr(info->dlpi_name, CAPSTONE))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const Elf64_Phdr *ph = &info->dlpi_phdr[i];
        uint64_t start = PAGE_UP(info->dlpi_addr + ph->p_vaddr);
        uint64_t end = PAGE_DOWN(info->dlpi_addr + ph->p_vaddr + ph->p_memsz);
        if (ph->p_type == PT_LOAD && !(ph->p_flags & PF_W) && start < end)
            madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 1;
}

void text_load(void)
{
    void *lib = dlopen(CAPSTONE, RTLD_LAZY | RTLD_LOCAL);
    bool all = lib != NULL;

    for (size_t i = 0; lib && i < ARRAY_SIZE(functions); i++)
        all &= (*functions[i].to = dlsym(lib, functions[i].name)) != NULL;
    capstone.loaded = all;
    dl_iterate_phdr(drop_file_pages, NULL);
    if (!capstone.loaded)
        log_warn("no " CAPSTONE ": call sites stay as they are, each call is a trap");
}

bool code_ready(void)
{
    if (disassembler || !capstone.loaded)
        return disassembler;
    capstone.loaded = !capstone.cs_open(CS_ARCH_X86, CS_MODE_64, &disassembler) &&
                      !capstone.cs_option(disassembler, CS_OPT_DETAIL, CS_OPT_ON);
    return capstone.loaded;
}

/* NULL, or why the instruction means something else in another place. */
static const char *stays(const cs_insn *in)
{
    static const uint8_t bad[] = {
        CS_GRP_JUMP,      CS_GRP_CALL,           CS_GRP_RET, CS_GRP_INT, CS_GRP_IRET,
        CS_GRP_PRIVILEGE, CS_GRP_BRANCH_RELATIVE};
    const cs_x86 *x = &in->detail->x86;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (capstone.cs_insn_group(disassembler, in, bad[i]))
            return "a branch follows the call too soon";
    for (int i = 0; i < x->op_count; i++)
        if (x->operands[i].type == X86_OP_MEM && x->operands[i].mem.base == X86_REG_RIP)
            return "what follows the call depends on its address";
    return in->id == X86_INS_SYSCALL || in->id == X86_INS_HLT ? "a call follows the call too soon"
                                                              : NULL;
}

int code_displaced(const struct code *c, uint64_t ip, const char **why)
{
    const uint8_t *p = c->bytes + (ip - c->addr);
    size_t left = c->len - (ip - c->addr);
    uint64_t at = ip;
    cs_insn *in = capstone.cs_malloc(disassembler);

    *why = in ? NULL : "out of memory";
    while (!*why && at - ip < JUMP_LEN - 2)
        *why = capstone.cs_disasm_iter(disassembler, &p, &left, &at, in)
                   ? stays(in)
                   : "what follows the call is no instruction";
    if (in)
        capstone.cs_free(in, 1);
    return *why ? 0 : (int)(at - ip);
}

/*
 * Decodes from several places in front of addr: x86 code falls into step within a few
 * instructions. True if those that meet addr agree that an instruction begins at want as well.
 */
bool code_begins_at(const struct code *c, uint64_t addr, uint64_t want)
{
    int meet = 0, agree = 0;
    cs_insn *in = capstone.cs_malloc(disassembler);

    for (int k = SYNC_MIN; in && k < BEFORE && (uint64_t)k <= want - c->addr; k++) {
        uint64_t at = want - (uint64_t)k;
        const uint8_t *p = c->bytes + (at - c->addr);
        size_t left = c->len - (at - c->addr);
        bool seen = false;
        while (at < addr && capstone.cs_disasm_iter(disassembler, &p, &left, &at, in))
            seen |= at == want;
        meet += at == addr;
        agree += at == addr && seen;
    }
    if (in)
        capstone.cs_free(in, 1);
    return agree > 0 && agree * 8 >= meet * 7;
}

static bool in_hole(int64_t target, uint64_t start)
{
    return target > (int64_t)start && target < (int64_t)start + JUMP_LEN;
}

/* Short branches near by, as the instructions say. */
static bool near_branch_into(const struct code *c, uint64_t start)
{
    uint64_t at = start - MIN(start - c->addr, (uint64_t)NEAR + BEFORE);
    const uint8_t *p = c->bytes + (at - c->addr);
    size_t left = c->len - (at - c->addr);
    cs_insn *in = capstone.cs_malloc(disassembler);
    bool found = !in;

    while (!found && at < start + NEAR && left) {
        if (!capstone.cs_disasm_iter(disassembler, &p, &left, &at, in)) {
            p++;
            left--;
            at++;
            continue;
        }
        for (int i = 0; i < in->detail->x86.op_count; i++)
            if ((capstone.cs_insn_group(disassembler, in, CS_GRP_JUMP) ||
                 capstone.cs_insn_group(disassembler, in, CS_GRP_CALL)) &&
                in->detail->x86.operands[i].type == X86_OP_IMM)
                found |= in_hole(in->detail->x86.operands[i].imm, start);
    }
    if (in)
        capstone.cs_free(in, 1);
    return found;
}

/* Long branches, wherever their bytes might begin. */
static bool far_branch_into(const struct code *c, uint64_t start)
{
    for (size_t i = 0; i + 6 <= c->len; i++) {
        size_t op = c->bytes[i] == 0xe8 || c->bytes[i] == 0xe9                ? 1
                    : c->bytes[i] == 0x0f && (c->bytes[i + 1] & 0xf0) == 0x80 ? 2
                                                                              : 0;
        int32_t rel;
        if (!op)
            continue;
        memcpy(&rel, c->bytes + i + op, sizeof(rel));
        if (in_hole((int64_t)(c->addr + i + op + 4) + rel, start))
            return true;
    }
    return false;
}

bool code_branch_into(const struct code *c, uint64_t start)
{
    return near_branch_into(c, start) || far_branch_into(c, start);
}
