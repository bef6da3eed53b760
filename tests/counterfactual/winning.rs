//! `what_would_win` against the model: what it names wins, nothing nearer does, and what cannot win never does.

use assize::{
    id::CandidateId,
    kernel::{Lever, Setting, Value, Verdict, WhatWouldWin, WinLine, prescribe, what_would_win},
    policy::ColumnKind,
};

use crate::{
    asking::{Asked, Reach, ask},
    changing::{Axis, model_column, named, parts, selects, set_of},
    oracle::{Ranked, Relation, Value as Known},
};

#[test]
fn what_is_named_wins_and_nothing_nearer_does() {
    let reach = Reach::default();
    ask(8, |asked, tape| {
        let id = asked.some_candidate(tape);
        let told = what_would_win(asked.policy, &asked.disabled, &asked.request, CandidateId(id)).unwrap();
        assert_eq!(told.decision, prescribe(asked.policy, &asked.disabled, &asked.request).unwrap());
        assert_eq!(told.candidate.0, id);
        reach.hit_if(asked.verdict().failures.is_empty(), "denied on the request alone");
        for line in &told.lines {
            check(&reach, asked, id, line);
        }
        levers(asked, id, &told);
    });
    let mut wanted = vec![];
    for lever in [
        "enabled",
        "excluded",
        "numbers",
        "set",
        "member",
        "rate",
        "fee",
        "limit",
        "demand",
        "set demand",
        "named",
    ] {
        wanted.extend(["already wins", "changes", "cannot"].map(|verdict| format!("{lever} {verdict}")));
    }
    wanted.extend(MORE.map(Into::into));
    reach.require(&wanted);
}

/// SEMANTICS 15.4: who is selected is selected against each other eligible candidate alone, and nobody else is.
#[test]
fn fewer_rivals_are_never_worse() {
    let reach = Reach::default();
    ask(3, |asked, _| {
        let verdict = asked.verdict();
        let all: Vec<u32> = asked.world.model.candidates.iter().map(|candidate| candidate.id).collect();
        let among = |left: [u32; 2]| {
            let mut host = asked.host.clone();
            host.extend(all.iter().filter(|id| !left.contains(id)));
            let disabled = crate::oracle::build::disabled(asked.policy, &host);
            let decision = prescribe(asked.policy, &disabled, &asked.request).unwrap();
            decision.selected.map(|selected| selected.candidate.0)
        };
        for one in &verdict.order {
            let beats = |other: &Ranked| among([one.id, other.id]) == Some(one.id);
            let selected = verdict.selected.is_some_and(|selected| selected.id == one.id);
            assert_eq!(verdict.order.iter().all(beats), selected, "{} of {:?}", one.id, verdict.order);
            reach.hit_if(selected && verdict.order.len() > 2, "selected of several");
            reach.hit_if(selected && one.id != verdict.order[0].id, "selected behind another");
            reach.hit_if(!selected && one.id == verdict.order[0].id, "first and not selected");
        }
    });
    reach.require(&["selected of several", "selected behind another", "first and not selected"]);
}

/// Others are met less often; the tables have them.
const MORE: [&str; 12] = [
    "denied on the request alone",
    "every merit tried",
    "unknown number found",
    "missing rate found",
    "own rate beside a fallback",
    "rate of a later card",
    "value raised",
    "value lowered",
    "limit raised",
    "demand tightened",
    "demand loosened",
    "set dropped",
];

