//! The words of scripts, in each language: Fluent messages, and how numbers, letters and times are spoken by them.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use record::time::UtcMs;
use std::sync::LazyLock;

/// A language in which scripts are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Russian,
    Arabic,
}

impl Language {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
            Self::Arabic => "ar",
        }
    }

    fn messages(self) -> &'static str {
        match self {
            Self::English => include_str!("../../locales/en.ftl"),
            Self::Russian => include_str!("../../locales/ru.ftl"),
            Self::Arabic => include_str!("../../locales/ar.ftl"),
        }
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 3]> =
            LazyLock::new(|| [Language::English, Language::Russian, Language::Arabic].map(bundle));
        &BUNDLES[self as usize]
    }
}

fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let locale = language.code().parse().expect("the codes are constant");
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // What is spoken has no direction of writing.
    bundle.set_use_isolating(false);
    let messages = FluentResource::try_new(language.messages().to_owned());
    bundle
        .add_resource(messages.expect("the messages are constant, and a test reads them"))
        .expect("no message is there twice, and a test reads them");
    bundle
}

/// What stands for a variable of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Letters and digits, one by one; a space is a pause.
    Signs(String),
    /// Another message.
    Message(String),
    /// A time, in UTC, digit by digit.
    Moment(UtcMs),
    /// As it is.
    Text(String),
}

/// A message with what stands for its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    pub message: &'static str,
    pub values: Vec<(&'static str, Value)>,
}

impl Sentence {
    pub fn new(message: &'static str) -> Self {
        Self {
            message,
            values: Vec::new(),
        }
    }

    /// With letters and digits that are spoken one by one.
    pub fn signs(self, name: &'static str, signs: impl ToString) -> Self {
        self.with(name, Value::Signs(signs.to_string()))
    }

    /// With a word of a closed list, such as the category `hospital`.
    pub fn word(self, name: &'static str, word: &str) -> Self {
        self.with(name, Value::Message(format!("{name}-{word}")))
    }

    pub fn moment(self, name: &'static str, at: UtcMs) -> Self {
        self.with(name, Value::Moment(at))
    }

    pub fn text(self, name: &'static str, text: impl ToString) -> Self {
        self.with(name, Value::Text(text.to_string()))
    }

    fn with(mut self, name: &'static str, value: Value) -> Self {
        self.values.push((name, value));
        self
    }

    /// As it is spoken.
    pub fn in_language(&self, language: Language) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in &self.values {
            args.set(*name, value.in_language(language));
        }
        message(language, self.message, Some(&args))
    }
}

