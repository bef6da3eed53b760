//! Catalogs of any size for both sides at once, in shapes that the index treats differently.

use assize::{
    num::Bps,
    policy::{ColumnKind, Draft, SchemaDraft},
};

use crate::oracle::{
    Candidate, Card, Gate, Policy, Quantity, Relation, Source, Substitution, Utility, Value, Weight,
    generate::{Column, World, draft_of},
    tape::Tape,
};

/// Enough random words for the largest catalog; the same for the same seed.
pub fn words(seed: u64, candidates: usize) -> Vec<u32> {
    let mut state = seed;
    let mut next = || {
        // splitmix64
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 32) as u32
    };
    (0..4_000 + 400 * candidates).map(|_| next()).collect()
}

/// What a catalog is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// Every candidate is drawn by itself.
    Different,
    /// Copies of a few, with other ids and often other merits: order is decided late.
    Copies,
    /// The better, the dearer, as in a market.
    Correlated,
    /// One price and one merit for all.
    Same,
    /// Costs that differ by less than what is rounded: order is decided by merit and id all the same.
    Pennies,
}

/// The columns of the drawn policies.
pub mod column {
    pub const MERIT: usize = 0;
    pub const CEILING: usize = 1;
    pub const SPEED: usize = 2;
    pub const WINDOW: usize = 3;
    pub const SKILLS: usize = 4;
    pub const TAGS: usize = 5;
    pub const HOME: usize = 6;
}

/// A policy of that many candidates that freezes.
pub fn world(tape: &mut Tape<'_>, count: usize) -> (World, Likeness) {
    let columns = columns(tape);
    let quantities = quantities(tape);
    let names = (0..quantities.len()).map(|quantity| format!("quantity {quantity}")).collect();
    let gates = gates(tape, quantities.len());
    let likeness = tape.pick(&[
        Likeness::Different,
        Likeness::Copies,
        Likeness::Correlated,
        Likeness::Different,
        Likeness::Copies,
        Likeness::Same,
        Likeness::Pennies,
    ]);
    let tiered = tape.once_in(2);
    let utility = (!tape.once_in(3)).then(|| utility(tape, &columns));
    let candidates = candidates(tape, count, likeness, &columns, &quantities, tiered);
    let merit = (utility.is_some() || !tape.once_in(3)).then_some(column::MERIT);
    let model = Policy {
        gates,
        quantities,
        tier_by: if tiered { vec![0] } else { vec![] },
        merit,
        risk_hard_limit: tape.once_in(6).then_some(9_000),
        confidence_minimum: tape.once_in(6).then_some(1_000),
        utility,
        substitution: match tape.below(6) {
            0 => Substitution::Best,
            1 => Substitution::IfIneligible,
            2 => Substitution::Never,
            // The margin is set once there is a request to meet it.
            _ => Substitution::Margin(tape.pick(&[0, 1, 20, 1_000_000, u64::MAX])),
        },
        candidates,
    };
    let draft = Draft::new("large", 7, SchemaDraft::default());
    let mut world = World { draft, model, columns, quantities: names, sample: None };
    refresh(tape, &mut world);
    (world, likeness)
}

/// Makes the draft say what the model says.
pub fn refresh(tape: &mut Tape<'_>, world: &mut World) {
    world.draft = draft_of(tape, world);
}

