//! The index against a list that is scanned.

mod common;

use std::collections::BTreeMap;

use common::{Dice, star};
use space::{
    AltitudeBand, Ask, Band, Edges, Footprint, GeoBox, HorizontalDatum, IndexError, Limit, LonLat,
    NoHeights, Path, Polygon, Position, Rules, Snapshot, Stamp, UtcMs, Verdict, VerticalDatum,
    Volume, VolumeId, Waypoint, Window, Writer,
};

const START: i64 = 1_473_638_400_000;
const HOUR: i64 = 3_600_000;

fn stamp(position: u64) -> Stamp {
    Stamp {
        position,
        heard: UtcMs(START + position as i64 * 1000),
    }
}

fn window(dice: &mut Dice) -> Window {
    let start = START + dice.between(0, 200) * HOUR;
    let end = (dice.between(0, 9) > 0).then(|| UtcMs(start + dice.between(1, 40) * HOUR));
    Window::new(UtcMs(start), end).expect("a window")
}

fn altitude(dice: &mut Dice) -> AltitudeBand {
    if dice.between(0, 2) > 0 {
        return AltitudeBand::ALL;
    }
    if dice.between(0, 5) == 0 {
        // Flight levels, whose heights nobody knows without the geoid, and less without the pressure.
        let level = |level: i64, qnh_dhpa| Limit::FlightLevel {
            level: level as u16,
            qnh_dhpa,
        };
        let (low, qnh) = (
            dice.between(0, 40),
            (dice.between(0, 1) == 0).then_some(9_900),
        );
        return AltitudeBand::between(level(low, qnh), level(low + dice.between(1, 20), qnh));
    }
    let low = dice.between(0, 50) as f64 * 20.0;
    let datum = if dice.between(0, 5) == 0 {
        VerticalDatum::Agl
    } else {
        VerticalDatum::Ellipsoid
    };
    let limit = |m| Limit::metres(m, Some(datum)).expect("a limit");
    AltitudeBand::between(limit(low), limit(low + dice.between(0, 20) as f64 * 20.0))
}

fn place(dice: &mut Dice) -> LonLat {
    // A region that straddles the antimeridian, so that every box has to be right about it.
    let lon = 179.5 + dice.unit();
    LonLat::new(wrapped(lon), 36.0 + dice.unit() * 2.0)
}

fn wrapped(lon: f64) -> f64 {
    if lon > 180.0 {
        lon - 360.0
    } else if lon < -180.0 {
        lon + 360.0
    } else {
        lon
    }
}

/// A star somewhere, which may cross itself.
fn polygon(dice: &mut Dice) -> Polygon {
    let corners = dice.between(3, 12) as usize;
    let ring = star(dice, [0, 0], 10_000_000, corners);
    let centre = place(dice);
    let at = |p: &[i64; 2]| {
        let lon = centre.lon + p[0] as f64 * 1e-8;
        LonLat::new(wrapped(lon), centre.lat + p[1] as f64 * 1e-8)
    };
    Polygon::planar(ring.iter().map(at).collect())
}

