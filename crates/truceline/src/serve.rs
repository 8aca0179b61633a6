//! `truceline serve`: the node with its HTTP API and pages.

use crate::config::Settings;
use crate::{Failure, Outcome};
use clap::Args as ClapArgs;
use node::{Node, Running};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(ClapArgs)]
pub struct Args {
    /// The node's data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Port on this machine; 0 takes any that is free
    #[arg(long, default_value_t = 8016)]
    port: u16,
}

/// How a node is served.
pub struct Serving {
    pub port: u16,
    pub demo: bool,
}

/// Serves `node`; `beside` runs on a thread of its own meanwhile.
pub fn run(
    node: Running,
    serving: &Serving,
    beside: impl FnOnce(&Arc<Node>) + Send + 'static,
) -> Outcome {
    let _ = (node, serving, beside);
    Err(Failure::new("not yet"))
}

pub fn serve(args: &Args, settings: &Settings) -> Outcome {
    let _ = (args, settings);
    Ok(())
}
