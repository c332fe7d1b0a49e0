/*
 * Images as OCI artifacts: an image layout directory (index.json, oci-layout, blobs/sha256) that
 * registries and their tools can carry. The config of the artifact is our manifest.json, the layers
 * are the parts, compressed by zstd, and the signature.
 */
#ifndef NV_CKPT_OCI_H
#define NV_CKPT_OCI_H

#include "base/error.h"
#include "ckpt/image.h"

/* dir is made; it must not exist, or be empty. name becomes the reference's. */
int oci_export(const struct image *img, const char *name, const char *dir, struct error *e);
/*
 * Makes the image `name` of the layout in dir, which nothing is believed of. name NULL: as the
 * layout calls it. *made, if not NULL, is the name used, malloc'ed.
 */
int oci_import(const char *dir, const char *name, char **made, struct error *e);

#endif
