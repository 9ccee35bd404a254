/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of hub over net, against a peer in a process of its own, whose memory never runs out. */
#include "api/private.h"
#include "core/error.h"
#include "net/internal.h"
#include "peer.h"
#include "torture.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMIT "0f1e2d3c4b5a69788796a5b4c3d2e1f001122334"
#define SHA1   "ce013625030ba8dba906f756967f9e9ca394464a"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define FILE_1                                                                                     \
    "{\"type\":\"file\",\"path\":\"a.txt\",\"size\":6,\"oid\":\"" SHA1                             \
    "\",\"lfs\":{\"oid\":\"" SHA256 "\",\"size\":6},\"xetHash\":\"" SHA256 "\"}"

static char url[64];
static const hf_repo_ref repo = { HF_REPO_MODEL, "acme/x", NULL };

/* What is in a target, and the answer to it. */
static const char *const shaped[][2] = {
    { "/api/models?cursor", "[{\"id\":\"a/3\",\"siblings\":[{\"rfilename\":\"f\"}]}]" },
    { "tags-by-type",
      "{\"license\":[{\"id\":\"license:mit\",\"label\":\"mit\",\"type\":\"license\"}],"
      "\"language\":[{\"id\":\"en\",\"label\":\"English\",\"type\":\"language\"}]}" },
    { "/refs",
      "{\"branches\":[{\"name\":\"main\",\"ref\":\"refs/heads/main\",\"targetCommit\":\"" COMMIT
      "\"}],\"converts\":[],\"tags\":[{\"name\":\"v1\",\"ref\":\"refs/tags/v1\",\"targetCommit\":"
      "\"" COMMIT "\"}]}" },
    { "/discussions/5",
      "{\"num\":5,\"title\":\"t\",\"status\":\"open\",\"author\":{\"name\":\"bob\"},"
      "\"createdAt\":\"2026-01-21T03:45:36.000Z\",\"isPullRequest\":true,"
      "\"filesWithConflicts\":[\"a\",\"b\"],\"changes\":{\"base\":\"refs/heads/main\"},"
      "\"diff\":\"+x\",\"events\":[{\"id\":\"c1\",\"type\":\"comment\",\"author\":{\"name\":"
      "\"alice\"},\"createdAt\":\"2026-01-21T03:45:36.000Z\",\"data\":{\"latest\":{\"raw\":"
      "\"hello\"}}}]}" },
    { "/api/collections",
      "{\"slug\":\"bob/good-0\",\"title\":\"Good\",\"owner\":{\"name\":\"bob\"},"
      "\"items\":[{\"_id\":\"i1\",\"id\":\"a/1\",\"type\":\"model\",\"position\":0,"
      "\"note\":{\"text\":\"n\"}}],\"private\":true,\"theme\":\"green\",\"upvotes\":2}" },
};

