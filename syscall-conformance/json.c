/* The report of conform --json. */
#include "conform.h"

#include <stdio.h>
#include <stdlib.h>

static void json_string(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(f, "\\%c", *s);
        else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
            fprintf(f, "\\u%04x", (unsigned char)*s);
        else
            fputc(*s, f);
    }
    fputc('"', f);
}

struct json_list {
    FILE *f;
    int n;
};

static void json_difference(const char *ref, const char *here, void *arg)
{
    struct json_list *l = arg;

    fputs(l->n++ ? ", {" : "{", l->f);
    json_string(l->f, runs[0].name);
    fputs(": ", l->f);
    json_string(l->f, ref);
    fputs(", \"here\": ", l->f);
    json_string(l->f, here);
    fputc('}', l->f);
}

static void json_run(FILE *f, const struct program *p, int run)
{
    struct json_list list = {f, 0};

    json_string(f, runs[run].name);
    fprintf(f, ": {\"verdict\": \"%s\", \"status\": %d, \"known\": %s, \"differences\": [",
            verdict(p, run), p->attempts[run].status,
            is_known(runs[run].name, p->name) ? "true" : "false");
    if (!is_good(verdict(p, run)))
        differences(p, run, json_difference, &list);
    fputs("]}", f);
}

void json_write(const char *path, int passed, int failed, int known)
{
    FILE *f = must(fopen(path, "w"));

    fputs("{\n  \"programs\": [", f);
    for (int i = 0; i < nrows; i++) {
        fprintf(f, "%s\n    {\"program\": ", i ? "," : "");
        json_string(f, rows[i].name);
        fprintf(f, ", \"assertions\": %d, \"runs\": {", assertions(&rows[i]));
        for (int k = 0; k < nruns; k++) {
            fputs(k ? ", " : "", f);
            json_run(f, &rows[i], k);
        }
        fputs("}}", f);
    }
    fprintf(f, "\n  ],\n  \"passed\": %d, \"failed\": %d, \"known\": %d\n}\n", passed, failed,
            known);
    if (fclose(f)) {
        perror(path);
        exit(2);
    }
}
