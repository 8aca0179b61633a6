//! What of exact places is held back from a reader whose node gets the record from this one. A group's audience says who may read it,
//! and was signed once; that a site was exposed or withdrawn from him was said afterwards. The record knows
//! nothing of that, so whoever gives anything out asks here, by the views of the node.
//!
//! Only what goes out newly is held back. Who has a place goes on seeing it: a freeze never takes a site off what is avoided.

use crate::authority::Eyes;
use crate::home::{Home, HomeError};
use crate::node::{CaughtUp, EXERCISE, NodeError, PARTICIPANTS, Settings, VIEWS, homes};
use crate::reading::{head_of, log_directories};
use crate::views::{ListQuery, ViewError, Views, short};
use record::audience::Reader;
use record::carry::Withheld;
use record::log::OpenError;
use record::name::{CallSign, Origin, Reference};
use record::store::head::HeadError;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Sites that are looked at in one go.
const PAGE: u32 = 500;
/// Statements about one notice that are looked through for places that somebody repeated.
const ABOUT_MAX: u32 = 10_000;
/// How often, and how often at most, the views of a node that runs are looked at until they have all that its logs hold.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS_MAX: u32 = 100;

/// What is held back from one reader, and why, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release(BTreeMap<Withheld, String>);

/// Of a row of a site what is read here.
#[derive(Deserialize)]
struct Row {
    #[serde(deserialize_with = "reference")]
    reference: Reference,
    held_back: Vec<HeldBack>,
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct HeldBack {
    from: String,
    because: String,
    #[serde(deserialize_with = "reference")]
    of: Reference,
}

#[derive(Deserialize)]
struct Version {
    #[serde(deserialize_with = "reference")]
    reference: Reference,
}

fn reference<'de, D: Deserializer<'de>>(from: D) -> Result<Reference, D::Error> {
    let text = Cow::<str>::deserialize(from)?;
    text.parse().map_err(D::Error::custom)
}

impl Release {
    /// What the node in whose directory `home` lies holds back from `reader`. The views are brought up to the logs first; where a
    /// node runs over them, its own are waited for.
    ///
    /// # Errors
    /// [`NodeError`]; nothing may be given out then.
    pub fn to(
        home: &Home,
        settings: &Settings,
        reader: &Reader,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, NodeError> {
        // Exact places are for participants by name, and the own side has what it notified.
        let Some(sign) = reader.call_sign.as_ref().filter(|_| !reader.own) else {
            return Ok(Self::default());
        };
        let (dir, eyes) = node_of(home)?;
        match CaughtUp::open(&dir, settings, progress) {
            Ok(caught_up) => {
                let views = caught_up
                    .views
                    .get(&eyes)
                    .or(caught_up.views.get(&Eyes::Node));
                let views = views.map(Arc::clone);
                let views = views.ok_or(NodeError::Behind(dir))?;
                Ok(Self::by(&views, sign)?)
            }
            Err(error) if is_running(&error) => Ok(Self::by(&beside(&dir, home, eyes)?, sign)?),
            Err(error) => Err(error),
        }
    }

    /// By these views.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn by(views: &Views, reader: &CallSign) -> Result<Self, ViewError> {
        let mut release = Self::default();
        let mut query = ListQuery {
            limit: PAGE,
            ..ListQuery::default()
        };
        loop {
            let page = views.list("site", &query)?;
            for row in &page.items {
                let row: Row = serde_json::from_str(row)
                    .map_err(|error| ViewError::Damaged(format!("a site is none: {error}")))?;
                release.site(views, &row, reader)?;
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(release),
            }
        }
    }

    fn site(&mut self, views: &Views, row: &Row, reader: &CallSign) -> Result<(), ViewError> {
        let held = row.held_back.iter();
        let Some(held) = held.into_iter().find(|held| held.from == reader.as_str()) else {
            return Ok(());
        };
        let context = views.context();
        let name = |of: &Reference| short(&context, &of.origin, of.index);
        let (site, of) = (name(&row.reference), name(&held.of));
        let why = match held.because.as_str() {
            "frozen" => {
                format!("{site} is frozen by the exposure {of} until its owner decides anew")
            }
            _ => format!("{site} was withdrawn from {reader} by {of}"),
        };
        for version in &row.versions {
            self.hold(&version.reference, "exact", &why);
            for said in views.about(&version.reference, ABOUT_MAX)? {
                let repeats = said.kind == "read_back/1" && said.tells_a_place();
                if let Ok(reference) = said.reference.parse::<Reference>()
                    && repeats
                {
                    self.hold(&reference, "body", &why);
                }
            }
        }
        Ok(())
    }

    fn hold(&mut self, of: &Reference, group: &str, why: &str) {
        let withheld = Withheld {
            origin: of.origin.to_string(),
            index: of.index,
            group: group.to_owned(),
        };
        self.0.insert(withheld, why.to_owned());
    }

    /// What is held back.
    #[must_use]
    pub fn withheld(&self) -> BTreeSet<Withheld> {
        self.0.keys().cloned().collect()
    }

    /// Of what was held back in fact: how much for each reason, in words.
    #[must_use]
    pub fn reasons(&self, held: &BTreeSet<Withheld>) -> BTreeMap<&str, usize> {
        let mut reasons = BTreeMap::new();
        for why in held.iter().filter_map(|held| self.0.get(held)) {
            *reasons.entry(why.as_str()).or_default() += 1;
        }
        reasons
    }
}

/// The directory of the node to which a home belongs, and with whose eyes its participant reads there: in an exercise a home is one
/// of several in one store.
fn node_of(home: &Home) -> Result<(PathBuf, Eyes), NodeError> {
    let store = home
        .dir
        .parent()
        .filter(|above| above.file_name().is_some_and(|name| name == PARTICIPANTS))
        .and_then(Path::parent)
        .filter(|store| store.join(EXERCISE).exists());
    let dir = store.unwrap_or(&home.dir).to_owned();
    let several = homes(&dir)?.1.len() > 1;
    let own = head_of(&home.dir).map(|(origin, _)| origin);
    let eyes = own.filter(|_| several).map(Eyes::Participant);
    Ok((dir, eyes.unwrap_or(Eyes::Node)))
}

/// Whether another process has the logs open.
fn is_running(error: &NodeError) -> bool {
    matches!(
        error,
        NodeError::Home(HomeError::Log(OpenError::Head(HeadError::Locked(_))))
            | NodeError::Log(OpenError::Head(HeadError::Locked(_)))
    )
}

/// The views of the node that runs in `dir`, when they have all that the logs of `home` held a moment ago.
fn beside(dir: &Path, home: &Home, eyes: Eyes) -> Result<Views, NodeError> {
    let directories = log_directories(home);
    let held: BTreeMap<Origin, u64> = directories.iter().filter_map(|dir| head_of(dir)).collect();
    for _ in 0..LOOKS_MAX {
        let views = Views::open_to_read(&dir.join(VIEWS), eyes.clone())?;
        let folded = views.context().folded.clone();
        let has = |(origin, size): (&Origin, &u64)| folded.get(origin).is_some_and(|at| at >= size);
        if held.iter().all(has) {
            return Ok(views);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Err(NodeError::Behind(dir.to_owned()))
}
