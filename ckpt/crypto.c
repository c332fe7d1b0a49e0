/* See crypto.h. */
#include "ckpt/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/library.h"

#define CHUNK (256UL << 10) /* stays in the second level cache between read and digest */
#define KEY_MAX 4096

#define FN(f) static __typeof__(&(f)) f##_p
FN(OPENSSL_init_crypto);
FN(EVP_MD_CTX_new);
FN(EVP_MD_CTX_free);
FN(EVP_sha256);
FN(EVP_DigestInit_ex);
FN(EVP_DigestUpdate);
FN(EVP_DigestFinal_ex);
FN(EVP_DigestSignInit);
FN(EVP_DigestSign);
FN(EVP_DigestVerifyInit);
FN(EVP_DigestVerify);
FN(EVP_PKEY_free);
FN(EVP_PKEY_get_id);
FN(BIO_new_mem_buf);
FN(BIO_free);
FN(PEM_read_bio_PrivateKey);
FN(PEM_read_bio_PUBKEY);

static int load(struct error *e)
{
    static bool loaded;
    const struct library_function f[] = {
#define F(name) {#name, &name##_p}
        F(OPENSSL_init_crypto),
        F(EVP_MD_CTX_new),
        F(EVP_MD_CTX_free),
        F(EVP_sha256),
        F(EVP_DigestInit_ex),
        F(EVP_DigestUpdate),
        F(EVP_DigestFinal_ex),
        F(EVP_DigestSignInit),
        F(EVP_DigestSign),
        F(EVP_DigestVerifyInit),
        F(EVP_DigestVerify),
        F(EVP_PKEY_free),
        F(EVP_PKEY_get_id),
        F(BIO_new_mem_buf),
        F(BIO_free),
        F(PEM_read_bio_PrivateKey),
        F(PEM_read_bio_PUBKEY),
#undef F
    };

    if (loaded)
        return 0;
    int err = library_load("libcrypto.so.3", "libssl3", f, ARRAY_SIZE(f), e);
    if (err)
        return err;
    /* Neither configuration files nor tables of messages are needed: they take 1 ms to read. */
    OPENSSL_init_crypto_p(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
    loaded = true;
    return 0;
}

static int failed(struct error *e, const char *what)
{
    return error_set(e, -EIO, "libcrypto: %s", what);
}

/* --- digests --- */
static void free_ctx(EVP_MD_CTX **c)
{
    if (*c)
        EVP_MD_CTX_free_p(*c);
}
#define cleanup_ctx cleanup_with(free_ctx)

static EVP_MD_CTX *digest_new(struct error *e)
{
    if (load(e))
        return NULL;
    EVP_MD_CTX *c = EVP_MD_CTX_new_p();
    if (c && EVP_DigestInit_ex_p(c, EVP_sha256_p(), NULL) == 1)
        return c;
    if (c)
        EVP_MD_CTX_free_p(c);
    failed(e, "SHA-256 is not to be had");
    return NULL;
}

int sha256_data(const void *data, size_t len, uint8_t digest[SHA256_LEN], struct error *e)
{
    cleanup_ctx EVP_MD_CTX *c = digest_new(e);

    if (!c)
        return -EIO;
    if (EVP_DigestUpdate_p(c, data, len) != 1 || EVP_DigestFinal_ex_p(c, digest, NULL) != 1)
        return failed(e, "SHA-256 failed");
    return 0;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return w ? -errno : -EIO;
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

int sha256_file(int fd, uint64_t size, int copy, uint8_t digest[SHA256_LEN], struct error *e)
{
    cleanup_ctx EVP_MD_CTX *c = digest_new(e);

    if (!c)
        return -EIO;
    cleanup_free uint8_t *buf = malloc(CHUNK);
    if (!buf)
        return error_set(e, -ENOMEM, "reading a file");
    for (uint64_t at = 0; at < size;) {
        ssize_t r = pread(fd, buf, MIN(CHUNK, size - at), (off_t)at);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return error_set(e, -errno, "reading a file");
        if (r == 0)
            return error_say(e, -EBADMSG, "the file ends too early");
        if (EVP_DigestUpdate_p(c, buf, (size_t)r) != 1)
            return failed(e, "SHA-256 failed");
        int err = copy >= 0 ? write_all(copy, buf, (size_t)r) : 0;
        if (err)
            return error_set(e, err, "copying a file");
        at += (uint64_t)r;
    }
    return EVP_DigestFinal_ex_p(c, digest, NULL) == 1 ? 0 : failed(e, "SHA-256 failed");
}

void sha256_to_hex(const uint8_t digest[SHA256_LEN], char hex[SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < SHA256_LEN; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * SHA256_LEN] = 0;
}

int sha256_from_hex(const char *hex, uint8_t digest[SHA256_LEN])
{
    if (strlen(hex) != SHA256_HEX - 1 || strspn(hex, "0123456789abcdef") != SHA256_HEX - 1)
        return -EINVAL;
    for (int i = 0; i < SHA256_LEN; i++) {
        unsigned int v = 0;
        for (int k = 0; k < 2; k++) {
            char c = hex[2 * i + k];
            v = v * 16 + (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        digest[i] = (uint8_t)v;
    }
    return 0;
}

/* --- signatures --- */
static void free_key(EVP_PKEY **k)
{
    if (*k)
        EVP_PKEY_free_p(*k);
}
#define cleanup_key cleanup_with(free_key)

static int no_passphrase(char *buf, int size, int rwflag, void *u)
{
    return -1; /* nobody is asked: a start must not wait for a terminal */
}

static EVP_PKEY *read_key(const char *file, bool private, struct error *e)
{
    char pem[KEY_MAX];
    cleanup_close int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : read(fd, pem, sizeof(pem));

    if (n < 0) {
        error_set(e, -errno, "key %s", file);
        return NULL;
    }
    BIO *b = BIO_new_mem_buf_p(pem, (int)n);
    EVP_PKEY *k = !b        ? NULL
                  : private ? PEM_read_bio_PrivateKey_p(b, NULL, no_passphrase, NULL)
                            : PEM_read_bio_PUBKEY_p(b, NULL, no_passphrase, NULL);
    if (b)
        BIO_free_p(b);
    explicit_bzero(pem, sizeof(pem));
    if (k && EVP_PKEY_get_id_p(k) == EVP_PKEY_ED25519)
        return k;
    if (k)
        EVP_PKEY_free_p(k);
    error_say(e, -EINVAL, "key %s: not %s ed25519 key without a passphrase in PEM", file,
              private ? "a private" : "a public");
    error_hint(e, private
                      ? "openssl genpkey -algorithm ed25519 -out key.pem makes one"
                      : "openssl pkey -in key.pem -pubout -out pub.pem makes it of a private key");
    return NULL;
}

int signature_make(const char *key_file, const void *data, size_t len, uint8_t sig[SIGNATURE_LEN],
                   struct error *e)
{
    size_t n = SIGNATURE_LEN;
    int err = load(e);

    if (err)
        return err;
    cleanup_key EVP_PKEY *key = read_key(key_file, true, e);
    if (!key)
        return -EINVAL;
    cleanup_ctx EVP_MD_CTX *c = EVP_MD_CTX_new_p();
    if (!c || EVP_DigestSignInit_p(c, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign_p(c, sig, &n, data, len) != 1 || n != SIGNATURE_LEN)
        return failed(e, "signing failed");
    return 0;
}

int signature_check(const char *public_key_file, const void *data, size_t len,
                    const uint8_t sig[SIGNATURE_LEN], struct error *e)
{
    int err = load(e);

    if (err)
        return err;
    cleanup_key EVP_PKEY *key = read_key(public_key_file, false, e);
    if (!key)
        return -EINVAL;
    cleanup_ctx EVP_MD_CTX *c = EVP_MD_CTX_new_p();
    if (!c || EVP_DigestVerifyInit_p(c, NULL, NULL, NULL, key) != 1)
        return failed(e, "checking a signature failed");
    if (EVP_DigestVerify_p(c, sig, SIGNATURE_LEN, data, len) != 1)
        return error_say(e, -EKEYREJECTED, "the signature is not that of %s", public_key_file);
    return 0;
}
