//! The cases that geometry libraries and specifications are known to get wrong. The number of each is its number in the design's list.

use geographiclib_rs::{DirectGeodesic, Geodesic};
use space::{
    AltitudeBand, Band, Edges, Fill, Footprint, GeoBox, Heights, HorizontalDatum, InputError,
    Limit, LonLat, NoHeights, Polygon, Position, Range, Reason, Rules, UtcMs, Verdict,
    VerticalDatum, Volume, Waypoint, Window,
};

const SITE: LonLat = LonLat::new(37.16, 36.2);
const ALL_DAY: &str = "2016-09-12";

fn time(text: &str) -> UtcMs {
    UtcMs::parse(text).expect("a time")
}

fn clock(hours: &str) -> UtcMs {
    time(&format!("{ALL_DAY}T{hours}Z"))
}

fn window(from: &str, until: &str) -> Window {
    Window::new(clock(from), Some(clock(until))).expect("a window")
}

fn day() -> Window {
    window("00:00:00", "23:59:59")
}

fn place(lon: f64, lat: f64) -> Position {
    Position::from_degrees(lon, lat).expect("a place")
}

fn try_ground(footprint: &Footprint) -> Result<Volume, InputError> {
    Volume::still(
        footprint,
        HorizontalDatum::Wgs84,
        AltitudeBand::ALL,
        day(),
        &NoHeights,
    )
}

fn ground(footprint: &Footprint) -> Volume {
    try_ground(footprint).expect("a volume")
}

fn ring(places: &[(f64, f64)]) -> Vec<LonLat> {
    places
        .iter()
        .map(|&(lon, lat)| LonLat::new(lon, lat))
        .collect()
}

fn planar(places: &[(f64, f64)]) -> Footprint {
    Footprint::Polygon(Polygon::planar(ring(places)))
}

fn square(west: f64, south: f64, side: f64) -> Vec<LonLat> {
    ring(&[
        (west, south),
        (west + side, south),
        (west + side, south + side),
        (west, south + side),
    ])
}

fn square_volume(west: f64, south: f64, side: f64) -> Volume {
    ground(&Footprint::Polygon(Polygon::planar(square(
        west, south, side,
    ))))
}

fn circle(radius_m: f64) -> Footprint {
    Footprint::Circle {
        centre: SITE,
        radius_m,
    }
}

/// The place at a distance and azimuth from another, by Karney.
fn off(from: LonLat, azimuth: f64, metres: f64) -> LonLat {
    let (lat, lon): (f64, f64) = Geodesic::wgs84().direct(from.lat, from.lon, azimuth, metres);
    LonLat::new(lon, lat)
}

fn holds(volume: &Volume, at: LonLat) -> Verdict {
    volume.holds(place(at.lon, at.lat), clock("12:00:00"), None)
}

fn verdict(a: &Volume, b: &Volume) -> Verdict {
    let forth = a.judge(b, Rules::default()).verdict;
    assert_eq!(
        forth,
        b.judge(a, Rules::default()).verdict,
        "the order of the two must not matter"
    );
    forth
}

#[test]
fn trap_01_a_geodesic_edge_bulges_116_m_north_of_the_chord() {
    let corners = ring(&[(36.0, 35.5), (37.0, 35.5), (37.0, 36.0), (36.0, 36.0)]);
    let geodesic = ground(&Footprint::Polygon(Polygon::geodesic(corners.clone())));
    let straight = ground(&Footprint::Polygon(Polygon::planar(corners)));
    let north = |metres| off(LonLat::new(36.5, 36.0), 0.0, metres);
    assert_eq!(holds(&geodesic, north(100.0)), Verdict::Overlap);
    assert_eq!(holds(&geodesic, north(115.0)), Verdict::Overlap);
    assert_eq!(holds(&geodesic, north(117.0)), Verdict::Clear);
    assert_eq!(holds(&straight, north(100.0)), Verdict::Clear);
}

#[test]
fn trap_02_a_place_9950_m_from_the_centre_of_a_10_km_circle_is_inside() {
    let volume = ground(&circle(10_000.0));
    for twentieth in 0..40 {
        let azimuth = f64::from(twentieth) * 9.0;
        assert_eq!(
            holds(&volume, off(SITE, azimuth, 9_950.0)),
            Verdict::Overlap
        );
        assert_eq!(
            holds(&volume, off(SITE, azimuth, 9_999.999)),
            Verdict::Overlap
        );
        assert_eq!(holds(&volume, off(SITE, azimuth, 10_002.0)), Verdict::Clear);
    }
}

