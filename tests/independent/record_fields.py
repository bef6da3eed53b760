"""Payloads of records from their fields, as documents show them (`assize export`): FORMAT 9, every kind.

It uses the scribe's encoders of requests, decisions and digests, and nothing of the verifier.
"""

from __future__ import annotations

import write_log
from write_log import NO_PARENT, bitmap, encode_account, encode_decision, encode_terms, i32, i64, text8, u8, u16, u32, u64

KINDS = {
    "terms": 1,
    "policy": 2,
    "halt": 3,
    "candidate_switch": 4,
    "admission": 16,
    "commit": 17,
    "release": 18,
    "extend": 19,
    "part_commit": 20,
    "reroute": 21,
    "expire": 22,
    "adjust": 23,
    "account": 32,
    "grant": 33,
    "account_closed": 34,
    "reparent": 35,
    "boundary": 36,
    "recovery": 66,
    "retention": 67,
}


def payload(fields: dict, policies: list[bytes] = ()) -> bytes:
    """The bytes of a record; one of a policy shows its digest alone, and is the one of `policies` that has it."""
    kind = fields["kind"]
    if kind == "policy":
        (canonical,) = (raw for raw in policies if write_log.digest("assize/policy/1", raw).hex() == fields["digest"])
        return canonical
    return ENCODERS[kind](fields)


# ---- The log itself, and what the host switches (FORMAT 9.4, 9.6, 9.13, 9.16, 9.21) ----


def terms(f: dict) -> bytes:
    names = ("operation_horizon_ns", "operations_max", "clock_jump_ns_max", "late_window_ns", "adjust_window_ns", "settled_max")
    return encode_terms(*(f[name] for name in names))


def halt(f: dict) -> bytes:
    (said,) = (number for number, word in enumerate(("none", "reduce_only", "all")) if word in f)
    return u8(said)


def candidate_switch(f: dict) -> bytes:
    return u32(f["candidate"]) + u8(("disabled", "enabled").index(f["switch"]))


def expire(f: dict) -> bytes:
    return u16(len(f["holds"])) + b"".join(u64(hold) for hold in f["holds"])


def recovery(f: dict) -> bytes:
    return u32(f["segment"]) + u64(f["offset"]) + u64(f["cut_bytes"]) + bytes.fromhex(f["cut_sha256"])


def retention(f: dict) -> bytes:
    return u32(f["first_segment"]) + u64(f["through"]) + bytes.fromhex(f["header_sha256"])


# ---- Accounts (FORMAT 9.14, 9.15, 9.19, 9.20) ----


def account(f: dict) -> bytes:
    windows = [window(stated) for stated in f["windows"]]
    throttles = [counts(t["counts"]) + u64(t["rate"]) + u64(t["period_ns"]) + u64(t["burst"]) for t in f["throttles"]]
    overrun = ("deny", "if_available", "debt").index(f["overrun"])
    return encode_account(f["name"], f["parent"], overrun, windows, throttles, (f["held_micros_max"] or 0, f["holds_max"] or 0))


def window(stated: str | dict) -> bytes:
    name, parts = (stated, {}) if isinstance(stated, str) else next(iter(stated.items()))
    if name in ("lifetime", "given"):
        return u8(0 if name == "lifetime" else 4)
    if name == "fixed":
        return u8(3) + u64(parts["length_ns"]) + i64(parts["origin_ns"])
    return u8({"day": 1, "month": 2}[name]) + i32(parts["utc_offset_s"])


def counts(stated: str | dict) -> bytes:
    return u8(2) + u8(stated["units"]["quantities"]) if isinstance(stated, dict) else u8(("requests", "cost").index(stated))


def grant(f: dict) -> bytes:
    return operation(f) + u32(f["account"]) + u8(f["limit"]) + i64(f["change_micros"])


def account_closed(f: dict) -> bytes:
    return u32(f["account"])


def reparent(f: dict) -> bytes:
    return u32(f["account"]) + u32(NO_PARENT if f["parent"] is None else f["parent"])


def boundary(f: dict) -> bytes:
    return u32(f["account"]) + u8(f["limit"])


# ---- Decisions and holds (FORMAT 9.2, 9.7 to 9.12, 9.17, 9.18) ----


def operation(f: dict) -> bytes:
    named = f["operation"]
    return u8(0) if named is None else u8(1) + bytes.fromhex(named["id"]) + i64(named["issued_ns"])


def request(f: dict) -> bytes:
    """FORMAT 3.1, behind its length."""
    asked = f["request"]
    names = ("value_micros", "confidence_bps", "risk_bps", "requested", "cost_limit_micros")
    codes = (i64, u16, u16, u32, u64)
    facts = [code(asked[name]) for name, code in zip(names, codes) if asked[name] is not None]
    mask = sum(1 << bit for bit, name in enumerate(names) if asked[name] is not None) | (32 if asked["excluded"] else 0)
    if asked["excluded"]:
        facts.append(u8(len(asked["excluded"])) + b"".join(u32(candidate) for candidate in asked["excluded"]))
    demands = [u64(demand["number"]) if "number" in demand else bitmap(demand["members"]) for demand in asked["demands"]]
    out = u8(mask) + u16(sum(1 << demand["gate"] for demand in asked["demands"]))
    out += quantities(asked["quantities"])[:1] + b"".join(facts + demands) + quantities(asked["quantities"])[1:]
    return u16(len(out)) + out


