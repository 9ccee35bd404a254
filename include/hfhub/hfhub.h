/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hfhub.h: a client of the Hugging Face Hub in C.
 *
 * Read it from top to bottom; it meets things in the order a user does: version, status and error,
 * strings, cancelling, client, naming a repo, one file, a whole repo, what is cached, what a repo
 * holds.
 *
 * Conventions that hold everywhere:
 *  - Strings are UTF-8 and end in NUL. Inputs are borrowed for the call and copied if kept.
 *  - What comes through `T **out` belongs to the caller and is freed with hf_T_free(); the
 *    library's allocator need not be the caller's, so free() is never right. Out-parameters are
 *    written on success only.
 *  - Result structures are made by the library alone; fields are only ever appended to them.
 *  - Option structures start with `struct_size`, which HF_..._OPTS_INIT sets. Zero means the
 *    default.
 *  - `hf_error *err` may be NULL. It is cleared on entry and filled on failure.
 *  - The library prints nothing, changes no signal handler, and keeps no global state.
 */
#ifndef HFHUB_HFHUB_H
#define HFHUB_HFHUB_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define HF_API __declspec(dllexport)
#elif defined(__GNUC__)
#define HF_API __attribute__((visibility("default")))
#else
#define HF_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* -------------------------------------------------------------------------------------- version */

#define HF_VERSION_MAJOR  0
#define HF_VERSION_MINOR  1
#define HF_VERSION_PATCH  0
#define HF_VERSION_STRING "0.1.0"

/**
 * Tell the version of the library that is linked, which may be newer than this header.
 *
 * @return "MAJOR.MINOR.PATCH"; static, never freed
 * @threads any
 * @since 0.1
 */
HF_API const char *hf_version(void);

/* ----------------------------------------------------------------------------- status and error */

/*
 * number, name, text. Numbers are grouped by family with gaps and are never reused.
 * 1.. the call itself, 20.. this machine, 40.. the network, 60.. what the Hub answered.
 */
#define HF_STATUS_MAP(X)                                                                           \
    X(0, OK, "success")                                                                            \
    X(1, ERR_INVALID_ARG, "invalid argument")                                                      \
    X(2, ERR_NO_MEMORY, "out of memory")                                                           \
    X(3, ERR_CANCELED, "cancelled")                                                                \
    X(4, ERR_LIMIT, "a limit was exceeded")                                                        \
    X(5, ERR_UNSUPPORTED, "not supported here")                                                    \
    X(6, ERR_INTERNAL, "internal error")                                                           \
    X(20, ERR_IO, "input/output error")                                                            \
    X(21, ERR_DISK_FULL, "no space left on device")                                                \
    X(22, ERR_PERMISSION, "permission denied")                                                     \
    X(23, ERR_CORRUPT, "content does not match its hash")                                          \
    X(24, ERR_NOT_CACHED, "local entry not found")                                                 \
    X(25, ERR_INCOMPLETE_SNAPSHOT, "the cached snapshot is incomplete")                            \
    X(26, ERR_UNSAFE_PATH, "unsafe path")                                                          \
    X(27, ERR_BAD_FORMAT, "a file on disk is malformed")                                           \
    X(40, ERR_NETWORK, "network error")                                                            \
    X(41, ERR_TIMEOUT, "timed out")                                                                \
    X(42, ERR_TLS, "secure connection failed")                                                     \
    X(43, ERR_PROXY, "proxy error")                                                                \
    X(44, ERR_OFFLINE, "offline mode is enabled")                                                  \
    X(45, ERR_PROTOCOL, "unexpected answer from the server")                                       \
    X(46, ERR_TRUNCATED, "the server ended the body early")                                        \
    X(47, ERR_REDIRECTS, "too many redirects")                                                     \
    X(48, ERR_CHANGED, "the file changed during the transfer")                                     \
    X(60, ERR_REPO_NOT_FOUND, "repository not found")                                              \
    X(61, ERR_REVISION_NOT_FOUND, "revision not found")                                            \
    X(62, ERR_ENTRY_NOT_FOUND, "entry not found")                                                  \
    X(63, ERR_GATED_REPO, "access to the repository must be requested")                            \
    X(64, ERR_DISABLED_REPO, "the repository is disabled")                                         \
    X(65, ERR_UNAUTHORIZED, "the token was not accepted")                                          \
    X(66, ERR_FORBIDDEN, "forbidden")                                                              \
    X(67, ERR_RATE_LIMITED, "rate limit reached")                                                  \
    X(68, ERR_BAD_REQUEST, "the server refused the request")                                       \
    X(69, ERR_CONFLICT, "conflict")                                                                \
    X(70, ERR_RANGE, "range not satisfiable")                                                      \
    X(71, ERR_SERVER, "the server failed")                                                         \
    X(72, ERR_HTTP, "unexpected HTTP status")

typedef enum hf_status {
#define HF_STATUS_ENUM(number, name, text) HF_##name = number,
    HF_STATUS_MAP(HF_STATUS_ENUM)
#undef HF_STATUS_ENUM
} hf_status;

/** What failed, to show to a person; the status is what to branch on. */
typedef struct hf_error {
    uint32_t struct_size;   /* set by HF_ERROR_INIT */
    hf_status status;       /* the same value the call returned */
    int http_status;        /* 0 when no response arrived */
    int os_errno;           /* 0 when the operating system was not the cause */
    uint32_t retry_after_s; /* seconds the server asked to wait; 0 when it did not */
    char server_code[32];   /* X-Error-Code: "GatedRepo", …; empty when absent */
    char request_id[64];    /* to quote to the server's operator; empty when absent */
    char message[1024];     /* what failed and on what; no control characters, '\n' only inside */
} hf_error;

/* clang-format off */
#define HF_ERROR_INIT { sizeof(hf_error), HF_OK, 0, 0, 0, { 0 }, { 0 }, { 0 } }
/* clang-format on */

/**
 * Name a status, for logs and tests.
 *
 * @param status  any value
 * @return "HF_ERR_CORRUPT" and so on, "HF_ERR_UNKNOWN" for a number that is none; static
 * @threads any
 * @since 0.1
 */
HF_API const char *hf_status_name(hf_status status);

/**
 * Describe a status in a few words, for people.
 *
 * @param status  any value
 * @return text without full stop; static
 * @threads any
 * @since 0.1
 */
HF_API const char *hf_status_text(hf_status status);

/**
 * Free a string that a call of this library returned through `char **`.
 *
 * @param string  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_string_free(char *string);

/* ----------------------------------------------------------------------------------- cancelling */

/** Asks running calls to stop. One token may serve any number of calls. */
typedef struct hf_cancel hf_cancel;

/**
 * Make a cancel token.
 *
 * @param out  on success the token; free with hf_cancel_free() after every call that got it
 *             returned
 * @return HF_OK; HF_ERR_INVALID_ARG; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_cancel_new(hf_cancel **out);

/**
 * Ask every call that was given the token to stop. It only asks: each call still ends once, with
 * HF_ERR_CANCELED, and leaves a state from which the next call goes on.
 *
 * @param cancel  the token
 * @return nothing
 * @threads any; also from a signal handler
 * @since 0.1
 */
HF_API void hf_cancel_set(hf_cancel *cancel);

/**
 * Free a cancel token.
 *
 * @param cancel  NULL allowed; no call may be using it
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_cancel_free(hf_cancel *cancel);

/* --------------------------------------------------------------------------------------- client */

/** Settings, connections and tokens. May be shared between threads; make one and keep it. After a
 * fork it belongs to the parent alone, once a request was made: the child can only free it. */
typedef struct hf_client hf_client;

