//! A script: what is read out of a notice, sentence by sentence, in three languages side by side, to be read aloud, read back and
//! ticked. A place is spoken as fine as it is known and no finer.

use super::lexicon::{Language, Sentence};
use super::{Notice, Of, Told};
use crate::places::{Named, Places};
use formats::place_entry::{Notation, Part, PartName, Unit, Written};
use formats::places_csv::Script as Letters;
use record::time::UtcMs;
use serde::Serialize;
use truce::movements;
use truce::values::{Label, Position};
use truce::volumes::{Altitude, Leg, PlaceDatum};
use utoipa::ToSchema;

/// The notations in which a place is read out.
pub(super) const READ_OUT: [Notation; 2] = [Notation::Mgrs, Notation::DecimalDegrees];
/// Places of a route are spoken so fine, in metres: nothing in a notice says how well they are known.
pub const ROUTE_SPOKEN_TO_M: i64 = 10;
/// However badly a place is known, it is read out as a square of ten kilometres at least, and read back as one. Metres to its corner.
const COARSEST_M: i64 = 7_072;
/// Nearer than this to a named place, in metres, something lies at it.
const AT_THE_PLACE_M: f64 = 50.0;
/// From here on distances are spoken in kilometres.
const KILOMETRES_FROM_M: f64 = 10_000.0;

/// A script of a notice.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScriptRow {
    /// `site` or `movement`.
    pub of: &'static str,
    /// The first notice: full reference.
    pub reference: String,
    /// The version that is read out, the newest: full reference. What is said to it names this one.
    pub version: String,
    /// The same, as it is spoken: call sign and index.
    #[schema(example = "RU-412")]
    pub short: String,
    /// Whose notice it is.
    pub by: String,
    /// Whether this is an exercise. The script says so too.
    pub exercise: bool,
    /// For whom this copy was made, and when. It belongs on every page of it.
    pub copy_mark: CopyMarkRow,
    /// What is read out together, and read back together.
    pub groups: Vec<GroupRow>,
}

/// For whom a copy was made, in each language.
#[derive(Debug, Serialize, ToSchema)]
pub struct CopyMarkRow {
    /// In English.
    pub en: String,
    /// In Russian.
    pub ru: String,
    /// In Arabic.
    pub ar: String,
}

/// Sentences that are read out together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScriptGroupRow)]
pub struct GroupRow {
    /// Which: `notice`, `place`, `leg-1`, `leg-1-from`, `leg-1-to`, `check-ins`, `end`.
    pub group: String,
    /// The place that is read out, as the notice has it; absent where none is.
    pub place: Option<PlaceRow>,
    /// Whether the other side reads it back.
    pub read_back: bool,
    /// The sentences.
    pub lines: Vec<LineRow>,
}

/// A place as a notice has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScriptPlaceRow)]
pub struct PlaceRow {
    /// Latitude in 1e-7 degree, north positive.
    pub lat_e7: i64,
    /// Longitude in 1e-7 degree, east positive.
    pub lon_e7: i64,
}

/// One sentence of a script.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScriptLineRow)]
pub struct LineRow {
    /// What is spoken digit by digit, as it is written.
    #[schema(example = "37S CA 3457 0770")]
    pub written: Option<String>,
    /// In English.
    pub en: SpokenRow,
    /// In Russian.
    pub ru: SpokenRow,
    /// In Arabic.
    pub ar: SpokenRow,
}

/// A sentence in one language.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpokenRow {
    /// What is spoken.
    pub text: String,
    /// The name that is spoken after it, where one is: in the language, where it is known so.
    pub name: Option<String>,
}

/// A name in each language.
struct Names([String; 3]);

const LANGUAGES: [Language; 3] = [Language::English, Language::Russian, Language::Arabic];

/// For whom a copy is made.
pub struct Reader<'r> {
    /// The participant's call sign.
    pub call_sign: &'r str,
    /// A short mark of the account.
    pub account: &'r str,
    /// When.
    pub at: UtcMs,
}

