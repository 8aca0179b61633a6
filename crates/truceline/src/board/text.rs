//! The board as text. What is abnormal is marked at the beginning of its line, and coloured only besides: `!!` is for now, `!` is
//! to be looked at. Nothing is cut off: what is longer than a line goes on in the next one.

use node::board::{
    Board, BoardCount, BoardCounts, BoardEnd, BoardFlash, BoardInstrument, BoardLog, BoardPlace,
};
use node::http::pages::age;
use node::views::OwedRow;
use std::fmt::Write as _;

/// Whose board it is when it is nobody's.
const PUBLIC: &str = "public";
/// Columns of a mark with the space behind it.
const MARGIN: usize = 3;
/// Columns by which what belongs to a line stands further in.
const STEP: usize = 4;
/// Columns of the name of a place in the table of reports, on the narrowest sheet and at most.
const PLACE: std::ops::RangeInclusive<usize> = 20..=44;
/// What is counted there, each with its columns: the table is as wide as the narrowest sheet.
const COUNTED: [(&str, usize); 4] = [("alleged", 7), ("undet.", 6), ("excl.", 5), ("denied", 6)];

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[33m";
const REVERSE: &str = "\x1b[7m";
const PLAIN: &str = "\x1b[0m";

/// How it looks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns of a line.
    pub columns: usize,
    /// Whether in colour.
    pub colour: bool,
}

/// The whole board; `failed` says why it could not be read anew.
pub fn render(board: &Board, failed: Option<&str>, look: Look) -> String {
    let mut sheet = Sheet {
        look,
        now: &board.now,
        out: String::new(),
    };
    sheet.top(board, failed);
    sheet.flashes(board);
    sheet.head("2  ON THE ROAD");
    sheet.row(Mark::when(board.road.held), 0, &board.road.note);
    sheet.lines(board);
    sheet.debts(board);
    sheet.means_and_logs(board);
    sheet.truce(board);
    sheet.reports(board);
    sheet.banner(board);
    sheet.out
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Plain,
    Look,
    Now,
}

impl Mark {
    fn when(abnormal: bool) -> Self {
        if abnormal { Self::Look } else { Self::Plain }
    }
}

struct Sheet<'s> {
    look: Look,
    now: &'s str,
    out: String,
}

