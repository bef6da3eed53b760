//! From names to numbers and back: a draft becomes a policy, a policy a draft.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::draft::{
    CandidateDraft, CardDraft, Draft, LimitsDraft, MemberDraft, MembersDraft, UtilityDraft, ValueDraft,
    WeightDraft,
};
use super::error::{PolicyError, PolicyFault};
use super::kind::{ColumnIndex, ColumnKind, QuantityIndex};
use super::member::{Listing, MemberId, MemberSet};
use super::place::{Place, shown};
use super::schema::{Column, column_unknown};
use super::{Candidate, Card, Index, Limits, Policy, Schema, Utility, Weight, check};
use crate::crypto::Digest;
use crate::id::{CandidateId, Epoch};
use crate::num::{Bps, MicroUnits};

pub(super) fn freeze(draft: Draft) -> Result<Policy, PolicyError> {
    let schema = Schema::freeze(draft.schema)?;
    check::candidate_count(draft.candidates.len())?;
    let limits = resolve_limits(draft.limits)?;
    let utility = draft.utility.map(|utility| resolve_utility(&utility, &schema)).transpose()?;
    let members = resolve_members(draft.members, &schema)?;

    let mut rows: Vec<(usize, CandidateDraft)> = draft.candidates.into_iter().enumerate().collect();
    rows.sort_by_key(|(_, row)| row.id);
    let listed: Vec<usize> = rows.iter().map(|(index, _)| *index).collect();
    let rows = rows.into_iter().map(|(index, row)| {
        Resolver { schema: &schema, members: &members, index, name: &row.name }.candidate(&row)
    });
    let candidates = rows.collect::<Result<_, _>>()?;
    let policy = Policy {
        name: draft.name.into(),
        epoch: Epoch(draft.epoch),
        schema,
        limits,
        utility,
        substitution: draft.substitution,
        members,
        candidates,
        by_name: Vec::new(),
        index: Index::default(),
        digest: Digest::default(),
    };
    policy.seal(&listed)
}

fn resolve_limits(draft: LimitsDraft) -> Result<Limits, PolicyError> {
    let bps = |seen: Option<u16>, path| seen.map(|seen| check::bps(seen, path)).transpose();
    Ok(Limits {
        risk_hard: bps(draft.risk_hard_bps, "limits.risk_hard_bps")?,
        confidence_min: bps(draft.confidence_min_bps, "limits.confidence_min_bps")?,
    })
}

fn resolve_utility(draft: &UtilityDraft, schema: &Schema) -> Result<Utility, PolicyError> {
    let merit_unknown =
        draft.merit_unknown_bps.map(|seen| check::bps(seen, "utility.merit_unknown_bps")).transpose()?;
    let weight = |draft: &WeightDraft| {
        let place = || Place::Weight { column: shown(&draft.column) };
        let column = schema.column(&draft.column).ok_or_else(|| column_unknown(place(), &draft.column))?;
        Ok(Weight { column, micros_per_unit: draft.micros_per_unit, unknown: draft.unknown })
    };
    let mut weights = draft.weights.iter().map(weight).collect::<Result<Vec<_>, PolicyError>>()?;
    weights.sort_by_key(|weight| weight.column);
    Ok(Utility { risk_multiplier_bps: draft.risk_multiplier_bps, merit_unknown, weights })
}

/// One listing for each column of the schema.
fn resolve_members(drafts: Vec<MembersDraft>, schema: &Schema) -> Result<Vec<Listing>, PolicyError> {
    let mut listings: Vec<Option<Listing>> = schema.columns().iter().map(|_| None).collect();
    for draft in drafts {
        let place = || Place::Members { column: shown(&draft.column) };
        let index = schema.column(&draft.column).ok_or_else(|| column_unknown(place(), &draft.column))?;
        let (Some(column), Some(slot)) = (schema.column_at(index), listings.get_mut(index.as_usize())) else {
            return Err(column_unknown(place(), &draft.column));
        };
        if slot.is_some() {
            return Err(PolicyError::new(place(), PolicyFault::Twice { what: "column" }));
        }
        if column.kind().is_numeric() {
            let fault = PolicyFault::MembersOfNumeric { kind: column.kind() };
            return Err(PolicyError::new(place(), fault));
        }
        let mut names: Vec<(MemberId, Box<str>)> =
            draft.members.into_iter().map(|member| (MemberId(member.id), member.name.into())).collect();
        names.sort_by_key(|(id, _)| *id);
        *slot = Some(check::listing(column, names)?);
    }
    Ok(listings.into_iter().map(Option::unwrap_or_default).collect())
}

/// Resolves one candidate; knows where it stands, for errors.
struct Resolver<'a> {
    schema: &'a Schema,
    members: &'a [Listing],
    index: usize,
    name: &'a str,
}