/// Makes the script of a notice. `short` is what its version is called aloud.
///
/// # Errors
/// The gazetteer's.
pub fn script(
    notice: &Notice,
    short: String,
    exercise: bool,
    places: &Places,
    reader: &Reader<'_>,
) -> Result<ScriptRow, rusqlite::Error> {
    let mut groups = vec![head(notice, &short, exercise)];
    match &notice.told {
        Told::Site(_, exact) => {
            let precision = Sentence::new("precision").signs("metres", exact.uncertainty_m.get());
            let spot = Spot {
                place: &exact.place,
                uncertainty_m: exact.uncertainty_m.get(),
                precision,
                datum: exact.datum,
            };
            groups.push(spot.group("place".into(), None, places)?);
        }
        Told::Movement(notified, exact) => {
            for (i, leg) in exact.legs.iter().enumerate() {
                groups.extend(of_leg(i + 1, leg, exact.datum, places)?);
            }
            groups.extend(check_ins(notified));
        }
    }
    groups.push(end());
    let mark = Sentence::new("copy-mark")
        .text("reader", reader.call_sign)
        .text("account", reader.account)
        .text("at", UtcMs(reader.at.0.div_euclid(1000) * 1000));
    let [en, ru, ar] = LANGUAGES.map(|language| mark.in_language(language));
    let of = match notice.told {
        Told::Site(..) => Of::Site,
        Told::Movement(..) => Of::Movement,
    };
    Ok(ScriptRow {
        of: of.word(),
        reference: notice.first.to_string(),
        version: notice.version.to_string(),
        short,
        by: notice.by.clone(),
        exercise,
        copy_mark: CopyMarkRow { en, ru, ar },
        groups,
    })
}

impl LineRow {
    fn new(sentence: &Sentence, written: Option<String>, names: Option<Names>) -> Self {
        let [en, ru, ar] = LANGUAGES.map(|language| SpokenRow {
            text: sentence.in_language(language),
            name: names
                .as_ref()
                .map(|names| names.0[language as usize].clone()),
        });
        Self {
            written,
            en,
            ru,
            ar,
        }
    }

    fn plain(sentence: &Sentence) -> Self {
        Self::new(sentence, None, None)
    }

    fn named(sentence: &Sentence, names: Names) -> Self {
        Self::new(sentence, None, Some(names))
    }
}

impl Names {
    /// Of names in any scripts: for each language the first one in its script, or else in Latin letters, or else the first of all.
    fn of(names: &[&str]) -> Option<Self> {
        let first = *names.first()?;
        let found = |script: Letters| names.iter().find(|name| Letters::of(name) == script);
        let in_script = |script: Letters| {
            let name = found(script).or_else(|| found(Letters::Latin));
            (*name.unwrap_or(&first)).to_owned()
        };
        let scripts = [Letters::Latin, Letters::Cyrillic, Letters::Arabic];
        Some(Self(scripts.map(in_script)))
    }

    /// The same in all of them.
    fn same(name: &str) -> Self {
        Self([name, name, name].map(str::to_owned))
    }

    fn of_place(places: &Places, named: &Named) -> Result<Self, rusqlite::Error> {
        let mut names = [String::new(), String::new(), String::new()];
        for language in LANGUAGES {
            let name = places.name_in(&named.id, language.code())?;
            names[language as usize] = name.unwrap_or_else(|| named.name.clone());
        }
        Ok(Self(names))
    }
}

/// What is notified, by whom, in which version, and what has to be known first.
fn head(notice: &Notice, short: &str, exercise: bool) -> GroupRow {
    let mut lines = Vec::new();
    let cautions = exercise.then_some("exercise").into_iter();
    for message in cautions.chain(notice.cautions.iter().copied()) {
        lines.push(LineRow::plain(&Sentence::new(message)));
    }
    let number = Sentence::new("number")
        .signs("number", short.replace(['-', '#'], " "))
        .signs("version", notice.number)
        .moment("moment", notice.at);
    lines.push(LineRow::new(&number, Some(short.to_owned()), None));
    match &notice.told {
        Told::Site(notified, exact) => {
            let what = Sentence::new("site").word("category", notified.category.as_str());
            lines.push(LineRow::plain(&what));
            let names: Vec<&str> = [Some(&exact.name), exact.name_latin.as_ref()]
                .into_iter()
                .flatten()
                .map(Label::as_str)
                .collect();
            let named = Sentence::new("site-name");
            lines.extend(Names::of(&names).map(|names| LineRow::named(&named, names)));
        }
        Told::Movement(notified, _) => {
            let what = Sentence::new("movement")
                .word("purpose", notified.purpose.as_str())
                .word("mode", notified.mode.as_str());
            let window = Sentence::new("window")
                .moment("from", notified.from.utc())
                .moment("until", notified.until.utc());
            let persons = Sentence::new("persons").signs("count", notified.persons.get());
            lines.extend([what, window, persons].iter().map(LineRow::plain));
        }
    }
    GroupRow {
        group: "notice".into(),
        place: None,
        read_back: false,
        lines,
    }
}

