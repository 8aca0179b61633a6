//! Whether it is so as the scenario says, and what is so instead. It is read from the views of whoever's eyes are asked for.

use super::bodies::Names;
use super::room::{Broken, Room};
use ::node::views::candidates::CandidateQuery;
use ::node::views::{OwedRow, ViewError, Views};
use formats::scenario::{
    Actor, Answered, Expect, LineFact, Mention, Owed, Place, ShiftFact, Step, Sum, That, Urgency,
};
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use serde_json::Value;
use std::sync::Arc;
use truce::Body;
use truce::agreement::{self, InstrumentState};
use truce::movements::Phase;
use truce::sites::SiteState;
use truce::values::{Position, Slug};

/// Most statements about one that are looked through.
const ABOUT_MAX: u32 = 10_000;

/// What was found.
pub struct Verdict {
    /// Whether it is so.
    pub holds: bool,
    /// What is so, for the person who expected something else.
    pub found: String,
}

/// What was found, or why nothing could be.
type Judged = Result<Verdict, Broken>;

impl Verdict {
    fn new(holds: bool, found: impl Into<String>) -> Self {
        Self {
            holds,
            found: found.into(),
        }
    }

    fn no(found: impl Into<String>) -> Self {
        Self::new(false, found)
    }

    /// `text` is all that there is to compare.
    fn is(expected: &str, text: impl Into<String>) -> Self {
        let found = text.into();
        Self::new(found == expected, found)
    }
}

impl From<ViewError> for Broken {
    fn from(error: ViewError) -> Self {
        Self::of(error)
    }
}

/// Whether `expect` is so in `room`, without regard to its "not".
///
/// # Errors
/// [`Broken`] when the views cannot be read.
pub fn judge(expect: &Expect, room: &Room, names: &Names) -> Judged {
    let seen = Seen {
        room,
        names,
        eyes: expect.eyes.as_ref(),
        views: Arc::clone(room.views(expect.eyes.as_ref())),
        now: room.now(),
    };
    seen.judge(&expect.that)
}

/// The first message of the matter to which a statement belongs, as a participant sees it.
///
/// # Errors
/// [`Broken`].
pub fn matter(
    room: &Room,
    eyes: Option<&CallSign>,
    of: &Reference,
) -> Result<Option<Reference>, Broken> {
    let Some(body) = room.views(eyes).object("matter", of)? else {
        return Ok(None);
    };
    let matter: Value = serde_json::from_str(&body).map_err(Broken::of)?;
    let first = matter["reference"].as_str().unwrap_or_default();
    first.parse().map(Some).map_err(Broken::of)
}

/// What one pair of eyes sees at one time.
struct Seen<'r> {
    room: &'r Room,
    names: &'r Names,
    eyes: Option<&'r CallSign>,
    views: Arc<Views>,
    now: UtcMs,
}

