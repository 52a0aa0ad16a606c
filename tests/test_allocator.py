"""Freed memory stays with the process, as much as was asked for."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
from schemalora.allocator import keep_pages

MEBIBYTE = 2**20

def faults(mebibytes):
    '''Pages that the kernel gave for three blocks, taken and freed 8 times, in their sizes.'''
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        blocks = [bytearray(mebibytes * MEBIBYTE) for _ in range(3)]
        for block in blocks:
            block[::4096] = bytes(len(block[::4096]))
        del block, blocks
    given = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return given / (3 * mebibytes * 256)

before = faults(20)
assert before > 4, before
assert keep_pages(80 * MEBIBYTE)
kept = faults(20)
assert kept < 2, kept
assert keep_pages(8 * MEBIBYTE)  # never lowered
assert faults(20) < 2
larger = faults(60)
assert larger > 4, larger
assert keep_pages()
kept = faults(60)
assert kept < 2, kept
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_freed_blocks_are_used_again():
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)


@pytest.mark.skipif(platform.libc_ver()[0] == "glibc", reason="elsewhere than on glibc")
def test_elsewhere_nothing_is_set():
    from schemalora.allocator import keep_pages

    assert not keep_pages()