typedef enum hf_log_level {
    HF_LOG_ERROR = 1,
    HF_LOG_WARNING = 2,
    HF_LOG_INFO = 3,
    HF_LOG_DEBUG = 4
} hf_log_level;

/**
 * Receives one line, without newline and without secrets. Called from any thread, one call at a
 * time.
 */
typedef void hf_log_fn(hf_log_level level, const char *line, void *user);

/* flags of hf_client_opts */
#define HF_CLIENT_NO_ENV            (1u << 0) /* ignore the environment, token files included */
#define HF_CLIENT_OFFLINE           (1u << 1) /* make no request at all */
#define HF_CLIENT_NO_IMPLICIT_TOKEN (1u << 2) /* send a token only when `token` is given */
#define HF_CLIENT_NO_SYMLINKS       (1u << 3) /* treat the cache's filesystem as one without links */

typedef struct hf_client_opts {
    uint32_t struct_size;
    uint32_t flags;              /* HF_CLIENT_* */
    const char *endpoint;        /* NULL: HF_ENDPOINT, else "https://huggingface.co" */
    const char *token;           /* NULL: environment, then token file. "" : send none */
    const char *library_name;    /* for the User-Agent; NULL: "unknown" */
    const char *library_version; /* for the User-Agent; NULL: "None" */
    const char *user_agent;      /* appended to the User-Agent, "name/value; …"; NULL: nothing */
    const char *cache_dir;       /* NULL: HF_HUB_CACHE, … */
    const char *proxy; /* URL, for every host; "": none; NULL: HTTPS_PROXY, NO_PROXY and friends */
    const char *ca_file;      /* PEM bundle; NULL: SSL_CERT_FILE and friends, else the system's */
    const char *ca_dir;       /* hashed directory; NULL: SSL_CERT_DIR, else the system's */
    uint32_t etag_timeout_ms; /* of the metadata request; 0: HF_HUB_ETAG_TIMEOUT, else 10000 */
    uint32_t read_timeout_ms; /* silence on a connection; 0: HF_HUB_DOWNLOAD_TIMEOUT, else 10000 */
    uint32_t max_connections; /* at once, over all hosts; 0: 16 */
    uint64_t memory_budget;   /* bytes of transfer buffers; 0: 32 MiB, or an eighth of what the
                                 control group allows. At least 1 MiB is taken */
    uint32_t log_level;       /* most talkative hf_log_level wanted; 0: HF_LOG_WARNING */
    hf_log_fn *on_log;        /* NULL: no log */
    void *log_user;
} hf_client_opts;

/* clang-format off */
#define HF_CLIENT_OPTS_INIT \
    { sizeof(hf_client_opts), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, \
      0, 0, NULL, NULL }
/* clang-format on */

/**
 * Make a client. Reads the environment once, here, unless told not to; opens no connection and
 * starts no thread before the first request.
 *
 * @param opts  NULL for defaults; copied
 * @param out   on success the client; free with hf_client_free()
 * @param err   NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG for a malformed endpoint, variable or option; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_client_new(const hf_client_opts *opts, hf_client **out, hf_error *err);

/**
 * Free a client and close its connections.
 *
 * @param client  NULL allowed; no call may be using it, and iterators made from it must be closed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_client_free(hf_client *client);

/**
 * Limit how fast bodies come in and go out, over all calls and connections of the client together.
 *
 * @param client       the client; NULL is allowed and does nothing
 * @param bytes_per_s  bytes per second; 0: no limit. Counts from now on, also for calls under way
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_client_limit_rate(hf_client *client, uint64_t bytes_per_s);

/** What a client has settled on, to show to a person ("where would my files go?"). */
typedef enum hf_client_setting {
    HF_SETTING_ENDPOINT = 1,
    HF_SETTING_HOME, /* HF_HOME */
    HF_SETTING_CACHE_DIR,
    HF_SETTING_ASSETS_DIR,
    HF_SETTING_TOKEN_PATH,
    HF_SETTING_STORED_TOKENS_PATH,
    HF_SETTING_TOKEN_SOURCE, /* "argument", "HF_TOKEN", "file", … or "none"; never the token */
    HF_SETTING_OFFLINE,      /* "1" or "0" */
    HF_SETTING_USER_AGENT
} hf_client_setting;

/**
 * Read one setting of a client.
 *
 * @param client   the client
 * @param setting  which one
 * @return text owned by the client and valid until it is freed; NULL when there is none or the
 *         number is unknown
 * @threads any
 * @since 0.1
 */
HF_API const char *hf_client_get(const hf_client *client, hf_client_setting setting);

/* -------------------------------------------------------------------------------- naming a repo */

typedef enum hf_repo_type {
    HF_REPO_MODEL = 0,
    HF_REPO_DATASET = 1,
    HF_REPO_SPACE = 2,
    HF_REPO_KERNEL = 3
} hf_repo_type;

/** A repo at a revision. Three fields for ever, so it carries no size. */
typedef struct hf_repo_ref {
    hf_repo_type type;
    const char *id;       /* "namespace/name" or "name" */
    const char *revision; /* branch, tag, "refs/pr/N" or commit; NULL: "main" */
} hf_repo_ref;

/** A place on the Hub, written `hf://…` or as the address of a web page. */
typedef struct hf_uri {
    hf_repo_type type;
    int is_bucket;        /* a bucket, not a repo; then type means nothing */
    const char *id;       /* "namespace/name" */
    const char *revision; /* NULL: none given */
    const char *path;     /* NULL: none given; a trailing '/' is kept */
} hf_uri;

/**
 * Read a URI: `hf://[models/|datasets/|spaces/|kernels/|buckets/]namespace/name[@revision][/path]`
 *, or a web address of a repo or file. No request is made.
 *
 * @param text  the URI
 * @param out   on success its parts; free with hf_uri_free()
 * @param err   NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG, saying which part is wrong; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_uri_parse(const char *text, hf_uri **out, hf_error *err);

/**
 * Free the parts of a URI.
 *
 * @param uri  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_uri_free(hf_uri *uri);

/**
 * Build the URL under which the Hub serves a file. No request is made.
 *
 * @param client     the client whose endpoint is used
 * @param repo       the repo; its revision is escaped as one segment
 * @param path       file in the repo, '/'-separated
 * @param subfolder  put before `path`; NULL or "" for none
 * @param out        on success the URL; free with hf_string_free()
 * @param err        NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG for a repo id the Hub does not allow; HF_ERR_UNSAFE_PATH;
 *         HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_hub_url(hf_client *client, const hf_repo_ref *repo, const char *path,
                            const char *subfolder, char **out, hf_error *err);

/* ------------------------------------------------------------------------------------- one file */

/** What the Hub says of one file without sending it. */
typedef struct hf_file_metadata {
    const char *commit;   /* 40 hex digits */
    const char *etag;     /* normalised: git SHA-1 (40) or SHA-256 (64 hex digits) of the content */
    uint64_t size;        /* bytes */
    const char *location; /* where the content is; may be on another host and expire */
    const char *xet_hash; /* 64 hex digits, or NULL when the file is not in Xet storage */
    const char *xet_token_url; /* where a Xet read token is had; NULL with xet_hash */
} hf_file_metadata;

