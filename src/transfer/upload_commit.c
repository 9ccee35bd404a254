/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits. When the answer to one is lost, what the branch holds tells whether it happened; it is
 * made again only when it did not, and then with the head that was looked at as its parent, so that
 * a server that is still busy with the first one cannot make both.
 */
#include "transfer/upload.h"

#include <stdio.h>
#include <stdlib.h>

#define COMMIT_TRIES  6
#define PATHS_AT_ONCE 500
#define LATE_MS       60000 /* what a server may take for a commit (hub-http.md 7.7) */

/* ---- did it happen? */

/* Git's hash of a regular file that was never hashed, since it was new. */
static hf_status need_hash(up_run *r, up_item *item, hf_error *err)
{
    if (item->kind != UP_ADD || (item->hash[0] && item->lfs_hash == item->lfs))
        return HF_OK;
    return hf__up_hash(item, item->lfs, &r->stop_all, NULL, err);
}

static size_t length_of(const char *path)
{
    size_t len = strlen(path);

    return len && path[len - 1] == '/' ? len - 1 : len;
}

static const hf_tree_entry *find(const hf_paths_info *info, const char *path)
{
    size_t len = length_of(path);

    for (size_t i = 0; i < info->n_entries; i++)
        if (length_of(info->entries[i].path) == len &&
            memcmp(info->entries[i].path, path, len) == 0)
            return &info->entries[i];
    return NULL;
}

static bool is_applied(const up_item *item, const hf_tree_entry *entry)
{
    if (item->kind == UP_DELETE_FILE || item->kind == UP_DELETE_FOLDER)
        return entry == NULL;
    if (!entry || entry->is_directory)
        return false;
    if (item->lfs)
        return entry->lfs_sha256 && strcmp(entry->lfs_sha256, item->hash) == 0;
    return !entry->lfs_sha256 && strcmp(entry->oid, item->hash) == 0;
}

static hf_status check_group(up_run *r, const hf_repo_ref *at, up_item **items, size_t n,
                             bool *applied, hf_error *err)
{
    const char *paths[PATHS_AT_ONCE];
    hf_paths_info *info = NULL;
    hf_status st = HF_OK;

    for (size_t i = 0; i < n && st == HF_OK; i++) {
        paths[i] = items[i]->kind == UP_DELETE_FOLDER ? items[i]->from : items[i]->path;
        st = need_hash(r, items[i], err);
    }
    if (st == HF_OK)
        st = hf__hub_paths_info(r->ctx->hub, at, paths, n, 0, &r->stop_all, &info, err);
    for (size_t i = 0; i < n && st == HF_OK && *applied; i++)
        *applied = is_applied(items[i], find(info, items[i]->path));
    hf__hub_paths_info_free(info);
    return st;
}

static hf_status take_result(up_run *r, up_commit *c, const hf__hub_made *made, hf_error *err)
{
    char number[32];
    hf__buf url;

    c->found = true;
    (void)snprintf(c->result.oid, sizeof(c->result.oid), "%s", made->commit);
    hf__buf_init(&url, HF__MAX_URL);
    hf__hub_add_page(r->ctx->hub, &r->at, "commit", made->commit, &url);
    c->result.url = hf__buf_take(&url);
    if (made->pr) {
        (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)made->pr);
        hf__hub_add_page(r->ctx->hub, &r->at, "discussions", number, &url);
        c->result.pr_url = hf__buf_take(&url);
    }
    hf__buf_dispose(&url);
    return c->result.url && (!made->pr || c->result.pr_url) ? HF_OK : hf__fail_nomem(err);
}

/* Whether one of the commits made since has all that ours was to do; the first that has is ours, since
 * what somebody else built on it has that as well. head: the newest of the branch. */
static hf_status look(up_run *r, up_commit *c, char head[41], bool *applied, hf_error *err)
{
    hf__hub_made made[HF__HUB_MADE];
    hf_repo_ref at = r->at;
    size_t n = 0;
    hf_status st =
        c->create_pr
            ? hf__hub_prs_since(r->ctx->hub, &r->at, c->prs_before, &r->stop_all, made, &n, err)
            : hf__hub_made_since(r->ctx->hub, &r->at, c->base, &r->stop_all, made, &n, err);

    *applied = false;
    (void)snprintf(head, 41, "%s", n ? made[0].commit : c->base);
    while (st == HF_OK && !*applied && n-- > 0) {
        at.revision = made[n].commit;
        *applied = true;
        for (size_t i = 0; st == HF_OK && *applied && i < c->n; i += PATHS_AT_ONCE)
            st = check_group(r, &at, c->items + i,
                             c->n - i < PATHS_AT_ONCE ? c->n - i : PATHS_AT_ONCE, applied, err);
    }
    if (st == HF_OK && *applied)
        st = take_result(r, c, &made[n], err);
    return st;
}

