/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: everything the server keeps, under one data folder. It knows accounts and tokens,
 * repos and who may see them, git repositories and LFS objects; it knows nothing of HTTP, JSON
 * answers or URLs. The routes and the commands call it, and several processes may have it open at
 * once.
 *
 *   DATA/hub.sqlite        accounts, tokens (by their SHA-256), repos, grants, redirects
 *   DATA/git/<id>.git      bare repositories, named by the repo's opaque id so that a rename moves
 *                          nothing on disk
 *   DATA/lfs/ab/cd/<sha>   LFS objects; a name appears only after its bytes were hashed and synced
 *   DATA/uploads           LFS objects that come in parts, see upload.c
 *   DATA/tmp               what is being written; swept when nobody holds it
 *
 * Results are allocated in the caller's arena and live as long as it. A srv_store may be shared by
 * threads; every other handle belongs to one thread at a time. Ids are lower-case hex with a NUL.
 */
#ifndef SRV_STORE_STORE_H
#define SRV_STORE_STORE_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/error.h"

#define SRV_ID_HEX      24 /* of an account or a repo */
#define SRV_OID_HEX     40 /* of a git object */
#define SRV_SHA256_HEX  64
#define SRV_TOKEN_CHARS 37 /* "hf_" and 34 letters */

typedef int64_t srv_time_ms; /* since 1970, UTC */

/* ------------------------------------------------------------------------------------- the store
 */

typedef struct srv_store srv_store;

typedef struct srv_store_opts {
    const char *data_dir; /* made when absent */
    bool must_exist;      /* HF_ERR_IO instead of making it */
} srv_store_opts;

/* HF_ERR_BAD_FORMAT when the folder was made by a newer version. */
hf_status srv_store_open(const srv_store_opts *opts, srv_store **out, hf_error *err);
void srv_store_close(srv_store *store); /* NULL allowed; handles from it must be gone */
/* A secret of this data folder, made once: the key of signed URLs. 32 bytes, borrowed. */
hf__str srv_store_secret(srv_store *store);

/* -------------------------------------------------------------------------- accounts and tokens */

typedef enum srv_role { SRV_ROLE_READ, SRV_ROLE_WRITE, SRV_ROLE_FINE_GRAINED } srv_role;
typedef enum srv_org_role {
    SRV_ORG_READ,
    SRV_ORG_CONTRIBUTOR,
    SRV_ORG_WRITE,
    SRV_ORG_ADMIN
} srv_org_role;

typedef struct srv_account {
    char id[SRV_ID_HEX + 1];
    const char *name;
    const char *fullname; /* never NULL */
    const char *email;    /* NULL when there is none */
    bool is_org;
    srv_time_ms created;
} srv_account;

typedef struct srv_membership {
    srv_account org;
    srv_org_role role;
} srv_membership;

/* Permissions a fine-grained token has on one repo or one namespace; other roles have no scopes. */
#define SRV_SCOPE_READ  1u
#define SRV_SCOPE_WRITE 2u

typedef struct srv_scope {
    const char *entity; /* "ns", or "models/ns/name" and the like with the type's plural */
    uint32_t permissions;
} srv_scope;

/* Who asks. The anonymous identity has a NULL account. */
typedef struct srv_identity {
    const srv_account *account;
    srv_role role;
    const char *token_name;
    srv_time_ms token_created;
    srv_time_ms token_expires; /* 0: never */
    bool is_oauth;             /* it came from a login by device code */
    const srv_membership *orgs;
    size_t n_orgs;
    const srv_scope *scopes;
    size_t n_scopes;
} srv_identity;

const char *srv_role_name(srv_role role);         /* "read", "write", "fineGrained" */
const char *srv_org_role_name(srv_org_role role); /* "read", "contributor", "write", "admin" */

/* An empty token is the anonymous identity; an unknown or expired one HF_ERR_UNAUTHORIZED. */
hf_status srv_identity_find(srv_store *store, hf__str token, hf__arena *arena,
                            const srv_identity **out, hf_error *err);

typedef struct srv_account_spec {
    const char *name;
    const char *fullname; /* NULL: the name */
    const char *email;    /* NULL: none */
    bool is_org;
} srv_account_spec;

