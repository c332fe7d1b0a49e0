/*
 * The `kernel` part of an image: typed, versioned records of sentry objects.
 *
 * A type of object declares its fields once, in a table; the same table writes, reads and prints
 * them. What a table cannot say (lists, payloads) goes through save() and load(). References are
 * ids: writing one puts the object on a work list, so nothing recurses. Reading has two phases:
 * first every object is made and its fields are read, then references are resolved and link() puts
 * objects into each other's lists. Everything read is under the control of whoever made the image:
 * a failure ends the restore, and with it the process, so nothing is freed on the way out.
 *
 * Compatibility: a type's version grows when a field is added (`since`) or no longer written
 * (`until`); a reader accepts its own version of the type and older ones, whose missing fields keep
 * what create() gave them. Ids of types and names of symbols are never used again for others.
 */
#ifndef NV_CKPT_RECORD_H
#define NV_CKPT_RECORD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CKPT_FORMAT 2 /* of the file as a whole; CKPT_FORMAT - 1 is read, too */
#define CKPT_NO_TIME UINT64_MAX
#define CKPT_MEMORIES_MAX 256 /* address spaces with a file of their own */

struct ckpt_writer;
struct ckpt_reader;

enum ckpt_kind {
    CKPT_KIND_UINT,   /* 1, 2, 4 or 8 bytes; max: the largest valid value, 0: any */
    CKPT_KIND_BOOL,   /* a bool; anything but 0 and 1 is refused */
    CKPT_KIND_BYTES,  /* an array of fixed size, as it is in memory */
    CKPT_KIND_STRING, /* char *, malloc'ed, may be NULL; max: longest */
    CKPT_KIND_TIME,   /* uint64_t, the host's monotonic ns; what remains of it is kept */
    CKPT_KIND_REF,    /* a pointer to an object, held: type->hold() is called for it */
    CKPT_KIND_WEAK,   /* a pointer that holds nothing */
    CKPT_KIND_SYMBOL, /* a pointer to something static that CKPT_SYMBOL has named, or NULL */
};

struct ckpt_type;

struct ckpt_field {
    const char *name;
    enum ckpt_kind kind;
    uint16_t since, until; /* until 0: still written */
    uint32_t offset, size;
    uint64_t max;
    const struct ckpt_type *type;
    const char *group; /* of a symbol: "file_ops", ... */
};

#define CKPT_FIELD_(st, f, kind_, since_, ...)                                                     \
    {                                                                                              \
        .name = #f, .kind = kind_, .since = since_, .offset = offsetof(st, f),                     \
        .size = sizeof(((st *)0)->f), __VA_ARGS__                                                  \
    }
#define CKPT_UINT(st, f) CKPT_FIELD_(st, f, CKPT_KIND_UINT, 1)
#define CKPT_UINT_MAX(st, f, max_) CKPT_FIELD_(st, f, CKPT_KIND_UINT, 1, .max = (max_))
#define CKPT_BOOL(st, f) CKPT_FIELD_(st, f, CKPT_KIND_BOOL, 1)
#define CKPT_BYTES(st, f) CKPT_FIELD_(st, f, CKPT_KIND_BYTES, 1)
#define CKPT_STRING(st, f, max_) CKPT_FIELD_(st, f, CKPT_KIND_STRING, 1, .max = (max_))
#define CKPT_TIME(st, f) CKPT_FIELD_(st, f, CKPT_KIND_TIME, 1)
#define CKPT_REF(st, f, t) CKPT_FIELD_(st, f, CKPT_KIND_REF, 1, .type = (t))
#define CKPT_WEAK(st, f, t) CKPT_FIELD_(st, f, CKPT_KIND_WEAK, 1, .type = (t))
#define CKPT_SYM(st, f, g) CKPT_FIELD_(st, f, CKPT_KIND_SYMBOL, 1, .group = (g))
/* A field that version v of the type has brought: CKPT_SINCE(2, CKPT_KIND_UINT, struct pipe, head).
 */
#define CKPT_SINCE(v, kind_, st, f, ...) CKPT_FIELD_(st, f, kind_, v, ##__VA_ARGS__)

