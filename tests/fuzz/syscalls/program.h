/* What a random program is: made by a seed (program.c, shapes.c), run by act.c. */
#ifndef NV_FUZZ_PROGRAM_H
#define NV_FUZZ_PROGRAM_H
#include <stddef.h>
#include <stdint.h>

#define CALLS_MAX 160
#define PROCESSES 2
#define THREADS 3
#define MEMORY 0x30000000L /* structures */
#define MEMORY_SIZE 0x40000L
#define PLAY 0x40000000L /* what the calls of memory work on */
#define PLAY_PAGES 256L
#define RING 0x50000000L
#define CONTEXT (MEMORY + 64) /* io_setup's */
#define FORKS_MAX 24
#define EXECS_MAX 6

struct row {
    int nr;
    const char *name;
    uint32_t kind[6];
};
extern const struct row rows[];
extern const int nrows;

enum source { S_VALUE = -1, S_SELF = -2, S_MEMORY = -3, S_VICTIM = -4 };

/* What is done with a call: by itself, or by code that it needs around it. */
enum act { A_CALL, A_FORK, A_THREAD, A_EXEC, A_TOUCH, A_RING };

struct call {
    const struct row *row;
    int process, thread;
    enum act act;
    long arg[6];
    int from[6]; /* the call whose result this argument is, or a source */
};
extern struct call calls[CALLS_MAX];
extern int ncalls;
/* The program has a namespace of processes of its own: it may signal whom it finds. */
extern int own_pids;
extern unsigned char image[MEMORY_SIZE]; /* of the memory at MEMORY */

/* Descriptors that every process begins with, at these numbers. */
enum fixture {
    FX_FIRST = 3,
    FX_PIPE_R = FX_FIRST,
    FX_PIPE_W,
    FX_STREAM0,
    FX_STREAM1,
    FX_DGRAM0,
    FX_DGRAM1,
    FX_SEQ0,
    FX_SEQ1,
    FX_LISTEN,
    FX_CLIENT,
    FX_EPOLL,
    FX_EPOLL2,
    FX_EVENT,
    FX_TIMER,
    FX_SIGNAL,
    FX_INOTIFY,
    FX_MEMFD,
    FX_FILE,
    FX_APPEND,
    FX_RDONLY,
    FX_TMPFILE,
    FX_DIR,
    FX_PATH,
    FX_PTMX,
    FX_PTS,
    FX_PIDFD,
    FX_NS_MNT,
    FX_NS_UTS,
    FX_NS_IPC,
    FX_NS_PID,
    FX_NS_NET,
    FX_FIFO,
    FX_MQ,
    FX_RING,
    FX_MEM,
    FX_PROC,
    FX_FSCONTEXT,
    FX_TREE,
    FX_NETLINK,
    FX_NULL,
    FX_ZERO,
    FX_LAST,
    FX_COUNTS = 200, /* what is counted, across exec */
    FX_NOTHING,      /* /dev/null as it was */
};

/* program.c */
uint64_t rnd(void);
#define PICK(table) (table)[rnd() % (sizeof(table) / sizeof(*(table)))]
const struct row *row_of(int nr);
void make_program(uint64_t seed);
/* A place in the image that holds those bytes; of size random bytes without data. */
long put(const void *data, size_t size);
long place(void);
long random_name(void);
void value(struct call *c, int i, long v);
int result_of(struct call *c, int i, int k, int nr);

/* tables.c, shapes.c: arguments that make sense. 0: nothing is known of it. */
int shape_value(struct call *c, int k, int i);
long shape_struct(uint32_t type);
int shape_call(struct call *c, int k);

/* act.c */
void run_program(uint64_t seed, char **argv);
int go_on(int argc, char **argv);

#endif
