/* SPDX-License-Identifier: Apache-2.0 */
/* Calls with typed answers, and lists, against a server that answers something else: a status for each,
 * the id of the request, one line, and no more memory than an answer may have. */
#include "client.h"

#include "core/compiler.h"
#include "core/limits.h"

typedef hf_status ask_fn(client *k, hf_error *err);

static hf_status ask_whoami(client *k, hf_error *err)
{
    hf_user *out = NULL;
    hf_status st = hf_whoami(k->hf, NULL, NULL, &out, err);

    hf_user_free(out);
    return st;
}

#define ASK(name, type, call, free_)                                                               \
    static hf_status ask_##name(client *k, hf_error *err)                                          \
    {                                                                                              \
        type *out = NULL;                                                                          \
        hf_status st = call;                                                                       \
                                                                                                   \
        assert_true(st == HF_OK || !out);                                                          \
        free_(out);                                                                                \
        return st;                                                                                 \
    }
ASK(refs, hf_refs, hf_refs_get(k->hf, &repo_x, NULL, &out, err), hf_refs_free)
ASK(create, hf_repo_url, hf_repo_create(k->hf, &repo_x, NULL, &out, err), hf_repo_url_free)
ASK(discussion, hf_discussion, hf_discussion_get(k->hf, &repo_x, 5, NULL, &out, err),
    hf_discussion_free)
ASK(collection, hf_collection, hf_collection_get(k->hf, "a/b-1", NULL, &out, err),
    hf_collection_free)
ASK(profile, hf_profile, hf_profile_get(k->hf, "bob", 0, NULL, &out, err), hf_profile_free)
ASK(webhook, hf_webhook, hf_webhook_get(k->hf, "h1", NULL, &out, err), hf_webhook_free)
#undef ASK

#define WALK(name, type, open, next)                                                               \
    static hf_status walk_##name(client *k, hf_error *err)                                         \
    {                                                                                              \
        const type *item = NULL;                                                                   \
        hf_list *list = NULL;                                                                      \
        hf_status st = open;                                                                       \
                                                                                                   \
        do {                                                                                       \
            if (st == HF_OK)                                                                       \
                st = next(list, &item, err);                                                       \
        } while (st == HF_OK && item);                                                             \
        hf_list_close(list);                                                                       \
        return st;                                                                                 \
    }
WALK(models, hf_repo_info, hf_repo_list_open(k->hf, HF_REPO_MODEL, NULL, &list, err),
     hf_list_next_repo)
WALK(topics, hf_topic, hf_topic_list_open(k->hf, HF_REPO_MODEL, NULL, &list, err),
     hf_list_next_topic)
WALK(owned, hf_owned_repo, hf_owned_list_open(k->hf, NULL, NULL, &list, err), hf_list_next_owned)
WALK(commits, hf_git_commit, hf_commit_list_open(k->hf, &repo_x, NULL, &list, err),
     hf_list_next_commit)
WALK(discussions, hf_discussion, hf_discussion_list_open(k->hf, &repo_x, NULL, &list, err),
     hf_list_next_discussion)
WALK(collections, hf_collection, hf_collection_list_open(k->hf, NULL, &list, err),
     hf_list_next_collection)
WALK(likers, hf_profile, hf_liker_list_open(k->hf, &repo_x, NULL, &list, err), hf_list_next_profile)
WALK(liked, hf_liked_repo, hf_liked_list_open(k->hf, "bob", NULL, &list, err), hf_list_next_liked)
WALK(access, hf_access_request, hf_access_list_open(k->hf, &repo_x, "pending", NULL, &list, err),
     hf_list_next_access)
WALK(webhooks, hf_webhook, hf_webhook_list_open(k->hf, NULL, &list, err), hf_list_next_webhook)
#undef WALK

static const struct {
    const char *name;
    ask_fn *fn;
    bool list;
} asks[] = {
    { "whoami", ask_whoami, false },
    { "refs", ask_refs, false },
    { "create", ask_create, false },
    { "discussion", ask_discussion, false },
    { "collection", ask_collection, false },
    { "profile", ask_profile, false },
    { "webhook", ask_webhook, false },
    { "models", walk_models, true },
    { "topics", walk_topics, true },
    { "owned", walk_owned, true },
    { "commits", walk_commits, true },
    { "discussions", walk_discussions, true },
    { "collections", walk_collections, true },
    { "likers", walk_likers, true },
    { "liked", walk_liked, true },
    { "access", walk_access, true },
    { "webhooks", walk_webhooks, true },
};

#define ID "X-Request-Id: req-42\r\n"

typedef struct odd {
    const char *name;
    const char *head;
    const char *body; /* NULL: 100,000 brackets */
    hf_status status;
} odd;