fn volume(dice: &mut Dice) -> Volume {
    let datum = if dice.between(0, 19) == 0 {
        HorizontalDatum::Unstated
    } else {
        HorizontalDatum::Wgs84
    };
    let still = |footprint: &Footprint, dice: &mut Dice| {
        let (band, window) = (altitude(dice), window(dice));
        Volume::still(footprint, datum, band, window, &NoHeights)
    };
    loop {
        let made = match dice.between(0, 9) {
            0 => {
                let mut at = START + dice.between(0, 200) * HOUR;
                let waypoints: Vec<Waypoint> = (0..dice.between(2, 4))
                    .map(|_| {
                        let w = Waypoint::new(UtcMs(at), place(dice), 50.0 + dice.unit() * 500.0);
                        at += dice.between(1, 5) * HOUR;
                        w
                    })
                    .collect();
                let band = altitude(dice);
                Volume::moving(&waypoints, Edges::Geodesic, datum, band, &NoHeights)
            }
            1 => still(
                &Footprint::Circle {
                    centre: place(dice),
                    radius_m: 100.0 + dice.unit() * 9_000.0,
                },
                dice,
            ),
            2 => {
                let line = (0..dice.between(1, 3)).map(|_| place(dice)).collect();
                still(
                    &Footprint::Corridor {
                        line,
                        half_width_m: 800.0,
                        edges: Edges::Planar,
                    },
                    dice,
                )
            }
            3 => still(&Footprint::Point(place(dice)), dice),
            4 => {
                let parts = (0..dice.between(1, 3)).map(|_| polygon(dice)).collect();
                still(&Footprint::MultiPolygon(parts), dice)
            }
            5 => {
                let (west, south, side) = (179.3 + dice.unit(), 36.0 + dice.unit(), 0.2);
                let square = |inset: f64| {
                    let (w, s) = (west + inset, south + inset);
                    let (e, n) = (w + side - 2.0 * inset, s + side - 2.0 * inset);
                    [(w, s), (e, s), (e, n), (w, n)]
                        .map(|(lon, lat)| LonLat::new(wrapped(lon), lat))
                        .to_vec()
                };
                let holed = Polygon::planar(square(0.0)).with_holes(vec![square(0.05)]);
                still(&Footprint::Polygon(holed), dice)
            }
            _ => still(&Footprint::Polygon(polygon(dice)), dice),
        };
        if let Ok(volume) = made {
            return volume;
        }
    }
}

/// Every version: name, from, until, volume.
#[derive(Default)]
struct List(Vec<(u64, u64, u64, Volume)>);

impl List {
    fn standing(&self, position: u64) -> impl Iterator<Item = (u64, &Volume)> {
        self.0
            .iter()
            .filter(move |v| v.1 <= position && position < v.2)
            .map(|v| (v.0, &v.3))
    }
}

fn compare(snapshot: &Snapshot, list: &List, dice: &mut Dice, rules: Rules) -> usize {
    let position = if dice.between(0, 1) == 0 {
        snapshot.position()
    } else {
        dice.between(1, snapshot.position() as i64) as u64
    };
    let hidden = dice.between(2, 5) as u64;
    let ask = Ask::by(|id: VolumeId| !id.0.is_multiple_of(hidden))
        .as_of(position)
        .rules(rules);
    let readable = |id: u64| !id.is_multiple_of(hidden);
    let asked = volume(dice);
    let answer = snapshot.conflicts(&asked, &ask);
    assert_eq!(answer.position, position);
    let got: BTreeMap<u64, Verdict> = answer
        .hits
        .iter()
        .map(|c| (c.id.0, c.judgement.verdict))
        .collect();
    assert_eq!(got.len(), answer.hits.len(), "each volume once");
    let expected: BTreeMap<u64, Verdict> = list
        .standing(position)
        .filter(|v| readable(v.0))
        .map(|(id, v)| (id, asked.judge(v, rules).verdict))
        .filter(|v| v.1.is_conflict())
        .collect();
    assert_eq!(got, expected);

    let p = place(dice);
    let p = Position::from_degrees(p.lon, p.lat).expect("a place");
    let at = UtcMs(START + dice.between(0, 250) * HOUR);
    let height = (dice.between(0, 1) == 0).then(|| Band::known(10_000, 20_000));
    let held: Vec<(u64, Verdict)> = snapshot
        .holding(p, at, height, &ask)
        .hits
        .iter()
        .map(|h| (h.id.0, h.verdict))
        .collect();
    let mut expected: Vec<(u64, Verdict)> = list
        .standing(position)
        .filter(|v| readable(v.0))
        .map(|(id, v)| (id, v.holds(p, at, height)))
        .filter(|v| v.1.is_conflict())
        .collect();
    expected.sort_unstable();
    assert_eq!(held, expected);

    let near: Vec<(u64, f64)> = snapshot
        .nearest(p, at, 8_000.0, &ask)
        .expect("a distance")
        .hits
        .iter()
        .map(|n| (n.id.0, n.metres))
        .collect();
    let mut expected: Vec<(u64, f64)> = list
        .standing(position)
        .filter(|v| readable(v.0))
        .filter_map(|(id, v)| v.distance_m(p, at, 8_000.0).map(|m| (id, m)))
        .collect();
    expected.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    assert_eq!(near, expected);

    let q = place(dice);
    let q = Position::from_degrees(q.lon, q.lat + 0.1).expect("a place");
    if let Ok(area) = GeoBox::new(p, q) {
        let when = window(dice);
        let active: Vec<u64> = snapshot
            .active(&area, when, &ask)
            .hits
            .iter()
            .map(|c| c.id.0)
            .collect();
        let view = Volume::still(
            &Footprint::Box(area),
            HorizontalDatum::Wgs84,
            AltitudeBand::ALL,
            when,
            &NoHeights,
        )
        .expect("a box");
        let mut expected: Vec<u64> = list
            .standing(position)
            .filter(|v| readable(v.0) && view.judge(v.1, rules).verdict.is_conflict())
            .map(|v| v.0)
            .collect();
        expected.sort_unstable();
        assert_eq!(active, expected);
    }
    got.len()
}

