//! What comes late changes what it would have changed had it been there in time: each case by itself.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::authority::{Eyes, Membership};
use node::views::Views;
use record::audience::Audience;
use record::encoding::Hash;
use record::name::Reference;
use record::statement::Draft;
use record::time::UtcMs;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::generated::World;
use support::holding::{EVERYTHING, Holding, expect_the_same};
use support::logs::{DESK, FOUNDED, MemoryLog, RELIEF};
use support::oracle::{Oracle, everything, expect_the_fold};
use support::utc;

const RU: usize = 0;
const US: usize = 1;
const MISSION: usize = 2;

/// RU and US bound, MISSION neutral; each has said nothing since.
struct Room(World);

impl Room {
    fn bound() -> Self {
        Self(World::play(3, true, &[]))
    }

    fn say(
        &mut self,
        who: usize,
        at: &str,
        kind: &str,
        about: &[&Reference],
        body: Value,
    ) -> Reference {
        self.say_with(DESK, who, at, kind, about, body)
    }

    fn say_with(
        &mut self,
        kid: u64,
        who: usize,
        at: &str,
        kind: &str,
        about: &[&Reference],
        body: Value,
    ) -> Reference {
        let readers = Audience::of(["public".parse().unwrap()]);
        let draft = Draft::new(kind, at)
            .and_then(|draft| draft.group("body", readers, body))
            .unwrap()
            .about(about.iter().map(|about| (*about).clone()).collect());
        self.0.logs[who].say(kid, draft, utc(at))
    }

    /// A holding to which the logs came in this order, each folded before the next; the same as if all came at once, and as the
    /// pure fold.
    fn arrive(&self, order: &[usize]) -> Holding {
        let world = &self.0;
        let mut holding = Holding::of(world, &[Eyes::Node]);
        for log in order {
            let size = world.logs[*log].size();
            holding.arrive(world, *log, size, &(0..size).collect(), &EVERYTHING);
            holding.settle(8);
        }
        let mut at_once = Holding::of(world, &[Eyes::Node]);
        at_once.arrive_whole(world, &EVERYTHING);
        at_once.settle(8192);
        expect_the_same(
            &holding.views[0],
            &at_once.views[0],
            &format!("in the order {order:?}"),
        );
        let oracle = Oracle::of(
            &everything(&world.logs),
            &Eyes::Node,
            &Membership::default(),
        );
        expect_the_fold(
            &holding.views[0],
            &oracle,
            &format!("in the order {order:?}"),
        );
        holding
    }
}

fn row(views: &Views, capability: &str, of: &Reference) -> Value {
    let row = views.object(capability, of).unwrap();
    row.map_or(Value::Null, |row| serde_json::from_str(&row).unwrap())
}

fn flash(to: &str) -> Value {
    json!({"precedence": "FLASH", "to": [to], "happening": "still_happening", "place": {"lat_e7": 350_000_000, "lon_e7": 380_000_000}})
}

fn routine(to: &str) -> Value {
    json!({"precedence": "ROUTINE", "to": [to], "words": "Which road?", "language": "en"})
}

fn sights(room: &Room, of: usize) -> Value {
    let log = &room.0.logs[of];
    json!({"heads": [{"origin": log.origin().as_str(), "size": log.size(), "root": support::text_hash()}]})
}

#[test]
fn a_flash_that_comes_late_was_left_out_of_a_hand_over_before_it() {
    let mut room = Room::bound();
    let call = room.say(
        RU,
        "2016-03-02T17:00:00Z",
        "message.send/1",
        &[],
        flash("US"),
    );
    let officer = |until: &str| json!({"officer": "watch", "languages": ["en"], "until": until});
    let watch = room.say(
        US,
        "2016-03-02T08:00:00Z",
        "shift.open/1",
        &[],
        officer("2016-03-02T18:00:00Z"),
    );
    room.say(US, "2016-03-02T17:01:00Z", "receipt/1", &[&call], json!({}));
    let offer = room.say(
        US,
        "2016-03-02T18:00:00Z",
        "shift.hand_over/1",
        &[&watch],
        json!({"to": "night watch"}),
    );
    room.say_with(
        RELIEF,
        US,
        "2016-03-02T18:05:00Z",
        "shift.accept/1",
        &[&offer],
        officer("2016-03-03T06:00:00Z"),
    );
    // US's log is there first: by what it says alone the hand-over left nothing out.
    let holding = room.arrive(&[US, MISSION, RU]);
    let shifts = &holding.views[0].context().shifts[room.0.logs[US].origin()];
    let on_duty = shifts.on_duty(utc("2016-03-02T19:00:00Z")).unwrap();
    assert_eq!(on_duty.reference, watch, "responsibility has not moved");
    assert_eq!(on_duty.offered.as_ref().unwrap().missing, [call]);
}

