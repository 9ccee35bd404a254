# SPDX-License-Identifier: Apache-2.0
"""For one task the command sends the very request that the official client sends."""

import json
import re

import pytest
from recorder import Recorder
from support import HF, SANITIZED, Python, clean_env, ok, peak_of, run

TIME = "2026-01-21T03:45:36.000Z"
ITEM = {"_id": "66b0c1d2e3f4a5b6c7d8e9f1", "id": "acme/x", "type": "model", "position": 0, "author": "acme",
        "lastModified": TIME, "likes": 1, "downloads": 1, "private": False, "repoType": "model", "isLikedByUser": False}
COLLECTION = {"slug": "alice/good-ones-66b0c1d2e3f4a5b6c7d8e9f0", "title": "Good ones", "owner": {"name": "alice"},
              "items": [ITEM], "lastUpdated": TIME, "position": 1, "private": False, "theme": "green", "upvotes": 2,
              "description": "d"}
SLUG = COLLECTION["slug"]
EVENT = {"id": "c1", "type": "comment", "createdAt": TIME, "author": {"name": "alice"},
         "data": {"edited": False, "hidden": False, "latest": {"raw": "hello", "html": "", "updatedAt": TIME,
                                                               "author": {"name": "alice"}}, "history": []}}
HOOK = {"id": "h1", "url": "https://example.com/x", "watched": [{"type": "model", "name": "acme/x"}], "domains": ["repo"],
        "secret": "s", "disabled": False}
TALK = {"num": 5, "title": "T", "status": "open", "author": {"name": "alice"}, "createdAt": TIME, "isPullRequest": False,
        "repo": {"name": "acme/x", "type": "model"}}
MODEL = {"_id": "1", "id": "acme/x", "author": "acme", "sha": "0" * 40, "private": False, "likes": 1, "downloads": 2,
         "tags": ["en", "license:mit"], "lastModified": TIME, "createdAt": TIME, "siblings": []}


def created(url, query):
    return {"url": url + "/acme/x"}


ANSWERS = [
    ("GET /api/whoami-v2", 200, {"type": "user", "name": "alice", "orgs": [], "auth": {"type": "access_token"}}),
    ("POST /api/repos/create", 200, created),
    ("POST /api/(models|datasets|spaces)/acme/x/duplicate", 200, created),
    ("DELETE /api/repos/delete", 200, b"OK", {"Content-Type": "text/plain"}),
    (r"GET /api/(models|datasets|spaces)", 200, [MODEL]),
    (r"GET /api/models/acme/x/refs", 200,
     {"branches": [], "converts": [], "tags": [{"name": "v1", "ref": "refs/tags/v1", "targetCommit": "0" * 40}]}),
    (r"GET /api/(models|datasets|spaces)/acme/x(/revision/\S+)?", 200, MODEL),
    (r"GET /api/models/acme/x/discussions", 200, {"count": 1, "start": 0, "discussions": [TALK]}),
    (r"GET /api/models/acme/x/discussions/5", 200,
     {**TALK, "events": [EVENT], "filesWithConflicts": [], "changes": {"base": "refs/heads/main"}, "diff": "+x"}),
    (r"POST /api/models/acme/x/discussions", 200, {"num": 5}),
    (r"POST \S+/discussions/5/comment", 200, {"newMessage": EVENT}),
    (r"POST \S+/discussions/5/title", 200, {"newTitle": {**EVENT, "type": "title-change", "data": {"from": "a", "to": "b"}}}),
    (r"POST \S+/discussions/5/status", 200, {"newStatus": {**EVENT, "type": "status-change", "data": {"status": "closed"}}}),
    (r"POST \S+/discussions/5/comment/c1/(edit|hide)", 200, {"updatedComment": EVENT}),
    (r"GET /api/collections", 200, [{k: v for k, v in COLLECTION.items() if k != "position"}]),
    (r"PATCH /api/collections/alice/[^/]*", 200, {"data": COLLECTION}),
    (r"(GET|POST) /api/collections(/\S+)?", 200, COLLECTION),
    (r"(GET|POST) /api/settings/webhooks/\S+", 200, {"webhook": HOOK}),
    (r"GET /api/settings/webhooks", 200, [HOOK]),
    (r"POST /api/settings/webhooks", 200, {"webhook": HOOK}),
    (r"GET /api/settings/repositories|GET /api/organizations/acme/settings/repositories", 200,
     [{"id": "acme/x", "type": "model", "updatedAt": TIME, "visibility": "public", "storage": 9, "storagePercent": 1.5}]),
    (r"GET /api/\S+/(followers|following|members|likers)", 200,
     [{"user": "bob", "fullname": "Bob", "avatarUrl": "/a.svg", "isPro": True},
      {"user": "carol", "fullname": "Carol", "avatarUrl": "/b.svg", "isPro": False}]),
    (r"GET /api/users/bob/likes", 200, [{"createdAt": TIME, "repo": {"name": "acme/x", "type": "space"}}]),
    (r"GET /api/(users/bob|organizations/acme)/overview", 200,
     {"user": "bob", "name": "acme", "fullname": "B", "avatarUrl": "/a.svg", "numFollowers": 2}),
    (r"GET /api/models/acme/x/commits/\S+", 200,
     [{"id": "1" * 40, "title": "t", "message": "", "date": TIME, "authors": [{"user": "bob"}]}]),
    (r"GET \S+/user-access-request/\S+", 200,
     [{"user": {"user": "bob", "_id": "u1", "fullname": "Bob"}, "status": "pending", "timestamp": TIME,
       "requestId": "r1"}]),
    (r"GET /api/(models|datasets)-tags-by-type", 200, {"license": [{"id": "license:mit", "label": "mit", "type": "license"}]}),
    (r"\S+ \S+", 200, {}),
]