#[test]
fn trap_03_a_1_km_buffer_reaches_945_m_east() {
    for shape in [
        circle(1_000.0),
        Footprint::Corridor {
            line: vec![SITE, off(SITE, 0.0, 3_000.0)],
            half_width_m: 1_000.0,
            edges: Edges::Geodesic,
        },
    ] {
        let volume = ground(&shape);
        assert_eq!(holds(&volume, off(SITE, 90.0, 945.0)), Verdict::Overlap);
        assert_eq!(holds(&volume, off(SITE, 90.0, 999.9)), Verdict::Overlap);
        assert_eq!(holds(&volume, off(SITE, 90.0, 1_003.0)), Verdict::Clear);
    }
}

#[test]
fn trap_04_a_bow_tie_is_refused_with_its_crossing() {
    let bow_tie = planar(&[(37.0, 36.0), (38.0, 37.0), (38.0, 36.0), (37.0, 37.0)]);
    let Err(InputError::SelfCrossing { at, first, second }) = try_ground(&bow_tie) else {
        panic!("not refused");
    };
    assert_eq!((at, first, second), (place(37.5, 36.5), 0, 2));
}

#[test]
fn trap_05_the_centre_of_a_pentagram_is_inside_when_a_person_says_so() {
    let tip = |k: u32| off(SITE, f64::from(k) * 144.0, 5_000.0);
    let star: Vec<LonLat> = (0..5).map(tip).collect();
    assert!(matches!(
        try_ground(&Footprint::Polygon(Polygon::planar(star.clone()))),
        Err(InputError::SelfCrossing { .. })
    ));
    let filled = ground(&Footprint::Polygon(Polygon {
        fill: Fill::Nonzero,
        ..Polygon::planar(star)
    }));
    assert_eq!(holds(&filled, SITE), Verdict::Overlap);
    let small = ground(&circle(10.0));
    assert_eq!(verdict(&filled, &small), Verdict::Overlap);
}

#[test]
fn trap_06_a_box_over_the_antimeridian_holds_180_from_both_sides_and_not_0() {
    let narrow = [(179.9, 10.0), (-179.9, 10.0), (-179.9, 11.0), (179.9, 11.0)];
    let as_box = GeoBox::new(place(179.9, 10.0), place(-179.9, 11.0)).expect("a box");
    for footprint in [planar(&narrow), Footprint::Box(as_box)] {
        let volume = ground(&footprint);
        assert_eq!(holds(&volume, LonLat::new(180.0, 10.5)), Verdict::Overlap);
        assert_eq!(holds(&volume, LonLat::new(-180.0, 10.5)), Verdict::Overlap);
        assert_eq!(holds(&volume, LonLat::new(0.0, 10.5)), Verdict::Clear);
        let east = square_volume(-179.95, 10.4, 0.01);
        let west = square_volume(179.94, 10.4, 0.01);
        assert_eq!(verdict(&volume, &east), Verdict::Overlap);
        assert_eq!(verdict(&volume, &west), Verdict::Overlap);
        assert_eq!(
            verdict(&volume, &square_volume(0.0, 10.4, 0.01)),
            Verdict::Clear
        );
    }
}

#[test]
fn trap_07_a_ring_around_the_pole_holds_the_pole() {
    let cap = ground(&planar(&[
        (0.0, 89.0),
        (90.0, 89.0),
        (180.0, 89.0),
        (-90.0, 89.0),
    ]));
    assert_eq!(holds(&cap, LonLat::new(45.0, 89.9)), Verdict::Overlap);
    assert_eq!(holds(&cap, LonLat::new(-135.0, 89.9)), Verdict::Overlap);
    assert!(holds(&cap, LonLat::new(10.0, 90.0)).is_conflict());
    assert_eq!(holds(&cap, LonLat::new(45.0, 88.9)), Verdict::Clear);
    assert_eq!(holds(&cap, LonLat::new(45.0, -89.9)), Verdict::Clear);
    let south = ground(&planar(&[
        (0.0, -89.0),
        (-90.0, -89.0),
        (180.0, -89.0),
        (90.0, -89.0),
    ]));
    assert_eq!(holds(&south, LonLat::new(45.0, -89.9)), Verdict::Overlap);
    assert_eq!(verdict(&cap, &south), Verdict::Clear);
}

