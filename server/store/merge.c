/* SPDX-License-Identifier: Apache-2.0 */
/* Two commits side by side: what one adds to the other, where they collide, and both as one. */
#include "store/private.h"

#include <stdio.h>
#include <string.h>

#define MAX_CONFLICTS 1000

static hf_status two_commits(srv_git *git, const char *ours, const char *theirs, git_commit *out[2],
                             hf_error *err)
{
    const char *ids[2] = { ours, theirs };
    git_oid oid;
    int rc = 0;

    out[0] = out[1] = NULL;
    for (int i = 0; rc == 0 && i < 2; i++) {
        rc = git_oid_fromstr(&oid, ids[i]);
        if (rc == 0)
            rc = git_commit_lookup(&out[i], git->repo, &oid);
    }
    return rc == 0 ? HF_OK : srv__git_fail(rc, err, "cannot read a commit");
}

static hf_status merge_index(srv_git *git, const char *ours, const char *theirs, git_index **out,
                             hf_error *err)
{
    git_merge_options opts;
    git_commit *commits[2];
    hf_status st = two_commits(git, ours, theirs, commits, err);
    int rc;

    *out = NULL;
    if (st == HF_OK) {
        (void)git_merge_options_init(&opts, GIT_MERGE_OPTIONS_VERSION);
        rc = git_merge_commits(out, git->repo, commits[0], commits[1], &opts);
        if (rc != 0)
            st = srv__git_fail(rc, err, "cannot merge");
    }
    git_commit_free(commits[0]);
    git_commit_free(commits[1]);
    return st;
}

static hf_status merge_tree(srv_git *git, const char *ours, const char *theirs, git_oid *tree,
                            hf_error *err)
{
    git_index *index = NULL;
    hf_status st = merge_index(git, ours, theirs, &index, err);
    int rc;

    if (st == HF_OK && git_index_has_conflicts(index))
        st = hf__fail(err, HF_ERR_CONFLICT, "both sides changed the same lines");
    if (st == HF_OK) {
        rc = git_index_write_tree_to(tree, index, git->repo);
        if (rc != 0)
            st = srv__git_fail(rc, err, "cannot write the tree");
    }
    git_index_free(index);
    return st;
}

hf_status srv_git_merge(srv_git *git, const srv_commit_spec *spec, const char *from,
                        char out[SRV_OID_HEX + 1], hf_error *err)
{
    char ours[SRV_OID_HEX + 1];
    bool exists = false;
    git_oid fresh;
    git_oid tree;
    git_oid at;
    hf_status st;

    hf__error_clear(err);
    st = srv__ref_target(git, spec->ref, &at, &exists, err);
    if (st == HF_OK)
        st = srv__check_parent(spec, exists, &at, err);
    if (st != HF_OK)
        return st;
    (void)git_oid_tostr(ours, sizeof ours, &at);
    st = merge_tree(git, ours, from, &tree, err);
    if (st == HF_OK && srv__same_tree(git, &at, &tree))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "there is nothing to merge");
    if (st == HF_OK)
        st = srv__write_commit(git, spec, &tree, &at, &fresh, err);
    if (st == HF_OK)
        st = srv__move_ref(git, spec->ref, &at, &fresh, err);
    if (st == HF_OK)
        (void)git_oid_tostr(out, SRV_OID_HEX + 1, &fresh);
    return st;
}

hf_status srv_git_conflicts(srv_git *git, const char *ours, const char *theirs, hf__arena *arena,
                            const char *const **out, hf_error *err)
{
    const git_index_entry *sides[3];
    git_index_conflict_iterator *iter = NULL;
    git_index *index = NULL;
    const char **list = hf__arena_array(arena, MAX_CONFLICTS + 1, sizeof *list);
    size_t n = 0;
    hf_status st;

    hf__error_clear(err);
    if (!list)
        return hf__fail_nomem(err);
    *out = list;
    st = merge_index(git, ours, theirs, &index, err);
    if (st == HF_OK && git_index_has_conflicts(index) &&
        git_index_conflict_iterator_new(&iter, index) == 0)
        while (n < MAX_CONFLICTS &&
               git_index_conflict_next(&sides[0], &sides[1], &sides[2], iter) == 0)
            for (int i = 0; i < 3; i++)
                if (sides[i]) {
                    list[n++] = hf__arena_cstr(arena, sides[i]->path);
                    break;
                }
    git_index_conflict_iterator_free(iter);
    git_index_free(index);
    return st;
}

