//! Movements against positions that are computed one instant after another, by Karney and without a local frame.

mod common;

use common::{Dice, star};
use geographiclib_rs::{DirectGeodesic, Geodesic, InverseGeodesic};
use space::{
    AltitudeBand, Edges, Footprint, HorizontalDatum, LonLat, NoHeights, Polygon, Position, Rules,
    UtcMs, Verdict, Volume, Waypoint, Window,
};

const START: i64 = 1_473_638_400_000;

/// A straight geodesic run of a given duration.
#[derive(Clone, Copy)]
struct Run {
    from: LonLat,
    azimuth: f64,
    metres: f64,
    start: i64,
    duration: i64,
}

impl Run {
    fn random(dice: &mut Dice, reach_m: f64) -> Self {
        Self {
            from: near(dice, 4_000.0),
            azimuth: dice.unit() * 360.0 - 180.0,
            metres: dice.unit() * reach_m,
            start: START + dice.between(0, 300) * 1000,
            duration: dice.between(60, 900) * 1000,
        }
    }

    fn at(&self, t: f64) -> LonLat {
        let share = (t - self.start as f64) / self.duration as f64;
        let (lat, lon): (f64, f64) = Geodesic::wgs84().direct(
            self.from.lat,
            self.from.lon,
            self.azimuth,
            self.metres * share,
        );
        LonLat::new(lon, lat)
    }

    fn end(&self) -> i64 {
        self.start + self.duration
    }

    fn volume(&self, radius_m: f64, grows_m: f64) -> Volume {
        let waypoints = [
            Waypoint::new(UtcMs(self.start), self.from, radius_m),
            Waypoint::new(
                UtcMs(self.end()),
                self.at(self.end() as f64),
                radius_m + grows_m,
            ),
        ];
        Volume::moving(
            &waypoints,
            Edges::Geodesic,
            HorizontalDatum::Wgs84,
            AltitudeBand::ALL,
            &NoHeights,
        )
        .expect("a movement")
    }
}

fn near(dice: &mut Dice, metres: f64) -> LonLat {
    let (lat, lon): (f64, f64) = Geodesic::wgs84().direct(
        36.2,
        37.16,
        dice.unit() * 360.0 - 180.0,
        dice.unit() * metres,
    );
    LonLat::new(lon, lat)
}

/// Lowest value of a smooth function on an interval: sampled, then refined about the lowest sample.
fn lowest(low: f64, high: f64, samples: u32, f: impl Fn(f64) -> f64) -> f64 {
    let step = (high - low) / f64::from(samples);
    let best = (0..=samples)
        .map(|i| low + step * f64::from(i))
        .min_by(|a, b| f(*a).total_cmp(&f(*b)))
        .unwrap_or(low);
    let (mut a, mut b) = ((best - step).max(low), (best + step).min(high));
    for _ in 0..40 {
        let (c, d) = (a + (b - a) / 3.0, b - (b - a) / 3.0);
        if f(c) < f(d) { b = d } else { a = c }
    }
    f(a).min(f(best))
}

fn distance(a: LonLat, b: LonLat) -> f64 {
    Geodesic::wgs84().inverse(a.lat, a.lon, b.lat, b.lon)
}

#[test]
fn two_movements_overlap_exactly_when_karney_says_that_they_come_near_enough() {
    let mut dice = Dice(21);
    let mut seen = [0; 2];
    for _ in 0..1_000 {
        let (a, b) = (
            Run::random(&mut dice, 30_000.0),
            Run::random(&mut dice, 30_000.0),
        );
        let (low, high) = (a.start.max(b.start), a.end().min(b.end()));
        if low >= high {
            let verdict = a
                .volume(500.0, 0.0)
                .judge(&b.volume(500.0, 0.0), Rules::default())
                .verdict;
            assert_eq!(verdict, Verdict::Clear);
            continue;
        }
        // The second radius grows by 100 m over its run.
        let grown = |t: f64| 100.0 * (t - b.start as f64) / b.duration as f64;
        let gap = lowest(low as f64, high as f64, 60, |t| {
            distance(a.at(t), b.at(t)) - grown(t)
        });
        // Of discs beyond several kilometres the local frame is no longer right to half a metre.
        if !(2.0..12_000.0).contains(&gap) {
            continue;
        }
        for (change, expected) in [(-0.5, Verdict::Clear), (0.5, Verdict::Overlap)] {
            let radius = (gap + change) / 2.0;
            let found = a
                .volume(radius, 0.0)
                .judge(&b.volume(radius, 100.0), Rules::default())
                .verdict;
            assert_eq!(found, expected, "{gap} m apart");
            seen[usize::from(change > 0.0)] += 1;
        }
    }
    assert!(seen[0] > 300, "{seen:?}");
}