#[test]
fn trap_08_direction_does_not_matter_and_more_than_a_hemisphere_is_refused() {
    let forth = square(37.0, 36.0, 1.0);
    let back: Vec<LonLat> = forth.iter().rev().copied().collect();
    let [a, b] = [forth, back].map(|shell| ground(&Footprint::Polygon(Polygon::planar(shell))));
    assert_eq!(verdict(&a, &b), Verdict::Overlap);
    for (lon, lat) in [(37.5, 36.5), (38.5, 36.5), (36.9999, 36.5), (37.0, 36.5)] {
        assert_eq!(
            holds(&a, LonLat::new(lon, lat)),
            holds(&b, LonLat::new(lon, lat))
        );
    }
    let wide = planar(&[
        (-100.0, -80.0),
        (0.0, -80.0),
        (100.0, -80.0),
        (100.0, 80.0),
        (0.0, 80.0),
        (-100.0, 80.0),
    ]);
    assert_eq!(try_ground(&wide), Err(InputError::MoreThanAHemisphere));
}

#[test]
fn trap_09_one_wholly_inside_the_other_overlaps() {
    assert_eq!(
        verdict(
            &square_volume(37.0, 36.0, 1.0),
            &square_volume(37.4, 36.4, 0.1)
        ),
        Verdict::Overlap
    );
}

#[test]
fn trap_10_inside_a_hole_is_clear_and_filling_it_exactly_touches() {
    let holed =
        Polygon::planar(square(37.0, 36.0, 1.0)).with_holes(vec![square(37.25, 36.25, 0.5)]);
    let holed = ground(&Footprint::Polygon(holed));
    assert_eq!(
        verdict(&holed, &square_volume(37.4, 36.4, 0.1)),
        Verdict::Clear
    );
    assert_eq!(
        verdict(&holed, &square_volume(37.25, 36.25, 0.5)),
        Verdict::Touch
    );
    assert_eq!(
        verdict(&holed, &square_volume(37.25, 36.25, 0.500_000_01)),
        Verdict::Overlap
    );
    assert_eq!(verdict(&holed, &holed), Verdict::Overlap);
}

#[test]
fn trap_11_a_shared_stretch_of_border_touches() {
    assert_eq!(
        verdict(
            &square_volume(37.0, 36.0, 1.0),
            &square_volume(38.0, 36.5, 1.0)
        ),
        Verdict::Touch
    );
    assert_eq!(
        verdict(
            &square_volume(37.0, 36.0, 1.0),
            &square_volume(38.0, 37.0, 1.0)
        ),
        Verdict::Touch
    );
    assert_eq!(
        verdict(
            &square_volume(37.0, 36.0, 1.0),
            &square_volume(38.000_000_01, 36.5, 1.0)
        ),
        Verdict::Clear
    );
}

#[test]
fn trap_12_a_ray_through_a_vertex_counts_it_once() {
    let diamond = ground(&planar(&[
        (37.0, 36.0),
        (38.0, 35.0),
        (39.0, 36.0),
        (38.0, 37.0),
    ]));
    for lon in [36.0, 36.999, 39.001, 40.0] {
        assert_eq!(holds(&diamond, LonLat::new(lon, 36.0)), Verdict::Clear);
    }
    for lon in [37.001, 38.0, 38.999] {
        assert_eq!(holds(&diamond, LonLat::new(lon, 36.0)), Verdict::Overlap);
    }
    assert_eq!(holds(&diamond, LonLat::new(37.0, 36.0)), Verdict::Touch);
}

// Trap 13 is beside the predicate it is about: `floating_point_misjudges_2164_of_4096_sides_and_integers_none`.

#[test]
fn trap_14_a_sliver_half_a_millimetre_wide_still_conflicts() {
    let width = 0.5e-3 / 111_000.0;
    let around = square_volume(37.0, 36.0, 0.1);
    for lat in [36.02, 36.020_000_001, 36.020_000_004_9] {
        let sliver = ground(&planar(&[
            (37.01, lat),
            (37.05, lat),
            (37.05, lat + width),
            (37.01, lat + width),
        ]));
        assert_eq!(verdict(&around, &sliver), Verdict::Overlap);
        let crossing = ground(&planar(&[
            (36.9, lat),
            (37.2, lat),
            (37.2, lat + width),
            (36.9, lat + width),
        ]));
        assert_eq!(verdict(&around, &crossing), Verdict::Overlap);
        let upright = ground(&planar(&[
            (37.03, 35.0),
            (37.03 + width, 35.0),
            (37.03 + width, 37.0),
            (37.03, 37.0),
        ]));
        assert_eq!(verdict(&upright, &sliver), Verdict::Overlap);
    }
    let dot = ground(&planar(&[
        (37.01, 36.01),
        (37.01 + width, 36.01),
        (37.01, 36.01 + width),
    ]));
    assert_eq!(verdict(&around, &dot), Verdict::Overlap);
    assert!(holds(&dot, LonLat::new(37.01, 36.01)).is_conflict());
}

