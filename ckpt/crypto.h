/* Digests and signatures, by OpenSSL's libcrypto. */
#ifndef NV_CKPT_CRYPTO_H
#define NV_CKPT_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SHA256_LEN 32
#define SIGNATURE_LEN 64 /* ed25519 */

int sha256_data(const void *data, size_t len, uint8_t digest[SHA256_LEN], struct error *e);
/*
 * The first size bytes of fd. What was read is also written to copy, unless that is -1: the copy
 * then is what the digest is of, whoever changes the file. A file that ends earlier: -EBADMSG.
 */
int sha256_file(int fd, uint64_t size, int copy, uint8_t digest[SHA256_LEN], struct error *e);

#define SHA256_HEX (2 * SHA256_LEN + 1)
void sha256_to_hex(const uint8_t digest[SHA256_LEN], char hex[SHA256_HEX]);
/* 0 or -EINVAL: 64 lower case digits and nothing else. */
int sha256_from_hex(const char *hex, uint8_t digest[SHA256_LEN]);

/* Keys are PEM files as openssl genpkey -algorithm ed25519 and openssl pkey -pubout make them. */
int signature_make(const char *key_file, const void *data, size_t len, uint8_t sig[SIGNATURE_LEN],
                   struct error *e);
/* 0; -EKEYREJECTED: the signature is not this key's for this data. */
int signature_check(const char *public_key_file, const void *data, size_t len,
                    const uint8_t sig[SIGNATURE_LEN], struct error *e);

#endif
