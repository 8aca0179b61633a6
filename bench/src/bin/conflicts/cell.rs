//! The busy cell: a thousand flights in one square kilometre. Each notice comes signed over HTTP, is logged on the disk, folded
//! into the views, taken into the index, and answered with what it meets. Whether every conflict was found is judged by
//! comparing each flight with each other, without the index.

use bench::Outcome;
use bench::cast::Words;
use bench::clients::{self, Connected, Kept, Load, Pace};
use bench::dice::Dice;
use bench::disk::Scratch;
use bench::measure::{Latency, median};
use bench::served::{CONNECTIONS, Served};
use bench::table::{Goal, Table, Unit};
use node::authority::Eyes;
use node::deconfliction::{CLOCKS_MS, convert};
use record::encoding::Hash;
use record::key::SecretKey;
use record::name::{LogId, Reference};
use record::statement::Kid;
use record::time::{Clock, SystemClock, UtcMs};
use serde_json::{Value, json};
use space::{Rules, Verdict, Volume};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use truce::movements::Exact;
use truce::wire::{Place, Wire};

/// Flights in the cell.
const FLIGHTS: usize = 1_000;
/// South-western corner and side of the cell, in 1e-7 degree: about a kilometre each way.
const CORNER_E7: (i64, i64) = (362_000_000, 371_600_000);
const SIDE_E7: (u64, u64) = (90_000, 111_000);
/// Half of the flights' width, in metres.
const RADIUS_M: i64 = 50;
/// The hours over which they are spread, and how long each lasts, in minutes.
const DAY_MIN: u64 = 8 * 60;
const LASTS_MIN: u64 = 30;
/// Layers of height, each so high, in centimetres.
const LAYERS: u64 = 2;
const LAYER_CM: u64 = 3_000;
/// Notices that have to be taken in a second.
const PER_SECOND_MIN: f64 = 500.0;
/// More than can be taken in a second, so that a flood does not end early.
const FLOOD_PER_SECOND_MAX: usize = 2_000;
/// Cells that are filled one after the other; the median counts.
const FILLED: usize = 5;

/// Fills cells, and then revises what is in the last one.
pub fn measure(folder: &Path, small: bool, table: &mut Table) -> Outcome {
    let (filled, revising) = match small {
        true => (1, Duration::from_secs(3)),
        false => (FILLED, Duration::from_secs(30)),
    };
    let mut rates = Vec::new();
    let mut latencies = Vec::new();
    for number in 0..filled {
        let scratch = Scratch::new(folder, "conflicts")?;
        let mut cell = Cell::open(scratch.path(), number as u64)?;
        let (load, pairs) = cell.fill()?;
        println!("cell {number}: {load}; {pairs} conflicts, all of them told");
        rates.push(load.per_second);
        latencies.push(load.latency);
        let told = pairs;
        if number + 1 == filled {
            let (load, pairs) = cell.revise(revising)?;
            println!("revised: {load}; {pairs} conflicts at the end, all of them listed");
            for (thread, on, waiting) in &load.spent {
                println!(
                    "  {thread:<15} {on:6.1} us on a processor, {waiting:6.1} us waiting for one, for each notice"
                );
            }
            rows(
                median(&rates),
                &Latency::median(&latencies),
                told,
                &load,
                pairs,
                table,
            );
        }
        cell.served.stop()?;
    }
    Ok(())
}

fn rows(
    filled: f64,
    latency: &Latency,
    found: usize,
    revised: &Load,
    pairs: usize,
    table: &mut Table,
) {
    let both = |latency: &Latency| {
        let ms = |ms: f64| Unit::Ms.show(ms);
        format!("{}, p99 {}", ms(latency.p50_ms), ms(latency.p99_ms))
    };
    let goal = |name, rate| Some(Goal::at_least(name, rate, PER_SECOND_MIN, Unit::PerSecond));
    table.row(
        format!("{FLIGHTS} flights notified into 1 km2, {CONNECTIONS} clients, signed, checked, {found} conflicts told"),
        Unit::PerSecond.show(filled),
        None,
        goal("busy-cell-notify", filled),
    );
    table.row("  the same, sent to answer", both(latency), None, None);
    table.row(
        format!("the same flights revised, {FLIGHTS} in 1 km2 all the time, {pairs} conflicts listed at the end"),
        Unit::PerSecond.show(revised.per_second),
        None,
        goal("busy-cell-revise", revised.per_second),
    );
    table.row(
        "  the same, sent to answer",
        both(&revised.latency),
        None,
        None,
    );
}

