//! Facts of sites, movements and exposures, each told as it happened and as it is answered here.

#![allow(
    clippy::unwrap_used,
    reason = "a fact that cannot be told is a failed test"
)]

mod support;

use record::name::Reference;
use serde_json::{Value, json};
use support::{DESK, NOBODY, RELIEF, Room, Words, sign, utc};
use truce::contact::{Delivery, Step};
use truce::due::{Item, Urgency, What};
use truce::incidents::ReportFile;
use truce::movements::{MovementState, Phase, Shown, Stage};
use truce::notified::{Cases, Counting, Happened, Nearness, cases, of_movement, of_site};
use truce::sites::{HeldBack, SiteState};
use truce::{Standing, Truce};

const TOLD: &str = "delivered_copy_cannot_be_watched_or_recalled";

fn room() -> Room {
    let mut room = Room::of(&["RU", "US", "MISSION", "HUM"]);
    room.bind();
    room
}

fn place(n: i64) -> Value {
    json!({"lat_e7": 362_000_000 + n, "lon_e7": 371_500_000})
}

fn consents(to: &[&str]) -> Value {
    let consent = |to: &&str| json!({"recipient": to, "given_by": "director's office", "given_at": "2016-03-01T09:00:00Z", "told": TOLD});
    to.iter().map(consent).collect()
}

fn site(to: &[&str]) -> Value {
    json!({"body": {"category": "hospital", "pcodes": ["SY0200"], "through": "MISSION", "consents": consents(to),
        "valid_from": "2016-03-02T00:00:00Z", "review_by": "2016-06-01T00:00:00Z", "protection": "unchanged"},
        "exact": {"name": "Hospital", "function": "Surgery", "place": place(0), "datum": "wgs84", "uncertainty_m": 10,
            "method": "on_the_spot"}})
}

fn convoy(to: &[&str]) -> Value {
    let leg = |from: i64, from_at: &str, to: i64, to_at: &str| json!({"from": place(from), "from_at": from_at, "to": place(to), "to_at": to_at});
    json!({"body": {"purpose": "relief", "mode": "road", "to": to, "through": "MISSION", "pcodes": ["SY0200"],
        "from": "2016-06-22T06:00:00Z", "until": "2016-06-22T12:00:00Z", "persons": 12, "protection": "unchanged",
        "check_ins": [{"id": "gate", "due_at": "2016-06-22T08:00:00Z"}, {"id": "bridge", "due_at": "2016-06-22T10:00:00Z"}]},
        "exact": {"legs": [leg(0, "2016-06-22T06:00:00Z", 100_000, "2016-06-22T08:00:00Z"),
            leg(100_000, "2016-06-22T08:00:00Z", 200_000, "2016-06-22T11:30:00Z")], "datum": "wgs84",
            "vehicles": [{"what": "white lorry", "roof_marked": true, "thermal_marking": false}]}})
}

fn try_say(
    room: &mut Room,
    name: &str,
    at: &str,
    kind: &str,
    about: &[&Reference],
    groups: Value,
) -> Result<Reference, truce::Refusal> {
    let about = about.iter().map(|r| (*r).clone()).collect();
    let words = Words {
        kid: DESK,
        kind,
        at,
        about,
        groups,
    };
    room.try_say(name, &words)
}

fn notify(room: &mut Room, at: &str, to: &[&str]) -> Reference {
    try_say(room, "HUM", at, "site.notify/1", &[], site(to)).unwrap()
}

fn move_out(room: &mut Room, at: &str, groups: Value) -> Reference {
    try_say(room, "HUM", at, "movement.notify/1", &[], groups).unwrap()
}

/// All that a recipient does with a notice.
fn take(room: &mut Room, name: &str, day: &str, notice: &Reference, back: Value) {
    let mut say = |time: &str, kind: &str, body: Value| {
        room.say(name, &format!("{day}T{time}Z"), kind, &[notice], body)
    };
    say("09:00:00", "receipt/1", json!({}));
    say("09:10:00", "acknowledge/1", json!({}));
    say(
        "09:20:00",
        "read_back/1",
        json!({"words": "x", "place": back}),
    );
    say(
        "09:30:00",
        "pass_down/1",
        json!({"step": "sent_down", "to": "air operations"}),
    );
    say(
        "09:40:00",
        "pass_down/1",
        json!({"step": "confirmed_below", "to": "air operations"}),
    );
}

fn due_of(truce: &Truce, what: &What, by: &str, now: &str) -> Vec<Item> {
    truce
        .due(utc(now))
        .into_iter()
        .filter(|item| item.what == *what && item.by == sign(by))
        .collect()
}

const ALL_STEPS: [Step; 5] = [
    Step::Receipt,
    Step::Acknowledgement,
    Step::ReadBack,
    Step::SentDown,
    Step::ConfirmedBelow,
];

/// Failure 10: wrong coordinates, and a list that nobody had checked.
#[test]
fn a_site_is_validated_by_the_cell_that_it_names_and_by_nobody_else() {
    let mut room = room();
    let first = notify(&mut room, "2016-03-02T08:00:00Z", &["RU", "US"]);
    let checked = json!({"checks": ["imagery", "call"], "checked_at": "2016-03-02T10:00:00Z"});
    room.say(
        "RU",
        "2016-03-02T10:00:00Z",
        "site.validate/1",
        &[&first],
        checked.clone(),
    );
    let at = utc("2016-03-02T11:00:00Z");
    assert_eq!(room.truce().sites[&first].state(at), SiteState::Submitted);

    room.say(
        "MISSION",
        "2016-03-02T12:00:00Z",
        "receipt/1",
        &[&first],
        json!({}),
    );
    let truce = room.truce();
    let owed = due_of(&truce, &What::Validation, "MISSION", "2016-03-05T12:00:00Z");
    assert_eq!(
        (owed[0].urgency, owed[0].to.clone()),
        (Urgency::Overdue, sign("HUM")),
        "72 hours by default"
    );

    let returned = json!({"faults": ["place_does_not_fit"], "words": "9 km from the town", "protection": "unchanged"});
    room.say(
        "MISSION",
        "2016-03-03T12:00:00Z",
        "site.return/1",
        &[&first],
        returned,
    );
    let now = utc("2016-03-03T13:00:00Z");
    let truce = room.truce();
    assert_eq!(truce.sites[&first].state(now), SiteState::Returned);
    assert!(
        truce.sites[&first].is_avoided(now),
        "what was returned is avoided all the same"
    );
    assert!(due_of(&truce, &What::Validation, "MISSION", "2016-03-05T12:00:00Z").is_empty());

    let mut better = site(&["RU", "US"]);
    better["exact"]["place"] = place(900_000);
    better["body"]["reason"] = "The place was wrong by 9 km".into();
    let second = try_say(
        &mut room,
        "HUM",
        "2016-03-04T08:00:00Z",
        "site.notify/1",
        &[&first],
        better,
    )
    .unwrap();
    let later = utc("2016-03-04T12:00:00Z");
    assert_eq!(
        room.truce().sites[&first].state(later),
        SiteState::Submitted,
        "another version is validated anew"
    );
    room.say(
        "MISSION",
        "2016-03-04T10:00:00Z",
        "site.validate/1",
        &[&second],
        checked,
    );
    let truce = room.truce();
    let site = &truce.sites[&first];
    assert_eq!(site.state(later), SiteState::Validated);
    assert_eq!(
        site.state(now),
        SiteState::Returned,
        "what it was then stays as it was"
    );
    assert_eq!(truce.sites.len(), 1, "a version is no other site");
}

