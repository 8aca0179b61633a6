//! What of exact places is held back from a reader whose node gets the record from this one.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::Settings;
use node::home::Home;
use node::release::Release;
use record::audience::{Audience, Reader};
use record::carry::{self, In, Out, Withheld};
use record::mirror::Mirror;
use record::name::Reference;
use record::statement::Draft;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use support::{Exercise, office_for, sign};

const TOLD: &str = "delivered_copy_cannot_be_watched_or_recalled";
const EVERYBODY: &[&str] = &["parties", "MISSION", "HUM"];

fn aud(names: &[&str]) -> Audience {
    Audience::of(names.iter().map(|name| name.parse().unwrap()))
}

/// HUM notifies a clinic to US and RU through MISSION.
fn notify(exercise: &Exercise, about: Option<&Reference>) -> Reference {
    let consents: Vec<Value> = ["US", "RU"]
        .iter()
        .map(|to| json!({"recipient": to, "given_by": "director", "given_at": "2016-03-01T00:00:00Z", "told": TOLD}))
        .collect();
    let body = json!({"category": "clinic", "pcodes": ["SY0200"], "through": "MISSION", "consents": consents,
        "valid_from": "2016-03-01T00:00:00Z", "review_by": "2016-09-01T00:00:00Z", "protection": "unchanged"});
    let exact = json!({"name": "Clinic of the well", "function": "x", "datum": "wgs84", "uncertainty_m": 50, "method": "map",
        "place": {"lat_e7": 361_234_567, "lon_e7": 371_600_000}});
    let draft = Draft::new("site.notify/1", &exercise.node().now().to_string()).unwrap();
    let draft = draft
        .about(about.into_iter().cloned().collect())
        .group("body", aud(EVERYBODY), body)
        .and_then(|draft| draft.group("exact", aud(&["US", "RU", "MISSION"]), exact))
        .unwrap();
    exercise
        .try_say("HUM", office_for("site.notify/1"), draft)
        .unwrap()
}

fn home(exercise: &Exercise, who: &str) -> Home {
    Home::new(&exercise.store().join("participants").join(who))
}

/// What HUM's node holds back from a reader, as the entries of its log; with the reasons.
fn held(exercise: &Exercise, reader: &Reader) -> (BTreeSet<(u64, String)>, Vec<String>) {
    let settings = Settings {
        clock: Arc::clone(&exercise.clock) as _,
        clerk: false,
        ..Settings::default()
    };
    let release = Release::to(&home(exercise, "HUM"), &settings, reader, &mut |_, _| {}).unwrap();
    let withheld = release.withheld();
    let reasons = release.reasons(&withheld).into_keys();
    let reasons = reasons.map(str::to_owned).collect();
    let entries = withheld.into_iter().map(|held| (held.index, held.group));
    (entries.collect(), reasons)
}

fn reader(name: &str) -> Reader {
    Reader::participant(sign(name), true)
}

fn exact(of: &[&Reference]) -> BTreeSet<(u64, String)> {
    of.iter().map(|of| (of.index, "exact".to_owned())).collect()
}

fn nothing() -> (BTreeSet<(u64, String)>, Vec<String>) {
    (BTreeSet::new(), Vec::new())
}

fn four() -> Exercise {
    let exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    exercise.bind();
    exercise
}

#[test]
fn an_exposure_holds_back_every_version_from_everybody_until_its_owner_decides() {
    let mut exercise = four();
    let first = notify(&exercise, None);
    let back = json!({"words": "Clinic", "place": {"lat_e7": 361_234_567, "lon_e7": 371_600_000}});
    let back = exercise.say_to(
        "US",
        "read_back/1",
        &[&first],
        &["HUM", "MISSION", "RU"],
        back,
    );
    exercise.at("2016-03-01T10:00:00Z");
    let second = notify(&exercise, Some(&first));
    exercise.node().settle();
    for who in ["US", "RU", "MISSION"] {
        assert_eq!(held(&exercise, &reader(who)), nothing(), "{who}");
    }
    exercise.at("2016-03-02T08:00:00Z");
    let leak = json!({"discovery": "published", "since": "2016-03-01T00:00:00Z", "known_readers": ["a newspaper"],
        "unknown": "Who took it", "protection": "unchanged"});
    let exposure = exercise.say_to("MISSION", "exposure.declare/1", &[&first], &["HUM"], leak);
    exercise.node().settle();

    let mut expected = exact(&[&first, &second]);
    expected.insert((back.index, "body".to_owned()));
    let words = format!(
        "HUM-{} is frozen by the exposure MISSION-{} until its owner decides anew",
        first.index, exposure.index
    );
    for who in ["US", "RU", "MISSION"] {
        let beside = held(&exercise, &reader(who));
        assert_eq!(beside, (expected.clone(), vec![words.clone()]), "{who}");
    }
    // The owner's own other node, and whoever never reads an exact place.
    assert_eq!(held(&exercise, &Reader::own()), nothing());
    assert_eq!(held(&exercise, &Reader::public()), nothing());
    assert_eq!(held(&exercise, &reader("HUM")), nothing());
    // It is the same whether the node runs or not.
    exercise.stop();
    assert_eq!(held(&exercise, &reader("US")).0, expected);
    exercise.start();

    exercise.at("2016-03-02T09:00:00Z");
    let review = json!({"reviewed_at": "2016-03-02T09:00:00Z", "review_by": "2016-09-02T00:00:00Z", "consents_stand": true,
        "protection": "unchanged"});
    exercise.say_to(
        "HUM",
        "site.review/1",
        &[&first],
        &["US", "RU", "MISSION"],
        review,
    );
    exercise.node().settle();
    assert_eq!(held(&exercise, &reader("US")), nothing());
}

