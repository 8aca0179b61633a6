use super::*;
use proptest::prelude::*;

fn entry(text: &str) -> Entry {
    match read(text) {
        Ok(Read::Place(entry)) => entry,
        other => panic!("{text}: {other:?}"),
    }
}

fn place(text: &str) -> (i64, i64) {
    let entry = entry(text);
    (entry.lat_e7, entry.lon_e7)
}

fn refused(text: &str) -> (usize, String) {
    let unread = read(text).expect_err(text);
    (unread.at, unread.mistake.to_string())
}

/// Places with their squares by GEOTRANS 3 (through the Python package `mgrs` 1.5), as it cuts them.
const GEOTRANS: [(i64, i64, &str); 12] = [
    (362_000_000, 371_600_000, "37SCA3457607700"),
    (359_333_333, 366_333_333, "37SBV8649979142"),
    (335_138_000, 362_765_000, "37SBT4702911570"),
    (-338_568_000, 1_512_153_000, "56HLH3490052288"),
    (603_929_000, 53_242_000, "32VKN9747900819"),
    (782_232_000, 156_267_000, "33XWG1427883355"),
    (-1_000, 1_000, "31MAV6603299988"),
    (641_466_000, -219_426_000, "27WVM5413813689"),
    (391_000_000, 359_999_000, "36SYJ5942532159"),
    (320_000_000, 360_000_000, "37SBR1657644369"),
    (479_000_000, -1_799_900_000, "01TBP7653809513"),
    (362_000_000, 480_000_000, "39STA3026310304"),
];

#[test]
fn squares_are_those_of_geotrans() {
    for (lat_e7, lon_e7, square) in GEOTRANS {
        let metres = Written::Grid { digits: 5 };
        let spelled = metres.spell(lat_e7, lon_e7).unwrap();
        let text: String = spelled.text.split(' ').collect();
        assert_eq!(text, square);
        let read = entry(square);
        // A square of one metre: its middle is at most 71 cm from the place, 64 units of latitude.
        assert!((read.lat_e7 - lat_e7).abs() <= 64, "{square} {read:?}");
        assert!((read.lon_e7 - lon_e7).abs() <= 400, "{square} {read:?}");
    }
}

/// From the manual of GeographicLib's `GeoConvert`: 38SMB4488 is 33.33424 N 44.40363 E.
#[test]
fn a_square_is_meant_by_its_middle() {
    let read = entry("38SMB4488");
    let near = |found: i64, said: i64| (found - said).abs() <= 50;
    assert!(near(read.lat_e7, 333_342_400) && near(read.lon_e7, 444_036_300));
    assert_eq!(read.written, Written::Grid { digits: 2 });
    assert_eq!(read.uncertainty_m(), 708);
    for (square, uncertainty_m) in [
        ("38SMB", 70_711),
        ("38SMB 4 8", 7_072),
        ("38S MB 444 888", 71),
        ("38s mb 4444 8888", 8),
        ("38SMB4444488888", 1),
    ] {
        assert_eq!(entry(square).uncertainty_m(), uncertainty_m, "{square}");
    }
    assert_eq!(entry("38SMB 4488"), read);
    assert_eq!(entry("٣٨ S MB ٤٤ ٨٨"), read, "digits of another script");
}

#[test]
fn one_place_has_many_spellings() {
    let aleppo = (362_000_000, 371_600_000);
    for text in [
        "36.2, 37.16",
        "36.2 37.16",
        "36.2;37.16",
        "36.2/37.16",
        "36,2 37,16",
        "36,2; 37,16",
        "36,2, 37,16",
        "+36.2 +37.16",
        "36.2N 37.16E",
        "N36.2 E37.16",
        "n 36.2, e 37.16",
        "37.16E 36.2N",
        "36.2° 37.16°",
        "36°12′N 37°09.6′E",
        "36°12'00\"N, 37°09'36\"E",
        "36° 12’ 0” N 37° 9’ 36” E",
        "36 12 00 37 09 36",
        "36 12 37 9.6",
        "36°12′37°9,6′",
        "36º12'N 37º9'36''E",
        "36.2 north 37.16 east",
        "٣٦٫٢ ٣٧٫١٦",
        "۳۶.۲، ۳۷.۱۶",
        "٣٦٫٢ شمالاً ٣٧٫١٦ شرقاً",
        "36,2 с.ш. 37,16 в.д.",
        "36,2° с. ш., 37,16° в. д.",
        "С36.2 В37.16",
        "\u{200f}36.2\u{200e}, 37.16",
        "36.200000000000000000000000000001 37.16",
    ] {
        assert_eq!(place(text), aleppo, "{text}");
    }
    assert_eq!(place("36.2S 37.16W"), (-362_000_000, -371_600_000));
    assert_eq!(place("-36.2, −37.16"), (-362_000_000, -371_600_000));
    assert_eq!(place("36,2 ю.ш. 37,16 з.д."), (-362_000_000, -371_600_000));
    assert_eq!(place("0.00000005 0.00000004"), (1, 0));
    assert_eq!(place("90 180"), (900_000_000, 1_800_000_000));
    assert_eq!(place("36,37"), (360_000_000, 370_000_000));
}

