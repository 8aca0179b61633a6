//! A file of GeoJSON (RFC 7946) whose features are volumes, compared with each other. Times, heights and widths are properties;
//! what is not known is refused, not ignored: a misspelt ceiling would be one that its author believes to hold.

use super::RULES;
use crate::http::strict::parse_json;
use record::time::UtcMs;
use serde_json::{Map, Value};
use space::{
    AltitudeBand, Ask, Edges, Fill, Footprint, HorizontalDatum, InputError, Judgement, Limit,
    LonLat, NoHeights, RADIUS_M_MIN, Rules, Stamp, VerticalDatum, Volume, VolumeId, Waypoint,
    Window, Writer,
};
use std::fmt;

/// Most bytes of a file.
pub const FILE_BYTES_MAX: usize = 64 << 20;
/// Most features of a file.
pub const FEATURES_MAX: usize = 10_000;
/// Characters of a name that are kept.
const NAME_CHARACTERS_MAX: usize = 120;

/// Properties that are known.
const KNOWN: [&str; 11] = [
    "name",
    "note",
    "from",
    "until",
    "times",
    "radius_m",
    "half_width_m",
    "floor_m",
    "ceiling_m",
    "height_datum",
    "datum",
];

/// What is wrong in a file, by feature and member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Flaw {
    /// The number of the feature, from 1; `None`: the file itself.
    pub feature: Option<usize>,
    /// The member, such as `properties.until`.
    pub member: String,
    /// What it must be.
    pub rule: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.feature {
            Some(number) => write!(f, "feature {number}: {} {}", self.member, self.rule),
            None => write!(f, "{} {}", self.member, self.rule),
        }
    }
}

/// A flaw before it is known in which feature it is: member and rule.
type Fault = (String, String);

fn fault<T>(member: impl Into<String>, rule: impl Into<String>) -> Result<T, Fault> {
    Err((member.into(), rule.into()))
}

/// One feature.
#[derive(Debug, Clone)]
pub struct Feature {
    /// Its number in the file, from 1.
    pub number: usize,
    /// Its name, if it has one.
    pub name: Option<String>,
    volume: Volume,
    form: Form,
}

/// What a feature is at one instant is made of this.
#[derive(Debug, Clone)]
enum Form {
    Still(Footprint),
    Moving(Vec<Waypoint>),
}

/// Two features that meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meeting {
    /// The number of the first feature.
    pub first: usize,
    /// The number of the second.
    pub second: usize,
    /// How, where and when.
    pub judgement: Judgement,
}

/// The features of a file.
#[derive(Debug, Clone)]
pub struct Features {
    all: Vec<(Feature, Frame)>,
}

/// What all volumes of one feature have in common.
#[derive(Debug, Clone, Copy)]
struct Frame {
    datum: HorizontalDatum,
    altitude: AltitudeBand,
}

