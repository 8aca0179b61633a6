//! Sessions as people have them at the terminal, from founding a log to auditing what came back from another side.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod terminal;

use serde_json::{Value, json};
use terminal::{Terminal, line, message, printed};

/// Entries of a log as it is founded without more: its declaration, one key, and an office each.
const FOUNDED: u64 = 10;

#[test]
fn two_sides_carry_their_logs_to_each_other_and_witness_them() {
    let terminal = Terminal::new();
    let mission =
        terminal.does("log init --callsign MISSION --origin truce.example/mission --data mission");
    let ru = terminal.does("log init --callsign RU --origin truce.example/ru --data ru");
    terminal.does_with(
        "log say --data mission -",
        &message("Is it still happening?"),
    );

    let to_ru = printed(&ru, "seal to");
    terminal.does(&format!(
        "carry out --data mission --reader RU --to {to_ru} stick"
    ));
    let unknown = terminal.refuses("carry in --data ru stick", "");
    assert!(
        unknown.contains("Compare its key") && unknown.contains("--pin"),
        "{unknown}"
    );
    let pin = printed(&mission, "verifier key");
    let arrived = terminal.does(&format!("carry in --data ru stick --pin {pin}"));
    assert!(
        arrived.contains("11 entries, 11 new, 2 disclosures for us"),
        "{arrived}"
    );
    assert!(
        arrived.contains("cosigned its head of 11 entries"),
        "{arrived}"
    );

    let to_mission = printed(&mission, "seal to");
    terminal.does(&format!(
        "carry out --data ru --reader MISSION --to {to_mission} back"
    ));
    let pin = printed(&ru, "verifier key");
    let arrived = terminal.does(&format!("carry in --data mission back --pin {pin}"));
    assert!(
        arrived.contains("the sender holds 11 entries of it"),
        "{arrived}"
    );
    assert!(
        arrived.contains("a cosigned head of 11 entries is kept"),
        "{arrived}"
    );

    let witness = printed(&ru, "witness key");
    let page = terminal.does(&format!("audit mission --witness {witness}"));
    assert!(page.starts_with("EVERYTHING HOLDS"), "{page}");
    assert!(
        page.contains("Witness truce.example/ru/witness saw this very head at"),
        "{page}"
    );
    terminal.does_with("log say --data mission -", &message("one more"));
    let page = terminal.refuses(&format!("audit mission --witness {witness}"), "");
    assert!(page.contains("not sound"), "{page}");
}

#[test]
fn an_exact_place_goes_sealed_to_its_recipient_and_is_held_back_when_it_was_exposed() {
    let terminal = Terminal::new();
    let hum = terminal.does("log init --callsign HUM --origin truce.example/hum --data hum");
    let ru = terminal.does("log init --callsign RU --origin truce.example/ru --data ru");
    let consent = json!({"recipient": "RU", "given_by": "director", "given_at": "2016-03-01T00:00:00Z",
        "told": "delivered_copy_cannot_be_watched_or_recalled"});
    let body = json!({"category": "clinic", "pcodes": ["SY0200"], "consents": [consent], "valid_from": "2016-03-01T00:00:00Z",
        "review_by": "2016-09-01T00:00:00Z", "protection": "unchanged"});
    let exact = json!({"name": "Clinic of the well", "function": "x", "datum": "wgs84", "uncertainty_m": 50, "method": "map",
        "place": {"lat_e7": 361_234_567, "lon_e7": 371_600_000}});
    let notice = json!({"kind": "site.notify/1", "groups": {"body": {"aud": ["RU"], "content": body},
        "exact": {"aud": ["RU"], "content": exact}}});
    let said = terminal.does_with("log say --data hum -", &format!("{notice}\n"));
    let reference = said.split_whitespace().nth(1).unwrap();

    let to_ru = printed(&ru, "seal to");
    let carry = |stick: &str| {
        terminal.does(&format!(
            "carry out --data hum --reader RU --to {to_ru} {stick}"
        ))
    };
    let out = carry("stick");
    assert!(
        out.contains("3 disclosures sealed for RU") && !out.contains("held back"),
        "{out}"
    );
    // Neither as text nor in base64 does any file on the stick have it in the clear, nor where it says what was sealed.
    let stick = bytes_below(&terminal.path().join("stick"));
    for secret in [
        "Clinic of the well",
        "361234567",
        "Q2xpbmljIG9mIHRoZSB3ZWxs",
    ] {
        let found = stick
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "{secret}");
    }

    let leak = json!({"kind": "exposure.declare/1", "about": [reference], "groups": {"body": {"aud": [], "content":
        {"discovery": "lost", "since": "2016-03-01T00:00:00Z", "unknown": "Who has it", "protection": "unchanged"}}}});
    terminal.does_with("log say --data hum -", &format!("{leak}\n"));
    let out = carry("later");
    assert!(
        out.contains("2 disclosures sealed for RU")
            && out.contains("1 disclosure held back: HUM-10 is frozen by the exposure HUM-11 until its owner decides anew"),
        "{out}"
    );
    let pin = printed(&hum, "verifier key");
    let arrived = terminal.does(&format!("carry in --data ru later --pin {pin}"));
    assert!(
        arrived.contains("12 entries, 12 new, 2 disclosures for us"),
        "the leaves go all the same: {arrived}"
    );
    // What was carried before the exposure cannot be recalled.
    let arrived = terminal.does("carry in --data ru stick");
    assert!(!arrived.contains("refused"), "{arrived}");
}

