//! The prices of one entry: a base pair, tiers or thresholds, as rate cards in whole micro-units.

use std::collections::BTreeMap;

use super::{
    decimal::Decimal,
    field::{CACHED_ALIAS, Place, Quantity, REQUEST_FEE, TIERS},
    json::{Json, Object},
    report::List,
};

/// What one entry costs, and what was noticed in reading it.
#[derive(Debug, Default)]
pub(super) struct Prices {
    /// Where the base card is from.
    pub(super) base: Base,
    /// The cards, by ascending `above`; none when it is unpriced.
    pub(super) cards: Vec<Card>,
    /// Micro-units a request.
    pub(super) flat_fee_micros: u64,
    /// Of the rates that are written, those that were finer than a micro-unit per million.
    pub(super) roundings: Vec<Rounding>,
    /// What is listed beside.
    pub(super) notes: Vec<(List, String)>,
}

/// Where a base card is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Base {
    /// No base card: unpriced.
    #[default]
    None,
    /// Input and output stated on the entry.
    Pair,
    /// A tier from 0 alone.
    Tier,
}

/// A rate card: rates in micro-units per million.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Card {
    pub(super) above: u64,
    pub(super) rates: Rates,
}

/// Rates by quantity.
pub(super) type Rates = BTreeMap<Quantity, u64>;

/// A price that was rounded up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rounding {
    /// The field, with its place.
    pub(super) field: String,
    /// As it is published, in units a token or a request.
    pub(super) published: String,
    /// As it is written, in micro-units per million tokens or a request.
    pub(super) written: u64,
}

impl Prices {
    /// Reads the prices of a chat entry. What is malformed makes it unpriced as a whole: half a price is none.
    ///
    /// `free` says that the user vouches for the entry's zeros.
    pub(super) fn read(entry: &Object, free: bool) -> Self {
        match priced(entry, free) {
            Ok(Some(prices)) => prices,
            Ok(None) => Self { notes: dropped(entry), ..Self::default() },
            Err(Malformed(what)) => {
                let mut notes = dropped(entry);
                notes.push((List::MalformedPrice, what));
                Self { notes, ..Self::default() }
            }
        }
    }

    /// Whether some tokens cost nothing and no fee stands for them.
    pub(super) fn has_zero_rate(&self) -> bool {
        let zero = |card: &Card| {
            [Quantity::Input, Quantity::Output].iter().any(|quantity| card.rates.get(quantity) == Some(&0))
        };
        self.flat_fee_micros == 0 && self.cards.iter().any(zero)
    }
}

/// A number that may be absent: a JSON number, or a string that holds one.
pub(super) fn number(entry: &Object, field: &str) -> Result<Option<Decimal>, Malformed> {
    entry.get(field).map_or(Ok(None), |value| number_of(value, field))
}

/// What is malformed, for the report.
#[derive(Debug)]
pub(super) struct Malformed(pub(super) String);

impl Malformed {
    fn new(place: &str, what: &str) -> Self {
        Self(format!("{place}: {what}"))
    }
}

/// Cards of one entry.
const CARDS_MAX: usize = assize::limits::CARDS_MAX;
/// USD a token to micro-units per million tokens.
const RATE_POWER: i64 = 12;
/// USD a request to micro-units.
const FEE_POWER: i64 = 6;

fn priced(entry: &Object, free: bool) -> Result<Option<Prices>, Malformed> {
    let mut prices = Prices::default();
    let mut base_roundings = Vec::new();
    let base = rates(entry, "", &mut base_roundings, &mut prices.notes)?;
    let pair = base.contains_key(&Quantity::Input) && base.contains_key(&Quantity::Output);
    prices.base = if pair { Base::Pair } else { Base::Tier };

    match entry.get(TIERS).filter(|tiers| !is_absent(tiers)) {
        Some(listed) => {
            let tiers = tiers(listed, base.get(&Quantity::Output).copied(), &mut prices)?;
            let from_zero = tiers.first().is_some_and(|tier| tier.above == 0);
            if from_zero {
                let first = tiers.first().map(|tier| &tier.rates);
                if pair && first != Some(&base) {
                    let what = format!("{} / {}", shown(&base), first.map(shown).unwrap_or_default());
                    prices.notes.push((List::BaseDiffersFromTier0, what));
                }
            } else if pair {
                prices.cards.push(Card { above: 0, rates: base });
                prices.roundings.append(&mut base_roundings);
            } else {
                return Ok(None);
            }
            prices.cards.extend(tiers);
        }
        None if pair => {
            prices.cards.push(Card { above: 0, rates: base });
            prices.roundings.append(&mut base_roundings);
        }
        None => return Ok(None),
    }

    add_thresholds(entry, &mut prices)?;
    if !free {
        leave_out_zeros(&mut prices);
    }
    if prices.cards.len() > CARDS_MAX {
        return Err(Malformed(format!("{} rate cards; the limit is {CARDS_MAX}", prices.cards.len())));
    }
    if let Some(fee) = price(entry, REQUEST_FEE, REQUEST_FEE, FEE_POWER, &mut prices.roundings)? {
        prices.flat_fee_micros = fee;
    }
    Ok(Some(prices))
}

