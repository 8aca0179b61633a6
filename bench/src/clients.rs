//! Clients that bring what is ready to be sent, and read the answers: as little work as can be, because they run on the
//! processors of whom they measure.

use crate::Outcome;
use crate::measure::{Latency, Processor};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// Longest answer that is expected, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How fast work is brought.
#[derive(Clone, Copy)]
pub enum Pace {
    /// Each client brings the next when the last is answered.
    Flood,
    /// So much in a second, each at its time; who is late is late for all that it delays.
    PerSecond(f64),
}

/// Somebody who brings one piece of work at a time and waits until it is done.
#[allow(async_fn_in_trait, reason = "all lines stay on one thread")]
pub trait Line: Sized {
    /// What it is before it is connected.
    type Address;
    /// Connects.
    async fn connect(to: Self::Address) -> Outcome<Self>;
    /// Brings piece `number`; where it stands then.
    async fn bring(&mut self, number: usize) -> Outcome<u64>;
}

/// One piece that was done.
#[derive(Clone, Copy)]
pub struct Answer {
    /// Where it stands.
    pub index: u64,
    /// When it should have been brought.
    pub due: Instant,
    /// When it was answered.
    pub answered: Instant,
}

/// What a load came to.
pub struct Load {
    /// Pieces that were done in a second.
    pub per_second: f64,
    /// From when a piece was due until it was done.
    pub latency: Latency,
    /// Each piece.
    pub answers: Vec<Answer>,
    /// Of each name of a thread: microseconds on a processor and waiting for one, for each piece.
    pub spent: Vec<(String, f64, f64)>,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Latency { p50_ms, p99_ms } = self.latency;
        write!(
            f,
            "{:.0}/s, answered after p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms",
            self.per_second
        )
    }
}

/// What all lines share while they bring.
struct Work {
    count: usize,
    next: Cell<usize>,
    pace: Pace,
    begin: Instant,
    end: Instant,
    answers: RefCell<Vec<Answer>>,
}

impl Work {
    /// The next piece, when its time has come.
    async fn next(&self) -> Option<(usize, Instant)> {
        let number = self.next.get();
        if number == self.count || Instant::now() >= self.end {
            return None;
        }
        self.next.set(number + 1);
        let Pace::PerSecond(per_second) = self.pace else {
            return Some((number, Instant::now()));
        };
        let due = self.begin + Duration::from_secs_f64(number as f64 / per_second);
        tokio::time::sleep_until(due.into()).await;
        Some((number, due))
    }

    async fn bring<L: Line>(self: Rc<Self>, mut line: L) -> Outcome {
        while let Some((number, due)) = self.next().await {
            let index = line.bring(number).await?;
            let answered = Instant::now();
            self.answers.borrow_mut().push(Answer {
                index,
                due,
                answered,
            });
        }
        Ok(())
    }
}

/// Connects to all of `lines`, then brings up to `count` pieces within `during`, on a thread of its own.
///
/// # Errors
/// The first that a line gives.
pub fn bring<L: Line<Address: Send> + 'static>(
    lines: Vec<L::Address>,
    count: usize,
    pace: Pace,
    during: Duration,
) -> Outcome<Load> {
    let bringing = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        LocalSet::new().block_on(&runtime, brought::<L>(lines, count, pace, during))
    };
    std::thread::scope(|scope| {
        let clients = std::thread::Builder::new()
            .name("clients".into())
            .spawn_scoped(scope, bringing)?;
        clients.join().map_err(|_| "a client panicked")?
    })
}

async fn brought<L: Line + 'static>(
    addresses: Vec<L::Address>,
    count: usize,
    pace: Pace,
    during: Duration,
) -> Outcome<Load> {
    let mut lines = Vec::with_capacity(addresses.len());
    for address in addresses {
        lines.push(L::connect(address).await?);
    }
    let before = Processor::now();
    let begin = Instant::now();
    // Work that has a pace ends when all of it is brought.
    let end = match pace {
        Pace::Flood => begin + during,
        Pace::PerSecond(_) => begin + 2 * during,
    };
    let answers = RefCell::new(Vec::with_capacity(count));
    let work = Rc::new(Work {
        count,
        next: Cell::new(0),
        pace,
        begin,
        end,
        answers,
    });
    let bringing: Vec<_> = lines
        .into_iter()
        .map(|line| tokio::task::spawn_local(Rc::clone(&work).bring(line)))
        .collect();
    for one in bringing {
        one.await.map_err(|_| "a client panicked")??;
    }
    let answers = work.answers.take();
    let elapsed = begin.elapsed().as_secs_f64();
    let latencies: Vec<Duration> = answers
        .iter()
        .map(|answer| answer.answered - answer.due)
        .collect();
    Ok(Load {
        per_second: answers.len() as f64 / elapsed,
        latency: Latency::of(&latencies),
        spent: Processor::now().since(&before, answers.len().max(1)),
        answers,
    })
}

