# SPDX-License-Identifier: Apache-2.0
"""The same words give the same data in every form (human, json, quiet, agent) as the official command gives."""

import re

import pytest
from served import Served
from support import HF, Python, clean_env, run

FORMS = ["--format=human", "--json", "-q", "--format=agent"]
MAKE = """
from huggingface_hub import HfApi, CommitOperationAdd as Add
api = HfApi()
num = api.create_discussion('alice/m', 'why', description='say <b> \u00fc "x" \\'y\\'').num
api.comment_discussion('alice/m', num, 'because')
api.rename_discussion('alice/m', num, 'why not')
hidden = [e.id for e in api.get_discussion_details('alice/m', num).events if e.type == 'comment'][-1]
api.hide_discussion_comment('alice/m', num, hidden)
api.create_commit('alice/m', [Add('b.txt', b'x')], commit_message='pr', create_pr=True)
api.create_pull_request('alice/m', 'draft')
num = api.create_discussion('alice/m', 'closed one').num
api.change_discussion_status('alice/m', num, 'closed')
shelf = api.create_collection('Good ones', namespace='alice', description='d')
api.add_collection_item(shelf.slug, 'alice/m', 'model', note='n')
api.add_collection_item(shelf.slug, 'alice/d', 'dataset')
hook = api.create_webhook(url='https://example.com/x', watched=[{'type': 'model', 'name': 'alice/m'}], domains=['repo'],
                          secret='s')
api.create_tag('alice/m', tag='v1')
api.update_repo_settings('alice/d', repo_type='dataset', gated='manual')
result = [shelf.slug, hook.id]
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    server = Served(tmp_path_factory.mktemp("forms"))
    server.token = server.command("user", "add", "alice").strip().splitlines()[-1]
    server.command("user", "add", "acme", "--org")
    server.command("org", "join", "acme", "alice", "--role", "admin")
    server.add("alice/m", {"README.md": b"---\nlicense: mit\ntags: [a, b]\n---\n# hi\n", "a.txt": b"one\n",
                           "sub/b.txt": b"two\n"})
    server.add("alice/d", {"README.md": b"# d\n"}, "--type", "dataset")
    server.add("alice/s", {"README.md": b"---\nsdk: static\n---\n# s\n"}, "--type", "space")
    with server:
        yield server


@pytest.fixture(scope="module")
def env(hub, tmp_path_factory):
    # A wide screen: the official command cuts tables to it, also in a pipe; ours only on a terminal.
    return clean_env(tmp_path_factory.mktemp("home"), HF_ENDPOINT=hub.url, HF_TOKEN=hub.token, NO_COLOR="1", COLUMNS="2000")


# What the official command does with these words: exit code and stdout. In a fork, since it takes long to load.
OFFICIAL = """
import contextlib, io, sys
from huggingface_hub.cli.hf import main
sys.argv, code, out = ['hf', *words], 0, io.StringIO()
with contextlib.redirect_stdout(out):
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
result = [code, out.getvalue()]
"""


@pytest.fixture(scope="module")
def python(env):
    client = Python(env | {"ZYGOTE_IMPORTS": "huggingface_hub.cli.hf"})
    yield client
    client.close()


@pytest.fixture(scope="module")
def made(python):
    return dict(zip(("SLUG", "HOOK"), python(MAKE)))


@pytest.fixture
def hf(env):
    def call(words):
        result = run([HF, *words], env)
        return [result.code, result.out]

    return call


@pytest.fixture
def official(python):
    return lambda words: python(OFFICIAL, words=words)


@pytest.mark.parametrize("words", [
    "models ls", "datasets ls", "spaces ls", "models ls --search none", "models info alice/m", "datasets info alice/d",
    "spaces info alice/s", "models info alice/m --expand tags,likes", "models ls alice/m", "models ls alice/m -R",
    "discussions ls alice/m", "discussions ls alice/m --status all", "discussions ls alice/m --status closed",
    "discussions ls alice/m --status merged", "discussions ls alice/m --status draft", "discussions info alice/m 1",
    "discussions info alice/m 2", "discussions info alice/m 3", "discussions info alice/m 4", "discussions diff alice/m 2",
    "discussions diff alice/m 1", "collections ls --owner alice", "collections ls --owner nobody", "collections info SLUG",
    "webhooks ls", "webhooks info HOOK", "repos ls", "repos ls --namespace acme", "repos tag ls alice/m",
    "repos tag ls datasets/alice/d", "auth token",
    "models card alice/m --text", "models card alice/m --metadata", "spaces card alice/s --metadata",
    "datasets card alice/d --text", "models card alice/m --text --metadata",
])
def test_what_is_read(hf, official, made, words):
    for form in FORMS:
        all_words = [made.get(w, w) for w in words.split()] + [form]
        assert hf(all_words) == official(all_words), all_words


# Done one after the other by each command on repos of its own; '@' is what tells them apart.
DONE = """
repos create alice/x@
repos create alice/x@ --exist-ok
repos create alice/x@
repos create x@d --type dataset --private
repos create x@s --type space --sdk static
repos move alice/x@ acme/x@
repos settings acme/x@ --private
repos settings acme/x@ --gated auto
repos duplicate acme/x@ alice/y@
repos duplicate acme/x@
repos branch create acme/x@ dev
repos branch create acme/x@ dev
repos branch delete acme/x@ dev
repos tag create acme/x@ v1
repos tag create acme/x@ v1
repos tag delete acme/x@ v1 -y
repos tag delete acme/x@ v1 -y
discussions create acme/x@ --title t --body b
discussions create acme/x@ --title t --pr
discussions comment acme/x@ 1 --body c
discussions close acme/x@ 1 -y
discussions reopen acme/x@ 1 -y --comment again
discussions rename acme/x@ 1 new
discussions merge acme/x@ 2 -y
collections create T@
collections create T@ --exists-ok
collections create T@
webhooks create --watch model:alice/m --url https://example.com/@
repos delete acme/x@
repos delete acme/x@ -y
repos delete acme/x@ -y
repos delete acme/x@ -y --missing-ok
models info acme/x@
""".strip().splitlines()


@pytest.mark.parametrize("form", FORMS[1:])  # for people ours prints the value alone, the rest beside it
def test_what_is_done(hf, official, made, form):
    for line in DONE:
        answers = []
        for call, name in ((hf, "ours"), (official, "them")):
            name += form.strip("-")[0]
            code, out = call([*line.replace("@", name).split(), form])
            answers.append([code, re.sub(r"[0-9a-f]{24}", "<id>", out.replace(name, "@"))])
        assert answers[0] == answers[1], line
