"""Random policies and requests for tests, as the tables that `write_log` encodes: small numbers, so that ties are common."""

from __future__ import annotations

import random


def random_policy(rng: random.Random) -> dict:
    kinds = [rng.choice(["bps", "number", "set", "member"]) for _ in range(rng.randint(1, 6))] + ["bps"]
    columns = [(f"c{at}", kind) for at, kind in enumerate(kinds)]
    count = rng.randint(1, 4)
    per = rng.choice([1, 3, 1000])
    quantities = [(f"q{at}", per, rng.choice([None, *range(at)])) for at in range(count - 1)]
    quantities.append((f"q{count - 1}", rng.choice([2, 5]), None))
    gates = []
    for _ in range(rng.randint(0, 5)):
        column = rng.randrange(len(columns))
        relations = {"set": ["has_all", "has_any"], "member": ["one_of"]}.get(kinds[column], ["at_least", "at_most", "fits"])
        sources = ["request"]
        if kinds[column] in ("bps", "number"):
            sources.append(sorted(rng.sample(range(count), rng.randint(1, count))))
        if kinds[column] == "bps":
            sources.append("risk")
        gate = (column, rng.choice(relations), rng.choice(sources))
        if gate not in gates:
            gates.append(gate)
    tier_by = sorted(rng.sample(range(count), rng.randint(0, count)))
    merit = rng.choice([None, len(columns) - 1])
    schema = {"name": "r", "columns": columns, "quantities": quantities, "tier_by": tier_by, "gates": gates, "merit": merit}
    policy = {
        "name": "random",
        "epoch": 1,
        "schema": schema,
        "substitution": rng.choice([("best", None), ("margin", rng.randint(0, 40)), ("if_ineligible", None), ("never", None)]),
        "limits": {name: rng.choice([0, 3, 9]) for name in ("risk", "confidence") if rng.random() < 0.2},
        "members": {
            at: [(number, f"m{number}") for number in range(5)] for at, kind in enumerate(kinds) if kind in ("set", "member")
        },
        "candidates": [
            random_candidate(rng, kinds, count, bool(tier_by), id) for id in sorted(rng.sample(range(40), rng.randint(1, 25)))
        ],
    }
    if merit is not None and rng.random() < 0.6:
        numeric = [at for at, kind in enumerate(kinds) if kind in ("bps", "number")]
        weighted = sorted(rng.sample(numeric, rng.randint(0, min(2, len(numeric)))))
        policy["utility"] = {
            "multiplier": rng.choice([0, 10_000]),
            "merit_unknown": rng.choice([None, 5]),
            "weights": [(column, rng.randint(-2, 2), rng.choice([None, 3])) for column in weighted],
        }
    return policy


def priced_policy(rng: random.Random) -> dict:
    """One that prices most requests, in hundreds, so that accounts run short now and then."""
    while True:
        policy = random_policy(rng)
        if len(policy["candidates"]) > 5:
            break
    policy["limits"] = {}
    for candidate in policy["candidates"]:
        candidate["enabled"], candidate["flat"] = True, rng.choice([0, 0, 50, 700])
        candidate["cards"] = [(above, {q: rate * 100 for q, rate in rates.items()}) for above, rates in candidate["cards"]]
    return policy


def random_candidate(rng: random.Random, kinds: list, quantities: int, tiers: bool, id: int) -> dict:
    values = {}
    for at, kind in enumerate(kinds):
        if rng.random() < 0.85:
            values[at] = (
                sorted(rng.sample(range(5), rng.randint(0, 5))) if kind == "set" else rng.randint(0, 4 if kind == "member" else 12)
            )
    aboves = [0, *sorted(rng.sample(range(1, 12), rng.randint(0, 3)))] if tiers else [0]
    cards = [(above, {q: rng.randint(0, 6) for q in range(quantities) if rng.random() < 0.8}) for above in aboves]
    return {
        "id": id,
        "name": f"n{id}",
        "enabled": rng.random() < 0.9,
        "flat": rng.choice([0, 0, 5]),
        "values": values,
        "cards": cards if rng.random() < 0.95 else [],
    }


def random_request(rng: random.Random, schema: dict) -> dict:
    demands = {}
    for at, (_, relation, source) in enumerate(schema["gates"]):
        if source == "request" and rng.random() < 0.6:
            numeric = relation in ("at_least", "at_most", "fits")
            demands[at] = rng.randint(0, 12) if numeric else sorted(rng.sample(range(5), rng.randint(0, 2)))
    count = len(schema["quantities"])
    request = {
        "value": rng.choice([-3, 0, 10**5, 10**6, 2**62]),
        "confidence": rng.choice([rng.randint(0, 12), rng.randint(0, 10_000)]),
        "risk": rng.randint(0, 12),
        "demands": demands,
        "quantities": {q: rng.randint(1, 12) for q in range(count) if rng.random() < 0.7},
    }
    if rng.random() < 0.5:
        request["requested"] = rng.randrange(40)
    if rng.random() < 0.3:
        request["excluded"] = sorted(rng.sample(range(40), rng.randint(1, 16)))
    if rng.random() < 0.3:
        request["limit"] = rng.randint(0, 40)
    return request