/* HF_ERR_CONFLICT when the name is taken in any case; HF_ERR_INVALID_ARG for a name the Hub would
 * not allow, reserved words among them. */
hf_status srv_account_add(srv_store *store, const srv_account_spec *spec, hf_error *err);
/* Any case; *out NULL when there is none. */
hf_status srv_account_find(srv_store *store, hf__str name, hf__arena *arena,
                           const srv_account **out, hf_error *err);
hf_status srv_account_list(srv_store *store, hf__arena *arena, const srv_account **out,
                           size_t *n_out, hf_error *err);
/* Membership of user in org; adding twice changes the role. HF_ERR_ENTRY_NOT_FOUND names what does
 * not exist. */
hf_status srv_member_add(srv_store *store, const char *org, const char *user, srv_org_role role,
                         hf_error *err);

typedef struct srv_token_spec {
    const char *account;
    const char *name; /* shown to the user, unique per account; NULL: "default" */
    srv_role role;
    const srv_scope *scopes; /* fine-grained only */
    size_t n_scopes;
    srv_time_ms expires; /* 0: never */
} srv_token_spec;

/* The text of the token is told once and not kept. */
hf_status srv_token_add(srv_store *store, const srv_token_spec *spec, char out[SRV_TOKEN_CHARS + 1],
                        hf_error *err);
typedef struct srv_token {
    const char *account;
    const char *name;
    srv_role role;
    srv_time_ms created;
    srv_time_ms expires; /* 0: never */
} srv_token;

/* Of one account, or of all when NULL. */
hf_status srv_token_list(srv_store *store, const char *account, hf__arena *arena,
                         const srv_token **out, size_t *n_out, hf_error *err);
/* HF_ERR_ENTRY_NOT_FOUND when there is no such token. */
hf_status srv_token_revoke(srv_store *store, const char *account, const char *name, hf_error *err);

/* Makes a token worthless by its text; an unknown one is fine. */
hf_status srv_token_burn(srv_store *store, hf__str token, hf_error *err);

/* ------------------------------------------------------------------------------- device-code login
 */

#define SRV_SECRET_CHARS    48
#define SRV_USER_CODE_CHARS 9 /* ABCD-EFGH */

typedef struct srv_device {
    char code[SRV_SECRET_CHARS + 1]; /* the client's secret */
    char user_code[SRV_USER_CODE_CHARS + 1];
} srv_device;

/* A login that waits for somebody to say yes. client: the OAuth client id, which polls must repeat. */
hf_status srv_device_new(srv_store *store, const char *client, srv_time_ms ttl,
                         srv_time_ms interval, srv_device *out, hf_error *err);
/* account NULL refuses. HF_ERR_ENTRY_NOT_FOUND for a code that nobody waits with, or no account. */
hf_status srv_device_decide(srv_store *store, const char *user_code, const char *account,
                            hf_error *err);

typedef enum srv_device_state {
    SRV_DEVICE_PENDING,
    SRV_DEVICE_APPROVED,
    SRV_DEVICE_DENIED,
    SRV_DEVICE_EXPIRED,
    SRV_DEVICE_TOO_FAST, /* and from now on the interval is 5 seconds longer */
    SRV_DEVICE_UNKNOWN   /* never was, was used, or is another client's */
} srv_device_state;

typedef struct srv_login {
    char access[SRV_SECRET_CHARS + 1];
    char refresh[SRV_SECRET_CHARS + 1];
} srv_login;

/* The client asks. out is filled when APPROVED, which is told once. ttl is the access token's. */
hf_status srv_device_poll(srv_store *store, hf__str code, const char *client, srv_time_ms ttl,
                          srv_device_state *state, srv_login *out, hf_error *err);
/* New tokens for a refresh token, which is worthless afterwards. *known false: it is none. */
hf_status srv_login_refresh(srv_store *store, hf__str refresh, const char *client, srv_time_ms ttl,
                            bool *known, srv_login *out, hf_error *err);

/* ----------------------------------------------------------------------------------------- repos
 */

