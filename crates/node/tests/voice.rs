//! Places over a voice line, asked through the door: entry, script, read-back.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use formats::places_csv;
use record::audience::Audience;
use record::name::Reference;
use record::statement::Draft;
use serde_json::{Value, json};
use support::server::Server;
use support::{Exercise, office_for};
use truce::protection::{CANNOT_BE_RECALLED, UNCHANGED};

const GAZETTEER: &str = "id,kind,pcode,parent,parent_basis,name_en,name_ar,aliases,lat,lon,population,population_year\n\
    1,settlement,,,,Aleppo,حلب,Алеппо,36.20124,37.16117,1602264,2016\n\
    2,settlement,,,,Mare,مارع,,36.48333,37.2,16904,2016\n";

fn place(lat_e7: i64, lon_e7: i64) -> Value {
    json!({"lat_e7": lat_e7, "lon_e7": lon_e7})
}

fn aud(names: &[&str]) -> Audience {
    Audience::of(names.iter().map(|name| name.parse().unwrap()))
}

const EVERYBODY: &[&str] = &["parties", "MISSION", "HUM"];

fn say(exercise: &Exercise, who: &str, draft: Draft) -> Reference {
    let kind = draft.head().kind.to_string();
    let said = exercise.try_say(who, office_for(&kind), draft);
    said.unwrap_or_else(|error| panic!("{who} {kind}: {error}"))
}

fn draft(kind: &str, about: Option<&Reference>) -> Draft {
    let draft = Draft::new(kind, "2016-03-01T09:00:00Z").unwrap();
    draft.about(about.into_iter().cloned().collect())
}

/// A clinic of HUM, for US to know.
fn clinic(about: Option<&Reference>, at: Value) -> Draft {
    let body = json!({"category": "clinic", "admin_names": ["Aleppo"], "valid_from": "2016-03-01T00:00:00Z",
        "review_by": "2016-04-01T00:00:00Z", "protection": "unchanged", "consents": [{"recipient": "US", "given_by": "director",
        "given_at": "2016-03-01T00:00:00Z", "told": "delivered_copy_cannot_be_watched_or_recalled"}]});
    let exact = json!({"name": "عيادة <النور>", "name_latin": "An-Nur", "function": "x", "datum": "wgs84", "uncertainty_m": 10,
        "method": "on_the_spot", "place": at});
    let draft = draft("site.notify/1", about).group("body", aud(EVERYBODY), body);
    draft.unwrap().group("exact", aud(&["US"]), exact).unwrap()
}

/// A flight of HUM in two legs, for US to know.
fn flight() -> Draft {
    let body = json!({"purpose": "relief", "mode": "air", "to": ["US"], "persons": 12, "from": "2016-03-02T08:00:00Z",
        "until": "2016-03-02T11:00:00Z", "protection": "unchanged", "check_ins": [{"id": "north-gate", "due_at": "2016-03-02T08:30:00Z"}]});
    let (start, stop, end) = (
        place(362_000_000, 371_600_000),
        place(364_000_000, 372_000_000),
        place(365_000_000, 373_000_000),
    );
    let exact = json!({"datum": "unstated", "legs": [
        {"from": start, "from_at": "2016-03-02T08:00:00Z", "to": stop, "to_at": "2016-03-02T09:00:00Z", "radius_m": 200,
            "altitude": {"floor_cm": 50_050, "ceiling_cm": 100_010, "datum": "amsl"}},
        {"from": stop, "from_at": "2016-03-02T09:00:00Z", "to": stop, "to_at": "2016-03-02T09:30:00Z"},
        {"from": stop, "from_at": "2016-03-02T09:30:00Z", "to": end, "to_at": "2016-03-02T10:30:00Z", "to_name": "Hangar"}]});
    let draft = draft("movement.notify/1", None).group("body", aud(EVERYBODY), body);
    draft.unwrap().group("exact", aud(&["US"]), exact).unwrap()
}

fn four() -> Exercise {
    let exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    exercise.bind();
    let places = places_csv::read(GAZETTEER.as_bytes()).unwrap();
    exercise.node().places().load(&places).unwrap();
    exercise
}

