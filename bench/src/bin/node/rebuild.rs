//! Views from nothing, and a start with views that are there.

use crate::world::World;
use bench::Outcome;
use bench::measure::Processor;
use bench::table::{Goal, Table, Unit};
use node::node::{Node, Running, Settings};
use record::time::ManualClock;
use std::sync::Arc;
use std::time::Instant;

/// Opens the node with its clock at the end of the story; no machine speaks.
pub fn open(world: &World, progress: &mut dyn FnMut(u64, u64)) -> Outcome<Running> {
    let settings = Settings {
        clock: Arc::new(ManualClock::at(world.end)),
        clerk: false,
        ..Settings::default()
    };
    Ok(Node::open_with_progress(&world.home, settings, progress)?)
}

/// Measures both.
pub fn measure(world: &World, statements: u64, table: &mut Table) -> Outcome {
    let from = Instant::now();
    let before = Processor::now();
    let mut told = 0;
    let node = open(world, &mut |done, total| {
        let seconds = from.elapsed().as_secs();
        if seconds / 10 > told {
            told = seconds / 10;
            println!("  {done} of {total} folded after {seconds} s");
        }
    })?;
    let rebuilt = from.elapsed().as_secs_f64();
    for (thread, on, waiting) in Processor::now().since(&before, usize::try_from(statements)?) {
        println!(
            "  {thread:<12} {on:6.1} us on a processor, {waiting:6.1} us waiting for one, per statement"
        );
    }
    let goal = Goal::at_most("rebuild-1m", rebuilt * 1e3, 120_000.0, Unit::Ms);
    table.row(
        "all views anew",
        format!("{rebuilt:.1} s"),
        None,
        Some(goal),
    );
    drop(node);
    let from = Instant::now();
    let node = open(world, &mut |_, _| {})?;
    let start = from.elapsed().as_secs_f64() * 1e3;
    let goal = Goal::at_most("start-1m", start, 3_000.0, Unit::Ms);
    table.row("start with views", Unit::Ms.show(start), None, Some(goal));
    drop(node);
    Ok(())
}
