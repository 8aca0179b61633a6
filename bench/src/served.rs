//! A node as `truceline serve` serves it, founded for this, on a port of this machine.

use crate::Outcome;
use crate::cast::{SIGNS, origin};
use crate::clients::Client;
use node::accounts::{Accounts, NewAccount, NewToken, Scope, Secret, TOKENS_PER_ACCOUNT_MAX};
use node::home::{Founded, Home};
use node::http::{self, App, node_routes, routes, server};
use node::node::{Running, Settings};
use node::{Node, authority::Eyes, views::Views};
use record::key::SecretKey;
use record::name::LogId;
use record::statement::Kid;
use record::time::SystemClock;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use truce::participants::Office;

/// Clients, each on a connection that stays open.
pub const CONNECTIONS: usize = 64;
const PASSWORD: &str = "four horses in a field";
const TOKEN_LASTS_MS: i64 = 24 * 3600 * 1000;

/// The node, until it is [`stopped`](Self::stop).
pub struct Served {
    home: PathBuf,
    node: Running,
    runtime: Runtime,
    serving: JoinHandle<()>,
    stop: oneshot::Sender<()>,
    address: SocketAddr,
    tokens: Vec<Secret>,
    desks: Vec<(Kid, SecretKey)>,
}

impl Served {
    /// Founds a mission in `dir` and opens its door.
    ///
    /// # Errors
    /// Whatever went wrong.
    pub fn start(dir: &Path) -> Outcome<Self> {
        let home = Home::new(&dir.join(SIGNS[0]));
        let every = Office::ALL.to_vec();
        let founded = Founded {
            call_sign: SIGNS[0].parse()?,
            origin: origin(SIGNS[0]).parse()?,
            recovery: dir.join("recovery.key"),
            desks: vec![
                (every.clone(), vec!["en".into()]),
                (every, vec!["en".into()]),
            ],
        };
        home.found(&founded, &SystemClock)?;
        let node = Node::open(&home.dir, Settings::default())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("door")
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let settings = http::Settings::new(format!("http://localhost:{}", address.port()).parse()?);
        let app = Arc::new(App::open(&home.dir, Arc::new(SystemClock), settings)?);
        let tokens = tokens(&app.accounts, &runtime)?;
        let router = routes(&app, node_routes(Arc::clone(&node)));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = runtime.spawn(server::serve(listener, app, router, async {
            let _ = stopped.await;
        }));
        Ok(Self {
            desks: home.desks()?,
            home: home.dir,
            node,
            runtime,
            serving,
            stop,
            address,
            tokens,
        })
    }

    /// The node behind the door.
    #[must_use]
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// What the mission's own people read.
    #[must_use]
    pub fn views(&self) -> &Arc<Views> {
        self.node.views(&Eyes::Node)
    }

    /// The log in which is said what comes through the door.
    ///
    /// # Errors
    /// That the node does not keep it.
    pub fn log(&self) -> Outcome<LogId> {
        let own = self.node.own_of(&SIGNS[0].parse()?)?;
        Ok(own.log().id().clone())
    }

    /// The keys of the mission's desks.
    #[must_use]
    pub fn desks(&self) -> &[(Kid, SecretKey)] {
        &self.desks
    }

    /// Clients that are not connected yet, each with a token of its own, to bring these `bodies`.
    #[must_use]
    pub fn clients(&self, bodies: &Arc<Vec<Vec<u8>>>) -> Vec<Client> {
        let clients = self.tokens.iter();
        clients
            .map(|token| Client::new(self.address, token.reveal(), Arc::clone(bodies)))
            .collect()
    }

    /// Closes the door and the node in good order; where its files are.
    ///
    /// # Errors
    /// That it did not end in good order.
    pub fn stop(self) -> Outcome<PathBuf> {
        let _ = self.stop.send(());
        self.runtime.block_on(self.serving)?;
        drop(self.runtime);
        drop(self.node);
        Ok(self.home)
    }
}

/// A token for each connection, of as many accounts as that takes.
fn tokens(accounts: &Accounts, runtime: &Runtime) -> Outcome<Vec<Secret>> {
    let mut tokens = Vec::with_capacity(CONNECTIONS);
    while tokens.len() < CONNECTIONS {
        let name = format!("desk-{}", tokens.len());
        accounts.create(NewAccount {
            name: name.parse()?,
            participant: SIGNS[0].parse()?,
            offices: BTreeSet::from([Office::DutyOfficer]),
            languages: Vec::new(),
            password: Secret::new(PASSWORD.into()),
        })?;
        let signing_in = accounts.sign_in(
            name,
            Secret::new(PASSWORD.into()),
            Ipv4Addr::LOCALHOST.into(),
        );
        let caller = runtime.block_on(signing_in)?.caller;
        for number in 0..TOKENS_PER_ACCOUNT_MAX.min(CONNECTIONS - tokens.len()) {
            let new = NewToken {
                label: format!("client {number}"),
                scopes: BTreeSet::from([Scope::Read, Scope::Say]),
                offices: None,
                lasts_ms: TOKEN_LASTS_MS,
            };
            tokens.push(accounts.make_token(&caller, new)?.1);
        }
    }
    Ok(tokens)
}
