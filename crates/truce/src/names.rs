//! The search form of a name, so that one place is found in whatever spelling it was written: Arabic, Cyrillic or Latin.
//!
//! It folds spellings within one script and never turns one script into another: that حلب and Aleppo are one place is known to
//! a gazetteer, not to a rule. It is for finding, never for showing.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// An Arabic article stands before at least so many letters.
const ARABIC_STEM_MIN: usize = 3;
/// A word this short keeps its last `h`.
const FINAL_H_WORD_MAX: usize = 3;

/// A name as it is searched for. Compatibility forms, case, vowel signs, hamza, tatweel, diacritics, apostrophes and punctuation
/// make no difference; words are separated by one space. Applied again it changes nothing.
///
/// ```
/// use truce::names::search_form;
/// assert_eq!(search_form("Ra’s al-‘Ayn"), "ras al ayn");
/// assert_eq!(search_form("أَعْزَاز"), search_form("اعزاز"));
/// assert_eq!(search_form("Тёмное"), "темное");
/// ```
#[must_use]
pub fn search_form(name: &str) -> String {
    // Apostrophes first: the compatibility form of some is a space, which would cut a word in two.
    let normal: String = name.chars().filter(|c| !is_silent(*c)).nfkc().collect();
    let mut form = Form::default();
    for letter in normal.to_lowercase().chars() {
        match letter {
            // A letter of its own, not an и with a sign.
            'й' => form.push('й'),
            _ => decompose_canonical(letter, |base| form.fold(base)),
        }
    }
    form.text
}

/// The stem of a name, for the second column of an index: its search form without articles, doubled letters once, and without
/// the `h` that some write after a final vowel. Applied again it changes nothing.
///
/// ```
/// use truce::names::stem;
/// assert_eq!(stem("ar-Raqqah"), stem("Raqqa"));
/// assert_eq!(stem("الباب"), stem("باب"));
/// assert_eq!(stem("Дейр-эз-Зор"), "дейр зор");
/// ```
#[must_use]
pub fn stem(name: &str) -> String {
    let form = search_form(name);
    let mut words: Vec<String> = Vec::new();
    // From the last word to the first: whether a word is an article depends on the one behind it.
    for word in form.split(' ').rev() {
        let word = bare(word);
        if !words.last().is_some_and(|next| is_article(&word, next)) {
            words.push(word);
        }
    }
    words.reverse();
    words.join(" ")
}

/// A form as it grows.
#[derive(Default)]
struct Form {
    text: String,
    gap: bool,
}

impl Form {
    fn push(&mut self, letter: char) {
        if self.gap && !self.text.is_empty() {
            self.text.push(' ');
        }
        self.gap = false;
        self.text.push(letter);
    }

    fn fold(&mut self, letter: char) {
        if is_silent(letter) || is_combining_mark(letter) {
            return;
        }
        match one_of_its_spellings(letter) {
            Some(spelling) => spelling.chars().for_each(|letter| self.push(letter)),
            None if letter.is_alphanumeric() => self.push(letter),
            None => self.gap = true,
        }
    }
}

