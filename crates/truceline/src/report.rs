//! `truceline audit`: what was verified, on one page that a journalist can follow.

use crate::remote::{self, HttpLog, Listed, Published, RemoteError};
use crate::{Failure, Outcome};
use clap::Args as ClapArgs;
use indicatif::{ProgressBar, ProgressStyle};
use record::audit::{self, Options, Report};
use record::c2sp::checkpoint::SignedCheckpoint;
use record::c2sp::note::VerifierKey;
use record::files::{Directory, LogFiles, Stored};
use record::store::sqlite::RECORD;
use record::time::UtcMs;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Exit status when a log could not be read to its end: nothing is said about it then.
const EXIT_UNREAD: u8 = 3;

#[derive(ClapArgs)]
pub struct Args {
    /// A node's data directory, published files (checkpoint, tile/…), or the address of a log or of a node
    #[arg(value_name = "DIR|URL")]
    place: String,
    /// A log's verifier key, as you know it from elsewhere; once for each log that you have a key of
    #[arg(long, value_name = "VKEY")]
    pin: Vec<String>,
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

/// What the auditor brings along.
struct Wanted {
    pins: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
}

impl Wanted {
    fn of(args: &Args) -> Result<Self, Failure> {
        let keys = |texts: &[String]| {
            let key = |text: &String| {
                VerifierKey::parse(text).map_err(|error| Failure::new(format!("{text}: {error}")))
            };
            texts.iter().map(key).collect::<Result<Vec<_>, _>>()
        };
        let pins = keys(&args.pin)?;
        let twice =
            (1..pins.len()).find(|at| pins[..*at].iter().any(|pin| pin.name() == pins[*at].name()));
        if let Some(at) = twice {
            let origin = pins[at].name();
            return Err(Failure::new(format!(
                "--pin names two keys of {origin}; give the one that you trust"
            )));
        }
        Ok(Self {
            pins,
            witnesses: keys(&args.witness)?,
        })
    }

    /// For the log of `origin`: its own pin, or else the first, which then does not fit.
    fn options(&self, origin: Option<&str>) -> Options {
        let own = self.pins.iter().find(|pin| Some(pin.name()) == origin);
        Options {
            pinned: own.or(self.pins.first()).cloned(),
            witnesses: self.witnesses.clone(),
        }
    }

    /// The same where several logs are audited: those without a pin vouch for themselves.
    fn options_among(&self, origin: Option<&str>) -> Options {
        let own = self.pins.iter().find(|pin| Some(pin.name()) == origin);
        Options {
            pinned: own.cloned(),
            witnesses: self.witnesses.clone(),
        }
    }
}

pub fn run(args: &Args) -> Outcome {
    let wanted = Wanted::of(args)?;
    if !remote::is_address(&args.place) {
        return show(args, &audit_directory(Path::new(&args.place), &wanted)?);
    }
    match remote::published(&args.place).map_err(unread)? {
        Published::Log(log) => {
            let options = wanted.options(origin_of(&*log).as_deref());
            show(args, &audit_remote(*log, &options).map_err(unread)?)
        }
        Published::Logs(logs) => audit_all(args, &wanted, logs),
    }
}

fn unread(error: RemoteError) -> Failure {
    let status = EXIT_UNREAD;
    let message =
        format!("{error}\n  Nothing could be verified, so nothing is said about any log.");
    Failure { message, status }
}

fn audit_directory(dir: &Path, wanted: &Wanted) -> Result<Report, Failure> {
    if !dir.is_dir() {
        return Err(Failure::new(format!(
            "{}: no such directory",
            dir.display()
        )));
    }
    if dir.join(RECORD).exists() {
        let stored = Stored::open(dir)?;
        return Ok(audit(
            &stored,
            &wanted.options(origin_of(&stored).as_deref()),
        ));
    }
    let published = Directory::new(dir);
    Ok(audit(
        &published,
        &wanted.options(origin_of(&published).as_deref()),
    ))
}

fn audit_remote(log: HttpLog, options: &Options) -> Result<Report, RemoteError> {
    let report = audit(&log, options);
    log.failure().map_or(Ok(report), Err)
}

fn audit(files: &impl LogFiles, options: &Options) -> Report {
    let mut progress = Progress::new("entries");
    let report = audit::audit(files, options, |at, of| progress.show(at, of));
    progress.end();
    report
}

/// Whose log the checkpoint says that it is.
fn origin_of(files: &impl LogFiles) -> Option<String> {
    let head = SignedCheckpoint::parse(&files.checkpoint()?).ok()?;
    Some(head.checkpoint().origin().to_owned())
}

fn show(args: &Args, report: &Report) -> Outcome {
    if args.json {
        println!("{}", serde_json::to_string_pretty(&as_json(report))?);
    } else {
        print!("{}", page(report));
    }
    if report.is_sound() {
        return Ok(());
    }
    Err(Failure::new(match report.first_bad {
        Some(index) => format!("the log is not sound; the first bad entry is {index}"),
        None => "the log is not sound".to_owned(),
    }))
}

/// One log of several, with what became of its audit.
struct Audited {
    listed: Listed,
    address: String,
    result: Result<Report, RemoteError>,
    /// What the list says of it and the log does not.
    contradictions: Vec<String>,
}

impl Audited {
    fn is_sound(&self) -> bool {
        let sound = self.result.as_ref().is_ok_and(Report::is_sound);
        sound && self.contradictions.is_empty()
    }

