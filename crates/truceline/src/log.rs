//! `truceline log`.

use crate::config::Settings;
use crate::key::{log_key, seal_key, statement_key, witness_key};
use crate::node::{self, Node, OFFICE_KID, SECRET, read};
use crate::{Failure, Outcome};
use clap::{Args, Subcommand};
use record::audience::Audience;
use record::c2sp::note::SignerKey;
use record::encoding::Hash;
use record::files::Directory;
use record::key::{Algorithm, SecretKey};
use record::log::{self, Founding, Lane, Log, Receipt, SayError, secret_file};
use record::name::Reference;
use record::statement::{Claims, Draft, Kid, Statement};
use record::store::sqlite::Held;
use record::time::{Clock, SystemClock, UtcMs};
use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

/// Statements that `log say` has under way at once.
const UNDER_WAY_MAX: usize = 256;

/// Where the node's data lies.
#[derive(Args)]
pub struct Data {
    /// The node's data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// With which office key to sign.
#[derive(Args)]
pub struct Signer {
    /// Private key file; without it the node's own office key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The entry that granted it
    #[arg(long, value_name = "INDEX")]
    kid: Option<String>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Found a participant's log with its keys
    #[command(
        after_long_help = "EXAMPLE:\n  truceline log init --callsign MISSION --origin truce.example/mission --data mission --recovery /media/safe/recovery.key\n\n\
        The recovery key is the only way to replace a stolen admin key. Take it off this machine."
    )]
    Init {
        /// What the participant is called on the line: MISSION, RU
        #[arg(long)]
        callsign: String,
        /// The log's worldwide name: a host and a path without scheme
        #[arg(long)]
        origin: String,
        #[command(flatten)]
        data: Data,
        /// Where to write the private recovery key; without it ./CALLSIGN-recovery.key
        #[arg(long, value_name = "FILE")]
        recovery: Option<PathBuf>,
    },
    /// Say statements: JSON lines to sign, or statements that are signed already
    #[command(
        after_long_help = "EXAMPLE:\n  echo '{\"kind\":\"message.send/1\",\"groups\":{\"body\":{\"aud\":[\"RU\",\"US\"],\"content\":{\"text\":\"Is it still happening?\"}}}}' \\\n    | truceline log say --data mission -\n\n\
        A file is checked whole before anything of it is said. From standard input each line is said as it comes.\n\
        One line is printed per receipt: call sign and index, then the full reference. A statement that was signed before\n\
        (see `truceline log sign`) can be said again and again and stands there once."
    )]
    Say {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        signer: Signer,
        /// Commit these before everything that waits: life at risk now
        #[arg(long)]
        flash: bool,
        /// Print receipts as JSON
        #[arg(long)]
        json: bool,
        /// A file, or - for standard input
        file: PathBuf,
    },
    /// Sign statements without saying them, for saying them later or on another machine
    #[command(
        after_long_help = "EXAMPLE:\n  truceline log sign --data mission drafts.jsonl > signed.txt && truceline log say --data mission signed.txt"
    )]
    Sign {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        signer: Signer,
        /// A file, or - for standard input
        file: PathBuf,
    },
    /// Say a control statement: grant, revoke or compromise a key or an office
    #[command(
        after_long_help = "EXAMPLES:\n  truceline log control --data mission key.grant/1 '{\"role\":\"office\",\"key\":{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"…\"}}'\n  \
        truceline log control --data mission key.compromise/1 '{\"kid\":\"1\",\"from\":412}'\n  \
        truceline log control --data mission --key recovery.key --kid 0/recovery key.compromise/1 '{\"kid\":\"0\",\"from\":300}'"
    )]
    Control {
        #[command(flatten)]
        data: Data,
        /// Private key file; without it the node's admin key
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// The entry that granted it; 0 is the first admin key, 0/recovery the recovery key
        #[arg(long, value_name = "INDEX", default_value = "0")]
        kid: String,
        /// Such as key.grant/1
        kind: String,
        /// The body, as JSON
        body: String,
    },
    /// Encrypt a file into the store and print the name by which a statement can refer to it
    #[command(
        after_long_help = "EXAMPLE:\n  name=$(truceline log attach --data mission crater.jpg)\n  \
        echo '{\"kind\":\"report.file/1\",\"groups\":{\"body\":{\"aud\":[],\"content\":{\"attachments\":[{\"name\":\"'$name'\"}]}}}}' | truceline log say --data mission -"
    )]
    Attach {
        #[command(flatten)]
        data: Data,
        /// The file
        file: PathBuf,
    },
    /// Decrypt an attachment
    #[command(
        after_long_help = "EXAMPLE:\n  truceline log attachment --data mission kq3…Zw crater.jpg"
    )]
    Attachment {
        #[command(flatten)]
        data: Data,
        /// Its name, 43 characters
        name: String,
        /// Where to write it; an existing file is never overwritten
        file: PathBuf,
    },
    /// Show a statement: who signed it, what it says to whom, what was erased
    #[command(
        after_long_help = "EXAMPLES:\n  truceline log show --data mission MISSION-412\n  truceline log show --data mission 412 --as RU     what RU gets of it"
    )]
    Show {
        #[command(flatten)]
        data: Data,
        /// As this reader sees it: own, public, or a call sign
        #[arg(long = "as", value_name = "READER", default_value = "own")]
        reader: String,
        /// That reader is a party to the instrument
        #[arg(long)]
        party: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
        /// 412, MISSION-412 or a full reference
        reference: String,
    },
    /// Print the proof that an entry stands in the log, for anybody to check offline
    #[command(
        after_long_help = "EXAMPLE:\n  truceline log prove --data mission MISSION-412 > MISSION-412.tlog-proof"
    )]
    Prove {
        #[command(flatten)]
        data: Data,
        /// 412, MISSION-412 or a full reference
        reference: String,
    },
    /// Destroy a group's content and its keys for good, and log that this was done
    #[command(
        after_long_help = "EXAMPLE:\n  truceline log erase --data mission MISSION-412 --group source --reason \"the source asked\"\n\n\
        The leaf stays, and so do all proofs. Copies that were delivered cannot be recalled: their holders are told."
    )]
    Erase {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        signer: Signer,
        /// 412, MISSION-412 or a full reference
        reference: String,
        /// Which group; may be given several times
        #[arg(long, required = true)]
        group: Vec<String>,
        /// Why, for everybody whom the statement had reached
        #[arg(long, default_value = "not given")]
        reason: String,
    },
    /// Print the newest signed head
    #[command(after_long_help = "EXAMPLE:\n  truceline log head --data mission")]
    Head {
        #[command(flatten)]
        data: Data,
    },
    /// Say filler statements, which nobody else can tell from others, until the number of entries is a multiple of N
    #[command(
        after_long_help = "EXAMPLE, once an hour:\n  truceline log pad --data mission --multiple 64"
    )]
    Pad {
        #[command(flatten)]
        data: Data,
        /// The multiple
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=65536))]
        multiple: u64,
    },
    /// Mend a log from somebody's mirror of it: damaged or lost entries, a lost head
    #[command(
        after_long_help = "EXAMPLE:\n  truceline log repair --data mission --from /media/stick/logs/truce.example+mission\n\n\
        Nothing is signed anew: every entry is checked against a head that this log signed before. The damaged database is\n\
        kept beside the mended one."
    )]
    Repair {
        #[command(flatten)]
        data: Data,
        /// A directory with checkpoint and tiles of this log
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
}

