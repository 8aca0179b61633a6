//! `truceline check`: which features of a file meet each other.

use crate::{Failure, Outcome};
use node::deconfliction::geojson::{FILE_BYTES_MAX, Feature, Features, Meeting};
use node::deconfliction::{because, caution, word};
use record::time::UtcMs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Exit status when something cannot be read: nothing was compared then.
const EXIT_UNREAD: u8 = 2;
/// Mistakes that are printed; the rest is counted.
const FLAWS_SHOWN_MAX: usize = 40;

/// What is compared.
#[derive(clap::Args)]
pub struct Args {
    /// A GeoJSON file, or - for standard input
    file: PathBuf,
    /// Compare the features as they are at this time, with offset; left out, at all times
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// Nothing was compared.
fn unread(message: impl Into<String>) -> Failure {
    Failure {
        message: message.into(),
        status: EXIT_UNREAD,
    }
}

pub fn run(args: &Args) -> Outcome {
    let at = args.at.as_deref().map(UtcMs::parse).transpose();
    let at = at.map_err(|rule| unread(format!("--at {rule}")))?;
    let name = args.file.display();
    let bytes = bytes(&args.file).map_err(|error| unread(format!("{name}: {error}")))?;
    let features = Features::read(&bytes).map_err(|flaws| {
        let shown = flaws.iter().take(FLAWS_SHOWN_MAX);
        let mut lines: Vec<String> = shown.map(|flaw| format!("{name}: {flaw}")).collect();
        let more = flaws.len() - lines.len();
        if more > 0 {
            lines.push(format!("{name}: and {more} more"));
        }
        unread(lines.join("\n"))
    })?;
    let meetings = features.meetings(at);
    let meetings = meetings.map_err(|flaw| unread(format!("{name}: {flaw}")))?;
    for meeting in &meetings {
        println!("{}", line(&features, meeting));
    }
    println!("{}", caution());
    let of = features.len();
    match meetings.len() {
        0 => Ok(()),
        1 => Err(Failure::new(format!("1 conflict among {of} features"))),
        many => Err(Failure::new(format!(
            "{many} conflicts among {of} features"
        ))),
    }
}

fn bytes(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than is taken, so that a longer file is refused and not cut.
    let most = FILE_BYTES_MAX as u64 + 1;
    if file == Path::new("-") {
        std::io::stdin().take(most).read_to_end(&mut bytes)?;
    } else {
        let file = std::fs::File::open(file)?;
        file.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn line(features: &Features, meeting: &Meeting) -> String {
    let called = |number: usize| {
        let name = features
            .get(number)
            .and_then(|Feature { name, .. }| name.as_ref());
        name.map_or_else(|| number.to_string(), |name| format!("{number} \"{name}\""))
    };
    let verdict = word(meeting.judgement.verdict).unwrap_or_default();
    let mut line = format!(
        "{verdict}: {} and {}",
        called(meeting.first),
        called(meeting.second)
    );
    if let Some(witness) = meeting.judgement.witness {
        let until = witness.until.map(|at| format!("until {}", UtcMs(at.0)));
        let until = until.unwrap_or_else(|| "without end".into());
        let from = UtcMs(witness.from.0);
        line.push_str(&format!(", at {} from {from} {until}", witness.place));
    }
    match because(meeting.judgement.reason) {
        "meeting" => line,
        why => format!("{line} ({why} not known well enough)"),
    }
}
