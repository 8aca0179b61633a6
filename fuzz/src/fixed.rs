//! The fixed keys and logs that all inputs are made with.

use record::c2sp::checkpoint::{Checkpoint, SignedCheckpoint};
use record::c2sp::cosignature::{CosignerKey, WitnessPolicy};
use record::c2sp::note::{SignerKey, VerifierKey};
use record::c2sp::tree::{HashReader, Tree, empty_root, leaf_hash};
use record::encoding::Hash;
use record::key::{Algorithm, SecretKey};
use record::name::LogId;
use record::time::UtcMs;
use std::collections::HashMap;
use std::sync::OnceLock;

/// The origin of the log that the heads are of.
pub const ORIGIN: &str = "log.example";
/// Two witnesses.
pub const WITNESSES: [&str; 2] = ["witness.example/one", "witness.example/two"];
/// When everything is said, milliseconds since 1970.
pub const NOW: UtcMs = UtcMs(1_466_499_600_123);
/// When witnesses cosign, seconds since 1970.
pub const NOW_S: u64 = 1_700_000_000;
/// Leaves of the log and of its fork.
pub const LEAVES: u64 = 20;
/// The first leaf in which the fork differs.
pub const FORK_AT: u64 = 6;

/// An author's key.
pub fn secret(algorithm: Algorithm, seed: u8) -> SecretKey {
    SecretKey::from_seed(algorithm, &[seed; 32]).expect("a small scalar is in range")
}

/// The log that statements are for.
pub fn log_id() -> LogId {
    LogId::new(
        "truce.example/mission".parse().expect("it is an origin"),
        Hash([9; 32]),
    )
}

/// The log's own key.
pub fn log_key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, &[1; 32]).expect("it is a key name")
}

/// What verifies the log's heads.
pub fn log_keys() -> Vec<VerifierKey> {
    vec![log_key().verifier().clone()]
}

/// The key of one of [`WITNESSES`].
pub fn witness_key(at: usize) -> CosignerKey {
    let seed = [[7; 32], [8; 32]][at];
    CosignerKey::from_seed(WITNESSES[at], &seed).expect("it is a key name")
}

/// One of both witnesses is enough.
pub fn policy() -> WitnessPolicy {
    let keys = [0, 1].map(|at| witness_key(at).verifier().clone());
    WitnessPolicy::new(keys.to_vec(), 1).expect("one of two is a threshold")
}

/// A log of [`LEAVES`] entries with all its hashes and heads.
pub struct Branch {
    /// Leaf hashes.
    pub leaves: Vec<Hash>,
    /// The head at every size.
    pub heads: Vec<SignedCheckpoint>,
    hashes: HashMap<(u8, u64), Hash>,
}

impl Branch {
    fn new(forked: bool) -> Self {
        let signer = log_key();
        let (mut tree, mut hashes, mut leaves) = (Tree::new(), HashMap::new(), Vec::new());
        let head = |size, root: Hash| {
            let checkpoint = Checkpoint::new(ORIGIN, size, root).expect("it is an origin");
            SignedCheckpoint::sign(checkpoint, &[&signer]).expect("one signer is not too many")
        };
        let mut heads = vec![head(0, empty_root())];
        for n in 0..LEAVES {
            let leaf = leaf_hash(&[n as u8, u8::from(forked && n >= FORK_AT)]);
            leaves.push(leaf);
            tree.append_with(leaf, |level, index, hash| {
                hashes.insert((level, index), hash);
            });
            heads.push(head(n + 1, tree.root()));
        }
        Self {
            leaves,
            heads,
            hashes,
        }
    }

    /// The log as everybody should see it.
    pub fn honest() -> &'static Self {
        static HONEST: OnceLock<Branch> = OnceLock::new();
        HONEST.get_or_init(|| Self::new(false))
    }

    /// What the same log showed to somebody else.
    pub fn fork() -> &'static Self {
        static FORK: OnceLock<Branch> = OnceLock::new();
        FORK.get_or_init(|| Self::new(true))
    }

    /// The head at `size`, at most [`LEAVES`].
    pub fn head(&self, size: u64) -> &SignedCheckpoint {
        &self.heads[size as usize]
    }

    /// The root at `size`, at most [`LEAVES`].
    pub fn root(&self, size: u64) -> &Hash {
        self.head(size).checkpoint().root()
    }

    /// Its hashes, for proofs.
    pub fn reader(&self) -> impl HashReader {
        |level, index| self.hashes.get(&(level, index)).copied()
    }

    /// Whether this branch had that head.
    pub fn had(&self, head: &Checkpoint) -> bool {
        self.heads.iter().any(|ours| ours.checkpoint() == head)
    }
}
