#!/usr/bin/env python3
"""tone_phone.py: a plain SIP phone that sends a tone and measures what it hears.

It speaks SIP by UDP, RTP and RTCP with G.711 (PCMU), and no ICE: a phone like those that the
node's rtp-relay is for. Two of them, one that answers and one that calls, tell whether audio
passes both ways:

    tone_phone.py --node 127.0.0.1:5060 --user bob --overlay example.net --answer --tone 523
    tone_phone.py --node 127.0.0.1:5060 --user alice --overlay example.net --call bob --tone 440

The last line is a JSON object: the call's `state`, `sent` and `heard` packets, `hz` (the frequency
that was heard, 0 when nothing was), `rtcp_heard`, `setup_ms`, `peer` (where the SDP said to send).
With --hush FROM:SECONDS it sends nothing at all in that time of the call; `sent_after` and
`heard_after` are the packets since.

RFC 3261, 3550, 3551. SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import json
import math
import re
import secrets
import select
import socket
import struct
import sys
import time

RATE, SAMPLES = 8000, 160  # G.711, 20 ms a packet
PERIOD_S = SAMPLES / RATE
HUSH_SKEW_S = 1  # two phones of a call are hushed at nearly the same time


def encode(sample):
    """One sample of 16 bits as mu-law."""
    sign, sample = (0x80, -sample) if sample < 0 else (0, sample)
    sample = min(sample, 32635) + 132
    exponent = sample.bit_length() - 8
    return ~(sign | exponent << 4 | sample >> (exponent + 3) & 15) & 255


def decode(octet):
    """The other way."""
    octet = ~octet & 255
    value = (((octet & 15) << 3) + 132 << (octet >> 4 & 7)) - 132
    return -value if octet & 0x80 else value


def frequency(samples):
    """The frequency of a tone, by its upward zero crossings."""
    crossings = [i for i in range(1, len(samples)) if samples[i - 1] < 0 <= samples[i]]
    if len(crossings) < 10:
        return 0.0
    return (len(crossings) - 1) * RATE / (crossings[-1] - crossings[0])


class PhoneError(Exception):
    """What went wrong, for people."""


def udp_socket(host):
    """A UDP socket of |host|'s family."""
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)


def bind_pair(host):
    """An even UDP port for RTP and the next one for RTCP."""
    for _ in range(50):
        rtp = udp_socket(host)
        rtp.bind((host, 0))
        port = rtp.getsockname()[1]
        if port % 2 == 0:
            rtcp = udp_socket(host)
            try:
                rtcp.bind((host, port + 1))
                return rtp, rtcp
            except OSError:
                rtcp.close()
        rtp.close()
    raise PhoneError("no two ports in a row")


