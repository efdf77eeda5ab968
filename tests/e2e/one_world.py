"""one_world.py: runs tests one after the other in one overlay of real processes.

SPDX-License-Identifier: BSD-2-Clause
"""
import shutil
import sys
import tempfile
from pathlib import Path

from processes import DemoError


def run_tests(make_world, tests, programs=(), prepare=None, errors=(DemoError,)):
    """Calls each of |tests| with the world that |make_world| makes of two folders: the build's, and
    one for files, which stays when a test failed. |prepare| is called with the world before. Ends
    the process, with code 77 when one of |programs|, names with their Debian packages, is missing.
    """
    for name, package in programs:
        if not shutil.which(name):
            print(f"skipped: {name} is missing (Debian package {package})")
            sys.exit(77)
    folder = Path(tempfile.mkdtemp(prefix=f"{Path(sys.argv[0]).stem}-"))
    world, passed = None, 0
    try:
        world = make_world(Path(sys.argv[1]).resolve(), folder)
        if prepare:
            prepare(world)
        for test in tests:
            try:
                test(world)
                passed += 1
                print(f"ok      {test.__name__}")
            except errors as error:
                print(f"FAILED  {test.__name__}: {error}")
    except errors as error:
        print(f"FAILED  {error}")
    finally:
        if world:
            world.processes.stop()
        if passed == len(tests):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"logs are in {folder}")
    print(f"{passed} passed, {len(tests) - passed} failed")
    sys.exit(passed < len(tests))