#[test]
fn trap_15_windows_are_half_open() {
    let at = |from: &str, until: &str| {
        Volume::still(
            &circle(100.0),
            HorizontalDatum::Wgs84,
            AltitudeBand::ALL,
            window(from, until),
            &NoHeights,
        )
        .expect("a volume")
    };
    let (nine, ten) = (at("09:00:00", "10:00:00"), at("10:00:00", "11:00:00"));
    assert_eq!(verdict(&nine, &ten), Verdict::Clear);
    assert_eq!(
        nine.judge(&ten, Rules::default()).reason,
        Reason::ApartInTime { gap_ms: 0 }
    );
    let site = place(SITE.lon, SITE.lat);
    assert_eq!(nine.holds(site, clock("10:00:00"), None), Verdict::Clear);
    assert_eq!(ten.holds(site, clock("10:00:00"), None), Verdict::Overlap);
    let instant = Window::at(clock("10:00:00")).expect("an instant");
    assert_eq!(
        (
            nine.window().gap_ms(&instant),
            ten.window().gap_ms(&instant)
        ),
        (Some(0), None)
    );
}

#[test]
fn trap_16_no_end_means_for_ever_and_an_end_before_the_start_is_refused() {
    let open = Window::new(time("2016-01-01T00:00:00Z"), None).expect("a window");
    let later = Window::at(time("2099-06-01T00:00:00Z")).expect("an instant");
    let [a, b] = [open, later].map(|w| {
        Volume::still(
            &circle(100.0),
            HorizontalDatum::Wgs84,
            AltitudeBand::ALL,
            w,
            &NoHeights,
        )
        .expect("a volume")
    });
    assert_eq!(verdict(&a, &b), Verdict::Overlap);
    assert!(matches!(
        Window::new(clock("10:00:00"), Some(clock("09:00:00"))),
        Err(InputError::EndNotAfterStart { .. })
    ));
}

#[test]
fn trap_17_a_leap_second_becomes_the_next_second() {
    assert_eq!(time("2016-12-31T23:59:60Z"), time("2017-01-01T00:00:00Z"));
    assert_eq!(
        time("2017-01-01T02:59:60+03:00"),
        time("2017-01-01T00:00:00Z")
    );
    assert_eq!(time("2017-01-01T00:00:00Z").0, 1_483_228_800_000);
}

#[test]
fn trap_18_a_local_time_without_offset_is_refused() {
    for text in ["2016-03-25T00:30:00", "2016-10-27T23:30:00"] {
        assert_eq!(
            UtcMs::parse(text),
            Err(InputError::NoOffset {
                text: text.to_owned()
            })
        );
    }
    // The hour that comes twice is two hours apart in UTC, if the offset says which.
    assert_eq!(
        time("2016-10-27T23:30:00+02:00").0 - time("2016-10-27T23:30:00+03:00").0,
        3_600_000
    );
}

#[test]
fn trap_19_a_gap_of_3_s_with_clocks_within_5_s_is_indeterminate() {
    let at = |from: &str, until: &str| {
        Volume::still(
            &circle(100.0),
            HorizontalDatum::Wgs84,
            AltitudeBand::ALL,
            window(from, until),
            &NoHeights,
        )
        .expect("a volume")
    };
    let (a, b, c) = (
        at("09:00:00", "10:00:00"),
        at("10:00:03", "11:00:00"),
        at("10:00:06", "11:00:00"),
    );
    let rules = Rules { clock_ms: 5_000 };
    let found = a.judge(&b, rules);
    assert_eq!(
        (found.verdict, found.reason),
        (Verdict::Indeterminate, Reason::Clocks { gap_ms: 3_000 })
    );
    assert!(found.verdict.is_conflict());
    assert_eq!(a.judge(&c, rules).verdict, Verdict::Clear);
    assert_eq!(a.judge(&b, Rules::default()).verdict, Verdict::Clear);
}