pub fn run(command: Command, settings: &Settings) -> Outcome {
    let node = |data: &Data| Node::new(data.data.as_deref(), settings);
    match command {
        Command::Init {
            callsign,
            origin,
            data,
            recovery,
        } => init(&node(&data), &callsign, &origin, recovery, settings),
        Command::Say {
            data,
            signer,
            flash,
            json,
            file,
        } => {
            let node = node(&data);
            let lane = if flash { Lane::Flash } else { Lane::Routine };
            say(&node, &signer, lane, json, &file, settings)
        }
        Command::Sign { data, signer, file } => sign(&node(&data), &signer, &file),
        Command::Control {
            data,
            key,
            kid,
            kind,
            body,
        } => control(&node(&data), key, &kid, &kind, &body, settings),
        Command::Attach { data, file } => {
            let log = node(&data).open(settings)?;
            let mut source = std::fs::File::open(&file)
                .map_err(|e| Failure::new(format!("{}: {e}", file.display())))?;
            println!("{}", log.attach(&mut source)?);
            Ok(())
        }
        Command::Attachment { data, name, file } => {
            let name = Hash::from_base64url(&name).map_err(|_| {
                Failure::new(format!("{name:?} is no attachment's name: 43 characters"))
            })?;
            let mut target = std::fs::File::create_new(&file)
                .map_err(|e| Failure::new(format!("{}: {e}", file.display())))?;
            let done = node(&data).open_to_read()?.attachment(&name, &mut target);
            if done.is_err() {
                std::fs::remove_file(&file)?;
            }
            Ok(done?)
        }
        Command::Show {
            data,
            reader,
            party,
            json,
            reference,
        } => show(&node(&data), &reader, party, json, &reference),
        Command::Prove { data, reference } => {
            let log = node(&data).open_to_read()?;
            print!("{}", log.prove(node::index(&log, &reference)?)?);
            Ok(())
        }
        Command::Erase {
            data,
            signer,
            reference,
            group,
            reason,
        } => erase(&node(&data), &signer, &reference, &group, &reason, settings),
        Command::Head { data } => {
            let head = node(&data).open_to_read()?.head();
            let head = head.ok_or_else(|| {
                Failure::new("the log has no signed head; run `truceline audit` to see why")
            })?;
            print!("{}", head.checkpoint);
            Ok(())
        }
        Command::Pad { data, multiple } => pad(&node(&data), multiple, settings),
        Command::Repair { data, from } => repair(&node(&data), &from),
    }
}