/// A place that is spoken.
struct Spot<'s> {
    place: &'s Position,
    uncertainty_m: i64,
    /// How well it is known, or how fine it is spoken.
    precision: Sentence,
    datum: PlaceDatum,
}

impl Spot<'_> {
    fn group(
        &self,
        group: String,
        first: Option<LineRow>,
        places: &Places,
    ) -> Result<GroupRow, rusqlite::Error> {
        let mut lines: Vec<LineRow> = first.into_iter().collect();
        lines.extend(self.grid());
        lines.extend(self.angles());
        lines.push(LineRow::plain(&self.precision));
        let frame = match self.datum {
            PlaceDatum::Wgs84 => "frame-wgs84",
            PlaceDatum::Unstated => "frame-unstated",
        };
        lines.push(LineRow::plain(&Sentence::new(frame)));
        lines.extend(self.nearest(places)?);
        lines.push(LineRow::plain(&Sentence::new("read-back")));
        let (lat_e7, lon_e7) = self.at();
        Ok(GroupRow {
            group,
            place: Some(PlaceRow { lat_e7, lon_e7 }),
            read_back: true,
            lines,
        })
    }

    fn at(&self) -> (i64, i64) {
        (self.place.lat_e7.get(), self.place.lon_e7.get())
    }

    /// The grid square; beyond the grid there is none.
    fn grid(&self) -> Option<LineRow> {
        let (lat_e7, lon_e7) = self.at();
        let written = spoken_as(Notation::Mgrs, lat_e7, self.uncertainty_m);
        let spelled = written.spell(lat_e7, lon_e7)?;
        let sentence = spelled
            .parts
            .iter()
            .fold(Sentence::new("grid"), |sentence, Part { name, text }| {
                sentence.signs(name.word(), text)
            });
        Some(LineRow::new(&sentence, Some(spelled.text), None))
    }

    /// Latitude and longitude in degrees.
    fn angles(&self) -> Vec<LineRow> {
        let (lat_e7, lon_e7) = self.at();
        let written = spoken_as(Notation::DecimalDegrees, lat_e7, self.uncertainty_m);
        let parts = written.spell(lat_e7, lon_e7).map(|spelled| spelled.parts);
        let parts = parts.unwrap_or_default();
        let part = |name: PartName| parts.iter().find(|part| part.name == name);
        let halves = [
            (
                "latitude",
                PartName::Lat(Unit::Degrees),
                PartName::LatHemisphere,
            ),
            (
                "longitude",
                PartName::Lon(Unit::Degrees),
                PartName::LonHemisphere,
            ),
        ];
        let line = |(message, degrees, hemisphere)| {
            let (degrees, hemisphere) = (&part(degrees)?.text, &part(hemisphere)?.text);
            let sentence = Sentence::new(message)
                .signs("degrees", degrees)
                .word("hemisphere", &hemisphere.to_lowercase());
            let written = format!("{degrees}° {hemisphere}");
            Some(LineRow::new(&sentence, Some(written), None))
        };
        halves.into_iter().filter_map(line).collect()
    }

    fn nearest(&self, places: &Places) -> Result<Option<LineRow>, rusqlite::Error> {
        let (lat_e7, lon_e7) = self.at();
        let Some((named, way)) = places.nearest(lat_e7, lon_e7)? else {
            return Ok(None);
        };
        let metres = way.metres;
        let sentence = match way.bearing_deg {
            Some(bearing) if metres >= AT_THE_PLACE_M => {
                let far = metres >= KILOMETRES_FROM_M;
                let (message, distance) = if far {
                    ("nearest-kilometres", format!("{:.1}", metres / 1000.0))
                } else {
                    (
                        "nearest-metres",
                        format!("{:.0}", (metres / 10.0).round() * 10.0),
                    )
                };
                Sentence::new(message)
                    .signs("distance", distance)
                    .signs("bearing", format!("{bearing:03}"))
            }
            _ => Sentence::new("nearest-here"),
        };
        let names = Names::of_place(places, &named)?;
        Ok(Some(LineRow::named(&sentence, names)))
    }
}