#[test]
fn what_settled_a_flash_before_a_hand_over_that_failed_mends_the_hand_over_when_it_comes() {
    let mut room = Room::bound();
    let call = room.say(
        RU,
        "2016-03-02T17:00:00Z",
        "message.send/1",
        &[],
        flash("US"),
    );
    let stopped = json!({"precedence": "FLASH", "to": ["US"], "happening": "stopped", "place": {"lat_e7": 350_000_000, "lon_e7": 380_000_000}});
    let officer = |until: &str| json!({"officer": "watch", "languages": ["en"], "until": until});
    let watch = room.say(
        US,
        "2016-03-02T08:00:00Z",
        "shift.open/1",
        &[],
        officer("2016-03-02T18:00:00Z"),
    );
    room.say(US, "2016-03-02T17:01:00Z", "receipt/1", &[&call], json!({}));
    room.say(
        US,
        "2016-03-02T17:03:00Z",
        "answer/1",
        &[&call],
        json!({"reply": "stop_passed"}),
    );
    let offer = room.say(
        US,
        "2016-03-02T18:00:00Z",
        "shift.hand_over/1",
        &[&watch],
        json!({"to": "night watch"}),
    );
    let taken = room.say_with(
        RELIEF,
        US,
        "2016-03-02T18:05:00Z",
        "shift.accept/1",
        &[&offer],
        officer("2016-03-03T06:00:00Z"),
    );
    let before = room.0.logs[RU].size();
    room.say(
        RU,
        "2016-03-02T17:59:00Z",
        "message.send/1",
        &[&call],
        stopped,
    );
    let mut holding = Holding::of(&room.0, &[Eyes::Node]);
    for (log, size) in [(US, room.0.logs[US].size()), (RU, before)] {
        holding.arrive(&room.0, log, size, &(0..size).collect(), &EVERYTHING);
        holding.settle(8);
    }
    let on_duty = |holding: &Holding| {
        let context = holding.views[0].context();
        let shifts = &context.shifts[room.0.logs[US].origin()];
        shifts
            .on_duty(utc("2016-03-02T19:00:00Z"))
            .unwrap()
            .reference
            .clone()
    };
    assert_eq!(
        on_duty(&holding),
        watch,
        "the FLASH was open, by what is known"
    );
    holding.arrive(
        &room.0,
        RU,
        before + 1,
        &BTreeSet::from([before]),
        &EVERYTHING,
    );
    holding.settle(8);
    assert_eq!(on_duty(&holding), taken);
}

#[test]
fn the_earliest_sight_of_a_neutral_starts_the_clock_in_whatever_order_the_sights_come() {
    let mut room = Room::bound();
    let asked = room.say(
        RU,
        "2016-03-02T09:00:00Z",
        "message.send/1",
        &[],
        routine("US"),
    );
    let (early, late) = (sights(&room, RU), sights(&room, RU));
    room.say(MISSION, "2016-03-02T09:30:00Z", "head.seen/1", &[], early);
    let known = room.0.logs[MISSION].size();
    room.say(MISSION, "2016-03-02T10:00:00Z", "head.seen/1", &[], late);
    let world = &room.0;
    let mut holding = Holding::of(world, &[Eyes::Node]);
    for log in [RU, US] {
        let size = world.logs[log].size();
        holding.arrive(world, log, size, &(0..size).collect(), &EVERYTHING);
    }
    // The second sight can be read before the first.
    let size = world.logs[MISSION].size();
    holding.arrive(world, MISSION, size, &BTreeSet::from([known]), &EVERYTHING);
    holding.settle(8);
    let at = |holding: &Holding| {
        row(&holding.views[0], "matter", &asked)["recipients"][0]["delivery_at"].clone()
    };
    assert_eq!(at(&holding), "2016-03-02T10:00:00Z");
    holding.arrive(
        world,
        MISSION,
        size,
        &BTreeSet::from([known - 1]),
        &EVERYTHING,
    );
    holding.settle(8);
    assert_eq!(at(&holding), "2016-03-02T09:30:00Z");
}