/// Failure 2 and 11: the matrix shows who has it, acknowledged, passed it down, and who is missing.
#[test]
fn what_each_recipient_did_with_a_site_is_its_own_fact() {
    let mut room = room();
    let first = notify(&mut room, "2016-03-02T08:00:00Z", &["RU"]);
    let at = utc("2016-03-02T12:00:00Z");
    let truce = room.truce();
    let site = &truce.sites[&first];
    assert_eq!(site.gaps(at)[&sign("RU")], ALL_STEPS);
    assert_eq!(
        site.not_listed,
        [sign("US")],
        "a party to the agreement that is not on the list"
    );
    assert_eq!(
        due_of(&truce, &What::Acknowledgement, "RU", "2016-03-09T08:00:00Z")[0].urgency,
        Urgency::Unreachable,
        "before it got there no clock runs"
    );

    take(&mut room, "RU", "2016-03-02", &first, place(900_000));
    let truce = room.truce();
    assert_eq!(
        truce.sites[&first].gaps(at)[&sign("RU")],
        [Step::ReadBack],
        "another place was repeated"
    );
    room.say(
        "RU",
        "2016-03-02T11:00:00Z",
        "read_back/1",
        &[&first],
        json!({"words": "x", "place": place(0)}),
    );
    let truce = room.truce();
    assert!(truce.sites[&first].gaps(at).is_empty());
    let before = utc("2016-03-02T09:15:00Z");
    assert_eq!(
        truce.sites[&first].gaps(before)[&sign("RU")],
        [Step::ReadBack, Step::SentDown, Step::ConfirmedBelow],
        "at that time it was so"
    );
    let owed = due_of(&truce, &What::PassDown, "RU", "2016-03-02T09:35:00Z");
    assert_eq!(owed.len(), 1, "sent down is not confirmed from below");
}

#[test]
fn a_later_version_voids_acknowledgements_and_a_debt_that_is_open_runs_on() {
    let mut room = room();
    let first = notify(&mut room, "2016-03-02T08:00:00Z", &["RU", "US"]);
    take(&mut room, "RU", "2016-03-02", &first, place(0));
    room.say(
        "US",
        "2016-03-02T09:00:00Z",
        "receipt/1",
        &[&first],
        json!({}),
    );
    let second = try_say(
        &mut room,
        "HUM",
        "2016-03-03T08:00:00Z",
        "site.notify/1",
        &[&first],
        site(&["RU", "US"]),
    )
    .unwrap();
    room.say(
        "RU",
        "2016-03-03T08:30:00Z",
        "receipt/1",
        &[&second],
        json!({}),
    );
    let truce = room.truce();
    let site = &truce.sites[&first];
    let ru = &site.recipients[&sign("RU")];
    assert!(ru.now.as_ref().unwrap().acknowledged.is_none());
    assert!(ru.acknowledged_earlier.is_some());
    let ru = due_of(&truce, &What::Acknowledgement, "RU", "2016-03-05T00:00:00Z");
    assert_eq!(
        ru[0].due_at,
        Some(utc("2016-03-04T08:30:00Z")),
        "a new clock for a new version"
    );
    let us = due_of(&truce, &What::Acknowledgement, "US", "2016-03-05T00:00:00Z");
    assert_eq!(
        us[0].due_at,
        Some(utc("2016-03-03T09:00:00Z")),
        "what was never acknowledged starts no clock anew"
    );
}

#[test]
fn a_review_that_is_due_drops_nothing_from_avoidance() {
    let mut room = room();
    let first = notify(&mut room, "2016-03-02T08:00:00Z", &["RU"]);
    let late = utc("2016-08-01T00:00:00Z");
    let truce = room.truce();
    assert!(truce.sites[&first].is_review_due(late));
    assert!(truce.sites[&first].is_avoided(late));
    let owed = due_of(&truce, &What::Review, "HUM", "2016-08-01T00:00:00Z");
    assert_eq!(owed[0].urgency, Urgency::Overdue);
    let review = json!({"reviewed_at": "2016-08-02T00:00:00Z", "review_by": "2017-01-01T00:00:00Z", "consents_stand": true,
        "protection": "unchanged"});
    room.say(
        "HUM",
        "2016-08-02T00:00:00Z",
        "site.review/1",
        &[&first],
        review,
    );
    let truce = room.truce();
    assert!(!truce.sites[&first].is_review_due(utc("2016-08-02T00:00:01Z")));
    assert_eq!(
        due_of(&truce, &What::Review, "HUM", "2016-08-03T00:00:00Z")[0].due_at,
        Some(utc("2017-01-01T00:00:00Z"))
    );
}

#[test]
fn an_exact_place_is_for_those_with_consent_by_name_and_for_nobody_else() {
    let mut room = room();
    let mut without = site(&["RU"]);
    without["body"]["consents"] = consents(&["US"]);
    // The room's readers follow the consents; a group for somebody else is made by hand.
    let draft = record::statement::Draft::new("site.notify/1", "2016-03-02T08:00:00Z").unwrap();
    let body = record::audience::Audience::of(["parties".parse().unwrap()]);
    for reader in ["parties", "public", "RU"] {
        let exact = record::audience::Audience::of([reader.parse().unwrap()]);
        let statement = draft
            .clone()
            .group("body", body.clone(), without["body"].clone())
            .unwrap()
            .group("exact", exact, without["exact"].clone())
            .unwrap();
        let refusal = room.try_draft("HUM", statement).unwrap_err();
        assert_eq!(
            (refusal.rule, refusal.field.as_str()),
            ("readers", "exact"),
            "{reader}"
        );
    }
}

