# SPDX-License-Identifier: Apache-2.0
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402


@pytest.fixture
def home(tmp_path):
    """HOME of a program under test, empty."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind():
    """No test may leave a file in the HOME of whoever runs it."""
    cache = Path(os.path.expanduser("~/.cache/huggingface"))
    before = sorted(cache.rglob("*")) if cache.exists() else None
    yield
    after = sorted(cache.rglob("*")) if cache.exists() else None
    assert before == after, "a test wrote to the user's own cache"


def pytest_configure(config):
    assert support.HF.exists(), f"{support.HF} is not built"