fn history(seed: u64, steps: u64, background: bool) -> usize {
    let mut dice = Dice(seed);
    let (mut writer, space) = Writer::new();
    let mut list = List::default();
    let mut next = 0;
    let mut hits = 0;
    let mut job = None;
    let first: Vec<(Stamp, VolumeId, Volume)> = (0..300)
        .map(|_| {
            next += 1;
            (stamp(next), VolumeId(next), volume(&mut dice))
        })
        .collect();
    for (at, id, volume) in &first {
        list.0.push((id.0, at.position, u64::MAX, volume.clone()));
    }
    writer.load(first).expect("in order");
    for step in 0..steps {
        let position = space.snapshot().position() + 1;
        let standing: Vec<u64> = list
            .0
            .iter()
            .filter(|v| v.2 == u64::MAX)
            .map(|v| v.0)
            .collect();
        let pick = VolumeId(standing[dice.between(0, standing.len() as i64 - 1) as usize]);
        match dice.between(0, 9) {
            0 => {
                writer.withdraw(stamp(position), pick).expect("it stands");
                list.0
                    .iter_mut()
                    .filter(|v| v.0 == pick.0 && v.2 == u64::MAX)
                    .for_each(|v| v.2 = position);
            }
            1 => {
                let new = volume(&mut dice);
                writer
                    .replace(stamp(position), pick, &new)
                    .expect("it stands");
                list.0
                    .iter_mut()
                    .filter(|v| v.0 == pick.0 && v.2 == u64::MAX)
                    .for_each(|v| v.2 = position);
                list.0.push((pick.0, position, u64::MAX, new));
            }
            2 => writer.advance(stamp(position)).expect("in order"),
            _ => {
                let new = volume(&mut dice);
                next = position.max(next + 1);
                writer
                    .insert(stamp(position), VolumeId(next), &new)
                    .expect("a new name");
                list.0.push((next, position, u64::MAX, new));
            }
        }
        if background && step % 97 == 50 {
            // Taken over twenty operations later, so that things end and change meanwhile.
            job = Some((
                step + 20,
                std::thread::spawn({
                    let work = writer.let_go(UtcMs(i64::MIN));
                    move || work.run()
                }),
            ));
        }
        if job.as_ref().is_some_and(|(due, _)| *due == step)
            && let Some((_, thread)) = job.take()
        {
            writer
                .adopt(thread.join().expect("a rebuilt tree"))
                .expect("not stale");
        }
        if step % 10 == 0 {
            let rules = Rules {
                clock_ms: [0, 5_000, 2 * HOUR][dice.between(0, 2) as usize],
            };
            let snapshot = space.snapshot();
            for path in Path::available() {
                let mut same = Dice(dice.0);
                hits += compare(
                    &snapshot.as_ref().clone().with_path(path),
                    &list,
                    &mut same,
                    rules,
                );
            }
            dice.next();
        }
    }
    hits
}

#[test]
fn the_index_answers_what_a_scan_of_all_versions_answers() {
    let hits = history(5, 800, false);
    assert!(hits > 400, "{hits} hits are too few to mean anything");
}

