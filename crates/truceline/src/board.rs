//! `truceline board`: the duty officer's board in the terminal, from a running node or from a store that is not served.

use crate::config::Settings;
use crate::{Failure, Outcome};
use clap::Args as ClapArgs;
use node::Node;
use node::board::{Board, BoardFlash, BoardLine};
use node::http::pages::age;
use node::views::OwedRow;
use record::name::CallSign;
use record::time::UtcMs;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// Columns of a line, where text is cut.
const WIDTH: usize = 100;
/// How long a running node is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Where the token of a running node is looked for.
const TOKEN: &str = "TRUCELINE_TOKEN";

#[derive(ClapArgs)]
pub struct Args {
    /// A running node, such as http://localhost:8016; its token is read from TRUCELINE_TOKEN
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The data directory of a node that is not running
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data: Option<PathBuf>,
    /// With whose eyes, by call sign; `public` for anybody's
    #[arg(long = "as", value_name = "CALLSIGN", conflicts_with = "url")]
    call_sign: Option<String>,
    /// At another time than now
    #[arg(long, value_name = "TIME", conflicts_with = "url")]
    at: Option<String>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    /// Print it again every so many seconds
    #[arg(long, value_name = "SECONDS")]
    watch: Option<u64>,
}

pub fn run(args: &Args, settings: &Settings) -> Outcome {
    loop {
        let board = match &args.url {
            Some(url) => fetched(url)?,
            None => computed(args, settings)?,
        };
        if args.json {
            println!("{}", serde_json::to_string_pretty(&board)?);
        } else {
            print!("{}", render(&board));
        }
        match args.watch {
            Some(seconds) => std::thread::sleep(Duration::from_secs(seconds.max(1))),
            None => return Ok(()),
        }
    }
}