# What HfApi does, and the words for hf that must ask the same.
SAME = [
    ("api.create_repo('acme/x')", "repos create acme/x"),
    ("api.create_repo('x', repo_type='dataset', private=True)", "repos create x --type dataset --private"),
    ("api.create_repo('acme/x', repo_type='dataset', visibility='public', exist_ok=True)",
     "repos create datasets/acme/x --public --exist-ok"),
    ("api.create_repo('acme/x', repo_type='space', space_sdk='gradio', space_hardware='t4-medium', "
     "space_sleep_time=300, space_secrets=[{'key': 'A', 'value': 'ü=\"1'}], "
     "space_variables=[{'key': 'B', 'value': ''}], visibility='protected')",
     "repos create acme/x --type space --sdk gradio --flavor t4-medium --sleep-time 300 -s A=ü=\"1 "
     "-e B= --protected"),
    ("api.create_repo('acme/x', repo_type='space', space_sdk='docker', space_volumes=["
     "Volume(type='dataset', source='org/ds', mount_path='/data', path='train', read_only=True), "
     "Volume(type='model', source='a/b', mount_path='/m', revision='v1'), "
     "Volume(type='bucket', source='a/c', mount_path='/mnt/d', read_only=False)])",
     "repos create acme/x --type space --sdk docker -v hf://datasets/org/ds/train:/data:ro --volume hf://a/b@v1:/m "
     "-v hf://buckets/a/c:/mnt/d:rw"),
    ("api.duplicate_repo('acme/x', 'bob/y', repo_type='space', space_volumes=["
     "Volume(type='model', source='a/b', mount_path='/m')])",
     "repos duplicate acme/x bob/y --type space -v hf://a/b:/m"),
    ("api.delete_repo('acme/x')", "repos delete acme/x -y"),
    ("api.delete_repo('x', repo_type='space', missing_ok=True)", "repos delete x --type space --missing-ok --yes"),
    ("api.move_repo('acme/x', 'bob/y')", "repos move acme/x bob/y"),
    ("api.move_repo('acme/x', 'bob/y', repo_type='dataset')", "repos move datasets/acme/x datasets/bob/y"),
    ("api.update_repo_settings('acme/x', gated='auto')", "repos settings acme/x --gated auto"),
    ("api.update_repo_settings('acme/x', gated=False, visibility='private', repo_type='dataset')",
     "repos settings acme/x --gated false --private --type dataset"),
    ("api.create_branch('acme/x', branch='a/b ü')", "repos branch create acme/x|a/b ü"),
    ("api.create_branch('acme/x', branch='dev', revision='v1', exist_ok=True)",
     "repos branch create acme/x dev --revision v1 --exist-ok"),
    ("api.delete_branch('acme/x', branch='a/b')", "repos branch delete acme/x a/b"),
    ("api.create_tag('acme/x', tag='v1', tag_message='m', revision='refs/pr/1')",
     "repos tag create acme/x v1 -m m --revision refs/pr/1"),
    ("api.create_tag('acme/x', tag='v1')", "repos tag create acme/x v1"),
    ("api.delete_tag('acme/x', tag='v/1')", "repos tag delete acme/x v/1 -y"),
    ("api.list_repo_refs('acme/x')", "repos tag list acme/x"),
    ("list(api.list_user_repos())", "repos ls"),
    ("list(api.list_user_repos('acme'))", "repos ls --namespace acme --limit 0"),
    ("list(api.list_models(limit=30))", "models ls"),
    ("list(api.list_models(search='a b', author='acme', filter=['en', 'license:mit'], pipeline_tag='text-generation', "
     "gated=False, apps=['vllm', 'ollama'], num_parameters='min:6B', inference='warm', sort='last_modified', limit=7))",
     "models|ls|--search|a b|--author|acme|--filter|en|--filter|license:mit|--pipeline-tag|text-generation|--no-gated|"
     "--apps|vllm|--apps|ollama|--num-parameters|min:6B|--warm|--sort|last_modified|--limit|7"),
    ("list(api.list_models(inference_provider=['a', 'b'], expand=['likes', 'inferenceProviderMapping'], limit=30))",
     "models ls --inference-provider a --inference-provider b --expand likes,inferenceProviderMapping"),
    ("list(api.list_datasets(filter='task_categories:translation', sort='downloads', limit=5))",
     "datasets ls --filter task_categories:translation --sort downloads --limit 5"),
    ("list(api.list_spaces(search='x', sort='likes', limit=30))", "spaces ls --search x --sort likes"),
    ("api.model_info('acme/x')", "models info acme/x"),
    ("api.model_info('acme/x', revision='a/b', expand=['likes'])", "models info acme/x --revision a/b --expand likes"),
    ("api.dataset_info('acme/x')", "datasets info acme/x"),
    ("api.space_info('acme/x', revision='main')", "spaces info acme/x --revision main"),
    ("list(api.get_repo_discussions('acme/x', discussion_status='open'))", "discussions ls acme/x"),
    ("list(api.get_repo_discussions('acme/x', author='bob', discussion_type='pull_request', discussion_status='closed'))",
     "discussions ls acme/x --author bob --kind pull_request --status closed"),
    ("api.get_discussion_details('acme/x', 5)", "discussions info acme/x 5"),
    ("api.comment_discussion('acme/x', 5, 'hello\\nü')", "discussions|comment|acme/x|5|--body|hello\nü"),
    ("api.edit_discussion_comment('acme/x', 5, 'c1', 'new')", "discussions edit acme/x 5 c1 --body new"),
    ("api.rename_discussion('acme/x', 5, 'New title')", "discussions|rename|acme/x|5|New title"),
    ("api.change_discussion_status('acme/x', 5, 'closed', comment='bye')", "discussions close acme/x 5 --comment bye -y"),
    ("api.change_discussion_status('acme/x', 5, 'open')", "discussions reopen acme/x 5 -y"),
    ("api.merge_pull_request('acme/x', 5)", "discussions merge acme/x 5 -y"),
    ("list(api.list_collections(owner='acme', item='models/acme/x', sort='upvotes', limit=10))",
     "collections ls --owner acme --item models/acme/x --sort upvotes"),
    ("api.get_collection(SLUG)", "collections info SLUG"),
    ("api.create_collection('Good ones', namespace='acme', description='d', private=True)",
     "collections|create|Good ones|--namespace|acme|--description|d|--private"),
    ("api.create_collection('Good ones')", "collections|create|Good ones"),
    ("api.update_collection_metadata(SLUG, title='T', position=0, private=False, theme='red')",
     "collections update SLUG --title T --position 0 --no-private --theme red"),
    ("api.delete_collection(SLUG)", "collections delete SLUG"),
    ("api.add_collection_item(SLUG, 'acme/x', 'model', note='n')", "collections add-item SLUG acme/x model --note n"),
    ("api.update_collection_item(SLUG, '66b0', note='n', position=0)",
     "collections update-item SLUG 66b0 --note n --position 0"),
    ("api.delete_collection_item(SLUG, '66b0')", "collections delete-item SLUG 66b0"),
    ("api.list_webhooks()", "webhooks ls"),
    ("api.get_webhook('h1')", "webhooks info h1"),
    ("api.create_webhook(url='https://example.com/x', watched=[{'type': 'model', 'name': 'acme/x'}], domains=['repo'], "
     "secret='s')", "webhooks create --url https://example.com/x --watch model:acme/x --domain repo --secret s"),
    ("api.create_webhook(job_id='j1', watched=[{'type': 'user', 'name': 'bob'}])",
     "webhooks create --job-id j1 --watch user:bob"),
    ("api.enable_webhook('h1')", "webhooks enable h1"),
    ("api.disable_webhook('h1')", "webhooks disable h1"),
    ("api.delete_webhook('h1')", "webhooks delete h1 -y"),
    ("list(api.list_pending_access_requests('acme/x'))", "repos access list acme/x"),
    ("list(api.list_accepted_access_requests('acme/x', repo_type='dataset'))",
     "repos access list acme/x --type dataset --status accepted"),
    ("api.accept_access_request('acme/x', 'bob')", "repos access accept acme/x bob"),
    ("api.reject_access_request('acme/x', 'bob', rejection_reason='no')", "repos access reject acme/x bob --reason no"),
    ("api.cancel_access_request('acme/x', 'bob')", "repos access cancel acme/x bob"),
    ("api.grant_access('acme/x', 'bob')", "repos access grant acme/x bob"),
    ("api.get_model_tags()", "models tags"),
    ("api.hide_discussion_comment('acme/x', 5, 'c1')", "discussions hide acme/x 5 c1 -y"),
    ("api.unlike('acme/x', repo_type='space')", "repos unlike acme/x --type space"),
    ("list(api.list_repo_likers('acme/x'))", "repos likers acme/x"),
    ("list(api.list_repo_commits('acme/x', revision='a/b'))", "repos commits acme/x --revision a/b"),
    ("api.super_squash_history('acme/x', branch='dev', commit_message='m')", "repos squash acme/x --branch dev -m m -y"),
    ("api.get_user_overview('bob')", "users info bob"),
    ("list(api.list_user_followers('bob'))", "users followers bob"),
    ("list(api.list_user_following('bob'))", "users following bob"),
    ("api.get_organization_overview('acme')", "orgs info acme"),
    ("list(api.list_organization_members('acme'))", "orgs members acme"),
    ("list(api.list_organization_followers('acme'))", "orgs followers acme"),
    ("api.list_liked_repos('bob')", "users likes bob"),
    ("api.get_dataset_tags()", "datasets tags"),
]


