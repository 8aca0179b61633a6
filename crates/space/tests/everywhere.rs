//! The same answers on every machine: a digest over many shapes, verdicts and witnesses that is written down here.

mod common;

use common::{Dice, star};
use space::{
    AltitudeBand, Ask, Edges, Footprint, HorizontalDatum, LonLat, NoHeights, Path, Polygon, Rules,
    Stamp, UtcMs, Volume, VolumeId, Waypoint, Window, Writer,
};

const DIGEST: u64 = 12763792754727019860;

struct Fnv(u64);

impl Fnv {
    fn add(&mut self, value: u64) {
        for byte in value.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

fn volumes(dice: &mut Dice) -> Vec<Volume> {
    let mut all = Vec::new();
    while all.len() < 160 {
        let centre = LonLat::new(37.0 + dice.unit() * 0.5, 36.0 + dice.unit() * 0.5);
        let end = LonLat::new(37.0 + dice.unit() * 0.5, 36.0 + dice.unit() * 0.5);
        let start = dice.between(0, 100) * 60_000;
        let window = Window::new(UtcMs(start), Some(UtcMs(start + 3_600_000))).expect("a window");
        let footprint = match all.len() % 8 {
            0 | 3 | 4 => Footprint::Circle {
                centre,
                radius_m: 10.0 + dice.unit() * 5_000.0,
            },
            1 | 5 => Footprint::Corridor {
                line: vec![centre, end],
                half_width_m: 10.0 + dice.unit() * 800.0,
                edges: Edges::Geodesic,
            },
            2 | 6 => {
                let shell = star(dice, [0, 0], 8_000_000, 9)
                    .iter()
                    .map(|p| {
                        LonLat::new(
                            centre.lon + p[0] as f64 * 1e-8,
                            centre.lat + p[1] as f64 * 1e-8,
                        )
                    })
                    .collect();
                Footprint::Polygon(Polygon::geodesic(shell))
            }
            _ => {
                let waypoints = [
                    Waypoint::new(UtcMs(start), centre, 20.0),
                    Waypoint::new(UtcMs(start + 3_600_000), end, 400.0),
                ];
                let moving = Volume::moving(
                    &waypoints,
                    Edges::Geodesic,
                    HorizontalDatum::Wgs84,
                    AltitudeBand::ALL,
                    &NoHeights,
                );
                all.push(moving.expect("a movement"));
                continue;
            }
        };
        let made = Volume::still(
            &footprint,
            HorizontalDatum::Wgs84,
            AltitudeBand::ALL,
            window,
            &NoHeights,
        );
        all.extend(made.ok());
    }
    all
}

/// The digest of all answers, whatever the order in which volumes came.
fn digest(path: Path, order: impl Fn(usize) -> usize, volumes: &[Volume]) -> u64 {
    let (mut writer, space) = Writer::new();
    for i in 0..volumes.len() {
        let which = order(i);
        let stamp = Stamp {
            position: i as u64 + 1,
            heard: UtcMs(i as i64),
        };
        writer
            .insert(stamp, VolumeId(which as u64), &volumes[which])
            .expect("new");
    }
    let snapshot = space.snapshot().as_ref().clone().with_path(path);
    let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
    for volume in volumes {
        let box4 = volume.bounds();
        for corner in [box4.south_west(), box4.north_east()] {
            fnv.add(corner.lon_e8() as u64);
            fnv.add(corner.lat_e8() as u64);
        }
        let ask = Ask::everything().rules(Rules { clock_ms: 5_000 });
        for hit in snapshot.conflicts(volume, &ask).hits {
            let witness = hit.judgement.witness.expect("a conflict has one");
            fnv.add(hit.id.0);
            fnv.add(hit.judgement.verdict as u64);
            fnv.add(witness.place.lon_e8() as u64);
            fnv.add(witness.place.lat_e8() as u64);
            fnv.add(witness.from.0 as u64);
        }
    }
    fnv.0
}

#[test]
fn every_path_and_every_order_of_arrival_gives_the_digest_written_here() {
    let volumes = volumes(&mut Dice(99));
    let n = volumes.len();
    for path in Path::available() {
        assert_eq!(digest(path, |i| i, &volumes), DIGEST, "{path:?}");
    }
    assert_eq!(
        digest(Path::best(), |i| n - 1 - i, &volumes),
        DIGEST,
        "backwards"
    );
    assert_eq!(
        digest(Path::best(), |i| i * 7 % n, &volumes),
        DIGEST,
        "shuffled"
    );
}