/// A mission that notifies flights in one cell.
struct Cell {
    served: Served,
    log: LogId,
    desk: (Kid, SecretKey),
    dice: Dice,
    now: UtcMs,
    /// Of each flight its first notice, and its volumes as they were notified last.
    flights: Vec<(Reference, Vec<Volume>)>,
}

/// Signed notices, and what of them is needed to judge the answers.
struct Notices {
    bodies: Arc<Vec<Vec<u8>>>,
    /// By leaf: which flight, and its volumes.
    by_leaf: HashMap<Hash, (usize, Vec<Volume>)>,
}

impl Cell {
    fn open(dir: &Path, seed: u64) -> Outcome<Self> {
        let served = Served::start(dir)?;
        let desk = served
            .desks()
            .first()
            .ok_or("the home keeps no desk's key")?;
        Ok(Self {
            log: served.log()?,
            desk: desk.clone(),
            served,
            dice: Dice::new(seed),
            now: SystemClock.now(),
            flights: Vec::new(),
        })
    }

    /// Notifies all flights. What was told in the answers is exactly what meets.
    fn fill(&mut self) -> Outcome<(Load, usize)> {
        let notices = self.signed(FLIGHTS, |_| None)?;
        let (load, answers) = self.bring(&notices, Duration::from_secs(60))?;
        let mut flights: BTreeMap<usize, (Reference, Vec<Volume>)> = BTreeMap::new();
        for answer in &answers {
            let (flight, volumes) = notices.of(&answer.reference)?;
            flights.insert(*flight, (answer.reference.clone(), volumes.clone()));
        }
        if flights.len() != FLIGHTS {
            return Err(format!("{} of {FLIGHTS} flights were answered", flights.len()).into());
        }
        self.flights = flights.into_values().collect();
        let told: BTreeSet<(String, String)> = answers
            .iter()
            .flat_map(|answer| {
                let meets = answer.meets.iter();
                meets.map(|other| pair(&answer.reference.to_string(), other))
            })
            .collect();
        same(&told, &self.meet(), "told in the answers")?;
        same(&self.listed()?, &told, "listed")?;
        Ok((load, told.len()))
    }

    /// Revises flights for a while. What is listed at the end is exactly what meets then.
    fn revise(&mut self, during: Duration) -> Outcome<(Load, usize)> {
        let count = FLOOD_PER_SECOND_MAX * usize::try_from(during.as_secs())?;
        let first: Vec<Reference> = self
            .flights
            .iter()
            .map(|(first, _)| first.clone())
            .collect();
        let notices = self.signed(count, |flight| first.get(flight).cloned())?;
        let (load, mut answers) = self.bring(&notices, during)?;
        answers.sort_by_key(|answer| answer.reference.index);
        for answer in &answers {
            let (flight, volumes) = notices.of(&answer.reference)?;
            self.flights[*flight].1.clone_from(volumes);
        }
        let listed = self.listed()?;
        same(&listed, &self.meet(), "listed")?;
        Ok((load, listed.len()))
    }

    fn signed(
        &mut self,
        count: usize,
        about: impl Fn(usize) -> Option<Reference>,
    ) -> Outcome<Notices> {
        let mut bodies = Vec::with_capacity(count);
        let mut by_leaf = HashMap::with_capacity(count);
        for number in 0..count {
            let flight = number % FLIGHTS;
            let about: Vec<Reference> = about(flight).into_iter().collect();
            let (body, exact) = self.notice();
            let read = Exact::read(&exact, &Place::Top)?;
            let route =
                truce::volumes::of_legs(&read.legs, read.datum).ok_or("a flight has legs")?;
            let volumes = convert::volumes(&route, &Place::Top)?;
            let kind = match about.is_empty() {
                true => "movement.notify/1",
                false => "movement.revise/1",
            };
            let groups: Vec<(&str, &[&str], Value)> = vec![
                ("body", &["parties", "RU"], body),
                ("exact", &["RU"], exact),
            ];
            let words = Words {
                kind,
                at: self.now,
                about,
                groups,
            };
            let statement = words.signed(&self.desk, &self.log)?;
            by_leaf.insert(statement.leaf().hash(), (flight, volumes));
            // What a statement is made of needs no escape in JSON.
            bodies.push(format!("{{\"statement\":\"{statement}\"}}").into_bytes());
        }
        Ok(Notices {
            bodies: Arc::new(bodies),
            by_leaf,
        })
    }