impl Features {
    /// Reads a file.
    ///
    /// # Errors
    /// Every flaw of every feature, or what is wrong with the file as a whole.
    pub fn read(bytes: &[u8]) -> Result<Self, Vec<Flaw>> {
        let whole = |member: &str, rule: String| {
            vec![Flaw {
                feature: None,
                member: member.into(),
                rule,
            }]
        };
        if bytes.len() > FILE_BYTES_MAX {
            return Err(whole(
                "the file",
                format!("has at most {FILE_BYTES_MAX} bytes"),
            ));
        }
        let file: Value = parse_json(bytes).map_err(|problem| {
            let place = problem.detail().trim_start_matches("the body ").to_owned();
            whole("the file", place)
        })?;
        let collection = file["type"] == "FeatureCollection";
        let features = file["features"].as_array().filter(|_| collection);
        let Some(features) = features else {
            return Err(whole(
                "the file",
                "is a FeatureCollection with a list of features".into(),
            ));
        };
        if features.len() > FEATURES_MAX {
            return Err(whole(
                "features",
                format!("has at most {FEATURES_MAX} items"),
            ));
        }
        let (mut all, mut flaws) = (Vec::new(), Vec::new());
        for (i, feature) in features.iter().enumerate() {
            match read(i + 1, feature) {
                Ok(read) => all.push(read),
                Err((member, rule)) => flaws.push(Flaw {
                    feature: Some(i + 1),
                    member,
                    rule,
                }),
            }
        }
        if flaws.is_empty() {
            Ok(Self { all })
        } else {
            Err(flaws)
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The feature with this number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&Feature> {
        let (feature, _) = self.all.get(number.checked_sub(1)?)?;
        Some(feature)
    }

    /// Which features meet, by their numbers; with a time, as they are at that instant.
    ///
    /// # Errors
    /// A time that the engine does not know, or a feature that cannot be taken at that time.
    pub fn meetings(&self, at: Option<UtcMs>) -> Result<Vec<Meeting>, Flaw> {
        let volumes = match at {
            None => {
                let all = self.all.iter();
                all.map(|(feature, _)| (feature.number, feature.volume.clone()))
                    .collect()
            }
            Some(at) => self.standing(at)?,
        };
        // At one instant nothing misses anything by a few seconds.
        let rules = if at.is_some() {
            Rules::default()
        } else {
            RULES
        };
        Ok(meetings(&volumes, rules))
    }

    /// The features that are there at an instant, as they are then.
    fn standing(&self, at: UtcMs) -> Result<Vec<(usize, Volume)>, Flaw> {
        let flaw = |feature, member: &str, error: InputError| Flaw {
            feature,
            member: member.into(),
            rule: format!("cannot be taken: {error}"),
        };
        let instant = space::UtcMs(at.0);
        let window = Window::at(instant).map_err(|error| flaw(None, "the time", error))?;
        let there = self.all.iter().filter(|(feature, _)| {
            let active = feature.volume.window();
            active.gap_ms(&window).is_none()
        });
        let volumes = there.map(|(feature, frame)| {
            let footprint = match &feature.form {
                Form::Still(footprint) => footprint.clone(),
                Form::Moving(waypoints) => place_of(waypoints, instant),
            };
            Volume::still(&footprint, frame.datum, frame.altitude, window, &NoHeights)
                .map(|volume| (feature.number, volume))
                .map_err(|error| flaw(Some(feature.number), "geometry", error))
        });
        volumes.collect()
    }
}

/// Where a movement is at an instant of its window, with its radius.
fn place_of(waypoints: &[Waypoint], at: space::UtcMs) -> Footprint {
    let leg = waypoints
        .windows(2)
        .find(|leg| leg[0].at <= at && at < leg[1].at);
    let (from, to) = leg.map_or_else(|| (&waypoints[0], &waypoints[0]), |leg| (&leg[0], &leg[1]));
    let whole = (to.at.0 - from.at.0).max(1) as f64;
    let share = (at.0 - from.at.0) as f64 / whole;
    // The short way round, as the engine goes.
    let mut east = to.place.lon - from.place.lon;
    if east.abs() > 180.0 {
        east -= 360.0 * east.signum();
    }
    let mut lon = from.place.lon + east * share;
    if lon.abs() > 180.0 {
        lon -= 360.0 * lon.signum();
    }
    let lat = from.place.lat + (to.place.lat - from.place.lat) * share;
    Footprint::Circle {
        centre: LonLat::new(lon, lat),
        radius_m: from.radius_m.max(to.radius_m),
    }
}

fn meetings(volumes: &[(usize, Volume)], rules: Rules) -> Vec<Meeting> {
    let (mut writer, space) = Writer::new();
    let stamp = Stamp {
        position: 1,
        heard: space::UtcMs(0),
    };
    let named = volumes
        .iter()
        .map(|(number, volume)| (stamp, VolumeId(*number as u64), volume.clone()));
    writer
        .load(named)
        .expect("each number stands there once, at one position");
    let snapshot = space.snapshot();
    let mut all = Vec::new();
    for (first, volume) in volumes {
        let later = Ask::by(|other: VolumeId| other.0 > *first as u64).rules(rules);
        for conflict in snapshot.conflicts(volume, &later).hits {
            all.push(Meeting {
                first: *first,
                second: usize::try_from(conflict.id.0)
                    .expect("it was made of a number of a feature"),
                judgement: conflict.judgement,
            });
        }
    }
    all
}

fn read(number: usize, feature: &Value) -> Result<(Feature, Frame), Fault> {
    if feature["type"] != "Feature" {
        return fault("type", "is Feature");
    }
    let mut properties = match &feature["properties"] {
        Value::Null => Map::new(),
        Value::Object(properties) => properties.clone(),
        _ => return fault("properties", "is an object"),
    };
    if let Some(unknown) = properties.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        let short: String = unknown.chars().take(48).collect();
        let known = KNOWN.join(", ");
        return fault(
            format!("properties.{}", short.escape_debug()),
            format!("is unknown; here may stand {known}"),
        );
    }
    // Programs that keep features in a table write null for what one of them does not have.
    properties.retain(|_, value| !value.is_null());
    let properties = Properties(&properties);
    let frame = Frame {
        datum: properties.datum()?,
        altitude: properties.altitude()?,
    };
    let form = form(&feature["geometry"], &properties)?;
    let taken = |error: InputError| {
        (
            member_of(&error).to_owned(),
            format!("cannot be taken: {error}"),
        )
    };
    let volume = match &form {
        Form::Still(footprint) => {
            let window = properties.window()?;
            Volume::still(footprint, frame.datum, frame.altitude, window, &NoHeights)
        }
        Form::Moving(waypoints) => {
            let (datum, altitude) = (frame.datum, frame.altitude);
            Volume::moving(waypoints, Edges::Planar, datum, altitude, &NoHeights)
        }
    };
    let feature = Feature {
        number,
        name: properties.text("name")?.map(|name| {
            let line = name.chars().filter(|c| !c.is_control());
            line.take(NAME_CHARACTERS_MAX).collect()
        }),
        volume: volume.map_err(taken)?,
        form,
    };
    properties.text("note")?;
    Ok((feature, frame))
}

/// The member that an error of the engine is about.
fn member_of(error: &InputError) -> &'static str {
    match error {
        InputError::UpperBelowLower { .. } => "properties.ceiling_m",
        InputError::SizeOutOfRange { what, .. } if *what == "half-width" => {
            "properties.half_width_m"
        }
        InputError::SizeOutOfRange { .. } => "properties.radius_m",
        InputError::TwoPlacesAtOnce { .. } | InputError::TimeGoesBack { .. } => "properties.times",
        InputError::TimeOutOfRange { .. } => "properties.times",
        _ => "geometry.coordinates",
    }
}

