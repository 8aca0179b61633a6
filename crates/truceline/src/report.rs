//! `truceline audit`: what was verified, on one page that a journalist can follow.

use crate::{Failure, Outcome};
use clap::Args as ClapArgs;
use indicatif::{ProgressBar, ProgressStyle};
use record::audit::{self, Options, Report};
use record::c2sp::note::VerifierKey;
use record::files::{Directory, Stored};
use record::store::sqlite::RECORD;
use record::time::UtcMs;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

#[derive(ClapArgs)]
pub struct Args {
    /// A node's data directory, or published files: checkpoint, tile/…
    dir: PathBuf,
    /// The log's verifier key, as you know it from elsewhere
    #[arg(long, value_name = "VKEY")]
    pin: Option<String>,
    /// A witness who must have cosigned the head; may be given several times
    #[arg(long, value_name = "VKEY")]
    witness: Vec<String>,
    /// For machines
    #[arg(long)]
    json: bool,
}

/// A progress bar on long work; nothing where nobody sees it.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub fn new(what: &'static str) -> Self {
        let bar = ProgressBar::new(0);
        let style =
            ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} {msg}, {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self { bar }
    }

    pub fn show(&mut self, at: u64, of: u64) {
        self.bar.set_length(of);
        self.bar.set_position(at);
    }

    pub fn end(self) {
        self.bar.finish_and_clear();
    }
}

pub fn run(args: &Args) -> Outcome {
    let key = |text: &String| {
        VerifierKey::parse(text).map_err(|error| Failure::new(format!("{text}: {error}")))
    };
    let options = Options {
        pinned: args.pin.as_ref().map(key).transpose()?,
        witnesses: args.witness.iter().map(key).collect::<Result<_, _>>()?,
    };
    if !args.dir.is_dir() {
        return Err(Failure::new(format!(
            "{}: no such directory",
            args.dir.display()
        )));
    }
    let mut progress = Progress::new("entries");
    let show = |at, of| progress.show(at, of);
    let report = if args.dir.join(RECORD).exists() {
        audit::audit(&Stored::open(&args.dir)?, &options, show)
    } else {
        audit::audit(&Directory::new(&args.dir), &options, show)
    };
    progress.end();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&as_json(&report))?);
    } else {
        print!("{}", page(&report));
    }
    if report.is_sound() {
        return Ok(());
    }
    Err(Failure::new(match report.first_bad {
        Some(index) => format!("the log is not sound; the first bad entry is {index}"),
        None => "the log is not sound".to_owned(),
    }))
}

fn time(seconds: i64) -> String {
    UtcMs(seconds * 1000).to_string()
}

fn as_json(report: &Report) -> Value {
    let disclosures = report.disclosures.as_ref().map(|d| {
        json!({"opened": d.opened, "erased": d.erased, "absent": d.absent, "attachments": d.attachments})
    });
    json!({
        "sound": report.is_sound(),
        "first_bad": report.first_bad,
        "problems": report.problems.iter().map(|p| json!({"index": p.index, "what": p.what})).collect::<Vec<_>>(),
        "problems_count": report.problems_count,
        "origin": report.origin,
        "call_sign": report.call_sign,
        "identity": report.identity,
        "size": report.size,
        "root": report.root,
        "signed_by": report.signed_by,
        "pinned": report.pinned,
        "witnessed_by": report.witnessed_by.iter().map(|(name, at)| json!({"name": name, "at_s": at})).collect::<Vec<_>>(),
        "hashed": report.hashed,
        "signatures": report.signatures,
        "control": report.control,
        "keys": report.keys,
        "ineffective": report.ineffective.iter().map(|(index, why)| json!({"index": index, "why": why})).collect::<Vec<_>>(),
        "ineffective_count": report.ineffective_count,
        "disclosures": disclosures,
        "hashing_ms": u64::try_from(report.hashing.as_millis()).unwrap_or(u64::MAX),
        "checking_ms": u64::try_from(report.checking.as_millis()).unwrap_or(u64::MAX),
    })
}

