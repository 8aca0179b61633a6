//! How near something that a report tells of happened to what was notified: the geometry of [`truce::notified::cases`].

use super::{RULES, convert};
use record::time::UtcMs;
use space::Volume;
use truce::notified::{Happened, Nearness};
use truce::values::Metres;
use truce::volumes::{Circle, Ground, Notified};
use truce::wire::Place;

/// Inside, when the reported place meets what was notified at a time at which it may have happened; near, when it is not further
/// than `near_m`. When only the uncertainty of the place brings it so near, or the engine does not decide it, or does not take what
/// was notified, it is indeterminate.
#[must_use]
pub fn nearness(notified: &Notified<'_>, happened: &Happened<'_>, near_m: Metres) -> Nearness {
    let Ok(volumes) = convert::volumes(notified, &Place::Top) else {
        return Nearness::Indeterminate;
    };
    let uncertain_m = happened.uncertainty_m.unwrap_or(0);
    let rings = [
        (0, Nearness::Inside),
        (near_m.get(), Nearness::Near),
        (near_m.get() + uncertain_m, Nearness::Indeterminate),
    ];
    for (reach_m, nearness) in rings {
        match meets(&volumes, happened, reach_m) {
            Some(Meets::Surely) => return nearness,
            Some(Meets::Perhaps) => return Nearness::Indeterminate,
            None => {}
        }
    }
    Nearness::Clear
}

/// Whether something meets, as far as is known.
enum Meets {
    Surely,
    Perhaps,
}

/// Whether any of `volumes` meets what lies within a distance of where it happened, while it may have happened.
fn meets(volumes: &[Volume], happened: &Happened<'_>, reach_m: i64) -> Option<Meets> {
    let Some(reach) = Metres::new(reach_m) else {
        return Some(Meets::Perhaps);
    };
    let around = Circle {
        centre: happened.place.clone(),
        radius_m: reach,
    };
    let ground = if reach_m == 0 {
        Ground::Place(happened.place)
    } else {
        Ground::Circle(&around)
    };
    let reported = Notified {
        ground,
        altitude: None,
        datum: truce::volumes::PlaceDatum::Wgs84,
        from: happened.from,
        // The last possible instant is one at which it may have happened.
        until: Some(UtcMs(happened.until.0.max(happened.from.0) + 1)),
    };
    let Ok(reported) = convert::volumes(&reported, &Place::Top) else {
        return Some(Meets::Perhaps);
    };
    let pairs = volumes
        .iter()
        .flat_map(|volume| reported.iter().map(move |other| volume.judge(other, RULES)));
    let worst = pairs.map(|judgement| judgement.verdict).max()?;
    match worst {
        space::Verdict::Clear => None,
        space::Verdict::Indeterminate => Some(Meets::Perhaps),
        space::Verdict::Touch | space::Verdict::Overlap => Some(Meets::Surely),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::encoding::Hash;
    use record::name::Reference;
    use serde_json::{Value, json};
    use truce::values::Position;
    use truce::volumes::Asked;
    use truce::wire::Wire;

    const NEAR_M: i64 = 500;
    /// Of latitude, in 1e-7 degree: about 111 m.
    const HUNDRED_M_E7: i64 = 10_000;

    /// How near something at a place north of 36.2 N happened to what was notified there.
    fn near(asked: &Value, north_e7: i64, uncertainty_m: Option<i64>, at: &str) -> Nearness {
        let asked = Asked::read(asked, &Place::Top).unwrap();
        let report = Reference {
            origin: "truce.example/mission".parse().unwrap(),
            index: 1,
            leaf: Hash([0; 32]),
        };
        let at = UtcMs::parse(at).unwrap();
        let happened = Happened {
            report: &report,
            place: &Position::new(362_000_000 + north_e7, 371_600_000).unwrap(),
            uncertainty_m,
            from: at,
            until: at,
        };
        let near_m = Metres::new(NEAR_M).unwrap();
        nearness(&asked.notified().unwrap(), &happened, near_m)
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