impl Sheet<'_> {
    fn top(&mut self, board: &Board, failed: Option<&str>) {
        self.banner(board);
        if let Some(why) = failed {
            let text = format!(
                "NOT READ ANEW, this is how it was at {}: {why}",
                stamp(&board.now)
            );
            self.row(Mark::Now, 0, &text);
        }
        let day = match (board.truce.day, &board.truce.name) {
            (Some(day), Some(name)) => format!("day {day} of {name}"),
            _ => "no truce is in force that is read here".to_owned(),
        };
        self.wrapped(
            &format!("{}  {}  {day}", board.reader, stamp(&board.now)),
            STEP,
            BOLD,
        );
        let as_of = if board.as_of.is_empty() {
            "This node holds nothing yet.".to_owned()
        } else {
            format!("What this node holds as of {}.", board.as_of.join(", "))
        };
        self.wrapped(&as_of, STEP, "");
    }

    /// Above the board and below it: one of them is on the screen.
    fn banner(&mut self, board: &Board) {
        if board.exercise {
            let text = "EXERCISE EXERCISE EXERCISE: nothing on this board is real";
            self.line(&padded(text, self.look.columns), REVERSE);
        }
    }

    fn flashes(&mut self, board: &Board) {
        let more = board.flash_total.saturating_sub(board.flash.len() as u64);
        let title = match (board.flash_total, more) {
            (0, _) => "1  FLASH OPEN: none".to_owned(),
            (total, 0) => format!("1  FLASH OPEN: {total}"),
            (total, more) => format!("1  FLASH OPEN: {total}; the newest {more} are not shown"),
        };
        self.head(&title);
        for flash in &board.flash {
            self.flash(flash);
        }
    }

    fn flash(&mut self, flash: &BoardFlash) {
        let urgent = flash.sounding || flash.overdue_s > 0;
        let mark = if urgent { Mark::Now } else { Mark::Look };
        let mut call = format!(
            "{} from {}, {} old",
            flash.short,
            flash.by,
            age(flash.age_s)
        );
        if flash.repeats > 0 {
            let _ = write!(call, ", sent {} times", flash.repeats + 1);
        }
        if let Some(happening) = &flash.happening {
            let _ = write!(call, ", {}", words(happening));
        }
        if flash.sounding {
            call += "; THE ALARM SOUNDS";
        }
        self.row(mark, 0, &call);
        self.row(Mark::Plain, 1, &where_it_is(flash));
        self.row(
            Mark::Plain,
            1,
            &format!("to be known by now to the {}", words(&flash.climbed_to)),
        );
        if let Some(due) = &flash.due_at {
            let due = self.time(due);
            if flash.overdue_s > 0 {
                let text = format!("answer OVERDUE {}, was due {due}", age(flash.overdue_s));
                self.row(Mark::Now, 1, &text);
            } else {
                self.row(Mark::Plain, 1, &format!("answer due {due}"));
            }
        }
        self.who_has_not(flash);
        self.answers(flash);
    }

    fn who_has_not(&mut self, flash: &BoardFlash) {
        const STEPS: [(&str, &str); 6] = [
            ("received", "no receipt from"),
            ("acknowledged", "not acknowledged by"),
            ("read_back", "not read back by"),
            ("sent_down", "not passed down by"),
            ("confirmed_below", "not confirmed from below to"),
            ("answered", "not answered by"),
        ];
        for (step, label) in STEPS {
            let Some(who) = flash.has_not.get(step) else {
                continue;
            };
            let delivery = |sign: &String| {
                let one = flash.recipients.iter().find(|one| one.call_sign == *sign);
                match one.map(|one| one.delivery.as_str()) {
                    Some("unreachable") if step == "received" => format!("{sign} UNREACHABLE"),
                    Some("sent_no_receipt") if step == "received" => {
                        format!("{sign} (sent there, as a neutral saw)")
                    }
                    _ => sign.clone(),
                }
            };
            let who: Vec<String> = who.iter().map(delivery).collect();
            self.row(Mark::Look, 1, &format!("{label}: {}", who.join(", ")));
        }
        if !flash.not_told.is_empty() {
            let who = flash.not_told.join(", ");
            self.row(
                Mark::Look,
                1,
                &format!("to be told of FLASH by the instrument, and not sent to: {who}"),
            );
        }
    }

    fn answers(&mut self, flash: &BoardFlash) {
        for answer in &flash.answers {
            let part = answer.part.as_deref().map(|part| format!(" to {part}"));
            let text = format!(
                "answered {} by {}{}: {}",
                self.time(&answer.at),
                answer.by,
                part.unwrap_or_default(),
                words(&answer.reply).to_uppercase()
            );
            self.row(Mark::Plain, 1, &text);
        }
        let holds = |replies: &[String]| replies.iter().any(|reply| reply == "holding");
        let holding = flash.recipients.iter().filter(|one| holds(&one.replies));
        let holding: Vec<&str> = holding.map(|one| one.call_sign.as_str()).collect();
        if !holding.is_empty() {
            let text = format!(
                "holding reply, which answers nothing: {}",
                holding.join(", ")
            );
            self.row(Mark::Plain, 1, &text);
        }
    }

    fn lines(&mut self, board: &Board) {
        self.head("3  LINES");
        if board.lines.is_empty() {
            self.row(Mark::Plain, 0, "no line is agreed in what is read here");
        }
        for line in &board.lines {
            let two_way = match (line.age_s, &line.over) {
                (Some(seconds), Some(over)) => {
                    format!("both ways {} ago, {}", age(seconds), words(over))
                }
                _ => "no test both ways is read here".to_owned(),
            };
            let faults = match line.faults.as_slice() {
                [] => String::new(),
                faults => format!("; FAULT {}", words(&faults.join(", "))),
            };
            let unheard = line.age_s.is_none() && board.reader != PUBLIC;
            let abnormal = unheard || !line.faults.is_empty();
            let text = format!("{}: {two_way}{faults}", line.id);
            self.row(Mark::when(abnormal), 0, &text);
            let width = line.ends().map(|end| columns(&end.call_sign));
            let width = width.into_iter().max().unwrap_or(0);
            for end in line.ends() {
                let unknown = end.officer.is_none() && board.reader != PUBLIC;
                self.end(end, width, unknown);
            }
        }
    }

    fn end(&mut self, end: &BoardEnd, width: usize, unknown: bool) {
        let tested = match (&end.last_test, &end.tested_at) {
            (Some(result), Some(at)) => {
                let over = end
                    .tested_over
                    .as_deref()
                    .map_or(String::new(), |over| format!(", {}", words(over)));
                let result = match result.as_str() {
                    "heard" => "heard".to_owned(),
                    other => words(other).to_uppercase(),
                };
                format!("{result} {}{over}", self.time(at))
            }
            _ => "no test is read here".to_owned(),
        };
        let watch = match &end.officer {
            Some(officer) => format!("on duty {officer}, {}", spoken(&end.languages)),
            None => "nobody known on duty".to_owned(),
        };
        let unheard = end.last_test.as_deref().is_some_and(|test| test != "heard");
        let text = format!("{}  {tested}; {watch}", padded(&end.call_sign, width));
        self.row(Mark::when(unknown || unheard), 1, &text);
    }

    fn debts(&mut self, board: &Board) {
        if board.reader == PUBLIC {
            self.head("4  MINE");
            self.row(
                Mark::Plain,
                0,
                "the public owes nothing here, and nothing is owed to it",
            );
            return;
        }
        self.head(&counted("4  MINE", board.mine_count));
        for row in &board.mine {
            let text = self.debt(row, &format!("to {}", row.to));
            self.row(urgency(row), 0, &text);
        }
        self.rest(board.mine_count, board.mine.len());
        self.head(&counted(
            &format!("   OWED TO {}", board.reader),
            board.awaited_count,
        ));
        for row in &board.awaited {
            let text = self.debt(row, &format!("from {}", row.by));
            self.row(urgency(row), 0, &text);
        }
        self.rest(board.awaited_count, board.awaited.len());
    }

    /// What is not shown of a list.
    fn rest(&mut self, count: BoardCount, shown: usize) {
        let more = count.total.saturating_sub(shown as u64);
        if more > 0 {
            self.row(Mark::Plain, 0, &format!("and {more} more"));
        }
    }

    fn debt(&self, row: &OwedRow, between: &str) -> String {
        let part = row.part.as_deref().map(|part| format!(" on {part}"));
        let what = match row.what.as_str() {
            "flash" => "FLASH".to_owned(),
            what => words(what),
        };
        let when = match (row.urgency.as_str(), &row.due_at) {
            ("overdue", Some(due)) => {
                format!("OVERDUE {}, was due {}", age(row.overdue_s), self.time(due))
            }
            ("unreachable", _) => "UNREACHABLE, so that no clock runs".to_owned(),
            (_, Some(due)) => format!("due {}", self.time(due)),
            _ => "open".to_owned(),
        };
        let part = part.unwrap_or_default();
        let between = if row.by == row.to { "" } else { between };
        let mut text = format!("{what}{part} {between}").trim_end().to_owned();
        let _ = write!(text, ": {when}; {}", row.short);
        if let Some(title) = &row.title {
            let _ = write!(text, " {title}");
        }
        let _ = write!(text, ", {} old", age(row.age_s));
        if row.holding.is_some() {
            text += "; holding reply";
        }
        // Only what is sent from one to another waits for a receipt.
        let sent = row.by != row.to && row.what != "line_test";
        if sent && !row.received && row.urgency != "unreachable" {
            text += "; sent, no receipt";
        }
        text
    }

    fn means_and_logs(&mut self, board: &Board) {
        self.head("5  FAULTS, LOGS AND WATCHES");
        if board.faults.is_empty() {
            self.row(Mark::Plain, 0, "no fault of any means is told");
        }
        for fault in &board.faults {
            let text = format!(
                "FAULT {} {}: {} says so, since {}, {}",
                fault.line,
                words(&fault.means),
                fault.by,
                self.time(&fault.since),
                age(fault.age_s)
            );
            self.row(Mark::Look, 0, &text);
        }
        let width = board.logs.iter().map(|log| columns(&log.applied));
        let width = width.max().unwrap_or(0).min(self.look.columns / 3);
        for log in &board.logs {
            self.log(log, width);
        }
    }

    fn log(&mut self, log: &BoardLog, width: usize) {
        let mut told = vec![match log.age_s {
            Some(seconds) => format!("last word {} ago", age(seconds)),
            None => "no word yet".to_owned(),
        }];
        let waiting = log.not_applied.unwrap_or(0);
        if waiting > 0 {
            told.push(format!("{waiting} HELD AND NOT APPLIED"));
        }
        told.push(format!("witnessed {}", log.witnessed));
        match (&log.officer, &log.relief_at) {
            (Some(officer), Some(at)) if log.relief_overdue => told.push(format!(
                "RELIEF OVERDUE for {officer}, was due {}",
                self.time(at)
            )),
            (Some(officer), Some(at)) => {
                told.push(format!("{officer} until {}", self.time(at)));
            }
            _ => told.push("no watch open".to_owned()),
        }
        let abnormal = waiting > 0 || log.relief_overdue;
        let text = format!("{}  {}", padded(&log.applied, width), told.join("; "));
        self.row(Mark::when(abnormal), 0, &text);
    }

    fn truce(&mut self, board: &Board) {
        self.head("6  THE TRUCE");
        let truce = &board.truce;
        match (truce.day, &truce.name, &truce.first_day, &truce.offset) {
            (Some(day), Some(name), Some(first), Some(offset)) => {
                let text = format!("day {day} of {name}; day 1 was {first} ({offset})");
                self.row(Mark::Plain, 0, &text);
            }
            _ => self.row(Mark::Look, 0, "no truce is in force that is read here"),
        }
        for instrument in &truce.instruments {
            let text = self.instrument(instrument);
            let fine = matches!(instrument.state.as_str(), "in_force" | "accepted");
            self.row(Mark::when(!fine), 0, &text);
        }
        let more = board.directions.saturating_sub(board.oldest.len() as u64);
        self.head(&match (board.directions, more) {
            (0, _) => "   OLDEST UNANSWERED: nothing that is read here".to_owned(),
            (all, 0) => format!("   OLDEST UNANSWERED IN EACH DIRECTION: {all}"),
            (all, more) => format!(
                "   OLDEST UNANSWERED IN EACH DIRECTION: {all}; the newest {more} are not shown"
            ),
        });
        for row in &board.oldest {
            let text = format!("{} to {}: {}", row.by, row.to, self.debt(row, "owed"));
            self.row(urgency(row), 0, &text);
        }
    }

    fn instrument(&self, instrument: &BoardInstrument) -> String {
        let at = self.time(&instrument.at);
        let by = instrument.by.join(", ");
        let state = match instrument.state.as_str() {
            "tabled" => format!("TABLED, to be accepted by {at}; silent: {by}"),
            "accepted" => format!("accepted, in force from {at}"),
            "in_force" => format!("in force since {at}"),
            "suspended" => format!("SUSPENDED since {at} by {by}"),
            "ended" if by.is_empty() => format!("ENDED {at}"),
            "ended" => format!("ENDED {at} by {by}"),
            other => words(other),
        };
        format!(
            "{}, version {}: {state}",
            instrument.name, instrument.version
        )
    }

    fn reports(&mut self, board: &Board) {
        self.head("7  REPORTED, BY PLACE");
        let names = cells(COUNTED.map(|(name, _)| name));
        let width = self.place_columns();
        let wide = columns(&names);
        let (last, before) = ("last 24 hours", "7 days before");
        self.cells(&format!("{:<width$} {last:>wide$}  {before:>wide$}", ""));
        self.cells(&format!("{:<width$} {names}  {names}", "place"));
        for row in &board.places {
            self.place(row);
        }
        let reports = &board.reports;
        if reports.places_not_shown > 0 {
            let text = format!(
                "and {} places more, counted in the sum",
                reports.places_not_shown
            );
            self.row(Mark::Plain, 0, &text);
        }
        let sum = [reports.last_24_h, reports.days_before].map(numbers);
        self.cells(&format!("{:<width$} {}", "all places", sum.join("  ")));
        self.row(
            Mark::Plain,
            0,
            "undet.: of the alleged, whether the truce covers those named is undetermined; excl.: they name a group that it does not \
             cover; denied: access denied, counted apart.",
        );
        let text = format!(
            "Known to the day and not to the hour: {} of these. Known to no single day, and counted nowhere: {}.",
            reports.known_to_the_day, reports.known_to_no_day
        );
        self.row(Mark::Plain, 0, &text);
        for note in &board.notes {
            self.row(Mark::Plain, 0, note);
        }
    }

    fn place(&mut self, row: &BoardPlace) {
        let place = match (&row.name, row.place.as_str()) {
            (Some(name), code) => format!("{name} {code}"),
            (None, "") => "no area named".to_owned(),
            (None, place) => place.to_owned(),
        };
        let numbers = [row.last_24_h, row.days_before].map(numbers).join("  ");
        let (place, width) = (clean(&place), self.place_columns());
        if columns(&place) <= width {
            self.cells(&format!("{} {numbers}", padded(&place, width)));
        } else {
            self.row(Mark::Plain, 0, &place);
            self.cells(&format!("{:<width$} {numbers}", ""));
        }
    }

    /// What a wider sheet has more is for the names.
    fn place_columns(&self) -> usize {
        let more = self.look.columns.saturating_sub(super::COLUMNS_MIN);
        (PLACE.start() + more).min(*PLACE.end())
    }
}

