/* SPDX-License-Identifier: Apache-2.0 */
/* Commits and the refs that come to them: what a change does last. */
#include "store/private.h"

/* Where the ref stands; *exists false when there is none. */
hf_status srv__ref_target(srv_git *git, const char *ref, git_oid *out, bool *exists, hf_error *err)
{
    int rc = git_reference_name_to_id(out, git->repo, ref);

    *exists = rc == 0;
    return rc == 0 || rc == GIT_ENOTFOUND ? HF_OK : srv__git_fail(rc, err, "cannot read '%s'", ref);
}

hf_status srv__ref_conflict(const char *ref, hf_error *err)
{
    return hf__fail(err, HF_ERR_CONFLICT, "'%s' was updated meanwhile", ref);
}

/* Is what the caller wants of the ref true? */
hf_status srv__check_parent(const srv_commit_spec *spec, bool exists, const git_oid *at,
                            hf_error *err)
{
    char text[SRV_OID_HEX + 1];

    if (!exists) {
        if (spec->parent && spec->parent[0] == '\0')
            return HF_OK;
        return hf__fail(err, HF_ERR_REVISION_NOT_FOUND, "there is no '%s'", spec->ref);
    }
    if (!spec->parent)
        return HF_OK;
    (void)git_oid_tostr(text, sizeof text, at);
    if (strlen(spec->parent) < 5 || strncmp(text, spec->parent, strlen(spec->parent)) != 0)
        return srv__ref_conflict(spec->ref, err);
    return HF_OK;
}

hf_status srv__write_commit(srv_git *git, const srv_commit_spec *spec, const git_oid *tree,
                            const git_oid *parent, git_oid *out, hf_error *err)
{
    const git_commit *parents[1] = { NULL };
    git_signature *who = NULL;
    git_commit *before = NULL;
    git_tree *root = NULL;
    srv_time_ms now = spec->date ? spec->date : srv__now();
    hf__buf text;
    hf_status st = HF_OK;
    int rc;

    hf__buf_init(&text, HF__MAX_SMALL_FILE);
    hf__buf_adds(&text, spec->email ? spec->email : spec->author);
    if (!spec->email)
        hf__buf_adds(&text, "@users.noreply.localhost");
    rc = git_signature_new(&who, spec->author, hf__buf_cstr(&text), (git_time_t)(now / 1000), 0);
    hf__buf_reset(&text);
    hf__buf_adds(&text, spec->title);
    if (spec->message && spec->message[0])
        hf__buf_addf(&text, "\n\n%s", spec->message);
    hf__buf_addc(&text, '\n');
    if (text.status != HF_OK)
        st = hf__fail(err, text.status, "the commit message is too long");
    if (rc == 0)
        rc = git_tree_lookup(&root, git->repo, tree);
    if (rc == 0 && parent)
        rc = git_commit_lookup(&before, git->repo, parent);
    parents[0] = before;
    if (rc == 0 && st == HF_OK)
        rc = git_commit_create(out, git->repo, NULL, who, who, NULL, hf__buf_cstr(&text), root,
                               parent ? 1 : 0, parents);
    if (rc != 0 && st == HF_OK)
        st = srv__git_fail(rc, err, "cannot write the commit");
    git_signature_free(who);
    git_commit_free(before);
    git_tree_free(root);
    hf__buf_dispose(&text);
    return st;
}

/* Objects reach the disk before the ref names them, and the ref before we say so. */
hf_status srv__move_ref(srv_git *git, const char *ref, const git_oid *from, const git_oid *to,
                        hf_error *err)
{
    static const git_oid none; /* all zero: it must not exist */
    git_reference *moved = NULL;
    const char *dir = git_repository_path(git->repo);
    hf_status st = srv__sync_fs(dir, err);
    int rc;

    if (st != HF_OK)
        return st;
    pthread_mutex_lock(&git->store->ref_lock);
    rc = git_reference_create_matching(&moved, git->repo, ref, to, from != NULL,
                                       from ? from : &none, "commit");
    pthread_mutex_unlock(&git->store->ref_lock);
    git_reference_free(moved);
    if (rc == GIT_EMODIFIED || rc == GIT_EEXISTS || rc == GIT_ELOCKED || rc == GIT_ENOTFOUND)
        return srv__ref_conflict(ref, err);
    if (rc != 0)
        return srv__git_fail(rc, err, "cannot move '%s'", ref);
    st = srv__sync_fs(dir, err);
    if (st == HF_OK)
        srv__card_moved(git, ref);
    return st;
}

bool srv__same_tree(srv_git *git, const git_oid *commit, const git_oid *tree)
{
    git_commit *object = NULL;
    bool same = false;

    if (git_commit_lookup(&object, git->repo, commit) == 0)
        same = git_oid_equal(git_commit_tree_id(object), tree);
    git_commit_free(object);
    return same;
}

hf_status srv_git_squash(srv_git *git, const srv_commit_spec *spec, char out[SRV_OID_HEX + 1],
                         hf_error *err)
{
    git_commit *head = NULL;
    bool exists = false;
    git_oid fresh;
    git_oid at;
    hf_status st;
    int rc;

    hf__error_clear(err);
    st = srv__ref_target(git, spec->ref, &at, &exists, err);
    if (st == HF_OK)
        st = srv__check_parent(spec, exists, &at, err);
    if (st != HF_OK)
        return st;
    rc = git_commit_lookup(&head, git->repo, &at);
    if (rc != 0)
        return srv__git_fail(rc, err, "cannot read the commit");
    st = srv__write_commit(git, spec, git_commit_tree_id(head), NULL, &fresh, err);
    git_commit_free(head);
    if (st == HF_OK)
        st = srv__move_ref(git, spec->ref, &at, &fresh, err);
    if (st == HF_OK)
        (void)git_oid_tostr(out, SRV_OID_HEX + 1, &fresh);
    return st;
}
