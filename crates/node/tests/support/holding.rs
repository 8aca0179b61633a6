//! What one node holds of some logs: mirrors that grow and are disclosed step by step, and the views over them, without threads,
//! so that a test decides what is folded when.

use super::generated::World;
use super::logs::MemoryLog;
use node::authority::Eyes;
use node::source::{Source, Sources};
use node::views::{Batch, Views};
use record::mirror::Mirror;
use record::statement::Group;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Who delivers: what his recipient may read of a log, and what he holds himself.
pub struct Deliverer<'d> {
    pub readable: &'d dyn Fn(&MemoryLog, &Group) -> bool,
    pub held: &'d dyn Fn(&MemoryLog, u64, &str) -> bool,
}

/// Delivers everything to a recipient who may read everything.
pub const EVERYTHING: Deliverer<'static> = Deliverer {
    readable: &|_, _| true,
    held: &|_, _, _| true,
};

pub struct Holding {
    dir: tempfile::TempDir,
    pub sources: Sources,
    mirrors: Vec<(Mirror, Arc<Source>)>,
    pub views: Vec<Views>,
}

impl Holding {
    /// Nothing yet, of the logs of `world`; views for `eyes`, the node's own first.
    pub fn of(world: &World, eyes: &[Eyes]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sources = Sources::default();
        let mirrors = world.logs.iter().map(|log| {
            let place = dir.path().join(&log.name);
            let mirror = Mirror::create(&place, &log.pin()).unwrap();
            let source = Source::mirror(log.origin().clone(), mirror.reader().clone());
            (mirror, sources.add(source))
        });
        let mirrors = mirrors.collect();
        let mut holding = Self {
            dir,
            sources,
            mirrors,
            views: Vec::new(),
        };
        holding.open_views(eyes);
        holding
    }

    fn open_views(&mut self, eyes: &[Eyes]) {
        let dir = self.dir.path().join("views");
        let open = |eyes: &Eyes| Views::open(&dir, eyes.clone()).unwrap();
        self.views = eyes.iter().map(open).collect();
    }

    /// What a restart does to the views: everything that is kept in memory is gone.
    pub fn restart(&mut self) {
        let eyes: Vec<Eyes> = self.views.iter().map(|v| v.eyes().clone()).collect();
        self.views.clear();
        self.open_views(&eyes);
        self.sources
            .set_members(node::authority::Membership::default());
        self.fold(0, 1);
    }

    /// The node is stopped, its mirrors are replaced by those of other logs with the same names, and it is started again.
    pub fn replace_logs(&mut self, world: &World) {
        self.mirrors.clear();
        self.sources = Sources::default();
        for log in &world.logs {
            let place = self.dir.path().join(&log.name);
            std::fs::remove_dir_all(&place).unwrap();
            let mirror = Mirror::create(&place, &log.pin()).unwrap();
            let source = Source::mirror(log.origin().clone(), mirror.reader().clone());
            let source = self.sources.add(source);
            self.mirrors.push((mirror, source));
        }
        let eyes: Vec<Eyes> = self.views.iter().map(|v| v.eyes().clone()).collect();
        self.views.clear();
        self.open_views(&eyes);
    }

    /// The views are thrown away.
    pub fn forget_views(&mut self) {
        let eyes: Vec<Eyes> = self.views.iter().map(|v| v.eyes().clone()).collect();
        self.views.clear();
        std::fs::remove_dir_all(self.dir.path().join("views")).unwrap();
        self.open_views(&eyes);
    }

    pub fn held(&self, log: usize) -> u64 {
        self.mirrors[log].1.size()
    }

    /// The log grows to `size` here, and what is in `which` of its entries is delivered.
    pub fn arrive(
        &mut self,
        world: &World,
        log: usize,
        size: u64,
        which: &BTreeSet<u64>,
        by: &Deliverer<'_>,
    ) {
        let from = &world.logs[log];
        let (mirror, source) = &mut self.mirrors[log];
        let mut still: Vec<_> = self.views.iter().map(Views::hold_still).collect();
        mirror
            .extend(&from.published(size), |id| {
                let chosen = |index: u64| index < size && which.contains(&index);
                from.delivered(
                    id,
                    chosen,
                    |group| (by.readable)(from, group),
                    |index, name| (by.held)(from, index, name),
                )
            })
            .unwrap();
        source.extended(mirror.head().cloned(), mirror.keys().ok());
        if let Some(late) = mirror.late().unwrap() {
            for still in &mut still {
                still.again_from(from.origin(), late).unwrap();
            }
            mirror.forget_late().unwrap();
        }
    }

    /// Everything at once.
    pub fn arrive_whole(&mut self, world: &World, by: &Deliverer<'_>) {
        for (log, from) in world.logs.iter().enumerate() {
            self.arrive(world, log, from.size(), &(0..from.size()).collect(), by);
        }
    }

    /// One batch of at most `statements` in the views of reader number `which`.
    pub fn fold(&self, which: usize, statements: usize) {
        let batch = Batch {
            statements_max: statements,
        };
        self.views[which].fold(&self.sources, batch).unwrap();
    }

    /// Folds everything that is held, the node's own views first.
    pub fn settle(&self, statements: usize) {
        let batch = Batch {
            statements_max: statements,
        };
        for views in &self.views {
            while views.fold(&self.sources, batch).unwrap().more {}
        }
        let all = self.views.iter();
        let behind: Vec<_> = all.filter(|v| !v.has_applied(&self.sources)).collect();
        assert!(behind.is_empty(), "{} views are behind", behind.len());
    }
}

/// Whether two views are the same; if not, what each has that the other has not.
pub fn expect_the_same(one: &Views, other: &Views, who: &str) {
    if one.digest().unwrap() == other.digest().unwrap() {
        return;
    }
    let rows = |views: &Views| -> BTreeSet<String> { views.rows().unwrap().into_iter().collect() };
    let (one, other) = (rows(one), rows(other));
    let tell = |rows: BTreeSet<String>| -> Vec<String> {
        rows.into_iter().map(|row| format!("{row:.400}")).collect()
    };
    let (only_one, only_other) = (tell(&one - &other), tell(&other - &one));
    panic!("{who}: only here {only_one:#?}, only there {only_other:#?}");
}
