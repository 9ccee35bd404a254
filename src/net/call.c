/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange one waits for: a stream that collects its body. */
#include "net/internal.h"

#include "core/cancel.h"
#include "core/error.h"

#include <stdlib.h>
#include <time.h>

enum { CANCEL_POLL_NS = 50 * 1000 * 1000 };

typedef struct call_waiter {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done;
    hf_status status;
    hf_error err;
} call_waiter;

static void on_done(void *self, hf_status status, const hf_error *err)
{
    call_waiter *waiter = self;

    pthread_mutex_lock(&waiter->lock);
    waiter->status = status;
    waiter->err = *err;
    waiter->done = true;
    pthread_cond_signal(&waiter->ended);
    pthread_mutex_unlock(&waiter->lock);
}

/* The lock is held, and let go for as long as somebody else's code runs. */
static bool wants_to_stop(call_waiter *waiter, hf__net_stream *stream, const hf_cancel *cancel)
{
    bool stop;

    if (hf__canceled(cancel) || !cancel->on_wait)
        return hf__canceled(cancel);
    pthread_mutex_unlock(&waiter->lock);
    stop = cancel->on_wait(cancel->self, hf__net_stream_waits_ms(stream, NULL));
    pthread_mutex_lock(&waiter->lock);
    return stop;
}

static void wait_done(call_waiter *waiter, hf__net_stream *stream, const hf_cancel *cancel)
{
    bool asked = false;

    pthread_mutex_lock(&waiter->lock);
    while (!waiter->done) {
        struct timespec until;

        if (!cancel || asked) {
            pthread_cond_wait(&waiter->ended, &waiter->lock);
            continue;
        }
        if (wants_to_stop(waiter, stream, cancel)) {
            asked = true;
            hf__net_stream_cancel(stream);
            continue;
        }
        if (waiter->done)
            break;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += CANCEL_POLL_NS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        (void)pthread_cond_timedwait(&waiter->ended, &waiter->lock, &until);
    }
    pthread_mutex_unlock(&waiter->lock);
}

static hf_status take_answer(hf__net_stream *stream, hf__net_resp *out, hf_error *err)
{
    hf__net_resp resp = { .status = stream->io.status };

    resp.url = hf__buf_take(&stream->io.url);
    if (!resp.url)
        return hf__fail_nomem(err);
    resp.headers = stream->io.headers;
    stream->io.headers = NULL;
    resp.body = stream->io.body;
    hf__buf_init(&stream->io.body, 0);
    *out = resp;
    return HF_OK;
}

hf_status hf__net_call(hf__net *net, const hf__net_req *req, const hf_cancel *cancel,
                       hf__net_resp *out, hf_error *err)
{
    call_waiter waiter = { .err = HF_ERROR_INIT };
    hf__net_sink sink = { .self = &waiter, .on_done = on_done };
    hf__net_stream *stream = NULL;
    pthread_condattr_t attr;
    hf_status st;

    hf__error_clear(err);
    if (hf__canceled(cancel))
        return hf__fail(err, HF_ERR_CANCELED, "cancelled");
    st = hf__stream_new(net, req, &sink, true, &stream, err);
    if (st != HF_OK)
        return st;
    pthread_mutex_init(&waiter.lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr,
                              CLOCK_MONOTONIC); /* a clock that is set must not stretch a wait */
    pthread_cond_init(&waiter.ended, &attr);
    pthread_condattr_destroy(&attr);
    st = hf__stream_submit(stream, err);
    if (st == HF_OK) {
        hf__net_go(net);
        wait_done(&waiter, stream, cancel);
        st = waiter.status;
        if (st == HF_OK)
            st = take_answer(stream, out, err);
        else
            hf__error_copy(err, &waiter.err);
    }
    pthread_cond_destroy(&waiter.ended);
    pthread_mutex_destroy(&waiter.lock);
    hf__net_stream_free(stream);
    return st;
}

void hf__net_resp_dispose(hf__net_resp *resp)
{
    if (!resp)
        return;
    free(resp->url);
    hf__headers_free(resp->headers);
    hf__buf_dispose(&resp->body);
    *resp = (hf__net_resp){ 0 };
}
