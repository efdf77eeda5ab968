"""enrol_abuse_test.py: those who cheat, guess, dawdle and flood the enrolment server.

Attacks E1, E6, E7. usage: enrol_abuse_test.py RELOAD RELOAD-ENROLLD
SPDX-License-Identifier: BSD-2-Clause
"""
import json
import os
import random
import socket
import ssl
import threading
import time

from enrolment_office import OVERLAY, PASSWORD, TIMEOUT_S, WithOffice, main, run


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


if __name__ == "__main__":
    main()
