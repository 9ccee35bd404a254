#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Completion: the shells themselves are made to complete, by the script that the command prints."""
import shutil
import subprocess
import unittest

import terminal


class Shell(terminal.Terminal):
    def ask(self, line, expect):
        """Types a line and TAB, waits for the completed text, then throws the line away."""
        at = len(self.seen)
        self.type(line.encode() + b"\t")
        self.wait_for(expect.encode(), at, drop=b"\x07")
        self.type(b"\x15")  # Ctrl-U
        self.read(0.2)


class Completion(terminal.Case):
    def offers(self, line, at, shell="bash"):
        env = self.env | {"_HF_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": str(at)}
        done = subprocess.run([terminal.HF], env=env, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.splitlines()

    def shell(self, *argv, **env):
        t = Shell(list(argv), self.env | {"PS1": "> "} | env, cwd=self.work, columns=200)
        self.addCleanup(t.close)
        return t

    def ask_all(self, t):
        (self.work / "out folder").mkdir()
        t.ask("hf downl", "hf download ")
        t.ask("hf download --rev", "--revision ")
        t.ask("hf download --no-f", "--no-force-download ")
        t.ask("hf download --type d", "--type dataset ")
        t.ask("hf download a/b --format js", "--format json ")
        t.ask("hf completion f", "completion fish ")
        t.ask("hf download a/b --local-dir out", "out\\ folder/")
        t.ask("huggingface-cli downl", "huggingface-cli download ")

    def test_bash_completes(self):
        t = self.shell("bash", "--norc", "--noprofile", "-i")
        t.wait_for(b"> ")
        t.type(b'eval "$(hf completion bash)"; bind "set enable-bracketed-paste off"; echo rea""dy\n')
        t.wait_for(b"ready")
        self.ask_all(t)
        t.ask("hf download --format=js", "--format=json ")

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_completes(self):
        t = self.shell("zsh", "-f", "-i", TERM="dumb")
        t.type(b'autoload -U compinit && compinit -u -d "$HOME/dump"; eval "$(hf completion zsh)"; echo rea""dy\n')
        t.wait_for(b"ready")
        self.ask_all(t)

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish_completes(self):
        def ask(line):
            done = subprocess.run(["fish", "--no-config", "-c", "hf completion fish | source; complete -C $argv[1]", line],
                                  env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                  cwd=self.work, check=True)
            return [x.split("\t")[0] for x in done.stdout.splitlines()]
        (self.work / "out folder").mkdir()
        self.assertEqual(ask("hf downl"), ["download"])
        self.assertEqual(ask("hf download --rev"), ["--revision"])
        self.assertEqual(ask("hf download --type d"), ["dataset"])
        self.assertEqual(ask("hf download a/b --format js"), ["json"])
        self.assertEqual(ask("hf download a/b --local-dir out"), ["out folder/"])
        self.assertEqual(ask("huggingface-cli downl"), ["download"])

    def test_protocol_of_the_official_scripts(self):
        self.assertEqual(self.offers("hf downl", 1), ["plain,download"])
        self.assertEqual(self.offers("hf downl", 1, "zsh")[:2], ["plain", "download"])
        self.assertTrue(self.offers("hf downl", "downl", "fish")[0].startswith("plain,download\t"))
        self.assertIn("plain,--revision", self.offers("hf download --", 2))
        self.assertEqual(self.offers("hf download --local-dir ", 3), ["dir,"])
        self.assertEqual(self.offers("hf download 'a b' --type ", 4),
                         ["plain,model", "plain,dataset", "plain,space", "plain,kernel"])
        self.assertEqual(self.offers("hf download --format = ", 4)[0], "plain,auto")
        self.assertIn("plain,download", self.offers("hf nothing ", 2))
        self.assertEqual(self.offers('hf "open quote', 1), [])
        self.offers("x " * 5000, 4999)

    def test_asking_makes_no_request_and_reads_no_token(self):
        self.env |= {"HF_TOKEN_PATH": str(self.work), "HF_ENDPOINT": "broken"}
        self.assertEqual(self.offers("hf downl", 1), ["plain,download"])

    def test_install_adds_one_line(self):
        self.env["SHELL"] = "/bin/bash"
        (self.home / ".bashrc").write_text("# mine")
        for _ in range(2):
            self.assertEqual(self.run_hf("--install-completion").returncode, 0)
        self.assertEqual((self.home / ".bashrc").read_text(),
                         '# mine\neval "$(_HF_COMPLETE=bash_source hf)"\n')
        self.env["SHELL"] = "/usr/bin/fish"
        self.assertEqual(self.run_hf("--install-completion").returncode, 0)
        self.assertEqual((self.home / ".config/fish/completions/hf.fish").read_bytes(),
                         self.run_hf("completion", "fish").stdout)
        self.assertEqual(self.run_hf("--show-completion").stdout, self.run_hf("completion", "fish").stdout)
        self.env["SHELL"] = "/bin/ksh"
        self.assertEqual(self.run_hf("--install-completion").returncode, 2)


if __name__ == "__main__":
    terminal.main()