#[test]
fn a_movement_overlaps_an_area_exactly_when_it_comes_near_enough_while_it_is_active() {
    let mut dice = Dice(22);
    let mut seen = 0;
    while seen < 60 {
        let run = Run::random(&mut dice, 8_000.0);
        let centre = near(&mut dice, 6_000.0);
        let corners = dice.between(3, 7) as usize;
        let shell: Vec<LonLat> = star(&mut dice, [0, 0], 3_000_000, corners)
            .iter()
            .map(|p| {
                LonLat::new(
                    centre.lon + p[0] as f64 * 1e-8,
                    centre.lat + p[1] as f64 * 1e-8,
                )
            })
            .collect();
        let active = START + dice.between(0, 600) * 1000;
        let window = Window::new(UtcMs(active), Some(UtcMs(active + 200_000))).expect("a window");
        let Ok(area) = Volume::still(
            &Footprint::Polygon(Polygon::planar(shell)),
            HorizontalDatum::Wgs84,
            AltitudeBand::ALL,
            window,
            &NoHeights,
        ) else {
            continue;
        };
        let (low, high) = (run.start.max(active), run.end().min(active + 200_000));
        if low >= high {
            assert_eq!(
                run.volume(9_000.0, 0.0)
                    .judge(&area, Rules::default())
                    .verdict,
                Verdict::Clear
            );
            continue;
        }
        let to_area = |t: f64| {
            let p = run.at(t);
            let p = Position::from_degrees(p.lon, p.lat).expect("a place");
            area.distance_m(p, UtcMs(active), 50_000.0).expect("near")
        };
        let gap = lowest(low as f64, high as f64, 40, to_area);
        if gap < 5.0 {
            continue;
        }
        // A millisecond before the window ends the closest approach is the same to a few centimetres.
        for (change, expected) in [(-0.5, Verdict::Clear), (0.5, Verdict::Overlap)] {
            let found = run
                .volume(gap + change, 0.0)
                .judge(&area, Rules::default())
                .verdict;
            assert_eq!(found, expected, "{gap} m apart");
            assert_eq!(
                area.judge(&run.volume(gap + change, 0.0), Rules::default())
                    .verdict,
                expected
            );
        }
        seen += 1;
    }
}

#[test]
fn a_planar_and_a_geodesic_road_differ_by_the_bulge_between_them() {
    let along = |edges| {
        let waypoints = [
            Waypoint::new(UtcMs(START), LonLat::new(36.0, 36.0), 10.0),
            Waypoint::new(UtcMs(START + 3_600_000), LonLat::new(37.0, 36.0), 10.0),
        ];
        Volume::moving(
            &waypoints,
            edges,
            HorizontalDatum::Wgs84,
            AltitudeBand::ALL,
            &NoHeights,
        )
        .expect("a movement")
    };
    let middle = |metres: f64| {
        let (lat, lon): (f64, f64) = Geodesic::wgs84().direct(36.0, 36.5, 0.0, metres);
        Position::from_degrees(lon, lat).expect("a place")
    };
    let at = UtcMs(START + 1_800_000);
    let (planar, geodesic) = (along(Edges::Planar), along(Edges::Geodesic));
    assert_eq!(planar.holds(middle(0.0), at, None), Verdict::Overlap);
    assert_eq!(geodesic.holds(middle(0.0), at, None), Verdict::Clear);
    assert_eq!(geodesic.holds(middle(116.0), at, None), Verdict::Overlap);
    assert_eq!(planar.holds(middle(116.0), at, None), Verdict::Clear);
}