    fn verdict(&self) -> String {
        match &self.result {
            Err(error) => format!("could not be read: {error}"),
            Ok(report) if !report.is_sound() => match report.first_bad {
                Some(index) => format!("NOT SOUND, the first bad entry is {index}"),
                None => "NOT SOUND".to_owned(),
            },
            Ok(report) if self.contradictions.is_empty() => {
                let pinned = if report.pinned { ", pinned" } else { "" };
                format!("holds, {} entries{pinned}", report.size)
            }
            Ok(_) => self.contradictions.join("; "),
        }
    }
}

fn audit_all(args: &Args, wanted: &Wanted, logs: Vec<(Listed, HttpLog)>) -> Outcome {
    let mut all = Vec::new();
    for (listed, log) in logs {
        let address = log.address().to_string();
        let options = wanted.options_among(origin_of(&log).as_deref());
        let result = audit_remote(log, &options);
        let report = result.as_ref().ok();
        let contradictions = report.map_or_else(Vec::new, |report| contradictions(&listed, report));
        let one = Audited {
            listed,
            address,
            result,
            contradictions,
        };
        if !args.json {
            println!("{}  {}\n", one.listed.call_sign, one.address);
            match &one.result {
                Ok(report) => println!("{}", page(report)),
                Err(_) => println!("{}\n", one.verdict()),
            }
        }
        all.push(one);
    }
    // A log that is known from elsewhere and not shown here is missing, whatever the list says.
    let is_there = |pin: &&VerifierKey| {
        let mut reports = all.iter().filter_map(|one| one.result.as_ref().ok());
        !reports.any(|report| report.origin == pin.name())
    };
    let absent: Vec<&str> = wanted
        .pins
        .iter()
        .filter(is_there)
        .map(VerifierKey::name)
        .collect();
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&all_as_json(&all, &absent))?
        );
    } else {
        print!("{}", summary(&all, &absent));
    }
    outcome(&all, &absent)
}

/// What a list says of a log and the log itself does not.
fn contradictions(listed: &Listed, report: &Report) -> Vec<String> {
    let mut all = Vec::new();
    let mut differ = |what: &str, listed: &str, found: &str| {
        if !found.is_empty() && listed != found {
            all.push(format!(
                "the list names the {what} {listed}, the log is of {found}"
            ));
        }
    };
    differ("origin", listed.origin.as_str(), &report.origin);
    differ("call sign", listed.call_sign.as_str(), &report.call_sign);
    let key = listed.verifier.as_ref().map(ToString::to_string);
    if let Some(key) = key.filter(|key| !report.signed_by.contains(key)) {
        all.push(format!(
            "the list names the key {key}, which did not sign the head"
        ));
    }
    all
}

fn summary(all: &[Audited], absent: &[&str]) -> String {
    let width = all
        .iter()
        .map(|one| one.listed.call_sign.as_str().len())
        .max()
        .unwrap_or(0);
    let sound = all.iter().filter(|one| one.is_sound()).count();
    let mut out = format!("{sound} of {} logs hold\n", all.len());
    for one in all {
        out += &format!(
            "  {:width$}  {}\n",
            one.listed.call_sign.as_str(),
            one.verdict()
        );
    }
    for origin in absent {
        out += &format!("  {origin} is pinned and is not among them\n");
    }
    out
}

fn all_as_json(all: &[Audited], absent: &[&str]) -> Value {
    let logs = all.iter().map(|one| {
        let mut value = match &one.result {
            Ok(report) => as_json(report),
            Err(error) => json!({"unread": error.to_string()}),
        };
        value["address"] = one.address.clone().into();
        value["listed_as"] = one.listed.call_sign.as_str().into();
        value["contradictions"] = one.contradictions.clone().into();
        value
    });
    let sound = absent.is_empty() && all.iter().all(Audited::is_sound);
    json!({"sound": sound, "pinned_and_absent": absent, "logs": logs.collect::<Vec<_>>()})
}

fn outcome(all: &[Audited], absent: &[&str]) -> Outcome {
    let bad: Vec<&Audited> = all.iter().filter(|one| !one.is_sound()).collect();
    if bad.is_empty() && absent.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = bad
        .iter()
        .map(|one| one.listed.call_sign.as_str())
        .collect();
    let unread = absent.is_empty() && bad.iter().all(|one| one.result.is_err());
    let message = match (names.join(", "), absent.join(", ")) {
        (names, absent) if absent.is_empty() => format!("not all logs hold: {names}"),
        (names, absent) if names.is_empty() => format!("pinned and not there: {absent}"),
        (names, absent) => format!("not all logs hold: {names}; pinned and not there: {absent}"),
    };
    Err(Failure {
        message,
        status: if unread { EXIT_UNREAD } else { 1 },
    })
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
