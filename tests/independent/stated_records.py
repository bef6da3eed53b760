"""One record at least of each kind and of each of its forms, stated by their fields as documents show them. The policies, and with
them the schema, are those of `scenario.py`; the numbers mean nothing, but each is another, so that no two fields can change places.
"""

from __future__ import annotations

import scenario as s
from write_log import digest

I64_MAX, I64_MIN, U64_MAX = 2**63 - 1, -(2**63), 2**64 - 1
ISSUED = {"id": "000102030405060708090a0b0c0d0e0f", "issued_ns": -5}
POLICY_DIGESTS = [digest("assize/policy/1", raw).hex() for raw in (s.P1, s.P2)]


def request(demands: dict | None = None, quantities: dict | None = None, excluded=(), **facts) -> dict:
    names = ("value_micros", "confidence_bps", "risk_bps", "requested", "cost_limit_micros")
    of = [{"gate": gate, "members" if isinstance(of, list) else "number": of} for gate, of in (demands or {}).items()]
    return {
        **{name: facts.get(name) for name in names},
        "excluded": list(excluded),
        "demands": of,
        "quantities": used(quantities or {}),
    }


def used(quantities: dict) -> list:
    return [{"quantity": quantity, "amount": amount} for quantity, amount in quantities.items()]


def decided(action: str, reason: str, selected=None, runner_up=None, limit: int | None = None, epoch: int = 1) -> dict:
    decision = {"action": action, "reason": reason, "selected": choice(selected), "runner_up": choice(runner_up)}
    decision.update({"epoch": epoch, "policy": POLICY_DIGESTS[epoch - 1]})
    return {"limit_micros_applied": limit, "decision": decision}


def choice(of: tuple | None) -> dict | None:
    """Candidate and cost, and with a utility what it is worth."""
    return None if of is None else dict(zip(("candidate", "cost_micros", "utility_micros"), (*of, None)))


PLAIN = request({0: [0]}, {1: 1_000, 2: 200})
FULL = request(
    {0: [0, 9], 2: [2], 3: 7_500},
    {0: 1, 1: 2, 2: U64_MAX},
    [2, 4_294_967_295],
    value_micros=I64_MIN,
    confidence_bps=10_000,
    risk_bps=1,
    requested=3,
    cost_limit_micros=U64_MAX,
)
FIRST = decided("execute", "first", (3, 800), (2, 1_800))
WORTH = decided("substitute", "outranked", (2, 1_800, 193_200), (3, 800, -80_200), limit=9_999, epoch=2)
ALONE = decided("substitute", "requested_ineligible_substituted", (3, 800), limit=1_200)
BY_COST = decided("deny", "cost", limit=400)


def asked(outcome, path=(1,), principal=None, request=PLAIN, operation=None) -> dict:
    of = {"operation": operation, "principal": principal or {"attested": "alice"}, "path": list(path)}
    return {"kind": "admission", **of, "request": request, "outcome": outcome}


def short(bound, decided=BY_COST) -> dict:
    return {"denied_budget": {"decided": decided, "binding": {"account": 6, "bound": bound}}}


def rerouted(admission) -> dict:
    outcome = {"given_back_micros": 1_801, "admission": admission}
    asks = {**PLAIN, "excluded": [2, 7]}
    return {"kind": "reroute", "operation": None, "hold": 11, "failed": 7, "request": asks, "outcome": outcome}


def admitted(decided, deadline: int = 17) -> dict:
    return {"admitted": {"decided": decided, "deadline_ns": deadline}}


def call(kind: str, outcome, operation=None, **arguments) -> dict:
    return {"kind": kind, "operation": operation, **arguments, "outcome": outcome}


def spent(actual: int, extra: int, unfunded: int, **more) -> dict:
    return {**more, "actual_micros": actual, "booked_extra_micros": extra, "unfunded_micros": unfunded}


def opened(name: str, parent, overrun: str, windows=("lifetime",), throttles=(), held=None, holds=None) -> dict:
    caps = {"windows": list(windows), "throttles": list(throttles), "held_micros_max": held, "holds_max": holds}
    return {"kind": "account", "name": name, "parent": parent, "overrun": overrun, **caps}


def throttle(counts, rate: int, period: int, burst: int) -> dict:
    return {"counts": counts, "rate": rate, "period_ns": period, "burst": burst}


USAGE = {"usage": {"served": 3, "quantities": used({1: 4_000, 2: 5})}}
AMOUNT = {"amount_micros": 77}
TERMS = ("operation_horizon_ns", "operations_max", "clock_jump_ns_max", "late_window_ns", "adjust_window_ns", "settled_max")