/// The shape of a feature, from its geometry and the properties that go with this type and no other.
fn form(geometry: &Value, properties: &Properties<'_>) -> Result<Form, Fault> {
    const PLACE: &str = "geometry.coordinates";
    let coordinates = &geometry["coordinates"];
    let only = |allowed: &[&str]| {
        let of_shape = ["times", "radius_m", "half_width_m"];
        let mut odd = of_shape.iter().filter(|name| !allowed.contains(name));
        let odd = odd.find(|name| properties.0.contains_key(**name));
        odd.map_or(Ok(()), |name| {
            let of = geometry["type"].as_str().unwrap_or_default();
            fault(
                format!("properties.{name}"),
                format!("does not go with a {of} like this"),
            )
        })
    };
    match geometry["type"].as_str() {
        Some("Point") => {
            only(&["radius_m"])?;
            let centre = position(coordinates, PLACE)?;
            Ok(Form::Still(match properties.number("radius_m")? {
                Some(radius_m) => Footprint::Circle { centre, radius_m },
                None => Footprint::Point(centre),
            }))
        }
        Some("LineString") if properties.0.contains_key("times") => {
            only(&["times", "radius_m"])?;
            let radius_m = properties.number("radius_m")?.unwrap_or(RADIUS_M_MIN);
            moving(&line(coordinates, PLACE)?, radius_m, properties)
        }
        Some("LineString") => {
            only(&["half_width_m"])?;
            let Some(half_width_m) = properties.number("half_width_m")? else {
                return fault(
                    "properties.half_width_m",
                    "is missing: a LineString is a corridor with it, or a movement with times",
                );
            };
            Ok(Form::Still(Footprint::Corridor {
                line: line(coordinates, PLACE)?,
                half_width_m,
                edges: Edges::Planar,
            }))
        }
        Some("Polygon") => {
            only(&[])?;
            Ok(Form::Still(Footprint::Polygon(polygon(
                coordinates,
                PLACE,
            )?)))
        }
        Some("MultiPolygon") => {
            only(&[])?;
            let all = list(coordinates, PLACE)?.iter().enumerate();
            let all = all.map(|(i, one)| polygon(one, &format!("{PLACE}[{i}]")));
            Ok(Form::Still(Footprint::MultiPolygon(
                all.collect::<Result<_, _>>()?,
            )))
        }
        _ => fault(
            "geometry.type",
            "is Point, LineString, Polygon or MultiPolygon",
        ),
    }
}

/// A line with a time for each of its places.
fn moving(line: &[LonLat], radius_m: f64, properties: &Properties<'_>) -> Result<Form, Fault> {
    for window in ["from", "until"] {
        if properties.0.contains_key(window) {
            return fault(
                format!("properties.{window}"),
                "does not go with times, which say it",
            );
        }
    }
    let times = list(&properties.0["times"], "properties.times")?;
    if times.len() != line.len() {
        let rule = format!("has a time for each of the {} places", line.len());
        return fault("properties.times", rule);
    }
    let waypoints = line
        .iter()
        .zip(times)
        .enumerate()
        .map(|(i, (place, time))| {
            let at = instant(time, &format!("properties.times[{i}]"))?;
            Ok(Waypoint::new(at, *place, radius_m))
        });
    Ok(Form::Moving(waypoints.collect::<Result<_, Fault>>()?))
}

fn list<'v>(value: &'v Value, place: &str) -> Result<&'v [Value], Fault> {
    match value.as_array() {
        Some(items) => Ok(items),
        None => fault(place, "is a list"),
    }
}