fn claim(words: &str) -> Value {
    json!({"claim": "allegation", "speaker": "Spokesperson", "said_at": "2016-03-02T00:00:00Z", "precision": "day",
        "form": "paraphrase", "language": "en", "words": words, "source": {"title": "Press"}})
}

#[test]
fn a_claim_that_was_taken_back_or_erased_denies_nothing_any_more() {
    for (kind, body) in [
        ("retract/1", json!({"reason": "Wrong"})),
        ("erase/1", json!({"groups": ["body"]})),
    ] {
        let mut room = Room::bound();
        let at = "2016-03-02T09:00:00Z";
        let denial = room.say(US, at, "claim.record/1", &[], claim("It was not us"));
        let denied = room.say(RU, at, "claim.record/1", &[], claim("They struck"));
        room.say(
            MISSION,
            at,
            "claim.relate/1",
            &[&denial, &denied],
            json!({"relation": "denies"}),
        );
        let kid = if kind == "erase/1" { RELIEF } else { DESK };
        room.say_with(kid, US, at, kind, &[&denial], body);
        let world = &room.0;
        let mut holding = Holding::of(world, &[Eyes::Node]);
        let whole = world.logs[US].size();
        for (log, size) in [
            (US, whole - 1),
            (RU, world.logs[RU].size()),
            (MISSION, world.logs[MISSION].size()),
        ] {
            holding.arrive(world, log, size, &(0..size).collect(), &EVERYTHING);
            holding.settle(8);
        }
        let related =
            |holding: &Holding| row(&holding.views[0], "claim", &denied)["related"].clone();
        assert_eq!(related(&holding)["denies"], json!([denial.to_string()]));
        holding.arrive(world, US, whole, &BTreeSet::from([whole - 1]), &EVERYTHING);
        holding.settle(8);
        assert_eq!(related(&holding), json!({}), "{kind}");
        room.arrive(&[MISSION, US, RU]);
    }
}

#[test]
fn a_line_test_counts_as_it_was_corrected() {
    let mut room = Room::bound();
    let test = |at: &str, result: &str| json!({"line": "line-1", "means": "primary", "tested_at": at, "result": result});
    let (at, later) = ("2016-03-02T09:05:00Z", "2016-03-02T09:20:00Z");
    let wrong = room.say(RU, at, "line.test/1", &[], test(at, "not_heard"));
    room.say(US, at, "line.test/1", &[], test(at, "heard"));
    let readers = || Audience::of(["public".parse().unwrap()]);
    let correct = Draft::new("correct/1", later)
        .and_then(|d| d.group("body", readers(), json!({"reason": "The wrong box"})))
        .and_then(|d| d.group("corrected", readers(), test(at, "heard")))
        .unwrap()
        .about(vec![wrong]);
    room.0.logs[RU].say(DESK, correct, utc(later));
    let holding = room.arrive(&[RU, US, MISSION]);
    let lines = holding.views[0].lines().unwrap();
    let state = lines.values().next().unwrap();
    assert_eq!(
        state.last_two_way.map(|(at, _)| at),
        Some(utc(at)),
        "both heard each other"
    );
}

#[test]
fn what_continues_a_message_that_was_taken_back_is_a_matter_of_its_own() {
    let mut room = Room::bound();
    let at = "2016-03-02T09:00:00Z";
    let first = room.say(RU, at, "message.send/1", &[], routine("US"));
    let second = room.say(RU, at, "message.send/1", &[&first], routine("US"));
    room.say(US, at, "receipt/1", &[&second], json!({}));
    room.say(
        RU,
        at,
        "retract/1",
        &[&first],
        json!({"reason": "Said twice"}),
    );
    let holding = room.arrive(&[US, RU, MISSION]);
    let due = holding.views[0].due(utc("2016-03-04T09:00:00Z")).unwrap();
    let owed = due.iter().find(|row| row.what == "answer").unwrap();
    assert_eq!(owed.about, second.to_string());
    assert_eq!(owed.title.as_deref(), Some("ROUTINE"));
    assert!(row(&holding.views[0], "matter", &first).is_null());
}

