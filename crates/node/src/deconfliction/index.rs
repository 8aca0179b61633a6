//! What is notified, in space and time, for one reader: fed from his own views and from nothing else.

use super::convert::{self, NotConverted};
use super::{APART_M_MAX, RULES};
use crate::views::{Followed, Notice, ViewError, Views};
use record::encoding::Hash;
use record::name::{Origin, Reference};
use record::time::UtcMs;
use serde_json::Value;
use space::{Ask, Judgement, Snapshot, Space, Stamp, Volume, VolumeId, Writer};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};
use truce::wire::{Place, Wire};

/// When more volumes than stand, and more than this, stood once, the index is made anew without them.
const ENDED_MAX: usize = 4_096;

/// The index of one reader.
#[derive(Default)]
pub struct Index(RwLock<State>);

struct State {
    writer: Writer,
    space: Space,
    /// Of which tables of the views, and up to which of their changes.
    epoch: i64,
    seq: i64,
    /// Of each log the last entry that was read.
    read: Vec<(Origin, u64)>,
    notices: BTreeMap<i64, Entry>,
    /// Whose each volume is.
    owners: HashMap<VolumeId, i64>,
    next: u64,
}

/// A notice that stands.
#[derive(Debug, Clone)]
struct Entry {
    notice: Noticed,
    /// Of what its volumes were made: what changes nothing of it changes no volume.
    made_of: Hash,
    volumes: Vec<VolumeId>,
    not_converted: Option<String>,
}

/// Which notice.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Noticed {
    reference: Reference,
    version: String,
    by: String,
    is_site: bool,
}

/// What was compared, and what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Of each log the last entry that was read: the answer is as of these.
    pub read: Vec<(Origin, u64)>,
    /// Notices that meet what was asked, the most serious first.
    pub met: Vec<Met>,
    /// Notices that the engine does not take. Nobody knows whether they meet it.
    pub not_compared: Vec<NotCompared>,
}

/// A notice that meets what was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Met {
    /// The first notice of the site or movement.
    pub reference: String,
    /// The version that was compared: the newest one whose exact place is read.
    pub version: String,
    /// Whose it is, by call sign.
    pub by: String,
    /// Whether it is a site; otherwise it is a movement.
    pub is_site: bool,
    /// How, where and when.
    pub judgement: Judgement,
    /// How far it is from the place of the meeting at its beginning, in metres; 0 where it holds the place. `None` when it is not
    /// there at that time.
    pub apart_m: Option<f64>,
}

/// A notice that the engine does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCompared {
    /// The first notice of the site or movement.
    pub reference: String,
    /// Why, by member.
    pub why: String,
}

impl Default for State {
    fn default() -> Self {
        let (writer, space) = Writer::new();
        Self {
            writer,
            space,
            epoch: 0, // which is that of no tables
            seq: 0,
            read: Vec::new(),
            notices: BTreeMap::new(),
            owners: HashMap::new(),
            next: 0,
        }
    }
}

impl Index {
    /// Takes in what changed in `views`.
    ///
    /// # Errors
    /// [`ViewError`]; what was not taken in is taken in the next time.
    pub fn follow(&self, views: &Views) -> Result<(), ViewError> {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let followed = state.follow(views);
        let crowded = state.ended() > ENDED_MAX.max(state.owners.len());
        if followed.is_err() || crowded {
            *state = State::default();
        }
        followed?;
        if crowded {
            state.follow(views)?;
        }
        Ok(())
    }

    /// What of the notices in `views` meets any of `asked`, all of them volumes of one thing.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn check(&self, views: &Views, asked: &[Volume]) -> Result<Checked, ViewError> {
        self.follow(views)?;
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(state.check(asked))
    }
}

impl State {
    /// Volumes that stood once, for which there is still room in the engine.
    fn ended(&self) -> usize {
        usize::try_from(self.next).map_or(usize::MAX, |given| given - self.owners.len())
    }

    fn follow(&mut self, views: &Views) -> Result<(), ViewError> {
        let mut anew = false;
        let mut changed: Vec<(i64, Option<Read>)> = Vec::new();
        let mut damaged = None;
        let followed = views.notices_since(self.seq, self.epoch, &mut |notice| match notice {
            Notice::Anew => anew = true,
            Notice::Gone(id) => changed.push((id, None)),
            Notice::Stands {
                id,
                capability,
                body,
            } => match read(&capability, &body) {
                Some(row) => changed.push((id, row)),
                None => damaged = Some(id),
            },
        })?;
        if let Some(id) = damaged {
            return Err(ViewError::Damaged(format!("notice {id} is none")));
        }
        if anew {
            *self = Self::default();
        }
        self.take(changed, &followed, anew);
        (self.epoch, self.seq, self.read) = (followed.epoch, followed.seq, followed.read);
        Ok(())
    }

