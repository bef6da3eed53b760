//! What a request can state, what is an error of the caller, and the canonical bytes. SEMANTICS 4, FORMAT 3 and 4.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    clippy::type_complexity,
    reason = "a test that fails by panicking fails"
)]

mod kernel_sample;

use assize::{
    codec::{CodecError, Reader},
    crypto::Digest,
    id::{CandidateId, Epoch},
    kernel::{
        Action, Decision, Demand, Disabled, Fact, Quantities, Reason, Request, RequestError, explain,
        prescribe, trace,
    },
    policy::{Draft, GateDraft, MemberId, Policy, Relation, SourceDraft, UtilityDraft},
};
use kernel_sample::{
    amounts, bps, call, candidate, demand, demand_set, draft, freeze, micros, number, utility, worth,
};

fn plain() -> Policy {
    freeze(draft(vec![candidate(1, 10)]))
}

/// The same but for the schema's name, which makes it another schema.
fn foreign() -> Policy {
    let mut schema = kernel_sample::schema();
    schema.name = "another".into();
    freeze(Draft { schema, ..draft(vec![candidate(1, 10)]) })
}

fn fails(policy: &Policy, request: &Request) -> RequestError {
    let error = prescribe(policy, &Disabled::none(), request).unwrap_err();
    assert_eq!(trace(policy, &Disabled::none(), request).unwrap_err(), error);
    assert_eq!(explain(policy, &Disabled::none(), request).unwrap_err(), error);
    error
}

#[test]
fn facts_that_the_policy_uses_must_be_stated() {
    let missing = |fact| Some(RequestError::Missing { fact });
    // hard limit | minimum | multiplier of a utility | value | confidence | risk | error
    let table = [
        (None, None, None, None, None, None, None),
        (Some(1), None, None, Some(1), Some(1), None, missing(Fact::Risk)),
        (Some(1), None, None, None, None, Some(0), None),
        (None, Some(1), None, Some(1), None, Some(1), missing(Fact::Confidence)),
        (None, Some(1), None, None, Some(1), None, None),
        (None, None, Some(0), None, Some(1), Some(1), missing(Fact::Value)),
        (None, None, Some(0), Some(1), None, Some(1), missing(Fact::Confidence)),
        // A utility without a risk multiplier uses no risk.
        (None, None, Some(0), Some(1), Some(1), None, None),
        (None, None, Some(1), Some(1), Some(1), None, missing(Fact::Risk)),
        (None, None, Some(1), Some(1), Some(1), Some(1), None),
        // An error comes before any denial.
        (Some(0), None, Some(0), Some(1), None, Some(9), missing(Fact::Confidence)),
    ];
    for (hard, minimum, multiplier, value, confidence, risk, expected) in table {
        let mut draft = draft(vec![candidate(1, 10)]);
        draft.limits.risk_hard_bps = hard;
        draft.limits.confidence_min_bps = minimum;
        draft.utility =
            multiplier.map(|risk_multiplier_bps| UtilityDraft { risk_multiplier_bps, ..utility() });
        let policy = freeze(draft);
        let mut request = call(&policy);
        value.map(|value| request.value(value));
        confidence.map(|confidence| request.confidence(bps(confidence)));
        risk.map(|risk| request.risk(bps(risk)));
        let error = prescribe(&policy, &Disabled::none(), &request).err();
        assert_eq!(error, expected, "{:?}", (hard, minimum, multiplier, value, confidence, risk));
    }
}

#[test]
fn handles_of_another_schema() {
    let (policy, other) = (plain(), foreign());
    let (seen, expected) = (other.schema().tag(), policy.schema().tag());
    let error = RequestError::Schema { seen, expected };
    let mut request = call(&policy);
    let gate = other.schema().gate_number("quality", Relation::AtLeast).unwrap();
    assert_eq!(request.demand(gate, 1).unwrap_err(), error);
    let gate = other.schema().gate_set("skills", Relation::HasAll).unwrap();
    let members = policy.members("skills", &["a"]).unwrap();
    assert_eq!(request.demand_set(gate, &members).unwrap_err(), error);
    let gate = policy.schema().gate_set("skills", Relation::HasAll).unwrap();
    let members = other.members("skills", &["a"]).unwrap();
    assert_eq!(request.demand_set(gate, &members).unwrap_err(), error);
    assert_eq!(request.quantity(other.schema().quantity("calls").unwrap(), 1).unwrap_err(), error);
    assert_eq!(request, call(&policy), "what failed states nothing");
    assert_eq!(fails(&policy, &call(&other)), error);
}