/// Status, headers but those of the moment, and bytes.
fn bytes(
    server: &Server,
    who: Option<&str>,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> (u16, String, String) {
    let address = format!("{}{path}", server.base);
    let mut request = server.client.request(method.parse().unwrap(), address);
    if let Some(who) = who {
        request = request.bearer_auth(&server.tokens[who]);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().unwrap();
    let status = answer.status().as_u16();
    let headers = answer.headers().iter();
    let headers = headers.filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    let headers = format!("{:?}", headers.collect::<Vec<_>>());
    (status, headers, answer.text().unwrap())
}

fn script(server: &Server, who: &str, of: &str, statement: &Reference) -> Value {
    let path = format!("/api/v1/{of}/HUM-{}/script", statement.index);
    let (status, script) = server.get(Some(who), &path);
    assert_eq!(status, 200, "{script}");
    script
}

/// The sentences of a group, each with its name behind it.
fn lines(script: &Value, group: &str, language: &str) -> Vec<String> {
    let groups = script["groups"].as_array().unwrap();
    let group = groups.iter().find(|one| one["group"] == group);
    let lines = group.unwrap_or_else(|| panic!("no {group:?}: {script}"))["lines"]
        .as_array()
        .unwrap();
    let spoken = lines.iter().map(|line| {
        let spoken = &line[language];
        let name = spoken["name"].as_str().unwrap_or_default();
        format!("{} {name}", spoken["text"].as_str().unwrap())
            .trim()
            .to_owned()
    });
    spoken.collect()
}

#[test]
fn a_script_shows_the_exact_place_to_its_readers_and_to_nobody_else() {
    let exercise = four();
    let site = say(
        &exercise,
        "HUM",
        clinic(None, place(362_000_000, 371_600_000)),
    );
    let movement = say(&exercise, "HUM", flight());
    exercise.node().settle();
    let server = Server::of(&exercise);
    for (of, statement, mut body) in [
        ("sites", &site, json!({})),
        ("movements", &movement, json!({"leg": 1, "end": "from"})),
    ] {
        body["text"] = "37S CA 3457 0770".into();
        for (method, prefix, rest, body) in [
            ("GET", "/api/v1", "script", None),
            ("GET", "", "script", None),
            ("POST", "/api/v1", "read-back", Some(&body)),
        ] {
            let path = |name: &str| format!("{prefix}/{of}/{name}/{rest}");
            let ask =
                |who: Option<&str>, name: &str| bytes(&server, who, method, &path(name), body);
            let short = format!("HUM-{}", statement.index);
            let full = statement
                .to_string()
                .replace('#', "%23")
                .replace('/', "%2F");
            for who in ["HUM", "US"] {
                for name in [&short, &full] {
                    let (status, _, text) = ask(Some(who), name);
                    assert_eq!(status, 200, "{who} {}: {text}", path(name));
                    assert!(text.contains("37S CA 3457 0770"), "{text}");
                }
            }
            let unknown = full.replace(&statement.index.to_string(), "9999");
            for who in ["RU", "MISSION"] {
                let nothing = ask(Some(who), "HUM-9999");
                assert_eq!(nothing.0, 404);
                for name in [&short, &full, &unknown] {
                    assert_eq!(ask(Some(who), name), nothing, "{who} {}", path(name));
                }
            }
            assert_eq!(ask(None, &short).0, 401);
            assert_eq!(ask(None, "HUM-9999"), ask(None, &short));
        }
        // A site is no movement, for those who read it too.
        let other = if of == "sites" { "movements" } else { "sites" };
        let path = format!("/api/v1/{other}/HUM-{}/script", statement.index);
        assert_eq!(server.get(Some("US"), &path).0, 404);
    }
}

#[test]
fn a_site_is_read_out_digit_by_digit_in_three_languages() {
    let exercise = four();
    let site = say(
        &exercise,
        "HUM",
        clinic(None, place(362_000_000, 371_600_000)),
    );
    exercise.node().settle();
    let server = Server::of(&exercise);
    let script = script(&server, "US", "sites", &site);
    assert_eq!(script["exercise"], true);
    assert_eq!(script["short"], format!("HUM-{}", site.index));

    let head = lines(&script, "notice", "en");
    assert!(head[0].starts_with("Exercise, exercise"), "{head:?}");
    assert!(
        head[1].starts_with("Notice Hotel Uniform Mike, "),
        "{head:?}"
    );
    assert!(head[1].contains("version one, said on day zero one, month zero three, year two zero one six, time zero nine zero zero U T C"));
    assert_eq!(head[2], "A protected place is notified: clinic.");
    assert_eq!(head[3], "Its name: An-Nur");
    assert_eq!(lines(&script, "notice", "ar")[3], "اسمه: عيادة <النور>");
    assert_eq!(lines(&script, "notice", "ru")[3], "Его название: An-Nur");

    let english = [
        "Grid zone three seven Sierra, square Charlie Alfa, easting three four five seven, northing zero seven seven zero.",
        "Latitude three six decimal two zero zero zero degrees, north.",
        "Longitude zero three seven decimal one six zero zero degrees, east.",
        "The place may be off by one zero metres.",
        "The coordinates are in W G S eight four.",
        "It lies one seven zero metres from the nearest named place, bearing two one seven degrees true from there. That place is called: Aleppo",
        "Read this back, please, digit by digit.",
    ];
    assert_eq!(lines(&script, "place", "en"), english);
    let russian = lines(&script, "place", "ru");
    assert!(russian[0].contains("три семь Сьерра"), "{russian:?}");
    assert!(russian[5].ends_with("Алеппо"), "{russian:?}");
    let arabic = lines(&script, "place", "ar");
    assert!(arabic[0].contains("ثلاثة سبعة سييرا"), "{arabic:?}");
    assert!(arabic[5].ends_with("حلب"), "{arabic:?}");
    for language in ["en", "ru", "ar"] {
        for group in ["notice", "place", "end"] {
            let all = lines(&script, group, language).concat();
            assert!(!all.contains(['{', '$', '\u{2068}', '\u{2069}']), "{all}");
        }
    }
    assert_eq!(lines(&script, "end", "en"), [UNCHANGED, CANNOT_BE_RECALLED]);
    assert_eq!(
        script["groups"][1]["place"],
        place(362_000_000, 371_600_000)
    );
    assert_eq!(script["groups"][0]["place"], Value::Null);
    let written = &script["groups"][1]["lines"];
    assert_eq!(written[0]["written"], "37S CA 3457 0770");
    assert_eq!(written[1]["written"], "36.2000° N");
    assert_eq!(written[2]["written"], "037.1600° E");
    let mark = script["copy_mark"]["en"].as_str().unwrap();
    assert!(mark.starts_with("Copy for US, account "), "{mark}");
    assert!(mark.ends_with("Z. Do not copy."), "{mark}");
}

#[test]
fn the_newest_version_is_read_out_and_what_became_of_it_is_said_first() {
    let exercise = four();
    let site = say(
        &exercise,
        "HUM",
        clinic(None, place(362_000_000, 371_600_000)),
    );
    let second = clinic(Some(&site), place(362_083_333, 371_600_000));
    let second = say(&exercise, "HUM", second);
    exercise.node().settle();
    let server = Server::of(&exercise);
    for statement in [&site, &second] {
        let script = script(&server, "US", "sites", statement);
        assert_eq!(script["reference"], site.to_string());
        assert_eq!(script["version"], second.to_string());
        assert!(lines(&script, "notice", "en")[1].contains("version two"));
        assert!(
            lines(&script, "place", "en")[1].contains("three six decimal two zero eight three")
        );
        assert_eq!(lines(&script, "notice", "en").len(), 4);
    }
    let withdraw = json!({"asked_by_site": true, "told": "delivered_copy_cannot_be_watched_or_recalled", "protection": "unchanged"});
    let withdraw = draft("site.withdraw/1", Some(&site)).group("body", aud(EVERYBODY), withdraw);
    say(&exercise, "HUM", withdraw.unwrap());
    exercise.node().settle();
    let script = script(&server, "US", "sites", &site);
    let head = lines(&script, "notice", "en");
    assert!(
        head[1].starts_with("This notice was withdrawn."),
        "{head:?}"
    );
}

#[test]
fn a_movement_is_read_out_leg_by_leg() {
    let exercise = four();
    let movement = say(&exercise, "HUM", flight());
    exercise.node().settle();
    let server = Server::of(&exercise);
    let script = script(&server, "US", "movements", &movement);
    let groups = script["groups"].as_array().unwrap().iter();
    let names: Vec<&str> = groups
        .map(|group| group["group"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "notice",
            "leg-1",
            "leg-1-from",
            "leg-1-to",
            "leg-2",
            "leg-3",
            "leg-3-to",
            "check-ins",
            "end"
        ]
    );
    let head = lines(&script, "notice", "en");
    assert_eq!(head[2], "A movement is notified: relief goods, by air.");
    assert_eq!(head[4], "Number of persons: one two.");
    let leg = lines(&script, "leg-1", "en");
    assert!(leg[0].starts_with("Leg one. It leaves on day zero two, month zero three, year two zero one six, time zero eight zero zero U T C"));
    assert_eq!(
        leg[1],
        "It may be two zero zero metres off the straight line."
    );
    assert_eq!(
        leg[2], "Heights from five zero zero to one zero zero one metres, above mean sea level.",
        "whole metres, and no smaller band"
    );
    assert!(lines(&script, "leg-2", "en")[0].starts_with("Leg two. It stands at the same place"));
    let end = lines(&script, "leg-3-to", "ru");
    assert_eq!(end[0], "Участок три заканчивается в этом месте.");
    assert!(end[1].ends_with("Hangar"), "{end:?}");
    let frame = lines(&script, "leg-1-to", "en");
    assert!(
        frame
            .iter()
            .any(|line| line.starts_with("Nobody stated the frame"))
    );
    assert!(frame.iter().any(|line| line.ends_with("Mare")), "{frame:?}");
    assert!(lines(&script, "check-ins", "ar")[0].ends_with("north-gate"));
}

#[test]
fn the_page_has_three_languages_and_alters_no_coordinate() {
    let exercise = four();
    let site = say(
        &exercise,
        "HUM",
        clinic(None, place(362_000_000, 371_600_000)),
    );
    exercise.node().settle();
    let server = Server::of(&exercise);
    let path = format!("/sites/HUM-{}/script", site.index);
    let (status, headers, page) = bytes(&server, Some("US"), "GET", &path, None);
    assert_eq!(status, 200);
    assert!(
        headers.contains("text/html")
            && headers.contains("default-src 'self'")
            && headers.contains("no-store")
    );
    assert!(page.contains("EXERCISE"));
    assert!(!page.contains("<script") && !page.contains("style="));
    assert!(page.contains("lang=\"ar\" dir=\"rtl\"") && page.contains("lang=\"ru\" dir=\"ltr\""));
    // A name is set apart from the direction around it, and is text whatever stands in it.
    assert!(page.contains("<bdi>عيادة &#60;النور&#62;</bdi>"), "{page}");
    assert!(page.contains("<bdi>حلب</bdi>") && page.contains("<bdi>Алеппо</bdi>"));
    let script = script(&server, "US", "sites", &site);
    for group in script["groups"].as_array().unwrap() {
        for line in group["lines"].as_array().unwrap() {
            for text in [&line["written"], &line["en"]["text"], &line["ar"]["text"]] {
                let text = text.as_str().unwrap_or_default().replace('\'', "&#39;");
                assert!(
                    page.contains(&format!(">{text}<")) || page.contains(&format!(">{text} <")),
                    "{text}"
                );
            }
        }
    }
    let groups = script["groups"].as_array().unwrap().len();
    assert_eq!(
        page.matches("Copy for US, account ").count(),
        1 + groups,
        "on each part"
    );
    assert_eq!(page.matches('☐').count(), 1);
}

fn check(server: &Server, path: &str, text: &str, more: Value) -> Value {
    let mut body = json!({"text": text});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let (status, answer) = server.post("US", path, None, &body);
    assert_eq!(status, 200, "{text}: {answer}");
    answer
}

#[test]
fn a_digit_that_was_heard_wrong_is_found() {
    let exercise = four();
    let site = say(
        &exercise,
        "HUM",
        clinic(None, place(362_000_000, 371_600_000)),
    );
    exercise.node().settle();
    let server = Server::of(&exercise);
    let path = format!("/api/v1/sites/HUM-{}/read-back", site.index);
    let check = |text: &str| check(&server, &path, text, json!({}));

    let came = |text: &str, matches: bool, because: &str| {
        let row = check(text);
        let how = (&row["matches"], &row["because"]);
        assert_eq!(how, (&json!(matches), &json!(because)), "{text}");
        row
    };

    let right = came("37S CA 3457 0770", true, "same_digits");
    assert_eq!(right["heard"]["uncertainty_m"], 8);
    assert_eq!(right["notice"]["uncertainty_m"], 10);
    assert_eq!(right["say"]["about"], site.to_string());

    let turned = came("37S CA 3475 0770", false, "other_digits");
    let differences = turned["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 2, "{turned}");
    assert_eq!(
        differences[0]["says"],
        "the 3rd digit of the easting: 7 was read back, the notice has 5"
    );
    let distance = turned["distance_m"].as_i64().unwrap();
    assert!((170..190).contains(&distance), "{turned}");
    let bearing = turned["bearing_deg"].as_i64().unwrap();
    assert!((85..95).contains(&bearing), "{turned}");

    for (text, because) in [
        ("36.2000N 37.1600E", "same_digits"),
        ("36°12′00.0″N 37°09′36.1″E", "within_precision"),
        ("37S CA 34574 07702", "within_precision"),
        ("٣٦٫٢٠٠٠ شمال ٣٧٫١٦٠٠ شرق", "same_digits"),
    ] {
        let row = came(text, true, because);
        assert_eq!(row["differences"], json!([]));
        assert_eq!(
            row["say"]["place"],
            place(362_000_000, 371_600_000),
            "{text}"
        );
        assert_eq!(row["say"]["same_place"], true);
    }
    for (text, because) in [
        ("36.2N 37.2E", "too_coarse"),
        ("37S CA 345 077", "too_coarse"),
        ("36.2010N 37.1600E", "other_digits"),
        ("37S CA 34676 07700", "too_far"),
    ] {
        let row = came(text, false, because);
        assert_eq!(row["say"]["same_place"], false);
    }
    let exchanged = check("37.1600N 36.2000E");
    assert_eq!(
        (&exchanged["matches"], &exchanged["exchanged"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(exchanged["minutes_or_decimals"], false);
    let (status, problem) = server.post("US", &path, None, &json!({"text": "37S CA 345 0770"}));
    assert_eq!(
        (status, &problem["field"]),
        (422, &json!("text")),
        "{problem}"
    );
    assert!(
        problem["rule"]
            .as_str()
            .unwrap()
            .contains("easting 345 and northing 0770")
    );
    let (status, problem) = server.post("US", &path, None, &json!({"text": "Aleppo"}));
    assert_eq!(
        (status, &problem["reason"]),
        (422, &json!("name")),
        "{problem}"
    );
}

#[test]
fn minutes_that_were_heard_as_decimals_are_found() {
    let exercise = four();
    let site = say(
        &exercise,
        "HUM",
        clinic(None, place(362_083_333, 371_600_000)),
    );
    exercise.node().settle();
    let server = Server::of(&exercise);
    let path = format!("/api/v1/sites/HUM-{}/read-back", site.index);
    let row = check(&server, &path, "36.12500N 37.09600E", json!({}));
    assert_eq!(
        (&row["matches"], &row["minutes_or_decimals"]),
        (&json!(false), &json!(true)),
        "{row}"
    );
    let distance = row["distance_m"].as_i64().unwrap();
    assert!((9_000..12_000).contains(&distance), "{row}");
}

#[test]
fn the_record_computes_of_what_is_then_said_what_the_check_says() {
    let exercise = four();
    let site = say(
        &exercise,
        "HUM",
        clinic(None, place(362_000_000, 371_600_000)),
    );
    let movement = say(&exercise, "HUM", flight());
    exercise.node().settle();
    let server = Server::of(&exercise);
    let same_place = |of: &str, check: &Value| {
        let about: Reference = check["say"]["about"].as_str().unwrap().parse().unwrap();
        let words = json!({"words": "As heard", "place": check["say"]["place"]});
        let read_back = draft("read_back/1", Some(&about)).group("body", aud(&["HUM"]), words);
        say(&exercise, "US", read_back.unwrap());
        exercise.node().settle();
        let (_, row) = server.get(Some("HUM"), &format!("/api/v1/{of}/HUM-{}", about.index));
        let reception = match of {
            "sites" => &row["recipients"][0]["reception"],
            _ => &row["recipients"]["US"],
        };
        reception["read_back"]["same_place"].clone()
    };
    let path = format!("/api/v1/sites/HUM-{}/read-back", site.index);
    for (text, same) in [("37S CA 3475 0770", false), ("37S CA 3457 0770", true)] {
        let check = check(&server, &path, text, json!({}));
        assert_eq!(check["matches"], same);
        assert_eq!(check["say"]["same_place"], same);
        assert_eq!(same_place("sites", &check), same, "{text}");
    }
    let path = format!("/api/v1/movements/HUM-{}/read-back", movement.index);
    for (text, same) in [("36.5010N 37.3000E", false), ("36.5000N 37.3000E", true)] {
        let check = check(&server, &path, text, json!({"leg": 3, "end": "to"}));
        assert_eq!(check["matches"], same);
        assert_eq!(same_place("movements", &check), same, "{text}");
    }
    // The record holds a read-back of a movement against where it goes; nothing is proposed to be said of a stop on the way.
    let stop = check(
        &server,
        &path,
        "36.4000N 37.2000E",
        json!({"leg": 1, "end": "to"}),
    );
    assert_eq!(
        (&stop["matches"], &stop["say"]["place"]),
        (&json!(true), &Value::Null)
    );
    for leg in [0, 4] {
        let body = json!({"text": "36.4N 37.2E", "leg": leg, "end": "to"});
        let (status, problem) = server.post("US", &path, None, &body);
        assert_eq!(
            (status, &problem["rule"]),
            (422, &json!("is the number of a leg, 1 to 3"))
        );
    }
}

#[test]
fn the_box_for_places_warns_of_what_looks_wrong() {
    let exercise = four();
    let server = Server::of(&exercise);
    let path = "/api/v1/places/entry";
    let entry = |text: &str| {
        let body = json!({"text": text, "near": "حلب"});
        let (status, answer) = server.post("US", path, None, &body);
        assert_eq!(status, 200, "{answer}");
        answer["readings"][0].clone()
    };
    let warned = |reading: &Value| -> Vec<String> {
        let warnings = reading["warnings"].as_array().unwrap().iter();
        warnings
            .map(|warning| warning["warning"].as_str().unwrap().to_owned())
            .collect()
    };
    let right = entry("36.2N 37.16E");
    assert_eq!(warned(&right), [""; 0]);
    assert_eq!(right["nearest"]["name"], "Aleppo");
    let exchanged = entry("37.16N 36.2E");
    assert_eq!(warned(&exchanged)[0], "outside_gazetteer");
    assert_eq!(warned(&exchanged)[1], "exchanged");
    assert_eq!(exchanged["warnings"][1]["instead"]["lat_e7"], 362_000_000);
    let minutes = entry("36.125N 37.096E");
    assert_eq!(warned(&minutes)[0], "minutes_or_decimals");
    assert_eq!(
        minutes["warnings"][0]["instead"]["text"],
        "36°12.5′N 37°09.6′E"
    );
    assert_eq!(warned(&entry("36°12.5′N 37°09.6′E")), [""; 0]);

    for (body, field, rule) in [
        (
            json!({"text": "36°60′N 37°10′E"}),
            "text",
            "cannot be read at character 4: minutes 60 are not below 60",
        ),
        (
            json!({"text": "Atlantis"}),
            "text",
            "is no name and no code",
        ),
        (
            json!({"text": "36.2N 37.16E", "near": "Atlantis"}),
            "near",
            "is no name and no code",
        ),
        (json!({"text": ""}), "text", "is 1 to 120 characters"),
    ] {
        let (status, problem) = server.post("US", path, None, &body);
        assert_eq!(
            (status, problem["field"].as_str()),
            (422, Some(field)),
            "{problem}"
        );
        assert!(
            problem["rule"].as_str().unwrap().contains(rule),
            "{problem}"
        );
    }
    let unknown = json!({"text": "36.2N 37.16E", "nearby": "Aleppo"});
    assert_eq!(server.post("US", path, None, &unknown).0, 422);
    let anybody = bytes(
        &server,
        None,
        "POST",
        path,
        Some(&json!({"text": "Aleppo"})),
    );
    assert_eq!(anybody.0, 401);
}

/// What the document's schema of an operation's good answer says against one.
fn faults(document: &Value, path: &str, method: &str, answer: &Value) -> Vec<String> {
    let schema = &document["paths"][path][method]["responses"]["200"]["content"]["application/json"]
        ["schema"];
    assert!(schema.is_object(), "{method} {path}");
    let whole = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "components": document["components"], "allOf": [schema]});
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&whole)
        .unwrap();
    validator
        .iter_errors(answer)
        .map(|error| error.to_string())
        .collect()
}

#[test]
fn good_answers_are_those_of_the_document() {
    let exercise = four();
    let site = say(
        &exercise,
        "HUM",
        clinic(None, place(362_000_000, 371_600_000)),
    );
    let movement = say(&exercise, "HUM", flight());
    exercise.node().settle();
    let server = Server::of(&exercise);
    let (_, document) = server.get(None, "/api/v1/openapi.json");
    for (of, statement, more) in [
        ("sites", &site, json!({})),
        ("movements", &movement, json!({"leg": 1, "end": "from"})),
    ] {
        let path = format!("/api/v1/{of}/{{statement}}/script");
        let answer = script(&server, "US", of, statement);
        assert_eq!(faults(&document, &path, "get", &answer), [""; 0]);
        // Lines are lines of scripts, and not of telephones: a schema of another thing would take neither.
        assert!(
            !faults(
                &document,
                "/api/v1/lines",
                "get",
                &json!([answer["groups"][0]["lines"][0]])
            )
            .is_empty()
        );
        let path = format!("/api/v1/{of}/{{statement}}/read-back");
        let address = path.replace("{statement}", &format!("HUM-{}", statement.index));
        for text in ["37S CA 3457 0770", "37S CA 3475 0770", "89.9N 0.1E"] {
            let answer = check(&server, &address, text, more.clone());
            assert_eq!(faults(&document, &path, "post", &answer), [""; 0]);
        }
    }
    for text in ["36.2, 37.16", "37.16N 36.2E", "Алеппо", "89.9N 10E"] {
        let path = "/api/v1/places/entry";
        let answer = check(&server, path, text, json!({"near": "Aleppo"}));
        assert_eq!(faults(&document, path, "post", &answer), [""; 0]);
    }
}

#[test]
fn whoever_is_given_a_place_to_speak_or_to_compare_is_counted_as_its_reader() {
    let exercise = four();
    let site = say(
        &exercise,
        "HUM",
        clinic(None, place(362_000_000, 371_600_000)),
    );
    exercise.node().settle();
    let server = Server::of(&exercise);
    let times = |who: &str| {
        let (_, page) = server.get(Some(who), "/api/v1/reads");
        let rows = page["items"].as_array().unwrap().iter();
        rows.filter(|row| row["notice"] == site.to_string())
            .map(|row| row["times"].as_u64().unwrap())
            .sum::<u64>()
    };
    let name = format!("HUM-{}", site.index);
    let back = format!("/api/v1/sites/{name}/read-back");
    let heard = json!({"text": "37S CA 3457 0770"});
    for who in ["US", "RU"] {
        bytes(
            &server,
            Some(who),
            "GET",
            &format!("/api/v1/sites/{name}/script"),
            None,
        );
        bytes(
            &server,
            Some(who),
            "GET",
            &format!("/sites/{name}/script"),
            None,
        );
        bytes(&server, Some(who), "POST", &back, Some(&heard));
    }
    assert_eq!((times("US"), times("RU")), (3, 0));
}
