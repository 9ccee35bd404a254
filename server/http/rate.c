/* SPDX-License-Identifier: Apache-2.0 */
/* Rate limits: fixed windows per caller and bucket, as the Hub has them, with its headers. */
#include "http/internal.h"

#include "core/clock.h"
#include "core/error.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define N_SLOTS 4096 /* callers remembered; a newcomer takes the place of whom it collides with */

typedef struct slot {
    uint64_t key;
    uint64_t window; /* number of the window that `used` counts */
    uint32_t used;
} slot;

struct srv_limits {
    srv_quota quota[SRV_N_BUCKETS]; /* read-only */
    uint64_t started_ms;            /* read-only: windows count from here */
    pthread_mutex_t lock;           /* over slots */
    slot slots[SRV_N_BUCKETS][N_SLOTS];
};

static const char *const bucket_names[SRV_N_BUCKETS] = { "api", "resolvers", "pages" };

hf_status srv_limits_new(const srv_quota *quota, srv_limits **out, hf_error *err)
{
    srv_limits *limits = NULL;
    bool any = false;

    for (int i = 0; i < SRV_N_BUCKETS; i++)
        any = any || quota[i].seconds > 0;
    if (any) {
        limits = calloc(1, sizeof(*limits));
        if (!limits)
            return hf__fail_nomem(err);
        memcpy(limits->quota, quota, sizeof(limits->quota));
        limits->started_ms = hf__clock_ms();
        pthread_mutex_init(&limits->lock, NULL);
    }
    *out = limits;
    return HF_OK;
}

void srv_limits_free(srv_limits *limits)
{
    if (!limits)
        return;
    pthread_mutex_destroy(&limits->lock);
    free(limits);
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211); /* FNV-1a */
    return hash;
}

/* Who shows a token is counted by it, anybody else by address. */
static uint64_t caller_key(const srv_req *req)
{
    const uint64_t seed = UINT64_C(14695981039346656037);
    const char *auth = srv_req_header(req, "Authorization");
    const union MHD_ConnectionInfo *info;

    if (auth)
        return mix(seed, auth, strlen(auth));
    info = MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info && info->client_addr && info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)info->client_addr;

        return mix(seed, &v4->sin_addr, sizeof(v4->sin_addr));
    }
    if (info && info->client_addr && info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)info->client_addr;

        return mix(seed, &v6->sin6_addr, sizeof(v6->sin6_addr));
    }
    return seed;
}

bool srv_limits_take(srv_limits *limits, srv_req *req, srv_bucket bucket)
{
    const srv_quota *quota = &limits->quota[bucket];
    uint64_t elapsed = (hf__clock_ms() - limits->started_ms) / 1000;
    uint64_t key = caller_key(req);
    slot *mine = &limits->slots[bucket][key % N_SLOTS];
    uint64_t window;
    uint64_t resets;
    uint32_t left;
    bool allowed;

    if (quota->seconds == 0)
        return true;
    window = elapsed / quota->seconds;
    resets = (window + 1) * quota->seconds - elapsed;
    pthread_mutex_lock(&limits->lock);
    if (mine->key != key || mine->window != window) {
        memset(mine, 0, sizeof(*mine));
        mine->key = key;
        mine->window = window;
    }
    allowed = mine->used < quota->n;
    if (allowed)
        mine->used++;
    left = quota->n - mine->used;
    pthread_mutex_unlock(&limits->lock);
    srv_header_setf(req, "RateLimit", "\"%s\";r=%u;t=%llu", bucket_names[bucket], left,
                    (unsigned long long)resets);
    srv_header_setf(req, "RateLimit-Policy", "\"fixed window\";\"%s\";q=%u;w=%u",
                    bucket_names[bucket], quota->n, quota->seconds);
    if (!allowed)
        srv_header_setf(req, "Retry-After", "%llu", (unsigned long long)resets);
    return allowed;
}