typedef enum srv_repo_type { SRV_MODEL, SRV_DATASET, SRV_SPACE, SRV_KERNEL } srv_repo_type;
typedef enum srv_gated { SRV_GATED_NO, SRV_GATED_AUTO, SRV_GATED_MANUAL } srv_gated;

typedef struct srv_repo {
    int64_t key; /* in the database */
    char id[SRV_ID_HEX + 1];
    srv_repo_type type;
    const char *full_name; /* "ns/name" in its current spelling, or "name" */
    const char *ns;        /* "" for a repo without namespace */
    const char *name;
    const char *git_dir; /* path on disk, for `git http-backend` */
    const char *sdk;     /* spaces: "gradio" and so on; else NULL */
    bool is_private;
    bool disabled;
    srv_gated gated;
    srv_time_ms created;
    uint64_t downloads;
    uint64_t likes;
    srv_time_ms modified; /* only from lists: of the newest commit of main */
    uint64_t params;      /* likewise: of a model's weights */
} srv_repo;

const char *srv_repo_type_name(srv_repo_type type);   /* "model" */
const char *srv_repo_type_plural(srv_repo_type type); /* "models" */
/* Singular or plural; false for a stranger. */
bool srv_repo_type_parse(hf__str text, srv_repo_type *out);
const char *srv_gated_name(srv_gated gated); /* "auto", "manual"; NULL for no */

/* Is it a repo id (hub-http 1.2) that may exist here? HF_ERR_INVALID_ARG says what is wrong. */
hf_status srv_repo_id_check(hf__str id, hf_error *err);

/* Finds "ns/name" in any case. *moved (may be NULL) tells that id is not the current spelling, by
 * an earlier rename or by case, so that a route redirects to out->full_name. HF_ERR_REPO_NOT_FOUND.
 */
hf_status srv_repo_find(srv_store *store, srv_repo_type type, hf__str id, hf__arena *arena,
                        const srv_repo **out, bool *moved, hf_error *err);

/* By srv_repo.id, which no rename changes. HF_ERR_REPO_NOT_FOUND. */
hf_status srv_repo_by_id(srv_store *store, const char *id, hf__arena *arena, const srv_repo **out,
                         hf_error *err);

typedef struct srv_new_file {
    const char *path;
    hf__str bytes;
} srv_new_file;

typedef struct srv_repo_spec {
    srv_repo_type type;
    const char *id;
    const char *sdk; /* spaces */
    bool is_private;
    srv_gated gated;
    const char *author;        /* of the first commit; NULL: the namespace */
    bool no_first_commit;      /* else `main` starts with "initial commit" holding .gitattributes */
    const srv_new_file *files; /* and these, which may replace it */
    size_t n_files;
    const srv_repo *copy_of; /* instead: history, branches, tags and LFS objects of this repo */
} srv_repo_spec;

/* HF_ERR_CONFLICT when it exists in any case. Its namespace need not be an account yet; who gets that name
 * later owns it. */
hf_status srv_repo_create(srv_store *store, const srv_repo_spec *spec, hf__arena *arena,
                          const srv_repo **out, hf_error *err);
hf_status srv_repo_delete(srv_store *store, const srv_repo *repo, hf_error *err);
/* Rename or transfer; the old id leads to the new one from now on. HF_ERR_CONFLICT when to exists.
 */
hf_status srv_repo_move(srv_store *store, const srv_repo *repo, const char *to, hf_error *err);

#define SRV_SET_PRIVATE  1u
#define SRV_SET_GATED    2u
#define SRV_SET_DISABLED 4u

typedef struct srv_repo_settings {
    uint32_t set; /* SRV_SET_*: which of the members count */
    bool is_private;
    bool disabled;
    srv_gated gated;
} srv_repo_settings;

hf_status srv_repo_set(srv_store *store, const srv_repo *repo, const srv_repo_settings *settings,
                       hf_error *err);

typedef enum srv_grant {
    SRV_GRANT_NONE,
    SRV_GRANT_PENDING,
    SRV_GRANT_ACCEPTED,
    SRV_GRANT_REJECTED
} srv_grant;

/* State of user's request for a gated repo; NONE takes it away. */
hf_status srv_repo_grant(srv_store *store, const srv_repo *repo, const char *user, srv_grant grant,
                         hf_error *err);