/**
 * Ask the Hub about one file: the HEAD of its resolve URL.
 *
 * @param client  the client
 * @param repo    the repo and revision
 * @param path    file in the repo, '/'-separated, UTF-8; not absolute, no ".." component
 * @param out     on success the answer; free with hf_file_metadata_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND, HF_ERR_REVISION_NOT_FOUND, HF_ERR_ENTRY_NOT_FOUND,
 *         HF_ERR_GATED_REPO, HF_ERR_DISABLED_REPO, HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN,
 *         HF_ERR_RATE_LIMITED, HF_ERR_SERVER; HF_ERR_PROTOCOL when the answer lacks commit, etag or
 *         size; HF_ERR_OFFLINE; HF_ERR_NETWORK, HF_ERR_TIMEOUT, HF_ERR_TLS, HF_ERR_PROXY;
 *         HF_ERR_UNSAFE_PATH; HF_ERR_INVALID_ARG
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_file_metadata_get(hf_client *client, const hf_repo_ref *repo, const char *path,
                                      hf_file_metadata **out, hf_error *err);

/**
 * Free the answer of hf_file_metadata_get().
 *
 * @param metadata  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_file_metadata_free(hf_file_metadata *metadata);

typedef enum hf_phase {
    HF_PHASE_PLAN = 1, /* asking the Hub what there is */
    HF_PHASE_TRANSFER, /* bytes are coming in */
    HF_PHASE_WAIT, /* another process is fetching the file, or the Hub asked to wait: see wait_ms */
    HF_PHASE_DONE, /* the last call of an operation that succeeded */
    HF_PHASE_COMMIT /* everything is stored; the Hub makes the commit */
} hf_phase;

/** How far an operation is. Delivered about ten times a second and once at the end. */
typedef struct hf_progress {
    uint32_t struct_size;
    hf_phase phase;
    uint64_t bytes_done;  /* of bytes_total, of this operation: fetched and written */
    uint64_t bytes_total; /* to fetch; files already cached are not in it */
    uint64_t files_done;  /* cached ones included */
    uint64_t files_total;
    uint64_t bytes_per_s; /* over the last few seconds */
    uint32_t wait_ms;     /* in HF_PHASE_WAIT: how long until the next try; 0 when unknown */
    uint32_t retries;     /* so far */
    const char *path; /* a file that is moving; NULL when none is. Control characters replaced */
    /* Of an upload, where bytes_done and bytes_total are what goes to the storage, and files_done
     * are committed or unchanged. Totals grow while the Hub is asked what it wants. */
    uint64_t bytes_hashed;
    uint64_t bytes_to_hash;
    uint64_t files_asked;  /* of which the Hub has said how they are to go up */
    uint32_t commits;      /* made so far */
    uint32_t seconds_left; /* at bytes_per_s; 0: not known */
    uint32_t wait_asked; /* in HF_PHASE_WAIT: 1 when a server named the time, 0 when we chose it */
} hf_progress;

/**
 * Called on the thread that made the call, never twice at once. Not 0: stop with HF_ERR_CANCELED.
 */
typedef int hf_progress_fn(const hf_progress *progress, void *user);

/* flags of hf_download_opts and hf_snapshot_opts */
#define HF_DOWNLOAD_FORCE      (1u << 0) /* fetch even when cached */
#define HF_DOWNLOAD_LOCAL_ONLY (1u << 1) /* make no request */
#define HF_DOWNLOAD_DRY_RUN    (1u << 2) /* tell what would be done */
#define HF_DOWNLOAD_PREFER_CACHE                                                                   \
    (1u << 3) /* when all of it is here for what the branch was when last asked, ask nothing */
#define HF_DOWNLOAD_REFRESH                                                                        \
    (1u << 4) /* ask the Hub in any case; no copy that is here stands in for its answer */

typedef struct hf_download_opts {
    uint32_t struct_size;
    uint32_t flags;              /* HF_DOWNLOAD_* */
    const char *subfolder;       /* put before the path; NULL: none */
    const char *cache_dir;       /* NULL: the client's */
    const char *local_dir;       /* write below this directory instead of the cache; NULL: cache */
    hf_cancel *cancel;           /* NULL: none */
    hf_progress_fn *on_progress; /* NULL: none */
    void *user;                  /* passed to on_progress */
    const char *expected_hash;   /* 64 (SHA-256) or 40 (git SHA-1) hex digits that the content must
                                  * have, whatever the Hub says; NULL: what the Hub says */
} hf_download_opts;

/* clang-format off */
#define HF_DOWNLOAD_OPTS_INIT { sizeof(hf_download_opts), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL }
/* clang-format on */

/** One file, where it is now. */
typedef struct hf_file {
    const char *path;       /* absolute path on this machine; in a dry run, where it would be */
    const char *repo_path;  /* path in the repo */
    const char *commit;     /* 40 hex digits; NULL when only a local copy is known */
    const char *etag;       /* NULL when no request told it */
    uint64_t size;          /* bytes */
    uint64_t bytes_fetched; /* bodies received for it, retries included */
    int was_cached;         /* it was here before the call */
    int would_fetch;        /* dry run: it would be fetched */
    int verified;           /* its hash was computed and compared in this call */
} hf_file;

/**
 * Fetch one file of a repo into the cache, or under a local directory.
 *
 * Blocks until the file is complete, fails, or is cancelled. Content is hashed while it arrives; a
 * file whose hash, length or etag is not what the Hub announced never appears under its name. When
 * the Hub cannot be reached and the file is cached, the cached file is returned, as the Python
 * client does.
 *
 * @param client  the client
 * @param repo    the repo and revision
 * @param path    file in the repo, '/'-separated, UTF-8; not absolute, no ".." component
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the file; free with hf_file_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK; the errors of hf_file_metadata_get(); HF_ERR_NOT_CACHED; HF_ERR_CORRUPT,
 *         HF_ERR_TRUNCATED, HF_ERR_CHANGED; HF_ERR_DISK_FULL, HF_ERR_PERMISSION, HF_ERR_IO;
 *         HF_ERR_CANCELED
 * @threads any, but not from a callback of this client
 * @since 0.1
 */
HF_API hf_status hf_hub_download(hf_client *client, const hf_repo_ref *repo, const char *path,
                                 const hf_download_opts *opts, hf_file **out, hf_error *err);

/**
 * Free the result of hf_hub_download().
 *
 * @param file  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_file_free(hf_file *file);

typedef struct hf_cached_download_opts {
    uint32_t struct_size;
    uint32_t flags;              /* HF_DOWNLOAD_FORCE, HF_DOWNLOAD_LOCAL_ONLY */
    const char *library_name;    /* for the User-Agent; NULL: the client's */
    const char *library_version; /* likewise */
    const char *cache_dir;       /* flat directory; NULL: the client's cache dir */
    const char *force_filename;  /* instead of the name made from URL and etag; NULL: do not */
    const char *token;           /* NULL: none is sent. "" : the client's */
    hf_cancel *cancel;
    hf_progress_fn *on_progress;
    void *user;
} hf_cached_download_opts;

/* clang-format off */
#define HF_CACHED_DOWNLOAD_OPTS_INIT \
    { sizeof(hf_cached_download_opts), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL }
/* clang-format on */

/**
 * Fetch a URL into a flat cache whose file names carry URL and etag: the first call the Hub's
 * client library ever had, with its file layout. New programs use hf_hub_download().
 *
 * @param client  the client
 * @param url     http or https
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the absolute path of the file; free with hf_string_free()
 * @param err     NULL, or filled on failure
 * @return as hf_hub_download()
 * @threads any, but not from a callback of this client
 * @since 0.1
 */
HF_API hf_status hf_cached_download(hf_client *client, const char *url,
                                    const hf_cached_download_opts *opts, char **out, hf_error *err);

typedef enum hf_cache_state {
    HF_CACHE_UNKNOWN = 0, /* nothing is known of the file here */
    HF_CACHE_PRESENT = 1, /* it is here */
    HF_CACHE_ABSENT = 2   /* the Hub said that the revision does not have it */
} hf_cache_state;

