//! `truceline board`: the duty officer's board in the terminal, of a node that is asked, or of its store beside it.

mod text;

use crate::config::Settings;
use crate::{Failure, Outcome};
use clap::Args as ClapArgs;
use node::Node;
use node::board::Board;
use node::reading::Reading;
use record::name::CallSign;
use record::time::{Clock, SystemClock, UtcMs};
use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use text::Look;

/// Columns of a line at least.
const COLUMNS_MIN: usize = 80;
/// Columns of a line at most: longer lines are hard to follow.
const COLUMNS_MAX: usize = 160;
/// Columns where nobody says how many there are.
const COLUMNS: usize = 100;
/// How long a running node is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Where the token of a running node is looked for.
const TOKEN: &str = "TRUCELINE_TOKEN";
/// Moves to the upper left of a terminal and clears it.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

#[derive(ClapArgs)]
pub struct Args {
    /// A running node, such as http://localhost:8016; its token is read from TRUCELINE_TOKEN
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The data directory of a node, whether it runs or not; it is only read
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data: Option<PathBuf>,
    /// Whose board, by call sign; `public` for what anybody may read
    #[arg(long = "as", value_name = "CALLSIGN", conflicts_with = "url")]
    call_sign: Option<String>,
    /// At another time than now
    #[arg(long, value_name = "TIME", conflicts_with = "url")]
    at: Option<String>,
    /// Print it as JSON; when it is watched, each on a line of its own
    #[arg(long)]
    json: bool,
    /// Look again every so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    watch: Option<u64>,
}

pub fn run(args: &Args, settings: &Settings) -> Outcome {
    let source = Source::of(args, settings)?;
    let mut board = source.board()?;
    let Some(seconds) = args.watch else {
        return print(&shown(args, &board, None)?);
    };
    let mut failed: Option<String> = None;
    loop {
        if args.json {
            match &failed {
                None => print(&shown(args, &board, None)?)?,
                Some(why) => eprintln!("truceline: {why}"),
            }
        } else {
            let clear = if std::io::stdout().is_terminal() {
                CLEAR
            } else {
                ""
            };
            print(&format!(
                "{clear}{}\n",
                shown(args, &board, failed.as_deref())?
            ))?;
        }
        std::thread::sleep(Duration::from_secs(seconds));
        // A node that starts anew, or a line that is down, is no reason to stop looking.
        failed = match source.board() {
            Ok(newer) => {
                board = newer;
                None
            }
            Err(failure) => Some(failure.message),
        };
    }
}

fn print(text: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// A board as it was asked for.
fn shown(args: &Args, board: &Board, failed: Option<&str>) -> Result<String, Failure> {
    if !args.json {
        return Ok(text::render(board, failed, look()));
    }
    let json = if args.watch.is_some() {
        serde_json::to_string(board)?
    } else {
        serde_json::to_string_pretty(board)?
    };
    Ok(json + "\n")
}

fn look() -> Look {
    let named = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    let terminal = || console::Term::stdout().size_checked();
    let columns = named
        .or_else(|| terminal().map(|(_, columns)| usize::from(columns)))
        .unwrap_or(COLUMNS);
    Look {
        columns: columns.clamp(COLUMNS_MIN, COLUMNS_MAX),
        colour: in_colour(
            std::io::stdout().is_terminal(),
            std::env::var_os("NO_COLOR").as_deref(),
        ),
    }
}

/// As <https://no-color.org> has it: any value but an empty one means no colour.
fn in_colour(terminal: bool, no_color: Option<&OsStr>) -> bool {
    terminal && no_color.is_none_or(OsStr::is_empty)
}

/// Where boards come from.
enum Source {
    /// A node that is asked.
    Asked { url: String },
    /// A store that is read.
    Read {
        dir: PathBuf,
        call_sign: Option<String>,
        at: Option<UtcMs>,
    },
}

impl Source {
    fn of(args: &Args, settings: &Settings) -> Result<Self, Failure> {
        if let Some(url) = &args.url {
            return Ok(Self::Asked { url: url.clone() });
        }
        let at = args.at.as_deref().map(UtcMs::parse).transpose();
        let at = at.map_err(|rule| Failure::new(format!("--at: {rule}")))?;
        let dir = args.data.as_ref().unwrap_or(&settings.data).clone();
        if at.is_none() && Node::open_to_read(&dir)?.is_exercise() {
            eprintln!(
                "truceline: an exercise may have a clock of its own: this board shows the time of this machine. Name another with --at, or ask \
                 the node that runs with --url"
            );
        }
        Ok(Self::Read {
            call_sign: args.call_sign.clone(),
            dir,
            at,
        })
    }

    fn board(&self) -> Result<Board, Failure> {
        match self {
            Self::Asked { url } => asked(url),
            Self::Read { dir, call_sign, at } => read(dir, call_sign.as_deref(), *at),
        }
    }
}

fn asked(url: &str) -> Result<Board, Failure> {
    let client = reqwest::blocking::Client::builder()
        .timeout(ANSWER_WITHIN)
        .build()?;
    let mut request = client.get(format!("{}/api/v1/board", url.trim_end_matches('/')));
    if let Ok(token) = std::env::var(TOKEN) {
        request = request.bearer_auth(token);
    }
    let answer = request.send()?;
    let status = answer.status();
    if !status.is_success() {
        return Err(Failure::new(format!(
            "{url}: {status}; is {TOKEN} a token of this node that has not expired?"
        )));
    }
    Ok(answer.json()?)
}

/// It is opened anew each time: the node may have been started with another version meanwhile.
fn read(dir: &Path, call_sign: Option<&str>, at: Option<UtcMs>) -> Result<Board, Failure> {
    let reading = Node::open_to_read(dir)?;
    let own = own(&reading, call_sign)?;
    let board = reading.board(own)?;
    Ok(board.at(at.unwrap_or_else(|| SystemClock.now()))?)
}

fn own(reading: &Reading, call_sign: Option<&str>) -> Result<Option<CallSign>, Failure> {
    match call_sign {
        Some("public") => return Ok(None),
        Some(text) => return Ok(Some(text.parse()?)),
        None => {}
    }
    let own: Vec<&CallSign> = reading.own().collect();
    match own.as_slice() {
        [one] => Ok(Some((*one).clone())),
        [] => Err(Failure::new(
            "no instrument that is read here names this node's log, so that it has no call sign yet: only --as public has a board",
        )),
        several => {
            let several: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Failure::new(format!(
                "this store holds several participants: name one of {} with --as, or `public`",
                several.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_whose_owner_wants_it() {
        assert!(in_colour(true, None) && in_colour(true, Some(OsStr::new(""))));
        assert!(!in_colour(true, Some(OsStr::new("1"))));
        assert!(!in_colour(true, Some(OsStr::new("0"))));
        assert!(!in_colour(false, None));
    }
}