hf_status srv_repo_count_download(srv_store *store, const srv_repo *repo, hf_error *err);

typedef enum srv_sort {
    SRV_SORT_CREATED,
    SRV_SORT_MODIFIED,
    SRV_SORT_DOWNLOADS,
    SRV_SORT_LIKES,
    SRV_SORT_PARAMS,
    SRV_SORT_ID
} srv_sort;

/* Several texts, all of which must match. */
typedef struct srv_texts {
    const char *const *items;
    size_t n;
} srv_texts;

typedef struct srv_repo_query {
    bool any_type; /* else only `type` */
    srv_repo_type type;
    const char *ns;             /* NULL: any */
    srv_texts searches;         /* parts of the id, any case */
    srv_texts tags;             /* of the card, any case */
    const char *task;           /* pipeline_tag; NULL: any */
    srv_texts models, datasets; /* what a Space links */
    bool linked;                /* only Spaces that link something */
    int gated;                  /* 1 gated ones, -1 the others, 0 any */
    uint64_t min_params;        /* 0: any, also those that do not tell */
    uint64_t max_params;        /* 0: any */
    const srv_identity *viewer; /* private repos are listed only for those who see them; NULL: all,
                                   for commands */
    srv_sort sort;
    bool ascending;    /* else the newest, most or last first */
    const char *after; /* cursor of the last repo of the page before; NULL: start */
    size_t limit;      /* 0: 1000 */
} srv_repo_query;

/* Fewer than limit: the end. HF_ERR_INVALID_ARG for a cursor that is none. */
hf_status srv_repo_list(srv_store *store, const srv_repo_query *query, hf__arena *arena,
                        const srv_repo **out, size_t *n_out, hf_error *err);
/* Where the list goes on behind repo; NULL when out of memory. */
const char *srv_repo_cursor(const srv_repo *repo, srv_sort sort, hf__arena *arena);

/* ----------------------------------------------------------------------------------------- cards
 */

/* What a repo says of itself on main: the front matter of its README, and what its files tell. */
typedef struct srv_card {
    char head[SRV_OID_HEX + 1]; /* the commit it was read from; "" when there is none */
    srv_time_ms modified;       /* of head */
    const char *data;           /* front matter, a JSON object; NULL: none */
    const char *config;         /* of config.json, a JSON object; NULL: none */
    const char *weights;        /* number of parameters by data type, likewise */
    const char *task;           /* NULL: none */
    const char *library;        /* NULL: none */
    const char *tags;           /* these three are JSON arrays of strings */
    const char *models;
    const char *datasets;
    uint64_t lfs_bytes; /* of all LFS objects it ever had */
} srv_card;

/* Types of tags that are links of a Space; not shown as tags. */
#define SRV_LINK_MODEL   "@model"
#define SRV_LINK_DATASET "@dataset"

hf_status srv_card_find(srv_store *store, const srv_repo *repo, hf__arena *arena, srv_card *out,
                        hf_error *err);
/* Front matter of a README as a JSON object; nothing when it has none. HF_ERR_BAD_FORMAT says what
 * is wrong with it, and where. */
hf_status srv_card_parse(hf__str readme, hf__buf *json, hf_error *err);
/* Cards of all repos that have none yet, of a data folder that an older version made. */
hf_status srv_card_refresh_all(srv_store *store, hf_error *err);

typedef struct srv_card_tag {
    const char *type;
    const char *tag;
} srv_card_tag;

/* Tags of public repos: by type, the most frequent first. */
hf_status srv_tag_list(srv_store *store, srv_repo_type type, hf__arena *arena,
                       const srv_card_tag **out, size_t *n_out, hf_error *err);

/* What somebody wants of a repo. */
typedef enum srv_want {
    SRV_WANT_INFO,    /* metadata, listings, refs: a gated repo shows them to everyone */
    SRV_WANT_CONTENT, /* bytes of files, git and LFS downloads */
    SRV_WANT_WRITE,   /* commits, branches, tags */
    SRV_WANT_ADMIN,   /* delete, move, settings */
    SRV_WANT_PROPOSE  /* a pull request: who may read and has a token that writes */
} srv_want;

