//! The duty officer's board beside the statements that it is made of.

mod support;

use node::authority::{Eyes, cut};
use node::board::{Board, BoardArea, BoardCounts};
use node::home::Home;
use node::views::{OwedRow, ViewError};
use node::{Node, NodeError};
use record::audience::{Audience, Name};
use record::log::Log;
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
    assert_eq!(board.flash.total, 1);
    let flash = &board.flash.open[0];
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
                assert_eq!(board.flash.open.len(), open.len(), "{who} {now}");
                for (shown, matter) in board.flash.open.iter().zip(open) {
                    let expected = matter
                        .recipients
                        .contains_key(&sign(who))
                        .then(|| matter.is_sounding(&sign(who), silenced.map(at), at(now)));
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
        let mine = board.mine.as_mut().unwrap();
        let rows = mine.owes.first.iter_mut().chain(&mut mine.is_owed.first);
        rows.chain(&mut board.truce.oldest_unanswered)
            .for_each(|row| row.holding = None);
        json!([
            board.flash,
            board.mine,
            board.truce.oldest_unanswered,
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
    let mine = |who: &str| board(&exercise, Some(who), NINE).mine.unwrap();
    let ru = mine("RU");
    let owes: Vec<String> = ru.owes.first.iter().map(spell).collect();
    assert_eq!(
        owes,
        [
            "overdue answer RU>US US-21",
            "overdue answer RU>US US-26",
            "open line_test RU>US RU-19",
            "open relief RU>RU RU-23"
        ]
        .map(|row| row.to_owned()),
    );
    assert_eq!((ru.owes.total, ru.owes.overdue), (4, 2));
    let owed: Vec<String> = ru.is_owed.first.iter().map(spell).collect();
    assert_eq!(owed.len(), 3, "{owed:?}");
    let us = mine("US");
    // What one side owes is what the other is owed: the same rows, whoever looks.
    let both = |rows: &[OwedRow], by: &str, to: &str| -> Vec<String> {
        rows.iter()
            .filter(|row| row.by == by && row.to == to)
            .map(spell)
            .collect()
    };
    assert_eq!(
        both(&us.owes.first, "US", "RU"),
        both(&ru.is_owed.first, "US", "RU")
    );
    assert_eq!(
        both(&ru.owes.first, "RU", "US"),
        both(&us.is_owed.first, "RU", "US")
    );
    assert!(board(&exercise, None, NINE).mine.is_none());
}

#[test]
fn the_day_of_the_truce_and_the_oldest_unanswered_in_each_direction() {
    let exercise = morning();
    let truce = board(&exercise, Some("MISSION"), NINE).truce;
    assert_eq!(
        (
            truce.day,
            truce.first_day.as_deref(),
            truce.offset.as_deref()
        ),
        (Some(116), Some("2016-02-27"), Some("+02:00"))
    );
    assert_eq!(truce.instruments.len(), 1);
    assert_eq!(
        (truce.instruments[0].state, truce.instruments[0].at.as_str()),
        ("in_force", "2016-02-26T22:00:00Z")
    );
    let oldest: Vec<(String, i64)> = truce
        .oldest_unanswered
        .iter()
        .map(|row| (spell(row), row.age_s / 86_400))
        .collect();
    let expected = [
        ("overdue area_response US>RU RU-20".to_owned(), 92),
        ("overdue answer RU>US US-21".to_owned(), 1),
    ];
    assert_eq!(oldest, expected.to_vec());
    assert_eq!(truce.directions, 2);
    let before = board(&exercise, Some("MISSION"), "2016-02-25T09:00:00Z").truce;
    assert_eq!(
        (before.day, before.instruments[0].state),
        (None, "accepted")
    );
}

#[test]
fn lines_tell_both_ends_and_who_is_on_duty() {
    let exercise = morning();
    let board = board(&exercise, Some("RU"), NINE);
    let line = &board.lines[0];
    assert_eq!(
        (
            line.line.as_str(),
            line.two_way_at.as_deref(),
            line.two_way_over.as_deref()
        ),
        ("ru-us", Some("2016-06-20T09:03:00Z"), Some("primary"))
    );
    assert_eq!(
        line.a.last_test.as_ref().map(|test| test.at.as_str()),
        Some("2016-06-20T09:02:00Z")
    );
    assert_eq!(
        (line.a.officer.as_deref(), &line.a.languages[..]),
        (Some("day watch"), &["ru".to_owned(), "en".to_owned()][..])
    );
    assert_eq!(line.b.officer.as_deref(), Some("night watch"));
    let fault = &line.faults[0];
    assert_eq!(
        (fault.means.as_str(), fault.by.as_str(), fault.age_s),
        ("alternate", "US", 7200)
    );
    assert_eq!(board.health.faults, line.faults);
    let late: Vec<(&str, i64)> = board
        .health
        .watches
        .iter()
        .map(|w| (w.call_sign.as_str(), w.overdue_s))
        .collect();
    assert_eq!(late, [("RU", 0), ("US", 1800)]);
}

#[test]
fn incidents_are_counted_by_area_once_and_parties_never() {
    let exercise = morning();
    let incidents = board(&exercise, None, NINE).incidents;
    let counts = |alleged, coverage_undetermined, excluded_named, access_denied| BoardCounts {
        alleged,
        coverage_undetermined,
        excluded_named,
        access_denied,
        verified: 0,
        hours_observed: None,
    };
    let area = |area: &str, last_24_h, days_before| BoardArea {
        area: area.into(),
        last_24_h,
        days_before,
    };
    assert_eq!(
        incidents.areas,
        [
            area("Aleppo", counts(2, 1, 0, 0), counts(1, 1, 0, 0)),
            area("Idlib", counts(1, 0, 1, 0), counts(0, 0, 0, 0)),
            area("Homs", counts(0, 0, 0, 0), counts(0, 0, 0, 1)),
        ]
    );
    assert_eq!(
        incidents.total,
        area("", counts(3, 1, 1, 0), counts(1, 1, 0, 1))
    );
    assert_eq!(
        (incidents.known_to_the_day, incidents.known_to_no_day),
        (3, 1)
    );
    // No party's name stands anywhere among the counts.
    let text = json!(incidents).to_string();
    for name in ["RU", "US", "Nusra", "insurgents"] {
        assert!(!text.contains(&format!("\"{name}\"")), "{name}");
    }
    let corrected = json!({"body": {"reason": "Wrong day"}, "corrected": support::report("2016-06-10T00:00:00Z", "2016-06-11T00:00:00Z", "Aleppo", &[], json!({}))});
    let first = exercise.node().views(&Eyes::Public).list(
        "report",
        &node::views::ListQuery {
            tag: Some("air_strike".into()),
            limit: 1,
            ..Default::default()
        },
    );
    let first: Value = serde_json::from_str(&first.unwrap().items[0]).unwrap();
    let first = first["reference"].as_str().unwrap().parse().unwrap();
    let mut draft = Draft::new("correct/1", NINE).unwrap().about(vec![first]);
    for (group, content) in corrected.as_object().unwrap() {
        draft = draft
            .group(group, Audience::of([Name::Public]), content.clone())
            .unwrap();
    }
    exercise
        .try_say("MISSION", truce::participants::Office::DutyOfficer, draft)
        .unwrap();
    exercise.node().settle();
    let incidents = board(&exercise, None, NINE).incidents;
    assert_eq!(
        incidents.areas.len(),
        2,
        "what a report says is what it says after its correction"
    );
}

#[test]
fn what_is_not_known_is_said_so_and_not_invented() {
    let mut exercise = morning();
    let told = board(&exercise, Some("MISSION"), NINE);
    assert!(!told.movements.held && told.movements.remark.contains("No movements are notified"));
    assert!(
        told.incidents
            .verification
            .remark
            .contains("no verification yet")
    );
    assert!(told.incidents.effort.remark.contains("not logged"));
    assert!(
        told.health
            .logs
            .iter()
            .all(|log| log.witnessed == "unknown")
    );
    // A program that is newer than this one notifies a movement.
    exercise.stop();
    let home = Home::new(&exercise.store().join("participants/HUM"));
    let log = Log::open(&home.dir, home.options().unwrap()).unwrap();
    let (kid, key) = home.desks().unwrap().remove(0);
    let draft = Draft::new("movement.notify/1", NINE).unwrap();
    let draft = draft
        .group(
            "body",
            Audience::of([Name::Participant(sign("MISSION"))]),
            json!({}),
        )
        .unwrap();
    log.say(
        &draft
            .sign(&key, kid, log.id(), utc(NINE))
            .unwrap()
            .to_string(),
    )
    .unwrap();
    drop(log);
    exercise.start();
    exercise.node().settle();
    let told = board(&exercise, Some("MISSION"), NINE);
    assert!(told.movements.held && told.movements.remark.contains("does not read them yet"));
    let not_for_ru = board(&exercise, Some("RU"), NINE);
    assert!(
        !not_for_ru.movements.held,
        "nor is it told that there are any"
    );
}

#[test]
fn each_board_is_made_of_what_its_reader_may_read() {
    let exercise = morning();
    let public = board(&exercise, None, NINE);
    assert_eq!((public.flash.total, public.truce.directions), (0, 0));
    assert!(
        public
            .health
            .logs
            .iter()
            .all(|log| log.held.is_none() && log.applied.is_none())
    );
    // The public reads RU's tabling and what it may of MISSION; the end of RU's log is not told.
    let last = |board: &Board, by: &str| {
        let mut logs = board.health.logs.iter();
        logs.find(|log| log.by == by)
            .and_then(|log| log.last.clone())
    };
    assert_eq!(last(&public, "RU").as_deref(), Some("RU-19"));
    assert_eq!(last(&public, "HUM").as_deref(), Some("HUM-18"));
    let ru = board(&exercise, Some("RU"), NINE);
    assert_eq!(
        last(&ru, "RU").as_deref(),
        ru.as_of
            .iter()
            .find(|at| at.starts_with("RU-"))
            .map(String::as_str)
    );
    let hum = board(&exercise, Some("HUM"), NINE);
    assert_eq!(hum.flash.total, 0, "it is neither a party nor named");
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
    assert_eq!(looked_at.at(utc(NINE)).unwrap().flash.total, 1);
    exercise.say("US", "message.send/1", &[], flash(&["RU"]));
    exercise.say("RU", "shift.open/1", &[], json!({"officer": "relief", "until": "2016-06-21T20:00:00Z", "languages": ["ar"], "takeover_reason": "ill"}));
    exercise.node().settle();
    let now = looked_at.at(utc(NINE)).unwrap();
    assert_eq!(now.flash.total, 2, "what was folded since is there");
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
        let oldest = board["truce"]["oldest_unanswered"][0].clone();
        let (by, to): (CallSign, CallSign) = (
            oldest["by"].as_str().unwrap().parse().unwrap(),
            oldest["to"].as_str().unwrap().parse().unwrap(),
        );
        assert_eq!((by, to), (sign(other), sign(one)));
        (
            oldest["urgency"].clone(),
            oldest["overdue_s"].clone(),
            board["mine"]["is_owed"]["overdue"].clone(),
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
