//! How near something that a report tells of happened to what was notified: the geometry of [`truce::notified::cases`].

use super::convert::NotConverted;
use super::{RULES, convert};
use record::time::UtcMs;
use space::Volume;
use std::cell::OnceCell;
use truce::movements;
use truce::notified::Nearness;
use truce::sites;
use truce::values::{Metres, Position};
use truce::volumes::{Circle, Ground, Notified, PlaceDatum};
use truce::wire::Place;

/// What was notified, for the comparison with what happened.
pub struct Protected {
    /// Where it is, as far as it was notified.
    there: Vec<Volume>,
    /// Where it may be, when that is more.
    perhaps: Option<Vec<Volume>>,
}

impl Protected {
    /// A site, from the day from which it is notified and without end. Where only a place is known, everything within its uncertainty
    /// may be it; it counts as there if that is not further than `near_m`.
    ///
    /// # Errors
    /// [`NotConverted`].
    pub fn site(
        exact: &sites::Exact,
        valid_from: UtcMs,
        near_m: i64,
    ) -> Result<Self, NotConverted> {
        let place = Place::Member(&Place::Top, "exact");
        let whole = convert::of_site(exact, valid_from, &place)?;
        if exact.ground.is_some() || exact.uncertainty_m.get() <= near_m {
            return Ok(Self {
                there: whole,
                perhaps: None,
            });
        }
        let point = Notified {
            ground: Ground::Place(&exact.place),
            altitude: None,
            datum: exact.datum,
            from: valid_from,
            until: None,
        };
        Ok(Self {
            there: convert::volumes(&point, &place)?,
            perhaps: Some(whole),
        })
    }

    /// A movement, on its legs and while it is there.
    ///
    /// # Errors
    /// [`NotConverted`].
    pub fn movement(exact: &movements::Exact) -> Result<Self, NotConverted> {
        let place = Place::Member(&Place::Top, "exact");
        let route = truce::volumes::of_legs(&exact.legs, exact.datum);
        let there = route.map_or_else(
            || Ok(Vec::new()),
            |route| convert::volumes(&route, &Place::Member(&place, "legs")),
        )?;
        Ok(Self {
            there,
            perhaps: None,
        })
    }

    /// South, north, west and east of everything where it may be, in 1e-7 degree and outward. A box across longitude 180 or near a
    /// pole has all longitudes.
    #[must_use]
    pub fn extent_e7(&self) -> [i64; 4] {
        let mut extent = [LAT_E7_MAX, -LAT_E7_MAX, LON_E7_MAX, -LON_E7_MAX];
        for volume in self.perhaps.as_ref().unwrap_or(&self.there) {
            let bounds = volume.bounds();
            let (low, high) = (bounds.south_west(), bounds.north_east());
            let (south, north) = (
                low.lat_e8().div_euclid(10),
                -(-high.lat_e8()).div_euclid(10),
            );
            let (mut west, mut east) = (
                low.lon_e8().div_euclid(10),
                -(-high.lon_e8()).div_euclid(10),
            );
            if low.lon_e8() > high.lon_e8() || south.min(-north) < -ALL_LONGITUDES_E7 {
                (west, east) = (-LON_E7_MAX, LON_E7_MAX);
            }
            extent = [
                extent[0].min(south),
                extent[1].max(north),
                extent[2].min(west),
                extent[3].max(east),
            ];
        }
        extent
    }
}

const LAT_E7_MAX: i64 = 900_000_000;
const LON_E7_MAX: i64 = 1_800_000_000;
/// Beyond this latitude, in 1e-7 degree, a box has all longitudes.
const ALL_LONGITUDES_E7: i64 = 800_000_000;
/// More than one metre of latitude, in 1e-7 degree, on any meridian.
const METRE_E7: i64 = 91;
/// So many 1e-7 degree are added to every box: more than what coordinates are rounded by, and than a datum that is not stated.
const MARGIN_E7: i64 = 20_000;

/// Something that happened, as a report places it, with the distances at which it is looked for.
pub struct Around {
    place: Position,
    from: UtcMs,
    until: UtcMs,
    near_m: i64,
    uncertain_m: i64,
    /// By its own place, as near as near is, and as far as it may be off beyond that; made when they are asked for.
    rings: [OnceCell<Option<Vec<Volume>>>; 3],
}

impl Around {
    /// What happened at `place`, which may be `uncertain_m` off, at some time from `from` to `until`.
    #[must_use]
    pub fn new(
        place: Position,
        uncertain_m: Option<i64>,
        (from, until): (UtcMs, UtcMs),
        near_m: i64,
    ) -> Self {
        Self {
            place,
            from,
            until,
            near_m,
            uncertain_m: uncertain_m.unwrap_or(0),
            rings: Default::default(),
        }
    }

    /// How far away is near, in metres.
    #[must_use]
    pub fn near_m(&self) -> i64 {
        self.near_m
    }

