//! `truceline import`: sets of data, row by row, into the own log; the gazetteer.

use crate::config::Settings;
use crate::{Failure, Outcome};
use clap::{Args, Subcommand};
use formats::areas::Areas;
use formats::cells;
use formats::days::DayOffsets;
use formats::reports_csv::Set;
use formats::table::Rejected;
use formats::tally_csv::{self, Series};
use formats::{ged_csv, places_csv};
use indicatif::{ProgressBar, ProgressStyle};
use node::import::{Item, Plan};
use node::{Node, Running};
use record::audience::Audience;
use record::name::CallSign;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use truce::agreement::Answer;
use truce::incidents::NamedActors;
use truce::participants::Office;
use truce::wire::{Place, Wire};

/// Mistakes that are printed; the rest is counted.
const PROBLEMS_SHOWN_MAX: usize = 40;

/// Into which store, and for whom.
#[derive(Args)]
pub struct Target {
    /// The node's data directory; the node must not be running
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// In whose log, by call sign; needed in an exercise, where there are several
    #[arg(long = "as", value_name = "CALLSIGN")]
    call_sign: Option<String>,
    /// Which office says it
    #[arg(long, default_value = "verification_analyst")]
    office: String,
    /// Who may read it: public, parties, call signs, separated by commas; none for the own side alone
    #[arg(long, default_value = "public", value_name = "READERS")]
    audience: String,
    /// Tell what would be said, and say nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Subcommand)]
pub enum Command {
    /// Events of the UCDP Georeferenced Event Dataset, each as a report
    #[command(
        after_long_help = "EXAMPLE:\n  zcat ged_syria_2016.csv.gz | truceline import ged-csv - --data mission --places places.csv \\\n    --title 'UCDP GED Syria 652.1601.1911, Uppsala University, CC BY 4.0' --utc-offset +02:00,2016-03-25=+03:00 --dry-run\n\n\
        The file is read whole, or refused with every mistake by row and column: nothing is half-imported. A row that was imported\n\
        before is not said again; one that changed is corrected. Days stay days, and precision stays as the set gives it."
    )]
    GedCsv {
        #[command(flatten)]
        target: Target,
        /// The set, shown as the source with each report
        #[arg(long, default_value = "UCDP Georeferenced Event Dataset")]
        title: String,
        /// What makes its row names differ from those of other sets
        #[arg(long, default_value = "ucdp-ged")]
        prefix: String,
        /// How far the days are from UTC, and from which days on otherwise
        #[arg(long, default_value = "+00:00", value_name = "OFFSET[,DAY=OFFSET…]")]
        utc_offset: String,
        /// Gazetteer with place codes, by which districts are found
        #[arg(long, value_name = "FILE")]
        places: Option<PathBuf>,
        /// The file, or - for standard input
        file: PathBuf,
    },
    /// One side's daily counts, each as a tally
    #[command(
        after_long_help = "EXAMPLE:\n  truceline import tally-csv daily.csv --by-province by_province.csv --data mission --counted violations \\\n    --about 'the other side' --title 'Bulletin of the reconciliation centre' --utc-offset +03:00\n\n\
        Totals and lines are kept as they were published. Where they do not add up, both are shown."
    )]
    TallyCsv {
        #[command(flatten)]
        target: Target,
        /// What is counted, in the issuer's word
        #[arg(long, default_value = "violations")]
        counted: String,
        /// Whose acts are counted
        #[arg(long, default_value = "the other side")]
        about: String,
        /// Name of the bulletins
        #[arg(long, default_value = "Bulletin")]
        title: String,
        /// How far the days are from UTC
        #[arg(long, default_value = "+00:00", value_name = "OFFSET[,DAY=OFFSET…]")]
        utc_offset: String,
        /// The same counts by province
        #[arg(long, value_name = "FILE")]
        by_province: Option<PathBuf>,
        /// The file, or - for standard input
        file: PathBuf,
    },
    /// The gazetteer: places with all of their names
    #[command(
        after_long_help = "EXAMPLE:\n  truceline import places places.csv --data mission\n\n\
        It is reference data of this node and no part of the record: it finds places by any of their names and decides nothing."
    )]
    Places {
        /// The node's data directory; the node must not be running
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Tell what would be loaded, and load nothing
        #[arg(long)]
        dry_run: bool,
        /// The file, or - for standard input
        file: PathBuf,
    },
}

