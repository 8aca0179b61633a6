//! `truceline log`.

use crate::config::Settings;
use crate::{Failure, Outcome};
use clap::{Args, Subcommand};
use node::entry;
use node::home::{Founded, Home, read_key};
use node::own::{OpenLog, Own, body_of, lane};
use record::audience::{Audience, Reader};
use record::encoding::Hash;
use record::files::Directory;
use record::key::SecretKey;
use record::log::{Lane, Log, Receipt, SayError};
use record::statement::{Claims, Draft, Kid, Statement};
use record::store::sqlite::Held;
use record::time::{SystemClock, UtcMs};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use truce::kinds::Name;
use truce::participants::Office;
use truce::values::Language;

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
    /// Private key file; without it a key that the node keeps, chosen by what is said
    #[arg(long, value_name = "FILE", requires = "kid")]
    key: Option<PathBuf>,
    /// The entry that granted the key; alone, one of those that the node keeps
    #[arg(long, value_name = "INDEX")]
    kid: Option<Kid>,
}

impl IntoIterator for Offices {
    type Item = Office;
    type IntoIter = std::vec::IntoIter<Office>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The offices of one desk, as the command line names them.
#[derive(Debug, Clone)]
pub struct Offices(Vec<Office>);

impl FromStr for Offices {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let office = |name: &str| {
            let known = Office::ALL.iter().find(|office| office.as_str() == name);
            known.copied().ok_or_else(|| {
                let all: Vec<&str> = Office::ALL.iter().map(|office| office.as_str()).collect();
                format!("{name:?} is no office; the offices are {}", all.join(", "))
            })
        };
        text.split(',')
            .map(office)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

pub fn language(text: &str) -> Result<String, &'static str> {
    Language::new(text).map(|language| language.to_string())
}

#[derive(Subcommand)]
pub enum Command {
    /// Found a participant's log with its keys, and the desks that hold its offices
    #[command(
        after_long_help = "EXAMPLES:\n  truceline log init --callsign MISSION --origin truce.example/mission --data mission --recovery /media/safe/recovery.key\n  \
        truceline log init --callsign MISSION --origin truce.example/mission --data mission --languages ar,en \\\n    \
        --office duty_officer,field_monitor --office duty_officer --office head_of_mission,administrator\n\n\
        The recovery key is the only way to replace a stolen admin key. Take it off this machine.\n\
        A watch is handed over between two desks: both sign."
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
        /// A desk whose key the node keeps, with the offices that it holds; may be given several times. Without it one desk
        /// holds every office
        #[arg(long = "office", value_name = "OFFICE,…")]
        desks: Vec<Offices>,
        /// Languages that are read and written at the desks: ar,en
        #[arg(long, value_name = "TAG,…", value_delimiter = ',', value_parser = language)]
        languages: Vec<String>,
    },
    /// Say statements: JSON lines to sign, or statements that are signed already
    #[command(
        after_long_help = "EXAMPLE:\n  echo '{\"kind\":\"message.send/1\",\"groups\":{\"body\":{\"aud\":[\"RU\"],\"content\":{\"precedence\":\"ROUTINE\",\"to\":[\"RU\"],\"words\":\"Which road?\",\"language\":\"en\"}}}}' \\\n    | truceline log say --data mission -\n\n\
        What breaks a rule of the truce is refused with the rule, the member and what to do. A file is checked whole before\n\
        anything of it is said. From standard input each line is said as it comes. FLASH goes before all that waits.\n\
        One line is printed per receipt: call sign and index, then the full reference. A statement that was signed before\n\
        (see `truceline log sign`) can be said again and again and stands there once."
    )]
    Say {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        signer: Signer,
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
        truceline log control --data mission office.grant/1 '{\"kid\":\"9\",\"office\":\"duty_officer\"}'\n  \
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
        kid: Kid,
        /// Such as key.grant/1
        kind: String,
        /// The body, as JSON
        body: String,
    },
    /// Encrypt a file into the store and print the name by which a statement can refer to it
    #[command(
        after_long_help = "EXAMPLE:\n  name=$(truceline log attach --data mission crater.jpg)\n  \
echo '{\"kind\":\"report.file/1\",\"groups\":{\"body\":{\"aud\":[],\"content\":{\"category\":\"explosion\",\"from\":\"2016-06-20T04:00:00Z\",\"until\":\"2016-06-20T05:00:00Z\",\"date_precision\":1,\"means\":[\"crater\"],\"place_precision\":3,\"attachments\":[{\"name\":\"'$name'\",\"what\":\"crater, from the north\"}]}}}}' \\\n    | truceline log say --data mission -"
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
        /// Its name, 43 characters, of which the first may be a hyphen
        #[arg(allow_hyphen_values = true)]
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
    let home = |data: &Data| settings.home(data.data.as_deref());
    match command {
        Command::Init {
            callsign,
            origin,
            data,
            recovery,
            desks,
            languages,
        } => {
            let recovery =
                recovery.unwrap_or_else(|| PathBuf::from(format!("{callsign}-recovery.key")));
            let founded = Founded {
                call_sign: callsign.parse()?,
                origin: origin.parse()?,
                recovery,
                desks: desks_of(desks, &languages),
            };
            init(&home(&data), &founded)
        }
        Command::Say {
            data,
            signer,
            json,
            file,
        } => say(&home(&data), &signer, json, &file, settings),
        Command::Sign { data, signer, file } => sign(&home(&data), &signer, &file),
        Command::Control {
            data,
            key,
            kid,
            kind,
            body,
        } => control(&home(&data), key, kid, &kind, &body, settings),
        Command::Attach { data, file } => {
            let home = home(&data);
            // Nothing is said yet: the rules stay closed.
            let open = OpenLog::open(&home, settings.options(&home)?)?;
            let mut source = std::fs::File::open(&file)
                .map_err(|e| Failure::new(format!("{}: {e}", file.display())))?;
            println!("{}", open.log().attach(&mut source)?);
            Ok(())
        }
        Command::Attachment { data, name, file } => {
            let name = Hash::from_base64url(&name).map_err(|_| {
                Failure::new(format!("{name:?} is no attachment's name: 43 characters"))
            })?;
            let mut target = std::fs::File::create_new(&file)
                .map_err(|e| Failure::new(format!("{}: {e}", file.display())))?;
            let done = home(&data).open_to_read()?.attachment(&name, &mut target);
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
        } => show(&home(&data), &reader, party, json, &reference),
        Command::Prove { data, reference } => {
            let log = home(&data).open_to_read()?;
            print!("{}", log.prove(entry::index(&log, &reference)?)?);
            Ok(())
        }
        Command::Erase {
            data,
            signer,
            reference,
            group,
            reason,
        } => erase(&home(&data), &signer, &reference, &group, &reason, settings),
        Command::Head { data } => {
            let head = home(&data).open_to_read()?.head();
            let head = head.ok_or_else(|| {
                Failure::new("the log has no signed head; run `truceline audit` to see why")
            })?;
            print!("{}", head.checkpoint);
            Ok(())
        }
        Command::Pad { data, multiple } => pad(&home(&data), multiple, settings),
        Command::Repair { data, from } => repair(&home(&data), &from),
    }
}