static git_tree *tree_of(git_repository *repo, const git_oid *commit)
{
    git_commit *found = NULL;
    git_tree *tree = NULL;

    if (git_commit_lookup(&found, repo, commit) == 0)
        (void)git_commit_tree(&tree, found);
    git_commit_free(found);
    return tree;
}

static int add_line(const git_diff_delta *delta, const git_diff_hunk *hunk,
                    const git_diff_line *line, void *user)
{
    hf__buf *out = user;

    (void)delta;
    (void)hunk;
    if (line->origin == GIT_DIFF_LINE_CONTEXT || line->origin == GIT_DIFF_LINE_ADDITION ||
        line->origin == GIT_DIFF_LINE_DELETION)
        hf__buf_addc(out, line->origin);
    hf__buf_add(out, line->content, line->content_len);
    return out->status == HF_OK ? 0 : GIT_EUSER;
}

hf_status srv_git_diff(srv_git *git, const char *ours, const char *theirs, hf__buf *out,
                       hf_error *err)
{
    git_diff_options opts;
    git_oid a, b, base;
    git_tree *from = NULL;
    git_tree *to = NULL;
    git_diff *diff = NULL;
    hf_status st = HF_OK;
    int rc;

    hf__error_clear(err);
    rc = git_oid_fromstr(&a, ours);
    if (rc == 0)
        rc = git_oid_fromstr(&b, theirs);
    if (rc == 0 && git_merge_base(&base, git->repo, &a, &b) == 0)
        from = tree_of(git->repo, &base);
    if (rc == 0)
        to = tree_of(git->repo, &b);
    (void)git_diff_options_init(&opts, GIT_DIFF_OPTIONS_VERSION);
    opts.max_size = 1024 * 1024; /* what is longer counts as binary */
    if (rc == 0)
        rc = git_diff_tree_to_tree(&diff, git->repo, from, to, &opts);
    if (rc == 0)
        rc = git_diff_print(diff, GIT_DIFF_FORMAT_PATCH, add_line, out);
    if (rc != 0 && rc != GIT_EUSER)
        st = srv__git_fail(rc, err, "cannot compare");
    if (out->status == HF_ERR_LIMIT)
        out->status = HF_OK; /* cut */
    git_diff_free(diff);
    git_tree_free(from);
    git_tree_free(to);
    return st;
}

hf_status srv_git_ahead(srv_git *git, const char *ours, const char *theirs, size_t limit,
                        hf__arena *arena, const srv_commit *const **out, size_t *n_out,
                        hf_error *err)
{
    const srv_commit **list = hf__arena_array(arena, limit + 1, sizeof *list);
    git_revwalk *walk = NULL;
    char id[SRV_OID_HEX + 1];
    git_oid a, b, at;
    hf_status st = HF_OK;
    size_t n = 0;
    int rc;

    hf__error_clear(err);
    *n_out = 0;
    *out = list;
    if (!list)
        return hf__fail_nomem(err);
    rc = git_oid_fromstr(&a, ours);
    if (rc == 0)
        rc = git_oid_fromstr(&b, theirs);
    if (rc == 0)
        rc = git_revwalk_new(&walk, git->repo);
    if (rc == 0)
        rc = git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
    if (rc == 0)
        rc = git_revwalk_push(walk, &b);
    if (rc == 0)
        rc = git_revwalk_hide(walk, &a);
    if (rc != 0)
        st = srv__git_fail(rc, err, "cannot walk the history");
    while (st == HF_OK && n < limit && git_revwalk_next(&at, walk) == 0) {
        (void)git_oid_tostr(id, sizeof id, &at);
        st = srv_git_commit(git, id, arena, &list[n++], err);
    }
    git_revwalk_free(walk);
    *n_out = n;
    return st;
}