    /// South, north, west and east of everything that may be near it, as [`Protected::extent_e7`].
    #[must_use]
    pub fn extent_e7(&self) -> [i64; 4] {
        let reach = (self.near_m + self.uncertain_m) * METRE_E7 + MARGIN_E7;
        let (lat, lon) = (self.place.lat_e7.get(), self.place.lon_e7.get());
        let (south, north) = (lat - reach, lat + reach);
        // A degree of longitude is at least so much of a degree of latitude: 1 / cos 60°, 75°, 80°.
        let wider = match north.max(-south) {
            lat if lat < 600_000_000 => 2,
            lat if lat < 750_000_000 => 4,
            lat if lat < ALL_LONGITUDES_E7 => 6,
            _ => LON_E7_MAX,
        };
        let (west, east) = (
            lon.saturating_sub(reach.saturating_mul(wider)),
            lon.saturating_add(reach.saturating_mul(wider)),
        );
        if west < -LON_E7_MAX || LON_E7_MAX < east {
            return [south, north, -LON_E7_MAX, LON_E7_MAX];
        }
        [south, north, west, east]
    }

    /// Inside, when it meets what was notified at a time at which it may have happened; near, when it is not further than near is.
    /// When only an uncertainty brings it so near, or the engine does not decide it, it is indeterminate.
    #[must_use]
    pub fn nearness(&self, protected: &Protected) -> Nearness {
        let widest = protected.perhaps.as_ref().unwrap_or(&protected.there);
        // Each ring lies in the next: what is clear of the widest is clear of all.
        if self.meets(widest, 2).is_none() {
            return Nearness::Clear;
        }
        for (ring, nearness) in [(0, Nearness::Inside), (1, Nearness::Near)] {
            match self.meets(&protected.there, ring) {
                Some(Meets::Surely) => return nearness,
                Some(Meets::Perhaps) => return Nearness::Indeterminate,
                None => {}
            }
        }
        Nearness::Indeterminate
    }

    /// Whether any of `volumes` meets one of the rings.
    fn meets(&self, volumes: &[Volume], ring: usize) -> Option<Meets> {
        let Some(reported) = self.rings[ring].get_or_init(|| self.ring(ring)) else {
            return Some(Meets::Perhaps);
        };
        let pairs = volumes
            .iter()
            .flat_map(|volume| reported.iter().map(move |other| volume.judge(other, RULES)));
        match pairs.map(|judgement| judgement.verdict).max()? {
            space::Verdict::Clear => None,
            space::Verdict::Indeterminate => Some(Meets::Perhaps),
            space::Verdict::Touch | space::Verdict::Overlap => Some(Meets::Surely),
        }
    }

    /// `None` when the engine does not take anything so large.
    fn ring(&self, ring: usize) -> Option<Vec<Volume>> {
        let reach_m = [0, self.near_m, self.near_m + self.uncertain_m][ring];
        let around = Circle {
            centre: self.place.clone(),
            radius_m: Metres::new(reach_m)?,
        };
        let ground = if reach_m == 0 {
            Ground::Place(&self.place)
        } else {
            Ground::Circle(&around)
        };
        let reported = Notified {
            ground,
            altitude: None,
            datum: PlaceDatum::Wgs84,
            from: self.from,
            // The last possible instant is one at which it may have happened.
            until: Some(UtcMs(self.until.0.max(self.from.0) + 1)),
        };
        convert::volumes(&reported, &Place::Top).ok()
    }
}

/// Whether something meets, as far as is known.
enum Meets {
    Surely,
    Perhaps,
}