struct ckpt_type {
    const char *name;
    uint16_t id;      /* in images; enum in the file that lists the types */
    uint16_t version; /* 1 and up */
    uint32_t size;    /* of the struct; 0: create() must make it */
    const struct ckpt_field *fields;
    unsigned int nfields;
    /* Has an object no place in an image? Says so by ckpt_refuse(): it is not looked at further. */
    bool (*refuses)(struct ckpt_writer *w, void *obj);
    /* Writes what fields cannot say, with ckpt_put_*(). */
    void (*save)(struct ckpt_writer *w, void *obj);
    /*
     * Makes an object to be filled, without any reference held; NULL: calloc(size). It comes before
     * its fields. NULL return: out of memory, or ckpt_bad() was called.
     */
    void *(*create)(struct ckpt_reader *r);
    /* Reads what save() wrote; version is that of the record. References are still unresolved. */
    void (*load)(struct ckpt_reader *r, void *obj, unsigned int version);
    /* All objects exist and all references are resolved: checks and lists. In order of records. */
    void (*link)(struct ckpt_reader *r, void *obj);
    void (*hold)(void *obj); /* takes the reference of a REF field; NULL: not counted */
};
#define CKPT_TABLE(t) .fields = (t), .nfields = sizeof(t) / sizeof((t)[0])

/*
 * Types and static objects announce themselves; no table in one place has to know all of them.
 * Symbols are found by group and name.
 */
struct ckpt_symbol {
    const char *group, *name;
    const void *ptr;
};
#define CKPT_TYPE_REGISTER(t)                                                                      \
    static const struct ckpt_type *const t##_registered                                            \
        __attribute__((used, section("ckpt_types"))) = &(t)
#define CKPT_SYMBOL(group_, name_, var)                                                            \
    static const struct ckpt_symbol var##_symbol = {group_, name_, &(var)};                        \
    static const struct ckpt_symbol *const var##_symbol_registered                                 \
        __attribute__((used, section("ckpt_symbols"))) = &var##_symbol
/* Functions: var is the function's name. */
#define CKPT_FUNCTION(group_, name_, fn)                                                           \
    static const struct ckpt_symbol fn##_symbol = {group_, name_, (const void *)(uintptr_t)(fn)};  \
    static const struct ckpt_symbol *const fn##_symbol_registered                                  \
        __attribute__((used, section("ckpt_symbols"))) = &fn##_symbol

/* --- writing --- */
/*
 * Where pages go: returns the offset in the file, in bytes, of npages written in a row, or a
 * negative errno; data NULL: of zeros. NULL for a dry run (--check). Files: CKPT_PAGES, or
 * CKPT_MEMORY and up for the memory of one address space each, which are written one after the
 * other: processes map them, and could read all that is in a file that they can map a piece of.
 */
enum { CKPT_PAGES, CKPT_MEMORY };
typedef int64_t (*ckpt_pages_fn)(void *arg, unsigned int file, const void *data, size_t npages);

struct ckpt_writer *ckpt_writer_new(uint64_t now_ns, ckpt_pages_fn pages, void *arg);
void ckpt_writer_free(struct ckpt_writer *w);
/* Saves obj and all that it leads to. The first object is the image's root. */
void ckpt_save_root(struct ckpt_writer *w, const struct ckpt_type *type, void *obj);
/* The finished file, owned by the writer; or a negative errno. */
int64_t ckpt_writer_finish(struct ckpt_writer *w, const void **data);

void ckpt_put_u8(struct ckpt_writer *w, uint8_t v);
void ckpt_put_u32(struct ckpt_writer *w, uint32_t v);
void ckpt_put_u64(struct ckpt_writer *w, uint64_t v);
void ckpt_put_time(struct ckpt_writer *w, uint64_t ns);
void ckpt_put_bytes(struct ckpt_writer *w, const void *p, size_t n); /* length is not written */
void ckpt_put_string(struct ckpt_writer *w, const char *s);          /* may be NULL */
void ckpt_put_ref(struct ckpt_writer *w, const struct ckpt_type *type, const void *obj);
void ckpt_put_symbol(struct ckpt_writer *w, const char *group, const void *ptr);
bool ckpt_symbol_known(const char *group, const void *ptr);
/* Fields of a struct that is part of the object being written. */
void ckpt_put_fields(struct ckpt_writer *w, const struct ckpt_field *f, unsigned int n,
                     const void *at);
