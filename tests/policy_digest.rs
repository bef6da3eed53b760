//! What a policy's digest covers, and what it does not depend on.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use assize::policy::{
    CandidateDraft, CardDraft, Draft, MemberDraft, MembersDraft, Policy, SchemaDraft, ValueDraft,
};

fn small() -> Draft {
    let mut draft = Draft::new("small", 3, SchemaDraft::llm_1());
    for (column, names) in [("capabilities", ["tools", "vision"]), ("provider", ["acme", "globex"])] {
        let members = (0..).zip(names).map(|(id, name)| MemberDraft { id, name: name.into() });
        draft.members.push(MembersDraft { column: column.into(), members: members.collect() });
    }
    let mut candidate = CandidateDraft::new(7, "seven");
    candidate.values = vec![
        ("quality".into(), ValueDraft::Number(9_000)),
        ("provider".into(), ValueDraft::Member("globex".into())),
        ("capabilities".into(), ValueDraft::Set(vec!["vision".into()])),
    ];
    candidate.cards = vec![CardDraft { above: 0, rates: vec![("input".into(), 5), ("output".into(), 9)] }];
    draft.candidates.push(candidate);
    draft.candidates.push(CandidateDraft::new(2, "two"));
    draft
}

#[test]
fn the_canonical_form_reads_back_as_the_same_policy() {
    let policy = Policy::freeze(small()).unwrap();
    let mut bytes = Vec::new();
    policy.encode(&mut bytes);
    let again = Policy::decode(&bytes).unwrap();
    assert_eq!(again.digest(), policy.digest());
    assert_eq!(Policy::freeze(policy.to_draft()).unwrap().digest(), policy.digest());
    assert_eq!(again.candidates()[0].name(), "two");
}