/// The rates that an entry or a tier states for itself.
fn rates(
    from: &Object,
    place: &str,
    roundings: &mut Vec<Rounding>,
    notes: &mut Vec<(List, String)>,
) -> Result<Rates, Malformed> {
    let mut rates = Rates::new();
    for quantity in Quantity::ALL {
        let mut field = quantity.field();
        if quantity == Quantity::CachedInput {
            let (current, older) = (number(from, field)?, number(from, CACHED_ALIAS)?);
            if current.is_none() {
                field = CACHED_ALIAS;
            } else if older.is_some() && older != current {
                let text = |name: &str| from.get(name).map(Json::to_string).unwrap_or_default();
                let what = format!("{place}{CACHED_ALIAS}={}, {field}={}", text(CACHED_ALIAS), text(field));
                notes.push((List::AliasDiffers, what));
            }
        }
        if let Some(rate) = price(from, field, &format!("{place}{field}"), RATE_POWER, roundings)? {
            rates.insert(quantity, rate);
        }
    }
    Ok(rates)
}

/// The tiers as cards, by ascending lower end. They must join; the last has no upper end.
fn tiers(listed: &Json, output: Option<u64>, prices: &mut Prices) -> Result<Vec<Card>, Malformed> {
    let Json::List(items) = listed else { return Err(Malformed::new(TIERS, "not a list of tiers")) };
    let mut rows = Vec::new();
    for (index, item) in items.iter().enumerate() {
        rows.push(tier(index, item, prices)?);
    }
    rows.sort_by_key(|(low, _, _)| *low);
    for ((low, high, _), (next_low, next_high, _)) in rows.iter().zip(rows.iter().skip(1)) {
        if high != next_low {
            return Err(Malformed::new(
                TIERS,
                &format!("{low}..{high} then {next_low}..{next_high}: a gap or an overlap"),
            ));
        }
    }
    let mut output = output;
    let mut cards = Vec::new();
    for (above, _, mut rates) in rows {
        // A table may spell out input rates alone: the output rate is that of the tier below.
        let rate = rates.get(&Quantity::Output).copied().or(output);
        let rate = rate.ok_or_else(|| Malformed::new(TIERS, "no output rate"))?;
        rates.insert(Quantity::Output, rate);
        output = Some(rate);
        cards.push(Card { above, rates });
    }
    Ok(cards)
}

fn tier(index: usize, item: &Json, prices: &mut Prices) -> Result<(u64, u64, Rates), Malformed> {
    let place = format!("{TIERS}[{index}]");
    let Json::Object(tier) = item else { return Err(Malformed::new(&place, "not an object")) };
    let Some(Json::List(range)) = tier.get("range") else {
        return Err(Malformed::new(&place, "no range"));
    };
    let [low, high] = range.as_slice() else { return Err(Malformed::new(&place, "a range is a pair")) };
    let place_range = format!("{place}.range");
    let (low, high) = (whole_of(low, &place_range)?, whole_of(high, &place_range)?);
    let (Some(low), Some(high)) = (low, high) else {
        return Err(Malformed::new(&place_range, "an end is missing"));
    };
    if low >= high {
        return Err(Malformed::new(&place_range, &format!("{low}..{high} is empty")));
    }
    for field in tier.keys() {
        if field != "range" && Place::of(field) != Place::Quantity {
            prices.notes.push((List::TierFieldsIgnored, format!("{place}.{field}")));
        }
    }
    let rates = rates(tier, &format!("{place}."), &mut prices.roundings, &mut prices.notes)?;
    if !rates.contains_key(&Quantity::Input) {
        return Err(Malformed::new(&place, "no input rate"));
    }
    Ok((low, high, rates))
}

