# SPDX-License-Identifier: Apache-2.0
"""What bench/table and bench/upload share: contenders that run in turn, their tables, the machine."""
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SLOW_ROUNDS = 2 # of peers that take their time
OURS = "hf (this project)"
OFFICIAL = "official Python client"


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Contender:
    """One way to get it: argv(dest) is run with `dest` fresh, unless `keep`."""

    def __init__(self, name, argv, slow=False, check=None, keep=None, before=None):
        self.name, self.argv, self.slow, self.check, self.keep, self.before = name, argv, slow, check, keep, before
        self.wall, self.cpu, self.memory = [], [], []

    def median(self):
        return statistics.median(self.wall)


class Bench:
    def __init__(self, args, work, tools, mark="measured"):
        """mark: of the place in a document where the tables go."""
        self.args, self.work, self.tools, self.mark = args, work, tools, mark
        self.out = []
        self.base = {"PATH": os.environ["PATH"], "HOME": str(work), "HF_HUB_DISABLE_PROGRESS_BARS": "1", "LC_ALL": "C",
                     "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1", "HF_HUB_DISABLE_XET": "1"}

    def wants(self, word):
        return not self.args.only or any(o in word for o in self.args.only)

    def skip_line(self):
        text = "SKIPPED: cases on a line; network namespaces or TUN devices cannot be made here (root is needed)"
        if text not in self.out:
            self.add([text, ""])
            say(text)

    def run_once(self, c, face, dest, inside):
        if c.before:
            c.before()
        if not c.keep:
            shutil.rmtree(dest, ignore_errors=True)
            dest.mkdir(parents=True)
        target = c.keep or dest
        env = self.base | face.environment() | {"HF_HOME": str(target)}
        done = subprocess.run([*inside, str(self.tools / "spawn"), "1", *map(str, c.argv(target))], env=env, cwd=self.work,
                              stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            say(f"'{c.name}' failed and is left out")
            return False
        us, kb, cpu = map(int, done.stdout.split())
        if c.check and not c.check(target):
            sys.exit(f"bench: what '{c.name}' left is not what it was given")
        c.wall.append(us / 1e6)
        c.memory.append(kb)
        c.cpu.append(cpu / 1e6)
        if not c.keep:
            shutil.rmtree(dest)
        return True

    def case(self, title, face, contenders, targets, where=None, inside=(), rounds=None):
        """targets: pairs of a text and a function from {name: Contender} to (value, bound, the bound is a maximum)."""
        say(title)
        dest = (where or self.work) / "dest"
        rounds = rounds or self.args.rounds
        lost = set()
        for i in range(rounds):
            for c in contenders:
                if c.name not in lost and not (c.slow and i >= SLOW_ROUNDS) and not self.run_once(c, face, dest, inside):
                    lost.add(c.name)
        done = {c.name: c for c in contenders if c.wall and c.name not in lost}
        lines = [f"### {title}", "", "| | wall s | least–most | CPU s | memory MB | runs |", "|---|--:|--:|--:|--:|--:|"]
        for c in done.values():
            lines.append(f"| {c.name} | {c.median():.3f} | {min(c.wall):.3f}–{max(c.wall):.3f} | "
                         f"{statistics.median(c.cpu):.3f} | {max(c.memory) / 1000:.1f} | {len(c.wall)} |")
        lines.append("")
        for text, function in targets:
            try:
                value, bound, most = function(done)
            except (KeyError, ValueError):
                lines.append(f"- {text}: not measured, a peer is missing")
                continue
            met = value <= bound if most else value >= bound
            lines.append(f"- {text}: **{value:.2f}** ({'at most' if most else 'at least'} {bound:g}): "
                         f"{'reached' if met else '**missed**'}")
        lines.append("")
        print("\n".join(lines), flush=True)
        self.add(lines)
        return done

    def add(self, lines):
        """What was measured so far is kept, also when the rest is not waited for."""
        self.out += lines
        if self.args.update:
            update(self.args.update, self.mark, self.out)


def tool(program, name, argv, **kw):
    return [Contender(name, argv, **kw)] if shutil.which(program) else []


def machine(*more):
    """One line on where this is measured; more: names and versions besides those of the tools here."""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1))
    versions = []
    for program, option in (("nginx", "-v"), ("curl", "--version"), ("aria2c", "--version"), ("wget2", "--version"),
                            ("node", "--version")):
        if shutil.which(program):
            text = subprocess.run([program, option], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
            versions.append(f"{program} {re.search(r'[0-9]+[.][0-9.]+', text).group(0)}")
    load = os.getloadavg()[0]
    return (f"{os.cpu_count()} cores of {cpu.group(1) if cpu else platform.machine()}, {memory / 1e6:.0f} GB of memory, "
            f"Linux {platform.release().split('-')[0]}; {', '.join([*versions, *more])}. Load when it began: {load:.1f}.")


def build_tools(tools):
    tools.mkdir()
    for name, libs in (("spawn", []), ("floor", ["-lcrypto", "-lpthread"]), ("floor_up", ["-lcrypto", "-lpthread"]), ("link", [])):
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", str(tools / name), str(HERE / f"{name}.c"), *libs], check=True)


def javascript_client(folder, work):
    """A folder with the client and peer.mjs; None when there is no node."""
    folder = (folder or work / "js").resolve()
    folder.mkdir(exist_ok=True)
    if not shutil.which("node"):
        return None
    if not (folder / "node_modules").exists():
        if not shutil.which("npm") or subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund",
                                                      "@huggingface/hub"], cwd=folder).returncode != 0:
            say("npm could not install @huggingface/hub, which is left out")
            return None
    shutil.copy(HERE / "peer.mjs", folder)
    return folder


def make_file(path, size):
    with open(path, "wb") as f:
        for _ in range(size >> 20):
            f.write(os.urandom(1 << 20))
    return subprocess.run(["openssl", "dgst", "-sha256", "-r", str(path)], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.split()[0]


def update(path, mark, lines):
    """Sections of the same title are replaced, others stay: a part can be measured again by --only."""
    text = path.read_text()
    first, last = (f"<!-- {mark}: {word} -->" for word in ("begin", "end"))
    begin, end = text.index(first) + len(first), text.index(last)
    sections = {}
    for section in re.split(r"(?m)^(?=### )", text[begin:end]) + re.split(r"(?m)^(?=### )", "\n".join(lines)):
        if section.strip():
            sections[section.splitlines()[0] if section.startswith("###") else ""] = section.strip() + "\n\n"
    path.write_text(text[:begin] + "\n" + "".join(sections.values()) + text[end:])