/// Whether two boxes have a place in common.
#[must_use]
pub fn boxes_meet(a: &[i64; 4], b: &[i64; 4]) -> bool {
    a[0] <= b[1] && b[0] <= a[1] && a[2] <= b[3] && b[2] <= a[3]
}
#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use truce::volumes::Asked;
    use truce::wire::Wire;

    const NEAR_M: i64 = 500;
    /// Of latitude, in 1e-7 degree: about 111 m.
    const HUNDRED_M_E7: i64 = 10_000;

    /// How near something at a place north of 36.2 N happened to what was notified there.
    fn near(asked: &Value, north_e7: i64, uncertainty_m: Option<i64>, at: &str) -> Nearness {
        let asked = Asked::read(asked, &Place::Top).unwrap();
        let protected = Protected {
            there: convert::volumes(&asked.notified().unwrap(), &Place::Top).unwrap(),
            perhaps: None,
        };
        let at = UtcMs::parse(at).unwrap();
        let place = Position::new(362_000_000 + north_e7, 371_600_000).unwrap();
        let happened = Around::new(place, uncertainty_m, (at, at), NEAR_M);
        let nearness = happened.nearness(&protected);
        let meet = boxes_meet(&happened.extent_e7(), &protected.extent_e7());
        assert!(
            meet || nearness == Nearness::Clear,
            "what is near is never left out before it is looked at"
        );
        nearness
    }

    #[test]
    fn a_site_whose_place_is_not_known_well_may_be_where_it_was_hit() {
        let site = |uncertainty_m: i64| {
            let exact = json!({"name": "Clinic", "function": "x", "datum": "wgs84", "uncertainty_m": uncertainty_m, "method": "map",
                "place": {"lat_e7": 362_000_000, "lon_e7": 371_600_000}});
            let exact = sites::Exact::read(&exact, &Place::Top).unwrap();
            Protected::site(&exact, UtcMs::parse(NOON).unwrap(), NEAR_M).unwrap()
        };
        let at = UtcMs::parse("2016-03-06T12:00:00Z").unwrap();
        let near = |north: i64, site: &Protected| {
            let place = Position::new(362_000_000 + north * HUNDRED_M_E7, 371_600_000).unwrap();
            Around::new(place, Some(10), (at, at), NEAR_M).nearness(site)
        };
        let (known, vague) = (site(100), site(5_000));
        assert_eq!(near(0, &known), Nearness::Inside);
        assert_eq!(near(4, &known), Nearness::Near);
        assert_eq!(near(9, &known), Nearness::Clear);
        assert_eq!(near(0, &vague), Nearness::Inside, "where it was notified");
        assert_eq!(near(4, &vague), Nearness::Near);
        assert_eq!(near(40, &vague), Nearness::Indeterminate);
        assert_eq!(near(60, &vague), Nearness::Clear);
    }

    #[test]
    fn a_box_across_the_date_line_or_near_a_pole_has_all_longitudes() {
        let around = |lat_e7, lon_e7| {
            let place = Position::new(lat_e7, lon_e7).unwrap();
            Around::new(place, None, (UtcMs(0), UtcMs(0)), NEAR_M).extent_e7()
        };
        for all in [
            around(0, 1_799_999_000),
            around(0, -1_799_999_000),
            around(899_000_000, 0),
            around(-850_000_000, 0),
        ] {
            assert_eq!((all[2], all[3]), (-1_800_000_000, 1_800_000_000));
        }
        let some = around(0, 0);
        assert!(some[3] < 1_000_000 && some[2] > -1_000_000);
    }

    fn clinic() -> Value {
        json!({"volume": {"circle": {"centre": {"lat_e7": 362_000_000, "lon_e7": 371_600_000}, "radius_m": 200}, "datum": "wgs84",
            "from": "2016-03-02T00:00:00Z", "until": "2016-04-01T00:00:00Z"}})
    }

    const NOON: &str = "2016-03-05T12:00:00Z";

    #[test]
    fn near_begins_at_the_border_and_the_doubt_of_a_place_beyond_it() {
        let at = |north: i64, uncertain| near(&clinic(), north * HUNDRED_M_E7, uncertain, NOON);
        assert_eq!(at(1, Some(10)), Nearness::Inside);
        assert_eq!(at(3, Some(10)), Nearness::Near);
        assert_eq!(at(6, None), Nearness::Near, "666 m from the middle");
        assert_eq!(at(7, None), Nearness::Clear, "777 m from the middle");
        assert_eq!(at(7, Some(10)), Nearness::Clear);
        assert_eq!(at(7, Some(100)), Nearness::Indeterminate);
        assert_eq!(at(7, Some(1_000_000)), Nearness::Indeterminate);
    }

    #[test]
    fn what_happened_when_nothing_was_notified_there_is_not_near_it() {
        let at = |time: &str| near(&clinic(), 0, Some(10), time);
        assert_eq!(at("2016-03-01T12:00:00Z"), Nearness::Clear);
        assert_eq!(
            at("2016-03-01T23:59:58Z"),
            Nearness::Indeterminate,
            "clocks may differ by so much"
        );
        assert_eq!(at("2016-03-02T00:00:00Z"), Nearness::Inside);
        assert_eq!(at("2016-04-02T00:00:00Z"), Nearness::Clear);
    }

    #[test]
    fn a_convoy_is_near_where_it_is_at_that_time() {
        let place = |lon_e7: i64| json!({"lat_e7": 362_000_000, "lon_e7": lon_e7});
        let legs = json!([{"from": place(370_600_000), "from_at": "2016-03-05T11:00:00Z", "to": place(372_600_000),
            "to_at": "2016-03-05T13:00:00Z", "radius_m": 50}]);
        let route = json!({"legs": legs, "datum": "wgs84"});
        assert_eq!(near(&route, 0, None, NOON), Nearness::Inside);
        assert_eq!(near(&route, 3 * HUNDRED_M_E7, None, NOON), Nearness::Near);
        assert_eq!(
            near(&route, 0, None, "2016-03-05T11:30:00Z"),
            Nearness::Clear
        );
    }

    #[test]
    fn without_a_frame_of_coordinates_it_is_near_and_not_decided() {
        let mut unstated = clinic();
        unstated["volume"]["datum"] = "unstated".into();
        assert_eq!(
            near(&unstated, HUNDRED_M_E7, None, NOON),
            Nearness::Indeterminate
        );
    }
}