/// Numbers of one span of time, below their heads.
fn numbers(counts: BoardCounts) -> String {
    cells([
        counts.alleged,
        counts.coverage_undetermined,
        counts.excluded_named,
        counts.access_denied,
    ])
}

fn cells<T: std::fmt::Display>(all: [T; 4]) -> String {
    let columns = COUNTED.iter().zip(all);
    let cells: Vec<String> = columns
        .map(|((_, width), one)| format!("{one:>width$}"))
        .collect();
    cells.join(" ")
}

/// Writing.
impl Sheet<'_> {
    /// A head, below an empty line.
    fn head(&mut self, title: &str) {
        self.out.push('\n');
        self.wrapped(title, MARGIN, BOLD);
    }

    /// A line of a section with what it goes on in.
    fn row(&mut self, mark: Mark, depth: usize, text: &str) {
        let (sign, style) = match mark {
            Mark::Plain => ("", ""),
            Mark::Look => ("!", YELLOW),
            Mark::Now => ("!!", RED),
        };
        let text = format!("{sign:<MARGIN$}{:1$}{text}", "", depth * STEP);
        self.wrapped(&text, MARGIN + (depth + 1) * STEP, style);
    }

    /// A line of a table.
    fn cells(&mut self, text: &str) {
        let text = clean(text);
        self.line(&format!("{:MARGIN$}{text}", ""), "");
    }

    /// Breaks a text between words, and a word that is longer than a line within it.
    fn wrapped(&mut self, text: &str, then: usize, style: &str) {
        let text = clean(text);
        let mut line = String::new();
        let (mut length, mut bare) = (0, true);
        for word in text.split_inclusive(' ') {
            if !bare && length + columns(word.trim_end()) > self.look.columns {
                self.line(&line, style);
                (line, length, bare) = (" ".repeat(then), then, true);
            }
            for letter in word.chars() {
                let wide = columns(letter.encode_utf8(&mut [0; 4]));
                if length + wide > self.look.columns {
                    if letter == ' ' {
                        continue;
                    }
                    self.line(&line, style);
                    (line, length) = (" ".repeat(then), then);
                }
                line.push(letter);
                length += wide;
                bare &= letter == ' ';
            }
        }
        self.line(&line, style);
    }

    fn line(&mut self, text: &str, style: &str) {
        let text = if style == REVERSE {
            text
        } else {
            text.trim_end()
        };
        if self.look.colour && !style.is_empty() {
            let _ = writeln!(self.out, "{style}{text}{PLAIN}");
        } else {
            let _ = writeln!(self.out, "{}", text.trim_end());
        }
    }

    /// A time of day; with its date when that is not today's.
    fn time(&self, at: &str) -> String {
        let stamp = stamp(at);
        match (stamp.split_once(' '), self.now.split_once('T')) {
            (Some((day, time)), Some((today, _))) if day == today => time.to_owned(),
            _ => stamp,
        }
    }
}

