//! Whether a clock tells that something hidden is there. Two stores with one past; in one of them volumes were notified that the
//! asker may not read. The same questions are put to both, at a place where these lie and at a place where nothing does, in an
//! order that is drawn; what the stores and the places differ by anyhow falls out of the difference of differences. That the
//! measurement would tell is shown beside it, by volumes that the asker may read.

use bench::Outcome;
use bench::cast::origin;
use bench::dice::Dice;
use bench::disk::{Scratch, copy};
use bench::table::{Goal, Table, Unit};
use node::accounts::{NewAccount, NewToken, Scope, Secret};
use node::home::Founded;
use node::http::{App, Settings as Door, node_routes, routes, server};
use node::node::Running;
use node::{Node, Settings};
use record::audience::Audience;
use record::encoding::Hash;
use record::name::{CallSign, Reference};
use record::statement::Draft;
use record::time::{Clock, ManualClock, UtcMs};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use truce::participants::Office;

const SIGNS: [&str; 4] = ["RU", "US", "MISSION", "HUM"];
/// Questions about hidden volumes, at two places of two stores; and half as many more, at a third place.
const QUESTIONS: usize = 10_000;
/// Sites that the asker reads, at each place.
const KNOWN: usize = 20;
/// Sites that he does not read, at the first place of the first store.
const HIDDEN: usize = 200;
/// Sites that he reads, at the third place of the first store, to show that the measurement would tell.
const MORE: usize = 10;
/// Where the three places are, in 1e-7 degree.
const LAT_E7: i64 = 362_000_000;
const LON_E7: [i64; 3] = [371_600_000, 381_600_000, 391_600_000];
/// Of all times of a kind the longest are left out: so many of a hundred.
const LEFT_OUT_PERCENT: usize = 10;
/// A difference that comes by chance in one of a thousand runs has so many standard errors.
const Z_MAX: f64 = 3.29;
const PASSWORD: &str = "four horses in a field";

/// Asks both stores.
pub fn measure(folder: &Path, small: bool, table: &mut Table) -> Outcome {
    let scratch = Scratch::new(folder, "hidden")?;
    let clock = Arc::new(ManualClock::at(UtcMs::parse("2016-02-22T18:00:00Z")?));
    let (with, without) = (scratch.path().join("with"), scratch.path().join("without"));
    std::fs::create_dir_all(&with)?;
    let node = found(&with, &clock)?;
    drop(node);
    copy(&with, &without)?;
    let more = open(&with, &clock)?;
    for _ in 0..HIDDEN {
        site(&more, LON_E7[0], &["MISSION"])?;
    }
    for _ in 0..MORE {
        site(&more, LON_E7[2], &["RU"])?;
    }
    more.settle();
    let plain = open(&without, &clock)?;
    plain.settle();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let mut doors = [
        Client::of(&runtime, &more, &with, &clock)?,
        Client::of(&runtime, &plain, &without, &clock)?,
    ];
    let rounds = if small { QUESTIONS / 40 } else { QUESTIONS / 4 };
    let taken = ask(&mut doors, &clock, rounds)?;
    // The place without anything more is what both are compared with.
    let (hidden_us, z) = difference(&taken, 0);
    let (seen_us, seen_z) = difference(&taken, 2);
    let four = rounds * 4;
    table.row(
        format!("{HIDDEN} hidden volumes, what {four} checks over HTTP take longer"),
        format!("{hidden_us:+.2} us, z {z:+.2}"),
        None,
        Some(Goal::at_most(
            "hidden-cannot-be-told",
            z.abs(),
            Z_MAX,
            Unit::Number,
        )),
    );
    table.row(
        format!("{MORE} more that may be read beside {KNOWN}, to see that it would be told"),
        format!("{seen_us:+.2} us, z {seen_z:+.2}"),
        None,
        Some(Goal::at_least(
            "what-is-seen-can-be-told",
            seen_z,
            Z_MAX,
            Unit::Number,
        )),
    );
    Ok(())
}

/// Times in microseconds, by store and place.
type Taken = [[Vec<f64>; 3]; 2];