/**
 * Look a file up in the cache. No request, no lock; fails only for bad arguments.
 *
 * @param client     the client
 * @param repo       the repo and revision
 * @param path       file in the repo
 * @param cache_dir  NULL: the client's
 * @param state      what is known of the file
 * @param out        the path when `state` is HF_CACHE_PRESENT, else NULL; free with
 *                   hf_string_free()
 * @param err        NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG; HF_ERR_UNSAFE_PATH; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_try_to_load_from_cache(hf_client *client, const hf_repo_ref *repo,
                                           const char *path, const char *cache_dir,
                                           hf_cache_state *state, char **out, hf_error *err);

/* --------------------------------------------------------------------------------- a whole repo */

/** The hash that a file of a repo must have. */
typedef struct hf_expected {
    const char *path; /* in the repo */
    const char *hash; /* 64 (SHA-256) or 40 (git SHA-1) hex digits */
} hf_expected;

typedef struct hf_snapshot_opts {
    uint32_t struct_size;
    uint32_t flags;           /* HF_DOWNLOAD_* */
    const char *const *allow; /* patterns; NULL: every file */
    size_t n_allow;
    const char *const *ignore; /* patterns; NULL: none */
    size_t n_ignore;
    const char *cache_dir; /* NULL: the client's */
    const char *local_dir; /* NULL: cache */
    uint32_t max_workers;  /* files in flight; 0: 8 */
    hf_cancel *cancel;
    hf_progress_fn *on_progress;
    void *user;
    const hf_expected *expected; /* every file must be one of these and have its hash, whatever the
                                  * Hub says; what is cached is hashed too. NULL: what the Hub says */
    size_t n_expected;
} hf_snapshot_opts;

/* clang-format off */
#define HF_SNAPSHOT_OPTS_INIT \
    { sizeof(hf_snapshot_opts), 0, NULL, 0, NULL, 0, NULL, NULL, 0, NULL, NULL, NULL, NULL, 0 }
/* clang-format on */

/** A repo at one commit on this machine. */
typedef struct hf_snapshot {
    const char *path;     /* absolute path of the directory */
    const char *commit;   /* 40 hex digits; NULL when only a local directory is known */
    const hf_file *files; /* that passed the patterns, sorted by path; empty when unlisted */
    size_t n_files;
    uint64_t bytes_fetched;
    uint64_t bytes_to_fetch; /* dry run: what would be fetched */
    uint64_t n_requests;     /* dry run: requests for bodies, when nothing goes wrong */
    uint64_t disk_needed;    /* dry run: bytes of disk that would be taken and are not yet */
} hf_snapshot;

/**
 * Fetch a repo at one revision: one listing of its tree, no request for files that
 * are here.
 *
 * The first failing file stops the rest; what was fetched stays, and the next call goes on from
 * there.
 *
 * @param client  the client
 * @param repo    the repo and revision
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the snapshot; free with hf_snapshot_free()
 * @param err     NULL, or filled on failure; its message names the file
 * @return as hf_hub_download(); HF_ERR_INCOMPLETE_SNAPSHOT when only a part is cached and the Hub
 *         is out of reach
 * @threads any, but not from a callback of this client
 * @since 0.1
 */
HF_API hf_status hf_snapshot_download(hf_client *client, const hf_repo_ref *repo,
                                      const hf_snapshot_opts *opts, hf_snapshot **out,
                                      hf_error *err);

/**
 * Free the result of hf_snapshot_download(), its files included.
 *
 * @param snapshot  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_snapshot_free(hf_snapshot *snapshot);

/* ---------------------------------------------------------------------------- the cache as a whole */

/** One file of a cached revision. */
typedef struct hf_cached_file {
    const char *path;     /* in the repo */
    const char *pointer;  /* absolute path of its entry in the snapshot */
    const char *blob;     /* where its content is; `pointer` itself for a copy */
    uint64_t size;        /* of the content */
    double last_accessed; /* of the content, seconds since 1970 */
    double last_modified;
} hf_cached_file;

/** One revision of a cached repo. */
typedef struct hf_cached_revision {
    const char *commit;      /* name of the snapshot's directory */
    const char *path;        /* absolute path of the snapshot */
    const char *const *refs; /* branches and tags last seen at it, sorted; none: detached */
    size_t n_refs;
    const hf_cached_file *files; /* sorted by path */
    size_t n_files;
    uint64_t size; /* content that several files share counts once */
    double last_modified;
} hf_cached_revision;

/** One repo of the cache. */
typedef struct hf_cached_repo {
    hf_repo_type type;
    const char *id;
    const char *path;
    const hf_cached_revision *revisions; /* sorted by commit */
    size_t n_revisions;
    const char *const *refs; /* those of all revisions, sorted */
    size_t n_refs;
    uint64_t size;  /* content that several revisions share counts once */
    size_t n_files; /* likewise */
    double last_accessed;
    double last_modified;
} hf_cached_repo;

/** A file of the cache that is part of no revision. */
typedef struct hf_cached_rest {
    const char *path;
    uint64_t size;
    int in_use; /* a live process is at it, or another machine may be */
} hf_cached_rest;

/** All of a cache. */
typedef struct hf_cache_info {
    const char *path;            /* the cache directory, resolved */
    const hf_cached_repo *repos; /* sorted by type and id */
    size_t n_repos;
    uint64_t size;                    /* on disk: content that repos share counts once */
    const hf_cached_rest *incomplete; /* downloads that were begun */
    size_t n_incomplete;
    uint64_t incomplete_size;
    const hf_cached_rest *unreferenced; /* content in the store of repos that none of them uses */
    size_t n_unreferenced;
    uint64_t unreferenced_size;
    const char *const *warnings; /* what is there and no good repo; such repos are left out */
    size_t n_warnings;
} hf_cache_info;

/**
 * Look at all of a cache: its repos, their revisions and files, and what is left over.
 *
 * @param client     the client
 * @param cache_dir  NULL: the client's
 * @param out        on success what is there; free with hf_cache_info_free()
 * @param err        NULL, or filled on failure
 * @return HF_OK; HF_ERR_NOT_CACHED when the directory does not exist; HF_ERR_INVALID_ARG when it is
 * a file; HF_ERR_PERMISSION, HF_ERR_IO; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_cache_scan(hf_client *client, const char *cache_dir, hf_cache_info **out,
                               hf_error *err);

/**
 * Free the result of hf_cache_scan().
 *
 * @param info  NULL allowed; plans made from it stay good
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_cache_info_free(hf_cache_info *info);

/** What is going to be removed from a cache; nothing is, before hf_cache_plan_execute(). */
typedef struct hf_cache_plan {
    const char *path;         /* the cache directory */
    uint64_t bytes_freed;     /* expected */
    size_t n_revisions;       /* those of whole repos included */
    const char *const *repos; /* directories of repos that go as a whole */
    size_t n_repos;
    const char *const *snapshots; /* directories */
    size_t n_snapshots;
    const char *const *refs;
    size_t n_refs;
    const char *const *blobs;
    size_t n_blobs;
    const char *const *files; /* entries of snapshots */
    size_t n_files;
    const char *const *incomplete;
    size_t n_incomplete;
    const char *const *unreferenced;
    size_t n_unreferenced;
} hf_cache_plan;

