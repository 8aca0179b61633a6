//! Tables that are kept: small ones by hand, right and wrong.

use crate::seeds::{Inputs, owned, texts};
use formats::{claims_csv, ged_csv, reports_csv, tally_csv, toll_csv};

pub(crate) fn search_forms() -> Inputs {
    texts([
        ("arabic-with-signs", "أَعْـزَاز، الرَّقّة"),
        ("cyrillic-with-article", "Дейр-эз-Зор; Эр-Ракка"),
        ("latin-with-ayn", "Ra’s al-‘Ayn (Ḩalab)"),
        ("presentation-forms", "ﺣﻠﺐ ﷲ"),
        ("dotted-capital-i", "İSTANBUL Şırnak"),
        ("hangul-and-marks-alone", "한글 \u{64b}\u{301}"),
        ("articles-alone", "al el ال эль"),
    ])
}

pub(crate) fn place_entries() -> Inputs {
    texts([
        ("square-of-ten-metres", "37S CA 3457 0770"),
        ("square-of-a-hundred-kilometres", "38SMB"),
        ("square-with-an-odd-digit", "37SCA 3457 077"),
        ("decimals-without-letters", "36.2, 37.16"),
        ("decimal-commas", "36,2; 37,16"),
        ("minutes-and-letters", "36°12.5′N 37°09.6′E"),
        ("seconds-south-and-west", "36°12'30\"S 37°09'36\"W"),
        ("arabic-digits", "٣٦٫٢ شمالاً ٣٧٫١٦ شرقاً"),
        ("cyrillic-hemispheres", "36,2° с. ш., 37,16° в. д."),
        ("sixty-minutes", "36°60′N 37°10′E"),
        ("name-with-a-number", "Checkpoint 12"),
        ("border-of-zone-and-band", "31UGT 99999 99999"),
    ])
}

/// A table of these rows.
fn table(header: &str, rows: &[&str]) -> String {
    format!("{header}\n{}\n", rows.join("\n"))
}

const EVENT: &str = concat!(
    "214808,1,Government of Syria,Syrian insurgents,1,",
    "\"\"\"SOHR,2016-01-01,Clashes, a headline\"\"\",",
    "1,Aleppo town,Aleppo Governorate,Jabal Saman district,36.201241,37.161173,Syria,",
    "1,2016-01-01,2016-01-01,2,0,0,0,2,2,2",
);

pub(crate) fn ged() -> Inputs {
    let header = ged_csv::COLUMNS.join(",");
    let events = |rows: &[&str]| table(&header, rows);
    let line_break = EVENT.replace("a headline", "a\nheadline");
    let far = EVENT
        .replace("36.201241", "117.161173")
        .replace("214808", "2");
    let bad = EVENT.replace(",2,0,0,0,2,2,2", ",NaN,-1,0,0,2,,1e3");
    let arabic = EVENT
        .replace("Aleppo town", "مدينة حلب")
        .replace("SOHR", "المرصد");
    let no_source = EVENT.replace("\"\"\"SOHR,2016-01-01,Clashes, a headline\"\"\"", "");
    let never_closed = EVENT.replace("\"\"\",1,Al", "\"\",1,Al");
    let marked = format!("\u{feff}{}", events(&[EVENT]));
    owned([
        ("one-event", events(&[EVENT])),
        ("byte-order-mark-and-crlf", marked.replace('\n', "\r\n")),
        ("line-break-in-quotation-marks", events(&[&line_break])),
        ("coordinates-exchanged", events(&[EVENT, &far])),
        ("not-a-number", events(&[&bad])),
        ("one-id-twice", events(&[EVENT, EVENT])),
        ("arabic", events(&[&arabic])),
        (
            "quotation-mark-never-closed",
            events(&[&never_closed, EVENT]),
        ),
        (
            "blank-rows-and-a-short-one",
            events(&["", EVENT, "", "1,2,3"]),
        ),
        ("no-source", events(&[&no_source])),
        (
            "column-missing",
            events(&[EVENT]).replace("where_prec", "where"),
        ),
        (
            "further-column",
            format!("note,{header}\n\"x \"\"y\"\"\",{EVENT}\n"),
        ),
    ])
}

