/* SPDX-License-Identifier: Apache-2.0 */
/* A flag that any thread, and a signal handler, may raise; and one of a call's own on top of it, whose
 * call wants to hear that time passes while it waits. */
#ifndef HF_CORE_CANCEL_H
#define HF_CORE_CANCEL_H

#include <hfhub/hfhub.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct hf_cancel {
    atomic_bool set;
    /* Of those that live on the stack of a call alone: */
    const struct hf_cancel *outer; /* NULL: none */
    /* Called every now and then on the thread that waits for an answer, with the time until the next
     * try (0: one is under way); true to end the wait. NULL: none. */
    bool (*on_wait)(void *self, uint32_t wait_ms);
    void *self;
};

static inline bool hf__canceled(const hf_cancel *cancel)
{
    for (; cancel; cancel = cancel->outer)
        if (atomic_load_explicit(&cancel->set, memory_order_relaxed))
            return true;
    return false;
}

#endif
