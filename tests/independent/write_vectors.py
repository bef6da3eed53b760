#!/usr/bin/env python3
"""Writes what is not yet there of `tests/versions/v1`: logs, records and digests of format version 1, for every later version and
every other implementation to read.

    python3 tests/independent/write_vectors.py

What is there is never written again: a file with other bytes than the ones that would be written ends it, and `MANIFEST` only grows.
"""

from __future__ import annotations

import hashlib
import json
import os

import record_fields
import scenario as s
import scenario_windows as windows
import stated
import stated_records
import vector_logs
from vector_digests import digest_vectors
from write_log import admission_arguments, crc32c, digest, encode_candidate, encode_schema, genesis, u16, u64

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = os.path.join(HERE, "..", "versions")
MANIFEST = os.path.join(VERSIONS, "MANIFEST")


def vectors() -> dict[str, bytes]:
    """The content of each file, by its path under `versions/`."""
    log, second, evolving = s.build(), windows.build(), s.build(mode=2)
    stated = {**stated_vectors(log), "windows": stated_windows(second), "evolving": stated_evolving(evolving)}
    documents = {"vectors": stated, "records": record_vectors(), "digests": digest_vectors()}
    files = {f"v1/{name}.json": document(content) for name, content in documents.items()}
    for name, (expected, content) in vector_logs.all_logs().items():
        files[f"v1/{name}.json"] = document(expected)
        files.update({f"v1/{name}/{file}": bytes(raw) for file, raw in content.items()})
    return files


def document(content: dict | list) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()


def record_vectors() -> list:
    """Each kind and form of a record: its fields as documents show them, and its bytes. Their schema is that of `vectors.json`."""
    return [
        {
            "form": form,
            "code": record_fields.KINDS[fields["kind"]],
            "fields": fields,
            "payload": record_fields.payload(fields, [s.P1, s.P2]).hex(),
        }
        for form, fields in stated_records.RECORDS
    ]


def stated_vectors(log) -> dict:
    decisions = {
        "gamma first": (s.P1, 1, "plain", s.GAMMA_FIRST),
        "beta kept": (s.P1, 1, "beta wanted", s.BETA_KEPT),
        "beta cached": (s.P1, 1, "cached", s.BETA_CACHED),
        "region denied": (s.P1, 1, "region", s.REGION_DENIED),
        "beta worth": (s.P2, 2, "worth", s.BETA_WORTH),
        "risk denied": (s.P2, 2, "risky", s.RISK_DENIED),
    }
    arguments = admission_arguments("alice", [s.TEAM_B], s.R["plain"])
    return {
        "crc32c": {"hex": "00" * 32, "value": crc32c(bytes(32))},
        "log_id": s.LOG_ID.hex(),
        "key_file": hexed(s.KEY_FILE),
        "anchor": hexed(log.anchor()),
        "policies": [policy_vector(policy, raw) for policy, raw in ((s.POLICY_1, s.P1), (s.POLICY_2, s.P2))],
        "requests": {
            name: {"canonical": raw.hex(), "digest": digest("assize/request/1", raw).hex()} for name, raw in sorted(s.R.items())
        },
        "decisions": {name: decision_vector(*parts) for name, parts in decisions.items()},
        "operation": {"kind": 16, "arguments": arguments.hex(), "digest": operation_digest(16, arguments)},
        "ledger_at_0": {"canonical": genesis(s.T0, s.FIRST_TERMS, 1, s.P1).hex()},
        "ledger_at_34": {"canonical": s.middle_checkpoint().hex()},
        "ledger_at_60": {
            "canonical": s.final_ledger(by_name=False).hex(),
            "for_digest": s.final_ledger(by_name=True).hex(),
            "digest": digest("assize/ledger/1", s.final_ledger(by_name=True)).hex(),
        },
        **head_and_frames(log),
        "totals": s.TOTALS,
        "decisions_by_outcome": s.DECISIONS,
    }


def stated_windows(log) -> dict:
    """The log of windows, throttles, caps and new parents; of the same key and log id."""
    return {
        "ledger_at_0": {"canonical": hexed(genesis(windows.START * stated.HOUR, stated.TERMS, 1, stated.POLICY))},
        "ledger_at_25": {"canonical": windows.middle_checkpoint().hex()},
        "ledger_at_35": {
            "canonical": windows.final_ledger(by_name=False).hex(),
            "for_digest": windows.final_ledger(by_name=True).hex(),
            "digest": digest("assize/ledger/1", windows.final_ledger(by_name=True)).hex(),
        },
        **head_and_frames(log),
        "totals": windows.TOTALS,
        "decisions_by_outcome": windows.DECISIONS,
    }


def stated_evolving(log) -> dict:
    """The first log over again, under an evolving key of the same root."""
    return {
        "anchor": hexed(log.anchor()),
        "states": [state.hex() for state in log.states],
        "head": {"segment": log.number, "sequence": log.sequence, "tag": log.tag.hex(), "log_time": log.time},
    }


def head_and_frames(log) -> dict:
    return {
        "head": {"segment": log.number, "sequence": log.sequence, "tag": log.tag.hex(), "log_time": log.time},
        "frames": [
            {"segment": segment, "sequence": sequence, "kind": kind, "offset": offset, "tag": tag.hex()}
            for (segment, sequence, kind, tag), (_, offset, _) in zip(log.tags, log.starts)
        ],
    }


def hexed(raw: bytes) -> str:
    return bytes(raw).hex()


def policy_vector(policy: dict, raw: bytes) -> dict:
    schema = encode_schema(policy["schema"])
    return {
        "epoch": policy["epoch"],
        "canonical": raw.hex(),
        "digest": digest("assize/policy/1", raw).hex(),
        "schema": schema.hex(),
        "schema_digest": digest("assize/schema/1", schema).hex(),
        "candidates": [encode_candidate(candidate, policy["schema"]).hex() for candidate in policy["candidates"]],
    }


def decision_vector(policy: bytes, epoch: int, request: str, raw: bytes) -> dict:
    body = u64(epoch) + digest("assize/policy/1", policy) + digest("assize/request/1", s.R[request]) + raw
    return {"epoch": epoch, "request": request, "canonical": raw.hex(), "digest": digest("assize/decision/1", body).hex()}


def operation_digest(kind: int, arguments: bytes) -> str:
    return digest("assize/operation/1", u16(kind) + arguments).hex()


def main() -> None:
    listed = manifest()
    for path, content in sorted(vectors().items()):
        target, line = os.path.join(VERSIONS, path), f"{hashlib.sha256(content).hexdigest()}  {path}"
        if os.path.exists(target):
            with open(target, "rb") as file:
                if file.read() != content:
                    raise SystemExit(f"{path} is there with other bytes, and is never rewritten")
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "xb") as file:
                file.write(content)
        if listed.get(path) is None:
            with open(MANIFEST, "a", encoding="ascii") as file:
                file.write(line + "\n")


def manifest() -> dict[str, str]:
    """The digest of each file that is listed."""
    with open(MANIFEST, encoding="ascii") as file:
        lines = [line.split("  ") for line in file.read().splitlines() if line and not line.startswith("#")]
    return {path: digest for digest, path in lines}


if __name__ == "__main__":
    main()
