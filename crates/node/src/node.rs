//! A node: the logs that it holds, the views of each of its readers, and the threads that keep these up to date.
//!
//! ```text
//! DATA/                       the home of the one participant whose node it is; or, in an exercise,
//! DATA/exercise               says that it is one, and
//! DATA/participants/CALLSIGN  the home of each participant
//! DATA/views/                 what it adds up to; can be thrown away
//! DATA/node.db                alarms, and what was asked for once
//! ```

use crate::authority::Eyes;
use crate::catch_up::catch_up;
use crate::clerk::Clerk;
use crate::deconfliction::{Events, Index};
use crate::home::{Founded, Home, HomeError, Made, private_directory};
use crate::own::{OpenLog, Own, SignError, fold_on};
use crate::places::Places;
use crate::search::Search;
use crate::source::{Source, Sources};
use crate::timers::Timers;
use crate::views::{Batch, Progress, ViewError, Views};
use record::files::LogFiles;
use record::log::{Limits, Options, Receipt, SayError};
use record::mirror::{Delivered, Extended, Mirror, MirrorError};
use record::name::{CallSign, Origin, Reference};
use record::statement::{Disclosure, Draft, Kid, Statement, StatementError};
use record::store::StoreError;
use record::time::{Clock, SystemClock, UtcMs};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use truce::participants::Office;

/// Marks an exercise: nothing in it is real, and nothing real is ever in it.
pub const EXERCISE: &str = "exercise";
/// Homes of an exercise's participants.
pub const PARTICIPANTS: &str = "participants";
/// Other participants' logs, in a home.
pub const MIRRORS: &str = "mirrors";
/// What the logs add up to.
pub(crate) const VIEWS: &str = "views";
/// How long a thread waits for word before it looks by itself, in milliseconds.
const LOOK_EVERY_MS: u64 = 500;
/// When statements come by the hundred, views wait so long for more of them, in milliseconds: one commit for many.
const LINGER_MS: u64 = 10;
/// The same of full text, for which nobody waits while a node is busy.
const SEARCH_LINGER_MS: u64 = 100;
/// A batch of so many statements is a sign that more are coming.
const BUSY: u64 = 64;

