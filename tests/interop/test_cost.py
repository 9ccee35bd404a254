# SPDX-License-Identifier: Apache-2.0
"""What the command costs beside an empty C program."""

import pytest
from support import BUILD, HF, SANITIZED, clean_env, ok, peak_of
from tinyhub import TinyHub

EMPTY = BUILD / "tests" / "interop_empty"
pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer's own memory and time are no measure")


def best(args, env, runs=25):
    """The least of several runs: what others do on the machine only adds."""
    results = [ok(peak_of(args, env)) for _ in range(runs)]
    return min(r.peak_kib for r in results), min(r.micros for r in results)


@pytest.mark.parametrize("what", ["version", "help", "cached file", "cached snapshot"])
def test_start_up_beside_an_empty_program(home, what):
    """Under 3 ms and 4 MB above it: no transport is loaded for what needs none."""
    env = clean_env(home)
    with TinyHub({"config.json": b"{}\n", "model.bin": b"w" * 1000}, lfs={"model.bin"}) as hub:
        env["HF_ENDPOINT"] = hub.url
        ok(peak_of([HF, "download", "-q", hub.repo], env))
        args = {
            "version": ["version"],
            "help": ["--help"],
            "cached file": ["download", "-q", hub.repo, "config.json", "--revision", hub.commit],
            "cached snapshot": ["download", "-q", hub.repo, "--revision", hub.commit],
        }[what]
        hub.seen.clear()
        peak, micros = best([HF, *args], env)
        assert hub.seen == []
    empty_peak, empty_micros = best([EMPTY], env)
    print(f"{what}: {micros - empty_micros} us and {peak - empty_peak} KiB above an empty program")
    assert peak - empty_peak < 4000, "KiB"
    assert micros - empty_micros < 3000, "us"


def test_a_large_listing_stays_small(home):
    """100 000 files: the listing is read page by page, and what is kept of it is small."""
    from tinyhub import git_sha1

    with TinyHub({"README.md": b"x"}) as hub:
        oid = git_sha1(b"")
        hub.listing = [hub.entry("README.md")] + [
            {"type": "file", "oid": oid, "size": 0, "path": f"data/{i // 1000:03}/{i:06}.txt"} for i in range(100_000)]
        result = ok(peak_of([HF, "download", "-q", hub.repo, "--include", "README.md"],
                            clean_env(home, HF_ENDPOINT=hub.url)))
    print(f"100 000 files in {result.micros / 1e6:.1f} s, peak {result.peak_kib} KiB")
    assert result.peak_kib * 1024 < 128_000_000
