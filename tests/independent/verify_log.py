#!/usr/bin/env python3
"""Verifies and replays a log of assize, as a second implementation.

    verify_log.py DIR (--key KEY [--key KEY]... | --unkeyed) [--anchor FILE] [--live] [--json]

Written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python 3.9 or later, standard library only. It checks the chain with the
key, decides every admission and reroute again, applies every move of money again, and compares each outcome and each checkpoint
byte for byte. Exit codes: 0 the evidence holds, 1 it does not, 2 usage or bad input, 3 something could not be read.
"""

from __future__ import annotations

import argparse
import json
import sys

from chain import Anchor, EvidenceError, Log, read_anchor_file
from ledger import totals_of
from wire import KEY_MODES, BadInput, read_key_file

HOLDS, DOES_NOT_HOLD, BAD_INPUT, UNREADABLE = range(4)


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    try:
        if bool(options.key) == options.unkeyed:
            raise BadInput("either --key or --unkeyed is needed")
        roots = [read_key_file(key) for key in options.key or []]
        if len({root.id for root in roots}) < len(roots):
            raise BadInput("two of the keys have the same id")
        anchor = read_anchor_file(options.anchor) if options.anchor else None
    except BadInput as error:
        print(f"verify_log: {error}", file=sys.stderr)
        return BAD_INPUT
    log = Log(options.dir, None if options.unkeyed else roots, anchor, options.live)
    try:
        log.verify()
    except EvidenceError as error:
        print_failure(error, options.json)
        return DOES_NOT_HOLD
    except OSError as error:
        print(f"verify_log: {error.filename or options.dir}: {error.strerror}", file=sys.stderr)
        return UNREADABLE
    found = report(log, anchor)
    print(json.dumps(found, indent=2) if options.json else as_text(found))
    return HOLDS


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="verify_log.py",
        description="Verify the chain of a log, decide every decision again, apply every money move again.",
        epilog="Exit codes: 0 holds, 1 the evidence does not hold, 2 usage or bad input, 3 could not read.",
    )
    parser.add_argument("dir", metavar="DIR", help="the log's directory")
    parser.add_argument("--key", action="append", metavar="KEY", help="key file of mode 0600; again for each key of the log")
    parser.add_argument("--unkeyed", action="store_true", help="the log has no key, and shows accidents alone")
    parser.add_argument("--anchor", metavar="FILE", help="an anchor that the log must contain")
    parser.add_argument("--live", action="store_true", help="the log is being written: a torn tail is no failure")
    parser.add_argument("--json", action="store_true", help="print one object")
    return parser.parse_args(arguments)


def print_failure(error: EvidenceError, as_json: bool) -> None:
    places = {"segment": error.segment, "sequence": error.sequence, "offset": error.offset}
    if as_json:
        print(json.dumps({"holds": False, **places, "what": error.what}, indent=2))
        return
    place = ", ".join(f"{name} {value}" for name, value in places.items() if value is not None)
    print(f"the evidence does not hold: {place}: {error.what}" if place else f"the evidence does not hold: {error.what}")


def report(log: Log, anchor: Anchor | None) -> dict:
    """What was found, as one object."""
    ledger = log.ledger
    return {
        "holds": True,
        "log_id": log.log_id.hex(),
        "keys": [{"id": id, "mode": KEY_MODES[mode]} for id, mode in log.keys],
        "segments": log.segments,
        "pruned_through": log.pruned_through,
        "records": log.sequence - (log.pruned_through or 0),
        "head": {"sequence": log.sequence, "tag": log.tag.hex(), "log_time": ledger.log_time},
        "synced_through": log.synced_through,
        "ledger_digest": ledger.digest().hex(),
        "snapshot_digest": ledger.snapshot_digest().hex(),
        "policy": {"epoch": ledger.policy.epoch, "digest": ledger.policy.digest.hex()},
        "accounts": len(ledger.accounts),
        "totals": ledger.totals(),
        "totals_by_level": totals_by_level(ledger),
        "decisions": dict(sorted(ledger.decisions.items())),
        "reasons": dict(sorted(ledger.reasons.items())),
        "counts": {name: count for name, count in sorted(ledger.counts.items()) if count},
        "open_holds": sum(hold.state == 0 for hold in ledger.holds.values()),
        "live_tail_bytes": log.tail_bytes,
        "not_proven": not_proven(log, anchor),
    }


def totals_by_level(ledger) -> list[dict[str, int]]:
    """Totals of the root accounts, of their children, and so on: across levels the same money counts more than once."""
    levels: list[list] = []
    for account in ledger.accounts:
        depth = len(account.ancestry) - 1
        while len(levels) <= depth:
            levels.append([])
        levels[depth].append(account)
    return [totals_of(accounts) for accounts in levels]


def not_proven(log: Log, anchor: Anchor | None) -> list[str]:
    counts = log.ledger.counts
    gaps = []
    if log.pruned_through is not None:
        gaps.append(f"what came before: the log is pruned, and trusts its first checkpoint, at sequence {log.pruned_through}")
    if anchor is None:
        gaps.append("completeness: without an anchor, records may have been cut from the end")
    elif log.records_after_anchor:
        gaps.append(f"completeness after the anchor at sequence {anchor.sequence}: records may have been cut from the end")
    else:
        gaps.append(f"that nothing was recorded after the anchor at sequence {anchor.sequence}")
    if log.tail_bytes:
        gaps.append(f"the {log.tail_bytes} bytes after the last whole frame of the live log")
    if log.unkeyed:
        gaps.append("authorship, or that nothing was altered: whoever can write the files of an unkeyed log can write it anew")
    else:
        gaps.append("authorship: whoever has the key could have written this log")
    gaps.append("times, observed quantities and request facts: they are the host's word")
    if counts["stated amounts"]:
        gaps.append(f"the amounts of {counts['stated amounts']} commits, parts and adjustments: stated by the host, not priced")
    if counts["asserted principals"]:
        gaps.append(f"the principals of {counts['asserted principals']} admissions: asserted by the caller")
    gaps.append("faults: they leave no record")
    return gaps


def as_text(found: dict) -> str:
    def listed(counts: dict) -> str:
        return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"

    lines = [
        ("log", found["log_id"]),
        ("keys", ", ".join(f"{key['id']} ({key['mode']})" for key in found["keys"])),
        ("segments", found["segments"]),
        ("records", found["records"]),
        ("head", f"sequence {found['head']['sequence']}, tag {found['head']['tag']}"),
        ("ledger digest", found["ledger_digest"]),
        ("snapshot digest", found["snapshot_digest"]),
        ("totals", listed(found["totals"])),
    ]
    lines += [(f"  level {depth}", listed(level)) for depth, level in enumerate(found["totals_by_level"])]
    lines += [("decisions", listed(found["decisions"])), ("reasons", listed(found["reasons"]))]
    lines += [("counts", listed(found["counts"])), ("open holds", found["open_holds"])]
    lines += [("not proven", gap) for gap in found["not_proven"]]
    return "the evidence holds\n" + "\n".join(f"{name:<16} {value}" for name, value in lines)


if __name__ == "__main__":
    sys.exit(main())
