//! `truceline serve`: the node with its HTTP API, its pages and its logs.

use crate::config::Settings;
use crate::import::bar;
use crate::{Failure, Outcome};
use clap::Args as ClapArgs;
use node::accounts::{NewAccount, Secret, WebOrigin};
use node::http::{self, App, node_routes, routes, server};
use node::{Node, Running};
use record::time::SystemClock;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use truce::participants::Office;

/// The port when nothing is said.
pub const PORT: u16 = 8016;
/// The password of every account of a demo: it is an exercise on this machine, and everybody may sit at every desk.
const DEMO_PASSWORD: &str = "exercise-exercise";

#[derive(ClapArgs)]
pub struct Args {
    /// The node's data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Port; 0 takes any that is free
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// Address to listen on. Others than this machine reach it through a reverse proxy that does TLS
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    listen: IpAddr,
    /// Where browsers find it, such as `https://truce.example`; without it what is configured as `origin`, or this machine
    #[arg(long, value_name = "URL")]
    origin: Option<WebOrigin>,
}

/// How a node is served.
pub struct Serving {
    pub listen: IpAddr,
    pub port: u16,
    pub origin: Option<WebOrigin>,
    pub settings: Settings,
}

impl Serving {
    /// On this machine alone.
    pub fn here(port: u16) -> Self {
        Self {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port,
            origin: None,
            settings: Settings::default(),
        }
    }
}

pub fn serve(args: Args, settings: &Settings) -> Outcome {
    let dir = args.data.as_deref().unwrap_or(&settings.data);
    let bar = bar("computing views", 0);
    let node = Node::open_with_progress(dir, settings.node(), &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let serving = Serving {
        listen: args.listen,
        port: args.port,
        origin: args.origin.or_else(|| settings.origin()),
        settings: settings.clone(),
    };
    run(node?, &serving, |_| {})
}

/// Serves `node` until it is told to stop; `beside` runs on a thread of its own meanwhile.
pub fn run(
    node: Running,
    serving: &Serving,
    beside: impl FnOnce(&Arc<Node>) + Send + 'static,
) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let address = SocketAddr::new(serving.listen, serving.port);
    let listener = runtime
        .block_on(TcpListener::bind(address))
        .map_err(|error| {
            Failure::new(format!(
                "{address}: {error}; choose another port with --port, or 0 for any"
            ))
        })?;
    let port = listener.local_addr()?.port();
    let origin = match &serving.origin {
        Some(origin) => origin.clone(),
        None => format!("http://localhost:{port}").parse()?,
    };
    let app = Arc::new(door(&node, serving.settings.door(origin.clone()))?);
    if node.is_exercise() {
        desks(&node, &app)?;
    }
    let greeting = greeting(&node, &origin, listener.local_addr()?);
    // A node does not end because nobody reads this any more.
    let _ = writeln!(std::io::stdout(), "{greeting}");
    let shared = Arc::clone(&node);
    // It ends with the process: what it does is done again at the next start.
    std::thread::Builder::new()
        .name("beside".into())
        .spawn(move || beside(&shared))?;
    let router = routes(&app, node_routes(Arc::clone(&node)));
    runtime.block_on(server::serve(listener, app, router, told_to_stop()));
    runtime.shutdown_background();
    Ok(())
}

/// The door keeps real time, also in an exercise: sessions and limits are not part of it.
fn door(node: &Node, settings: http::Settings) -> Result<App, Failure> {
    let settings = http::Settings {
        node_name: if node.is_exercise() {
            "Truceline EXERCISE".into()
        } else {
            "Truceline".into()
        },
        ..settings
    };
    Ok(App::open(node.dir(), Arc::new(SystemClock), settings)?)
}

/// An account for each participant of an exercise that has none yet.
fn desks(node: &Node, app: &App) -> Outcome {
    if !app.accounts.is_empty() {
        return Ok(());
    }
    for own in node.own() {
        app.accounts.create(NewAccount {
            name: own.call_sign.as_str().to_lowercase().parse()?,
            participant: own.call_sign.clone(),
            offices: Office::ALL.iter().copied().collect(),
            languages: Vec::new(),
            password: Secret::new(DEMO_PASSWORD.into()),
        })?;
    }
    Ok(())
}

fn greeting(node: &Node, origin: &WebOrigin, listening: SocketAddr) -> String {
    let mut lines = vec![format!(
        "Serving at {origin}/   (API: {origin}/api/v1/openapi.json)"
    )];
    if node.is_exercise() {
        let names: Vec<String> = node
            .own()
            .map(|own| own.call_sign.as_str().to_lowercase())
            .collect();
        lines.push("EXERCISE: nothing in this store is real.".into());
        lines.push(format!(
            "Sign in as {}, password {DEMO_PASSWORD}",
            names.join(", ")
        ));
        lines.push(format!("The clock of the exercise shows {}.", node.now()));
    }
    lines.push(format!("Listening on {listening}"));
    lines.push("End it with Ctrl-C.".into());
    lines.join("\n")
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut ended) => tokio::select! {
            _ = interrupted => {}
            _ = ended.recv() => {}
        },
        Err(_) => drop(interrupted.await),
    }
}
