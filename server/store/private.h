/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the store share. Not for anybody outside this folder. */
#ifndef SRV_STORE_PRIVATE_H
#define SRV_STORE_PRIVATE_H

#include "core/hash.h"
#include "core/limits.h"
#include "core/pool.h"
#include "store/store.h"

#include <git2.h>
#include <pthread.h>
#include <sqlite3.h>

#define SRV__MAX_IDLE_GITS 16
#define SRV__MAX_POINTER   1024 /* git-lfs reads no more of a blob to tell whether it is a pointer */

/* -------------------------------------------------------------------------------------- database */

#define SRV__DB_STATEMENTS 24

/* A connection and the statements that were prepared on it, found by the address of their text. */
typedef struct srv__db {
    struct srv__db *next;
    sqlite3 *conn;
    struct {
        const char *sql;
        sqlite3_stmt *stmt;
        bool busy;
    } cache[SRV__DB_STATEMENTS];
    unsigned next_slot;
} srv__db;

hf_status srv__db_open(const char *path, srv__db **out, hf_error *err);
void srv__db_close(srv__db *db); /* NULL allowed */
hf_status srv__db_take(srv_store *store, srv__db **out, hf_error *err);
void srv__db_give(srv_store *store, srv__db *db); /* NULL allowed */

/* A statement with its arguments bound by fmt: i int64_t, t const char * (NULL is null),
 * s hf__str, b const void * and size_t. Text is borrowed until srv__sql_end(). */
hf_status srv__sql_begin(srv__db *db, sqlite3_stmt **out, hf_error *err, const char *sql,
                         const char *fmt, ...);
hf_status srv__sql_next(srv__db *db, sqlite3_stmt *stmt, bool *row, hf_error *err);
void srv__sql_end(srv__db *db, sqlite3_stmt *stmt); /* NULL allowed */
/* A statement without rows; *changed (may be NULL) counts what it touched. A broken UNIQUE is
 * HF_ERR_CONFLICT. */
hf_status srv__sql_run(srv__db *db, int64_t *changed, hf_error *err, const char *sql,
                       const char *fmt, ...);
/* The number in the first column of the first row; 0 and *found (may be NULL) false without rows. */
hf_status srv__sql_int(srv__db *db, int64_t *out, bool *found, hf_error *err, const char *sql,
                       const char *fmt, ...);
/* Rows as a list of structs in an arena: the caller says how one is read, and finds them here. */
typedef struct srv__rows {
    hf__arena *arena;
    size_t size; /* of a struct */
    hf_status (*read)(sqlite3_stmt *stmt, hf__arena *arena, void *out, hf_error *err);
    void *list;
    size_t n;
} srv__rows;

hf_status srv__sql_rows(srv__db *db, srv__rows *rows, hf_error *err, const char *sql,
                        const char *fmt, ...);
hf_status srv__store_rows(srv_store *store, srv__rows *rows, hf_error *err, const char *sql,
                          const char *fmt, ...);
hf_status srv__db_fail(srv__db *db, int rc, hf_error *err);

hf_status srv__db_begin(srv__db *db, hf_error *err); /* a writing transaction */
hf_status srv__db_commit(srv__db *db, hf_error *err);
void srv__db_rollback(srv__db *db);
/* Commits when st is HF_OK, else rolls back and hands st on. */
hf_status srv__db_finish(srv__db *db, hf_status st, hf_error *err);

/* Copies a column; "" for null unless the column may be NULL. */
char *srv__col_dup(sqlite3_stmt *stmt, int col, hf__arena *arena);
void srv__col_id(sqlite3_stmt *stmt, int col, char out[SRV_ID_HEX + 1]);

/* What srv__repo_read() reads of `repos r`, from column 0 on. */
#define SRV__REPO_COLUMNS                                                                          \
    "r.key, r.id, r.type, r.name, r.ns, r.sdk, r.private, r.gated, r.disabled, r.created, "        \
    "r.downloads, r.likes"
#define SRV__N_REPO_COLUMNS 12
hf_status srv__repo_read(srv_store *store, sqlite3_stmt *stmt, hf__arena *arena, srv_repo *out,
                         hf_error *err);

/* Creates what the schema lacks. */
hf_status srv__schema_apply(srv__db *db, hf_error *err);

/* ----------------------------------------------------------------------------------------- store */

typedef struct srv__blob_fact srv__blob_fact;

struct srv_store {
    char *data_dir; /* set in open, read-only after */
    int lock_fd;
    unsigned char secret[32];
    struct srv__hasher *hasher;
    /* Held while libgit2 makes a ref: it stamps a reflog by the time zone, of which C has but one. */
    pthread_mutex_t ref_lock;
    struct {
        pthread_mutex_t lock;
        srv__db *dbs;  /* idle connections */
        srv_git *gits; /* idle repositories, the one used last in front */
        unsigned n_gits;
        srv__blob_fact *facts; /* what is known of blobs, SRV__FACTS slots */
        srv_upload *uploads;   /* in parts, the one begun last in front */
    } synced;
};