@pytest.fixture(scope="module")
def hub():
    recorder = Recorder()
    recorder.answers = ANSWERS
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def env(hub, tmp_path_factory):
    return clean_env(tmp_path_factory.mktemp("requests"), HF_ENDPOINT=hub.url, HF_TOKEN="hf_token")


@pytest.fixture(scope="module")
def python(env):
    client = Python(env)
    yield client
    client.close()


def words_of(text):
    return [w.replace("SLUG", SLUG) for w in (text.split("|") if "|" in text and " " not in text.split("|")[0]
                                              else [x for w in text.split(" ") for x in w.split("|")])]


@pytest.mark.parametrize("code, words", SAME, ids=[w for _, w in SAME])
def test_the_same_request(hub, env, python, code, words):
    hub.clear()
    python(f"from huggingface_hub import HfApi, Volume\napi = HfApi()\n{code}\nresult = 1".replace("SLUG", repr(SLUG)))
    theirs = hub.asked
    hub.clear()
    words = ["repos", "branch", "create", "acme/x", "a/b ü"] if words.endswith("|a/b ü") else words_of(words)
    ok(run([HF, *words], env))
    mine = hub.asked
    # Who "I" am is asked by either when it needs to know; that is no part of the task.
    assert [str(a) for a in mine if "whoami" not in a.path] == [str(a) for a in theirs if "whoami" not in a.path]
    assert set(hub.tokens) == {"Bearer hf_token"}


