//! Logs in memory: leaves that were really signed, under heads that were really signed, cut at any size and disclosed as far as
//! a test likes.

use record::c2sp::checkpoint::{Checkpoint, SignedCheckpoint};
use record::c2sp::note::{SignerKey, VerifierKey};
use record::c2sp::tile::{Content, TileId, TileReader, encode_bundle};
use record::c2sp::tree::{Tree, leaf_hash};
use record::files::LogFiles;
use record::key::{Algorithm, SecretKey};
use record::mirror::Delivered;
use record::name::{LogId, Origin, Reference};
use record::statement::{Draft, Group, Kid, Statement};
use record::time::UtcMs;
use serde_json::{Map, Value, json};

/// Key of the duty desk.
pub const DESK: u64 = 1;
/// Key of the relief.
pub const RELIEF: u64 = 2;
/// Key without any office.
pub const NOBODY: u64 = 3;
/// Entries of a founded log.
pub const FOUNDED: u64 = 8;

const ADMIN: u64 = 200;
const RECOVERY: u64 = 201;
const LOG: u64 = 202;

fn secret(seed: u8, which: u64) -> SecretKey {
    let mut bytes = [seed; 32];
    bytes[..8].copy_from_slice(&which.to_be_bytes());
    SecretKey::from_seed(Algorithm::EdDsa, &bytes).unwrap()
}

/// One participant's log.
#[derive(Clone)]
pub struct MemoryLog {
    pub name: String,
    pub id: LogId,
    /// Everything that was said, with all of its disclosures.
    pub said: Vec<Statement>,
    /// Keys that may sign, by the entry that granted them.
    pub kids: Vec<u64>,
    admin: (Kid, u64),
    seed: u8,
}

impl MemoryLog {
    /// A founded log: its declaration, three keys, and offices for two of them.
    pub fn found(name: &str, seed: u8) -> Self {
        let origin: Origin = format!("truce.example/{}", name.to_lowercase())
            .parse()
            .unwrap();
        let mut log = Self {
            name: name.into(),
            id: LogId {
                origin,
                entry0: None,
            },
            said: Vec::new(),
            kids: vec![DESK, RELIEF],
            admin: (Kid::Index(0), ADMIN),
            seed,
        };
        log.control(
            "participant.declare/1",
            json!({"callsign": name, "admin": secret(seed, ADMIN).public().to_jwk(),
                "recovery": secret(seed, RECOVERY).public().to_jwk(), "log_key": log.pin().to_string()}),
        );
        log.id = LogId::new(log.id.origin.clone(), log.said[0].leaf().hash());
        for _ in 0..3 {
            log.grant_key();
        }
        log.kids.truncate(2);
        for kid in [DESK, RELIEF] {
            log.grant_offices(kid);
        }
        log
    }

    pub fn origin(&self) -> &Origin {
        &self.id.origin
    }

    pub fn size(&self) -> u64 {
        self.said.len() as u64
    }

    fn signer(&self) -> SignerKey {
        let seed = secret(self.seed, LOG).seed();
        SignerKey::from_seed(self.id.origin.as_str(), &seed).unwrap()
    }

    /// The verifier key by which others know it.
    pub fn pin(&self) -> VerifierKey {
        self.signer().verifier().clone()
    }

    /// The reference of entry `index`.
    pub fn reference(&self, index: u64) -> Reference {
        Reference {
            origin: self.id.origin.clone(),
            index,
            leaf: self.said[usize::try_from(index).unwrap()].leaf().hash(),
        }
    }

    fn last(&self) -> Reference {
        self.reference(self.size() - 1)
    }

    /// Grants another key; its secret is named by the entry. Returns the entry.
    pub fn grant_key(&mut self) -> u64 {
        let index = self.size();
        let grant = json!({"role": "office", "key": secret(self.seed, index).public().to_jwk()});
        self.control("key.grant/1", grant);
        self.kids.push(index);
        index
    }

    pub fn grant_offices(&mut self, kid: u64) {
        // Between them they may say everything.
        for office in ["duty_officer", "head_of_mission"] {
            self.control(
                "office.grant/1",
                json!({"kid": kid.to_string(), "office": office}),
            );
        }
    }