pub(crate) fn reports() -> Inputs {
    const REPORT: &str = concat!(
        "216609,2016-02-27,2016-03-01,2,36.585896,-37.04565,2,Azaz town,Aleppo Governorate,",
        "Mintaqat Azaz district,SY0204,by_name,2,Mare' Operations Room,\"SDF, YPG\",1,2,1,0,3,",
        "SOHR|Reuters News",
    );
    const BARE: &str = "1,2016-02-27,2016-02-27,1,0,0,6,Syria,,,,,3,IS,Civilians,0,0,0,0,,";
    let header = reports_csv::COLUMNS.join(",");
    let reports = |row: &str| table(&header, &[row]);
    let days = ("2016-02-27,2016-03-01", "2016-03-01,2016-02-27");
    owned([
        ("one-report", reports(REPORT)),
        ("without-what-may-be-left-out", reports(BARE)),
        (
            "code-without-basis",
            reports(&REPORT.replace("by_name", "")),
        ),
        ("days-exchanged", reports(&REPORT.replace(days.0, days.1))),
        (
            "one-source-twice",
            reports(&REPORT.replace("Reuters News", "SOHR")),
        ),
        ("crlf", reports(REPORT).replace('\n', "\r\n")),
    ])
}

pub(crate) fn tallies() -> Inputs {
    const DAILY: &str = concat!(
        "date,date_basis,reported_by,violations,split_sum,confirmed_by_other_side,",
        "settlements_joined_total,groups_committed_total,note,source_url",
    );
    const PROVINCES: &str = "date,reported_by,province_as_written,pcodes,violations";
    let own = tally_csv::COLUMNS.join(",");
    let noted = "2016-02-28,stated,RU,9,,,35,17,\"a note, with a comma\",http://example.org/a?id=1";
    let plain = "2016-02-28,stated,RU,8,,,,,,";
    let (damascus, aleppo) = (
        "2016-03-04,RU,Damascus,SY01|SY03,4",
        "2016-03-04,RU,حلب,SY02,8",
    );
    let line = "2016-02-29,,RU,Hama,SY05,1,,,,";
    owned([
        ("by-day", table(DAILY, &[noted])),
        ("by-day-twice", table(DAILY, &[noted, plain])),
        ("by-province", table(PROVINCES, &[damascus, aleppo])),
        (
            "by-province-wrong-code",
            table(PROVINCES, &[&damascus.replace("SY03", "|")]),
        ),
        (
            "own",
            table(
                &own,
                &[
                    "2016-02-29,stated,RU,,,7,37,,,",
                    line,
                    &line.replace(",1,", ",2,"),
                ],
            ),
        ),
        (
            "own-that-says-nothing",
            table(&own, &["2016-02-29,inferred,RU,,,,,,,"]),
        ),
        ("own-lines-alone", table(&own, &[line])),
    ])
}

pub(crate) fn places() -> Inputs {
    const ADMIN: &str = concat!(
        "level,pcode,parent_pcode,name_en,name_ar,aliases_en,aliases_ar,lat,lon,area_km2,",
        "population_2004,population_2016",
    );
    const ALEPPO: &str = concat!(
        "1,SY02,SY,Aleppo,حلب,Aleppo Governorate,محافظة حلب,36.25,37.61667,1,",
        "4045166,3734000",
    );
    const TOWN: &str = concat!(
        "170063,Aleppo,حلب|مدينة حلب,Halab|Алеппо|Χαλέπι|ʿeleፖ,",
        "36.20124,37.16117,0,09",
    );
    let towns = "geonameid,name,name_ar,other_names,lat,lon,population,admin1";
    let named = |rows: &[&str]| table("name,lat,lon", rows);
    let own = formats::places_csv::COLUMNS.join(",");
    let settlement = concat!(
        "geonames:1,settlement,,SY020000,by_distance,Aleppo,حلب,Halab|Алеппо,",
        "36.20124,37.16117,2098210,",
    );
    let bare = "SY,governorate,SY02,,,,,x,0,-0.0000001,,";
    let old_town = "\"Aleppo, old town\",36.2,37.1";
    owned([
        (
            "areas",
            table(
                ADMIN,
                &[
                    ALEPPO,
                    "3,SY020000,SY0200,Jebel Saman,,,,36.19354,37.16174,,,",
                ],
            ),
        ),
        (
            "area-without-a-name",
            table(ADMIN, &["1,SY02,SY,,,,|,36.25,37.61667,,,"]),
        ),
        ("towns", table(towns, &[TOWN])),
        ("named", named(&[old_town, old_town])),
        (
            "named-at-length",
            named(&[&format!("{},36.2,37.1", "Aleppo ".repeat(17))]),
        ),
        ("latitude-beyond-the-pole", named(&["x,90.0000001,-180"])),
        ("own", table(&own, &[settlement, bare])),
        (
            "own-with-a-bar-in-a-name",
            table(&own, &["a,named,,,,One|Two|One,,One,0,0,,"]),
        ),
    ])
}