    /// A flight across the cell, two days from now.
    fn notice(&mut self) -> (Value, Value) {
        let day = UtcMs(self.now.0 + 48 * 3600 * 1000);
        let at =
            |minutes: u64| UtcMs(day.0 + i64::try_from(minutes * 60_000).unwrap_or(0)).to_string();
        let begins = self.dice.below(DAY_MIN);
        let floor_cm = 1_000 + self.dice.below(LAYERS) * LAYER_CM;
        let mut place = || {
            let (north, east) = (self.dice.below(SIDE_E7.0), self.dice.below(SIDE_E7.1));
            json!({"lat_e7": CORNER_E7.0 + north as i64, "lon_e7": CORNER_E7.1 + east as i64})
        };
        let legs = json!([{"from": place(), "from_at": at(begins), "to": place(), "to_at": at(begins + LASTS_MIN), "radius_m": RADIUS_M,
            "altitude": {"floor_cm": floor_cm, "ceiling_cm": floor_cm + LAYER_CM - 100, "datum": "ellipsoid"}}]);
        let body = json!({"purpose": "observation_flight", "mode": "air", "to": ["RU"], "persons": 0, "from": at(begins),
            "until": at(begins + LASTS_MIN), "protection": "unchanged"});
        (body, json!({"legs": legs, "datum": "wgs84"}))
    }

    fn bring(&self, notices: &Notices, during: Duration) -> Outcome<(Load, Vec<Answer>)> {
        let kept = Kept::default();
        let clients = self.served.clients(&notices.bodies);
        let clients = clients.into_iter().map(|client| client.keeping(&kept));
        let count = notices.bodies.len();
        let load = clients::bring::<Connected>(clients.collect(), count, Pace::Flood, during)?;
        self.served.node().settle();
        self.served.node().survey();
        let kept = kept.lock().map_err(|_| "a client panicked")?;
        let answers = kept.iter().map(|text| Answer::read(text));
        Ok((load, answers.collect::<Outcome<_>>()?))
    }

    /// What is listed for the mission's own people.
    fn listed(&self) -> Outcome<BTreeSet<(String, String)>> {
        let index = self.served.node().notified(&Eyes::Node);
        let pairs = index.pairs(self.served.views(), None, |_, _| true)?;
        let pairs = pairs.into_iter();
        let pairs = pairs.map(|met| {
            let reference = |notice: &node::deconfliction::Noticed| notice.reference.to_string();
            pair(&reference(&met.found.one), &reference(&met.found.other))
        });
        Ok(pairs.collect())
    }

    /// What meets, each flight compared with each other.
    fn meet(&self) -> BTreeSet<(String, String)> {
        let rules = Rules {
            clock_ms: CLOCKS_MS,
        };
        let mut all = BTreeSet::new();
        for (number, (one, volumes)) in self.flights.iter().enumerate() {
            for (other, others) in &self.flights[..number] {
                let mut pairs = volumes
                    .iter()
                    .flat_map(|v| others.iter().map(move |o| (v, o)));
                if pairs.any(|(v, o)| v.judge(o, rules).verdict != Verdict::Clear) {
                    all.insert(pair(&one.to_string(), &other.to_string()));
                }
            }
        }
        all
    }
}

impl Notices {
    fn of(&self, said: &Reference) -> Outcome<&(usize, Vec<Volume>)> {
        let notice = self.by_leaf.get(&said.leaf);
        notice.ok_or_else(|| format!("{said} was answered and never sent").into())
    }
}

/// What was answered to a notice.
struct Answer {
    reference: Reference,
    /// First notices of what it meets.
    meets: Vec<String>,
}

impl Answer {
    fn read(text: &str) -> Outcome<Self> {
        let answer: Value = serde_json::from_str(text)?;
        let review = &answer["review"];
        let as_of = review["as_of"]
            .as_array()
            .is_some_and(|read| !read.is_empty());
        if !as_of || review["more"] != 0 {
            return Err(format!("a notice was answered without all that it meets: {text}").into());
        }
        let meets = review["conflicts"].as_array().into_iter().flatten();
        let meets = meets.filter_map(|row| row["reference"].as_str().map(str::to_owned));
        Ok(Self {
            reference: answer["reference"].as_str().unwrap_or_default().parse()?,
            meets: meets.collect(),
        })
    }
}

fn pair(one: &str, other: &str) -> (String, String) {
    let (first, last) = if one < other {
        (one, other)
    } else {
        (other, one)
    };
    (first.to_owned(), last.to_owned())
}

fn same(
    told: &BTreeSet<(String, String)>,
    meet: &BTreeSet<(String, String)>,
    how: &str,
) -> Outcome {
    let missing = meet.difference(told).count();
    let wrong = told.difference(meet).count();
    if missing + wrong > 0 {
        return Err(format!(
            "of {} conflicts {missing} were not {how}, and {wrong} that are none were",
            meet.len()
        )
        .into());
    }
    Ok(())
}
