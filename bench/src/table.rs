//! What is printed: one table, and last a line per goal.

use std::fmt;

/// How a number is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Pieces of work in a second.
    PerSecond,
    /// Milliseconds.
    Ms,
    /// How many times as much.
    Times,
    /// Bytes.
    Bytes,
    /// A number by itself.
    Number,
}

impl Unit {
    /// The number in this unit, without a space: a goal line has five words.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", grouped(value)),
            Self::Ms if value < 1.0 => format!("{value:.3}ms"),
            Self::Ms if value < 100.0 => format!("{value:.2}ms"),
            Self::Ms => format!("{}ms", grouped(value)),
            Self::Times => format!("{value:.2}x"),
            Self::Number => format!("{value:.2}"),
            Self::Bytes => format!("{}B", grouped(value)),
        }
    }
}

/// A whole number with commas.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What was measured, and what was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    name: String,
    measured: String,
    target: String,
    ok: bool,
}

impl Goal {
    /// Met by `target` and more.
    #[must_use]
    pub fn at_least(name: &str, measured: f64, target: f64, unit: Unit) -> Self {
        Self::new(name, measured, (">=", target), unit, measured >= target)
    }

    /// Met by `target` and less.
    #[must_use]
    pub fn at_most(name: &str, measured: f64, target: f64, unit: Unit) -> Self {
        Self::new(name, measured, ("<=", target), unit, measured <= target)
    }

    fn new(name: &str, measured: f64, target: (&str, f64), unit: Unit, ok: bool) -> Self {
        Self {
            name: name.to_owned(),
            measured: unit.show(measured),
            target: format!("{}{}", target.0, unit.show(target.1)),
            ok,
        }
    }

    fn verdict(&self) -> &'static str {
        if self.ok { "ok" } else { "short" }
    }
}

/// The line that `cargo xtask bench` collects.
impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = self.verdict();
        write!(
            f,
            "GOAL {} {} {} {verdict}",
            self.name, self.measured, self.target
        )
    }
}

/// The peer's number beside ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    measured: String,
    ratio: String,
}

impl Peer {
    /// A peer that `name`s itself, measured in the same unit. The ratio is ours divided by the peer's.
    #[must_use]
    pub fn new(name: &str, ours: f64, measured: f64, unit: Unit) -> Self {
        Self {
            measured: format!("{name} {}", unit.show(measured)),
            ratio: Unit::Times.show(ours / measured),
        }
    }
}

/// Rows in the order in which they were measured.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<[String; 5]>,
    goals: Vec<Goal>,
}

impl Table {
    /// Adds a row.
    pub fn row(
        &mut self,
        what: impl Into<String>,
        ours: impl Into<String>,
        peer: Option<Peer>,
        goal: Option<Goal>,
    ) {
        let peer = peer.unwrap_or(Peer {
            measured: String::new(),
            ratio: String::new(),
        });
        let wanted = goal.as_ref();
        let wanted = wanted.map_or_else(String::new, |g| format!("{} {}", g.target, g.verdict()));
        self.rows
            .push([what.into(), ours.into(), peer.measured, peer.ratio, wanted]);
        self.goals.extend(goal);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "ours", "peer", "ours/peer", "goal"].map(str::to_owned);
        let wide = |row: &[String; 5], column: usize| row[column].chars().count();
        let all = || std::iter::once(&head).chain(&self.rows);
        let widths: Vec<usize> = (0..5)
            .map(|column| all().map(|row| wide(row, column)).max().unwrap_or(0))
            .collect();
        for (number, row) in all().enumerate() {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let gap = widths[column] - wide(row, column);
                line += &format!("| {cell}{} ", " ".repeat(gap));
            }
            writeln!(f, "{line}|")?;
            if number == 0 {
                let rule = widths
                    .iter()
                    .map(|width| format!("|{}", "-".repeat(width + 2)));
                writeln!(f, "{}|", rule.collect::<String>())?;
            }
        }
        self.goals.iter().try_for_each(|goal| writeln!(f, "{goal}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_line_has_five_words() {
        let goal = Goal::at_least("append-512", 14_210.4, 14_000.0, Unit::PerSecond);
        assert_eq!(goal.to_string(), "GOAL append-512 14,210/s >=14,000/s ok");
        let goal = Goal::at_most("receipt-p50", 12.0, 10.0, Unit::Ms);
        assert_eq!(goal.to_string(), "GOAL receipt-p50 12.00ms <=10.00ms short");
    }

    #[test]
    fn what_could_not_be_measured_is_short() {
        let goal = Goal::at_most("restart-1m", f64::NAN, 1000.0, Unit::Ms);
        assert_eq!(goal.to_string(), "GOAL restart-1m NaNms <=1,000ms short");
    }

    #[test]
    fn the_goals_stand_below_the_table() {
        let mut table = Table::default();
        let goal = Goal::at_most("bytes-per-leaf", 1246.0, 1280.0, Unit::Bytes);
        let peer = Peer::new("other", 1246.0, 2492.0, Unit::Bytes);
        table.row("bytes", "1,246B", Some(peer), Some(goal));
        let text = table.to_string();
        assert!(text.contains("| bytes | 1,246B | other 2,492B | 0.50x     | <=1,280B ok |"));
        assert!(text.ends_with("GOAL bytes-per-leaf 1,246B <=1,280B ok\n"));
    }
}
