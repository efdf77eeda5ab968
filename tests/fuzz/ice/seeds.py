#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""seeds.py: writes STUN messages to begin with, one file each.

usage: seeds.py OUTPUT-DIRECTORY
"""
import os
import sys

HEAD = "2112a442" "b7e7a701bc34d686fa87dfae"
OLD = "b7e7a701bc34d686fa87dfae" "01020304"
SEEDS = {
    "stun_request": "00010000" + HEAD,
    "stun_request_old": "00010000" + OLD,
    "stun_request_attributes": "00010018" + HEAD + "80220007" + "72656c6f616400" + "00" +
                               "00030004" + "00000000" + "7f010000",
    "stun_check": "00010014" + HEAD + "00060005" + "613a620a63" + "000000" + "00240004" +
                  "6e0001ff",
    "stun_answer": "0101001c" + HEAD + "8022000b" + "7465737420766563746f7220" + "00200008" +
                   "0001a147e112a643",
    "stun_answer6": "01010018" + HEAD + "00200014" + "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9",
    "stun_answer_old": "0101000c" + HEAD + "00010008" + "000117c4c0000209",
    "stun_error": "01110008" + HEAD + "00090004" + "00000401",
}


def main(output):
    """Writes them."""
    os.makedirs(output, exist_ok=True)
    for name, text in SEEDS.items():
        with open(os.path.join(output, name), "wb") as out:
            out.write(bytes.fromhex(text))


if __name__ == "__main__":
    main(sys.argv[1])