/// One page. It says what was checked, what that means, and what it does not mean.
fn page(report: &Report) -> String {
    let mut out = String::new();
    let _ = write_page(&mut out, report);
    out
}

fn write_page(out: &mut String, report: &Report) -> std::fmt::Result {
    let verdict = if report.is_sound() {
        "EVERYTHING HOLDS"
    } else {
        "THIS LOG IS NOT SOUND"
    };
    writeln!(out, "{verdict}\n")?;
    writeln!(
        out,
        "Whose log      {} ({})",
        or_unknown(&report.call_sign),
        or_unknown(&report.origin)
    )?;
    writeln!(out, "Identity       {}", or_unknown(&report.identity))?;
    writeln!(
        out,
        "Signed head    {} entries, root {}",
        report.size,
        or_unknown(&report.root)
    )?;
    if let Some((first, last)) = report.minutes_s {
        writeln!(
            out,
            "Said between   {} and {}, as the authors' clocks had it",
            time(first),
            time(last)
        )?;
    }
    writeln!(out, "\nWhat was checked")?;
    writeln!(
        out,
        "  {} of {} entries were read and hashed, and the tree was built anew from them ({} ms).",
        report.hashed,
        report.size,
        report.hashing.as_millis()
    )?;
    writeln!(
        out,
        "  {} signatures were checked, each with the key that this log itself granted before ({} ms).",
        report.signatures,
        report.checking.as_millis()
    )?;
    writeln!(
        out,
        "  {} of the entries are about keys and offices and can be read by anybody; {} keys were granted.",
        report.control, report.keys
    )?;
    match report.signed_by.as_slice() {
        [] => writeln!(out, "  The head is not signed by a key of this log.")?,
        keys => writeln!(out, "  The head is signed by {}.", keys.join(" and "))?,
    }
    if report.pinned {
        writeln!(
            out,
            "  That this is the log whose key you gave was checked too."
        )?;
    } else {
        writeln!(
            out,
            "  You gave no key of your own (--pin): compare the one above with its owner over another line."
        )?;
    }
    for (name, at) in &report.witnessed_by {
        let at = i64::try_from(*at).map_or_else(|_| at.to_string(), time);
        writeln!(out, "  Witness {name} saw this very head at {at}.")?;
    }
    if let Some(d) = &report.disclosures {
        writeln!(
            out,
            "  {} disclosures were opened and are what was signed; {} were erased, {} are not held here; {} attachments are whole.",
            d.opened, d.erased, d.absent, d.attachments
        )?;
    }
    if report.ineffective_count > 0 {
        writeln!(
            out,
            "\n{} statements stand in the log but do not count:",
            report.ineffective_count
        )?;
        for (index, why) in &report.ineffective {
            writeln!(out, "  entry {index}: {why}")?;
        }
        more(out, report.ineffective_count, report.ineffective.len())?;
    }
    if report.problems_count > 0 {
        writeln!(out, "\n{} things do not hold:", report.problems_count)?;
        for problem in &report.problems {
            writeln!(out, "  {}", problem.what)?;
        }
        more(out, report.problems_count, report.problems.len())?;
        if let Some(index) = report.first_bad {
            writeln!(
                out,
                "The first bad entry is {index}. Entries before it are not concerned."
            )?;
        }
    }
    writeln!(out, "\nWhat this means")?;
    if report.is_sound() {
        writeln!(
            out,
            "  Nothing in this log was altered, removed or put in between since its head was signed."
        )?;
        writeln!(
            out,
            "  It does not mean that what was said is true, nor that nothing was left unsaid."
        )?;
        if report.witnessed_by.is_empty() {
            writeln!(
                out,
                "  Without a witness the log's keeper could still show others another log: ask for a cosigned head (--witness)."
            )?;
        }
    } else {
        writeln!(
            out,
            "  Do not rely on this copy. Keep it as it is, ask another holder for his, and audit that one."
        )?;
    }
    Ok(())
}

fn more(out: &mut String, all: u64, listed: usize) -> std::fmt::Result {
    let listed = listed as u64;
    if all > listed {
        writeln!(out, "  … and {} more", all - listed)
    } else {
        Ok(())
    }
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}