struct srv_git {
    srv_git *next;
    srv_store *store;
    char id[SRV_ID_HEX + 1];
    git_repository *repo;
    git_odb *odb;
};

/* DATA/<fmt>, in the buffer. */
hf_status srv__path(srv_store *store, hf__buf *out, hf_error *err, const char *fmt, ...)
    HF__PRINTF(4, 5);
void srv__random_hex(char *out, size_t len);
void srv__random_bytes(void *out, size_t len);
srv_time_ms srv__now(void);
/* Puts what was written below path, or the directory itself, on the disk. */
hf_status srv__sync_fs(const char *path, hf_error *err);
hf_status srv__sync_dir(const char *path, hf_error *err);
void srv__remove_tree(const char *path);
hf_status srv__sweep(srv_store *store, srv__db *db, hf_error *err);

/* Letters that nobody guesses, behind a prefix; out has room for len and a NUL. */
void srv__random_letters(char *out, size_t len, const char *prefix);
/* The key of an account that must exist: HF_ERR_ENTRY_NOT_FOUND. */
hf_status srv__need_account(srv__db *db, const char *name, bool want_org, int64_t *key,
                            hf_error *err);

/* What srv__account_read() reads of `accounts a`, from column 0 on. */
#define SRV__ACCOUNT_COLUMNS   "a.id, a.name, a.fullname, a.email, a.is_org, a.created, a.key"
#define SRV__N_ACCOUNT_COLUMNS 7
hf_status srv__account_read(sqlite3_stmt *stmt, hf__arena *arena, srv_account *out, hf_error *err);
/* Room for one more in a list of n that was grown by this: the list, maybe elsewhere. NULL when out
 * of memory. */
void *srv__grow(hf__arena *arena, void *list, size_t n, size_t size);

/* Words that begin a URL of something else: nobody may have them as a namespace. */
bool srv__is_reserved(hf__str name);

/* Drops the idle handles of a repository that is going away. */
void srv__git_forget(srv_store *store, const char *id);
/* A new bare repository at path. */
hf_status srv__git_init(const char *path, hf_error *err);
/* Objects, branches and tags of source into the empty repository at path. */
hf_status srv__git_copy(srv_store *store, const srv_repo *source, const char *path, hf_error *err);
/* Is this the name of something that git or libgit2 still writes, which nothing refers to yet? */
bool srv__git_is_unfinished(const char *name);
hf_status srv__git_open_at(srv_store *store, const char *path, srv_git **out, hf_error *err);
/* Maps libgit2's last error; what says what was tried. */
hf_status srv__git_fail(int rc, hf_error *err, const char *fmt, ...) HF__PRINTF(3, 4);
hf_status srv__git_commit_tree(srv_git *git, const char *commit, git_tree **out, hf_error *err);

/* Facts of a blob that never change, kept since a listing asks for them again and again. */
struct srv__blob_fact {
    git_oid oid;
    bool known;
    bool is_lfs;
    uint64_t size; /* of the blob */
    uint64_t lfs_size;
    unsigned char sha256[32];
};

hf_status srv__blob_fact_get(srv_git *git, const git_oid *oid, srv__blob_fact *out, hf_error *err);

/* ref was moved: reads the card again when it is main's. */
void srv__card_moved(srv_git *git, const char *ref);
/* {"parameters":{"F16":n,…},"total":n} of the safetensors files in the root; false when there are none
 * that can be read. */
bool srv__weights(srv_git *git, const char *commit, hf__buf *json, uint64_t *total);
/* What lies between the two lines of "---"; false when there is no such thing. */
bool srv__front_matter(hf__str readme, hf__str *out);

/* Reads the text of an LFS pointer. */
bool srv__pointer_parse(hf__str text, char sha256[SRV_SHA256_HEX + 1], uint64_t *size);
void srv__pointer_format(hf__buf *out, const char *sha256, uint64_t size);

/* --------------------------------------------------------------------------------------- commits */

/* Bytes in zlib's format, for objects of git. */
typedef struct srv__zip srv__zip;
hf_status srv__zip_new(srv__zip **out, hf_error *err);
void srv__zip_free(srv__zip *zip);                             /* NULL allowed */
void srv__zip_add(srv__zip *zip, hf__str bytes, hf__buf *out); /* out says when memory ran out */
uint32_t srv__zip_crc32(const void *bytes, size_t len);

typedef struct srv__packed {
    git_oid id;
    uint32_t crc;    /* of its bytes in the pack */
    uint64_t offset; /* of them */
} srv__packed;

