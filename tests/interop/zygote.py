# SPDX-License-Identifier: Apache-2.0
"""Runs calls of the official client, each in a process of its own that did not have to import it.

Importing huggingface_hub takes most of a second. This imports it once and forks for every call that
comes as a line of JSON on stdin, so that calls share nothing but the import.
"""

import importlib
import json
import os
import sys
import traceback

import huggingface_hub  # noqa: F401
from huggingface_hub import (  # noqa: F401  loads what is imported lazily
    HfApi,
    hf_hub_download,
    scan_cache_dir,
    snapshot_download,
    try_to_load_from_cache,
)


for name in os.environ.get("ZYGOTE_IMPORTS", "").split():
    importlib.import_module(name)


def answer(request):
    scope = dict(request["args"])
    try:
        exec(request["code"], scope)  # noqa: S102
        return {"ok": scope.get("result")}
    except BaseException as error:  # noqa: BLE001
        return {"error": type(error).__name__, "text": str(error), "trace": traceback.format_exc(),
                "family": [c.__name__ for c in type(error).__mro__]}


def main():
    out = os.dup(1)
    os.dup2(2, 1)  # what the client prints is not an answer
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.write(out, (json.dumps(answer(json.loads(line)), default=str) + "\n").encode())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            os.write(out, (json.dumps({"error": "Crash", "text": f"status {status}"}) + "\n").encode())


main()
