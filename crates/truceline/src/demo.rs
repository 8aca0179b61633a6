//! `truceline demo`: the case of Syria, June 2016, in an exercise store of its own: real public facts, offices and no persons, and
//! a morning at the desks that is invented and says so.

use crate::config::Settings;
use crate::import::{self, bar};
use crate::play::Player;
use crate::serve::{self, Serving};
use crate::{Failure, Outcome};
use clap::Args as ClapArgs;
use formats::days::DayOffsets;
use formats::reports_csv::{self, Set};
use formats::scenario::{self, Scenario, What};
use formats::tally_csv::{self, Series};
use formats::{claims_csv, places_csv, toll_csv};
use jiff::civil::Date;
use node::clock::ExerciseClock;
use node::import::{Item, Plan};
use node::node::EXERCISE;
use node::{Node, NodeError};
use record::audience::{Audience, Name};
use record::name::CallSign;
use record::time::{Clock, UtcMs};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use truce::participants::Office;

const CASE: &str = include_str!("../../../demo/scenarios/case-syria-2016.truce");
const MORNING: &str = include_str!("../../../demo/syria-2016/morning.truce");
const EVENTS: &[u8] = include_bytes!("../../../demo/syria-2016/events.csv");
const PLACES: &[u8] = include_bytes!("../../../demo/syria-2016/places.csv");
const TALLIES: &[u8] = include_bytes!("../../../demo/syria-2016/tallies.csv");
const CLAIMS: &[u8] = include_bytes!("../../../demo/syria-2016/claims.csv");
const TOLLS: &[u8] = include_bytes!("../../../demo/syria-2016/toll.csv");
const EVENTS_TITLE: &str = "UCDP GED Syria 652.1601.1911, Uppsala University, CC BY 4.0";

/// What the demo's clock shows when it is opened first.
const OPENS_AT: &str = "2016-06-21T09:00:00Z";
/// Where the clock of a demo store stood when it was stopped.
const CLOCK_FILE: &str = "demo-clock";
/// How often the demo looks what has come in its clock, in real time.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// In whose log public data goes.
const MISSION: &str = "MISSION";
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

#[derive(ClapArgs)]
pub struct Args {
    /// The demo's own directory, made when it is not there
    #[arg(long, value_name = "DIR", default_value = "truceline-demo")]
    data: PathBuf,
    /// Where the clock opens; without it 21 June 2016 09:00Z, or where it stood
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Seconds of the demo in one second
    #[arg(long, default_value_t = 1)]
    speed: u32,
    /// Port on this machine; 0 takes any that is free
    #[arg(long, default_value_t = 8016)]
    port: u16,
    /// Load the demo and end, without serving it
    #[arg(long)]
    load_only: bool,
}

pub fn run(args: &Args, settings: &Settings) -> Outcome {
    let fresh = !args.data.join(EXERCISE).exists();
    if fresh && args.data.exists() && args.data.read_dir()?.next().is_some() {
        let dir = args.data.display();
        return Err(Failure::new(format!(
            "{dir}: there is something else here; a demo is loaded into a directory of its own (--data)"
        )));
    }
    let asked = args.at.as_deref().map(UtcMs::parse).transpose();
    let asked = asked.map_err(|rule| Failure::new(format!("--at: {rule}")))?;
    let at = match (asked, stood_at(&args.data)) {
        (Some(at), _) | (None, Some(at)) => at,
        (None, None) => UtcMs::parse(OPENS_AT).expect("a time"),
    };
    let facts = Facts::read()?;
    if fresh {
        let started = std::time::Instant::now();
        load(&args.data, &facts, at)?;
        println!("Loaded in {:.1} s.", started.elapsed().as_secs_f64());
    }
    if args.load_only {
        return Ok(());
    }
    let clock = Arc::new(ExerciseClock::new(at, args.speed));
    let node = Node::open(
        &args.data,
        node::Settings {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..settings.node()
        },
    )?;
    let fed = facts.feed(&node, node.now(), Since::Unknown, &mut |_| {})?;
    let serving = Serving::here(args.port);
    let data = args.data.clone();
    serve::run(node, &serving, move |node| {
        keep_feeding(node, &facts, fed, &data);
    })
}

/// Where the clock stood when the demo was stopped.
fn stood_at(data: &Path) -> Option<UtcMs> {
    let text = std::fs::read_to_string(data.join(CLOCK_FILE)).ok()?;
    UtcMs::parse(text.trim()).ok()
}

