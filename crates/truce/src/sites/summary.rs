//! How many sites stand, for those who plan and have no need of a list: by area and category, rolled up so that few are never
//! told apart.
//!
//! What is published is a partition: each site is counted in exactly one cell, no cell has fewer than [`ROLLED_UP_BELOW`], and the
//! total is the sum of the cells. So whatever is added or subtracted comes out as a sum of cells again, and a small count is none.
//! Where small counts are told together, one that is not small is among them if there is any: whoever knows all areas and this rule
//! does not find them out by that either. It does not hold over time: who subtracts two summaries sees what was notified between them.

use super::Category;
use std::collections::BTreeMap;

/// A count below this is not told: it is added to the next wider area.
pub const ROLLED_UP_BELOW: u64 = 5;
/// Letters of the country, with which each code begins.
const COUNTRY_CHARS: usize = 2;
/// The same and two digits: a governorate.
const GOVERNORATE_CHARS: usize = 4;
/// The same and four digits: a district.
const DISTRICT_CHARS: usize = 6;

/// How wide an area is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A district.
    District,
    /// A governorate.
    Governorate,
    /// Everything.
    Whole,
}

impl Level {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::District => "district",
            Self::Governorate => "governorate",
            Self::Whole => "whole",
        }
    }
}

/// One cell: so many sites.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// How wide its area is.
    pub level: Level,
    /// The code of the area; `None` for everything.
    pub area: Option<String>,
    /// What they are; `None`: of several categories.
    pub category: Option<Category>,
    /// How many, at least [`ROLLED_UP_BELOW`]. What is counted in a finer area or by its category is not counted here again.
    pub count: u64,
}

/// How many sites there are, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How many in all; `None`: fewer than [`ROLLED_UP_BELOW`], also when there are none.
    pub total: Option<u64>,
    /// The finest first, each site in exactly one of them.
    pub cells: Vec<Cell>,
}

/// Sites that are told together at some level: a district's of one category, a governorate's, all of one category, all.
#[derive(Debug, Clone, Default)]
struct Part {
    sum: u64,
    /// As which cells they are told; none while there are too few.
    cells: Vec<Cell>,
}

impl Part {
    /// What these parts are together, with `more` that is known no finer, told as far as it may be. What is too small is told
    /// together, as `cell`; and where all of that is small, the smallest of the others with it (all that are equally small, so that
    /// nobody's place in an order tells anything). A sum of small counts alone would have a largest value, and tell each near to it;
    /// and of what stands in one cell it is not known which is which.
    fn of(parts: Vec<Self>, more: u64, mut cell: Cell) -> Self {
        let sum = parts.iter().map(|part| part.sum).sum::<u64>() + more;
        let (small, mut large): (Vec<Self>, Vec<Self>) = parts
            .into_iter()
            .partition(|part| part.sum < ROLLED_UP_BELOW);
        cell.count = small.iter().map(|part| part.sum).sum::<u64>() + more;
        if cell.count > 0 && more < ROLLED_UP_BELOW {
            let smallest = large.iter().map(|part| part.sum).min();
            let hide_behind = large.extract_if(.., |part| Some(part.sum) == smallest);
            cell.count += hide_behind.map(|part| part.sum).sum::<u64>();
        }
        let mut cells: Vec<Cell> = large.into_iter().flat_map(|part| part.cells).collect();
        if cell.count >= ROLLED_UP_BELOW {
            cells.push(cell);
        }
        Self { sum, cells }
    }
}

/// The counts of one category, by area.
#[derive(Debug, Default)]
struct ByArea {
    /// By governorate, and in it by district; what is known no finer than the governorate stands under `None`.
    governorates: BTreeMap<String, BTreeMap<Option<String>, u64>>,
    /// Known no finer than the whole.
    whole: u64,
}

impl ByArea {
    fn part(self, category: Category) -> Part {
        let governorates = self.governorates.into_iter();
        let governorates = governorates.map(|(governorate, mut districts)| {
            let more = districts.remove(&None).unwrap_or(0);
            let districts = districts.into_iter().map(|(district, count)| {
                let cell = cell(Level::District, district, Some(category));
                Part::of(Vec::new(), count, cell)
            });
            let cell = cell(Level::Governorate, Some(governorate), Some(category));
            Part::of(districts.collect(), more, cell)
        });
        let cell = cell(Level::Whole, None, Some(category));
        Part::of(governorates.collect(), self.whole, cell)
    }
}