/* The index of a pack of these objects, which are sorted on the way. */
hf_status srv__pack_index(srv__packed *objects, size_t n, const uint8_t pack_sha1[20], hf__buf *out,
                          hf_error *err);

/* One pack on its way to the disk. One thread at a time; every failure is final. */
typedef struct srv__pack_file srv__pack_file;
hf_status srv__pack_file_new(srv_git *git, hf__pool *pool, srv__pack_file **out, hf_error *err);
/* bytes: the object as it stands in a pack. Not when the file is full. */
hf_status srv__pack_file_add(srv__pack_file *file, const git_oid *id, uint32_t crc, hf__str bytes,
                             hf_error *err);
/* From then on it is on its way to the disk. */
bool srv__pack_file_is_full(const srv__pack_file *file);
/* Once, full or not: waits until it is there, and gives it its name in the repository. */
hf_status srv__pack_file_place(srv__pack_file *file, hf_error *err);
void srv__pack_file_free(srv__pack_file *file); /* what was not placed goes; NULL allowed */

/* Where the ref stands; *exists false when there is none. */
hf_status srv__ref_target(srv_git *git, const char *ref, git_oid *out, bool *exists, hf_error *err);
hf_status srv__ref_conflict(const char *ref, hf_error *err);
/* Is what the caller wants of the ref true? */
hf_status srv__check_parent(const srv_commit_spec *spec, bool exists, const git_oid *at,
                            hf_error *err);
hf_status srv__write_commit(srv_git *git, const srv_commit_spec *spec, const git_oid *tree,
                            const git_oid *parent, git_oid *out, hf_error *err);
/* Objects reach the disk before the ref names them. from NULL: the ref must not exist. */
hf_status srv__move_ref(srv_git *git, const char *ref, const git_oid *from, const git_oid *to,
                        hf_error *err);
bool srv__same_tree(srv_git *git, const git_oid *commit, const git_oid *tree);

/* ------------------------------------------------------------------------------------ LFS objects */

/* Makes the file `from`, open as fd and known to have this hash and size, the object sha256, unless
 * it is there already. */
hf_status srv__lfs_publish(srv_store *store, int fd, const char *from, const char *sha256,
                           uint64_t size, hf_error *err);
/* Makes it one of repo's. */
hf_status srv__lfs_link(srv_store *store, const srv_repo *repo, const char *sha256, uint64_t size,
                        hf_error *err);
void srv__uploads_close(srv_store *store);

/* Bytes that come piece by piece into a file, and their SHA-256. fd and path stay the caller's, and
 * must last. */
typedef struct srv__spool srv__spool;
hf_status srv__spool_new(srv_store *store, int fd, const char *path, srv__spool **out,
                         hf_error *err);
hf_status srv__spool_add(srv__spool *s, const void *bytes, size_t len, hf_error *err);
hf_status srv__spool_end(srv__spool *s, char out[HF__HASH_HEX_MAX + 1], hf_error *err);
void srv__spool_free(srv__spool *s); /* NULL allowed */

/* SHA-256 of many bodies at once, each a stream of blocks. */
#define SRV__BLOCK_BYTES ((size_t)128 * 1024)
typedef struct srv__hasher srv__hasher;
typedef struct srv__stream srv__stream;
hf_status srv__hasher_new(srv__hasher **out, hf_error *err);
void srv__hasher_free(srv__hasher *h); /* after all of its streams; NULL allowed */
hf_status srv__stream_new(srv__hasher *hasher, srv__stream **out, hf_error *err);
/* The block to be filled next, when there is room for it. */
uint8_t *srv__stream_block(srv__stream *s);
/* It is full, and stays so for the caller to read until there is the next one. */
const uint8_t *srv__stream_put(srv__stream *s);
/* len bytes of the next block are the last; out is empty text when there is no hash. */
void srv__stream_end(srv__stream *s, size_t len, char out[HF__HASH_HEX_MAX + 1]);
void srv__stream_free(srv__stream *s); /* NULL allowed */

/* ---------------------------------------------------------------------------- .gitattributes */

/* The .gitattributes a repo of this type starts with. */
void srv__attributes_default(hf__buf *out, srv_repo_type type);

/* Does text give path (relative to its folder) `filter=lfs`? UNKNOWN when no line says anything. */
typedef enum srv__attr { SRV__ATTR_UNKNOWN, SRV__ATTR_NOT_LFS, SRV__ATTR_LFS } srv__attr;
srv__attr srv__attributes_find(hf__str text, hf__str path);
/* A line that gives exactly this path `filter=lfs`. */
void srv__attributes_add(hf__buf *text, hf__str path);
bool srv__glob(hf__str pattern, hf__str text, bool slashes);

#endif