fn columns(tape: &mut Tape<'_>) -> Vec<Column> {
    // Up to 64 different values there is a bitmap for each of them, above that for buckets of them.
    let few = |tape: &mut Tape<'_>, least: u64| -> Vec<u64> {
        (0..tape.pick(&[3, 11, 64])).map(|step| least + step * 37).collect()
    };
    let many = |most: u64| -> Vec<u64> { (0..=most).collect() };
    let merits = if tape.once_in(3) { few(tape, 7_000) } else { many(u64::from(Bps::MAX.as_u16())) };
    let ceilings = if tape.once_in(2) { few(tape, 5_000) } else { many(10_000) };
    let speeds = match tape.below(3) {
        0 => few(tape, 0),
        1 => many(4_000),
        _ => (0..500_u64).map(|step| u64::MAX - step * step).collect(),
    };
    let windows = if tape.once_in(2) { few(tape, 1) } else { (0..300).map(|step| step * step * 7).collect() };
    let numeric = [
        ("merit", ColumnKind::Bps, merits),
        ("ceiling", ColumnKind::Bps, ceilings),
        ("speed", ColumnKind::Number, speeds),
        ("window", ColumnKind::Number, windows),
    ];
    let mut columns: Vec<Column> = numeric
        .into_iter()
        .map(|(name, kind, domain)| Column { name: name.into(), kind, domain, members: vec![] })
        .collect();
    // Few members are met four at a time, many one by one.
    let narrow: Vec<u16> = tape.pick(&[&[0, 1, 5, 62, 63][..], &[0, 3, 4], &[60]]).to_vec();
    let wide: Vec<u16> = (0..512).step_by(tape.pick(&[1, 3, 7])).collect();
    let homes: Vec<u16> = if tape.once_in(2) { (100..250).collect() } else { (0..6).collect() };
    let (skills, tags) = if tape.once_in(4) { (wide, narrow) } else { (narrow, wide) };
    for (name, kind, members) in [
        ("skills", ColumnKind::Set, skills),
        ("tags", ColumnKind::Set, tags),
        ("home", ColumnKind::Member, homes),
    ] {
        columns.push(Column { name: name.into(), kind, domain: vec![], members });
    }
    columns
}

fn quantities(tape: &mut Tape<'_>) -> Vec<Quantity> {
    // 10⁸ is no multiple of 3, 7, 3,000,000 and 2⁴⁰.
    let own = tape.pick(&[1_000_000, 1, 1_000_000, 3, 7, 3_000_000, 1 << 40, 1_000]);
    let of = |fallback| Quantity { per: own, fallback };
    match tape.below(8) {
        0..=3 => vec![of(None), of(None)],
        4 => vec![of(None)],
        5 => vec![of(None), of(None), of(Some(0))],
        6 => vec![of(None), of(Some(0)), of(Some(1)), Quantity { per: 1, fallback: None }],
        _ => (0..8).map(|_| of(None)).collect(),
    }
}

fn gates(tape: &mut Tape<'_>, quantities: usize) -> Vec<Gate> {
    let request = |column, relation| Gate { column, relation, source: Source::Request };
    let mut gates = vec![
        request(column::MERIT, Relation::AtLeast),
        request(column::SPEED, Relation::AtMost),
        request(column::SPEED, Relation::Fits),
        request(column::SKILLS, Relation::HasAll),
        request(column::SKILLS, Relation::HasAny),
        request(column::TAGS, Relation::HasAll),
        request(column::TAGS, Relation::HasAny),
        request(column::HOME, Relation::OneOf),
        request(column::WINDOW, Relation::AtMost),
    ];
    if tape.once_in(2) {
        gates.push(Gate { column: column::CEILING, relation: Relation::Fits, source: Source::Risk });
    }
    if tape.once_in(2) {
        let fed_by = (0..quantities.min(2)).collect();
        let source = Source::Quantities(fed_by);
        gates.push(Gate { column: column::WINDOW, relation: Relation::Fits, source });
    }
    tape.shuffle(&mut gates);
    gates
}

fn utility(tape: &mut Tape<'_>, columns: &[Column]) -> Utility {
    let mut weights = vec![];
    for column in [column::CEILING, column::SPEED, column::WINDOW] {
        if !tape.once_in(2) {
            continue;
        }
        // The sum of products stays below 2⁹⁶.
        let small = columns[column].domain.iter().all(|&value| value < 1 << 30);
        let weight = match tape.below(8) {
            7 if small => tape.pick(&[i64::MAX, i64::MIN]),
            choice => [2, -2, 1, -1, 0, 30, -30][choice % 7],
        };
        weights.push(Weight { column, weight, unknown: (!tape.once_in(3)).then_some(17) });
    }
    Utility {
        multiplier: tape.pick(&[0, 10_000, 3_500, 1, u32::MAX]),
        merit_unknown: (!tape.once_in(3)).then_some(5_000),
        weights,
    }
}

