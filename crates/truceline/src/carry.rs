//! `truceline carry`.

use crate::config::Settings;
use crate::report::Progress;
use crate::{Failure, Outcome};
use clap::Subcommand;
use node::home::Home;
use node::own::OpenLog;
use node::release::Release;
use record::audience::Reader;
use record::c2sp::checkpoint::SignedCheckpoint;
use record::c2sp::note::VerifierKey;
use record::c2sp::tile::TileHashes;
use record::c2sp::witness::AddCheckpoint;
use record::carry::{self, CarriedIn, In, MIRRORS, Out};
use record::door::StoreTiles;
use record::mirror::{Mirror, MirrorError};
use record::time::{Clock, SystemClock};
use record::witness_book::WitnessBook;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum Command {
    /// Write our log and our mirrors to a stick, with what READER may read sealed to his node
    #[command(
        after_long_help = "EXAMPLE:\n  truceline carry out --data mission --reader RU --to age1… /media/stick\n\n\
        Run it again on the same stick to go on after an interruption or to bring it up to date."
    )]
    Out {
        /// The node's data directory
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Who will read it: a call sign, public, or own for another node of the own side
        #[arg(long)]
        reader: String,
        /// That reader is a party to the instrument
        #[arg(long)]
        party: bool,
        /// What his node printed as \"seal to\"
        #[arg(long, value_name = "age1…")]
        to: String,
        /// The directory on the stick
        target: PathBuf,
    },
    /// Take in what a stick brings: copied to quarantine, verified, and only then taken over
    #[command(
        after_long_help = "EXAMPLE:\n  truceline carry in --data mission /media/stick --pin truce.example/ru+1a2b3c4d+Ab…\n\n\
        A log that is new here needs its verifier key with --pin, as its owner reads it over another line."
    )]
    In {
        /// The node's data directory
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Verifier key of a log that is new here; may be given several times
        #[arg(long, value_name = "VKEY")]
        pin: Vec<String>,
        /// The directory on the stick
        source: PathBuf,
    },
}

pub fn run(command: &Command, settings: &Settings) -> Outcome {
    match command {
        Command::Out {
            data,
            reader,
            party,
            to,
            target,
        } => {
            let home = settings.home(data.as_deref());
            let cosigned: Vec<SignedCheckpoint> = cosigned_heads(&home);
            let named = Reader::named(reader, *party)?;
            let release = release(&home, &named)?;
            let withheld = release.withheld();
            let order = Out {
                data: &home.dir,
                target,
                reader: &named,
                recipient: to,
                cosigned: &cosigned,
                withheld: &withheld,
            };
            let mut progress = Progress::new("files");
            let done = carry::out(&order, |at, of| progress.show(at, of))?;
            progress.end();
            for (origin, size) in &done.logs {
                println!("{origin}: {size} entries");
            }
            println!(
                "{} files written, {} there already; {} disclosures sealed for {reader}",
                done.written, done.kept, done.disclosures
            );
            for (why, count) in release.reasons(&done.withheld) {
                let what = if count == 1 {
                    "disclosure"
                } else {
                    "disclosures"
                };
                println!("{count} {what} held back: {why}");
            }
            Ok(())
        }
        Command::In { data, pin, source } => take_in(
            &settings.home(data.as_deref()),
            pin,
            source.clone(),
            settings,
        ),
    }
}

/// What of exact places is held back from `reader`. Without it nothing is carried: the record alone does not know.
fn release(home: &Home, reader: &Reader) -> Result<Release, Failure> {
    let settings = node::Settings {
        clerk: false,
        ..node::Settings::default()
    };
    let mut progress = Progress::new("statements read");
    let release = Release::to(home, &settings, reader, &mut |at, of| progress.show(at, of))?;
    progress.end();
    Ok(release)
}