/* ---- making it */

/* Failures after which nobody here knows whether it happened. */
static bool is_unclear(hf_status st)
{
    return st == HF_ERR_NETWORK || st == HF_ERR_TIMEOUT || st == HF_ERR_TRUNCATED ||
           st == HF_ERR_PROTOCOL || st == HF_ERR_SERVER || st == HF_ERR_TLS;
}

static hf_status pause_before(up_run *r, unsigned tries, const hf_error *why, hf_error *err)
{
    uint64_t ms = why->retry_after_s ? (uint64_t)why->retry_after_s * 1000
                                     : (uint64_t)500 << (tries < 5 ? tries : 5);
    uint64_t until = hf__clock_ms() + ms;

    hf__logf(r->ctx->log, HF_LOG_INFO, "the commit did not go through (%s): trying again in %.1f s",
             why->message, (double)ms / 1000.0);
    while (hf__clock_ms() < until) {
        if (hf__canceled(&r->stop_all))
            return hf__fail(err, HF_ERR_CANCELED, "cancelled");
        hf__clock_sleep_ms(50);
    }
    return HF_OK;
}

static hf_status try_commit(up_run *r, up_commit *c, const char *parent, hf_error *err)
{
    hf__net_source source;
    up_body body;
    hf_status st =
        hf__up_body_init(&body, c->items, c->n, c->message, r->opts->description, parent, err);

    hf__up_body_source(&body, &source);
    if (st == HF_OK)
        st = hf__hub_commit(r->ctx->hub, &r->at, c->create_pr, &source, &r->stop_all, &c->result,
                            err);
    hf__up_body_dispose(&body);
    return st;
}

/* All files are still what was stored; of those that the commit carries it is seen when they are read. */
static hf_status check_items(const up_commit *c, hf_error *err)
{
    hf_status st = HF_OK;

    for (size_t i = 0; i < c->n && st == HF_OK; i++)
        if (c->items[i]->kind == UP_ADD && c->items[i]->lfs)
            st = hf__up_check(c->items[i], c->items[i]->fd, err);
    return st;
}

/* Whether the server may be at it still, though nobody waits for its answer. On a branch the parent
 * keeps it from happening twice. */
static bool may_be_late(const up_commit *c, hf_status st, const hf_error *why)
{
    return c->create_pr && (st == HF_ERR_TIMEOUT || why->http_status == 504);
}

/* What there was before, by which the look tells what came since. */
static hf_status begin(up_run *r, up_commit *c, hf_error *err)
{
    hf__hub_made newest[HF__HUB_MADE];
    size_t n = 0;
    hf_status st = check_items(c, err);

    c->unsure = false;
    c->late_ms = 0;
    c->prs_before = 0;
    (void)snprintf(c->parent, sizeof(c->parent), "%s",
                   r->opts->parent_commit && !r->info.n_commits ? r->opts->parent_commit : "");
    if (st == HF_OK && c->create_pr)
        st = hf__hub_prs_since(r->ctx->hub, &r->at, 0, &r->stop_all, newest, &n, err);
    if (n)
        c->prs_before = newest[0].pr;
    return st;
}

/* Whether a try that failed happened all the same. HF_OK with c->unsure: it may still. */
static hf_status settle(up_run *r, up_commit *c, bool *applied, hf_error *err)
{
    char head[41];
    hf_status st = look(r, c, head, applied, err);

    if (st != HF_OK || *applied || hf__clock_ms() < c->late_ms)
        return st;
    c->unsure = false;
    /* A pull request's parent is where it starts from, so it stays as it was. */
    if (!c->create_pr && !r->opts->parent_commit)
        memcpy(c->parent, head, sizeof(head));
    return HF_OK;
}

/* A try that was refused, after one that may have happened, was maybe refused for that. */
static bool goes_on(const up_commit *c, hf_status st, unsigned tries)
{
    bool refused = st == HF_ERR_CONFLICT || st == HF_ERR_ENTRY_NOT_FOUND;

    return tries + 1 < COMMIT_TRIES &&
           (st == HF_ERR_RATE_LIMITED || is_unclear(st) || (refused && c->late_ms));
}

