/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dl.h"

#include "core/error.h"

#include <dlfcn.h>
#include <string.h>

hf_status hf__dl_load(const char *const *sonames, const hf__dl_sym *syms, size_t n_syms,
                      void *table, const char *hint, hf_error *err)
{
    void *library = NULL;

    for (size_t i = 0; sonames[i] && !library; i++)
        library = dlopen(sonames[i], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return hf__fail(err, HF_ERR_UNSUPPORTED, "cannot load '%s'; install %s", sonames[0], hint);
    for (size_t i = 0; i < n_syms; i++) {
        void *symbol = dlsym(library, syms[i].name);

        if (!symbol)
            return hf__fail(err, HF_ERR_UNSUPPORTED, "'%s' lacks '%s'; install a newer %s",
                            sonames[0], syms[i].name, hint);
        /* ISO C has no conversion from void * to a function pointer; POSIX says the bytes are the
         * same. */
        memcpy((char *)table + syms[i].offset, &symbol, sizeof(symbol));
    }
    return HF_OK;
}
