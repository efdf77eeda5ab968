#!/usr/bin/env python3
"""reloadd_test.py: reloadd and the commands that ask it, as a person would use them, with
credentials made by the openssl command (RSA keys) and a document written by hand.

usage: reloadd_test.py RELOADD RELOAD

Wrong configuration ends with one line that says what, where and what to do, and exit code 1. The
control socket is for the node's own user only (attack row M1); key files that others can read are
refused (M6).

SPDX-License-Identifier: BSD-2-Clause
"""
import base64
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unicodedata
import unittest

RELOADD, RELOAD = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
OVERLAY = "hand.example"
KIND = 4026531842
NODE_IDS = ["%032x" % (0x1234567890abcdef1234567890abcdef + i * 2**124) for i in range(3)]

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<overlay xmlns="urn:ietf:params:xml:ns:p2p:config-base"
    xmlns:chord="urn:ietf:params:xml:ns:p2p:config-chord">
  <configuration instance-name="{overlay}" sequence="7" expiration="{expiration}">
    <topology-plugin>{topology}</topology-plugin>
    <node-id-length>16</node-id-length>
    <root-cert>{root}</root-cert>
    <bootstrap-node address="127.0.0.1" port="{port}"/>
    <clients-permitted>true</clients-permitted>
    <no-ice>{no_ice}</no-ice>
    <max-message-size>16000</max-message-size>
    <initial-ttl>50</initial-ttl>
    <overlay-reliability-timer>3000</overlay-reliability-timer>
    <overlay-link-protocol>TLS</overlay-link-protocol>
    <required-kinds>
      <kind-block>
        <kind id="{kind}">
          <data-model>DICTIONARY</data-model>
          <access-control>USER-NODE-MATCH</access-control>
          <max-count>8</max-count>
          <max-size>1000</max-size>
        </kind>
      </kind-block>
    </required-kinds>
  </configuration>
</overlay>
"""

SETTINGS = {"document": "overlay.xml", "certificate": "node.crt", "key": "node.key",
            "control": "control.sock", "log": "info"}


def free_port():
    """A port that is free for TCP and UDP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]


def openssl(*arguments, cwd):
    subprocess.run(("openssl",) + arguments, cwd=cwd, check=True, capture_output=True)


def make_authority(folder):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "30",
            "-subj", "/CN=Root by hand", "-keyout", "ca.key", "-out", "ca.crt",
            "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", cwd=folder)


def make_node(folder, number, name="node", begin=None, end=None):
    """A key and a certificate for NODE_IDS[number], as `name`.key and `name`.crt in `folder`."""
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/",
            "-keyout", name + ".key", "-out", name + ".csr", cwd=folder)
    with open(os.path.join(folder, name + ".ext"), "w") as file:
        file.write("subjectAltName=critical,URI:reload://0110%s@%s/,email:user%d@%s\n"
                   "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                   % (NODE_IDS[number], OVERLAY, number, OVERLAY))
    ca = os.path.dirname(folder)
    dates = ("-days", "20")
    if begin:
        with open(os.path.join(ca, "index.txt"), "w"):
            pass
        configuration = os.path.join(ca, "ca.conf")
        with open(configuration, "w") as file:
            file.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index.txt\nrand_serial=yes\n"
                       "new_certs_dir=%s\ndefault_md=sha256\npolicy=p\n[p]\n" % (ca, ca))
        openssl("ca", "-batch", "-notext", "-config", configuration, "-cert", "../ca.crt",
                "-keyfile", "../ca.key", "-in", name + ".csr", "-out", name + ".crt",
                "-extfile", name + ".ext", "-startdate", begin, "-enddate", end, "-preserveDN",
                "-subj", "/", cwd=folder)
    else:
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "../ca.crt", "-CAkey", "../ca.key",
                "-CAcreateserial", "-sha256", *dates, "-extfile", name + ".ext",
                "-out", name + ".crt", cwd=folder)
    os.chmod(os.path.join(folder, name + ".key"), 0o600)


