"""enrolment_office.py: a real reload-enrolld on a free port of the loopback, and odd HTTPS servers.

SPDX-License-Identifier: BSD-2-Clause
"""
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
import warnings

OVERLAY = "example.org"
PASSWORD = "correct horse"
CERTIFICATE = "application/pkix-cert"
DOCUMENT = "application/p2p-overlay+xml"
TIMEOUT_S = 30


def run(*command, **options):
    """Runs a command to its end and returns it with its output as text."""
    environment = dict(os.environ, no_proxy="*")
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False, env=environment, **options)


def must(*command, **options):
    done = run(*command, **options)
    if done.returncode != 0:
        raise AssertionError("%s: %s" % (" ".join(map(str, command)), done.stderr))
    return done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Office:
    """The server with the user alice; |settings| are lines of enrolld.conf to change."""

    def __init__(self, program, *init, settings=None):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="reload-e2e-")
        self.home = os.path.join(self.folder, "enrolld")
        self.port = free_port()
        must(program, "init", self.home, "--overlay", OVERLAY, "--host", "127.0.0.1", "--port",
             self.port, *init)
        self.change(settings or {})
        self.password_file = self.write("password", PASSWORD + "\n")
        self.add_user("alice")
        self.server = None

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content):
        path = self.path(name)
        with open(path, "wb" if isinstance(content, bytes) else "w",
                  opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(content)
        return path

    def change(self, settings):
        path = os.path.join(self.home, "enrolld.conf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for name, value in settings.items():
            text, count = re.subn(r"(?m)^%s = \S+" % name, "%s = %s" % (name, value), text)
            assert count == 1, name
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def add_user(self, name):
        must(self.program, "user", "add", name, "--password-file", self.password_file, "--dir",
             self.home)

    def start(self):
        self.server = subprocess.Popen([self.program, "serve", self.home, "--json"],
                                       stdout=subprocess.PIPE, text=True)
        line = self.server.stdout.readline()
        assert line, "the server did not start"
        self.ready = json.loads(line)
        return self

    def stop(self):
        """Ends the server and its folder; returns its exit code."""
        code = None
        if self.server is not None:
            self.server.terminate()
            code = self.server.wait(TIMEOUT_S)
            self.server.stdout.close()
            self.server = None
        shutil.rmtree(self.folder, ignore_errors=True)
        return code

    @property
    def ca(self):
        return os.path.join(self.home, "ca.crt")

    @property
    def config_url(self):
        return self.ready["url"]

    @property
    def enrolment_url(self):
        return "https://127.0.0.1:%d/enrol" % self.port

    def log(self):
        with open(os.path.join(self.home, "audit.log"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    # ---- what curl and openssl do ----------------------------------------------------------------

    def make_key(self, name="key.pem", rsa=False):
        path = self.path(name)
        kind = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if rsa else [
            "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        must("openssl", "genpkey", *kind, "-out", path)
        return path

    def make_csr(self, key, *options):
        path = key + ".csr"
        must("openssl", "req", "-new", "-key", key, "-subj", "/", "-outform", "DER", "-out", path,
             *options)
        return path

    def curl(self, csr, *options, username="alice", password=PASSWORD):
        """Enrols with curl. Returns (status, content type, body)."""
        out = self.path("answer")
        if os.path.exists(out):
            os.remove(out)
        done = must("curl", "-sS", "--cacert", self.ca, "-o", out, "-w",
                    "%{http_code} %{content_type}", "-H", "Accept: application/pkix-cert",
                    "--form-string", "username=" + username, "--form-string",
                    "password=" + password, "-F", "csr=@%s;type=application/pkcs10" % csr,
                    *options, self.enrolment_url)
        status, content_type = done.split(" ", 1)
        body = b""
        if os.path.exists(out):
            with open(out, "rb") as file:
                body = file.read()
        return int(status), content_type, body

    # ---- what a program of one's own could do ----------------------------------------------------

    def connect(self, timeout=TIMEOUT_S, version=None):
        context = ssl.create_default_context(cafile=self.ca)
        if version is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = version
            context.set_ciphers("ALL:@SECLEVEL=0")
        plain = socket.create_connection(("127.0.0.1", self.port), timeout)
        try:
            return context.wrap_socket(plain, server_hostname="127.0.0.1")
        except OSError:
            plain.close()
            raise

    def send_raw(self, request):
        """Sends octets and returns the status of the answer; None: the server closed instead."""
        with self.connect() as link:
            try:
                link.sendall(request)
            except OSError:
                pass  # it may have answered and closed already
            return self.status(link)

    @staticmethod
    def status(link):
        answer = b""
        try:
            while b"\r\n" not in answer:
                piece = link.recv(4096)
                if not piece:
                    break
                answer += piece
        except OSError:
            pass
        match = re.match(rb"HTTP/1\.[01] (\d+)", answer)
        return int(match.group(1)) if match else None

    def request(self, body, length=None, content_type="multipart/form-data; boundary=XX",
                method="POST", path="/enrol", host=None, extra=b""):
        head = ("%s %s HTTP/1.1\r\nHost: %s\r\n" % (method, path,
                                                    host or "127.0.0.1:%d" % self.port)).encode()
        if content_type:
            head += b"Content-Type: " + content_type.encode() + b"\r\n"
        if length is None:
            length = len(body)
        if length >= 0:
            head += b"Content-Length: %d\r\n" % length
        return head + extra + b"\r\n" + body


class PROGRAMS:
    """Paths of the programs, from the command line."""
    reload = enrolld = None


class WithOffice(unittest.TestCase):
    INIT = ()
    SETTINGS = {}

    @classmethod
    def setUpClass(cls):
        cls.office = Office(PROGRAMS.enrolld, *cls.INIT, settings=cls.SETTINGS).start()

    @classmethod
    def tearDownClass(cls):
        code = cls.office.stop()
        assert code == 0, "the server ended with %s" % code

    def enrol(self, *options, out="node", user="alice", url=None, ca=None):
        return run(PROGRAMS.reload, "enrol", "--url", url or self.office.config_url, "--ca",
                   ca or self.office.ca, "--user", user, "--password-file",
                   self.office.password_file, "--out", self.office.path(out), *options)

    def assert_refused(self, done, *said):
        self.assertEqual(done.returncode, 1, done.stderr)
        for text in said:
            self.assertIn(text, done.stderr)


class OddServer:
    """An HTTPS server that answers GET and POST with what it is told: {path: (status, headers,
    body)}. It has the certificate and key of the files given."""

    def __init__(self, certificate, key, answers):
        odd = self
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                odd.requests.append((self.command, self.path, self.headers.get("Host")))
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, body = answers[self.path]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def url(self, path="/.well-known/reload-config"):
        return "https://127.0.0.1:%d%s" % (self.port, path)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def main():
    """Runs the tests of the file that was started: FILE RELOAD RELOAD-ENROLLD [TEST...]."""
    PROGRAMS.reload, PROGRAMS.enrolld = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
