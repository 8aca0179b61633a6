//! TEMPORARY
use super::http::App;
use super::http::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use record::name::CallSign;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;
use truce::participants::Office;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Read,
    Say,
    Admin,
}
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scope")
    }
}
#[derive(Debug, Clone)]
pub struct Caller {
    pub account: Option<String>,
    pub participant: Option<CallSign>,
    pub offices: BTreeSet<Office>,
    pub scopes: BTreeSet<Scope>,
}
impl Caller {
    pub fn public() -> Self {
        Self {
            account: None,
            participant: None,
            offices: BTreeSet::new(),
            scopes: BTreeSet::new(),
        }
    }
    pub fn is_public(&self) -> bool {
        self.account.is_none()
    }
    pub fn may(&self, s: Scope) -> bool {
        self.scopes.contains(&s)
    }
    pub fn acts_as(&self, o: Office) -> bool {
        self.offices.contains(&o)
    }
}
#[derive(Default)]
pub struct Accounts(pub Mutex<BTreeMap<String, Caller>>);
impl FromRequestParts<App> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Some(h) = parts.headers.get("authorization") else {
            return Ok(Self::public());
        };
        let t = h
            .to_str()
            .unwrap_or_default()
            .trim_start_matches("Bearer ")
            .to_owned();
        app.accounts
            .0
            .lock()
            .unwrap()
            .get(&t)
            .cloned()
            .ok_or_else(|| Problem::unauthorized("no such token"))
    }
}
