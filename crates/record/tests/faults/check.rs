//! What must hold of a log after any fault, checked with the real disk.

use crate::support::{Desk, LOG_KEY, ORIGIN, START, found_in, signer};
use crate::workload::{TARGETS, no_child_starts};
use record::c2sp::checkpoint::SignedCheckpoint;
use record::c2sp::tile::verify_tiles;
use record::c2sp::tree::Tree;
use record::door::StoreTiles;
use record::encoding::Hash;
use record::log::{Lane, Log};
use record::name::{LogId, Reference};
use record::statement::{Leaf, Statement};
use record::store::head::HeadFile;
use record::store::sqlite::Held;
use record::time::ManualClock;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};

/// What one log's children said and were promised, over all of them.
pub struct History {
    pub desk: Desk,
    said: Vec<String>,
    receipts: HashMap<String, Promise>,
    targets: Targets,
}

/// Key and ciphertext of each report that was said when the log was founded.
type Targets = BTreeMap<u64, [Vec<u8>; 2]>;

#[derive(Clone, Copy)]
struct Promise {
    index: u64,
    leaf: Hash,
    size: u64,
}

struct Founded {
    id: LogId,
    files: Vec<(OsString, Vec<u8>)>,
    targets: Targets,
}

fn found() -> Founded {
    let desk = Desk::found();
    let mut targets = BTreeMap::new();
    let log = desk.open();
    for index in TARGETS {
        let receipt = log.say(&desk.message(&format!("names of sources {index}")));
        assert_eq!(receipt.unwrap().reference.index, index);
        let bytes = [desk.key_bytes(index, 1), desk.sealed_bytes(index, 1)];
        targets.insert(index, bytes);
    }
    drop(log);
    let paths = std::fs::read_dir(&desk.dir).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.is_file()).map(|path| {
        let name = path.file_name().unwrap().to_owned();
        (name, std::fs::read(path).unwrap())
    });
    Founded {
        id: desk.id.clone(),
        files: files.collect(),
        targets,
    }
}

impl History {
    /// A log with reports that the children will erase: a copy of one that was founded once.
    pub fn found() -> Self {
        static FOUNDED: OnceLock<Founded> = OnceLock::new();
        let _alone = no_child_starts();
        let founded = FOUNDED.get_or_init(found);
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("log");
        std::fs::create_dir_all(dir.join("attachments")).unwrap();
        for (name, bytes) in &founded.files {
            std::fs::write(dir.join(name), bytes).unwrap();
        }
        let desk = Desk {
            root,
            dir,
            id: founded.id.clone(),
            clock: Arc::new(ManualClock::at(START)),
        };
        Self {
            desk,
            said: Vec::new(),
            receipts: HashMap::new(),
            targets: founded.targets.clone(),
        }
    }

