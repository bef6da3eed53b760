//! Answers worked out by hand, lever by lever and rule by rule. SEMANTICS 15.

use std::error::Error as _;

use assize::{
    id::CandidateId,
    kernel::{
        CounterfactualError, Disabled, Fact, Lever, Reason, Request, RequestError, Setting, Value, Verdict,
        affordable, prescribe, slack, what_would_win,
    },
    policy::{
        CandidateDraft, LimitsDraft, Policy, Relation, SchemaDraft, Substitution, UtilityDraft, WeightDraft,
    },
};

use crate::{
    changing::set_of,
    kernel_sample::{
        amounts, bps, call, candidate, card, demand, demand_set, draft, freeze, member, micros, number, set,
        worth,
    },
};

pub(crate) const NONE: Disabled = Disabled::none();

/// The verdict on that lever of that candidate.
fn verdict(policy: &Policy, disabled: &Disabled, request: &Request, id: u32, lever: Lever) -> Verdict {
    let told = what_would_win(policy, disabled, request, CandidateId(id)).unwrap();
    told.line(lever).unwrap_or_else(|| panic!("no {lever:?} in {told:#?}")).verdict
}

pub(crate) fn column(policy: &Policy, name: &str) -> Lever {
    Lever::Column(policy.schema().column(name).unwrap())
}

pub(crate) fn rate(policy: &Policy, card: usize, quantity: &str) -> Lever {
    Lever::Rate { card, quantity: policy.schema().quantity(quantity).unwrap().index() }
}

fn to_value(number: u128) -> Verdict {
    Verdict::ChangeTo(Setting::Value(Some(Value::Number(number))))
}

fn to_rate(rate: u64) -> Verdict {
    Verdict::ChangeTo(Setting::Rate(Some(rate)))
}

fn to_micros(amount: u64) -> Verdict {
    Verdict::ChangeTo(Setting::Micros(micros(amount)))
}

fn to_demand(number: u128) -> Verdict {
    Verdict::ChangeTo(Setting::Demand(Some(Value::Number(number))))
}

fn to_set(members: &[u16]) -> Verdict {
    Verdict::ChangeTo(Setting::Demand(Some(Value::Set(set_of(members)))))
}

fn to_members(members: &[u16]) -> Verdict {
    Verdict::ChangeTo(Setting::Value(Some(Value::Set(set_of(members)))))
}

const NO_DEMAND: Verdict = Verdict::ChangeTo(Setting::Demand(None));

/// One call costs each of them so much, the flat fee included.
pub(crate) fn priced(listed: &[(u32, u64, u64)]) -> Vec<CandidateDraft> {
    let row = |&(id, fee, per_call): &(u32, u64, u64)| {
        let mut row = candidate(id, per_call);
        row.flat_fee_micros = fee;
        row
    };
    listed.iter().map(row).collect()
}

