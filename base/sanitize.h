/* NV_ASAN: built with AddressSanitizer (make SAN=1), by gcc or clang. */
#ifndef NV_BASE_SANITIZE_H
#define NV_BASE_SANITIZE_H

#if defined(__SANITIZE_ADDRESS__)
#define NV_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NV_ASAN 1
#endif
#endif
#ifndef NV_ASAN
#define NV_ASAN 0
#endif

#endif
