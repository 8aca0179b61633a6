//! Plays a scenario line by line and stops at the first that does not come out as it is written.

use super::bodies::{self, Names};
use super::judge;
use super::room::{Broken, Founding, Refusal, Room, Words};
use formats::scenario::{
    ADMIN, ANYBODY, Control, Instrument, Mention, Participant, Say, Scenario, What,
};
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use truce::participants::Office;

/// The desk whose machine gives receipts.
const ADMINISTRATOR: &str = "administrator";
/// The desk that speaks for a participant in what binds it.
const HEAD_OF_MISSION: &str = "head_of_mission";
/// Participants are founded so long before anything is said.
const FOUNDED_BEFORE_MS: i64 = 3_600_000;
/// An instrument that is accepted when the scenario begins was tabled so long before, and accepted half of it later.
const TABLED_BEFORE_MS: i64 = 2 * 3_600_000;

/// A line that did not come out as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// The line, from 1.
    pub line: usize,
    /// What was found.
    pub found: String,
}

/// What came of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was said, and is called so.
    Said(String),
    /// It was refused by this rule, as it was expected to be.
    Refused {
        /// The rule.
        rule: String,
        /// The whole of it.
        why: String,
    },
    /// It was done: no statement.
    Done,
    /// It is so.
    Holds,
}

/// A scenario that is being played.
pub struct Player<'s> {
    scenario: &'s Scenario,
    /// The room in which it is played.
    pub room: Room,
    /// Statements by their names.
    pub names: Names,
}

/// Plays the scenario in the empty directory `dir` and tells what comes of each line.
///
/// # Errors
/// The first [`Deviation`].
pub fn play<'s>(
    scenario: &'s Scenario,
    dir: &Path,
    mut tell: impl FnMut(&formats::scenario::Line, &Outcome),
) -> Result<Player<'s>, Deviation> {
    let mut player = Player::new(scenario, dir, &[])?;
    for line in &scenario.lines {
        player.room.set_clock(line.at);
        let outcome = player.line(line)?;
        tell(line, &outcome);
    }
    Ok(player)
}

impl<'s> Player<'s> {
    /// Founds the participants with the desks that the scenario needs and a desk for each of `more`, and has said what was
    /// agreed before the scenario begins.
    ///
    /// # Errors
    /// [`Deviation`].
    pub fn new(scenario: &'s Scenario, dir: &Path, more: &[Office]) -> Result<Self, Deviation> {
        let accepted = scenario.instruments.iter().filter(|one| one.accepted);
        let agreed = accepted.clone().map(|one| agreed_by(one, scenario)).min();
        let begins = agreed.unwrap_or(scenario.begins);
        let founded = UtcMs(begins.0 - TABLED_BEFORE_MS - FOUNDED_BEFORE_MS);
        let mut desks = desks(scenario);
        for own in desks.values_mut() {
            own.extend(more.iter().map(|office| office.as_str().to_owned()));
        }
        let foundings: Vec<Founding> = scenario
            .participants
            .iter()
            .map(|participant| founding(participant, &desks))
            .collect();
        let machines = !scenario.receipts_by_hand;
        let room = Room::found(dir, &foundings, machines, founded);
        let mut player = Self {
            scenario,
            room: room.map_err(broken(1))?,
            names: Names::new(),
        };
        let mut accepted: Vec<&Instrument> = accepted.collect();
        accepted.sort_by_key(|instrument| instrument.in_force_from);
        for instrument in accepted {
            let refused =
                |refusal: Refusal| deviation(instrument.line, format!("refused: {refusal}"));
            player.agree(instrument).map_err(refused)?;
        }
        Ok(player)
    }