fn take_in(home: &Home, pins: &[String], source: PathBuf, settings: &Settings) -> Outcome {
    let pins = pins
        .iter()
        .map(|pin| VerifierKey::parse(pin))
        .collect::<Result<Vec<_>, _>>()?;
    let own = home
        .open_to_read()
        .ok()
        .map(|log| log.id().origin.to_string());
    let identity = home.seal_identity()?;
    let order = In {
        data: &home.dir,
        source: &source,
        identity: &identity,
        own_origin: own.as_deref(),
        pins: &pins,
    };
    let mut progress = Progress::new("files");
    let arrived = carry::take_in(&order, |at, of| progress.show(at, of))?;
    progress.end();
    let mut book = home.witness()?;
    let mut refused = Vec::new();
    for CarriedIn { origin, result } in arrived.logs {
        match result {
            Ok(extended) => {
                let stray = if extended.stray > 0 {
                    format!(", {} stray left out", extended.stray)
                } else {
                    String::new()
                };
                println!(
                    "{origin}: {} entries, {} new, {} disclosures for us{stray}",
                    extended.to,
                    extended.to - extended.from,
                    extended.disclosures
                );
                println!("  {}", cosign(home, &mut book, &origin)?);
            }
            Err(MirrorError::Forked(evidence)) => {
                book.keep(&evidence, SystemClock.now())?;
                refused.push(format!(
                    "{origin}: forked. Both signed heads are kept as evidence:\n{evidence}"
                ));
            }
            Err(error) => refused.push(format!("{origin}: {error}")),
        }
    }
    if let Some(head) = &arrived.own_head {
        home.keep_peer_head(head)?;
        println!(
            "our own log: the sender holds {} entries of it",
            head.checkpoint().size()
        );
    }
    if let Some(cosigned) = arrived.cosigned.first() {
        keep_cosigned(home, cosigned, settings)?;
    }
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(refused.join("\n")))
    }
}

/// The directory of the mirror of `origin`.
fn mirror_dir(home: &Home, origin: &str) -> PathBuf {
    home.dir.join(MIRRORS).join(origin.replace('/', "+"))
}

/// Where the head that we cosigned of `origin` is kept, with our cosignature.
fn cosigned_path(home: &Home, origin: &str) -> PathBuf {
    mirror_dir(home, origin).join("cosigned")
}

fn cosigned_heads(home: &Home) -> Vec<SignedCheckpoint> {
    let dirs = std::fs::read_dir(home.dir.join(MIRRORS))
        .into_iter()
        .flatten();
    let notes = dirs.filter_map(|dir| std::fs::read(dir.ok()?.path().join("cosigned")).ok());
    notes
        .filter_map(|note| SignedCheckpoint::parse(&note).ok())
        .collect()
}

/// Witnesses the head that a mirror now has.
fn cosign(home: &Home, book: &mut WitnessBook, origin: &str) -> Result<String, Failure> {
    let mirror = Mirror::open(&mirror_dir(home, origin))?;
    let Some(head) = mirror.head().cloned() else {
        return Ok("no head to witness".into());
    };
    book.watch(origin, mirror.log_keys()?)?;
    let old = book.head(origin).map_or(0, |head| head.checkpoint().size());
    let size = head.checkpoint().size();
    if old > size {
        return Ok(format!("witnessed up to {old} entries before"));
    }
    let tiles = StoreTiles::new(mirror.reader().clone(), size);
    let request = AddCheckpoint::new(head.clone(), old, &TileHashes::new(&tiles, size))?;
    match book.add(request, SystemClock.now())? {
        Ok(accepted) => {
            let mut cosigned = accepted.head.clone();
            cosigned.add(accepted.cosignature.clone())?;
            std::fs::write(cosigned_path(home, origin), cosigned.to_string())?;
            Ok(format!("witnessed: cosigned its head of {size} entries"))
        }
        Err(refused) => Err(Failure::new(format!("{origin}: not witnessed: {refused}"))),
    }
}

/// Keeps others' cosignatures of a head of ours, when it is one.
fn keep_cosigned(home: &Home, cosigned: &SignedCheckpoint, settings: &Settings) -> Outcome {
    // Heads are kept and nothing is said: the rules stay closed.
    let open = OpenLog::open(home, settings.options(home)?)?;
    let log = open.log();
    let size = cosigned.checkpoint().size();
    let ours = log.head().is_some_and(|head| head.size() >= size)
        && log.root_at(size)? == *cosigned.checkpoint().root();
    if !ours {
        return Err(Failure::new(format!(
            "a cosigned head of {size} entries was brought that is not of our log; ask the sender for both heads"
        )));
    }
    log.keep_cosigned(cosigned, log.now())?;
    println!("our own log: a cosigned head of {size} entries is kept");
    Ok(())
}