fn ask(doors: &mut [Client; 2], clock: &ManualClock, rounds: usize) -> Outcome<Taken> {
    let bodies = LON_E7.map(|lon_e7| {
        json!({"volume": {"circle": {"centre": {"lat_e7": LAT_E7, "lon_e7": lon_e7}, "radius_m": 2_000}, "datum": "wgs84",
            "from": "2016-03-02T06:00:00Z", "until": "2016-03-02T23:00:00Z"}})
        .to_string()
    });
    // A clock is all that may tell: what is found is the same. Up to where was read is not, for what else was said to the asker.
    for body in &bodies[..2] {
        let found = |door: &mut Client| -> Outcome<String> {
            let (_, answer) = door.ask(body)?;
            let found = answer
                .split_once("\"conflicts\":")
                .map(|(_, found)| found.to_owned());
            Ok(found.ok_or("an answer has conflicts")?)
        };
        let (one, other) = (found(&mut doors[0])?, found(&mut doors[1])?);
        if one != other || one.matches("\"reference\"").count() != KNOWN {
            return Err("the answers of the two stores tell of other volumes".into());
        }
    }
    let mut dice = Dice::new(7);
    let mut taken = Taken::default();
    let warm_up = rounds / 10;
    for round in 0..warm_up + rounds {
        let mut order: Vec<usize> = (0..6).collect();
        for last in (1..6).rev() {
            order.swap(last, usize::try_from(dice.below(last as u64 + 1))?);
        }
        for which in order {
            let (store, place) = (which / 3, which % 3);
            // Each second one more may be asked.
            clock.set(UtcMs(clock.now().0 + 1_000));
            let (us, _) = doors[store].ask(&bodies[place])?;
            if round >= warm_up {
                taken[store][place].push(us);
            }
        }
    }
    Ok(taken)
}

/// How much longer the first store takes at `place` than the second, beyond what it takes longer at the place without anything
/// more; and that in standard errors.
fn difference(taken: &Taken, place: usize) -> (f64, f64) {
    let [with, without] = taken;
    let parts = [&with[place], &with[1], &without[place], &without[1]].map(|times| Part::of(times));
    let [a, b, c, d] = &parts;
    let difference = (a.mean - b.mean) - (c.mean - d.mean);
    let error = parts
        .iter()
        .map(|part| part.error_squared)
        .sum::<f64>()
        .sqrt();
    (difference, difference / error)
}

struct Part {
    mean: f64,
    error_squared: f64,
}

impl Part {
    /// The mean without the longest, and the square of its standard error.
    fn of(times: &[f64]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.truncate(sorted.len() * (100 - LEFT_OUT_PERCENT) / 100);
        let count = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let variance = sorted.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Self {
            mean,
            error_squared: variance / count,
        }
    }
}

/// An exercise in which RU reads the sites that HUM notified at each place.
fn found(dir: &Path, clock: &Arc<ManualClock>) -> Outcome<Running> {
    let every = Office::ALL.to_vec();
    let participants = SIGNS.map(|sign| -> Outcome<Founded> {
        Ok(Founded {
            call_sign: sign.parse()?,
            origin: origin(sign).parse()?,
            recovery: dir.with_file_name(format!("{sign}-recovery.key")),
            desks: vec![(every.clone(), vec!["en".into()])],
        })
    });
    let participants: Vec<Founded> = participants.into_iter().collect::<Outcome<_>>()?;
    Node::found_exercise(dir, &participants, &**clock)?;
    let node = open(dir, clock)?;
    let text = Hash([0; 32]).to_base64url();
    let member = |sign: &str| json!({"call_sign": sign, "origin": origin(sign), "role": "party"});
    let table = json!({"name": "Cessation of hostilities", "formality": "cessation_of_hostilities", "version": 1, "text_sha256": text,
        "text_public": true, "needed": ["RU", "US"], "accept_by": "2016-02-26T12:00:00Z", "in_force_from": "2016-02-27T00:00:00Z",
        "provisions": [{"id": "art-1", "title": "Groups not covered", "text_sha256": text}],
        "participants": SIGNS.map(member)});
    let tabled = say(
        &node,
        "RU",
        Draft::new("instrument.table/1", "2016-02-22T18:00:00Z")?.group(
            "body",
            aud(&["public"])?,
            table,
        )?,
    )?;
    let accept = Draft::new("instrument.accept/1", "2016-02-22T18:00:00Z")?
        .about(vec![tabled])
        .group("body", aud(&["public"])?, json!({"text_sha256": text}))?;
    say(&node, "US", accept)?;
    clock.set(UtcMs::parse("2016-03-01T09:00:00Z")?);
    for lon_e7 in LON_E7 {
        for _ in 0..KNOWN {
            site(&node, lon_e7, &["RU"])?;
        }
    }
    node.settle();
    Ok(node)
}

fn open(dir: &Path, clock: &Arc<ManualClock>) -> Outcome<Running> {
    let settings = Settings {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        clerk: false,
        ..Settings::default()
    };
    Ok(Node::open(dir, settings)?)
}

