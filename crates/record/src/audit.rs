//! The offline audit: verifies a whole log from its files alone, trusting nobody who keeps them.

use crate::c2sp::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::c2sp::cosignature::verified_time;
use crate::c2sp::note::VerifierKey;
use crate::c2sp::tile::{TileId, bundles_of, parse_bundle, verify_tiles};
use crate::c2sp::tree::{Tree, leaf_hash};
use crate::encoding::Hash;
use crate::files::LogFiles;
use crate::keyring::KeyRing;
use crate::name::LogId;
use crate::statement::{Claims, Head, Leaf};
use crate::store::attachment;
use crate::store::sqlite::{Held, Reader};
use rayon::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Entry bundles that are verified at once.
const BUNDLES_AT_ONCE: usize = 16;
/// Ineffective statements that are listed one by one; all are counted.
pub const INEFFECTIVE_LISTED_MAX: usize = 20;
/// Problems that are listed one by one; all are counted.
pub const PROBLEMS_LISTED_MAX: usize = 20;

/// What the auditor brings along.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The log's verifier key as the auditor knows it from elsewhere. Without it the log vouches for itself.
    pub pinned: Option<VerifierKey>,
    /// Witnesses that the auditor trusts.
    pub witnesses: Vec<VerifierKey>,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The first entry that it concerns, when it concerns entries.
    pub index: Option<u64>,
    /// What is wrong.
    pub what: String,
}

/// What is known of disclosures, when the store was there to look into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disclosures {
    /// Opened, and their digests are right.
    pub opened: u64,
    /// Destroyed, and the log says so.
    pub erased: u64,
    /// Not held here.
    pub absent: u64,
    /// Attachments whose ciphertext is what their names say.
    pub attachments: u64,
}

/// What was verified.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The log's origin.
    pub origin: String,
    /// The participant's call sign.
    pub call_sign: String,
    /// First half of entry 0's hash, which with the origin is the log's identity.
    pub identity: String,
    /// The log's verifier keys that signed the head.
    pub signed_by: Vec<String>,
    /// Whether one of them is the key that the auditor brought.
    pub pinned: bool,
    /// Trusted witnesses that cosigned the head, with the time they state in seconds since 1970.
    pub witnessed_by: Vec<(String, u64)>,
    /// Entries under the head.
    pub size: u64,
    /// Root hash of the tree.
    pub root: String,
    /// Minutes of the first and last statement, seconds since 1970.
    pub minutes_s: Option<(i64, i64)>,
    /// Entries whose hashes were rebuilt.
    pub hashed: u64,
    /// Statements whose signatures were checked.
    pub signatures: u64,
    /// Control statements among them.
    pub control: u64,
    /// Keys that were granted, whatever became of them.
    pub keys: u64,
    /// Statements that stand in the log but do not count, by index with the reason.
    pub ineffective: Vec<(u64, String)>,
    /// How many there are in all.
    pub ineffective_count: u64,
    /// Disclosures, when the store was there.
    pub disclosures: Option<Disclosures>,
    /// What does not hold; empty when all is well.
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub problems_count: u64,
    /// The first entry that is bad.
    pub first_bad: Option<u64>,
    /// Time spent on rebuilding hashes.
    pub hashing: Duration,
    /// Time spent on checking signatures.
    pub checking: Duration,
}

impl Report {
    /// Whether everything holds.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems_count == 0
    }

    fn problem(&mut self, index: Option<u64>, what: impl Into<String>) {
        self.problems_count += 1;
        self.first_bad = match (self.first_bad, index) {
            (Some(first), Some(index)) => Some(first.min(index)),
            (first, index) => first.or(index),
        };
        if self.problems.len() < PROBLEMS_LISTED_MAX {
            self.problems.push(Problem {
                index,
                what: what.into(),
            });
        }
    }
}

/// One leaf that parsed, waiting for its signature check.
struct Parsed {
    index: u64,
    leaf: Leaf,
}

