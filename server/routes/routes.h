/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes: what each URL means and what it answers, from the store, through http. One file per
 * group; this header holds what they share.
 */
#ifndef SRV_ROUTES_H
#define SRV_ROUTES_H

#include "http/http.h"
#include "store/social.h"
#include "store/store.h"

typedef struct srv_app {
    srv_store *store;
    const char *data_dir;  /* absolute */
    const char *hooks_dir; /* of git, with the hook that looks through a push */
    bool resolve_cache; /* send small public files on to the commit-pinned path, as the Hub does */
} srv_app;

/* A URL below a repo, taken apart. Slices of the escaped path. */
typedef struct srv_place {
    srv_repo_type type;
    const char *id;                     /* as the URL spells it, decoded, without ".git" */
    hf__str before;                     /* the path up to the id, "/api/models/" */
    hf__str after;                      /* what follows the id, with its '/' */
    hf__str segments[SRV_MAX_SEGMENTS]; /* of `after`, the word first */
    size_t n_segments;
    bool is_api, is_git;
    const srv_repo *repo;
} srv_place;

/* router.c */
void srv_route(srv_req *req);

/* place.c: each answers by itself when it returns false. */
/* Who asks goes to req->who. */
bool srv_authenticate(srv_req *req);
bool srv_need_account(srv_req *req); /* the same, but anonymous is 401 */
/* The same, for what an account does as itself: a token that may not write is 403. */
bool srv_may_act(srv_req *req);
/* What committing to the revision in the URL takes: with create_pr, or to a pull request, less. */
srv_want srv_want_of_commit(const srv_req *req, const srv_place *place);
/* Asks and answers nothing. */
bool srv_place_may(srv_req *req, const srv_place *place, srv_want want);
/* Finds place->repo and decides; a renamed repo is redirected to. */
bool srv_place_open(srv_req *req, srv_place *place, srv_want want);
/* The revision in the segments from `at` on; *n_used tells how many there were. */
bool srv_place_revision(srv_req *req, const srv_place *place, size_t at, srv_git **git,
                        char commit[SRV_OID_HEX + 1], size_t *n_used);
/* Decoded path in the segments from `at` on, without a '/' at its end; "" when there are none. */
const char *srv_place_path(srv_req *req, const srv_place *place, size_t at);
void srv_answer_status(srv_req *req, hf_status st, const hf_error *err);
bool srv_only(srv_req *req, const char *methods); /* "GET" allows HEAD too; else 405 */

/* The revision in the segments from 1 on as text, decoded; "main" when there is none. */
const char *srv_place_revision_text(srv_req *req, const srv_place *place);
/* "/datasets/acme/corpus": the repo's path on the web, no '/' at its end. */
const char *srv_place_web(srv_req *req, const srv_place *place);
/* resolve.c: RFC 6266 */
void srv_set_disposition(srv_req *req, const char *name, bool attachment);

/* lift.c: text with the string of each member `key` replaced by where it is in text, unless it has
 * escapes. */
void srv_lift(hf__str text, hf__str key, hf__buf *out);
/* What such a member was in text. */
hf__str srv_lifted(hf__str text, const char *value);

/* json.c */
void srv_json_text(hf__buf *out, const char *name, const char *value); /* "name":"value", */
void srv_json_bool(hf__buf *out, const char *name, bool value);
void srv_json_u64(hf__buf *out, const char *name, uint64_t value);
/* Ends an object: the comma behind its last member becomes the brace. */
void srv_json_end(hf__buf *out);
void srv_json_time(hf__buf *out, const char *name, srv_time_ms time);
void srv_json_entry(hf__buf *out, const srv_entry *entry);
void srv_json_commit_brief(hf__buf *out, const srv_commit *commit);
/* git NULL: no list of files. in_list leaves out what is long unless it is asked for. */
bool srv_json_repo(srv_req *req, hf__buf *out, const srv_repo *repo, srv_git *git,
                   const char *commit, bool in_list);
