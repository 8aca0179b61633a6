//! The duty officer's board beside the statements that it is made of.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::authority::{Eyes, cut};
use node::board::{Board, BoardCounts, BoardPlace};
use node::views::{OwedRow, ViewError};
use node::{Node, NodeError};
use record::audience::{Audience, Name};
use record::name::CallSign;
use record::statement::Draft;
use record::time::UtcMs;
use serde_json::{Value, json};
use support::{Exercise, flash, sign, the_morning, utc};
use truce::{Statements, Truce};

const NINE: &str = "2016-06-21T09:00:00Z";

fn morning() -> Exercise {
    let exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    the_morning(&exercise);
    exercise
}

fn board(exercise: &Exercise, who: Option<&str>, now: &str) -> Board {
    let own = who.map(sign);
    let node = exercise.node();
    let eyes = node.eyes_of(own.as_ref());
    Board::of(node, &eyes, own.as_ref(), utc(now)).unwrap()
}

fn spell(row: &OwedRow) -> String {
    format!(
        "{} {} {}>{} {}",
        row.urgency, row.what, row.by, row.to, row.short
    )
}

#[test]
fn a_flash_tells_its_age_its_place_and_who_has_not() {
    let exercise = morning();
    let board = board(&exercise, Some("RU"), NINE);
    assert!(board.exercise);
    assert_eq!(board.flash_total, 1);
    let flash = &board.flash[0];
    assert_eq!(
        (
            flash.short.as_str(),
            flash.by.as_str(),
            flash.age_s,
            flash.repeats
        ),
        ("US-26", "US", 600, 1)
    );
    assert_eq!(
        (flash.place_name.as_deref(), flash.lat_e7, flash.lon_e7),
        (Some("At Tanf"), Some(333_500_000), Some(386_700_000))
    );
    let both = json!(["MISSION", "RU"]);
    assert_eq!(
        json!(flash.has_not),
        json!({"acknowledged": ["RU"], "read_back": both, "sent_down": both, "confirmed_below": both, "answered": ["RU"]})
    );
    let answer = &flash.answers[0];
    assert_eq!(
        (
            answer.by.as_str(),
            answer.reply.as_str(),
            flash.answers.len()
        ),
        ("MISSION", "not_ours", 1)
    );
    // RU's clock began with its receipt at 08:51.
    assert_eq!(
        (flash.due_at.as_deref(), flash.overdue_s),
        (Some("2016-06-21T08:56:00Z"), 240)
    );
}