#[test]
fn rebuilding_in_the_background_loses_and_revives_nothing() {
    history(6, 400, true);
}

#[test]
fn the_writer_packs_by_itself_when_nobody_does_it_for_it() {
    let (mut writer, space) = Writer::new();
    let point = |i: u64| {
        let place = LonLat::new(
            37.0 + (i % 150) as f64 * 0.01,
            36.0 + (i / 150) as f64 * 0.01,
        );
        Volume::still(
            &Footprint::Point(place),
            HorizontalDatum::Wgs84,
            AltitudeBand::ALL,
            Window::new(UtcMs(START), None).expect("a window"),
            &NoHeights,
        )
        .expect("a site")
    };
    let count = space::DELTA_LIMIT as u64 + 500;
    for i in 1..=count {
        writer
            .insert(stamp(i), VolumeId(i), &point(i))
            .expect("new");
    }
    let snapshot = space.snapshot();
    assert!(snapshot.bytes() > 0 && snapshot.items() == count as usize);
    for i in [1, 77, 4_096, 16_384, 16_385, count] {
        let answer = snapshot.conflicts(&point(i), &Ask::everything());
        assert_eq!(answer.hits.iter().map(|c| c.id.0).collect::<Vec<_>>(), [i]);
    }
    assert!(writer.rebuild_due().is_none(), "nothing is left to rebuild");
}

fn site(lon: f64, lat: f64) -> Volume {
    Volume::still(
        &Footprint::Circle {
            centre: LonLat::new(lon, lat),
            radius_m: 100.0,
        },
        HorizontalDatum::Wgs84,
        AltitudeBand::ALL,
        Window::new(UtcMs(START), None).expect("a window"),
        &NoHeights,
    )
    .expect("a site")
}

#[test]
fn trap_30_ten_thousand_and_one_hits_are_all_answered() {
    let (mut writer, space) = Writer::new();
    let around = site(37.16, 36.2);
    writer
        .load((1..=10_001).map(|i| (stamp(i), VolumeId(i), around.clone())))
        .expect("in order");
    let answer = space.snapshot().conflicts(&around, &Ask::everything());
    assert_eq!(
        (answer.hits.len(), answer.position, answer.complete),
        (10_001, 10_001, true)
    );
}

#[test]
fn what_was_known_at_1042_is_a_question() {
    let (mut writer, space) = Writer::new();
    let at = |position, minute: i64| Stamp {
        position,
        heard: UtcMs(START + minute * 60_000),
    };
    let (known, later) = (site(37.16, 36.2), site(37.16, 36.2));
    writer.insert(at(7, 40), VolumeId(1), &known).expect("new");
    writer.advance(at(8, 41)).expect("in order");
    writer.insert(at(9, 43), VolumeId(2), &later).expect("new");
    writer.withdraw(at(12, 50), VolumeId(1)).expect("it stands");
    let snapshot = space.snapshot();
    let names = |position| {
        let answer = snapshot.conflicts(&known, &Ask::everything().as_of(position));
        assert_eq!(answer.position, position);
        answer.hits.iter().map(|c| c.id.0).collect::<Vec<_>>()
    };
    let at_1042 = snapshot
        .position_at(UtcMs(START + 42 * 60_000))
        .expect("something was known");
    assert_eq!((at_1042, names(at_1042)), (8, vec![1]));
    assert_eq!(
        (names(9), names(11), names(12)),
        (vec![1, 2], vec![1, 2], vec![2])
    );
    assert_eq!(snapshot.position_at(UtcMs(START)), None);
}

#[test]
fn a_reader_keeps_the_state_it_took_while_the_writer_goes_on() {
    let (mut writer, space) = Writer::new();
    writer
        .insert(stamp(1), VolumeId(1), &site(37.16, 36.2))
        .expect("new");
    let before = space.snapshot();
    writer.withdraw(stamp(2), VolumeId(1)).expect("it stands");
    writer
        .insert(stamp(3), VolumeId(2), &site(37.16, 36.2))
        .expect("new");
    let names = |snapshot: &Snapshot| {
        snapshot
            .conflicts(&site(37.16, 36.2), &Ask::everything())
            .hits
            .iter()
            .map(|c| c.id.0)
            .collect::<Vec<_>>()
    };
    assert_eq!((names(&before), before.position()), (vec![1], 1));
    assert_eq!(
        (names(&space.snapshot()), space.snapshot().position()),
        (vec![2], 3)
    );
}

