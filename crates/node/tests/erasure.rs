//! What its author has erased is gone: from views, search, write-ahead logs, free pages and mirrors, and stays gone.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::authority::Eyes;
use node::home::{Founded, Home};
use node::views::ListQuery;
use node::{Node, Running, Settings};
use record::audience::Audience;
use record::audit::{Options, audit};
use record::c2sp::note::VerifierKey;
use record::encoding::base64url;
use record::files::Stored;
use record::name::Reference;
use record::statement::Draft;
use record::store::sqlite::{Held, Place, Reader};
use record::time::ManualClock;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::logs::{DESK, MemoryLog};
use support::{Exercise, sign, utc};
use truce::participants::Office;

/// Letters that stand nowhere else, neither alone nor in threes.
const MARK: &str = "ѯѱѳѯѱѳѯѱѳ";

/// The mark as it may stand in a file: as text, and within base64url at each of its three places.
fn marks() -> Vec<Vec<u8>> {
    let mut all = vec![MARK.as_bytes().to_vec()];
    for before in 0..3 {
        let text = [&vec![b'x'; before][..], MARK.as_bytes()].concat();
        let encoded = base64url(&text);
        // The first and last letters depend on what stands around.
        all.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
    }
    all
}

/// The files below `dir` in which any of `needles` stands.
fn found_in(dir: &Path, needles: &[Vec<u8>]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(found_in(&path, needles));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let stands = |needle: &Vec<u8>| bytes.windows(needle.len()).any(|w| w == needle);
        if needles.iter().any(stands) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn report(place: &str) -> Value {
    json!({"category": "shelling", "from": "2016-03-01T08:00:00Z", "until": "2016-03-01T09:00:00Z", "date_precision": 1,
        "means": ["heard"], "place_name": place, "place_precision": 3})
}

fn names(names: &[&str]) -> Audience {
    Audience::of(names.iter().map(|name| name.parse().unwrap()))
}

/// A report whose body all may read, and whose narrative has the mark.
fn marked(at: &str) -> Draft {
    let narrative = json!({"words": format!("Seen by {MARK}"), "language": "en"});
    Draft::new("report.file/1", at)
        .and_then(|draft| draft.group("body", names(&["public"]), report("somewhere")))
        .and_then(|draft| draft.group("narrative", names(&["parties", "MISSION"]), narrative))
        .unwrap()
}

fn erase(at: &str, target: &Reference, group: &str) -> Draft {
    Draft::new("erase/1", at)
        .and_then(|draft| {
            draft.group(
                "body",
                names(&["public", "parties", "MISSION"]),
                json!({"groups": [group]}),
            )
        })
        .unwrap()
        .about(vec![target.clone()])
}

fn says_erase_done(views: &node::views::Views, erase: &Reference) -> Vec<String> {
    let about = views.about(erase, 100).unwrap().into_iter();
    let done = about.filter(|row| row.kind == "erase.done/1");
    let mut by: Vec<String> = done.map(|row| row.by).collect();
    by.sort();
    by
}

#[test]
fn what_was_erased_stands_in_no_file_of_the_store() {
    let mut exercise = Exercise::of(&["RU", "US", "MISSION", "HUM"]);
    exercise.bind();
    let now = exercise.node().now().to_string();
    let said = exercise
        .try_say("RU", Office::DutyOfficer, marked(&now))
        .unwrap();
    let message = json!({"precedence": "ROUTINE", "to": ["US"], "words": MARK, "language": "ru", "subject": MARK});
    let asked = exercise.say("RU", "message.send/1", &[], message);
    let claim = json!({"claim": "allegation", "speaker": MARK, "said_at": "2016-02-28T00:00:00Z", "precision": "day",
        "form": "paraphrase", "language": "en", "words": "They struck", "source": {"title": "Press"}});
    let claimed = exercise.say_to("RU", "claim.record/1", &[], &["public"], claim);
    // Much else before and after, so that pages are split, joined and used again.
    for n in 0..40 {
        let words = json!({"precedence": "ROUTINE", "to": ["RU"], "words": format!("number {n}").repeat(40), "language": "en"});
        exercise.say("US", "message.send/1", &[], words);
    }
    exercise.node().settle_search().unwrap();
    let store = exercise.store();
    let before = found_in(&store, &marks());
    let told = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let before: Vec<String> = before.iter().map(told).collect();
    for file in ["node.db", "search-node.db"] {
        let stands = |name: &String| name.starts_with(file);
        assert!(before.iter().any(stands), "{file} is searched: {before:?}");
    }
    let proof = exercise
        .node()
        .own_of(&sign("RU"))
        .unwrap()
        .log()
        .prove(said.index)
        .unwrap();

    let mut erasures = Vec::new();
    for (target, group) in [(&said, "narrative"), (&asked, "body"), (&claimed, "body")] {
        let now = exercise.node().now().to_string();
        erasures.push(
            exercise
                .try_say("RU", Office::HeadOfMission, erase(&now, target, group))
                .unwrap(),
        );
    }
    exercise.node().settle_search().unwrap();
    assert_eq!(
        found_in(&store, &marks()),
        Vec::<PathBuf>::new(),
        "while the node runs"
    );
    let expect_erased = |exercise: &Exercise, when: &str| {
        for views in exercise.node().all_views() {
            let row = views.statement(&said).unwrap().unwrap();
            let narrative = row
                .groups
                .iter()
                .find(|group| group.name == "narrative")
                .unwrap();
            assert!(narrative.content.is_none(), "{when} {:?}", views.eyes());
            assert_eq!(row.standing, "effective", "{when}: the rest of it stands");
            let claim = views.statement(&claimed).unwrap().unwrap();
            assert_eq!(claim.why.as_deref(), Some("group body is erased"), "{when}");
            assert_eq!(views.object("claim", &claimed).unwrap(), None, "{when}");
        }
        let everything = exercise.node().views(&Eyes::Node);
        assert_eq!(everything.object("matter", &asked).unwrap(), None, "{when}");
        for erasure in &erasures {
            assert_eq!(
                says_erase_done(everything, erasure),
                ["HUM", "MISSION", "US"],
                "{when}"
            );
        }
        let ring = exercise.node().own_of(&sign("RU")).unwrap().log().ring();
        let keys: Vec<VerifierKey> = ring
            .all_log_keys()
            .iter()
            .map(|key| VerifierKey::parse(key).unwrap())
            .collect();
        proof
            .verify(&said.leaf, "truce.example/ru", &keys, None)
            .unwrap();
    };
    expect_erased(&exercise, "at once");
    exercise.stop();
    assert_eq!(
        found_in(&store, &marks()),
        Vec::<PathBuf>::new(),
        "after its end"
    );
    exercise.start();
    exercise.node().settle_search().unwrap();
    expect_erased(&exercise, "after a restart");
    exercise.stop();
    std::fs::remove_dir_all(store.join("views")).unwrap();
    exercise.start();
    exercise.node().settle_search().unwrap();
    expect_erased(&exercise, "computed anew");
    assert_eq!(
        found_in(&store, &marks()),
        Vec::<PathBuf>::new(),
        "computed anew"
    );
}

/// A node of its own that listens to others.
struct Listener {
    dir: tempfile::TempDir,
    node: Option<Running>,
}

impl Listener {
    fn found() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let founded = Founded {
            call_sign: sign("LISTENER"),
            origin: "truce.example/listener".parse().unwrap(),
            recovery: dir.path().join("recovery.key"),
            desks: vec![(Office::ALL.to_vec(), vec![])],
        };
        let clock = ManualClock::at(utc("2016-02-01T00:00:00Z"));
        let data = dir.path().join("data");
        Home::new(&data).found(&founded, &clock).unwrap();
        let mut listener = Self { dir, node: None };
        listener.start();
        listener
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn start(&mut self) {
        self.node = None;
        let settings = Settings {
            clock: Arc::new(ManualClock::at(utc("2016-04-01T00:00:00Z"))),
            ..Settings::default()
        };
        self.node = Some(Node::open(&self.data(), settings).unwrap());
    }

    fn node(&self) -> &Arc<Node> {
        self.node.as_ref().unwrap()
    }

    /// The log as of `size` entries, with what is held elsewhere of those in `which`.
    fn hear(&self, from: &MemoryLog, size: u64, which: &[u64], held: impl Fn(u64, &str) -> bool) {
        let delivered = |id| {
            let chosen = |index: u64| index < size && which.contains(&index);
            from.delivered(id, chosen, |_| true, &held)
        };
        let node = self.node();
        node.mirror(
            &sign("LISTENER"),
            &from.pin(),
            &from.published(size),
            delivered,
        )
        .unwrap();
        node.settle_search().unwrap();
    }

    fn mirror(&self, from: &MemoryLog) -> PathBuf {
        let name = from.origin().as_str().replace('/', "+");
        self.data().join("mirrors").join(name)
    }

    /// How slot `slot` of entry `index` is held in the mirror of `from`, past the node.
    fn held(&self, from: &MemoryLog, index: u64, slot: u64) -> Held {
        let reader = Reader::open(&Place::new(&self.mirror(from))).unwrap();
        let head = from.said[usize::try_from(index).unwrap()].head().unwrap();
        let group = head.groups.values().nth(usize::try_from(slot).unwrap() - 1);
        reader.held(index, slot, group.unwrap().digest).unwrap()
    }

    /// Ciphertext and key of that slot, as they lie in the files.
    fn sealed(&self, from: &MemoryLog, index: u64, slot: u64) -> Vec<Vec<u8>> {
        let id = i64::try_from(index * 16 + slot).unwrap();
        let read = |file: &str, sql: &str| -> Vec<u8> {
            let db = rusqlite::Connection::open(self.mirror(from).join(file)).unwrap();
            db.query_row(sql, [id], |row| row.get(0)).unwrap()
        };
        vec![
            read("record.db", "SELECT sealed FROM disclosure WHERE id = ?1"),
            read("keys.db", "SELECT key FROM key WHERE id = ?1"),
        ]
    }

    fn erase_done(&self, erase: &Reference) -> usize {
        says_erase_done(self.node().views(&Eyes::Node), erase).len()
    }
}

const AT: &str = "2016-03-01T09:00:00Z";

/// The slot of the narrative in a report of `marked`: groups are numbered by their names.
const NARRATIVE: u64 = 2;

#[test]
fn what_another_has_erased_is_destroyed_in_his_mirror_and_told_once() {
    let mut ru = MemoryLog::found("RU", 1);
    let said = ru.say(DESK, marked(AT), utc(AT));
    let mut listener = Listener::found();
    let before = ru.size();
    listener.hear(&ru, before, &[said.index], |_, _| true);
    assert!(matches!(
        listener.held(&ru, said.index, NARRATIVE),
        Held::Open(_)
    ));
    let mut needles = listener.sealed(&ru, said.index, NARRATIVE);
    needles.extend(marks());
    assert!(!found_in(&listener.data(), &needles).is_empty());
    let erasure = ru.say(DESK, erase(AT, &said, "narrative"), utc(AT));
    listener.hear(&ru, ru.size(), &[erasure.index], |_, _| true);
    assert_eq!(
        listener.held(&ru, said.index, NARRATIVE),
        Held::Erased(Some(erasure.index))
    );
    assert_eq!(found_in(&listener.data(), &needles), Vec::<PathBuf>::new());
    assert_eq!(listener.erase_done(&erasure), 1);
    for round in 0..2 {
        if round == 1 {
            listener.node = None;
            std::fs::remove_dir_all(listener.data().join("views")).unwrap();
        }
        listener.start();
        listener.node().settle_search().unwrap();
        assert_eq!(
            listener.erase_done(&erasure),
            1,
            "once, also after a restart"
        );
        let row = listener
            .node()
            .views(&Eyes::Node)
            .statement(&said)
            .unwrap()
            .unwrap();
        let narrative = row.groups.iter().find(|group| group.name == "narrative");
        assert!(narrative.unwrap().content.is_none());
    }
    // A person's word about an erasure is not the machine's that it is done.
    listener.node = None;
    let report = audit(
        &Stored::open(&listener.mirror(&ru)).unwrap(),
        &Options::default(),
        |_, _| {},
    );
    assert!(report.is_sound(), "{:?}", report.problems);
}

#[test]
fn what_comes_after_its_erasure_is_destroyed_all_the_same() {
    let mut ru = MemoryLog::found("RU", 1);
    let said = ru.say(DESK, marked(AT), utc(AT));
    let erasure = ru.say(DESK, erase(AT, &said, "narrative"), utc(AT));
    let listener = Listener::found();
    // Neither head nor content of the erased statement are held when the erasure comes.
    listener.hear(&ru, ru.size(), &[erasure.index], |_, _| true);
    assert_eq!(listener.erase_done(&erasure), 1);
    assert!(
        listener
            .node()
            .views(&Eyes::Node)
            .statement(&said)
            .unwrap()
            .is_none()
    );
    listener.hear(&ru, ru.size(), &[said.index], |_, _| true);
    assert_eq!(
        listener.held(&ru, said.index, NARRATIVE),
        Held::Erased(Some(erasure.index))
    );
    assert_eq!(found_in(&listener.data(), &marks()), Vec::<PathBuf>::new());
    let views = listener.node().views(&Eyes::Node);
    assert!(
        views.statement(&said).unwrap().is_some(),
        "the rest of it is there"
    );
    listener.hear(&ru, ru.size(), &[said.index], |_, _| true);
    assert_eq!(found_in(&listener.data(), &marks()), Vec::<PathBuf>::new());
    assert_eq!(listener.erase_done(&erasure), 1);
}

#[test]
fn whoever_may_not_read_of_an_erasure_no_longer_has_what_was_erased_either() {
    let mut ru = MemoryLog::found("RU", 1);
    let open = Draft::new("report.file/1", AT)
        .and_then(|draft| draft.group("body", names(&["public"]), report(MARK)))
        .unwrap();
    let said = ru.say(DESK, open, utc(AT));
    let narrow = Draft::new("erase/1", AT)
        .and_then(|draft| draft.group("body", names(&["LISTENER"]), json!({"groups": ["body"]})))
        .unwrap()
        .about(vec![said.clone()]);
    let listener = Listener::found();
    listener.hear(&ru, ru.size(), &[said.index], |_, _| true);
    let erasure = ru.say(DESK, narrow, utc(AT));
    listener.hear(&ru, ru.size(), &[erasure.index], |_, _| true);
    let public = listener.node().views(&Eyes::Public);
    assert!(
        public.statement(&erasure).unwrap().is_none(),
        "the public does not read of it"
    );
    let row = public.statement(&said).unwrap().unwrap();
    assert!(row.groups.iter().all(|group| group.content.is_none()));
    assert_eq!(found_in(&listener.data(), &marks()), Vec::<PathBuf>::new());
}

#[test]
fn a_remark_about_an_erasure_does_not_stand_for_its_being_done() {
    let mut ru = MemoryLog::found("RU", 1);
    let said = ru.say(DESK, marked(AT), utc(AT));
    let erasure = ru.say(DESK, erase(AT, &said, "narrative"), utc(AT));
    let mut listener = Listener::found();
    // The remark is there before the erasure can be read.
    listener.hear(&ru, ru.size(), &[said.index], |_, _| true);
    let words = json!({"words": "We saw that you take it back"});
    let remark = Draft::new("comment/1", AT)
        .and_then(|draft| draft.group("body", names(&["RU"]), words))
        .unwrap()
        .about(vec![erasure.clone()]);
    listener
        .node()
        .say_draft(&sign("LISTENER"), Office::DutyOfficer, None, remark)
        .unwrap();
    listener.start();
    listener.hear(&ru, ru.size(), &[erasure.index], |_, _| true);
    assert_eq!(listener.erase_done(&erasure), 1);
    assert_eq!(
        listener.held(&ru, said.index, NARRATIVE),
        Held::Erased(Some(erasure.index))
    );
}

#[test]
fn many_erasures_are_all_done() {
    let mut ru = MemoryLog::found("RU", 1);
    let mut erasures = Vec::new();
    for _ in 0..520 {
        let said = ru.say(DESK, marked(AT), utc(AT));
        erasures.push(ru.say(DESK, erase(AT, &said, "narrative"), utc(AT)));
    }
    let listener = Listener::found();
    let which: Vec<u64> = erasures.iter().map(|erasure| erasure.index).collect();
    listener.hear(&ru, ru.size(), &which, |_, _| true);
    let query = ListQuery {
        limit: 1,
        ..ListQuery::default()
    };
    let views = listener.node().views(&Eyes::Node);
    let done = views
        .statements(Some("erase.done/1"), &query)
        .unwrap()
        .total;
    assert_eq!(done, 520);
}

#[test]
fn an_erasure_waits_for_whoever_is_reading_and_is_not_forgotten() {
    let exercise = Exercise::of(&["RU", "US"]);
    let now = exercise.node().now().to_string();
    let said = exercise
        .try_say("RU", Office::DutyOfficer, marked(&now))
        .unwrap();
    exercise.node().settle_search().unwrap();
    let views = exercise.store().join("views");
    let reader = rusqlite::Connection::open(views.join("node.db")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let _: i64 = reader
        .query_row("SELECT count(*) FROM statement", [], |row| row.get(0))
        .unwrap();
    exercise
        .try_say("RU", Office::HeadOfMission, erase(&now, &said, "narrative"))
        .unwrap();
    let everything = exercise.node().views(&Eyes::Node);
    let mut changes = everything.changes();
    loop {
        let row = everything.statement(&said).unwrap().unwrap();
        let narrative = row.groups.iter().find(|group| group.name == "narrative");
        if narrative.unwrap().content.is_none() {
            break;
        }
        while !changes.has_changed().unwrap() {
            std::thread::yield_now();
        }
        changes.mark_unchanged();
    }
    assert!(
        !found_in(&views, &marks()).is_empty(),
        "somebody still reads it"
    );
    assert!(!exercise.node().has_applied(), "and so it is not done");
    reader.execute_batch("COMMIT").unwrap();
    drop(reader);
    exercise.node().settle_search().unwrap();
    assert_eq!(found_in(&views, &marks()), Vec::<PathBuf>::new());
}

/// How many holders there are, and how many of them are done, for `who`; the row too.
fn told_of(exercise: &Exercise, who: &str, of: &Reference) -> (u64, u64, Value) {
    let views = exercise
        .node()
        .views(&exercise.node().eyes_of(Some(&sign(who))));
    let row = serde_json::to_value(views.erasure(of).unwrap().unwrap()).unwrap();
    let statement = views.statement(of).unwrap().unwrap();
    let in_short = serde_json::to_value(statement.erased).unwrap();
    assert_eq!(in_short, row["erased"], "the statement says the same");
    let count = |name: &str| row["erased"][name].as_u64().unwrap();
    (count("holders"), count("done"), row.clone())
}

#[test]
fn of_what_was_erased_it_is_told_who_has_not_said_that_it_is_gone() {
    let exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    exercise.bind();
    let narrative = json!({"words": MARK, "language": "en"});
    let draft = exercise
        .draft("report.file/1", &[], &["parties", "HUM"], report("there"))
        .group("narrative", names(&["US", "HUM"]), narrative)
        .unwrap();
    let said = exercise
        .try_say("MISSION", Office::FieldMonitor, draft)
        .unwrap();
    exercise.node().settle();
    let views = exercise
        .node()
        .views(&exercise.node().eyes_of(Some(&sign("US"))));
    let open = views.erasure(&said).unwrap().unwrap();
    assert!(open.erased.is_none() && open.erasures.is_empty());

    let erasing = exercise.draft(
        "erase/1",
        &[&said],
        &["parties", "HUM", "US"],
        json!({"groups": ["narrative"]}),
    );
    let erasure = exercise
        .try_say("MISSION", Office::DoNoHarmOfficer, erasing)
        .unwrap();
    exercise.node().settle();
    let (holders, done, row) = told_of(&exercise, "RU", &said);
    assert_eq!((holders, done), (2, 0), "its author is no holder: {row}");
    assert_eq!(row["erased"]["words"], "erased at 0 of 2 holders");
    assert_eq!(row["erased"]["groups"], json!(["narrative"]));

    exercise.at("2016-03-02T09:00:00Z");
    let remains = json!({"remains": "backup of 28 February"});
    let done = exercise.say_to(
        "HUM",
        "erase.done/1",
        &[&erasure],
        &["parties", "MISSION"],
        remains,
    );
    // Whoever was not addressed may say so too, and is not counted.
    exercise.say_to(
        "RU",
        "erase.done/1",
        &[&erasure],
        &["parties", "MISSION"],
        json!({}),
    );
    exercise.say_to("US", "erase.done/1", &[&erasure], &["MISSION"], json!({}));
    exercise.node().settle();
    let (holders, count, row) = told_of(&exercise, "RU", &said);
    assert_eq!(
        (holders, count),
        (2, 1),
        "what US said is for MISSION alone"
    );
    let one = &row["erasures"][0];
    assert_eq!(one["reference"], erasure.to_string());
    assert_eq!(one["audience"], json!(["HUM", "US"]));
    let holder = |at: usize| one["holders"][at].clone();
    assert_eq!(
        holder(0),
        json!({"holder": "HUM", "done": {"reference": done.to_string(), "at": "2016-03-02T09:00:00Z", "remains": "backup of 28 February"}})
    );
    assert_eq!(holder(1), json!({"holder": "US", "done": null}));
    assert_eq!(one["others"][0]["holder"], "RU");
    let (holders, count, row) = told_of(&exercise, "MISSION", &said);
    assert_eq!((holders, count), (2, 2));
    assert_eq!(row["erased"]["words"], "erased at 2 of 2 holders");
    assert!(
        exercise
            .node()
            .views(&Eyes::Public)
            .erasure(&said)
            .unwrap()
            .is_none(),
        "nothing of it was for the public"
    );

    // A second erasure reaches more, and whoever held both has to say so twice.
    let erasing = exercise.draft(
        "erase/1",
        &[&said],
        &["parties", "HUM", "US"],
        json!({"groups": ["body"]}),
    );
    exercise
        .try_say("MISSION", Office::DoNoHarmOfficer, erasing)
        .unwrap();
    exercise.node().settle();
    let (holders, count, row) = told_of(&exercise, "MISSION", &said);
    assert_eq!((holders, count), (3, 0), "{row}");
    assert_eq!(row["erased"]["groups"], json!(["body", "narrative"]));
    assert_eq!(row["erasures"][1]["holders"].as_array().unwrap().len(), 3);
}

#[test]
fn what_was_for_everybody_may_be_held_by_anybody() {
    let exercise = Exercise::of(&["RU", "US", "MISSION"]);
    exercise.bind();
    let body = report("there");
    let said = exercise.say_to("MISSION", "report.file/1", &[], &["public"], body);
    let erasing = exercise.draft(
        "erase/1",
        &[&said],
        &["public"],
        json!({"groups": ["body"]}),
    );
    exercise
        .try_say("MISSION", Office::HeadOfMission, erasing)
        .unwrap();
    exercise.node().settle();
    let (holders, done, row) = told_of(&exercise, "US", &said);
    assert_eq!((holders, done), (2, 2), "machines say that it is done");
    assert_eq!(row["erasures"][0]["public"], true);
    let words = row["erased"]["words"].as_str().unwrap();
    assert!(words.ends_with("anybody may hold a copy"), "{words}");
}
