//! What was notified, as volumes of the engine. A volume here is never smaller than what was notified: circles and corridors are
//! circumscribed, what is not stated is widened, and what cannot be taken says so by member instead of being left out.

use record::time::UtcMs;
use space::{
    AltitudeBand, Edges, Fill, Footprint, HorizontalDatum, InputError, Limit, LonLat, NoHeights,
    RADIUS_M_MIN, VerticalDatum, Volume, Waypoint, Window,
};
use truce::sites::Exact;
use truce::values::{Int, Polygon, Position};
use truce::volumes::{Altitude, Circle, Ground, HeightDatum, Leg, Notified, PlaceDatum};
use truce::wire::Place;

/// What the engine does not take of something that was notified.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{place}: {error}")]
pub struct NotConverted {
    /// The member, such as `legs[3].radius_m`.
    pub place: String,
    /// What is wrong with it.
    pub error: InputError,
}

/// Where an error stands: a member of `place`, or `place` itself.
fn at<'p>(place: &'p Place<'_>, member: &'p str) -> impl Fn(InputError) -> NotConverted + 'p {
    move |error| NotConverted {
        place: Place::Member(place, member).to_string(),
        error,
    }
}

/// Volumes of what was notified, of which `place` names the volume, or the list of its legs. An area, a circle or a corridor is
/// one volume; each leg of a movement is one, and each wait between two legs.
///
/// # Errors
/// [`NotConverted`].
pub fn volumes(notified: &Notified<'_>, place: &Place<'_>) -> Result<Vec<Volume>, NotConverted> {
    let footprint = match notified.ground {
        Ground::Legs(legs) => return route(legs, notified.datum, place),
        Ground::Area(shell, holes) => area(shell, holes),
        Ground::Circle(circle) => Footprint::Circle {
            centre: lon_lat(&circle.centre),
            radius_m: metres(Some(circle.radius_m)),
        },
        Ground::Corridor(corridor) => Footprint::Corridor {
            line: corridor.line.iter().map(lon_lat).collect(),
            half_width_m: metres(Some(corridor.half_width_m)),
            edges: Edges::Planar,
        },
        Ground::Place(position) => Footprint::Point(lon_lat(position)),
    };
    let window = window(notified.from, notified.until, place)?;
    let band = notified.altitude.map_or(AltitudeBand::ALL, band);
    let still = |footprint: &Footprint| {
        let datum = horizontal(notified.datum);
        Volume::still(footprint, datum, band, window, &NoHeights)
    };
    let volume = still(&footprint).map_err(|error| {
        let by_size = matches!(error, InputError::SizeOutOfRange { .. });
        let member = match notified.ground {
            Ground::Area(shell, holes) => {
                let alone = |ring: &Polygon| still(&area(ring, &[])).err();
                return fault_of_area(shell, holes, alone, error, place);
            }
            Ground::Circle(_) if by_size => "circle.radius_m",
            Ground::Circle(_) => "circle.centre",
            Ground::Corridor(_) if by_size => "corridor.half_width_m",
            Ground::Corridor(_) => "corridor.line",
            Ground::Place(_) | Ground::Legs(_) => "place",
        };
        at(place, member)(error)
    })?;
    Ok(vec![volume])
}

fn area(shell: &Polygon, holes: &[Polygon]) -> Footprint {
    Footprint::Polygon(space::Polygon {
        shell: ring(shell),
        holes: holes.iter().map(ring).collect(),
        edges: Edges::Planar,
        fill: Fill::Simple,
    })
}

/// Which of its rings is at fault, the engine does not say: one that it does not take by itself either, or how the holes lie.
fn fault_of_area(
    shell: &Polygon,
    holes: &[Polygon],
    alone: impl Fn(&Polygon) -> Option<InputError>,
    error: InputError,
    place: &Place<'_>,
) -> NotConverted {
    if let Some(error) = alone(shell) {
        return at(place, "area")(error);
    }
    let mut each = holes.iter().enumerate();
    let faulty = each.find_map(|(i, hole)| Some((i, alone(hole)?)));
    let Some((i, error)) = faulty else {
        return at(place, "holes")(error);
    };
    let holes = Place::Member(place, "holes");
    NotConverted {
        place: Place::Item(&holes, i).to_string(),
        error,
    }
}