/// Verifies everything in `files`. `progress` is told how many of how many entries are done.
pub fn audit(
    files: &impl LogFiles,
    options: &Options,
    mut progress: impl FnMut(u64, u64),
) -> Report {
    let mut report = Report::default();
    let Some(note) = files.checkpoint() else {
        report.problem(
            None,
            "there is no checkpoint: no signed head to verify anything against",
        );
        return report;
    };
    let head = match SignedCheckpoint::parse(&note) {
        Ok(head) => head,
        Err(error) => {
            report.problem(None, format!("the checkpoint is malformed: {error}"));
            return report;
        }
    };
    let size = head.checkpoint().size();
    report.origin = head.checkpoint().origin().to_owned();
    report.size = size;
    report.root = head.checkpoint().root().to_string();
    let mut walk = Walk {
        ring: None,
        log: None,
        tree: Tree::new(),
        seen: HashMap::new(),
        kids: Vec::new(),
        first_wrong_hash: None,
        report,
    };
    progress(0, size);
    // Never collected: a forged head may claim any size, and the first bundle that is missing ends the walk.
    let mut bundles = bundles_of(size);
    loop {
        let some: Vec<TileId> = bundles.by_ref().take(BUNDLES_AT_ONCE).collect();
        if some.is_empty() || !walk.bundles(files, &some) {
            break;
        }
        progress(walk.tree.size(), size);
    }
    walk.finish(files, &head, options)
}

struct Walk {
    ring: Option<KeyRing>,
    log: Option<LogId>,
    tree: Tree,
    seen: HashMap<[u8; 16], u64>,
    /// Per statement what is needed to judge it when all keys are known.
    kids: Vec<(u64, crate::statement::Kid, bool)>,
    first_wrong_hash: Option<u64>,
    report: Report,
}

impl Walk {
    /// Verifies some bundles. False when one is missing, so that nothing after it can be hashed.
    fn bundles(&mut self, files: &impl LogFiles, ids: &[TileId]) -> bool {
        let started = Instant::now();
        let mut leaves: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut complete = true;
        for id in ids {
            let first = self.tree.size();
            let Some(entries) = self.bundle(files, *id) else {
                complete = false;
                break;
            };
            leaves.extend((first..).zip(entries));
        }
        self.report.hashed = self.tree.size();
        self.report.hashing += started.elapsed();
        let started = Instant::now();
        self.statements(files.store(), leaves);
        self.report.checking += started.elapsed();
        complete
    }

    fn bundle(&mut self, files: &impl LogFiles, id: TileId) -> Option<Vec<Vec<u8>>> {
        let first = id.index() * 256;
        let wrong = |report: &mut Report, what: String| {
            report.problem(Some(first), format!("{}: {what}", id.path()))
        };
        let Some(bytes) = files.tile(id) else {
            wrong(
                &mut self.report,
                "the entry bundle is missing or cannot be read".into(),
            );
            return None;
        };
        let entries = match parse_bundle(&bytes) {
            Ok(entries) if entries.len() == usize::from(id.width()) => entries,
            Ok(entries) => {
                wrong(
                    &mut self.report,
                    format!(
                        "it holds {} entries instead of {}",
                        entries.len(),
                        id.width()
                    ),
                );
                return None;
            }
            Err(error) => {
                wrong(&mut self.report, error.to_string());
                return None;
            }
        };
        let hashes: Vec<Hash> = entries.par_iter().map(|entry| leaf_hash(entry)).collect();
        let tile = TileId::hashes(0, id.index(), id.width())
            .ok()
            .and_then(|id| files.tile(id));
        for (index, (hash, stored)) in
            (first..).zip(hashes.iter().zip(tile.iter().flat_map(|t| t.chunks(32))))
        {
            if hash.0 != stored && self.first_wrong_hash.is_none() {
                self.first_wrong_hash = Some(index);
            }
        }
        for hash in hashes {
            self.tree.append(hash);
        }
        Some(entries.iter().map(|entry| entry.to_vec()).collect())
    }