/// Answers that are kept, each as it was read.
pub type Kept = Arc<Mutex<Vec<String>>>;

/// A program that says statements with its token.
pub struct Client {
    address: SocketAddr,
    head: String,
    bodies: Arc<Vec<Vec<u8>>>,
    kept: Option<Kept>,
}

impl Client {
    /// A client that will bring `bodies`.
    #[must_use]
    pub fn new(address: SocketAddr, token: &str, bodies: Arc<Vec<Vec<u8>>>) -> Self {
        let head = format!(
            "POST /api/v1/statements HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: "
        );
        Self {
            address,
            head,
            bodies,
            kept: None,
        }
    }

    /// The same, and it keeps what is answered.
    #[must_use]
    pub fn keeping(self, kept: &Kept) -> Self {
        Self {
            kept: Some(Arc::clone(kept)),
            ..self
        }
    }
}

/// Its connection.
pub struct Connected {
    client: Client,
    stream: TcpStream,
    sent: Vec<u8>,
    got: Vec<u8>,
}

impl Line for Connected {
    type Address = Client;

    async fn connect(client: Client) -> Outcome<Self> {
        let stream = TcpStream::connect(client.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            client,
            stream,
            sent: Vec::new(),
            got: vec![0; ANSWER_BYTES_MAX],
        })
    }

    async fn bring(&mut self, number: usize) -> Outcome<u64> {
        let body = &self.client.bodies[number];
        self.sent.clear();
        self.sent.extend_from_slice(self.client.head.as_bytes());
        self.sent
            .extend_from_slice(body.len().to_string().as_bytes());
        self.sent.extend_from_slice(b"\r\n\r\n");
        self.sent.extend_from_slice(body);
        self.stream.write_all(&self.sent).await?;
        let mut length = 0;
        loop {
            let read = self.stream.read(&mut self.got[length..]).await?;
            if read == 0 {
                return Err("the node ended a connection in the middle of an answer".into());
            }
            length += read;
            if let Some(answer) = whole(&self.got[..length]) {
                if let Some(kept) = &self.client.kept {
                    let mut kept = kept.lock().map_err(|_| "a client panicked")?;
                    kept.push(answer.1.to_owned());
                }
                return logged(answer);
            }
        }
    }
}

/// An answer, when all of it is there: its head and its body.
fn whole(got: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(got).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let lengths = head.lines().filter_map(|line| line.split_once(": "));
    let mut lengths = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = lengths.next()?.1.parse().ok()?;
    (body.len() >= length).then_some((head, body))
}

/// At which index the statement stands that was answered so.
fn logged((head, body): (&str, &str)) -> Outcome<u64> {
    let short = body
        .split_once("\"short\":\"")
        .and_then(|(_, rest)| rest.split_once('"'));
    let index = short.and_then(|(short, _)| short.rsplit_once('-')?.1.parse().ok());
    match index {
        Some(index) if head.starts_with("HTTP/1.1 201 ") => Ok(index),
        _ => Err(format!("a statement was not taken: {head}\n{body}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str =
        "HTTP/1.1 201 Created\r\nContent-Length: 25\r\nx: y\r\n\r\n{\"a\":1,\"short\":\"RU-4121\"}";

    #[test]
    fn an_answer_is_read_when_all_of_it_is_there() {
        let bytes = ANSWER.as_bytes();
        for length in 0..bytes.len() {
            assert!(whole(&bytes[..length]).is_none(), "{length}");
        }
        let answer = whole(bytes).expect("all of it is there");
        assert_eq!(logged(answer).expect("it is a receipt"), 4121);
    }

    #[test]
    fn what_is_no_receipt_ends_the_measurement() {
        let refused = ANSWER.replace("201 Created", "429 Too Many Requests");
        let answer = whole(refused.as_bytes()).expect("all of it is there");
        assert!(
            logged(answer)
                .expect_err("it was refused")
                .to_string()
                .contains("429")
        );
    }
}
