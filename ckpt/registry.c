/* Types and symbols that parts of the sentry have announced. */
#include <string.h>

#include "ckpt/record_internal.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names for a section's ends */
/* Weak: a program that links nothing with a type has no such section. */
extern const struct ckpt_type *const __start_ckpt_types[] __attribute__((weak));
extern const struct ckpt_type *const __stop_ckpt_types[] __attribute__((weak));
extern const struct ckpt_symbol *const __start_ckpt_symbols[] __attribute__((weak));
extern const struct ckpt_symbol *const __stop_ckpt_symbols[] __attribute__((weak));
/* NOLINTEND(bugprone-reserved-identifier) */

const struct ckpt_type *ckpt_type_find(uint16_t id)
{
    /* cppcheck-suppress comparePointers ; both ends of one section */
    for (const struct ckpt_type *const *t = __start_ckpt_types; t < __stop_ckpt_types; t++)
        if ((*t)->id == id)
            return *t;
    return NULL;
}

const char *ckpt_symbol_name(const char *group, const void *ptr)
{
    /* cppcheck-suppress comparePointers ; both ends of one section */
    for (const struct ckpt_symbol *const *s = __start_ckpt_symbols; s < __stop_ckpt_symbols; s++)
        if ((*s)->ptr == ptr && !strcmp((*s)->group, group))
            return (*s)->name;
    return NULL;
}

bool ckpt_symbol_known(const char *group, const void *ptr)
{
    return ckpt_symbol_name(group, ptr);
}

const void *ckpt_symbol_find(const char *group, const char *name, size_t len, bool *found)
{
    *found = true;
    /* cppcheck-suppress comparePointers ; both ends of one section */
    for (const struct ckpt_symbol *const *s = __start_ckpt_symbols; s < __stop_ckpt_symbols; s++)
        if (len && (*s)->name[0] == name[0] && strlen((*s)->name) == len &&
            !memcmp((*s)->name, name, len) && !strcmp((*s)->group, group))
            return (*s)->ptr;
    *found = false;
    return NULL;
}