/// A time to the minute.
fn stamp(at: &str) -> String {
    match (at.get(..10), at.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute}Z"),
        _ => at.to_owned(),
    }
}

/// A word of a closed list, as people write it.
fn words(word: &str) -> String {
    word.replace(['_', ':'], " ")
}

fn spoken(languages: &[String]) -> String {
    match languages {
        [] => "no language told".to_owned(),
        languages => languages.join(" "),
    }
}

fn counted(title: &str, count: BoardCount) -> String {
    match (count.total, count.overdue) {
        (0, _) => format!("{title}: nothing"),
        (total, 0) => format!("{title}: {total}"),
        (total, overdue) => format!("{title}: {total}, {overdue} OVERDUE"),
    }
}

fn urgency(row: &OwedRow) -> Mark {
    match row.urgency.as_str() {
        "overdue" => Mark::Now,
        "unreachable" => Mark::Look,
        _ => Mark::Plain,
    }
}

fn where_it_is(flash: &BoardFlash) -> String {
    let degrees = |e7: i64| {
        let (sign, e7) = (if e7 < 0 { "-" } else { "" }, e7.unsigned_abs());
        format!("{sign}{}.{:04}", e7 / 10_000_000, e7 % 10_000_000 / 1000)
    };
    let position = match (flash.lat_e7, flash.lon_e7) {
        (Some(lat), Some(lon)) => Some(format!("{} {}", degrees(lat), degrees(lon))),
        _ => None,
    };
    let told: Vec<String> = flash
        .place_name
        .clone()
        .into_iter()
        .chain(position)
        .collect();
    if told.is_empty() {
        return "no place told".to_owned();
    }
    format!("place: {}", told.join(" "))
}