/**
 * Plan to remove revisions: their snapshots and refs, and the content that no other revision of the
 * repo uses. A repo that loses its last revision is removed as a whole.
 *
 * @param info       the cache
 * @param revisions  revisions of this very info, of any repos
 * @param n          how many
 * @param out        on success the plan; free with hf_cache_plan_free()
 * @param err        NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_cache_delete_revisions(const hf_cache_info *info,
                                           const hf_cached_revision *const *revisions, size_t n,
                                           hf_cache_plan **out, hf_error *err);

/**
 * Plan to remove single files from snapshots, and their content where nothing else uses it. Refs
 * and snapshots stay.
 *
 * @param info   the cache
 * @param files  files of this very info
 * @param n      how many
 * @param out    on success the plan; free with hf_cache_plan_free()
 * @param err    NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_cache_delete_files(const hf_cache_info *info,
                                       const hf_cached_file *const *files, size_t n,
                                       hf_cache_plan **out, hf_error *err);

/**
 * Plan to remove what is of no use: revisions without a ref, downloads that nobody is at, and
 * shared content that no repo uses.
 *
 * @param info  the cache
 * @param out   on success the plan, which may be empty; free with hf_cache_plan_free()
 * @param err   NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_cache_prune(const hf_cache_info *info, hf_cache_plan **out, hf_error *err);

/**
 * Carry a plan out: entries and directories first, content last, so that a stop in the middle
 * leaves nothing that leads to a missing file. What a live process holds locked, or has begun to
 * use since the plan was made, is left alone. What cannot be removed is told to the client's log,
 * and the rest is done.
 *
 * @param client   the client
 * @param plan     the plan
 * @param skipped  NULL, or how many of its items were left alone or could not be removed
 * @param err      NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG; HF_ERR_IO or HF_ERR_PERMISSION when the cache cannot be
 * opened; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_cache_plan_execute(hf_client *client, const hf_cache_plan *plan,
                                       size_t *skipped, hf_error *err);

/**
 * Free a plan.
 *
 * @param plan  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_cache_plan_free(hf_cache_plan *plan);

typedef struct hf_verify_opts {
    uint32_t struct_size;
    uint32_t flags;              /* none yet */
    const char *cache_dir;       /* NULL: the client's */
    const char *local_dir;       /* look at this directory instead of the cache; NULL: cache */
    hf_cancel *cancel;           /* NULL: none */
    hf_progress_fn *on_progress; /* NULL: none */
    void *user;                  /* passed to on_progress */
} hf_verify_opts;

#define HF_VERIFY_OPTS_INIT                                                                        \
    {                                                                                              \
        sizeof(hf_verify_opts), 0, NULL, NULL, NULL, NULL, NULL                                    \
    }

/** A file whose content is not what the Hub has. */
typedef struct hf_mismatch {
    const char *path; /* in the repo */
    const char *expected;
    const char *actual;
    const char *algorithm; /* "sha256" or "git-sha1" */
} hf_mismatch;

/** How the files here compare with those of the Hub. */
typedef struct hf_verification {
    const char *path;     /* the directory that was looked at */
    const char *revision; /* compared with: a commit, or the revision asked for */
    size_t n_checked;
    const hf_mismatch *mismatches; /* sorted by path, as all below */
    size_t n_mismatches;
    const char *const *missing; /* on the Hub only */
    size_t n_missing;
    const char *const *extra; /* here only */
    size_t n_extra;
} hf_verification;

/**
 * Hash every file of a cached revision, or of a local directory, and compare with what the Hub says
 * of it. The listing that a snapshot download kept is used where there is one; else it is asked
 * for.
 *
 * @param client  the client
 * @param repo    the repo; a revision of NULL is what `main` was last seen at, else the only
 * snapshot
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the outcome, mismatches included; free with hf_verification_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK, also with mismatches; HF_ERR_NOT_CACHED when there is nothing to look at;
 *         HF_ERR_INVALID_ARG when it is not clear which revision is meant; HF_ERR_CANCELED; the
 *         errors of hf_tree_next(); HF_ERR_IO, HF_ERR_PERMISSION
 * @threads any, but not from a callback of this client
 * @since 0.1
 */
HF_API hf_status hf_cache_verify(hf_client *client, const hf_repo_ref *repo,
                                 const hf_verify_opts *opts, hf_verification **out, hf_error *err);

/**
 * Free the outcome of hf_cache_verify().
 *
 * @param verification  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_verification_free(hf_verification *verification);

/* ---------------------------------------------------------------------------- what a repo holds */

/** What the Hub says of a repo. Absent text is NULL. */
typedef struct hf_repo_info {
    hf_repo_type type;
    const char *id; /* in its current spelling; differs from the request after a rename */
    const char *author;
    const char *sha;           /* commit of the revision asked for */
    const char *created_at;    /* ISO 8601 */
    const char *last_modified; /* ISO 8601 */
    const char *gated;         /* NULL, "auto" or "manual" */
    const char *pipeline_tag;
    const char *library_name;
    const char *sdk; /* of a space */
    int is_private;
    int is_disabled;
    uint64_t downloads;
    uint64_t likes;
    const char *const *tags;
    size_t n_tags;
    const char *const *files; /* paths of the revision */
    size_t n_files;
    const char *json; /* the whole answer, for what is not above */
} hf_repo_info;

#define HF_INFO_BLOBS    (1u << 0) /* in `json`, the files come with size and hash */
#define HF_INFO_SECURITY (1u << 1) /* with what the Hub's scanners say of the files */

typedef struct hf_info_opts {
    uint32_t struct_size;
    uint32_t flags;            /* HF_INFO_* */
    const char *const *expand; /* only these properties, as the Hub names them; not with a flag */
    size_t n_expand;
    hf_cancel *cancel; /* NULL: none */
} hf_info_opts;

/* clang-format off */
#define HF_INFO_OPTS_INIT { sizeof(hf_info_opts), 0, NULL, 0, NULL }
/* clang-format on */

/**
 * Ask for a repo's description at a revision.
 *
 * @param client  the client
 * @param repo    the repo; a revision of NULL asks for the default branch
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the description; free with hf_repo_info_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND, HF_ERR_REVISION_NOT_FOUND and the other errors of
 *         hf_file_metadata_get(); HF_ERR_LIMIT for an answer too large or too deep
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_repo_info_get(hf_client *client, const hf_repo_ref *repo,
                                  const hf_info_opts *opts, hf_repo_info **out, hf_error *err);

/**
 * Free the answer of hf_repo_info_get().
 *
 * @param info  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_repo_info_free(hf_repo_info *info);

/** One file or directory of a repo. */
typedef struct hf_tree_entry {
    const char *path; /* full path in the repo; checked to be safe to create below a directory */
    int is_directory;
    uint64_t size;          /* bytes of the content, 0 for a directory */
    const char *oid;        /* git object id; for an LFS file that of the pointer */
    const char *lfs_sha256; /* NULL when the file is not in LFS */
    uint64_t lfs_size;
    const char *xet_hash;    /* NULL when the file is not in Xet storage */
    const char *last_commit; /* id of the last that touched it; NULL without HF_TREE_EXPAND */
    const char *last_commit_title;
    const char *last_commit_date;
    uint64_t lfs_pointer_size; /* bytes of the pointer that git stores; 0: not told */
} hf_tree_entry;

/** Walks a listing page by page; holds one page. Belongs to one thread at a time. */
typedef struct hf_tree hf_tree;

#define HF_TREE_RECURSIVE (1u << 0)
#define HF_TREE_EXPAND    (1u << 1) /* with the last commit of every entry; slower on the server */

/**
 * Start listing a repo. The first request is made by the first hf_tree_next().
 *
 * @param client  the client; must outlive the iterator
 * @param repo    the repo and revision
 * @param path    directory in the repo; NULL or "" for the root
 * @param flags   HF_TREE_*
 * @param cancel  NULL: none; must outlive the iterator
 * @param out     on success the iterator; close with hf_tree_close()
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG; HF_ERR_UNSAFE_PATH; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_tree_open(hf_client *client, const hf_repo_ref *repo, const char *path,
                              uint32_t flags, hf_cancel *cancel, hf_tree **out, hf_error *err);

/**
 * Go to the next entry, asking for the next page when this one is used up.
 *
 * @param tree  the iterator
 * @param out   the entry, valid until the next call with this iterator; NULL at the end
 * @param err   NULL, or filled on failure
 * @return HF_OK, also at the end; the errors of hf_repo_info_get(); HF_ERR_ENTRY_NOT_FOUND;
 *         HF_ERR_UNSAFE_PATH when the listing names a path that must not be created
 * @threads one at a time for one iterator
 * @since 0.1
 */