    /// Says a control statement with the admin key that counts now.
    pub fn control(&mut self, kind: &str, body: Value) -> Reference {
        let (kid, which) = self.admin;
        self.control_by(kind, body, kid, which)
    }

    fn control_by(&mut self, kind: &str, body: Value, kid: Kid, which: u64) -> Reference {
        let body: Map<String, Value> = body.as_object().unwrap().clone();
        let key = secret(self.seed, which);
        let said =
            Statement::sign_control(kind.parse().unwrap(), body, &key, kid, &self.id, UtcMs(0));
        self.said.push(said.unwrap());
        self.last()
    }

    /// The recovery key shuts the admin key out from entry `from` on, and grants another one.
    pub fn recover_admin(&mut self, from: u64) {
        let body = json!({"kid": self.admin.0.to_string(), "from": from});
        self.control_by("key.compromise/1", body, Kid::Recovery, RECOVERY);
        let index = self.size();
        let grant = json!({"role": "admin", "key": secret(self.seed, index).public().to_jwk()});
        self.control_by("key.grant/1", grant, Kid::Recovery, RECOVERY);
        self.admin = (Kid::Index(index), index);
    }

    /// Signs `draft` with the key that entry `kid` granted, and appends it, whatever the rules say of it.
    pub fn say(&mut self, kid: u64, draft: Draft, now: UtcMs) -> Reference {
        let key = secret(self.seed, kid);
        let said = draft.sign(&key, Kid::Index(kid), &self.id, now);
        self.said.push(said.unwrap());
        self.last()
    }

    /// The log as it was published when it had `size` entries.
    pub fn published(&self, size: u64) -> Published<'_> {
        let mut tree = Tree::new();
        let entries = &self.said[..usize::try_from(size).unwrap()];
        for said in entries {
            tree.append(leaf_hash(said.leaf().text().as_bytes()));
        }
        let head = Checkpoint::new(self.id.origin.as_str(), size, tree.root()).unwrap();
        Published {
            note: SignedCheckpoint::sign(head, &[&self.signer()])
                .unwrap()
                .to_string(),
            entries,
        }
    }

    /// What is delivered of the entries that `which` names: of the groups that are `readable`, those that are `held`. The head
    /// comes with the first that is readable, also when nothing of it is held any more.
    pub fn delivered(
        &self,
        id: TileId,
        which: impl Fn(u64) -> bool,
        readable: impl Fn(&Group) -> bool,
        held: impl Fn(u64, &str) -> bool,
    ) -> Vec<Delivered> {
        let first = id.index() * 256;
        let entries = first..first + u64::from(id.width());
        let chosen = entries.filter(|index| which(*index)).map(|index| {
            let said = &self.said[usize::try_from(index).unwrap()];
            let reduced = said.reduced(|_, group| readable(group));
            let groups = reduced.head().into_iter().flat_map(|head| &head.groups);
            let gone: Vec<_> = groups
                .filter(|(name, _)| !held(index, name))
                .map(|(_, group)| group.digest)
                .collect();
            let disclosures = reduced
                .disclosures()
                .filter(|d| !gone.contains(&d.digest()));
            Delivered {
                index,
                disclosures: disclosures.cloned().collect(),
                attachments: Vec::new(),
            }
        });
        chosen.filter(|one| !one.disclosures.is_empty()).collect()
    }
}

/// A log's files at one size.
pub struct Published<'l> {
    note: String,
    entries: &'l [Statement],
}

impl TileReader for Published<'_> {
    fn tile(&self, id: TileId) -> Option<Vec<u8>> {
        // A mirror makes the tree anew from the entries.
        if id.content() != Content::Entries {
            return None;
        }
        let first = usize::try_from(id.index() * 256).unwrap();
        let entries = self.entries.get(first..first + usize::from(id.width()))?;
        encode_bundle(entries.iter().map(|said| said.leaf().text().as_bytes())).ok()
    }
}

impl LogFiles for Published<'_> {
    fn checkpoint(&self) -> Option<Vec<u8>> {
        Some(self.note.clone().into_bytes())
    }
}
