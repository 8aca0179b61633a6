//! What holds for every truce: arrival does not matter, names do not matter, and no deadline fires before its time.

#![allow(
    clippy::unwrap_used,
    reason = "a truce that cannot be made is a failed test"
)]

mod support;

use proptest::prelude::*;
use proptest::sample::Index;
use record::name::Reference;
use record::statement::Statement;
use record::time::UtcMs;
use serde_json::{Value, json};
use support::{DESK, RELIEF, Room, Words};
use truce::due::Urgency;
use truce::{Standing, Statements, Truce};

/// One step of a generated truce: who, what, about which of the earlier statements, how many minutes later.
#[derive(Debug, Clone)]
struct Step {
    who: Index,
    what: usize,
    about: Index,
    minutes: i64,
    number: i64,
}

/// What is drawn of contact, areas and lines, and what of sites and movements.
const CONTACT: std::ops::Range<usize> = 0..19;
const PROTECTION: std::ops::Range<usize> = 19..46;

fn step(what: std::ops::Range<usize>) -> impl Strategy<Value = Step> {
    let indices = (any::<Index>(), any::<Index>());
    (indices, what, 1..900i64, 0..3i64).prop_map(|((who, about), what, minutes, number)| Step {
        who,
        what,
        about,
        minutes,
        number,
    })
}

/// Truces of one sort, of the other, and of both.
fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![
        prop::collection::vec(step(CONTACT), 1..most),
        prop::collection::vec(step(PROTECTION), 1..most),
        prop::collection::vec(step(0..PROTECTION.end), 1..most),
    ]
}

