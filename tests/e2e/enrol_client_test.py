"""enrol_client_test.py: reload enrol, with good servers and with odd ones.

RFC 6940 11.2, 11.3; attacks E9, F7. usage: enrol_client_test.py RELOAD RELOAD-ENROLLD
SPDX-License-Identifier: BSD-2-Clause
"""
import json
import os
import pty
import re
import signal
import stat
import termios
import time

from enrolment_office import (CERTIFICATE, DOCUMENT, OVERLAY, PASSWORD, PROGRAMS, OddServer, Office,
                              WithOffice, main, must, run)


class Client(WithOffice):
    """reload enrol with a good server."""

    def test_round_trip(self):
        done = self.enrol("--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        outcome = json.loads(done.stdout)
        self.assertEqual((outcome["overlay"], outcome["user"]), (OVERLAY, "alice@" + OVERLAY))
        self.assertRegex(outcome["node_id"], "^[0-9a-f]{32}$")
        modes = {name: stat.S_IMODE(os.stat(self.office.path("node", name)).st_mode)
                 for name in os.listdir(self.office.path("node"))}
        self.assertEqual(modes, {"node.key": 0o600, "node.crt": 0o644, "overlay.xml": 0o644,
                                 "reloadd.conf": 0o600})
        self.assertEqual(stat.S_IMODE(os.stat(self.office.path("node")).st_mode), 0o700)
        again = json.loads(self.enrol("--json").stdout)  # the same key, so the same Node-ID
        self.assertEqual(again["node_id"], outcome["node_id"])
        checked = run(PROGRAMS.reload, "enrol", "--check", self.office.path("node"), "--json")
        self.assertEqual(json.loads(checked.stdout)["node_id"], outcome["node_id"])

    def test_rsa_and_text(self):
        done = self.enrol("--key", "rsa", out="rsa", user="alice@" + OVERLAY)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("user     alice@" + OVERLAY, done.stdout)

    def test_wrong_password(self):
        wrong = self.office.write("wrong", "not the password\n")
        done = self.enrol("--password-file", wrong, out="wrong-password")
        self.assert_refused(done, "wrong user name or password")
        self.assertEqual(os.listdir(self.office.path("wrong-password")), ["node.key"])

    def test_other_name(self):
        self.assert_refused(self.enrol("--user-name", "bob", out="other-name"),
                            "may not have the user name")

    def test_other_overlay(self):
        self.assert_refused(self.enrol("--overlay", "example.com", out="other-overlay"),
                            "example.com")

    def test_no_password_in_arguments(self):
        done = self.enrol("--password", PASSWORD, out="argument")
        self.assertEqual(done.returncode, 2)

    def test_no_terminal(self):
        done = run("setsid", PROGRAMS.reload, "enrol", "--url", self.office.config_url, "--ca",
                   self.office.ca, "--user", "alice", "--out", self.office.path("no-terminal"))
        self.assert_refused(done, "--password-file FILE")

    def on_terminal(self, answer, out):
        """Runs reload enrol on a terminal, and types |answer| when it asks for the password.
        Returns (exit status, what stood on the terminal, whether it showed what was typed before,
        while and after it was asked)."""
        process, terminal = pty.fork()
        if process == 0:
            os.execv(PROGRAMS.reload,
                     [PROGRAMS.reload, "enrol", "--url", self.office.config_url, "--ca",
                      self.office.ca, "--user", "alice", "--out", self.office.path(out)])

        def shows():
            return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)

        shown, text = [shows()], b""
        try:
            while True:
                text += os.read(terminal, 4096)
                if text.endswith(b"password of alice: ") and len(shown) == 1:
                    while shows():  # the prompt comes a moment before
                        time.sleep(0.001)
                    shown.append(shows())
                    os.write(terminal, answer)
                elif len(shown) == 2 and text.endswith(b"\r\n"):
                    shown.append(shows())
        except OSError:
            pass  # the end of the program is the end of the terminal
        os.close(terminal)
        return os.waitpid(process, 0)[1], text.decode(), shown

    def test_password_on_the_terminal(self):
        status, text, shown = self.on_terminal(PASSWORD.encode() + b"\n", "terminal")
        self.assertEqual(status, 0, text)
        self.assertEqual(shown, [True, False, True])
        self.assertNotIn(PASSWORD, text)
        self.assertIn("Node-ID", text)

    def test_interrupted_on_the_terminal(self):
        status, text, shown = self.on_terminal(b"half a pass\x03", "interrupted")
        self.assertEqual(os.WTERMSIG(status), signal.SIGINT, text)
        self.assertNotIn("half", text)
        self.assertFalse(os.path.exists(self.office.path("interrupted", "node.crt")))

    def test_wrong_files(self):
        empty = self.office.write("empty", "")
        self.assert_refused(self.enrol("--password-file", empty, out="empty-password"), "empty")
        self.assert_refused(self.enrol("--password-file", "/nonexistent", out="no-file"),
                            "/nonexistent")
        self.assert_refused(self.enrol(out="no-ca", ca=self.office.path("nothing")))
        self.assert_refused(self.enrol(out="password/x"), "password/x")

    def test_open_key(self):
        self.enrol(out="open-key")
        os.chmod(self.office.path("open-key", "node.key"), 0o644)
        self.assert_refused(self.enrol(out="open-key"), "node.key")


