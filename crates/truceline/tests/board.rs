//! The board in a terminal: of a store beside the node that runs, and of stores that have none.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

#[path = "../../node/tests/support/exercise.rs"]
mod exercise;
mod terminal;

use exercise::{Exercise, flash, sign, the_morning};
use node::board::Board;
use serde_json::json;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use terminal::Terminal;

const NINE: &str = "2016-06-21T09:00:00Z";
/// Looks, a second each, in which a change is seen.
const LOOKS_MAX: usize = 30;

/// The morning, at whose desks a node runs: in this process, while the boards are read in others.
fn morning() -> Exercise {
    let exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    the_morning(&exercise);
    exercise
}

fn command(exercise: &Exercise, columns: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_truceline"));
    command.args(["board", "--data"]).arg(exercise.store());
    command.env("COLUMNS", columns);
    command
}

fn told(exercise: &Exercise, who: &str, columns: &str) -> String {
    let mut command = command(exercise, columns);
    let output = command.args(["--as", who, "--at", NINE]).output().unwrap();
    good(output)
}

fn good(output: Output) -> String {
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_board_tells_everything_in_eighty_columns_in_words_and_marks() {
    let exercise = morning();
    let text = told(&exercise, "RU", "80");
    insta::assert_snapshot!("ru", text);
    insta::assert_snapshot!("mission", told(&exercise, "MISSION", "80"));
    insta::assert_snapshot!("public", told(&exercise, "public", "80"));
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(!text.contains('\x1b'), "no colour where no terminal is");
    // A narrower terminal breaks lines itself; a wider one breaks others.
    assert_eq!(told(&exercise, "RU", "40"), text);
    let wide = told(&exercise, "RU", "120");
    let words = |text: &str| -> Vec<String> {
        let mut words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        words.sort();
        words
    };
    assert!(wide.lines().count() < text.lines().count());
    assert_eq!(words(&wide), words(&text), "the same words, in other lines");
}

#[test]
fn a_board_that_is_read_is_the_one_that_the_node_gives() {
    let exercise = morning();
    let mut command = command(&exercise, "80");
    command.args(["--as", "US", "--at", NINE, "--json"]);
    let read = good(command.output().unwrap());
    let own = sign("US");
    let node = exercise.node();
    let eyes = node.eyes_of(Some(&own));
    let given = Board::of(node, &eyes, Some(&own), exercise::utc(NINE)).unwrap();
    let read: serde_json::Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read, json!(given));
}

#[test]
fn a_watched_board_shows_what_the_node_took_in_meanwhile() {
    let exercise = morning();
    let mut command = command(&exercise, "80");
    command.args(["--as", "RU", "--at", NINE, "--json", "--watch", "1"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut open = || -> u64 {
        let board: Board = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        board.flash_total
    };
    assert_eq!(open(), 1);
    exercise.say("US", "message.send/1", &[], flash(&["RU"]));
    exercise.node().settle();
    // Looks that were under way show the board as it was.
    let seen = (0..LOOKS_MAX).map(|_| open()).find(|open| *open != 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(seen, Some(2));
}

#[test]
fn a_store_of_several_asks_whose_board_it_is() {
    let exercise = morning();
    let refused = |args: &[&str]| {
        let output = command(&exercise, "80").args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let which = refused(&["--at", NINE]);
    assert!(
        which.contains("name one of HUM, MISSION, RU, US"),
        "{which}"
    );
    let other = refused(&["--at", NINE, "--as", "GOV"]);
    assert!(other.contains("GOV"), "{other}");
    let no_time = refused(&["--at", "nine", "--as", "RU"]);
    assert!(no_time.contains("--at"), "{no_time}");
}

#[test]
fn a_store_that_no_node_has_opened_yet_is_refused_with_what_to_do() {
    let terminal = Terminal::new();
    let error = terminal.refuses("board --data nowhere --as public", "");
    assert!(error.contains("nowhere"), "{error}");
    terminal.does("log init --callsign MISSION --origin truce.example/mission --data mission");
    let error = terminal.refuses("board --data mission --as public", "");
    assert!(error.contains("start the node once"), "{error}");
    assert!(
        !terminal.path().join("mission/views").exists(),
        "nothing was written"
    );
    assert!(!terminal.path().join("nowhere").exists());
}