#[test]
fn demands_that_no_gate_takes() {
    let policy = plain();
    // A bps column takes 10,000 and no more; a number column takes anything.
    let mut request = call(&policy);
    demand(&policy, &mut request, "quality", Relation::AtLeast, 10_000);
    demand(&policy, &mut request, "speed", Relation::AtMost, u64::MAX);
    assert!(prescribe(&policy, &Disabled::none(), &request).is_ok());
    demand(&policy, &mut request, "quality", Relation::AtLeast, 10_001);
    assert_eq!(fails(&policy, &request), RequestError::DemandTooLarge { gate: 0, seen: 10_001, max: 10_000 });

    // Members of another column.
    let skills = policy.schema().gate_set("skills", Relation::HasAll).unwrap();
    let homes = policy.members("home", &["a"]).unwrap();
    let column = |name| policy.schema().column(name).unwrap();
    let error =
        RequestError::MembersOfAnotherColumn { gate: 4, seen: column("home"), expected: column("skills") };
    assert_eq!(call(&policy).demand_set(skills, &homes).unwrap_err(), error);

    // A member that the policy in force does not list, although another under the schema does.
    let mut fewer = draft(vec![candidate(1, 10)]);
    for listed in &mut fewer.members {
        listed.members.retain(|member| member.id != 256);
    }
    let fewer = freeze(fewer);
    let mut request = call(&policy);
    demand_set(&policy, &mut request, "skills", Relation::HasAny, &["e", "d", "a"]);
    assert!(prescribe(&policy, &Disabled::none(), &request).is_ok());
    assert_eq!(fails(&fewer, &request), RequestError::UnknownMember { gate: 5, member: MemberId(256) });

    // A host's disabled candidates belong to one policy.
    let disabled = Disabled::new(&policy, [CandidateId(1)]);
    let error = prescribe(&fewer, &disabled, &call(&fewer)).unwrap_err();
    assert_eq!(error, RequestError::DisabledOfAnotherPolicy);
    assert!(prescribe(&fewer, &Disabled::new(&policy, []), &call(&fewer)).is_ok());
}

#[test]
fn a_request_holds_sixteen_excluded_and_eight_sets() {
    let policy = plain();
    let mut request = call(&policy);
    for id in (0..16).rev() {
        request.exclude(CandidateId(id * 10)).unwrap();
    }
    request.exclude(CandidateId(50)).unwrap();
    assert_eq!(request.exclude(CandidateId(55)).unwrap_err(), RequestError::TooManyExcluded);
    assert_eq!(request.excluded(), (0..16).map(|id| CandidateId(id * 10)).collect::<Vec<_>>());

    let mut schema = kernel_sample::schema();
    schema.columns.truncate(0);
    schema.gates.truncate(0);
    schema.merit = None;
    let columns: Vec<String> = (0..9).map(|column| format!("column {column}")).collect();
    let mut wide = draft(vec![candidate(1, 10)]);
    wide.members.truncate(1);
    let listed = wide.members.remove(0).members;
    for name in &columns {
        let kind = assize::policy::ColumnKind::Set;
        schema.columns.push(assize::policy::ColumnDraft { name: name.clone(), kind });
        let (column, relation, source) = (name.clone(), Relation::HasAll, SourceDraft::Request);
        schema.gates.push(GateDraft { column, relation, source });
        wide.members.push(assize::policy::MembersDraft { column: name.clone(), members: listed.clone() });
    }
    let policy = freeze(Draft { schema, ..wide });
    let mut request = Request::new(policy.schema());
    for column in &columns[..8] {
        demand_set(&policy, &mut request, column, Relation::HasAll, &["a"]);
    }
    // Stated again is not one more.
    demand_set(&policy, &mut request, &columns[3], Relation::HasAll, &["b", "e"]);
    let ninth = policy.schema().gate_set(&columns[8], Relation::HasAll).unwrap();
    let members = policy.members(&columns[8], &["a"]).unwrap();
    assert_eq!(request.demand_set(ninth, &members).unwrap_err(), RequestError::TooManySets);
    assert!(request.demand_of(8).is_none());
    let changed = policy.members(&columns[3], &["b", "e"]).unwrap();
    assert_eq!(request.demand_of(3), Some(Demand::Set(changed.set())));
    assert_eq!(request.demand_of(16), None);
}