/* Until it is known whether it happened it is not sent again: it would undo what somebody else did
 * since, and of a pull request there would be two. */
static hf_status make_commit(up_run *r, up_commit *c, hf_error *err)
{
    hf_status st = begin(r, c, err);

    for (unsigned tries = 0; st == HF_OK; tries++) {
        hf_error why = HF_ERROR_INIT;
        bool applied = false;
        hf_status looked = c->unsure ? settle(r, c, &applied, &why) : HF_OK;

        if (applied)
            return looked;
        if (looked == HF_OK && c->unsure)
            tries--; /* there is time */
        if (!c->unsure) {
            if (err->status == HF_ERR_CONFLICT && r->opts->parent_commit && !r->info.n_commits)
                return err->status; /* somebody else was faster */
            st = try_commit(r, c, *c->parent ? c->parent : NULL, &why);
            if (st == HF_OK)
                return HF_OK;
            hf__error_copy(err, &why);
            if (!goes_on(c, st, tries))
                return st;
            c->unsure = st != HF_ERR_RATE_LIMITED;
            if (is_unclear(st))
                c->late_ms = hf__clock_ms() + (may_be_late(c, st, &why) ? LATE_MS : 0);
        } else if (tries + 1 >= COMMIT_TRIES) {
            return err->status;
        }
        if (hf__canceled(&r->stop_all) || pause_before(r, tries, err, &why) != HF_OK)
            return hf__fail(err, HF_ERR_CANCELED, "cancelled");
        st = HF_OK;
    }
    return st;
}

static void run_commit(void *arg)
{
    up_commit *c = arg;
    double started = hf__clock_wall();

    c->started_ms = hf__clock_ms();
    c->job.status = make_commit(c->job.r, c, &c->job.err);
    c->took_ms = hf__clock_ms() - c->started_ms;
    for (size_t i = 0; c->job.status == HF_OK && c->job.r->notes && i < c->n; i++)
        if (c->items[i]->kind == UP_ADD && c->items[i]->lfs)
            hf__up_note(c->job.r, c->items[i], started, true, true);
    hf__up_signal(c->job.r, &c->job.done);
}

/* ---- when, and of what */

static size_t wanted_now(const up_run *r)
{
    size_t n = r->ready.n;
    size_t deletes = r->deletes_sent ? 0 : r->n_deletes;
    uint64_t now = hf__clock_ms();

    if (r->n_moving == 0)
        return n || deletes ? (r->split && n > r->per_commit ? r->per_commit : n) + 1 : 0;
    if (!r->split || n == 0)
        return 0;
    if (n >= r->per_commit)
        return r->per_commit + 1;
    return r->ready_bytes >= UP_SPLIT_BYTES || now - r->last_commit_ms >= UP_SPLIT_AGE_MS ? n + 1
                                                                                          : 0;
}

static void take_items(up_run *r, up_commit *c, size_t wanted)
{
    uint64_t bytes = 0;

    c->n = 0;
    if (!r->deletes_sent)
        for (size_t i = r->u->n; i-- > 0 && r->n_deletes;)
            if (r->u->items[i].state == UP_READY && r->u->items[i].kind >= UP_DELETE_FILE)
                c->items[c->n++] = &r->u->items[i];
    r->deletes_sent = true;
    while (r->ready.n && wanted > 0 && !(r->split && bytes > UP_SPLIT_BYTES)) {
        up_item *item = up_pop(&r->ready);

        if (!item->lfs) {
            bytes += item->size;
            r->ready_bytes -= item->size;
        }
        c->items[c->n++] = item;
        wanted--;
    }
}

static void make_message(up_run *r, up_commit *c)
{
    const char *message = r->opts->message && *r->opts->message ? r->opts->message : NULL;
    char made[600];

    if (!message) {
        if (c->n == 1)
            (void)snprintf(made, sizeof(made), "%s %.500s",
                           c->items[0]->kind >= UP_DELETE_FILE ? "Delete" : "Upload",
                           c->items[0]->path);
        else
            (void)snprintf(made, sizeof(made), "Upload %zu files", c->n);
        message = made;
    }
    if (r->info.n_commits)
        (void)snprintf(c->message, sizeof(c->message), "%.1000s (part %u)", message,
                       r->info.n_commits + 1);
    else
        (void)snprintf(c->message, sizeof(c->message), "%.1000s", message);
}