/// Columns that a text takes.
fn columns(text: &str) -> usize {
    console::measure_text_width(text)
}

fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(columns(text));
    format!("{text}{:missing$}", "")
}

/// What others wrote, without what would move the cursor, change colours or turn the direction of the line.
fn clean(text: &str) -> String {
    let disturbs = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
    };
    let letters = text.chars();
    letters
        .map(|letter| if disturbs(letter) { '\u{FFFD}' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(columns: usize, colour: bool) -> Sheet<'static> {
        let look = Look { columns, colour };
        Sheet {
            look,
            now: "2016-06-21T09:00:00Z",
            out: String::new(),
        }
    }

    #[test]
    fn what_others_wrote_moves_no_cursor_and_turns_no_line() {
        let mut sheet = sheet(80, true);
        sheet.row(
            Mark::Plain,
            0,
            "Convoy\x1b[2J\r\n\u{202E}ffo dellac\u{2066} شاحنة",
        );
        assert_eq!(
            sheet.out,
            "   Convoy\u{FFFD}[2J\u{FFFD}\u{FFFD}\u{FFFD}ffo dellac\u{FFFD} شاحنة\n"
        );
    }

    #[test]
    fn a_text_is_broken_between_words_and_nothing_of_it_is_lost() {
        let text = "Shelling 漢字漢字漢字 since nine, ".repeat(7) + &"x".repeat(200);
        let mut sheet = sheet(20, false);
        sheet.row(Mark::Now, 1, &text);
        let lines: Vec<&str> = sheet.out.lines().collect();
        assert!(lines.iter().all(|line| columns(line) <= 20), "{lines:#?}");
        assert!(lines[0].starts_with("!!     Shelling"));
        assert!(
            lines[1..]
                .iter()
                .all(|line| line.starts_with("           "))
        );
        let bare = |text: &str| text.replace([' ', '\n', '!'], "");
        assert_eq!(bare(&sheet.out), bare(&text));
    }

    #[test]
    fn a_mark_says_by_itself_what_colour_says_besides() {
        let said = |colour: bool| {
            let mut sheet = sheet(80, colour);
            for mark in [Mark::Plain, Mark::Look, Mark::Now] {
                sheet.row(mark, 0, "answer due");
            }
            sheet.out
        };
        assert_eq!(said(false), "   answer due\n!  answer due\n!! answer due\n");
        let coloured = said(true);
        assert!(coloured.contains("\x1b[33m!  answer due\x1b[0m"));
        assert!(
            coloured.starts_with("   answer due\n"),
            "what is normal has none"
        );
        let bare = [YELLOW, RED, PLAIN].iter();
        assert_eq!(
            bare.fold(coloured, |text, code| text.replace(code, "")),
            said(false)
        );
    }
}