/// The hospital that withdraws.
#[test]
fn a_facility_withdraws_without_reason_or_delay_and_stays_protected() {
    let mut room = room();
    let first = notify(&mut room, "2016-03-02T08:00:00Z", &["RU", "US"]);
    take(&mut room, "RU", "2016-03-02", &first, place(0));
    let withdraw = json!({"recipients": ["RU"], "asked_by_site": true, "told": TOLD, "protection": "unchanged"});
    let withdrawal = room.say(
        "HUM",
        "2016-03-10T08:00:00Z",
        "site.withdraw/1",
        &[&first],
        withdraw,
    );
    room.say(
        "RU",
        "2016-03-10T09:00:00Z",
        "receipt/1",
        &[&withdrawal],
        json!({}),
    );
    let now = utc("2016-03-20T00:00:00Z");
    let truce = room.truce();
    let site = &truce.sites[&first];
    assert!(!site.may_release(&sign("RU"), now) && site.may_release(&sign("US"), now));
    assert!(site.is_avoided(now), "others still have it");
    let owed = due_of(&truce, &What::Deletion, "RU", "2016-03-20T00:00:00Z");
    assert_eq!(owed[0].due_at, Some(utc("2016-03-13T09:00:00Z")));
    assert!(
        due_of(&truce, &What::Acknowledgement, "RU", "2016-03-20T00:00:00Z").is_empty(),
        "nothing else is asked of it"
    );

    let attest = json!({"passed_down_recalled": true, "remains": "backup until April"});
    room.say(
        "RU",
        "2016-03-21T00:00:00Z",
        "site.deletion_attest/1",
        &[&withdrawal],
        attest,
    );
    let all = json!({"asked_by_site": true, "told": TOLD, "protection": "unchanged"});
    room.say(
        "HUM",
        "2016-03-22T00:00:00Z",
        "site.withdraw/1",
        &[&first],
        all,
    );
    let truce = room.truce();
    let site = &truce.sites[&first];
    assert_eq!(
        site.recipients[&sign("RU")]
            .deleted
            .as_ref()
            .unwrap()
            .remains
            .as_deref(),
        Some("backup until April")
    );
    assert_eq!(
        site.state(utc("2016-03-23T00:00:00Z")),
        SiteState::Withdrawn
    );
    assert_eq!(site.state(now), SiteState::Submitted);
    assert!(due_of(&truce, &What::Review, "HUM", "2016-09-01T00:00:00Z").is_empty());

    let refusal = try_say(
        &mut room,
        "HUM",
        "2016-03-24T00:00:00Z",
        "site.notify/1",
        &[&first],
        self::site(&["RU"]),
    )
    .unwrap_err();
    assert_eq!(
        (refusal.rule, refusal.field.as_str()),
        ("consent", "body.consents")
    );
    let words = Words {
        kid: DESK,
        kind: "site.notify/1",
        at: "2016-03-24T00:00:00Z",
        about: vec![first],
        groups: self::site(&["RU"]),
    };
    let forced = room.force("HUM", &words);
    assert!(
        matches!(&room.truce().standings[&forced], Standing::Ineffective(why) if why.contains("withdrawn"))
    );
}

#[test]
fn sharing_that_was_stopped_reaches_nobody_new() {
    let mut room = room();
    let first = notify(&mut room, "2016-03-02T08:00:00Z", &["RU"]);
    room.say(
        "HUM",
        "2016-03-03T08:00:00Z",
        "site.stop_sharing/1",
        &[&first],
        json!({"asked_by_site": true, "protection": "unchanged"}),
    );
    let wider = try_say(
        &mut room,
        "HUM",
        "2016-03-04T08:00:00Z",
        "site.notify/1",
        &[&first],
        site(&["RU", "US"]),
    );
    assert_eq!(wider.unwrap_err().rule, "consent");
    let same = try_say(
        &mut room,
        "HUM",
        "2016-03-04T08:00:00Z",
        "site.notify/1",
        &[&first],
        site(&["RU"]),
    )
    .unwrap();
    let of_version = try_say(
        &mut room,
        "HUM",
        "2016-03-05T08:00:00Z",
        "site.notify/1",
        &[&same],
        site(&["RU"]),
    );
    assert_eq!(of_version.unwrap_err().rule, "first_notification");
    let truce = room.truce();
    assert!(truce.sites[&first].may_release(&sign("RU"), utc("2016-03-05T00:00:00Z")));
}

#[test]
fn a_version_reaches_everybody_who_had_an_earlier_one() {
    let mut room = room();
    let first = notify(&mut room, "2016-03-02T08:00:00Z", &["RU", "US"]);
    let narrower = try_say(
        &mut room,
        "HUM",
        "2016-03-03T08:00:00Z",
        "site.notify/1",
        &[&first],
        site(&["US"]),
    );
    let refusal = narrower.unwrap_err();
    assert!(
        refusal.rule == "consent" && refusal.reason.contains("leaves out RU"),
        "{refusal}"
    );
    let withdraw = json!({"recipients": ["RU"], "asked_by_site": true, "told": TOLD, "protection": "unchanged"});
    room.say(
        "HUM",
        "2016-03-03T09:00:00Z",
        "site.withdraw/1",
        &[&first],
        withdraw,
    );
    try_say(
        &mut room,
        "HUM",
        "2016-03-03T10:00:00Z",
        "site.notify/1",
        &[&first],
        site(&["US"]),
    )
    .unwrap();
    let first = move_out(&mut room, "2016-06-19T06:00:00Z", convoy(&["RU", "US"]));
    take(&mut room, "RU", "2016-06-20", &first, place(200_000));
    // Its own door refuses that; another's log may say it all the same.
    let words = Words {
        kid: RELIEF,
        kind: "movement.revise/1",
        at: "2016-06-21T06:00:00Z",
        about: vec![first.clone()],
        groups: convoy(&["US"]),
    };
    room.force("HUM", &words);
    let gaps = room.truce().movements[&first].gaps(utc("2016-06-21T07:00:00Z"));
    assert!(
        gaps.contains_key(&sign("RU")),
        "whom a revision leaves out goes by the old route"
    );
}

