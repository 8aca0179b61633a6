//! Views from nothing, and a start with views that are there.

use crate::world::World;
use bench::Outcome;
use bench::table::{Goal, Table, Unit};
use node::node::{Node, Running, Settings};
use record::time::ManualClock;
use std::sync::Arc;
use std::time::Instant;

/// The size that the goals are for.
const MILLION: u64 = 1_000_000;

/// Opens the node with its clock at the end of the story; no machine speaks.
pub fn open(world: &World, progress: &mut dyn FnMut(u64, u64)) -> Outcome<Running> {
    let settings = Settings {
        clock: Arc::new(ManualClock::at(world.end)),
        clerk: false,
        ..Settings::default()
    };
    Ok(Node::open_with_progress(&world.home, settings, progress)?)
}

/// Views from nothing.
pub fn anew(world: &World, statements: u64, table: &mut Table) -> Outcome {
    let from = Instant::now();
    let spent = Spent::now()?;
    let mut told = 0;
    let node = open(world, &mut |done, total| {
        let seconds = from.elapsed().as_secs();
        if seconds / 10 > told {
            told = seconds / 10;
            println!("  {done} of {total} folded after {seconds} s");
        }
    })?;
    let rebuilt = from.elapsed().as_secs_f64();
    let busy = Spent::now()?.0 - spent.0;
    drop(node);
    println!(
        "of the processors it took {busy:.1} s, {:.1} us a statement",
        busy * 1e6 / statements as f64
    );
    let goal = Goal::at_most("rebuild-1m", rebuilt * 1e3, 120_000.0, Unit::Ms);
    let what = "all views anew";
    table.row(
        what,
        format!("{rebuilt:.1} s"),
        None,
        (statements >= MILLION).then_some(goal),
    );
    Ok(())
}

/// A start with views that are there.
pub fn start(world: &World, table: &mut Table) -> Outcome<Running> {
    let from = Instant::now();
    let node = open(world, &mut |_, _| {})?;
    let start = from.elapsed().as_secs_f64() * 1e3;
    let goal = Goal::at_most("start-1m", start, 3_000.0, Unit::Ms);
    table.row("start with views", Unit::Ms.show(start), None, Some(goal));
    Ok(node)
}

/// Full text follows the views by itself.
pub fn search(node: &Running, table: &mut Table) -> Outcome {
    let from = Instant::now();
    node.settle_search()?;
    let seconds = from.elapsed().as_secs_f64();
    table.row(
        "full text, until it has followed",
        format!("{seconds:.1} s"),
        None,
        None,
    );
    Ok(())
}

/// Seconds on a processor of this process, all threads together, also those that ended.
struct Spent(f64);

impl Spent {
    fn now() -> Outcome<Self> {
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        let fields: Vec<f64> = after
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|n| n.parse().ok())
            .collect();
        Ok(Self(fields.iter().sum::<f64>() / TICKS_PER_SECOND))
    }
}