struct Known {
    geoid: Option<Range>,
    terrain: Option<Range>,
}

impl Heights for Known {
    fn geoid_cm(&self, _: &GeoBox) -> Option<Range> {
        self.geoid
    }
    fn terrain_cm(&self, _: &GeoBox) -> Option<Range> {
        self.terrain
    }
}

fn metres(value: f64, datum: VerticalDatum) -> Limit {
    Limit::metres(value, Some(datum)).expect("a limit")
}

fn with_heights(band: AltitudeBand, heights: &dyn Heights) -> Volume {
    Volume::still(
        &circle(1_000.0),
        HorizontalDatum::Wgs84,
        band,
        day(),
        heights,
    )
    .expect("a volume")
}

#[test]
fn trap_21_a_ceiling_of_100_m_above_ground_reaches_520_m_above_the_ellipsoid() {
    let known = Known {
        geoid: Some(Range::exactly(2_000)),
        terrain: Some(Range::exactly(40_000)),
    };
    let site = with_heights(
        AltitudeBand {
            lower: None,
            upper: Some(metres(100.0, VerticalDatum::Agl)),
        },
        &known,
    );
    assert_eq!(site.band().high, 52_000);
    let flight = |floor| {
        with_heights(
            AltitudeBand {
                lower: Some(metres(floor, VerticalDatum::Ellipsoid)),
                upper: None,
            },
            &known,
        )
    };
    assert_eq!(verdict(&site, &flight(450.0)), Verdict::Overlap);
    assert_eq!(verdict(&site, &flight(520.0)), Verdict::Touch);
    assert_eq!(verdict(&site, &flight(520.01)), Verdict::Clear);
    let clear = site.judge(&flight(530.0), Rules::default());
    assert_eq!(clear.reason, Reason::ApartInHeight { gap_cm: 1_000 });
}

#[test]
fn trap_22_above_ground_over_slopes_takes_the_highest_for_the_top_and_without_terrain_is_indeterminate()
 {
    let slopes = Known {
        geoid: Some(Range::exactly(0)),
        terrain: Some(Range {
            low: 20_000,
            high: 90_000,
        }),
    };
    let agl = AltitudeBand::between(
        metres(50.0, VerticalDatum::Agl),
        metres(150.0, VerticalDatum::Agl),
    );
    let over = with_heights(agl, &slopes);
    assert_eq!((over.band().low, over.band().high), (25_000, 105_000));
    let flight = with_heights(
        AltitudeBand::between(
            metres(300.0, VerticalDatum::Ellipsoid),
            metres(310.0, VerticalDatum::Ellipsoid),
        ),
        &slopes,
    );
    assert_eq!(verdict(&over, &flight), Verdict::Overlap);
    let unknown = with_heights(agl, &NoHeights);
    let found = unknown.judge(&flight, Rules::default());
    assert_eq!(
        (found.verdict, found.reason),
        (Verdict::Indeterminate, Reason::Heights)
    );
    // Against the whole column there is nothing to doubt, and in orbit it is clear whatever the ground.
    assert_eq!(verdict(&unknown, &ground(&circle(10.0))), Verdict::Overlap);
    let orbit = AltitudeBand {
        lower: Some(metres(100_000.0, VerticalDatum::Ellipsoid)),
        upper: None,
    };
    assert_eq!(
        verdict(&unknown, &with_heights(orbit, &NoHeights)),
        Verdict::Clear
    );
}

#[test]
fn trap_23_fl100_at_990_hpa_is_635_ft_lower_and_without_pressure_is_wider() {
    let geoid = Known {
        geoid: Some(Range::exactly(0)),
        terrain: None,
    };
    let at = |qnh_dhpa| {
        let level = Limit::FlightLevel {
            level: 100,
            qnh_dhpa,
        };
        with_heights(AltitudeBand::between(level, level), &geoid).band()
    };
    let feet = |cm: i32| f64::from(cm) / 30.48;
    assert!((10_000.0 - feet(at(Some(9_900)).low) - 635.0).abs() < 1.0);
    assert!((feet(at(Some(9_900)).high - at(Some(9_900)).low)).abs() < 0.2);
    let wide = at(None);
    assert!(feet(wide.low) < 7_000.0 && feet(wide.high) > 11_500.0);
    assert!(wide.low_sure > wide.low && wide.high_sure < wide.high);
}