    fn take(&mut self, changed: Vec<(i64, Option<Read>)>, followed: &Followed, anew: bool) {
        const ORDER: &str = "changes are numbered upward in one epoch, and no number of a volume is given out twice";
        let stamp = Stamp {
            position: u64::try_from(followed.seq).unwrap_or(0),
            heard: space::UtcMs(0), // nobody asks this index what was known when
        };
        let mut first = Vec::new();
        for (id, row) in changed {
            let before = self.notices.get(&id);
            if let (Some(before), Some(row)) = (before, &row)
                && before.made_of == row.made_of
            {
                continue;
            }
            for volume in self.notices.remove(&id).into_iter().flat_map(|e| e.volumes) {
                self.owners.remove(&volume);
                self.writer.withdraw(stamp, volume).expect(ORDER);
            }
            let Some(row) = row else { continue };
            let (volumes, not_converted) = match row.volumes {
                Ok(volumes) => (volumes, None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
            let mut names = Vec::with_capacity(volumes.len());
            for volume in volumes {
                let name = VolumeId(self.next);
                self.next += 1;
                self.owners.insert(name, id);
                names.push(name);
                if anew {
                    first.push((stamp, name, volume));
                } else {
                    self.writer.insert(stamp, name, &volume).expect(ORDER);
                }
            }
            let entry = Entry {
                notice: row.notice,
                made_of: row.made_of,
                volumes: names,
                not_converted,
            };
            self.notices.insert(id, entry);
        }
        if anew {
            self.writer.load(first).expect(ORDER);
        }
    }

    fn check(&self, asked: &[Volume]) -> Checked {
        let snapshot = self.space.snapshot();
        let ask = Ask::everything().rules(RULES);
        let mut worst: BTreeMap<i64, Judgement> = BTreeMap::new();
        for volume in asked {
            for conflict in snapshot.conflicts(volume, &ask).hits {
                let Some(owner) = self.owners.get(&conflict.id) else {
                    continue;
                };
                let found = worst.entry(*owner).or_insert(conflict.judgement);
                if order(&conflict.judgement) < order(found) {
                    *found = conflict.judgement;
                }
            }
        }
        let mut met: Vec<Met> = worst
            .into_iter()
            .filter_map(|(id, judgement)| {
                let entry = self.notices.get(&id)?;
                Some(Met {
                    reference: entry.notice.reference.to_string(),
                    version: entry.notice.version.clone(),
                    by: entry.notice.by.clone(),
                    is_site: entry.notice.is_site,
                    apart_m: apart_m(&snapshot, &judgement, &entry.volumes),
                    judgement,
                })
            })
            .collect();
        let key = |met: &Met| (Reverse(met.judgement.verdict), met.reference.clone());
        met.sort_by_cached_key(key);
        let left_out = self.notices.values().filter_map(|entry| {
            Some(NotCompared {
                reference: entry.notice.reference.to_string(),
                why: entry.not_converted.clone()?,
            })
        });
        let mut not_compared: Vec<NotCompared> = left_out.collect();
        not_compared.sort_by(|a, b| a.reference.cmp(&b.reference));
        Checked {
            read: self.read.clone(),
            met,
            not_compared,
        }
    }
}

/// The most serious first, then the earliest, whatever the order in which volumes came.
fn order(judgement: &Judgement) -> impl Ord + use<> {
    let witness = judgement.witness.map(|w| (w.from, w.place));
    (Reverse(judgement.verdict), witness)
}

/// How far the nearest of these volumes is from the place of the meeting when it begins.
fn apart_m(snapshot: &Snapshot, judgement: &Judgement, of: &[VolumeId]) -> Option<f64> {
    let witness = judgement.witness?;
    let ask = Ask::by(|id| of.contains(&id));
    let near = snapshot.nearest(witness.place, witness.from, APART_M_MAX, &ask);
    let near = near
        .expect("the distance is a constant within the engine's")
        .hits;
    near.first().map(|near| near.metres)
}

/// What is read from a row.
struct Read {
    notice: Noticed,
    made_of: Hash,
    volumes: Result<Vec<Volume>, NotConverted>,
}

/// Reads a row of the views: `Some(None)` when no exact place stands in it, which is then nobody's to compare; `None` when it is
/// no row.
fn read(capability: &str, body: &str) -> Option<Option<Read>> {
    let row: Value = serde_json::from_str(body).ok()?;
    let versions = row["versions"].as_array()?;
    // The reader may be none of those to whom the newest version was sent: the last place that he has is better than none.
    let placed = versions
        .iter()
        .rev()
        .find(|version| version["exact"].is_object());
    let Some(version) = placed else {
        return Some(None);
    };
    let (exact, valid_from) = (&version["exact"], version["notice"]["valid_from"].as_str());
    let made_of = format!("{} {valid_from:?} {exact}", version["reference"]);
    let is_site = capability == "site";
    let place = Place::Member(&Place::Top, "exact");
    let volumes = if is_site {
        let from = UtcMs::parse(valid_from?).ok()?;
        let exact = truce::sites::Exact::read(exact, &place).ok()?;
        convert::of_site(&exact, from, &place)
    } else {
        let exact = truce::movements::Exact::read(exact, &place).ok()?;
        let route = truce::volumes::of_legs(&exact.legs, exact.datum)?;
        convert::volumes(&route, &Place::Member(&place, "legs"))
    };
    Some(Some(Read {
        notice: Noticed {
            reference: row["reference"].as_str()?.parse().ok()?,
            version: version["reference"].as_str()?.to_owned(),
            by: row["by"].as_str()?.to_owned(),
            is_site,
        },
        made_of: Hash::of(&[made_of.as_bytes()]),
        volumes,
    }))
}
