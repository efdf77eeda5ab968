#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a file as a C array: embed.py INPUT OUTPUT NAME."""
import sys

source, target, name = sys.argv[1:4]
data = open(source, "rb").read()
rows = [", ".join(str(octet) for octet in data[at:at + 20]) for at in range(0, len(data), 20)]
with open(target, "w") as out:
    out.write("static const unsigned char %s[] = {\n    %s};\n" % (name, ",\n    ".join(rows)))
    out.write("static const unsigned long %s_size = sizeof %s;\n" % (name, name))