pub fn run(command: Command, settings: &Settings) -> Outcome {
    match command {
        Command::GedCsv {
            target,
            title,
            prefix,
            utc_offset,
            places,
            file,
        } => {
            let set = Set::new(&prefix, &title, offsets(&utc_offset)?).map_err(Failure::new)?;
            let mut events = read(&file, ged_csv::read)?;
            if let Some(places) = places {
                let places = read(&places, places_csv::read)?;
                let areas = Areas::of(&places, truce::names::stem);
                for event in &mut events {
                    let located = areas.locate(&event.report);
                    event.report.pcode = located.map(|located| (located.pcode, located.basis));
                }
            }
            let items = events
                .iter()
                .map(|event| Item::report(event.report.groups(&set)));
            import(&target, settings, items.collect())
        }
        Command::TallyCsv {
            target,
            counted,
            about,
            title,
            utc_offset,
            by_province,
            file,
        } => {
            let days = offsets(&utc_offset)?;
            let daily = read(&file, |bytes| {
                tally_csv::read(bytes).or_else(|_| tally_csv::read_daily(bytes))
            })?;
            let lines = match by_province {
                Some(file) => read(&file, tally_csv::read_by_province)?,
                None => Vec::new(),
            };
            let series = Series {
                counted: &counted,
                about: &about,
                title: &title,
                days: &days,
            };
            let tallies = tally_csv::join(daily, lines);
            let items = tallies
                .iter()
                .map(|tally| Item::tally(tally.groups(&series)));
            import(&target, settings, items.collect())
        }
        Command::Places {
            data,
            dry_run,
            file,
        } => {
            let places = read(&file, places_csv::read)?;
            if dry_run {
                println!("{} places would be loaded.", places.len());
                return Ok(());
            }
            let node = open(data.as_deref(), settings)?;
            let changed = node.places().load(&places)?;
            println!(
                "{} places read, {changed} of them new or changed; the gazetteer has {}.",
                places.len(),
                node.places().count()?
            );
            Ok(())
        }
    }
}

/// `+02:00,2016-03-25=+03:00`: the first distance from UTC, then others from days on.
pub fn offsets(text: &str) -> Result<DayOffsets, Failure> {
    let wrong = || {
        Failure::new(format!(
            "--utc-offset {text:?}: write +02:00, or +02:00,2016-03-25=+03:00 with days in their order"
        ))
    };
    let mut parts = text.split(',');
    let first = parts.next().and_then(minutes).ok_or_else(wrong)?;
    let mut offsets = DayOffsets::fixed(first).ok_or_else(wrong)?;
    for part in parts {
        let (day, minutes_east) = part.split_once('=').ok_or_else(wrong)?;
        let day = cells::day(day.trim()).map_err(|_| wrong())?;
        let minutes_east = minutes(minutes_east).ok_or_else(wrong)?;
        offsets = offsets.from_day(day, minutes_east).ok_or_else(wrong)?;
    }
    Ok(offsets)
}

fn minutes(text: &str) -> Option<i16> {
    let text = text.trim();
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=14).contains(&hours) && (0..60).contains(&minutes))
        .then_some(sign * (hours * 60 + minutes))
}

/// Reads a file whole, or says every mistake in it.
pub fn read<T>(
    file: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, Rejected>,
) -> Result<T, Failure> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        bytes
    } else {
        std::fs::read(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?
    };
    parse(&bytes).map_err(|rejected| mistakes(file, &rejected))
}

fn mistakes(file: &Path, rejected: &Rejected) -> Failure {
    let mut lines = rejected.lines();
    let more = lines.len().saturating_sub(PROBLEMS_SHOWN_MAX);
    lines.truncate(PROBLEMS_SHOWN_MAX);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let file = file.display();
    Failure::new(format!(
        "{file}: nothing was imported\n  {}",
        lines.join("\n  ")
    ))
}

