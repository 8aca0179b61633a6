//! Others' engines as judges: what GEOS says of every pair of many shapes, and what `rstar` and `geo` find together. The third judge, rational arithmetic, is in `pairs`.

mod common;

use std::process::Command;

use common::{Dice, star};
use geo::Intersects;
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};
use space::{
    AltitudeBand, Ask, Footprint, HorizontalDatum, Limit, LonLat, NoHeights, Polygon, Rules, Stamp,
    UtcMs, Verdict, VerticalDatum, Volume, VolumeId, Window, Writer,
};

/// What GEOS said, with the shapes.
const GEOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/geos.txt");
/// One step of its grid: exact in binary and a whole number of 1e-8 degrees.
const STEP: f64 = 1.0 / 256.0;

/// The polygons of a WKT polygon or multipolygon of whole numbers.
fn polygons(wkt: &str) -> Vec<Polygon> {
    let inner = wkt.trim_start_matches(char::is_alphabetic);
    let inner = if wkt.starts_with("MULTI") {
        &inner[1..inner.len() - 1]
    } else {
        inner
    };
    let place = |pair: &str| {
        let (x, y) = pair.split_once(' ').expect("two numbers");
        let degrees = |v: &str| v.parse::<f64>().expect("a number") * STEP;
        LonLat::new(degrees(x), degrees(y))
    };
    let ring = |text: &str| {
        let text = text.trim_matches(['(', ')']);
        text.split(',').map(place).collect::<Vec<_>>()
    };
    inner
        .split(")),((")
        .map(|polygon| {
            let mut rings = polygon.split("),(").map(ring);
            let shell = rings.next().expect("a shell");
            Polygon::planar(shell).with_holes(rings.collect())
        })
        .collect()
}

fn ground(wkt: &str) -> Volume {
    Volume::still(
        &Footprint::MultiPolygon(polygons(wkt)),
        HorizontalDatum::Wgs84,
        AltitudeBand::ALL,
        Window::new(UtcMs(0), None).expect("a window"),
        &NoHeights,
    )
    .unwrap_or_else(|error| panic!("{wkt}: {error}"))
}

/// The shapes, and a row of letters for each.
fn vectors() -> (Vec<String>, Vec<String>) {
    let text = std::fs::read_to_string(GEOS).expect("the vectors");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(str::to_owned)
        .partition(|line| line.contains("POLYGON"))
}

#[test]
fn geos_says_the_same_of_25600_pairs_with_holes_and_several_parts() {
    let (shapes, rows) = vectors();
    assert_eq!((shapes.len(), rows.len()), (160, 160));
    let volumes: Vec<Volume> = shapes.iter().map(|wkt| ground(wkt)).collect();
    let mut touching = 0;
    for (i, row) in rows.iter().enumerate() {
        for (j, letter) in row.chars().enumerate() {
            let got = volumes[i].judge(&volumes[j], Rules::default()).verdict;
            let said = match letter {
                'O' => Verdict::Overlap,
                'T' => Verdict::Touch,
                _ => Verdict::Clear,
            };
            assert_eq!(got, said, "{} and {}", shapes[i], shapes[j]);
            touching += usize::from(said == Verdict::Touch);
        }
    }
    assert!(touching > 500, "{touching} that only touch are too few");
}

/// The file is GEOS's word and nobody else's: where its command is installed (Debian: geos-bin), it is asked again.
#[test]
fn the_vectors_are_what_geos_says_where_it_is_installed() {
    let (shapes, rows) = vectors();
    let collection = shapes.join("\n") + "\n";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shapes.wkt");
    std::fs::write(&file, collection).expect("a file");
    let mut geosop = Command::new("geosop");
    geosop.arg("-a").arg(&file).arg("-b").arg(&file);
    let Ok(said) = geosop.args(["-f", "txt", "relate"]).output() else {
        eprintln!("without the command geosop: nothing shown");
        return;
    };
    let said = String::from_utf8(said.stdout).expect("text");
    let letters: String = said
        .lines()
        .map(|matrix| {
            let meets = |at: usize| matrix.as_bytes()[at] != b'F';
            match (meets(0), meets(1) || meets(3) || meets(4)) {
                (true, _) => 'O',
                (false, true) => 'T',
                (false, false) => 'C',
            }
        })
        .collect();
    assert_eq!(letters, rows.concat());
}