typedef enum srv_access {
    SRV_ALLOWED,
    SRV_HIDDEN,    /* must look as if it did not exist */
    SRV_GATED,     /* access must be requested first */
    SRV_DISABLED,  /* nobody */
    SRV_FORBIDDEN, /* seen, but not allowed: a read token, no member */
    SRV_ANONYMOUS  /* a write without any token */
} srv_access;

/* The one place that decides. */
hf_status srv_access_decide(srv_store *store, const srv_repo *repo, const srv_identity *who,
                            srv_want want, srv_access *out, hf_error *err);

/* May who make repos in namespace ns? */
srv_access srv_access_create(const srv_identity *who, hf__str ns);

/* ------------------------------------------------------------------------------------ git, reading
 */

/* An open repository: one thread at a time, cheap to open again since the store keeps some. */
typedef struct srv_git srv_git;

hf_status srv_git_open(srv_store *store, const srv_repo *repo, srv_git **out, hf_error *err);
void srv_git_close(srv_git *git); /* NULL allowed */

/* A branch, a tag (annotated ones lead to their commit), "HEAD", "refs/pr/N", "refs/convert/x",
 * "refs/heads/x", "refs/tags/x", or a full commit id; in that order, and no short commit ids. An
 * empty revision is main. HF_ERR_REVISION_NOT_FOUND, also for a commit id that is no commit here.
 */
hf_status srv_git_resolve(srv_git *git, hf__str revision, char commit[SRV_OID_HEX + 1],
                          hf_error *err);

typedef struct srv_commit {
    char id[SRV_OID_HEX + 1];
    const char *title;   /* first paragraph of the message, on one line */
    const char *message; /* the rest, maybe "" */
    const char *author;
    const char *email;
    srv_time_ms date;
    size_t n_parents;
} srv_commit;

hf_status srv_git_commit(srv_git *git, const char *commit, hf__arena *arena, const srv_commit **out,
                         hf_error *err);
/* Newest first, limit of them after skip; *total (may be NULL) counts the whole history. */
hf_status srv_git_log(srv_git *git, const char *commit, size_t skip, size_t limit, hf__arena *arena,
                      const srv_commit **out, size_t *n_out, uint64_t *total, hf_error *err);

typedef enum srv_ref_kind { SRV_REF_BRANCH, SRV_REF_TAG, SRV_REF_CONVERT, SRV_REF_PR } srv_ref_kind;

typedef struct srv_ref {
    srv_ref_kind kind;
    const char *name; /* "main", "v1.0", "parquet", "3" */
    const char *ref;  /* "refs/heads/main" */
    char commit[SRV_OID_HEX + 1];
} srv_ref;

/* Ordered by kind, then name. */
hf_status srv_git_refs(srv_git *git, hf__arena *arena, const srv_ref **out, size_t *n_out,
                       hf_error *err);

typedef struct srv_entry {
    bool is_dir;
    bool is_lfs;
    bool executable;
    const char *path;                /* from the root of the repo */
    char oid[SRV_OID_HEX + 1];       /* blob or tree; of an LFS file the pointer's blob */
    char sha256[SRV_SHA256_HEX + 1]; /* LFS only, else "" */
    uint64_t size;         /* of the content, the real one of an LFS file; 0 for directories */
    uint64_t pointer_size; /* LFS only: of the pointer text */
    const srv_commit *last_commit; /* NULL unless srv_git_last_commits() found it */
} srv_entry;

/* The etag of an entry's content: sha256 for LFS, else oid. */
static inline const char *srv_entry_etag(const srv_entry *entry)
{
    return entry->is_lfs ? entry->sha256 : entry->oid;
}

/* File or directory at path ("" is the root; a '/' at the end is allowed for directories).
 * HF_ERR_ENTRY_NOT_FOUND. Submodules do not exist; a symbolic link is a file holding its target. */
hf_status srv_git_entry(srv_git *git, const char *commit, hf__str path, hf__arena *arena,
                        srv_entry *out, hf_error *err);

/* A listing that is read entry by entry. Order: git's, a directory before what is in it. */
typedef struct srv_tree srv_tree;