/// Volumes of a notified site, from the day from which it is notified and without end: it stands until it is withdrawn, whatever
/// window its ground names. Where only a place is known, everything within its uncertainty counts.
///
/// # Errors
/// [`NotConverted`].
pub fn of_site(
    exact: &Exact,
    valid_from: UtcMs,
    place: &Place<'_>,
) -> Result<Vec<Volume>, NotConverted> {
    let ground = exact.ground.as_ref();
    if let Some(ground) = ground.and_then(truce::volumes::Volume::notified) {
        let standing = Notified {
            from: ground.from.min(valid_from),
            until: None,
            ..ground
        };
        return volumes(&standing, &Place::Member(place, "ground"));
    }
    let around = Circle {
        centre: exact.place.clone(),
        radius_m: exact.uncertainty_m,
    };
    let standing = Notified {
        ground: Ground::Circle(&around),
        altitude: None,
        datum: exact.datum,
        from: valid_from,
        until: None,
    };
    volumes(&standing, place).map_err(|error| {
        let member = match error.error {
            InputError::SizeOutOfRange { .. } => "uncertainty_m",
            InputError::TimeOutOfRange { .. } => return error,
            _ => "place",
        };
        at(place, member)(error.error)
    })
}

/// Each leg by itself, so that each has its own radius and heights; and the waits between them, with the wider of both.
fn route(legs: &[Leg], datum: PlaceDatum, place: &Place<'_>) -> Result<Vec<Volume>, NotConverted> {
    let mut all = Vec::with_capacity(legs.len());
    for (i, leg) in legs.iter().enumerate() {
        let place = Place::Item(place, i);
        let heights = leg.altitude.as_ref();
        let waypoint =
            |time: UtcMs, position: &Position, heights: Option<&Altitude>, radius_m| Waypoint {
                at: instant(time),
                place: lon_lat(position),
                radius_m,
                altitude: Some(heights.map_or(AltitudeBand::ALL, band)),
            };
        let mut push = |from: Waypoint, to: Waypoint| -> Result<(), NotConverted> {
            window(UtcMs(from.at.0), Some(UtcMs(to.at.0)), &place)?;
            let datum = horizontal(datum);
            let both = [from, to];
            let moving = Volume::moving(&both, Edges::Planar, datum, AltitudeBand::ALL, &NoHeights);
            all.push(moving.map_err(|error| match error {
                InputError::UpperBelowLower { .. } | InputError::HeightOutOfRange { .. } => {
                    at(&place, "altitude")(error)
                }
                _ => at(&place, "to")(error),
            })?);
            Ok(())
        };
        let (from_at, to_at) = (leg.from_at.utc(), leg.to_at.utc());
        let radius_m = metres(leg.radius_m);
        push(
            waypoint(from_at, &leg.from, heights, radius_m),
            waypoint(to_at, &leg.to, heights, radius_m),
        )?;
        let next = legs.get(i + 1).filter(|next| to_at < next.from_at.utc());
        if let Some(next) = next {
            let radius_m = radius_m.max(metres(next.radius_m));
            push(
                waypoint(to_at, &leg.to, heights, radius_m),
                waypoint(
                    next.from_at.utc(),
                    &leg.to,
                    next.altitude.as_ref(),
                    radius_m,
                ),
            )?;
        }
    }
    Ok(all)
}

fn window(from: UtcMs, until: Option<UtcMs>, place: &Place<'_>) -> Result<Window, NotConverted> {
    Window::new(instant(from), until.map(instant)).map_err(|error| {
        let member = match error {
            InputError::TimeOutOfRange { ms } if ms == from.0 => "from",
            _ => "until",
        };
        at(place, member)(error)
    })
}

fn ring(polygon: &Polygon) -> Vec<LonLat> {
    polygon.iter().map(lon_lat).collect()
}