class Overlay:
    """A folder with an authority and three nodes' folders in it."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="reloadd-")
        self.path = self.temporary.name
        make_authority(self.path)
        self.port = free_port()
        for number in range(3):
            os.mkdir(self.folder(number))
            make_node(self.folder(number), number)
            self.write_document(number)

    def folder(self, number):
        return os.path.join(self.path, "n%d" % number)

    def file(self, number, name):
        return os.path.join(self.folder(number), name)

    def write_document(self, number, **changes):
        with open(os.path.join(self.path, "ca.crt")) as file:
            pem = file.read()
        root = "".join(pem.split("-----")[2].split())
        base64.b64decode(root)
        values = {"overlay": OVERLAY, "expiration": "2099-01-01T00:00:00Z", "root": root,
                  "topology": "CHORD-RELOAD", "port": self.port, "no_ice": "true", "kind": KIND}
        values.update(changes)
        with open(self.file(number, "overlay.xml"), "w") as file:
            file.write(DOCUMENT.format(**values))

    def write_settings(self, number, text="", sections="", **changes):
        """`None` leaves a setting out; '_' in a name stands for '-'."""
        values = dict(SETTINGS, listen="127.0.0.1:%d" % (self.port if number == 0 else 0),
                      first_node="yes" if number == 0 else "no")
        values.update(changes)
        path = self.file(number, "reloadd.conf")
        with open(path, "w") as file:
            file.write("[node]\n")
            for name, value in values.items():
                if value is not None:
                    file.write("%s = %s\n" % (name.replace("_", "-"), value))
            file.write(text + "\n" + sections)
        return path


OVERLAY_FILES = Overlay()


class Node:
    """A running reloadd."""

    def __init__(self, number, **changes):
        self.number = number
        self.control = OVERLAY_FILES.file(number, "control.sock")
        path = OVERLAY_FILES.write_settings(number, **changes)
        self.log = open(OVERLAY_FILES.file(number, "log"), "w+")
        self.process = subprocess.Popen([RELOADD, "--config", path], stderr=self.log)

    def ask(self, *arguments):
        return subprocess.run([RELOAD, arguments[0], "--socket", self.control, "--json",
                               *arguments[1:]], capture_output=True, text=True, timeout=60)

    def result(self, *arguments):
        answer = self.ask(*arguments)
        if answer.returncode != 0:
            raise AssertionError(answer.stderr)
        return json.loads(answer.stdout)

    def wait_joined(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            answer = self.ask("status")
            if answer.returncode == 0 and json.loads(answer.stdout)["joined"]:
                return
            time.sleep(0.05)
        self.log.seek(0)
        raise AssertionError("node %d did not join: %s" % (self.number, self.log.read()))

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        return self.process.returncode


class WrongConfiguration(unittest.TestCase):
    """Each case: exit code 1, one line, that has in it what is wrong and where."""

    def setUp(self):
        self.number = 1
        OVERLAY_FILES.write_document(1)

    def check(self, path, *words, arguments=("--check",)):
        outcome = subprocess.run([RELOADD, "--config", path, *arguments], capture_output=True,
                                 text=True, timeout=30)
        self.assertEqual(outcome.returncode, 1, outcome.stderr)
        self.assertEqual(outcome.stdout, "")
        lines = [line for line in outcome.stderr.splitlines() if " warning: " not in line]
        self.assertEqual(len(lines), 1, outcome.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def test_good(self):
        outcome = subprocess.run([RELOADD, "--config", OVERLAY_FILES.write_settings(1), "--check"],
                                 capture_output=True, text=True, timeout=30)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertIn("good", outcome.stdout)

    def test_no_such_file(self):
        self.check("/nonexistent/reloadd.conf", "/nonexistent/reloadd.conf", "No such file",
                   "--config")

    def test_missing_settings(self):
        for name in ("document", "certificate", "key"):
            self.check(OVERLAY_FILES.write_settings(1, **{name: None}), "'%s' is missing" % name,
                       "reloadd.conf")

    def test_missing_files(self):
        for name in ("document", "certificate", "key"):
            self.check(OVERLAY_FILES.write_settings(1, **{name: "nowhere.file"}), "nowhere.file")

    def test_wrong_values(self):
        wrong = {"listen": "localhost:99", "first_node": "maybe", "prefer": "sctp", "log": "loud",
                 "client": "1"}
        for name, value in wrong.items():
            self.check(OVERLAY_FILES.write_settings(1, **{name: value}), "'%s'" % value, "line ")

    def test_line_number(self):
        path = OVERLAY_FILES.write_settings(1)
        with open(path, "w") as file:
            file.write("[node]\n\n; a remark\nlissten = 1\n")
        self.check(path, "line 4", "lissten", "listen")
        with open(path, "w") as file:
            file.write("[node]\nno equals sign\n")
        self.check(path, "line 2")

    def test_unknown_role(self):
        self.check(OVERLAY_FILES.write_settings(1, roles="registrar, juggler"), "juggler", "proxy")

    def test_unknown_settings(self):
        for sections, words in (("[node]\nlisen = x\n", ("lisen", "[node]", " first-node")),
                                ("[sip]\nport = 1\n", ("port", "[sip]", " password-file")),
                                ("[nodes]\na = b\n", ("[nodes]", "[node] [sip]"))):
            self.check(OVERLAY_FILES.write_settings(1, sections=sections), *words)

    def test_taken_port_of_phones(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            sections = "[sip]\nlisten = 127.0.0.1:%d\n" % port
            self.check(OVERLAY_FILES.write_settings(1, roles="registrar", sections=sections),
                       str(port), "in use", "listen", arguments=())

    def test_taken_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            self.check(OVERLAY_FILES.write_settings(1, listen=address), address, "in use", "listen")
        with socket.socket(type=socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            self.check(OVERLAY_FILES.write_settings(1, listen=address), address, "in use", "listen")

    def test_documents(self):
        for changes, word in (({"expiration": "2020-01-01T00:00:00Z"}, "overlay.xml"),
                              ({"topology": "CAN"}, "CAN"),
                              ({"root": "AAAA"}, "overlay.xml"),
                              ({"overlay": "other.example"}, "node.crt")):
            OVERLAY_FILES.write_document(1, **changes)
            self.check(OVERLAY_FILES.write_settings(1), word)

    def test_expired_certificate(self):
        make_node(OVERLAY_FILES.folder(1), 1, "late", "20200101000000Z", "20210101000000Z")
        self.check(OVERLAY_FILES.write_settings(1, certificate="late.crt", key="late.key"),
                   "late.crt", "expired")

    def test_key_of_another(self):
        make_node(OVERLAY_FILES.folder(1), 1, "other")
        self.check(OVERLAY_FILES.write_settings(1, key="other.key"), "node.crt")

    def test_key_that_others_can_read(self):
        make_node(OVERLAY_FILES.folder(1), 1, "open")
        os.chmod(OVERLAY_FILES.file(1, "open.key"), 0o644)
        self.check(OVERLAY_FILES.write_settings(1, certificate="open.crt", key="open.key"),
                   "open.key", "600")

    def test_durable_without_a_file(self):
        self.check(OVERLAY_FILES.write_settings(1, durable="yes", state="none"), "durable", "state")
        self.check(OVERLAY_FILES.write_settings(1, durable="yes", state="no-folder/x"),
                   "durable", "no-folder/x")
        outcome = subprocess.run([RELOADD, "--check", "--config",
                                  OVERLAY_FILES.write_settings(1, state="no-folder/x")],
                                 capture_output=True, text=True, timeout=30)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertIn("in memory only", outcome.stderr)

    def test_phones_password_that_others_can_read(self):
        path = OVERLAY_FILES.file(1, "phones")
        with open(path, "w") as file:
            file.write("secret\n")
        os.chmod(path, 0o644)
        self.check(OVERLAY_FILES.write_settings(1, sections="[sip]\npassword-file = phones\n"),
                   "phones", "600")

    def test_control_socket(self):
        for name, what in (("a-file", "not a socket"), ("no-folder/x", "cannot be made")):
            if what == "not a socket":
                with open(OVERLAY_FILES.file(1, name), "w"):
                    pass
            self.check(OVERLAY_FILES.write_settings(1, control=name), name, what, "control",
                       arguments=())
            if what == "not a socket":
                self.assertTrue(os.path.exists(OVERLAY_FILES.file(1, name)))

    def test_wrong_arguments(self):
        for arguments in (["--conf"], ["surplus"], ["--nothing"]):
            outcome = subprocess.run([RELOADD, *arguments], capture_output=True, text=True,
                                     timeout=10)
            self.assertEqual(outcome.returncode, 2)


class Running(unittest.TestCase):
    """An overlay of two peers and a client."""

    @classmethod
    def setUpClass(cls):
        for number in range(3):
            OVERLAY_FILES.write_document(number)
        cls.nodes = [Node(0)]
        cls.nodes[0].wait_joined()
        cls.nodes += [Node(1, prefer="dtls"), Node(2, prefer="tls")]
        for node in cls.nodes:
            node.wait_joined()

    @classmethod
    def tearDownClass(cls):
        for node in cls.nodes:
            node.end()

    def test_status(self):
        status = self.nodes[1].result("status")
        self.assertEqual(status["node_id"], NODE_IDS[1])
        self.assertEqual(status["user"], "user1@" + OVERLAY)
        self.assertEqual(status["overlay"], OVERLAY)
        self.assertEqual(status["configuration_sequence"], 7)
        self.assertGreaterEqual(status["overlay_links"], 1)
        self.assertEqual(status["counters"]["dropped_malformed"], 0)
        table = subprocess.run([RELOAD, "status", "--socket", self.nodes[1].control],
                               capture_output=True, text=True, timeout=10)
        self.assertIn(NODE_IDS[1], table.stdout)

    def test_peers_by_both_kinds_of_links(self):
        kinds = set()
        for node in self.nodes:
            for peer in node.result("peers")["peers"]:
                self.assertIn(peer["node_id"], NODE_IDS)
                self.assertEqual(peer["path"], "same LAN")
                self.assertIn(peer["found_by"], ("bootstrap node", "we attached", "it attached",
                                                 "it connected"))
                kinds.add(peer["link"])
        self.assertEqual(kinds, {"TLS", "DTLS"})

    def test_routes(self):
        routes = self.nodes[0].result("routes")
        self.assertIn(routes["successors"][0], NODE_IDS[1:])

    def test_ping(self):
        pong = self.nodes[0].result("ping", NODE_IDS[2])
        self.assertEqual(pong["responder"], NODE_IDS[2])
        self.assertEqual(pong["user"], "user2@" + OVERLAY)
        self.assertIn(self.nodes[0].result("ping", "--name", "anything")["responder"], NODE_IDS)
        self.assertEqual(self.nodes[0].ask("ping", "1234").returncode, 1)
        self.assertEqual(self.nodes[0].ask("ping").returncode, 1)
        self.assertLess(abs(pong["clock_ahead_ms"]), 2000)

    def test_own_certificate_in_the_overlay(self):
        """RFC 6940 8: kept there some seconds after joining."""
        until = time.monotonic() + 20
        values = []
        while not values and time.monotonic() < until:
            time.sleep(0.2)
            values = [v for v in self.nodes[0].result(
                "fetch", "CERTIFICATE_BY_NODE", "--node", NODE_IDS[1])["values"] if v["exists"]]
        self.assertEqual([v["signer"] for v in values], ["user1@" + OVERLAY])

    def test_private_kind(self):
        for number in (0, 1):
            self.nodes[number].result("store", str(KIND), "value of %d" % number)
        for reader in self.nodes:
            values = reader.result("fetch", str(KIND), "--name", "user1@" + OVERLAY)["values"]
            self.assertEqual([v["text"] for v in values], ["value of 1"])
            self.assertEqual(values[0]["key"], NODE_IDS[1])
            self.assertEqual(values[0]["signer"], "user1@" + OVERLAY)
            for ways in (["--copies", "3"], ["--replicas", "if-needed"],
                         ["--replicas", "all", "--copies", "2"]):
                values = reader.result("fetch", str(KIND), "--name", "user1@" + OVERLAY,
                                       *ways)["values"]
                self.assertEqual(values[-1]["text"], "value of 1", ways)
        self.nodes[1].result("remove", str(KIND))
        values = self.nodes[0].result("fetch", str(KIND), "--name", "user1@" + OVERLAY)["values"]
        self.assertFalse(any(v["exists"] for v in values))

    def test_what_is_refused(self):
        # Another user's resource; a Kind that there is not; no hex; too large.
        for arguments, words in (
                (["store", str(KIND), "x", "--name", "user1@" + OVERLAY], "Forbidden"),
                (["store", "77", "x"], "77"), (["fetch", "NO-SUCH-KIND"], "kind"),
                (["store", str(KIND), "--hex", "abc"], "hex"),
                (["store", str(KIND), "x" * 2000], "larger"),
                (["store", str(KIND), "x", "--index", "1"], "arrays"),
                (["fetch", str(KIND), "--last", "1"], "arrays"),
                (["fetch", "CERTIFICATE_BY_NODE", "--key", "00"], "dictionaries"),
                (["fetch", str(KIND), "--copies", "9"], "copies"),
                (["fetch", str(KIND), "--replicas", "some"], "if-needed"),
                (["lookup", "not an address"], "is no address"),
                (["lookup", "nobody@" + OVERLAY], "nobody")):
            answer = self.nodes[2].ask(*arguments)
            self.assertEqual(answer.returncode, 1, arguments)
            self.assertEqual(len(answer.stderr.splitlines()), 1, answer.stderr)
            self.assertIn(words, answer.stderr)

    def test_wrong_arguments_of_commands(self):
        for arguments in (["fetch"], ["store"], ["status", "surplus"], ["ping", "a", "b"],
                          ["fetch", str(KIND), "--first", "x"], ["peers", "--nothing"]):
            answer = self.nodes[0].ask(*arguments)
            self.assertEqual(answer.returncode, 2, arguments)

    def test_values_cannot_steer_a_terminal(self):
        """P30, M3: what others stored, and what they say, is shown without control characters."""
        evil = "\x1b[31mred\x07\x7f \x9b2J"
        self.nodes[2].result("store", str(KIND), evil)
        name = "user2@" + OVERLAY
        self.assertEqual(self.nodes[0].result("fetch", str(KIND), "--name", name)["values"][0]
                         ["value"], evil.encode().hex())
        for options in ((), ("--json",)):
            outcome = subprocess.run(
                [RELOAD, "fetch", str(KIND), "--name", name, "--socket", self.nodes[0].control,
                 *options], capture_output=True, text=True, timeout=30)
            self.assertIn(evil.encode().hex(), outcome.stdout)
            self.assert_plain(outcome.stdout)

    def test_answers_cannot_steer_a_terminal(self):
        """P30: an error's text may come from another node (error_info)."""
        letter = "\u00e4"
        evil = "no \x1b[2J\r\n\x9b5n " + letter
        path = os.path.join(OVERLAY_FILES.path, "false.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            with subprocess.Popen([RELOAD, "status", "--socket", path], text=True,
                                  stderr=subprocess.PIPE) as asking:
                connection = listener.accept()[0]
                with connection:
                    connection.recv(1000)
                    answer = json.dumps({"ok": False, "error": evil}, ensure_ascii=False)
                    connection.sendall(answer.encode() + b"\n")
                error = asking.communicate(timeout=30)[1]
        self.assertEqual(asking.returncode, 1)
        self.assertIn(letter, error)
        self.assert_plain(error)

    def assert_plain(self, text):
        strange = [c for c in text if unicodedata.category(c) == "Cc" and c != "\n"]
        self.assertEqual(strange, [])

    # ---- the control socket

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        connection.connect(self.nodes[0].control)
        return connection

    def test_socket_is_ours_only(self):
        """M1: mode 0600, and a peer of another user hears nothing even if it could connect."""
        path = self.nodes[0].control
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        if os.geteuid() != 0:
            self.skipTest("needs root to be somebody else")
        script = ("import os,socket,sys\nos.setgid(65534); os.setuid(65534)\n"
                  "s=socket.socket(socket.AF_UNIX); s.settimeout(10)\n"
                  "try:\n s.connect(sys.argv[1])\n"
                  "except PermissionError:\n print('no way'); sys.exit()\n"
                  "try:\n s.sendall(b'{\"command\":\"status\"}\\n'); print(len(s.recv(100)))\n"
                  "except OSError:\n print(0)\n")
        stranger = [sys.executable, "-c", script, path]
        outcome = subprocess.run(stranger, capture_output=True, text=True, timeout=30)
        self.assertEqual(outcome.stdout.strip(), "no way", outcome.stderr)
        os.chmod(path, 0o666)
        os.chmod(os.path.dirname(path), 0o755)
        os.chmod(OVERLAY_FILES.path, 0o755)
        outcome = subprocess.run(stranger, capture_output=True, text=True, timeout=30)
        os.chmod(path, 0o600)
        self.assertEqual(outcome.stdout.strip(), "0", outcome.stderr)

    def test_junk_on_the_socket(self):
        with self.connect() as connection:
            for line in (b"\n", b"{\n", b"[1,2]\n", b"{}\n", b'{"command":1}\n', b"\xff\xfe\n",
                         b'{"command":"status","command":"leave"}\n',
                         b'{"command":"store","kind":-1,"value":7}\n',
                         b'{"command":"' + b"x" * 5000 + b'"}\n', b"[" * 10000 + b"\n"):
                connection.sendall(line)
                answer = b""
                while not answer.endswith(b"\n"):
                    answer += connection.recv(4096)
                self.assertFalse(json.loads(answer)["ok"])
        self.assertTrue(self.nodes[0].result("status")["joined"])

    def test_endless_line(self):
        with self.connect() as connection, self.assertRaises(OSError):
            for _ in range(64):
                connection.sendall(b"x" * 65536)
        self.assertTrue(self.nodes[0].result("status")["joined"])

    def test_many_connections(self):
        connections = [self.connect() for _ in range(40)]
        self.assertEqual(self.nodes[0].process.poll(), None)
        for connection in connections:
            connection.close()
        self.assertTrue(self.nodes[0].result("status")["joined"])

    def test_asker_leaves_before_the_answer(self):
        """Whether the answer comes later, or at once and nobody is there any more."""
        descriptors = "/proc/%d/fd" % self.nodes[0].process.pid
        before = len(os.listdir(descriptors))
        for request in ({"command": "ping", "node": NODE_IDS[2]}, {"command": "status"}):
            for _ in range(20):
                with self.connect() as connection:
                    connection.sendall(json.dumps(request).encode() + b"\n")
        deadline = time.monotonic() + 10
        while len(os.listdir(descriptors)) > before + 5:  # links come and go
            self.assertLess(time.monotonic(), deadline, "connections of askers that left stay")
            time.sleep(0.05)
        self.assertTrue(self.nodes[0].result("status")["joined"])

    def test_second_node_with_the_same_socket(self):
        path = OVERLAY_FILES.write_settings(0, listen="127.0.0.1:0", state="none")
        outcome = subprocess.run([RELOADD, "--config", path], capture_output=True, text=True,
                                 timeout=30)
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("another node", outcome.stderr)
        self.assertTrue(self.nodes[0].result("status")["joined"])


class ZEnding(unittest.TestCase):
    """Leaving, by command and by signal."""

    def test_leave(self):
        node = Node(0)
        node.wait_joined()
        self.assertTrue(node.result("leave")["left"])
        self.assertEqual(node.process.wait(10), 0)
        self.assertFalse(os.path.exists(node.control))
        self.assertEqual(node.ask("status").returncode, 1)
        self.assertIn("--socket", node.ask("status").stderr)
        node.end()

    def test_signal(self):
        node = Node(0)
        node.wait_joined()
        self.assertEqual(node.end(), 0)
        # What a killed node leaves behind is no hindrance.
        node = Node(0)
        node.wait_joined()
        node.process.kill()
        node.process.wait()
        self.assertTrue(os.path.exists(node.control))
        node.end()
        node = Node(0)
        node.wait_joined()
        self.assertEqual(node.end(), 0)

    def test_nobody_there(self):
        """T12: an ordinary node does not found an overlay of its own."""
        node = Node(1)
        deadline = time.monotonic() + 10
        while node.ask("status").returncode != 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1.5)
        self.assertFalse(node.result("status")["joined"])
        self.assertEqual(node.end(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