#[test]
fn a_contest_goes_to_the_cell_and_changes_no_protection() {
    let mut room = room();
    let first = notify(&mut room, "2016-03-02T08:00:00Z", &["RU"]);
    let before = room.truce().sites[&first].clone();
    let contest = room.say("RU", "2016-03-03T08:00:00Z", "site.contest/1", &[&first],
        json!({"contention": "another_function", "words": "Vehicles were seen", "protection": "unchanged"}));
    let at = utc("2016-03-04T00:00:00Z");
    let truce = room.truce();
    let site = &truce.sites[&first];
    assert_eq!(
        (
            site.is_avoided(at),
            site.state(at),
            site.may_release(&sign("RU"), at)
        ),
        (
            before.is_avoided(at),
            before.state(at),
            before.may_release(&sign("RU"), at)
        )
    );
    room.say(
        "MISSION",
        "2016-03-03T09:00:00Z",
        "receipt/1",
        &[&contest],
        json!({}),
    );
    let owed = due_of(
        &room.truce(),
        &What::Contest,
        "MISSION",
        "2016-03-09T00:00:00Z",
    );
    assert_eq!(
        (owed[0].to.clone(), owed[0].due_at),
        (sign("RU"), None),
        "it waits for the cell, and holds nothing up"
    );
    room.say(
        "MISSION",
        "2016-03-09T09:00:00Z",
        "answer/1",
        &[&contest],
        json!({"reply": "words", "words": "Visited: it is a hospital", "language": "en"}),
    );
    assert!(
        due_of(
            &room.truce(),
            &What::Contest,
            "MISSION",
            "2016-03-10T00:00:00Z"
        )
        .is_empty()
    );
}

/// The leaked list.
#[test]
fn an_exposure_freezes_release_warns_owners_within_the_hour_and_opens_consent_anew() {
    let mut room = room();
    let first = notify(&mut room, "2016-03-02T08:00:00Z", &["RU", "US"]);
    let other = notify(&mut room, "2016-03-02T08:00:00Z", &["RU"]);
    let leak = json!({"discovery": "published", "since": "2016-06-19T00:00:00Z", "known_readers": ["a newspaper"],
        "unknown": "Who took it", "protection": "unchanged"});
    let exposure = room.say(
        "MISSION",
        "2016-06-20T08:00:00Z",
        "exposure.declare/1",
        &[&first],
        leak,
    );
    let now = utc("2016-06-20T08:30:00Z");
    let truce = room.truce();
    let site = &truce.sites[&first];
    assert!(site.frozen(now).is_some() && !site.may_release(&sign("US"), now));
    assert!(
        site.may_release(&sign("US"), utc("2016-06-20T07:59:00Z")),
        "before, it was not frozen"
    );
    assert!(site.is_avoided(now), "it stays avoided");
    for reader in ["US", "RU", "MISSION"] {
        let held = site.held_back(&sign(reader), now);
        assert_eq!(held, Some(HeldBack::Frozen(exposure.clone())), "{reader}");
    }
    assert_eq!(site.held_back(&sign("HUM"), now), None, "it is its own");
    assert!(truce.sites[&other].frozen(now).is_none());
    assert_eq!(truce.exposures[&exposure].not_warned(now), [&sign("HUM")]);
    let owed = due_of(
        &truce,
        &What::OwnerWarning,
        "MISSION",
        "2016-06-20T09:00:00Z",
    );
    assert_eq!(
        (owed[0].urgency, owed[0].to.clone()),
        (Urgency::Overdue, sign("HUM")),
        "one hour by default"
    );
    let consent = due_of(&truce, &What::Consent, "HUM", "2016-06-20T09:00:00Z");
    assert_eq!(
        consent[0].urgency,
        Urgency::Unreachable,
        "who was not warned decides nothing"
    );

    room.say(
        "HUM",
        "2016-06-20T09:10:00Z",
        "receipt/1",
        &[&exposure],
        json!({}),
    );
    let truce = room.truce();
    assert_eq!(
        truce.exposures[&exposure]
            .not_warned(utc("2016-06-20T09:20:00Z"))
            .len(),
        1,
        "a receipt is no person"
    );
    room.say(
        "HUM",
        "2016-06-20T09:20:00Z",
        "acknowledge/1",
        &[&exposure],
        json!({}),
    );
    let review = json!({"reviewed_at": "2016-06-20T10:00:00Z", "review_by": "2016-12-01T00:00:00Z", "consents_stand": true, "protection": "unchanged"});
    room.say(
        "HUM",
        "2016-06-20T10:00:00Z",
        "site.review/1",
        &[&first],
        review,
    );
    let truce = room.truce();
    assert!(
        truce.exposures[&exposure]
            .not_warned(utc("2016-06-20T09:30:00Z"))
            .is_empty()
    );
    assert!(
        truce.sites[&first]
            .frozen(utc("2016-06-20T10:01:00Z"))
            .is_none()
    );
    assert!(
        truce.sites[&first].frozen(now).is_some(),
        "at that time it was frozen"
    );
}

#[test]
fn what_was_said_in_the_moment_of_an_exposure_decides_nothing() {
    let mut room = room();
    let moment = "2016-03-02T08:00:00Z";
    let first = notify(&mut room, moment, &["RU"]);
    let leak = json!({"discovery": "lost", "since": "2016-03-01T00:00:00Z", "unknown": "Who has it", "protection": "unchanged"});
    room.say("MISSION", moment, "exposure.declare/1", &[&first], leak);
    let frozen = |room: &Room| {
        room.truce().sites[&first]
            .frozen(utc("2016-03-03T00:00:00Z"))
            .is_some()
    };
    assert!(
        frozen(&room),
        "it was notified, and nobody had decided anew"
    );
    let review = json!({"reviewed_at": moment, "review_by": "2016-09-02T00:00:00Z", "consents_stand": true, "protection": "unchanged"});
    room.say(
        "HUM",
        "2016-03-02T08:00:00.001Z",
        "site.review/1",
        &[&first],
        review,
    );
    assert!(!frozen(&room));
}

#[test]
fn who_reads_nothing_of_a_site_is_warned_of_its_exposure_all_the_same() {
    let mut room = room();
    let leak = json!({"discovery": "lost", "since": "2016-06-19T00:00:00Z", "unknown": "Everything else", "protection": "unchanged"});
    let exposure = room.say(
        "RU",
        "2016-06-20T08:00:00Z",
        "exposure.declare/1",
        &[&support::nowhere("HUM")],
        leak.clone(),
    );
    let truce = room.truce();
    assert_eq!(truce.standings[&exposure], Standing::Effective);
    assert_eq!(
        truce.exposures[&exposure].not_warned(utc("2016-06-20T08:00:00Z")),
        [&sign("HUM")]
    );
    assert_eq!(
        room.refusal("RU", DESK, "exposure.declare/1", &[], leak)
            .rule,
        "about"
    );
}