/// What can go wrong with a node.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Its directories and keys.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its views.
    #[error(transparent)]
    View(#[from] ViewError),
    /// Its logs.
    #[error(transparent)]
    Log(#[from] record::log::OpenError),
    /// Its stores.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A mirror.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// There is nothing here.
    #[error("{}: no log was founded here; run `truceline log init --data {}` first", .0.display(), .0.display())]
    Nothing(PathBuf),
    /// A live store where an exercise is asked for.
    #[error("{}: this is a live store; an exercise is played in a store of its own, in another directory", .0.display())]
    Live(PathBuf),
    /// Nobody goes by that call sign here.
    #[error("{0}: no log of this participant is kept by this node")]
    NotOurs(String),
    /// A draft was not signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A statement was refused.
    #[error(transparent)]
    Say(#[from] SayError),
    /// A statement is malformed.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The alarms.
    #[error(transparent)]
    Timers(#[from] crate::timers::TimerError),
    /// What may be given out cannot be told, because the node that runs has not folded all that its logs hold.
    #[error("{}: the node that runs here has not read all of its logs yet, so that nobody knows what may be given out; try again when it has", .0.display())]
    Behind(PathBuf),
}

/// How to open a node.
#[derive(Clone)]
pub struct Settings {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What each own log takes on at once.
    pub limits: Limits,
    /// How often a head is kept that may become public, in milliseconds.
    pub keep_heads_every_ms: i64,
    /// How often the heads of other logs are told, in milliseconds.
    pub head_seen_every_ms: i64,
    /// Whether the node gives receipts by itself, and tells of heads.
    pub clerk: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            keep_heads_every_ms: 1000,
            head_seen_every_ms: 60_000,
            clerk: true,
        }
    }
}

impl Settings {
    /// How the own log of `home` is opened.
    fn options(&self, home: &Home) -> Result<Options, HomeError> {
        Ok(Options {
            limits: self.limits.clone(),
            clock: Arc::clone(&self.clock),
            keep_heads_every_ms: self.keep_heads_every_ms,
            ..home.options()?
        })
    }
}

/// Wakes threads, and whoever waits for them.
#[derive(Default)]
struct Bell {
    rung: Mutex<u64>,
    heard: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung() += 1;
        self.heard.notify_all();
    }

    fn rung(&self) -> MutexGuard<'_, u64> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it was rung more often than `heard`, or for a while.
    fn wait(&self, heard: u64, at_most: Duration) -> u64 {
        let rung = self.rung();
        let waited = self
            .heard
            .wait_timeout_while(rung, at_most, |rung| *rung <= heard);
        let (rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *rung
    }
}

/// A node.
pub struct Node {
    dir: PathBuf,
    exercise: bool,
    settings: Settings,
    sources: Sources,
    own: BTreeMap<Origin, Arc<Own>>,
    views: BTreeMap<Eyes, Arc<Views>>,
    searches: BTreeMap<Eyes, Arc<Search>>,
    indexes: BTreeMap<Eyes, Arc<Index>>,
    places: Places,
    timers: Timers,
    conflicts: Events,
    /// Held while what was found to meet is on its way to be kept.
    surveying: Mutex<()>,
    clerk: Clerk,
    mirrors: Mutex<BTreeMap<Origin, Mirror>>,
    news: Bell,
    applied: Bell,
    ending: AtomicBool,
}

/// A node with its threads. They end when it is dropped.
pub struct Running {
    node: Arc<Node>,
    threads: Vec<JoinHandle<()>>,
}

impl std::ops::Deref for Running {
    type Target = Arc<Node>;
    fn deref(&self) -> &Arc<Node> {
        &self.node
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.node.ending.store(true, Ordering::Relaxed);
        self.node.news.ring();
        self.node.applied.ring();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Node {
    /// Makes the store of an exercise in the empty directory `dir`, with a home for each participant.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn found_exercise(
        dir: &Path,
        participants: &[Founded],
        clock: &dyn Clock,
    ) -> Result<Vec<Made>, NodeError> {
        private_directory(&dir.join(PARTICIPANTS))?;
        let marker = dir.join(EXERCISE);
        let text = "EXERCISE EXERCISE EXERCISE: nothing in this store is real.\n";
        std::fs::write(&marker, text).map_err(|error| HomeError::File {
            path: marker,
            error,
        })?;
        participants
            .iter()
            .map(|founded| Ok(exercise_home(dir, &founded.call_sign).found(founded, clock)?))
            .collect()
    }

    /// Opens the node in `dir` and starts its threads.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn open(dir: &Path, settings: Settings) -> Result<Running, NodeError> {
        Self::open_with_progress(dir, settings, &mut |_, _| {})
    }

    /// The same; tells how many statements of how many are folded while the views are computed anew.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn open_with_progress(
        dir: &Path,
        settings: Settings,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Running, NodeError> {
        let CaughtUp {
            exercise,
            open,
            sources,
            mirrors,
            views,
        } = CaughtUp::open(dir, &settings, progress)?;
        let everything = &views[&Eyes::Node];
        let mut own = BTreeMap::new();
        for one in open {
            let origin = one.log().id().origin.clone();
            let source = sources.of(&origin).expect("it was added above");
            let mut fold = everything.own_log(&origin)?;
            fold_on(&mut fold, &source)?;
            own.insert(origin, Arc::new(one.ready(source, fold)));
        }
        let reader = |eyes: &Eyes| {
            let alone = own.len() == 1;
            let reads = |one: &&Arc<Own>| match eyes {
                Eyes::Node => alone,
                Eyes::Participant(origin) => one.origin() == origin,
                Eyes::Public => false,
            };
            own.values().find(reads).map(|one| one.call_sign.clone())
        };
        let node = Arc::new(Self {
            dir: dir.to_owned(),
            exercise,
            searches: open_searches(&views)?,
            // The thread that keeps them fills them; whoever asks before does it himself.
            indexes: views
                .keys()
                .map(|eyes| (eyes.clone(), Arc::new(Index::of(reader(eyes)))))
                .collect(),
            places: Places::open(dir).map_err(ViewError::from)?,
            timers: Timers::open(dir)?,
            conflicts: Events::open(dir)?,
            surveying: Mutex::default(),
            clerk: Clerk::default(),
            settings,
            sources,
            own,
            views,
            mirrors: Mutex::new(mirrors),
            news: Bell::default(),
            applied: Bell::default(),
            ending: AtomicBool::new(false),
        });
        let threads = Self::start(&node);
        Ok(Running { node, threads })
    }

    fn start(node: &Arc<Self>) -> Vec<JoinHandle<()>> {
        let spawn = |name: String, run: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name);
            thread
                .spawn(run)
                .expect("a node has few threads, and starts them once")
        };
        let mut threads = Vec::new();
        for views in node.views.values() {
            let (node, views) = (Arc::clone(node), Arc::clone(views));
            threads.push(spawn(
                "views".into(),
                Box::new(move || node.keep_folding(&views)),
            ));
        }
        let librarian = Arc::clone(node);
        threads.push(spawn(
            "search".into(),
            Box::new(move || librarian.keep_searching()),
        ));
        let surveyor = Arc::clone(node);
        threads.push(spawn(
            "deconfliction".into(),
            Box::new(move || surveyor.keep_indexing()),
        ));
        let clock = Arc::clone(node);
        threads.push(spawn("timers".into(), Box::new(move || clock.keep_time())));
        if node.settings.clerk {
            let desk = Arc::clone(node);
            threads.push(spawn(
                "clerk".into(),
                Box::new(move || desk.keep_the_desk()),
            ));
        }
        threads
    }

    /// The node's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether this is an exercise.
    #[must_use]
    pub fn is_exercise(&self) -> bool {
        self.exercise
    }

    /// The time by the node's clock.
    #[must_use]
    pub fn now(&self) -> UtcMs {
        self.settings.clock.now()
    }

    /// The logs that the node holds.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The own logs.
    pub fn own(&self) -> impl Iterator<Item = &Arc<Own>> {
        self.own.values()
    }

    /// Alarms.
    #[must_use]
    pub fn timers(&self) -> &Timers {
        &self.timers
    }

    /// The own log of the participant that goes by `call_sign`.
    ///
    /// # Errors
    /// [`NodeError::NotOurs`].
    pub fn own_of(&self, call_sign: &CallSign) -> Result<&Arc<Own>, NodeError> {
        let own = self.own.values().find(|own| own.call_sign == *call_sign);
        own.ok_or_else(|| NodeError::NotOurs(call_sign.to_string()))
    }

    /// With whose eyes the people of a participant read: of a node that serves one participant alone, with the node's own.
    #[must_use]
    pub fn eyes_of(&self, call_sign: Option<&CallSign>) -> Eyes {
        let own = call_sign.and_then(|sign| self.own_of(sign).ok());
        match own {
            None => Eyes::Public,
            Some(_) if self.own.len() == 1 => Eyes::Node,
            Some(own) => Eyes::Participant(own.origin().clone()),
        }
    }

    /// The views of `eyes`. There are views of everybody who signs in here, and of the public.
    #[must_use]
    pub fn views(&self, eyes: &Eyes) -> &Arc<Views> {
        self.views
            .get(eyes)
            .unwrap_or_else(|| &self.views[&Eyes::Public])
    }

    /// The search of `eyes`.
    #[must_use]
    pub fn search(&self, eyes: &Eyes) -> &Arc<Search> {
        self.searches
            .get(eyes)
            .unwrap_or_else(|| &self.searches[&Eyes::Public])
    }

    /// What is notified, as far as `eyes` read it, in space and time.
    #[must_use]
    pub fn notified(&self, eyes: &Eyes) -> &Arc<Index> {
        self.indexes
            .get(eyes)
            .unwrap_or_else(|| &self.indexes[&Eyes::Public])
    }

    /// Notices that were found to meet.
    #[must_use]
    pub fn conflicts(&self) -> &Events {
        &self.conflicts
    }

    /// The gazetteer.
    #[must_use]
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// All views.
    pub fn all_views(&self) -> impl Iterator<Item = &Arc<Views>> {
        self.views.values()
    }

    /// Says a signed statement; `done` is called when it is logged or refused.
    pub fn submit(
        self: &Arc<Self>,
        statement: Arc<Statement>,
        done: impl FnOnce(Result<Receipt, SayError>) + Send + 'static,
    ) {
        let origin = &statement.leaf().log.origin;
        let Some(own) = self.own.get(origin) else {
            let rule = format!("{origin} is no log of this node; say it at the node that keeps it");
            let reference = origin.to_string();
            return done(Err(SayError::Target { reference, rule }));
        };
        let node = Arc::clone(self);
        own.submit(statement, move |result| {
            node.news.ring();
            drop(node); // whoever waits for the receipt may close the node next
            done(result);
        });
    }

    /// Says a signed statement and waits for its receipt.
    ///
    /// # Errors
    /// [`SayError`].
    pub fn say(self: &Arc<Self>, statement: Statement) -> Result<Receipt, SayError> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.submit(Arc::new(statement), move |result| {
            let _ = sender.send(result);
        });
        receiver.recv().unwrap_or(Err(SayError::Stopped))
    }

    /// Signs `draft` with a key that the node keeps for `office` of the participant, and says it.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn say_draft(
        self: &Arc<Self>,
        call_sign: &CallSign,
        office: Office,
        kid: Option<Kid>,
        draft: Draft,
    ) -> Result<Receipt, NodeError> {
        Ok(self.say(self.sign(call_sign, office, kid, draft)?)?)
    }

    /// Signs `draft` with a key that the node keeps for `office` of the participant. A response says what of its object was held
    /// here, unless it says so itself.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn sign(
        &self,
        call_sign: &CallSign,
        office: Office,
        kid: Option<Kid>,
        mut draft: Draft,
    ) -> Result<Statement, NodeError> {
        let own = self.own_of(call_sign)?;
        if draft.head().seen.is_empty() && tells_what_was_seen(&draft.head().kind.name) {
            let about = draft.head().about.first().cloned();
            let views = self.views(&self.eyes_of(Some(call_sign)));
            let held = about
                .map(|about| views.statement(&about))
                .transpose()?
                .flatten();
            let held = held.and_then(|row| Statement::parse(&row.statement).ok());
            let digests = held
                .iter()
                .flat_map(Statement::disclosures)
                .map(Disclosure::digest);
            draft = draft.seen(digests.collect());
        }
        Ok(own.sign(office, kid, draft, self.now())?)
    }

    /// Mirrors another's log from `files`, with what was `delivered` for us to read. `into` is the participant for whom it is
    /// held. Content is never a reason to refuse.
    ///
    /// # Errors
    /// [`NodeError::Mirror`].
    pub fn mirror(
        &self,
        into: &CallSign,
        pin: &record::c2sp::note::VerifierKey,
        files: &impl LogFiles,
        delivered: impl FnMut(record::c2sp::tile::TileId) -> Vec<Delivered>,
    ) -> Result<Extended, NodeError> {
        let own = self.own_of(into)?;
        let home = own.source.reader().dir().to_owned();
        let name = pin.name().to_owned();
        let origin: Origin = name.parse().map_err(|_| NodeError::NotOurs(name.clone()))?;
        let mut mirrors = self.mirrors.lock().unwrap_or_else(PoisonError::into_inner);
        if !mirrors.contains_key(&origin) {
            let dir = home.join(MIRRORS).join(name.replace('/', "+"));
            let mirror = if dir.exists() {
                Mirror::open(&dir)?
            } else {
                Mirror::create(&dir, pin)?
            };
            self.sources
                .add(Source::mirror(origin.clone(), mirror.reader().clone()));
            mirrors.insert(origin.clone(), mirror);
        }
        let mirror = mirrors.get_mut(&origin).expect("it was put there");
        let source = self
            .sources
            .of(&origin)
            .expect("it was added with its mirror");
        let mut still: Vec<_> = self.views.values().map(|v| v.hold_still()).collect();
        let extended = mirror.extend(files, delivered);
        source.extended(mirror.head().cloned(), mirror.keys().ok());
        fold_late(mirror, &origin, &mut still)?;
        drop(still);
        drop(mirrors);
        self.news.ring();
        Ok(extended?)
    }

    /// In an exercise: nothing of others reaches this participant any more, or all of it again.
    ///
    /// # Errors
    /// [`NodeError::Live`], [`NodeError::NotOurs`].
    pub fn cut_off(&self, call_sign: &CallSign, cut: bool) -> Result<(), NodeError> {
        if !self.exercise {
            return Err(NodeError::Live(self.dir.clone()));
        }
        self.own_of(call_sign)?;
        self.views(&self.eyes_of(Some(call_sign))).cut_off(cut);
        self.news.ring();
        Ok(())
    }

    /// Waits until everything that was logged is applied, receipts have been given, and these are applied too.
    pub fn settle(&self) {
        loop {
            let mut heard = *self.applied.rung();
            while !self.has_applied() {
                heard = self
                    .applied
                    .wait(heard, Duration::from_millis(LOOK_EVERY_MS));
            }
            let quiet = !self.settings.clerk || self.do_desk_work() == 0;
            // The clerk's own thread may have said something just before: then there was nothing left to do, and is to apply.
            if quiet && self.has_applied() {
                return;
            }
        }
    }

    /// Whether everything that was logged is applied in all views, and what was erased is destroyed.
    #[must_use]
    pub fn has_applied(&self) -> bool {
        // The node's own views decide who is a party, and so what others may read.
        let own = &self.views[&Eyes::Node];
        let node = own.has_applied(&self.sources) && own.to_destroy().is_ok_and(|d| d.is_empty());
        node && self
            .views
            .values()
            .all(|views| views.has_applied(&self.sources))
    }

    fn keep_folding(&self, views: &Views) {
        let mut heard = 0;
        let mut members = self.sources.members();
        while !self.ending.load(Ordering::Relaxed) {
            match views.fold(&self.sources, Batch::LIVE) {
                Ok(progress) => {
                    if progress.folded > 0 {
                        self.applied.ring();
                    }
                    if progress.more {
                        continue;
                    }
                    if progress.folded >= BUSY {
                        std::thread::sleep(Duration::from_millis(LINGER_MS));
                        continue;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "the views could not be brought up to date; trying again");
                    std::thread::sleep(Duration::from_millis(LOOK_EVERY_MS));
                }
            }
            if *views.eyes() == Eyes::Node {
                match self.destroy_erased(views) {
                    Ok(0) => {}
                    Ok(_) => self.applied.ring(),
                    Err(error) => {
                        tracing::error!(%error, "what was erased could not be destroyed; trying again");
                    }
                }
                let now = self.sources.members();
                if !Arc::ptr_eq(&members, &now) {
                    // Others may read more or less from now on: their views are cut anew.
                    members = now;
                    self.news.ring();
                }
            }
            heard = self.news.wait(heard, Duration::from_millis(LOOK_EVERY_MS));
        }
    }

    /// Lets full text follow the views.
    fn follow(&self) -> Progress {
        let mut all = Progress::default();
        for (eyes, search) in &self.searches {
            match search.follow(&self.views[eyes]) {
                Ok(progress) => {
                    all.folded += progress.folded;
                    all.more |= progress.more;
                }
                Err(error) => tracing::error!(%error, "search could not follow; trying again"),
            }
        }
        all
    }

    fn keep_searching(&self) {
        let mut heard = 0;
        while !self.ending.load(Ordering::Relaxed) {
            let progress = self.follow();
            if progress.more {
                continue;
            }
            if progress.folded >= BUSY {
                std::thread::sleep(Duration::from_millis(SEARCH_LINGER_MS));
                continue;
            }
            heard = self
                .applied
                .wait(heard, Duration::from_millis(LOOK_EVERY_MS));
        }
    }

    /// Lets the indexes follow the views, so that a question finds little left to take in.
    fn keep_indexing(&self) {
        let mut heard = 0;
        while !self.ending.load(Ordering::Relaxed) {
            self.survey();
            heard = self
                .applied
                .wait(heard, Duration::from_millis(LOOK_EVERY_MS));
        }
    }

    /// Lets the indexes follow the views, and keeps what was found to meet. The thread of a running node does it by itself.
    pub fn survey(&self) {
        let surveying = self.surveying.lock();
        let _one_at_a_time = surveying.unwrap_or_else(PoisonError::into_inner);
        for (eyes, index) in &self.indexes {
            if let Err(error) = index.follow(&self.views[eyes]) {
                tracing::error!(%error, "an index of what is notified could not follow; trying again");
            }
            let found = index.take_found();
            if found.is_empty() {
                continue;
            }
            if let Err(error) = self.conflicts.keep(eyes, &found, self.now()) {
                tracing::error!(%error, "conflicts that were found could not be kept; trying again");
                index.put_back(found);
            }
        }
    }

    /// Waits until search has followed everything that is applied.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn settle_search(&self) -> Result<(), ViewError> {
        self.settle();
        for (eyes, search) in &self.searches {
            while !search.has_followed(&self.views[eyes])? {
                self.follow();
            }
        }
        Ok(())
    }

    fn keep_time(&self) {
        let mut heard = 0;
        while !self.ending.load(Ordering::Relaxed) {
            self.tick();
            let rung = self
                .applied
                .wait(heard, Duration::from_millis(LOOK_EVERY_MS));
            heard = rung;
        }
    }

    /// Raises the alarms whose time has come by the node's clock. The threads of a running node do it by themselves; whoever
    /// moves the clock asks for it at once.
    pub fn tick(&self) {
        for views in self.views.values() {
            if let Err(error) = self.timers.raise(views, &*self.settings.clock) {
                tracing::error!(%error, "alarms could not be raised; trying again");
            }
        }
    }

    fn keep_the_desk(&self) {
        let mut heard = 0;
        while !self.ending.load(Ordering::Relaxed) {
            self.do_desk_work();
            heard = self
                .applied
                .wait(heard, Duration::from_millis(LOOK_EVERY_MS));
        }
    }

    /// What a machine says by itself; how many statements that were.
    fn do_desk_work(&self) -> usize {
        self.clerk.work(self)
    }

    /// Destroys what is held here of a statement that its author had erased. In an exercise all participants share what the
    /// author's own log holds, where it was destroyed first.
    pub(crate) fn destroy(&self, erase: &crate::views::StatementRow) -> Result<(), ViewError> {
        let groups = erase
            .groups
            .iter()
            .filter_map(|group| group.content.as_ref());
        let names = groups
            .filter_map(|content| content.get("groups")?.as_array())
            .flatten();
        let names: Vec<&str> = names.filter_map(serde_json::Value::as_str).collect();
        let read = |text: &String| text.parse::<Reference>().ok();
        let target = erase.about.first().and_then(read);
        let (Some(target), Some(by)) = (target, read(&erase.reference)) else {
            return Ok(());
        };
        let mut mirrors = self.mirrors.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mirror) = mirrors.get_mut(&target.origin) else {
            return Ok(());
        };
        // Who could not read that it was erased has it no longer either.
        let mut still: Vec<_> = self.views.values().map(|v| v.hold_still()).collect();
        for still in &mut still {
            still.again(&target)?;
        }
        mirror.erase(target.index, &names, &erase.statement, by.index)?;
        drop(still);
        drop(mirrors);
        self.news.ring();
        Ok(())
    }

    /// Destroys in the mirrors what the views found erased and still held, such as what came after its erasure; of how many
    /// statements that was.
    fn destroy_erased(&self, views: &Views) -> Result<usize, ViewError> {
        let all = views.to_destroy()?;
        for target in &all {
            for erase in views.about(target, u32::MAX)? {
                if erase.kind == "erase/1" && erase.standing == "effective" {
                    self.destroy(&erase)?;
                }
            }
            views.destroyed(target)?;
        }
        Ok(all.len())
    }

    /// How often the heads of other logs are told, in milliseconds.
    pub(crate) fn head_seen_every_ms(&self) -> i64 {
        self.settings.head_seen_every_ms
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    /// Says a statement of a machine; the clerk's only door, which is everybody's.
    pub(crate) fn say_by_itself(&self, own: &Own, statement: Statement) -> Result<(), SayError> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        own.submit(Arc::new(statement), move |result| {
            let _ = sender.send(result);
        });
        let result = receiver.recv().unwrap_or(Err(SayError::Stopped));
        self.news.ring();
        result.map(|_| ())
    }
}

