"""A naive reading of SEMANTICS 3 to 7 for tests: every candidate judged one after the other, from the same tables that
`write_log` encodes. It shares no code with `decide`.
"""

from __future__ import annotations

from write_log import encode_decision

U64_MAX = 2**64 - 1


def gate_passes(relation: str, value, demand) -> bool:
    """SEMANTICS 3.1 to 3.3 for a demand that is made."""
    if value is None:
        return False
    if relation == "at_least":
        return value >= demand
    if relation == "at_most":
        return value <= demand
    if relation == "fits":
        return demand <= value
    if relation == "has_all":
        return set(demand) <= set(value)
    if relation == "has_any":
        return bool(set(demand) & set(value))
    return value in demand


def demand_of(at: int, source, request: dict):
    """The demand of gate `at`, None where none is made."""
    if source == "request":
        return request.get("demands", {}).get(at)
    if source == "risk":
        return request.get("risk")
    total = sum(request.get("quantities", {}).get(quantity, 0) for quantity in source)
    return total if total > 0 else None


def cost_of(schema: dict, candidate: dict, quantities: dict) -> int | None:
    """SEMANTICS 6; None where there is no cost."""
    tier_sum = sum(quantities.get(quantity, 0) for quantity in schema["tier_by"])
    cards = [rates for above, rates in candidate["cards"] if above == 0 or above < tier_sum]
    if not cards:
        return None
    total = candidate.get("flat", 0)
    for quantity, amount in quantities.items():
        at = quantity
        while at is not None and at not in cards[-1]:
            at = schema["quantities"][at][2]
        if at is None:
            return None
        per = schema["quantities"][quantity][1]
        total += (amount * cards[-1][at] + per - 1) // per
    return total


def utility_of(policy: dict, candidate: dict, request: dict, cost: int) -> int | None:
    """SEMANTICS 7.1 to 7.3; None where it is unknown."""
    utility, values = policy["utility"], candidate["values"]
    merit = values.get(policy["schema"]["merit"], utility["merit_unknown"])
    if merit is None:
        return None
    value = max(request["value"], 0)
    total = value * request["confidence"] * merit // 10**8 - value * request.get("risk", 0) * utility["multiplier"] // 10**8 - cost
    for column, weight, unknown in utility["weights"]:
        seen = values.get(column, unknown)
        if seen is None:
            return None
        total -= weight * seen
    return total


def judge(policy: dict, candidate: dict, request: dict, disabled: set, limit: int) -> tuple:
    """SEMANTICS 5.2: (None, cost, utility) of an eligible candidate, else (reason,)."""
    schema = policy["schema"]
    if not candidate.get("enabled", True) or candidate["id"] in disabled:
        return (18,)
    if candidate["id"] in request.get("excluded", []):
        return (19,)
    for at, (column, relation, source) in enumerate(schema["gates"]):
        demand = demand_of(at, source, request)
        if demand is not None and not gate_passes(relation, candidate["values"].get(column), demand):
            return (32 + at,)
    cost = cost_of(schema, candidate, request.get("quantities", {}))
    if cost is None or cost > limit or cost > U64_MAX:
        return (20,)
    if policy.get("utility") is None:
        return None, cost, None
    utility = utility_of(policy, candidate, request, cost)
    if utility is None or utility <= 0:
        return (21,)
    return None, cost, max(-(2**63), min(2**63 - 1, utility))


def decide(policy: dict, request: dict, disabled: set, limit: int) -> bytes:
    """SEMANTICS 5: the canonical form of the decision."""
    limits = policy.get("limits", {})
    if "risk" in limits and request["risk"] >= limits["risk"]:
        return encode_decision(2, 16)
    if "confidence" in limits and request["confidence"] < limits["confidence"]:
        return encode_decision(2, 17)
    verdicts = {candidate["id"]: judge(policy, candidate, request, disabled, limit) for candidate in policy["candidates"]}
    values = {candidate["id"]: candidate["values"] for candidate in policy["candidates"]}

    def order(id: int) -> tuple:
        _, cost, utility = verdicts[id]
        unknown = -1 if utility is None else policy["utility"]["merit_unknown"]
        merit = values[id].get(policy["schema"]["merit"], unknown)
        return (0 if utility is None else -utility, cost, -merit, id)

    eligible = sorted((id for id, verdict in verdicts.items() if verdict[0] is None), key=order)
    wanted, (rule, margin) = request.get("requested"), policy["substitution"]
    selected, reason = (eligible[0] if eligible else None), 2
    if wanted is not None:
        if rule == "never" and wanted not in eligible:
            return encode_decision(2, 22)
        if selected is not None:
            reason = 4 if wanted not in eligible else 3
            if wanted in eligible and (
                wanted == selected or rule in ("if_ineligible", "never") or _within(rule, margin, order, selected, wanted)
            ):
                selected, reason = wanted, 1
    if selected is None:
        return encode_decision(2, _most(verdicts.values(), len(policy["schema"]["gates"])))
    others = [id for id in eligible if id != selected]
    shown = [(id, *(part for part in verdicts[id][1:] if part is not None)) for id in [selected, *others[:1]]]
    return encode_decision(0 if reason in (1, 2) else 1, reason, *shown)


def _within(rule: str, margin, order, first: int, wanted: int) -> bool:
    """SEMANTICS 5.4, `margin`: of utility, or of cost where there is none."""
    if rule != "margin":
        return False
    (utility, cost, _, _), (best_utility, best_cost, _, _) = order(wanted), order(first)
    return (utility - best_utility if utility or best_utility else cost - best_cost) <= margin


def _most(verdicts, gates: int) -> int:
    """SEMANTICS 5.7."""
    counts = {reason: 0 for reason in [18, 19, *range(32, 32 + gates), 20, 21]}
    for verdict in verdicts:
        counts[verdict[0]] += 1
    return max(counts, key=lambda reason: counts[reason])
