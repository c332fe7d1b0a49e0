/* What the parts of conform share. */
#ifndef CONFORM_H
#define CONFORM_H

#include <stddef.h>

#define ARGS_MAX 64

struct run {
    const char *name;
    char *args[ARGS_MAX];
    int nargs;
};

struct attempt {
    char *out;
    size_t len, size;
    int status; /* exit code, or 128 + signal */
    int timed_out, finished;
};

/* One program's attempts, one a run; or of those one section that the program printed. */
struct program {
    const char *path, *name;
    struct attempt *attempts;
};

extern struct run runs[];
extern int nruns;
extern struct program *rows; /* to be judged */
extern int nrows;

/* p, unless it is NULL: then the end. */
void *must(void *p);

const char *verdict(const struct program *p, int run);
int is_good(const char *verdict);
int is_known(const char *run, const char *program);
/* How many the reference run printed. */
int assertions(const struct program *p);
/* Calls each() for what differs; in the reference run, for what fails. */
void differences(const struct program *p, int run,
                 void (*each)(const char *ref, const char *here, void *), void *arg);

void json_write(const char *path, int passed, int failed, int known);

#endif
