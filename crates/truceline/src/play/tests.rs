use super::*;
use formats::scenario::What;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Where exercises of tests are played: in memory where there is a place for that, since nothing of them has to last.
fn room_for_tests() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let dir = tempfile::Builder::new();
    let made = if memory.is_dir() {
        dir.tempdir_in(memory)
    } else {
        dir.tempdir()
    };
    made.unwrap()
}

/// Each scenario with its text and what came of it.
type Played = Vec<(String, String, Result<Vec<String>, String>)>;

/// All scenarios, played once for all tests.
static PLAYED: LazyLock<Played> = LazyLock::new(|| {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display().to_string();
        let outcome = played(&name, &text);
        (name, text, outcome)
    };
    scenarios().into_iter().map(read).collect()
});

fn scenarios() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/scenarios");
    files(&[dir]).unwrap()
}

/// Reads and plays `text`; the deviation as a line, the way the command prints it.
fn played(name: &str, text: &str) -> Result<Vec<String>, String> {
    let dir = room_for_tests();
    let scenario = scenario::parse(text.as_bytes()).map_err(|error| format!("{name}: {error}"))?;
    let mut told = Vec::new();
    let outcome = play(&scenario, &dir.path().join("exercise"), |line, outcome| {
        // Why something is refused names references, whose hashes are others each time.
        told.push(match outcome {
            player::Outcome::Refused { rule, .. } => format!("{} refused {rule}", line.line),
            outcome => format!("{} {outcome:?}", line.line),
        });
    });
    let lines = Text(text.lines().collect());
    match outcome {
        Ok(_) => Ok(told),
        Err(deviation) => Err(lines.deviation(name, &deviation)),
    }
}

#[test]
fn every_scenario_comes_out_as_it_is_written() {
    let failures: Vec<&str> = PLAYED
        .iter()
        .filter_map(|(.., outcome)| Some(outcome.as_ref().err()?.as_str()))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_morning_of_the_demo_comes_out_as_it_is_written() {
    let outcome = played("the demo", &crate::demo::told());
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}

/// `text` with call signs exchanged wherever they stand as words of their own.
fn renamed(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut renamed = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        renamed.push_str(names.get(&word).unwrap_or(&word));
        word.clear();
        renamed.push(c);
    }
    renamed
}

#[test]
fn other_call_signs_give_the_same_outcome_with_other_call_signs() {
    for (name, text, outcome) in &*PLAYED {
        let scenario = scenario::parse(text.as_bytes()).unwrap();
        let signs = scenario.participants.iter();
        let mut signs: Vec<String> = signs.map(|one| one.call_sign.to_string()).collect();
        // In the order of the alphabet, so that whoever came last in it comes first.
        signs.sort();
        let others = signs.iter().cycle().skip(1).cloned();
        let names: BTreeMap<String, String> = signs.iter().cloned().zip(others).collect();
        let Ok(one) = outcome else { continue }; // told by the test above
        let other = played(name, &renamed(text, &names))
            .unwrap_or_else(|failed| panic!("with call signs exchanged {names:?}: {failed}"));
        let translated = one
            .iter()
            .map(|line| renamed(line, &names).trim_end().to_owned());
        assert_eq!(translated.collect::<Vec<_>>(), other, "{name}");
    }
}

const ROOM: &str = "\
scenario A test
happened Nothing.
source   Invented.
answers  It says what was found instead.
begins   2016-06-20T09:00Z
participant RU guarantor languages ru
participant US guarantor languages en
participant MISSION mission languages en
instrument coh \"Cessation\" needed RU, US accepted neutral MISSION
+00:00 RU duty_officer IMMEDIATE to US \"Who flew there?\" in en as @call
";

fn deviation(lines: &str) -> String {
    played("a.truce", &format!("{ROOM}{lines}\n")).expect_err(lines)
}