# Its form, and its fields
RECORDS = [
    ("terms", {"kind": "terms", **dict(zip(TERMS, (1, 16_777_216, 3, U64_MAX, 5, 6)))}),
    ("policy", {"kind": "policy", "digest": POLICY_DIGESTS[0], "bytes": len(s.P1)}),
    ("policy", {"kind": "policy", "digest": POLICY_DIGESTS[1], "bytes": len(s.P2)}),
    ("halt none", {"kind": "halt", "none": None}),
    ("halt reduce_only", {"kind": "halt", "reduce_only": None}),
    ("halt all", {"kind": "halt", "all": None}),
    ("switch disabled", {"kind": "candidate_switch", "candidate": 3, "switch": "disabled"}),
    ("switch enabled", {"kind": "candidate_switch", "candidate": 4_294_967_295, "switch": "enabled"}),
    ("admitted", asked(admitted(FIRST))),
    ("admitted", asked(admitted(WORTH, I64_MAX), (3, 0, 2, 1), {"asserted": "é" * 32}, FULL, ISSUED)),
    ("admitted", asked(admitted(ALONE, I64_MIN), (4_294_967_295,), request=request())),
    ("denied policy", asked({"denied_policy": {"decided": decided("deny", "gate_3")}})),
    ("denied policy", asked({"denied_policy": {"decided": decided("deny", "risk_limit", epoch=2)}}, request=FULL)),
    ("denied budget limit", asked(short({"limit": 0}))),
    ("denied budget limit", asked(short({"limit": 2}), operation=ISSUED)),
    ("denied budget held", asked(short("held"))),
    ("denied budget holds", asked(short("holds", FIRST))),
    ("denied throttle", asked({"denied_throttle": {"decided": FIRST, "account": 8, "throttle": 3}})),
    ("denied halted", asked("denied_halted")),
    ("commit in time usage", call("commit", spent(4_505, 6, 7, settled="in_time"), hold=8, spend=USAGE)),
    ("commit in time amount", call("commit", spent(77, 9, 10, settled="in_time"), ISSUED, hold=11, spend=AMOUNT)),
    ("commit expired usage", call("commit", spent(4_505, 0, 4_505, settled="expired"), hold=12, spend=USAGE)),
    ("commit expired amount", call("commit", spent(77, 0, 77, settled="expired"), hold=13, spend=AMOUNT)),
    ("released", call("release", {"released": {"given_back_micros": 14}}, hold=15)),
    ("release expired", call("release", "expired", ISSUED, hold=16)),
    ("extended", call("extend", {"extended": {"deadline_ns": 17, "held_micros": 39}}, hold=19, amount_micros=20)),
    ("extend denied budget", call("extend", {"denied_budget": {"binding": {"account": 21, "bound": {"limit": 1}}}}, hold=22, amount_micros=23)),
    ("extend denied budget", call("extend", {"denied_budget": {"binding": {"account": 21, "bound": "held"}}}, ISSUED, hold=22, amount_micros=24)),
    ("extend denied halted", call("extend", "denied_halted", hold=25, amount_micros=0)),
    ("part commit usage", call("part_commit", spent(4_505, 26, 27, held_micros=0), hold=28, spend=USAGE)),
    ("part commit amount", call("part_commit", spent(77, 0, 0, held_micros=29), ISSUED, hold=30, spend=AMOUNT)),
    ("reroute admitted", {**rerouted(admitted(ALONE)), "operation": ISSUED}),
    ("reroute denied policy", rerouted({"denied_policy": {"decided": decided("deny", "excluded")}})),
    ("reroute denied budget", rerouted(short({"limit": 1}))),
    ("reroute denied halted", rerouted("denied_halted")),
    ("expire", {"kind": "expire", "holds": [31]}),
    ("expire", {"kind": "expire", "holds": list(range(1, 257))}),
    ("adjust more", call("adjust", {"booked_extra_micros": 32, "unfunded_micros": 33, "refunded_micros": 0}, hold=34, actual_micros=65)),
    ("adjust less", call("adjust", {"booked_extra_micros": 0, "unfunded_micros": 0, "refunded_micros": 35}, ISSUED, hold=36, actual_micros=0)),
    ("account", opened("org", None, "deny")),
    ("account", opened("t" * 64, 4_294_967_294, "if_available", [{"day": {"utc_offset_s": -18_000}}, {"month": {"utc_offset_s": 3_600}}, "given"])),
    (
        "account",
        opened(
            "lab",
            0,
            "debt",
            [{"fixed": {"length_ns": 3_600_000_000_001, "origin_ns": 3_600_000_000_000}}, "lifetime"],
            [throttle("requests", 1, 2, 3), throttle("cost", 2**62, 2**56, 2**62), throttle({"units": {"quantities": 7}}, 4, 5, 6)],
            I64_MAX,
            4_294_967_295,
        ),
    ),
    ("grant", call("grant", None, account=38, limit=2, change_micros=39)),
    ("grant", call("grant", None, ISSUED, account=40, limit=0, change_micros=I64_MIN)),
    ("account closed", {"kind": "account_closed", "account": 41}),
    ("reparent", {"kind": "reparent", "account": 42, "parent": 43}),
    ("reparent", {"kind": "reparent", "account": 44, "parent": None}),
    ("boundary", {"kind": "boundary", "account": 45, "limit": 2}),
    ("recovery", {"kind": "recovery", "segment": 46, "offset": 48, "cut_bytes": 47, "cut_sha256": "2f" * 32}),
    ("retention", {"kind": "retention", "first_segment": 49, "through": 50, "header_sha256": "31" * 32}),
]  # fmt: skip