/// Failure 7 and 8: the route was approved, and those below did not have it.
#[test]
fn a_convoy_that_leaves_with_gaps_says_so() {
    let mut room = room();
    let first = move_out(&mut room, "2016-06-19T06:00:00Z", convoy(&["RU", "US"]));
    take(&mut room, "RU", "2016-06-20", &first, place(200_000));
    room.say(
        "US",
        "2016-06-20T09:00:00Z",
        "receipt/1",
        &[&first],
        json!({}),
    );
    room.say(
        "US",
        "2016-06-20T09:30:00Z",
        "acknowledge/1",
        &[&first],
        json!({}),
    );
    let truce = room.truce();
    let movement = &truce.movements[&first];
    let gaps = movement.gaps(utc("2016-06-22T05:00:00Z"));
    assert_eq!(
        gaps.len(),
        1,
        "before it leaves, it is seen who has not passed it down"
    );
    assert_eq!(
        gaps[&sign("US")],
        [Step::ReadBack, Step::SentDown, Step::ConfirmedBelow]
    );
    assert!(movement.late(movement.current()).is_none());
    let owed = due_of(&truce, &What::PassDown, "US", "2016-06-21T09:00:00Z");
    assert_eq!(owed[0].urgency, Urgency::Overdue);
    room.say(
        "HUM",
        "2016-06-22T06:10:00Z",
        "movement.depart/1",
        &[&first],
        json!({"departed_at": "2016-06-22T06:10:00Z", "persons": 12}),
    );
    room.say(
        "US",
        "2016-06-22T06:20:00Z",
        "pass_down/1",
        &[&first],
        json!({"step": "confirmed_below", "to": "drones"}),
    );
    let truce = room.truce();
    let gaps = truce.movements[&first].gaps_at_departure().unwrap();
    assert!(
        gaps[&sign("US")].contains(&Step::ConfirmedBelow),
        "what comes after departure was missing at departure"
    );
}

#[test]
fn whoever_lets_a_convoy_go_is_warned_of_gaps_before_it_leaves() {
    let mut room = room();
    let first = move_out(&mut room, "2016-06-19T06:00:00Z", convoy(&["RU", "US"]));
    take(&mut room, "RU", "2016-06-20", &first, place(200_000));
    let gaps = |room: &Room, now: &str| due_of(&room.truce(), &What::Gaps, "HUM", now);
    let warned = gaps(&room, "2016-06-22T04:00:00Z");
    assert_eq!(warned.len(), 1);
    assert_eq!(warned[0].urgency, Urgency::Overdue, "two hours before");
    assert_eq!(
        gaps(&room, "2016-06-22T03:59:59Z")[0].urgency,
        Urgency::Open
    );
    take(&mut room, "US", "2016-06-21", &first, place(200_000));
    assert!(gaps(&room, "2016-06-22T04:00:00Z").is_empty());

    // A version opens them anew, and departure ends the warning: from there on they stand on the sheet.
    let revise: &[&Reference] = &[&first];
    let later = convoy(&["RU", "US"]);
    try_say(
        &mut room,
        "HUM",
        "2016-06-22T05:00:00Z",
        "movement.revise/1",
        revise,
        later,
    )
    .unwrap();
    let warned = gaps(&room, "2016-06-22T05:00:00Z");
    assert_eq!(warned[0].urgency, Urgency::Overdue, "said after that time");
    let left = json!({"departed_at": "2016-06-22T06:00:00Z", "persons": 12});
    room.say(
        "HUM",
        "2016-06-22T06:00:00Z",
        "movement.depart/1",
        revise,
        left,
    );
    assert!(gaps(&room, "2016-06-22T06:00:01Z").is_empty());
    let truce = room.truce();
    assert_eq!(
        truce.movements[&first].gaps_at_departure().unwrap().len(),
        2
    );
}

#[test]
fn late_notice_is_flagged_and_never_refused() {
    let mut room = room();
    let first = move_out(&mut room, "2016-06-21T06:00:00Z", convoy(&["RU"]));
    let mut emergency = convoy(&["RU"]);
    emergency["body"]["emergency"] = true.into();
    let second = move_out(&mut room, "2016-06-21T06:00:00Z", emergency);
    let truce = room.truce();
    let late = |of: &Reference| truce.movements[of].late(truce.movements[of].current());
    assert_eq!(
        late(&first).map(|late| (late.owed_ms, late.given_ms)),
        Some((48 * 3_600_000, 24 * 3_600_000))
    );
    assert_eq!(late(&second), None, "24 hours are enough in an emergency");
    assert_eq!(truce.movements[&first].not_told, [sign("US")]);
}

#[test]
fn a_revision_is_a_linked_version_and_voids_acknowledgements_of_earlier_ones() {
    let mut room = room();
    let first = move_out(&mut room, "2016-06-19T06:00:00Z", convoy(&["RU"]));
    take(&mut room, "RU", "2016-06-20", &first, place(200_000));
    let mut other = convoy(&["RU"]);
    other["body"]["reason"] = "The bridge is closed".into();
    let second = try_say(
        &mut room,
        "HUM",
        "2016-06-21T06:00:00Z",
        "movement.revise/1",
        &[&first],
        other,
    )
    .unwrap();
    let truce = room.truce();
    let movement = &truce.movements[&first];
    assert_eq!(movement.versions.len(), 2);
    assert_eq!(
        movement.gaps(utc("2016-06-21T07:00:00Z"))[&sign("RU")],
        ALL_STEPS
    );
    assert!(movement.gaps(utc("2016-06-21T05:00:00Z")).is_empty());
    assert!(
        movement.late(movement.current()).is_some(),
        "and the new route has its own notice"
    );
    assert_eq!(movement.current().reference, second);
}