def test_people_are_told_as_they_come(hub, env):
    for words in ("users followers bob", "users following bob", "orgs followers acme", "orgs members acme",
                  "repos likers acme/x"):
        assert ok(run([HF, *words.split(), "-q"], env)).out == "bob\ncarol\n", words
        assert ok(run([HF, *words.split(), "-q", "--limit", "1"], env)).out == "bob\n", words
        rows = json.loads(ok(run([HF, *words.split(), "--json"], env)).out)
        assert [[r["username"], r["fullname"], r["is_pro"]] for r in rows] == [["bob", "Bob", True], ["carol", "Carol", False]]
    assert json.loads(ok(run([HF, "users", "likes", "bob", "--json"], env)).out) == [
        {"id": "acme/x", "type": "space", "created_at": "2026-01-21T03:45:36+00:00"}]


def test_rows_are_what_the_official_command_prints(hub, env):
    """JSON of a listing, member by member, where both have it."""
    from pathlib import Path
    import sys
    answers = [json.loads(ok(run([program, "models", "ls", "--json"], env)).out)
               for program in (HF, Path(sys.executable).with_name("hf"))]
    assert [set(row) for row in answers[0]] == [set(row) for row in answers[1]]
    for key in set(answers[0][0]) - {"siblings"}:
        assert answers[0][0][key] == answers[1][0][key], key


