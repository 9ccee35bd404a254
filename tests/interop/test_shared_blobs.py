# SPDX-License-Identifier: Apache-2.0
"""Blobs that release 2 of the Python client keeps once for all repos, in <cache>/blobs.

A repo's blob is then a link to <cache>/blobs/<2 hex>/<xet hash>, a read-only file that other repos
link to. The client's own functions put the blobs there; ours must read them, and never damage them.
"""

import stat
from pathlib import Path

import pytest
from served import FILES, ID
from support import HF, PUBLISH, clean_env, disk, files_below, ok, run
from tinyhub import sha256

MODEL = "model.safetensors"


@pytest.fixture
def cache(home):
    return home / "hf" / "hub"


@pytest.fixture
def shared(python, cache):
    """A cache whose large blobs are all in the store, as Python left it; their places by etag."""
    probe = python("import importlib.util\n"
                   "result = importlib.util.find_spec('huggingface_hub.utils._shared_blobs') is not None")
    if not probe:
        pytest.skip("this release of the Python client keeps no shared blobs")
    python.snapshot(ID, cache_dir=cache)
    places = python(PUBLISH, cache=cache)
    assert len(places) >= 4
    assert all((cache / "models--acme--every-thing_1.0" / "blobs" / etag).is_symlink() for etag in places)
    return {etag: Path(place) for etag, place in places.items()}


def untouched(shared):
    """Every file of the store: the same bytes, still read-only."""
    for etag, place in shared.items():
        assert not place.is_symlink() and stat.S_IMODE(place.stat().st_mode) & 0o222 == 0, place
        assert sha256(place.read_bytes()) == etag


def test_what_python_shares_hf_reads(served, shared, python, hf, cache, made):
    before, scan = disk(cache), python.scan(cache)
    mark = served.mark()
    path = ok(hf("download", "-q", ID)).line
    for name in [MODEL, "weights/part 1#2.bin"]:
        assert Path(ok(hf("download", "-q", ID, name)).line).read_bytes() == FILES[name]
        ok(hf("download", "-q", ID, name, "--revision", made["model main"], HF_HUB_OFFLINE="1"))
    assert served.bodies(mark) == []
    assert disk(cache) == before and python.scan(cache) == scan
    assert {n: b for n, b in files_below(Path(path)).items() if n in FILES} == FILES
    untouched(shared)


def test_another_revision_links_the_shared_blob(served, shared, python, hf, cache):
    mark = served.mark()
    path = ok(hf("download", "-q", ID, "--revision", "dev/feature")).line
    assert [s.path.rsplit("/", 1)[-1] for s in served.bodies(mark)] == ["feature.txt"]
    assert (Path(path) / MODEL).read_bytes() == FILES[MODEL]
    assert python.snapshot(ID, revision="dev/feature", cache_dir=cache, local_files_only=True) == path
    assert python.scan(cache)["warnings"] == []
    untouched(shared)


def test_force_does_not_write_through_the_link(served, shared, python, hf, cache):
    path = ok(hf("download", "-q", ID, MODEL, "--force-download")).line
    assert Path(path).read_bytes() == FILES[MODEL]
    untouched(shared)
    assert python.scan(cache)["warnings"] == []
    assert python.download(ID, MODEL, cache_dir=cache, local_files_only=True) == path


def test_where_no_link_can_be_made_the_shared_blob_is_copied_not_moved(served, shared, python, hf, cache):
    mark = served.mark()
    path = Path(ok(hf("download", "-q", ID, "--revision", "dev/feature", HF_HUB_DISABLE_SYMLINKS="1")).line)
    assert len(served.bodies(mark)) == 1
    assert not (path / MODEL).is_symlink() and (path / MODEL).read_bytes() == FILES[MODEL]
    untouched(shared)
    assert python.scan(cache)["warnings"] == []


def test_local_dir_is_filled_from_the_shared_blob(served, shared, hf, home):
    mark = served.mark()
    local = home / "model"
    ok(hf("download", "-q", ID, "--local-dir", local))
    assert served.bodies(mark) == []
    got = files_below(local)
    assert {n: b for n, b in got.items() if n in FILES} == FILES
    assert not (local / MODEL).is_symlink()
    (local / MODEL).write_bytes(b"mine to change")
    untouched(shared)


def test_another_repo_keeps_a_blob_of_its_own(served, shared, python, hf, cache):
    """Ours knows nothing of Xet hashes yet: it fetches, and leaves the store alone."""
    path = ok(hf("download", "-q", f"datasets/{ID}", MODEL)).line
    assert Path(path).read_bytes() == FILES[MODEL]
    untouched(shared)
    assert python.scan(cache)["warnings"] == []


def test_python_cleans_up_after_both(served, shared, python, hf, cache):
    """What ours added does not keep Python's deletion from finding every byte."""
    ok(hf("download", "-q", ID, "--revision", "dev/feature"))
    freed = python("from huggingface_hub import scan_cache_dir\n"
                   "info = scan_cache_dir(cache)\n"
                   "plan = info.delete_revisions(*[r.commit_hash for repo in info.repos for r in repo.revisions])\n"
                   "plan.execute()\nresult = plan.expected_freed_size", cache=cache)
    assert freed > 4_500_000
    assert not [p for p in disk(cache) if p.startswith("models--")]
    assert not [place for place in shared.values() if place.exists()]


def test_a_store_entry_that_is_gone_is_fetched_again(served, shared, python, hf, cache):
    place = shared[sha256(FILES[MODEL])]
    place.unlink()
    path = ok(hf("download", "-q", ID, MODEL)).line
    assert Path(path).read_bytes() == FILES[MODEL]
    assert python.scan(cache)["warnings"] == []


def test_a_store_that_leads_out_of_the_cache_is_not_followed(served, shared, hf, cache, tmp_path):
    """A link planted in place of the store's file."""
    place = shared[sha256(FILES[MODEL])]
    outside = tmp_path / "outside"
    outside.write_bytes(b"x" * len(FILES[MODEL]))
    place.unlink()
    place.symlink_to(outside)
    path = ok(hf("download", "-q", ID, MODEL)).line
    assert Path(path).read_bytes() == FILES[MODEL]
    assert outside.read_bytes() == b"x" * len(FILES[MODEL])


def test_twenty_at_once_on_a_shared_cache(served, shared, cache, home):
    from support import finish, start

    mark = served.mark()
    env = clean_env(home, HF_ENDPOINT=served.url)
    paths = {ok(finish(p)).line for p in [start([HF, "download", "-q", ID], env) for _ in range(20)]}
    assert len(paths) == 1 and served.bodies(mark) == []
    untouched(shared)
    assert run([HF, "download", "-q", ID], {**env, "HF_HUB_OFFLINE": "1"}).line in paths