    fn statements(&mut self, store: Option<&Reader>, leaves: Vec<(u64, Vec<u8>)>) {
        let parsed: Vec<(u64, Result<Leaf, String>)> = leaves
            .into_par_iter()
            .map(|(index, text)| {
                (
                    index,
                    Leaf::from_bytes(&text).map_err(|error| error.to_string()),
                )
            })
            .collect();
        let mut good = Vec::with_capacity(parsed.len());
        for (index, leaf) in parsed {
            match leaf {
                Ok(leaf) => {
                    self.fold(&leaf, index);
                    good.push(Parsed { index, leaf });
                }
                Err(error) => self.report.problem(
                    Some(index),
                    format!("entry {index} is no statement: {error}"),
                ),
            }
        }
        let Some(ring) = &self.ring else { return };
        let bad: Vec<(u64, String)> = good
            .par_iter()
            .filter_map(|Parsed { index, leaf }| {
                let key = ring.key(leaf.kid);
                let checked = key
                    .ok_or_else(|| format!("entry {index}: key {} was never granted", leaf.kid))
                    .and_then(|key| {
                        leaf.verify(key)
                            .map_err(|error| format!("entry {index}: {error}"))
                    });
                checked.err().map(|what| (*index, what))
            })
            .collect();
        self.report.signatures += good.len() as u64;
        for (index, what) in bad {
            self.report.problem(Some(index), what);
        }
        if let Some(store) = store {
            self.disclosures(store, &good);
        }
    }

    /// What depends on the order of entries.
    fn fold(&mut self, leaf: &Leaf, index: u64) {
        if index == 0 {
            match KeyRing::declare(leaf) {
                Ok(ring) => {
                    self.report.call_sign = ring.call_sign().to_string();
                    self.ring = Some(ring);
                    let id = LogId::new(leaf.log.origin.clone(), leaf.hash());
                    self.report.identity = id.to_string();
                    self.log = Some(id);
                }
                Err(error) => self
                    .report
                    .problem(Some(0), format!("entry 0 founds no log: {error}")),
            }
            if leaf.log.origin.as_str() != self.report.origin {
                self.report.problem(
                    Some(0),
                    format!(
                        "entry 0 is of log {}, the checkpoint of another",
                        leaf.log.origin
                    ),
                );
            }
        } else {
            if self.log.as_ref().is_some_and(|log| *log != leaf.log) {
                self.report.problem(
                    Some(index),
                    format!("entry {index} was said for another log, {}", leaf.log),
                );
            }
            if let Some(ring) = &mut self.ring {
                ring.observe(leaf, index);
            }
        }
        if let Some((kind, _)) = leaf.control() {
            self.report.control += 1;
            self.report.keys += u64::from(kind.name == "key.grant");
        }
        let mut signing = [0; 16];
        signing.copy_from_slice(&leaf.signing_hash().0[..16]);
        if let Some(first) = self.seen.insert(signing, index) {
            self.report.problem(
                Some(index),
                format!("entry {index} repeats the statement at {first}"),
            );
        }
        self.kids.push((index, leaf.kid, leaf.control().is_some()));
        let (first, last) = self
            .report
            .minutes_s
            .unwrap_or((leaf.minute_s, leaf.minute_s));
        self.report.minutes_s = Some((first.min(leaf.minute_s), last.max(leaf.minute_s)));
    }

    fn disclosures(&mut self, store: &Reader, good: &[Parsed]) {
        let results: Vec<(Disclosures, Option<Problem>)> = good
            .par_iter()
            .filter_map(|parsed| match parsed.leaf.claims {
                Claims::Sealed(digest) => Some(disclosed(store, parsed.index, digest)),
                Claims::Control { .. } => None,
            })
            .collect();
        let mut all = self.report.disclosures.take().unwrap_or_default();
        for (one, problem) in results {
            all.opened += one.opened;
            all.erased += one.erased;
            all.absent += one.absent;
            all.attachments += one.attachments;
            if let Some(problem) = problem {
                self.report.problem(problem.index, problem.what);
            }
        }
        self.report.disclosures = Some(all);
    }

    fn finish(
        mut self,
        files: &impl LogFiles,
        head: &SignedCheckpoint,
        options: &Options,
    ) -> Report {
        let started = Instant::now();
        self.compare_root(files, head.checkpoint());
        self.report.hashing += started.elapsed();
        if let Some(ring) = &self.ring {
            for (index, kid, control) in &self.kids {
                if let Err(why) = ring.judge_kid(*kid, *control, *index) {
                    self.report.ineffective_count += 1;
                    if self.report.ineffective.len() < INEFFECTIVE_LISTED_MAX {
                        self.report.ineffective.push((*index, why.to_string()));
                    }
                }
            }
        }
        self.check_signatures(head, options);
        self.report
    }

