/* /proc/cpuinfo: the host's processor, as many of it as the sandbox has. Read when asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/sandbox.h"

static struct {
    bool known;
    char model_name[64], flags[2048], vendor[16];
    int family, model, stepping, mhz, cache_kb;
} cpu = {.vendor = "unknown", .mhz = 1000};

static void take_line(char *line)
{
    char *v = strchr(line, ':');

    if (!v)
        return;
    v += 1 + (v[1] == ' ');
    if (!strncmp(line, "vendor_id", 9))
        snprintf(cpu.vendor, sizeof(cpu.vendor), "%.15s", v);
    else if (!strncmp(line, "cpu family", 10))
        cpu.family = atoi(v);
    else if (!strncmp(line, "model name", 10))
        snprintf(cpu.model_name, sizeof(cpu.model_name), "%.63s", v);
    else if (!strncmp(line, "model", 5))
        cpu.model = atoi(v);
    else if (!strncmp(line, "stepping", 8))
        cpu.stepping = atoi(v);
    else if (!strncmp(line, "cpu MHz", 7))
        cpu.mhz = atoi(v);
    else if (!strncmp(line, "cache size", 10))
        cpu.cache_kb = atoi(v);
    else if (!strncmp(line, "flags", 5))
        snprintf(cpu.flags, sizeof(cpu.flags), "%.2047s", v);
}

/* The first processor of the host; all of ours are like it. */
static void ask_host(void)
{
    char text[8192], *next;
    ssize_t n = pread(sandbox->cpuinfo_fd, text, sizeof(text) - 1, 0);

    cpu.known = true;
    text[n > 0 ? n : 0] = 0;
    for (char *line = text; *line && *line != '\n'; line = next) {
        next = line + strcspn(line, "\n");
        if (*next)
            *next++ = 0;
        take_line(line);
    }
    if (sandbox->cpu_limited)
        cpu_filter_flags(&sandbox->cpu, cpu.flags);
}

int proc_fill_cpuinfo(struct task *t, struct strbuf *out)
{
    const int n = sandbox->ncpus;

    if (!cpu.known)
        ask_host();
    for (int i = 0; i < n; i++)
        strbuf_printf(out,
                      "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %d\nmodel\t\t: %d\n"
                      "model name\t: %s\nstepping\t: %d\ncpu MHz\t\t: %d.000\n"
                      "cache size\t: %d KB\nphysical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\n"
                      "cpu cores\t: %d\napicid\t\t: %d\ninitial apicid\t: %d\nfpu\t\t: yes\n"
                      "fpu_exception\t: yes\ncpuid level\t: 13\nwp\t\t: yes\nflags\t\t: %s\n"
                      "bogomips\t: %d.00\nclflush size\t: 64\ncache_alignment\t: 64\n"
                      "address sizes\t: 48 bits physical, 48 bits virtual\npower management:\n\n",
                      i, cpu.vendor, cpu.family, cpu.model, cpu.model_name, cpu.stepping, cpu.mhz,
                      cpu.cache_kb, n, i, n, i, i, cpu.flags, cpu.mhz * 2);
    return 0;
}
