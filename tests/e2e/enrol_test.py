"""enrol_test.py: enrolment end to end: curl and openssl alone, reload enrol, and those who cheat.

RFC 6940 11.2, 11.3; attacks E1, E6, E7, E9, F7. usage: enrol_test.py RELOAD RELOAD-ENROLLD
SPDX-License-Identifier: BSD-2-Clause
"""
import json
import os
import pty
import random
import re
import signal
import socket
import ssl
import stat
import sys
import termios
import threading
import time
import unittest

from enrolment_office import OVERLAY, PASSWORD, TIMEOUT_S, OddServer, Office, must, run

RELOAD = ENROLLD = None  # paths of the programs, from the command line
CERTIFICATE = "application/pkix-cert"
DOCUMENT = "application/p2p-overlay+xml"


class WithOffice(unittest.TestCase):
    INIT = ()
    SETTINGS = {}

    @classmethod
    def setUpClass(cls):
        cls.office = Office(ENROLLD, *cls.INIT, settings=cls.SETTINGS).start()

    @classmethod
    def tearDownClass(cls):
        code = cls.office.stop()
        assert code == 0, "the server ended with %s" % code

    def enrol(self, *options, out="node", user="alice", url=None, ca=None):
        return run(RELOAD, "enrol", "--url", url or self.office.config_url, "--ca",
                   ca or self.office.ca, "--user", user, "--password-file",
                   self.office.password_file, "--out", self.office.path(out), *options)

    def assert_refused(self, done, *said):
        self.assertEqual(done.returncode, 1, done.stderr)
        for text in said:
            self.assertIn(text, done.stderr)


class Curl(WithOffice):
    """RFC 6940 11.3 with nothing of ours on the node's side."""

    def certificate(self, body, *options):
        path = self.office.write("node.der", body)
        return must("openssl", "x509", "-inform", "DER", "-in", path, "-noout", *options)

    def enrol_with(self, rsa):
        key = self.office.make_key(rsa=rsa)
        status, content_type, body = self.office.curl(self.office.make_csr(key))
        self.assertEqual((status, content_type), (200, CERTIFICATE), body)
        names = self.certificate(body, "-ext", "subjectAltName")
        self.assertRegex(names, r"critical\n\s+URI:reload://0110[0-9a-f]{32}@%s/, email:alice@%s\n"
                         % (OVERLAY, OVERLAY))
        self.assertEqual(self.certificate(body, "-subject").strip(), "subject=")
        self.assertEqual(self.certificate(body, "-pubkey"),
                         must("openssl", "pkey", "-in", key, "-pubout"))
        pem = self.office.path("node.pem")
        must("openssl", "x509", "-inform", "DER", "-in", self.office.path("node.der"), "-out", pem)
        must("openssl", "verify", "-x509_strict", "-CAfile", self.office.ca, pem)
        return names

    def test_p256(self):
        self.enrol_with(rsa=False)

    def test_rsa(self):
        self.enrol_with(rsa=True)

    def test_same_key_same_node_id(self):
        key = self.office.make_key("again.pem")
        answers = [self.office.curl(self.office.make_csr(key))[2] for _ in range(2)]
        names = [self.certificate(body, "-ext", "subjectAltName") for body in answers]
        self.assertEqual(names[0], names[1])
        self.assertNotEqual(answers[0], answers[1])

    def test_document(self):
        out = self.office.path("document.xml")
        done = must("curl", "-sS", "--cacert", self.office.ca, "-o", out, "-w",
                    "%{http_code} %{content_type}", self.office.config_url)
        self.assertEqual(done, "200 " + DOCUMENT)
        with open(out, "rb") as got, open(self.office.path("enrolld", "overlay.xml"), "rb") as kept:
            self.assertEqual(got.read(), kept.read())