fn init(
    node: &Node,
    call_sign: &str,
    origin: &str,
    recovery: Option<PathBuf>,
    settings: &Settings,
) -> Outcome {
    let call_sign = call_sign.parse()?;
    let origin: record::name::Origin = origin.parse()?;
    let recovery = recovery.unwrap_or_else(|| PathBuf::from(format!("{call_sign}-recovery.key")));
    let secret = node.data.join(SECRET);
    if secret.exists() || node.data.join(log::HEAD).exists() {
        return Err(Failure::new(format!(
            "{}: there is a log already; found a log in a new directory",
            node.data.display()
        )));
    }
    private_directory(&secret)?;
    let (admin, _) = statement_key(Algorithm::EdDsa)?;
    let (office, office_jwk) = statement_key(Algorithm::EdDsa)?;
    let (recovery_key, _) = statement_key(Algorithm::EdDsa)?;
    let (log_key, verifier) = log_key(origin.as_str())?;
    let (witness, witness_verifier) = witness_key(&format!("{origin}/witness"))?;
    let (seal, recipient) = seal_key();
    secret_file(&recovery, &recovery_key)?;
    for (name, text) in [
        ("admin.key", &admin),
        ("office.key", &office),
        ("log.key", &log_key),
        ("witness.key", &witness),
        ("seal.key", &seal),
    ] {
        secret_file(&secret.join(name), text)?;
    }
    let admin = SecretKey::from_file(&admin)?;
    let founding = Founding {
        call_sign,
        origin,
        admin: &admin,
        recovery: SecretKey::from_file(&recovery_key)?.public(),
        log_key: &SignerKey::parse(log_key.trim_end())?,
        more: Map::from_iter([("seal".to_owned(), Value::from(recipient.clone()))]),
    };
    let id = log::create(&node.data, &founding, &SystemClock)?;
    let log = node.open(settings)?;
    let body = Map::from_iter([
        ("role".to_owned(), "office".into()),
        (
            "key".to_owned(),
            serde_json::from_str::<Value>(&office_jwk)?,
        ),
    ]);
    let grant = Statement::sign_control(
        "key.grant/1"
            .parse()
            .map_err(|rule: &str| Failure::new(rule))?,
        body,
        &admin,
        Kid::Index(0),
        &id,
        log.now(),
    )?;
    let granted = log.say(&grant.to_string())?;
    std::fs::write(
        node.data.join(OFFICE_KID),
        granted.reference.index.to_string(),
    )?;
    println!("Founded {} as {}.", founding.call_sign, id);
    println!("  verifier key   {verifier}   (read it to the others over another line)");
    println!("  witness key    {witness_verifier}");
    println!("  seal to        {recipient}");
    println!(
        "  recovery key   {}   (take it off this machine now)",
        recovery.display()
    );
    Ok(())
}