#[test]
fn trap_24_coordinates_without_a_datum_grow_by_150_m_and_stay_in_doubt() {
    let town = Polygon::planar(square(37.0, 36.0, 0.01));
    let unstated = |footprint: &Footprint| {
        Volume::still(
            footprint,
            HorizontalDatum::Unstated,
            AltitudeBand::ALL,
            day(),
            &NoHeights,
        )
        .expect("a volume")
    };
    let volume = unstated(&Footprint::Polygon(town));
    let east = LonLat::new(37.01, 36.005);
    let near = ground(&Footprint::Point(off(east, 90.0, 138.0)));
    let found = volume.judge(&near, Rules::default());
    assert_eq!(
        (found.verdict, found.reason),
        (Verdict::Indeterminate, Reason::Datum)
    );
    assert_eq!(
        holds(&volume, LonLat::new(37.005, 36.005)),
        Verdict::Indeterminate
    );
    assert_eq!(
        verdict(&volume, &ground(&Footprint::Point(off(east, 90.0, 155.0)))),
        Verdict::Clear
    );
    let point = unstated(&Footprint::Point(SITE));
    assert_eq!(
        holds(&point, off(SITE, 200.0, 149.0)),
        Verdict::Indeterminate
    );
}

#[test]
fn trap_25_swapped_or_misread_coordinates_do_not_pass_the_named_place() {
    let aleppo = place(37.16, 36.2);
    let swapped = place(36.2, 37.16);
    let Err(InputError::FarFromNamedPlace {
        distance_km,
        swapped_fits,
        ..
    }) = swapped.check_near("Aleppo", aleppo, 30.0)
    else {
        panic!("not caught");
    };
    assert!(
        (distance_km - 137.0).abs() < 1.0 && swapped_fits,
        "{distance_km}"
    );
    let misread = place(37.16, 36.125);
    let meant = place(37.16, 36.0 + 12.5 / 60.0);
    let Err(InputError::FarFromNamedPlace {
        distance_km,
        swapped_fits,
        ..
    }) = misread.check_near("the bridge", meant, 1.0)
    else {
        panic!("not caught");
    };
    assert!(
        (distance_km - 9.2).abs() < 0.1 && !swapped_fits,
        "{distance_km}"
    );
    assert_eq!(meant.check_near("Aleppo", aleppo, 5.0), Ok(()));
}

fn convoy(points: &[(&str, LonLat)], radius_m: f64) -> Result<Volume, InputError> {
    let waypoints: Vec<Waypoint> = points
        .iter()
        .map(|(at, p)| Waypoint::new(clock(at), *p, radius_m))
        .collect();
    Volume::moving(
        &waypoints,
        Edges::Geodesic,
        HorizontalDatum::Wgs84,
        AltitudeBand::ALL,
        &NoHeights,
    )
}

#[test]
fn trap_26_a_convoy_that_has_passed_before_the_site_is_active_is_clear() {
    let (from, to) = (off(SITE, 270.0, 20_000.0), off(SITE, 90.0, 20_000.0));
    let road = convoy(
        &[("08:30:00", from), ("09:00:00", SITE), ("09:40:00", to)],
        100.0,
    )
    .expect("a movement");
    let site = |from: &str, until: &str| {
        Volume::still(
            &circle(300.0),
            HorizontalDatum::Wgs84,
            AltitudeBand::ALL,
            window(from, until),
            &NoHeights,
        )
        .expect("a volume")
    };
    let late = site("09:30:00", "10:00:00");
    assert!(
        road.window().gap_ms(&late.window()).is_none(),
        "a 4D box would say conflict"
    );
    assert_eq!(verdict(&road, &late), Verdict::Clear);
    let found = road.judge(&site("08:59:00", "09:30:00"), Rules::default());
    assert_eq!(found.verdict, Verdict::Overlap);
    let witness = found.witness.expect("a witness");
    assert!((witness.from.0 - clock("09:00:00").0).abs() < 60_000);
    assert!(witness.place.distance_m(place(SITE.lon, SITE.lat)) < 700.0);
}