/// A radius or half-width that is not stated, or 0, is the smallest that the engine knows.
fn metres<const MAX: i64>(stated: Option<Int<0, MAX>>) -> f64 {
    let whole = stated.and_then(|metres| i32::try_from(metres.get()).ok());
    whole.map_or(RADIUS_M_MIN, |metres| f64::from(metres).max(RADIUS_M_MIN))
}

fn lon_lat(position: &Position) -> LonLat {
    let degrees = |e7: i64| {
        let e7 = i32::try_from(e7).expect("at most 180 degrees, in units of 1e-7");
        f64::from(e7) / 1e7
    };
    LonLat::new(
        degrees(position.lon_e7.get()),
        degrees(position.lat_e7.get()),
    )
}

const fn instant(time: UtcMs) -> space::UtcMs {
    space::UtcMs(time.0)
}

const fn horizontal(datum: PlaceDatum) -> HorizontalDatum {
    match datum {
        PlaceDatum::Wgs84 => HorizontalDatum::Wgs84,
        PlaceDatum::Unstated => HorizontalDatum::Unstated,
    }
}

/// A band of heights. What is left out is unbounded: from the ground also means from below it.
#[must_use]
pub fn band(altitude: &Altitude) -> AltitudeBand {
    let limit = |cm: i64| Limit::Height {
        cm,
        datum: match altitude.datum {
            HeightDatum::Amsl => VerticalDatum::Amsl,
            // Without knowledge of the ground, a height above it can be any that the same number means above any other surface.
            HeightDatum::Agl | HeightDatum::Unstated => VerticalDatum::Agl,
            HeightDatum::Ellipsoid => VerticalDatum::Ellipsoid,
        },
    };
    AltitudeBand {
        lower: altitude.floor_cm.map(|cm| limit(cm.get())),
        upper: altitude.ceiling_cm.map(|cm| limit(cm.get())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use space::Verdict;
    use truce::volumes::Asked;
    use truce::wire::Wire;

    const FROM: &str = "2016-06-22T08:00:00Z";

    fn asked(value: Value) -> Asked {
        Asked::read(&value, &Place::Top).unwrap()
    }

    fn converted(value: Value) -> Result<Vec<Volume>, NotConverted> {
        let asked = asked(value);
        let member = if asked.volume.is_some() {
            "volume"
        } else {
            "legs"
        };
        volumes(
            &asked.notified().unwrap(),
            &Place::Member(&Place::Top, member),
        )
    }

    fn volume(mut shape: Value) -> Result<Vec<Volume>, NotConverted> {
        shape["from"] = FROM.into();
        if shape.get("datum").is_none() {
            shape["datum"] = "wgs84".into();
        }
        converted(json!({"volume": shape}))
    }

    fn e7(degrees: f64) -> i64 {
        (degrees * 1e7).round() as i64
    }

    fn place(lat: f64, lon: f64) -> Value {
        json!({"lat_e7": e7(lat), "lon_e7": e7(lon)})
    }

    fn holds(volumes: &[Volume], lon: f64, lat: f64, at: &str) -> Verdict {
        let place = space::Position::from_degrees(lon, lat).unwrap();
        let at = space::UtcMs::parse(at).unwrap();
        let held = volumes.iter().map(|volume| volume.holds(place, at, None));
        held.max().unwrap()
    }

    /// A place about so many metres from another; how far it really is, the engine measures.
    fn near(lat: f64, lon: f64, metres: f64, bearing: f64) -> (f64, f64) {
        let north = metres * bearing.cos() / 111_320.0;
        let east = metres * bearing.sin() / (111_320.0 * lat.to_radians().cos());
        (lat + north, lon + east)
    }

    fn measured(a: (f64, f64), b: (f64, f64)) -> f64 {
        let place = |(lat, lon): (f64, f64)| space::Position::from_degrees(lon, lat).unwrap();
        place(a).distance_m(place(b))
    }

    proptest! {
        #[test]
        fn whatever_is_within_its_radius_is_within_the_circle(
            lat in -70.0..70.0_f64, lon in -179.0..179.0_f64, radius in 1..200_000_i64, bearing in 0.0..std::f64::consts::TAU, reach in 0.95..1.0_f64,
        ) {
            let centre = place(lat, lon);
            let centre_at = (e7(lat) as f64 / 1e7, e7(lon) as f64 / 1e7);
            let circle = volume(json!({"circle": {"centre": centre, "radius_m": radius}})).unwrap();
            let (there, beside) = near(lat, lon, radius as f64 * reach, bearing);
            prop_assume!(beside.abs() < 180.0);
            if measured(centre_at, (there, beside)) <= radius as f64 {
                prop_assert!(holds(&circle, beside, there, FROM).is_conflict());
            }
        }

        #[test]
        fn whatever_is_near_enough_to_its_line_is_within_the_corridor(
            lat in -60.0..60.0_f64, lon in -170.0..170.0_f64, dlat in -0.5..0.5_f64, dlon in -0.5..0.5_f64, half in 5..20_000_i64,
            along in 0.0..1.0_f64, bearing in 0.0..std::f64::consts::TAU, reach in 0.95..1.0_f64,
        ) {
            let ends = [(e7(lat), e7(lon)), (e7(lat + dlat), e7(lon + dlon))];
            prop_assume!(ends[0] != ends[1]);
            let line: Vec<Value> = ends.iter().map(|(lat, lon)| json!({"lat_e7": lat, "lon_e7": lon})).collect();
            let corridor = volume(json!({"corridor": {"line": line, "half_width_m": half}})).unwrap();
            let between = |a: i64, b: i64| (a as f64 + (b - a) as f64 * along) / 1e7;
            let on = (between(ends[0].0, ends[1].0), between(ends[0].1, ends[1].1));
            let (there, beside) = near(on.0, on.1, half as f64 * reach, bearing);
            // To the grid of the place itself.
            if measured(on, (there, beside)) <= half as f64 - 0.01 {
                prop_assert!(holds(&corridor, beside, there, FROM).is_conflict());
            }
        }

        #[test]
        fn a_movement_is_where_its_legs_say_at_each_time(
            lat in -60.0..60.0_f64, lon in -170.0..170.0_f64, dlat in -0.5..0.5_f64, dlon in -0.5..0.5_f64, radius in 1..5_000_i64,
            at_s in 0..7200_i64,
        ) {
            let to = place(lat + dlat, lon + dlon);
            let legs = json!([
                {"from": place(lat, lon), "from_at": FROM, "to": to, "to_at": "2016-06-22T09:00:00Z", "radius_m": radius},
                {"from": to, "from_at": "2016-06-22T09:30:00Z", "to": place(lat, lon), "to_at": "2016-06-22T10:00:00Z"}]);
            let route = converted(json!({"legs": legs, "datum": "wgs84"})).unwrap();
            prop_assert_eq!(route.len(), 3, "two legs and the wait between them");
            let share = |from: i64, until: i64| (at_s - from) as f64 / (until - from) as f64;
            let gone = match at_s {
                0..3600 => share(0, 3600),
                3600..5400 => 1.0,
                _ => 1.0 - share(5400, 7200),
            };
            let between = |a: f64, b: f64| { let (a, b) = (e7(a), e7(b)); (a as f64 + (b - a) as f64 * gone) / 1e7 };
            let at = UtcMs(UtcMs::parse(FROM).unwrap().0 + at_s * 1000).to_string();
            let verdict = holds(&route, between(lon, lon + dlon), between(lat, lat + dlat), &at);
            prop_assert!(verdict.is_conflict());
        }
    }

    #[test]
    fn an_area_has_its_corners_and_not_its_holes() {
        let corner = |lat: f64, lon: f64| place(lat, lon);
        let square = |south: f64, west: f64, size: f64| {
            json!([
                corner(south, west),
                corner(south, west + size),
                corner(south + size, west + size),
                corner(south + size, west)
            ])
        };
        let area =
            volume(json!({"area": square(36.0, 37.0, 0.4), "holes": [square(36.1, 37.1, 0.1)]}))
                .unwrap();
        assert_eq!(holds(&area, 37.0, 36.0, FROM), Verdict::Touch);
        assert_eq!(holds(&area, 37.05, 36.05, FROM), Verdict::Overlap);
        assert_eq!(holds(&area, 37.15, 36.15, FROM), Verdict::Clear);
        assert_eq!(holds(&area, 37.1, 36.15, FROM), Verdict::Touch);
        assert_eq!(
            holds(&area, 37.05, 36.05, "2016-06-22T07:59:59Z"),
            Verdict::Clear
        );
    }

    #[test]
    fn what_the_engine_does_not_take_is_named_by_its_member() {
        let refusal = |shape: Value| volume(shape).unwrap_err().place;
        let centre = place(36.0, 37.0);
        assert_eq!(
            refusal(json!({"circle": {"centre": centre, "radius_m": 900_000}})),
            "volume.circle.radius_m"
        );
        let line = [place(36.0, 37.0), place(36.0, 38.0)];
        assert_eq!(
            refusal(json!({"corridor": {"line": line, "half_width_m": 90_000}})),
            "volume.corridor.half_width_m"
        );
        let square = |south: f64, west: f64, size: f64| {
            json!([
                place(south, west),
                place(south, west + size),
                place(south + size, west + size),
                place(south + size, west)
            ])
        };
        let outside = json!({"area": square(36.0, 37.0, 0.4), "holes": [square(38.0, 37.1, 0.1)]});
        assert_eq!(refusal(outside), "volume.holes");
    }

    #[test]
    fn what_is_not_stated_is_widened_and_stays_undecided() {
        let circle = |datum: &str| {
            let centre = place(36.0, 37.0);
            volume(json!({"circle": {"centre": centre, "radius_m": 100}, "datum": datum})).unwrap()
        };
        let (lat, lon) = near(36.0, 37.0, 200.0, 1.0);
        assert_eq!(holds(&circle("wgs84"), lon, lat, FROM), Verdict::Clear);
        assert_eq!(
            holds(&circle("unstated"), lon, lat, FROM),
            Verdict::Indeterminate
        );
        let heights = |datum: &str| {
            let altitude = json!({"floor_cm": 0, "ceiling_cm": 30_000, "datum": datum});
            volume(json!({"circle": {"centre": place(36.0, 37.0), "radius_m": 100}, "altitude": altitude})).unwrap()
        };
        let high = |datum: &str| {
            let place = space::Position::from_degrees(37.0, 36.0).unwrap();
            let at = space::UtcMs::parse(FROM).unwrap();
            heights(datum)[0].holds(place, at, Some(space::Band::known(100_000, 110_000)))
        };
        assert_eq!(high("ellipsoid"), Verdict::Clear);
        assert_eq!(high("agl"), Verdict::Indeterminate);
        assert_eq!(high("unstated"), Verdict::Indeterminate);
    }

    #[test]
    fn a_site_stands_until_it_is_withdrawn_whatever_window_its_ground_names() {
        let mut exact = json!({"name": "Clinic", "function": "x", "datum": "wgs84", "uncertainty_m": 50, "method": "map",
            "place": place(36.0, 37.0)});
        let site = |exact: &Value| {
            let exact = Exact::read(exact, &Place::Top).unwrap();
            of_site(&exact, UtcMs::parse(FROM).unwrap(), &Place::Top).unwrap()
        };
        let (lat, lon) = near(36.0, 37.0, 40.0, 2.0);
        let later = "2026-01-01T00:00:00Z";
        assert_eq!(holds(&site(&exact), lon, lat, later), Verdict::Overlap);
        exact["ground"] = json!({"circle": {"centre": place(36.0, 37.0), "radius_m": 300}, "datum": "wgs84",
            "from": FROM, "until": "2016-07-01T00:00:00Z"});
        let (lat, lon) = near(36.0, 37.0, 290.0, 2.0);
        assert_eq!(holds(&site(&exact), lon, lat, later), Verdict::Overlap);
    }
}