fn desks_of(desks: Vec<Offices>, languages: &[String]) -> Vec<(Vec<Office>, Vec<String>)> {
    let desks = if desks.is_empty() {
        vec![Offices(Office::ALL.to_vec())]
    } else {
        desks
    };
    let with_languages = |Offices(offices)| (offices, languages.to_vec());
    desks.into_iter().map(with_languages).collect()
}

fn init(home: &Home, founded: &Founded) -> Outcome {
    let made = home.found(founded, &SystemClock)?;
    println!("Founded {} as {}.", founded.call_sign, made.id);
    println!(
        "  verifier key   {}   (read it to the others over another line)",
        made.verifier
    );
    println!("  witness key    {}", made.witness);
    println!("  seal to        {}", made.seal);
    for (kid, (offices, _)) in made.desks.iter().zip(&founded.desks) {
        let offices: Vec<&str> = offices.iter().map(|office| office.as_str()).collect();
        let kid = kid.to_string();
        println!("  desk {kid:9} {}", offices.join(", "));
    }
    println!(
        "  recovery key   {}   (take it off this machine now)",
        founded.recovery.display()
    );
    Ok(())
}

/// Turns input lines into signed statements.
struct Scribe<'o> {
    own: &'o Own,
    given: Option<SecretKey>,
    kid: Option<Kid>,
}

impl<'o> Scribe<'o> {
    fn new(own: &'o Own, signer: &Signer) -> Result<Self, Failure> {
        let given = signer.key.as_deref().map(read_key).transpose()?;
        let kid = signer.kid;
        Ok(Self { own, given, kid })
    }

