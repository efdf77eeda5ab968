#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""corpus.py: writes the bytes of the vectors' messages to files, one each, for the fuzzers.

usage: corpus.py OUTPUT-DIRECTORY VECTOR-DIRECTORY
"""
import glob
import json
import os
import sys


def main(output, directory):
    os.makedirs(output, exist_ok=True)
    for path in sorted(glob.glob(os.path.join(directory, "messages", "*.json"))):
        with open(path, encoding="utf-8") as file:
            vector = json.load(file)
        with open(os.path.join(output, vector["name"]), "wb") as out:
            out.write(bytes.fromhex(vector["hex"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
