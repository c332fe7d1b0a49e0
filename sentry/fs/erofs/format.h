/*
 * EROFS on disk, as Linux's fs/erofs/erofs_fs.h and Documentation/filesystems/erofs.rst describe
 * it. All numbers are little-endian; structures are copied out of the image before they are read.
 */
#ifndef NV_SENTRY_FS_EROFS_FORMAT_H
#define NV_SENTRY_FS_EROFS_FORMAT_H

#include <stdint.h>

#define EROFS_MAGIC 0xe0f5e1e2U
#define EROFS_SUPER_OFFSET 1024U
#define EROFS_ISLOT_BITS 5
#define EROFS_NULL_ADDR UINT32_MAX

enum { /* feature_compat */
       EROFS_COMPAT_SB_CHKSUM = 1,
};

enum { /* feature_incompat: some bits have two names, which go by other fields */
       EROFS_INCOMPAT_ZERO_PADDING = 1,
       EROFS_INCOMPAT_COMPR_CFGS = 2, /* also BIG_PCLUSTER */
       EROFS_INCOMPAT_CHUNKED_FILE = 4,
       EROFS_INCOMPAT_DEVICE_TABLE = 8, /* also COMPR_HEAD2 */
       EROFS_INCOMPAT_ZTAILPACKING = 16,
       EROFS_INCOMPAT_FRAGMENTS = 32, /* also DEDUPE */
       EROFS_INCOMPAT_XATTR_PREFIXES = 64,
       EROFS_INCOMPAT_KNOWN = 127,
};

struct erofs_disk_super {
    uint32_t magic, checksum, feature_compat;
    uint8_t blkszbits, sb_extslots;
    uint16_t root_nid;
    uint64_t inos, build_time;
    uint32_t build_time_nsec, blocks, meta_blkaddr, xattr_blkaddr;
    uint8_t uuid[16], volume_name[16];
    uint32_t feature_incompat;
    uint16_t algorithms; /* with COMPR_CFGS; else LZ4's largest distance */
    uint16_t extra_devices, devt_slotoff;
    uint8_t dirblkbits, xattr_prefix_count;
    uint32_t xattr_prefix_start;
    uint64_t packed_nid;
    uint8_t xattr_filter, reserved[23];
} __attribute__((packed));

/* Layouts of an inode's data, bits 1 to 3 of its format; bit 0 tells the long form. */
enum {
    EROFS_FLAT_PLAIN,
    EROFS_COMPRESSED_FULL,
    EROFS_FLAT_INLINE,
    EROFS_COMPRESSED_COMPACT,
    EROFS_CHUNK_BASED,
    EROFS_LAYOUTS
};
#define EROFS_FORMAT_BITS 15U

struct erofs_disk_inode { /* the long form; the short one is the next */
    uint16_t format, xattr_icount, mode, reserved;
    uint64_t size;
    uint32_t u; /* block address, compressed blocks, device number, form of chunks */
    uint32_t ino, uid, gid;
    uint64_t mtime;
    uint32_t mtime_nsec, nlink;
    uint8_t reserved2[16];
} __attribute__((packed));

struct erofs_disk_inode_short {
    uint16_t format, xattr_icount, mode, nlink;
    uint32_t size, reserved, u, ino;
    uint16_t uid, gid;
    uint32_t reserved2;
} __attribute__((packed));

#define EROFS_CHUNK_BITS 31U    /* of the form of chunks: log2 of blocks in one */
#define EROFS_CHUNK_INDEXES 32U /* indexes of 8 bytes, not addresses of 4 */
#define EROFS_CHUNK_KNOWN 63U

struct erofs_disk_chunk {
    uint16_t advise, device;
    uint32_t blkaddr;
} __attribute__((packed));

struct erofs_disk_dirent {
    uint64_t nid;
    uint16_t nameoff;
    uint8_t file_type, reserved;
} __attribute__((packed));

struct erofs_disk_xattr_header {
    uint32_t name_filter;
    uint8_t shared_count, reserved[7];
} __attribute__((packed));

#define EROFS_XATTR_LONG_PREFIX 128U
struct erofs_disk_xattr {
    uint8_t name_len, name_index;
    uint16_t value_size;
} __attribute__((packed));

/* --- compressed files --- */
#define EROFS_Z_BIG_PCLUSTER_1 2U
#define EROFS_Z_BIG_PCLUSTER_2 4U
#define EROFS_Z_COMPACTED_2B 1U
#define EROFS_Z_INLINE_PCLUSTER 8U
#define EROFS_Z_INTERLACED 16U
#define EROFS_Z_FRAGMENT 32U
#define EROFS_Z_KNOWN 63U
#define EROFS_Z_WHOLE_FRAGMENT (1ULL << 63)

struct erofs_disk_zheader {
    union {
        uint32_t fragmentoff;
        struct {
            uint16_t reserved, idata_size;
        };
    };
    uint16_t advise;
    uint8_t algorithms, clusterbits;
} __attribute__((packed));

struct erofs_disk_zindex {
    uint16_t advise, clusterofs;
    union {
        uint32_t blkaddr;
        uint16_t delta[2];
    };
} __attribute__((packed));

enum { EROFS_Z_PLAIN, EROFS_Z_HEAD1, EROFS_Z_NONHEAD, EROFS_Z_HEAD2 };
#define EROFS_Z_TYPE_MASK 3U
#define EROFS_Z_D0_CBLKCNT 2048U /* delta[0] is the number of compressed blocks */

enum { EROFS_ALG_LZ4, EROFS_ALG_LZMA, EROFS_ALG_DEFLATE, EROFS_ALG_ZSTD, EROFS_ALG_PLAIN };

#define EROFS_PCLUSTER_MAX (1U << 20)  /* compressed */
#define EROFS_DCLUSTER_MAX (12U << 20) /* decompressed: Z_EROFS_PCLUSTER_MAX_DSIZE */

#endif