#define SRV_TREE_RECURSIVE  1u
#define SRV_TREE_FILES_ONLY 2u /* directories are entered but not told */
#define SRV_TREE_NAMES_ONLY 4u /* no size, no LFS: those members stay 0; much cheaper */

/* after: path of the last entry of the page before, whose position is found without reading what
 * lies before it; empty for the start. HF_ERR_ENTRY_NOT_FOUND when path is none or a file. */
hf_status srv_tree_open(srv_git *git, const char *commit, hf__str path, uint32_t flags,
                        hf__str after, srv_tree **out, hf_error *err);
/* *out NULL at the end; the entry is borrowed until the next call. */
hf_status srv_tree_next(srv_tree *tree, const srv_entry **out, hf_error *err);
void srv_tree_close(srv_tree *tree); /* before srv_git_close() of its git; NULL allowed */

/* Fills last_commit of each of entries: the newest commit up to `commit` that changed its path. */
hf_status srv_git_last_commits(srv_git *git, const char *commit, srv_entry *entries, size_t n,
                               hf__arena *arena, hf_error *err);

/* Content of a blob, in pieces; loose objects are never held whole. */
typedef struct srv_blob srv_blob;

hf_status srv_blob_open(srv_git *git, const char *oid, srv_blob **out, hf_error *err);
uint64_t srv_blob_size(const srv_blob *blob);
/* Up to len bytes at offset, *got 0 only at the end. Cheap when offset does not go back. */
hf_status srv_blob_read(srv_blob *blob, uint64_t offset, void *bytes, size_t len, size_t *got,
                        hf_error *err);
void srv_blob_close(srv_blob *blob); /* before srv_git_close() of its git; NULL allowed */
/* The whole of it, up to the maximum of out. */
hf_status srv_git_read(srv_git *git, const char *oid, hf__buf *out, hf_error *err);

/* Every blob in a folder of git objects, its text when it is short enough to be a pointer. What
 * visit fails with ends the walk. */
typedef hf_status srv_blob_fn(void *user, const char *oid, uint64_t size, hf__str text,
                              hf_error *err);
hf_status srv_git_each_blob(srv_store *store, const char *objects_dir, srv_blob_fn *visit,
                            void *user, hf_error *err);

/* Reads the card of git's repo again if main moved since. Commits do it by themselves; who moves
 * main by other means calls this afterwards. */
hf_status srv_card_refresh(srv_git *git, hf_error *err);

/* ------------------------------------------------------------------------------------ LFS objects
 */

/* HF_ERR_ENTRY_NOT_FOUND when the repo has no such object. A NULL repo asks for the bytes alone. */
hf_status srv_lfs_open(srv_store *store, const srv_repo *repo, const char *sha256, int *fd,
                       uint64_t *size, hf_error *err);
hf_status srv_lfs_has(srv_store *store, const srv_repo *repo, const char *sha256, bool *has,
                      uint64_t *size, hf_error *err);
typedef struct srv_gc_result {
    size_t n_objects;
    uint64_t bytes;
} srv_gc_result;

/* Deletes objects that are older and that no blob of any repository points to. HF_ERR_CONFLICT when
 * another process has the data folder open. */
hf_status srv_gc(srv_store *store, uint64_t older_than_s, srv_gc_result *out, hf_error *err);
/* Is text that of a pointer? */
bool srv_lfs_pointer(hf__str text, char sha256[SRV_SHA256_HEX + 1], uint64_t *size);
/* Makes an object that the store holds one of repo's. */
hf_status srv_lfs_link(srv_store *store, const srv_repo *repo, const char *sha256, hf_error *err);

/* Bytes on their way in. Nothing is visible before srv_lfs_put_commit() returned HF_OK. */
typedef struct srv_lfs_put srv_lfs_put;

hf_status srv_lfs_put_new(srv_store *store, srv_lfs_put **out, hf_error *err);
hf_status srv_lfs_put_add(srv_lfs_put *put, const void *bytes, size_t len, hf_error *err);
/* sha256 and size are checked when sha256 is not NULL (HF_ERR_CORRUPT). The object becomes one of
 * repo's. Ends put, whatever comes back. */
hf_status srv_lfs_put_commit(srv_lfs_put *put, const srv_repo *repo, const char *sha256,
                             uint64_t size, char out_sha256[SRV_SHA256_HEX + 1], hf_error *err);