HF_API hf_status hf_tree_next(hf_tree *tree, const hf_tree_entry **out, hf_error *err);

/**
 * Close an iterator.
 *
 * @param tree  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_tree_close(hf_tree *tree);

/** Entries asked for by path. */
typedef struct hf_paths_info {
    const hf_tree_entry *entries; /* those that exist, in the server's order */
    size_t n_entries;
} hf_paths_info;

/**
 * Ask for some entries of a repo by path. Paths that do not exist are left out.
 *
 * @param client   the client
 * @param repo     the repo and revision
 * @param paths    files or directories in the repo
 * @param n_paths  how many; any number, sent in groups
 * @param flags    HF_TREE_EXPAND or 0
 * @param cancel   NULL: none
 * @param out      on success the entries; free with hf_paths_info_free()
 * @param err      NULL, or filled on failure
 * @return as hf_tree_next()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_paths_info_get(hf_client *client, const hf_repo_ref *repo,
                                   const char *const *paths, size_t n_paths, uint32_t flags,
                                   hf_cancel *cancel, hf_paths_info **out, hf_error *err);

/**
 * Free the answer of hf_paths_info_get().
 *
 * @param info  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_paths_info_free(hf_paths_info *info);

/* --------------------------------------------------------------------------------- publishing */

/*
 * A commit is a list of operations that is built up and then sent: files to add, to delete, to copy.
 * Nothing is read before hf_commit_send(), which asks the Hub how each file is to go up, stores
 * large ones (several at a time, straight from the file), and makes the commit. Files that the repo
 * has already with the same content are left out. What is stored stays stored: sending the same
 * list again after a failure goes on from there.
 *
 * Never sent, whoever asks: paths with a component ".git" or ".cache", and the files that hold the
 * client's tokens.
 */
typedef struct hf_commit hf_commit;

/** What came of it. Absent text is NULL. */
typedef struct hf_commit_info {
    const char *repo_id;    /* with its namespace, also when it was asked for without */
    const char *oid;        /* of the last commit made; the head's when nothing had changed */
    const char *url;        /* its page */
    const char *pr_url;     /* page of the pull request; NULL: none was opened */
    const char *revision;   /* where it is: the branch, or "refs/pr/N" */
    uint32_t n_commits;     /* 0: nothing had changed, or nothing was to be done */
    uint64_t files_added;   /* new or changed */
    uint64_t files_deleted; /* folders count once */
    uint64_t files_same;    /* there already with the same content */
    uint64_t files_ignored; /* by .gitignore */
    uint64_t bytes_hashed;
    uint64_t bytes_sent; /* to the storage, what was sent again included */
} hf_commit_info;

/* flags of hf_upload_opts. Of a folder of 4 GiB and more hashes are noted with SPLIT, too. */
#define HF_UPLOAD_CREATE_PR     (1u << 0) /* open a pull request instead of changing the branch */
#define HF_UPLOAD_CREATE_REPO   (1u << 1) /* make the repo when there is none */
#define HF_UPLOAD_PRIVATE       (1u << 2) /* a repo made is private… */
#define HF_UPLOAD_PUBLIC        (1u << 3) /* …or public; neither: as its owner's default is */
#define HF_UPLOAD_CREATE_BRANCH (1u << 4) /* make the branch when there is none */
#define HF_UPLOAD_FOLLOW_LINKS  (1u << 5) /* send files behind links that leave the folder */
#define HF_UPLOAD_SPLIT         (1u << 6) /* allow several commits when there is very much */
#define HF_UPLOAD_KEEP_STATE    (1u << 7) /* note hashes below the folder */
#define HF_UPLOAD_APPENDED      (1u << 8) /* files may grow meanwhile: what there was is sent */

typedef struct hf_upload_opts {
    uint32_t struct_size;
    uint32_t flags;            /* HF_UPLOAD_* */
    const char *message;       /* first line of the commit's; NULL: "Upload <path> with hfhub" */
    const char *description;   /* what follows it; NULL: nothing */
    const char *parent_commit; /* fail with HF_ERR_CONFLICT unless the branch is there; NULL: any */
    const char *space_sdk;     /* of a space that is made; NULL: "gradio" */
    const char *const *allow;  /* of a folder: patterns of paths relative to it; NULL: every file */
    size_t n_allow;
    const char *const *ignore; /* of a folder; NULL: none */
    size_t n_ignore;
    const char *const
        *remove; /* of a folder: delete what the repo has below the path and matches */
    size_t n_remove;
    uint32_t max_parallel; /* bodies sent at a time; 0: 8 */
    uint32_t max_files;    /* of a commit with HF_UPLOAD_SPLIT; 0: 1000 when over 5000 in all */
    hf_cancel *cancel;
    hf_progress_fn *on_progress;
    void *user;
} hf_upload_opts;

/* clang-format off */
#define HF_UPLOAD_OPTS_INIT \
    { sizeof(hf_upload_opts), 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, 0, 0, NULL, \
      NULL, NULL }
/* clang-format on */

/**
 * Start a list of operations.
 *
 * @param client  the client; must outlive the list
 * @param repo    the repo and the branch to change; "refs/pr/N" for a pull request that is open.
 *                With HF_UPLOAD_CREATE_REPO the id may lack its namespace, which is then the user
 * @param out     on success the list; free with hf_commit_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.2
 */
HF_API hf_status hf_commit_new(hf_client *client, const hf_repo_ref *repo, hf_commit **out,
                               hf_error *err);

/**
 * Free a list of operations, sent or not.
 *
 * @param commit  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.2
 */
HF_API void hf_commit_free(hf_commit *commit);

/**
 * Add a file from the disk.
 *
 * @param commit      the list
 * @param path        where it goes in the repo, '/'-separated; a leading "/" or "./" is dropped
 * @param local_path  the file; read when the list is sent, and must not change before that is over,
 *                    but may grow with HF_UPLOAD_APPENDED
 * @param err         NULL, or filled on failure
 * @return HF_OK; HF_ERR_UNSAFE_PATH; HF_ERR_IO when there is no such file; HF_ERR_UNSUPPORTED when
 *         it is no regular file; HF_ERR_PERMISSION for a file that holds tokens; HF_ERR_NO_MEMORY
 * @threads one at a time for one list
 * @since 0.2
 */
HF_API hf_status hf_commit_add_file(hf_commit *commit, const char *path, const char *local_path,
                                    hf_error *err);

/**
 * Add a file by a descriptor, read from its beginning without moving its offset.
 *
 * @param commit  the list
 * @param path    where it goes in the repo
 * @param fd      open for reading, of a regular file; duplicated
 * @param err     NULL, or filled on failure
 * @return as hf_commit_add_file()
 * @threads one at a time for one list
 * @since 0.2
 */
HF_API hf_status hf_commit_add_fd(hf_commit *commit, const char *path, int fd, hf_error *err);

/**
 * Add a file from memory.
 *
 * @param commit  the list
 * @param path    where it goes in the repo
 * @param bytes   its content; copied
 * @param len     how many bytes
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_UNSAFE_PATH; HF_ERR_INVALID_ARG; HF_ERR_NO_MEMORY
 * @threads one at a time for one list
 * @since 0.2
 */
