/*
 * A module for Node, loaded into a guest before it is saved: mixes fresh entropy into OpenSSL's
 * generators, which otherwise give every clone of an image the same numbers. Node has no function
 * for that. Built on its own, without Node's headers: these are the calls of its stable ABI.
 */
#include <stddef.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;

int napi_create_function(napi_env env, const char *name, size_t len,
                         napi_value (*fn)(napi_env, napi_callback_info), void *data,
                         napi_value *out);
int napi_set_named_property(napi_env env, napi_value object, const char *name, napi_value value);
int napi_get_boolean(napi_env env, _Bool value, napi_value *out);
/* OpenSSL's, from Node or its library; NULL in a Node without. */
int RAND_poll(void) __attribute__((weak));

/* Reseeds the first generator; those of threads follow it when they are used next. */
static napi_value reseed(napi_env env, napi_callback_info info)
{
    napi_value done = NULL;

    (void)info;
    napi_get_boolean(env, RAND_poll && RAND_poll() == 1, &done);
    return done;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports);
napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
    napi_value fn;

    if (!napi_create_function(env, "reseed", (size_t)-1, reseed, NULL, &fn))
        napi_set_named_property(env, exports, "reseed", fn);
    return exports;
}