#[test]
fn a_site_is_held_back_from_whom_it_was_withdrawn_and_from_nobody_else() {
    let exercise = four();
    let first = notify(&exercise, None);
    exercise.at("2016-03-01T10:00:00Z");
    // Nobody new can be named from then on; who was named goes on being told what changes.
    let stop = json!({"asked_by_site": true, "protection": "unchanged"});
    exercise.say_to("HUM", "site.stop_sharing/1", &[&first], EVERYBODY, stop);
    exercise.at("2016-03-01T11:00:00Z");
    let withdraw = json!({"recipients": ["US"], "asked_by_site": true, "told": TOLD, "protection": "unchanged"});
    let withdraw = exercise.say_to("HUM", "site.withdraw/1", &[&first], EVERYBODY, withdraw);
    exercise.node().settle();
    let words = format!(
        "HUM-{} was withdrawn from US by HUM-{}",
        first.index, withdraw.index
    );
    assert_eq!(
        held(&exercise, &reader("US")),
        (exact(&[&first]), vec![words])
    );
    for who in ["RU", "MISSION"] {
        assert_eq!(held(&exercise, &reader(who)), nothing(), "{who}");
    }
}

#[test]
fn what_is_held_back_is_not_on_the_stick_and_what_was_delivered_stays_avoided() {
    let exercise = four();
    let first = notify(&exercise, None);
    exercise.node().settle();
    exercise.at("2016-03-02T08:00:00Z");
    let leak = json!({"discovery": "lost", "since": "2016-03-01T00:00:00Z", "unknown": "Who has it", "protection": "unchanged"});
    exercise.say_to("MISSION", "exposure.declare/1", &[&first], &["HUM"], leak);
    exercise.node().settle();
    let settings = Settings {
        clock: Arc::clone(&exercise.clock) as _,
        clerk: false,
        ..Settings::default()
    };
    let hum = home(&exercise, "HUM");
    let release = Release::to(&hum, &settings, &reader("US"), &mut |_, _| {}).unwrap();
    let identity = home(&exercise, "US").seal_identity().unwrap();
    let stick = exercise.dir.path().join("stick");
    let carry = |withheld: &BTreeSet<Withheld>| {
        let out = Out {
            data: &hum.dir,
            target: &stick,
            reader: &reader("US"),
            recipient: &identity.recipient(),
            cosigned: &[],
            withheld,
        };
        carry::out(&out, |_, _| {}).unwrap()
    };
    let done = carry(&release.withheld());
    assert_eq!(done.withheld.len(), 1);
    let far = exercise.dir.path().join("far");
    std::fs::create_dir(&far).unwrap();
    let pins: Vec<_> = exercise
        .pins
        .iter()
        .map(|pin| record::c2sp::note::VerifierKey::parse(pin).unwrap())
        .collect();
    let order = In {
        data: &far,
        source: &stick,
        identity: &identity,
        own_origin: None,
        pins: &pins,
    };
    let take_in = || {
        for log in carry::take_in(&order, |_, _| {}).unwrap().logs {
            log.result.unwrap();
        }
        let mirror = Mirror::open(&far.join("mirrors").join("truce.example+hum")).unwrap();
        let statement = mirror.reader().statement(first.index).unwrap().unwrap();
        let has = |group: &str| statement.content(group).is_some();
        (has("body"), has("exact"))
    };
    assert_eq!(
        take_in(),
        (true, false),
        "the leaf goes, and what is not exact"
    );
    // Had it gone out before the exposure, the copy there would stay.
    carry(&BTreeSet::new());
    assert_eq!(take_in(), (true, true));
    carry(&release.withheld());
    assert_eq!(take_in(), (true, true));

    // Here it is avoided by whoever had it, frozen or not.
    let eyes = exercise.node().eyes_of(Some(&sign("US")));
    let index = exercise.node().notified(&eyes);
    let asked = json!({"volume": {"circle": {"centre": {"lat_e7": 361_234_567, "lon_e7": 371_600_000}, "radius_m": 100},
        "datum": "wgs84", "from": "2016-03-02T06:00:00Z"}});
    let place = truce::wire::Place::Top;
    let asked = <truce::volumes::Asked as truce::wire::Wire>::read(&asked, &place).unwrap();
    let volumes =
        node::deconfliction::convert::volumes(&asked.notified().unwrap(), &place).unwrap();
    let checked = index.check(exercise.node().views(&eyes), &volumes).unwrap();
    assert_eq!(checked.met.len(), 1);
}