static bool answer(peer_conn *conn, const peer_request *request, void *user)
{
    const char *host = strstr(request->head, "Host: ") + 6;
    char head[1000];

    (void)user;
    if (strstr(request->target, "old"))
        return peer_answer(conn, request,
                           "307 Temporary Redirect\r\nLocation: /acme/x/resolve/main/a.txt\r\n",
                           "");
    if (strstr(request->target, "/resolve/")) {
        snprintf(head, sizeof head,
                 "302 Found\r\nX-Repo-Commit: " COMMIT "\r\nX-Linked-ETag: \"" SHA256
                 "\"\r\nX-Linked-Size: 6\r\nLocation: https://cdn.invalid/x\r\nX-Xet-Hash: " SHA256
                 "\r\nLink: <http://%.*s/api/models/acme/x/xet-read-token/" COMMIT
                 ">; rel=\"xet-auth\"\r\n",
                 (int)strcspn(host, "\r"), host);
        return peer_answer(conn, request, head, "");
    }
    if (strstr(request->target, "gated"))
        return peer_answer(conn, request,
                           "403 Forbidden\r\nX-Error-Code: GatedRepo\r\nX-Request-Id: r1\r\n",
                           "{\"error\":[\"ask\",\"first\"]}");
    if (strncmp(request->target, "/api/models?", 12) == 0 && !strstr(request->target, "cursor"))
        return peer_answer(conn, request,
                           "200 OK\r\nLink: </api/models?cursor=2>; rel=\"next\"\r\n",
                           "[{\"id\":\"a/1\",\"tags\":[\"en\"]},{\"id\":\"a/2\"}]");
    for (size_t i = 0; i < HF__COUNT(shaped); i++)
        if (strstr(request->target, shaped[i][0]))
            return peer_answer(conn, request, "200 OK\r\n", shaped[i][1]);
    if (strstr(request->target, "/tree/") && !strstr(request->target, "cursor")) {
        snprintf(head, sizeof head,
                 "200 OK\r\nLink: </api/models/acme/x/tree/main?cursor=2>; rel=\"next\"\r\n");
        return peer_answer(conn, request, head,
                           "[{\"type\":\"directory\",\"path\":\"d\",\"oid\":\"" SHA1 "\"}]");
    }
    if (strstr(request->target, "/tree/") || strstr(request->target, "/paths-info/"))
        return peer_answer(conn, request, "200 OK\r\n", "[" FILE_1 "]");
    return peer_answer(
        conn, request, "200 OK\r\n",
        "{\"id\":\"acme/x\",\"sha\":\"" COMMIT
        "\",\"tags\":[\"t1\",\"t2\"],\"author\":\"acme\",\"siblings\":[{\"rfilename\":"
        "\"a.txt\"}]}");
}

/* ---- a client for one run */

static hf_status open_client(hf_client **out, hf_error *err)
{
    hf_client_opts opts = HF_CLIENT_OPTS_INIT;
    hf_status st;

    opts.flags = HF_CLIENT_NO_ENV;
    opts.endpoint = url;
    opts.token = "hf_t";
    opts.user_agent = "a/1; b/2";
    st = hf_client_new(&opts, out, err);
    if (st == HF_OK)
        hf__net_set_second_ms((*out)->net, 1);
    return st;
}

static hf_status wrong(hf_error *err, const char *what)
{
    return hf__fail(err, HF_ERR_INTERNAL, "%s is not as it must be", what);
}

static bool is(const char *text, const char *wanted)
{
    return text && strcmp(text, wanted) == 0;
}

static hf_status run_metadata_of(const char *id, hf_error *err)
{
    const hf_repo_ref at = { HF_REPO_MODEL, id, NULL };
    hf_file_metadata *m = NULL;
    hf_client *client = NULL;
    hf_status st = open_client(&client, err);

    if (st == HF_OK)
        st = hf_file_metadata_get(client, &at, "a.txt", &m, err);
    if (st == HF_OK && (!is(m->commit, COMMIT) || !is(m->etag, SHA256) || m->size != 6 ||
                        !m->location || !is(m->xet_hash, SHA256) || !m->xet_token_url ||
                        !strstr(m->xet_token_url, "xet-read-token")))
        st = wrong(err, "the metadata");
    hf_file_metadata_free(m);
    hf_client_free(client);
    return st;
}

static hf_status run_metadata(hf_error *err)
{
    return run_metadata_of("acme/x", err);
}

static hf_status run_renamed(hf_error *err)
{
    return run_metadata_of("acme/old", err);
}

static hf_status run_info(hf_error *err)
{
    hf_client *client = NULL;
    hf_repo_info *info = NULL;
    hf_status st = open_client(&client, err);

    if (st == HF_OK)
        st = hf_repo_info_get(client, &repo, NULL, &info, err);
    if (st == HF_OK && (!is(info->id, "acme/x") || !is(info->sha, COMMIT) || info->n_tags != 2 ||
                        !is(info->tags[1], "t2") || !is(info->author, "acme") ||
                        info->n_files != 1 || !is(info->files[0], "a.txt")))
        st = wrong(err, "the info");
    hf_repo_info_free(info);
    hf_client_free(client);
    return st;
}