/* Statuses that are not asked for again and again. */
static const odd answers[] = {
    { "401",
      "401 Unauthorized\r\nX-Error-Message: Invalid credentials in Authorization header\r\n" ID, "",
      HF_ERR_UNAUTHORIZED },
    { "403", "403 Forbidden\r\nX-Error-Message: no\r\n" ID, "", HF_ERR_FORBIDDEN },
    { "404", "404 Not Found\r\n" ID, "{\"error\":\"none\"}", HF_ERR_HTTP },
    { "repo", "404 Not Found\r\nX-Error-Code: RepoNotFound\r\n" ID, "", HF_ERR_REPO_NOT_FOUND },
    { "gated", "403 Forbidden\r\nX-Error-Code: GatedRepo\r\n" ID, "", HF_ERR_GATED_REPO },
    { "disabled", "403 Forbidden\r\nX-Error-Message: Access to this resource is disabled.\r\n" ID,
      "", HF_ERR_DISABLED_REPO },
    { "bad request", "400 Bad Request\r\n" ID, "{\"error\":\"what?\"}", HF_ERR_BAD_REQUEST },
    { "418", "418 I'm a teapot\r\n" ID, "", HF_ERR_HTTP },
    { "malformed", "200 OK\r\n" ID, "{\"a\": [1, {\"b\"", HF_ERR_PROTOCOL },
    { "nothing", "200 OK\r\n" ID, "", HF_ERR_PROTOCOL },
    { "no UTF-8", "200 OK\r\n" ID, "{\"a\": \"\xff\xfe\"}", HF_ERR_PROTOCOL },
    { "another kind", "200 OK\r\n" ID, "5", HF_ERR_PROTOCOL },
    { "a page for people", "200 OK\r\nContent-Type: text/html\r\n" ID,
      "<!doctype html><title>\x1b[31mGateway</title>", HF_ERR_PROTOCOL },
    { "too deep", "200 OK\r\n" ID, NULL, HF_ERR_LIMIT },
};

static bool say(peer_conn *conn, const peer_request *request, void *user)
{
    static char deep[100001];
    const odd *o = user;

    if (!o->body && !deep[0])
        memset(deep, '[', sizeof(deep) - 1);
    return peer_answer(conn, request, o->head, o->body ? o->body : deep);
}

void test_odd__every_answer_to_every_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < HF__COUNT(answers); i++) {
        peer *p = peer_start(say, (void *)(uintptr_t)&answers[i]);
        client *k = client_new(peer_url(p));

        for (size_t n = 0; n < HF__COUNT(asks); n++) {
            hf_error err = HF_ERROR_INIT;
            hf_status st = asks[n].fn(k, &err);

            if (st != answers[i].status || strcmp(err.request_id, "req-42") != 0)
                print_message("answer '%s' to %s: %s\n", answers[i].name, asks[n].name,
                              err.message);
            client_expect(st, &err, answers[i].status);
            assert_string_equal(err.request_id, "req-42");
            assert_non_null(strstr(err.message, "req-42"));
            assert_null(strchr(err.message, '\n'));
        }
        client_free(k);
        peer_stop(p);
    }
}

/* Announces 200 MB of JSON, or does not say how much, and sends until nobody listens. */
static bool flood(peer_conn *conn, const peer_request *request, void *user)
{
    static char part[65536];

    (void)request;
    memset(part, 'x', sizeof(part));
    (void)peer_sayf(conn, "HTTP/1.1 200 OK\r\n" ID "%s\r\n[\"",
                    user ? "Content-Length: 200000000\r\n" : "Connection: close\r\n");
    for (size_t sent = 0; sent < 200000000 && peer_write(conn, part, sizeof(part));)
        sent += sizeof(part);
    return false;
}

void test_odd__an_answer_of_200_mb(void **state)
{
    (void)state;
    for (int announced = 0; announced < 2; announced++) {
        peer *p = peer_start(flood, announced ? "yes" : NULL);
        client *k = client_new(peer_url(p));
        size_t before = peak_kib();

        for (size_t n = 0; n < HF__COUNT(asks); n += 5) {
            hf_error err = HF_ERROR_INIT;

            client_expect(asks[n].fn(k, &err), &err, HF_ERR_LIMIT);
            assert_string_equal(err.request_id, "req-42");
        }
        peak_within(before, 2 * HF__MAX_JSON_BYTES / 1024);
        client_free(k);
        peer_stop(p);
    }
}

/* Each page names another that is new, in a ring, or empty for ever. */
static bool endless(peer_conn *conn, const peer_request *request, void *user)
{
    const char *way = user;
    char head[200];
    unsigned n = strcmp(way, "ring") == 0 ? request->number % 3 : request->number;

    snprintf(head, sizeof(head), "200 OK\r\n" ID "Link: <%.60s?cursor=%u>; rel=\"next\"\r\n",
             "/api/models", n);
    return peer_answer(conn, request, head, strcmp(way, "ring") == 0 ? "[{\"id\":\"a/b\"}]" : "[]");
}

void test_odd__pages_without_end(void **state)
{
    static const char *const ways[] = { "ring", "empty" };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(ways); i++) {
        peer *p = peer_start(endless, (void *)(uintptr_t)ways[i]);
        client *k = client_new(peer_url(p));
        hf_error err = HF_ERROR_INIT;

        client_expect(walk_models(k, &err), &err, HF_ERR_PROTOCOL);
        assert_non_null(strstr(err.message, "does not end"));
        assert_true(peer_count(p) <= 20);
        client_free(k);
        peer_stop(p);
    }
}

/* The discussions' way of pages: a count that no page ever reaches. */
static bool counted(peer_conn *conn, const peer_request *request, void *user)
{
    (void)user;
    return peer_answer(conn, request, "200 OK\r\n" ID,
                       "{\"count\":4000000000,\"start\":0,\"discussions\":[]}");
}

void test_odd__a_count_that_is_never_reached(void **state)
{
    peer *p = peer_start(counted, NULL);
    client *k = client_new(peer_url(p));
    hf_error err = HF_ERROR_INIT;

    (void)state;
    client_expect(walk_discussions(k, &err), &err, HF_OK);
    assert_true(peer_count(p) == 1);
    client_free(k);
    peer_stop(p);
}
