#!/usr/bin/python3
"""Reads a log as any client of C2SP tlog-tiles would: the published files only, nothing of bulla's code.

usage: tlog_reader.py DIRECTORY PUBLIC-KEY-HEX ORIGIN

Verifies the signature of `checkpoint`, every entry against its leaf hash, every tile against the one below it, and the root. Prints
"SIZE ROOT-HEX"; exits with 1 and a reason when anything is wrong.
"""
import base64
import hashlib
import os
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Wrong(Exception):
    """The log is not what it says it is."""


def sha256(data):
    return hashlib.sha256(data).digest()


def merkle(hashes):
    """RFC 6962, 2.1, over leaf (or subtree) hashes; level by level, an odd one at the end moves up as it is."""
    while len(hashes) > 1:
        up = [sha256(b"\x01" + hashes[i] + hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)]
        hashes = up + hashes[len(hashes) & ~1:]
    return hashes[0] if hashes else sha256(b"")


def signed_text(note, name, key):
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not note.endswith("\n"):
        raise Wrong("checkpoint is no signed note")
    text += "\n"
    key_id = sha256(name.encode() + b"\n\x01" + key)[:4]
    for line in signatures[:-1].split("\n"):
        dash, signer, encoded = line.split(" ")
        raw = base64.b64decode(encoded, validate=True)
        if dash == "\u2014" and signer == name and raw[:4] == key_id:
            Ed25519PublicKey.from_public_bytes(key).verify(raw[4:], text.encode())
            return text
    raise Wrong("checkpoint is not signed by this key")


def path(level, index, width):
    digits = "%03d" % (index % 1000)
    while index >= 1000:
        index //= 1000
        digits = "x%03d/" % (index % 1000) + digits
    return "tile/%s/%s" % (level, digits) + ("" if width == 256 else ".p/%d" % width)


class Log:
    def __init__(self, directory, size):
        self.directory, self.size = directory, size

    def widths(self, level):
        hashes = self.size >> (8 * level)
        return [(i, min(256, hashes - 256 * i)) for i in range((hashes + 255) // 256)]

    def read(self, level, index, width):
        """A partial file may have made room for the full one: its beginning is the same."""
        for w in (width, 256):
            try:
                with open(os.path.join(self.directory, path(level, index, w)), "rb") as f:
                    return f.read()
            except FileNotFoundError:
                continue
        raise Wrong(path(level, index, width) + " is missing")

    def entries(self, index, width):
        data, found = self.read("entries", index, width), []
        while data and len(found) < width:
            end = 2 + int.from_bytes(data[:2], "big")
            if end > len(data):
                raise Wrong("entry bundle %d is cut" % index)
            found.append(data[2:end])
            data = data[end:]
        return found

    def tile(self, level, index, width):
        data = self.read(level, index, width)
        return [data[i:i + 32] for i in range(0, width * 32, 32)]

    def root(self):
        below = []
        for index, width in self.widths(0):
            if [sha256(b"\x00" + e) for e in self.entries(index, width)] != self.tile(0, index, width):
                raise Wrong("entries of bundle %d do not have the hashes of their tile" % index)
            below += self.tile(0, index, width)
        root, level = merkle(below), 1
        while self.size >> (8 * level):
            up = [merkle(below[i:i + 256]) for i in range(0, len(below) & ~255, 256)]
            if up != [h for index, width in self.widths(level) for h in self.tile(level, index, width)]:
                raise Wrong("tiles of level %d do not have the hashes of those below" % level)
            below, level = up, level + 1
        return root


def main(directory, key_hex, origin):
    with open(os.path.join(directory, "checkpoint"), encoding="utf-8") as f:
        text = signed_text(f.read(), origin, bytes.fromhex(key_hex))
    name, size, root = text.split("\n")[:3]
    if name != origin:
        raise Wrong("checkpoint of another log")
    if Log(directory, int(size)).root() != base64.b64decode(root, validate=True):
        raise Wrong("the entries do not give the root of the checkpoint")
    print(size, base64.b64decode(root).hex())


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Wrong, ValueError, InvalidSignature, OSError) as problem:
        sys.exit("tlog_reader: %s" % (problem or type(problem).__name__))