fn private_directory(path: &Path) -> Outcome {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)?;
    Ok(())
}

/// Turns input lines into signed statements.
struct Scribe {
    key: SecretKey,
    kid: Kid,
    log: record::name::LogId,
}

impl Scribe {
    fn new(node: &Node, signer: &Signer, log: &Log) -> Result<Self, Failure> {
        let (key, kid) = node.office(signer.key.as_deref(), signer.kid.as_deref())?;
        let log = log.id().clone();
        Ok(Self { key, kid, log })
    }

    /// A draft is signed; what is signed already is only read.
    fn statement(&self, line: &str, now: UtcMs) -> Result<String, Failure> {
        if line.starts_with('{') {
            let draft = Draft::parse(line.as_bytes(), now)?;
            return Ok(draft.sign(&self.key, self.kid, &self.log, now)?.to_string());
        }
        Statement::parse(line)?;
        Ok(line.to_owned())
    }
}

fn at_line(number: usize) -> impl Fn(Failure) -> Failure {
    move |failure| Failure::new(format!("line {number}: {}", failure.message))
}

fn lines(file: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let opened =
        std::fs::File::open(file).map_err(|e| Failure::new(format!("{}: {e}", file.display())))?;
    Ok(Box::new(BufReader::new(opened)))
}

fn sign(node: &Node, signer: &Signer, file: &Path) -> Outcome {
    let log = node.open_to_read()?;
    let scribe = Scribe::new(node, signer, &log)?;
    let mut out = std::io::stdout().lock();
    for (number, line) in (1..).zip(lines(file)?.lines()) {
        let line = line?;
        if !line.trim().is_empty() {
            let statement = scribe
                .statement(line.trim(), SystemClock.now())
                .map_err(at_line(number))?;
            writeln!(out, "{statement}")?;
        }
    }
    Ok(())
}

/// A statement whose receipt is awaited, with its line.
type Awaited = (usize, Receiver<Result<Receipt, SayError>>);

fn say(
    node: &Node,
    signer: &Signer,
    lane: Lane,
    json: bool,
    file: &Path,
    settings: &Settings,
) -> Outcome {
    if file != Path::new("-") {
        let log = node.open_to_read()?;
        let scribe = Scribe::new(node, signer, &log)?;
        for (number, line) in (1..).zip(lines(file)?.lines()) {
            let line = line?;
            if !line.trim().is_empty() {
                scribe
                    .statement(line.trim(), SystemClock.now())
                    .map_err(at_line(number))?;
            }
        }
    }
    let log = node.open(settings)?;
    let scribe = Scribe::new(node, signer, &log)?;
    let call_sign = log.ring().call_sign().to_string();
    // Besides those in the channel one is being printed and one handed over; together they stay below the key's limit.
    let window = UNDER_WAY_MAX
        .min(settings.in_flight_per_key_max.saturating_sub(2))
        .max(1);
    let (sender, awaited) = sync_channel::<Awaited>(window - 1);
    // On a thread of its own, because whoever reads the receipts may wait for each before he gives the next line.
    let printer = std::thread::spawn(move || {
        awaited
            .into_iter()
            .try_for_each(|one| print_receipt(one, &call_sign, json))
    });
    let mut failed: Outcome = Ok(());
    for (number, line) in (1..).zip(lines(file)?.lines()) {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        match scribe.statement(line.trim(), log.now()) {
            Ok(statement) => {
                let (done, receipt) = sync_channel(1);
                log.submit(&statement, lane, move |result| {
                    let _ = done.send(result);
                });
                if sender.send((number, receipt)).is_err() {
                    break; // an earlier line was refused; the printer says which
                }
            }
            Err(failure) => {
                failed = Err(at_line(number)(failure));
                break;
            }
        }
    }
    drop(sender);
    let printed = printer
        .join()
        .unwrap_or_else(|_| Err(Failure::new("printing the receipts failed")));
    printed.and(failed)
}

