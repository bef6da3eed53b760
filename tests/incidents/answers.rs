//! What callers were told.

use assize::{
    controller::{Denial, NotAdmitted, Permit},
    overrun::Overrun::Deny,
};

use crate::scene::{Scene, call, operation};

fn denied(seen: Result<Permit, NotAdmitted>) -> Denial {
    match seen {
        Err(NotAdmitted::Denied(denial)) => denial,
        other => panic!("{other:?}"),
    }
}

#[test]
fn denial_reasons_were_returned_to_callers() {
    let scene = Scene::new();
    let organisation = scene.account("organisation", Deny, 777);
    let person = scene.account_under(Some(organisation), "person", Deny, 33);
    let (one, other) = (scene.ask(10), scene.ask(100));
    let by_person = denied(scene.admit(&[person], &one, call(1).operation(operation(1, 1))));
    // Whoever asks once more is told the same of the same record, not of what is there now.
    assert_eq!(
        denied(scene.admit(&[person], &one, call(1).operation(operation(1, 1)))).sequence(),
        by_person.sequence()
    );
    let by_organisation = denied(scene.admit(&[organisation], &other, call(1)));
    let shown = |denial: &Denial| {
        let number = denial.sequence().to_string();
        [denial.to_string(), format!("{denial:?}"), serde_json::to_string(denial).unwrap()]
            .map(|text| text.replace(&number, "#"))
    };
    assert_eq!(shown(&by_person), shown(&by_organisation));
    for text in shown(&by_person) {
        for told in ["33", "777", "person", "organisation", "100", "1000", "candidate", "account"] {
            assert!(!text.contains(told), "{told} is told: {text}");
        }
    }
    // The host has both reasons.
    assert_eq!(by_person.audited_reason().binding, Some(person.into()));
    assert_eq!(by_organisation.audited_reason().binding, Some(organisation.into()));
    scene.finish();
}
