/* SPDX-License-Identifier: Apache-2.0 */
/* A flag that any thread, and a signal handler, may raise. */
#ifndef HF_CORE_CANCEL_H
#define HF_CORE_CANCEL_H

#include <hfhub/hfhub.h>
#include <stdatomic.h>
#include <stdbool.h>

struct hf_cancel {
    atomic_bool set;
};

static inline bool hf__canceled(const hf_cancel *cancel)
{
    return cancel && atomic_load_explicit(&cancel->set, memory_order_relaxed);
}

#endif
