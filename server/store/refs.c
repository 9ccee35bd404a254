/* SPDX-License-Identifier: Apache-2.0 */
/* Making and deleting branches, tags and other refs. */
#include "store/private.h"

#include <stdio.h>

static hf_status parse_commit(srv_git *git, const char *commit, git_oid *out, hf_error *err)
{
    git_object_t type;
    size_t len;

    if (git_oid_fromstr(out, commit) != 0 || git_odb_read_header(&len, &type, git->odb, out) != 0 ||
        type != GIT_OBJECT_COMMIT)
        return hf__fail(err, HF_ERR_REVISION_NOT_FOUND, "there is no commit '%s'", commit);
    return HF_OK;
}

static hf_status check_ref_name(const char *ref, hf_error *err)
{
    int valid = 0;

    if (strncmp(ref, "refs/", 5) != 0 || git_reference_name_is_valid(&valid, ref) != 0 || !valid ||
        strlen(ref) > HF__MAX_REVISION)
        return hf__fail(err, HF_ERR_INVALID_ARG, "'%s' is no valid ref name", ref);
    return HF_OK;
}

static hf_status ref_made(srv_git *git, int rc, const char *ref, hf_error *err)
{
    if (rc == GIT_EEXISTS || rc == GIT_ELOCKED)
        return hf__fail(err, HF_ERR_CONFLICT, "'%s' exists already", ref);
    if (rc != 0)
        return srv__git_fail(rc, err, "cannot make '%s'", ref);
    return srv__sync_fs(git_repository_path(git->repo), err);
}

hf_status srv_git_ref_make(srv_git *git, const char *ref, const char *commit, bool overwrite,
                           hf_error *err)
{
    git_reference *made = NULL;
    git_oid oid;
    hf_status st;
    int rc;

    hf__error_clear(err);
    st = check_ref_name(ref, err);
    if (st == HF_OK)
        st = parse_commit(git, commit, &oid, err);
    if (st != HF_OK)
        return st;
    pthread_mutex_lock(&git->store->ref_lock);
    rc = git_reference_create(&made, git->repo, ref, &oid, overwrite, "ref");
    pthread_mutex_unlock(&git->store->ref_lock);
    git_reference_free(made);
    st = ref_made(git, rc, ref, err);
    if (st == HF_OK)
        srv__card_moved(git, ref);
    return st;
}

hf_status srv_git_tag_make(srv_git *git, const char *name, const char *commit, const char *message,
                           const char *author, hf_error *err)
{
    char ref[HF__MAX_REVISION + 16];
    git_signature *who = NULL;
    git_object *target = NULL;
    char email[160];
    git_oid oid;
    hf_status st;
    int rc;

    hf__error_clear(err);
    if (strlen(name) > HF__MAX_REVISION)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the tag's name is too long");
    (void)snprintf(ref, sizeof ref, "refs/tags/%s", name);
    if (!message)
        return srv_git_ref_make(git, ref, commit, false, err);
    st = check_ref_name(ref, err);
    if (st == HF_OK)
        st = parse_commit(git, commit, &oid, err);
    if (st != HF_OK)
        return st;
    (void)snprintf(email, sizeof email, "%s@users.noreply.localhost", author);
    rc = git_object_lookup(&target, git->repo, &oid, GIT_OBJECT_COMMIT);
    if (rc == 0)
        rc = git_signature_new(&who, author, email, (git_time_t)(srv__now() / 1000), 0);
    pthread_mutex_lock(&git->store->ref_lock);
    if (rc == 0)
        rc = git_tag_create(&oid, git->repo, name, target, who, message, 0);
    pthread_mutex_unlock(&git->store->ref_lock);
    git_signature_free(who);
    git_object_free(target);
    return ref_made(git, rc, ref, err);
}

hf_status srv_git_ref_delete(srv_git *git, const char *ref, hf_error *err)
{
    git_reference *found = NULL;
    hf_status st = HF_OK;
    int rc;

    hf__error_clear(err);
    rc = git_reference_lookup(&found, git->repo, ref);
    if (rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC)
        return hf__fail(err, HF_ERR_REVISION_NOT_FOUND, "there is no '%s'", ref);
    if (rc == 0)
        rc = git_reference_delete(found);
    if (rc != 0)
        st = srv__git_fail(rc, err, "cannot delete '%s'", ref);
    git_reference_free(found);
    return st == HF_OK ? srv__sync_fs(git_repository_path(git->repo), err) : st;
}