/// What happened since, as the demo's clock passes it.
fn keep_feeding(node: &Arc<Node>, facts: &Facts, mut fed: usize, data: &Path) {
    loop {
        std::thread::sleep(LOOK_EVERY);
        let now = node.now();
        let _ = std::fs::write(data.join(CLOCK_FILE), now.to_string());
        match facts.feed(node, now, Since::Row(fed), &mut |_| {}) {
            Ok(until) => fed = until,
            Err(failure) => tracing::error!(failure = failure.message, "the facts of the demo"),
        }
    }
}

/// What is said in the demo. What the case expects at nine stands at its end; the morning at the desks comes before.
pub(crate) fn told() -> String {
    let before_nine = CASE
        .split_once("\n2016-06-21T09:00Z")
        .map_or(CASE, |(before, _)| before);
    format!("{before_nine}\n{MORNING}")
}

/// Plays the case into a new store, with the facts of each day as they became known.
fn load(data: &Path, facts: &Facts, at: UtcMs) -> Outcome {
    println!(
        "Loading the case of Syria, February to June 2016, into {}",
        data.display()
    );
    let text = told();
    let scenario = scenario::parse(text.as_bytes()).map_err(|error| {
        Failure::new(format!(
            "the demo's scenario, line {}: {}",
            error.line, error.expected
        ))
    })?;
    let lines: Vec<_> = scenario
        .lines
        .iter()
        .filter(|line| line.at <= at && is_told(&line.what))
        .collect();
    let total = lines.len() + facts.until(at);
    let bar = bar("loading", total as u64);
    let mut player = new_player(&scenario, data)?;
    let node = Arc::clone(player.room.node());
    node.places().load(&facts.places)?;
    let mut fed = 0;
    let mut day = |player: &Player<'_>, morning: UtcMs| {
        player.room.set_clock(morning);
        fed = facts.feed(&node, morning, Since::Row(fed), &mut |n| bar.inc(n))?;
        Ok(())
    };
    for line in lines {
        days_between(player.room.now(), line.at, &mut |morning| {
            day(&player, morning)
        })?;
        player.room.set_clock(line.at);
        player
            .line(line)
            .map_err(|deviation| Failure::new(format!("the demo's scenario: {deviation:?}")))?;
        bar.inc(1);
    }
    days_between(player.room.now(), at, &mut |morning| day(&player, morning))?;
    bar.finish_and_clear();
    Ok(())
}

fn new_player<'s>(scenario: &'s Scenario, data: &Path) -> Result<Player<'s>, Failure> {
    Player::new(scenario, data, Office::ALL)
        .map_err(|deviation| Failure::new(format!("the demo's scenario: {deviation:?}")))
}

/// Expectations are the scenario's own; claims and numbers come from the tables, each with its source.
fn is_told(what: &What) -> bool {
    match what {
        What::Expect(_) => false,
        What::Say(say) => !["claim.", "toll.", "tally."]
            .iter()
            .any(|kind| say.kind.starts_with(kind)),
        _ => true,
    }
}

/// Calls `day` at 06:00Z of each day after `from` and not after `until`: what happened the day before is known by then.
fn days_between(
    from: UtcMs,
    until: UtcMs,
    day: &mut dyn FnMut(UtcMs) -> Result<(), Failure>,
) -> Outcome {
    const SIX_MS: i64 = 6 * 3600 * 1000;
    let mut morning = (from.0 - SIX_MS).div_euclid(DAY_MS) * DAY_MS + SIX_MS;
    while morning <= until.0 {
        if morning > from.0 {
            day(UtcMs(morning))?;
        }
        morning += DAY_MS;
    }
    Ok(())
}

/// From where on rows are said.
enum Since {
    /// Those before this one were said.
    Row(usize),
    /// What is in the record tells.
    Unknown,
}