impl Seen<'_> {
    fn judge(&self, that: &That) -> Judged {
        match that {
            That::Open(about) => self.open(about),
            That::Closed(about) => {
                let open = self.open(about)?;
                Ok(Verdict::new(!open.holds, open.found))
            }
            That::Owed(owed) => self.owed(owed),
            That::Nothing { urgency, by } => self.nothing(*urgency, by.as_ref()),
            That::First(about) => self.first(about),
            That::Age(about, age) => {
                let rows = self.due_about(about)?;
                let oldest = rows.iter().map(|row| row.age_s * 1000).max();
                Ok(Verdict::new(
                    oldest.is_some_and(|ms| age.is(ms)),
                    list(&rows),
                ))
            }
            That::Standing(about, word, reason) => self.standing(about, word, reason.as_deref()),
            That::Missing(by, step, about) => self.missing(by, step, about),
            That::Reads(by, about, group) => self.reads(by, about, group),
            That::Sounding(by, about) => self.sounding(by, about),
            That::Instrument { .. } => Ok(self.instrument(that)),
            That::Area(about, word) => {
                let area = self.object("area", about)?;
                Ok(Verdict::is(word, text(&area, "agreed")))
            }
            That::Coverage { .. } => self.coverage(that),
            That::Line(id, fact) => self.line(id, fact),
            That::Shift(by, fact) => self.shift(by, fact),
            That::Claim(about, word, by) => self.claim(about, word, by),
            That::Tally(about, sum) => self.tally(about, *sum),
            That::Corrected(..) | That::Says(..) | That::Stands(..) => self.now_says(that),
            That::Erased(about, at) => self.erased(about, at),
            That::Untold(by, about) => self.untold(that, by, about),
            That::Climbed(about, _) | That::Sent(about, _) | That::NewPlace(about) => {
                self.matter(that, about)
            }
            That::Site(about, word) => self.site(about, word),
            That::MayRelease(by, about) => self.may_release(by, about),
            That::Movement(about, word) => self.movement(about, word),
            That::LeftWithout(by, step, about) => self.left_without(by, step, about),
            That::NotWarned(by, about) => {
                let exposure = self.object("exposure", about)?;
                let not_warned = texts(&exposure, "not_warned");
                let found = format!("not warned: {}", joined(&not_warned));
                Ok(Verdict::new(not_warned.contains(&by.to_string()), found))
            }
            That::Candidate(report, notice) => self.candidate(report, notice),
            That::Conflict(one, other) => self.conflict(one, other),
            That::ReadBack(by, about, _) | That::Language(by, about, _) => {
                let state = self.recipient(by, about)?;
                Ok(of_recipient(that, &state))
            }
            That::Answered(by, about, answered) => self.answered(by, about, answered),
        }
    }

    fn reference(&self, mention: &Mention) -> &Reference {
        &self.names[mention]
    }

    /// The object of a capability to which a statement belongs, as its readers get it; null when these eyes see none.
    fn object(&self, capability: &str, about: &Mention) -> Result<Value, Broken> {
        let body = self.views.object(capability, self.reference(about))?;
        body.map_or(Ok(Value::Null), |body| {
            serde_json::from_str(&body).map_err(Broken::of)
        })
    }

    /// By which reference the matter, area or instrument is called to which a statement belongs.
    fn called(&self, about: &Mention) -> Result<String, Broken> {
        let matter = self.object("matter", about)?;
        let area = self.object("area", about)?;
        let notice = self.notice(about)?;
        let called = matter["reference"]
            .as_str()
            .or(area["first"].as_str())
            .or(notice["reference"].as_str());
        Ok(called.map_or_else(|| self.reference(about).to_string(), str::to_owned))
    }

    /// The site, movement or exposure to which a statement belongs; null when these eyes see none.
    fn notice(&self, about: &Mention) -> Result<Value, Broken> {
        for capability in ["site", "movement", "exposure"] {
            let object = self.object(capability, about)?;
            if !object.is_null() {
                return Ok(object);
            }
        }
        Ok(Value::Null)
    }

    fn due_about(&self, about: &Mention) -> Result<Vec<OwedRow>, Broken> {
        let called = self.called(about)?;
        let mut rows = self.views.due(self.now)?;
        rows.retain(|row| row.about == called);
        Ok(rows)
    }

    fn open(&self, about: &Mention) -> Judged {
        let rows = self.due_about(about)?;
        Ok(Verdict::new(!rows.is_empty(), list(&rows)))
    }

    fn owed(&self, owed: &Owed) -> Judged {
        let mut rows = match &owed.about {
            Some(about) => self.due_about(about)?,
            None => self.views.due(self.now)?,
        };
        rows.retain(|row| row.by == owed.by.as_str() && row.what == owed.what);
        let holds = rows.iter().any(|row| self.is_as(row, owed));
        Ok(Verdict::new(holds, list(&rows)))
    }

    fn is_as(&self, row: &OwedRow, owed: &Owed) -> bool {
        let time = |text: &String| UtcMs::parse(text).ok();
        let due_at = row.due_at.as_ref().and_then(time);
        let left_ms = due_at.map(|at| at.0 - self.now.0);
        row.part == owed.part
            && row.urgency == urgency(owed.urgency)
            && owed.overdue_by.is_none_or(|by| by.is(row.overdue_s * 1000))
            && owed
                .within
                .is_none_or(|within| left_ms.is_some_and(|ms| (0..=within.ms).contains(&ms)))
            && owed.due_at.is_none_or(|at| due_at == Some(at))
            && owed
                .since
                .is_none_or(|since| time(&row.since) == Some(since))
            && owed.age.is_none_or(|age| age.is(row.age_s * 1000))
            && (!owed.holding || row.holding.is_some())
            && owed.receipt.is_none_or(|receipt| row.received == receipt)
    }

    fn nothing(&self, word: Option<Urgency>, by: Option<&CallSign>) -> Judged {
        let mut rows = self.views.due(self.now)?;
        rows.retain(|row| {
            word.is_none_or(|word| row.urgency == urgency(word))
                && by.is_none_or(|by| row.by == by.as_str())
        });
        Ok(Verdict::new(rows.is_empty(), list(&rows)))
    }

    fn first(&self, about: &Mention) -> Judged {
        let called = self.called(about)?;
        let rows = self.views.due(self.now)?;
        let first = &rows[..rows.len().min(1)];
        let holds = first.iter().any(|row| row.about == called);
        Ok(Verdict::new(holds, list(first)))
    }

    fn standing(&self, about: &Mention, word: &str, reason: Option<&str>) -> Judged {
        let row = self.views.statement(self.reference(about))?;
        let (is, why) = row.map_or_else(
            || ("unseen".to_owned(), None),
            |row| (row.standing, row.why),
        );
        let why = why.unwrap_or_default();
        let holds = is == word && reason.is_none_or(|reason| why.contains(reason));
        Ok(Verdict::new(holds, format!("{is} {why}").trim_end()))
    }

    fn reads(&self, by: &CallSign, about: &Mention, group: &str) -> Judged {
        let row = self.room.views(Some(by)).statement(self.reference(about))?;
        let groups = row.map(|row| row.groups).unwrap_or_default();
        let named = groups.iter().find(|row| row.name == group);
        let found = match named.map(|row| row.content.is_some()) {
            None => format!("{by} sees no group {group} of it"),
            Some(false) => format!("{by} sees that there is a group {group}, and does not read it"),
            Some(true) => format!("{by} reads group {group}"),
        };
        let holds = named.is_some_and(|row| row.content.is_some());
        Ok(Verdict::new(holds, found))
    }

    fn matter(&self, that: &That, about: &Mention) -> Judged {
        let matter = self.object("matter", about)?;
        let sends = list_of(&matter, "sends");
        Ok(match that {
            That::Climbed(_, office) => Verdict::is(office, text(&matter, "climbed_to")),
            That::Sent(_, times) => Verdict::is(&times.to_string(), sends.len().to_string()),
            That::Untold(by, _) => {
                let untold: Vec<String> = texts(&matter, "not_told");
                let holds = untold.iter().any(|sign| sign == by.as_str());
                Verdict::new(holds, format!("not told: {}", joined(&untold)))
            }
            _ => {
                let named = self.reference(about).to_string();
                let send = sends
                    .iter()
                    .find(|send| send["reference"] == named.as_str());
                let holds = send.is_some_and(|send| send["new_place"] == true);
                let word = if holds { "new" } else { "named before" };
                Verdict::new(holds, format!("its place is {word}"))
            }
        })
    }

    fn sounding(&self, by: &CallSign, about: &Mention) -> Judged {
        let (_, truce) = self.room.folded(self.eyes)?;
        let called = self.called(about)?;
        let mut matters = truce.matters.values();
        let Some(matter) = matters.find(|matter| matter.root.to_string() == called) else {
            return Ok(Verdict::no("no message of it is known there"));
        };
        let silenced_at = self.room.silenced_at(by, &matter.root)?;
        let holds = matter.is_sounding(by, silenced_at, self.now);
        let sounds = matter.sounds(by, self.now);
        let sounds: Vec<String> = sounds
            .iter()
            .map(|sound| format!("{} at {}", sound.why, sound.at))
            .collect();
        let word = if holds { "sounds" } else { "is silent" };
        let silenced = silenced_at.map_or_else(String::new, |at| format!("; silenced at {at}"));
        let found = format!("the alarm at {by} {word}: {}{silenced}", joined(&sounds));
        Ok(Verdict::new(holds, found))
    }

    /// What became of a matter at one recipient; null when it was not sent there.
    fn recipient(&self, by: &CallSign, about: &Mention) -> Result<Value, Broken> {
        let matter = self.object("matter", about)?;
        let mut recipients = list_of(&matter, "recipients").iter();
        let state = recipients.find(|state| state["call_sign"] == by.as_str());
        if let Some(state) = state {
            return Ok(state.clone());
        }
        let notice = self.notice(about)?;
        let mut of_site = list_of(&notice, "recipients").iter();
        let of_site = of_site.find(|state| state["call_sign"] == by.as_str());
        let reception = of_site.map(|state| &state["reception"]);
        Ok(reception
            .unwrap_or(&notice["recipients"][by.as_str()])
            .clone())
    }

    /// Who should have been told, by the agreement, and is not among those who were.
    fn untold(&self, that: &That, by: &CallSign, about: &Mention) -> Judged {
        let notice = self.notice(about)?;
        if notice.is_null() {
            return self.matter(that, about);
        }
        let mut untold = texts(&notice, "not_listed");
        untold.extend(texts(&notice, "not_told"));
        let found = format!("not told: {}", joined(&untold));
        Ok(Verdict::new(untold.contains(&by.to_string()), found))
    }

    fn site(&self, about: &Mention, word: &str) -> Judged {
        let (_, truce) = self.room.folded(self.eyes)?;
        let called = self.called(about)?;
        let mut sites = truce.sites.values();
        let Some(site) = sites.find(|site| site.reference.to_string() == called) else {
            return Ok(Verdict::no("no such site is known there"));
        };
        let state = match site.state(self.now) {
            SiteState::Submitted => "submitted",
            SiteState::Returned => "returned",
            SiteState::Validated => "validated",
            SiteState::Withdrawn => "withdrawn",
        };
        let more = [
            ("avoided", site.is_avoided(self.now)),
            ("review_due", site.is_review_due(self.now)),
            ("frozen", site.frozen(self.now).is_some()),
        ];
        let more = more.into_iter().filter(|(_, is)| *is);
        let words: Vec<&str> = [state]
            .into_iter()
            .chain(more.map(|(word, _)| word))
            .collect();
        Ok(Verdict::new(words.contains(&word), joined(&words)))
    }

    fn may_release(&self, by: &CallSign, about: &Mention) -> Judged {
        let (_, truce) = self.room.folded(self.eyes)?;
        let called = self.called(about)?;
        let mut sites = truce.sites.values();
        let Some(site) = sites.find(|site| site.reference.to_string() == called) else {
            return Ok(Verdict::no("no such site is known there"));
        };
        let may = site.may_release(by, self.now);
        let word = if may { "may" } else { "may not" };
        Ok(Verdict::new(may, format!("it {word} be given to {by}")))
    }

    fn candidate(&self, report: &Mention, notice: &Mention) -> Judged {
        let asked = CandidateQuery {
            notice: Some(self.reference(notice).clone()),
            report: Some(self.reference(report).clone()),
            ..CandidateQuery::all(self.now, self.now)
        };
        let found = self.views.snapshot(|moment| moment.candidates(&asked))?;
        let Some(found) = found else {
            return Ok(Verdict::no(
                "no such report, or no such notice, is known there",
            ));
        };
        let found = found.map_err(Broken::of)?;
        let Some(candidate) = found.cases.candidates.first() else {
            return Ok(Verdict::no("it is no candidate"));
        };
        let had: Vec<String> = candidate.had.keys().map(ToString::to_string).collect();
        let how = candidate.nearness.as_str();
        Ok(Verdict::new(
            true,
            format!("it is a candidate: {how}; had by {}", joined(&had)),
        ))
    }

    fn conflict(&self, one: &Mention, other: &Mention) -> Judged {
        let Some(reader) = self.eyes else {
            return Ok(Verdict::no("nobody in particular is asked: say `for` whom"));
        };
        let node = self.room.node();
        let index = node.notified(&node.eyes_of(Some(reader)));
        let (one, other) = (self.called(one)?, self.called(other)?);
        let first: Reference = one.parse().map_err(Broken::of)?;
        let pairs = index.pairs(&self.views, Some(&first), |_, _| true);
        let pairs = pairs.map_err(Broken::of)?;
        let meets: Vec<String> = pairs
            .into_iter()
            .flat_map(|pair| [pair.found.one, pair.found.other])
            .map(|notice| notice.reference.to_string())
            .filter(|met| *met != one)
            .collect();
        let found = match meets.len() {
            0 => format!("{reader} is told of nothing that meets it"),
            count => format!("{reader} is told of {count} that meet it"),
        };
        Ok(Verdict::new(meets.contains(&other), found))
    }

    fn movement(&self, about: &Mention, word: &str) -> Judged {
        let (_, truce) = self.room.folded(self.eyes)?;
        let called = self.called(about)?;
        let mut movements = truce.movements.values();
        let of = movements.find(|movement| movement.reference.to_string() == called);
        let Some(movement) = of else {
            return Ok(Verdict::no("no such movement is known there"));
        };
        let row = self.object("movement", about)?;
        let state = movement.state(self.now);
        let phase = match state.phase {
            Phase::Normal => "heard",
            Phase::Missed => "missed",
            Phase::Uncertainty => "uncertainty",
            Phase::Alert => "alert",
            Phase::Distress => "distress",
        };
        let stage = text(&row, "stage");
        let mut words = vec![stage.as_str(), phase];
        if movement.late(movement.current()).is_some() {
            words.push("late");
        }
        Ok(Verdict::new(words.contains(&word), joined(&words)))
    }

    fn left_without(&self, by: &CallSign, step: &Step, about: &Mention) -> Judged {
        let movement = self.object("movement", about)?;
        let mut gaps = list_of(&movement, "gaps_at_departure").iter();
        let gap = gaps.find(|gap| gap["call_sign"] == by.as_str());
        let missing = gap.map(|gap| texts(gap, "missing")).unwrap_or_default();
        let found = match movement["gaps_at_departure"].is_null() {
            true => "it has not left".to_owned(),
            false => format!("missing at {by} when it left: {}", joined(&missing)),
        };
        Ok(Verdict::new(missing.contains(&step.word), found))
    }

    fn missing(&self, by: &CallSign, step: &Step, about: &Mention) -> Judged {
        let state = self.recipient(by, about)?;
        if state.is_null() {
            return Ok(Verdict::no(format!("it was not sent to {by}")));
        }
        let word = match &step.part {
            Some(part) => format!("{}:{part}", step.word),
            None => step.word.clone(),
        };
        let missing = texts(&state, "missing");
        let found = format!("missing at {by}: {}", joined(&missing));
        Ok(Verdict::new(missing.contains(&word), found))
    }

    fn answered(&self, by: &CallSign, about: &Mention, answered: &Answered) -> Judged {
        let separation = self.object("separation", about)?;
        if !separation.is_null() {
            let word = separation["answers"][by.as_str()]["answer"].as_str();
            return Ok(replied(by, word, answered.reply.as_deref()));
        }
        let state = self.recipient(by, about)?;
        let part = answered.part.as_deref();
        let mut parts = list_of(&state, "parts").iter();
        let Some(row) = parts.find(|row| row["part"].as_str() == part) else {
            return Ok(Verdict::no(format!(
                "nothing is asked of {by} by this part"
            )));
        };
        let word = match row["state"].as_str() {
            Some("answered") => row["reply"].as_str(),
            Some("refused") => Some("refused"),
            _ => None,
        };
        Ok(replied(by, word, answered.reply.as_deref()))
    }

    fn instrument(&self, that: &That) -> Verdict {
        let That::Instrument {
            about,
            state,
            since,
            by,
            silent,
        } = that
        else {
            return Verdict::no("nothing about an instrument");
        };
        let context = self.views.context();
        let Some(instrument) = context.agreement.instruments.get(self.reference(about)) else {
            return Verdict::no("no such instrument is known there");
        };
        let (word, at, who) = match instrument.at(self.now) {
            InstrumentState::Tabled { silent, .. } => ("tabled", None, silent),
            InstrumentState::Lapsed { at } => ("lapsed", Some(at), vec![]),
            InstrumentState::Accepted { in_force_from } => {
                ("accepted", Some(in_force_from), vec![])
            }
            InstrumentState::InForce { since } => ("in_force", Some(since), vec![]),
            InstrumentState::Suspended { since, by } => ("suspended", Some(since), by),
            InstrumentState::Amended { at, .. } => ("amended", Some(at), vec![]),
            InstrumentState::Ended { at, by } => ("ended", Some(at), by),
        };
        let mut named: Vec<&CallSign> = by.iter().chain(silent).collect();
        let mut are: Vec<&CallSign> = who.iter().collect();
        named.sort();
        are.sort();
        let holds = word == state
            && since.is_none_or(|since| at == Some(since))
            && (named.is_empty() || named == are);
        let at = at.map_or_else(String::new, |at| format!(" {at}"));
        Verdict::new(holds, format!("{word}{at} {}", joined(&who)))
    }

    fn coverage(&self, that: &That) -> Judged {
        let That::Coverage {
            answer,
            actor,
            place,
            by,
        } = that
        else {
            return Ok(Verdict::no("nothing about coverage"));
        };
        let (Some(place), Some(actor)) = (position(place), acting(actor)) else {
            return Ok(Verdict::no("the place or the short name is not valid"));
        };
        let coverage = self.views.covered(&place, &actor, self.now)?;
        let word = coverage.answer.as_str();
        let provisions = coverage.provisions.iter();
        let cited: Vec<String> = provisions
            .map(|cited| cited.provision.to_string())
            .collect();
        let cites = by.as_ref().is_none_or(|by| cited.contains(by));
        let reasons = coverage.reasons.join("; ");
        let found = format!("{word} by {}: {reasons}", joined(&cited));
        // An answer that could be taken for a clearance is none.
        let cautious = coverage.caution == agreement::CAUTION;
        Ok(Verdict::new(word == answer && cites && cautious, found))
    }

    fn line(&self, id: &str, fact: &LineFact) -> Judged {
        let lines = self.views.lines()?;
        let mut lines = lines.iter().filter(|((_, line), _)| line.as_str() == id);
        let Some((_, state)) = lines.next() else {
            return Ok(Verdict::no("no instrument in force has such a line"));
        };
        if let LineFact::Fault(means) = fact {
            let faults: Vec<String> = state.faults.keys().map(ToString::to_string).collect();
            let found = format!("faults: {}", joined(&faults));
            return Ok(Verdict::new(faults.contains(means), found));
        }
        let holds = match (fact, state.last_two_way) {
            (LineFact::LastTwoWay(at, over), Some((last, means))) => {
                *at == last && over.as_ref().is_none_or(|over| over == means.as_str())
            }
            (LineFact::NeverTwoWay, None) => true,
            _ => false,
        };
        let found = state.last_two_way.map_or_else(
            || "never two-way".to_owned(),
            |(at, means)| format!("last two-way {at} over {means}"),
        );
        Ok(Verdict::new(holds, found))
    }

    fn shift(&self, by: &CallSign, fact: &ShiftFact) -> Judged {
        let context = self.views.context();
        let origin = context.directory.origin(by);
        let shifts = origin.and_then(|origin| context.shifts.get(origin));
        let on_duty = shifts.and_then(|shifts| shifts.on_duty(self.now));
        let found = on_duty.map_or_else(
            || format!("nobody has the duty at {by}"),
            |shift| format!("{} has the duty until {}", shift.officer, shift.until),
        );
        let holds = match fact {
            ShiftFact::OnDuty(officer) => {
                on_duty.is_some_and(|shift| shift.officer.as_str() == officer)
            }
            ShiftFact::Nobody => on_duty.is_none(),
            ShiftFact::Unticked(about) => {
                let called = self.called(about)?;
                let half = on_duty.and_then(|shift| shift.offered.as_ref());
                half.filter(|half| half.accepted.is_some())
                    .is_some_and(|half| half.missing.iter().any(|one| one.to_string() == called))
            }
            ShiftFact::Unrelieved => on_duty.is_some_and(|shift| !shift.unrelieved.is_empty()),
        };
        Ok(Verdict::new(holds, found))
    }

    fn claim(&self, about: &Mention, word: &str, by: &Mention) -> Judged {
        let claim = self.object("claim", about)?;
        let relation = match word {
            "denied" => "denies",
            "confirmed" => "confirms",
            "corrected" => "corrects",
            _ => "repeats",
        };
        let related = texts(&claim["related"], relation);
        let holds = related.contains(&self.reference(by).to_string());
        let found = format!("{} claims are related so", related.len());
        Ok(Verdict::new(holds, found))
    }

    fn tally(&self, about: &Mention, sum: Sum) -> Judged {
        let tally = self.object("tally", about)?;
        let is = |sum: Sum| match sum {
            Sum::AddsUp(total) => format!("adds_up {total} against {total}"),
            Sum::DoesNotAddUp { lines, stated } => {
                format!("does_not_add_up {lines} against {stated}")
            }
        };
        let word = text(&tally, "arithmetic");
        let found = format!("{word} {} against {}", tally["lines"], tally["stated"]);
        Ok(Verdict::is(&is(sum), found))
    }

    /// What a statement says now, after corrections.
    fn now_says(&self, that: &That) -> Judged {
        let (That::Corrected(about, _) | That::Says(about, _) | That::Stands(about, _)) = that
        else {
            return Ok(Verdict::no("nothing that is said"));
        };
        let (statements, truce) = self.room.folded(self.eyes)?;
        let named = self.reference(about);
        let effective = statements.effective(&truce.directory);
        let Some(entry) = effective.iter().find(|entry| entry.reference == *named) else {
            return Ok(Verdict::no("it takes no effect there"));
        };
        let body: &Body = &entry.body;
        let body = body.write();
        Ok(match that {
            That::Corrected(_, by) => {
                let by = self.reference(by);
                let found = entry.corrected_by.as_ref().map_or_else(
                    || "it is not corrected".to_owned(),
                    |by| format!("corrected by {}", self.room.short(by)),
                );
                Verdict::new(entry.corrected_by.as_ref() == Some(by), found)
            }
            That::Says(_, words) => Verdict::is(words, body["words"].as_str().unwrap_or("nothing")),
            That::Stands(_, place) => {
                Verdict::new(body["place"] == place.position(), body["place"].to_string())
            }
            _ => Verdict::no("nothing that is said"),
        })
    }

    fn erased(&self, about: &Mention, at: &[CallSign]) -> Judged {
        let rows = self.views.about(self.reference(about), ABOUT_MAX)?;
        let done = rows
            .into_iter()
            .filter(|row| row.kind == "erase.done/1" && row.standing == "effective");
        let done: Vec<String> = done.map(|row| row.by).collect();
        let holds = at
            .iter()
            .all(|sign| done.iter().any(|by| by == sign.as_str()));
        Ok(Verdict::new(holds, format!("erased at {}", joined(&done))))
    }
}

