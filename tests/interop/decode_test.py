#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""decode_test.py: what reload decode says about good and bad input.

usage: decode_test.py RELOAD VECTOR-DIRECTORY
"""
import json
import os
import re
import subprocess
import sys
import unittest

RELOAD, VECTORS = sys.argv[1:3]
UNKNOWN_KIND = "f0000001" + "0000000000000000" + "000a" + "0008" + "00000000ffffffff"


def decode(*arguments, text=None):
    return subprocess.run([RELOAD, "decode", *arguments], capture_output=True, text=True,
                          check=False, timeout=60, input=text)


def vector(name):
    with open(os.path.join(VECTORS, "messages", name + ".json"), encoding="utf-8") as file:
        return json.load(file)["hex"]


class Decode(unittest.TestCase):
    def good(self, *arguments, text=None):
        result = decode(*arguments, text=text)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return json.loads(result.stdout)

    def bad(self, code, message, *arguments):
        result = decode(*arguments)
        self.assertEqual((result.returncode, result.stdout), (code, ""))
        self.assertRegex(result.stderr, message)
        self.assertEqual(result.stderr.count("\n"), 1)

    def test_message(self):
        found = self.good(vector("store_req_dict_sip"))
        self.assertEqual(found["contents"]["message"], "store_req")
        self.assertEqual(found["contents"]["message_body"]["kind_data"][0]["kind"], 1)
        self.assertNotIn("signature", found)

    def test_standard_input(self):
        text = " ".join(re.findall("..", vector("ping_req").upper())) + "\n"
        self.assertEqual(self.good("-", text=text), self.good(vector("ping_req")))

    def test_prefixes_tell_where(self):
        message = vector("attach_req")
        for size in range(0, len(message) // 2, 37):
            self.bad(1, r"^reload decode: offset \d+: [A-Z][A-Za-z]+\.[a-z0-9_]+: .+$",
                     message[:2 * size])

    def test_place(self):
        message = vector("ping_req")
        self.bad(1, r"offset 0: ForwardingHeader\.relo_token: malformed", "00" + message[2:])
        self.bad(1, r"offset 16: ForwardingHeader\.length: malformed", message + "00")
        self.bad(1, r"offset 10: ForwardingHeader\.version: unsupported",
                 message[:20] + "01" + message[22:])
        # the padding's length, inside of the body
        self.bad(1, r"offset 62: PingReq\.padding: message ends",
                 message[:124] + "0001" + message[128:])

    def test_verify(self):
        message = vector("ping_req_ecdsa")
        self.assertEqual(self.good(message, "--verify")["signature"], "valid")
        found = self.good("--verify", vector("ping_req_nodeid_hash"))
        self.assertEqual(found["signature"], "valid")
        last = f"{int(message[-2:], 16) ^ 1:02x}"
        self.bad(1, "signature is not valid", message[:-2] + last, "--verify")
        self.assertEqual(self.good(message[:-2] + last)["contents"]["message"], "ping_req")
        spliced = message[:40] + "ff" + message[42:]  # another transaction id
        self.bad(1, "signature is not valid", spliced, "--verify")
        self.bad(1, "the message is not signed", vector("ping_req_unsigned"), "--verify")
        signer = self.good(message)["security_block"]["signature"]["identity"]
        digest = signer["identity"]["certificate_hash"]
        self.assertEqual(message.count(digest), 1)
        self.bad(1, "no certificate", message.replace(digest, "00" + digest[2:]), "--verify")

    def test_elements(self):
        found = self.good("--element", "Destination", "8abc")
        self.assertEqual(found["destination_data"], {"opaque_id": "8abc"})
        self.bad(1, r"offset 2: Destination\.\(end\): bytes left", "8abc00", "--element",
                 "Destination")
        self.bad(2, "no structure is called 'Nothing'", "00", "--element", "Nothing")

    def test_kinds(self):
        found = self.good(UNKNOWN_KIND, "--element", "StoredDataSpecifier")
        self.assertEqual(found["model_specifier"], {"unknown": "000800000000ffffffff"})
        found = self.good(UNKNOWN_KIND, "--element", "StoredDataSpecifier", "--kind",
                          "0xf0000001=array", "--kind", "7=single")
        self.assertEqual(found["model_specifier"]["indices"], [{"first": 0, "last": 4294967295}])
        self.bad(1, r"StoredDataSpecifier\.", UNKNOWN_KIND, "--element", "StoredDataSpecifier",
                 "--kind", "4026531841=single")
        # a document's Kind hides a registered one
        self.bad(1, "offset", vector("store_req_dict_sip"), "--kind", "1=array")

    def test_wrong_arguments(self):
        message = vector("ping_req")
        self.bad(2, "needed", "--verify")
        self.bad(2, "needed", message, message)
        self.bad(2, "ID=single", message, "--kind", "1=many")
        self.bad(2, "ID=single", message, "--kind", "x=array")
        self.bad(2, "ID=single", message, "--kind", "4294967296=array")
        self.bad(2, "length from 16", message, "--node-id-length", "21")
        self.bad(2, "only messages", "8abc", "--element", "Destination", "--verify")
        self.bad(1, "no hex digit", message[:10] + "x")
        self.bad(1, "odd number", message[:11])
        self.assertEqual(decode(message, "--no-such-option").returncode, 2)
        self.assertIn("usage: reload decode", decode("--help").stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