def quantities(used: list) -> bytes:
    """Their mask, then their amounts."""
    return u8(sum(1 << one["quantity"] for one in used)) + b"".join(u64(one["amount"]) for one in used)


REASONS = {
    "requested": 1,
    "first": 2,
    "outranked": 3,
    "requested_ineligible_substituted": 4,
    "risk_limit": 16,
    "confidence_minimum": 17,
    "disabled": 18,
    "excluded": 19,
    "cost": 20,
    "utility": 21,
    "requested_ineligible": 22,
    **{f"gate_{gate}": 32 + gate for gate in range(16)},
}


def decided(f: dict) -> bytes:
    limit, decision = f["limit_micros_applied"], f["decision"]
    action = ("execute", "substitute", "deny").index(decision["action"])
    out = u64(decision["epoch"]) + bytes.fromhex(decision["policy"]) + (u8(0) if limit is None else u8(1) + u64(limit))
    return out + encode_decision(action, REASONS[decision["reason"]], choice(decision["selected"]), choice(decision["runner_up"]))


def choice(stated: dict | None) -> tuple | None:
    if stated is None:
        return None
    worth = () if stated["utility_micros"] is None else (stated["utility_micros"],)
    return (stated["candidate"], stated["cost_micros"], *worth)


def admission_outcome(stated: str | dict) -> bytes:
    if stated == "denied_halted":
        return u8(4)
    ((name, parts),) = stated.items()
    out = u8(("admitted", "denied_policy", "denied_budget", "denied_throttle").index(name)) + decided(parts["decided"])
    if name == "admitted":
        return out + i64(parts["deadline_ns"])
    if name == "denied_budget":
        return out + binding(parts["binding"])
    return out + (u32(parts["account"]) + u8(parts["throttle"]) if name == "denied_throttle" else b"")


def binding(stated: dict) -> bytes:
    bound = stated["bound"]
    return u32(stated["account"]) + u8(bound["limit"] if isinstance(bound, dict) else {"held": 3, "holds": 4}[bound])


def admission(f: dict) -> bytes:
    ((word, name),) = f["principal"].items()
    out = operation(f) + u8({"attested": 1, "asserted": 2}[word]) + text8(name)
    return out + u8(len(f["path"])) + b"".join(u32(one) for one in f["path"]) + request(f) + admission_outcome(f["outcome"])


def reroute(f: dict) -> bytes:
    outcome = f["outcome"]
    out = operation(f) + u64(f["hold"]) + u32(f["failed"]) + request(f)
    return out + u64(outcome["given_back_micros"]) + admission_outcome(outcome["admission"])


def spend(stated: dict) -> bytes:
    if "amount_micros" in stated:
        return u8(2) + u64(stated["amount_micros"])
    return u8(1) + u32(stated["usage"]["served"]) + quantities(stated["usage"]["quantities"])


def booked(outcome: dict) -> bytes:
    return u64(outcome["actual_micros"]) + u64(outcome["booked_extra_micros"]) + u64(outcome["unfunded_micros"])


def commit(f: dict) -> bytes:
    settled = ("in_time", "expired").index(f["outcome"]["settled"])
    return operation(f) + u64(f["hold"]) + spend(f["spend"]) + u8(settled) + booked(f["outcome"])


def part_commit(f: dict) -> bytes:
    out = operation(f) + u64(f["hold"]) + spend(f["spend"]) + u8(0)
    return out + booked(f["outcome"]) + u64(f["outcome"]["held_micros"])


def adjust(f: dict) -> bytes:
    amounts = ("booked_extra_micros", "unfunded_micros", "refunded_micros")
    out = operation(f) + u64(f["hold"]) + u64(f["actual_micros"])
    return out + b"".join(u64(f["outcome"][name]) for name in amounts)


def release(f: dict) -> bytes:
    outcome = f["outcome"]
    code, back = (1, 0) if outcome == "expired" else (0, outcome["released"]["given_back_micros"])
    return operation(f) + u64(f["hold"]) + u8(code) + u64(back)


def extend(f: dict) -> bytes:
    out, outcome = operation(f) + u64(f["hold"]) + u64(f["amount_micros"]), f["outcome"]
    if outcome == "denied_halted":
        return out + u8(4)
    if "extended" in outcome:
        return out + u8(0) + i64(outcome["extended"]["deadline_ns"]) + u64(outcome["extended"]["held_micros"])
    return out + u8(2) + binding(outcome["denied_budget"]["binding"])


ENCODERS = {
    "terms": terms,
    "halt": halt,
    "candidate_switch": candidate_switch,
    "admission": admission,
    "commit": commit,
    "release": release,
    "extend": extend,
    "part_commit": part_commit,
    "reroute": reroute,
    "expire": expire,
    "adjust": adjust,
    "account": account,
    "grant": grant,
    "account_closed": account_closed,
    "reparent": reparent,
    "boundary": boundary,
    "recovery": recovery,
    "retention": retention,
}
