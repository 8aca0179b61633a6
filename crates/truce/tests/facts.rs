//! Facts of the profession, each told as it happened and as it is answered here.

mod support;

use record::statement::Statement;
use serde_json::{Value, json};
use support::{DESK, NOBODY, RELIEF, Room, Words, nowhere, sha, sign, utc};
use truce::agreement::{Actor, Answer as Covers, InstrumentState, Precedence};
use truce::areas;
use truce::claims::{Arithmetic, Relation};
use truce::contact::{Delivery, PartState, Step};
use truce::due::{Item, Urgency, What};
use truce::incidents::{NamedActors, Report};
use truce::participants::Office;
use truce::responses::Reply;
use truce::values::Position;
use truce::wire::{Place, Wire as _};
use truce::{Standing, Statements, Truce};

fn room() -> Room {
    let mut room = Room::of(&["RU", "US", "MISSION"]);
    room.bind();
    room
}

fn flash(to: &[&str]) -> Value {
    json!({"precedence": "FLASH", "to": to, "place": {"lat_e7": 353_000_000, "lon_e7": 401_000_000},
        "happening": "still_happening"})
}

fn message(precedence: &str, to: &[&str]) -> Value {
    json!({"precedence": precedence, "to": to, "words": "Who flew there?", "language": "en"})
}

fn due_of(truce: &Truce, what: &What, by: &str, now: &str) -> Vec<Item> {
    truce
        .due(utc(now))
        .into_iter()
        .filter(|item| item.what == *what && item.by == sign(by))
        .collect()
}

/// An area of 0.2 by 0.2 degrees, about 400 km².
fn designation(to: &str) -> Value {
    let corner = |lat: i64, lon: i64| json!({"lat_e7": lat, "lon_e7": lon});
    json!({"name": "North-east of Aleppo", "purpose": "held_by_excluded_group", "held_by": "nusra", "to": [to],
        "polygon": [corner(362_000_000, 372_000_000), corner(364_000_000, 372_000_000), corner(364_000_000, 374_000_000),
            corner(362_000_000, 374_000_000)],
        "basis": "Own reconnaissance", "valid_from": "2016-03-21T00:00:00Z", "valid_until": "2016-04-20T00:00:00Z"})
}

#[test]
fn coordinates_that_stay_unanswered_for_90_days_are_90_days_overdue() {
    let mut room = room();
    let area = room.say(
        "RU",
        "2016-03-21T09:00:00Z",
        "area.designate/1",
        &[],
        designation("US"),
    );
    room.say(
        "US",
        "2016-03-21T09:00:30Z",
        "receipt/1",
        &[&area],
        json!({}),
    );
    room.say(
        "US",
        "2016-04-02T12:00:00Z",
        "area.respond/1",
        &[&area],
        json!({"response": "under_consultation"}),
    );
    let truce = room.truce();
    let before = due_of(&truce, &What::AreaResponse, "US", "2016-03-22T09:00:29Z");
    assert_eq!(before[0].urgency, Urgency::Open);
    let items = due_of(&truce, &What::AreaResponse, "US", "2016-06-20T09:00:30Z");
    assert_eq!(items[0].urgency, Urgency::Overdue);
    assert_eq!(
        items[0].overdue_ms(utc("2016-06-20T09:00:30Z")) / 86_400_000,
        90
    );
    assert!(
        items[0].holding.is_some(),
        "the holding reply is shown and stops nothing"
    );
    assert_eq!(
        truce.areas.areas[&area].agreed(),
        areas::Agreed::Open,
        "silence is never consent"
    );
}

#[test]
fn the_reverse_is_seen_alike() {
    let mut room = room();
    let area = room.say(
        "US",
        "2016-03-21T09:00:00Z",
        "area.designate/1",
        &[],
        designation("RU"),
    );
    room.say(
        "RU",
        "2016-03-21T09:00:30Z",
        "receipt/1",
        &[&area],
        json!({}),
    );
    let items = due_of(
        &room.truce(),
        &What::AreaResponse,
        "RU",
        "2016-06-20T09:00:30Z",
    );
    assert_eq!(
        (items[0].urgency, items[0].to.clone()),
        (Urgency::Overdue, sign("US"))
    );
}

