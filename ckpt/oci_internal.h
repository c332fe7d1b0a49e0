/* What export and import share. */
#ifndef NV_CKPT_OCI_INTERNAL_H
#define NV_CKPT_OCI_INTERNAL_H

#include "ckpt/oci.h"

#define OCI_INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define OCI_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define OCI_LAYOUT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define OCI_REF_NAME "org.opencontainers.image.ref.name"
#define OCI_JSON_MAX (4UL << 20)

#define NV_ARTIFACT_TYPE "application/vnd.nanovisor.image.v1"
#define NV_CONFIG_TYPE "application/vnd.nanovisor.image.manifest.v1+json"
#define NV_SIGNATURE_TYPE "application/vnd.nanovisor.image.signature.v1"
/* The layer of an enum image_part. */
#define OCI_TYPE_MAX 80
void oci_part_type(int part, char type[OCI_TYPE_MAX]);

/* oci_zstd.c: from the beginning of one to the present place of the other. */
int oci_compress(int from, uint64_t size, int to, struct error *e);
/* Exactly size bytes must come out. */
int oci_decompress(int from, int to, uint64_t size, struct error *e);

#endif
