#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tshark_test.py: Wireshark's dissectors read what we encode: no malformed packet, and the same
message codes, transaction identifiers and lengths. Skipped (77) without tshark.

Wireshark itself is wrong or silent about SignerIdentity none(3), version 0x0a, error code 20, the
place of a candidate's priority, and dictionary keys in FetchReq: none of that is asked here.

usage: tshark_test.py WIRE-SAMPLES VECTOR-DIRECTORY
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SAMPLE = re.compile(r"#SAMPLE code (\d+) transaction ([0-9a-f]{16}) length (\d+)")
FIELDS = ("reload.message.code", "reload.forwarding.trans_id", "reload_framing.message.length",
          "_ws.malformed")


def samples(program):
    """Random messages: (code, transaction id, octets of the frame), and text2pcap's input."""
    text = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60).stdout
    expected = [(int(code), transaction, int(length))
                for code, transaction, length in SAMPLE.findall(text)]
    return expected, "".join(line + "\n" for line in text.splitlines() if line[:1] != "#")


def vectors(directory):
    expected, dump = [], ""
    for path in sorted(glob.glob(os.path.join(directory, "messages", "*.json"))):
        with open(path, encoding="utf-8") as file:
            vector = json.load(file)
        message = bytes.fromhex(vector["hex"])
        frame = b"\x80\0\0\0\0" + len(message).to_bytes(3, "big") + message
        expected.append((vector["fields"]["code"], message[20:28].hex(), len(frame)))
        for at in range(0, len(frame), 16):
            dump += f"{at:06x}  {frame[at:at + 16].hex(' ')}\n"
    return expected, dump


def dissect(directory, dump):
    hexdump, capture = os.path.join(directory, "dump.txt"), os.path.join(directory, "dump.pcap")
    with open(hexdump, "w", encoding="ascii") as out:
        out.write(dump)
    subprocess.run(["text2pcap", "-q", "-u", "6084,6084", hexdump, capture], check=True,
                   capture_output=True, timeout=60)
    command = ["tshark", "-r", capture, "-T", "fields", "-E", "separator=;"]
    for field in FIELDS:
        command += ["-e", field]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    return [line.split(";") for line in text.splitlines()]


def compare(what, expected, found):
    wrong = 0
    for (code, transaction, length), row in zip(expected, found):
        ours = [str(code), transaction, str(length - 8), ""]
        theirs = [row[0], row[1].replace("0x", ""), row[2], row[3]]
        if ours != theirs:
            wrong += 1
            print(f"{what}: we say {ours}, Wireshark says {theirs}")
    if len(expected) != len(found):
        wrong += 1
        print(f"{what}: {len(expected)} messages, Wireshark sees {len(found)}")
    codes = {code for code, _, _ in expected}
    print(f"{what}: {len(found)} messages with {len(codes)} codes, {wrong} wrong")
    return wrong


def main(program, directory):
    if not shutil.which("tshark") or not shutil.which("text2pcap"):
        print("skipped: no tshark")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        expected, dump = samples(program)
        if len({code for code, _, _ in expected}) < 27:
            print("not all kinds of messages are there")
            return 1
        wrong = compare("random", expected, dissect(scratch, dump))
        expected, dump = vectors(directory)
        wrong += compare("vectors", expected, dissect(scratch, dump))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