static bool is_file(const hf_tree_entry *e)
{
    return !e->is_directory && is(e->path, "a.txt") && e->size == 6 && is(e->oid, SHA1) &&
           is(e->lfs_sha256, SHA256) && e->lfs_size == 6 && is(e->xet_hash, SHA256);
}

static hf_status run_tree(hf_error *err)
{
    const hf_tree_entry *entry = NULL;
    hf_client *client = NULL;
    hf_tree *tree = NULL;
    unsigned n = 0;
    hf_status st = open_client(&client, err);

    if (st == HF_OK)
        st = hf_tree_open(client, &repo, NULL, HF_TREE_RECURSIVE, NULL, &tree, err);
    while (st == HF_OK) {
        st = hf_tree_next(tree, &entry, err);
        if (st != HF_OK || !entry)
            break;
        if (++n == 2 && !is_file(entry))
            st = wrong(err, "the entry");
    }
    if (st == HF_OK && n != 2)
        st = wrong(err, "the number of entries");
    hf_tree_close(tree);
    hf_client_free(client);
    return st;
}

static hf_status run_paths(hf_error *err)
{
    static const char *const paths[] = { "a.txt", "b.txt" };
    hf_client *client = NULL;
    hf_paths_info *info = NULL;
    hf_status st = open_client(&client, err);

    if (st == HF_OK)
        st = hf_paths_info_get(client, &repo, paths, 2, 0, NULL, &info, err);
    if (st == HF_OK && (info->n_entries != 1 || !is_file(&info->entries[0])))
        st = wrong(err, "the answer");
    hf_paths_info_free(info);
    hf_client_free(client);
    return st;
}

/* A refusal stays one; only memory may come in between. */
static hf_status run_gated(hf_error *err)
{
    const hf_repo_ref gated = { HF_REPO_MODEL, "acme/gated", NULL };
    hf_client *client = NULL;
    hf_repo_info *info = NULL;
    hf_status st = open_client(&client, err);

    if (st == HF_OK) {
        st = hf_repo_info_get(client, &gated, NULL, &info, err);
        if (st == HF_OK)
            st = wrong(err, "the refusal");
        else if (st == HF_ERR_GATED_REPO && err->http_status == 403)
            st = HF_OK;
    }
    hf_repo_info_free(info);
    hf_client_free(client);
    return st;
}

/* ---- answers with a shape of their own, and lists of them */

static hf_status run_models(hf_error *err)
{
    static const char *const tags[] = { "en", "license:mit" };
    hf_repo_list_opts opts = HF_REPO_LIST_OPTS_INIT;
    const hf_repo_info *info = NULL;
    hf_client *client = NULL;
    hf_list *list = NULL;
    unsigned n = 0;
    hf_status st = open_client(&client, err);

    opts.tags = tags;
    opts.n_tags = 2;
    opts.search = "a b";
    if (st == HF_OK)
        st = hf_repo_list_open(client, HF_REPO_MODEL, &opts, &list, err);
    while (st == HF_OK) {
        st = hf_list_next_repo(list, &info, err);
        if (st != HF_OK || !info)
            break;
        n++;
        if ((n == 1 && (!is(info->id, "a/1") || info->n_tags != 1 || !is(info->tags[0], "en"))) ||
            (n == 3 && (!is(info->id, "a/3") || info->n_files != 1)))
            st = wrong(err, "the model");
    }
    if (st == HF_OK && n != 3)
        st = wrong(err, "the number of models");
    hf_list_close(list);
    hf_client_free(client);
    return st;
}