#[test]
fn the_alarm_sounds_as_the_matter_itself_says() {
    let exercise = morning();
    let node = exercise.node();
    let members = node.sources().members();
    let eyes = |who: &str| node.eyes_of(Some(&sign(who)));
    let times = [
        "08:49:59", "08:50:00", "08:51:30", "08:55:59", "08:56:00", "08:57:00", "09:30:00",
    ];
    let silences = [None, Some("08:50:10"), Some("08:56:30"), Some("08:58:00")];
    let at = |time: &str| utc(&format!("2016-06-21T{time}Z"));
    for who in ["RU", "MISSION", "US", "HUM"] {
        for silenced in silences {
            for now in times {
                let mut statements = Statements::default();
                for source in node.sources().all() {
                    for index in 0..source.size() {
                        let statement = source.statement(index).unwrap().unwrap();
                        let said = statement.head().is_none_or(|head| head.at_utc <= at(now));
                        if said {
                            statements.hold(index, &cut(&eyes(who), &statement, &members));
                        }
                    }
                }
                let truce = Truce::of(&statements);
                if let (Some(silenced), Some(matter)) = (silenced, truce.matters.keys().next_back())
                {
                    node.timers()
                        .silence(&eyes(who), matter, at(silenced))
                        .unwrap();
                }
                let board = board(&exercise, Some(who), &format!("2016-06-21T{now}Z"));
                let open: Vec<_> = truce
                    .matters
                    .values()
                    .filter(|m| m.is_open() && m.precedence == truce::agreement::Precedence::Flash)
                    .collect();
                assert_eq!(board.flash.len(), open.len(), "{who} {now}");
                for (shown, matter) in board.flash.iter().zip(open) {
                    let expected = matter.recipients.contains_key(&sign(who))
                        && matter.is_sounding(&sign(who), silenced.map(at), at(now));
                    assert_eq!(
                        shown.sounding, expected,
                        "{who} {now} silenced {silenced:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_board_of_an_earlier_time_shows_what_was_said_by_then() {
    let exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    exercise.bind();
    // All but holding replies, which stop no clock and carry no time of their own.
    let told = |time: &str| {
        let mut board = board(&exercise, Some("US"), time);
        let rows = board.mine.iter_mut().chain(&mut board.awaited);
        rows.chain(&mut board.oldest)
            .for_each(|row| row.holding = None);
        for flash in &mut board.flash {
            flash
                .recipients
                .iter_mut()
                .for_each(|one| one.replies.retain(|reply| reply != "holding"));
        }
        json!([
            board.flash,
            board.mine,
            board.awaited,
            board.oldest,
            board.lines
        ])
    };
    let mut seen: Vec<(String, Value)> = Vec::new();
    let mut look = |time: &str| {
        exercise.node().settle();
        seen.push((time.to_owned(), told(time)));
    };
    let say = |time: &str, who: &str, kind: &str, about: &[&_], body: Value| {
        exercise.at(time);
        exercise.say(who, kind, about, body)
    };
    let call = say(
        "2016-03-02T09:00:00Z",
        "US",
        "message.send/1",
        &[],
        flash(&["RU", "MISSION"]),
    );
    look("2016-03-02T09:00:00Z");
    say(
        "2016-03-02T09:01:00Z",
        "RU",
        "receipt/1",
        &[&call],
        json!({}),
    );
    look("2016-03-02T09:01:00Z");
    say(
        "2016-03-02T09:02:00Z",
        "RU",
        "acknowledge/1",
        &[&call],
        json!({}),
    );
    say(
        "2016-03-02T09:02:00Z",
        "RU",
        "answer/1",
        &[&call],
        json!({"reply": "checking"}),
    );
    look("2016-03-02T09:02:00Z");
    let back =
        json!({"words": "Shelling", "place": {"lat_e7": 333_500_000, "lon_e7": 386_700_000}});
    say("2016-03-02T09:03:00Z", "RU", "read_back/1", &[&call], back);
    say(
        "2016-03-02T09:03:00Z",
        "RU",
        "pass_down/1",
        &[&call],
        json!({"step": "sent_down", "to": "air"}),
    );
    look("2016-03-02T09:03:00Z");
    say(
        "2016-03-02T09:08:00Z",
        "US",
        "message.send/1",
        &[&call],
        flash(&["RU", "MISSION"]),
    );
    look("2016-03-02T09:08:00Z");
    say(
        "2016-03-02T09:09:00Z",
        "RU",
        "answer/1",
        &[&call],
        json!({"reply": "stop_passed"}),
    );
    let test = |tested: &str| json!({"line": "ru-us", "means": "primary", "tested_at": tested, "result": "heard"});
    say(
        "2016-03-02T09:09:00Z",
        "RU",
        "line.test/1",
        &[],
        test("2016-03-02T09:09:00Z"),
    );
    look("2016-03-02T09:09:00Z");
    say(
        "2016-03-02T09:10:00Z",
        "US",
        "line.test/1",
        &[],
        test("2016-03-02T09:10:00Z"),
    );
    let stopped = json!({"precedence": "FLASH", "to": ["RU", "MISSION"], "happening": "stopped", "place": {"lat_e7": 333_500_000, "lon_e7": 386_700_000}});
    look("2016-03-02T09:10:00Z");
    say(
        "2016-03-02T09:12:00Z",
        "US",
        "message.send/1",
        &[&call],
        stopped,
    );
    look("2016-03-02T09:12:00Z");
    exercise.node().settle();
    for (time, then) in seen {
        assert_eq!(told(&time), then, "{time}");
    }
}

#[test]
fn what_is_owed_stands_in_the_order_of_its_deadlines() {
    let exercise = morning();
    let ru = board(&exercise, Some("RU"), NINE);
    let owes: Vec<String> = ru.mine.iter().map(spell).collect();
    assert_eq!(
        owes,
        [
            "overdue answer RU>US US-21",
            "overdue answer RU>US US-26",
            "open line_test RU>US RU-19",
            "open relief RU>RU RU-23"
        ]
    );
    assert_eq!((ru.mine_count.total, ru.mine_count.overdue), (4, 2));
    assert_eq!(ru.awaited.len(), 3, "{:?}", ru.awaited);
    let us = board(&exercise, Some("US"), NINE);
    // What one side owes is what the other is owed: the same rows, whoever looks.
    let both = |rows: &[OwedRow], by: &str, to: &str| -> Vec<String> {
        let between = rows.iter().filter(|row| row.by == by && row.to == to);
        between.map(spell).collect()
    };
    assert_eq!(both(&us.mine, "US", "RU"), both(&ru.awaited, "US", "RU"));
    assert_eq!(both(&ru.mine, "RU", "US"), both(&us.awaited, "RU", "US"));
    let public = board(&exercise, None, NINE);
    assert!(public.mine.is_empty() && public.awaited.is_empty());
}

#[test]
fn the_day_of_the_truce_and_the_oldest_unanswered_in_each_direction() {
    let exercise = morning();
    let board_at = |now: &str| board(&exercise, Some("MISSION"), now);
    let now = board_at(NINE);
    let truce = &now.truce;
    assert_eq!(truce.day, Some(116));
    assert_eq!(truce.first_day.as_deref(), Some("2016-02-27"));
    assert_eq!(truce.offset.as_deref(), Some("+02:00"));
    assert_eq!(truce.instruments.len(), 1);
    assert_eq!(truce.instruments[0].state, "in_force");
    assert_eq!(truce.instruments[0].at, "2016-02-26T22:00:00Z");
    let oldest = now
        .oldest
        .iter()
        .map(|row| (spell(row), row.age_s / 86_400));
    let expected = [
        ("overdue area_response US>RU RU-20".to_owned(), 92),
        ("overdue answer RU>US US-21".to_owned(), 1),
    ];
    assert_eq!(oldest.collect::<Vec<_>>(), expected);
    assert_eq!(now.directions, 2);
    let before = board_at("2016-02-25T09:00:00Z").truce;
    assert_eq!(before.day, None);
    assert_eq!(before.instruments[0].state, "accepted");
}

#[test]
fn lines_tell_both_ends_and_who_is_on_duty() {
    let exercise = morning();
    let board = board(&exercise, Some("RU"), NINE);
    let line = &board.lines[0];
    assert_eq!(line.id, "ru-us");
    assert_eq!(
        line.last_two_way_at.as_deref(),
        Some("2016-06-20T09:03:00Z")
    );
    assert_eq!(line.over.as_deref(), Some("primary"));
    assert_eq!(line.a.tested_at.as_deref(), Some("2016-06-20T09:02:00Z"));
    assert_eq!(line.a.last_test.as_deref(), Some("heard"));
    assert_eq!(line.a.officer.as_deref(), Some("day watch"));
    assert_eq!(line.a.languages, ["ru", "en"]);
    assert_eq!(line.b.officer.as_deref(), Some("night watch"));
    assert_eq!(line.faults, ["alternate"]);
    let fault = &board.faults[0];
    assert_eq!((fault.by.as_str(), fault.age_s), ("US", 7200));
    let late = board.logs.iter().filter(|log| log.relief_overdue);
    assert_eq!(
        late.map(|log| log.call_sign.as_str()).collect::<Vec<_>>(),
        ["US"]
    );
}

#[test]
fn incidents_are_counted_by_place_once_and_parties_never() {
    let exercise = morning();
    let told = board(&exercise, None, NINE);
    let counts = |alleged, coverage_undetermined, excluded_named, access_denied| BoardCounts {
        alleged,
        coverage_undetermined,
        excluded_named,
        access_denied,
        verified: 0,
        hours_observed: None,
    };
    let place = |place: &str,
                 last_24_h: BoardCounts,
                 days_before: BoardCounts,
                 week: (u64, u64)| BoardPlace {
        place: place.into(),
        name: None,
        day_alleged: last_24_h.alleged,
        day_access_denied: last_24_h.access_denied,
        week_alleged: week.0,
        week_access_denied: week.1,
        last_24_h,
        days_before,
    };
    assert_eq!(
        told.places,
        [
            place("Aleppo", counts(2, 1, 0, 0), counts(1, 1, 0, 0), (3, 0)),
            place("Idlib", counts(1, 0, 1, 0), counts(0, 0, 0, 0), (1, 0)),
            place("Homs", counts(0, 0, 0, 0), counts(0, 0, 0, 1), (0, 1)),
        ]
    );
    assert_eq!(told.reports.last_24_h, counts(3, 1, 1, 0));
    assert_eq!(told.reports.days_before, counts(1, 1, 0, 1));
    assert_eq!(
        (told.reports.known_to_the_day, told.reports.known_to_no_day),
        (3, 1)
    );
    // No party's name stands anywhere among the counts.
    let text = json!([told.places, told.reports]).to_string();
    for name in ["RU", "US", "Nusra", "insurgents"] {
        assert!(!text.contains(name), "{name}");
    }
    let corrected = support::report(
        "2016-06-10T00:00:00Z",
        "2016-06-11T00:00:00Z",
        "Aleppo",
        &[],
        json!({}),
    );
    let strikes = node::views::ListQuery {
        tag: Some("air_strike".into()),
        limit: 1,
        ..Default::default()
    };
    let strikes = exercise
        .node()
        .views(&Eyes::Public)
        .list("report", &strikes)
        .unwrap();
    let strike: Value = serde_json::from_str(&strikes.items[0]).unwrap();
    let strike = strike["reference"].as_str().unwrap().parse().unwrap();
    let mut draft = Draft::new("correct/1", NINE).unwrap().about(vec![strike]);
    for (group, content) in [
        ("body", json!({"reason": "Wrong day"})),
        ("corrected", corrected),
    ] {
        draft = draft
            .group(group, Audience::of([Name::Public]), content)
            .unwrap();
    }
    let office = truce::participants::Office::DutyOfficer;
    exercise.try_say("MISSION", office, draft).unwrap();
    exercise.node().settle();
    let places = board(&exercise, None, NINE).places;
    assert_eq!(places.len(), 2, "a report says what its correction says");
}

#[test]
fn what_is_not_known_is_said_so_and_not_invented() {
    let exercise = morning();
    let told = board(&exercise, Some("MISSION"), NINE);
    assert!(!told.road.held && told.road.note == "no movements are notified");
    let notes = told.notes.join(" ");
    assert!(
        notes.contains("no verification yet") && notes.contains("not logged"),
        "{notes}"
    );
    assert!(told.logs.iter().all(|log| log.witnessed == "unknown"));
}

#[test]
fn a_missed_check_in_stands_on_the_board_of_those_who_follow_the_movement() {
    let exercise = morning();
    let movement = json!({"purpose": "relief", "mode": "road", "to": ["MISSION"], "from": "2016-06-21T09:30:00Z",
        "until": "2016-06-21T12:00:00Z", "persons": 4, "protection": "unchanged",
        "check_ins": [{"id": "gate", "due_at": "2016-06-21T10:00:00Z"}]});
    let to = ["MISSION"];
    let notified = exercise.say_to("HUM", "movement.notify/1", &[], &to, movement);
    let depart = json!({"departed_at": "2016-06-21T09:30:00Z", "persons": 4});
    exercise.say_to("HUM", "movement.depart/1", &[&notified], &to, depart);
    exercise.node().settle();
    let told = board(&exercise, Some("MISSION"), "2016-06-21T09:59:59Z");
    assert!(!told.road.held && told.road.note.contains("nobody"));
    let told = board(&exercise, Some("MISSION"), "2016-06-21T10:00:00Z");
    let missed = format!("HUM-{} since 2016-06-21T10:00:00Z", notified.index);
    assert!(
        told.road.held && told.road.note.contains(&missed),
        "{}",
        told.road.note
    );
    let not_for_ru = board(&exercise, Some("RU"), "2016-06-21T10:00:00Z");
    assert!(!not_for_ru.road.held);
    assert_eq!(
        not_for_ru.road.note, "no movements are notified",
        "nor is it told that there are any"
    );
}

#[test]
fn each_board_is_made_of_what_its_reader_may_read() {
    let exercise = morning();
    let public = board(&exercise, None, NINE);
    assert_eq!((public.flash_total, public.directions), (0, 0));
    // The public reads RU's tabling and what it may of MISSION; where RU's log ends is not told, nor how fast it grows.
    assert!(public.logs.iter().all(|log| log.not_applied.is_none()));
    let last = |board: &Board, by: &str| {
        let mut logs = board.logs.iter();
        logs.find(|log| log.call_sign == by)
            .map(|log| log.applied.clone())
    };
    assert_eq!(last(&public, "RU").as_deref(), Some("RU-19"));
    assert_eq!(last(&public, "HUM").as_deref(), Some("HUM-18"));
    let ru = board(&exercise, Some("RU"), NINE);
    assert_ne!(last(&ru, "RU"), last(&public, "RU"));
    assert_eq!(ru.as_of.len(), 4);
    let hum = board(&exercise, Some("HUM"), NINE);
    assert_eq!(hum.flash_total, 0, "it is neither a party nor named");
}

fn read_board(store: &std::path::Path, who: Option<&str>) -> Result<Board, NodeError> {
    let reading = Node::open_to_read(store)?;
    let board = reading.board(who.map(sign))?;
    Ok(board.at(utc(NINE))?)
}

#[test]
fn a_board_is_read_beside_the_node_that_runs() {
    let exercise = morning();
    let store = exercise.store();
    for who in [Some("RU"), Some("HUM"), None] {
        let read = json!(read_board(&store, who).unwrap());
        assert_eq!(read, json!(board(&exercise, who, NINE)), "{who:?}");
    }
    let reading = Node::open_to_read(&store).unwrap();
    let looked_at = reading.board(Some(sign("RU"))).unwrap();
    assert_eq!(looked_at.at(utc(NINE)).unwrap().flash_total, 1);
    exercise.say("US", "message.send/1", &[], flash(&["RU"]));
    exercise.say("RU", "shift.open/1", &[], json!({"officer": "relief", "until": "2016-06-21T20:00:00Z", "languages": ["ar"], "takeover_reason": "ill"}));
    exercise.node().settle();
    let now = looked_at.at(utc(NINE)).unwrap();
    assert_eq!(now.flash_total, 2, "what was folded since is there");
    assert_eq!(
        now.lines[0].a.officer.as_deref(),
        Some("relief"),
        "also what all objects depend on"
    );
    assert!(matches!(
        read_board(&store, Some("GOV")),
        Err(NodeError::NotOurs(_))
    ));
}

#[test]
fn reading_needs_no_node_no_key_and_writes_nothing() {
    let mut exercise = morning();
    let expected = json!(board(&exercise, Some("RU"), NINE));
    exercise.stop();
    let store = exercise.store();
    for entry in std::fs::read_dir(store.join("participants")).unwrap() {
        std::fs::remove_dir_all(entry.unwrap().path().join("secret")).unwrap();
    }
    let databases = || -> Vec<(String, Vec<u8>)> {
        let files = std::fs::read_dir(store.join("views"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files
            .filter(|path| path.extension().is_some_and(|e| e == "db"))
            .collect();
        files.sort();
        files
            .into_iter()
            .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
            .collect()
    };
    let before = databases();
    assert_eq!(json!(read_board(&store, Some("RU")).unwrap()), expected);
    assert_eq!(databases(), before);
    std::fs::remove_dir_all(store.join("views")).unwrap();
    let none = read_board(&store, Some("RU"));
    assert!(matches!(&none, Err(NodeError::View(ViewError::None(_)))));
    assert!(
        none.unwrap_err()
            .to_string()
            .contains("nothing has been computed here yet; start the node once")
    );
    assert!(!store.join("views").exists());
}

#[test]
fn call_signs_are_exchanged_and_nothing_else_changes() {
    let told = |names: [&str; 2]| {
        let exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
        exercise.bind();
        exercise.at("2016-03-05T09:00:00Z");
        let [one, other] = names;
        let ask = |by: &str, to: &str| {
            let body = json!({"precedence": "ROUTINE", "to": [to], "words": "Which road", "language": "en"});
            exercise.say(by, "message.send/1", &[], body)
        };
        let asked = ask(one, other);
        exercise.at("2016-03-05T09:01:00Z");
        exercise.say(other, "receipt/1", &[&asked], json!({}));
        exercise.node().settle();
        let board = json!(board(&exercise, Some(one), "2016-03-07T09:00:00Z"));
        let oldest = board["oldest"][0].clone();
        let (by, to): (CallSign, CallSign) = (
            oldest["by"].as_str().unwrap().parse().unwrap(),
            oldest["to"].as_str().unwrap().parse().unwrap(),
        );
        assert_eq!((by, to), (sign(other), sign(one)));
        (
            oldest["urgency"].clone(),
            oldest["overdue_s"].clone(),
            board["awaited_count"]["overdue"].clone(),
        )
    };
    assert_eq!(told(["RU", "US"]), told(["US", "RU"]));
}

#[test]
fn the_time_that_is_shown_is_the_time_that_is_asked_for() {
    let exercise = morning();
    assert_eq!(board(&exercise, None, NINE).now, NINE);
    let much_later = UtcMs(utc(NINE).0 + 100 * 86_400_000);
    let board = Board::of(exercise.node(), &Eyes::Public, None, much_later).unwrap();
    assert_eq!(board.truce.day, Some(216));
}
