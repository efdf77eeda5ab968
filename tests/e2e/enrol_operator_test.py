"""enrol_operator_test.py: who runs the enrolment server, and wrong use of its commands.

Attack M6. usage: enrol_operator_test.py RELOAD RELOAD-ENROLLD
SPDX-License-Identifier: BSD-2-Clause
"""
import json
import os
import re
import socket
import unittest

from enrolment_office import OVERLAY, PROGRAMS, Office, main, run


class Operator(unittest.TestCase):
    """Wrong use: one line that says what, where and what to do; exit code not 0."""

    def setUp(self):
        self.office = Office(PROGRAMS.enrolld)
        self.addCleanup(self.office.stop)

    def assert_says(self, done, *said):
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for text in said:
            self.assertIn(text, done.stderr)

    def serve(self):
        return run(PROGRAMS.enrolld, "serve", self.office.home)

    def test_taken_port(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", self.office.port))
            other.listen()
            self.assert_says(self.serve(), str(self.office.port), "enrolld.conf")

    def test_missing_and_damaged_files(self):
        for name in ("ca.key", "ca.crt", "server.key", "server.crt", "overlay.xml", "users.db"):
            path = os.path.join(self.office.home, name)
            with open(path, "rb") as file:
                content = file.read()
            os.remove(path)
            self.assert_says(self.serve(), name)
            with open(path, "wb") as file:
                file.write(b"nonsense")
            os.chmod(path, 0o600)
            self.assert_says(self.serve(), name)
            with open(path, "wb") as file:
                file.write(content)

    def test_open_keys(self):
        for name in ("ca.key", "server.key"):
            path = os.path.join(self.office.home, name)
            os.chmod(path, 0o640)
            self.assert_says(self.serve(), name)
            os.chmod(path, 0o600)

    def test_no_folder(self):
        self.assert_says(run(PROGRAMS.enrolld, "serve", "/nonexistent"), "reload-enrolld init")

    def test_users(self):
        def user(*arguments):
            return run(PROGRAMS.enrolld, "user", *arguments, "--dir", self.office.home,
                       "--password-file", self.office.password_file)
        self.assert_says(user("add", "alice"), "exists already")
        self.assert_says(user("add", "al ice"), "cannot be a user name")
        self.assert_says(user("remove", "bob"), "no user bob@" + OVERLAY)
        self.assertEqual(user("add", "bob").returncode, 0)
        listed = [json.loads(line)["user"] for line in user("list", "--json").stdout.splitlines()]
        self.assertEqual(listed, ["alice@" + OVERLAY, "bob@" + OVERLAY])
        self.assertEqual(user("remove", "bob").returncode, 0)
        self.office.write("password", "short\n")
        self.assert_says(user("reset", "alice"), "at least 8")
        self.assertEqual(run(PROGRAMS.enrolld, "user", "add", "x", "--password", "y").returncode, 2)

    def test_renew(self):
        """A document that has expired is not served; renew signs the next one."""
        path = os.path.join(self.office.home, "overlay.xml")

        def edit(pattern, text):
            with open(path, encoding="utf-8") as file:
                old = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(re.sub(pattern, text, old))

        def renew(*options):
            return run(PROGRAMS.enrolld, "renew", self.office.home, *options)

        edit('expiration="[^"]*"', 'expiration="2001-01-01T00:00:00Z"')
        self.assert_says(self.serve(), "overlay.xml", "expired")
        done = renew("--bootstrap", "a.example:1", "--kind", "5000=single,user-match", "--kind",
                     "5000=array,user-match")
        self.assertEqual(done.returncode, 2, done.stderr)
        done = renew("--bootstrap", "a.example:1", "--kind", "5000=single,user-match")
        self.assertEqual(done.returncode, 0, done.stderr)
        edit("<initial-ttl>100<", "<initial-ttl>50<")
        self.assertEqual(renew("--kind", "5000=array,user-match").returncode, 0)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn('sequence="3"', text)
        self.assertIn("<initial-ttl>50<", text)
        self.assertEqual(re.findall(r'<bootstrap-node address="([^"]*)"', text), ["a.example"])
        self.assertEqual(text.count('<kind id="5000">'), 1)
        self.office.start()
        edit("<initial-ttl>50<", "<initial-ttl>0<")
        self.assert_says(renew(), "overlay.xml", "initial-ttl")

    def test_arguments(self):
        for arguments in ((), ("nonsense",), ("init",), ("init", "--overlay", "a b"),
                          ("init", "--overlay", "a", "--port", "0"),
                          ("init", "--overlay", "a", "--kind", "1=x"), ("user",), ("user", "add"),
                          ("serve", "a", "b")):
            done = run(PROGRAMS.enrolld, *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertNotEqual(done.stderr, "")


if __name__ == "__main__":
    main()