void srv_lfs_put_abort(srv_lfs_put *put); /* NULL allowed */

/* Bytes of the objects that repos of this namespace hold; one that two of them hold counts twice. */
hf_status srv_lfs_used(srv_store *store, const char *ns, uint64_t *out, hf_error *err);

#define SRV_ETAG_HEX  32
#define SRV_MAX_PARTS 10000

/* An object of repo that comes in parts of part_bytes, the last one maybe shorter. Shared by
 * threads; parts that came are kept over restarts. HF_ERR_CONFLICT while it is being sent in parts
 * of another length; HF_ERR_ENTRY_NOT_FOUND when nobody began it and !make. */
typedef struct srv_upload srv_upload;

hf_status srv_upload_open(srv_store *store, const srv_repo *repo, const char *sha256, uint64_t size,
                          uint64_t part_bytes, bool make, srv_upload **out, hf_error *err);
void srv_upload_close(srv_upload *upload); /* after its parts; NULL allowed */
size_t srv_upload_n_parts(const srv_upload *upload);
/* Is part number (from 1) there? */
bool srv_upload_part(srv_upload *upload, size_t number, char etag[SRV_ETAG_HEX + 1]);
/* All parts are there: checks the hash and makes the object one of repo's. HF_ERR_INVALID_ARG names
 * a missing part; HF_ERR_CORRUPT: the hash is another, and all parts are forgotten. */
hf_status srv_upload_finish(srv_upload *upload, const srv_repo *repo, hf_error *err);

/* One part on its way in; one thread at a time, but several may send the same part. A part that is
 * there keeps its bytes and its etag. */
typedef struct srv_part srv_part;

hf_status srv_part_begin(srv_upload *upload, size_t number, srv_part **out, hf_error *err);
hf_status srv_part_add(srv_part *part, const void *bytes, size_t len, hf_error *err);
/* HF_ERR_CORRUPT when too few bytes came. Ends part, whatever comes back. */
hf_status srv_part_end(srv_part *part, char etag[SRV_ETAG_HEX + 1], hf_error *err);
void srv_part_abort(srv_part *part); /* NULL allowed */

/* --------------------------------------------------------------------------------- git, writing */

/* May path be a file of a repo? HF_ERR_UNSAFE_PATH for absolute paths, empty, "." and ".."
 * components, ".git" in any case, control characters, backslashes, bytes that are no UTF-8. */
hf_status srv_path_check(hf__str path, hf_error *err);

/* Stores bytes as a blob that nothing refers to yet. */
hf_status srv_git_write(srv_git *git, hf__str bytes, char oid[SRV_OID_HEX + 1], hf_error *err);

/* The same for many, which are there once srv_pack_end() returned HF_OK; oid, which must last until
 * then, may be filled in as late as that. One thread at a time. */
typedef struct srv_pack srv_pack;

hf_status srv_pack_new(srv_git *git, srv_pack **out, hf_error *err);
hf_status srv_pack_add(srv_pack *pack, hf__str bytes, char oid[SRV_OID_HEX + 1], hf_error *err);
hf_status srv_pack_end(srv_pack *pack, hf_error *err);
void srv_pack_free(srv_pack *pack); /* before srv_git_close(); NULL allowed */

/* Operations that become one commit, applied in their order. */
typedef struct srv_change srv_change;

/* Starts from the tree of commit `base`; NULL or "" is the empty tree. */
hf_status srv_change_new(srv_git *git, const char *base, srv_change **out, hf_error *err);
void srv_change_free(srv_change *change); /* before srv_git_close(); NULL allowed */

/* A blob that the repository holds already, by srv_git_write(). An existing file stays executable
 * when it was. */
hf_status srv_change_add_blob(srv_change *change, hf__str path, const char *oid, hf_error *err);
/* The pointer of an LFS object, likewise. */
hf_status srv_change_put_lfs(srv_change *change, hf__str path, const char *sha256, uint64_t size,
                             hf_error *err);
hf_status srv_change_add_bytes(srv_change *change, hf__str path, bool executable, hf__str bytes,
                               hf_error *err);