fn of_recipient(that: &That, state: &Value) -> Verdict {
    if state.is_null() {
        return Verdict::no("it was not sent there");
    }
    match that {
        That::ReadBack(_, _, same) => {
            let is = state["read_back"]["same_place"].as_bool();
            let found = match (state["read_back"].is_null(), is) {
                (true, _) => "not read back",
                (false, None) => "read back without a place to compare",
                (false, Some(true)) => "read back with the same place",
                (false, Some(false)) => "read back with another place",
            };
            Verdict::new(is == Some(*same), found)
        }
        That::Language(_, _, known) => {
            let is = state["language_on_duty"].as_bool();
            let found = match is {
                Some(true) => "somebody on duty reads it",
                Some(false) => "nobody on duty reads it",
                None => "it is not known whether somebody on duty reads it",
            };
            Verdict::new(is == *known, found)
        }
        _ => Verdict::no("nothing about a recipient"),
    }
}

/// What was answered, beside what was expected: any answer, without a word.
fn replied(by: &CallSign, word: Option<&str>, expected: Option<&str>) -> Verdict {
    match word {
        None => Verdict::no(format!("{by} has not answered")),
        Some(word) => Verdict::new(expected.is_none_or(|reply| reply == word), word),
    }
}

fn urgency(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Overdue => "overdue",
        Urgency::Open => "open",
        Urgency::Unreachable => "unreachable",
    }
}