#[test]
fn operations_out_of_log_order_and_unknown_names_are_refused() {
    let (mut writer, _space) = Writer::new();
    writer
        .insert(stamp(5), VolumeId(1), &site(37.16, 36.2))
        .expect("new");
    assert_eq!(
        writer.advance(stamp(4)),
        Err(IndexError::OutOfOrder { got: 4, last: 5 })
    );
    assert_eq!(
        writer.insert(stamp(6), VolumeId(1), &site(37.0, 36.0)),
        Err(IndexError::AlreadyThere(1))
    );
    assert_eq!(
        writer.withdraw(stamp(6), VolumeId(2)),
        Err(IndexError::NotThere(2))
    );
    writer.withdraw(stamp(6), VolumeId(1)).expect("it stands");
    assert_eq!(
        writer.withdraw(stamp(6), VolumeId(1)),
        Err(IndexError::NotThere(1))
    );
    writer
        .insert(stamp(6), VolumeId(1), &site(37.0, 36.0))
        .expect("the name is free again");
}

#[test]
fn what_was_let_go_is_said_in_the_answer() {
    let (mut writer, space) = Writer::new();
    let window = Window::new(UtcMs(START), Some(UtcMs(START + HOUR))).expect("a window");
    let ended = Volume::still(
        &Footprint::Point(LonLat::new(37.16, 36.2)),
        HorizontalDatum::Wgs84,
        AltitudeBand::ALL,
        window,
        &NoHeights,
    )
    .expect("a site");
    writer.insert(stamp(1), VolumeId(1), &ended).expect("new");
    let work = writer.let_go(UtcMs(START + 2 * HOUR));
    writer.adopt(work.run()).expect("not stale");
    let answer = space.snapshot().conflicts(&ended, &Ask::everything());
    assert_eq!((answer.hits.len(), answer.complete), (0, false));
    assert_eq!(space.snapshot().horizon(), Some(UtcMs(START + 2 * HOUR)));
    let later = site(37.16, 36.2).window();
    let area = GeoBox::new(
        Position::from_degrees(37.0, 36.0).expect("a place"),
        Position::from_degrees(38.0, 37.0).expect("a place"),
    )
    .expect("a box");
    assert!(
        !space
            .snapshot()
            .active(&area, later, &Ask::everything())
            .complete
    );
    let now = Window::new(UtcMs(START + 3 * HOUR), None).expect("a window");
    assert!(
        space
            .snapshot()
            .active(&area, now, &Ask::everything())
            .complete
    );
}

#[test]
fn readers_on_other_threads_always_see_a_state_of_the_log() {
    let (mut writer, space) = Writer::new();
    let here = site(37.16, 36.2);
    let steps = 2_000;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (space, here) = (space.clone(), &here);
            scope.spawn(move || {
                loop {
                    let position = space.read(|snapshot| {
                        let answer = snapshot.conflicts(here, &Ask::everything());
                        // Position p: the even names up to p stand.
                        let expected: Vec<u64> = (2..=answer.position).step_by(2).collect();
                        let got: Vec<u64> = answer.hits.iter().map(|c| c.id.0).collect();
                        assert_eq!(got, expected);
                        answer.position
                    });
                    if position == steps {
                        break;
                    }
                }
            });
        }
        for position in 1..=steps {
            if position % 2 == 1 && position > 1 {
                // A new version: at every position there is exactly one.
                writer
                    .replace(stamp(position), VolumeId(position - 1), &here)
                    .expect("it stands");
            } else if position == 1 {
                writer.advance(stamp(position)).expect("in order");
            } else {
                writer
                    .insert(stamp(position), VolumeId(position), &here)
                    .expect("new");
            }
        }
    });
}