/// To how many metres a place is taken to be known, of which a notice says that it may be so far off.
pub(super) fn known_to_m(uncertainty_m: i64) -> i64 {
    uncertainty_m.clamp(1, COARSEST_M)
}

/// How such a place is spoken.
pub(super) fn spoken_as(notation: Notation, lat_e7: i64, uncertainty_m: i64) -> Written {
    notation.within(lat_e7, known_to_m(uncertainty_m))
}

/// A leg: its times, how far it may be off, its heights; the place where it begins when it is the first; the place where it ends.
fn of_leg(
    number: usize,
    leg: &Leg,
    datum: PlaceDatum,
    places: &Places,
) -> Result<Vec<GroupRow>, rusqlite::Error> {
    let halts = leg.from == leg.to;
    let times = Sentence::new(if halts { "leg-halt" } else { "leg" })
        .signs("leg", number)
        .moment("from", leg.from_at.utc())
        .moment("to", leg.to_at.utc());
    let radius = leg
        .radius_m
        .map(|radius| Sentence::new("leg-radius").signs("metres", radius.get()));
    let heights = leg.altitude.as_ref().map(heights);
    let told = [Some(times), radius, heights];
    let lines = told.iter().flatten().map(LineRow::plain).collect();
    let mut groups = vec![GroupRow {
        group: format!("leg-{number}"),
        place: None,
        read_back: true,
        lines,
    }];
    let spot = |place| Spot {
        place,
        uncertainty_m: ROUTE_SPOKEN_TO_M,
        precision: Sentence::new("spoken-to").signs("metres", ROUTE_SPOKEN_TO_M),
        datum,
    };
    if number == 1 {
        let begins = LineRow::plain(&Sentence::new("leg-begins").signs("leg", number));
        groups.push(spot(&leg.from).group(format!("leg-{number}-from"), Some(begins), places)?);
    }
    if !halts {
        let ends = LineRow::plain(&Sentence::new("leg-ends").signs("leg", number));
        let mut group = spot(&leg.to).group(format!("leg-{number}-to"), Some(ends), places)?;
        if let Some(name) = &leg.to_name {
            let named = LineRow::named(&Sentence::new("leg-end-name"), Names::same(name.as_str()));
            group.lines.insert(1, named);
        }
        groups.push(group);
    }
    Ok(groups)
}

/// Heights in whole metres, the band never smaller than it was notified.
fn heights(band: &Altitude) -> Sentence {
    let floor = band.floor_cm.map(|cm| cm.get().div_euclid(100));
    let ceiling = band.ceiling_cm.map(|cm| -(-cm.get()).div_euclid(100));
    let datum = |sentence: Sentence| sentence.word("height", band.datum.as_str());
    match (floor, ceiling) {
        (Some(floor), Some(ceiling)) => datum(
            Sentence::new("heights-between")
                .signs("floor", floor)
                .signs("ceiling", ceiling),
        ),
        (Some(floor), None) => datum(Sentence::new("heights-above").signs("floor", floor)),
        (None, Some(ceiling)) => datum(Sentence::new("heights-below").signs("ceiling", ceiling)),
        (None, None) => Sentence::new("heights-all"),
    }
}

fn check_ins(notified: &movements::Notice) -> Option<GroupRow> {
    let lines: Vec<LineRow> = notified
        .check_ins
        .iter()
        .map(|point| {
            let sentence = Sentence::new("check-in").moment("moment", point.due_at.utc());
            LineRow::named(&sentence, Names::same(point.id.as_str()))
        })
        .collect();
    (!lines.is_empty()).then(|| GroupRow {
        group: "check-ins".into(),
        place: None,
        read_back: true,
        lines,
    })
}

/// The sentences that stand with every notice.
fn end() -> GroupRow {
    let sentences = ["protection", "cannot-be-recalled"].map(Sentence::new);
    GroupRow {
        group: "end".into(),
        place: None,
        read_back: false,
        lines: sentences.iter().map(LineRow::plain).collect(),
    }
}