/// The demo's tables: each row with the time from which it is known.
struct Facts {
    items: Vec<(UtcMs, Item)>,
    /// Relations of claims: which, between whom, by their keys.
    relations: Vec<(UtcMs, &'static str, String, String)>,
    places: Vec<places_csv::Place>,
}

impl Facts {
    fn read() -> Result<Self, Failure> {
        let wrong = |table: &str| {
            let table = table.to_owned();
            move |rejected: formats::table::Rejected| Failure::new(format!("{table}: {rejected}"))
        };
        let syria = import::offsets("+02:00,2016-03-25=+03:00,2016-10-28=+02:00")?;
        let moscow = import::offsets("+03:00")?;
        let utc = import::offsets("+00:00")?;
        let mut items = Vec::new();
        let set = Set::new("ucdp-ged", EVENTS_TITLE, syria.clone()).map_err(Failure::new)?;
        for report in reports_csv::read(EVENTS).map_err(wrong("events.csv"))? {
            items.push((
                ends(&syria, report.day_end)?,
                Item::report(report.groups(&set)),
            ));
        }
        let series = Series {
            counted: "violations",
            about: "the other side",
            title: "Bulletin of the Centre for Reconciliation",
            days: &moscow,
        };
        for tally in tally_csv::read(TALLIES).map_err(wrong("tallies.csv"))? {
            items.push((
                ends(&moscow, tally.day)?,
                Item::tally(tally.groups(&series)),
            ));
        }
        for toll in toll_csv::read(TOLLS).map_err(wrong("toll.csv"))? {
            items.push((
                ends(&utc, toll.until)?,
                Item::whole("toll.record/1", toll.groups(&utc)),
            ));
        }
        let claims = claims_csv::read(CLAIMS).map_err(wrong("claims.csv"))?;
        let mut keys = BTreeMap::new();
        for claim in &claims {
            let item = Item::whole("claim.record/1", claim.groups(&utc));
            keys.insert(claim.id.clone(), item.key.clone());
            items.push((ends(&utc, claim.said_on)?, item));
        }
        let mut relations = Vec::new();
        for claim in &claims {
            for (relation, others) in claim.relates.iter() {
                for other in others {
                    let (one, second) = (keys[&claim.id].clone(), keys[other].clone());
                    relations.push((ends(&utc, claim.said_on)?, *relation, one, second));
                }
            }
        }
        items.sort_by_key(|(known, _)| *known);
        let places = places_csv::read(PLACES).map_err(wrong("places.csv"))?;
        Ok(Self {
            items,
            relations,
            places,
        })
    }

    /// How many rows are known at a time.
    fn until(&self, now: UtcMs) -> usize {
        self.items.partition_point(|(known, _)| *known <= now)
    }

    /// Says what is known at `now` and was not said before; how many rows are said then.
    fn feed(
        &self,
        node: &Arc<Node>,
        now: UtcMs,
        since: Since,
        progress: &mut dyn FnMut(u64),
    ) -> Result<usize, Failure> {
        let mission: CallSign = MISSION.parse()?;
        let until = self.until(now);
        let rows = |from: usize| {
            let due = self.items[from.min(until)..until].iter();
            due.map(|(_, item)| item.clone()).collect::<Vec<Item>>()
        };
        let plan = match since {
            Since::Row(from) => Plan {
                new: rows(from),
                ..Plan::default()
            },
            Since::Unknown => {
                node.settle();
                let views = node.views(&node.eyes_of(Some(&mission)));
                Plan::of(views, &mission, rows(0))?
            }
        };
        if plan.new.is_empty() && plan.changed.is_empty() {
            return Ok(until);
        }
        let claims = plan.new.iter().any(|item| item.kind == "claim.record/1");
        let (public, office) = (Audience::of([Name::Public]), Office::VerificationAnalyst);
        let mut before = 0;
        node::import::run(node, &mission, office, &public, plan, &mut |logged| {
            progress((logged - before) as u64);
            before = logged;
        })?;
        if claims {
            self.relate(node, &mission, now)?;
        }
        Ok(until)
    }

    /// Says how claims stand to each other, of those that have been recorded.
    fn relate(&self, node: &Arc<Node>, mission: &CallSign, now: UtcMs) -> Outcome {
        node.settle();
        let views = Arc::clone(node.views(&node.eyes_of(Some(mission))));
        let said = node::import::said(&views, mission, "claim.record/1")?;
        for (_, relation, one, other) in self.relations.iter().filter(|(known, ..)| *known <= now) {
            let (Some(one), Some(other)) = (said.get(one), said.get(other)) else {
                continue;
            };
            let row = views.object("claim", other)?.unwrap_or_default();
            let row: Value = serde_json::from_str(&row).unwrap_or_default();
            let known = row["related"][*relation].as_array();
            let name = one.to_string();
            if known.is_some_and(|known| known.iter().any(|known| *known == name)) {
                continue;
            }
            let body = Map::from_iter([("body".to_owned(), json!({"relation": relation}))]);
            let public = Audience::of([Name::Public]);
            let draft =
                node::import::draft("claim.relate/1", &node.now().to_string(), &public, body)?;
            let draft = draft.about(vec![one.clone(), other.clone()]);
            node.say_draft(mission, Office::VerificationAnalyst, None, draft)
                .map_err(|error: NodeError| Failure::new(error.to_string()))?;
        }
        Ok(())
    }
}

/// When a day is over.
fn ends(days: &DayOffsets, day: Date) -> Result<UtcMs, Failure> {
    UtcMs::parse(&days.end_of(day)).map_err(Failure::new)
}