    fn compare_root(&mut self, files: &impl LogFiles, head: &Checkpoint) {
        if self.tree.size() != head.size() {
            return;
        }
        let tiles = verify_tiles(files, head.size(), head.root());
        let entries_right = self.tree.root() == *head.root();
        match (entries_right, tiles) {
            (true, Ok(())) => {}
            (true, Err(error)) => self.report.problem(
                self.first_wrong_hash,
                format!("a tile of hashes is damaged: {error}"),
            ),
            (false, Ok(())) => {
                let index = self.first_wrong_hash;
                let place =
                    index.map_or_else(|| "an entry".to_owned(), |index| format!("entry {index}"));
                self.report.problem(
                    index,
                    format!("{place} is not what was signed: its hash is not in the tree"),
                );
            }
            (false, Err(_)) => self.report.problem(
                self.first_wrong_hash.or(Some(0)),
                "the entries do not hash to the root that the log signed",
            ),
        }
    }

    fn check_signatures(&mut self, head: &SignedCheckpoint, options: &Options) {
        let Some(ring) = &self.ring else {
            self.report.problem(
                None,
                "the checkpoint's signature cannot be checked without entry 0",
            );
            return;
        };
        let keys: Vec<VerifierKey> = ring
            .log_keys(head.checkpoint().size())
            .iter()
            .filter_map(|key| VerifierKey::parse(key).ok())
            .collect();
        match head.verify(&self.report.origin, &keys) {
            Ok(verified) => {
                self.report.signed_by = verified.iter().map(|v| v.key.to_string()).collect();
            }
            Err(error) => self.report.problem(
                None,
                format!("the checkpoint is not signed by a key of this log: {error}"),
            ),
        }
        if let Some(pinned) = &options.pinned {
            self.report.pinned = ring.all_log_keys().contains(&pinned.to_string().as_str());
            if !self.report.pinned {
                self.report.problem(
                    None,
                    format!("this is not the log of the key that you gave, {pinned}"),
                );
            }
        }
        for witness in &options.witnesses {
            let time = head
                .note()
                .signatures()
                .iter()
                .filter(|s| s.name() == witness.name() && s.id() == witness.id())
                .find_map(|s| verified_time(witness, head.note().text(), s.bytes()));
            match time {
                Some(time) => self
                    .report
                    .witnessed_by
                    .push((witness.name().to_owned(), time)),
                None => self.report.problem(
                    None,
                    format!("witness {} has not cosigned this head", witness.name()),
                ),
            }
        }
    }
}

fn disclosed(store: &Reader, index: u64, digest: Hash) -> (Disclosures, Option<Problem>) {
    let mut counts = Disclosures::default();
    let problem = |what: String| {
        Some(Problem {
            index: Some(index),
            what,
        })
    };
    let head = match store.held(index, 0, digest) {
        Ok(Held::Open(head)) => head,
        Ok(Held::Erased(_)) => {
            counts.erased += 1;
            return (counts, None);
        }
        Ok(Held::Absent) => {
            counts.absent += 1;
            return (counts, None);
        }
        Err(error) => return (counts, problem(error.to_string())),
    };
    counts.opened += 1;
    let head = match Head::parse(head.value()) {
        Ok(head) => head,
        Err(error) => return (counts, problem(format!("entry {index}: {error}"))),
    };
    for (slot, group) in (1..).zip(head.groups.values()) {
        match store.held(index, slot, group.digest) {
            Ok(Held::Open(_)) => counts.opened += 1,
            Ok(Held::Erased(_)) => counts.erased += 1,
            Ok(Held::Absent) => counts.absent += 1,
            Err(error) => return (counts, problem(error.to_string())),
        }
        for name in store.attachments(index, slot).unwrap_or_default() {
            match attachment::verify(store.dir(), &name) {
                Ok(()) => counts.attachments += 1,
                Err(error) => return (counts, problem(format!("entry {index}: {error}"))),
            }
        }
    }
    (counts, None)
}
