//! `truceline key`.

use crate::{Failure, Outcome};
use clap::Subcommand;
use record::c2sp::cosignature::CosignerKey;
use record::c2sp::note::SignerKey;
use record::carry::SealIdentity;
use record::key::{Algorithm, SecretKey, random};
use record::log::secret_file;
use record::name::Origin;
use std::path::PathBuf;
use zeroize::Zeroizing;

#[derive(Subcommand)]
pub enum Command {
    /// Make a new private key in FILE and print its public part
    #[command(
        after_long_help = "EXAMPLES:\n  truceline key new day.key                     an office's key (Ed25519); the printed JWK goes into a key.grant\n  \
        truceline key new --p256 day.key              the same for P-256\n  \
        truceline key new --log truce.example/mission log-2.key\n  \
        truceline key new --witness ru.example/witness witness.key\n  \
        truceline key new --seal seal.key             what others seal to this node with\n\nEXAMPLE of what is printed:\n  \
        {\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"…\"}"
    )]
    New {
        /// Where to write the private key; an existing file is never overwritten
        file: PathBuf,
        /// A P-256 key instead of Ed25519
        #[arg(long, conflicts_with_all = ["log", "witness", "seal"])]
        p256: bool,
        /// A key that signs the heads of the log ORIGIN
        #[arg(long, value_name = "ORIGIN", conflicts_with_all = ["witness", "seal"])]
        log: Option<String>,
        /// A key that cosigns other logs' heads under NAME
        #[arg(long, value_name = "NAME", conflicts_with = "seal")]
        witness: Option<String>,
        /// A key that others seal disclosures to
        #[arg(long)]
        seal: bool,
    },
}

pub fn run(command: &Command) -> Outcome {
    let Command::New {
        file,
        p256,
        log,
        witness,
        seal,
    } = command;
    let (private, public) = match (log, witness) {
        (Some(origin), _) => log_key(origin)?,
        (_, Some(name)) => witness_key(name)?,
        _ if *seal => seal_key(),
        _ => statement_key(if *p256 {
            Algorithm::Es256
        } else {
            Algorithm::EdDsa
        })?,
    };
    secret_file(file, &private)?;
    println!("{public}");
    Ok(())
}

type Pair = (Zeroizing<String>, String);

fn statement_key(algorithm: Algorithm) -> Result<Pair, Failure> {
    let key = SecretKey::generate(algorithm)?;
    Ok((
        key.to_file(),
        record::json::canonical(&key.public().to_jwk()),
    ))
}

fn log_key(origin: &str) -> Result<Pair, Failure> {
    let origin: Origin = origin.parse()?;
    let key = SignerKey::from_seed(origin.as_str(), &*seed()?)?;
    let text = Zeroizing::new(format!("{}\n", key.encode().as_str()));
    Ok((text, key.verifier().to_string()))
}

fn witness_key(name: &str) -> Result<Pair, Failure> {
    let key = CosignerKey::from_seed(name, &*seed()?)?;
    let text = Zeroizing::new(format!("{}\n", key.encode().as_str()));
    Ok((text, key.verifier().to_string()))
}

fn seal_key() -> Pair {
    let identity = SealIdentity::generate();
    (identity.to_file(), identity.recipient())
}

fn seed() -> Result<Zeroizing<[u8; 32]>, Failure> {
    let mut seed = Zeroizing::new([0; 32]);
    random(seed.as_mut())?;
    Ok(seed)
}
