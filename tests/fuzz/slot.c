/* A slot full of whatever a guest writes there: events, buffers, frames. */
#include "platform/trap/trap.c"

#include "tests/fuzz/fuzz.h"

static void *nobody(void)
{
    return NULL;
}

static const struct platform_host host = {.current = nobody};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct aspace as = {.dead = true}; /* nobody to be killed */
    static struct gthread thr, child;
    static char *slots;
    struct platform_event ev = {0};
    struct user_regs_struct regs;
    static char fp[65536];
    struct input in = {data, size};
    size_t avail;

    trap_host = &host;
    if (!slots)
        slots = aligned_alloc(SLOT_SIZE, 2 * SLOT_SIZE);
    memset(slots, 0, 2 * SLOT_SIZE);
    thr = (struct gthread){.as = &as, .slot = (struct slot *)slots};
    child = (struct gthread){.as = &as, .index = 1, .slot = (struct slot *)(slots + SLOT_SIZE)};
    take(&in, slots, sizeof(struct slot));
    if (take_u8(&in) & 1)
        thr.slot->frame = SLOT_STACK + take_u32(&in) % (SLOT_SIZE - SLOT_STACK) / 8 * 8;
    uint64_t frame = thr.slot->frame;
    if (frame < SLOT_SIZE - 512)
        take(&in, slots + frame, 512);
    read_event(&thr, &ev);
    if (ev.kind == PE_EXITED)
        return 0;
    REQUIRE(thr.nsegs <= SLOT_SEGS);
    if (ev.kind == PE_FAULT)
        REQUIRE(ev.info.si_signo >= 1 && ev.info.si_signo <= SIGSYS);
    for (unsigned int i = 0; i < thr.nsegs; i++) {
        uint64_t addr = thr.segs[i].addr + take_u8(&in);
        const char *w = window_in(&thr, addr, &avail);
        if (w && avail) {
            REQUIRE(w >= slots && avail <= SLOT_WINDOW_SIZE);
            REQUIRE(w + avail <= slots + SLOT_WINDOW + SLOT_WINDOW_SIZE);
            memcpy(fp, w, avail);
        }
        size_t len = take_u32(&in) % 70000;
        char *o = window_out(&thr, addr, len);
        if (o) {
            REQUIRE(o >= slots && o + len <= slots + SLOT_WINDOW + SLOT_WINDOW_SIZE);
            memset(o, 1, len);
            window_commit(&thr, addr, len);
        }
    }
    frame_get_regs(&thr, &regs);
    frame_get_fpstate(&thr, fp, sizeof(fp));
    frame_copy(&child, &thr);
    frame_set_fpstate(&thr, fp, sizeof(fp));
    frame_set_regs(&thr, &regs);
    frame_set_ax(&thr, 1);
    return 0;
}
