//! A node that is killed in the middle of its work has what it acknowledged, once, and comes to the same views and alarms.
//!
//! The child is this binary again: it says as much as it can, on several threads, and prints each receipt the moment it has it.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::authority::Eyes;
use node::own::fold_on;
use node::views::Mark;
use node::{Node, Running, Settings};
use record::audience::Audience;
use record::name::Reference;
use record::statement::{Draft, Statement};
use record::time::{Clock, UtcMs};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use support::{Exercise, flash, office_for, sign, utc};
use truce::OwnLog;

/// The store; without it a child test returns at once.
const DIR: &str = "TRUCELINE_KILLED_DIR";
/// Which child it is: what each says is its own.
const ROUND: &str = "TRUCELINE_KILLED_ROUND";
/// The time at which the child begins.
const FROM: &str = "TRUCELINE_KILLED_FROM";
/// A child that nobody kills ends after so many statements of each thread.
const STATEMENTS_MAX: u64 = 4000;
const NAMES: [&str; 3] = ["RU", "US", "MISSION"];

/// A clock that goes on by some seconds whenever something is said.
struct Steps(AtomicI64);

impl Clock for Steps {
    fn now(&self) -> UtcMs {
        UtcMs(self.0.load(Ordering::Relaxed))
    }
}

fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes());
    let _ = out.flush();
}

fn draft(node: &Node, kind: &str, about: &[&Reference], body: Value) -> Draft {
    let readers = Audience::of(["parties".parse().unwrap(), "MISSION".parse().unwrap()]);
    Draft::new(kind, &node.now().to_string())
        .and_then(|draft| draft.group("body", readers, body))
        .unwrap()
        .about(about.iter().map(|about| (*about).clone()).collect())
}