    /// Tables an instrument and has it accepted by all who are asked.
    fn agree(&mut self, instrument: &Instrument) -> Result<(), Refusal> {
        let agreed_by = agreed_by(instrument, self.scenario);
        let asked = ["needed", "invited"]
            .iter()
            .filter_map(|member| instrument.terms.get(*member));
        let asked: Vec<CallSign> = asked
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(|sign| sign.as_str()?.parse().ok())
            .collect();
        let readers = bodies::everybody(self.scenario);
        let mut words = Words {
            by: asked[0].clone(),
            desk: HEAD_OF_MISSION.into(),
            kind: "instrument.table/1".into(),
            about: vec![],
            groups: vec![],
        };
        self.room.set_clock(UtcMs(agreed_by.0 - TABLED_BEFORE_MS));
        let table = bodies::table(instrument, &self.scenario.participants, &self.room);
        let hash = json!({"text_sha256": table["text_sha256"]});
        words.groups = vec![("body".into(), table, readers.clone())];
        let tabled = self.room.say(&words)?;
        self.names.insert(instrument.name.clone(), tabled.clone());
        self.room
            .set_clock(UtcMs(agreed_by.0 - TABLED_BEFORE_MS / 2));
        for by in &asked[1..] {
            words.by = by.clone();
            words.kind = "instrument.accept/1".into();
            words.about = vec![tabled.clone()];
            words.groups = vec![("body".into(), hash.clone(), readers.clone())];
            self.room.say(&words)?;
        }
        Ok(())
    }

    /// Has one line happen.
    ///
    /// # Errors
    /// [`Deviation`].
    pub fn line(&mut self, line: &formats::scenario::Line) -> Result<Outcome, Deviation> {
        let done = match &line.what {
            What::Say(say) => return self.say(line.line, say),
            What::Expect(expect) => {
                let verdict = judge::judge(expect, &self.room, &self.names);
                let verdict = verdict.map_err(broken(line.line))?;
                return match verdict.holds != expect.not {
                    true => Ok(Outcome::Holds),
                    false => Err(deviation(line.line, verdict.found)),
                };
            }
            What::Silence { by, about } => self.silence(by, about),
            What::Offline(call_sign) => self.room.set_online(call_sign, false),
            What::Online(call_sign) => self.room.set_online(call_sign, true),
        };
        done.map(|()| Outcome::Done).map_err(broken(line.line))
    }

    /// A hand on a switch: the alarm of the whole matter, whichever of its messages was named.
    fn silence(&self, by: &CallSign, about: &Mention) -> Result<(), Broken> {
        let matter = judge::matter(&self.room, Some(by), &self.names[about])?;
        self.room
            .silence(by, &matter.unwrap_or_else(|| self.names[about].clone()))
    }

    fn say(&mut self, line: usize, say: &Say) -> Result<Outcome, Deviation> {
        let said = match &say.control {
            Some(control) => self.control(say, control),
            None => {
                let words = self.words(say);
                self.room.say(&words)
            }
        };
        match (said, &say.refused) {
            (Ok(reference), None) => {
                let short = self.room.short(&reference);
                self.names
                    .extend(say.name.clone().map(|name| (name, reference)));
                Ok(Outcome::Said(short))
            }
            (Ok(reference), Some(refused)) => {
                let short = self.room.short(&reference);
                let found = format!("it was not refused: it was said as {short}");
                Err(deviation(refused.line, found))
            }
            (Err(refusal), None) => Err(deviation(line, format!("refused: {refusal}"))),
            (Err(refusal), Some(refused)) => {
                let field = refused.field.as_ref().unwrap_or(&refusal.field);
                match refused.rule == refusal.rule && *field == refusal.field {
                    true => Ok(Outcome::Refused {
                        why: refusal.to_string(),
                        rule: refusal.rule,
                    }),
                    false => Err(deviation(
                        refused.line,
                        format!("refused otherwise: {refusal}"),
                    )),
                }
            }
        }
    }