fn aud(names: &[&str]) -> Outcome<Audience> {
    let names = names.iter().map(|name| name.parse());
    Ok(Audience::of(names.collect::<Result<Vec<_>, _>>()?))
}

fn say(node: &Arc<Node>, who: &str, draft: Draft) -> Outcome<Reference> {
    let office = Office::ALL.iter().copied();
    let desk = office.into_iter().next().ok_or("there are offices")?;
    Ok(node.say_draft(&who.parse()?, desk, None, draft)?.reference)
}

fn site(node: &Arc<Node>, lon_e7: i64, to: &[&str]) -> Outcome<Reference> {
    let consents: Vec<Value> = to
        .iter()
        .map(|to| json!({"recipient": to, "given_by": "director", "given_at": "2016-03-01T00:00:00Z", "told": "delivered_copy_cannot_be_watched_or_recalled"}))
        .collect();
    let body = json!({"category": "clinic", "admin_names": ["Aleppo"], "consents": consents, "valid_from": "2016-03-01T00:00:00Z",
        "review_by": "2016-09-01T00:00:00Z", "protection": "unchanged"});
    let exact = json!({"name": "Clinic", "function": "x", "datum": "wgs84", "uncertainty_m": 50, "method": "map",
        "place": {"lat_e7": LAT_E7, "lon_e7": lon_e7}});
    let draft = Draft::new("site.notify/1", "2016-03-01T09:00:00Z")?
        .group("body", aud(to)?, body)?
        .group("exact", aud(to)?, exact)?;
    say(node, "HUM", draft)
}

/// Somebody of RU at one of the doors.
struct Client {
    stream: TcpStream,
    head: String,
    got: Vec<u8>,
}

impl Client {
    fn of(
        runtime: &Runtime,
        node: &Arc<Node>,
        dir: &Path,
        clock: &Arc<ManualClock>,
    ) -> Outcome<Self> {
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address: SocketAddr = listener.local_addr()?;
        let settings = Door::new(format!("http://localhost:{}", address.port()).parse()?);
        let app = Arc::new(App::open(
            dir,
            Arc::clone(clock) as Arc<dyn Clock>,
            settings,
        )?);
        let token = runtime.block_on(token(&app))?;
        let router = routes(&app, node_routes(Arc::clone(node)));
        runtime.spawn(server::serve(listener, app, router, std::future::pending()));
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            head: format!(
                "POST /api/v1/check HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: ",
                token.reveal()
            ),
            got: vec![0; 1 << 20],
        })
    }

    /// Asks; how many microseconds that took, and the body of the answer.
    fn ask(&mut self, body: &str) -> Outcome<(f64, String)> {
        let request = format!("{}{}\r\n\r\n{body}", self.head, body.len());
        let begin = Instant::now();
        self.stream.write_all(request.as_bytes())?;
        let mut length = 0;
        loop {
            let read = self.stream.read(&mut self.got[length..])?;
            length += read;
            let text = std::str::from_utf8(&self.got[..length]).unwrap_or_default();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                if read == 0 {
                    return Err("the node ended a connection in the middle of an answer".into());
                }
                continue;
            };
            let lengths = head.lines().filter_map(|line| line.split_once(": "));
            let mut lengths =
                lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let whole: usize = lengths.next().ok_or("an answer has a length")?.1.parse()?;
            if body.len() < whole {
                continue;
            }
            let us = begin.elapsed().as_secs_f64() * 1e6;
            if !head.starts_with("HTTP/1.1 200 ") {
                return Err(format!("a check was not answered: {head}\n{body}").into());
            }
            return Ok((us, body.to_owned()));
        }
    }
}

async fn token(app: &App) -> Outcome<Secret> {
    let sign: CallSign = SIGNS[0].parse()?;
    let name = "desk".to_owned();
    let password = || Secret::new(PASSWORD.into());
    app.accounts.create(NewAccount {
        name: name.parse()?,
        participant: sign,
        offices: BTreeSet::from([Office::DutyOfficer]),
        languages: Vec::new(),
        password: password(),
    })?;
    let signed_in = app
        .accounts
        .sign_in(name, password(), Ipv4Addr::LOCALHOST.into())
        .await?;
    let new = NewToken {
        label: "clock".into(),
        scopes: BTreeSet::from([Scope::Read]),
        offices: None,
        lasts_ms: 24 * 3600 * 1000,
    };
    Ok(app.accounts.make_token(&signed_in.caller, new)?.1)
}
