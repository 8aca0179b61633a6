//! Witnesses: requests, answers, evidence, and a witness through any sequence of events.

use crate::fixed::{Branch, FORK_AT, LEAVES, NOW_S, ORIGIN, log_keys, witness_key};
use crate::refused;
use record::c2sp::checkpoint::SignedCheckpoint;
use record::c2sp::cosignature::verified_time;
use record::c2sp::witness::{
    AddCheckpoint, Evidence, EvidenceError, Finding, MAX_PROOF_LINES, NextStep, Refused, Witness,
    parse_size,
};

/// Steps of one input.
const STEPS_MAX: usize = 64;

/// A witness that watches the log and last cosigned `head`.
fn witness(head: Option<SignedCheckpoint>) -> Witness {
    let mut witness = Witness::new(witness_key(0));
    let watched = witness.watch(ORIGIN, log_keys(), head);
    watched.expect("the head is of this log");
    witness
}

/// A request is written as it was read, and a witness either cosigns the log or stays as it was.
pub fn add_checkpoint(bytes: &[u8]) {
    match AddCheckpoint::parse(bytes) {
        Ok(request) => {
            assert_eq!(request.to_string().as_bytes(), bytes);
            assert!(request.proof().len() <= MAX_PROOF_LINES);
        }
        Err(error) => refused(&error),
    }
    for known in [0, 5, 9] {
        let head = Branch::honest().head(known);
        let mut witness = witness((known > 0).then(|| head.clone()));
        let before = witness.head(ORIGIN).cloned();
        let answer = witness
            .add_checkpoint(bytes, NOW_S)
            .map(|pending| pending.head().clone());
        match answer {
            Ok(head) => {
                let of_the_fork = known <= FORK_AT && Branch::fork().had(head.checkpoint());
                let allowed = Branch::honest().had(head.checkpoint()) || of_the_fork;
                assert!(allowed && head.checkpoint().size() >= known);
            }
            Err(refusal) => check_refusal(&refusal),
        }
        assert_eq!(
            witness.head(ORIGIN),
            before.as_ref(),
            "not persisted, and known"
        );
    }
}

fn check_refusal(refusal: &Refused) {
    refused(refusal);
    assert!([400, 403, 404, 409, 422, 500].contains(&refusal.status()));
    let (_, body) = refusal.body();
    if let Refused::Conflict { size, .. } = refusal {
        assert_eq!(parse_size(body.as_bytes()), Ok(*size));
    }
    if let Some(evidence) = refusal.evidence() {
        let again = Evidence::parse(evidence.to_string().as_bytes());
        assert_eq!(again.as_ref(), Ok(evidence));
        check_finding(evidence);
    }
}

/// Evidence convicts nobody who signed one history only.
fn check_finding(evidence: &Evidence) {
    let finding = evidence.verify(ORIGIN, &log_keys());
    let (first, second) = (
        evidence.first().checkpoint(),
        evidence.second().checkpoint(),
    );
    let of_one = |branch: &Branch| branch.had(first) && branch.had(second);
    match finding {
        Ok(Finding::Fork) => assert!(
            !of_one(Branch::honest()) && !of_one(Branch::fork()),
            "an honest log is convicted"
        ),
        Ok(Finding::Unexplained) => {}
        Err(error) => refused(&error),
    }
    assert!(evidence.verify("other.example", &log_keys()).is_err());
}