#[test]
fn minutes_are_never_decimals() {
    assert_eq!(
        place("36°12.5′N 37°09.6′E"),
        (362_083_333, 371_600_000),
        "12.5 minutes, not 0.125 degrees"
    );
    assert_eq!(place("36.125 37.096"), (361_250_000, 370_960_000));
}

#[test]
fn digits_that_are_not_written_are_not_known() {
    let of = |text: &str| (entry(text).written.notation(), entry(text).uncertainty_m());
    use Notation as N;
    assert_eq!(of("36N 37E"), (N::DecimalDegrees, 72_019));
    assert_eq!(of("36.2N 37.2E"), (N::DecimalDegrees, 7_179));
    assert_eq!(of("36.20000N 37.16000E"), (N::DecimalDegrees, 1));
    assert_eq!(of("36°12′N 37°10′E"), (N::DegreesMinutes, 1_197));
    assert_eq!(of("36°12′30″N 37°10′00″E"), (N::DegreesMinutesSeconds, 20));
    assert_eq!(of("36°12′30.0″N 37°10′E").0, N::DegreesMinutesSeconds);
    assert!(
        of("36°12′30.0″N 37°10′E").1 > 700,
        "as coarse as the coarser"
    );
}

#[test]
fn without_letters_the_first_is_taken_for_the_latitude() {
    assert!(entry("12.5, 37").order_assumed);
    assert!(!entry("12.5N 37E").order_assumed);
    assert!(!entry("38SMB4488").order_assumed);
    let (at, says) = refused("117.5, 36");
    assert_eq!(at, 1);
    assert!(says.contains("exchanged"), "{says}");
    assert!(!refused("200, 36").1.contains("exchanged"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, at, says) in [
        ("", 1, "there is nothing"),
        ("  ", 1, "there is nothing"),
        ("91N 37E", 1, "latitude 91 is beyond 90"),
        ("36N 181E", 5, "longitude 181 is beyond 180"),
        ("90°00′01″N 37E", 1, "beyond 90"),
        ("36º12''N 37E", 6, "12 is marked as seconds"),
        ("36°60′N 37°10′E", 4, "minutes 60 are not below 60"),
        ("36°12′60″N 37°10′E", 7, "seconds 60 are not below 60"),
        (
            "36°12.5′30″N 37°10′E",
            4,
            "12.5 has a fraction, and seconds",
        ),
        ("36.2°12′N 37°10′E", 1, "36.2 has a fraction, and minutes"),
        ("12.5′N 37°10′E", 5, "12.5 is marked as minutes"),
        ("36.2N 37.16", 7, "has no letter"),
        ("36.2 37.16E", 1, "has no letter"),
        ("36.2N 37.16N", 7, "both are latitudes"),
        ("36.2E 37.16W", 7, "both are longitudes"),
        ("-36.2N 37.16E", 1, "a minus and a hemisphere"),
        ("36.2С 37.16E", 7, "two scripts"),
        ("36.2C 37.16E", 5, "“C” has no meaning"),
        ("36.2N 37.16O", 12, "“O” has no meaning"),
        ("N36.2N 37.16E", 6, "hemisphere is given twice"),
        ("36.2", 1, "one number is no place"),
        ("36 12 30", 1, "3 numbers cannot be parted"),
        ("36, 12, 37, 10", 7, "parted once"),
        ("36,2,37,16", 1, "commas may be points"),
        ("36.2.1 37", 5, "a point stands between digits"),
        (".5 37", 1, "a point stands between digits"),
        ("36.2 % 37", 6, "“%” has no meaning"),
        ("1234 37", 1, "1234 are no degrees"),
        ("36°12′-5″N 37E", 7, "minus sign stands here"),
        ("361230N 0370936E", 1, "361230 are no degrees"),
        ("36 12 30 5 N 37 E", 10, "a number too many"),
        ("N E 37", 1, "a number is missing"),
        ("61SBV1234", 1, "zone 61 is none"),
        ("0SBV1234", 1, "zone 0 is none"),
        ("37IBV1234", 3, "I is no band"),
        ("37AAV1234", 3, "polar grids are not taken"),
        ("37SIV1234", 4, "IV is no square of zone 37S"),
        ("37SXV1234", 4, "XV is no square of zone 37S"),
        ("37SBV123", 6, "3 digits stand behind"),
        ("37SBV 123 4567", 7, "easting 123 and northing 4567"),
        ("37SBV 12 3456", 7, "easting 12 and northing 3456"),
        ("37SBV123456123456", 6, "12 digits stand behind"),
        ("37SBV 12x4", 9, "“x” has no meaning"),
    ] {
        let (found, mistake) = refused(text);
        assert_eq!(found, at, "{text}: {mistake}");
        assert!(mistake.contains(says), "{text}: {mistake}");
    }
    let long = "1".repeat(TEXT_MAX + 1);
    assert_eq!(refused(&long).0, TEXT_MAX + 1);
    assert!(refused(&"3".repeat(TEXT_MAX)).1.contains("one number"));
}

#[test]
fn what_begins_with_a_word_is_a_name() {
    for name in [
        "Aleppo",
        "حلب",
        "Алеппо",
        "SY0200",
        "N",
        "East Ghouta",
        "Nubl 3",
        "Checkpoint 12",
        "مدرسة ٥",
        "Ra’s al-‘Ayn",
        "Сараkиб",
        "Wadi",
    ] {
        assert_eq!(read(name), Ok(Read::Name(name.into())));
    }
    assert!(matches!(read("N 36.2 E 37.16"), Ok(Read::Place(_))));
}

#[test]
fn the_other_sense_of_the_digits_is_nine_kilometres_off() {
    let read = entry("36.125 37.096");
    let other = read.minutes_and_decimals_confused().unwrap();
    assert_eq!(other.spelled().unwrap().text, "36°12.5′N 37°09.6′E");
    let back = entry("36°12.5′N 37°09.6′E").minutes_and_decimals_confused();
    assert_eq!(back.unwrap().spelled().unwrap().text, "36.125°N 37.096°E");
    assert_eq!(entry("36.75 37.1").minutes_and_decimals_confused(), None);
    assert_eq!(entry("36.5 37.5").minutes_and_decimals_confused(), None);
    assert_eq!(entry("38SMB4488").minutes_and_decimals_confused(), None);
    let south = entry("36°12.5′S 37°09.6′W");
    let south = south.minutes_and_decimals_confused().unwrap();
    assert_eq!((south.lat_e7, south.lon_e7), (-361_250_000, -370_960_000));
}

#[test]
fn exchanged_coordinates_are_a_place_when_they_can_be() {
    let exchanged = entry("36.2 37.16").exchanged().unwrap();
    assert_eq!(exchanged.spelled().unwrap().text, "37.16°N 36.2°E");
    assert_eq!(entry("36.2 117.16").exchanged(), None);
    assert_eq!(entry("38SMB4488").exchanged(), None);
}

#[test]
fn differences_are_told_sign_by_sign() {
    let spelled = |text: &str| entry(text).spelled().unwrap();
    let differ = |one: &str, other: &str| {
        let found = spelled(one).differences(&spelled(other));
        found.map(|found| {
            let told = found.iter();
            told.map(|d| (d.part.word(), d.sign, d.one, d.other))
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(
        differ("37SCA 3475 0770", "37SCA 3457 0770").unwrap(),
        [("easting", 3, '7', '5'), ("easting", 4, '5', '7')]
    );
    assert_eq!(
        differ("36.2100N 37.1600E", "36.2000N 37.1600E").unwrap(),
        [("latitude_degrees", 4, '1', '0')]
    );
    assert_eq!(
        differ("36°12′N 9°10′E", "36°12′S 19°10′E").unwrap(),
        [
            ("latitude_hemisphere", 1, 'N', 'S'),
            ("longitude_degrees", 2, '0', '1')
        ]
    );
    assert_eq!(differ("36.2N 37.16E", "36.20N 37.16E"), None);
    assert_eq!(differ("36.2N 37.16E", "38SMB4488"), None);
}

#[test]
fn a_place_is_written_as_coarse_as_stays_within_what_is_not_known() {
    let text = |notation: Notation, uncertainty_m| {
        let written = notation.within(362_000_000, uncertainty_m);
        written.spell(362_000_000, 371_600_000).unwrap().text
    };
    assert_eq!(text(Notation::Mgrs, 10), "37S CA 3457 0770");
    assert_eq!(text(Notation::Mgrs, 0), "37S CA 34576 07700");
    assert_eq!(text(Notation::Mgrs, 1_000), "37S CA 34 07");
    assert_eq!(text(Notation::DecimalDegrees, 10), "36.2000°N 37.1600°E");
    assert_eq!(text(Notation::DegreesMinutes, 20), "36°12.00′N 37°09.60′E");
    assert_eq!(
        text(Notation::DegreesMinutesSeconds, 20),
        "36°12′00″N 37°09′36″E"
    );
}

#[test]
fn beyond_the_grid_there_are_angles_alone() {
    let metres = Written::Grid { digits: 5 };
    assert_eq!(metres.spell(840_000_000, 0), None);
    assert_eq!(metres.spell(-800_000_001, 0), None);
    assert!(metres.spell(-800_000_000, 0).is_some());
    assert!(metres.spell(839_999_999, 1_800_000_000).is_some());
}

fn any_written() -> impl Strategy<Value = Written> {
    let unit = prop::sample::select(vec![Unit::Degrees, Unit::Minutes, Unit::Seconds]);
    let grain =
        |unit: Unit| (0..=unit.decimals_max()).prop_map(move |decimals| Grain { unit, decimals });
    let angles = unit.prop_flat_map(move |unit| (grain(unit), grain(unit)));
    prop_oneof![
        (0..=GRID_DIGITS_MAX).prop_map(|digits| Written::Grid { digits }),
        angles.prop_map(|(lat, lon)| Written::Angles { lat, lon }),
    ]
}

/// Metres between two places, for small distances and well enough for a bound.
fn apart_m(one: (i64, i64), other: (i64, i64)) -> f64 {
    let turn = 3_600_000_000_i64;
    let east = (one.1 - other.1 + turn / 2).rem_euclid(turn) - turn / 2;
    let narrow = (one.0.abs().max(other.0.abs()) as f64 / 1e7)
        .to_radians()
        .cos();
    let north_m = (one.0 - other.0) as f64 * 0.011_17;
    north_m.hypot(east as f64 * 0.011_132 * narrow)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_reads_as_the_same_place_as_fine(
        lat_e7 in -900_000_000_i64..=900_000_000, lon_e7 in -1_800_000_000_i64..=1_800_000_000, written in any_written(),
    ) {
        let Some(spelled) = written.spell(lat_e7, lon_e7) else {
            prop_assert!(!(-800_000_000..840_000_000).contains(&lat_e7));
            return Ok(());
        };
        let read = entry(&spelled.text);
        prop_assert_eq!(read.written, written, "{}", spelled.text);
        prop_assert!(!read.order_assumed);
        let apart = apart_m((lat_e7, lon_e7), (read.lat_e7, read.lon_e7));
        prop_assert!(apart <= read.uncertainty_m() as f64 * 1.01, "{} {apart} {read:?}", spelled.text);
        // Written again it is the same, unless the middle of a square that a border of the grid cuts lies behind that.
        let again = read.spelled();
        let is_cut = matches!(written, Written::Grid { .. }) && again.as_ref().is_none_or(|again| again.parts[0] != spelled.parts[0]);
        prop_assert!(is_cut || again.as_ref() == Some(&spelled), "{again:?} {spelled:?}");
    }

    #[test]
    fn no_text_brings_the_reader_down(text in "[0-9NSEWnsCB°′″'\".,;+ СЮВЗ٣٫،-]{0,24}") {
        if let Ok(Read::Place(entry)) = read(&text) {
            prop_assert!(entry.lat_e7.abs() <= 900_000_000 && entry.lon_e7.abs() <= 1_800_000_000);
            prop_assert!(entry.uncertainty_m() > 0);
        }
    }

    #[test]
    fn the_other_sense_has_the_same_digits(lat in 0_i64..90, lon in 0_i64..180, minutes in 0_u32..6000, decimals in 0_u32..1000) {
        let text = format!("{lat}.{minutes:04}N {lon}.{decimals:03}E");
        let read = entry(&text);
        if let Some(other) = read.minutes_and_decimals_confused() {
            let digits = |entry: &Entry| {
                let text = entry.spelled().unwrap().text;
                text.chars().filter(char::is_ascii_digit).collect::<String>()
            };
            prop_assert_eq!(digits(&other), digits(&read));
            prop_assert_eq!(other.minutes_and_decimals_confused(), Some(read));
        }
    }
}