/// What is due, as a person reads it.
fn list(rows: &[OwedRow]) -> String {
    if rows.is_empty() {
        return "nothing is open".into();
    }
    let lines: Vec<String> = rows.iter().map(line).collect();
    lines.join("; ")
}

fn line(row: &OwedRow) -> String {
    let part = row
        .part
        .as_ref()
        .map_or_else(String::new, |part| format!(" part {part}"));
    let urgency = match row.urgency.as_str() {
        "overdue" => format!("overdue by {}", lasting(row.overdue_s)),
        other => other.to_owned(),
    };
    let due = row
        .due_at
        .as_ref()
        .map_or_else(String::new, |at| format!(", due {at}"));
    let holding = if row.holding.is_some() {
        ", holding"
    } else {
        ""
    };
    let receipt = if row.received { "" } else { ", no receipt" };
    format!(
        "{} owes {}{part} about {}: {urgency}, since {}{due}{holding}{receipt}",
        row.by, row.what, row.short, row.since
    )
}

/// As scenarios write it: `3d12h`, `4m30s`.
fn lasting(seconds: i64) -> String {
    let mut left = seconds;
    let mut text = String::new();
    for (unit, unit_s) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if left >= unit_s {
            text.push_str(&format!("{}{unit}", left / unit_s));
            left %= unit_s;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

fn position(place: &Place) -> Option<Position> {
    Position::new(place.lat_e7, place.lon_e7)
}

fn acting(actor: &Actor) -> Option<agreement::Actor> {
    Some(match actor {
        Actor::Participant(call_sign) => agreement::Actor::Participant(call_sign.clone()),
        Actor::Formation(id) => agreement::Actor::Formation(Slug::new(id).ok()?),
        Actor::Group(id) => agreement::Actor::Group(Slug::new(id).ok()?),
        Actor::Unknown => agreement::Actor::Unknown,
    })
}

fn list_of<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value[member].as_array().map_or(&[], Vec::as_slice)
}

fn texts(value: &Value, member: &str) -> Vec<String> {
    let items = list_of(value, member).iter();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// The text of a member; when these eyes see no such object, it says so.
fn text(value: &Value, member: &str) -> String {
    let text = value[member].as_str();
    text.unwrap_or("nothing of it is seen there").to_owned()
}

fn joined<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".into();
    }
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}
