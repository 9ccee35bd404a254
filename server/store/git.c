/* SPDX-License-Identifier: Apache-2.0 */
/* Opening repositories, and what names lead to: revisions, refs, commits. */
#include "store/private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

hf_status srv__git_fail(int rc, hf_error *err, const char *fmt, ...)
{
    const git_error *last = git_error_last();
    hf_status st = HF_ERR_IO;
    char what[256];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (last && last->klass == GIT_ERROR_NOMEMORY)
        return hf__fail_nomem(err);
    if (rc == GIT_ENOTFOUND)
        st = HF_ERR_ENTRY_NOT_FOUND;
    else if (rc == GIT_EEXISTS || rc == GIT_EMODIFIED || rc == GIT_ELOCKED)
        st = HF_ERR_CONFLICT;
    else if (rc == GIT_EINVALIDSPEC)
        st = HF_ERR_INVALID_ARG;
    else if (last && last->klass == GIT_ERROR_OS && errno == ENOSPC)
        st = HF_ERR_DISK_FULL;
    return hf__fail(err, st, "%s: %s", what, last && last->message ? last->message : "git failed");
}

/* --------------------------------------------------------------------------------------- opening */

hf_status srv__git_init(const char *path, hf_error *err)
{
    git_repository_init_options opts;
    git_repository *repo = NULL;
    git_config *config = NULL;
    int rc;

    (void)git_repository_init_options_init(&opts, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
    opts.flags =
        GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR | GIT_REPOSITORY_INIT_NO_REINIT;
    opts.initial_head = "main";
    rc = git_repository_init_ext(&repo, path, &opts);
    if (rc == 0)
        rc = git_repository_config(&config, repo);
    /* What is pushed is looked through: names such as ".git" must not get in by that door. */
    if (rc == 0)
        rc = git_config_set_bool(config, "receive.fsckObjects", 1);
    /* Objects of an upload that is still going on belong to no ref yet. */
    if (rc == 0)
        rc = git_config_set_bool(config, "receive.autogc", 0);
    if (rc == 0)
        rc = git_config_set_int32(config, "gc.auto", 0);
    git_config_free(config);
    git_repository_free(repo);
    return rc == 0 ? HF_OK : srv__git_fail(rc, err, "cannot make the repository");
}

hf_status srv__git_open_at(srv_store *store, const char *path, srv_git **out, hf_error *err)
{
    srv_git *git = calloc(1, sizeof *git);
    hf_status st;
    int rc;

    if (!git)
        return hf__fail_nomem(err);
    git->store = store;
    rc = git_repository_open_bare(&git->repo, path);
    if (rc == 0)
        rc = git_repository_odb(&git->odb, git->repo);
    if (rc != 0) {
        st = srv__git_fail(rc, err, "cannot open the repository");
        srv_git_close(git);
        return st;
    }
    *out = git;
    return HF_OK;
}

hf_status srv_git_open(srv_store *store, const srv_repo *repo, srv_git **out, hf_error *err)
{
    srv_git **link;
    srv_git *git = NULL;
    hf_status st;

    hf__error_clear(err);
    pthread_mutex_lock(&store->synced.lock);
    for (link = &store->synced.gits; *link; link = &(*link)->next)
        if (strcmp((*link)->id, repo->id) == 0) {
            git = *link;
            *link = git->next;
            store->synced.n_gits--;
            break;
        }
    pthread_mutex_unlock(&store->synced.lock);
    if (!git) {
        st = srv__git_open_at(store, repo->git_dir, &git, err);
        if (st != HF_OK)
            return st;
        memcpy(git->id, repo->id, sizeof git->id);
    }
    git->next = NULL;
    *out = git;
    return HF_OK;
}

static void free_git(srv_git *git)
{
    git_odb_free(git->odb);
    git_repository_free(git->repo);
    free(git);
}

void srv_git_close(srv_git *git)
{
    srv_git *surplus = NULL;
    srv_store *store;
    srv_git **link;

    if (!git)
        return;
    if (!git->odb || git->id[0] == '\0') {
        free_git(git);
        return;
    }
    store = git->store;
    pthread_mutex_lock(&store->synced.lock);
    git->next = store->synced.gits;
    store->synced.gits = git;
    if (++store->synced.n_gits > SRV__MAX_IDLE_GITS) {
        for (link = &store->synced.gits; (*link)->next; link = &(*link)->next)
            ;
        surplus = *link;
        *link = NULL;
        store->synced.n_gits--;
    }
    pthread_mutex_unlock(&store->synced.lock);
    if (surplus)
        free_git(surplus);
}

void srv__git_forget(srv_store *store, const char *id)
{
    srv_git *gone = NULL;
    srv_git **link;

    pthread_mutex_lock(&store->synced.lock);
    for (link = &store->synced.gits; *link;)
        if (strcmp((*link)->id, id) == 0) {
            srv_git *git = *link;

            *link = git->next;
            git->next = gone;
            gone = git;
            store->synced.n_gits--;
        } else {
            link = &(*link)->next;
        }
    pthread_mutex_unlock(&store->synced.lock);
    while (gone) {
        srv_git *next = gone->next;

        free_git(gone);
        gone = next;
    }
}

/* ------------------------------------------------------------------------------------- revisions */

static void hex(const git_oid *oid, char out[SRV_OID_HEX + 1])
{
    (void)git_oid_tostr(out, SRV_OID_HEX + 1, oid);
}

/* The commit that a ref leads to, through annotated tags. False when there is none. */
static bool ref_commit(srv_git *git, const char *name, git_oid *out)
{
    git_object *object = NULL;
    git_object *commit = NULL;
    git_oid oid;
    bool ok = false;

    if (git_reference_name_to_id(&oid, git->repo, name) == 0 &&
        git_object_lookup(&object, git->repo, &oid, GIT_OBJECT_ANY) == 0 &&
        git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0) {
        git_oid_cpy(out, git_object_id(commit));
        ok = true;
    }
    git_object_free(commit);
    git_object_free(object);
    return ok;
}

static bool commit_exists(srv_git *git, const git_oid *oid)
{
    git_object_t type;
    size_t len;

    return git_odb_read_header(&len, &type, git->odb, oid) == 0 && type == GIT_OBJECT_COMMIT;
}

static bool resolve(srv_git *git, const char *revision, git_oid *out)
{
    static const char *const whole[] = { "refs/pr/", "refs/convert/", "refs/heads/", "refs/tags/" };
    char name[HF__MAX_REVISION + 16];
    size_t i;

    if (strcmp(revision, "HEAD") == 0)
        return ref_commit(git, "HEAD", out);
    (void)snprintf(name, sizeof name, "refs/heads/%s", revision);
    if (ref_commit(git, name, out))
        return true;
    (void)snprintf(name, sizeof name, "refs/tags/%s", revision);
    if (ref_commit(git, name, out))
        return true;
    for (i = 0; i < HF__COUNT(whole); i++)
        if (strncmp(revision, whole[i], strlen(whole[i])) == 0 && ref_commit(git, revision, out))
            return true;
    return hf__str_is_hex(hf__str_from(revision), SRV_OID_HEX) &&
           git_oid_fromstr(out, revision) == 0 && commit_exists(git, out);
}

hf_status srv_git_resolve(srv_git *git, hf__str revision, char commit[SRV_OID_HEX + 1],
                          hf_error *err)
{
    char text[HF__MAX_REVISION + 1];
    git_oid oid;
    size_t len = revision.len;

    hf__error_clear(err);
    if (len == 0) {
        memcpy(text, "main", 5);
    } else {
        if (len > HF__MAX_REVISION || memchr(revision.ptr, '\0', len))
            return hf__fail(err, HF_ERR_REVISION_NOT_FOUND, "no such revision");
        memcpy(text, revision.ptr, len);
        text[len] = '\0';
    }
    if (!resolve(git, text, &oid))
        return hf__fail(err, HF_ERR_REVISION_NOT_FOUND, "there is no revision '%s'", text);
    hex(&oid, commit);
    return HF_OK;
}

/* Only these are told: the kind and how much of the name is its prefix. */
static bool ref_kind(const char *ref, srv_ref_kind *kind, size_t *prefix)
{
    static const struct {
        const char *text;
        srv_ref_kind kind;
    } kinds[] = { { "refs/heads/", SRV_REF_BRANCH },
                  { "refs/tags/", SRV_REF_TAG },
                  { "refs/convert/", SRV_REF_CONVERT },
                  { "refs/pr/", SRV_REF_PR } };
    size_t i;

    for (i = 0; i < HF__COUNT(kinds); i++)
        if (strncmp(ref, kinds[i].text, strlen(kinds[i].text)) == 0) {
            *kind = kinds[i].kind;
            *prefix = strlen(kinds[i].text);
            return true;
        }
    return false;
}

static int compare_refs(const void *a, const void *b)
{
    const srv_ref *x = a;
    const srv_ref *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return strcmp(x->name, y->name);
}

static hf_status fill_refs(srv_git *git, const git_strarray *names, hf__arena *arena, srv_ref *list,
                           size_t *n, hf_error *err)
{
    size_t prefix;
    size_t i;
    git_oid oid;

    for (i = 0; i < names->count; i++) {
        srv_ref *ref = &list[*n];

        if (!ref_kind(names->strings[i], &ref->kind, &prefix) ||
            !ref_commit(git, names->strings[i], &oid))
            continue;
        ref->ref = hf__arena_cstr(arena, names->strings[i]);
        if (!ref->ref)
            return hf__fail_nomem(err);
        ref->name = ref->ref + prefix;
        hex(&oid, ref->commit);
        (*n)++;
    }
    return HF_OK;
}

hf_status srv_git_refs(srv_git *git, hf__arena *arena, const srv_ref **out, size_t *n_out,
                       hf_error *err)
{
    git_strarray names = { 0 };
    srv_ref *list;
    size_t n = 0;
    hf_status st;
    int rc;

    hf__error_clear(err);
    rc = git_reference_list(&names, git->repo);
    if (rc != 0)
        return srv__git_fail(rc, err, "cannot list the refs");
    list = hf__arena_array(arena, names.count + 1, sizeof *list);
    st = list ? fill_refs(git, &names, arena, list, &n, err) : hf__fail_nomem(err);
    git_strarray_dispose(&names);
    if (st != HF_OK)
        return st;
    qsort(list, n, sizeof *list, compare_refs);
    *out = list;
    *n_out = n;
    return HF_OK;
}

/* --------------------------------------------------------------------------------------- commits */

hf_status srv__git_commit_tree(srv_git *git, const char *commit, git_tree **out, hf_error *err)
{
    git_commit *object = NULL;
    git_oid oid;
    int rc = git_oid_fromstr(&oid, commit);

    if (rc == 0)
        rc = git_commit_lookup(&object, git->repo, &oid);
    if (rc != 0)
        return hf__fail(err, HF_ERR_REVISION_NOT_FOUND, "there is no commit '%s'", commit);
    rc = git_commit_tree(out, object);
    git_commit_free(object);
    return rc == 0 ? HF_OK : srv__git_fail(rc, err, "cannot read the tree of '%s'", commit);
}

/* git's own rule: the title is the first paragraph with its lines joined. */
static hf_status split_message(const char *text, hf__arena *arena, srv_commit *out, hf_error *err)
{
    const char *end;
    char *title;
    size_t i;

    while (*text == '\n')
        text++;
    end = strstr(text, "\n\n");
    if (!end)
        end = text + strlen(text);
    title = hf__arena_str(arena, hf__str_trim((hf__str){ text, (size_t)(end - text) }));
    while (*end == '\n')
        end++;
    out->message = hf__arena_str(arena, hf__str_trim(hf__str_from(end)));
    if (!title || !out->message)
        return hf__fail_nomem(err);
    for (i = 0; title[i]; i++)
        if (title[i] == '\n')
            title[i] = ' ';
    out->title = title;
    return HF_OK;
}

static hf_status read_commit(srv_git *git, const git_oid *oid, hf__arena *arena, srv_commit *out,
                             hf_error *err)
{
    const git_signature *author;
    git_commit *commit = NULL;
    hf_status st;
    int rc = git_commit_lookup(&commit, git->repo, oid);

    if (rc != 0) {
        char text[SRV_OID_HEX + 1];

        hex(oid, text);
        return hf__fail(err, HF_ERR_REVISION_NOT_FOUND, "there is no commit '%s'", text);
    }
    hex(oid, out->id);
    author = git_commit_author(commit);
    out->author = hf__arena_cstr(arena, author && author->name ? author->name : "");
    out->email = hf__arena_cstr(arena, author && author->email ? author->email : "");
    out->date = (srv_time_ms)git_commit_time(commit) * 1000;
    out->n_parents = git_commit_parentcount(commit);
    st = split_message(git_commit_message_raw(commit), arena, out, err);
    if (st == HF_OK && (!out->author || !out->email))
        st = hf__fail_nomem(err);
    git_commit_free(commit);
    return st;
}

hf_status srv_git_commit(srv_git *git, const char *commit, hf__arena *arena, const srv_commit **out,
                         hf_error *err)
{
    srv_commit *result = hf__arena_alloc(arena, sizeof *result);
    git_oid oid;
    hf_status st;

    hf__error_clear(err);
    if (!result)
        return hf__fail_nomem(err);
    if (git_oid_fromstr(&oid, commit) != 0)
        return hf__fail(err, HF_ERR_REVISION_NOT_FOUND, "'%s' is no commit id", commit);
    st = read_commit(git, &oid, arena, result, err);
    if (st == HF_OK)
        *out = result;
    return st;
}

static hf_status walk_new(srv_git *git, const char *commit, git_revwalk **out, hf_error *err)
{
    git_oid oid;
    int rc;

    if (git_oid_fromstr(&oid, commit) != 0)
        return hf__fail(err, HF_ERR_REVISION_NOT_FOUND, "'%s' is no commit id", commit);
    rc = git_revwalk_new(out, git->repo);
    if (rc == 0)
        rc = git_revwalk_sorting(*out, GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME);
    if (rc == 0)
        rc = git_revwalk_push(*out, &oid);
    return rc == 0 ? HF_OK : srv__git_fail(rc, err, "cannot walk the history");
}

hf_status srv_git_log(srv_git *git, const char *commit, size_t skip, size_t limit, hf__arena *arena,
                      const srv_commit **out, size_t *n_out, uint64_t *total, hf_error *err)
{
    git_revwalk *walk = NULL;
    srv_commit *list = NULL;
    uint64_t seen = 0;
    size_t cap = 0;
    size_t n = 0;
    git_oid oid;
    hf_status st;
    int rc = 0;

    hf__error_clear(err);
    st = walk_new(git, commit, &walk, err);
    while (st == HF_OK && (total || n < limit) && (rc = git_revwalk_next(&oid, walk)) == 0) {
        if (seen++ < skip || n >= limit)
            continue;
        if (n == cap) { /* the old array stays in the arena: at most as much again */
            size_t wider = cap ? cap * 2 : 64;
            srv_commit *grown = hf__arena_array(arena, wider, sizeof *grown);

            if (!grown) {
                st = hf__fail_nomem(err);
                break;
            }
            if (n > 0)
                memcpy(grown, list, n * sizeof *list);
            list = grown;
            cap = wider;
        }
        st = read_commit(git, &oid, arena, &list[n], err);
        if (st == HF_OK)
            n++;
    }
    git_revwalk_free(walk);
    if (st == HF_OK && rc != 0 && rc != GIT_ITEROVER)
        st = srv__git_fail(rc, err, "cannot walk the history");
    if (st != HF_OK)
        return st;
    *out = list;
    *n_out = n;
    if (total)
        *total = seen;
    return HF_OK;
}

/* ---------------------------------------------------------------------------------- last commits */

/* An entry whose last change is looked for: its object, and the commit up to which it was the same. */
typedef struct trace {
    git_oid object;
    git_oid at;
    bool done;
} trace;

static bool object_at(git_tree *tree, const char *path, git_oid *out)
{
    git_tree_entry *entry = NULL;

    if (path[0] == '\0') {
        git_oid_cpy(out, git_tree_id(tree));
        return true;
    }
    if (git_tree_entry_bypath(&entry, tree, path) != 0)
        return false;
    git_oid_cpy(out, git_tree_entry_id(entry));
    git_tree_entry_free(entry);
    return true;
}

/* One srv_commit per commit, made when the first entry ends there. */
typedef struct describing {
    srv_git *git;
    hf__arena *arena;
    const git_oid *id;
    srv_commit *made;
    hf_error *err;
} describing;

static const srv_commit *describe(describing *d)
{
    if (!d->made) {
        d->made = hf__arena_alloc(d->arena, sizeof *d->made);
        if (d->made && read_commit(d->git, d->id, d->arena, d->made, d->err) != HF_OK)
            d->made = NULL;
    }
    return d->made;
}

/* Entries that stand at this commit go on to a parent that has the same object, or end here. */
static hf_status trace_commit(git_commit *commit, srv_entry *entries, trace *traces, size_t n,
                              describing *d, size_t *left, hf_error *err)
{
    unsigned n_parents = git_commit_parentcount(commit);
    const git_oid *id = git_commit_id(commit);
    git_tree *tree = NULL;
    git_oid object;
    unsigned p;
    size_t i;

    for (p = 0; p < n_parents; p++) {
        git_commit *parent = NULL;

        if (git_commit_parent(&parent, commit, p) != 0 || git_commit_tree(&tree, parent) != 0) {
            git_commit_free(parent);
            return hf__fail(err, HF_ERR_IO, "cannot read the history");
        }
        for (i = 0; i < n; i++)
            if (!traces[i].done && git_oid_equal(&traces[i].at, id) &&
                object_at(tree, entries[i].path, &object) &&
                git_oid_equal(&object, &traces[i].object))
                git_oid_cpy(&traces[i].at, git_commit_id(parent));
        git_tree_free(tree);
        git_commit_free(parent);
        tree = NULL;
    }
    for (i = 0; i < n; i++)
        if (!traces[i].done && git_oid_equal(&traces[i].at, id)) {
            entries[i].last_commit = describe(d);
            if (!entries[i].last_commit)
                return hf__fail_nomem(err);
            traces[i].done = true;
            (*left)--;
        }
    return HF_OK;
}

static hf_status trace_all(srv_git *git, git_revwalk *walk, srv_entry *entries, trace *traces,
                           size_t n, hf__arena *arena, hf_error *err)
{
    size_t left = n;
    git_oid oid;
    hf_status st = HF_OK;

    while (st == HF_OK && left > 0 && git_revwalk_next(&oid, walk) == 0) {
        describing d = { git, arena, &oid, NULL, err };
        git_commit *commit = NULL;
        int rc = git_commit_lookup(&commit, git->repo, &oid);

        st = rc == 0 ? trace_commit(commit, entries, traces, n, &d, &left, err)
                     : srv__git_fail(rc, err, "cannot read the history");
        git_commit_free(commit);
    }
    return st;
}

hf_status srv_git_last_commits(srv_git *git, const char *commit, srv_entry *entries, size_t n,
                               hf__arena *arena, hf_error *err)
{
    git_revwalk *walk = NULL;
    trace *traces;
    size_t i;
    hf_status st;

    hf__error_clear(err);
    traces = calloc(n ? n : 1, sizeof *traces);
    st = traces ? walk_new(git, commit, &walk, err) : hf__fail_nomem(err);
    for (i = 0; st == HF_OK && i < n; i++)
        if (git_oid_fromstr(&traces[i].object, entries[i].oid) != 0 ||
            git_oid_fromstr(&traces[i].at, commit) != 0)
            st = hf__fail(err, HF_ERR_INVALID_ARG, "'%s' is no object id", entries[i].oid);
    if (st == HF_OK)
        st = trace_all(git, walk, entries, traces, n, arena, err);
    git_revwalk_free(walk);
    free(traces);
    return st;
}