/// Whatever a witness answers, a log takes only its real cosignature and sends only a real proof. The first byte chooses
/// the status, the rest is the body.
pub fn answer(bytes: &[u8]) {
    let Some((status, body)) = bytes.split_first() else {
        return;
    };
    let status = [200, 409, 404, 422, 500][usize::from(status % 5)];
    let (log, keys) = (Branch::honest(), [witness_key(0).verifier().clone()]);
    let request =
        AddCheckpoint::new(log.head(9).clone(), 5, &log.reader()).expect("the log has its hashes");
    match request.next_step(status, body, &keys, &log.reader()) {
        Ok(NextStep::Cosigned(lines)) => {
            assert!(!lines.is_empty());
            let text = log.head(9).note().text();
            assert!(
                lines
                    .iter()
                    .all(|line| verified_time(&keys[0], text, line.bytes()).is_some())
            );
        }
        Ok(NextStep::Send(next)) => {
            assert_eq!(parse_size(body), Ok(next.old_size()));
            let mut witness = witness(Some(log.head(next.old_size()).clone()));
            assert!(
                witness.add(next, NOW_S).is_ok(),
                "the log sends a wrong proof"
            );
        }
        Ok(NextStep::WitnessIsAhead { size }) => assert!(size > 9),
        Err(error) => refused(&error),
    }
}

/// Events, three bytes each: the old size, the new size, and what happens to the request on its way. The witness never
/// takes back what it cosigned, over restarts and forks, and keeps evidence of what does not fit.
pub fn steps(bytes: &[u8]) {
    let mut witness = witness(None);
    let mut cosigned: Vec<SignedCheckpoint> = Vec::new();
    for [old, size, what] in bytes.as_chunks::<3>().0.iter().take(STEPS_MAX) {
        let (old, size) = (
            u64::from(*old) % (LEAVES + 1),
            u64::from(*size) % (LEAVES + 1),
        );
        let branch = if what & 1 == 0 {
            Branch::honest()
        } else {
            Branch::fork()
        };
        let Ok(request) = AddCheckpoint::new(branch.head(size).clone(), old, &branch.reader())
        else {
            continue;
        };
        let mut request = request.to_string().into_bytes();
        if what & 2 != 0 {
            // Somewhere on its way, a byte changed.
            let at = usize::from(*what) * 7 % request.len();
            request[at] ^= 1;
        }
        let last = witness.head(ORIGIN).cloned();
        assert_eq!(last.as_ref(), cosigned.last());
        match witness.add_checkpoint(&request, NOW_S) {
            // Power was lost before the head was stored: no cosignature left the house.
            Ok(pending) if what & 4 != 0 => drop(pending),
            Ok(pending) => {
                let accepted = pending.persisted();
                let text = accepted.head.note().text();
                let time = verified_time(
                    witness_key(0).verifier(),
                    text,
                    accepted.cosignature.bytes(),
                );
                assert_eq!(time, Some(NOW_S));
                cosigned.push(accepted.head);
            }
            Err(refusal) => check_refusal(&refusal),
        }
        if what & 8 != 0 {
            witness = self::witness(cosigned.last().cloned());
        }
        if what & 16 != 0 {
            // An old backup of what it knew changes nothing.
            let backup = witness.watch(ORIGIN, log_keys(), cosigned.first().cloned());
            assert!(backup.is_ok());
        }
    }
    let sizes = cosigned.iter().map(|head| head.checkpoint().size());
    assert!(sizes.is_sorted(), "the log shrank");
    let on = |branch: &Branch| cosigned.iter().all(|head| branch.had(head.checkpoint()));
    assert!(
        on(Branch::honest()) || on(Branch::fork()),
        "both histories are cosigned"
    );
}

/// Evidence is written as it was read, and convicts only a log that signed two histories.
pub fn evidence(bytes: &[u8]) {
    match Evidence::parse(bytes) {
        Ok(evidence) => {
            assert_eq!(evidence.to_string().as_bytes(), bytes);
            let (first, second) = (
                evidence.first().checkpoint(),
                evidence.second().checkpoint(),
            );
            assert!(first.size() <= second.size() && !first.same_tree(second));
            check_finding(&evidence);
            let log = Branch::honest();
            let found = Evidence::from_tree(evidence.first(), evidence.second(), &log.reader());
            if let Ok(Some(found)) = found {
                check_finding(&found);
            }
        }
        Err(EvidenceError::Malformed(error)) => refused(&error),
        Err(error) => refused(&error),
    }
}