HF_API hf_status hf_commit_add_bytes(hf_commit *commit, const char *path, const void *bytes,
                                     size_t len, hf_error *err);

/**
 * Add the files of a folder, those in folders below included, dot files too. Links to directories
 * are not followed. Files behind a link that leaves the folder fail the call, unless
 * HF_UPLOAD_FOLLOW_LINKS is given.
 *
 * @param commit  the list
 * @param path    where the folder's content goes in the repo; NULL or "" for the root
 * @param folder  the folder
 * @param opts    allow, ignore, remove, flags and cancel are used; NULL: everything
 * @param err     NULL, or filled on failure; its message names the file
 * @return HF_OK; HF_ERR_UNSAFE_PATH; HF_ERR_IO, HF_ERR_PERMISSION; HF_ERR_UNSUPPORTED when it is no
 *         folder; HF_ERR_INVALID_ARG; HF_ERR_CANCELED; HF_ERR_NO_MEMORY
 * @threads one at a time for one list
 * @since 0.2
 */
HF_API hf_status hf_commit_add_folder(hf_commit *commit, const char *path, const char *folder,
                                      const hf_upload_opts *opts, hf_error *err);

/**
 * Delete a file.
 *
 * @param commit  the list
 * @param path    in the repo; it must be there
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_UNSAFE_PATH; HF_ERR_NO_MEMORY
 * @threads one at a time for one list
 * @since 0.2
 */
HF_API hf_status hf_commit_delete_file(hf_commit *commit, const char *path, hf_error *err);

/**
 * Delete a folder and all below it.
 *
 * @param commit  the list
 * @param path    in the repo, with or without '/' at its end
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_UNSAFE_PATH; HF_ERR_NO_MEMORY
 * @threads one at a time for one list
 * @since 0.2
 */
HF_API hf_status hf_commit_delete_folder(hf_commit *commit, const char *path, hf_error *err);

/**
 * Delete the files whose path matches a pattern, ".gitattributes" never. Which they are is found out
 * when the list is sent.
 *
 * @param commit      the list
 * @param patterns    as in hf_snapshot_opts
 * @param n_patterns  how many
 * @param err         NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG; HF_ERR_NO_MEMORY
 * @threads one at a time for one list
 * @since 0.2
 */
HF_API hf_status hf_commit_delete_matching(hf_commit *commit, const char *const *patterns,
                                           size_t n_patterns, hf_error *err);

/**
 * Copy a file of the repo. Content in LFS is not moved; of another file it is fetched and sent.
 *
 * @param commit         the list
 * @param from_revision  where the source is; NULL: the branch being changed
 * @param from           source
 * @param to             where it goes
 * @param err            NULL, or filled on failure
 * @return HF_OK; HF_ERR_UNSAFE_PATH; HF_ERR_NO_MEMORY
 * @threads one at a time for one list
 * @since 0.2
 */
HF_API hf_status hf_commit_copy(hf_commit *commit, const char *from_revision, const char *from,
                                const char *to, hf_error *err);

/**
 * Send the list. Either all of it is committed or nothing, except with HF_UPLOAD_SPLIT. A list can
 * be sent again, after a failure too.
 *
 * When the answer to a commit is lost, the Hub is asked whether it happened, and the commit is made
 * again only when it did not.
 *
 * @param commit  the list
 * @param opts    NULL for defaults; borrowed for the call; patterns are not used here
 * @param out     on success the commit; free with hf_commit_info_free(). May be NULL
 * @param err     NULL, or filled on failure; its message names the file
 * @return HF_OK, also when nothing had changed; HF_ERR_CHANGED when a file changed while it was sent
 *         (nothing is committed); HF_ERR_UNSAFE_PATH or HF_ERR_PERMISSION when in the place of a file
 *         there is now one that could not have been added; HF_ERR_CONFLICT; HF_ERR_LIMIT for a
 *         quota; HF_ERR_BAD_REQUEST for what the Hub refuses; HF_ERR_CANCELED; the other errors of
 *         hf_hub_download()
 * @threads any, one at a time for one list, but not from a callback of this client
 * @since 0.2
 */
HF_API hf_status hf_commit_send(hf_commit *commit, const hf_upload_opts *opts, hf_commit_info **out,
                                hf_error *err);

/**
 * Free the result of an upload.
 *
 * @param info  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.2
 */
HF_API void hf_commit_info_free(hf_commit_info *info);

/**
 * Publish one file: a list with one operation, sent.
 *
 * @param client      the client
 * @param repo        as in hf_commit_new()
 * @param path        where it goes in the repo
 * @param local_path  the file
 * @param opts        NULL for defaults; borrowed for the call
 * @param out         NULL, or on success the commit; free with hf_commit_info_free()
 * @param err         NULL, or filled on failure
 * @return as hf_commit_add_file() and hf_commit_send()
 * @threads any, but not from a callback of this client
 * @since 0.2
 */
HF_API hf_status hf_upload_file(hf_client *client, const hf_repo_ref *repo, const char *path,
                                const char *local_path, const hf_upload_opts *opts,
                                hf_commit_info **out, hf_error *err);

/**
 * Publish a folder.
 *
 * @param client  the client
 * @param repo    as in hf_commit_new()
 * @param path    where the folder's content goes in the repo; NULL or "" for the root
 * @param folder  the folder
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     NULL, or on success the last commit; free with hf_commit_info_free()
 * @param err     NULL, or filled on failure
 * @return as hf_commit_add_folder() and hf_commit_send()
 * @threads any, but not from a callback of this client
 * @since 0.2
 */
HF_API hf_status hf_upload_folder(hf_client *client, const hf_repo_ref *repo, const char *path,
                                  const char *folder, const hf_upload_opts *opts,
                                  hf_commit_info **out, hf_error *err);

/**
 * Delete one file of a repo.
 *
 * @param client  the client
 * @param repo    the repo and branch
 * @param path    the file
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     NULL, or on success the commit; free with hf_commit_info_free()
 * @param err     NULL, or filled on failure
 * @return as hf_commit_send(); HF_ERR_ENTRY_NOT_FOUND
 * @threads any, but not from a callback of this client
 * @since 0.2
 */
HF_API hf_status hf_delete_file(hf_client *client, const hf_repo_ref *repo, const char *path,
                                const hf_upload_opts *opts, hf_commit_info **out, hf_error *err);

/**
 * Delete a folder of a repo.
 *
 * @param client  the client
 * @param repo    the repo and branch
 * @param path    the folder
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     NULL, or on success the commit; free with hf_commit_info_free()
 * @param err     NULL, or filled on failure
 * @return as hf_commit_send(); HF_ERR_ENTRY_NOT_FOUND
 * @threads any, but not from a callback of this client
 * @since 0.2
 */
HF_API hf_status hf_delete_folder(hf_client *client, const hf_repo_ref *repo, const char *path,
                                  const hf_upload_opts *opts, hf_commit_info **out, hf_error *err);

/**
 * Copy one file within a repo.
 *
 * @param client  the client
 * @param repo    the repo and branch
 * @param from    source
 * @param to      where it goes
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     NULL, or on success the commit; free with hf_commit_info_free()
 * @param err     NULL, or filled on failure
 * @return as hf_commit_send(); HF_ERR_ENTRY_NOT_FOUND
 * @threads any, but not from a callback of this client
 * @since 0.2
 */
HF_API hf_status hf_copy(hf_client *client, const hf_repo_ref *repo, const char *from,
                         const char *to, const hf_upload_opts *opts, hf_commit_info **out,
                         hf_error *err);

