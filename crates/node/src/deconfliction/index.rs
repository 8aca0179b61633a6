//! What is notified, in space and time, for one reader: fed from his own views and from nothing else. As notices come, it finds
//! which of them meet.

use super::convert::{self, NotConverted};
use super::{APART_M_MAX, RULES};
use crate::views::{Followed, Notice, ViewError, Views};
use record::encoding::Hash;
use record::name::{CallSign, Origin, Reference};
use record::time::UtcMs;
use serde_json::Value;
use space::{Ask, Judgement, Snapshot, Space, Stamp, Volume, VolumeId, Writer};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use truce::wire::{Place, Wire};

/// When more volumes than stand, and more than this, stood once, the index is made anew without them.
const ENDED_MAX: usize = 4_096;
/// Notices that one notice is known to meet, the most serious of them. A check by hand names all.
pub const MEETS_MAX: usize = 1_000;

/// The index of one reader.
pub struct Index(RwLock<State>);

struct State {
    /// Who reads. Nobody, where it is not one participant.
    reader: Option<CallSign>,
    writer: Writer,
    space: Space,
    /// Of which tables of the views, and up to which of their changes.
    epoch: i64,
    seq: i64,
    /// Of each log the last entry that was read.
    read: Vec<(Origin, u64)>,
    notices: BTreeMap<i64, Entry>,
    /// The notices by the first notice of each.
    ids: HashMap<Reference, i64>,
    /// Whose each volume is.
    owners: HashMap<VolumeId, i64>,
    next: u64,
    /// Of each notice which others it meets, as far as they concern the reader; each pair stands at both.
    meets: BTreeMap<i64, BTreeMap<i64, Judgement>>,
    /// Pairs that were found since somebody asked for them.
    found: Vec<Found>,
    /// Notices that the engine does not take, and why.
    not_compared: BTreeMap<String, String>,
}

/// A notice that stands.
#[derive(Debug, Clone)]
struct Entry {
    notice: Noticed,
    /// Of what its volumes were made: what changes nothing of it changes no volume.
    made_of: Hash,
    volumes: Vec<VolumeId>,
}

/// Which notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// The first notice of the site or movement.
    pub reference: Reference,
    /// The version that is compared: the newest one whose exact place is read.
    pub version: String,
    /// Whose it is, by call sign.
    pub by: String,
    /// The notification cell that it names.
    pub through: Option<String>,
    /// Whether it is a site; otherwise it is a movement.
    pub is_site: bool,
}

/// Two notices that meet, and of which versions that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// One of them: the one whose version comes first.
    pub one: Noticed,
    /// The other.
    pub other: Noticed,
}

/// Two notices that meet.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Their local ids: an order that stays.
    pub ids: (i64, i64),
    /// Which.
    pub found: Found,
    /// How, where and when.
    pub judgement: Judgement,
}

/// What is known of one notice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Of each log the last entry that was read.
    pub read: Vec<(Origin, u64)>,
    /// Notices that meet it, the most serious first.
    pub met: Vec<Met>,
    /// Why it cannot be compared with others.
    pub not_compared: Option<String>,
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
    /// Which.
    pub notice: Noticed,
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

impl Index {
    /// An empty index for `reader`; for nobody, where those who read it are not one participant.
    #[must_use]
    pub fn of(reader: Option<CallSign>) -> Self {
        Self(RwLock::new(State::of(reader)))
    }

    /// Takes in what changed in `views`.
    ///
    /// # Errors
    /// [`ViewError`]; what was not taken in is taken in the next time.
    pub fn follow(&self, views: &Views) -> Result<(), ViewError> {
        self.write().taken_in(views)
    }

    /// The same, for one of many who wait for a statement: what somebody else has taken in meanwhile is not looked for again.
    fn follow_to(&self, views: &Views, seq: i64) -> Result<(), ViewError> {
        let mut state = self.write();
        if state.seq < seq {
            state.taken_in(views)?;
        }
        Ok(())
    }