/// What is written or left out without making another name: apostrophes and the letters for hamza and ayn, tatweel, and marks
/// that only steer the direction of writing.
fn is_silent(c: char) -> bool {
    matches!(
        c,
        '\'' | '`' | '´' | '‘' | '’' | '‛' | '′' | '″' | 'ʹ'..='ʿ' | 'ˈ' | 'ˊ' | 'ˋ' | 'ʔ' | 'ʕ' | 'ء' | 'ـ'
            | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

/// Letters that stand for one another and have no decomposition that says so.
fn one_of_its_spellings(letter: char) -> Option<&'static str> {
    const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let digit = |zero: char| {
        DIGITS
            .get((letter as usize).wrapping_sub(zero as usize))
            .copied()
    };
    Some(match letter {
        'ٱ' => "ا",
        'ى' | 'ی' => "ي",
        'ة' | 'ہ' | 'ھ' | 'ە' => "ه",
        'ک' => "ك",
        'ı' => "i",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return digit('٠').or_else(|| digit('۰')),
    })
}

/// A word without what its stem does not have.
fn bare(word: &str) -> String {
    let mut word = word;
    while let Some(rest) = word.strip_prefix("ال")
        && rest.chars().count() >= ARABIC_STEM_MIN
    {
        word = rest;
    }
    let mut once = String::with_capacity(word.len());
    for letter in word.chars() {
        if !(once.ends_with(letter) && is_doubled_for_sound(letter)) {
            once.push(letter);
        }
    }
    let long = once.chars().count() > FINAL_H_WORD_MAX;
    if long && (once.ends_with("ah") || once.ends_with("eh")) {
        once.pop();
    }
    once
}

/// In Latin and Cyrillic a letter is doubled for how it sounds, which every transcription does in its own way. Arabic has a sign.
fn is_doubled_for_sound(letter: char) -> bool {
    letter.is_alphabetic() && !('\u{600}'..='\u{6ff}').contains(&letter)
}

/// Whether `word` is the Arabic article before `next`, as it is written or, before some letters, as it sounds.
fn is_article(word: &str, next: &str) -> bool {
    const WRITTEN: &[&str] = &["al", "el", "ul", "il", "ال", "аль", "эль", "ал", "эл"];
    const SOUNDED: &[&str] = &[
        "s", "sh", "r", "t", "th", "d", "dh", "n", "z", "с", "ш", "р", "т", "д", "н", "з",
    ];
    let sounded = word
        .strip_prefix(['a', 'e', 'а', 'э'])
        .is_some_and(|letters| SOUNDED.contains(&letters) && next.starts_with(letters));
    WRITTEN.contains(&word) || sounded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each line is one name in several spellings of one script.
    const ONE_FORM: &[&[&str]] = &[
        &["أعزاز", "اعزاز", "أَعْزَاز", "إعزاز", "اعـــزاز"],
        &["حماة", "حماه", "حَمَاة"],
        &["مصطفى", "مصطفي", "مصطفی"],
        &["السويداء", "السويدا"],
        &["بئر", "بير"],
        &["عين العرب", "عين  العرب", "عين-العرب", "عين\u{200f} العرب"],
        &["ﺣﻠﺐ", "حلب"],
        &["١٢٣ الحي", "123 الحي", "۱۲۳ الحي"],
        &["Алеппо", "АЛЕППО", "алеппо"],
        &["Тёплый Стан", "Теплый Стан", "Теплый стан"],
        &["Дейр-эз-Зор", "Дейр эз Зор"],
        &["Madīnat Ḩalab", "Madinat Halab", "MADINAT  HALAB"],
        &[
            "Ra’s al-‘Ayn",
            "Ras al Ayn",
            "Ra's al-ʿAyn",
            "Raʾs al-Ayn",
            "Ra´s al-Ayn",
        ],
        &["Mare'", "Mareʿ", "Mare"],
        &["Ma`arrat an Nu`man", "Maʿarrat an-Nuʿmān"],
        &["Ra’s Ajdīr", "Ras Ajdir"],
        &["Surt", "SURT", "Ｓｕｒｔ"],
        &["Şırnak", "SIRNAK", "Sirnak"],
        &["طرابلس", "طَرَابُلُس"],
        &["بنغازي", "بنغازى"],
    ];

    /// Each line is one name whose stem is one.
    const ONE_STEM: &[&[&str]] = &[
        &["Ar Raqqah", "ar-Raqqa", "Raqqa", "Raqqah", "al-Raqqa"],
        &["الرقة", "رقة"],
        &["Эр-Ракка", "Ракка", "Рака"],
        &["Al-Bab", "El Bab", "al bāb", "Bab"],
        &["الباب", "باب"],
        &["Эль-Баб", "Аль-Баб", "Баб"],
        &["Deir ez-Zor", "Deir al-Zor", "Deir Zor"],
        &["As Suwayda", "as-Suwaydāʾ", "Al Suwayda"],
        &["Az Zawiyah", "Zawiya", "az-Zāwiyah"],
        &["An Nuqat al Khams", "Nuqat al-Khams"],
        &["Ash Shati", "Shati"],
        &["الجفرة", "جفرة"],
    ];

    #[test]
    fn spellings_of_one_script_have_one_form() {
        for names in ONE_FORM {
            for name in *names {
                assert_eq!(
                    search_form(name),
                    search_form(names[0]),
                    "{name}, {}",
                    names[0]
                );
            }
        }
    }

    #[test]
    fn the_article_makes_no_other_stem() {
        for names in ONE_STEM {
            for name in *names {
                assert_eq!(stem(name), stem(names[0]), "{name}, {}", names[0]);
            }
        }
    }

    #[test]
    fn what_only_looks_like_an_article_stays() {
        assert_eq!(stem("Aleppo"), "alepo");
        assert_eq!(stem("Алеппо"), "алепо");
        assert_eq!(stem("Ariha"), "ariha");
        assert_eq!(stem("Al"), "al");
        assert_eq!(stem("Ar Ruq"), "ruq");
        assert_eq!(stem("Ar Qala"), "ar qala");
        assert_eq!(stem("ألمى"), "المي");
    }

    #[test]
    fn other_names_stay_other_names() {
        let names = [
            "حلب",
            "حماة",
            "حمص",
            "الحولة",
            "Aleppo",
            "Hama",
            "Homs",
            "Houla",
            "Алеппо",
            "Хама",
            "Хомс",
            "Хула",
            "Тартус",
            "Sirte",
            "Surt",
            "Tripoli",
            "Tartus",
        ];
        for (at, name) in names.iter().enumerate() {
            for other in &names[at + 1..] {
                assert_ne!(search_form(name), search_form(other));
                assert_ne!(stem(name), stem(other));
            }
        }
    }

    #[test]
    fn short_i_is_a_letter_and_not_a_sign() {
        assert_eq!(search_form("Й"), "й");
        assert_eq!(search_form("и\u{306}"), "й");
        assert_ne!(search_form("Дейр"), search_form("Деир"));
    }

    #[test]
    fn a_name_of_signs_alone_has_an_empty_form() {
        for name in ["", " ", "’", "-", "\u{64b}", "…"] {
            assert_eq!(search_form(name), "");
            assert_eq!(stem(name), "");
        }
    }

    fn names() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[ءأإآاىيةهلبترسشم\u{64b}-\u{652}ـ -]{0,12}",
            "[АЕЁИЙЛРСТШЭаеёийлрстшэ\u{301}\u{306} -]{0,12}",
            "[AELRSTHZaelrsthzāİıʿʾ’ß -]{0,12}",
        ]
    }

    proptest! {
        #[test]
        fn applied_again_nothing_changes(name in names()) {
            let (form, stem_of) = (search_form(&name), stem(&name));
            prop_assert_eq!(&search_form(&form), &form);
            prop_assert_eq!(&stem(&stem_of), &stem_of);
            prop_assert_eq!(stem(&form), stem_of);
        }

        #[test]
        fn a_form_has_words_and_single_spaces(name in names()) {
            let form = search_form(&name);
            prop_assert!(form.chars().all(|c| c.is_alphanumeric() || c == ' '), "{:?}", form);
            prop_assert!(form.is_empty() || form.split(' ').all(|word| !word.is_empty()));
        }

        #[test]
        fn case_and_normal_form_make_no_difference(name in "[a-zA-Zā-ſа-яА-ЯёЁا-ي -]{0,16}") {
            let form = search_form(&name);
            prop_assert_eq!(&search_form(&name.nfd().collect::<String>()), &form);
            prop_assert_eq!(&search_form(&name.nfc().collect::<String>()), &form);
            prop_assert_eq!(&search_form(&name.to_lowercase()), &form);
        }
    }
}