class TonePhone:
    """The phone of |user| at the node |node|, (host, port)."""

    def __init__(self, node, user, overlay, tone_hz, limit_s):
        self.node, self.user, self.overlay, self.tone_hz = node, user, overlay, tone_hz
        self.until = time.monotonic() + limit_s
        self.sip = udp_socket(node[0])
        self.sip.connect(node)
        self.host, self.port = self.sip.getsockname()[:2]
        self.at = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        self.rtp, self.rtcp = bind_pair(self.host)
        self.tag, self.call_id, self.sequence = secrets.token_hex(4), secrets.token_hex(8), 0
        self.dialog = None  # (local, remote, target, routes) of a call
        self.remote = None
        self.pending = []  # messages that were not what somebody waited for
        self.ended = False
        self.result = {"state": "idle", "sent": 0, "heard": 0, "rtcp_heard": 0, "hz": 0.0,
                       "setup_ms": 0.0, "peer": None}
        self.heard = bytearray()
        self.hush = (math.inf, 0)  # from when in the call, and for how long, nothing is sent
        self.listen_from = math.inf  # what comes since then came after the hush

    # ---- SIP ------------------------------------------------------------------------------------

    def address(self, user):
        """The SIP address of |user|."""
        return f"sip:{user if '@' in user else f'{user}@{self.overlay}'}"

    def describe(self):
        """Our session description."""
        where = f"IN IP{6 if ':' in self.host else 4} {self.host}"
        return (f"v=0\r\no=- 1 1 {where}\r\ns=-\r\nc={where}\r\nt=0 0\r\n"
                f"m=audio {self.rtp.getsockname()[1]} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
                f"a=ptime:20\r\n")

    def send(self, first_line, headers, body=""):
        """Sends a message; a body is a description."""
        if body:
            headers += "Content-Type: application/sdp\r\n"
        self.sip.send(f"{first_line}\r\n{headers}Contact: <sip:{self.user}@{self.at}>"
                      f"\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    def request(self, method, uri, local, remote, call_id, more="", body=""):
        """Sends a request outside or inside of a call; repeats it until anything comes back."""
        if method != "ACK":
            self.sequence += 1
        headers = (f"Via: SIP/2.0/UDP {self.at};branch=z9hG4bK{secrets.token_hex(8)};"
                   f"rport\r\nMax-Forwards: 70\r\nFrom: {local}\r\nTo: {remote}\r\n"
                   f"Call-ID: {call_id}\r\nCSeq: {self.sequence} {method}\r\n{more}")
        pause = 0.5
        while True:
            self.send(f"{method} {uri} SIP/2.0", headers, body)
            if method == "ACK" or self.readable(pause):
                return
            pause *= 2
            self.check_time(method)

    def check_time(self, what):
        """Fails when all the time is over."""
        if time.monotonic() > self.until:
            raise PhoneError(f"no answer to {what} in time")

    def readable(self, seconds):
        """Whether a message comes within |seconds|."""
        return bool(select.select([self.sip], [], [], max(0, seconds))[0])

    def receive(self, what):
        """The next message."""
        while True:
            if self.readable(min(0.5, self.until - time.monotonic())):
                try:
                    return self.sip.recv(65536).decode("utf-8", "replace")
                except ConnectionRefusedError:
                    pass
            self.check_time(what)

    def response(self, what):
        """The final answer to what was sent last; requests in between are kept."""
        while True:
            text = self.receive(what)
            if not text.startswith("SIP/2.0"):
                self.pending.append(text)
            elif re.search(rf"^CSeq: *{self.sequence} ", text, re.M | re.I) and text[8] != "1":
                return text

    def answer(self, request, status, body=""):
        """Answers |request|."""
        kept = "".join(re.findall(r"^(?:Via|Record-Route|From|Call-ID|CSeq) *:.*\r\n", request,
                                  re.M | re.I))
        to = header(request, "To")
        tag = "" if ";tag=" in to or status.startswith("100") else f";tag={self.tag}"
        self.send(f"SIP/2.0 {status}", f"{kept}To: {to}{tag}\r\n", body)

    def register(self):
        """Registers at the node."""
        own = f"<{self.address(self.user)}>"
        self.request("REGISTER", f"sip:{self.overlay}", f"{own};tag={self.tag}", own,
                     f"reg{self.call_id}", "Expires: 600\r\n")
        status = self.response("REGISTER")[8:11]
        if status != "200":
            raise PhoneError(f"not registered: {status}")

    def call(self, callee):
        """Calls |callee| and waits until the call is answered."""
        own, other = f"<{self.address(self.user)}>;tag={self.tag}", f"<{self.address(callee)}>"
        begin = time.monotonic()
        self.result["state"] = "calling"
        self.request("INVITE", self.address(callee), own, other, self.call_id, "", self.describe())
        answer = self.response("INVITE")
        if answer[8] != "2":
            raise PhoneError(f"the call was not answered: {answer[8:11]}")
        self.result["setup_ms"] = round((time.monotonic() - begin) * 1000, 1)
        routes = "".join(f"Route: {route}\r\n" for route in reversed(routes_of(answer)))
        self.dialog = (own, header(answer, "To"), contact_of(answer), routes)
        self.request("ACK", self.dialog[2], own, self.dialog[1], self.call_id, routes)
        self.begin(answer)

    def wait_for_call(self):
        """Waits for a call and answers it."""
        self.result["state"] = "waiting"
        while True:
            text = self.pending.pop(0) if self.pending else self.receive("nothing: nobody called")
            if text.startswith("INVITE "):
                break
        self.answer(text, "180 Ringing")
        self.answer(text, "200 OK", self.describe())
        routes = "".join(f"Route: {route}\r\n" for route in routes_of(text))
        self.call_id = re.search(r"^Call-ID *: *(\S+)", text, re.M | re.I).group(1)
        self.dialog = (f"{header(text, 'To')};tag={self.tag}", header(text, "From"),
                       contact_of(text), routes)
        self.begin(text)

    def hang_up(self):
        """Ends the call from this side."""
        if self.ended:
            return
        local, remote, target, routes = self.dialog
        self.request("BYE", target, local, remote, self.call_id, routes)
        self.response("BYE")

    def take_request(self):
        """What the other side says during the call."""
        text = self.sip.recv(65536).decode("utf-8", "replace")
        if text.startswith("BYE "):
            self.answer(text, "200 OK")
            self.ended = True

    # ---- media ----------------------------------------------------------------------------------

    def begin(self, message):
        """Where to send, as the other side's description says."""
        body = message.split("\r\n\r\n", 1)[1]
        host = re.findall(r"^c=IN IP[46] (\S+)", body, re.M)
        port = re.search(r"^m=audio (\d+) ", body, re.M)
        if not host or not port:
            raise PhoneError("the other side sent no description of its audio")
        self.remote = (host[-1], int(port.group(1)))
        self.result["state"] = "answered"
        self.result["peer"] = f"{self.remote[0]} {self.remote[1]}"

    def packet(self, number, source):
        """RTP packet |number| of our tone."""
        tone = bytes(encode(round(12000 * math.sin(2 * math.pi * self.tone_hz * i / RATE)))
                     for i in range(number * SAMPLES, (number + 1) * SAMPLES))
        return struct.pack("!BBHII", 0x80, 0, number & 0xffff, number * SAMPLES, source) + tone

    def report(self, number, source):
        """An RTCP sender report with our name."""
        name = b"\x01\x05phone\x00"
        return (struct.pack("!BBHIQIII", 0x80, 200, 6, source, 0, number * SAMPLES, number,
                            number * SAMPLES)
                + struct.pack("!BBHI", 0x81, 202, 1 + (len(name) + 3) // 4, source)
                + name.ljust((len(name) + 3) // 4 * 4, b"\x00"))

    def talk(self, seconds, linger_s=0.0):
        """Sends and listens for |seconds|; the side that answers also until the other hangs up, at
        most |linger_s| longer."""
        source, number = secrets.randbits(32), 0
        begin = time.monotonic()
        end = begin + seconds
        self.listen_from = begin + sum(self.hush) - min(HUSH_SKEW_S, self.hush[1] / 2)
        sockets = [self.rtp, self.rtcp, self.sip]
        while not self.ended and time.monotonic() < end + linger_s:
            due = begin + number * PERIOD_S
            due += self.hush[1] if number * PERIOD_S >= self.hush[0] else 0
            if time.monotonic() >= due and time.monotonic() < end:
                self.rtp.sendto(self.packet(number, source), self.remote)
                if number % 25 == 0:
                    self.rtcp.sendto(self.report(number, source),
                                     (self.remote[0], self.remote[1] + 1))
                number += 1
                self.count("sent", time.monotonic())
                continue
            pause = min(max(due - time.monotonic(), 0), 0.1) if time.monotonic() < end else 0.1
            for ready in select.select(sockets, [], [], pause)[0]:
                try:
                    self.take(ready)
                except ConnectionRefusedError:
                    pass
        self.result["hz"] = round(frequency([decode(octet) for octet in self.heard]), 1)

    def count(self, what, now):
        """One packet more."""
        self.result[what] += 1
        if now >= self.listen_from:
            self.result[f"{what}_after"] = self.result.get(f"{what}_after", 0) + 1

    def take(self, ready):
        """Something came on a socket."""
        if ready is self.sip:
            self.take_request()
        elif ready is self.rtcp:
            self.result["rtcp_heard"] += len(self.rtcp.recv(2048)) > 0
        else:
            packet = self.rtp.recv(2048)
            if len(packet) > 12 and packet[0] >> 6 == 2:
                self.count("heard", time.monotonic())
                self.heard += packet[12:]


def header(text, name):
    """The value of a header."""
    return re.search(rf"^{name} *: *(.*)\r$", text, re.M | re.I).group(1)


def routes_of(text):
    """The Record-Routes, in order."""
    return re.findall(r"^Record-Route *: *(.*)\r$", text, re.M | re.I)


def contact_of(text):
    """Where the other phone is."""
    return re.search(r"^Contact *: *<([^>]*)>", text, re.M | re.I).group(1)


def main():
    """One phone, one call. Exit code 0 when the other side's tone was heard."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--node", required=True, help="HOST:PORT or [HOST]:PORT of [sip] listen")
    parser.add_argument("--user", required=True)
    parser.add_argument("--overlay", required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--call", metavar="USER")
    what.add_argument("--answer", action="store_true")
    parser.add_argument("--tone", type=float, default=440, help="Hz to send")
    parser.add_argument("--expect", type=float, help="Hz that must be heard, within 2 percent")
    parser.add_argument("--seconds", type=float, default=2, help="how long to talk")
    parser.add_argument("--hush", metavar="FROM:SECONDS", default="inf:0",
                        help="send nothing from that second of the call on, for so many")
    parser.add_argument("--limit", type=float, default=30, help="seconds for all of it")
    options = parser.parse_args()
    host, port = options.node.rsplit(":", 1)
    phone = TonePhone((host.strip("[]"), int(port)), options.user, options.overlay, options.tone,
                      options.limit)
    phone.hush = tuple(float(text) for text in options.hush.split(":"))
    try:
        phone.register()
        print("registered", flush=True)
        if options.answer:
            phone.wait_for_call()
            phone.talk(options.seconds, linger_s=10)
        else:
            phone.call(options.call)
            phone.talk(options.seconds)
            phone.hang_up()
    except PhoneError as error:
        phone.result["error"] = str(error)
    heard = phone.result["hz"]
    wanted = options.expect
    good = heard > 0 and (wanted is None or abs(heard - wanted) <= wanted * 0.02)
    print(json.dumps(phone.result), flush=True)
    sys.exit(0 if good and "error" not in phone.result else 1)


if __name__ == "__main__":
    main()