    /// What of the notices in `views` meets any of `asked`, all of them volumes of one thing.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn check(&self, views: &Views, asked: &[Volume]) -> Result<Checked, ViewError> {
        self.follow(views)?;
        Ok(self.read().check(asked))
    }

    /// What is known of the notice that was first said at `first`, once the entry `said` stands in `views`; `None` before. It waits
    /// for nobody else's index, so that nothing which another reader has to take in can be told by a clock.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn known(
        &self,
        views: &Views,
        first: &Reference,
        said: &Reference,
    ) -> Result<Option<Known>, ViewError> {
        self.follow_to(views, *views.changes().borrow())?;
        let state = self.read();
        let mut read = state.read.iter();
        let stands = read.any(|(log, last)| *log == said.origin && *last >= said.index);
        Ok(stands.then(|| state.known(first)))
    }

    /// Pairs of notices in `views` that meet and concern the reader, of one first notice or of all, by the time of the meeting; `told`
    /// says of which.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn pairs(
        &self,
        views: &Views,
        notice: Option<&Reference>,
        told: impl Fn(&Noticed, &Noticed) -> bool,
    ) -> Result<Vec<Pair>, ViewError> {
        self.follow(views)?;
        let state = self.read();
        let of = match notice {
            None => i64::MIN..=i64::MAX,
            Some(notice) => match state.ids.get(notice) {
                Some(id) => *id..=*id,
                None => return Ok(Vec::new()),
            },
        };
        let pairs = state.meets.range(of).flat_map(|(one, others)| {
            let others = others.iter();
            others.map(move |(other, judgement)| ((*one, *other), *judgement))
        });
        // Each pair stands at both, and is told once.
        let pairs = pairs.filter(|((one, other), _)| notice.is_some() || one < other);
        let mut pairs: Vec<Pair> = pairs
            .filter_map(|(ids, judgement)| {
                let found = state.found(ids.0, ids.1)?;
                told(&found.one, &found.other).then_some(Pair {
                    ids: (ids.0.min(ids.1), ids.0.max(ids.1)),
                    found,
                    judgement,
                })
            })
            .collect();
        pairs.sort_by_key(|pair| (pair.judgement.witness.map(|w| w.from), pair.ids));
        Ok(pairs)
    }

    /// Pairs that were found since this was asked last.
    pub(crate) fn take_found(&self) -> Vec<Found> {
        std::mem::take(&mut self.write().found)
    }

    /// Pairs that were taken and could not be told.
    pub(crate) fn put_back(&self, found: Vec<Found>) {
        self.write().found.extend(found);
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether anybody has to know that these two meet: not of two sites, which stay where they are, and not of an organisation's
/// movement to its own site.
fn may_be_in_the_way(one: &Noticed, other: &Noticed) -> bool {
    match (one.is_site, other.is_site) {
        (true, true) => false,
        (false, false) => true,
        _ => one.by != other.by,
    }
}

impl State {
    fn of(reader: Option<CallSign>) -> Self {
        let (writer, space) = Writer::new();
        Self {
            reader,
            writer,
            space,
            epoch: 0, // which is that of no tables
            seq: 0,
            read: Vec::new(),
            notices: BTreeMap::new(),
            ids: HashMap::new(),
            owners: HashMap::new(),
            next: 0,
            meets: BTreeMap::new(),
            found: Vec::new(),
            not_compared: BTreeMap::new(),
        }
    }

    /// Volumes that stood once, for which there is still room in the engine.
    fn ended(&self) -> usize {
        usize::try_from(self.next).map_or(usize::MAX, |given| given - self.owners.len())
    }

    /// Takes in what changed in `views`, and makes itself anew when that fails, or when there is too much of what has ended.
    fn taken_in(&mut self, views: &Views) -> Result<(), ViewError> {
        let followed = self.follow(views);
        let crowded = self.ended() > ENDED_MAX.max(self.owners.len());
        if followed.is_err() || crowded {
            *self = Self::of(self.reader.clone());
        }
        followed?;
        if crowded {
            self.follow(views)?;
        }
        Ok(())
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
            *self = Self::of(self.reader.clone());
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
        let mut placed: Vec<(i64, Vec<Volume>)> = Vec::new();
        for (id, row) in changed {
            let before = self.notices.get(&id);
            if let (Some(before), Some(row)) = (before, &row)
                && before.made_of == row.made_of
            {
                continue;
            }
            for volume in self.forget(id) {
                self.writer.withdraw(stamp, volume).expect(ORDER);
            }
            let Some(row) = row else { continue };
            let volumes = row.volumes.unwrap_or_else(|error| {
                let reference = row.notice.reference.to_string();
                self.not_compared.insert(reference, error.to_string());
                Vec::new()
            });
            let mut names = Vec::with_capacity(volumes.len());
            for volume in &volumes {
                let name = VolumeId(self.next);
                self.next += 1;
                self.owners.insert(name, id);
                names.push(name);
                if anew {
                    first.push((stamp, name, volume.clone()));
                } else {
                    self.writer.insert(stamp, name, volume).expect(ORDER);
                }
            }
            self.ids.insert(row.notice.reference.clone(), id);
            let entry = Entry {
                notice: row.notice,
                made_of: row.made_of,
                volumes: names,
            };
            self.notices.insert(id, entry);
            placed.push((id, volumes));
        }
        if anew {
            self.writer.load(first).expect(ORDER);
        }
        if self.reader.is_some() {
            for (id, volumes) in placed {
                self.compare(id, &volumes);
            }
        }
    }

    /// Forgets a notice and whatever it meets; its volumes.
    fn forget(&mut self, id: i64) -> Vec<VolumeId> {
        for other in self.meets.remove(&id).into_iter().flatten() {
            if let Some(meets) = self.meets.get_mut(&other.0) {
                meets.remove(&id);
            }
        }
        let Some(entry) = self.notices.remove(&id) else {
            return Vec::new();
        };
        self.ids.remove(&entry.notice.reference);
        let reference = entry.notice.reference.to_string();
        self.not_compared.remove(&reference);
        for volume in &entry.volumes {
            self.owners.remove(volume);
        }
        entry.volumes
    }

    /// Finds what a notice meets.
    fn compare(&mut self, id: i64, volumes: &[Volume]) {
        let Some(notice) = self.notices.get(&id).map(|entry| entry.notice.clone()) else {
            return;
        };
        let room =
            |state: &Self, id: i64| state.meets.get(&id).map_or(0, BTreeMap::len) < MEETS_MAX;
        let mut met: Vec<(i64, Judgement)> = self.meet(volumes).into_iter().collect();
        met.sort_by_cached_key(|(other, judgement)| (order(judgement), *other));
        for (other, judgement) in met {
            let Some(entry) = self.notices.get(&other) else {
                continue;
            };
            let told = other != id
                && may_be_in_the_way(&notice, &entry.notice)
                && self.concerns(&notice, &entry.notice);
            let known = self
                .meets
                .get(&id)
                .is_some_and(|met| met.contains_key(&other));
            if !told || known || !room(self, id) || !room(self, other) {
                continue;
            }
            self.meets.entry(id).or_default().insert(other, judgement);
            self.meets.entry(other).or_default().insert(id, judgement);
            let found = self.found(id, other);
            self.found.extend(found);
        }
    }

    /// Whether it is for the reader to know: one of them is his, or he is the cell of one.
    fn concerns(&self, one: &Noticed, other: &Noticed) -> bool {
        let reader = self.reader.as_ref().map(CallSign::as_str);
        [one, other].into_iter().any(|notice| {
            reader == Some(&notice.by) || (reader.is_some() && reader == notice.through.as_deref())
        })
    }

    /// Two notices, in the order in which their versions stand.
    fn found(&self, one: i64, other: i64) -> Option<Found> {
        let notice = |id| Some(self.notices.get(&id)?.notice.clone());
        let (one, other) = (notice(one)?, notice(other)?);
        Some(if one.version <= other.version {
            Found { one, other }
        } else {
            Found {
                one: other,
                other: one,
            }
        })
    }

    /// Of each notice that meets any of `asked` the most serious way in which it does.
    fn meet(&self, asked: &[Volume]) -> BTreeMap<i64, Judgement> {
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
        worst
    }

    /// Notices that meet something, the most serious first.
    fn met<'m>(&self, met: impl IntoIterator<Item = (&'m i64, &'m Judgement)>) -> Vec<Met> {
        let snapshot = self.space.snapshot();
        let mut met: Vec<Met> = met
            .into_iter()
            .filter_map(|(id, judgement)| {
                let entry = self.notices.get(id)?;
                Some(Met {
                    notice: entry.notice.clone(),
                    apart_m: apart_m(&snapshot, judgement, &entry.volumes),
                    judgement: *judgement,
                })
            })
            .collect();
        let key = |met: &Met| {
            let reference = met.notice.reference.to_string();
            (Reverse(met.judgement.verdict), reference)
        };
        met.sort_by_cached_key(key);
        met
    }

    fn check(&self, asked: &[Volume]) -> Checked {
        let not_compared = self.not_compared.iter();
        let not_compared = not_compared.map(|(reference, why)| NotCompared {
            reference: reference.clone(),
            why: why.clone(),
        });
        Checked {
            read: self.read.clone(),
            met: self.met(&self.meet(asked)),
            not_compared: not_compared.collect(),
        }
    }

    fn known(&self, first: &Reference) -> Known {
        let met = self.ids.get(first).and_then(|id| self.meets.get(id));
        Known {
            read: self.read.clone(),
            met: self.met(met.into_iter().flatten()),
            not_compared: self.not_compared.get(&first.to_string()).cloned(),
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
            through: version["notice"]["through"].as_str().map(str::to_owned),
            is_site,
        },
        made_of: Hash::of(&[made_of.as_bytes()]),
        volumes,
    }))
}