/// Something that was said: by whom, of which kind, where.
type Object = (String, &'static str, Reference);

/// What a step is about: where it tells of sites and movements, mostly something that fits.
fn target(step: &Step, who: &str, objects: &[Object]) -> Option<Reference> {
    let pick = |all: Vec<&Object>| {
        let picked = (!all.is_empty()).then(|| all[step.about.index(all.len())]);
        picked.map(|(_, _, reference)| reference.clone())
    };
    let of = |kinds: &[&str], own: bool| {
        let fits = objects
            .iter()
            .filter(|(by, kind, _)| kinds.contains(kind) && (by == who) == own);
        pick(fits.collect())
    };
    let fitting = match step.what {
        20 | 24..=26 => of(&["site.notify/1"], true),
        21..=23 => of(&["site.notify/1"], false),
        27 => of(&["site.notify/1", "site.withdraw/1"], false),
        28 => of(&["site.notify/1"], step.number == 0),
        30..=40 => of(&["movement.notify/1"], true),
        41..=45 => of(
            &[
                "site.notify/1",
                "movement.notify/1",
                "movement.revise/1",
                "site.contest/1",
                "exposure.declare/1",
                "site.withdraw/1",
            ],
            false,
        ),
        _ => None,
    };
    fitting.or_else(|| pick(objects.iter().collect()))
}

/// What is said of sites and movements.
fn notices(step: &Step, to: &[String], at: &str) -> (&'static str, bool, Value) {
    let now = UtcMs::parse(at).unwrap();
    let later = |minutes: i64| UtcMs(now.0 + minutes * 60_000).to_string();
    let place = |n: i64| json!({"lat_e7": 360_000_000 + n, "lon_e7": 371_500_000});
    let told = "delivered_copy_cannot_be_watched_or_recalled";
    let same = "unchanged";
    let consents = to
        .iter()
        .map(|to| json!({"recipient": to, "given_by": "director", "given_at": at, "told": told}));
    let site = json!({"category": "clinic", "pcodes": ["SY0200"], "through": "MISSION", "valid_from": at,
        "consents": consents.collect::<Vec<_>>(), "review_by": later(2000 * (step.number + 1)), "protection": same});
    let movement = json!({"purpose": "relief", "mode": "road", "to": to, "through": "MISSION", "from": later(30),
        "until": later(600), "persons": 4, "emergency": step.number == 1, "protection": same,
        "check_ins": [{"id": "a", "due_at": later(120)}, {"id": "b", "due_at": later(300 + step.number)}]});
    let next = later(60 + step.number * 60);
    match step.what {
        19 => ("site.notify/1", false, site),
        20 => ("site.notify/1", true, site),
        21 => (
            "site.validate/1",
            true,
            json!({"checks": ["call"], "checked_at": at}),
        ),
        22 => (
            "site.return/1",
            true,
            json!({"faults": ["incomplete"], "words": "x", "protection": same}),
        ),
        23 => (
            "site.contest/1",
            true,
            json!({"contention": "gone", "words": "x", "protection": same}),
        ),
        24 => (
            "site.review/1",
            true,
            json!({"reviewed_at": at, "review_by": later(3000), "consents_stand": true, "protection": same}),
        ),
        25 => (
            "site.stop_sharing/1",
            true,
            json!({"asked_by_site": true, "protection": same}),
        ),
        26 => {
            let mut body = json!({"asked_by_site": true, "told": told, "protection": same});
            if step.number > 0 {
                body["recipients"] = json!(to);
            }
            ("site.withdraw/1", true, body)
        }
        27 => (
            "site.deletion_attest/1",
            true,
            json!({"passed_down_recalled": true}),
        ),
        28 => (
            "exposure.declare/1",
            true,
            json!({"discovery": "told", "since": at, "unknown": "x", "protection": same}),
        ),
        29 => ("movement.notify/1", false, movement),
        30 => ("movement.revise/1", true, movement),
        31 | 32 => (
            "movement.depart/1",
            true,
            json!({"departed_at": at, "persons": 4}),
        ),
        33 => ("movement.check_in/1", true, json!({"at": at, "point": "a"})),
        34 => (
            "movement.hold/1",
            true,
            json!({"since": at, "reason": "x", "next_check_in": next}),
        ),
        35 => (
            "movement.denied/1",
            true,
            json!({"at": at, "where_words": "x", "next_check_in": next}),
        ),
        36 => (
            "movement.divert/1",
            true,
            json!({"at": at, "words": "x", "next_check_in": next}),
        ),
        37 => (
            "movement.resume/1",
            true,
            json!({"at": at, "next_check_in": next}),
        ),
        38 => (
            "movement.turn_back/1",
            true,
            json!({"at": at, "reason": "x", "next_check_in": next}),
        ),
        39 => (
            "movement.arrive/1",
            true,
            json!({"at": at, "delivered": true}),
        ),
        40 if step.number == 0 => (
            "movement.abort/1",
            true,
            json!({"reason": "x", "protection": same}),
        ),
        40 => (
            "movement.close/1",
            true,
            json!({"at": at, "persons": 4, "accounted_for": 4}),
        ),
        41 => ("receipt/1", true, json!({})),
        42 => ("acknowledge/1", true, json!({})),
        43 => (
            "read_back/1",
            true,
            json!({"words": "x", "place": place(step.number)}),
        ),
        44 => (
            "pass_down/1",
            true,
            json!({"step": "confirmed_below", "to": "x"}),
        ),
        _ => ("erase/1", true, json!({"groups": ["body"]})),
    }
}

/// The groups of a statement: sites and movements have an exact place.
fn groups(step: &Step, kind: &str, body: Value) -> Value {
    let place = |n: i64| json!({"lat_e7": 360_000_000 + n, "lon_e7": 371_500_000});
    match kind {
        "site.notify/1" => {
            json!({"body": body, "exact": {"name": "x", "function": "x", "place": place(step.number),
            "datum": "wgs84", "uncertainty_m": 5, "method": "map"}})
        }
        "movement.notify/1" | "movement.revise/1" => {
            let (from_at, to_at) = (body["from"].clone(), body["until"].clone());
            json!({"body": body, "exact": {"legs": [{"from": place(0), "from_at": from_at, "to": place(1), "to_at": to_at}],
                "datum": "wgs84"}})
        }
        _ => json!({"body": body}),
    }
}

/// The kind, whether it is about an earlier statement, and the body. `to` are the other two.
fn words(
    step: &Step,
    to: &[String],
    at: &str,
    target: Option<&Reference>,
) -> (&'static str, bool, Value) {
    if PROTECTION.contains(&step.what) {
        return notices(step, to, at);
    }
    let one_of = |words: [&'static str; 3]| words[usize::try_from(step.number).unwrap()];
    let place = json!({"lat_e7": 350_000_000 + step.number, "lon_e7": 380_000_000});
    let flash = |happening: &str| json!({"precedence": "FLASH", "to": to, "place": place, "happening": happening});
    let text = json!({"precedence": one_of(["IMMEDIATE", "PRIORITY", "ROUTINE"]), "to": to,
        "words": "x", "language": "en", "parts": [{"id": "a", "ask": "?"}, {"id": "b", "ask": "?"}]});
    let corner =
        |lat: i64, lon: i64| json!({"lat_e7": 360_000_000 + lat, "lon_e7": 370_000_000 + lon});
    let area = json!({"name": "Area", "purpose": "held_by_excluded_group", "held_by": "nusra", "to": to, "basis": "x",
        "polygon": [corner(0, 0), corner(4_000_000 + step.number * 1_000_000, 0), corner(4_000_000, 4_000_000), corner(0, 4_000_000)],
        "valid_from": "2016-03-01T00:00:00Z", "valid_until": "2016-03-30T00:00:00Z"});
    let head = target.map(|t| json!({"heads": [{"origin": t.origin.to_string(), "size": t.index + 1, "root": support::sha()}]}));
    match step.what {
        0 => ("message.send/1", false, flash("still_happening")),
        1 => ("message.send/1", true, flash("still_happening")),
        2 => ("message.send/1", true, flash("stopped")),
        3 | 4 => ("message.send/1", false, text),
        5 | 6 => ("receipt/1", true, json!({})),
        7 => ("acknowledge/1", true, json!({})),
        8 => (
            "answer/1",
            true,
            json!({"reply": one_of(["checking", "stop_passed", "not_ours"])}),
        ),
        9 => (
            "answer/1",
            true,
            json!({"reply": "agreed", "part": one_of(["a", "b", "c"])}),
        ),
        10 => (
            "hold/1",
            true,
            json!({"officer": "duty officer", "answer_by": at}),
        ),
        11 => ("area.designate/1", step.number > 0, area),
        12 => (
            "area.respond/1",
            true,
            json!({"response": one_of(["agree", "under_consultation", "agree"])}),
        ),
        13 => ("retract/1", true, json!({"reason": "x"})),
        14 => (
            "withdraw/1",
            true,
            json!({"response": "answer", "reason": "x"}),
        ),
        15 => (
            "message.regrade/1",
            true,
            json!({"precedence": "IMMEDIATE", "reason": "x"}),
        ),
        16 => (
            "line.test/1",
            false,
            json!({"line": "line-1", "means": "primary", "tested_at": at, "result": "heard"}),
        ),
        17 => ("erase/1", true, json!({"groups": ["body"]})),
        _ => (
            "head.seen/1",
            false,
            head.unwrap_or_else(|| json!({"heads": []})),
        ),
    }
}

/// Plays the steps among three participants with these names. What breaks a rule is said all the same, as another's log may:
/// it has to be without effect for everybody alike.
fn play(names: [&str; 3], steps: &[Step]) -> Room {
    let mut room = Room::of(&names);
    room.bind();
    let mut objects: Vec<Object> = Vec::new();
    let mut now = UtcMs::parse("2016-03-02T00:00:00Z").unwrap();
    for step in steps {
        now = UtcMs(now.0 + step.minutes * 60_000);
        let at = now.to_string();
        let who = names[step.who.index(3)];
        let mut to: Vec<String> = names
            .iter()
            .filter(|name| **name != who)
            .map(|n| (*n).to_owned())
            .collect();
        to.truncate(1 + usize::from(step.number == 2));
        let target = target(step, who, &objects);
        let (kind, about, body) = words(step, &to, &at, target.as_ref());
        let about = target.filter(|_| about).into_iter().collect();
        let kid = if step.number == 1 { RELIEF } else { DESK };
        let groups = groups(step, kind, body);
        let said = room.force(
            who,
            &Words {
                kid,
                kind,
                at: &at,
                about,
                groups,
            },
        );
        objects.push((who.to_owned(), kind, said));
    }
    room
}

const NAMES: [&str; 3] = ["RU", "US", "MISSION"];

fn truce_of(said: &[(u64, Statement)]) -> Truce {
    let mut statements = Statements::default();
    said.iter()
        .for_each(|(index, statement)| statements.hold(*index, statement));
    Truce::of(&statements)
}

/// The items that are due, as lines in which references are call sign and index and the names are translated.
fn lines(truce: &Truce, now: UtcMs, translate: impl Fn(&str) -> String) -> Vec<String> {
    let name = |reference: &Reference| {
        let call_sign = truce.directory.call_sign(&reference.origin).unwrap();
        format!("{}-{}", translate(call_sign.as_str()), reference.index)
    };
    let items = truce.due(now).into_iter().map(|item| {
        let (by, to) = (translate(item.by.as_str()), translate(item.to.as_str()));
        let holding = item
            .holding
            .map(|(reference, until)| (name(&reference), until));
        format!(
            "{:?} {:?} {:?} {:?} {by} {to} {} {} {holding:?}",
            item.urgency,
            item.due_at,
            item.since,
            item.what,
            name(&item.about),
            item.received
        )
    });
    let standings = truce.standings.iter().map(|(reference, standing)| {
        let word = format!("{standing:?}");
        format!(
            "{} {}",
            name(reference),
            word.split(['(', ' ']).next().unwrap_or_default()
        )
    });
    let mut lines: Vec<String> = items.chain(standings).collect();
    lines.sort();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_order_of_arrival_gives_the_same_state(
        steps in steps(40),
        order in prop::collection::vec(any::<u32>(), 200),
        sealed in prop::collection::vec(any::<bool>(), 200),
    ) {
        let room = play(NAMES, &steps);
        let straight = truce_of(&room.said);
        let mut shuffled: Vec<(usize, (u64, Statement))> = room.said.iter().cloned().enumerate().collect();
        shuffled.sort_by_key(|(i, _)| order[i % order.len()]);
        // Some come bare at first, and with their disclosures later.
        let mut arrivals: Vec<(u64, Statement)> = Vec::new();
        for (i, (index, statement)) in &shuffled {
            if sealed[i % sealed.len()] {
                arrivals.push((*index, statement.reduced(|_, _| false)));
            }
        }
        arrivals.extend(shuffled.into_iter().map(|(_, said)| said));
        prop_assert_eq!(truce_of(&arrivals), straight);
    }

    #[test]
    fn other_call_signs_give_the_same_result_with_other_call_signs(
        steps in steps(40),
        days in 0..60i64,
    ) {
        let other = ["US", "RU", "MISSION"];
        let translate = |name: &str| match name { "RU" => "US".to_owned(), "US" => "RU".to_owned(), same => same.to_owned() };
        let now = UtcMs(UtcMs::parse("2016-03-02T00:00:00Z").unwrap().0 + days * 86_400_000);
        let one = truce_of(&play(NAMES, &steps).said);
        let two = truce_of(&play(other, &steps).said);
        prop_assert_eq!(lines(&one, now, str::to_owned), lines(&two, now, translate));
    }

    #[test]
    fn admission_and_standing_agree_on_what_one_s_own_log_can_decide(steps in steps(60)) {
        let mut room = Room::of(&NAMES);
        room.bind();
        let mut objects: Vec<Object> = Vec::new();
        let mut decided: Vec<(Reference, Option<&'static str>)> = Vec::new();
        for (i, step) in steps.iter().enumerate() {
            let at = UtcMs(1_456_880_000_000 + i64::try_from(i).unwrap() * 60_000).to_string();
            let who = NAMES[step.who.index(3)];
            let to: Vec<String> = NAMES.iter().filter(|name| **name != who).map(|n| (*n).to_owned()).collect();
            let target = target(step, who, &objects);
            let (kind, about, body) = words(step, &to, &at, target.as_ref());
            let about = target.filter(|_| about).into_iter().collect();
            let kid = if step.number == 1 { support::NOBODY } else { DESK };
            let words = Words { kid, kind, at: &at, about, groups: groups(step, kind, body) };
            let (said, refused) = match room.try_say(who, &words) {
                Ok(said) => (said, None),
                Err(refusal) => (room.force(who, &words), Some(refusal.rule)),
            };
            objects.push((who.to_owned(), kind, said.clone()));
            decided.push((said, refused));
        }
        let standings = room.truce().standings;
        for (said, refused) in decided {
            let standing = &standings[&said];
            match (refused, standing) {
                // What is another's, and what was taken back later, the own log could not know.
                (None, Standing::Ineffective(why)) => prop_assert!(
                    ["retracted", "withdrawn", "it is about something else"].iter().any(|known| why.starts_with(known)),
                    "{said} was admitted and is ineffective: {why}"
                ),
                (Some("office" | "about" | "form" | "readers" | "first_notification"), standing) => {
                    prop_assert!(matches!(standing, Standing::Ineffective(_) | Standing::Undetermined(_)), "{said}: {standing:?}");
                }
                _ => {}
            }
        }
    }

    #[test]
    fn outlines_are_judged_alike_in_admission_and_standing(
        shapes in prop::collection::vec((0..6i64, 0..6i64, 1..7i64, 1..7i64, prop::option::of(any::<prop::sample::Index>())), 1..24),
    ) {
        let mut room = Room::of(&NAMES);
        room.bind();
        let mut said: Vec<Reference> = Vec::new();
        let mut refused: Vec<bool> = Vec::new();
        for (i, (south, west, high, wide, revises)) in shapes.into_iter().enumerate() {
            let at = UtcMs(1_456_880_000_000 + i64::try_from(i).unwrap() * 60_000).to_string();
            let corner = |lat: i64, lon: i64| json!({"lat_e7": 360_000_000 + lat * 500_000, "lon_e7": 370_000_000 + lon * 500_000});
            let (north, east) = (south + high, west + wide);
            let area = json!({"name": "Area", "purpose": "disengagement", "to": [NAMES[1]], "basis": "x",
                "polygon": [corner(south, west), corner(south, east), corner(north, east), corner(north, west)],
                "valid_from": "2016-03-01T00:00:00Z", "valid_until": "2016-03-30T00:00:00Z"});
            let about = revises.filter(|_| !said.is_empty()).map(|n| said[n.index(said.len())].clone());
            let words = Words {
                kid: DESK, kind: "area.designate/1", at: &at, about: about.into_iter().collect(), groups: json!({"body": area}),
            };
            let (reference, is_refused) = match room.try_say(NAMES[0], &words) {
                Ok(said) => (said, false),
                Err(refusal) => {
                    prop_assert!(["form", "revision", "target"].contains(&refusal.rule), "{refusal}");
                    (room.force(NAMES[0], &words), true)
                }
            };
            said.push(reference);
            refused.push(is_refused);
        }
        let standings = room.truce().standings;
        for (said, refused) in said.iter().zip(refused) {
            let standing = &standings[said];
            prop_assert_eq!(refused, *standing != Standing::Effective, "{} {:?}", said, standing);
        }
    }

    #[test]
    fn no_deadline_fires_before_its_time_whatever_order_the_times_are_asked_in(
        steps in steps(40),
        minutes in prop::collection::vec(-1000..90_000i64, 1..12),
    ) {
        let truce = truce_of(&play(NAMES, &steps).said);
        let start = UtcMs::parse("2016-03-02T00:00:00Z").unwrap();
        let times: Vec<UtcMs> = minutes.iter().map(|m| UtcMs(start.0 + m * 60_000)).collect();
        let first: Vec<_> = times.iter().map(|now| truce.due(*now)).collect();
        for (now, items) in times.iter().zip(&first).rev() {
            prop_assert_eq!(&truce.due(*now), items, "asking changes nothing");
            for item in items {
                let over = item.due_at.is_some_and(|due| *now >= due);
                prop_assert_eq!(item.urgency == Urgency::Overdue, over);
                prop_assert!(item.since <= *now);
                prop_assert!(item.urgency != Urgency::Unreachable || item.due_at.is_none());
            }
        }
        let mut sorted = times.clone();
        sorted.sort();
        for pair in sorted.windows(2) {
            // What is overdue stays overdue with the same deadline, or is answered: no clock starts again.
            for item in truce.due(pair[0]).into_iter().filter(|item| item.urgency == Urgency::Overdue) {
                let later = truce.due(pair[1]).into_iter();
                let same = later.filter(|l| l.what == item.what && l.by == item.by && l.about == item.about);
                for later in same.filter(|l| l.since == item.since) {
                    prop_assert_eq!((later.urgency, later.due_at), (Urgency::Overdue, item.due_at));
                }
            }
        }
    }
}