#[test]
fn prices_fall_just_far_enough() {
    // (id, fee, rate) listed, asked | the rate, the fee
    let cannot = Verdict::Cannot;
    let wins = Verdict::AlreadyWins;
    type Listed<'a> = &'a [(u32, u64, u64)];
    let table: [(Listed<'_>, u32, Verdict, Verdict); 7] = [
        (&[(1, 0, 10), (2, 0, 20)], 1, wins, wins),
        // At equal cost the lower id comes first.
        (&[(1, 0, 10), (2, 0, 20)], 2, to_rate(9), cannot),
        (&[(3, 0, 10), (2, 0, 20)], 2, to_rate(10), cannot),
        (&[(1, 0, 10), (2, 5, 6)], 2, to_rate(4), to_micros(3)),
        (&[(1, 0, 10), (2, 10, 6)], 2, cannot, to_micros(3)),
        (&[(1, 0, 0), (2, 0, 1)], 2, cannot, cannot),
        // Beyond 64 bits there is no cost.
        (&[(2, 1, u64::MAX)], 2, to_rate(u64::MAX - 1), to_micros(0)),
    ];
    for (listed, id, by_rate, by_fee) in table {
        let policy = freeze(draft(priced(listed)));
        let request = call(&policy);
        let lever = rate(&policy, 0, "calls");
        assert_eq!(verdict(&policy, &NONE, &request, id, lever), by_rate, "{listed:?}");
        assert_eq!(verdict(&policy, &NONE, &request, id, Lever::FlatFee), by_fee, "{listed:?}");
    }
}

#[test]
fn missing_rates_are_written_as_high_as_they_can_be() {
    let per_token = 1_000_000;
    let mut mine = CandidateDraft::new(2, "mine");
    mine.cards = vec![card(0, &[("output", per_token)]), card(100, &[("input", 9 * per_token)])];
    let mut other = CandidateDraft::new(1, "other");
    other.cards = vec![card(0, &[("input", 3 * per_token)])];
    let policy = freeze(draft([mine, other].map(|row| number(row, "window", 1_000)).into()));

    // (quantities) | (card, rate, verdict) for each lever there is. The other one asks 3 µ a token of each.
    type Levers<'a> = &'a [(usize, &'a str, Verdict)];
    let table: [(&[(&str, u64)], Levers<'_>); 4] = [
        // Ten at 3 µ are 30 there: 29 here, which is 2.9 µ each.
        (&[("input", 10)], &[(0, "input", to_rate(2_900_000))]),
        // It may have its own rate or that of what it falls back to.
        (&[("cached", 10)], &[(0, "cached", to_rate(2_900_000)), (0, "input", to_rate(2_900_000))]),
        // Written tokens fall back to cached ones, and those to the input; a rate for the written alone leaves the cached
        // without one.
        (
            &[("cached", 10), ("written", 10)],
            &[
                (0, "cached", to_rate(2_900_000)),
                (0, "input", to_rate(2_900_000)),
                (0, "written", Verdict::Cannot),
            ],
        ),
        // On the later card 9 µ a token come down.
        (&[("input", 101)], &[(1, "input", to_rate(2_990_099))]),
    ];
    for (quantities, levers) in table {
        let request = amounts(&policy, quantities);
        let told = what_would_win(&policy, &NONE, &request, CandidateId(2)).unwrap();
        let rates = told.lines.iter().filter(|line| matches!(line.lever, Lever::Rate { .. }));
        assert_eq!(rates.count(), levers.len(), "{quantities:?}");
        for &(card, quantity, expected) in levers {
            let lever = rate(&policy, card, quantity);
            assert_eq!(verdict(&policy, &NONE, &request, 2, lever), expected, "{quantities:?} {quantity}");
        }
    }
}

#[test]
fn values_move_to_the_nearest_that_wins() {
    let with = |id, cost, quality: Option<u64>| match quality {
        Some(quality) => number(candidate(id, cost), "quality", quality),
        None => candidate(id, cost),
    };
    // the rival's quality, the candidate's, the demand | quality
    let table = [
        // Unknown merit comes last; at equal merit, the higher id.
        (None, None, None, to_value(0)),
        (Some(500), None, None, to_value(501)),
        (Some(500), Some(500), None, to_value(501)),
        (Some(500), Some(501), None, Verdict::AlreadyWins),
        (Some(500), Some(400), None, to_value(501)),
        (Some(10_000), Some(400), None, Verdict::Cannot),
        (Some(500), Some(400), Some(8_000), to_value(8_000)),
        (Some(9_000), Some(400), Some(8_000), to_value(9_001)),
    ];
    for (theirs, mine, demanded, expected) in table {
        let policy = freeze(draft(vec![with(1, 10, theirs), with(2, 10, mine)]));
        let mut request = call(&policy);
        if let Some(demanded) = demanded {
            demand(&policy, &mut request, "quality", Relation::AtLeast, demanded);
        }
        let told = verdict(&policy, &NONE, &request, 2, column(&policy, "quality"));
        assert_eq!(told, expected, "{theirs:?} {mine:?} {demanded:?}");
    }
}

#[test]
fn numbers_move_into_what_every_gate_on_the_column_lets_pass() {
    // speed, demanded at most, fits, at least | speed
    let table = [
        (Some(900), Some(800), None, None, to_value(800)),
        (Some(100), None, None, Some(200), to_value(200)),
        (Some(100), None, Some(300), Some(200), to_value(300)),
        (Some(100), Some(250), Some(300), None, Verdict::Cannot),
        (Some(100), Some(300), Some(300), None, to_value(300)),
        (None, Some(800), None, None, to_value(0)),
        (None, Some(800), None, Some(700), to_value(700)),
        (Some(0), None, None, Some(u64::MAX), to_value(u64::MAX.into())),
    ];
    for (speed, at_most, fits, at_least, expected) in table {
        let row = candidate(2, 10);
        let row = match speed {
            Some(speed) => number(row, "speed", speed),
            None => row,
        };
        let policy = freeze(draft(vec![row]));
        let mut request = call(&policy);
        for (relation, demanded) in
            [(Relation::AtMost, at_most), (Relation::Fits, fits), (Relation::AtLeast, at_least)]
        {
            if let Some(demanded) = demanded {
                demand(&policy, &mut request, "speed", relation, demanded);
            }
        }
        let told = verdict(&policy, &NONE, &request, 2, column(&policy, "speed"));
        assert_eq!(told, expected, "{speed:?} {at_most:?} {fits:?} {at_least:?}");
        assert_eq!(prescribe(&policy, &NONE, &request).unwrap().selected, None);
    }
    // The window takes its demand from the prompt: the exact sum, or none can hold it.
    let mut row = number(CandidateDraft::new(2, "two"), "window", 5);
    row.cards.push(card(0, &[("input", 0)]));
    let policy = freeze(draft(vec![row]));
    for (input, cached, expected) in
        [(7, 3, to_value(10)), (u64::MAX, 0, to_value(u64::MAX.into())), (u64::MAX, 1, Verdict::Cannot)]
    {
        let request = amounts(&policy, &[("input", input), ("cached", cached)]);
        assert_eq!(verdict(&policy, &NONE, &request, 2, column(&policy, "window")), expected);
    }
}

/// A utility of ⌊1.5 · quality⌋ − 2 · quality + speed − cost, that is speed − cost − ⌈quality / 2⌉: two neighbours have
/// the same, and of them the higher quality comes first.
fn falling(theirs: u64, mine: u64) -> (Policy, Request) {
    let row = |id, quality| {
        let row = number(number(candidate(id, 1), "quality", quality), "speed", 10_000);
        number(row, "ceiling", 10_000)
    };
    let mut draft = draft(vec![row(1, theirs), row(2, mine)]);
    let weight =
        |column: &str, micros_per_unit| WeightDraft { column: column.into(), micros_per_unit, unknown: None };
    let weights = vec![weight("quality", 2), weight("speed", -1)];
    draft.utility = Some(UtilityDraft { weights, ..UtilityDraft::default() });
    let policy = freeze(draft);
    let mut request = call(&policy);
    worth(&mut request, 15_000);
    (policy, request)
}

#[test]
fn a_merit_that_is_weighted_wins_in_more_than_one_range() {
    // the rival's quality, the candidate's | quality
    let table = [
        // At 6 the utility is the same, and the quality higher; at 4 the utility is higher.
        (5, 5, to_value(4)),
        (5, 9, to_value(6)),
        (5, 2, Verdict::AlreadyWins),
        (5, 6, Verdict::AlreadyWins),
        (6, 9, to_value(4)),
        (0, 9, Verdict::Cannot),
    ];
    for (theirs, mine, expected) in table {
        let (policy, request) = falling(theirs, mine);
        let told = verdict(&policy, &NONE, &request, 2, column(&policy, "quality"));
        assert_eq!(told, expected, "{theirs} {mine}");
    }
    // What lies between is no slack: from 6 it may neither rise nor fall.
    let (policy, request) = falling(5, 6);
    let told = slack(&policy, &NONE, &request).unwrap().unwrap();
    let quality = told.lines.iter().filter(|line| line.lever == column(&policy, "quality"));
    let six = Setting::Value(Some(Value::Number(6)));
    assert_eq!(quality.map(|line| line.last).collect::<Vec<_>>(), [six, six]);
    assert_eq!(told.lead_micros, Some(0));
}

#[test]
fn limits_let_rivals_in_and_turn_them_away() {
    let row = |id, cost, quality| number(number(candidate(id, cost), "quality", quality), "ceiling", 10_000);
    let mut of = draft(vec![row(1, 30, 10_000), row(2, 20, 5_000)]);
    of.utility = Some(UtilityDraft::default());
    let policy = freeze(of);
    // Worth 100: the first is worth 70, the second 30.
    // limit, asked | limit
    let table = [
        (None, 1, Verdict::AlreadyWins),
        (None, 2, to_micros(29)),
        (Some(25), 1, to_micros(30)),
        (Some(25), 2, Verdict::AlreadyWins),
        (Some(10), 1, to_micros(30)),
        (Some(10), 2, to_micros(20)),
    ];
    for (limit, id, expected) in table {
        let mut request = call(&policy);
        worth(&mut request, 100);
        if let Some(limit) = limit {
            request.cost_limit(micros(limit));
        }
        assert_eq!(verdict(&policy, &NONE, &request, id, Lever::CostLimit), expected, "{limit:?} {id}");
    }
}

#[test]
fn demands_tighten_and_loosen() {
    let row =
        |id, cost, quality, speed| number(number(candidate(id, cost), "quality", quality), "speed", speed);
    let policy = freeze(draft(vec![row(1, 10, 8_000, 100), row(2, 20, 9_000, 50), candidate(3, 5)]));
    // relation and gate, demanded, asked | the demand
    let (quality, speed) = (("quality", Relation::AtLeast, 0), ("speed", Relation::AtMost, 1));
    let table = [
        // The third knows nothing: any demand turns it away.
        (quality, None, 3, Verdict::AlreadyWins),
        (quality, None, 1, to_demand(0)),
        (quality, None, 2, to_demand(8_001)),
        (quality, Some(500), 1, Verdict::AlreadyWins),
        (quality, Some(500), 2, to_demand(8_001)),
        (quality, Some(9_500), 1, to_demand(8_000)),
        (quality, Some(9_500), 2, to_demand(9_000)),
        (quality, Some(500), 3, NO_DEMAND),
        (speed, None, 1, to_demand(u64::MAX.into())),
        (speed, None, 2, to_demand(99)),
        (speed, Some(100), 2, to_demand(99)),
        (speed, Some(20), 2, to_demand(50)),
        (speed, Some(20), 1, to_demand(100)),
        (speed, Some(20), 3, NO_DEMAND),
    ];
    for ((name, relation, gate), demanded, id, expected) in table {
        let mut request = call(&policy);
        if let Some(demanded) = demanded {
            demand(&policy, &mut request, name, relation, demanded);
        }
        let told = verdict(&policy, &NONE, &request, id, Lever::Demand(gate));
        assert_eq!(told, expected, "{name} {demanded:?} {id}");
    }
    // A gate that is fed makes no lever of the request.
    let told = what_would_win(&policy, &NONE, &call(&policy), CandidateId(1)).unwrap();
    assert!(told.line(Lever::Demand(7)).is_none() && told.line(Lever::Demand(8)).is_none());
}

#[test]
fn sets_grow_by_the_fewest_members_and_demands_shrink_by_them() {
    // A dearer one that has everything.
    let all = set(candidate(9, 90), "skills", &["a", "b", "c", "d", "e"]);
    let all = member(all, "home", "b");
    // skills, all of, any of | the skills, the demand of all, the demand of any
    type Names<'a> = Option<&'a [&'a str]>;
    let table: [(Names<'_>, Names<'_>, Names<'_>, Verdict, Option<Verdict>, Option<Verdict>); 8] = [
        (
            Some(&["a", "b"]),
            Some(&["a", "b", "c"]),
            None,
            to_members(&[0, 63, 64]),
            Some(to_set(&[0, 63])),
            None,
        ),
        (None, Some(&["a", "c"]), None, to_members(&[0, 64]), Some(NO_DEMAND), None),
        (None, Some(&["a", "c", "d"]), None, to_members(&[0, 64, 256]), Some(NO_DEMAND), None),
        (None, Some(&[]), None, to_members(&[]), Some(NO_DEMAND), None),
        (Some(&["a"]), None, Some(&["d", "e"]), to_members(&[0, 256]), None, Some(NO_DEMAND)),
        (Some(&["a"]), None, Some(&[]), Verdict::Cannot, None, Some(NO_DEMAND)),
        // What all of them brings in is among any of them.
        (
            Some(&[]),
            Some(&["d"]),
            Some(&["c", "d"]),
            to_members(&[256]),
            Some(Verdict::Cannot),
            Some(Verdict::Cannot),
        ),
        (
            Some(&["e"]),
            Some(&["a"]),
            Some(&["b", "c"]),
            to_members(&[0, 63, 511]),
            Some(Verdict::Cannot),
            Some(Verdict::Cannot),
        ),
    ];
    for (skills, of_all, of_any, grown, by_all, by_any) in table {
        let mine = candidate(1, 10);
        let mine = match skills {
            Some(skills) => set(mine, "skills", skills),
            None => mine,
        };
        let policy = freeze(draft(vec![mine, all.clone()]));
        let mut request = call(&policy);
        for (relation, names) in [(Relation::HasAll, of_all), (Relation::HasAny, of_any)] {
            if let Some(names) = names {
                demand_set(&policy, &mut request, "skills", relation, names);
            }
        }
        let told = what_would_win(&policy, &NONE, &request, CandidateId(1)).unwrap();
        let verdict = |lever| told.line(lever).map(|line| line.verdict);
        assert_eq!(verdict(column(&policy, "skills")), Some(grown), "{skills:?} {of_all:?} {of_any:?}");
        assert_eq!(verdict(Lever::Demand(4)), by_all, "{skills:?} {of_all:?} {of_any:?}");
        assert_eq!(verdict(Lever::Demand(5)), by_any, "{skills:?} {of_all:?} {of_any:?}");
    }
}

#[test]
fn a_demand_that_is_passed_shrinks_until_the_rivals_fail_it() {
    let row =
        |id, cost, skills: &[&str], home| member(set(candidate(id, cost), "skills", skills), "home", home);
    let rows = vec![
        row(1, 10, &["a"], "a"),
        row(2, 20, &["a", "b"], "b"),
        row(3, 30, &["b", "c"], "b"),
        row(4, 40, &["c"], "c"),
        candidate(5, 50),
    ];
    let policy = freeze(draft(rows));
    // gate, demanded, asked | the demand
    let (any, home) = (("skills", Relation::HasAny, 5), ("home", Relation::OneOf, 6));
    type Names<'a> = &'a [&'a str];
    let table: [((&str, Relation, u8), Names<'_>, u32, Verdict); 9] = [
        (any, &["a", "b", "c"], 1, Verdict::AlreadyWins),
        (any, &["a", "b", "c"], 2, to_set(&[63, 64])),
        (any, &["a", "b", "c"], 3, to_set(&[64])),
        // The third has what the fourth has.
        (any, &["a", "b", "c"], 4, Verdict::Cannot),
        (any, &["a", "b", "c"], 5, Verdict::Cannot),
        (home, &["a", "b", "c"], 2, to_set(&[63, 64])),
        (home, &["a", "b", "c"], 3, Verdict::Cannot),
        (home, &["a", "b", "c"], 4, to_set(&[64])),
        (home, &["b"], 1, NO_DEMAND),
    ];
    for ((name, relation, gate), demanded, id, expected) in table {
        let mut request = call(&policy);
        demand_set(&policy, &mut request, name, relation, demanded);
        let told = verdict(&policy, &NONE, &request, id, Lever::Demand(gate));
        assert_eq!(told, expected, "{name} {demanded:?} {id}");
    }
    // The member to have is the least of those demanded.
    for (demanded, expected) in [(&["c", "b"][..], Some(63)), (&["e"], Some(511)), (&[], None)] {
        let mut request = call(&policy);
        demand_set(&policy, &mut request, "home", Relation::OneOf, demanded);
        let expected = expected.map_or(Verdict::Cannot, |member| {
            Verdict::ChangeTo(Setting::Value(Some(Value::Member(assize::policy::MemberId(member)))))
        });
        assert_eq!(verdict(&policy, &NONE, &request, 1, column(&policy, "home")), expected, "{demanded:?}");
    }
}

#[test]
fn switches_and_exclusions_are_lifted() {
    let mut off = candidate(1, 10);
    off.enabled = false;
    let policy = freeze(draft(vec![off, candidate(2, 20), candidate(3, 30)]));
    let host = Disabled::new(&policy, [CandidateId(1), CandidateId(2)]);
    let on = Verdict::ChangeTo(Setting::Enabled { policy: true, host: true });
    // disabled, excluded, asked | where it stands, enabled, excluded
    let (cannot, lifted) = (Verdict::Cannot, Verdict::ChangeTo(Setting::Excluded(false)));
    let stands = |policy, host| Setting::Enabled { policy, host };
    let table = [
        (&NONE, None, 1, stands(false, true), on, cannot),
        (&NONE, None, 3, stands(true, true), cannot, cannot),
        (&host, None, 1, stands(false, false), on, cannot),
        (&host, None, 2, stands(true, false), on, cannot),
        (&NONE, Some(2), 2, stands(true, true), cannot, lifted),
        // One lever at a time: it is disabled and excluded.
        (&host, Some(2), 2, stands(true, false), cannot, cannot),
    ];
    for (disabled, excluded, id, present, enabled, included) in table {
        let mut request = call(&policy);
        if let Some(excluded) = excluded {
            request.exclude(CandidateId(excluded)).unwrap();
            request.exclude(CandidateId(77)).unwrap();
            request.exclude(CandidateId(0)).unwrap();
        }
        let told = what_would_win(&policy, disabled, &request, CandidateId(id)).unwrap();
        let line = |lever| *told.line(lever).unwrap();
        assert_eq!(line(Lever::Enabled).present, present);
        assert_eq!(line(Lever::Enabled).verdict, enabled, "{id} {excluded:?}");
        assert_eq!(line(Lever::Excluded).present, Setting::Excluded(excluded == Some(id)));
        assert_eq!(line(Lever::Excluded).verdict, included, "{id} {excluded:?}");
    }
}

#[test]
fn naming_a_candidate_helps_as_far_as_the_rule_lets_it() {
    let by_name = |id| Verdict::ChangeTo(Setting::Requested(Some(CandidateId(id))));
    let margin = |amount| Substitution::Margin(micros(amount));
    // rule, named, asked | named
    let table = [
        (Substitution::Best, None, 2, Verdict::Cannot),
        (margin(10), None, 2, by_name(2)),
        (margin(9), None, 2, Verdict::Cannot),
        (Substitution::IfIneligible, None, 2, by_name(2)),
        (Substitution::Never, None, 2, by_name(2)),
        (Substitution::Never, Some(2), 2, Verdict::AlreadyWins),
        (Substitution::Never, Some(2), 1, by_name(1)),
        (Substitution::Never, Some(99), 1, by_name(1)),
        (Substitution::IfIneligible, Some(2), 3, by_name(3)),
        (Substitution::Best, Some(2), 2, Verdict::Cannot),
    ];
    for (rule, named, id, expected) in table {
        let mut of = draft(priced(&[(1, 0, 10), (2, 0, 20), (3, 0, 50)]));
        of.substitution = rule;
        let policy = freeze(of);
        let mut request = call(&policy);
        if let Some(named) = named {
            request.requested(CandidateId(named));
        }
        assert_eq!(
            verdict(&policy, &NONE, &request, id, Lever::Requested),
            expected,
            "{rule:?} {named:?} {id}"
        );
    }
}

#[test]
fn a_request_that_is_denied_alone_is_helped_by_no_lever() {
    for (limits, reason) in [
        (LimitsDraft { risk_hard_bps: Some(5_000), confidence_min_bps: None }, Reason::RiskLimit),
        (LimitsDraft { risk_hard_bps: None, confidence_min_bps: Some(1) }, Reason::ConfidenceMinimum),
    ] {
        let mut of = draft(vec![number(candidate(1, 10), "ceiling", 10_000), candidate(2, 20)]);
        of.limits = limits;
        let policy = freeze(of);
        let mut request = call(&policy);
        request.risk(bps(5_000)).confidence(bps(0));
        let told = what_would_win(&policy, &NONE, &request, CandidateId(1)).unwrap();
        assert_eq!(told.decision.reason, reason);
        assert!(
            told.lines.len() > 5 && told.lines.iter().all(|line| line.verdict == Verdict::Cannot),
            "{told:#?}"
        );
        assert_eq!(slack(&policy, &NONE, &request).unwrap(), None);
        let calls = policy.schema().quantity("calls").unwrap();
        assert_eq!(affordable(&policy, &NONE, &request, calls).unwrap(), None);
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let mut of = draft(vec![candidate(1, 10)]);
    of.limits = LimitsDraft { risk_hard_bps: Some(5_000), confidence_min_bps: None };
    let policy = freeze(of);
    let request = call(&policy);
    let missing = RequestError::Missing { fact: Fact::Risk };
    let calls = policy.schema().quantity("calls").unwrap();
    let asked = what_would_win(&policy, &NONE, &request, CandidateId(1)).unwrap_err();
    assert_eq!(asked, CounterfactualError::Request(missing));
    assert_eq!(asked.to_string(), missing.to_string());
    assert!(asked.source().is_none(), "it says all that it comes from");
    assert_eq!(slack(&policy, &NONE, &request).unwrap_err(), missing);
    assert_eq!(affordable(&policy, &NONE, &request, calls).unwrap_err(), missing);

    let mut request = call(&policy);
    request.risk(bps(0));
    let unknown = what_would_win(&policy, &NONE, &request, CandidateId(7)).unwrap_err();
    assert_eq!(unknown, CounterfactualError::CandidateUnknown { candidate: CandidateId(7) });
    assert_eq!(unknown.to_string(), "the catalog has no candidate 7");
    assert!(unknown.source().is_none());

    let mut foreign = SchemaDraft { name: "foreign".into(), ..crate::kernel_sample::schema() };
    foreign.gates.clear();
    let foreign = assize::policy::Schema::freeze(foreign).unwrap();
    let told = affordable(&policy, &NONE, &request, foreign.quantity("calls").unwrap());
    let (seen, expected) = (foreign.tag(), policy.schema().tag());
    assert_eq!(told.unwrap_err(), RequestError::Schema { seen, expected });
    let other = freeze(draft(vec![candidate(1, 10), candidate(2, 10)]));
    let disabled = Disabled::new(&other, [CandidateId(2)]);
    let told = affordable(&policy, &disabled, &request, calls);
    assert_eq!(told.unwrap_err(), RequestError::DisabledOfAnotherPolicy);
}
