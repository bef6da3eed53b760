"""Bytes, checksums and keys of FORMAT 1, 5 and 7.4.

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
import struct
import sys
from array import array

U16_MAX = 2**16 - 1
U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1
I64_MAX = 2**63 - 1
I64_MIN = -(2**63)

SET_BYTES_MAX = 64  # FORMAT 1.6
NAME_BYTES_MAX, IDENTITY_BYTES_MAX = 128, 64  # FORMAT 1.8
BPS_MAX = 10_000  # SEMANTICS 1.2

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class Malformed(Exception):
    """Bytes that FORMAT does not allow; the text names what was seen."""


class BadInput(Exception):
    """A key or an anchor file that cannot be used (exit code 2)."""


# ---- Reading (FORMAT 1.1 to 1.7) ----

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_U64 = struct.Struct("<Q").unpack_from
_I64 = struct.Struct("<q").unpack_from


class Reader:
    """A cursor over bytes. Reading past the end raises Malformed, IndexError or struct.error: see `TOO_SHORT`."""

    __slots__ = ("data", "at")

    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def u8(self) -> int:
        value = self.data[self.at]
        self.at += 1
        return value

    def u16(self) -> int:
        (value,) = _U16(self.data, self.at)
        self.at += 2
        return value

    def u32(self) -> int:
        (value,) = _U32(self.data, self.at)
        self.at += 4
        return value

    def u64(self) -> int:
        (value,) = _U64(self.data, self.at)
        self.at += 8
        return value

    def i64(self) -> int:
        (value,) = _I64(self.data, self.at)
        self.at += 8
        return value

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise Malformed(f"{count} bytes wanted at {self.at}, {len(self.data) - self.at} left")
        value = self.data[self.at : end]
        self.at = end
        return value

    def bytes8(self) -> bytes:
        return self.take(self.u8())

    def bytes32(self) -> bytes:
        return self.take(self.u32())

    def name(self, what: str, bytes_max: int = NAME_BYTES_MAX) -> bytes:
        """A name (FORMAT 1.2 and 1.8): kept as bytes, since order is by bytes."""
        raw = self.bytes8()
        if not 1 <= len(raw) <= bytes_max:
            raise Malformed(f"{what} has {len(raw)} bytes, 1 to {bytes_max} are allowed")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed(f"{what} is not UTF-8") from None
        if _CONTROL.search(text):
            raise Malformed(f"{what} has a control character")
        return raw

    def mask(self, width: int, bits: int, what: str) -> int:
        """A mask of `width` bytes (FORMAT 1.7) of which only the lowest `bits` may be set."""
        value = int.from_bytes(self.take(width), "little")
        if value >> bits:
            raise Malformed(f"{what}: mask {value:#x} has reserved bits, {bits} are known")
        return value

    def choice(self, allowed: int, what: str) -> int:
        """A `u8` below `allowed`."""
        value = self.u8()
        if value >= allowed:
            raise Malformed(f"{what} is {value}, at most {allowed - 1} is known")
        return value

    def bps(self, what: str) -> int:
        value = self.u16()
        if value > BPS_MAX:
            raise Malformed(f"{what} is {value} bps, at most {BPS_MAX}")
        return value

    def set8(self, what: str) -> int:
        """A set (FORMAT 1.6) as an integer whose bit m says that member m is in it."""
        raw = self.bytes8()
        if len(raw) > SET_BYTES_MAX:
            raise Malformed(f"{what}: a set of {len(raw)} bytes, at most {SET_BYTES_MAX}")
        if raw and raw[-1] == 0:
            raise Malformed(f"{what}: a set that ends in a zero byte")
        return int.from_bytes(raw, "little")

    def rest(self) -> bytes:
        value = self.data[self.at :]
        self.at = len(self.data)
        return value

    def end(self, what: str) -> None:
        if self.at != len(self.data):
            raise Malformed(f"{what}: {len(self.data) - self.at} bytes after its end")


TOO_SHORT = (IndexError, struct.error)
"""What Reader raises, besides Malformed, where the bytes end too soon."""


def members_of(bits: int) -> list[int]:
    """The positions of the bits that are set, ascending."""
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found


def ascending(items: list, what: str) -> None:
    for before, after in zip(items, items[1:]):
        if not before < after:
            raise Malformed(f"{what} not in ascending order, or twice: {before!r}, {after!r}")


def tagged_digest(tag: bytes, body: bytes) -> bytes:
    """FORMAT 1.4."""
    return hashlib.sha256(bytes([len(tag)]) + tag + body).digest()


# ---- CRC-32C (FORMAT 7.4) ----


def _crc_tables() -> tuple[array, array, array]:
    """The table for one byte, and for the low and the high half of a 32-bit word."""
    one = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        one.append(value)
    two = [(value >> 8) ^ one[value & 0xFF] for value in one]
    three = [(value >> 8) ^ one[value & 0xFF] for value in two]
    four = [(value >> 8) ^ one[value & 0xFF] for value in three]
    low = [a ^ b for b in three for a in four]
    high = [a ^ b for b in one for a in two]
    return array("I", one), array("I", low), array("I", high)


_CRC_BYTE, _CRC_LOW, _CRC_HIGH = _crc_tables()


def crc32c_bytes(data: bytes, state: int = U32_MAX) -> int:
    """The state of the checksum after `data`; its complement is the checksum."""
    table = _CRC_BYTE
    for byte in data:
        state = (state >> 8) ^ table[(state ^ byte) & 0xFF]
    return state


def crc32c_words(words, state: int) -> int:
    """The same over 32-bit little-endian words."""
    low, high = _CRC_LOW, _CRC_HIGH
    for word in words:
        word ^= state
        state = low[word & 0xFFFF] ^ high[word >> 16]
    return state


def crc32c(data: bytes) -> int:
    return crc32c_bytes(data) ^ U32_MAX


def words_of(data: bytes):
    """`data` as 32-bit little-endian words; up to 3 bytes at its end are left out."""
    view = memoryview(data)[: len(data) // 4 * 4]
    if sys.byteorder == "little":
        return view.cast("I")
    return struct.unpack(f"<{len(view) // 4}I", view)


# ---- Keys (FORMAT 5) ----


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def tag_of(key, message: bytes) -> bytes:
    """HMAC-SHA256, or without a key SHA-256 (FORMAT 5.4)."""
    return hashlib.sha256(message).digest() if key is None else hmac_sha256(key, message)


def hkdf_extract(salt: bytes, secret: bytes) -> bytes:
    """RFC 5869, 2.2."""
    return hmac_sha256(salt, secret)


def hkdf_expand(prk: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, 2.3."""
    block, out, counter = b"", b"", 1
    while len(out) < length:
        block = hmac_sha256(prk, block + info + bytes([counter]))
        out += block
        counter += 1
    return out[:length]