/* Link: …; rel="next" with this request's parameters, but name=value. */
void srv_link_next(srv_req *req, const char *name, const char *value);
/* The page asked for of a list of n that is read whole: where it begins and ends. False after an
 * answer. */
bool srv_page_bounds(srv_req *req, size_t n, size_t *first, size_t *end);

/* body.c: JSON in requests. False after an answer. */
/* handler comes when the body is here, with req->state; a body that is too long is refused now. */
bool srv_body_await(srv_req *req, srv_handler_fn *handler, void *state);
bool srv_body_json(srv_req *req, hf__json **out); /* an object; none at all counts as {} */
/* Borrowed from body; NULL when absent or null. */
bool srv_body_text(srv_req *req, const hf__json *body, const char *key, const char **out);
bool srv_body_need(srv_req *req, const hf__json *body, const char *key, const char **out);

/* The groups. */
void srv_resolve(srv_req *req, srv_place *place); /* {W}/resolve, {W}/raw */
void srv_resolve_cache(srv_req *req, hf__str *segments, size_t n);
void srv_storage(srv_req *req);                        /* the other origin */
void srv_repo_info(srv_req *req, srv_place *place);    /* {A}, {A}/revision */
void srv_tree_list(srv_req *req, srv_place *place);    /* {A}/tree */
void srv_paths_info(srv_req *req, srv_place *place);   /* {A}/paths-info */
void srv_commits(srv_req *req, srv_place *place);      /* {A}/commits */
void srv_refs(srv_req *req, srv_place *place);         /* {A}/refs */
void srv_branch(srv_req *req, srv_place *place);       /* {A}/branch */
void srv_tag(srv_req *req, srv_place *place);          /* {A}/tag */
void srv_super_squash(srv_req *req, srv_place *place); /* {A}/super-squash */
void srv_settings(srv_req *req, srv_place *place);     /* {A}/settings */
void srv_duplicate(srv_req *req, srv_place *place);    /* {A}/duplicate */
void srv_discussions(srv_req *req, srv_place *place);  /* {A}/discussions */
void srv_like_repo(srv_req *req, srv_place *place);    /* {A}/like */
void srv_likers(srv_req *req, srv_place *place);       /* {A}/likers */
void srv_requests(srv_req *req, srv_place *place);     /* {A}/user-access-request */
void srv_ask_access(srv_req *req, srv_place *place);   /* {W}/ask-access */
void srv_account_info(srv_req *req, const hf__str *segments,
                      size_t n); /* /api/users, …/organizations */
/* …/settings/repositories of an account; NULL: of the caller's */
void srv_owned_repos(srv_req *req, const srv_account *account);
void srv_collections(srv_req *req, const hf__str *segments, size_t n); /* behind /api/collections */
void srv_webhooks(srv_req *req, const hf__str *segments, size_t n);    /* …/settings/webhooks */
void srv_manage(srv_req *req, hf__str verb);         /* /api/repos/{create,delete,move} */
void srv_auth_check(srv_req *req, srv_place *place); /* {A}/auth-check */
void srv_repos(srv_req *req, srv_repo_type type);    /* /api/models and its like */
void srv_preupload(srv_req *req, srv_place *place);  /* {A}/preupload */
void srv_commit_to(srv_req *req, srv_place *place);  /* {A}/commit */
void srv_validate_yaml(srv_req *req);
void srv_tags_by_type(srv_req *req, srv_repo_type type); /* /api/models-tags-by-type */
void srv_oauth(srv_req *req, hf__str name);              /* /oauth/device, /oauth/token */
void srv_revoke(srv_req *req);                           /* /api/credentials/revoke */
void srv_whoami(srv_req *req);
void srv_page(srv_req *req);                         /* GET / */
void srv_git_http(srv_req *req, srv_place *place);   /* smart HTTP */
void srv_lfs_batch(srv_req *req, srv_place *place);  /* …/info/lfs/objects/batch */
void srv_lfs_verify(srv_req *req, srv_place *place); /* …/info/lfs/verify */

#endif