fn print_receipt((number, receipt): Awaited, call_sign: &str, json: bool) -> Outcome {
    let receipt = receipt.recv().unwrap_or(Err(SayError::Stopped));
    let receipt = receipt.map_err(|error| at_line(number)(error.into()))?;
    let Receipt {
        reference,
        size,
        already,
    } = &receipt;
    let mut out = std::io::stdout().lock();
    if json {
        let value = json!({"line": number, "reference": reference.to_string(), "index": reference.index, "size": size, "already": already});
        writeln!(out, "{value}")?;
    } else {
        let again = if *already {
            "  (stood there already)"
        } else {
            ""
        };
        writeln!(out, "{call_sign}-{}  {reference}{again}", reference.index)?;
    }
    Ok(out.flush()?)
}

fn control(
    node: &Node,
    key: Option<PathBuf>,
    kid: &str,
    kind: &str,
    body: &str,
    settings: &Settings,
) -> Outcome {
    let text = match key {
        Some(path) => zeroize::Zeroizing::new(read(&path)?),
        None => node.secret("admin.key")?,
    };
    let kid: Kid = kid
        .parse()
        .map_err(|rule| Failure::new(format!("--kid {rule}")))?;
    let kind = kind
        .parse()
        .map_err(|rule| Failure::new(format!("{kind:?}: a kind {rule}")))?;
    let body = match record::json::parse(body.as_bytes())
        .map_err(|e| Failure::new(format!("the body: {e}")))?
    {
        Value::Object(body) => body,
        _ => return Err(Failure::new("the body must be a JSON object")),
    };
    let log = node.open(settings)?;
    let statement = Statement::sign_control(
        kind,
        body,
        &SecretKey::from_file(&text)?,
        kid,
        log.id(),
        log.now(),
    )?;
    let receipt = log.say(&statement.to_string())?;
    println!(
        "{}-{}  {}",
        log.ring().call_sign(),
        receipt.reference.index,
        receipt.reference
    );
    Ok(())
}

fn show(node: &Node, reader: &str, party: bool, json: bool, reference: &str) -> Outcome {
    let log = node.open_to_read()?;
    let index = node::index(&log, reference)?;
    let reader = node::audience_reader(reader, party)?;
    let whole = log
        .statement(index)?
        .ok_or_else(|| Failure::new(format!("there is no entry {index}")))?;
    let statement = log
        .statement_for(index, &reader)?
        .ok_or_else(|| Failure::new(format!("there is no entry {index}")))?;
    let shown = describe(&log, index, &whole, &statement)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&shown)?);
    } else {
        print!("{}", in_words(&shown));
    }
    Ok(())
}

/// What `statement`, a part of `whole`, shows; every group with how it stands.
fn describe(
    log: &Log,
    index: u64,
    whole: &Statement,
    statement: &Statement,
) -> Result<Value, Failure> {
    let leaf = whole.leaf();
    let effective = log
        .ring()
        .judge(leaf, index)
        .err()
        .map(|why| why.to_string());
    let mut shown = json!({
        "reference": node::reference(log, index)?.to_string(),
        "short": format!("{}-{index}", log.ring().call_sign()),
        "signed_by_key": leaf.kid.to_string(),
        "algorithm": leaf.algorithm.as_str(),
        "minute": UtcMs(leaf.minute_s * 1000).to_string(),
        "standing": effective.map_or_else(|| "effective".to_owned(), |why| format!("ineffective: {why}")),
    });
    match (&leaf.claims, statement.head()) {
        (Claims::Control { kind, body }, _) => {
            shown["kind"] = kind.to_string().into();
            shown["body"] = body.clone().into();
        }
        (Claims::Sealed(_), None) => shown["kind"] = "not for this reader".into(),
        (Claims::Sealed(_), Some(head)) => {
            shown["kind"] = head.kind.to_string().into();
            shown["at"] = head.at.clone().into();
            shown["about"] = head.about.iter().map(ToString::to_string).collect();
            for (slot, (name, group)) in (1..).zip(&head.groups) {
                let audience: Vec<String> =
                    group.audience.names().map(ToString::to_string).collect();
                let state = match (
                    statement.content(name),
                    log.reader().held(index, slot, group.digest)?,
                ) {
                    (Some(content), _) => json!({"for": audience, "content": content}),
                    (None, Held::Erased(by)) => json!({"for": audience, "erased_by": by}),
                    (None, _) => json!({"for": audience, "withheld": true}),
                };
                shown["groups"][name] = state;
            }
        }
    }
    Ok(shown)
}