fn candidates(
    tape: &mut Tape<'_>,
    count: usize,
    likeness: Likeness,
    columns: &[Column],
    quantities: &[Quantity],
    tiered: bool,
) -> Vec<Candidate> {
    let gaps = tape.once_in(2);
    let sparse = tape.once_in(2);
    let mut drawn: Vec<Candidate> = vec![];
    for place in 0..count {
        let copy = match likeness {
            Likeness::Copies if place >= 7 => Some(tape.below(7)),
            Likeness::Same if place >= 1 => Some(0),
            _ => None,
        };
        let mut candidate = match copy {
            Some(of) => drawn[of].clone(),
            None => candidate(tape, likeness, columns, quantities, tiered, gaps),
        };
        if likeness == Likeness::Copies && tape.once_in(3) {
            candidate.values[column::MERIT] = value(tape, &columns[column::MERIT], 9);
        }
        candidate.enabled = !tape.once_in(20);
        // Ids in no order, with gaps: an odd multiplier maps 32 bits onto themselves.
        let id = place as u32;
        candidate.id = if sparse { id.wrapping_mul(0x9E37_79B1) } else { id };
        drawn.push(candidate);
    }
    let extreme = tape.below(count);
    match (tape.below(4), drawn[extreme].cards.first_mut()) {
        (0, _) => drawn[extreme].flat_fee = u64::MAX,
        (1, Some(card)) => card.rates[0] = Some(u64::MAX),
        _ => {}
    }
    tape.shuffle(&mut drawn);
    drawn
}

fn candidate(
    tape: &mut Tape<'_>,
    likeness: Likeness,
    columns: &[Column],
    quantities: &[Quantity],
    tiered: bool,
    gaps: bool,
) -> Candidate {
    let mut values: Vec<Option<Value>> = columns.iter().map(|column| value(tape, column, 25)).collect();
    let market = match (likeness, &mut values[column::MERIT]) {
        (Likeness::Correlated, Some(Value::Number(merit))) => Some(*merit),
        _ => None,
    };
    let price = match market {
        _ if likeness == Likeness::Pennies => 1 + tape.below(400_000) as u64,
        // Two micro-units for each basis point, and a little of its own.
        Some(merit) => merit * 200 + tape.below(2_000) as u64,
        None => tape.pick(&[0, 1, 2, 900, 5_000, 100_000, 1_000_000, 9_999_999]) + tape.below(3) as u64,
    };
    let cards = match tape.below(40) {
        39 => 0,
        _ if tiered => tape.between(1, 4),
        _ => 1,
    };
    let above: Vec<u64> = [0, 10, 1_000, 1 << 33].into_iter().take(cards).collect();
    Candidate {
        id: 0,
        enabled: true,
        flat_fee: if likeness == Likeness::Pennies { 0 } else { tape.pick(&[0, 0, 0, 1, 500, 1 << 34]) },
        values,
        cards: above.into_iter().map(|above| card(tape, above, price, quantities, gaps)).collect(),
    }
}

fn card(tape: &mut Tape<'_>, above: u64, price: u64, quantities: &[Quantity], gaps: bool) -> Card {
    let rate = |(place, quantity): (usize, &Quantity)| {
        let missing = if quantity.fallback.is_some() { 2 } else { 30 };
        if gaps && tape.once_in(missing) {
            return None;
        }
        // Later cards cost more or less.
        let scaled = price / tape.pick(&[1, 1, 2]) as u64 * (1 + place as u64 % 3);
        Some(if tape.once_in(900) { u64::MAX - scaled } else { scaled })
    };
    Card { above, rates: quantities.iter().enumerate().map(rate).collect() }
}

fn value(tape: &mut Tape<'_>, column: &Column, unknown_once_in: usize) -> Option<Value> {
    if tape.once_in(unknown_once_in) {
        return None;
    }
    Some(match column.kind {
        ColumnKind::Bps | ColumnKind::Number => Value::Number(column.domain[tape.below(column.domain.len())]),
        // Most have most of them, so that demands of several leave somebody.
        ColumnKind::Set if column.members.len() > 16 => {
            let without = tape.below(column.members.len());
            let step = tape.between(2, 30);
            let has = |(place, _): &(usize, &u16)| place % step != without % step;
            Value::Set(column.members.iter().enumerate().filter(has).map(|(_, &member)| member).collect())
        }
        ColumnKind::Set => Value::Set(column.members.iter().copied().filter(|_| !tape.once_in(4)).collect()),
        ColumnKind::Member => Value::Member(tape.pick(&column.members)),
    })
}