/* Streams size bytes of fd from where it stands; HF_ERR_CHANGED when there are more or fewer. */
hf_status srv_change_add_fd(srv_change *change, hf__str path, bool executable, int fd,
                            uint64_t size, hf_error *err);
/* The pointer's text becomes the blob. The object must be the repo's (srv_lfs_has). */
hf_status srv_change_add_lfs(srv_change *change, hf__str path, bool executable, const char *sha256,
                             uint64_t size, hf_error *err);
hf_status srv_change_delete_file(srv_change *change, hf__str path, hf_error *err);
hf_status srv_change_delete_folder(srv_change *change, hf__str path, hf_error *err);
/* From any commit of the same repository; a file or a folder. */
hf_status srv_change_copy(srv_change *change, const char *from_commit, hf__str from_path,
                          hf__str path, hf_error *err);

/* Does text, that of a .gitignore in the root, leave path out? */
bool srv_ignores(hf__str text, hf__str path);

/* Does the .gitattributes of the change as it stands give path `filter=lfs`? */
hf_status srv_change_is_lfs_path(srv_change *change, hf__str path, bool *out, hf_error *err);
/* Adds a line to the root's .gitattributes for each path that is not LFS already. */
hf_status srv_change_track_lfs(srv_change *change, const hf__str *paths, size_t n, hf_error *err);

typedef struct srv_commit_spec {
    const char *ref;    /* full name, "refs/heads/main"; made when absent and `parent` is "" */
    const char *parent; /* the ref must stand there: a full or short (5 to 40) id; "" it must not
                           exist; NULL: wherever it stands */
    const char *author; /* account name */
    const char *email;  /* NULL: name@users.noreply of this hub */
    const char *title;
    const char *message; /* NULL or "": none */
    srv_time_ms date;    /* 0: now */
} srv_commit_spec;

/* Makes the commit on top of the change's base and moves the ref in one step. *made false: the tree is the parent's, nothing
 * was done, out is the parent. HF_ERR_CONFLICT when the ref is not at parent, or moved meanwhile;
 * HF_ERR_REVISION_NOT_FOUND when it does not exist. */
hf_status srv_change_commit(srv_change *change, const srv_commit_spec *spec,
                            char out[SRV_OID_HEX + 1], bool *made, hf_error *err);

/* Merges commit `from` into spec->ref as one commit with one parent. HF_ERR_CONFLICT when both changed the
 * same lines, or the ref moved meanwhile; HF_ERR_INVALID_ARG when from has nothing new. */
hf_status srv_git_merge(srv_git *git, const srv_commit_spec *spec, const char *from,
                        char out[SRV_OID_HEX + 1], hf_error *err);
/* Paths that both sides changed, NULL at the end. */
hf_status srv_git_conflicts(srv_git *git, const char *ours, const char *theirs, hf__arena *arena,
                            const char *const **out, hf_error *err);
/* What `theirs` changes since it left `ours`, as text; cut at the maximum of out. */
hf_status srv_git_diff(srv_git *git, const char *ours, const char *theirs, hf__buf *out,
                       hf_error *err);
/* Commits of `theirs` that `ours` has not, oldest first, at most limit. */
hf_status srv_git_ahead(srv_git *git, const char *ours, const char *theirs, size_t limit,
                        hf__arena *arena, const srv_commit *const **out, size_t *n_out,
                        hf_error *err);

/* Refs. HF_ERR_CONFLICT when name exists (and !overwrite), HF_ERR_INVALID_ARG for no ref name. A
 * tag with a message is annotated, NULL is lightweight. */
hf_status srv_git_ref_make(srv_git *git, const char *ref, const char *commit, bool overwrite,
                           hf_error *err);
hf_status srv_git_tag_make(srv_git *git, const char *name, const char *commit, const char *message,
                           const char *author, hf_error *err);
hf_status srv_git_ref_delete(srv_git *git, const char *ref, hf_error *err);
/* Replaces the history of ref by one commit with the tree it has. HF_ERR_CONFLICT when it moved
 * meanwhile. */
hf_status srv_git_squash(srv_git *git, const srv_commit_spec *spec, char out[SRV_OID_HEX + 1],
                         hf_error *err);

#endif