impl Resolver<'_> {
    fn candidate(&self, draft: &CandidateDraft) -> Result<Candidate, PolicyError> {
        let id = CandidateId(draft.id);
        let mut candidate = Candidate::blank(id, draft.name.as_str().into(), self.schema.columns().len());
        candidate.enabled = draft.enabled;
        candidate.flat_fee = MicroUnits(draft.flat_fee_micros);
        for (column, value) in &draft.values {
            self.value(&mut candidate, column, value)?;
        }
        candidate.cards = draft.cards.iter().map(|card| self.card(card)).collect::<Result<_, _>>()?;
        candidate.cards.sort_by_key(Card::above);
        Ok(candidate)
    }

    fn value(&self, candidate: &mut Candidate, name: &str, value: &ValueDraft) -> Result<(), PolicyError> {
        let fail = |fault| Err(PolicyError::new(self.value_place(name), fault));
        let index = self.schema.column(name).ok_or_else(|| column_unknown(self.value_place(name), name))?;
        let (Some(column), Some(listing)) =
            (self.schema.column_at(index), self.members.get(index.as_usize()))
        else {
            return Err(column_unknown(self.value_place(name), name));
        };
        if candidate.knows(index) {
            return fail(PolicyFault::Twice { what: "column" });
        }
        match (column.kind(), value) {
            (ColumnKind::Bps | ColumnKind::Number, ValueDraft::Number(value)) => {
                candidate.put_value(index, *value);
            }
            (ColumnKind::Member, ValueDraft::Member(member)) => match listing.id(member) {
                Some(id) => candidate.put_member(index, id),
                None => return fail(PolicyFault::MemberUnknown { name: shown(member) }),
            },
            (ColumnKind::Set, ValueDraft::Set(members)) => match resolve_set(members, listing) {
                Ok(set) => candidate.put_set(index, set),
                Err(fault) => return fail(fault),
            },
            (kind, seen) => return fail(PolicyFault::ValueMismatch { kind, seen: sort_of(seen) }),
        }
        Ok(())
    }

    fn card(&self, draft: &CardDraft) -> Result<Card, PolicyError> {
        let mut card = Card::blank(draft.above);
        for (name, rate) in &draft.rates {
            let fault = match self.schema.quantity_index(name) {
                None => PolicyFault::QuantityUnknown { name: shown(name) },
                Some(quantity) if card.known.contains(quantity) => PolicyFault::Twice { what: "quantity" },
                Some(quantity) => {
                    card.put(quantity, *rate);
                    continue;
                }
            };
            let (name, quantity) = (shown(self.name), shown(name));
            let place = Place::Rate { index: self.index, name, above: draft.above, quantity };
            return Err(PolicyError::new(place, fault));
        }
        Ok(card)
    }

    fn value_place(&self, column: &str) -> Place {
        Place::Value { index: self.index, name: shown(self.name), column: shown(column) }
    }
}

fn resolve_set(members: &[String], listing: &Listing) -> Result<MemberSet, PolicyFault> {
    let mut set = MemberSet::EMPTY;
    for name in members {
        let unknown = || PolicyFault::MemberUnknown { name: shown(name) };
        let id = listing.id(name).ok_or_else(unknown)?;
        if set.contains(id) {
            return Err(PolicyFault::MemberTwice { name: shown(name) });
        }
        set.insert(id).map_err(|_| unknown())?;
    }
    Ok(set)
}

fn sort_of(value: &ValueDraft) -> &'static str {
    match value {
        ValueDraft::Number(_) => "number",
        ValueDraft::Member(_) => "member",
        ValueDraft::Set(_) => "set",
    }
}

pub(super) fn thaw(policy: &Policy) -> Draft {
    Draft {
        name: policy.name().into(),
        epoch: policy.epoch().0,
        schema: policy.schema().to_draft(),
        limits: LimitsDraft {
            risk_hard_bps: policy.limits.risk_hard.map(Bps::as_u16),
            confidence_min_bps: policy.limits.confidence_min.map(Bps::as_u16),
        },
        utility: policy.utility().map(|utility| thaw_utility(utility, policy.schema())),
        substitution: policy.substitution(),
        members: thaw_members(policy),
        candidates: policy.candidates().iter().map(|candidate| thaw_candidate(candidate, policy)).collect(),
    }
}

fn thaw_utility(utility: &Utility, schema: &Schema) -> UtilityDraft {
    let weight = |weight: &Weight| WeightDraft {
        column: schema.column_at(weight.column).map_or_else(String::new, |column| column.name().into()),
        micros_per_unit: weight.micros_per_unit,
        unknown: weight.unknown,
    };
    UtilityDraft {
        risk_multiplier_bps: utility.risk_multiplier_bps,
        merit_unknown_bps: utility.merit_unknown.map(Bps::as_u16),
        weights: utility.weights.iter().map(weight).collect(),
    }
}

fn thaw_members(policy: &Policy) -> Vec<MembersDraft> {
    let listings = policy.schema.columns().iter().zip(&policy.members);
    let draft = |(column, listing): (&Column, &Listing)| MembersDraft {
        column: column.name().into(),
        members: listing
            .names()
            .iter()
            .map(|(id, name)| MemberDraft { id: id.0, name: name.as_ref().into() })
            .collect(),
    };
    listings.filter(|(_, listing)| !listing.names().is_empty()).map(draft).collect()
}

fn thaw_candidate(candidate: &Candidate, policy: &Policy) -> CandidateDraft {
    let columns = (0_u8..).map(ColumnIndex).zip(policy.schema.columns());
    let values = columns.filter_map(|(index, column)| {
        let name = |id| policy.member_name(index, id).map(String::from);
        let value = match column.kind() {
            ColumnKind::Bps | ColumnKind::Number => ValueDraft::Number(candidate.value(index)?),
            ColumnKind::Member => ValueDraft::Member(name(candidate.member(index)?)?),
            ColumnKind::Set => ValueDraft::Set(candidate.set(index)?.iter().filter_map(name).collect()),
        };
        Some((column.name().into(), value))
    });
    CandidateDraft {
        id: candidate.id().0,
        name: candidate.name().into(),
        enabled: candidate.is_enabled(),
        flat_fee_micros: candidate.flat_fee().0,
        values: values.collect(),
        cards: candidate.cards().iter().map(|card| thaw_card(card, policy.schema())).collect(),
    }
}

fn thaw_card(card: &Card, schema: &Schema) -> CardDraft {
    let rate =
        |quantity: QuantityIndex| Some((schema.quantity_at(quantity)?.name().into(), card.rate(quantity)?));
    CardDraft { above: card.above(), rates: card.known().iter().filter_map(rate).collect() }
}