/// A volume in numbers that all three take.
struct Plain {
    ring: Vec<[f64; 2]>,
    start: i64,
    end: i64,
    low: i64,
    high: i64,
}

impl Plain {
    fn random(dice: &mut Dice) -> Self {
        let middle = [
            dice.between(3_600_000_000, 3_800_000_000),
            dice.between(3_500_000_000, 3_700_000_000),
        ];
        let corners = dice.between(5, 20) as usize;
        let reach = dice.between(500_000, 9_000_000);
        let ring = star(dice, middle, reach, corners);
        let (start, low) = (dice.between(0, 700), dice.between(0, 3_000));
        Self {
            ring: ring.iter().map(|p| p.map(|v| v as f64 / 1e8)).collect(),
            start,
            end: start + dice.between(1, 168),
            low,
            high: low + dice.between(1, 2_000),
        }
    }

    fn volume(&self) -> Option<Volume> {
        let hour = |h: i64| UtcMs(h * 3_600_000);
        let limit = |m: i64| Limit::metres(m as f64, Some(VerticalDatum::Ellipsoid));
        Volume::still(
            &Footprint::Polygon(Polygon::planar(
                self.ring.iter().map(|p| LonLat::new(p[0], p[1])).collect(),
            )),
            HorizontalDatum::Wgs84,
            AltitudeBand::between(limit(self.low).ok()?, limit(self.high).ok()?),
            Window::new(hour(self.start), Some(hour(self.end))).ok()?,
            &NoHeights,
        )
        .ok()
    }

    fn polygon(&self) -> geo::Polygon {
        let line: Vec<(f64, f64)> = self.ring.iter().map(|p| (p[0], p[1])).collect();
        geo::Polygon::new(line.into(), Vec::new())
    }

    /// The last hour counts as part of the box: the window is half-open, the box is not.
    fn corners(&self) -> ([f64; 4], [f64; 4]) {
        let side = |k: usize, of: fn(f64, f64) -> f64| {
            self.ring.iter().map(|p| p[k]).reduce(of).expect("corners")
        };
        let rest = [self.start as f64, self.low as f64];
        let last = [self.end as f64 - 0.5, self.high as f64];
        (
            [side(0, f64::min), side(1, f64::min), rest[0], rest[1]],
            [side(0, f64::max), side(1, f64::max), last[0], last[1]],
        )
    }
}

#[test]
fn rstar_and_geo_find_the_conflicts_that_the_index_finds() {
    let mut dice = Dice(4_021);
    let mut make = |count: usize| {
        let mut all = Vec::new();
        while all.len() < count {
            let plain = Plain::random(&mut dice);
            all.extend(plain.volume().map(|volume| (plain, volume)));
        }
        all
    };
    let (held, questions) = (make(4_000), make(1_000));
    let (mut writer, space) = Writer::new();
    let stamped = held.iter().enumerate().map(|(i, (_, volume))| {
        let stamp = Stamp {
            position: i as u64 + 1,
            heard: UtcMs(0),
        };
        (stamp, VolumeId(i as u64), volume.clone())
    });
    writer.load(stamped).expect("in order");
    let polygons: Vec<geo::Polygon> = held.iter().map(|(plain, _)| plain.polygon()).collect();
    let boxes = held.iter().enumerate().map(|(i, (plain, _))| {
        let (low, high) = plain.corners();
        GeomWithData::new(Rectangle::from_corners(low, high), i)
    });
    let tree = RTree::bulk_load(boxes.collect());
    let snapshot = space.snapshot();
    let mut conflicts = 0;
    for (plain, volume) in &questions {
        let answer = snapshot.conflicts(volume, &Ask::everything());
        let ours: Vec<u64> = answer.hits.iter().map(|hit| hit.id.0).collect();
        let (polygon, (low, high)) = (plain.polygon(), plain.corners());
        let candidates = tree.locate_in_envelope_intersecting(AABB::from_corners(low, high));
        let mut theirs: Vec<u64> = candidates
            .filter(|item| polygons[item.data].intersects(&polygon))
            .map(|item| item.data as u64)
            .collect();
        theirs.sort_unstable();
        assert_eq!(ours, theirs);
        conflicts += ours.len();
    }
    assert!(conflicts > 1_000, "{conflicts} are too few");
}