/// Sums up sites, given as counts by the code of their area and their category. What has no code of that form is counted in the
/// whole alone.
#[must_use]
pub fn summary<'c>(counts: impl IntoIterator<Item = (&'c str, Category, u64)>) -> Summary {
    let mut by_category: BTreeMap<Category, ByArea> = BTreeMap::new();
    for (code, category, count) in counts {
        let by_area = by_category.entry(category).or_default();
        match Area::of(code) {
            Area {
                governorate: Some(governorate),
                district,
            } => {
                let districts = by_area.governorates.entry(governorate).or_default();
                *districts.entry(district).or_default() += count;
            }
            Area {
                governorate: None, ..
            } => by_area.whole += count,
        }
    }
    let categories = by_category
        .into_iter()
        .map(|(category, by_area)| by_area.part(category));
    let mut all = Part::of(categories.collect(), 0, cell(Level::Whole, None, None));
    all.cells.sort();
    Summary {
        total: (all.sum >= ROLLED_UP_BELOW).then_some(all.sum),
        cells: all.cells,
    }
}

fn cell(level: Level, area: Option<String>, category: Option<Category>) -> Cell {
    Cell {
        level,
        area,
        category,
        count: 0,
    }
}

/// Where a site is, as far as its code says.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Area {
    governorate: Option<String>,
    district: Option<String>,
}