/// The convoy that was turned back.
#[test]
fn a_missed_check_in_climbs_to_distress_and_a_sign_of_life_ends_it() {
    let mut room = room();
    let first = move_out(&mut room, "2016-06-19T06:00:00Z", convoy(&["RU"]));
    let mut say = |at: &str, kind: &str, body: Value| {
        room.say("HUM", &format!("2016-06-22T{at}Z"), kind, &[&first], body)
    };
    say(
        "06:10:00",
        "movement.depart/1",
        json!({"departed_at": "2016-06-22T06:10:00Z", "persons": 12}),
    );
    say(
        "07:50:00",
        "movement.check_in/1",
        json!({"at": "2016-06-22T07:50:00Z", "point": "gate"}),
    );
    say(
        "08:20:00",
        "movement.denied/1",
        json!({"at": "2016-06-22T08:20:00Z", "where_words": "Northern gate", "next_check_in": "2016-06-22T08:50:00Z"}),
    );
    let truce = room.truce();
    let state = |at: &str| truce.movements[&first].state(utc(&format!("2016-06-22T{at}Z")));
    let is = |stage, phase| MovementState { stage, phase };
    assert_eq!(state("06:00:00"), is(Stage::Notified, Phase::Normal));
    assert_eq!(
        state("08:10:00"),
        is(Stage::Underway, Phase::Normal),
        "it had checked in early, at the gate"
    );
    assert_eq!(state("08:49:59"), is(Stage::Denied, Phase::Normal));
    assert_eq!(state("08:50:00"), is(Stage::Denied, Phase::Missed));
    assert_eq!(state("09:05:00"), is(Stage::Denied, Phase::Uncertainty));
    assert_eq!(state("09:20:00"), is(Stage::Denied, Phase::Alert));
    assert_eq!(
        state("10:30:00"),
        is(Stage::Denied, Phase::Distress),
        "the plan is off: only the new time counts"
    );
    let overdue = |now: &str| {
        let items = truce.due(utc(&format!("2016-06-22T{now}Z"))).into_iter();
        let own = items.filter(|item| item.by == sign("HUM") && item.urgency == Urgency::Overdue);
        own.map(|item| (item.what, item.due_at.unwrap().to_string()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        overdue("09:20:00"),
        [
            (What::CheckIn(None), "2016-06-22T08:50:00Z".into()),
            (What::Uncertainty(None), "2016-06-22T09:05:00Z".into()),
            (What::Alert(None), "2016-06-22T09:20:00Z".into()),
        ]
    );
    let mut say = |at: &str, kind: &str, body: Value| {
        room.say("HUM", &format!("2016-06-22T{at}Z"), kind, &[&first], body)
    };
    say(
        "10:40:00",
        "movement.turn_back/1",
        json!({"at": "2016-06-22T10:40:00Z", "reason": "Not let through", "next_check_in": "2016-06-22T11:40:00Z"}),
    );
    say(
        "11:30:00",
        "movement.arrive/1",
        json!({"at": "2016-06-22T11:30:00Z", "delivered": false}),
    );
    let truce = room.truce();
    let later = utc("2016-06-23T00:00:00Z");
    assert_eq!(
        truce.movements[&first].state(later),
        is(Stage::Arrived, Phase::Normal)
    );
    let closing = due_of(&truce, &What::Closing, "HUM", "2016-06-23T00:00:00Z");
    assert_eq!(
        closing[0].to,
        sign("MISSION"),
        "its sheet is open until all are accounted for"
    );
    room.say(
        "HUM",
        "2016-06-22T12:00:00Z",
        "movement.close/1",
        &[&first],
        json!({"at": "2016-06-22T12:00:00Z", "persons": 12, "accounted_for": 12}),
    );
    let truce = room.truce();
    assert_eq!(truce.movements[&first].state(later).stage, Stage::Closed);
    assert!(
        truce.due(later).iter().all(|item| item.about != first),
        "nothing is owed of what is closed"
    );
}

#[test]
fn what_cannot_be_said_now_is_refused_with_what_can() {
    let mut room = room();
    let first = move_out(&mut room, "2016-06-19T06:00:00Z", convoy(&["RU"]));
    let refusal = room.refusal(
        "HUM",
        DESK,
        "movement.check_in/1",
        &[&first],
        json!({"at": "2016-06-20T00:00:00Z"}),
    );
    assert_eq!(refusal.rule, "sequence");
    assert!(
        refusal.reason.contains("movement.depart") && refusal.reason.contains("movement.abort"),
        "{refusal}"
    );
    let words = Words {
        kid: RELIEF,
        kind: "movement.arrive/1",
        at: "2016-06-20T00:00:00Z",
        about: vec![first.clone()],
        groups: json!({"body": {"at": "2016-06-20T00:00:00Z", "delivered": true}}),
    };
    room.force("HUM", &words);
    let truce = room.truce();
    assert_eq!(
        truce.movements[&first]
            .state(utc("2016-06-21T00:00:00Z"))
            .stage,
        Stage::Notified,
        "another's log may say it; it counts for nothing"
    );
    assert_eq!(truce.movements[&first].way.events.len(), 1, "and is shown");
    room.say(
        "HUM",
        "2016-06-21T00:00:00Z",
        "movement.abort/1",
        &[&first],
        json!({"reason": "Nobody at the gate knows", "protection": "unchanged"}),
    );
    let refusal = room.refusal(
        "HUM",
        DESK,
        "movement.depart/1",
        &[&first],
        json!({"departed_at": "2016-06-22T06:00:00Z", "persons": 12}),
    );
    assert!(
        refusal.reason.contains("notify a new movement"),
        "{refusal}"
    );
    assert_eq!(
        room.refusal(
            "HUM",
            NOBODY,
            "movement.abort/1",
            &[&first],
            json!({"reason": "x", "protection": "unchanged"})
        )
        .rule,
        "office"
    );
}

#[test]
fn nobody_fills_a_country_with_movements_that_are_open() {
    let mut room = room();
    let at = "2016-06-19T06:00:00Z";
    let open: Vec<Reference> = (0..truce::movements::OPEN_MOVEMENTS_MAX)
        .map(|_| move_out(&mut room, at, convoy(&["RU"])))
        .collect();
    let one_more =
        |room: &mut Room| try_say(room, "HUM", at, "movement.notify/1", &[], convoy(&["RU"]));
    let refusal = one_more(&mut room).unwrap_err();
    assert_eq!(refusal.rule, "open_movements");
    let oldest = format!("entry {}", open[0].index);
    assert!(refusal.reason.contains(&oldest), "{refusal}");
    // A later version is none more, and what is over makes room.
    let revise = |reason: &str| {
        let mut groups = convoy(&["RU"]);
        groups["body"]["reason"] = reason.into();
        groups
    };
    let about: &[&Reference] = &[&open[0]];
    try_say(
        &mut room,
        "HUM",
        at,
        "movement.revise/1",
        about,
        revise("Later"),
    )
    .unwrap();
    let abort = json!({"body": {"reason": "The road is closed", "protection": "unchanged"}});
    try_say(&mut room, "HUM", at, "movement.abort/1", about, abort).unwrap();
    one_more(&mut room).unwrap();
    assert_eq!(one_more(&mut room).unwrap_err().rule, "open_movements");
}

#[test]
fn whoever_had_a_route_is_told_of_the_next_one_at_the_door() {
    let mut room = room();
    let at = "2016-06-19T06:00:00Z";
    let first = move_out(&mut room, at, convoy(&["RU", "US"]));
    let mut revise = |to: &[&str]| {
        let mut groups = convoy(to);
        groups["body"]["reason"] = "By the eastern road".into();
        try_say(&mut room, "HUM", at, "movement.revise/1", &[&first], groups)
    };
    let refusal = revise(&["RU"]).unwrap_err();
    assert_eq!(
        (refusal.rule, refusal.field.as_str()),
        ("recipients", "body.to")
    );
    assert!(refusal.reason.contains("leaves out US"), "{refusal}");
    revise(&["RU", "US", "TR"]).unwrap();
    assert!(revise(&["RU", "US"]).is_err(), "and whoever came later too");
    revise(&["TR", "US", "RU"]).unwrap();
}

#[test]
fn a_movement_is_no_reservation_of_a_road_or_a_region() {
    let mut room = room();
    let at = "2016-06-19T06:00:00Z";
    let mut month = convoy(&["RU"]);
    month["body"]["until"] = "2016-07-22T06:00:00.001Z".into();
    let refused = try_say(
        &mut room,
        "HUM",
        at,
        "movement.notify/1",
        &[],
        month.clone(),
    );
    assert_eq!(refused.unwrap_err().field, "body.until");
    month["body"]["until"] = "2016-07-22T06:00:00Z".into();
    let mut wide = month.clone();
    wide["exact"]["legs"][0]["radius_m"] = 10_001.into();
    let refused = try_say(&mut room, "HUM", at, "movement.notify/1", &[], wide);
    assert_eq!(refused.unwrap_err().field, "exact.legs[0].radius_m");
    move_out(&mut room, at, month);
}

#[test]
fn a_live_place_is_shown_only_when_somebody_pressed_for_it() {
    let mut room = room();
    let first = move_out(&mut room, "2016-06-19T06:00:00Z", convoy(&["RU"]));
    let depart = json!({"departed_at": "2016-06-22T06:10:00Z", "persons": 12});
    room.say(
        "HUM",
        "2016-06-22T06:10:00Z",
        "movement.depart/1",
        &[&first],
        depart,
    );
    room.say(
        "HUM",
        "2016-06-22T08:00:00Z",
        "movement.check_in/1",
        &[&first],
        json!({"at": "2016-06-22T08:00:00Z"}),
    );
    let truce = room.truce();
    let now = utc("2016-06-22T09:00:00Z");
    let age_ms = now.0 - utc("2016-06-19T06:00:00Z").0;
    assert_eq!(
        truce.movements[&first].shown(now),
        Shown::Leg {
            leg: 1,
            version: first.clone(),
            age_ms
        }
    );
    assert_eq!(
        truce.movements[&first].shown(utc("2016-06-22T06:00:00Z")),
        Shown::Nothing
    );
    let pressed = json!({"body": {"at": "2016-06-22T09:30:00Z"}, "exact": {"place": place(7), "at": "2016-06-22T09:29:00Z", "press": "deliberate"}});
    try_say(
        &mut room,
        "HUM",
        "2016-06-22T09:30:00Z",
        "movement.check_in/1",
        &[&first],
        pressed,
    )
    .unwrap();
    let truce = room.truce();
    let shown = truce.movements[&first].shown(utc("2016-06-22T09:30:00Z"));
    assert!(
        matches!(shown, Shown::Live { age_ms: 60_000, .. }),
        "{shown:?}"
    );
}

#[test]
fn the_clocks_of_sites_and_movements_are_the_agreement_s() {
    let mut room = room();
    let mut amended = json!(null);
    for (_, statement) in &room.said {
        if statement
            .kind()
            .is_some_and(|kind| kind.name == "instrument.table")
        {
            amended = statement.content("body").unwrap().clone();
        }
    }
    amended["protection"] = json!({"movement_notice_s": 72 * 3600, "uncertainty_after_s": 300, "alert_after_s": 60, "warn_owners_within_s": 600,
        "near_m": 400});
    amended["version"] = 2.into();
    amended["accept_by"] = "2016-06-01T00:00:00Z".into();
    let table = room
        .said
        .iter()
        .find(|(_, s)| s.kind().is_some_and(|k| k.name == "instrument.table"))
        .unwrap();
    let first = Reference {
        origin: table.1.leaf().log.origin.clone(),
        index: table.0,
        leaf: table.1.leaf().hash(),
    };
    let second = room.say(
        "RU",
        "2016-05-01T00:00:00Z",
        "instrument.table/1",
        &[&first],
        amended,
    );
    room.say(
        "US",
        "2016-05-02T00:00:00Z",
        "instrument.accept/1",
        &[&second],
        json!({"text_sha256": support::sha()}),
    );
    let movement = move_out(&mut room, "2016-06-19T12:00:00Z", convoy(&["RU"]));
    let truce = room.truce();
    let movement = &truce.movements[&movement];
    assert!(
        movement.late(movement.current()).is_some(),
        "66 hours are less than 72"
    );
    assert_eq!(
        (
            movement.clocks.uncertainty_after_ms,
            movement.clocks.alert_after_ms
        ),
        (300_000, 300_000),
        "alert is never before uncertainty"
    );
    assert_eq!(
        movement.clocks.emergency_notice_ms,
        24 * 3_600_000,
        "what is not named has the default"
    );
    let near_m = |at: &str| truce::notified::near_m(&truce.agreement, utc(at));
    assert_eq!(
        (
            near_m("2016-04-01T00:00:00Z"),
            near_m("2016-06-19T12:00:00Z")
        ),
        (1_000, 400),
        "what is near, too"
    );
}

#[test]
fn a_neutral_s_sight_of_a_head_is_no_receipt_of_a_notice() {
    let mut room = room();
    let first = notify(&mut room, "2016-03-02T08:00:00Z", &["RU"]);
    let head = json!({"heads": [{"origin": first.origin.to_string(), "size": first.index + 1, "root": support::sha()}]});
    room.say("MISSION", "2016-03-02T09:00:00Z", "head.seen/1", &[], head);
    let checked = json!({"checks": ["call"], "checked_at": "2016-03-02T10:00:00Z"});
    room.say(
        "MISSION",
        "2016-03-02T10:00:00Z",
        "site.validate/1",
        &[&first],
        checked,
    );
    let truce = room.truce();
    let reception = truce.sites[&first].recipients[&sign("RU")]
        .now
        .as_ref()
        .unwrap();
    assert_eq!(
        reception.delivery,
        Delivery::SentNoReceipt(utc("2016-03-02T09:00:00Z"))
    );
    let owed = due_of(&truce, &What::Acknowledgement, "RU", "2016-03-03T09:00:00Z");
    assert_eq!(
        (owed[0].urgency, owed[0].received),
        (Urgency::Overdue, false),
        "its clock runs all the same"
    );
    let counting = &truce::notified::of_site(&truce.sites[&first])[0];
    assert!(counting.steps.is_empty(), "RU did not say that it has it");
}

/// A plain ruler for tests: near is within 0.01 degree of latitude, and of an uncertainty of 10 km and more nothing is known.
fn near(truce: &Truce, counting: &Counting, file: &ReportFile) -> Option<Nearness> {
    let exact = file.exact.as_ref()?;
    if exact
        .uncertainty_m
        .is_some_and(|metres| metres.get() >= 10_000)
    {
        return Some(Nearness::Indeterminate);
    }
    let at = file.body.from.utc();
    let site = truce.sites.get(&counting.notice).into_iter();
    let site = site.flat_map(|site| &site.versions);
    let site = site.filter(|version| version.reference == counting.version);
    let mut places: Vec<i64> = site
        .filter_map(|version| Some(version.notice.exact.as_ref()?.place.lat_e7.get()))
        .collect();
    let movement = truce.movements.get(&counting.notice).into_iter();
    for version in movement.flat_map(|movement| &movement.versions) {
        let legs = version
            .notice
            .exact
            .iter()
            .flat_map(|exact| exact.legs.iter());
        let legs = legs.filter(|leg| leg.from_at.utc() <= at && at <= leg.to_at.utc());
        places.extend(legs.flat_map(|leg| [leg.from.lat_e7.get(), leg.to.lat_e7.get()]));
    }
    let place = exact.place.as_ref()?.lat_e7.get();
    Some(match places.iter().map(|lat| (lat - place).abs()).min() {
        Some(0) => Nearness::Inside,
        Some(away) if away <= 100_000 => Nearness::Near,
        _ => Nearness::Clear,
    })
}

fn report(room: &mut Room, from: &str, place: Option<Value>) -> Reference {
    let body = json!({"category": "air_strike", "from": from, "until": from, "date_precision": 1, "means": ["seen"],
        "pcodes": ["SY0200"], "place_precision": 2});
    let mut groups = json!({"body": body});
    if let Some(place) = place {
        groups["exact"] = json!({"place": place, "uncertainty_m": 100});
    }
    try_say(
        room,
        "MISSION",
        "2016-09-01T00:00:00Z",
        "report.file/1",
        &[],
        groups,
    )
    .unwrap()
}

fn year(truce: &Truce) -> Cases {
    let mut counting: Vec<Counting> = truce.sites.values().flat_map(of_site).collect();
    counting.extend(truce.movements.values().flat_map(of_movement));
    let happened = truce.reports.iter().map(|(report, file)| {
        let each = counting.iter().enumerate();
        let near = each.map(|(n, counting)| Some((n, near(truce, counting, file)?)));
        Happened {
            report: report.clone(),
            from: file.body.from.utc(),
            near: near.collect(),
        }
    });
    let year = (utc("2016-01-01T00:00:00Z"), utc("2017-01-01T00:00:00Z"));
    cases(&counting, &happened.collect::<Vec<_>>(), year)
}

/// Failure 9: notified places are hit, and nobody links the two.
#[test]
fn what_was_delivered_and_validated_before_it_was_hit_is_a_candidate_and_nothing_else_is() {
    let mut room = room();
    let first = notify(&mut room, "2016-03-02T08:00:00Z", &["RU", "US"]);
    take(&mut room, "RU", "2016-03-02", &first, place(0));
    room.say(
        "US",
        "2016-06-10T00:00:00Z",
        "receipt/1",
        &[&first],
        json!({}),
    );
    let early = report(&mut room, "2016-03-02T10:00:00Z", Some(place(0)));
    let checked = json!({"checks": ["call"], "checked_at": "2016-03-03T10:00:00Z"});
    room.say(
        "MISSION",
        "2016-03-03T10:00:00Z",
        "site.validate/1",
        &[&first],
        checked,
    );
    let inside = report(&mut room, "2016-06-01T00:00:00Z", Some(place(0)));
    let later = report(&mut room, "2016-06-11T00:00:00Z", Some(place(90_000)));
    let elsewhere = report(&mut room, "2016-06-11T00:00:00Z", Some(place(900_000)));
    let somewhere = report(&mut room, "2016-06-11T00:00:00Z", None);
    let vague = {
        let body = json!({"category": "explosion", "from": "2016-06-12T00:00:00Z", "until": "2016-06-12T01:00:00Z",
            "date_precision": 1, "means": ["heard"], "pcodes": ["SY0200"], "place_precision": 4});
        let groups =
            json!({"body": body, "exact": {"place": place(900_000), "uncertainty_m": 50_000}});
        try_say(
            &mut room,
            "MISSION",
            "2016-09-01T00:00:00Z",
            "report.file/1",
            &[],
            groups,
        )
        .unwrap()
    };
    let found = year(&room.truce());
    let of = |report: &Reference| found.candidates.iter().find(|c| c.report == *report);
    assert!(of(&early).is_none(), "before it was validated");
    assert!(of(&elsewhere).is_none() && of(&somewhere).is_none());
    assert_eq!(of(&inside).unwrap().nearness, Nearness::Inside);
    assert!(of(&inside).unwrap().had[&sign("RU")].passed_down);
    assert!(
        !of(&inside).unwrap().had.contains_key(&sign("US")),
        "US got it later"
    );
    let had = of(&later).unwrap().had[&sign("US")];
    assert!(
        !had.acknowledged && !had.passed_down,
        "received is not read"
    );
    assert_eq!(
        of(&vague).unwrap().nearness,
        Nearness::Indeterminate,
        "the doubt is for those who are protected"
    );
    assert_eq!(
        (
            found.reports,
            found.reports_not_placed,
            found.notices,
            found.notices_not_placed
        ),
        (6, 1, 1, 0),
        "a case stands beside what it is a case of"
    );
    let counted = |name: &str| found.of[&sign(name)];
    assert_eq!(
        (
            counted("RU").notices,
            counted("RU").hit,
            counted("RU").hit_though_passed_down
        ),
        (1, 1, 1)
    );
    assert_eq!(
        (
            counted("US").notices,
            counted("US").hit,
            counted("US").hit_though_passed_down
        ),
        (1, 1, 0)
    );
}

#[test]
fn a_convoy_that_is_hit_on_its_notified_leg_is_a_candidate_until_it_arrived() {
    let mut room = room();
    let first = move_out(&mut room, "2016-06-19T06:00:00Z", convoy(&["RU"]));
    take(&mut room, "RU", "2016-06-20", &first, place(200_000));
    let depart = json!({"departed_at": "2016-06-22T06:10:00Z", "persons": 12});
    room.say(
        "HUM",
        "2016-06-22T06:10:00Z",
        "movement.depart/1",
        &[&first],
        depart,
    );
    let on_the_leg = report(&mut room, "2016-06-22T07:00:00Z", Some(place(0)));
    room.say(
        "HUM",
        "2016-06-22T08:00:00Z",
        "movement.arrive/1",
        &[&first],
        json!({"at": "2016-06-22T08:00:00Z", "delivered": true}),
    );
    report(&mut room, "2016-06-22T08:30:00Z", Some(place(100_000)));
    let found = year(&room.truce());
    let reports: Vec<&Reference> = found.candidates.iter().map(|c| &c.report).collect();
    assert_eq!(reports, [&on_the_leg]);
}
