//! `truceline account`.

use crate::config::Settings;
use crate::log::{Offices, language};
use crate::serve::PORT;
use crate::{Failure, Outcome};
use clap::Subcommand;
use node::accounts::{Accounts, NewInvitation, Options, WebOrigin};
use record::time::SystemClock;

use std::path::PathBuf;
use std::sync::Arc;
use truce::values::Language;

const DAY_MS: i64 = 86_400_000;

#[derive(Subcommand)]
pub enum Command {
    /// Make a code with which somebody opens an account of this node's participant: the first administrator, above all
    #[command(
        after_long_help = "EXAMPLE:\n  truceline account invite --data mission --office administrator,head_of_mission --languages en,ar\n\n\
        The node may be running. Give the link, or the code alone, to the person by a way that you trust: whoever has it first opens the\n\
        account, and it works once. On the page the person chooses name and password and, as an administrator, invites the others.\n\
        Programs do the same with POST /api/v1/invitations/accept."
    )]
    Invite {
        /// The node's data directory
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Offices of the account, separated by commas
        #[arg(long, value_name = "OFFICES", required = true)]
        office: Offices,
        /// Languages of the account, separated by commas
        #[arg(long, value_name = "LANGUAGES", value_delimiter = ',', value_parser = language)]
        languages: Vec<String>,
        /// Days in which the code can be used
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=30))]
        days: u8,
        /// Where browsers find the node; without it what is configured as `origin`, or this machine at port 8016
        #[arg(long, value_name = "URL")]
        origin: Option<WebOrigin>,
    },
}

pub fn run(command: Command, settings: &Settings) -> Outcome {
    let Command::Invite {
        data,
        office,
        languages,
        days,
        origin,
    } = command;
    let origin = match origin.or_else(|| settings.origin()) {
        Some(origin) => origin,
        None => format!("http://localhost:{PORT}").parse()?,
    };
    let home = settings.home(data.as_deref());
    let participant = home.open_to_read()?.ring().call_sign().clone();
    let dir = data.as_deref().unwrap_or(&settings.data);
    let options = Options::new(Arc::new(SystemClock), origin.clone());
    let languages: Result<Vec<Language>, _> = languages
        .iter()
        .map(|language| Language::new(language))
        .collect();
    let invitation = NewInvitation {
        offices: office.into_iter().collect(),
        languages: languages.map_err(|rule| Failure::new(format!("--languages: {rule}")))?,
        renews: None,
        lasts_ms: i64::from(days) * DAY_MS,
    };
    let (invitation, code) = Accounts::open(dir, options)?.issue(participant, invitation)?;
    println!("for      {}", invitation.participant);
    println!("code     {}", code.reveal());
    println!("link     {origin}/invitation?code={}", code.reveal());
    println!("until    {}", invitation.expires);
    Ok(())
}