fn fetched(url: &str) -> Result<Board, Failure> {
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

fn computed(args: &Args, settings: &Settings) -> Result<Board, Failure> {
    let dir = args.data.as_deref().unwrap_or(&settings.data);
    let quiet = node::Settings {
        clerk: false,
        ..settings.node()
    };
    let node = Node::open(dir, quiet).map_err(|error| {
        Failure::new(format!(
            "{error}\n  Of a node that runs, ask with --url http://localhost:8016"
        ))
    })?;
    node.settle();
    let own = own(args, &node)?;
    let at = args.at.as_deref().map(UtcMs::parse).transpose();
    let at = at.map_err(|rule| Failure::new(format!("--at: {rule}")))?;
    let now = at.unwrap_or_else(|| node.now());
    let eyes = node.eyes_of(own.as_ref());
    Ok(Board::of(&node, &eyes, own.as_ref(), now)?)
}

fn own(args: &Args, node: &Node) -> Result<Option<CallSign>, Failure> {
    if let Some(text) = &args.call_sign {
        if text == "public" {
            return Ok(None);
        }
        let sign: CallSign = text.parse()?;
        return Ok(Some(node.own_of(&sign)?.call_sign.clone()));
    }
    let mut own = node.own();
    match (own.next(), own.next()) {
        (Some(one), None) => Ok(Some(one.call_sign.clone())),
        _ => Err(Failure::new(
            "this store holds several participants: name one with --as MISSION, or --as public",
        )),
    }
}

/// The board as text: what has to be seen first stands first.
pub fn render(board: &Board) -> String {
    let mut out = String::new();
    if board.exercise {
        line(&mut out, "EXERCISE EXERCISE EXERCISE: nothing here is real");
    }
    let day = match (&board.truce.day, &board.truce.name) {
        (Some(day), Some(name)) => format!("day {day} of {name}"),
        _ => "no instrument in force is readable here".to_owned(),
    };
    line(
        &mut out,
        &format!("{} at {}; {day}", board.reader, board.now),
    );
    head(&mut out, "FLASH OPEN");
    list(&mut out, board.flash.iter().flat_map(flash));
    head(&mut out, "ON THE ROAD");
    line(&mut out, &format!("  {}", board.road.note));
    head(&mut out, "LINES");
    list(&mut out, board.lines.iter().flat_map(lines));
    head(&mut out, "OURS TO DO");
    list(&mut out, board.mine.iter().map(owed));
    head(&mut out, "WHAT WE WAIT FOR");
    list(&mut out, board.awaited.iter().map(owed));
    head(&mut out, "LOGS AND WATCHES");
    list(
        &mut out,
        board.logs.iter().map(|row| {
            let last = row.age_s.map_or("nothing said".to_owned(), |seconds| {
                format!("last word {} ago", age(seconds))
            });
            let watch = row
                .officer
                .as_ref()
                .map_or("nobody known on duty".to_owned(), |officer| {
                    let relief = row.relief_at.as_deref().unwrap_or("?");
                    let late = if row.relief_overdue { " OVERDUE" } else { "" };
                    format!("{officer}, relief {relief}{late}")
                });
            format!("{:<8} {:<14} {last}; {watch}", row.call_sign, row.applied)
        }),
    );
    head(&mut out, "OLDEST UNANSWERED, IN EACH DIRECTION");
    list(&mut out, board.oldest.iter().map(owed));
    head(
        &mut out,
        "REPORTED BY PLACE                        24 h   7 days   access denied",
    );
    list(
        &mut out,
        board.places.iter().map(|row| {
            let name = row.name.as_deref().unwrap_or("");
            format!(
                "{:<10} {name:<26} {:>6} {:>8}   {} / {}",
                row.place,
                row.day_alleged,
                row.week_alleged,
                row.day_access_denied,
                row.week_access_denied
            )
        }),
    );
    for note in &board.notes {
        line(&mut out, &format!("  {note}"));
    }
    out
}

fn flash(row: &BoardFlash) -> Vec<String> {
    let sounds = if row.sounding { "  SOUNDS" } else { "" };
    let place = row.place_name.as_deref().unwrap_or("");
    let degrees = |e7: Option<i64>| {
        e7.map_or(String::new(), |e7| {
            let sign = if e7 < 0 { "-" } else { "" };
            format!(
                "{sign}{}.{:04}",
                e7.unsigned_abs() / 10_000_000,
                e7.unsigned_abs() % 10_000_000 / 1000
            )
        })
    };
    let mut all = vec![format!(
        "{} {} ago, at {place} {} {}{sounds}",
        row.short,
        age(row.age_s),
        degrees(row.lat_e7),
        degrees(row.lon_e7)
    )];
    all.extend(row.recipients.iter().map(|one| {
        let overdue = if one.overdue_s > 0 {
            format!(" OVERDUE {}", age(one.overdue_s))
        } else {
            String::new()
        };
        format!(
            "    {:<8} {}; {}; missing {}{overdue}",
            one.call_sign,
            one.delivery,
            joined(&one.replies, "no answer"),
            joined(&one.missing, "nothing")
        )
    }));
    all
}

fn joined(words: &[String], none: &str) -> String {
    if words.is_empty() {
        return none.to_owned();
    }
    words.join(", ").replace('_', " ")
}

fn lines(row: &BoardLine) -> Vec<String> {
    let two_way = row.age_s.map_or("NEVER two-way".to_owned(), |seconds| {
        format!(
            "two-way {} ago, {}",
            age(seconds),
            row.over.as_deref().unwrap_or("")
        )
    });
    let faults = if row.faults.is_empty() {
        String::new()
    } else {
        format!("; FAULT: {}", row.faults.join(", "))
    };
    let mut all = vec![format!("{}: {two_way}{faults}", row.id)];
    all.extend(row.ends().into_iter().map(|end| {
        let officer = end.officer.as_deref().unwrap_or("nobody known on duty");
        let test = end
            .last_test
            .as_deref()
            .unwrap_or("no test")
            .replace('_', " ");
        format!(
            "    {:<8} {test}; {officer} {}",
            end.call_sign,
            end.languages.join(" ")
        )
    }));
    all
}

fn owed(row: &OwedRow) -> String {
    let when = match (row.urgency.as_str(), &row.due_at) {
        ("overdue", _) => format!("OVERDUE {}", age(row.overdue_s)),
        ("unreachable", _) => "UNREACHABLE".to_owned(),
        (_, Some(due)) => format!("due {due}"),
        _ => "open".to_owned(),
    };
    let title = row.title.as_deref().unwrap_or("");
    let holding = if row.holding.is_some() {
        " (holding)"
    } else {
        ""
    };
    format!(
        "{:<8} owes {:<8} {} {}{holding}  {} {title}, {} old",
        row.by,
        row.to,
        row.what.replace('_', " "),
        when,
        row.short,
        age(row.age_s)
    )
}

fn head(out: &mut String, title: &str) {
    out.push('\n');
    line(out, title);
}

fn list(out: &mut String, rows: impl Iterator<Item = String>) {
    let mut none = true;
    for row in rows {
        none = false;
        line(out, &format!("  {row}"));
    }
    if none {
        line(out, "  none");
    }
}

/// A line, cut where the terminal would break it.
fn line(out: &mut String, text: &str) {
    let cut: String = text.chars().take(WIDTH).collect();
    let more = if text.chars().count() > WIDTH {
        "…"
    } else {
        ""
    };
    let _ = writeln!(out, "{}{more}", cut.trim_end());
}