    /// Takes note of what a child printed. A line without its end was not printed. Returns how many receipts were among it.
    pub fn note(&mut self, printed: &[u8]) -> usize {
        let printed = String::from_utf8_lossy(printed);
        let mut saying = HashMap::new();
        let mut receipts = 0;
        for line in printed
            .split_inclusive('\n')
            .filter_map(|line| line.strip_suffix('\n'))
        {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["saying", n, compact] => {
                    self.said.push((*compact).to_owned());
                    saying.insert((*n).to_owned(), (*compact).to_owned());
                }
                ["receipt", n, index, leaf, size] => {
                    let promise = Promise {
                        index: index.parse().unwrap(),
                        leaf: Hash::from_base64url(leaf).unwrap(),
                        size: size.parse().unwrap(),
                    };
                    receipts += 1;
                    let earlier = self.receipts.insert(saying[*n].clone(), promise);
                    assert!(earlier.is_none(), "each statement of a child is another");
                }
                _ => {}
            }
        }
        receipts
    }

    /// Opens the log as after a fault and checks everything that was ever promised of it.
    pub fn check(&mut self) {
        let _alone = no_child_starts();
        let before = HeadFile::peek(&self.desk.dir.join("head")).expect("a whole head is left");
        let before = SignedCheckpoint::parse(before.as_bytes()).unwrap();
        let promised = self.receipts.values().map(|promise| promise.size).max();
        assert!(
            before.checkpoint().size() >= promised.unwrap_or(0),
            "the head that was found covers {} entries, but {promised:?} were promised",
            before.checkpoint().size()
        );
        // The first opening finishes what was interrupted; when it is closed, that is done.
        drop(self.open());
        let log = self.open();
        let leaves = self.check_tree(&log, &before);
        self.check_receipts(&log, &leaves);
        self.check_erasures(&log, &leaves);
        let leaves = self.say_all_again(&log, leaves.len() as u64);
        drop(log);
        assert_eq!(self.open().head().unwrap().size(), leaves);
    }

    fn open(&self) -> Log {
        let log = Log::open(&self.desk.dir, self.desk.options()).expect("the log opens");
        assert_eq!(log.read_only(), None);
        log
    }

    /// Recomputes hashes and signatures from the leaves; the head that was found must be a prefix.
    fn check_tree(&self, log: &Log, before: &SignedCheckpoint) -> Vec<Leaf> {
        let head = log.head().expect("a log that takes statements has a head");
        let keys = [signer(LOG_KEY).verifier().clone()];
        head.checkpoint.verify(ORIGIN, &keys).unwrap();
        let texts = log.reader().leaves(0, u64::MAX).unwrap();
        assert_eq!(
            texts.len() as u64,
            head.size(),
            "the database ends with the head"
        );
        let ring = log.ring();
        let mut tree = Tree::new();
        let mut prefix = tree.root();
        let mut leaves = Vec::new();
        for (index, text) in (0..).zip(&texts) {
            let leaf = Leaf::parse(std::str::from_utf8(text).unwrap()).unwrap();
            leaf.verify(ring.key(leaf.kid).unwrap()).unwrap();
            ring.judge(&leaf, index).unwrap();
            tree.append(leaf.hash());
            if tree.size() == before.checkpoint().size() {
                prefix = tree.root();
            }
            leaves.push(leaf);
        }
        assert_eq!(
            prefix,
            *before.checkpoint().root(),
            "the found head is a prefix"
        );
        assert_eq!(tree.root(), *head.checkpoint.checkpoint().root());
        let tiles = StoreTiles::new(log.reader().clone(), head.size());
        verify_tiles(&tiles, head.size(), &tree.root()).unwrap();
        let distinct: HashSet<Hash> = leaves.iter().map(Leaf::signing_hash).collect();
        assert_eq!(
            distinct.len(),
            leaves.len(),
            "each statement stands there once"
        );
        leaves
    }

    fn check_receipts(&self, log: &Log, leaves: &[Leaf]) {
        for (compact, promise) in &self.receipts {
            let index = promise.index;
            let leaf = leaves
                .get(index as usize)
                .expect("what was acknowledged is present");
            assert_eq!(leaf.hash(), promise.leaf, "entry {index}");
            let said = Statement::parse(compact).unwrap();
            assert_eq!(leaf.text(), said.leaf().text(), "entry {index}");
        }
        for index in 0..leaves.len() as u64 {
            let statement = log.statement(index).unwrap().unwrap();
            let erased = !log.reader().erased_slots(index).unwrap().is_empty();
            assert!(
                statement.is_complete() != erased,
                "entry {index} opens, or was erased"
            );
        }
    }

    /// Every erase statement was carried out, every erasure is said, and of the bytes nothing is left.
    fn check_erasures(&self, log: &Log, leaves: &[Leaf]) {
        let mut said: BTreeMap<u64, u64> = BTreeMap::new();
        for index in 0..leaves.len() as u64 {
            let statement = log.statement(index).unwrap().unwrap();
            let Some(head) = statement.head().filter(|head| head.kind.name == "erase") else {
                continue;
            };
            said.entry(head.about[0].index).or_insert(index);
        }
        for index in 0..leaves.len() as u64 {
            let by = said.get(&index).copied();
            let expected: Vec<_> = by.map(|by| (1, Some(by))).into_iter().collect();
            assert_eq!(
                log.reader().erased_slots(index).unwrap(),
                expected,
                "entry {index}"
            );
            if by.is_none() {
                continue;
            }
            let statement = log.statement(index).unwrap().unwrap();
            let digest = statement.head().unwrap().groups["body"].digest;
            assert_eq!(
                log.reader().held(index, 1, digest).unwrap(),
                Held::Erased(by)
            );
            assert_eq!(log.reader().attachments(index, 1).unwrap(), []);
            for bytes in self.targets.get(&index).into_iter().flatten() {
                assert_eq!(
                    found_in(&self.desk.dir, bytes),
                    None,
                    "entry {index} was erased"
                );
            }
        }
        let attached = leaves.len() as u64;
        for name in (0..attached).flat_map(|index| log.reader().attachments(index, 1).unwrap()) {
            log.attachment(&name, &mut Vec::new()).unwrap();
        }
    }

    /// What is said again stands where it stood, or now for the first time; and the log goes on. Returns its size.
    fn say_all_again(&mut self, log: &Log, size: u64) -> u64 {
        let (sender, receipts) = channel();
        for compact in &self.said {
            let (sender, said) = (sender.clone(), compact.clone());
            log.submit(compact, Lane::Routine, move |result| {
                sender.send((said, result.unwrap())).unwrap();
            });
        }
        drop(sender);
        let mut places = HashSet::new();
        let mut next = size;
        for (compact, receipt) in receipts {
            let Reference { index, leaf, .. } = receipt.reference;
            assert!(places.insert(index), "two statements at {index}");
            if let Some(promise) = self.receipts.get(&compact) {
                let promised = (promise.index, promise.leaf, true);
                assert_eq!((index, leaf, receipt.already), promised);
            }
            if !receipt.already {
                next += 1;
                assert!(index >= size);
            }
            let size = receipt.size;
            self.receipts.insert(compact, Promise { index, leaf, size });
        }
        assert_eq!(places.len(), self.said.len());
        let fresh = self.desk.sign(&self.desk.draft("after the fault"));
        assert_eq!(log.say(&fresh).unwrap().reference.index, next);
        next + 1
    }
}
