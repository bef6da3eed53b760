"""Every tagged digest (FORMAT 1.4) with a body, and every key, header and frame tag with what it is made of (FORMAT 5 to 7, 11).

The keys are HKDF over Python's own HMAC; nothing of the verifier is used.
"""

from __future__ import annotations

import struct

import scenario as s
import scenario_windows as windows
from write_log import admission_arguments, digest, encode_schema, genesis, i64, mac, u16, u32, u64

SEGMENTS = (1, 2, 99_999_999)


def digest_vectors() -> dict:
    return {"tagged": [stated(*parts) for parts in bodies()], "files": files(), "keys": keys()}


def stated(tag: str, body: bytes) -> dict:
    return {"tag": tag, "body": body.hex(), "digest": digest(tag, body).hex()}


def bodies() -> list[tuple[str, bytes]]:
    schema, log = encode_schema(s.SCHEMA), s.build(mode=2)
    decided = u64(2) + digest("assize/policy/1", s.P2) + digest("assize/request/1", s.R["worth"]) + s.BETA_WORTH
    accounts = accounts_of(s.final_ledger(by_name=True), digest("assize/policy/1", s.P2))
    calls = [
        (16, admission_arguments("alice", [s.TEAM_B], s.R["plain"])),
        (17, u64(51) + b"\2" + u64(300)),
        (20, u64(51) + b"\2" + u64(300)),
        (33, u32(0) + b"\0" + i64(20_000)),
    ]
    return [
        ("assize/policy/1", s.P1),
        ("assize/policy/1", s.P2),
        ("assize/schema/1", schema),
        *(("assize/request/1", raw) for _, raw in sorted(s.R.items())),
        ("assize/decision/1", decided),
        *(("assize/operation/1", u16(kind) + arguments) for kind, arguments in calls),
        ("assize/ledger/1", s.final_ledger(by_name=True)),
        ("assize/ledger/1", windows.final_ledger(by_name=True)),
        ("assize/snapshot/1", u64(0) + i64(s.T0) + u32(0)),
        ("assize/snapshot/1", u64(60) + i64(s.at(71.6)) + accounts),
        *(("assize/state/1", state[:72]) for state in log.states),
    ]


def accounts_of(ledger: bytes, policy: bytes) -> bytes:
    """What a form of the ledger by names (FORMAT 10.10) has between the disabled candidates and the holds."""
    start = ledger.index(policy) + len(policy)
    (disabled,) = struct.unpack_from("<I", ledger, start)
    start += 4 + 4 * disabled
    return ledger[start : ledger.index(u32(1) + u64(51), start)]


def files() -> list[dict]:
    """FORMAT 1.5: plain digests."""
    return [{"body": raw.hex(), "sha256": sha256(raw).hex()} for raw in (b"", b"assize", genesis(s.T0, s.FIRST_TERMS, 1, s.P1))]


def sha256(raw: bytes) -> bytes:
    return mac(b"", raw)


def keys() -> list[dict]:
    """Of two roots, the shorter one under another log id; a message under each key for header, frame and anchor."""
    rows = []
    for root, key_id, log_id in ((s.SECRET, s.KEY_ID, s.LOG_ID), (s.OTHER_SECRET, s.OTHER_KEY_ID, bytes(range(16)))):
        prk = mac(log_id, root)
        evolved = prk
        for segment in SEGMENTS[:2]:
            evolved = expand(evolved, b"assize/evolve/1" + u32(key_id))
            rows.append(row("assize/evolve/1", (root, key_id, log_id), segment, 2, evolved))
            rows.append(segment_row((root, key_id, log_id), segment, 2, evolved))
            rows.append(anchor_row((root, key_id, log_id), segment, 2, evolved))
        rows.extend(segment_row((root, key_id, log_id), segment, 1, prk) for segment in SEGMENTS)
        rows.append(anchor_row((root, key_id, log_id), 1, 1, prk))
    return rows


def expand(source: bytes, info: bytes) -> bytes:
    """RFC 5869, one block of it."""
    return mac(source, info + b"\1")


def row(label: str, of: tuple, segment: int, mode: int, key: bytes, info: bytes = b"", **tags) -> dict:
    root, key_id, log_id = of
    names = {"label": label, "root": root.hex(), "key_id": key_id, "log_id": log_id.hex(), "segment": segment, "mode": mode}
    return {**names, "info": (info or label.encode() + u32(key_id)).hex(), "key": key.hex(), **tags}


def segment_row(of: tuple, segment: int, mode: int, source: bytes) -> dict:
    """The key of a segment, and by it a header's tag and a frame's, of any bytes."""
    _, key_id, log_id = of
    info = b"assize/segment/1" + u32(key_id) + u32(segment)
    key, tags = expand(source, info), {}
    for domain, message in (("assize/header", bytes(range(216))), ("assize/frame", bytes(range(200)) + bytes(100))):
        prefix = domain.encode().ljust(16, b"\0") + u16(1) + bytes([mode, 0]) + u32(key_id) + log_id + u32(segment)
        prefix = prefix.ljust(64, b"\0")
        tags[domain] = {"prefix": prefix.hex(), "message": message.hex(), "tag": mac(key, prefix + message).hex()}
    return row("assize/segment/1", of, segment, mode, key, info, tags=tags)


def anchor_row(of: tuple, segment: int, mode: int, source: bytes) -> dict:
    info = b"assize/anchor/1" + u32(of[1])
    key, message = expand(source, info), bytes(range(88))
    tags = {"assize/anchor": {"prefix": "", "message": message.hex(), "tag": mac(key, message).hex()}}
    return row("assize/anchor/1", of, segment, mode, key, info, tags=tags)
