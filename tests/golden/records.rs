//! Every kind of record, and every form of each, between its bytes and its fields.

use std::collections::BTreeSet;

use assize::{
    caps::{Binding, Bound},
    num::Amount,
    policy::Policy,
    record::{
        AdjustOutcome, AdmissionOutcome as Outcome, Call, CandidateSwitch, Commit, CommitOutcome,
        ExtendOutcome, Halt, Kind, PartCommit, Record, ReleaseOutcome, RerouteOutcome, Settled, Spend,
        Switch,
    },
};

use crate::files::{bytes, document, list, text};

fn policy() -> Policy {
    Policy::decode(&bytes(&document("vectors.json")["policies"][0]["canonical"])).unwrap()
}

#[test]
fn every_record_is_read_as_its_fields_and_written_as_its_bytes() {
    let policy = policy();
    let mut seen = BTreeSet::new();
    for vector in list(&document("records.json")) {
        let (form, payload) = (text(&vector["form"]), bytes(&vector["payload"]));
        let code = vector["code"].as_u64().unwrap().try_into().unwrap();
        let record = Record::decode(code, &payload, Some(policy.schema())).unwrap();
        assert_eq!(record.kind().code(), code, "{form}");
        assert_eq!(serde_json::to_value(&record).unwrap(), vector["fields"], "{form}");
        let mut written = Vec::new();
        record.encode(&mut written);
        assert_eq!(written, payload, "{form}");
        assert_eq!(form_of(&record), form);
        seen.insert(form.to_owned());
        // There is nothing in them that means nothing: any other byte is another record, or none.
        for at in 0..payload.len() {
            let mut altered = payload.clone();
            altered[at] ^= 1;
            let read = Record::decode(code, &altered, Some(policy.schema()));
            assert_ne!(read.as_ref(), Ok(&record), "{form}, byte {at}");
        }
    }
    let forms: BTreeSet<_> = FORMS.iter().map(|form| (*form).to_owned()).collect();
    assert_eq!(seen, forms, "each form has a vector, and each vector a form");
}

#[test]
fn every_kind_has_a_vector() {
    let document = document("records.json");
    let seen: BTreeSet<_> = list(&document).iter().map(|vector| vector["code"].as_u64().unwrap()).collect();
    let kinds: BTreeSet<_> = Kind::ALL.iter().map(|kind| u64::from(kind.code())).collect();
    assert_eq!(seen, kinds);
    // The list of kinds itself leaves none out.
    let known: BTreeSet<_> =
        (0..=u16::MAX).filter_map(Kind::from_code).map(|kind| u64::from(kind.code())).collect();
    assert_eq!(known, kinds);
}

/// Names the form of a record, and lists the names: a form that is new does not compile without one, and one without a
/// vector fails the test.
macro_rules! forms {
    ($($pattern:pat => $name:literal,)*) => {
        const FORMS: &[&str] = &[$($name),*];

        fn form_of(record: &Record) -> &'static str {
            match record {
                $($pattern => $name,)*
            }
        }
    };
}

forms! {
    Record::Terms(_) => "terms",
    Record::Policy(_) => "policy",
    Record::Halt(Halt::None) => "halt none",
    Record::Halt(Halt::ReduceOnly) => "halt reduce_only",
    Record::Halt(Halt::All) => "halt all",
    Record::CandidateSwitch(CandidateSwitch { switch: Switch::Disabled, .. }) => "switch disabled",
    Record::CandidateSwitch(CandidateSwitch { switch: Switch::Enabled, .. }) => "switch enabled",
    Record::Admission(Call { outcome: Outcome::Admitted { .. }, .. }) => "admitted",
    Record::Admission(Call { outcome: Outcome::DeniedPolicy { .. }, .. }) => "denied policy",
    Record::Admission(Call {
        outcome: Outcome::DeniedBudget { binding: Binding { bound: Bound::Limit(_), .. }, .. },
        ..
    }) => "denied budget limit",
    Record::Admission(Call {
        outcome: Outcome::DeniedBudget { binding: Binding { bound: Bound::Held, .. }, .. },
        ..
    }) => "denied budget held",
    Record::Admission(Call {
        outcome: Outcome::DeniedBudget { binding: Binding { bound: Bound::Holds, .. }, .. },
        ..
    }) => "denied budget holds",
    Record::Admission(Call { outcome: Outcome::DeniedThrottle { .. }, .. }) => "denied throttle",
    Record::Admission(Call { outcome: Outcome::DeniedHalted, .. }) => "denied halted",
    Record::Commit(Call {
        arguments: Commit { spend: Spend::Usage { .. }, .. },
        outcome: CommitOutcome { settled: Settled::InTime, .. },
        ..
    }) => "commit in time usage",
    Record::Commit(Call {
        arguments: Commit { spend: Spend::Amount(_), .. },
        outcome: CommitOutcome { settled: Settled::InTime, .. },
        ..
    }) => "commit in time amount",
    Record::Commit(Call {
        arguments: Commit { spend: Spend::Usage { .. }, .. },
        outcome: CommitOutcome { settled: Settled::Expired, .. },
        ..
    }) => "commit expired usage",
    Record::Commit(Call {
        arguments: Commit { spend: Spend::Amount(_), .. },
        outcome: CommitOutcome { settled: Settled::Expired, .. },
        ..
    }) => "commit expired amount",
    Record::Release(Call { outcome: ReleaseOutcome::Released { .. }, .. }) => "released",
    Record::Release(Call { outcome: ReleaseOutcome::Expired, .. }) => "release expired",
    Record::Extend(Call { outcome: ExtendOutcome::Extended { .. }, .. }) => "extended",
    Record::Extend(Call { outcome: ExtendOutcome::DeniedBudget { .. }, .. }) => "extend denied budget",
    Record::Extend(Call { outcome: ExtendOutcome::DeniedHalted, .. }) => "extend denied halted",
    Record::PartCommit(Call {
        arguments: PartCommit { spend: Spend::Usage { .. }, .. },
        ..
    }) => "part commit usage",
    Record::PartCommit(Call {
        arguments: PartCommit { spend: Spend::Amount(_), .. },
        ..
    }) => "part commit amount",
    Record::Reroute(Call {
        outcome: RerouteOutcome { admission: Outcome::Admitted { .. }, .. },
        ..
    }) => "reroute admitted",
    Record::Reroute(Call {
        outcome: RerouteOutcome { admission: Outcome::DeniedPolicy { .. }, .. },
        ..
    }) => "reroute denied policy",
    Record::Reroute(Call {
        outcome: RerouteOutcome { admission: Outcome::DeniedBudget { .. }, .. },
        ..
    }) => "reroute denied budget",
    // No throttle is asked when a request is decided again (FORMAT 9.12), so that no bytes read as this.
    Record::Reroute(Call {
        outcome: RerouteOutcome { admission: Outcome::DeniedThrottle { .. } | Outcome::DeniedHalted, .. },
        ..
    }) => "reroute denied halted",
    Record::Expire(_) => "expire",
    Record::Adjust(Call { outcome: AdjustOutcome { refunded: Amount::ZERO, .. }, .. }) => "adjust more",
    Record::Adjust(_) => "adjust less",
    Record::Account(_) => "account",
    Record::Grant(_) => "grant",
    Record::AccountClosed(_) => "account closed",
    Record::Reparent(_) => "reparent",
    Record::Boundary(_) => "boundary",
    Record::Recovery(_) => "recovery",
    Record::Retention(_) => "retention",
}