#[test]
fn what_does_not_come_true_is_named_with_its_line_and_what_was_found() {
    assert_eq!(
        deviation("+00:30 expect open US answer @call"),
        "a.truce:11: +00:30 expect open US answer @call\n  found: US owes answer about RU-9: overdue by 0s, \
         since 2016-06-20T09:00:00Z, due 2016-06-20T09:30:00Z"
    );
    for (lines, line, found) in [
        ("expect closed @call", 11, "US owes answer about RU-9: open"),
        ("expect overdue US answer @call by 4m", 11, "open, since"),
        ("expect nothing due", 11, "US owes answer"),
        ("expect standing @call ineffective", 11, "found: effective"),
        (
            "expect not missing US acknowledgement @call",
            11,
            "missing at US: acknowledgement, answer",
        ),
        (
            "expect missing RU receipt @call",
            11,
            "it was not sent to RU",
        ),
        (
            "expect MISSION does not read @call",
            11,
            "MISSION reads group body",
        ),
        (
            "expect MISSION reads @call group exact",
            11,
            "MISSION sees no group exact",
        ),
        ("expect answered US @call", 11, "US has not answered"),
        ("expect instrument @coh suspended", 11, "in_force"),
        ("expect says @call \"x\"", 11, "found: Who flew there?"),
        (
            "expect shift US on_duty \"day\"",
            11,
            "nobody has the duty at US",
        ),
        (
            "expect line ru-us never_two_way",
            11,
            "no instrument in force has such a line",
        ),
        (
            "expect coverage US at 36.0N 37.0E excluded",
            11,
            "covered by",
        ),
        (
            "MISSION auditor answer @call agreed",
            11,
            "answer is said by duty_officer",
        ),
        (
            "US duty_officer answer @call agreed\n  expect refused office",
            12,
            "it was not refused",
        ),
        (
            "RU duty_officer answer @call agreed\n  expect refused office",
            12,
            "refused otherwise: ",
        ),
    ] {
        let told = deviation(lines);
        assert!(
            told.starts_with(&format!("a.truce:{line}: ")) && told.contains(found),
            "{lines}: {told}"
        );
    }
}

#[test]
fn the_words_of_scenarios_are_the_words_of_statements() {
    for (kind, member, words) in scenario::CHOICES {
        let known = truce::kinds::Name::ALL
            .iter()
            .find(|name| name.as_str() == *kind);
        let schema = known.unwrap_or_else(|| panic!("{kind}")).schema();
        let choice = &schema["properties"]["body"]["properties"][*member]["enum"];
        let choice: Vec<&str> = choice
            .as_array()
            .unwrap_or_else(|| panic!("{kind} {member}"))
            .iter()
            .filter_map(|word| word.as_str())
            .collect();
        assert_eq!(choice, *words, "{kind} {member}");
    }
    for verb in scenario::VERBS {
        assert!(
            truce::kinds::Name::ALL
                .iter()
                .any(|name| name.as_str() == verb.kind),
            "{}",
            verb.word
        );
    }
    let offices: Vec<&str> = truce::participants::Office::ALL
        .iter()
        .map(|office| office.as_str())
        .collect();
    assert_eq!(offices, scenario::OFFICES);
}

#[test]
fn the_guide_shows_every_word_and_its_example_plays() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let verbs = scenario::VERBS.iter().map(|verb| verb.example);
    let controls = scenario::CONTROLS.iter().map(|(_, example)| *example);
    let expectations = scenario::EXPECTATIONS.iter().map(|(_, example)| *example);
    for example in verbs
        .chain(controls)
        .chain(expectations)
        .chain([scenario::READS])
    {
        assert!(
            guide.contains(example),
            "docs/scenarios.md does not show: {example}"
        );
    }
    let shown = guide
        .split("```truce\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let mut whole = 0;
    for text in shown.filter(|text| text.starts_with("scenario ")) {
        whole += 1;
        played("docs/scenarios.md", text).unwrap_or_else(|failed| panic!("{failed}"));
    }
    assert!(whole > 0, "the guide has no whole scenario");
}

#[test]
fn a_refused_statement_and_a_silenced_alarm_leave_nothing_in_a_log() {
    let text = format!(
        "{ROOM}US duty_officer silences @call\nMISSION auditor answer @call agreed\n  expect refused office kid\n"
    );
    let dir = room_for_tests();
    let scenario = scenario::parse(text.as_bytes()).unwrap();
    let player = play(&scenario, &dir.path().join("exercise"), |_, _| {}).unwrap();
    let (statements, _) = player.room.folded(None).unwrap();
    let about: Vec<String> = statements
        .about(&player.names["call"])
        .map(|said| said.reference.origin.to_string())
        .collect();
    assert_eq!(
        about,
        ["exercise.example/us"],
        "the receipt of US and nothing else"
    );
    assert!(
        scenario
            .lines
            .iter()
            .any(|line| matches!(line.what, What::Silence { .. }))
    );
}