STATIC_KEYS, EVOLVING_KEYS, UNKEYED = 1, 2, 3  # FORMAT 6.4
KEY_MODES = {STATIC_KEYS: "static", EVOLVING_KEYS: "evolving", UNKEYED: "unkeyed"}


class RootKey:
    """A root key with its id; derives the keys of one log (FORMAT 5.1 to 5.3)."""

    def __init__(self, key_id: int, secret: bytes):
        self.id = key_id
        self._secret = secret
        self._evolved: dict[bytes, tuple[int, bytes]] = {}  # by log: the last segment asked for, and its K

    def segment_key(self, mode: int, log_id: bytes, segment: int) -> bytes:
        info = b"assize/segment/1" + struct.pack("<II", self.id, segment)
        return hkdf_expand(self._source(mode, log_id, segment), info, 32)

    def anchor_key(self, mode: int, log_id: bytes, segment: int) -> bytes:
        info = b"assize/anchor/1" + struct.pack("<I", self.id)
        return hkdf_expand(self._source(mode, log_id, segment), info, 32)

    def _source(self, mode: int, log_id: bytes, segment: int) -> bytes:
        """What the keys of a segment are expanded from: PRK, or K of that segment."""
        prk = hkdf_extract(log_id, self._secret)
        if mode == STATIC_KEYS:
            return prk
        info = b"assize/evolve/1" + struct.pack("<I", self.id)
        at, key = self._evolved.get(log_id, (0, prk))
        if at > segment:
            at, key = 0, prk
        while at < segment:
            at, key = at + 1, hkdf_expand(key, info, 32)
        self._evolved[log_id] = at, key
        return key


_KEY_FILE = re.compile(rb"assize-key-1\nid=(0|[1-9][0-9]{0,9})\nsecret=((?:[0-9a-f]{2}){32,64})\n")


def read_key_file(path: str) -> RootKey:
    """FORMAT 5.5. Its errors show no byte of the file."""
    try:
        with open(path, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(4096)
    except OSError as error:
        raise BadInput(f"key file {path}: {error.strerror}") from None
    if mode & 0o077:
        raise BadInput(f"key file {path} has mode {mode:04o}; group and others must have no right to it (0600)")
    found = _KEY_FILE.fullmatch(content)
    if found is None or int(found[1]) > U32_MAX:
        raise BadInput(f"key file {path} is not three lines `assize-key-1`, `id=`, `secret=` with 64 to 128 hex digits")
    return RootKey(int(found[1]), bytes.fromhex(found[2].decode("ascii")))
