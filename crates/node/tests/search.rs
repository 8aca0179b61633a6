//! Search finds what a reader may read, in three scripts, and nothing else.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use formats::places_csv;
use node::views::ListQuery;
use serde_json::json;
use support::{Exercise, sign};

const PLACES: &str = "level,pcode,parent_pcode,name_en,name_ar,aliases_en,aliases_ar,lat,lon,area_km2,population_2004,population_2016,geonameid,wikidata
1,SY02,SY,Aleppo,حلب,Aleppo Governorate|Halab,محافظة حلب,36.25,37.61667,18482,4045166,3734000,170062,Q214064
";

fn found(exercise: &Exercise, who: Option<&str>, question: &str) -> Vec<String> {
    let node = exercise.node();
    let eyes = node.eyes_of(who.map(sign).as_ref());
    let query = ListQuery {
        limit: 50,
        ..ListQuery::default()
    };
    let views = node.views(&eyes);
    let found = node
        .search(&eyes)
        .find(views, node.places(), question, &query)
        .unwrap();
    assert_eq!(found.total as usize, found.items.len());
    found.items.into_iter().map(|row| row.short).collect()
}

fn message(words: &str, language: &str, place: &str) -> serde_json::Value {
    json!({"precedence": "ROUTINE", "to": ["US"], "words": words, "language": language, "place_name": place})
}

#[test]
fn a_place_is_found_by_any_of_its_names_and_a_name_in_any_of_its_spellings() {
    let exercise = Exercise::of(&["RU", "US", "MISSION"]);
    exercise.bind();
    exercise
        .node()
        .places()
        .load(&places_csv::read_admin(PLACES.as_bytes()).unwrap())
        .unwrap();
    let one = exercise.say("RU", "message.send/1", &[], message("Обстрел", "ru", "حلب"));
    let other = exercise.say(
        "US",
        "message.send/1",
        &[],
        message("Is the road open?", "en", "Aleppo"),
    );
    let third = exercise.say("RU", "message.send/1", &[], message("قصف", "ar", "أعزاز"));
    exercise.node().settle_search().unwrap();
    let both = vec![format!("US-{}", other.index), format!("RU-{}", one.index)];
    for name in ["Aleppo", "Halab", "حلب", "halab", "SY02"] {
        let mut hits = found(&exercise, Some("MISSION"), name);
        hits.sort();
        let mut both = both.clone();
        both.sort();
        assert_eq!(hits, both, "{name}");
    }
    assert_eq!(
        found(&exercise, Some("US"), "اعزاز"),
        [format!("RU-{}", third.index)]
    );
    assert_eq!(
        found(&exercise, Some("US"), "обстрел"),
        [format!("RU-{}", one.index)]
    );
    assert_eq!(
        found(&exercise, Some("US"), "epp"),
        [format!("US-{}", other.index)],
        "a part of a name"
    );
}

#[test]
fn what_a_reader_may_not_read_is_not_found_and_what_was_erased_neither() {
    let exercise = Exercise::of(&["RU", "US", "MISSION"]);
    exercise.bind();
    let secret = exercise.say_to(
        "RU",
        "message.send/1",
        &[],
        &["US"],
        message("zanzibar", "en", "Kessab"),
    );
    exercise.node().settle_search().unwrap();
    assert_eq!(found(&exercise, Some("US"), "Zanzibar").len(), 1);
    assert_eq!(found(&exercise, Some("RU"), "kessab").len(), 1);
    for who in [Some("MISSION"), None] {
        assert!(found(&exercise, who, "zanzibar").is_empty());
        assert!(found(&exercise, who, "kessab").is_empty());
    }
    exercise.say_to(
        "RU",
        "erase/1",
        &[&secret],
        &["US"],
        json!({"groups": ["body"]}),
    );
    exercise.node().settle_search().unwrap();
    for who in ["RU", "US"] {
        assert!(found(&exercise, Some(who), "zanzibar").is_empty(), "{who}");
    }
}
