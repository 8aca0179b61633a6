//! The workload: notified volumes over Syria and its neighbours, half of them clustered on sixty towns. Seeds are fixed.

use space::{
    AltitudeBand, Footprint, HorizontalDatum, Limit, LonLat, NoHeights, Polygon, UtcMs,
    VerticalDatum, Volume, Window,
};

const MINUTE: i64 = 60_000;
/// 2016-09-12T00:00:00Z.
pub const START: i64 = 1_473_638_400_000;
const DAYS: i64 = 30;
const TOWNS: usize = 60;
/// Spread of volumes about a town, degrees.
const SPREAD: f64 = 0.25;
/// Shortest and longest time that a volume is active, minutes; the logarithm is uniform.
const ACTIVE_MIN: [f64; 2] = [30.0, 168.0 * 60.0];
/// Lower limits lie below the first, and bands are up to the second higher, centimetres: chosen so that 10,000 questions have about
/// 4,000 conflicts with 100,000 volumes and 40,000 with a million, as in the measurements that the goals come from (4,021 and 39,569).
const LOWER_CM_MAX: i64 = 430_000;
const THICKNESS_CM_MAX: i64 = 200_000;
const E8: f64 = 1e8;

/// One volume, or one question.
pub struct Thing {
    /// Vertices, longitude and latitude, units of 1e-8 degree, not closed.
    pub ring: Vec<[i64; 2]>,
    pub start_ms: i64,
    pub end_ms: Option<i64>,
    pub low_cm: i32,
    pub high_cm: i32,
}

/// One place at one instant.
pub struct Moment {
    pub place: [i64; 2],
    pub at_ms: i64,
}

/// What is drawn for the volumes.
pub struct Dice(bench::dice::Dice);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(bench::dice::Dice::new(seed))
    }

    fn next(&mut self) -> u64 {
        self.0.number()
    }

    fn unit(&mut self) -> f64 {
        self.0.part()
    }

    fn below(&mut self, n: i64) -> i64 {
        (self.next() % n as u64) as i64
    }

    /// A standard normal, by the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    fn place(&mut self, towns: &[[f64; 2]]) -> [f64; 2] {
        if self.next().is_multiple_of(2) {
            let town = towns[self.below(TOWNS as i64) as usize];
            [
                town[0] + self.normal() * SPREAD,
                town[1] + self.normal() * SPREAD,
            ]
        } else {
            [32.0 + self.unit() * 17.0, 29.0 + self.unit() * 11.0]
        }
    }
}

fn towns() -> Vec<[f64; 2]> {
    let mut dice = Dice::new(60);
    (0..TOWNS)
        .map(|_| [33.0 + dice.unit() * 15.0, 30.0 + dice.unit() * 9.0])
        .collect()
}

fn thing(dice: &mut Dice, towns: &[[f64; 2]]) -> Thing {
    let [lon, lat] = dice.place(towns);
    let radius_m = 200.0 * 50f64.powf(dice.unit());
    let corners = 5 + dice.below(26);
    let (dlat, dlon) = (
        radius_m / 111_000.0,
        radius_m / 111_000.0 / lat.to_radians().cos(),
    );
    let ring = (0..corners)
        .map(|i| {
            let angle = (i as f64 + 0.8 * dice.unit()) / corners as f64 * std::f64::consts::TAU;
            let reach = 0.6 + 0.4 * dice.unit();
            [
                ((lon + dlon * reach * angle.cos()) * E8).round() as i64,
                ((lat + dlat * reach * angle.sin()) * E8).round() as i64,
            ]
        })
        .collect();
    let start_ms = START + dice.below(DAYS * 24 * 60) * MINUTE;
    let end_ms = (dice.below(20) > 0).then(|| {
        let [shortest, longest] = ACTIVE_MIN;
        let minutes = shortest * (longest / shortest).powf(dice.unit());
        start_ms + minutes as i64 * MINUTE
    });
    let low_cm = dice.below(LOWER_CM_MAX) as i32;
    let high_cm = low_cm + 1_000 + dice.below(THICKNESS_CM_MAX) as i32;
    Thing {
        ring,
        start_ms,
        end_ms,
        low_cm,
        high_cm,
    }
}

/// As many volumes as asked for, and as many questions, none of which crosses itself.
pub fn things(seed: u64, count: usize) -> Vec<Thing> {
    let (towns, mut dice) = (towns(), Dice::new(seed));
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let thing = thing(&mut dice, &towns);
        if thing.volume().is_ok() {
            all.push(thing);
        }
    }
    all
}

/// Places at instants.
pub fn moments(seed: u64, count: usize) -> Vec<Moment> {
    let (towns, mut dice) = (towns(), Dice::new(seed));
    (0..count)
        .map(|_| {
            let place = dice.place(&towns).map(|v| (v * E8).round() as i64);
            Moment {
                place,
                at_ms: START + dice.below(DAYS * 24 * 60) * MINUTE,
            }
        })
        .collect()
}

impl Thing {
    /// As the crate under test takes it.
    pub fn volume(&self) -> Result<Volume, space::InputError> {
        let shell = self
            .ring
            .iter()
            .map(|p| LonLat::new(p[0] as f64 / E8, p[1] as f64 / E8))
            .collect();
        let limit = |cm: i32| Limit::Height {
            cm: i64::from(cm),
            datum: VerticalDatum::Ellipsoid,
        };
        Volume::still(
            &Footprint::Polygon(Polygon::planar(shell)),
            HorizontalDatum::Wgs84,
            AltitudeBand::between(limit(self.low_cm), limit(self.high_cm)),
            Window::new(UtcMs(self.start_ms), self.end_ms.map(UtcMs))?,
            &NoHeights,
        )
    }

    /// Corners in degrees.
    pub fn degrees(&self) -> impl Iterator<Item = [f64; 2]> + '_ {
        self.ring
            .iter()
            .map(|p| [p[0] as f64 / E8, p[1] as f64 / E8])
    }

    /// West, south, east, north in degrees.
    pub fn bounds(&self) -> [f64; 4] {
        self.degrees()
            .fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |b, p| {
                [
                    b[0].min(p[0]),
                    b[1].min(p[1]),
                    b[2].max(p[0]),
                    b[3].max(p[1]),
                ]
            })
    }

    /// As `geo` takes it.
    pub fn polygon(&self) -> geo::Polygon {
        geo::Polygon::new(
            self.degrees()
                .map(|p| (p[0], p[1]))
                .collect::<Vec<_>>()
                .into(),
            Vec::new(),
        )
    }

    /// End for comparisons: far away when open.
    pub fn end(&self) -> i64 {
        self.end_ms.unwrap_or(i64::MAX)
    }

    /// Whether the windows share an instant (half-open) and the bands a height (closed).
    pub fn shares_time_and_height(&self, other: &Self) -> bool {
        self.start_ms < other.end()
            && other.start_ms < self.end()
            && self.low_cm <= other.high_cm
            && other.low_cm <= self.high_cm
    }
}