#[test]
fn who_accepts_late_may_keep_an_instrument_in_force_that_others_left() {
    let mut room = Room::bound();
    let member = |name: &str| json!({"call_sign": name, "origin": format!("truce.example/{}", name.to_lowercase()), "role": "party"});
    let text = json!({"name": "Pause", "formality": "humanitarian_pause", "version": 1, "text_sha256": support::text_hash(), "text_public": true,
        "needed": ["RU"], "invited": ["US", "MISSION"], "accepted_min": 2, "accept_by": "2016-03-10T00:00:00Z",
        "in_force_from": "2016-03-02T00:00:00Z", "provisions": [{"id": "art-1", "title": "All", "text_sha256": support::text_hash()}],
        "participants": [member("RU"), member("US"), member("MISSION")],
        "clocks": [{"precedence": "ROUTINE", "answer_within_s": 60, "read_back": false, "pass_down": false}]});
    let pause = room.say(RU, "2016-03-02T00:00:00Z", "instrument.table/1", &[], text);
    let accept = json!({"text_sha256": support::text_hash()});
    room.say(
        US,
        "2016-03-02T01:00:00Z",
        "instrument.accept/1",
        &[&pause],
        accept.clone(),
    );
    let leave =
        json!({"leaving": "suspend", "from": "2016-03-04T00:00:00Z", "reason": "It is not kept"});
    room.say(
        US,
        "2016-03-03T00:00:00Z",
        "instrument.leave/1",
        &[&pause],
        leave,
    );
    room.say(
        MISSION,
        "2016-03-02T02:00:00Z",
        "instrument.accept/1",
        &[&pause],
        accept,
    );
    let asked = room.say(
        RU,
        "2016-03-05T00:00:00Z",
        "message.send/1",
        &[],
        routine("US"),
    );
    room.say(
        US,
        "2016-03-05T00:00:10Z",
        "receipt/1",
        &[&asked],
        json!({}),
    );
    // By the two logs that come first the pause is suspended when the message is sent; by MISSION's it is not.
    let holding = room.arrive(&[RU, US, MISSION]);
    let due = row(&holding.views[0], "matter", &asked)["recipients"][0]["answer_within_s"].clone();
    assert_eq!(due, 60);
}

#[test]
fn an_offer_that_comes_together_with_what_replaced_it_is_owed_no_answer() {
    let mut room = Room::bound();
    let text = |version: u8, needed: &[&str]| {
        let member = |name: &str| json!({"call_sign": name, "origin": format!("truce.example/{}", name.to_lowercase()), "role": "party"});
        json!({"name": "Pause", "formality": "humanitarian_pause", "version": version, "text_sha256": support::text_hash(), "text_public": true,
            "needed": needed, "accept_by": "2016-03-10T00:00:00Z", "in_force_from": "2016-03-02T00:00:00Z",
            "provisions": [{"id": "art-1", "title": "All", "text_sha256": support::text_hash()}],
            "participants": [member("RU"), member("US")]})
    };
    let table = "instrument.table/1";
    let offer = room.say(
        RU,
        "2016-03-02T00:00:00Z",
        table,
        &[],
        text(1, &["RU", "US"]),
    );
    room.say(
        US,
        "2016-03-02T01:00:00Z",
        table,
        &[&offer],
        text(2, &["US"]),
    );
    // Everything before is there already; the two come with one batch.
    let world = &room.0;
    let mut holding = Holding::of(world, &[Eyes::Node]);
    for last in [1, 0] {
        for (log, size) in [RU, US, MISSION].map(|log| (log, world.logs[log].size() - last)) {
            holding.arrive(world, log, size, &(0..size).collect(), &EVERYTHING);
        }
        holding.settle(8192);
    }
    let due = holding.views[0].due(utc("2016-03-12T00:00:00Z")).unwrap();
    assert!(due.iter().all(|row| row.what != "acceptance"), "{due:?}");
    room.arrive(&[US, RU, MISSION]);
}

#[test]
fn a_reference_with_another_leaf_joins_nothing_in_whatever_order_it_comes() {
    let mut room = Room::bound();
    let at = "2016-03-02T09:00:00Z";
    let next = room.0.logs[RU].size();
    let wrong = Reference {
        origin: room.0.logs[RU].origin().clone(),
        index: next,
        leaf: Hash([9; 32]),
    };
    let stray = room.say(US, at, "receipt/1", &[&wrong], json!({}));
    room.say(
        MISSION,
        at,
        "comment/1",
        &[&stray],
        json!({"words": "What is it about?"}),
    );
    let asked = room.say(RU, at, "message.send/1", &[], routine("US"));
    for order in [[US, MISSION, RU], [RU, US, MISSION], [MISSION, RU, US]] {
        let holding = room.arrive(&order);
        let row = row(&holding.views[0], "matter", &asked);
        assert_eq!(
            row["recipients"][0]["delivery"], "unreachable",
            "the receipt is of something else"
        );
    }
}

