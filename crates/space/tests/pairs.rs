//! Random pairs against the rational oracle: not one wrong verdict.

mod common;

use common::{Dice, Point, Shape, Truth, is_simple, star, truth};
use geo::Intersects;
use space::{
    AltitudeBand, Footprint, HorizontalDatum, InputError, LonLat, NoHeights, Polygon, Rules, UtcMs,
    Verdict, Volume, Window,
};

/// One step of the oracle's grid: 2⁻⁸ degree, which is a whole number of 1e-8 degrees and exact in binary.
const STEP: f64 = 1.0 / 256.0;

fn volume(polygon: Polygon) -> Result<Volume, InputError> {
    let window = Window::new(UtcMs(0), None)?;
    Volume::still(
        &Footprint::Polygon(polygon),
        HorizontalDatum::Wgs84,
        AltitudeBand::ALL,
        window,
        &NoHeights,
    )
}

/// A map that keeps every verdict: integers, invertible.
#[derive(Clone, Copy)]
struct Affine([i64; 6]);

impl Affine {
    fn random(dice: &mut Dice) -> Self {
        loop {
            let mut m = [0; 6];
            let large = dice.between(1, 6);
            m[..4]
                .iter_mut()
                .for_each(|v| *v = dice.between(-large, large));
            m[4..]
                .iter_mut()
                .for_each(|v| *v = dice.between(-1000, 1000));
            if m[0] * m[3] != m[1] * m[2] {
                return Self(m);
            }
        }
    }

    fn place(self, p: Point) -> LonLat {
        let m = self.0;
        LonLat::new(
            (m[0] * p[0] + m[1] * p[1] + m[4]) as f64 * STEP,
            (m[2] * p[0] + m[3] * p[1] + m[5]) as f64 * STEP,
        )
    }

    fn polygon(self, shape: &Shape) -> Polygon {
        let ring = |r: &Vec<Point>| r.iter().map(|&p| self.place(p)).collect();
        Polygon::planar(ring(&shape.rings[0]))
            .with_holes(shape.rings[1..].iter().map(ring).collect())
    }
}

/// Shapes on a coarse grid touch often, on a fine one hardly ever.
fn shape(dice: &mut Dice, span: i64) -> Shape {
    let middle = [dice.between(0, span), dice.between(0, span)];
    let reach = dice.between(1, span);
    let corners = dice.between(3, 9) as usize;
    let mut rings = vec![star(dice, middle, reach, corners)];
    if dice.between(0, 3) == 0 {
        let inner = dice.between(1, (reach / 2).max(1));
        rings.push(star(dice, middle, inner, 4));
    }
    Shape { rings }
}

fn run(pairs: u64, seed: u64) -> [u64; 4] {
    let mut dice = Dice(seed);
    let mut counts = [0; 4];
    let mut done = 0;
    while done < pairs {
        let span = [2, 3, 6, 12, 120][dice.between(0, 4) as usize];
        let (a, b) = (shape(&mut dice, span), shape(&mut dice, span));
        let map = Affine::random(&mut dice);
        let made = [&a, &b].map(|s| volume(map.polygon(s)));
        for (shape, made) in [&a, &b].iter().zip(&made) {
            let simple = shape.rings.iter().all(|r| r.len() >= 3 && is_simple(r));
            if shape.rings.len() == 1 {
                assert_eq!(simple, made.is_ok(), "{shape:?} {made:?}");
            } else if !simple {
                assert!(made.is_err(), "{shape:?} was accepted");
            }
        }
        let [Ok(x), Ok(y)] = &made else {
            counts[3] += 1;
            continue;
        };
        done += 1;
        let expected = truth(&a, &b);
        let got = x.judge(y, Rules::default());
        let as_verdict = match expected {
            Truth::Overlap => Verdict::Overlap,
            Truth::Touch => Verdict::Touch,
            Truth::Clear => Verdict::Clear,
        };
        assert_eq!(got.verdict, as_verdict, "{a:?} {b:?} {got:?}");
        assert_eq!(got.verdict, y.judge(x, Rules::default()).verdict);
        if let Some(witness) = got.witness {
            for v in [x, y] {
                assert!(near(v, witness.place), "{a:?} {b:?} {witness:?}");
            }
        }
        counts[expected as usize] += 1;
    }
    counts
}

/// Whether a place is in a volume, or next to it by the rounding of the grid.
fn near(volume: &Volume, place: space::Position) -> bool {
    volume.distance_m(place, UtcMs(1), 0.01).is_some()
}

#[test]
fn a_hundred_thousand_random_pairs_without_one_wrong_verdict() {
    let long = std::env::var_os("TRUCELINE_LONG").is_some();
    let pairs: u64 = if long { 10_000_000 } else { 100_000 };
    let halves = std::thread::scope(|scope| {
        [1, 2]
            .map(|seed| scope.spawn(move || run(pairs / 2, seed)))
            .map(|t| t.join().expect("no wrong verdict"))
    });
    let [overlap, touch, clear, refused] = [0, 1, 2, 3].map(|i| halves[0][i] + halves[1][i]);
    println!("overlap {overlap}, touch {touch}, clear {clear}; refused {refused}");
    assert!(
        overlap > pairs / 20 && touch > pairs / 25 && clear > pairs / 20,
        "the pairs must be of every kind"
    );
}

/// `geo` decides with adaptive predicates on the same integers.
#[test]
fn geo_agrees_on_twenty_thousand_pairs_in_general_position() {
    let mut dice = Dice(77);
    let mut compared = 0;
    while compared < 20_000 {
        let make = |dice: &mut Dice| {
            let middle = [
                dice.between(3_700_000_000, 3_702_000_000),
                dice.between(3_600_000_000, 3_602_000_000),
            ];
            let corners = dice.between(3, 20) as usize;
            star(dice, middle, 900_000, corners)
        };
        let rings = [make(&mut dice), make(&mut dice)];
        let made = rings.each_ref().map(|ring| {
            let degrees = |v: i64| v as f64 / 1e8;
            volume(Polygon::planar(
                ring.iter()
                    .map(|p| LonLat::new(degrees(p[0]), degrees(p[1])))
                    .collect(),
            ))
        });
        let [Ok(a), Ok(b)] = &made else { continue };
        let theirs = rings.each_ref().map(|ring| {
            let line: Vec<(f64, f64)> = ring.iter().map(|p| (p[0] as f64, p[1] as f64)).collect();
            geo::Polygon::new(line.into(), vec![])
        });
        let got = a.judge(b, Rules::default()).verdict;
        assert_eq!(
            got.is_conflict(),
            theirs[0].intersects(&theirs[1]),
            "{rings:?}"
        );
        compared += 1;
    }
}