/// A node's logs, open for writing, and its views as of all that these hold.
pub(crate) struct CaughtUp {
    exercise: bool,
    open: Vec<OpenLog>,
    sources: Sources,
    mirrors: BTreeMap<Origin, Mirror>,
    /// Of everybody who reads here.
    pub views: BTreeMap<Eyes, Arc<Views>>,
}

impl CaughtUp {
    /// Opens them in `dir`, and brings the views up to the logs.
    pub fn open(
        dir: &Path,
        settings: &Settings,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, NodeError> {
        let (exercise, homes) = homes(dir)?;
        let sources = Sources::default();
        let mut open = Vec::new();
        for home in &homes {
            open.push(OpenLog::open(home, settings.options(home)?)?);
        }
        for one in &open {
            sources.add(Source::own(Arc::clone(one.log())));
        }
        let mirrors = open_mirrors(&homes, &sources)?;
        let views = open_views(&dir.join(VIEWS), &open)?;
        for (origin, mirror) in &mirrors {
            // A stick may have brought more while the node was away.
            let mut still: Vec<_> = views.values().map(|v| v.hold_still()).collect();
            fold_late(mirror, origin, &mut still)?;
        }
        catch_up(&views, &sources, progress)?;
        Ok(Self {
            exercise,
            open,
            sources,
            mirrors,
            views,
        })
    }
}

/// Responses carry the digests that their author held: nobody can say later that he had read what he was not given.
fn tells_what_was_seen(kind: &str) -> bool {
    use truce::kinds::{About, Name};
    let name = Name::ALL.iter().find(|name| name.as_str() == kind);
    name.is_some_and(|name| matches!(name.about(), About::Anothers | About::AnothersOf(_)))
}

fn exercise_home(dir: &Path, call_sign: &CallSign) -> Home {
    Home::new(&dir.join(PARTICIPANTS).join(call_sign.as_str()))
}

/// Whether it is an exercise, and the homes in a node's directory.
pub(crate) fn homes(dir: &Path) -> Result<(bool, Vec<Home>), NodeError> {
    if !dir.join(EXERCISE).exists() {
        let home = Home::new(dir);
        let founded = home.is_founded();
        return if founded {
            Ok((false, vec![home]))
        } else {
            Err(NodeError::Nothing(dir.to_owned()))
        };
    }
    let below = dir.join(PARTICIPANTS);
    let entries =
        std::fs::read_dir(&below).map_err(|error| HomeError::File { path: below, error })?;
    let mut homes: Vec<Home> = entries
        .filter_map(|entry| Some(Home::new(&entry.ok()?.path())))
        .filter(Home::is_founded)
        .collect();
    homes.sort_by(|a, b| a.dir.cmp(&b.dir));
    if homes.is_empty() {
        return Err(NodeError::Nothing(dir.to_owned()));
    }
    Ok((true, homes))
}

/// What came to a mirror after its entries were folded is folded too.
fn fold_late(
    mirror: &Mirror,
    origin: &Origin,
    still: &mut [crate::views::Still<'_>],
) -> Result<(), NodeError> {
    let Some(late) = mirror.late()? else {
        return Ok(());
    };
    for still in still {
        still.again_from(origin, late)?;
    }
    Ok(mirror.forget_late()?)
}

fn open_mirrors(homes: &[Home], sources: &Sources) -> Result<BTreeMap<Origin, Mirror>, NodeError> {
    let mut mirrors = BTreeMap::new();
    for home in homes {
        let Ok(entries) = std::fs::read_dir(home.dir.join(MIRRORS)) else {
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            let mirror = Mirror::open(&entry.path())?;
            let name = entry.file_name().to_string_lossy().replace('+', "/");
            let Ok(origin) = name.parse::<Origin>() else {
                continue;
            };
            let source = sources.add(Source::mirror(origin.clone(), mirror.reader().clone()));
            source.extended(mirror.head().cloned(), mirror.keys().ok());
            mirrors.insert(origin, mirror);
        }
    }
    Ok(mirrors)
}

/// Everybody's whose people sign in here, the public's, and the node's own: where it serves one participant, its people read
/// with the node's eyes.
fn open_views(dir: &Path, open: &[OpenLog]) -> Result<BTreeMap<Eyes, Arc<Views>>, NodeError> {
    let mut eyes = vec![Eyes::Node, Eyes::Public];
    if open.len() > 1 {
        eyes.extend(
            open.iter()
                .map(|one| Eyes::Participant(one.log().id().origin.clone())),
        );
    }
    let views = eyes
        .into_iter()
        .map(|eyes| Ok((eyes.clone(), Arc::new(Views::open(dir, eyes)?))));
    views.collect()
}

fn open_searches(
    views: &BTreeMap<Eyes, Arc<Views>>,
) -> Result<BTreeMap<Eyes, Arc<Search>>, NodeError> {
    let searches = views
        .iter()
        .map(|(eyes, views)| Ok((eyes.clone(), Arc::new(Search::open(views)?))));
    searches.collect()
}