impl Value {
    fn in_language(&self, language: Language) -> String {
        match self {
            Self::Signs(signs) => spoken(language, signs),
            Self::Message(id) => message(language, id, None),
            Self::Moment(at) => moment(*at).in_language(language),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A message that is not there is spoken as its name; a test says that all are.
fn message(language: Language, id: &str, args: Option<&FluentArgs<'_>>) -> String {
    let bundle = language.bundle();
    let found = bundle.get_message(id);
    let Some(pattern) = found.and_then(|message| message.value()) else {
        return id.to_owned();
    };
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, args, &mut errors);
    text.into_owned()
}

/// Letters, digits and points one by one, with a pause where a space is.
fn spoken(language: Language, signs: &str) -> String {
    let words = signs.split_whitespace().map(|word| {
        let signs = word.chars().map(|sign| match sign {
            '.' => message(language, "decimal", None),
            '-' => message(language, "minus", None),
            '0'..='9' => message(language, &format!("digit-{sign}"), None),
            letter => {
                let id = format!("letter-{}", letter.to_ascii_lowercase());
                message(language, &id, None)
            }
        });
        signs.collect::<Vec<_>>().join(" ")
    });
    let pause = message(language, "pause", None) + " ";
    words.collect::<Vec<_>>().join(&pause)
}

/// Day, month, year and time, each digit by itself; seconds where there are any.
fn moment(at: UtcMs) -> Sentence {
    let text = at.to_string();
    let digits = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let time = match digits(17, 19) {
        "00" => format!("{}{}", digits(11, 13), digits(14, 16)),
        seconds => format!("{}{} {seconds}", digits(11, 13), digits(14, 16)),
    };
    Sentence::new("moment")
        .signs("day", digits(8, 10))
        .signs("month", digits(5, 7))
        .signs("year", digits(0, 4))
        .signs("time", time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use truce::movements::{Mode, Purpose};
    use truce::protection::{CANNOT_BE_RECALLED, UNCHANGED};
    use truce::sites::Category;
    use truce::volumes::HeightDatum;

    const ALL: [Language; 3] = [Language::English, Language::Russian, Language::Arabic];

    /// Messages with the names of their variables, read from the text by hand.
    fn messages(language: Language) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        let lines = language.messages().lines();
        let lines = lines.filter_map(|line| line.split_once(" = "));
        lines
            .map(|(id, text)| {
                let variables = text.split("{ $").skip(1);
                let names = variables.map(|rest| rest.split(' ').next().unwrap());
                (id, names.collect())
            })
            .collect()
    }

    #[test]
    fn each_language_has_the_same_messages_with_the_same_variables() {
        let english = messages(Language::English);
        assert!(english.len() > 100 && english.values().any(|names| names.len() == 4));
        for language in ALL {
            assert_eq!(messages(language), english, "{language:?}");
            for id in english.keys() {
                let found = language.bundle().get_message(id);
                assert!(found.is_some_and(|found| found.value().is_some()), "{id}");
            }
        }
    }

    #[test]
    fn each_word_of_a_notice_has_a_message() {
        let words = |name: &str, words: Vec<&str>| -> Vec<String> {
            words.iter().map(|word| format!("{name}-{word}")).collect()
        };
        let all = [
            words(
                "category",
                Category::ALL.iter().map(|w| w.as_str()).collect(),
            ),
            words("purpose", Purpose::ALL.iter().map(|w| w.as_str()).collect()),
            words("mode", Mode::ALL.iter().map(|w| w.as_str()).collect()),
            words(
                "height",
                HeightDatum::ALL.iter().map(|w| w.as_str()).collect(),
            ),
        ];
        for id in all.concat() {
            assert!(
                messages(Language::English).contains_key(id.as_str()),
                "{id}"
            );
        }
    }

    #[test]
    fn the_fixed_sentences_are_those_of_the_record() {
        let say = |id: &'static str| Sentence::new(id).in_language(Language::English);
        assert_eq!(say("protection"), UNCHANGED);
        assert_eq!(say("cannot-be-recalled"), CANNOT_BE_RECALLED);
    }

    #[test]
    fn signs_are_spoken_one_by_one() {
        assert_eq!(
            spoken(Language::English, "37S CA"),
            "three seven Sierra, Charlie Alfa"
        );
        assert_eq!(spoken(Language::Russian, "0.5"), "ноль запятая пять");
        assert_eq!(
            spoken(Language::Arabic, "RU 412"),
            "روميو يونيفورم، أربعة واحد اثنان"
        );
        assert_eq!(spoken(Language::English, "-430"), "minus four three zero");
        // All letters differ in each language: no two are mixed up on a line.
        for language in ALL {
            let letters = ('A'..='Z').chain('0'..='9');
            let names: BTreeSet<String> = letters
                .map(|sign| spoken(language, &sign.to_string()))
                .collect();
            assert_eq!(names.len(), 36, "{language:?}");
        }
    }

    #[test]
    fn a_time_is_day_month_year_in_utc() {
        let at = UtcMs::parse("2016-06-22T11:05:00+03:00").unwrap();
        assert_eq!(
            moment(at).in_language(Language::English),
            "day two two, month zero six, year two zero one six, time zero eight zero five U T C"
        );
        let with_seconds = moment(UtcMs(at.0 + 7_000)).in_language(Language::English);
        assert!(with_seconds.ends_with("zero eight zero five, zero seven U T C"));
    }
}