fn open(data: Option<&Path>, settings: &Settings) -> Result<Running, Failure> {
    let dir = data.unwrap_or(&settings.data);
    let bar = bar("folding", 0);
    let running = Node::open_with_progress(dir, settings.node(), &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    Ok(running?)
}

pub fn bar(what: &str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}");
    let bar = ProgressBar::new(total).with_message(what.to_owned());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn import(target: &Target, settings: &Settings, items: Vec<Item>) -> Outcome {
    let node = open(target.data.as_deref(), settings)?;
    let call_sign = target.participant(&node)?;
    let office = Office::read(&target.office.as_str().into(), &Place::Top)
        .map_err(|error| Failure::new(format!("--office {}: {error}", target.office)))?;
    let audience = target.readers()?;
    node.settle();
    let views = node.views(&node.eyes_of(Some(&call_sign))).clone();
    summary(&items, &views.context().agreement);
    let plan = Plan::of(&views, &call_sign, items)?;
    println!(
        "{} rows are new, {} changed, {} are known as they are.",
        plan.new.len(),
        plan.changed.len(),
        plan.same
    );
    if target.dry_run {
        println!("Nothing was said: this was a dry run.");
        return Ok(());
    }
    let total = plan.new.len() + plan.changed.len();
    let bar = bar("saying", total as u64);
    let done = node::import::run(&node, &call_sign, office, &audience, plan, &mut |logged| {
        bar.set_position(logged as u64);
    });
    bar.finish_and_clear();
    let done = done?;
    println!(
        "{} statements were said, {} corrections.",
        done.said, done.corrected
    );
    Ok(())
}

impl Target {
    fn participant(&self, node: &Node) -> Result<CallSign, Failure> {
        if let Some(text) = &self.call_sign {
            let sign: CallSign = text.parse()?;
            return Ok(node.own_of(&sign)?.call_sign.clone());
        }
        let mut own = node.own();
        match (own.next(), own.next()) {
            (Some(one), None) => Ok(one.call_sign.clone()),
            _ => Err(Failure::new(
                "this store holds several participants: name one with --as MISSION",
            )),
        }
    }

    fn readers(&self) -> Result<Audience, Failure> {
        let names = self
            .audience
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let names: Result<Vec<_>, _> = names.map(str::parse).collect();
        names
            .map(Audience::of)
            .map_err(|error| Failure::new(format!("--audience {}: {error}", self.audience)))
    }
}

/// What is in the set: precision and coverage, computed now from the instruments and never guessed.
fn summary(items: &[Item], agreement: &truce::agreement::Agreement) {
    let actors = NamedActors::of(agreement);
    let mut places: BTreeMap<i64, usize> = BTreeMap::new();
    let mut dates: BTreeMap<i64, usize> = BTreeMap::new();
    let mut coverage: BTreeMap<Answer, usize> = BTreeMap::new();
    for item in items.iter().filter(|item| item.kind == "report.file/1") {
        let body = item.groups.get("body").unwrap_or(&Value::Null);
        let number = |member: &str| body.get(member).and_then(Value::as_i64).unwrap_or_default();
        *places.entry(number("place_precision")).or_default() += 1;
        *dates.entry(number("date_precision")).or_default() += 1;
        if let Ok(report) = truce::incidents::Report::read(body, &Place::Top) {
            *coverage.entry(actors.coverage(&report).answer).or_default() += 1;
        }
    }
    let list = |counts: Vec<String>| counts.join(", ");
    println!("{} rows read.", items.len());
    if !coverage.is_empty() {
        let steps = |counts: &BTreeMap<i64, usize>| {
            list(
                counts
                    .iter()
                    .map(|(step, n)| format!("{step}: {n}"))
                    .collect(),
            )
        };
        println!(
            "  precision of places  {}   (1 exact, 7 the country alone)",
            steps(&places)
        );
        println!(
            "  precision of days    {}   (1 the day, 5 more than a month)",
            steps(&dates)
        );
        let count = |answer| coverage.get(&answer).copied().unwrap_or(0);
        let answers = [Answer::Covered, Answer::Excluded, Answer::Undetermined];
        let answers = answers.map(|answer| format!("{}: {}", answer.as_str(), count(answer)));
        println!(
            "  coverage             {}   (by the names that the instruments give)",
            list(answers.to_vec())
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_or_refused_with_an_example() {
        let day = cells::day("2016-06-20").unwrap();
        let syria = offsets("+02:00,2016-03-25=+03:00").unwrap();
        assert_eq!(syria.start_of(day), "2016-06-20T00:00:00+03:00");
        for bad in [
            "",
            "2",
            "+2",
            "+15:00",
            "+02:00,2016-13-01=+03:00",
            "+02:00,x",
        ] {
            assert!(
                offsets(bad).unwrap_err().message.contains("write +02:00"),
                "{bad}"
            );
        }
    }
}
