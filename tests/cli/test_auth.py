#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Logging in and out: what is written and how, prompts on a terminal, login by a code in the browser."""
import fcntl
import json
import os
import signal
import stat
import subprocess
import time
import unittest

import terminal

WAITING = {"access_token": "hf_browser"}


class Auth(terminal.Case):
    code_lives = 60

    def setUp(self):
        super().setUp()
        self.hf_home = self.home / "hf"
        self.token = self.hf_home / "token"
        self.stored = self.hf_home / "stored_tokens"
        self.env["NO_COLOR"] = "1"
        self.env["GIT_CONFIG_NOSYSTEM"] = "1"

    def accounts(self, script=None):
        words = [terminal.HERE / "accounts.py", "--log", self.work / "log", "--expires", self.code_lives]
        if script is not None:
            (self.work / "script").write_text(json.dumps(script))
            words += ["--script", self.work / "script"]
        self.start(words)

    def login(self, token, *words, code=0, **options):
        done = self.run_hf("auth", "login", "--token", token, *words, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def assert_secret(self, path):
        info = os.lstat(path)
        self.assertTrue(stat.S_ISREG(info.st_mode), path)
        self.assertEqual(stat.S_IMODE(info.st_mode), 0o600, path)

    def nothing_written(self):
        self.assertEqual([p for p in self.home.rglob("*") if p.is_file() and p.suffix != ".lock"], [])

    # ---- --token

    def test_login_writes_what_the_python_client_reads(self):
        self.accounts()
        done = self.login(" hf_good\r\n")
        self.assertEqual(done.stdout, b"")
        self.assertEqual(self.token.read_bytes(), b"hf_good")
        self.assertEqual(self.stored.read_bytes(), b"[ci-write]\nhf_token = hf_good\n\n")
        self.assert_secret(self.token)
        self.assert_secret(self.stored)
        self.assertEqual(stat.S_IMODE(os.stat(self.hf_home).st_mode), 0o700)
        self.assertNotIn(b"hf_good", done.stderr)
        self.assertIn(b"Token is valid (permission: write).", done.stderr)
        self.assertIn(b"The current active token is: `ci-write`", done.stderr)
        self.login("hf_read")
        self.assertEqual(self.stored.read_text(),
                         "[ci-write]\nhf_token = hf_good\n\n[only [read] = ü%d]\nhf_token = hf_read\n\n")
        self.assertEqual(self.token.read_bytes(), b"hf_read")

    def test_wrong_tokens_are_refused_and_nothing_is_written(self):
        self.accounts()
        for token, words in (("hf_bad", b"Invalid username or password."), ("", b"the token is empty"),
                             ("api_org_x", b"You must use your personal account token, not an organization token"),
                             ("hf_\x01", b"a character that no token has"), ("x" * 5000, b"longer than")):
            with self.subTest(token=token[:10]):
                done = self.login(token, code=1)
                self.assertIn(words, done.stderr)
                if token:
                    self.assertNotIn(token.encode(), done.stderr)
                self.nothing_written()

    def test_names_that_an_ini_file_cannot_hold(self):
        self.accounts()
        self.login("hf_odd")
        self.login("hf_default")
        self.assertEqual(self.stored.read_bytes(),
                         b"[DEFAULT token]\nhf_token = hf_default\n\n[line break [2J]\nhf_token = hf_odd\n\n")

    def test_any_umask(self):
        self.accounts()
        for mask in (0o000, 0o777, 0o277):
            with self.subTest(mask=oct(mask)):
                self.login("hf_good", preexec_fn=lambda m=mask: os.umask(m) and None)
                self.assert_secret(self.token)
                self.assert_secret(self.stored)
                self.assertEqual(stat.S_IMODE(os.stat(self.hf_home).st_mode), 0o700)
                self.token.unlink()

    def test_never_readable_by_others_while_it_is_written(self):
        # A watcher looks at every name in the directory as fast as it can, during many logins.
        self.accounts()
        seen = set()
        for _ in range(10):
            p = self.spawn("auth", "login", "--token", "hf_good", preexec_fn=lambda: os.umask(0) and None)
            while p.poll() is None:
                for path in self.hf_home.glob("*"):
                    try:
                        info = os.lstat(path)
                    except FileNotFoundError:
                        continue
                    if not path.name.endswith(".lock"):
                        seen.add(stat.S_IMODE(info.st_mode))
            self.assertEqual(p.wait(), 0)
        self.assertEqual(seen, {0o600})

    def test_links_in_the_way_are_not_followed(self):
        self.accounts()
        self.hf_home.mkdir()
        victim = self.work / "victim"
        for path in (self.token, self.stored):
            victim.write_text("")
            path.symlink_to(victim)
        self.login("hf_good")
        self.assertEqual(victim.read_text(), "")
        self.assert_secret(self.token)
        self.assert_secret(self.stored)
        self.assertEqual(sorted(p.name for p in self.hf_home.iterdir()), ["stored_tokens", "stored_tokens.lock", "token"])

    def test_directories_in_the_way(self):
        self.accounts()
        (self.token / "x").mkdir(parents=True)
        self.login("hf_good", code=1)
        self.assertEqual(sorted(p.name for p in self.hf_home.iterdir() if p.name.endswith(".tmp")), [])

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a file away")
    def test_files_of_others_are_reported(self):
        self.accounts()
        self.login("hf_good")
        os.chown(self.token, 12345, 12345)
        done = self.run_hf("auth", "whoami")
        self.assertIn(b"belongs to another user (id 12345)", done.stderr)
        os.chown(self.token, 0, 0)
        self.assertNotIn(b"Warning", self.run_hf("auth", "whoami").stderr)

    def test_files_that_others_can_read_are_reported(self):
        self.accounts()
        self.login("hf_good")
        self.token.chmod(0o644)
        done = self.run_hf("auth", "whoami", "-q")
        self.assertEqual(done.stdout, b"alice\n")
        self.assertIn(b"can be read by others; run: chmod 600", done.stderr)

    def test_a_broken_file_of_tokens_is_kept_aside(self):
        self.accounts()
        self.hf_home.mkdir()
        for broken in (b"no section\n", b"[a]\nx\n", b"[a]\nhf_token=1\n[a]\nhf_token=2\n", b"[]\n", b"[a]\n\0"):
            with self.subTest(broken=broken):
                self.stored.write_bytes(broken)
                self.assertIn(b"cannot be read", self.login("hf_good").stderr)
                self.assertEqual((self.hf_home / "stored_tokens.broken").read_bytes(), broken)
                self.assertEqual(self.stored.read_bytes(), b"[ci-write]\nhf_token = hf_good\n\n")

    def test_what_configparser_allows_is_read_and_kept(self):
        self.accounts()
        self.hf_home.mkdir()
        self.stored.write_text("# mine\n\n[b] ; x\nHF_Token: hf_read\nnote = two\n  lines\n; no\n"
                               "[a]\nhf_token=hf_other_0123456789\nrefresh_token = r\nexpires_at = 4102444800\n")
        self.login("hf_good")
        self.assertEqual(self.stored.read_text(),
                         "[a]\nhf_token = hf_other_0123456789\nrefresh_token = r\nexpires_at = 4102444800\n\n"
                         "[b]\nhf_token = hf_read\nnote = two\n\tlines\n\n[ci-write]\nhf_token = hf_good\n\n")

    def test_disk_full(self):
        self.accounts()
        self.login("hf_good")
        before = (self.token.read_bytes(), self.stored.read_bytes())
        def no_room():
            import resource
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        self.login("hf_read", code=1, preexec_fn=no_room)
        self.assertEqual((self.token.read_bytes(), self.stored.read_bytes()), before)
        self.assertEqual([p.name for p in self.hf_home.glob("*.tmp")], [])

    def test_two_logins_at_once_lose_nothing(self):
        self.accounts()
        for _ in range(5):
            jobs = [self.spawn("auth", "login", "--token", t) for t in ("hf_good", "hf_read", "hf_odd")]
            for p in jobs:
                self.assertEqual(p.wait(), 0)
            self.assertEqual(self.stored.read_text().count("hf_token"), 3)
            self.stored.unlink()

    # ---- the other commands

    def test_switch_list_token_logout(self):
        self.accounts()
        self.login("hf_good")
        self.login("hf_read")
        out = self.run_hf("auth", "list").stdout.decode().splitlines()
        self.assertEqual([x.rstrip() for x in out], ["  name              token", "- ----------------- -----",
                                                     "  ci-write          ****", "* only [read] = ü%d ****"])
        done = self.run_hf("auth", "switch", "--token-name", "ci-write")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"The current active token is: ci-write", done.stderr)
        self.assertEqual(self.run_hf("auth", "token").stdout, b"hf_good\n")
        self.assertEqual(self.run_hf("auth", "whoami").stdout, b"alice\n")
        self.assertEqual(json.loads(self.run_hf("auth", "whoami", "--json").stdout),
                         {"user": "alice", "orgs": "acme,zoo", "endpoint": self.env["HF_ENDPOINT"]})
        done = self.run_hf("auth", "switch", "--token-name", "none")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"Access token none not found in", done.stderr)
        self.assertEqual(self.run_hf("auth", "token").stdout, b"hf_good\n")
        done = self.run_hf("auth", "logout", "--token-name", "ci-write")
        self.assertIn(b"Active token 'ci-write' has been deleted.", done.stderr)
        self.assertFalse(self.token.exists())
        self.assertNotIn("ci-write", self.stored.read_text())
        self.assertEqual(self.run_hf("auth", "logout").returncode, 0)
        self.nothing_written()
        done = self.run_hf("auth", "logout")
        self.assertEqual((done.returncode, done.stderr), (0, b"Not logged in!\n"))

    def test_not_logged_in(self):
        self.accounts()
        for words in (("auth", "whoami"), ("auth", "token"), ("whoami",)):
            done = self.run_hf(*words)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, b"Error: Not logged in. Run `hf auth login` first.\n")

    def test_the_environment_wins_and_says_so(self):
        self.accounts()
        self.login("hf_good")
        self.env["HF_TOKEN"] = "hf_bad"
        done = self.run_hf("auth", "whoami")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"the token of the environment variable HF_TOKEN is invalid", done.stderr)
        self.assertNotIn(b"hf_bad", done.stderr)
        self.assertIn(b"`HF_TOKEN` is set", self.run_hf("auth", "list").stderr)
        done = self.run_hf("auth", "logout")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"you are still logged in", done.stderr)
        self.assertFalse(self.token.exists())

    def test_offline(self):
        self.env["HF_HUB_OFFLINE"] = "1"
        self.assertIn(b"offline mode is enabled", self.login("hf_good", code=1).stderr)
        self.nothing_written()

    def test_modes_that_cannot_ask(self):
        for mode in ("json", "quiet"):
            done = self.run_hf("auth", "login", "--format", mode)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"is interactive and does not support", done.stderr)
        self.hf_home.mkdir()
        self.stored.write_text("[a]\nhf_token = x\n")
        self.assertIn(b"Use --token-name", self.run_hf("auth", "switch", "-q").stderr)

    # ---- git

    def test_git_credential(self):
        self.accounts()
        done = self.login("hf_good", "--add-to-git-credential")
        self.assertIn(b"git has none", done.stderr)
        (self.home / ".gitconfig").write_text("[credential]\n\thelper = store\n")
        done = self.login("hf_good", "--add-to-git-credential")
        self.assertIn(b"configured git credential helpers (store)", done.stderr)
        kept = self.home / ".git-credentials"
        host = self.env["HF_ENDPOINT"].split("//")[1].replace(":", "%3a")
        self.assertEqual(kept.read_text(), f"http://hf_user:hf_good@{host}\n")
        self.assertEqual(self.run_hf("auth", "logout").returncode, 0)
        self.assertEqual(kept.read_text(), "")
        self.env["PATH"] = str(terminal.BUILD / "bin")  # no git at all
        self.login("hf_good", "--add-to-git-credential")

    # ---- prompts

    def prompt(self, program="hf", choice=b"2\r"):
        t = terminal.Terminal([str(terminal.BUILD / "bin" / program)] + (["auth"] if program == "hf" else []) + ["login"],
                              self.env)
        self.addCleanup(t.close)
        if program == "hf":
            t.wait_for(b"Choice [1]: ")
            t.type(choice)
        t.wait_for(b"(input will not be visible): ")
        self.wait_until(lambda: not t.echoes(), "the echo is off")
        return t

    def test_hidden_prompt(self):
        self.accounts()
        for program in ("hf", "huggingface-cli"):
            with self.subTest(program=program):
                t = self.prompt(program)
                t.type(b"hf_good\n")
                self.assertEqual(t.finish(), 0, t.seen)
                self.assertNotIn(b"hf_good", t.seen)
                self.assertTrue(t.settings_kept())
                self.assertEqual(self.token.read_bytes(), b"hf_good")
                self.token.unlink()

    def test_a_paste_of_several_lines(self):
        self.accounts()
        t = self.prompt()
        t.type(b"  hf_good\r\nrm -rf /\necho no\n")
        self.assertEqual(t.finish(), 0, t.seen)
        self.assertEqual(self.token.read_bytes(), b"hf_good")
        self.assertNotIn(b"rm -rf", t.seen)

    def test_a_wrong_token_at_the_prompt(self):
        self.accounts()
        t = self.prompt()
        t.type(b"hf_wrong\n")
        self.assertEqual(t.finish(), 1)
        self.assertIn(b"Invalid username or password.", t.seen)
        self.assertNotIn(b"hf_wrong", t.seen)
        self.assertTrue(t.settings_kept())
        self.nothing_written()

    def test_ctrl_c_leaves_the_terminal_as_it_was(self):
        self.accounts()
        t = self.prompt()
        t.type(b"hf_half\x03")
        self.assertEqual(t.finish(), 130)
        self.assertTrue(t.settings_kept())
        self.assertNotIn(b"hf_half", t.seen)
        self.nothing_written()
        t = self.prompt()
        t.process.send_signal(signal.SIGTERM)
        self.assertEqual(t.finish(), 143)
        self.assertTrue(t.settings_kept())

    def test_end_of_input(self):
        self.accounts()
        t = self.prompt()
        t.type(b"\x04")
        self.assertEqual(t.finish(), 1)
        self.assertIn(b"Aborted!", t.seen)
        self.assertTrue(t.settings_kept())

    def test_menu(self):
        self.accounts()
        t = self.terminal("auth", "login")
        t.wait_for(b"Choice [1]: ")
        t.type(b"7\r")
        t.wait_for(b"from 1 to 2")
        t.type(b"\x03")
        self.assertEqual(t.finish(), 130)

    def test_already_logged_in(self):
        self.accounts()
        self.login("hf_good")
        done = self.run_hf("auth", "login")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"already logged in", done.stderr)

    # ---- by a code in the browser

    def browser(self, script, *words):
        self.accounts(script)
        return self.run_hf("auth", "login", *words)

    def polls(self):
        return [x for x in (self.work / "log").read_text().splitlines() if "/oauth/token" in x]

    def test_code_is_shown_and_granted(self):
        done = self.browser(["authorization_pending", {"access_token": "hf_browser", "refresh_token": "r_1",
                                                       "expires_in": 3600}])
        self.assertEqual(done.returncode, 0, done.stderr)
        url = self.env["HF_ENDPOINT"]
        self.assertEqual(done.stdout.decode(),
                         f"\n    Open this URL in your browser:\n        {url}/oauth/device\n\n"
                         "    And enter the code: ABCD-EFGH\n\n    Waiting for authorization.\n")
        self.assertEqual(self.token.read_bytes(), b"hf_browser")
        text = self.stored.read_text()
        self.assertRegex(text, r"^\[oauth-alice\]\nhf_token = hf_browser\nrefresh_token = r_1\nexpires_at = \d+\n\n$")
        self.assertAlmostEqual(int(text.split("expires_at = ")[1]), time.time() + 3600, delta=60)
        for secret in (b"hf_browser", b"r_1", b"secret device"):
            self.assertNotIn(secret, done.stdout + done.stderr)
        self.assertEqual(len(self.polls()), 2)

    def test_agents_get_one_line(self):
        done = self.browser([WAITING], "--format", "agent")
        self.assertEqual(len(done.stdout.decode().splitlines()), 2)
        self.assertIn(b"logged in as alice (token saved as 'oauth-alice')", done.stdout)

    def test_denied(self):
        done = self.browser(["access_denied"])
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"Error: Login failed: the authorization was denied", done.stderr)
        self.nothing_written()

    def test_expired(self):
        done = self.browser(["expired_token"])
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"Error: Login failed: the code has expired", done.stderr)

    def test_never_answered(self):
        start = time.monotonic()
        self.code_lives = 4
        done = self.browser([])
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"the code has expired (timeout)", done.stderr)
        self.assertGreater(time.monotonic() - start, 3)
        self.nothing_written()

    def test_another_error(self):
        done = self.browser(["invalid_client"])
        self.assertIn(b"Error: Login failed: the server says 'invalid_client': words", done.stderr)

    def test_slow_down(self):
        start = time.monotonic()
        self.code_lives = 4
        done = self.browser(["slow_down", WAITING])
        # The code lives for 4 s and the server wants 1 + 5 between two questions.
        self.assertEqual(done.returncode, 1)
        self.assertGreater(time.monotonic() - start, 5)
        self.assertEqual(len(self.polls()), 1)

    def test_trouble_does_not_end_it(self):
        done = self.browser([502, "drop", {"nothing": 1}, WAITING])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.token.read_bytes(), b"hf_browser")

    def test_a_granted_token_that_is_none(self):
        for token in ("hf_bad", "x\r\nHost: y", ""):
            with self.subTest(token=token):
                done = self.browser([{"access_token": token}])
                self.assertEqual(done.returncode, 1, done.stderr)
                self.nothing_written()

    # ---- renewal

    def expiring(self, script, left=3600, refresh="r_1"):
        self.accounts(script)
        self.hf_home.mkdir()
        self.token.write_text("hf_good")
        self.stored.write_text(f"[oauth-alice]\nhf_token = hf_good\nrefresh_token = {refresh}\n"
                               f"expires_at = {int(time.time()) + left}\n\n")
        for path in (self.token, self.stored):
            path.chmod(0o600)

    def test_a_token_about_to_expire_is_renewed(self):
        self.expiring([{"access_token": "hf_browser", "refresh_token": "r_2", "expires_in": 864000}])
        done = self.run_hf("auth", "whoami", "-q")
        self.assertEqual((done.returncode, done.stdout), (0, b"alice\n"), done.stderr)
        self.assertEqual(self.token.read_text(), "hf_browser")
        text = self.stored.read_text()
        self.assertIn("hf_token = hf_browser\nrefresh_token = r_2\n", text)
        self.assertAlmostEqual(int(text.split("expires_at = ")[1]), time.time() + 864000, delta=60)
        self.assert_secret(self.token)
        self.assertEqual(self.run_hf("auth", "token").stdout, b"hf_browser\n")
        self.assertEqual(len(self.polls()), 1)

    def test_a_fresh_token_and_offline_ask_nobody(self):
        self.expiring([], left=100000)
        self.assertEqual(self.run_hf("auth", "token").stdout, b"hf_good\n")
        self.assertFalse((self.work / "log").exists())
        self.stored.write_text(self.stored.read_text().replace("expires_at = ", "expires_at = 1\nwas = "))
        self.env["HF_HUB_OFFLINE"] = "1"
        self.assertEqual(self.run_hf("auth", "token").stdout, b"hf_good\n")
        self.assertFalse((self.work / "log").exists())

    def test_a_renewal_that_fails_leaves_the_token(self):
        for script, refresh, words in (([], "revoked", b"run `hf auth login`"), ([502], "r_1", b"could not be renewed"),
                                       ([{"access_token": "a\nb"}], "r_1", b"cannot be one"), (["drop"], "r_1", b"renewed")):
            with self.subTest(script=script):
                self.expiring(script, refresh=refresh)
                before = self.stored.read_bytes()
                done = self.run_hf("auth", "whoami")
                self.assertEqual((done.returncode, done.stdout), (0, b"alice\n"))
                self.assertIn(words, done.stderr)
                self.assertEqual(self.stored.read_bytes(), before)
                self.assertEqual(self.token.read_text(), "hf_good")
                self.setUp()

    def test_two_processes_renew_once(self):
        self.expiring([{"access_token": "hf_browser", "refresh_token": "r_2", "expires_in": 864000}, "invalid_grant"])
        jobs = [self.spawn("auth", "token") for _ in range(6)]
        self.assertEqual({p.communicate()[0] for p in jobs}, {b"hf_browser\n"})
        self.assertEqual(len(self.polls()), 1)

    def test_between_the_two_files_of_a_renewal(self):
        self.expiring([])
        self.stored.write_text(self.stored.read_text().replace("hf_good", "hf_browser"))
        with open(f"{self.stored}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            job = self.spawn("auth", "token")
            with self.assertRaises(subprocess.TimeoutExpired):
                job.wait(1)  # as long as the other process holds the lock
            self.token.write_text("hf_browser")
        self.assertEqual(job.communicate()[0], b"hf_browser\n")
        self.assertFalse((self.work / "log").exists())

    def test_no_such_login(self):
        self.serve({"f": b""})
        done = self.run_hf("auth", "login")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"Error: Login failed: cannot get a code to log in with", done.stderr)

    def test_ctrl_c_while_waiting(self):
        self.accounts([])
        t = self.terminal("auth", "login")
        t.wait_for(b"Choice [1]: ")
        t.type(b"\r")
        t.wait_for(b"authorization.")
        t.type(b"\x03")
        self.assertEqual(t.finish(), 130)
        self.nothing_written()


if __name__ == "__main__":
    terminal.main()