#[test]
fn errors_say_what_was_seen_and_the_bound() {
    let policy = plain();
    let column = policy.schema().column("home").unwrap();
    let table = [
        (
            RequestError::Missing { fact: Fact::Risk },
            "the policy uses the risk, which the request does not state",
        ),
        (
            RequestError::DemandTooLarge { gate: 3, seen: 10_001, max: 10_000 },
            "gate 3: a demand of 10001 is above the maximum of 10000",
        ),
        (
            RequestError::UnknownMember { gate: 0, member: MemberId(7) },
            "gate 0: the policy lists no member 7",
        ),
        (
            RequestError::MembersOfAnotherColumn { gate: 4, seen: column, expected: column },
            "gate 4: members of column 1 are demanded of column 1",
        ),
        (RequestError::TooManyExcluded, "more candidates are excluded than the maximum of 16"),
        (RequestError::TooManySets, "sets are demanded of more gates than the maximum of 8"),
        (RequestError::DisabledOfAnotherPolicy, "the disabled candidates are those of another policy"),
    ];
    for (error, text) in table {
        assert_eq!(error.to_string(), text);
    }
}

/// A request with something of everything.
fn full(policy: &Policy) -> Request {
    let mut request = amounts(policy, &[("calls", 2), ("output", 300), ("input", 0)]);
    request
        .value(-5)
        .confidence(bps(9_000))
        .risk(bps(0))
        .requested(CandidateId(7))
        .cost_limit(micros(1 << 40));
    request.exclude(CandidateId(9)).unwrap().exclude(CandidateId(3)).unwrap();
    demand(policy, &mut request, "speed", Relation::AtMost, 800);
    demand_set(policy, &mut request, "skills", Relation::HasAll, &["a", "c"]);
    demand_set(policy, &mut request, "home", Relation::OneOf, &[]);
    request
}

