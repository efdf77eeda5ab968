"""srv_test.py: the configuration server of an overlay is found by its SRV record, and must prove
the overlay's name.

A name server of our own answers on port 53 of a network namespace; skipped where that cannot be
made. RFC 6940 11.2; attack F7. usage: srv_test.py RELOAD RELOAD-ENROLLD
SPDX-License-Identifier: BSD-2-Clause
"""
import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

from enrolment_office import OVERLAY, OddServer, Office, must, run

RELOAD = ENROLLD = None  # paths of the programs, from the command line
SKIPPED = 77
SERVICE = "_reload-config._tcp." + OVERLAY
A, SRV = 1, 33
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def pack_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


class NameServer(threading.Thread):
    """Answers SRV questions for SERVICE with |records| (priority, weight, port, target) and A
    questions with 127.0.0.1; everything else does not exist."""

    def __init__(self):
        super().__init__(daemon=True)
        self.records = []
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))

    def run(self):
        while True:
            query, sender = self.socket.recvfrom(4096)
            self.socket.sendto(self.answer(query), sender)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, kind = ".".join(labels).lower(), struct.unpack_from("!H", query, at + 1)[0]
        self.asked.append((name, kind))
        data = []
        if name == SERVICE and kind == SRV:
            data = [struct.pack("!HHH", *row[:3]) + pack_name(row[3]) for row in self.records]
        elif name.endswith("host." + OVERLAY) and kind == A:
            data = [bytes([127, 0, 0, 1])]
        known = bool(data) or name.endswith("host." + OVERLAY)
        flags = 0x8580 if known else 0x8583
        head = query[:2] + struct.pack("!HHHHH", flags, 1, len(data), 0, 0)
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(piece)) + piece
                           for piece in data)
        return head + query[12:at + 5] + records


class Discovery(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = NameServer()
        cls.names.start()
        cls.office = Office(ENROLLD).start()

    @classmethod
    def tearDownClass(cls):
        cls.office.stop()

    def enrol(self, *records, overlay=OVERLAY, ca=None):
        self.names.records = records
        return run(RELOAD, "enrol", "--overlay", overlay, "--user", "alice", "--password-file",
                   self.office.password_file, "--ca", ca or self.office.ca, "--out",
                   self.office.path("node"))

    def assert_refused(self, done, said):
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(said, done.stderr.splitlines()[-1])

    def test_found(self):
        """RFC6940-11.2-04"""
        done = self.enrol((0, 0, self.office.port, "a.host." + OVERLAY))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn((SERVICE, SRV), self.names.asked)

    def test_lowest_priority_first(self):
        for _ in range(5):
            done = self.enrol((20, 50, 1, "b.host." + OVERLAY),
                              (10, 0, self.office.port, "a.host." + OVERLAY),
                              (30, 9, 1, "c.host." + OVERLAY))
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_not_found(self):
        self.assert_refused(self.enrol(), "--url https://")
        self.assert_refused(self.enrol(overlay="other.example"), "--url https://")

    def test_no_such_service(self):
        """RFC 2782: a target of "." """
        self.assert_refused(self.enrol((0, 0, 0, ".")), "no such service")

    def test_server_of_another_name(self):
        """RFC6940-11.2-06: a name server that lies leads to nobody who could prove the name."""
        self.office.make_key("odd.key")
        must("openssl", "req", "-x509", "-key", self.office.path("odd.key"), "-subj", "/CN=a",
             "-out", self.office.path("odd.crt"), "-days", "2", "-addext",
             "subjectAltName=DNS:a.host." + OVERLAY)
        server = OddServer(self.office.path("odd.crt"), self.office.path("odd.key"), {})
        self.addCleanup(server.stop)
        done = self.enrol((0, 0, server.port, "a.host." + OVERLAY), ca=self.office.path("odd.crt"))
        self.assert_refused(done, OVERLAY)
        self.assertEqual(server.requests, [])


def enter_namespace():
    """In a network of its own: the loopback up, and a resolver's configuration that names us."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:2\n")
        file.flush()
        return subprocess.call(["mount", "--bind", file.name, "/etc/resolv.conf"]) == 0


if __name__ == "__main__":
    RELOAD, ENROLLD = sys.argv[1:3]
    if os.environ.get("RELOAD_SRV_TEST") != "inside":
        USER = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        COMMAND = ["unshare", *USER, "--mount", "--net", sys.executable, *sys.argv]
        if subprocess.call([*COMMAND[:-len(sys.argv) - 1], "true"], stderr=subprocess.DEVNULL):
            print("skipped: no network namespace can be made here")
            sys.exit(SKIPPED)
        sys.exit(subprocess.call(COMMAND, env=dict(os.environ, RELOAD_SRV_TEST="inside")))
    if not enter_namespace():
        sys.exit(SKIPPED)
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