/**
 * Be the custom transfer agent "multipart" of git-lfs: read its requests line by line, upload the
 * objects it names in parts, tell it how far that is. A failed object is told to git-lfs, and the
 * next one is waited for.
 *
 * @param client  the client; its token is not used, since the addresses carry their own rights
 * @param in_fd   where git-lfs writes to
 * @param out_fd  where git-lfs reads from
 * @param cancel  NULL: none
 * @param err     NULL, or filled on failure
 * @return HF_OK when git-lfs said that it is done, or closed in_fd; HF_ERR_UNSUPPORTED when it wants
 *         something other than uploads; HF_ERR_PROTOCOL for what is no message; HF_ERR_IO;
 *         HF_ERR_CANCELED
 * @threads any, but not from a callback of this client
 * @since 0.2
 */
HF_API hf_status hf_lfs_agent_run(hf_client *client, int in_fd, int out_fd, hf_cancel *cancel,
                                  hf_error *err);

/* -----------------------------------------------------------------------------------------------
 * accounts and tokens */

/** Who a token belongs to (hub-http.md 5.4). Absent text is NULL. */
typedef struct hf_user {
    const char *name;
    const char *fullname;
    const char *email;
    const char *type;       /* "user", "org" or "app" */
    const char *auth_type;  /* "access_token", … */
    const char *token_name; /* as the account's owner called it; NULL for a browser login */
    const char *token_role; /* "read", "write", "fineGrained" */
    const char *const *orgs;
    size_t n_orgs;
    const char *json; /* the whole answer */
} hf_user;

/**
 * Ask the Hub whose token this is.
 *
 * @param client  the client
 * @param token   NULL: the one in use, also when it is not sent unasked
 * @param cancel  NULL: none
 * @param out     on success the account; free with hf_user_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_UNAUTHORIZED when there is no token or the Hub does not accept it;
 *         HF_ERR_RATE_LIMITED; the network errors of hf_file_metadata_get()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_whoami(hf_client *client, const char *token, hf_cancel *cancel, hf_user **out,
                           hf_error *err);

/**
 * Free the answer of hf_whoami().
 *
 * @param user  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_user_free(hf_user *user);

/** A login that was kept. */
typedef struct hf_login {
    const char *name;    /* under which the token is stored */
    hf_user *user;       /* whose it is */
    uint64_t expires_at; /* seconds since 1970; 0: not told */
    int can_refresh;     /* a refresh token came with it */
} hf_login;

/**
 * Log in: ask the Hub whose token it is, then keep it where the Python client looks for it
 * (cache.md 3): in `stored_tokens` under its name, and in `token` as the one in use. Both files are
 * readable by their owner alone and change in one step each. When the Hub does not accept the
 * token, nothing is written. A client goes on with the token it had; make a new one to use this.
 *
 * @param client  the client
 * @param token   the token; line breaks and blanks around it are dropped
 * @param cancel  NULL: none
 * @param out     on success what was kept; free with hf_login_free()
 * @param err     NULL, or filled on failure
 * @return as hf_whoami(); HF_ERR_INVALID_ARG for a token of an organization, an empty one, or a
 *         client that ignores token files; HF_ERR_PERMISSION, HF_ERR_DISK_FULL, HF_ERR_IO
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_auth_login(hf_client *client, const char *token, hf_cancel *cancel,
                               hf_login **out, hf_error *err);

/**
 * Free the result of a login. What it told stays kept.
 *
 * @param login  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_login_free(hf_login *login);

#define HF_LOGOUT_ACTIVE (1u << 0) /* the token in use was removed */
#define HF_LOGOUT_STORED (1u << 1) /* stored tokens were removed */

/**
 * Remove tokens from this machine. The Hub is not asked; the tokens stay valid.
 *
 * @param client   the client
 * @param name     which stored token; NULL: all of them
 * @param removed  NULL, or set on success to what there was: HF_LOGOUT_*
 * @param err      NULL, or filled on failure
 * @return HF_OK, also when there was nothing; HF_ERR_INVALID_ARG; HF_ERR_PERMISSION, HF_ERR_IO
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_auth_logout(hf_client *client, const char *name, uint32_t *removed,
                                hf_error *err);

/**
 * Make a stored token the one in use.
 *
 * @param client  the client
 * @param name    of the token, as hf_auth_list() tells it
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG when no token has this name; HF_ERR_PERMISSION, HF_ERR_IO
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_auth_switch(hf_client *client, const char *name, hf_error *err);

/** A token of the file `stored_tokens`. */
typedef struct hf_stored_token {
    const char *name;
    const char *masked;  /* first and last characters, to tell tokens apart */
    uint64_t expires_at; /* seconds since 1970; 0: not known */
    int can_refresh;
    int is_active; /* it is the one in use */
} hf_stored_token;

typedef struct hf_token_list {
    const hf_stored_token *tokens; /* in the order of the file */
    size_t n_tokens;
} hf_token_list;

/**
 * List the stored tokens.
 *
 * @param client  the client
 * @param out     on success the list; free with hf_token_list_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK, also when there are none or the file cannot be parsed (which is logged);
 *         HF_ERR_INVALID_ARG; HF_ERR_PERMISSION, HF_ERR_IO; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_auth_list(hf_client *client, hf_token_list **out, hf_error *err);

/**
 * Free the list of hf_auth_list().
 *
 * @param list  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_token_list_free(hf_token_list *list);

/**
 * Hand out a token itself, to give it to another program.
 *
 * @param client  the client
 * @param name    of a stored token; NULL: the one in use (argument, environment, file)
 * @param out     on success the token, NULL when there is none; overwrite it, then free it with
 *                hf_string_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG; HF_ERR_IO; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_auth_token(hf_client *client, const char *name, char **out, hf_error *err);

/** A code that a person enters in a browser, on any device, to log this program in (RFC 8628). */
typedef struct hf_device {
    const char *user_code;                 /* to show */
    const char *verification_uri;          /* where it is entered */
    const char *verification_uri_complete; /* the same with the code in it; never NULL */
    uint32_t interval_s;                   /* between two questions */
    uint32_t expires_in_s;                 /* from the start */
} hf_device;

/** Called after each answer that says "not yet". Not 0: give up with HF_ERR_CANCELED. */
typedef int hf_device_fn(void *user);

/**
 * Ask the Hub for a code to log in with.
 *
 * @param client  the client
 * @param cancel  NULL: none
 * @param out     on success the code; free with hf_device_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_PROTOCOL when the server has no such login; the network errors of
 *         hf_file_metadata_get()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_auth_device_start(hf_client *client, hf_cancel *cancel, hf_device **out,
                                      hf_error *err);

/**
 * Wait until the code was entered, then log in as hf_auth_login() does. Asks at the interval that
 * the Hub wants, less often when told to slow down; trouble of the network or the server does not
 * end it before the code expires.
 *
 * @param client      the client that made the code
 * @param device      the code
 * @param on_pending  NULL, or called after each answer that says "not yet"
 * @param user        passed to on_pending
 * @param cancel      NULL: none
 * @param out         on success what was kept; free with hf_login_free()
 * @param err         NULL, or filled on failure
 * @return HF_OK; HF_ERR_FORBIDDEN when the person said no; HF_ERR_UNAUTHORIZED when the code has
 *         expired or the Hub refuses it; HF_ERR_TIMEOUT when it expired unanswered; HF_ERR_CANCELED;
 *         as hf_auth_login()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_auth_device_wait(hf_client *client, hf_device *device, hf_device_fn *on_pending,
                                     void *user, hf_cancel *cancel, hf_login **out, hf_error *err);

/**
 * Free a code.
 *
 * @param device  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_device_free(hf_device *device);

#ifdef __cplusplus
}
#endif

#include <hfhub/repos.h> /* the next page of this manual */

#endif