/// Failure 1: a caller waited 27 minutes for his usual contact while strikes fell.
#[test]
fn any_officer_takes_a_flash_and_five_minutes_without_an_answer_are_overdue() {
    let mut room = room();
    let call = room.say(
        "US",
        "2016-09-17T14:00:00Z",
        "message.send/1",
        &[],
        flash(&["RU"]),
    );
    room.say(
        "RU",
        "2016-09-17T14:00:10Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    let late = room.truce();
    assert_eq!(
        due_of(&late, &What::Answer(None), "RU", "2016-09-17T14:05:09Z")[0].urgency,
        Urgency::Open
    );
    assert_eq!(
        due_of(&late, &What::Answer(None), "RU", "2016-09-17T14:05:10Z")[0].urgency,
        Urgency::Overdue
    );
    // Any officer of the office: here the relief's key, while the desk has the watch.
    let words = Words {
        kid: RELIEF,
        kind: "answer/1",
        at: "2016-09-17T14:06:00Z",
        about: vec![call.clone()],
        groups: json!({"body": {"reply": "stop_passed"}}),
    };
    room.try_say("RU", &words).unwrap();
    let truce = room.truce();
    assert!(
        truce.matters[&call].is_open(),
        "only the caller's side closes it"
    );
    assert!(due_of(&truce, &What::Answer(None), "RU", "2016-09-17T14:30:00Z").is_empty());
    let mut stopped = flash(&["RU"]);
    stopped["happening"] = "stopped".into();
    room.say(
        "US",
        "2016-09-17T14:40:00Z",
        "message.send/1",
        &[&call],
        stopped,
    );
    let truce = room.truce();
    assert!(!truce.matters[&call].is_open());
    assert!(due_of(&truce, &What::Flash, "US", "2016-09-17T14:41:00Z").is_empty());
}

#[test]
fn a_flash_needs_a_place_and_nothing_blocks_it() {
    let mut room = room();
    let words = Words {
        kid: NOBODY,
        kind: "message.send/1",
        at: "2016-09-17T14:00:00Z",
        about: vec![],
        groups: json!({"body": flash(&["RU"])}),
    };
    let call = room
        .try_say("US", &words)
        .expect("a key without any office may call");
    assert_eq!(room.truce().standings[&call], Standing::Effective);
    let mut nameless = flash(&["RU"]);
    nameless.as_object_mut().unwrap().remove("place");
    let refusal = room.refusal("US", DESK, "message.send/1", &[], nameless);
    assert_eq!(
        (refusal.rule, refusal.field.as_str()),
        ("form", "body.place")
    );
    let routine = room.refusal(
        "US",
        NOBODY,
        "message.send/1",
        &[],
        message("ROUTINE", &["RU"]),
    );
    assert_eq!(routine.rule, "office");
}

#[test]
fn checking_and_holding_never_stop_the_first_clock() {
    let mut room = room();
    let call = room.say(
        "US",
        "2016-09-17T14:00:00Z",
        "message.send/1",
        &[],
        flash(&["RU"]),
    );
    room.say(
        "RU",
        "2016-09-17T14:00:00Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    room.say(
        "RU",
        "2016-09-17T14:01:00Z",
        "answer/1",
        &[&call],
        json!({"reply": "checking"}),
    );
    room.say(
        "RU",
        "2016-09-17T14:02:00Z",
        "hold/1",
        &[&call],
        json!({"officer": "duty officer", "answer_by": "2016-09-17T20:00:00Z"}),
    );
    let items = due_of(
        &room.truce(),
        &What::Answer(None),
        "RU",
        "2016-09-17T14:05:00Z",
    );
    assert_eq!(
        (items[0].urgency, items[0].due_at),
        (Urgency::Overdue, Some(utc("2016-09-17T14:05:00Z")))
    );
}

#[test]
fn each_recipient_of_a_flash_has_a_clock_of_its_own() {
    let mut room = room();
    let call = room.say(
        "MISSION",
        "2016-09-17T14:00:00Z",
        "message.send/1",
        &[],
        flash(&["RU", "US"]),
    );
    room.say(
        "RU",
        "2016-09-17T14:00:00Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    room.say(
        "US",
        "2016-09-17T14:03:00Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    let truce = room.truce();
    let due_at = |name: &str| truce.matters[&call].recipients[&sign(name)].due_at;
    assert_eq!(due_at("RU"), Some(utc("2016-09-17T14:05:00Z")));
    assert_eq!(due_at("US"), Some(utc("2016-09-17T14:08:00Z")));
}

/// Failure 3: proposals unanswered, then a unilateral deadline.
#[test]
fn a_proposal_without_an_answer_lapses_in_sight_of_all_and_binds_nobody() {
    let mut room = Room::of(&["RU", "US", "MISSION"]);
    let first = room.bind();
    let origin = |name: &str| format!("truce.example/{}", name.to_lowercase());
    let rules = json!({"name": "Monitoring rules", "formality": "joint_procedure", "version": 1, "text_sha256": sha(),
        "text_public": false, "needed": ["RU", "US"], "accept_by": "2016-03-22T00:00:00+03:00",
        "in_force_from": "2016-03-22T00:00:00+03:00", "provisions": [{"id": "a", "title": "Rules", "text_sha256": sha()}],
        "participants": [{"call_sign": "RU", "origin": origin("RU"), "role": "guarantor"},
            {"call_sign": "US", "origin": origin("US"), "role": "guarantor"}]});
    let draft = room.say(
        "RU",
        "2016-03-05T09:00:00Z",
        "instrument.table/1",
        &[],
        rules,
    );
    room.say(
        "US",
        "2016-03-05T09:01:00Z",
        "receipt/1",
        &[&draft],
        json!({}),
    );
    let truce = room.truce();
    let state = |now: &str| truce.agreement.instruments[&draft].at(utc(now));
    assert!(
        matches!(state("2016-03-18T09:00:00Z"), InstrumentState::Tabled { silent, .. } if silent == [sign("US")])
    );
    assert!(matches!(
        state("2016-03-22T09:00:00Z"),
        InstrumentState::Lapsed { .. }
    ));
    let owed = due_of(&truce, &What::Acceptance, "US", "2016-03-22T09:00:00Z");
    assert_eq!(owed[0].urgency, Urgency::Overdue);
    assert!(matches!(
        truce.agreement.instruments[&first].at(utc("2016-03-22T09:00:00Z")),
        InstrumentState::InForce { .. }
    ));
}

/// Failure 4: nobody on the line read the language, and a village became something else.
#[test]
fn the_original_words_and_whether_somebody_on_duty_reads_them_are_kept() {
    let mut room = room();
    let watch =
        json!({"officer": "duty officer", "languages": ["en"], "until": "2016-03-01T18:00:00Z"});
    room.say("US", "2016-03-01T06:00:00Z", "shift.open/1", &[], watch);
    let body = json!({"precedence": "IMMEDIATE", "to": ["US"], "words": "قصف على حربنفسه", "language": "ar-SY",
        "place": {"lat_e7": 348_900_000, "lon_e7": 365_000_000}, "place_name": "حربنفسه"});
    let call = room.say("RU", "2016-03-01T10:00:00Z", "message.send/1", &[], body);
    room.say(
        "US",
        "2016-03-01T10:00:10Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    let elsewhere =
        json!({"words": "Pepsi war", "place": {"lat_e7": 350_000_000, "lon_e7": 365_000_000}});
    room.say(
        "US",
        "2016-03-01T10:01:00Z",
        "read_back/1",
        &[&call],
        elsewhere,
    );
    let truce = room.truce();
    let there = &truce.matters[&call].recipients[&sign("US")];
    assert_eq!(there.language_on_duty, Some(false));
    assert_eq!(
        there.reception.read_back.as_ref().unwrap().same_place,
        Some(false)
    );
    assert_eq!(
        truce.matters[&call].sends[0]
            .message
            .words
            .as_ref()
            .unwrap()
            .as_str(),
        "قصف على حربنفسه"
    );
}

/// Failure 5: 21 near strikes, each protested by itself, and nothing climbed.
#[test]
fn repeats_of_an_unanswered_matter_group_and_climb_and_a_new_place_sounds_again() {
    let mut room = room();
    let call = room.say(
        "MISSION",
        "2016-07-25T13:20:00Z",
        "message.send/1",
        &[],
        flash(&["RU"]),
    );
    room.say(
        "RU",
        "2016-07-25T13:20:00Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    for minute in [30, 40] {
        room.say(
            "MISSION",
            &format!("2016-07-25T13:{minute}:00Z"),
            "message.send/1",
            &[&call],
            flash(&["RU"]),
        );
    }
    let truce = room.truce();
    assert_eq!(truce.matters.len(), 1);
    let matter = &truce.matters[&call];
    assert_eq!(
        (matter.sends.len(), matter.rung, matter.climbed_to()),
        (3, 2, Office::HeadOfMission)
    );
    assert_eq!(
        matter.recipients[&sign("RU")].due_at,
        Some(utc("2016-07-25T13:25:00Z")),
        "clocks never restart"
    );
    let silenced = Some(utc("2016-07-25T13:41:00Z"));
    let now = utc("2016-07-25T13:50:00Z");
    assert!(!matter.is_sounding(&sign("RU"), silenced, now));
    assert!(
        matter.recipients[&sign("RU")]
            .reception
            .acknowledged
            .is_none(),
        "silencing acknowledges nothing"
    );
    let mut moved = flash(&["RU"]);
    moved["place"]["lat_e7"] = 353_100_000.into();
    room.say(
        "MISSION",
        "2016-07-25T13:45:00Z",
        "message.send/1",
        &[&call],
        moved,
    );
    let truce = room.truce();
    assert!(truce.matters[&call].sends[3].new_place);
    assert!(truce.matters[&call].is_sounding(&sign("RU"), silenced, now));
}

/// Failure 6: receipt confirmed, "passed on", still hit.
#[test]
fn a_receipt_is_not_an_acknowledgement_and_passed_down_is_not_confirmed_below() {
    let mut room = room();
    let call = room.say(
        "MISSION",
        "2016-10-03T02:19:00Z",
        "message.send/1",
        &[],
        flash(&["US"]),
    );
    let missing = |room: &Room| {
        room.truce().matters[&call].recipients[&sign("US")]
            .missing
            .clone()
    };
    room.say(
        "US",
        "2016-10-03T02:19:10Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    assert_eq!(
        missing(&room),
        [
            Step::Acknowledgement,
            Step::ReadBack,
            Step::SentDown,
            Step::ConfirmedBelow,
            Step::Answer
        ]
    );
    room.say(
        "US",
        "2016-10-03T02:20:00Z",
        "acknowledge/1",
        &[&call],
        json!({}),
    );
    assert_eq!(
        missing(&room),
        [
            Step::ReadBack,
            Step::SentDown,
            Step::ConfirmedBelow,
            Step::Answer
        ]
    );
    room.say(
        "US",
        "2016-10-03T02:21:00Z",
        "pass_down/1",
        &[&call],
        json!({"step": "sent_down", "to": "operations centre"}),
    );
    assert_eq!(
        missing(&room),
        [Step::ReadBack, Step::ConfirmedBelow, Step::Answer]
    );
    room.say(
        "US",
        "2016-10-03T02:22:00Z",
        "answer/1",
        &[&call],
        json!({"reply": "stop_passed"}),
    );
    assert_eq!(
        missing(&room),
        [Step::ReadBack, Step::ConfirmedBelow],
        "an answer is none of the other facts"
    );
}

/// Failure 11: the list did not reach all forces concerned.
#[test]
fn whoever_must_be_told_and_was_not_is_named() {
    let mut room = room();
    let call = room.say(
        "MISSION",
        "2016-10-03T02:19:00Z",
        "message.send/1",
        &[],
        flash(&["US"]),
    );
    assert_eq!(room.truce().matters[&call].not_told, [sign("RU")]);
}

/// Failure 12: one-sided bulletins and rival counts.
#[test]
fn rival_counts_stand_side_by_side_and_a_sum_that_is_wrong_is_shown() {
    let mut room = room();
    let tally = json!({"counted": "violations", "issued_by": "RU", "from": "2016-02-29T00:00:00+03:00",
        "until": "2016-03-01T00:00:00+03:00", "total": 7, "source": {"title": "Bulletin"},
        "lines": [{"label": "Damascus", "count": 4}, {"label": "Aleppo", "count": 3}, {"label": "Hama", "count": 1}]});
    let bulletin = room.say(
        "MISSION",
        "2016-03-01T09:00:00Z",
        "tally.record/1",
        &[],
        tally,
    );
    let claim = |sort: &str, words: &str| {
        json!({"claim": sort, "speaker": "Spokesperson", "said_at": "2016-06-20T00:00:00Z", "precision": "day",
            "form": "paraphrase", "language": "en", "words": words, "source": {"title": "Press report"}})
    };
    let alleged = room.say(
        "US",
        "2016-06-20T10:00:00Z",
        "claim.record/1",
        &[],
        claim("allegation", "They struck the group"),
    );
    let denied = room.say(
        "RU",
        "2016-06-20T12:00:00Z",
        "claim.record/1",
        &[],
        claim("denial", "No such strike"),
    );
    room.say(
        "MISSION",
        "2016-06-20T13:00:00Z",
        "claim.relate/1",
        &[&denied, &alleged],
        json!({"relation": "denies"}),
    );
    let claims = room.truce().claims;
    assert_eq!(
        claims.tallies[&bulletin].arithmetic,
        Arithmetic::DoesNotAddUp {
            stated: 7,
            lines: 8
        }
    );
    assert_eq!(claims.claims.len(), 2, "a denial replaces nothing");
    assert!(claims.claims[&alleged].related[&Relation::Denies].contains(&denied));
}

/// Failure 14: secret terms that leaked later.
#[test]
fn a_restricted_text_is_bound_by_its_hash_and_another_text_is_not_accepted() {
    let mut room = room();
    let origin = |name: &str| format!("truce.example/{}", name.to_lowercase());
    let secret = json!({"name": "Arrangement", "formality": "joint_procedure", "version": 1, "text_sha256": sha(),
        "text_public": false, "needed": ["RU", "US"], "accept_by": "2016-09-12T00:00:00Z",
        "in_force_from": "2016-09-12T16:00:00Z", "provisions": [{"id": "a", "title": "Terms", "text_sha256": sha()}],
        "participants": [{"call_sign": "RU", "origin": origin("RU"), "role": "guarantor"},
            {"call_sign": "US", "origin": origin("US"), "role": "guarantor"}]});
    let tabled = room.say(
        "US",
        "2016-09-09T09:00:00Z",
        "instrument.table/1",
        &[],
        secret,
    );
    let other = format!("{}E", "A".repeat(42));
    let accepted = room.say(
        "RU",
        "2016-09-09T20:00:00Z",
        "instrument.accept/1",
        &[&tabled],
        json!({"text_sha256": other}),
    );
    let truce = room.truce();
    assert!(
        matches!(&truce.standings[&accepted], Standing::Ineffective(why) if why.contains("another text"))
    );
    assert!(truce.agreement.instruments[&tabled].adopted_at().is_none());
}

#[test]
fn without_a_receipt_the_first_sight_of_a_neutral_starts_the_clock_and_before_it_nothing_is_overdue()
 {
    let mut room = room();
    let call = room.say(
        "RU",
        "2016-06-20T09:00:00Z",
        "message.send/1",
        &[],
        message("IMMEDIATE", &["US"]),
    );
    let items = due_of(
        &room.truce(),
        &What::Answer(None),
        "US",
        "2016-07-20T09:00:00Z",
    );
    assert_eq!(
        (items[0].urgency, items[0].due_at),
        (Urgency::Unreachable, None)
    );
    let seen =
        |size: u64| json!({"heads": [{"origin": "truce.example/ru", "size": size, "root": sha()}]});
    room.say(
        "US",
        "2016-06-20T09:01:00Z",
        "head.seen/1",
        &[],
        seen(call.index + 1),
    );
    room.say(
        "MISSION",
        "2016-06-20T09:02:00Z",
        "head.seen/1",
        &[],
        seen(call.index),
    );
    let delivery = room.truce().matters[&call].recipients[&sign("US")]
        .reception
        .delivery;
    assert_eq!(
        delivery,
        Delivery::Unreachable(utc("2016-06-20T09:00:00Z")),
        "neither the recipient's sight nor an earlier head"
    );
    room.say(
        "MISSION",
        "2016-06-20T09:10:00Z",
        "head.seen/1",
        &[],
        seen(call.index + 1),
    );
    let items = due_of(
        &room.truce(),
        &What::Answer(None),
        "US",
        "2016-06-20T09:40:00Z",
    );
    assert_eq!(
        (items[0].urgency, items[0].received),
        (Urgency::Overdue, false)
    );
    room.say(
        "US",
        "2016-06-20T09:30:00Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    let items = due_of(
        &room.truce(),
        &What::Answer(None),
        "US",
        "2016-06-20T09:40:00Z",
    );
    assert_eq!(
        (items[0].urgency, items[0].due_at),
        (Urgency::Open, Some(utc("2016-06-20T10:00:00Z")))
    );
}

#[test]
fn what_is_asked_in_parts_is_answered_in_parts() {
    let mut room = room();
    let mut body = message("PRIORITY", &["US"]);
    body["parts"] =
        json!([{"id": "a", "ask": "Was it yours?"}, {"id": "b", "ask": "What was the target?"}]);
    let call = room.say("RU", "2016-06-20T09:00:00Z", "message.send/1", &[], body);
    room.say(
        "US",
        "2016-06-20T09:00:10Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    room.say(
        "US",
        "2016-06-20T09:20:00Z",
        "answer/1",
        &[&call],
        json!({"reply": "not_ours", "part": "a"}),
    );
    room.say(
        "US",
        "2016-06-20T09:21:00Z",
        "answer/1",
        &[&call],
        json!({"reply": "words", "words": "See above"}),
    );
    let truce = room.truce();
    let parts = &truce.matters[&call].recipients[&sign("US")].parts;
    let part = |id: &str| &parts[&Some(truce::values::Slug::new(id).unwrap())];
    assert!(matches!(
        part("a"),
        PartState::Answered {
            reply: Reply::NotOurs,
            ..
        }
    ));
    assert_eq!(
        *part("b"),
        PartState::Silent,
        "an answer to the whole is none to a part"
    );
}

#[test]
fn a_recipient_regrades_with_a_reason_and_only_brings_the_deadline_nearer() {
    let mut room = room();
    let call = room.say(
        "RU",
        "2016-06-20T09:00:00Z",
        "message.send/1",
        &[],
        message("PRIORITY", &["US"]),
    );
    room.say(
        "US",
        "2016-06-20T09:00:00Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    let due_at = |room: &Room| room.truce().matters[&call].recipients[&sign("US")].due_at;
    let regrade = |grade: &str| json!({"precedence": grade, "reason": "as we see it"});
    room.say(
        "US",
        "2016-06-20T09:01:00Z",
        "message.regrade/1",
        &[&call],
        regrade("ROUTINE"),
    );
    assert_eq!(due_at(&room), Some(utc("2016-06-20T15:00:00Z")));
    room.say(
        "US",
        "2016-06-20T09:02:00Z",
        "message.regrade/1",
        &[&call],
        regrade("IMMEDIATE"),
    );
    assert_eq!(due_at(&room), Some(utc("2016-06-20T09:30:00Z")));
    assert_eq!(
        room.truce().matters[&call].precedence,
        Precedence::Priority,
        "the sender's grade stays in sight"
    );
}

#[test]
fn responses_go_to_what_is_anothers_and_changes_to_what_is_ones_own() {
    let mut room = room();
    let call = room.say(
        "RU",
        "2016-06-20T09:00:00Z",
        "message.send/1",
        &[],
        message("ROUTINE", &["US"]),
    );
    assert_eq!(
        room.refusal("RU", DESK, "answer/1", &[&call], json!({"reply": "agreed"}))
            .rule,
        "about"
    );
    assert_eq!(
        room.refusal(
            "US",
            DESK,
            "retract/1",
            &[&call],
            json!({"reason": "wrong"})
        )
        .rule,
        "about"
    );
    let own = Words {
        kid: DESK,
        kind: "retract/1",
        at: "2016-06-20T10:00:00Z",
        about: vec![call.clone()],
        groups: json!({"body": {"reason": "x"}}),
    };
    let forced = room.force("US", &own);
    let truce = room.truce();
    assert!(
        matches!(truce.standings[&forced], Standing::Ineffective(_)),
        "standing comes to the same as admission"
    );
    assert_eq!(truce.standings[&call], Standing::Effective);
    room.try_say("RU", &own).unwrap();
    assert!(
        matches!(&room.truce().standings[&call], Standing::Ineffective(why) if why.contains("retracted"))
    );
}

#[test]
fn an_office_that_is_revoked_says_nothing_after_that_entry() {
    let mut room = room();
    let before = room.say(
        "RU",
        "2016-06-20T09:00:00Z",
        "message.send/1",
        &[],
        message("ROUTINE", &["US"]),
    );
    for office in [
        "duty_officer",
        "field_monitor",
        "notification_officer",
        "head_of_mission",
    ] {
        room.control(
            "RU",
            "office.revoke/1",
            json!({"kid": DESK.to_string(), "office": office}),
        );
    }
    assert_eq!(
        room.refusal(
            "RU",
            DESK,
            "message.send/1",
            &[],
            message("ROUTINE", &["US"])
        )
        .rule,
        "office"
    );
    let words = Words {
        kid: DESK,
        kind: "message.send/1",
        at: "2016-06-20T10:00:00Z",
        about: vec![],
        groups: json!({"body": message("ROUTINE", &["US"])}),
    };
    let after = room.force("RU", &words);
    let truce = room.truce();
    assert_eq!(truce.standings[&before], Standing::Effective);
    assert!(
        matches!(&truce.standings[&after], Standing::Ineffective(why) if why.contains("office"))
    );
}

#[test]
fn what_refers_to_what_has_not_arrived_waits_and_what_is_sealed_or_unknown_is_kept() {
    let mut room = room();
    let waits = room.say(
        "US",
        "2016-06-20T09:00:00Z",
        "acknowledge/1",
        &[&nowhere("RU")],
        json!({}),
    );
    let strange = Words {
        kid: DESK,
        kind: "incident.open/1",
        at: "2016-06-20T09:00:00Z",
        about: vec![],
        groups: json!({"body": {"x": 1}}),
    };
    let unknown = room.force("US", &strange);
    assert_eq!(room.try_say("US", &strange).unwrap_err().rule, "known_kind");
    let groups = json!({"body": message("ROUTINE", &["US"]), "person": {"name": "officer 7"}});
    let words = Words {
        kid: DESK,
        kind: "message.send/1",
        at: "2016-06-20T09:00:00Z",
        about: vec![],
        groups,
    };
    let call = room.try_say("RU", &words).unwrap();
    let mut statements = Statements::default();
    for (index, statement) in &room.said {
        let leaf = statement.leaf();
        let held = if leaf.log.origin == call.origin && *index == call.index {
            statement.reduced(|group, _| group == "person")
        } else {
            statement.clone()
        };
        statements.hold(*index, &held);
    }
    let standing = |reference| statements.standing(statements.get(reference).unwrap());
    assert_eq!(standing(&waits), Standing::Waiting(nowhere("RU")));
    assert_eq!(standing(&unknown), Standing::UnknownKind);
    assert!(
        matches!(standing(&call), Standing::Undetermined(_)),
        "{:?}",
        standing(&call)
    );
    let (index, whole) = room
        .said
        .iter()
        .find(|(i, s)| *i == call.index && s.leaf().hash() == call.leaf)
        .unwrap();
    let bare = Statement::assemble(whole.leaf().clone(), vec![]).unwrap();
    let mut fewer = Statements::default();
    room.said
        .iter()
        .filter(|(_, s)| s.leaf().control().is_some())
        .for_each(|(i, s)| fewer.hold(*i, s));
    fewer.hold(*index, &bare);
    assert_eq!(fewer.standing(fewer.get(&call).unwrap()), Standing::Sealed);
    fewer.hold(*index, whole);
    assert_eq!(
        fewer.standing(fewer.get(&call).unwrap()),
        Standing::Effective,
        "a disclosure that comes later counts"
    );
}

#[test]
fn what_is_erased_is_not_used_whether_or_not_it_is_still_held() {
    let mut room = room();
    let call = room.say(
        "RU",
        "2016-06-20T09:00:00Z",
        "message.send/1",
        &[],
        message("ROUTINE", &["US"]),
    );
    room.say(
        "RU",
        "2016-06-20T10:00:00Z",
        "erase/1",
        &[&call],
        json!({"groups": ["body"]}),
    );
    assert!(
        matches!(&room.truce().standings[&call], Standing::Undetermined(why) if why.contains("erased"))
    );
}

#[test]
fn a_correction_says_what_should_have_stood_there_and_moves_no_clock() {
    let mut room = room();
    let call = room.say(
        "MISSION",
        "2016-09-17T14:00:00Z",
        "message.send/1",
        &[],
        flash(&["RU"]),
    );
    room.say(
        "RU",
        "2016-09-17T14:00:00Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    let mut right = flash(&["RU"]);
    right["place"]["lat_e7"] = 354_000_000.into();
    let groups = json!({"body": {"reason": "Wrong by 11 km"}, "corrected": right});
    let words = Words {
        kid: DESK,
        kind: "correct/1",
        at: "2016-09-17T14:02:00Z",
        about: vec![call.clone()],
        groups,
    };
    let correction = room.try_say("MISSION", &words).unwrap();
    let truce = room.truce();
    let send = &truce.matters[&call].sends[0];
    assert_eq!(send.message.place, Position::new(354_000_000, 401_000_000));
    assert_eq!(send.corrected_by, Some(correction));
    assert_eq!(
        truce.matters[&call].recipients[&sign("RU")].due_at,
        Some(utc("2016-09-17T14:05:00Z"))
    );
}

#[test]
fn a_watch_moves_when_both_signed_and_everything_open_was_ticked() {
    let mut room = room();
    let call = room.say(
        "MISSION",
        "2016-06-21T05:00:00Z",
        "message.send/1",
        &[],
        flash(&["RU"]),
    );
    room.say(
        "RU",
        "2016-06-21T05:00:05Z",
        "receipt/1",
        &[&call],
        json!({}),
    );
    let open = room.say(
        "RU",
        "2016-06-21T05:30:00Z",
        "shift.open/1",
        &[],
        json!({"officer": "day watch", "languages": ["ru"], "until": "2016-06-21T18:00:00Z"}),
    );
    let again = json!({"officer": "other", "languages": ["ru"], "until": "2016-06-21T18:00:00Z"});
    assert_eq!(
        room.refusal("RU", DESK, "shift.open/1", &[], again).rule,
        "one_watch"
    );
    let accept =
        json!({"officer": "night watch", "languages": ["en"], "until": "2016-06-22T06:00:00Z"});
    let half = room.say(
        "RU",
        "2016-06-21T18:00:00Z",
        "shift.hand_over/1",
        &[&open],
        json!({"to": "night watch"}),
    );
    assert_eq!(
        room.refusal("RU", DESK, "shift.accept/1", &[&half], accept.clone())
            .rule,
        "both_sign"
    );
    let origin = half.origin.clone();
    let take = |about: &record::name::Reference, at: &'static str| Words {
        kid: RELIEF,
        kind: "shift.accept/1",
        at,
        about: vec![about.clone()],
        groups: json!({"body": accept}),
    };
    room.try_say("RU", &take(&half, "2016-06-21T18:01:00Z"))
        .unwrap();
    let shifts = room.truce().shifts[&origin].clone();
    assert_eq!(
        shifts.shifts.len(),
        1,
        "the FLASH was not gone through: responsibility has not moved"
    );
    assert_eq!(
        shifts.shifts[0].offered.as_ref().unwrap().missing,
        *std::slice::from_ref(&call)
    );
    let relief = due_of(&room.truce(), &What::Relief, "RU", "2016-06-21T18:02:00Z");
    assert_eq!(relief[0].urgency, Urgency::Overdue);

    // What was left out is gone through, and both sign again.
    let whole = json!({"to": "night watch", "ticked": [call.to_string()]});
    let half = room.say(
        "RU",
        "2016-06-21T18:10:00Z",
        "shift.hand_over/1",
        &[&open],
        whole,
    );
    room.try_say("RU", &take(&half, "2016-06-21T18:11:00Z"))
        .unwrap();
    let truce = room.truce();
    let shifts = &truce.shifts[&origin];
    assert_eq!(
        shifts
            .on_duty(utc("2016-06-21T18:12:00Z"))
            .unwrap()
            .officer
            .as_str(),
        "night watch"
    );
    assert_eq!(
        truce.matters[&call].recipients[&sign("RU")].due_at,
        Some(utc("2016-06-21T05:05:05Z")),
        "clocks never restart"
    );
}

#[test]
fn a_line_works_when_both_ends_heard_each_other() {
    let mut room = room();
    let heard = |at: &str| json!({"line": "line-1", "means": "primary", "tested_at": at, "result": "heard"});
    room.say(
        "RU",
        "2016-06-21T09:01:00Z",
        "line.test/1",
        &[],
        heard("2016-06-21T09:00:10Z"),
    );
    let truce = room.truce();
    let line = truce.lines.values().next().unwrap();
    assert_eq!(line.last_two_way, None, "one end alone is no test");
    assert!(due_of(&truce, &What::LineTest, "RU", "2016-06-21T09:20:00Z").is_empty());
    assert_eq!(
        due_of(&truce, &What::LineTest, "US", "2016-06-21T09:14:59Z")[0].urgency,
        Urgency::Open
    );
    assert_eq!(
        due_of(&truce, &What::LineTest, "US", "2016-06-21T09:15:00Z")[0].urgency,
        Urgency::Overdue
    );
    room.say(
        "US",
        "2016-06-21T09:02:00Z",
        "line.test/1",
        &[],
        heard("2016-06-21T09:00:30Z"),
    );
    let truce = room.truce();
    assert_eq!(
        truce.lines.values().next().unwrap().last_two_way.unwrap().0,
        utc("2016-06-21T09:00:30Z")
    );
}

#[test]
fn a_report_is_covered_by_the_names_that_the_instruments_give_and_never_by_a_guess() {
    let mut room = room();
    let instrument = room
        .truce()
        .agreement
        .instruments
        .keys()
        .next()
        .unwrap()
        .clone();
    let join = json!({"id": "first-brigade", "name": "لواء الأول", "language": "ar"});
    room.say(
        "US",
        "2016-03-01T09:00:00Z",
        "formation.join/1",
        &[&instrument],
        join,
    );
    let truce = room.truce();
    let named = NamedActors::of(&truce.agreement);
    let ask =
        |sides: &[&str], from: &str, until: &str| named.coverage_of(sides, utc(from), utc(until));
    let april = |sides: &[&str]| {
        ask(
            sides,
            "2016-04-01T00:00:00+03:00",
            "2016-04-02T00:00:00+03:00",
        )
    };

    let excluded = april(&["Government", "Other Brigade, Later Name of Nusra"]);
    assert_eq!(excluded.answer, Covers::Excluded);
    let group = &excluded.names[2];
    assert_eq!(
        (group.side, group.excluded.as_ref().unwrap().as_str()),
        (1, "nusra")
    );
    assert_eq!(
        group.provisions.first().unwrap().provision.as_str(),
        "art-2"
    );
    assert_eq!(
        excluded.names[1].answer,
        Covers::Undetermined,
        "fighting beside them excludes nobody"
    );
    assert!(excluded.caution.contains("no clearance to use force"));

    assert_eq!(april(&["RU", "First Brigade"]).answer, Covers::Covered);
    assert_eq!(
        april(&["first brigade", "ru"]).answer,
        Covers::Covered,
        "the order of sides is nothing"
    );
    assert_eq!(
        april(&["RU", "لِوَاء الاول"]).answer,
        Covers::Covered,
        "nor is a spelling"
    );
    assert_eq!(april(&["RU, US", "first-brigade"]).answer, Covers::Covered);
    for (undetermined, why) in [
        (&["RU", "Insurgents"][..], "no instrument names Insurgents"),
        (&["RU", "Civilians"], "no instrument names Civilians"),
        (&["RU", "MISSION"], "MISSION is not bound at that time"),
    ] {
        let coverage = april(undetermined);
        assert_eq!(
            (coverage.answer, coverage.names[1].reason.as_str()),
            (Covers::Undetermined, why)
        );
    }
    for nobody in [&["RU"][..], &[], &["RU", ","]] {
        assert_eq!(
            april(nobody).answer,
            Covers::Undetermined,
            "one side alone is no pair"
        );
    }
}

#[test]
fn a_report_over_a_time_in_which_coverage_changes_is_undetermined() {
    let mut room = room();
    let instrument = room
        .truce()
        .agreement
        .instruments
        .keys()
        .next()
        .unwrap()
        .clone();
    let leave = |leaving: &str, from: &str| json!({"leaving": leaving, "from": from, "reason": "It is not kept"});
    let suspend = leave("suspend", "2016-04-10T12:00:00Z");
    room.say(
        "US",
        "2016-04-10T11:00:00Z",
        "instrument.leave/1",
        &[&instrument],
        suspend,
    );
    let resume = leave("resume", "2016-04-12T12:00:00Z");
    room.say(
        "US",
        "2016-04-12T11:00:00Z",
        "instrument.leave/1",
        &[&instrument],
        resume,
    );
    let truce = room.truce();
    let named = NamedActors::of(&truce.agreement);
    let ask =
        |from: &str, until: &str| named.coverage_of(&["RU", "Nusra Front"], utc(from), utc(until));
    let answer = |from, until| ask(from, until).answer;
    assert_eq!(
        answer("2016-04-09T00:00:00Z", "2016-04-10T12:00:00Z"),
        Covers::Excluded,
        "the end is not within"
    );
    assert_eq!(
        answer("2016-04-11T00:00:00Z", "2016-04-12T00:00:00Z"),
        Covers::Undetermined,
        "nothing was in force"
    );
    let across = ask("2016-04-09T00:00:00Z", "2016-04-14T00:00:00Z");
    assert_eq!(
        across.answer,
        Covers::Undetermined,
        "both ends were in force, the middle was not"
    );
    assert!(
        across.names[1]
            .reason
            .contains("not the same over the whole time")
    );
    assert_eq!(
        answer("2016-02-20T00:00:00Z", "2016-02-21T00:00:00Z"),
        Covers::Undetermined,
        "before it began"
    );
}

#[test]
fn where_the_exact_place_is_known_a_report_is_judged_by_it_too() {
    let mut room = room();
    let area = room.say(
        "RU",
        "2016-03-21T09:00:00Z",
        "area.designate/1",
        &[],
        designation("US"),
    );
    let report = |sides: &[&str], from: &str, until: &str| {
        let body = json!({"category": "shelling", "from": from, "until": until, "date_precision": 1, "means": ["heard"],
            "place_precision": 1, "sides": sides});
        Report::read(&body, &Place::Top).unwrap()
    };
    let ask = |truce: &Truce, report: &Report, lat: i64| {
        let place = Position::new(lat, 373_000_000).unwrap();
        NamedActors::of(&truce.agreement).coverage_at(report, &place, &truce.areas.areas)
    };
    let (april, inside, away, outside) = (
        ("2016-04-01T00:00:00Z", "2016-04-02T00:00:00Z"),
        363_000_000,
        350_000_000,
        390_000_000,
    );
    let clash = report(&["RU", "US"], april.0, april.1);
    let truce = room.truce();
    assert_eq!(ask(&truce, &clash, away).answer, Covers::Covered);
    let one_sided = ask(&truce, &clash, inside);
    assert_eq!(one_sided.answer, Covers::Covered);
    assert!(one_sided.names[0].reason.contains("this is not agreed"));
    let abroad = ask(&truce, &clash, outside);
    assert_eq!(abroad.answer, Covers::Excluded);
    assert!(abroad.names[0].reason.contains("outside the territory"));
    assert!(!abroad.names[0].provisions.is_empty());
    room.say(
        "US",
        "2016-03-25T09:00:00Z",
        "area.respond/1",
        &[&area],
        json!({"response": "agree"}),
    );
    let truce = room.truce();
    let agreed = ask(&truce, &clash, inside);
    assert_eq!(agreed.answer, Covers::CoveredInsideExcludedArea);
    for name in &agreed.names {
        assert_eq!(name.answer, Covers::CoveredInsideExcludedArea, "both alike");
        let cited = name.provisions.iter().map(|cited| cited.provision.as_str());
        assert_eq!(cited.collect::<Vec<_>>(), ["art-1", "art-2"]);
    }
    let reverse = report(&["US", "RU"], april.0, april.1);
    assert_eq!(ask(&truce, &reverse, inside).answer, agreed.answer);
    let group = report(&["RU", "Nusra Front"], april.0, april.1);
    assert_eq!(ask(&truce, &group, away).answer, Covers::Excluded);
    let unknown = report(&["RU", "Insurgents"], april.0, april.1);
    assert_eq!(
        ask(&truce, &unknown, inside).answer,
        Covers::Undetermined,
        "an area tells nothing of who acts in it"
    );
    let valid_until = truce.areas.areas.values().next().unwrap().valid_until;
    let across = report(&["RU", "US"], april.0, "2016-06-01T00:00:00Z");
    assert!(across.until.utc() > valid_until);
    let across = ask(&truce, &across, inside);
    assert_eq!(
        across.answer,
        Covers::CoveredInsideExcludedArea,
        "that the area ends meanwhile takes nobody's cover away"
    );
    assert!(
        across.names[0]
            .reason
            .contains("not the same over the whole time")
    );
}

#[test]
fn rules_of_a_joint_procedure_cover_nobody_whom_a_report_names() {
    let mut room = room();
    let member = |name: &str| {
        json!({"call_sign": name, "origin": format!("truce.example/{}", name.to_lowercase()), "role": "mission",
        "also_known_as": [format!("The people of {name}")]})
    };
    let terms = json!({"name": "Joint procedure", "formality": "joint_procedure", "version": 1, "text_sha256": sha(),
        "text_public": true, "needed": ["RU", "US", "MISSION"], "accept_by": "2016-03-27T00:00:00Z",
        "in_force_from": "2016-03-28T00:00:00Z", "provisions": [{"id": "art-1", "title": "Rules", "text_sha256": sha()}],
        "participants": [member("RU"), member("US"), member("MISSION")]});
    let rules = room.say(
        "RU",
        "2016-03-20T09:00:00Z",
        "instrument.table/1",
        &[],
        terms,
    );
    for who in ["US", "MISSION"] {
        let accept = json!({"text_sha256": sha()});
        let at = "2016-03-21T09:00:00Z";
        room.say(who, at, "instrument.accept/1", &[&rules], accept);
    }
    let truce = room.truce();
    let from = utc("2016-04-01T00:00:00Z");
    assert!(truce.agreement.instruments[&rules].binds(&"MISSION".parse().unwrap(), from));
    let coverage = NamedActors::of(&truce.agreement).coverage_of(
        &["RU", "The people of MISSION"],
        from,
        utc("2016-04-02T00:00:00Z"),
    );
    assert_eq!(coverage.names[0].answer, Covers::Covered);
    assert_eq!(coverage.names[0].instruments.len(), 1);
    assert_eq!(coverage.names[1].answer, Covers::Undetermined);
}

#[test]
fn coverage_says_by_which_provision_and_is_never_a_clearance() {
    let mut room = room();
    let area = room.say(
        "RU",
        "2016-03-21T09:00:00Z",
        "area.designate/1",
        &[],
        designation("US"),
    );
    let instrument = room
        .truce()
        .agreement
        .instruments
        .keys()
        .next()
        .unwrap()
        .clone();
    room.say(
        "US",
        "2016-03-01T09:00:00Z",
        "formation.join/1",
        &[&instrument],
        json!({"id": "first-brigade", "name": "First Brigade"}),
    );
    let slug = |id: &str| truce::values::Slug::new(id).unwrap();
    let ask = |truce: &Truce, actor: &Actor, lat: i64, now: &str| {
        let place = Position::new(lat, 373_000_000).unwrap();
        truce
            .agreement
            .covered(&place, actor, utc(now), &truce.areas.areas, areas::contains)
    };
    let (april, inside, away) = ("2016-04-01T00:00:00Z", 363_000_000, 350_000_000);
    let brigade = Actor::Formation(slug("first-brigade"));
    let truce = room.truce();
    assert_eq!(ask(&truce, &brigade, away, april).answer, Covers::Covered);
    let one_sided = ask(&truce, &brigade, inside, april);
    assert_eq!(
        one_sided.answer,
        Covers::Covered,
        "what one side says of an area takes nobody's cover away"
    );
    assert!(one_sided.caution.contains("no clearance to use force"));
    let group = ask(&truce, &Actor::Group(slug("nusra")), away, april);
    assert_eq!(
        (group.answer, group.provisions[0].provision.as_str()),
        (Covers::Excluded, "art-2")
    );
    assert_eq!(
        ask(&truce, &Actor::Unknown, inside, april).answer,
        Covers::Undetermined
    );
    assert_eq!(
        ask(&truce, &brigade, 390_000_000, april).answer,
        Covers::Excluded,
        "outside the territory"
    );
    assert_eq!(
        ask(&truce, &brigade, away, "2016-02-26T00:00:00Z").answer,
        Covers::Undetermined,
        "before it was in force"
    );
    room.say(
        "US",
        "2016-03-25T09:00:00Z",
        "area.respond/1",
        &[&area],
        json!({"response": "agree"}),
    );
    assert_eq!(
        ask(&room.truce(), &brigade, inside, april).answer,
        Covers::CoveredInsideExcludedArea
    );
}

#[test]
fn an_instrument_is_suspended_taken_up_and_ended_by_those_without_whom_it_does_not_bind() {
    let mut room = room();
    let instrument = room
        .truce()
        .agreement
        .instruments
        .keys()
        .next()
        .unwrap()
        .clone();
    let leave = |leaving: &str, from: &str| json!({"leaving": leaving, "from": from, "reason": "so decided"});
    room.say(
        "US",
        "2016-05-01T00:00:00Z",
        "instrument.leave/1",
        &[&instrument],
        leave("suspend", "2016-04-01T00:00:00Z"),
    );
    room.say(
        "US",
        "2016-05-02T00:00:00Z",
        "instrument.leave/1",
        &[&instrument],
        leave("resume", "2016-05-03T00:00:00Z"),
    );
    room.say(
        "RU",
        "2016-09-19T00:00:00Z",
        "instrument.leave/1",
        &[&instrument],
        leave("end", "2016-09-19T16:00:00Z"),
    );
    let truce = room.truce();
    let at = |now: &str| truce.agreement.instruments[&instrument].at(utc(now));
    assert_eq!(
        at("2016-04-15T00:00:00Z"),
        InstrumentState::InForce {
            since: utc("2016-02-26T22:00:00Z")
        },
        "never before it was said"
    );
    assert_eq!(
        at("2016-05-02T12:00:00Z"),
        InstrumentState::Suspended {
            since: utc("2016-05-01T00:00:00Z"),
            by: vec![sign("US")]
        }
    );
    assert_eq!(
        at("2016-06-01T00:00:00Z"),
        InstrumentState::InForce {
            since: utc("2016-05-03T00:00:00Z")
        }
    );
    assert_eq!(
        at("2016-10-01T00:00:00Z"),
        InstrumentState::Ended {
            at: utc("2016-09-19T16:00:00Z"),
            by: vec![sign("RU")]
        }
    );
}

#[test]
fn an_answer_that_is_withdrawn_leaves_the_question_open() {
    let mut room = room();
    let call = room.say(
        "RU",
        "2016-06-20T09:00:00Z",
        "message.send/1",
        &[],
        message("IMMEDIATE", &["US"]),
    );
    room.say(
        "US",
        "2016-06-20T09:00:00Z",
        "answer/1",
        &[&call],
        json!({"reply": "not_ours"}),
    );
    assert!(
        due_of(
            &room.truce(),
            &What::Answer(None),
            "US",
            "2016-06-21T09:00:00Z"
        )
        .is_empty()
    );
    room.say(
        "US",
        "2016-06-20T12:00:00Z",
        "withdraw/1",
        &[&call],
        json!({"response": "answer", "reason": "It was ours"}),
    );
    let items = due_of(
        &room.truce(),
        &What::Answer(None),
        "US",
        "2016-06-21T09:00:00Z",
    );
    assert_eq!(
        items[0].urgency,
        Urgency::Overdue,
        "whoever withdraws his answer had the question"
    );
}

/// A joint procedure and what was agreed before it stand beside each other.
#[test]
fn a_later_text_that_is_silent_takes_nothing_back() {
    let mut room = room();
    let origin = |name: &str| format!("truce.example/{}", name.to_lowercase());
    let procedure = json!({"name": "Joint procedure", "formality": "joint_procedure", "version": 1, "text_sha256": sha(),
        "text_public": false, "needed": ["RU", "US"], "accept_by": "2016-03-28T00:00:00Z",
        "in_force_from": "2016-03-28T00:00:00Z", "provisions": [{"id": "a", "title": "Rules", "text_sha256": sha()}],
        "clocks": [{"precedence": "ROUTINE", "answer_within_s": 3600, "read_back": false, "pass_down": false}],
        "participants": [{"call_sign": "RU", "origin": origin("RU"), "role": "guarantor"},
            {"call_sign": "US", "origin": origin("US"), "role": "guarantor"}]});
    let tabled = room.say(
        "RU",
        "2016-03-26T09:00:00Z",
        "instrument.table/1",
        &[],
        procedure,
    );
    room.say(
        "US",
        "2016-03-27T09:00:00Z",
        "instrument.accept/1",
        &[&tabled],
        json!({"text_sha256": sha()}),
    );
    let call = room.say(
        "MISSION",
        "2016-04-01T09:00:00Z",
        "message.send/1",
        &[],
        flash(&["US"]),
    );
    let truce = room.truce();
    let april = utc("2016-04-01T09:00:00Z");
    let within = |precedence| {
        truce
            .agreement
            .clock(precedence, april)
            .answer_within_s
            .get()
    };
    assert_eq!(within(Precedence::Routine), 3600, "it names this clock");
    assert_eq!(within(Precedence::Priority), 6 * 3600);
    assert_eq!(truce.matters[&call].not_told, [sign("RU")]);
    assert_eq!(truce.agreement.neutrals(april).len(), 1);
    let slug = |id: &str| truce::values::Slug::new(id).unwrap();
    let ask = |actor| {
        let place = Position::new(350_000_000, 373_000_000).unwrap();
        let areas = &truce.areas.areas;
        truce
            .agreement
            .covered(&place, &actor, april, areas, areas::contains)
    };
    let nusra = ask(Actor::Group(slug("nusra")));
    assert_eq!(nusra.answer, Covers::Excluded, "{:?}", nusra.reasons);
    let us = ask(Actor::Participant(sign("US")));
    assert_eq!((us.answer, us.provisions.len()), (Covers::Covered, 1));
}

#[test]
fn an_offer_that_another_agreed_text_takes_the_place_of_is_owed_no_answer() {
    let mut room = room();
    let origin = |name: &str| format!("truce.example/{}", name.to_lowercase());
    let rules = |from: &str| {
        json!({"name": "Rules", "formality": "joint_procedure", "version": 1, "text_sha256": sha(),
        "text_public": false, "needed": ["RU", "US"], "accept_by": from, "in_force_from": from,
        "provisions": [{"id": "a", "title": "Rules", "text_sha256": sha()}],
        "participants": [{"call_sign": "RU", "origin": origin("RU"), "role": "guarantor"},
            {"call_sign": "US", "origin": origin("US"), "role": "guarantor"}]})
    };
    let offer = room.say(
        "RU",
        "2016-03-05T09:00:00Z",
        "instrument.table/1",
        &[],
        rules("2016-03-22T00:00:00Z"),
    );
    let later = room.say(
        "US",
        "2016-03-26T09:00:00Z",
        "instrument.table/1",
        &[&offer],
        rules("2016-03-28T00:00:00Z"),
    );
    let owed = |room: &Room, now| due_of(&room.truce(), &What::Acceptance, "US", now).len();
    assert_eq!(owed(&room, "2016-03-29T00:00:00Z"), 1, "not agreed yet");
    room.say(
        "RU",
        "2016-03-27T09:00:00Z",
        "instrument.accept/1",
        &[&later],
        json!({"text_sha256": sha()}),
    );
    assert_eq!(owed(&room, "2016-03-27T10:00:00Z"), 1, "not in force yet");
    assert_eq!(owed(&room, "2016-03-29T00:00:00Z"), 0);
}

#[test]
fn what_was_taken_back_can_still_be_erased() {
    let mut room = room();
    let call = room.say(
        "RU",
        "2016-06-20T09:00:00Z",
        "message.send/1",
        &[],
        message("ROUTINE", &["US"]),
    );
    room.say(
        "RU",
        "2016-06-20T09:10:00Z",
        "retract/1",
        &[&call],
        json!({"reason": "It names a witness"}),
    );
    let erasure = room.say(
        "RU",
        "2016-06-20T09:20:00Z",
        "erase/1",
        &[&call],
        json!({"groups": ["body"]}),
    );
    let truce = room.truce();
    assert_eq!(truce.standings[&erasure], Standing::Effective);
    assert!(
        matches!(&truce.standings[&call], Standing::Undetermined(why) if why.contains("erased"))
    );
    let again = room.refusal("RU", DESK, "retract/1", &[&call], json!({"reason": "x"}));
    assert_eq!(again.rule, "target", "nothing else is said of it");
}