class Tokens(WithOffice):
    """RFC 6940 11.3: each token of a 403, as text/plain and nothing else in the body."""
    INIT = ("--key", "rsa")
    SETTINGS = {"node-ids-per-user": 1, "failures-per-user": 100, "failures-per-address": 100}

    def assert_token(self, token, answer):
        self.assertEqual(answer, (403, "text/plain", token.encode()))

    def setUp(self):
        self.csr = self.office.make_csr(self.office.make_key())

    def test_failed_authentication(self):
        for username, password in (("alice", "wrong password"), ("nobody", PASSWORD), ("", ""),
                                   ("alice", "")):
            self.assert_token("failed_authentication",
                              self.office.curl(self.csr, username=username, password=password))

    def test_username_not_available(self):
        csr = self.office.make_csr(self.office.path("key.pem"), "-addext",
                                   "subjectAltName=email:bob@" + OVERLAY)
        self.assert_token("username_not_available", self.office.curl(csr))

    def test_node_ids_not_available(self):
        self.assert_token("Node-IDs_not_available", self.office.curl(self.csr, "-F", "nodeids=2"))
        self.office.add_user("carol")
        self.assertEqual(self.office.curl(self.csr, username="carol")[0], 200)
        other = self.office.make_csr(self.office.make_key("second.pem"))
        self.assert_token("Node-IDs_not_available", self.office.curl(other, username="carol"))

    def test_bad_csr(self):
        self.assert_token("bad_CSR", self.office.curl(self.office.write("bad.csr", b"\x30\x03abc")))
        self.assert_token("bad_CSR", self.office.curl(self.office.write("none.csr", b"")))


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
        checked = run(RELOAD, "enrol", "--check", self.office.path("node"), "--json")
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
        done = run("setsid", RELOAD, "enrol", "--url", self.office.config_url, "--ca",
                   self.office.ca, "--user", "alice", "--out", self.office.path("no-terminal"))
        self.assert_refused(done, "--password-file FILE")

    def on_terminal(self, answer, out):
        """Runs reload enrol on a terminal, and types |answer| when it asks for the password.
        Returns (exit status, what stood on the terminal, whether it showed what was typed before,
        while and after it was asked)."""
        process, terminal = pty.fork()
        if process == 0:
            os.execv(RELOAD, [RELOAD, "enrol", "--url", self.office.config_url, "--ca",
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
        other = Office(ENROLLD)
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


class Abuse(WithOffice):
    """E6, E7: odd requests; after each the server still serves."""
    SETTINGS = {"connection-seconds": 2, "failures-per-user": 1000, "failures-per-address": 1000,
                "requests-per-minute": 100000}

    def tearDown(self):
        done = run("curl", "-sS", "--cacert", self.office.ca, "-o", os.devnull, "-w",
                   "%{http_code}", self.office.config_url)
        self.assertEqual(done.stdout, "200", done.stderr)

    def assert_status(self, status, request):
        self.assertEqual(self.office.send_raw(request), status)

    def test_plain_http(self):
        with socket.create_connection(("127.0.0.1", self.office.port), TIMEOUT_S) as link:
            link.sendall(self.office.request(b""))
            try:
                answer = link.recv(4096)
            except ConnectionError:
                answer = b""
        self.assertNotIn(b"HTTP/1.1 2", answer)
        self.assertNotIn(b"overlay", answer)

    def test_old_tls(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.assertRaises(OSError):
                self.office.connect(version=version).close()
        self.office.connect(version=ssl.TLSVersion.TLSv1_2).close()

    def test_methods_and_paths(self):
        request = self.office.request
        self.assert_status(405, request(b"", method="GET"))
        self.assert_status(405, request(b"", method="PUT"))
        self.assert_status(405, request(b"", path="/.well-known/reload-config"))
        for path in ("/", "/enrol/", "/../ca.key", "/.well-known/../ca.key", "/%2e%2e/ca.key",
                     "//etc/passwd"):
            self.assert_status(404, request(b"", path=path, method="GET"))

    def test_password_in_url(self):
        self.assert_status(400, self.office.request(
            b"", path="/enrol?username=alice&password=correct"))
        self.assertNotIn("correct", json.dumps(self.office.log()))

    def test_wrong_host(self):
        for host in ("evil.example", "example.org.evil", "127.0.0.10", "127.0.0.1.evil"):
            self.assert_status(421, self.office.request(b"", host=host))
        self.assert_status(405, self.office.request(b"", method="GET", host=OVERLAY))

    def test_wrong_types(self):
        request = self.office.request
        self.assert_status(415, request(b"x=y", content_type="application/x-www-form-urlencoded"))
        self.assert_status(415, request(b"{}", content_type=None))
        self.assert_status(400, request(b"", content_type="multipart/form-data"))
        self.assert_status(406, request(b"", extra=b"Accept: text/html\r\n"))

    def test_one_gigabyte(self):
        begin = time.monotonic()
        self.assert_status(413, self.office.request(b"x" * 100000, length=1 << 30))
        self.assert_status(413, self.office.request(b"", length=(1 << 64) - 1))
        self.assertLess(time.monotonic() - begin, 5)

    def test_no_length(self):
        chunked = b"Transfer-Encoding: chunked\r\n"
        self.assert_status(411, self.office.request(b"5\r\nabcde\r\n", length=-1, extra=chunked))

    def test_malformed_forms(self):
        part = b'--XX\r\nContent-Disposition: form-data; name="username"\r\n\r\nalice\r\n'
        for body in (b"", b"x", b"--XX", b"--XX--\r\n--XX--", part, part + b"--XX", b"\0" * 1000,
                     b"--XX\r\n" * 500, b"--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n",
                     part + part + b"--XX--\r\n", b"--XX\r\n" + b"A: b\r\n" * 1000,
                     b"--XX\r\nContent-Type: multipart/mixed; boundary=XX\r\n\r\n" * 20):
            self.assertIn(self.office.send_raw(self.office.request(body)), (400, 403, None), body)
        self.assert_status(400, self.office.request(part + part + b"--XX--\r\n"))
        long_name = b'--XX\r\nContent-Disposition: form-data; name="username"\r\n\r\n' \
            + b"a" * 10000 + b"\r\n--XX--\r\n"
        self.assert_status(400, self.office.request(long_name))

    @staticmethod
    def form(csr):
        return (b'--XX\r\nContent-Disposition: form-data; name="username"\r\n\r\nalice\r\n'
                b'--XX\r\nContent-Disposition: form-data; name="password"\r\n\r\n%s\r\n'
                b'--XX\r\nContent-Disposition: form-data; name="csr"; filename="x"\r\n'
                b'Content-Type: application/pkcs10\r\n\r\n%s\r\n--XX--\r\n'
                % (PASSWORD.encode(), csr))

    def test_random_changes(self):
        """A good form with octets changed, taken out and put in; always some answer or an end."""
        chance = random.Random(6940)
        with open(self.office.make_csr(self.office.make_key()), "rb") as file:
            csr = file.read()
        good = self.form(csr)
        self.assert_status(200, self.office.request(good))
        for _ in range(60):
            body = bytearray(good)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(body))
                action = chance.randrange(3)
                if action == 0:
                    body[at] = chance.randrange(256)
                elif action == 1:
                    del body[at:at + chance.randint(1, 30)]
                else:
                    body[at:at] = chance.choice([b"--XX", b"\r\n", b"\0", b"--XX--", b'"'])
            self.assertIn(self.office.send_raw(self.office.request(bytes(body))),
                          (200, 400, 403, None))

    def assert_ended_soon(self, link, begin):
        link.settimeout(TIMEOUT_S)
        try:
            while link.recv(4096):
                pass
        except OSError as error:
            self.assertNotIsInstance(error, TimeoutError)
        self.assertLess(time.monotonic() - begin, 15)

    def drip(self, octets, begin):
        """Sends |octets| one by one on a new connection, so that no idle timer runs out, until the
        server answers or ends the connection. Returns what it said."""
        answer = b""
        with self.office.connect(timeout=0.1) as link:
            while time.monotonic() - begin < 15:
                try:
                    link.sendall(next(octets))
                    piece = link.recv(4096)
                    answer += piece
                    if not piece:
                        break
                except TimeoutError:
                    pass  # it has nothing to say yet
                except OSError:
                    break
        return answer

    def assert_too_slow(self, octets):
        begin = time.monotonic()
        answer = self.drip(octets, begin)
        took = time.monotonic() - begin
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.assertEqual(lines[0], "HTTP/1.1 408 Request Timeout", answer)
        self.assertIn("Connection: close", lines)
        self.assertIn("Content-Length: %d" % len(body), lines)
        self.assertGreater(took, 1.9)
        self.assertLess(took, 10)

    def test_slow_header(self):
        """E7: 408 for a header that never ends; others are served meanwhile."""
        def octets():
            yield b"POST /enrol HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: "
            while True:
                yield b"a"
        self.beside(lambda: self.assert_too_slow(octets()))

    def test_slow_body(self):
        """E7: 408 for a body that comes octet by octet; others are served meanwhile."""
        def octets():
            yield self.office.request(b"--XX\r\n", length=10000)
            while True:
                yield b"-"
        self.beside(lambda: self.assert_too_slow(octets()))

    def test_complete_after_all(self):
        """E7: what is completed after the 408 is not acted upon."""
        csr = self.office.make_csr(self.office.make_key("late.pem"))
        with open(csr, "rb") as file:
            form = self.form(file.read())
        before = len(self.office.log())
        with self.office.connect() as link:
            link.sendall(self.office.request(form[:-100], length=len(form)))
            self.assertEqual(self.office.status(link), 408)
            link.sendall(form[-100:])
            self.assertEqual(self.office.curl(csr)[0], 200)  # requests are decided one by one
        self.assertEqual(len(self.office.log()), before + 1)

    def beside(self, work):
        """Runs |work| while an honest client enrols, again and again."""
        csr = self.office.make_csr(self.office.make_key("honest.pem"))
        done, statuses = threading.Event(), []

        def honest():
            while not done.is_set():
                statuses.append(self.office.curl(csr)[0])
        client = threading.Thread(target=honest)
        client.start()
        try:
            work()
        finally:
            done.set()
            client.join()
        self.assertGreaterEqual(len(statuses), 3)
        self.assertEqual(set(statuses), {200})

    def test_silent_senders(self):
        """Nobody stays longer than connection-seconds: silent before TLS, or after it."""
        begin = time.monotonic()
        silent = socket.create_connection(("127.0.0.1", self.office.port), TIMEOUT_S)
        idle = self.office.connect()
        for link in (silent, idle):
            self.assert_ended_soon(link, begin)
            link.close()

    def test_many_connections(self):
        """A host that opens many connections does not keep them, nor keep others out for long."""
        links = []
        for _ in range(100):
            try:
                links.append(socket.create_connection(("127.0.0.1", self.office.port), TIMEOUT_S))
            except OSError:
                break
        begin = time.monotonic()
        for link in links:
            self.assert_ended_soon(link, begin)
            link.close()


class BruteForce(WithOffice):
    """E1: guesses get slow, and the right password does not help in the meantime."""

    def test_back_off(self):
        csr = self.office.make_csr(self.office.make_key())
        statuses = [self.office.curl(csr, password="guess number %d" % i)[0] for i in range(6)]
        self.assertEqual(statuses, [403] * 6)
        head = self.office.path("head")
        status, _, _ = self.office.curl(csr, "-D", head)
        self.assertEqual(status, 429)
        with open(head, encoding="latin-1") as file:
            self.assertRegex(file.read(), r"(?i)retry-after: [1-9]")
        self.assert_refused(self.enrol(out="brute"), "too many tries; wait")
        refused = [line for line in self.office.log() if line["event"] == "refused"]
        self.assertEqual(len(refused), 8)
        self.assertNotIn("guess", json.dumps(refused))


class Operator(unittest.TestCase):
    """Wrong use: one line that says what, where and what to do; exit code not 0."""

    def setUp(self):
        self.office = Office(ENROLLD)
        self.addCleanup(self.office.stop)

    def assert_says(self, done, *said):
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for text in said:
            self.assertIn(text, done.stderr)

    def serve(self):
        return run(ENROLLD, "serve", self.office.home)

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
        self.assert_says(run(ENROLLD, "serve", "/nonexistent"), "reload-enrolld init")

    def test_users(self):
        def user(*arguments):
            return run(ENROLLD, "user", *arguments, "--dir", self.office.home, "--password-file",
                       self.office.password_file)
        self.assert_says(user("add", "alice"), "exists already")
        self.assert_says(user("add", "al ice"), "cannot be a user name")
        self.assert_says(user("remove", "bob"), "no user bob@" + OVERLAY)
        self.assertEqual(user("add", "bob").returncode, 0)
        listed = [json.loads(line)["user"] for line in user("list", "--json").stdout.splitlines()]
        self.assertEqual(listed, ["alice@" + OVERLAY, "bob@" + OVERLAY])
        self.assertEqual(user("remove", "bob").returncode, 0)
        self.office.write("password", "short\n")
        self.assert_says(user("reset", "alice"), "at least 8")
        self.assertEqual(run(ENROLLD, "user", "add", "x", "--password", "y").returncode, 2)

    def test_renew(self):
        """A document that has expired is not served; renew signs the next one."""
        path = os.path.join(self.office.home, "overlay.xml")

        def edit(pattern, text):
            with open(path, encoding="utf-8") as file:
                old = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(re.sub(pattern, text, old))

        def renew(*options):
            return run(ENROLLD, "renew", self.office.home, *options)

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
            done = run(ENROLLD, *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertNotEqual(done.stderr, "")


if __name__ == "__main__":
    RELOAD, ENROLLD = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