class OddConfigurationServers(WithOffice):
    """F7, E9: what reload enrol refuses to take from a server."""

    def odd(self, answers, certificate=None, key=None):
        server = OddServer(certificate or self.office.path("enrolld", "server.crt"),
                           key or self.office.path("enrolld", "server.key"), answers)
        self.addCleanup(server.stop)
        return server

    def document(self):
        with open(self.office.path("enrolld", "overlay.xml"), "rb") as file:
            return file.read()

    def serve(self, document, headers=None):
        path = "/.well-known/reload-config"
        return self.odd({path: (200, headers or {"Content-Type": DOCUMENT}, document)})

    def test_http(self):
        url = self.office.config_url.replace("https", "http")
        self.assert_refused(self.enrol(url=url), "https://")

    def test_wrong_ca(self):
        other = Office(PROGRAMS.enrolld)
        self.addCleanup(other.stop)
        self.assert_refused(self.enrol(ca=other.ca), "certificate")

    def test_certificate_for_another_name(self):
        key = self.office.make_key("web.key")
        certificate = self.office.path("web.crt")
        must("openssl", "req", "-x509", "-key", key, "-subj", "/CN=web", "-out", certificate,
             "-addext", "subjectAltName=DNS:www.example.net", "-days", "2")
        server = self.odd({}, certificate, key)
        self.assert_refused(self.enrol(url=server.url(), ca=certificate), "127.0.0.1")
        self.assertEqual(server.requests, [])

    def test_redirect(self):
        path = "/.well-known/reload-config"
        server = self.odd({path: (302, {"Location": self.office.config_url}, b"")})
        self.assert_refused(self.enrol(url=server.url()), "redirects are not followed")

    def test_truncated(self):
        document = self.document()
        server = self.serve(document[:-50], {"Content-Length": str(len(document)),
                                             "Connection": "close"})
        self.assert_refused(self.enrol(url=server.url()))
        server = self.serve(document[:-50])
        self.assert_refused(self.enrol(url=server.url()), "document is refused")

    def test_too_large(self):
        server = self.serve(b"<" * (2 << 20))
        self.assert_refused(self.enrol(url=server.url()), "longer than")

    def test_changed(self):
        changed = self.document().replace(b"<initial-ttl>100<", b"<initial-ttl>101<")
        self.assertNotEqual(changed, self.document())
        server = self.serve(changed)
        self.assert_refused(self.enrol(url=server.url()), "signature does not verify")

    def test_kinds_without_their_signer(self):
        """The certificate that verifies them stands in the document's own signature."""
        document = self.document().split(b"<signature>")[0] + b"</overlay>"
        self.assert_refused(self.enrol(url=self.serve(document).url()), "signature of its Kind")

    def test_expired(self):
        old = self.document().replace(b'expiration="2', b'expiration="1')
        server = self.serve(old)
        self.assert_refused(self.enrol(url=server.url()), "document is refused")

    def test_entities(self):
        bomb = (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">'
                b'<!ENTITY b SYSTEM "file:///etc/passwd">]>'
                + self.document().split(b"?>", 1)[1].replace(b"CHORD-RELOAD", b"&b;"))
        server = self.serve(bomb)
        self.assert_refused(self.enrol(url=server.url()), "document is refused")

    def enrol_at(self, answer, certificate=None, key=None):
        """Enrols at an odd enrolment server which is named by an unsigned document."""
        server = self.odd({"/enrol": answer}, certificate, key)
        document = self.document().split(b"<signature>")[0] + b"</overlay>"
        document = re.sub(b"<kind-signature>.*?</kind-signature>", b"", document, flags=re.DOTALL)
        document = document.replace(b"127.0.0.1:%d/enrol" % self.office.port,
                                    b"127.0.0.1:%d/enrol" % server.port)
        done = self.enrol(url=self.serve(document).url(), out="odd")
        self.assertIn("warning: the configuration document is not signed", done.stderr)
        return done, server

    def good_answer(self, key):
        body = self.office.curl(self.office.make_csr(key))[2]
        return (200, {"Content-Type": CERTIFICATE}, body)

    def test_certificate_for_another_key(self):
        done, _ = self.enrol_at(self.good_answer(self.office.make_key()))
        self.assert_refused(done, "another key")
        self.assertFalse(os.path.exists(self.office.path("odd", "node.crt")))

    def test_answers_that_are_none(self):
        for answer, said in (((200, {"Content-Type": CERTIFICATE}, b"\x30\x00"), "certificate"),
                             ((200, {"Content-Type": "text/html"}, b"<p>"), CERTIFICATE),
                             ((200, {"Content-Type": CERTIFICATE}, b"x" * 100000), "longer than"),
                             ((403, {"Content-Type": "text/plain"}, b"other"), "unknown reason"),
                             ((302, {"Location": "https://127.0.0.1/"}, b""), "302"),
                             ((500, {}, b""), "500")):
            done, _ = self.enrol_at(answer)
            self.assert_refused(done, said)

    def test_enrolment_server_proves_the_overlays_name(self):
        """RFC6940-11.3-04: not only that of the URL's host."""
        key, request, certificate = (self.office.path(name) for name in ("h.key", "h.csr", "h.crt"))
        extension = self.office.write("extension", "subjectAltName=IP:127.0.0.1\n")
        self.office.make_key("h.key")
        must("openssl", "req", "-new", "-key", key, "-subj", "/CN=h", "-out", request)
        must("openssl", "x509", "-req", "-in", request, "-CA", self.office.ca, "-CAkey",
             self.office.path("enrolld", "ca.key"), "-extfile", extension, "-days", "2", "-out",
             certificate)
        done, server = self.enrol_at((200, {}, b""), certificate, key)
        self.assert_refused(done, OVERLAY)
        self.assertEqual(server.requests, [])


if __name__ == "__main__":
    main()
