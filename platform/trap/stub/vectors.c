/*
 * Vector registers of signal frames, the host kernel's and the guest's: fpu/signal.c's format. They
 * go between the processor and the guest's stack without passing through the sentry.
 */
#include "platform/trap/stub/stub.h"

#define UC_FP_XSTATE 1
#define FP_XSTATE_MAGIC1 0x46505853U
#define FP_XSTATE_MAGIC2 0x46505845U
#define FX_SIZE 512
#define FX_SW_OFFSET 464
#define FX_MXCSR 24
#define MXCSR_DEFAULT 0x1f80
#define FCW_DEFAULT 0x37f
#define XSAVE_HEADER 512 /* the features that are there; 56 bytes that have to be 0 */
#define XSAVE_AREA_MAX (SLOT_SIZE - SLOT_MADE_FP)

static char *made_area(struct slot *s)
{
    return (char *)s + SLOT_MADE_FP;
}

/* A made frame has no vector registers until somebody needs them. */
void save_vectors(struct slot *s)
{
    struct stub_ucontext *uc = (void *)((char *)s + SLOT_MADE_FRAME);
    char *area = made_area(s);
    uint64_t size = stub_shared()->xsize, features = stub_shared()->xfeatures;

    if (uc->mc.fpstate)
        return;
    memset(area + XSAVE_HEADER, 0, 64);
    stub_xsave(area, features);
    uint32_t *sw = (uint32_t *)(area + FX_SW_OFFSET);
    sw[0] = FP_XSTATE_MAGIC1;
    sw[1] = (uint32_t)size + 4;
    *(uint64_t *)(sw + 2) = features;
    memset(sw + 4, 0, 32);
    sw[4] = (uint32_t)size;
    *(uint32_t *)(area + size) = FP_XSTATE_MAGIC2;
    uc->mc.fpstate = (uint64_t)area;
    uc->flags |= UC_FP_XSTATE;
}

/* Nothing but what xrstor accepts is left in the area, unless another thread writes there. */
static void load_area(char *area)
{
    uint64_t features = stub_shared()->xfeatures;

    *(uint64_t *)(area + XSAVE_HEADER) &= features;
    memset(area + XSAVE_HEADER + 8, 0, 56);
    *(uint32_t *)(area + FX_MXCSR) &= 0xffff;
    stub_xrstor(area, features);
}

static void load_initial(char *area)
{
    memset(area, 0, FX_SIZE + 64);
    *(uint16_t *)area = FCW_DEFAULT;
    *(uint32_t *)(area + FX_MXCSR) = MXCSR_DEFAULT;
    load_area(area);
}

/* A signal frame of the guest; its handler begins with the initial state. */
int64_t put_frame(struct slot *s)
{
    uint64_t to = s->hc_args[0], len = s->hc_args[1], fp = s->hc_args[2];
    uint64_t size = stub_shared()->xsize + 4;
    struct stub_ucontext *uc = (void *)((char *)s + SLOT_MADE_FRAME);

    if (len > SLOT_HEAD_SIZE || to >= STUB_TEXT || fp >= STUB_TEXT || !s->fast)
        return -14;
    save_vectors(s);
    if (stub_copy((void *)to, (char *)s + SLOT_HEAD, len) ||
        stub_copy((void *)fp, made_area(s), size))
        return -14;
    load_initial(made_area(s));
    uc->mc.fpstate = 0;
    return 0;
}

/* As rt_sigreturn does: without the magic number it is a plain FXSAVE image. */
int64_t load_vectors(struct slot *s)
{
    uint64_t from = s->hc_args[0], size = stub_shared()->xsize;
    struct stub_ucontext *uc = (void *)((char *)s + SLOT_MADE_FRAME);
    char *area = made_area(s);

    if (!s->fast || from >= STUB_TEXT || size > XSAVE_AREA_MAX)
        return -14;
    if (!from) {
        load_initial(area);
    } else {
        if (stub_copy(area, (const void *)from, FX_SIZE))
            return -14;
        if (*(uint32_t *)(area + FX_SW_OFFSET) != FP_XSTATE_MAGIC1) {
            memset(area + FX_SIZE, 0, 64);
            *(uint64_t *)(area + XSAVE_HEADER) = 3;
        } else if (stub_copy(area + FX_SIZE, (const void *)(from + FX_SIZE), size - FX_SIZE)) {
            return -14;
        }
        load_area(area);
    }
    uc->mc.fpstate = 0;
    return 0;
}
