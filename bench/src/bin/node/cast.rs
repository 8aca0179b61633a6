//! The logs of those who take part, as they are filled: the mission's, whose node is measured, and those of two parties, which it
//! mirrors. Each has a home as every participant has, with the keys of two desks.

use bench::Outcome;
pub use bench::cast::{SIGNS, Words, origin};
use bench::flow::Places;
use node::home::{Founded, Home, Made};
use record::c2sp::tree::Tree;
use record::key::SecretKey;
use record::log::{Lane, Log, SayError};
use record::name::{Origin, Reference};
use record::statement::{Kid, Statement};
use record::time::{Clock, ManualClock};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use truce::participants::Office;

/// Statements of one log between signing and logging. What is corrected or retracted is older than that.
pub const IN_FLIGHT: usize = 2048;
/// Statements per commit while a log is filled.
const BATCH_MAX: usize = 2048;
/// One participant, while its log is filled.
pub struct Side {
    pub sign: &'static str,
    pub made: Made,
    pub home: PathBuf,
    desks: Vec<(Kid, SecretKey)>,
    tree: Tree,
    statements: Option<SyncSender<Statement>>,
    filling: Option<JoinHandle<Outcome>>,
}

impl Side {
    /// Founds its home in `dir`, and starts to fill its log.
    pub fn found(dir: &Path, sign: &'static str, clock: &Arc<ManualClock>) -> Outcome<Self> {
        let home = Home::new(&dir.join(sign));
        let every = Office::ALL.to_vec();
        let founded = Founded {
            call_sign: sign.parse()?,
            origin: origin(sign).parse()?,
            recovery: dir.join(format!("{sign}-recovery.key")),
            desks: vec![
                (every.clone(), vec!["en".into(), "ar".into()]),
                (every, vec!["en".into(), "ru".into()]),
            ],
        };
        std::fs::create_dir_all(dir)?;
        let made = home.found(&founded, &**clock)?;
        let mut options = home.options()?;
        options.clock = Arc::clone(clock) as Arc<dyn Clock>;
        options.limits.in_flight_max = 2 * IN_FLIGHT;
        options.limits.in_flight_per_key_max = 2 * IN_FLIGHT;
        options.limits.batch_max = BATCH_MAX;
        let log = Log::open(&home.dir, options)?;
        let mut tree = Tree::new();
        let size = log.head().map_or(0, |head| head.size());
        for leaf in log.reader().leaves(0, size)? {
            tree.append(record::c2sp::tree::leaf_hash(&leaf));
        }
        let (statements, coming) = sync_channel(IN_FLIGHT);
        let filling = std::thread::Builder::new()
            .name(format!("fill {sign}"))
            .spawn(move || fill(&log, &coming))?;
        Ok(Self {
            sign,
            made,
            desks: home.desks()?,
            home: home.dir,
            tree,
            statements: Some(statements),
            filling: Some(filling),
        })
    }

    /// How many entries its log will have when all that was said is logged.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The root of that.
    pub fn root(&self) -> record::encoding::Hash {
        self.tree.root()
    }

    pub fn origin(&self) -> &Origin {
        &self.made.id.origin
    }

    /// Says it, with the key of desk 0 or 1; where it will stand.
    pub fn say(&mut self, desk: usize, words: Words<'_>) -> Outcome<Reference> {
        let statement = words.signed(&self.desks[desk], &self.made.id)?;
        let leaf = statement.leaf().hash();
        let reference = Reference {
            origin: self.origin().clone(),
            index: self.tree.size(),
            leaf,
        };
        self.tree.append(leaf);
        match &self.statements {
            Some(to) if to.send(statement).is_ok() => Ok(reference),
            _ => Err(self.why_ended()),
        }
    }

    fn why_ended(&mut self) -> bench::Failure {
        let ended = self.filling.take().map(JoinHandle::join);
        match ended {
            Some(Ok(Err(error))) => error,
            _ => format!("the log of {} takes nothing more", self.sign).into(),
        }
    }

    /// Waits until everything is logged.
    pub fn finish(&mut self) -> Outcome {
        self.statements = None;
        let ended = self.filling.take().map(JoinHandle::join);
        match ended {
            Some(Ok(result)) => result,
            _ => Err("a thread that fills a log panicked".into()),
        }
    }
}

/// Logs what comes, in its order.
fn fill(log: &Log, coming: &Receiver<Statement>) -> Outcome {
    let places = Arc::new(Places::new(IN_FLIGHT));
    let refused: Arc<Mutex<Option<SayError>>> = Arc::default();
    for statement in coming {
        let (free, wrong) = (Arc::clone(&places), Arc::clone(&refused));
        places.enter();
        log.submit_read(&statement, Lane::Routine, move |result| {
            if let Err(error) = result {
                *wrong.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
            free.leave();
        });
        let wrong = refused.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.is_some() {
            break;
        }
    }
    places.drain();
    let wrong = refused
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    wrong.map_or(Ok(()), |error| Err(error.into()))
}