static hf_status run_topics(hf_error *err)
{
    const hf_topic *topic = NULL;
    hf_client *client = NULL;
    hf_list *list = NULL;
    unsigned n = 0;
    hf_status st = open_client(&client, err);

    if (st == HF_OK)
        st = hf_topic_list_open(client, HF_REPO_MODEL, NULL, &list, err);
    while (st == HF_OK) {
        st = hf_list_next_topic(list, &topic, err);
        if (st != HF_OK || !topic)
            break;
        n++;
        if (is(topic->type, "license") && !is(topic->id, "license:mit"))
            st = wrong(err, "the topic");
    }
    if (st == HF_OK && n != 2)
        st = wrong(err, "the number of topics");
    hf_list_close(list);
    hf_client_free(client);
    return st;
}

static hf_status run_refs(hf_error *err)
{
    hf_client *client = NULL;
    hf_refs *refs = NULL;
    hf_status st = open_client(&client, err);

    if (st == HF_OK)
        st = hf_refs_get(client, &repo, NULL, &refs, err);
    if (st == HF_OK && (refs->n_branches != 1 || !is(refs->branches[0].target_commit, COMMIT) ||
                        refs->n_tags != 1 || !is(refs->tags[0].name, "v1") || refs->n_converts))
        st = wrong(err, "the answer about refs");
    hf_refs_free(refs);
    hf_client_free(client);
    return st;
}

static hf_status run_discussion(hf_error *err)
{
    hf_client *client = NULL;
    hf_discussion *d = NULL;
    hf_status st = open_client(&client, err);

    if (st == HF_OK)
        st = hf_discussion_get(client, &repo, 5, NULL, &d, err);
    if (st == HF_OK && (d->num != 5 || !is(d->title, "t") || !is(d->author, "bob") ||
                        d->n_events != 1 || !is(d->events[0].author, "alice")))
        st = wrong(err, "the discussion");
    hf_discussion_free(d);
    hf_client_free(client);
    return st;
}

/* What is sent is put together from the options. */
static hf_status run_collection(hf_error *err)
{
    hf_collection_opts opts = HF_COLLECTION_OPTS_INIT;
    hf_client *client = NULL;
    hf_collection *c = NULL;
    hf_status st = open_client(&client, err);

    opts.title = "Good";
    opts.owner = "bob";
    opts.description = "d";
    opts.is_private = HF_YES;
    if (st == HF_OK)
        st = hf_collection_create(client, &opts, &c, err);
    if (st == HF_OK && (!is(c->slug, "bob/good-0") || c->n_items != 1 ||
                        !is(c->items[0].object_id, "i1") || !is(c->theme, "green")))
        st = wrong(err, "the collection");
    hf_collection_free(c);
    hf_client_free(client);
    return st;
}

/* ---- */

static void serve(int out, int until)
{
    peer *p = peer_start(answer, NULL);
    char byte;

    (void)dprintf(out, "%s", peer_url(p));
    close(out);
    (void)!read(until, &byte, 1);
    peer_stop(p);
}

int main(void)
{
    static const torture_case cases[] = {
        { "metadata", run_metadata },
        { "metadata, renamed", run_renamed },
        { "info", run_info },
        { "tree", run_tree },
        { "paths-info", run_paths },
        { "gated", run_gated },
        { "models", run_models },
        { "topics", run_topics },
        { "refs", run_refs },
        { "discussion", run_discussion },
        { "collection", run_collection },
    };
    int told[2];
    int until[2];
    int bad;
    pid_t pid;

    if (pipe(told) != 0 || pipe(until) != 0)
        return 1;
    pid = fork();
    if (pid == 0) {
        close(told[0]);
        close(until[1]);
        serve(told[1], until[0]);
        _exit(0);
    }
    close(told[1]);
    close(until[0]);
    if (read(told[0], url, sizeof url - 1) <= 0)
        return 1;
    torture_spare_json();
    bad = torture_run(cases, sizeof cases / sizeof *cases);
    close(until[1]);
    (void)waitpid(pid, NULL, 0);
    return bad;
}
