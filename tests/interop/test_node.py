# SPDX-License-Identifier: Apache-2.0
"""The official JavaScript client, @huggingface/hub, against hf-serve; and its cache, which is ours too.

It does not escape file names in URLs (seen in 2.17.5), so `#`, `%` and `?` are left out here, and
asks for the first byte of an empty file, which is refused by rule (416). Its downloadFileToCacheDir
files a file under the last commit that changed it; in a repo with one commit that is the commit.
"""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from served import FILES, ID, PLAIN, TYPES
from support import BUILD, clean_env, disk, files_below, ok, run

PLAIN_ID = "acme/plain"
PACKAGE = "@huggingface/hub"


@pytest.fixture(scope="module")
def packages():
    """A folder with the client in its node_modules, below the build folder."""
    folder = BUILD / "interop-node"

    def lacking(why):
        if os.environ.get("HFHUB_REQUIRE_INTEROP") == "1":
            pytest.fail(why)
        pytest.skip(why)

    if not shutil.which("node") or not shutil.which("npm"):
        lacking("no node and npm here (tools/setup interop)")
    if not (folder / "node_modules" / PACKAGE).exists():
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        result = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", PACKAGE], cwd=folder,
                                capture_output=True, text=True)
        if result.returncode:
            lacking(f"{PACKAGE} cannot be had: {result.stderr[-300:]}")
    return folder


@pytest.fixture
def node(packages, served, home):
    """Runs JavaScript with the client as `hub`; what it leaves in `result` comes back."""

    def call(code, **args):
        script = packages / f"call-{os.getpid()}.mjs"
        script.write_text(
            f"import * as hub from '{PACKAGE}';\n"
            f"const args = {json.dumps(args)}; const hubUrl = {json.dumps(served.url)}; let result;\n"
            "const all = async (walk) => { const list = []; for await (const x of walk) list.push(x); return list; };\n"
            "const failed = async (promise) => { try { await promise; return null; } catch (e) {"
            " return {status: e.statusCode, text: String(e.message)}; } };\n"
            f"{code}\nconsole.log(JSON.stringify(result));\n")
        try:
            return json.loads(ok(run(["node", script], clean_env(home))).out.splitlines()[-1])
        finally:
            script.unlink()

    return call


@pytest.mark.parametrize("kind", TYPES)
def test_list_and_download_every_file(node, kind):
    got = node("""
        const repo = {type: args.kind, name: args.id};
        const list = (await all(hub.listFiles({repo, recursive: true, hubUrl}))).filter(f => f.type === 'file');
        result = {};
        for (const file of list) {
            const blob = await hub.downloadFile({repo, path: file.path, hubUrl, xet: false});
            result[file.path] = Buffer.from(await blob.arrayBuffer()).toString('base64');
        }""", kind=kind, id=PLAIN_ID)
    assert {name: base64.b64decode(got[name]) for name in PLAIN} == PLAIN


def test_ranges_and_information(node, made):
    got = node("""
        const repo = args.id;
        const blob = await hub.downloadFile({repo, path: 'model.safetensors', hubUrl, xet: false});
        const part = await blob.slice(1000000, 1000100).arrayBuffer();
        const info = await hub.fileDownloadInfo({repo, path: 'model.safetensors', hubUrl});
        const paths = await hub.pathsInfo({repo, paths: ['config.json', 'no'], hubUrl});
        const model = await hub.modelInfo({name: args.id, hubUrl, additionalFields: ['sha']});
        result = {part: Buffer.from(part).toString('hex'), size: info.size, etag: info.etag,
                  paths: paths.map(p => [p.path, p.size]), sha: model.sha, name: model.name,
                  missing: await hub.fileExists({repo, path: 'no', hubUrl}),
                  there: await hub.fileExists({repo, path: 'with space.txt', hubUrl}),
                  commits: (await all(hub.listCommits({repo, hubUrl}))).map(c => c.oid)};""", id=ID)
    body = FILES["model.safetensors"]
    assert got["part"] == body[1_000_000:1_000_100].hex() and got["size"] == len(body)
    assert got["paths"] == [["config.json", len(FILES["config.json"])]]
    assert (got["sha"], got["name"], got["missing"], got["there"]) == (made["model main"], ID, False, True)
    assert got["commits"][0] == made["model main"]


def test_a_listing_of_several_pages(node):
    assert node("const files = await all(hub.listFiles({repo: 'datasets/acme/many', recursive: true, hubUrl}));\n"
                "result = files.filter(f => f.type === 'file' && f.path.startsWith('data/')).length;") == 1500


def test_refusals_and_tokens(node, made):
    got = node("""
        result = {
            none: await failed(hub.modelInfo({name: 'acme/none', hubUrl})),
            secret: await failed(hub.downloadFile({repo: 'acme/secret', path: 'config.json', hubUrl, xet: false})),
            revision: await failed(all(hub.listFiles({repo: args.id, revision: 'v9', hubUrl}))),
            member: await (await hub.downloadFile({repo: 'acme/secret', path: 'config.json', hubUrl, xet: false,
                                                   accessToken: args.token})).text(),
            who: (await hub.whoAmI({accessToken: args.token, hubUrl})).name };""", id=ID, token=made["member"])
    assert got["none"]["status"] == 401 and got["secret"]["status"] == 401 and got["revision"]["status"] == 404
    assert got["member"] == "{}\n" and got["who"] == "member"


def test_what_javascript_cached_hf_finds(node, served, python, hf, home):
    """Its snapshot is read without fetching a body, and stays what it was."""
    cache = home / "hf" / "hub"
    path = node("result = await hub.snapshotDownload({repo: args.id, cacheDir: args.cache, hubUrl});",
                id=PLAIN_ID, cache=str(cache))
    before = files_below(Path(path))
    mark = served.mark()
    assert ok(hf("download", "-q", PLAIN_ID)).line == path
    assert [s.path for s in served.bodies(mark)] == []
    assert files_below(Path(path)) == before
    assert {n: b for n, b in before.items() if n in PLAIN} == PLAIN
    assert python.scan(cache)["warnings"] == []


def test_what_hf_cached_javascript_finds(node, served, hf, home):
    cache = home / "hf" / "hub"
    path = ok(hf("download", "-q", PLAIN_ID)).line
    before = disk(cache)
    mark = served.mark()
    got = node("result = await hub.downloadFileToCacheDir({repo: args.id, path: 'model.safetensors', "
               "cacheDir: args.cache, hubUrl});", id=PLAIN_ID, cache=str(cache))
    assert got == f"{path}/model.safetensors"
    assert [s for s in served.bodies(mark) if s.bytes > 1] == []
    assert {n: v for n, v in disk(cache).items() if n in before} == before