void hf__up_commit_start(up_run *r)
{
    up_commit *c = &r->commit;
    size_t wanted = c->job.busy ? 0 : wanted_now(r);

    if (!wanted)
        return;
    if (!c->items)
        c->items = calloc(r->u->n + 1, sizeof(up_item *));
    if (!c->items) {
        hf_error err = HF_ERROR_INIT;

        hf__up_fail(r, hf__fail_nomem(&err), &err, NULL);
        return;
    }
    take_items(r, c, wanted - 1);
    make_message(r, c);
    c->create_pr = (r->opts->flags & HF_UPLOAD_CREATE_PR) && !r->info.n_commits;
    (void)snprintf(c->base, sizeof(c->base), "%s", r->info.n_commits ? r->oid : r->head);
    c->found = false;
    c->job.busy = true;
    c->job.done = false;
    hf__error_clear(&c->job.err);
    hf__strand_add(c->job.strand, &c->job.job);
}

/* A server that cannot make so large a commit may make smaller ones. */
static bool shrink(up_run *r, up_commit *c)
{
    hf_status st = c->job.status;
    size_t n = 0; /* what can go into a later one */

    for (size_t i = 0; i < c->n; i++)
        n += c->items[i]->kind < UP_DELETE_FILE;
    if (!r->split || n <= UP_SPLIT_LEAST || hf__canceled(&r->stop_all) ||
        !(st == HF_ERR_SERVER || st == HF_ERR_TIMEOUT || st == HF_ERR_LIMIT ||
          c->job.err.http_status == 413))
        return false;
    r->per_commit = n / 2 < UP_SPLIT_LEAST ? UP_SPLIT_LEAST : n / 2;
    for (size_t i = 0; i < c->n; i++) {
        if (c->items[i]->kind >= UP_DELETE_FILE) {
            r->deletes_sent = false;
            continue;
        }
        up_push(&r->ready, c->items[i]);
        if (!c->items[i]->lfs)
            r->ready_bytes += c->items[i]->size;
    }
    hf__logf(r->ctx->log, HF_LOG_WARNING, "a commit of %zu files failed (%s): trying with %zu", n,
             c->job.err.message, r->per_commit);
    return true;
}

static void count(up_run *r, up_commit *c)
{
    for (size_t i = 0; i < c->n; i++) {
        c->items[i]->state = UP_OVER;
        if (c->items[i]->kind >= UP_DELETE_FILE)
            r->info.files_deleted++;
        else
            r->info.files_added++;
    }
    r->info.n_commits++;
    r->last_commit_ms = hf__clock_ms();
    free(r->url);
    r->url = c->result.url;
    c->result.url = NULL;
    memcpy(r->oid, c->result.oid, sizeof(r->oid));
    if (c->result.pr_url && c->create_pr) {
        const char *number = strrchr(c->result.pr_url, '/');

        free(r->pr_url);
        r->pr_url = c->result.pr_url;
        c->result.pr_url = NULL;
        (void)snprintf(r->pr_revision, sizeof(r->pr_revision), "refs/pr/%.20s",
                       number ? number + 1 : "");
        r->at.revision = r->pr_revision;
    }
    hf__hub_committed_dispose(&c->result);
}

void hf__up_commit_reap(up_run *r)
{
    up_commit *c = &r->commit;
    size_t most = hf__up_most(r);
    bool done;

    if (!c->job.busy)
        return;
    pthread_mutex_lock(&r->synced.lock);
    done = c->job.done;
    pthread_mutex_unlock(&r->synced.lock);
    if (!done)
        return;
    hf__strand_wait(c->job.strand);
    c->job.busy = false;
    if (c->job.status == HF_OK) {
        count(r, c);
        if (c->found)
            hf__logf(r->ctx->log, HF_LOG_INFO, "the commit had happened; its answer was lost");
        if (c->took_ms > UP_SPLIT_SLOW_MS && r->per_commit > 2 * UP_SPLIT_LEAST)
            r->per_commit /= 2;
        else if (c->n >= r->per_commit && r->per_commit < most)
            r->per_commit = r->per_commit * 2 < most ? r->per_commit * 2 : most;
    } else if (!shrink(r, c)) {
        hf__up_fail(r, c->job.status, &c->job.err, NULL);
    }
}

hf_status hf__up_commit_open(up_run *r, hf_error *err)
{
    up_commit *c = &r->commit;

    c->job.r = r;
    c->job.err = (hf_error)HF_ERROR_INIT;
    c->job.job.fn = run_commit;
    c->job.job.arg = c;
    return hf__strand_new(r->pool, &c->job.strand, err);
}
