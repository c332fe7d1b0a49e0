/*
 * What a CPU offers to programs, by the names of /proc/cpuinfo. An image names what its guest may
 * have found, because compiled code and choices made once (memcpy variants, JIT code) are in its
 * memory; a host without one of them cannot go on with it.
 */
#ifndef NV_CKPT_CPU_H
#define NV_CKPT_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ckpt/cpu_guest.h"
#include "ckpt/manifest.h"

#define CPU_LEVELS "x86-64-v2, x86-64-v3, x86-64-v4 (also v2, v3, v4) or host"

/* This host's, as its kernel lets programs use them. */
void cpu_host(struct cpu_features *f);
/*
 * What a guest may see at a level: of "host" everything, else the level's features and nothing
 * more. Refused when this host does not have them all. level NULL: "host". name: in full.
 */
int cpu_level(const char *level, char name[CPU_LEVEL_MAX], struct cpu_features *f, struct error *e);
/* Fills cpu_level, cpu_features and xsave_* of m, which are empty. */
int cpu_describe(struct manifest *m, const char *level, const struct cpu_features *f,
                 struct error *e);
/* The other way. */
void cpu_of_manifest(const struct manifest *m, struct cpu_features *f);
/* 0, or -ENOTSUP with e naming the first thing that the image needs and this host lacks. */
int cpu_check(const struct manifest *m, struct error *e);
/* The same against a host of which this is known. */
int cpu_check_against(const struct manifest *m, const struct cpu_features *host, struct error *e);

#endif
