use super::*;
use serde_json::json;

const HEADER: &str = "\
scenario A caller who waited
happened Near Deir ez-Zor a caller waited for his usual contact;
  strikes fell meanwhile.
source   Press reports
answers  Any officer takes a FLASH.
begins   2016-09-17T17:00+03:00
participant RU guarantor languages ru, en
participant US guarantor offices duty_officer, head_of_mission
participant HUM humanitarian
instrument coh \"Cessation of hostilities\" needed RU, US in_force 2016-09-12T19:00+03:00 accepted
instrument rules \"Monitoring rules\" needed RU, US
place khiam 33.33N 35.61E named \"الخيام\"
";

/// A scenario with these lines after a header and a FLASH that is called `@strike`.
fn with(lines: &str) -> Result<Scenario, ScenarioError> {
    let flash = "+00:00 RU duty_officer FLASH to US at 35.33N 40.1E still_happening as @strike\n";
    parse(format!("{HEADER}{flash}{lines}\n").as_bytes())
}

fn refused(lines: &str) -> String {
    let error = with(lines).expect_err(lines);
    assert_eq!(error.line, 14, "{error}");
    error.to_string()
}

fn said(lines: &str) -> Say {
    match with(lines).unwrap().lines.pop().unwrap().what {
        What::Say(say) => *say,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_says_who_at_which_desk_says_what_when() {
    let scenario = with(
        "+00:02:10 US duty_officer.night answer @strike stop_passed \"Passed\" in en as @answer",
    )
    .unwrap();
    assert_eq!(scenario.title, "A caller who waited");
    assert_eq!(
        scenario.happened,
        "Near Deir ez-Zor a caller waited for his usual contact; strikes fell meanwhile."
    );
    let line = &scenario.lines[1];
    assert_eq!(
        (line.line, line.at.to_string().as_str()),
        (14, "2016-09-17T14:02:10Z")
    );
    let What::Say(say) = &line.what else {
        panic!("{line:?}")
    };
    assert_eq!(
        (say.by.as_str(), say.desk.as_str(), say.kind.as_str()),
        ("US", "duty_officer.night", "answer/1")
    );
    assert_eq!(say.about, ["strike"]);
    let body = json!({"reply": "stop_passed", "words": "Passed", "language": "en"});
    assert_eq!(Value::Object(say.groups[0].content.clone()), body);
    assert_eq!(say.name.as_deref(), Some("answer"));
}

#[test]
fn an_indented_line_goes_on_and_an_expectation_is_a_line_of_its_own() {
    let scenario = with(
        "+00:01 US duty_officer read_back @strike # read aloud\n\n  # by the linguist\n  \"удар у переправы\"\n    at 35.33N 40.1E\n  expect open US answer @strike\nexpect closed @strike",
    )
    .unwrap();
    let lines: Vec<usize> = scenario.lines.iter().map(|line| line.line).collect();
    assert_eq!(lines, [13, 14, 19, 20]);
    assert!(
        scenario.lines[1..]
            .windows(2)
            .all(|two| two[0].at == two[1].at)
    );
}

#[test]
fn words_keep_their_script_and_quotes_have_three_forms() {
    let body = |line: &str| said(line).groups[0].content["words"].clone();
    assert_eq!(
        body("US duty_officer IMMEDIATE to RU \"قصف على \\\"حربنفسه\\\"\" in ar"),
        "قصف على \"حربنفسه\""
    );
    assert_eq!(
        body("US duty_officer IMMEDIATE to RU «Удар \"там\"» in ru"),
        "Удар \"там\""
    );
    assert_eq!(
        body("US duty_officer IMMEDIATE to RU “two\n   lines” in en"),
        "two\nlines"
    );
}

#[test]
fn places_are_exact_and_may_have_names() {
    let body = said("US duty_officer FLASH to RU at khiam stopped").groups[0]
        .content
        .clone();
    assert_eq!(
        body["place"],
        json!({"lat_e7": 333_300_000, "lon_e7": 356_100_000})
    );
    assert_eq!(
        (body["place_name"].as_str(), body["happening"].as_str()),
        (Some("الخيام"), Some("stopped"))
    );
    let error = refused("US duty_officer FLASH to RU at 35.61E 33.33N stopped");
    assert!(
        error.contains("the latitude stands first") && error.contains("line 14, column 32"),
        "{error}"
    );
}

#[test]
fn what_goes_without_saying_is_added() {
    let body = |line: &str| Value::Object(said(line).groups[0].content.clone());
    let now = "2016-09-17T14:01:00Z";
    assert_eq!(
        body("+00:01 US duty_officer line.test ru-us heard"),
        json!({"line": "ru-us", "result": "heard", "means": "primary", "tested_at": now})
    );
    assert_eq!(
        body("+00:01 US duty_officer hold @strike until +12:00")["officer"],
        "duty_officer"
    );
    assert_eq!(
        body("+00:01 RU duty_officer shift.open \"day\" until +12:00")["languages"],
        json!(["ru", "en"])
    );
    assert_eq!(
        body("+00:01 US head_of_mission instrument.end @coh because \"It is over\"")["from"],
        now
    );
    let area = body(
        "+00:01 US duty_officer area.designate \"A\" to RU held_by nusra area 36.4N 37.2E to 36.2N 37.4E basis \"Own\"",
    );
    assert_eq!(
        (&area["valid_from"], &area["valid_until"]),
        (&json!(now), &json!("2016-10-17T14:01:00Z"))
    );
    assert_eq!(
        area["polygon"][0],
        json!({"lat_e7": 362_000_000, "lon_e7": 372_000_000})
    );
    assert_eq!(
        area["polygon"][2],
        json!({"lat_e7": 364_000_000, "lon_e7": 374_000_000})
    );
}

#[test]
fn readers_belong_to_a_group_and_the_person_to_the_own_side() {
    let say =
        said("US duty_officer ROUTINE to RU \"x\" in en readers RU, public person \"officer 7\"");
    assert_eq!(
        say.groups[0].readers.as_deref(),
        Some(&["RU".to_owned(), "public".to_owned()][..])
    );
    assert_eq!(
        (
            say.groups[1].name.as_str(),
            say.groups[1].readers.as_deref()
        ),
        ("person", Some(&["own".to_owned()][..]))
    );
}

#[test]
fn any_kind_is_said_with_its_body_and_groups_in_json() {
    let say = said(
        "US field_monitor say report.file about @strike {\"category\": \"shelling\",\n\"note\": \"} is # no end\"\n} readers HUM group exact {\"place\": \"@strike\"} as @report",
    );
    assert_eq!(
        (say.kind.as_str(), &say.about[..]),
        ("report.file/1", &["strike".to_owned()][..])
    );
    let groups: Vec<&str> = say.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(groups, ["body", "exact"]);
    assert_eq!(say.groups[0].content["note"], "} is # no end");
    assert!(
        refused("US field_monitor say report.file {\"a\": \"@nowhere\"}")
            .contains("no statement above")
    );
    assert!(refused("US field_monitor say report.file {\"a\": 1, \"a\": 2}").contains("JSON"));
    assert!(refused("US field_monitor say key.grant {}").contains("control statement"));
    assert!(refused("US field_monitor say report.file {\"a\": {").contains("does not end"));
}

#[test]
fn a_correction_says_what_should_have_been_said() {
    let say = said(
        "RU duty_officer correct @strike says FLASH to US at 35.4N 40.1E still_happening because \"Wrong\" readers US",
    );
    assert_eq!(say.groups[0].content["reason"], "Wrong");
    assert_eq!(
        (
            say.groups[1].name.as_str(),
            &say.groups[1].content["precedence"]
        ),
        ("corrected", &json!("FLASH"))
    );
    assert_eq!(say.groups[1].readers, say.groups[0].readers);
    assert!(
        refused("RU duty_officer correct @strike says correct @strike")
            .contains("should have said")
    );
}

#[test]
fn a_refusal_belongs_to_the_statement_above_it() {
    let scenario = with("HUM auditor answer @strike agreed\n  expect refused office kid").unwrap();
    assert_eq!(scenario.lines.len(), 2);
    let What::Say(say) = &scenario.lines[1].what else {
        panic!("{scenario:?}")
    };
    let refused = say.refused.as_ref().unwrap();
    assert_eq!(
        (
            refused.line,
            refused.rule.as_str(),
            refused.field.as_deref()
        ),
        (15, "office", Some("kid"))
    );
    let error = with("offline RU\n  expect refused office").unwrap_err();
    assert!(
        error.expected.contains("right below the statement"),
        "{error}"
    );
}

#[test]
fn a_participant_and_an_excluded_group_are_known_by_other_names_too() {
    let text = HEADER
        .replace(
            "needed RU, US\nplace",
            "needed RU, US excluded nusra \"Nusra\" also \"Jabhat al-Nusra\", \"Later Name\" by art-2 excluded other \"Other\"\nplace",
        )
        .replace("instrument coh", "participant GOV party also \"Government\" languages ar\ninstrument coh");
    let scenario = parse(format!("{text}+00:01 offline RU").as_bytes()).unwrap();
    let other_names = |sign: &str| {
        let mut all = scenario.participants.iter();
        let one = all.find(|participant| participant.call_sign.as_str() == sign);
        one.unwrap().also_known_as.clone()
    };
    assert_eq!(other_names("GOV"), ["Government"]);
    assert!(other_names("RU").is_empty());
    assert_eq!(
        scenario.instruments[1].terms["excluded"],
        json!([{"id": "nusra", "name": "Nusra", "also_known_as": ["Jabhat al-Nusra", "Later Name"], "provision": "art-2"},
            {"id": "other", "name": "Other", "provision": "text"}])
    );
    let bare = text.replace("\"Jabhat al-Nusra\", \"Later Name\"", "jabhat");
    let refused = parse(bare.as_bytes()).unwrap_err().to_string();
    assert!(
        refused.contains("another name of it in quotes"),
        "{refused}"
    );
}

#[test]
fn instruments_need_little_and_can_say_much() {
    let scenario =
        with("US head_of_mission instrument.table rules amends @coh as @x\n").unwrap_err();
    assert!(
        scenario.to_string().contains("the end of the line"),
        "{scenario}"
    );
    let table = said("US head_of_mission instrument.table rules amends @coh");
    assert_eq!(
        (table.name.as_deref(), &table.about[..]),
        (Some("rules"), &["coh".to_owned()][..])
    );
    let text = HEADER.replace("needed RU, US\nplace", "needed RU, US neutral HUM flash_to RU, US excluded nusra \"Nusra\" by art-2
  provision art-2 \"Groups not covered\" territory 32N 35E to 38N 43E clock FLASH \"flash\" answer 3m read_back pass_down
  line ru-us RU US alternate \"satellite\" tests 2016-09-18T09:00Z every 1d within 15m restricted accept_by +1d\nplace");
    let scenario = parse(format!("{text}+00:01 offline RU").as_bytes()).unwrap();
    let [coh, rules] = &scenario.instruments[..] else {
        panic!("{scenario:?}")
    };
    assert_eq!(
        Value::Object(coh.terms.clone()),
        json!({"name": "Cessation of hostilities",
        "formality": "cessation_of_hostilities", "version": 1, "text_public": true, "needed": ["RU", "US"],
        "in_force_from": "2016-09-12T19:00:00+03:00", "accept_by": "2016-09-12T19:00:00+03:00",
        "provisions": [{"id": "text", "title": "Cessation of hostilities"}]})
    );
    assert!(coh.accepted && !rules.accepted);
    let terms = &rules.terms;
    assert_eq!(
        terms["lines"],
        json!([{"id": "ru-us", "a": "RU", "b": "US", "primary": "telephone", "alternate": "satellite",
        "tests": {"first": "2016-09-18T09:00:00Z", "every_s": 86_400, "within_s": 900}}])
    );
    assert_eq!(
        terms["clocks"],
        json!([{"precedence": "FLASH", "label": "flash", "answer_within_s": 180, "read_back": true,
        "pass_down": true}])
    );
    assert_eq!(terms["territory"]["provision"], "text");
    assert_eq!(
        terms["provisions"],
        json!([{"id": "art-2", "title": "Groups not covered"}, {"id": "text", "title": "Monitoring rules"}])
    );
    assert_eq!(
        (&terms["text_public"], &terms["accept_by"]),
        (&json!(false), &json!("2016-09-18T14:00:00Z"))
    );
}

#[test]
fn every_verb_and_every_expectation_reads_its_own_example() {
    // What the examples mention.
    let names = [
        "call",
        "questions",
        "coordinates",
        "separation",
        "report",
        "denial",
        "allegation",
        "bulletin",
        "erasure",
        "day",
        "half",
        "correction",
        "first-forged",
        "second-strike",
        "hospital",
        "withdrawal",
        "convoy",
        "leak",
    ];
    let mentioned: String = names
        .iter()
        .map(|name| format!("US duty_officer say comment {{}} as @{name}\n"))
        .collect();
    let header = HEADER.replace(
        "participant HUM humanitarian",
        "participant HUM humanitarian\nparticipant MISSION mission",
    );
    let flash = "+00:00 RU duty_officer FLASH to US at 35.33N 40.1E still_happening as @strike\n";
    let reads = |line: &str| {
        let text = format!("{header}{flash}{mentioned}{line}\n");
        parse(text.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"))
    };
    for verb in VERBS {
        assert!(verb.example.starts_with(verb.word), "{}", verb.word);
        let example = verb.example.split(" as @").next().unwrap();
        let scenario = reads(&format!("US duty_officer {example}"));
        let What::Say(say) = &scenario.lines.last().unwrap().what else {
            panic!("{}", verb.word)
        };
        assert_eq!(say.kind, format!("{}/1", verb.kind));
    }
    for (word, example) in CONTROLS {
        assert!(example.starts_with(word));
        reads(&format!("US admin {example}"));
    }
    for (word, example) in EXPECTATIONS {
        assert!(example.starts_with(word), "{word}");
        reads(&format!("expect {example}"));
        reads(&format!("expect not {example} for HUM"));
    }
    reads(&format!("expect {READS}"));
}

#[test]
fn reading_is_expected_or_not_in_plain_words() {
    let expectation = |line: &str| match with(line).unwrap().lines.pop().unwrap().what {
        What::Expect(expect) => *expect,
        other => panic!("{other:?}"),
    };
    let that = That::Reads("HUM".parse().unwrap(), "strike".into(), "body".into());
    for (line, not) in [
        ("expect HUM reads @strike", false),
        ("expect HUM does not read @strike", true),
        ("expect not HUM reads @strike", true),
    ] {
        let expect = expectation(line);
        assert_eq!((expect.not, &expect.that), (not, &that), "{line}");
    }
}

#[test]
fn errors_name_the_place_what_stands_there_and_what_may() {
    assert_eq!(
        refused("+00:02 US duty_oficer acknowledge @strike"),
        "line 14, column 11: found \"duty_oficer\"; expected an office (duty_officer, field_monitor, verification_analyst, \
         do_no_harm_officer, notification_officer, head_of_mission, auditor, administrator), one of its desks such as \
         duty_officer.night, anybody, or admin. For example: +00:02 US duty_officer acknowledge @strike"
    );
    for (line, said) in [
        (
            "+00:02 GOV duty_officer acknowledge @strike",
            "a call sign that the header declares",
        ),
        (
            "+00:02 US duty_officer acknowledge @strik",
            "none has this one",
        ),
        ("+00:02 US duty_officer acknowlege @strike", "one of FLASH"),
        (
            "+00:02 US duty_officer answer @strike yes",
            "one of words, agreed, checking",
        ),
        (
            "+00:02 US duty_officer answer @strike agreed part",
            "a short name",
        ),
        (
            "+00:02 US duty_officer FLASH to RU to HUM",
            "to once and not twice",
        ),
        (
            "+00:02 US duty_officer comment @strike \"no end",
            "\" at its end",
        ),
        ("+0:02 offline RU", "a time: +HH:MM"),
        ("2016-09-17T13:59Z offline RU", "the clock runs forward"),
        (
            "expect overdue US answr @strike",
            "one of answer, acceptance",
        ),
        ("expect overdue US answer @strike by 4x", "a length of time"),
        (
            "expect overdu US answer @strike",
            "one of open, closed, overdue",
        ),
        ("US duty_officer key.revoke duty_officer", "the desk admin"),
        ("participant OPP party", "all of the header stands before"),
        (
            "US duty_officer FLASH to RU as @strike",
            "a name that nothing above has",
        ),
    ] {
        let error = refused(line);
        assert!(error.contains(said), "{line}: {error}");
    }
}

#[test]
fn a_header_must_be_whole() {
    for (missing, said) in [
        ("happened", "happened in the header"),
        ("source", "source in the header"),
        ("begins", "line begins"),
        ("participant RU", "a call sign that the header declares"),
    ] {
        let text: String = HEADER
            .lines()
            .filter(|line| !line.starts_with(missing) && !line.starts_with("  "))
            .map(|line| format!("{line}\n"))
            .collect();
        let error = parse(format!("{text}offline US\n").as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{missing}: {error}");
    }
    let twice = parse(format!("{HEADER}scenario again\noffline RU\n").as_bytes()).unwrap_err();
    assert!(twice.expected.contains("once"), "{twice}");
    assert!(parse(b"\xff").unwrap_err().to_string().contains("UTF-8"));
    assert!(
        parse(b"  scenario x")
            .unwrap_err()
            .to_string()
            .contains("indented")
    );
    assert!(
        parse(HEADER.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("a line that says or expects")
    );
}

#[test]
fn a_notice_s_exact_place_is_for_those_whom_it_names() {
    let say = said(
        "HUM notification_officer site.notify hospital for RU, US in SY0200 at khiam readers RU, US, public as @hospital",
    );
    let groups: Vec<(&str, Option<&[String]>)> = say
        .groups
        .iter()
        .map(|group| (group.name.as_str(), group.readers.as_deref()))
        .collect();
    let named = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        groups[0],
        ("body", Some(&named(&["RU", "US", "public"])[..]))
    );
    assert_eq!(groups[1], ("exact", Some(&named(&["RU", "US"])[..])));
    let body = &say.groups[0].content;
    assert_eq!(body["protection"], "unchanged");
    assert_eq!(body["consents"][1]["recipient"], "US");
    assert_eq!(say.groups[1].content["name"], "الخيام");
    let convoy = said(
        "HUM duty_officer movement.notify relief road to RU through US in SY0200 persons 4 from +50:00 until +56:00
         leg khiam +50:00 to 33.4N 35.7E +52:00 check_in gate +52:00",
    );
    assert_eq!(
        convoy.groups[1].readers.as_deref(),
        Some(&named(&["RU", "US"])[..])
    );
    assert_eq!(
        convoy.groups[1].content["legs"][0]["to"]["lat_e7"],
        334_000_000
    );
    assert_eq!(convoy.groups[0].content["check_ins"][0]["id"], "gate");
    let refused = refused("HUM notification_officer site.notify palace for RU in SY0200");
    assert!(refused.contains("hospital"), "{refused}");
}