#[test]
fn a_compromise_that_is_undone_gives_back_what_it_took_also_from_before_the_theft() {
    let mut room = Room::bound();
    let at = "2016-03-02T09:00:00Z";
    let asked = room.say(RU, at, "message.send/1", &[], routine("US"));
    let held = room.0.logs[RU].size();
    let log = &mut room.0.logs[RU];
    log.control(
        "key.compromise/1",
        json!({"kid": DESK.to_string(), "from": FOUNDED}),
    );
    let robbed = log.size();
    log.recover_admin(held);
    let world = &room.0;
    let mut holding = Holding::of(world, &[Eyes::Node]);
    let standing = |holding: &Holding| {
        holding.views[0]
            .statement(&asked)
            .unwrap()
            .unwrap()
            .standing
    };
    for (size, expected) in [
        (held, "effective"),
        (robbed, "ineffective"),
        (world.logs[RU].size(), "effective"),
    ] {
        holding.arrive(world, RU, size, &(0..size).collect(), &EVERYTHING);
        holding.settle(8);
        assert_eq!(standing(&holding), expected, "with {size} entries");
    }
    room.arrive(&[RU, US, MISSION]);
}

#[test]
fn what_is_signed_with_a_key_that_is_granted_later_says_nothing_however_much_of_the_log_is_held() {
    let mut room = Room::bound();
    let at = "2016-03-02T09:00:00Z";
    let ahead = room.0.logs[RU].size() + 1;
    let said = room.say_with(ahead, RU, at, "message.send/1", &[], routine("US"));
    let held = room.0.logs[RU].size();
    assert_eq!(room.0.logs[RU].grant_key(), ahead);
    let world = &room.0;
    let whole = world.logs[RU].size();
    let holdings = [vec![held, whole], vec![whole]].map(|sizes| {
        let mut holding = Holding::of(world, &[Eyes::Node]);
        for size in sizes {
            holding.arrive(world, RU, size, &(0..size).collect(), &EVERYTHING);
            holding.settle(64);
        }
        holding
    });
    for holding in &holdings {
        assert!(holding.views[0].statement(&said).unwrap().is_none());
    }
    expect_the_same(
        &holdings[0].views[0],
        &holdings[1].views[0],
        "piecemeal beside at once",
    );
}

#[test]
fn views_of_another_log_under_the_same_name_are_thrown_away() {
    let at = "2016-03-02T09:00:00Z";
    let mut worlds = [Room::bound(), Room::bound()];
    // The second one's logs were founded with other keys, and say other things.
    for (log, seed) in worlds[1].0.logs.iter_mut().zip(101..) {
        *log = MemoryLog::found(&log.name.clone(), seed);
    }
    // And they are no shorter.
    for (room, more) in worlds.iter_mut().zip([0, 3]) {
        for who in [RU, US, MISSION] {
            for _ in 0..3 + more {
                room.say(who, at, "message.send/1", &[], routine("US"));
            }
        }
    }
    let [one, other] = worlds;
    let mut holding = Holding::of(&one.0, &[Eyes::Node]);
    holding.arrive_whole(&one.0, &EVERYTHING);
    holding.settle(64);
    let before = holding.views[0].context().seq;
    holding.replace_logs(&other.0);
    holding.arrive_whole(&other.0, &EVERYTHING);
    holding.settle(64);
    let mut fresh = Holding::of(&other.0, &[Eyes::Node]);
    fresh.arrive_whole(&other.0, &EVERYTHING);
    fresh.settle(64);
    expect_the_same(&holding.views[0], &fresh.views[0], "the logs were replaced");
    assert!(
        holding.views[0].context().seq > before,
        "whoever follows the changes goes on"
    );
    let said = other.0.logs[RU].reference(FOUNDED);
    assert!(holding.views[0].statement(&said).unwrap().is_some());
    let _: UtcMs = other.0.now;
}