/// One thread of the child: says messages as fast as they are taken, and now and then something that changes what was said.
fn speak(node: &Arc<Node>, clock: &Steps, who: &str, round: &str, thread: u64) {
    let waiting = Arc::new(AtomicU64::new(0));
    for n in 0..STATEMENTS_MAX {
        clock.0.fetch_add(2_000, Ordering::Relaxed);
        let others: Vec<&str> = NAMES.iter().copied().filter(|name| *name != who).collect();
        let words = format!("round {round} thread {thread} number {n}");
        let body = json!({"precedence": if n.is_multiple_of(3) { "IMMEDIATE" } else { "ROUTINE" }, "to": others, "words": words, "language": "en"});
        let body = if n % 50 == 7 { flash(&others) } else { body };
        let draft = draft(node, "message.send/1", &[], body);
        let office = office_for("message.send/1");
        let Ok(statement) = node.sign(&sign(who), office, None, draft) else {
            return;
        };
        while waiting.load(Ordering::Acquire) > 100 {
            std::thread::yield_now();
        }
        waiting.fetch_add(1, Ordering::AcqRel);
        let (answered, again) = (Arc::clone(&waiting), Arc::downgrade(node));
        let who = who.to_owned();
        node.submit(Arc::new(statement), move |result| {
            if let Ok(receipt) = result {
                print(&format!("receipt {}", receipt.reference));
                // Some of what was said is taken back, corrected, or erased, by whoever said it.
                if let Some(node) = again.upgrade().filter(|_| n % 20 == 3) {
                    change(&node, &who, &receipt.reference, n);
                }
            }
            answered.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

fn change(node: &Arc<Node>, who: &str, of: &Reference, n: u64) {
    let (kind, body) = match n / 20 % 3 {
        0 => ("erase/1", json!({"groups": ["body"]})),
        1 => ("retract/1", json!({"reason": "Said twice"})),
        _ => return,
    };
    let draft = draft(node, kind, &[of], body);
    if let Ok(statement) = node.sign(&sign(who), office_for(kind), None, draft) {
        node.submit(Arc::new(statement), |result| {
            if let Ok(receipt) = result {
                print(&format!("receipt {}", receipt.reference));
            }
        });
    }
}

/// The watch changes hands, over and over.
fn watch(node: &Arc<Node>, clock: &Steps, who: &str) {
    let officer = |node: &Node| json!({"officer": "watch", "languages": ["en"], "until": UtcMs(node.now().0 + 3_600_000).to_string()});
    let own = node.own_of(&sign(who)).unwrap();
    let desks = own.keys(truce::participants::Office::DutyOfficer);
    let say = |n: usize, kind: &str, about: &[&Reference], body: Value| {
        let draft = draft(node, kind, about, body);
        let said = node.say_draft(&sign(who), office_for(kind), Some(desks[n % 2]), draft);
        let reference = said.ok()?.reference;
        print(&format!("receipt {reference}"));
        Some(reference)
    };
    let mut open = officer(node);
    open["takeover_reason"] = "The node was started anew".into();
    let mut current = say(0, "shift.open/1", &[], open);
    for n in 1.. {
        clock.0.fetch_add(60_000, Ordering::Relaxed);
        let Some(watch) = &current else { return };
        let due = node.views(&Eyes::Node).due(node.now()).unwrap();
        let ticked: BTreeSet<String> = due.into_iter().map(|row| row.about).collect();
        let ticked: Vec<String> = ticked.into_iter().take(128).collect();
        let body = json!({"to": "next watch", "ticked": ticked});
        let Some(offer) = say(n - 1, "shift.hand_over/1", &[watch], body) else {
            return;
        };
        current = say(n, "shift.accept/1", &[&offer], officer(node));
    }
}

/// Areas are designated, revised and erased.
fn areas(node: &Arc<Node>, clock: &Steps, who: &str) {
    let say = |kind: &str, about: &[&Reference], body: Value| {
        let draft = draft(node, kind, about, body);
        let said = node.say_draft(&sign(who), office_for(kind), None, draft);
        let reference = said.ok()?.reference;
        print(&format!("receipt {reference}"));
        Some(reference)
    };
    let area = |east: i64| {
        let corner = |lat: i64, lon: i64| json!({"lat_e7": lat, "lon_e7": lon});
        json!({"name": "North", "purpose": "disengagement", "to": ["US"], "basis": "Own", "polygon": [
            corner(362_000_000, 372_000_000), corner(364_000_000, 372_000_000),
            corner(364_000_000, 374_000_000 + east), corner(362_000_000, 374_000_000 + east)],
            "valid_from": "2016-06-21T00:00:00Z", "valid_until": "2016-07-10T00:00:00Z"})
    };
    for n in 0..i64::MAX {
        clock.0.fetch_add(30_000, Ordering::Relaxed);
        let Some(first) = say("area.designate/1", &[], area(0)) else {
            return;
        };
        let Some(revised) = say("area.designate/1", &[&first], area(4_000_000)) else {
            return;
        };
        if n % 2 == 0 && say("erase/1", &[&revised], json!({"groups": ["body"]})).is_none() {
            return;
        }
    }
}

#[test]
fn a_child_that_says_as_much_as_it_can() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    print("");
    let from: i64 = std::env::var(FROM).unwrap().parse().unwrap();
    let round = std::env::var(ROUND).unwrap();
    let clock = Arc::new(Steps(AtomicI64::new(from)));
    let running = open(Path::new(&dir), Arc::clone(&clock) as _, true);
    print("open");
    std::thread::scope(|scope| {
        let (node, clock, round) = (&*running, &clock, &round);
        for (thread, who) in (0..).zip(["RU", "US", "MISSION", "RU"]) {
            scope.spawn(move || speak(node, clock, who, round, thread));
        }
        scope.spawn(move || watch(node, clock, "US"));
        scope.spawn(move || areas(node, clock, "MISSION"));
    });
    print("ended");
}

fn open(dir: &Path, clock: Arc<dyn Clock>, clerk: bool) -> Running {
    let settings = Settings {
        clock,
        clerk,
        head_seen_every_ms: 30_000,
        ..Settings::default()
    };
    Node::open(dir, settings).unwrap()
}

/// Runs a child on the store in `dir` and kills it when it has printed so many receipts; what it printed.
fn run_and_kill(dir: &Path, round: u32, from: i64, receipts: usize) -> Vec<Reference> {
    let binary = std::env::current_exe().unwrap();
    let mut child = Command::new(binary)
        .args([
            "--exact",
            "a_child_that_says_as_much_as_it_can",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .env(FROM, from.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed = Vec::new();
    for line in lines.by_ref().map_while(Result::ok) {
        printed.extend(
            line.strip_prefix("receipt ")
                .and_then(|text| text.parse().ok()),
        );
        if printed.len() >= receipts {
            break;
        }
    }
    child.kill().unwrap();
    // What it had printed before it died was promised too.
    let rest = lines.map_while(Result::ok);
    printed.extend(rest.filter_map(|line| line.strip_prefix("receipt ")?.parse().ok()));
    let ended = child.wait().unwrap();
    assert!(
        !ended.success(),
        "round {round}: it was to be killed, not to end"
    );
    printed
}

/// An alarm, by what makes it one.
type Alarm = (String, String, String, String, i64);

/// The alarms in the file, by reader; none of them twice.
fn alarms_kept(dir: &Path) -> BTreeMap<(String, Alarm), i64> {
    let db = rusqlite::Connection::open(dir.join("node.db")).unwrap();
    let mut select = db
        .prepare("SELECT eyes, about, what, part, by_sign, due_at, raised_at FROM alarm")
        .unwrap();
    let rows = select.query_map([], |row| {
        let alarm = (
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
        );
        Ok(((row.get::<_, String>(0)?, alarm), row.get(6)?))
    });
    let mut kept = BTreeMap::new();
    for row in rows.unwrap() {
        let (alarm, raised_at) = row.unwrap();
        assert!(
            kept.insert(alarm.clone(), raised_at).is_none(),
            "{alarm:?} was raised twice"
        );
    }
    kept
}

/// What stands in a log, read from its store: nothing twice, nothing missing.
fn expect_whole(node: &Node) {
    for own in node.own() {
        let log = own.log();
        assert_eq!(log.read_only(), None);
        let size = log.head().unwrap().size();
        assert_eq!(
            log.reader().leaves(0, size).unwrap().len() as u64,
            size,
            "no gap"
        );
        let mut said = BTreeSet::new();
        for index in 0..size {
            let statement: Statement = log.statement(index).unwrap().unwrap();
            assert!(
                said.insert(statement.leaf().signing_hash()),
                "entry {index} stands twice"
            );
            let words = statement
                .content("body")
                .and_then(|body| body["words"].as_str());
            if let Some(words) = words.filter(|words| words.starts_with("round ")) {
                let again = said.insert(record::encoding::Hash::of(&[words.as_bytes()]));
                assert!(again, "{words} was said twice");
            }
        }
    }
}

fn expect_receipts(node: &Node, printed: &[Reference]) {
    for reference in printed {
        let own = node
            .own()
            .find(|own| *own.origin() == reference.origin)
            .unwrap();
        let held = own.log().statement(reference.index).unwrap();
        let held = held.map(|statement| statement.leaf().hash());
        assert_eq!(held, Some(reference.leaf), "{reference} was acknowledged");
    }
}

/// The rules know of each own log what they would know had they read all of it.
fn expect_rules(node: &Node) {
    for own in node.own() {
        let mut from_views = node.views(&Eyes::Node).own_log(own.origin()).unwrap();
        fold_on(&mut from_views, &own.source).unwrap();
        let mut from_log = OwnLog::new(own.origin().clone());
        fold_on(&mut from_log, &own.source).unwrap();
        assert_eq!(
            format!("{from_views:?}"),
            format!("{from_log:?}"),
            "{}",
            own.call_sign
        );
    }
}

/// Each deadline that has passed is an alarm, and no other.
fn expect_alarms(node: &Node, dir: &Path, before: &BTreeMap<(String, Alarm), i64>) {
    node.tick();
    let kept = alarms_kept(dir);
    for (alarm, raised_at) in before {
        assert_eq!(
            kept.get(alarm),
            Some(raised_at),
            "{alarm:?} was raised before"
        );
    }
    let mut raised = 0;
    for views in node.all_views() {
        let all = node.timers().since(views.eyes(), 0, u32::MAX).unwrap();
        raised += all.len();
        let (due, _) = views
            .alarms(&Mark::before(UtcMs(i64::MIN)), node.now(), u32::MAX)
            .unwrap();
        for alarm in due {
            let known = all.iter().any(|row| {
                row.about == alarm.about.to_string()
                    && (&row.what, &row.part, &row.by) == (&alarm.what, &alarm.part, &alarm.by)
                    && row.due_at == alarm.due_at.to_string()
            });
            assert!(known, "{:?}: {alarm:?} was not raised", views.eyes());
        }
    }
    assert_eq!(raised, kept.len());
}

fn digests(node: &Node) -> Vec<String> {
    node.all_views()
        .map(|views| views.digest().unwrap())
        .collect()
}

/// Numbers that are the same every time.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

/// More of them on request.
fn rounds() -> u32 {
    if std::env::var_os("TRUCELINE_LONG").is_some() {
        200
    } else {
        12
    }
}

#[test]
fn a_node_that_is_killed_while_it_speaks_has_all_that_it_acknowledged_once() {
    let mut exercise = Exercise::with(&NAMES, false);
    exercise.bind();
    exercise.node().settle();
    exercise.stop();
    let store: PathBuf = exercise.store();
    let mut random = Random(rounds().into());
    let mut printed = Vec::new();
    let mut now = utc("2016-03-02T00:00:00Z").0;
    let rounds = rounds();
    for round in 0..rounds {
        let receipts = 1 + random.next(250);
        printed.extend(run_and_kill(&store, round, now, receipts));
        let raised = alarms_kept(&store);
        // What was said last tells how far the child's clock had come, at least.
        let clock = Arc::new(Steps(AtomicI64::new(now)));
        let node = open(&store, Arc::clone(&clock) as _, false);
        node.settle();
        let query = node::views::ListQuery {
            limit: 1,
            ..Default::default()
        };
        let last = node.views(&Eyes::Node).statements(None, &query).unwrap();
        let last = last.items.first().map_or(now, |row| utc(&row.at).0);
        now = now.max(last) + 1;
        clock.0.store(now, Ordering::Relaxed);
        expect_whole(&node);
        expect_receipts(&node, &printed);
        expect_rules(&node);
        expect_alarms(&node, &store, &raised);
        let before = digests(&node);
        drop(node);
        if round % 4 == 3 || round + 1 == rounds {
            std::fs::remove_dir_all(store.join("views")).unwrap();
            let node = open(&store, clock, false);
            node.settle();
            assert_eq!(digests(&node), before, "round {round}: computed anew");
            expect_rules(&node);
            expect_alarms(&node, &store, &alarms_kept(&store));
        }
    }
    assert!(
        printed.len() > 12,
        "hardly anything was said: {}",
        printed.len()
    );
    assert!(!alarms_kept(&store).is_empty(), "no deadline passed");
}
