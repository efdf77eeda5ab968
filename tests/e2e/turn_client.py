"""turn_client.py: a small TURN client (RFC 8656) for tests: it allocates, permits, sends.

SPDX-License-Identifier: BSD-2-Clause
"""
import hashlib
import hmac
import ipaddress
import os
import socket
import struct

COOKIE = 0x2112A442
ALLOCATE, REFRESH, SEND, DATA, PERMIT = 0x003, 0x004, 0x016, 0x017, 0x008
SUCCESS = 0x100
USERNAME, INTEGRITY, ERROR_CODE, LIFETIME, PEER, OCTETS = 6, 8, 9, 13, 0x12, 0x13
REALM, NONCE, RELAYED, TRANSPORT = 0x14, 0x15, 0x16, 0x19
UDP = b"\x11\0\0\0"


class TurnError(Exception):
    """The server's refusal: code has its number, 0 when no answer came."""

    def __init__(self, code):
        super().__init__(f"TURN error {code}")
        self.code = code


def attribute(kind, value):
    """One attribute, padded."""
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def attributes(message):
    """The attributes of |message|, by type; the first of each."""
    found, at = {}, 20
    while at + 4 <= len(message):
        kind, size = struct.unpack_from("!HH", message, at)
        found.setdefault(kind, message[at + 4:at + 4 + size])
        at += 4 + size + -size % 4
    return found


def hide(address, transaction):
    """An address and port as XOR-PEER-ADDRESS has them."""
    octets = ipaddress.ip_address(address[0]).packed
    key = struct.pack("!I", COOKIE) + transaction
    hidden = bytes(a ^ b for a, b in zip(octets, key))
    return struct.pack("!BBH", 0, 1 if len(octets) == 4 else 2, address[1] ^ COOKIE >> 16) + hidden


def reveal(value, transaction):
    """The opposite."""
    port = struct.unpack_from("!H", value, 2)[0] ^ COOKIE >> 16
    key = struct.pack("!I", COOKIE) + transaction
    octets = bytes(a ^ b for a, b in zip(value[4:], key))
    return str(ipaddress.ip_address(octets)), port


class TurnClient:
    """One allocation at |server|, (address, port)."""

    def __init__(self, server, username, password, tcp=False):
        self.username, self.password = username.encode(), password
        self.realm = self.nonce = self.key = None
        self.tcp = tcp
        self.socket = socket.socket(socket.AF_INET,
                                    socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        self.socket.connect(server)
        self.input = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self):
        """The next message."""
        if not self.tcp:
            return self.socket.recv(65536)
        while len(self.input) < 20 or \
                len(self.input) < 20 + struct.unpack_from("!H", self.input, 2)[0]:
            more = self.socket.recv(65536)
            if not more:
                raise TurnError(0)
            self.input += more
        size = 20 + struct.unpack_from("!H", self.input, 2)[0]
        message, self.input = self.input[:size], self.input[size:]
        return message

    def signed(self, method, transaction, body):
        """A request with credentials, once the server has said what it wants."""
        if self.key:
            body += attribute(USERNAME, self.username) + attribute(REALM, self.realm)
            body += attribute(NONCE, self.nonce)
            head = struct.pack("!HHI", method, len(body) + 24, COOKIE) + transaction
            body += attribute(INTEGRITY, hmac.new(self.key, head + body, hashlib.sha1).digest())
        return struct.pack("!HHI", method, len(body), COOKIE) + transaction + body

    def ask(self, method, make_body):
        """One request; a TurnError when it is refused."""
        transaction = os.urandom(12)
        self.socket.sendall(self.signed(method, transaction, make_body(transaction)))
        try:
            while True:
                answer = self.receive()
                if answer[8:20] == transaction:
                    break
        except socket.timeout:
            raise TurnError(0) from None
        found = attributes(answer)
        if struct.unpack_from("!H", answer)[0] != method | SUCCESS:
            code = found[ERROR_CODE][2] * 100 + found[ERROR_CODE][3]
            if code in (401, 438) and REALM in found:
                self.realm, self.nonce = found[REALM], found[NONCE]
            raise TurnError(code)
        return transaction, found

    def allocate(self):
        """Gets a relayed address; the first refusal only tells realm and nonce."""
        def body(_):
            return attribute(TRANSPORT, UDP)
        try:
            self.ask(ALLOCATE, body)
            raise AssertionError("an allocation without credentials")
        except TurnError as error:
            if error.code != 401:
                raise
        text = b":".join((self.username, self.realm, self.password.encode()))
        self.key = hashlib.md5(text).digest()
        transaction, found = self.ask(ALLOCATE, body)
        return reveal(found[RELAYED], transaction)

    def refresh(self, lifetime=600):
        """Keeps the allocation, or with 0 ends it."""
        self.ask(REFRESH, lambda _: attribute(LIFETIME, struct.pack("!I", lifetime)))

    def permit(self, address):
        """Lets |address| send to us."""
        self.ask(PERMIT, lambda transaction: attribute(PEER, hide(address, transaction)))

    def send(self, address, octets):
        """Sends |octets| to |address| through the relay."""
        transaction = os.urandom(12)
        body = attribute(PEER, hide(address, transaction)) + attribute(OCTETS, octets)
        self.socket.sendall(struct.pack("!HHI", SEND, len(body), COOKIE) + transaction + body)

    def receive_data(self):
        """Waits for what a peer sends; (address, octets)."""
        while True:
            message = self.receive()
            if struct.unpack_from("!H", message)[0] == DATA:
                found = attributes(message)
                return reveal(found[PEER], message[8:20]), found[OCTETS]