    fn words(&self, say: &Say) -> Words {
        let about: Vec<Reference> = say
            .about
            .iter()
            .map(|name| self.names[name].clone())
            .collect();
        let described = say.kind == "instrument.table/1" && say.groups[0].content.is_empty();
        let instrument = say.name.as_ref().filter(|_| described);
        let instrument = instrument.and_then(|name| {
            let mut all = self.scenario.instruments.iter();
            all.find(|instrument| instrument.name == *name)
        });
        let groups = say.groups.iter().map(|group| {
            let content = match instrument {
                Some(instrument) => {
                    bodies::table(instrument, &self.scenario.participants, &self.room)
                }
                None => bodies::content(say, group, &self.names, &self.room),
            };
            let readers = bodies::readers(group, &about, self.scenario, &self.room);
            (group.name.clone(), content, readers)
        });
        Words {
            by: say.by.clone(),
            desk: say.desk.clone(),
            kind: say.kind.clone(),
            groups: groups.collect(),
            about,
        }
    }

    fn control(&mut self, say: &Say, control: &Control) -> Result<Reference, Refusal> {
        let desk = match control {
            Control::RevokeOffice(desk) | Control::RevokeKey(desk) => desk,
            Control::Compromise(desk, _) => desk,
        };
        let kid = self.room.kid(&say.by, desk).ok_or_else(|| Refusal {
            rule: "office".into(),
            field: "kid".into(),
            reason: format!("{} has no desk {desk}", say.by),
        })?;
        let mut body = Map::from_iter([("kid".to_owned(), Value::from(kid.to_string()))]);
        match control {
            Control::RevokeOffice(desk) => {
                body.insert("office".into(), office(desk).into());
            }
            Control::RevokeKey(_) => {}
            Control::Compromise(_, from) => {
                body.insert("from".into(), self.names[from].index.into());
            }
        }
        self.room.say_control(&say.by, &say.kind, body)
    }
}

/// When an instrument that is accepted before the scenario begins has been accepted.
fn agreed_by(instrument: &Instrument, scenario: &Scenario) -> UtcMs {
    let before = instrument.in_force_from.min(instrument.accept_by);
    before.min(scenario.begins)
}

fn broken(line: usize) -> impl FnOnce(Broken) -> Deviation {
    move |broken| deviation(line, broken.to_string())
}

fn deviation(line: usize, found: impl Into<String>) -> Deviation {
    Deviation {
        line,
        found: found.into(),
    }
}

/// The office of a desk: `duty_officer` of `duty_officer.night`.
fn office(desk: &str) -> &str {
    desk.split_once('.').map_or(desk, |(office, _)| office)
}

/// The desks that each participant needs in this scenario.
fn desks(scenario: &Scenario) -> BTreeMap<CallSign, BTreeSet<String>> {
    let mut desks: BTreeMap<CallSign, BTreeSet<String>> = BTreeMap::new();
    for participant in &scenario.participants {
        let own = desks.entry(participant.call_sign.clone()).or_default();
        own.extend([ADMINISTRATOR.to_owned(), HEAD_OF_MISSION.to_owned()]);
    }
    for line in &scenario.lines {
        if let What::Say(say) = &line.what {
            let own = desks.entry(say.by.clone()).or_default();
            own.insert(say.desk.clone());
            if let Some(
                Control::RevokeOffice(desk)
                | Control::RevokeKey(desk)
                | Control::Compromise(desk, _),
            ) = &say.control
            {
                own.insert(desk.clone());
            }
        }
    }
    desks
}

fn founding(participant: &Participant, desks: &BTreeMap<CallSign, BTreeSet<String>>) -> Founding {
    let own = desks.get(&participant.call_sign).into_iter().flatten();
    let desks = own.filter(|desk| *desk != ADMIN).map(|desk| {
        let office = office(desk);
        let held = desk != ANYBODY && participant.offices.iter().any(|one| one == office);
        let mut offices = Office::ALL.iter().copied();
        let office = offices.find(|known| held && known.as_str() == office);
        (desk.clone(), office)
    });
    Founding {
        call_sign: participant.call_sign.clone(),
        desks: desks.collect(),
        languages: participant.languages.clone(),
    }
}