/// The kind of a lever, as the counters name it.
fn kind(asked: &Asked<'_>, lever: Lever) -> &'static str {
    match lever {
        Lever::Enabled => "enabled",
        Lever::Excluded => "excluded",
        Lever::Column(_) => match asked.world.columns[model_column(asked, lever)].kind {
            ColumnKind::Bps | ColumnKind::Number => "numbers",
            ColumnKind::Set => "set",
            ColumnKind::Member => "member",
        },
        Lever::Rate { .. } => "rate",
        Lever::FlatFee => "fee",
        Lever::CostLimit => "limit",
        Lever::Demand(_) if Axis::of(asked, lever).is_none() => "set demand",
        Lever::Demand(_) => "demand",
        Lever::Requested => "named",
    }
}

fn check(reach: &Reach, asked: &Asked<'_>, id: u32, line: &WinLine) {
    let WinLine { lever, present, verdict } = *line;
    let wins = |setting| selects(asked, id, lever, setting);
    let lost = |setting| assert_ne!(wins(setting), Some(true), "{id}: {line:?}, and {setting:?} wins");
    let already = asked.selected() == Some(id);
    assert_eq!(wins(present), Some(already), "{line:?} stands elsewhere");
    assert_eq!(verdict == Verdict::AlreadyWins, already);
    let said = match verdict {
        Verdict::AlreadyWins => "already wins",
        Verdict::ChangeTo(_) => "changes",
        Verdict::Cannot => "cannot",
    };
    reach.hit(format!("{} {said}", kind(asked, lever)));
    let to = match verdict {
        Verdict::AlreadyWins => return,
        Verdict::ChangeTo(to) => Some(to),
        Verdict::Cannot => None,
    };
    if let Some(to) = to {
        assert_eq!(wins(to), Some(true), "{id}: {line:?}");
    }
    match (lever, Axis::of(asked, lever)) {
        (_, Some(axis)) => {
            nearer(asked, &axis, present, to).into_iter().for_each(&lost);
            note(reach, asked, id, &axis, line);
            every_merit(reach, asked, id, line);
        }
        (Lever::Enabled, _) => {
            let on = Setting::Enabled { policy: true, host: true };
            assert_eq!(to, (wins(on) == Some(true)).then_some(on));
        }
        (Lever::Excluded, _) => {
            let off = Setting::Excluded(false);
            assert_eq!(to, (wins(off) == Some(true)).then_some(off));
        }
        (Lever::Requested, _) => {
            assert_eq!(to, (wins(named(id)) == Some(true)).then_some(named(id)));
            // Where naming it does not help, naming nobody does not either.
            if to.is_none() {
                lost(Setting::Requested(None));
            }
        }
        (Lever::Column(_), _) => members(reach, asked, id, line, to),
        (Lever::Demand(_), _) => demanded(reach, asked, id, line, to),
        other => panic!("a lever without a place: {other:?}"),
    }
}

/// Settings that must not win: those nearer than the one named, the higher of two equally near, or wherever there may
/// be one.
fn nearer(asked: &Asked<'_>, axis: &Axis, present: Setting, to: Option<Setting>) -> Vec<Setting> {
    let mut places = axis.places(asked);
    let from = axis.place(present);
    if let Some(from) = from {
        places.extend((-4..=4).map(|step| from + step));
    }
    match (from, to.and_then(|to| axis.place(to))) {
        (_, None) => {}
        (Some(from), Some(to)) => {
            let distance = (to - from).abs();
            for near in [distance - 1, distance - 2, distance / 2, distance / 3] {
                places.extend([from + near, from - near]);
            }
            // Of two equally near, the lower is named.
            places.insert(from - distance);
            places
                .retain(|place| (place - from).abs() < distance || (*place == from - distance && to > from));
        }
        // No rate of its own: the highest that wins is named. An unknown value: the lowest.
        (None, Some(to)) => {
            places.extend([to - 1, to + 1, to / 2, to / 3]);
            let highest = matches!(axis.lever, Lever::Rate { .. });
            places.retain(|place| if highest { *place > to } else { *place < to });
        }
    }
    places.into_iter().filter_map(|place| axis.setting(place)).collect()
}

/// A merit that is weighted, at all of its values: by the model alone, a few times in a run.
fn every_merit(reach: &Reach, asked: &Asked<'_>, id: u32, line: &WinLine) {
    let Lever::Column(_) = line.lever else { return };
    let column = model_column(asked, line.lever);
    let (merit, utility) = (asked.world.model.merit, asked.world.model.utility.as_ref());
    let weighted =
        |weights: &[crate::oracle::Weight]| weights.iter().any(|of| of.column == column && of.weight > 0);
    let mixed = merit == Some(column) && utility.is_some_and(|utility| weighted(&utility.weights));
    if !mixed || reach.count("every merit tried") >= 6 || asked.verdict().failures.is_empty() {
        return;
    }
    let mut model = asked.world.model.clone();
    let place = model.candidates.iter().position(|candidate| candidate.id == id).unwrap();
    let present = match asked.candidate(id).values[column] {
        Some(Known::Number(number)) => number,
        _ => 0,
    };
    let winning = (0..=10_000_u64).filter(|&merit| {
        model.candidates[place].values[column] = Some(Known::Number(merit));
        model.decide(asked.model, &asked.host).selected.is_some_and(|selected| selected.id == id)
    });
    let nearest = winning.min_by_key(|merit| (merit.abs_diff(present), *merit));
    let expected = nearest.map_or(Verdict::Cannot, |merit| {
        Verdict::ChangeTo(Setting::Value(Some(Value::Number(merit.into()))))
    });
    assert_eq!(line.verdict, expected);
    reach.hit("every merit tried");
}

/// Every set that has the present one in it, or every member.
fn members(reach: &Reach, asked: &Asked<'_>, id: u32, line: &WinLine, to: Option<Setting>) {
    let column = model_column(asked, line.lever);
    let mut listed = asked.world.columns[column].members.clone();
    listed.sort_unstable();
    let wins = |value| selects(asked, id, line.lever, Setting::Value(Some(value))) == Some(true);
    let unknown = line.present == Setting::Value(None);
    if asked.world.columns[column].kind == ColumnKind::Member {
        let members = listed.iter().map(|&member| Value::Member(assize::policy::MemberId(member)));
        assert_eq!(
            to,
            members
                .map(|member| Setting::Value(Some(member)))
                .find(|setting| { selects(asked, id, line.lever, *setting) == Some(true) })
        );
        reach.hit_if(unknown && to.is_some(), "unknown member found");
        return;
    }
    let own: Vec<u16> = match line.present {
        Setting::Value(Some(Value::Set(set))) => set.iter().map(|member| member.0).collect(),
        _ => vec![],
    };
    listed.retain(|member| !own.contains(member));
    let mut added: Vec<Vec<u16>> = parts(&listed);
    added.sort_by_key(|added| (added.len(), added.clone()));
    let with = |added: &Vec<u16>| Value::Set(set_of(&[own.clone(), added.clone()].concat()));
    let found = added.iter().find(|added| wins(with(added)));
    // Of more than seven to add, only sets of the fewest and of the most were tried: one in between may be nearer.
    if listed.len() <= 7 || to.is_none() || found.is_some_and(|added| added.len() <= 2) {
        assert_eq!(to, found.map(|added| Setting::Value(Some(with(added)))));
    } else {
        let Some(Setting::Value(Some(Value::Set(set)))) = to else { panic!("no set named: {to:?}") };
        let chosen: Vec<u16> = set.iter().map(|member| member.0).filter(|one| !own.contains(one)).collect();
        assert!(own.iter().all(|one| set.iter().any(|member| member.0 == *one)), "a member is taken out");
        assert!(chosen.len() > 2 && found.is_none_or(|added| chosen.len() <= added.len()), "{chosen:?}");
        for left_out in &chosen {
            let fewer = chosen.iter().copied().filter(|one| one != left_out).collect();
            assert!(!wins(with(&fewer)), "{left_out} is added and not needed");
        }
        reach.hit("more than two of many members added");
    }
    reach.hit_if(unknown && to.is_some(), "unknown set found");
}

/// Every part of the set demanded, and no demand.
fn demanded(reach: &Reach, asked: &Asked<'_>, id: u32, line: &WinLine, to: Option<Setting>) {
    let Setting::Demand(Some(Value::Set(set))) = line.present else { panic!("no set demanded: {line:?}") };
    let all: Vec<u16> = set.iter().map(|member| member.0).collect();
    let mut kept = parts(&all);
    kept.sort_by_key(|kept| std::cmp::Reverse(kept.len()));
    let setting = |kept: &Vec<u16>| Setting::Demand(Some(Value::Set(set_of(kept))));
    let winning: Vec<Setting> = kept
        .iter()
        .map(setting)
        .filter(|&setting| selects(asked, id, line.lever, setting) == Some(true))
        .collect();
    let none = Setting::Demand(None);
    let dropped = (selects(asked, id, line.lever, none) == Some(true)).then_some(none);
    // Of more than seven demanded, only parts of the most and of the fewest were tried: one in between may be nearer.
    let most = |setting: &Setting| matches!(setting, Setting::Demand(Some(Value::Set(set))) if set.iter().count() + 2 >= all.len());
    if all.len() <= 7 || to.is_none() || winning.first().is_some_and(most) {
        assert_eq!(to, winning.first().copied().or(dropped), "{line:?}");
    } else {
        assert!(winning.is_empty() || to != Some(none), "a part serves: {line:?}");
    }
    reach.hit_if(!winning.is_empty(), "members taken out");
    reach.hit_if(to == Some(none), "set dropped");
    let relation = asked.world.model.gates.iter().map(|gate| gate.relation);
    let Lever::Demand(gate) = line.lever else { return };
    let relation = relation.collect::<Vec<Relation>>()[usize::from(gate)];
    reach.hit_if(!winning.is_empty(), &format!("{relation:?} taken out"));
}

/// Counts what a lever of numbers reached.
fn note(reach: &Reach, asked: &Asked<'_>, id: u32, axis: &Axis, line: &WinLine) {
    let Verdict::ChangeTo(to) = line.verdict else { return };
    let (from, to) = (axis.place(line.present), axis.place(to).unwrap());
    match line.lever {
        Lever::Column(_) => match from {
            None => reach.hit("unknown number found"),
            Some(from) => reach.hit(if to > from { "value raised" } else { "value lowered" }),
        },
        Lever::Rate { card, .. } => {
            let priced = asked.world.model.cost(asked.candidate(id), asked.model).is_some();
            reach.hit_if(from.is_none() && !priced, "missing rate found");
            reach.hit_if(from.is_none() && priced, "own rate beside a fallback");
            reach.hit_if(card > 0, "rate of a later card");
            assert!(from.is_none_or(|from| to < from), "a rate falls");
        }
        Lever::FlatFee => assert!(to < from.unwrap(), "a fee falls"),
        Lever::CostLimit => reach.hit(if to > from.unwrap() { "limit raised" } else { "limit lowered" }),
        Lever::Demand(gate) => {
            let from = from.unwrap();
            let none_above = asked.world.model.gates[usize::from(gate)].relation == Relation::AtMost;
            reach.hit(if (to > from) == none_above { "demand loosened" } else { "demand tightened" });
            reach.hit_if(axis.setting(to) == Some(Setting::Demand(None)), "no demand made");
        }
        _ => {}
    }
    if let Some(from) = from {
        let other = axis.setting(from + (from - to));
        let wins = other.and_then(|other| selects(asked, id, line.lever, other));
        reach.hit_if(wins == Some(true), "lower of two equally near");
    }
}

/// The levers are those that the request and the policy give, and no others.
fn levers(asked: &Asked<'_>, id: u32, told: &WhatWouldWin) {
    let model = &asked.world.model;
    for (gate, of) in model.gates.iter().enumerate() {
        let numeric = asked.world.columns[of.column].kind.is_numeric();
        let lever =
            of.source == crate::oracle::Source::Request && (numeric || asked.model.demands[gate].is_some());
        assert_eq!(told.line(Lever::Demand(gate as u8)).is_some(), lever, "gate {gate}");
    }
    for (column, of) in asked.world.columns.iter().enumerate() {
        let read = model.merit == Some(column)
            || model
                .utility
                .iter()
                .flat_map(|utility| &utility.weights)
                .any(|weight| weight.column == column)
            || model.gates.iter().zip(&asked.model.demands).any(|(gate, demand)| {
                let made = match &gate.source {
                    crate::oracle::Source::Request => demand.is_some(),
                    crate::oracle::Source::Risk => asked.model.risk.is_some(),
                    crate::oracle::Source::Quantities(fed) => {
                        fed.iter().any(|&quantity| asked.model.quantities[quantity] > 0)
                    }
                };
                made && gate.column == column
            });
        let index = asked.policy.schema().column(&of.name).unwrap();
        assert_eq!(told.line(Lever::Column(index)).is_some(), read, "{}", of.name);
    }
    let rates = told.lines.iter().filter(|line| matches!(line.lever, Lever::Rate { .. })).count();
    let above_zero = asked.model.quantities.iter().filter(|&&amount| amount > 0).count();
    assert_eq!(rates == 0, above_zero == 0 || asked.candidate(id).cards.is_empty());
}