fn position(value: &Value, place: &str) -> Result<LonLat, Fault> {
    let numbers: Option<Vec<f64>> = list(value, place)?.iter().map(Value::as_f64).collect();
    match numbers.as_deref() {
        Some([lon, lat]) => Ok(LonLat::new(*lon, *lat)),
        Some([_, _, _]) => fault(
            place,
            "has two numbers, longitude and latitude; heights are floor_m and ceiling_m",
        ),
        _ => fault(place, "is longitude and latitude, two numbers"),
    }
}

fn line(value: &Value, place: &str) -> Result<Vec<LonLat>, Fault> {
    let places = list(value, place)?.iter().enumerate();
    let places = places.map(|(i, one)| position(one, &format!("{place}[{i}]")));
    let places = places.collect::<Result<Vec<_>, _>>()?;
    if places.len() < 2 {
        return fault(place, "has at least two places");
    }
    Ok(places)
}

fn polygon(value: &Value, place: &str) -> Result<space::Polygon, Fault> {
    let rings = list(value, place)?.iter().enumerate();
    let rings = rings.map(|(i, one)| line(one, &format!("{place}[{i}]")));
    let mut rings = rings.collect::<Result<Vec<_>, _>>()?.into_iter();
    let Some(shell) = rings.next() else {
        return fault(place, "has an outer ring");
    };
    Ok(space::Polygon {
        shell,
        holes: rings.collect(),
        edges: Edges::Planar,
        fill: Fill::Simple,
    })
}

fn instant(value: &Value, place: &str) -> Result<space::UtcMs, Fault> {
    let Some(text) = value.as_str() else {
        return fault(
            place,
            "is a time with its offset, such as 2016-06-21T12:00:00+03:00",
        );
    };
    match UtcMs::parse(text) {
        Ok(at) => Ok(space::UtcMs(at.0)),
        Err(rule) => fault(place, rule),
    }
}

/// The properties of a feature.
struct Properties<'v>(&'v Map<String, Value>);

impl Properties<'_> {
    fn text(&self, name: &str) -> Result<Option<&str>, Fault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => fault(format!("properties.{name}"), "is a text"),
        }
    }

    fn number(&self, name: &str) -> Result<Option<f64>, Fault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) => Ok(Some(number)),
                None => fault(format!("properties.{name}"), "is a number of metres"),
            },
        }
    }

    fn datum(&self) -> Result<HorizontalDatum, Fault> {
        match self.text("datum")? {
            // As RFC 7946 has it.
            None | Some("wgs84") => Ok(HorizontalDatum::Wgs84),
            Some("unstated") => Ok(HorizontalDatum::Unstated),
            Some(_) => fault("properties.datum", "is wgs84 or unstated"),
        }
    }

    fn altitude(&self) -> Result<AltitudeBand, Fault> {
        let datum = match self.text("height_datum")? {
            None => None,
            Some("amsl") => Some(VerticalDatum::Amsl),
            Some("ellipsoid") => Some(VerticalDatum::Ellipsoid),
            // Without knowledge of the ground, a height above it can be any that the same number means elsewhere.
            Some("agl" | "unstated") => Some(VerticalDatum::Agl),
            Some(_) => {
                return fault(
                    "properties.height_datum",
                    "is amsl, agl, ellipsoid or unstated",
                );
            }
        };
        let limit = |name: &str| {
            let Some(metres) = self.number(name)? else {
                return Ok(None);
            };
            if datum.is_none() {
                let rule = "is missing: heights are amsl, agl, ellipsoid or unstated";
                return fault("properties.height_datum", rule);
            }
            match Limit::metres(metres, datum) {
                Ok(limit) => Ok(Some(limit)),
                Err(error) => fault(
                    format!("properties.{name}"),
                    format!("cannot be taken: {error}"),
                ),
            }
        };
        Ok(AltitudeBand {
            lower: limit("floor_m")?,
            upper: limit("ceiling_m")?,
        })
    }

    fn window(&self) -> Result<Window, Fault> {
        let time = |name: &str| {
            let member = format!("properties.{name}");
            let value = self.0.get(name);
            value.map(|value| instant(value, &member)).transpose()
        };
        let Some(from) = time("from")? else {
            return fault(
                "properties.from",
                "is missing: since when it is there, with its offset",
            );
        };
        match Window::new(from, time("until")?) {
            Ok(window) => Ok(window),
            Err(InputError::TimeOutOfRange { ms }) if ms == from.0 => {
                fault("properties.from", "is out of range: years 1710 to 2229")
            }
            Err(InputError::TimeOutOfRange { .. }) => {
                fault("properties.until", "is out of range: years 1710 to 2229")
            }
            Err(_) => fault("properties.until", "is after from"),
        }
    }
}