#[test]
fn trap_27_convoys_that_meet_overlap_at_300_s_and_one_that_starts_at_601_s_does_not() {
    let end = off(SITE, 90.0, 10_000.0);
    let forth = convoy(&[("09:00:00", SITE), ("09:10:00", end)], 50.0).expect("a movement");
    let back = convoy(&[("09:00:00", end), ("09:10:00", SITE)], 50.0).expect("a movement");
    let late = convoy(&[("09:10:01", end), ("09:20:01", SITE)], 50.0).expect("a movement");
    let found = forth.judge(&back, Rules::default());
    assert_eq!(found.verdict, Verdict::Overlap);
    let at = found.witness.expect("a witness").from.0 - clock("09:00:00").0;
    assert!((at - 300_000).abs() < 50, "{at}");
    assert_eq!(verdict(&forth, &late), Verdict::Clear);
    assert_eq!(
        forth.judge(&late, Rules { clock_ms: 5_000 }).verdict,
        Verdict::Indeterminate
    );
}

#[test]
fn trap_28_the_outside_of_a_bend_is_round_and_a_halt_is_a_leg() {
    let (west, north) = (off(SITE, 270.0, 5_000.0), off(SITE, 0.0, 5_000.0));
    let outside = |metres| off(SITE, 135.0, metres);
    let corridor = ground(&Footprint::Corridor {
        line: vec![west, SITE, north],
        half_width_m: 1_000.0,
        edges: Edges::Geodesic,
    });
    assert_eq!(holds(&corridor, outside(990.0)), Verdict::Overlap);
    assert_eq!(holds(&corridor, outside(1_003.0)), Verdict::Clear);
    let moving = convoy(
        &[("09:00:00", west), ("09:30:00", SITE), ("10:00:00", north)],
        1_000.0,
    )
    .expect("a movement");
    assert_eq!(
        verdict(&moving, &ground(&Footprint::Point(outside(990.0)))),
        Verdict::Overlap
    );
    assert_eq!(
        verdict(&moving, &ground(&Footprint::Point(outside(1_001.0)))),
        Verdict::Clear
    );
    let halted = convoy(&[("09:00:00", SITE), ("10:00:00", SITE)], 50.0).expect("a halt is valid");
    assert_eq!(
        verdict(&halted, &ground(&Footprint::Point(off(SITE, 10.0, 49.0)))),
        Verdict::Overlap
    );
    assert_eq!(
        verdict(&halted, &ground(&Footprint::Point(off(SITE, 10.0, 51.0)))),
        Verdict::Clear
    );
    assert!(matches!(
        convoy(&[("09:00:00", west), ("09:00:00", SITE)], 50.0),
        Err(InputError::TwoPlacesAtOnce { .. })
    ));
    assert_eq!(
        convoy(&[("09:00:01", west), ("09:00:00", SITE)], 50.0),
        Err(InputError::TimeGoesBack { index: 1 })
    );
}

#[test]
fn trap_29_numbers_that_are_no_places_are_refused() {
    let with = |lon: f64, lat: f64| {
        try_ground(&planar(&[(lon, lat), (37.0, 36.0), (38.0, 36.0)])).expect_err("must be refused")
    };
    assert_eq!(
        with(f64::NAN, 36.0),
        InputError::NotANumber { what: "longitude" }
    );
    assert_eq!(
        with(37.0, f64::INFINITY),
        InputError::NotANumber { what: "latitude" }
    );
    assert_eq!(
        with(f64::NEG_INFINITY, 36.0),
        InputError::NotANumber { what: "longitude" }
    );
    assert_eq!(
        with(37.0, 91.0),
        InputError::LatitudeOutOfRange { degrees: 91.0 }
    );
    assert_eq!(
        with(540.0, 36.0),
        InputError::LongitudeOutOfRange { degrees: 540.0 }
    );
    assert_eq!(place(-0.0, -0.0), place(0.0, 0.0));
    let many = vec![SITE; space::VERTICES_MAX + 1];
    assert!(matches!(
        try_ground(&Footprint::Polygon(Polygon::planar(many))),
        Err(InputError::TooManyVertices {
            limit: space::VERTICES_MAX,
            ..
        })
    ));
    assert_eq!(
        Limit::metres(100.0, None),
        Err(InputError::NoVerticalDatum { metres: 100.0 })
    );
    assert!(matches!(
        AltitudeBand::between(
            metres(200.0, VerticalDatum::Agl),
            metres(100.0, VerticalDatum::Agl)
        )
        .resolve(
            &GeoBox::new(place(37.0, 36.0), place(38.0, 37.0)).expect("a box"),
            &NoHeights
        ),
        Err(InputError::UpperBelowLower { by_cm: 10_000 })
    ));
    assert_eq!(Band::known(1, 2).low, 1);
}