# ---- what a server may answer instead (each: one line with the request id, a status of its own, little memory)

def endless(url, query):
    at = int(dict(p.split("=") for p in query.split("&") if p).get("cursor", 0)) if query else 0
    return {"Link": f'<{url}/api/models?cursor={at + 1}>; rel="next"'}


def ring(url, query):
    return {"Link": f'<{url}/api/models?cursor={"b" if "cursor=a" in query else "a"}>; rel="next"'}


HTML = b"<!doctype html><html><body>Bad gateway</body></html>"
ODD = {
    "401": (401, {"error": "Invalid username or password."}, {}, "token was not accepted|not found"),
    "403": (403, {"error": "no"}, {"X-Error-Message": "You may not do that"}, "You may not do that"),
    "404": (404, {"error": "Not here"}, {}, "Not here"),
    "404 repo": (404, {}, {"X-Error-Code": "RepoNotFound"}, "not found"),
    "gated": (403, {}, {"X-Error-Code": "GatedRepo"}, "approval|requested"),
    "disabled": (403, {}, {"X-Error-Message": "Access to this resource is disabled."}, "disabled"),
    "conflict": (409, {"error": "it exists"}, {}, "it exists"),
    "rate limit": (429, {}, {"RateLimit": '"api";r=0;t=7'}, "rate limit.*retry after 7 seconds"),
    "server": (500, HTML, {"Content-Type": "text/html"}, "server failed"),
    "malformed": (200, b'[{"id": "a/b"', {}, "not valid JSON"),
    "of another kind": (200, {"id": 5}, {}, "is not a list"),
    "an entry of another kind": (200, [5], {}, "is not the description of a repo"),
    "too deep": (200, b"[" * 100_000 + b"]" * 100_000, {}, "nested deeper"),
    "a page of HTML": (200, HTML, {"Content-Type": "text/html"}, "web page"),
}


@pytest.fixture
def odd():
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("words", [["models", "ls", "--limit", "0"], ["models", "info", "acme/x"],
                                   ["repos", "create", "acme/x"], ["api", "PUT", "/api/x"]], ids=lambda w: w[1])
def test_odd_answers(odd, home, name, words):
    status, answer, headers, says = ODD[name]
    if status in (429, 500) and words[1] == "ls" or status == 200 and words[0] == "api" or \
            words[1] != "ls" and "another kind" in name:
        return  # asked again for half a minute; printed as it came; no listing
    odd.answers = [(r"\S+ \S+", status, answer, headers)]
    env = clean_env(home, HF_ENDPOINT=odd.url, HF_TOKEN="hf_token")
    result = run([HF, *words], env, timeout=120)
    first = result.err.splitlines()[0]
    assert result.code == 1 and result.out == ""
    assert first.startswith("Error: ") and "req-42" in first and re.search(says, first), result.err
    assert "hf_token" not in result.err and "\x1b" not in result.err
    assert len(result.err.splitlines()) <= (3 if "not found" in first else 1)


@pytest.mark.parametrize("headers, most", [(ring, 10), (endless, 10_001)])
def test_pages_without_end(odd, home, headers, most):
    odd.answers = [(r"GET /api/models", 200, [], headers)]
    result = run([HF, "models", "ls", "--limit", "0"], clean_env(home, HF_ENDPOINT=odd.url))
    assert result.code == 1 and "does not end" in result.err and len(odd.asked) <= most