/// `…_above_Nk_tokens`: a card for each threshold. Input and output that it does not state are those of the card
/// below; the others fall back on the card itself.
fn add_thresholds(entry: &Object, prices: &mut Prices) -> Result<(), Malformed> {
    let mut thresholds: BTreeMap<u64, Rates> = BTreeMap::new();
    for field in entry.keys() {
        let Place::Above { quantity, threshold, thousands } = Place::of(field) else { continue };
        let Some(rate) = price(entry, field, field, RATE_POWER, &mut prices.roundings)? else { continue };
        let tokens =
            threshold.parse::<u64>().ok().and_then(|n| n.checked_mul(if thousands { 1000 } else { 1 }));
        let tokens = tokens.ok_or_else(|| Malformed::new(field, "the threshold is too large"))?;
        if thresholds.entry(tokens).or_default().insert(quantity, rate).is_some() {
            return Err(Malformed::new(field, "stated twice for one threshold"));
        }
    }
    if !thresholds.is_empty() && prices.cards.len() > 1 {
        return Err(Malformed(format!("both {TIERS} and *_above_*_tokens")));
    }
    for (above, mut rates) in thresholds {
        if above == 0 {
            return Err(Malformed("a threshold of 0".to_owned()));
        }
        for quantity in [Quantity::Input, Quantity::Output] {
            let below = prices.cards.last().and_then(|card| card.rates.get(&quantity)).copied();
            if let Some(rate) = below {
                rates.entry(quantity).or_insert(rate);
            }
        }
        prices.cards.push(Card { above, rates });
    }
    Ok(())
}

/// A zero beside a rate that is not zero is not believed: left out, the quantity falls back to that rate.
fn leave_out_zeros(prices: &mut Prices) {
    for card in &mut prices.cards {
        for quantity in Quantity::ALL {
            let Some(fallback) = quantity.fallback() else { continue };
            let falls_back_above_zero = card.rates.get(&fallback).is_some_and(|rate| *rate > 0);
            if card.rates.get(&quantity) == Some(&0) && falls_back_above_zero {
                card.rates.remove(&quantity);
                prices.notes.push((List::ZeroSideRate, format!("{} above {}", quantity.name(), card.above)));
            }
        }
    }
}

fn price(
    from: &Object,
    field: &str,
    place: &str,
    power: i64,
    roundings: &mut Vec<Rounding>,
) -> Result<Option<u64>, Malformed> {
    let Some(value) = from.get(field) else { return Ok(None) };
    let Some(decimal) = number_of(value, place)? else { return Ok(None) };
    let published = || match value {
        Json::Text(text) | Json::Number(text) => text.clone(),
        other => other.to_string(),
    };
    let scaled = decimal.scaled(power);
    let scaled = scaled.ok_or_else(|| Malformed::new(place, &format!("too large: {}", published())))?;
    if scaled.rounded {
        roundings.push(Rounding { field: place.to_owned(), published: published(), written: scaled.value });
    }
    Ok(Some(scaled.value))
}

fn number_of(value: &Json, place: &str) -> Result<Option<Decimal>, Malformed> {
    let parsed = match value {
        Json::Null => return Ok(None),
        Json::Number(text) | Json::Text(text) => Decimal::parse(text),
        _ => None,
    };
    let decimal = parsed.ok_or_else(|| Malformed::new(place, &format!("not a number: {value}")))?;
    if decimal.is_negative() {
        return Err(Malformed::new(place, &format!("negative: {value}")));
    }
    Ok(Some(decimal))
}

/// A whole number that may be `null`.
pub(super) fn whole_of(value: &Json, place: &str) -> Result<Option<u64>, Malformed> {
    let Some(decimal) = number_of(value, place)? else { return Ok(None) };
    let whole = decimal.whole();
    whole.map(Some).ok_or_else(|| Malformed::new(place, &format!("not a whole number below 2^64: {value}")))
}

/// The prices that an unpriced entry has all the same.
fn dropped(entry: &Object) -> Vec<(List, String)> {
    let is_price = |field: &str| {
        matches!(Place::of(field), Place::Quantity | Place::Above { .. } | Place::Tiers | Place::Fee)
    };
    let stated = entry.iter().filter(|(field, value)| is_price(field) && !is_absent(value));
    stated.map(|(field, value)| (List::PartialPriceDropped, format!("{field}={value}"))).collect()
}

fn is_absent(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::List(items) => items.is_empty(),
        _ => false,
    }
}

fn shown(rates: &Rates) -> String {
    let parts: Vec<String> =
        rates.iter().map(|(quantity, rate)| format!("{}={rate}", quantity.name())).collect();
    parts.join(" ")
}