fn in_words(shown: &Value) -> String {
    let text = |name: &str| shown[name].as_str().unwrap_or("").to_owned();
    let mut out = format!("{}  {}\n", text("short"), text("kind"));
    out += &format!("  reference  {}\n", text("reference"));
    out += &format!(
        "  signed     {} with key {} ({})\n",
        text("minute"),
        text("signed_by_key"),
        text("algorithm")
    );
    out += &format!("  standing   {}\n", text("standing"));
    if shown["at"].is_string() {
        out += &format!("  said at    {}\n", text("at"));
    }
    for about in shown["about"].as_array().into_iter().flatten() {
        out += &format!("  about      {}\n", about.as_str().unwrap_or(""));
    }
    if shown["body"].is_object() {
        out += &format!("  body       {}\n", shown["body"]);
    }
    for (name, group) in shown["groups"].as_object().into_iter().flatten() {
        let readers: Vec<&str> = group["for"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let readers = if readers.is_empty() {
            "own side only".to_owned()
        } else {
            readers.join(", ")
        };
        out += &format!("  {name} (for {readers})\n");
        let line = match (group.get("content"), group.get("erased_by")) {
            (Some(content), _) => content.to_string(),
            (None, Some(Value::Number(by))) => format!("erased; entry {by} says why"),
            (None, Some(_)) => "erased".to_owned(),
            (None, None) => "not for this reader".to_owned(),
        };
        out += &format!("    {line}\n");
    }
    out
}

fn erase(
    node: &Node,
    signer: &Signer,
    reference: &str,
    groups: &[String],
    reason: &str,
    settings: &Settings,
) -> Outcome {
    let log = node.open(settings)?;
    let index = node::index(&log, reference)?;
    let target: Reference = node::reference(&log, index)?;
    let statement = log
        .statement(index)?
        .ok_or_else(|| Failure::new(format!("there is no entry {index}")))?;
    let audience = statement
        .head()
        .map(record::statement::Head::recipients)
        .ok_or_else(|| {
            Failure::new(format!(
                "entry {index} is a control statement; these are wholly clear and are never erased"
            ))
        })?;
    let draft = Draft::new("erase/1", &log.now().to_string())?
        .about(vec![target])
        .group(
            "body",
            audience,
            json!({"groups": groups, "reason": reason}),
        )?;
    let scribe = Scribe::new(node, signer, &log)?;
    let erase = draft.sign(&scribe.key, scribe.kid, log.id(), log.now())?;
    let receipt = log.say(&erase.to_string())?;
    println!(
        "{}-{}  {}",
        log.ring().call_sign(),
        receipt.reference.index,
        receipt.reference
    );
    Ok(())
}

fn pad(node: &Node, multiple: u64, settings: &Settings) -> Outcome {
    let log = node.open(settings)?;
    let (key, kid) = node.office(None, None)?;
    let mut said = 0;
    while log.head().is_some_and(|head| head.size() % multiple != 0) {
        let draft = Draft::new("filler/1", &log.now().to_string())?.group(
            "body",
            Audience::default(),
            json!({}),
        )?;
        log.say(&draft.sign(&key, kid, log.id(), log.now())?.to_string())?;
        said += 1;
    }
    log.keep_head()?;
    println!(
        "{said} fillers; the log has {} entries",
        log.head().map_or(0, |head| head.size())
    );
    Ok(())
}

fn repair(node: &Node, from: &Path) -> Outcome {
    let signers = [SignerKey::parse(node.secret("log.key")?.trim_end())?];
    let keys: Vec<_> = signers
        .iter()
        .map(|signer| signer.verifier().clone())
        .collect();
    let done = record::repair::repair(&node.data, &Directory::new(from), &keys)?;
    println!(
        "Mended: {} entries under a head that was signed before.",
        done.size
    );
    println!(
        "  {} taken from the mirror, {} of our own kept",
        done.taken, done.kept
    );
    println!(
        "  {} disclosures kept, {} lost",
        done.disclosures_kept, done.disclosures_lost
    );
    println!(
        "  the damaged database is kept as {}",
        done.damaged.display()
    );
    Ok(())
}