def test_a_walk_holds_one_page(odd, home):
    """100,000 rows of 400 bytes in 100 pages, and an answer of 200 MB, in a few megabytes."""
    row = json.dumps({**MODEL, "tags": ["x" * 40] * 6})
    page = ("[" + ", ".join([row] * 1000) + "]").encode()

    def more(url, query):
        at = int(query.rpartition("=")[2] or 0) if "cursor" in query else 0
        return {"Link": f'<{url}/api/models?cursor={at + 1}>; rel="next"'} if at < 99 else {}

    odd.answers = [(r"GET /api/models", 200, page, more)]
    env = clean_env(home, HF_ENDPOINT=odd.url)
    few = peak_of([HF, "models", "ls", "--limit", "1000", "-q"], env)
    many = peak_of([HF, "models", "ls", "--limit", "0", "-q"], env)
    assert ok(many).out.count("\n") == 100_000 and len(odd.asked) >= 100
    assert many.peak_kib < few.peak_kib + 4096 or SANITIZED


def test_an_answer_of_200_mb(odd, home):
    odd.answers = [(r"GET /api/models", 200, b"[" + b'"' + b"x" * 200_000_000 + b'"]')]
    env = clean_env(home, HF_ENDPOINT=odd.url)
    result = peak_of([HF, "models", "ls"], env)
    assert result.code == 1 and "longer than" in result.err and "req-42" in result.err
    assert result.peak_kib < 200_000 or SANITIZED


DOTENV = """# a comment
PLAIN=one
export EXPORTED = two words  # and a comment
SINGLE='kept \\n # as it is'
DOUBLE="a\\nb\\t\\"c\\" \\$d \\\\ \\x"  # comment
HASH=a#b
EMPTY=
FROM_ENV
NOT_THERE
1BAD=x
bad-key=x
QUOTE="open
LAST=1
LAST=2
UNI=ü日
"""


def test_secrets_and_variables_of_files(hub, env, tmp_path):
    from pathlib import Path
    import sys
    (tmp_path / "env").write_text(DOTENV)
    env = env | {"FROM_ENV": "from the environment"}
    words = ["repos", "create", "acme/x", "--type", "space", "--sdk", "static", "--secrets-file", tmp_path / "env", "--env-file",
             tmp_path / "env", "-s", "PLAIN=over", "-s", "HF_TOKEN", "-s", "MORE='x y' # no", "-e", "FROM_ENV", "-e", "PLAIN=over"]
    asked = []
    for program in (HF, Path(sys.executable).with_name("hf")):
        hub.clear()
        ok(run([program, *words], env))
        body = json.loads([a for a in hub.asked if a.path == "/api/repos/create"][0].body)
        asked.append({k: {e["key"]: e["value"] for e in body[k]} for k in ("secrets", "variables")})
    assert asked[0] == asked[1]
    assert asked[0]["secrets"]["HF_TOKEN"] == "hf_token" and asked[0]["variables"]["PLAIN"] == "over"
    missing = run([HF, "repos", "create", "acme/x", "--secrets-file", tmp_path / "none"], env)
    assert missing.code == 1 and missing.err.startswith("Error: cannot open") and len(missing.err.splitlines()) == 1


@pytest.mark.parametrize("more, agent", [
    ({}, r"huggingface-cli/[\d.]+; hfhub/[\d.]+; libcurl/[\d.]+"),
    ({"HF_HUB_USER_AGENT_ORIGIN": "a space"}, r"huggingface-cli/[\d.]+; hfhub/[\d.]+; libcurl/[\d.]+; origin/a space"),
    ({"HF_HUB_DISABLE_TELEMETRY": "1"}, r"huggingface-cli/[\d.]+; hfhub/[\d.]+"),
    ({"DO_NOT_TRACK": "yes", "HF_HUB_USER_AGENT_ORIGIN": "x"}, r"huggingface-cli/[\d.]+; hfhub/[\d.]+; origin/x"),
])
def test_user_agent(hub, env, more, agent):
    hub.clear()
    ok(run([HF, "auth", "whoami"], {k: v for k, v in env.items() if "TELEMETRY" not in k} | more))
    assert [bool(re.fullmatch(agent, a)) for a in hub.agents] == [True], hub.agents