impl Area {
    fn of(code: &str) -> Self {
        let (letters, digits) = code.split_at_checked(COUNTRY_CHARS).unwrap_or((code, ""));
        let is_code = letters.len() == COUNTRY_CHARS
            && letters.bytes().all(|byte| byte.is_ascii_uppercase())
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_code || digits.is_empty() {
            return Self::default();
        }
        // A code of another form is cut to the nearest wider area.
        let governorate = code.get(..GOVERNORATE_CHARS).unwrap_or(code);
        Self {
            governorate: Some(governorate.to_owned()),
            district: code.get(..DISTRICT_CHARS).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn clinics(counts: &[(&str, u64)]) -> Summary {
        let counts = counts.iter();
        summary(counts.map(|(code, count)| (*code, Category::Clinic, *count)))
    }

    fn told(summary: &Summary) -> Vec<(Option<&str>, u64)> {
        let cells = summary.cells.iter();
        cells
            .map(|cell| (cell.area.as_deref(), cell.count))
            .collect()
    }

    #[test]
    fn a_district_with_few_is_told_with_its_governorate_and_a_governorate_with_few_with_the_whole()
    {
        let summary = clinics(&[
            ("SY0200", 7),
            ("SY0201", 3),
            ("SY0202", 6),
            ("SY0701", 2),
            ("SY0800", 1),
            ("SY1000", 8),
            ("SY", 2),
            ("Aleppo", 1),
        ]);
        assert_eq!(summary.total, Some(30));
        // The 3 of one district stand behind the 6 of another, and those who are left behind the smallest governorate.
        assert_eq!(
            told(&summary),
            [(Some("SY0200"), 7), (Some("SY02"), 9), (None, 14)]
        );
    }

    #[test]
    fn one_facility_is_told_with_others_or_not_at_all() {
        assert_eq!(
            told(&clinics(&[("SY0200", 9), ("SY0701", 1)])),
            [(None, 10)]
        );
        let few = clinics(&[("SY0200", 3), ("SY0701", 1)]);
        assert_eq!((few.total, few.cells), (None, Vec::new()));
        assert_eq!(clinics(&[]).total, None, "none is fewer than five too");
    }

    #[test]
    fn categories_are_told_apart_as_far_as_each_has_enough() {
        let of = |category, count| ("SY0200", category, count);
        let summary = summary([
            of(Category::Clinic, 9),
            of(Category::Power, 5),
            of(Category::School, 4),
            of(Category::Water, 3),
        ]);
        let cells: Vec<_> = summary
            .cells
            .iter()
            .map(|cell| (cell.level, cell.category, cell.count))
            .collect();
        assert_eq!(
            cells,
            [
                (Level::District, Some(Category::Clinic), 9),
                (Level::Whole, None, 12)
            ]
        );
    }

    const CODES: [&str; 8] = [
        "SY0200", "SY0201", "SY0202", "SY02", "SY0700", "SY0701", "SY", "none",
    ];
    const CATEGORIES: [Category; 3] = [Category::Clinic, Category::School, Category::Water];

    fn counts() -> impl Strategy<Value = Vec<(&'static str, Category, u64)>> {
        let one = (
            prop::sample::select(CODES.to_vec()),
            prop::sample::select(CATEGORIES.to_vec()),
            prop_oneof![3 => 0..5_u64, 1 => 5..40_u64],
        );
        prop::collection::vec(one, 0..30)
    }

    proptest! {
        #[test]
        fn each_site_is_in_one_cell_of_at_least_five(counts in counts()) {
            let total: u64 = counts.iter().map(|(.., count)| count).sum();
            let told = summary(counts.clone());
            let sum: u64 = told.cells.iter().map(|cell| cell.count).sum();
            prop_assert_eq!(told.total, (total >= ROLLED_UP_BELOW).then_some(total));
            prop_assert_eq!(sum, told.total.unwrap_or(0), "the total is the sum of the cells");
            prop_assert!(told.cells.iter().all(|cell| cell.count >= ROLLED_UP_BELOW));
            let names: BTreeSet<_> = told.cells.iter().map(|c| (&c.area, c.category)).collect();
            prop_assert_eq!(names.len(), told.cells.len());
        }

        #[test]
        fn no_sum_or_difference_of_what_is_told_is_below_five(counts in counts()) {
            let told = summary(counts);
            let total = told.total.unwrap_or(0);
            let few = |count: u64| (1..ROLLED_UP_BELOW).contains(&count);
            // The total less any set of cells; all cells of an area, of a category, of a governorate with its districts.
            for cells in 0_u32..1 << told.cells.len().min(12) {
                let named = told.cells.iter().enumerate().filter(|(at, _)| cells >> at & 1 == 1);
                let sum: u64 = named.map(|(_, cell)| cell.count).sum();
                prop_assert!(!few(sum) && !few(total - sum), "{:?}", told);
            }
        }

        #[test]
        fn what_is_told_depends_on_the_counts_and_not_on_their_order(counts in counts()) {
            let mut other = counts.clone();
            other.reverse();
            let halves = other.iter().flat_map(|(code, category, count)| {
                [(*code, *category, count / 2), (*code, *category, count - count / 2)]
            });
            prop_assert_eq!(summary(halves), summary(counts));
        }
    }

    /// Whoever knows this rule and all areas, and goes through everything that could be there, finds no small count out.
    #[test]
    fn no_count_below_five_follows_from_what_is_told() {
        use Category::{Clinic, School};
        const MOST: u64 = 11;
        let worlds = [
            [
                ("SY0200", Clinic),
                ("SY0201", Clinic),
                ("SY0202", Clinic),
                ("SY0700", Clinic),
            ],
            [
                ("SY0200", Clinic),
                ("SY0201", Clinic),
                ("SY0700", Clinic),
                ("SY0701", Clinic),
            ],
            [
                ("SY0200", Clinic),
                ("SY0700", Clinic),
                ("SY0800", Clinic),
                ("SY1000", Clinic),
            ],
            [
                ("SY0200", Clinic),
                ("SY0201", Clinic),
                ("SY0200", School),
                ("SY0201", School),
            ],
            [
                ("SY0200", Clinic),
                ("SY0700", Clinic),
                ("SY02", Clinic),
                ("SY", School),
            ],
        ];
        for world in worlds {
            let mut same: BTreeMap<String, Vec<[u64; 4]>> = BTreeMap::new();
            for n in 0..(MOST + 1).pow(4) {
                let counts = [0, 1, 2, 3].map(|at| n / (MOST + 1).pow(at) % (MOST + 1));
                let told = summary(
                    world
                        .iter()
                        .zip(counts)
                        .map(|((code, of), count)| (*code, *of, count)),
                );
                same.entry(format!("{told:?}")).or_default().push(counts);
            }
            for (told, all) in same {
                // Counts that go up to the most that is tried here could go on.
                if all.iter().flatten().any(|count| *count == MOST) {
                    continue;
                }
                for at in 0..world.len() {
                    let values: BTreeSet<u64> = all.iter().map(|counts| counts[at]).collect();
                    let found = values.len() == 1 && (1..ROLLED_UP_BELOW).contains(&all[0][at]);
                    assert!(!found, "{told} tells of {:?}: {all:?}", world[at]);
                }
            }
        }
    }
}
