"""Complete small logs of format version 1, and what a reader must find in each.

The first ones are stated by hand (`scenario.py`, `scenario_windows.py`), with the digest of the ledger that was worked out on
paper. Of the others, which go on from those or are random, the ledger is the verifier's.
"""

from __future__ import annotations

import os
import tempfile
from unittest import mock

import random_log
import scenario as s
import scenario_windows as windows
import wire
import write_log
from chain import Log
from write_log import LogWriter, digest

ROOT = {"id": s.KEY_ID, "secret": s.SECRET.hex()}
OTHER_ROOT = {"id": s.OTHER_KEY_ID, "secret": s.OTHER_SECRET.hex()}
RANDOM_ROOT = {"id": random_log.KEY_ID, "secret": random_log.SECRET.hex()}


def all_logs() -> dict[str, tuple[dict, dict]]:
    """For each log what it must come to, and its files."""
    by_hand = digest("assize/ledger/1", s.final_ledger(by_name=True)).hex()
    in_windows = digest("assize/ledger/1", windows.final_ledger(by_name=True)).hex()
    keys = s.build_keys(2, 2, 1, 2)
    pruned, through = pruned_log()
    torn, tail = torn_log()
    return {
        "log": expected(s.build(), [ROOT], ledger=by_hand),
        "windows": expected(windows.build(), [ROOT], ledger=in_windows),
        "evolving": expected(s.build(mode=2), [ROOT], ledger=by_hand),
        "unkeyed": expected(s.build(mode=3), [], ledger=by_hand),
        "keys": expected(keys, [OTHER_ROOT, ROOT]),
        "pruned": expected(pruned, [ROOT], pruned_through=through),
        "torn": expected(torn, [RANDOM_ROOT], tail=tail),
    }


def expected(log: LogWriter, roots: list, ledger: str | None = None, pruned_through: int | None = None, tail: int = 0) -> tuple:
    """`tail` is how many bytes are torn at the end, which opening cuts, and adds a record that says so."""
    read = verified(log.files, roots, log.mode == 3, live=tail > 0)
    if ledger is not None and ledger != read.ledger.digest().hex():
        raise AssertionError("the ledger is another than was worked out by hand")
    state = log.state().hex() if log.mode == 2 else None
    return {
        "written_by": "the second implementation",
        "log_id": log.log_id.hex(),
        "key_mode": {1: "static", 2: "evolving", 3: "unkeyed"}[log.mode],
        "roots": roots,
        "writes_under": None if log.mode == 3 else log.key_id,
        "state": state,
        "files": len(log.files),
        "records": log.sequence - (pruned_through or 0),
        "pruned_through": pruned_through,
        "torn_bytes": tail,
        "sealed": False,
        "head": {"segment": log.number, "sequence": log.sequence, "tag": log.tag.hex(), "log_time": log.time},
        "anchor": log.anchor().hex(),
        "ledger_digest": read.ledger.digest().hex(),
        "snapshot_digest": read.ledger.snapshot_digest().hex(),
    }, log.files


def verified(files: dict, roots: list, unkeyed: bool, live: bool = False) -> Log:
    with tempfile.TemporaryDirectory() as directory:
        for name, content in files.items():
            with open(os.path.join(directory, name), "wb") as file:
                file.write(content)
        keys = [wire.RootKey(root["id"], bytes.fromhex(root["secret"])) for root in roots]
        log = Log(directory, None if unkeyed else keys, live=live)
        log.verify()
        return log


def pruned_log() -> tuple[LogWriter, int]:
    """The log stated by hand, whose second segment lets go of the first, and which goes on in a third; the first is deleted."""
    log = s.build()
    del log.files[log.name][-64:]
    through = 34
    log.retain(2, log.time)
    log.seal()
    ledger = verified(log.files, [ROOT], unkeyed=False).ledger
    log.begin_segment(b"".join(raw for _, raw in ledger.canonical_sections()))
    log.record(3, b"\0", log.time)
    log.synced_through = log.sequence
    log.record(3, b"\1", log.time)
    del log.files["00000001.seg"]
    return log, through


def torn_log() -> tuple[LogWriter, int]:
    """A random log, and after its last whole record the first half of another, behind it the zeros of a file that grew ahead."""
    with mock.patch.object(write_log, "crc32c", random_log.fast_crc32c):
        written = random_log.RandomLog(3)
        written.run(20)
        written.rotate()
        written.run(20)
        log = written.writer
        whole, tag, sequence, time = len(log.files[log.name]), log.tag, log.sequence, log.time
        log.record(3, b"\0", log.time)
    content = log.files[log.name]
    half = len(content) - whole - 40
    content[whole + half :] = bytes(256)
    log.tag, log.sequence, log.time = tag, sequence, time
    return log, len(bytes(content[whole:]).rstrip(b"\0"))