    fn sign(&self, draft: &Draft, now: UtcMs) -> Result<Statement, Failure> {
        match (&self.given, self.kid) {
            (Some(key), Some(kid)) => Ok(draft.sign(key, kid, self.own.log().id(), now)?),
            (_, kid) => Ok(self.own.sign_as_kept(kid, draft, now)?),
        }
    }

    /// A draft is signed; what is signed already is only read. Whether it was a draft is told too.
    fn statement(&self, line: &str, now: UtcMs) -> Result<(Statement, bool), Failure> {
        if line.starts_with('{') {
            let draft = Draft::parse(line.as_bytes(), now)?;
            return Ok((self.sign(&draft, now)?, true));
        }
        Ok((Statement::parse(line)?, false))
    }

    /// Signs every line of `file`, and tries it out against the rules without saying it. What was signed before may stand in
    /// the log already: of that only the form is looked at.
    fn rehearse(&self, file: &Path, mut each: impl FnMut(&Statement) -> Outcome) -> Outcome {
        let mut rehearsal = self.own.rehearse();
        for (number, line) in (1..).zip(lines(file)?.lines()) {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let checked = self.statement(line.trim(), self.own.log().now());
            let checked = checked.and_then(|(statement, drafted)| {
                if drafted {
                    rehearsal.say(&statement)?;
                } else {
                    body_of(&statement)?;
                }
                Ok(statement)
            });
            each(&checked.map_err(at_line(number))?)?;
        }
        Ok(())
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

fn sign(home: &Home, signer: &Signer, file: &Path) -> Outcome {
    let own = Own::open_to_read(home)?;
    let mut out = std::io::stdout().lock();
    Scribe::new(&own, signer)?.rehearse(file, |statement| Ok(writeln!(out, "{statement}")?))
}

/// A statement whose receipt is awaited, with its line.
struct Awaited {
    line: usize,
    receipt: Receiver<Result<Receipt, SayError>>,
    _turn: Turn,
}

/// Places under way, so that a key stays below its limit.
struct Turns {
    give: SyncSender<()>,
    take: Receiver<()>,
}

/// One of them; it is free again when this is dropped.
struct Turn(SyncSender<()>);

impl Turns {
    fn new(limit: usize) -> Self {
        let places = limit.clamp(1, UNDER_WAY_MAX);
        let (give, take) = sync_channel(places);
        (0..places).for_each(|_| drop(Turn(give.clone())));
        Self { give, take }
    }

    /// Waits for a free place.
    fn next(&self) -> Turn {
        self.take.recv().expect("a sender is kept beside it");
        Turn(self.give.clone())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = self.0.try_send(()); // there is room: no more are out than there are places
    }
}

fn say(home: &Home, signer: &Signer, json: bool, file: &Path, settings: &Settings) -> Outcome {
    let own = open(home, settings)?;
    let scribe = Scribe::new(&own, signer)?;
    if file != Path::new("-") {
        scribe.rehearse(file, |_| Ok(()))?;
    }
    let call_sign = own.call_sign.to_string();
    let routine = Turns::new(settings.in_flight_per_key_max);
    let flash = Turns::new(settings.flash_per_key_max);
    let (sender, awaited) = channel::<Awaited>();
    // On a thread of its own, because whoever reads the receipts may wait for each before he gives the next line.
    let printer = std::thread::spawn(move || {
        awaited
            .into_iter()
            .try_for_each(|one| print_receipt(&one, &call_sign, json))
    });
    let mut failed: Outcome = Ok(());
    for (number, line) in (1..).zip(lines(file)?.lines()) {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        match scribe.statement(line.trim(), own.log().now()) {
            Ok((statement, _)) => {
                let turn = match lane(&statement) {
                    Lane::Flash => flash.next(),
                    Lane::Routine => routine.next(),
                };
                let (done, receipt) = sync_channel(1);
                own.submit(Arc::new(statement), move |result| {
                    let _ = done.send(result);
                });
                let awaited = Awaited {
                    line: number,
                    receipt,
                    _turn: turn,
                };
                if sender.send(awaited).is_err() {
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

fn print_receipt(one: &Awaited, call_sign: &str, json: bool) -> Outcome {
    let receipt = one.receipt.recv().unwrap_or(Err(SayError::Stopped));
    let receipt = receipt.map_err(|error| at_line(one.line)(error.into()))?;
    let Receipt {
        reference,
        size,
        already,
    } = &receipt;
    let mut out = std::io::stdout().lock();
    if json {
        let value = json!({"line": one.line, "reference": reference.to_string(), "index": reference.index, "size": size, "already": already});
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

/// Opens the own log for saying something in it.
fn open(home: &Home, settings: &Settings) -> Result<Own, Failure> {
    let own = Own::open(home, settings.options(home)?)?;
    match own.log().read_only() {
        None => Ok(own),
        Some(reason) => Err(Failure::new(reason.to_string())),
    }
}

/// Says one statement and prints its receipt.
fn say_one(own: &Own, statement: Statement) -> Outcome {
    let (done, receipt) = sync_channel(1);
    own.submit(Arc::new(statement), move |result| {
        let _ = done.send(result);
    });
    let receipt = receipt.recv().unwrap_or(Err(SayError::Stopped))?;
    let Receipt { reference, .. } = receipt;
    println!("{}-{}  {reference}", own.call_sign, reference.index);
    Ok(())
}

fn control(
    home: &Home,
    key: Option<PathBuf>,
    kid: Kid,
    kind: &str,
    body: &str,
    settings: &Settings,
) -> Outcome {
    let key = match key {
        Some(path) => read_key(&path)?,
        None => home.admin()?,
    };
    let kind = kind
        .parse()
        .map_err(|rule| Failure::new(format!("{kind:?}: a kind {rule}")))?;
    let body = match record::json::parse(body.as_bytes())
        .map_err(|e| Failure::new(format!("the body: {e}")))?
    {
        Value::Object(body) => body,
        _ => return Err(Failure::new("the body must be a JSON object")),
    };
    let own = open(home, settings)?;
    let (id, now) = (own.log().id(), own.log().now());
    let statement = Statement::sign_control(kind, body, &key, kid, id, now)?;
    say_one(&own, statement)
}

fn show(home: &Home, reader: &str, party: bool, json: bool, reference: &str) -> Outcome {
    let log = home.open_to_read()?;
    let index = entry::index(&log, reference)?;
    let reader = Reader::named(reader, party)?;
    let (_, whole) = entry::statement(&log, index)?;
    let statement = whole.reduced(|_, group| group.audience.admits(&reader));
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
        "reference": entry::statement(log, index)?.0.to_string(),
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
            if let Some(legal) = Name::of(&head.kind).and_then(Name::legal) {
                shown["protection"] = legal.into();
            }
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
    if shown["protection"].is_string() {
        out += &format!("  protection {}\n", text("protection"));
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
    home: &Home,
    signer: &Signer,
    reference: &str,
    groups: &[String],
    reason: &str,
    settings: &Settings,
) -> Outcome {
    let own = open(home, settings)?;
    let (log, now) = (own.log(), own.log().now());
    let index = entry::index(log, reference)?;
    let (target, statement) = entry::statement(log, index)?;
    let audience = statement
        .head()
        .map(record::statement::Head::recipients)
        .ok_or_else(|| {
            Failure::new(format!(
                "entry {index} is a control statement; these are wholly clear and are never erased"
            ))
        })?;
    let draft = Draft::new("erase/1", &now.to_string())?
        .about(vec![target])
        .group(
            "body",
            audience,
            json!({"groups": groups, "reason": reason}),
        )?;
    say_one(&own, Scribe::new(&own, signer)?.sign(&draft, now)?)
}

fn pad(home: &Home, multiple: u64, settings: &Settings) -> Outcome {
    let own = open(home, settings)?;
    let log = own.log();
    let mut said = 0;
    while log.head().is_some_and(|head| head.size() % multiple != 0) {
        let draft = Draft::new("filler/1", &log.now().to_string())?.group(
            "body",
            Audience::default(),
            json!({}),
        )?;
        let filler = own.sign_as_kept(None, &draft, log.now())?;
        log.say(&filler.to_string())?;
        said += 1;
    }
    log.keep_head()?;
    println!(
        "{said} fillers; the log has {} entries",
        log.head().map_or(0, |head| head.size())
    );
    Ok(())
}

fn repair(home: &Home, from: &Path) -> Outcome {
    let signers = home.signers()?;
    let keys: Vec<_> = signers
        .iter()
        .map(|signer| signer.verifier().clone())
        .collect();
    let done = record::repair::repair(&home.dir, &Directory::new(from), &keys)?;
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