/// Its canonical form, written from FORMAT 3.1 by hand.
const FULL: [&[u8]; 15] = [
    &[0b11_1111],      // 0: facts: value, confidence, risk, requested, cost limit, excluded
    &[0b0101_0010, 0], // 1: gates 1 (speed at_most), 4 (skills has_all), 6 (home one_of)
    &[0b0_1010],       // 3: quantities, sorted by name: cached, calls, input, output, written
    &[0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // 4: value −5
    &[0x28, 0x23],     // 12: confidence 9,000
    &[0, 0],           // 14: risk 0
    &[7, 0, 0, 0],     // 16: requested
    &[0, 0, 0, 0, 0, 1, 0, 0], // 20: cost limit 2⁴⁰
    &[2, 3, 0, 0, 0, 9, 0, 0, 0], // 28: excluded, ascending
    &[0x20, 3, 0, 0, 0, 0, 0, 0], // 37: speed at_most 800
    &[9, 1, 0, 0, 0, 0, 0, 0, 0, 1], // 45: skills has_all {0, 64}
    &[0],              // 55: home one_of {}
    &[2, 0, 0, 0, 0, 0, 0, 0], // 56: calls
    &[0x2c, 1, 0, 0, 0, 0, 0, 0], // 64: output
    &[],
];

#[test]
fn the_canonical_form_of_a_request() {
    let policy = plain();
    let request = full(&policy);
    let mut bytes = vec![];
    request.encode(&mut bytes);
    assert_eq!(bytes, FULL.concat());
    assert_eq!(request.digest(), Digest::of("assize/request/1", &bytes));
    assert_eq!(Request::decode(&bytes, policy.schema()).unwrap(), request);
    // Nothing stated.
    let mut bytes = vec![];
    Request::new(policy.schema()).encode(&mut bytes);
    assert_eq!(bytes, [0, 0, 0, 0]);
}

#[test]
fn bytes_that_are_no_request() {
    let policy = plain();
    // place | what is written there | what is found
    let table: [(usize, &[u8], &str); 17] = [
        (0, &[0b111_1111], "mask of facts"),
        (0, &[0b1011_1111], "mask of facts"),
        (1, &[0b1101_0010], "mask of gates"), // gate 7 is fed by the risk
        (2, &[0b1], "mask of gates"),         // gate 8 is fed by quantities
        (2, &[0b10], "mask of gates"),        // there is no gate 9
        (3, &[0b10_1010], "mask of quantities"), // there is no quantity 5
        (12, &[0x11, 0x27], "share in basis points"), // 10,001
        (14, &[0x11, 0x27], "share in basis points"),
        (28, &[0], "count of excluded candidates"),
        (28, &[17], "count of excluded candidates"),
        (29, &[9], "order of excluded candidates"),
        (29, &[10], "order of excluded candidates"),
        (54, &[0], "set"), // a zero byte at its end
        (45, &[65], "set"),
        (56, &[0], "quantity of 0"),
        (64, &[0, 0], "quantity of 0"),
        // A demand in basis points: gate 0 instead of gate 1.
        (1, &[0b0101_0001], "demand in basis points"),
    ];
    for (place, written, what) in table {
        let mut bytes = FULL.concat();
        bytes[place..place + written.len()].copy_from_slice(written);
        if what == "demand in basis points" {
            bytes[37..39].copy_from_slice(&10_001_u16.to_le_bytes());
        }
        bytes.extend([1; 100]);
        match Request::decode(&bytes, policy.schema()) {
            Err(CodecError::Invalid { what: seen, .. }) => assert_eq!(seen, what, "at {place}: {written:?}"),
            other => panic!("at {place}: {written:?}: {other:?}"),
        }
    }
}

#[test]
fn quantities_have_bytes_of_their_own() {
    let policy = plain();
    let quantities = *amounts(&policy, &[("written", 1), ("cached", 2), ("calls", 0)]).quantities();
    let mut bytes = vec![];
    quantities.encode(&mut bytes);
    assert_eq!(bytes, [0b1_0001, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    let mut reader = Reader::new(&bytes);
    assert_eq!(Quantities::decode(&mut reader, policy.schema()), Ok(quantities));
    assert_eq!(reader.finish(), Ok(()));
    bytes[1] = 0;
    assert!(Quantities::decode(&mut Reader::new(&bytes), policy.schema()).is_err());
}

#[test]
fn reasons_and_actions_have_frozen_codes() {
    use Action::{Deny, Execute, Substitute};
    let table = [
        (1, "requested", Reason::Requested, Execute),
        (2, "first", Reason::First, Execute),
        (3, "outranked", Reason::Outranked, Substitute),
        (4, "requested_ineligible_substituted", Reason::RequestedIneligibleSubstituted, Substitute),
        (16, "risk_limit", Reason::RiskLimit, Deny),
        (17, "confidence_minimum", Reason::ConfidenceMinimum, Deny),
        (18, "disabled", Reason::Disabled, Deny),
        (19, "excluded", Reason::Excluded, Deny),
        (20, "cost", Reason::Cost, Deny),
        (21, "utility", Reason::Utility, Deny),
        (22, "requested_ineligible", Reason::RequestedIneligible, Deny),
        (32, "gate_0", Reason::Gate(0), Deny),
        (47, "gate_15", Reason::Gate(15), Deny),
    ];
    for (code, name, reason, action) in table {
        assert_eq!((reason.code(), reason.action(), reason.to_string().as_str()), (code, action, name));
        assert_eq!(Reason::from_code(code), Some(reason));
    }
    let known: Vec<u8> = (0..=u8::MAX).filter(|&code| Reason::from_code(code).is_some()).collect();
    assert_eq!(known, [1, 2, 3, 4].into_iter().chain(16..=22).chain(32..=47).collect::<Vec<_>>());
    for (code, name, action) in [(0, "execute", Execute), (1, "substitute", Substitute), (2, "deny", Deny)] {
        assert_eq!((action.code(), action.to_string().as_str()), (code, name));
        assert_eq!(Action::from_code(code), Some(action));
    }
    assert!((3..=u8::MAX).all(|code| Action::from_code(code).is_none()));
}

#[test]
fn the_canonical_form_of_a_decision() {
    let with_utility = |utilities: bool| {
        let mut draft = draft(vec![number(candidate(1, 10), "quality", 6_000), candidate(300, 20)]);
        draft.utility = utilities.then(|| UtilityDraft { merit_unknown_bps: Some(5_000), ..utility() });
        freeze(draft)
    };
    let decide = |policy: &Policy, requested: u32, limit: u64| {
        let mut request = call(policy);
        worth(&mut request, 1_000);
        request.requested(CandidateId(requested)).cost_limit(micros(limit));
        prescribe(policy, &Disabled::none(), &request).unwrap()
    };
    let policy = with_utility(false);
    let denied = decide(&policy, 300, 9);
    let encoded = |decision: &Decision| {
        let mut bytes = vec![];
        decision.encode(&mut bytes);
        bytes
    };
    // Both fail gate 7 (the ceiling is unknown).
    assert_eq!(encoded(&denied), [2, 32 + 7, 0]);
    let mut request = call(&policy);
    request.requested(CandidateId(300));
    let substituted = prescribe(&policy, &Disabled::none(), &request).unwrap();
    let expected =
        [&[1, 3, 0b011][..], &[1, 0, 0, 0], &10_u64.to_le_bytes(), &[0x2c, 1, 0, 0], &20_u64.to_le_bytes()];
    assert_eq!(encoded(&substituted), expected.concat());

    let policy = with_utility(true);
    let mut request = call(&policy);
    request.value(1_000).confidence(bps(10_000)).exclude(CandidateId(300)).unwrap();
    let first = prescribe(&policy, &Disabled::none(), &request).unwrap();
    let expected = [&[0, 2, 0b101][..], &[1, 0, 0, 0], &10_u64.to_le_bytes(), &590_i64.to_le_bytes()];
    assert_eq!(encoded(&first), expected.concat());

    // FORMAT 4.3.
    let request = request.digest();
    let mut body = first.epoch.0.to_le_bytes().to_vec();
    body.extend(first.policy.0);
    body.extend(request.0);
    body.extend(encoded(&first));
    assert_eq!(first.digest(request), Digest::of("assize/decision/1", &body));
}

#[test]
fn bytes_that_are_no_decision() {
    let decode = |bytes: &[u8]| Decision::decode(&mut Reader::new(bytes), Epoch(1), Digest::default());
    let choice = |candidate: u8| [&[candidate, 0, 0, 0][..], &[0; 8]].concat();
    let two = |mask: u8, one: u8, other: u8| [vec![1, 3, mask], choice(one), choice(other)].concat();
    assert!(decode(&two(0b011, 1, 2)).is_ok());
    // bytes | what is found
    let table = [
        (vec![3, 2, 0], "action"),
        (vec![2, 0, 0], "reason"),
        (vec![2, 48, 0], "reason"),
        (vec![0, 16, 0], "reason for its action"),
        (vec![2, 1, 0], "reason for its action"),
        (vec![0, 3, 1], "reason for its action"),
        // A denial selects nobody, anything else somebody.
        ([vec![2, 16, 0b001], choice(1)].concat(), "mask of a decision"),
        (vec![0, 2, 0], "mask of a decision"),
        (vec![2, 16, 0b100], "mask of a decision"),
        (vec![2, 16, 0b010], "mask of a decision"),
        ([vec![0, 2, 0b1001], choice(1)].concat(), "mask of a decision"),
        (two(0b011, 1, 1), "runner-up"),
    ];
    for (bytes, what) in table {
        match decode(&bytes) {
            Err(CodecError::Invalid { what: seen, .. }) => assert_eq!(seen, what, "{bytes:?}"),
            other => panic!("{bytes:?}: {other:?}"),
        }
    }
    let whole = two(0b011, 1, 2);
    for len in 0..whole.len() {
        assert!(matches!(decode(&whole[..len]), Err(CodecError::Truncated { .. })), "{len} bytes");
    }
}

#[test]
#[cfg(feature = "serde")]
fn outcomes_are_serialised_with_names_and_units() {
    let policy = freeze(draft(vec![candidate(1, 10), candidate(2, 20)]));
    let mut request = call(&policy);
    request.requested(CandidateId(2));
    let decision = prescribe(&policy, &Disabled::none(), &request).unwrap();
    let expected = format!(
        concat!(
            r#"{{"action":"substitute","reason":"outranked","#,
            r#""selected":{{"candidate":1,"cost_micros":10,"utility_micros":null}},"#,
            r#""runner_up":{{"candidate":2,"cost_micros":20,"utility_micros":null}},"#,
            r#""epoch":3,"policy":"{}"}}"#
        ),
        policy.digest()
    );
    assert_eq!(serde_json::to_string(&decision).unwrap(), expected);
    demand(&policy, &mut request, "speed", Relation::AtMost, 7);
    let explained = serde_json::to_value(kernel_sample::explained(&policy, &request)).unwrap();
    assert_eq!(explained["counts"]["gates"][1], 2);
    assert_eq!(explained["demands"][0]["relation"], "at_most");
    assert_eq!(explained["demands"][0]["demand"], 7);
    assert_eq!(explained["rows"][0]["standing"]["turned_away"]["by"], "gate_1");
    assert_eq!(explained["rows"][0]["cost"]["total_micros"], 10);
    // What passes 64 bits is decimal text.
    let policy = freeze(draft(vec![candidate(1, u64::MAX)]));
    let explained = kernel_sample::explained(&policy, &amounts(&policy, &[("calls", u64::MAX)]));
    let explained = serde_json::to_value(explained).unwrap();
    let term = &explained["rows"][0]["cost"]["terms"][0]["micros"];
    assert_eq!(*term, (u128::from(u64::MAX) * u128::from(u64::MAX)).to_string());
    assert_eq!(explained["rows"][0]["cost"]["total_micros"], "too_large");
}
