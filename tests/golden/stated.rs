//! Policies, requests, decisions and ledgers, whose bytes and digests are stated by hand.

use assize::{
    codec::Reader,
    crypto::Digest,
    kernel::{Decision, Disabled, Request, prescribe},
    ledger::Ledger,
    policy::Policy,
};
use serde_json::Value;

use crate::files::{array, bytes, document, list, text};

fn policies(document: &Value) -> Vec<Policy> {
    list(&document["policies"]).iter().map(|of| Policy::decode(&bytes(&of["canonical"])).unwrap()).collect()
}

#[test]
fn policies_and_requests_have_their_bytes_and_their_digests() {
    let document = document("vectors.json");
    let policies = policies(&document);
    for (policy, stated) in policies.iter().zip(list(&document["policies"])) {
        let mut written = Vec::new();
        policy.encode(&mut written);
        assert_eq!(written, bytes(&stated["canonical"]));
        assert_eq!(policy.digest().0, array(&stated["digest"]));
        assert_eq!(policy.schema().digest().0, array(&stated["schema_digest"]));
        assert_eq!(policy.schema().digest(), Digest::of("assize/schema/1", &bytes(&stated["schema"])));
        assert_eq!(policy.epoch().0, stated["epoch"].as_u64().unwrap());
        assert_eq!(policy.candidates().len(), list(&stated["candidates"]).len());
    }
    let requests = document["requests"].as_object().unwrap();
    assert!(requests.len() > 5);
    for (name, stated) in requests {
        let request = Request::decode(&bytes(&stated["canonical"]), policies[0].schema()).unwrap();
        let mut written = Vec::new();
        request.encode(&mut written);
        assert_eq!(written, bytes(&stated["canonical"]), "{name}");
        assert_eq!(request.digest().0, array(&stated["digest"]), "{name}");
    }
}

#[test]
fn decisions_are_those_that_were_worked_out_by_hand() {
    let document = document("vectors.json");
    let policies = policies(&document);
    let decisions = document["decisions"].as_object().unwrap();
    assert!(decisions.len() > 5);
    for (name, stated) in decisions {
        let policy =
            policies.iter().find(|policy| Some(policy.epoch().0) == stated["epoch"].as_u64()).unwrap();
        let request = &document["requests"][text(&stated["request"])];
        let request = Request::decode(&bytes(&request["canonical"]), policy.schema()).unwrap();
        let decision = prescribe(policy, &Disabled::default(), &request).unwrap();
        let mut written = Vec::new();
        decision.encode(&mut written);
        assert_eq!(written, bytes(&stated["canonical"]), "{name}");
        assert_eq!(decision.digest(request.digest()).0, array(&stated["digest"]), "{name}");
        let read = Decision::decode(&mut Reader::new(&written), policy.epoch(), policy.digest()).unwrap();
        assert_eq!(read, decision, "{name}");
    }
}

#[test]
fn ledgers_have_their_bytes_and_their_digests() {
    let document = document("vectors.json");
    let mut seen = 0;
    for of in [&document, &document["windows"]] {
        for (name, stated) in
            of.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("ledger_at_"))
        {
            let ledger = Ledger::decode(&bytes(&stated["canonical"])).unwrap();
            let mut written = Vec::new();
            ledger.encode(&mut written);
            assert_eq!(written, bytes(&stated["canonical"]), "{name}");
            assert_eq!(format!("ledger_at_{}", ledger.sequence()), *name);
            if stated.get("digest").is_some() {
                assert_eq!(ledger.digest().0, array(&stated["digest"]), "{name}");
                assert_eq!(
                    ledger.digest(),
                    Digest::of("assize/ledger/1", &bytes(&stated["for_digest"])),
                    "{name}"
                );
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 6);
    // The snapshot at the head of the first log, whose body was stated too.
    let ledger = Ledger::decode(&bytes(&document["ledger_at_60"]["canonical"])).unwrap();
    let digests = crate::files::document("digests.json");
    let tagged = list(&digests["tagged"]).iter();
    let snapshots: Vec<[u8; 32]> =
        tagged.filter(|of| of["tag"] == "assize/snapshot/1").map(|of| array(&of["digest"])).collect();
    assert_eq!(snapshots.len(), 2);
    assert_eq!(ledger.snapshot().digest().0, snapshots[1]);
}