/// All bytes of all files below a directory, with the names.
fn bytes_below(dir: &std::path::Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        all.extend(path.file_name().unwrap().as_encoded_bytes());
        if path.is_dir() {
            all.extend(bytes_below(&path));
        } else {
            all.extend(std::fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn what_was_said_is_shown_to_each_reader_and_erased_with_its_reason() {
    let terminal = Terminal::new();
    terminal.does("log init --callsign MISSION --origin truce.example/mission --data m");
    let said = terminal.does_with("log say --data m -", &(message("نعم") + &message("two")));
    assert_eq!(said.lines().count(), 2);
    assert!(
        said.starts_with("MISSION-10  truce.example/mission#10:"),
        "{said}"
    );
    assert!(
        terminal
            .does("log show --data m MISSION-10")
            .contains("نعم")
    );
    assert!(
        terminal
            .does("log show --data m 10 --as RU")
            .contains("نعم")
    );
    let hum = terminal.does("log show --data m 10 --as HUM");
    assert!(
        hum.contains("not for this reader") && !hum.contains("نعم"),
        "{hum}"
    );
    let reference = said.split_whitespace().nth(1).unwrap();
    terminal.does(&format!(
        "log erase --data m {reference} --group body --reason asked"
    ));
    let shown = terminal.does("log show --data m 10");
    assert!(shown.contains("erased; entry 12 says why"), "{shown}");
    assert!(
        terminal
            .does("log prove --data m 10")
            .starts_with("c2sp.org/tlog-proof@v1\nindex 10\n")
    );
    assert!(terminal.does("audit m").contains("1 were erased"));
}

#[test]
fn bad_input_names_its_line_and_field_and_changes_nothing() {
    let terminal = Terminal::new();
    terminal.does("log init --callsign MISSION --origin truce.example/mission --data m");
    std::fs::write(
        terminal.path().join("drafts"),
        message("good") + "{\"kind\":\"message.send/1\",\"grops\":{}}\n",
    )
    .unwrap();
    let refused = terminal.refuses("log say --data m drafts", "");
    assert!(
        refused.contains("line 2") && refused.contains("grops"),
        "{refused}"
    );
    assert!(
        terminal
            .does("log head --data m")
            .contains(&format!("\n{FOUNDED}\n")),
        "nothing of the file was said"
    );
    assert!(
        terminal
            .refuses("log show --data m RU-1", "")
            .contains("no reference of this log")
    );
    assert!(
        terminal
            .refuses("log show --data m 99", "")
            .contains("the last is MISSION-9")
    );
    assert!(
        terminal
            .refuses("log show --data absent 1", "")
            .contains("absent")
    );
    assert!(
        terminal
            .refuses("log init --callsign mission --origin a/b --data n", "")
            .contains("call sign")
    );
    assert!(!terminal.path().join("n").exists());
    assert!(
        terminal
            .refuses("log init --callsign MISSION --origin a/b --data m", "")
            .contains("there is a log already")
    );
    assert!(
        terminal
            .refuses("audit nowhere", "")
            .contains("no such directory")
    );
    assert!(
        terminal
            .refuses("carry out --data m --reader RU --to age1x stick", "")
            .contains("no age key")
    );
}

#[test]
fn a_statement_that_was_signed_before_stands_there_once() {
    let terminal = Terminal::new();
    terminal.does("log init --callsign MISSION --origin truce.example/mission --data m");
    let signed = terminal.does_with("log sign --data m -", &message("once"));
    let first = terminal.does_with("log say --data m -", &signed);
    let second = terminal.does_with("log say --data m -", &signed);
    assert_eq!(
        second.trim_end(),
        format!("{}  (stood there already)", first.trim_end())
    );
}

#[test]
fn keys_are_granted_revoked_and_recovered_at_the_terminal() {
    let terminal = Terminal::new();
    terminal.does("log init --callsign MISSION --origin truce.example/mission --data m");
    let jwk = terminal.does("key new --p256 day.key");
    let control = |kind: &str, body: &str, more: &str| {
        terminal.run(&format!("log control --data m {more} {kind} {body}"), "")
    };
    let (status, out, error) = control(
        "key.grant/1",
        &format!("{{\"role\":\"office\",\"key\":{}}}", jwk.trim_end()),
        "",
    );
    assert_eq!(status, 0, "{error}");
    assert!(out.starts_with("MISSION-10"), "{out}");
    let refused = terminal.refuses(
        "log say --data m --key day.key --kid 10 -",
        &message("by whom"),
    );
    assert!(
        refused.contains("kid: message.send is said by") && refused.contains("(rule: office)"),
        "{refused}"
    );
    let duty = "{\"kid\":\"10\",\"office\":\"duty_officer\"}";
    assert_eq!(control("office.grant/1", duty, "").0, 0);
    terminal.does_with(
        "log say --data m --key day.key --kid 10 -",
        &message("by day"),
    );
    assert_eq!(control("key.revoke/1", "{\"kid\":\"10\"}", "").0, 0);
    let refused = terminal.refuses(
        "log say --data m --key day.key --kid 10 -",
        &message("too late"),
    );
    assert!(
        refused.contains("key 10 was revoked at entry 13"),
        "{refused}"
    );
    assert_eq!(
        control(
            "key.compromise/1",
            "{\"kid\":\"0\",\"from\":14}",
            "--key MISSION-recovery.key --kid 0/recovery"
        )
        .0,
        0
    );
    assert!(
        control("key.revoke/1", "{\"kid\":\"1\"}", "")
            .2
            .contains("compromised")
    );
    let page = terminal.does("audit m");
    assert!(page.starts_with("EVERYTHING HOLDS"), "{page}");
}

#[test]
fn attachments_go_in_and_come_out_and_fillers_look_like_all_others() {
    let terminal = Terminal::new();
    terminal.does("log init --callsign MISSION --origin truce.example/mission --data m");
    std::fs::write(
        terminal.path().join("crater.jpg"),
        b"not really a picture".repeat(9000),
    )
    .unwrap();
    let name = terminal
        .does("log attach --data m crater.jpg")
        .trim_end()
        .to_owned();
    let report = json!({"category": "explosion", "from": "2016-06-20T04:00:00Z", "until": "2016-06-20T05:00:00Z",
        "date_precision": 1, "means": ["crater"], "place_precision": 3, "attachments": [{"name": name, "what": "crater"}]});
    let said = terminal.does_with("log say --data m -", &line("report.file/1", &[], &report));
    terminal.does(&format!("log attachment --data m {name} back.jpg"));
    assert_eq!(
        std::fs::read(terminal.path().join("back.jpg")).unwrap(),
        b"not really a picture".repeat(9000)
    );
    let padded = terminal.does("log pad --data m --multiple 8");
    assert!(
        padded.starts_with("5 fillers; the log has 16 entries"),
        "{padded}"
    );
    assert!(
        terminal
            .does("log show --data m 15 --as RU")
            .contains("not for this reader")
    );
    let reference = said.split_whitespace().nth(1).unwrap();
    terminal.does(&format!("log erase --data m {reference} --group body"));
    let gone = terminal.refuses(&format!("log attachment --data m {name} again.jpg"), "");
    assert!(gone.contains("is not held here"), "{gone}");
    assert!(!terminal.path().join("again.jpg").exists());
    let hyphen = format!("-{}A", "b".repeat(41));
    let unknown = terminal.refuses(&format!("log attachment --data m {hyphen} again.jpg"), "");
    assert!(
        unknown.contains("is not held here"),
        "a name, not an option: {unknown}"
    );
}

#[test]
fn nothing_meaningless_is_said_by_the_command_line_either() {
    let terminal = Terminal::new();
    terminal.does("log init --callsign MISSION --origin truce.example/mission --data m");
    let refuses = |kind: &str, content: Value, rule: &str, field: &str| {
        for command in ["say", "sign"] {
            let input = line(kind, &["RU"], &content);
            let refused = terminal.refuses(&format!("log {command} --data m -"), &input);
            let named = format!("line 1: {field}: ");
            assert!(
                refused.contains(&named) && refused.ends_with(&format!("(rule: {rule})\n")),
                "{refused}"
            );
        }
    };
    let wordless = json!({"precedence": "ROUTINE", "to": ["RU"]});
    refuses("message.send/1", wordless, "form", "body.words");
    refuses("message.sent/1", json!({}), "known_kind", "kind");
    refuses("incident.open/1", json!({}), "known_kind", "kind");
    refuses("acknowledge/1", json!({}), "about", "about");
    let refused = terminal.refuses(
        "log control --data m office.grant/1 {\"kid\":\"1\",\"office\":\"king\"}",
        "",
    );
    assert!(refused.contains("body.office: "), "{refused}");
    // A file is tried out as a whole: the second watch would begin while the first one lasts.
    let watch =
        json!({"officer": "day watch", "languages": ["en"], "until": "2036-06-21T18:00:00Z"});
    let watch = line("shift.open/1", &["RU"], &watch);
    std::fs::write(terminal.path().join("watches"), watch.clone() + &watch).unwrap();
    let refused = terminal.refuses("log say --data m watches", "");
    assert!(
        refused.contains("line 2: body.takeover_reason: ") && refused.contains("(rule: one_watch)"),
        "{refused}"
    );
    let head = terminal.does("log head --data m");
    assert!(head.contains(&format!("\n{FOUNDED}\n")), "{head}");
    terminal.does_with("log say --data m -", &watch);
    let refused = terminal.refuses("log say --data m -", &watch);
    assert!(
        refused.contains("entry 10 has the watch"),
        "what stood in the log before is known: {refused}"
    );
}

#[test]
fn each_desk_says_what_its_offices_may() {
    let terminal = Terminal::new();
    let founded = terminal.does(
        "log init --callsign MISSION --origin truce.example/mission --data m --languages ar,en \
         --office field_monitor --office duty_officer,head_of_mission",
    );
    let desks: Vec<&str> = founded
        .lines()
        .filter_map(|line| line.trim().strip_prefix("desk "))
        .collect();
    assert_eq!(
        desks,
        [
            "1         field_monitor",
            "3         duty_officer, head_of_mission"
        ]
    );
    let mode = |path: &str| {
        let file = std::fs::metadata(terminal.path().join(path)).unwrap();
        std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o777
    };
    assert_eq!(mode("m/secret/desk/1.key"), 0o600);
    let report = json!({"category": "shelling", "from": "2016-06-20T04:00:00Z", "until": "2016-06-20T05:00:00Z",
        "date_precision": 1, "means": ["heard"], "place_precision": 3});
    let watch =
        json!({"officer": "day watch", "languages": ["en"], "until": "2036-06-21T18:00:00Z"});
    terminal.does_with(
        "log say --data m -",
        &(line("report.file/1", &[], &report) + &line("shift.open/1", &[], &watch)),
    );
    let signer = |entry: u64| {
        let shown = terminal.does(&format!("log show --data m {entry} --json"));
        let shown: Value = serde_json::from_str(&shown).unwrap();
        shown["signed_by_key"].as_str().unwrap().to_owned()
    };
    assert_eq!((signer(6), signer(7)), ("1".to_owned(), "3".to_owned()));
    let refused = terminal.refuses(
        "log say --data m --kid 1 -",
        &line("shift.unrelieved/1", &[], &json!({})),
    );
    assert!(refused.contains("(rule: office)"), "{refused}");
    let unkept = terminal.refuses("log say --data m --kid 2 -", &message("with which key?"));
    assert!(unkept.contains("keeps no such key"), "{unkept}");
}

const SCENARIO: &str = "\
scenario A call
happened Nothing.
source   Invented.
answers  Any officer takes it.
begins   2016-06-20T21:00Z
participant US guarantor languages en
participant RU guarantor languages ru
instrument coh \"Cessation\" needed US, RU accepted
+00:02 US duty_officer FLASH to RU at 33.5N 38.5E still_happening as @strike
+00:07 expect overdue RU answer @strike
";

#[test]
fn a_scenario_is_played_and_the_first_line_that_does_not_come_true_is_named() {
    let terminal = Terminal::new();
    let file = |name: &str, text: &str| std::fs::write(terminal.path().join(name), text).unwrap();
    file("good.truce", SCENARIO);
    file(
        "late.truce",
        &SCENARIO.replace("+00:07 expect", "+00:06 expect"),
    );
    file("slip.truce", &SCENARIO.replace("FLASH", "FLSH"));
    let told = terminal.does("play good.truce --keep kept");
    assert!(
        told.starts_with("EXERCISE  A call") && told.contains("said as US-9"),
        "{told}"
    );
    assert!(terminal.path().join("kept/exercise").exists());
    let refused = terminal.refuses("play good.truce --keep kept", "");
    assert!(refused.contains("is there already"), "{refused}");
    let late = terminal.refuses("play --quiet late.truce", "");
    assert!(
        late.contains("late.truce:10: +00:06 expect overdue RU answer @strike\n  found: RU owes answer about US-9: open"),
        "{late}"
    );
    let slip = terminal.refuses("play slip.truce", "");
    assert!(
        slip.contains("slip.truce:9:24: found \"FLSH\"; expected one of FLASH"),
        "{slip}"
    );
    let all = terminal.refuses("play --quiet .", "");
    assert!(all.contains("2 of 3 scenarios did not come out"), "{all}");
    let none = terminal.refuses("play --quiet kept", "");
    assert!(none.contains("no file in it ends in .truce"), "{none}");
}

#[test]
fn the_first_administrator_is_invited_from_the_terminal() {
    let terminal = Terminal::new();
    terminal.does("log init --callsign MISSION --origin truce.example/mission --data mission");
    let invited =
        terminal.does("account invite --data mission --office administrator --languages en,ar");
    assert_eq!(printed(&invited, "for"), "MISSION");
    let code = printed(&invited, "code");
    let kept = std::fs::read(terminal.path().join("mission/accounts.db")).unwrap();
    assert!(
        !kept
            .windows(code.len())
            .any(|bytes| bytes == code.as_bytes()),
        "the code itself is kept nowhere"
    );
    let refused = terminal.refuses("account invite --data nobody --office administrator", "");
    assert!(refused.contains("no log was founded here"), "{refused}");
}