pub(crate) fn claims() -> Inputs {
    const ALLEGATION: &str = concat!(
        "a,allegation,Press secretary,Ministry,US,2016-06-18,day,,paraphrase,en,",
        "\"They struck, twice\",Report,https://example.org/,,",
    );
    const DENIAL: &str = concat!(
        "b,denial,Spokesperson,,RU,2016-06-19,day,موسكو,original,ar,",
        "\"لا\nأبدا\",تقرير,,denies,a",
    );
    let header = claims_csv::COLUMNS.join(",");
    let claims = |rows: &[&str]| table(&header, rows);
    let to = |id: &str| DENIAL.replace("denies,a", &format!("denies,{id}"));
    owned([
        ("allegation-and-denial", claims(&[ALLEGATION, DENIAL])),
        (
            "denial-before-what-it-denies",
            claims(&[DENIAL, ALLEGATION]),
        ),
        ("denies-itself", claims(&[&to("b")])),
        ("denies-nobody", claims(&[DENIAL])),
        ("relation-without-a-claim", claims(&[&to("")])),
        (
            "language-in-capitals",
            claims(&[&ALLEGATION.replace(",en,", ",EN,")]),
        ),
    ])
}

pub(crate) fn tolls() -> Inputs {
    const TOLL: &str = concat!(
        "t,killed,everybody,1,400000,500000,23000000,Syria,SY|SY02,2011-03-15,2016-04-22,",
        "Envoy,no,\"His own, unofficial\",Report,",
    );
    let header = toll_csv::COLUMNS.join(",");
    let toll = |from: &str, to: &str| table(&header, &[&TOLL.replace(from, to)]);
    let days = "2011-03-15,2016-04-22";
    owned([
        ("estimate", toll("", "")),
        ("best-alone", toll(",1,400000,500000,", ",,400000,,")),
        ("out-of-order", toll("500000", "3")),
        ("no-number", toll(",1,400000,500000,", ",,,,")),
        ("one-day", toll(days, "2016-04-22,2016-04-22")),
        ("ends-before-it-begins", toll(days, "2016-04-22,2011-03-15")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::places_csv;

    /// A seed that is meant to be right and is refused would test nothing.
    #[test]
    fn what_is_meant_to_be_right_is_read() {
        let named = |inputs: Inputs, name: &str| {
            let found = inputs.into_iter().find(|(known, _)| *known == name);
            found.unwrap_or_else(|| panic!("{name}")).1
        };
        for name in [
            "one-event",
            "byte-order-mark-and-crlf",
            "line-break-in-quotation-marks",
            "arabic",
            "no-source",
            "further-column",
        ] {
            assert_eq!(
                ged_csv::read(&named(ged(), name)).unwrap().len(),
                1,
                "{name}"
            );
        }
        for name in ["one-report", "without-what-may-be-left-out", "crlf"] {
            assert_eq!(
                reports_csv::read(&named(reports(), name)).unwrap().len(),
                1,
                "{name}"
            );
        }
        assert_eq!(
            tally_csv::read_daily(&named(tallies(), "by-day"))
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            tally_csv::read_by_province(&named(tallies(), "by-province"))
                .unwrap()
                .len(),
            2
        );
        assert_eq!(
            tally_csv::read(&named(tallies(), "own")).unwrap()[0]
                .lines
                .len(),
            2
        );
        assert_eq!(
            tally_csv::read(&named(tallies(), "own-lines-alone")).unwrap()[0].total,
            None
        );
        assert_eq!(
            places_csv::read_admin(&named(places(), "areas"))
                .unwrap()
                .len(),
            2
        );
        assert_eq!(
            places_csv::read_geonames(&named(places(), "towns")).unwrap()[0]
                .names
                .len(),
            7
        );
        assert_eq!(
            places_csv::read_ged(&named(places(), "named"))
                .unwrap()
                .len(),
            1
        );
        assert_eq!(places_csv::read(&named(places(), "own")).unwrap().len(), 2);
        assert_eq!(
            claims_csv::read(&named(claims(), "allegation-and-denial"))
                .unwrap()
                .len(),
            2
        );
        assert_eq!(
            claims_csv::read(&named(claims(), "denial-before-what-it-denies"))
                .unwrap()
                .len(),
            2
        );
        for name in ["estimate", "best-alone", "one-day"] {
            assert_eq!(
                toll_csv::read(&named(tolls(), name)).unwrap().len(),
                1,
                "{name}"
            );
        }
    }
}
