# SPDX-License-Identifier: Apache-2.0
"""A job of a CI gets its token by what its provider says of it: both clients ask for it alike."""

import json
import time

import pytest
from recorder import Recorder
from support import HF, CallFailed, Python, clean_env, ok, run

WHO = {"type": "user", "name": "robot", "orgs": [], "auth": {"type": "app_token_as_user"}}


@pytest.fixture
def hub():
    recorder = Recorder()
    recorder.answers = [
        ("GET /mint", 200, {"value": "the.id.token"}),
        ("POST /oauth/token", 200, {"access_token": "hf_jwt_1", "token_type": "bearer", "expires_in": 3600}),
        ("GET /api/whoami-v2", 200, WHO),
    ]
    yield recorder
    recorder.close()


@pytest.fixture
def env(hub, home):
    return clean_env(home, HF_ENDPOINT=hub.url, HF_OIDC_RESOURCE="acme/model", HF_TOKEN="hf_other")


def github(env, hub, query="?api-version=2"):
    return env | {"GITHUB_ACTIONS": "true", "ACTIONS_ID_TOKEN_REQUEST_URL": f"{hub.url}/mint{query}",
                  "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-secret"}


def theirs(env):
    client = Python(env)
    try:
        return client("from huggingface_hub import whoami\nresult = whoami()['name']")
    finally:
        client.close()


def asked(hub):
    return [str(a) for a in hub.asked], list(hub.tokens)


def test_an_id_token_that_is_given(hub, env):
    env = env | {"HF_OIDC_ID_TOKEN": "given.id.token"}
    assert theirs(env) == "robot"
    expected = asked(hub)
    hub.clear()
    assert ok(run([HF, "auth", "whoami", "-q"], env)).out == "robot\n"
    assert asked(hub) == expected
    assert hub.tokens == [None, "Bearer hf_jwt_1"]
    assert json.loads(hub.asked[0].body)["subject_token"] == "given.id.token"


def test_github_actions(hub, env):
    """The query of its URL stays; the official client drops it."""
    env = github(env, hub)
    assert theirs(github(env, hub, "")) == "robot"
    expected = asked(hub)
    hub.clear()
    assert ok(run([HF, "auth", "whoami", "-q"], github(env, hub, ""))).out == "robot\n"
    assert asked(hub) == expected
    assert hub.tokens == ["Bearer request-secret", None, "Bearer hf_jwt_1"]
    hub.clear()
    ok(run([HF, "auth", "whoami", "-q"], env))
    assert hub.asked[0].query == (("api-version", "2"), ("audience", hub.url))


@pytest.mark.parametrize("more, answers, says", [
    ({}, [], "HF_OIDC_ID_TOKEN is not set"),
    ({"GITHUB_ACTIONS": "true"}, [], "id-token: write"),
    ({"HF_OIDC_ID_TOKEN": "given.id.token"}, [("POST /oauth/token", 400, {"error": "invalid_grant",
                                                                         "error_description": "not given.id.token"})],
     "OIDC exchange failed: HTTP 400, invalid_grant: not"),
    ({"HF_OIDC_ID_TOKEN": "given.id.token"}, [("POST /oauth/token", 200, {})], "holds no token"),
    ({"HF_OIDC_ID_TOKEN": "given.id.token"}, [("POST /oauth/token", 200, b"<html>")], "web page"),
    ({"HF_OIDC_ID_TOKEN": "given.id.token"}, [("POST /oauth/token", 200, {"access_token": "a\r\nb: c d"})], "no token has"),
])
def test_what_goes_wrong_is_no_reason_to_use_another_token(hub, env, more, answers, says):
    hub.answers = answers + hub.answers
    env = env | more
    result = run([HF, "auth", "whoami"], env)
    assert result.code == 1 and says in result.err and len(result.err.splitlines()) == 1, result.err
    assert "given.id.token" not in result.err and "Bearer hf_other" not in hub.tokens
    with pytest.raises(CallFailed):
        theirs(env)


def test_a_long_walk_gets_another_token(hub, env):
    """The token lives for a second; every page comes a little later."""
    def page(url, query):
        time.sleep(0.6)
        at = int(query.rpartition("=")[2] or 0) if "cursor" in query else 0
        return {"Link": f'<{url}/api/models?cursor={at + 1}>; rel="next"'} if at < 4 else {}

    given = iter(range(100))
    hub.answers = [("POST /oauth/token", 200, lambda *_: {"access_token": f"hf_jwt_{next(given)}", "expires_in": 1}),
                   ("GET /api/models", 200, [{"id": "a/b"}], page)] + hub.answers
    assert len(ok(run([HF, "models", "ls", "--limit", "0", "-q"], github(env, hub))).out.split()) == 5
    used = [t for t in hub.tokens if t and "hf_jwt" in t]
    assert len(used) == 5 and len(set(used)) > 1 and used == sorted(used)
