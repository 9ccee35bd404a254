"""What every lint needs: the files of the tree, C with its comments blanked, the functions of a file."""
import os
import re
import sys

SKIP_DIRS = re.compile(r"^(\.git|\.venv|build|build-.*|__pycache__|\.pytest_cache)$")


def files(root, *endings):
    """Paths below root, relative and sorted; build folders and the like left out."""
    found = []
    for where, dirs, names in os.walk(root):
        dirs[:] = [d for d in dirs if not SKIP_DIRS.match(d)]
        for name in names:
            if not endings or name.endswith(endings):
                found.append(os.path.relpath(os.path.join(where, name), root))
    return sorted(found)


def c_files(root):
    return files(root, ".c", ".h")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def blank(text, strings=True):
    """text with comments, and strings unless told otherwise, replaced by blanks; lines stay where they are."""

    def replace(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] + " " * (len(token) - 2) + token[-1] if strings else token
        return re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(replace, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def functions(text):
    """(name, line, length in lines) of each function; relies on the brace style that clang-format keeps."""
    lines = blank(text).split("\n")
    found = []
    start = None
    for i, line in enumerate(lines):
        if line == "{":
            start = i
        elif line == "}" and start is not None:
            head = start - 1
            while head > 0 and lines[head - 1] and lines[head - 1][-1] not in ";}{" and lines[head - 1][0] != "#":
                head -= 1
            name = re.search(r"(\w+)\s*\(", " ".join(lines[head:start]))
            found.append((name.group(1) if name else "?", head + 1, i - head + 1))
            start = None
    return found


def allowed(name):
    """The lines of tests/lint/<name>.allow, without comments."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".allow")
    if not os.path.exists(path):
        return []
    return [line.split("#")[0].strip() for line in read(path).split("\n") if line.split("#")[0].strip()]


def main(check):
    """Runs check(*arguments) -> problems; prints them and exits 1 when there are any."""
    problems = check(*sys.argv[1:])
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} problem(s)")
    sys.exit(1 if problems else 0)