/* Puts pages into a file: their offset there (also written to the record by no one). */
uint64_t ckpt_put_pages(struct ckpt_writer *w, unsigned int file, const void *data, size_t npages);
/* Numbers the files of memory: CKPT_MEMORY + 0, + 1... in each image. */
unsigned int ckpt_next_memory(struct ckpt_writer *w);
/* False for a dry run: nothing has to be read that is only for ckpt_put_pages(). */
bool ckpt_wants_pages(const struct ckpt_writer *w);
/* The id that obj has or will have; objects that were already written keep theirs. */
bool ckpt_saved(const struct ckpt_writer *w, const void *obj);
uint64_t ckpt_now(const struct ckpt_writer *w);

/*
 * Something that cannot be saved. Writing goes on, so that all reasons are found; finish then
 * fails with -EBUSY. subject: "pid 3 fd 5 (/dev/kvm)".
 */
void ckpt_refuse(struct ckpt_writer *w, const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A failure, -ENOMEM say: finish returns it. */
void ckpt_fail(struct ckpt_writer *w, int err);
/* "subject: reason" of refusal i, NULL after the last. */
const char *ckpt_refusal(const struct ckpt_writer *w, unsigned int i);

/* --- reading --- */
/* data stays the caller's and must not change while the reader lives. */
struct ckpt_reader *ckpt_reader_new(const void *data, size_t len, uint64_t now_ns);
void ckpt_reader_free(struct ckpt_reader *r);
/* Reads everything. The root object, or NULL: see ckpt_reader_error(). */
void *ckpt_load_root(struct ckpt_reader *r, const struct ckpt_type *type);
const char *ckpt_reader_error(const struct ckpt_reader *r);
/* What the sandbox restores into, for hooks: set by the caller, never looked at here. */
void ckpt_reader_set_arg(struct ckpt_reader *r, void *arg);
void *ckpt_reader_arg(const struct ckpt_reader *r);

/* After a failure all of these give zero, NULL and nothing. */
uint8_t ckpt_get_u8(struct ckpt_reader *r);
uint32_t ckpt_get_u32(struct ckpt_reader *r);
uint64_t ckpt_get_u64(struct ckpt_reader *r);
uint64_t ckpt_get_time(struct ckpt_reader *r);
/* A number of things to follow, each at least item bytes long: never more than the record holds. */
uint32_t ckpt_get_count(struct ckpt_reader *r, uint32_t max, size_t item);
void ckpt_get_bytes(struct ckpt_reader *r, void *p, size_t n);
char *ckpt_get_string(struct ckpt_reader *r, size_t max); /* malloc'ed or NULL */
/* *slot is set once all objects exist, and must stay where it is until then. */
void ckpt_get_ref(struct ckpt_reader *r, const struct ckpt_type *type, void *slot);
void ckpt_get_weak(struct ckpt_reader *r, const struct ckpt_type *type, void *slot);
const void *ckpt_get_symbol(struct ckpt_reader *r, const char *group);
void ckpt_get_fields(struct ckpt_reader *r, const struct ckpt_field *f, unsigned int n, void *at,
                     unsigned int version);
bool ckpt_failed(const struct ckpt_reader *r);
/* The image is wrong: the first reason counts. */
void ckpt_bad(struct ckpt_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
uint64_t ckpt_reader_now(const struct ckpt_reader *r);

/* --- looking without restoring: nv image inspect, diff --- */
struct ckpt_dump {
    void (*record)(struct ckpt_dump *d, const struct ckpt_type *type, uint32_t id, size_t bytes);
    void (*field)(struct ckpt_dump *d, const struct ckpt_field *f, const char *value);
    /* What save() wrote behind the fields, of types that are known. */
    void (*rest)(struct ckpt_dump *d, const struct ckpt_type *type, unsigned int version,
                 const void *data, size_t len);
};
int ckpt_dump(const void *data, size_t len, struct ckpt_dump *d);

#endif
