//! Pages: lists with and without filters, the first page and pages deep inside, with totals; what is due; single statements and
//! what is about them; search; changes. Each while nothing else happens, and again while statements are said.

use crate::speaker::Speaker;
use crate::story::Dice;
use crate::words::{SPOTS, Tongue};
use bench::Outcome;
use bench::measure::Latency;
use bench::table::{Goal, Table, Unit};
use node::Node;
use node::authority::Eyes;
use node::board::Board;
use node::search::Search;
use node::views::{ListQuery, Views};
use record::name::Reference;
use record::time::UtcMs;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Every page is asked for so often.
const TIMES: usize = 300;
/// Or for so long.
const LONGEST: Duration = Duration::from_secs(8);
/// Rows of a page, as the API gives them.
const ROWS: u32 = 50;
/// Statements in a second that are said meanwhile.
pub const SAID_PER_SECOND: u64 = 100;
/// Changes that are read at once, as the API gives them.
const CHANGES: u32 = 500;
/// Statements about one that are shown, as the API gives them.
const ABOUT: u32 = 500;
const DAY_MS: i64 = 24 * 3600 * 1000;
/// Nothing takes longer, in milliseconds, of 99 of 100.
const P99_MS: f64 = 50.0;

/// What is asked of, and what the questions are drawn from.
struct Desk {
    node: Arc<Node>,
    views: Arc<Views>,
    search: Arc<Search>,
    dice: Dice,
    begin: UtcMs,
    now: UtcMs,
    /// Statements to be read, and roots of matters.
    some: Vec<Reference>,
    matters: Vec<Reference>,
    seq: i64,
}

type Ask = fn(&mut Desk) -> Outcome;

/// Each page with its name. What differs is drawn anew each time.
const PAGES: &[(&str, Ask)] = &[
    ("reports: first page", |desk| desk.list("report", |_, _| {})),
    ("reports: deep", |desk| desk.list("report", Desk::deep)),
    ("reports: of one participant", |desk| {
        desk.list("report", Desk::by)
    }),
    ("reports: of one participant, deep", |desk| {
        desk.list("report", |d, q| {
            d.by(q);
            d.deep(q);
        })
    }),
    ("reports: of one place", |desk| {
        desk.list("report", Desk::place)
    }),
    ("reports: of one place, deep", |desk| {
        desk.list("report", |d, q| {
            d.place(q);
            d.deep(q);
        })
    }),
    ("reports: of one category", |desk| {
        desk.list("report", Desk::category)
    }),
    ("reports: of one category, deep", |desk| {
        desk.list("report", |d, q| {
            d.category(q);
            d.deep(q);
        })
    }),
    ("reports: of one participant and category", |desk| {
        desk.list("report", |d, q| {
            d.by(q);
            d.category(q);
        })
    }),
    ("reports: of one place and category", |desk| {
        desk.list("report", |d, q| {
            d.place(q);
            d.category(q);
        })
    }),
    ("reports: of a day", |desk| {
        desk.list("report", |d, q| d.time(q, 1))
    }),
    ("reports: of 60 days", |desk| {
        desk.list("report", |d, q| d.time(q, 60))
    }),
    ("reports: of a participant in 60 days, deep", |desk| {
        desk.list("report", |d, q| {
            d.time(q, 60);
            d.by(q);
            d.deep(q);
        })
    }),
    ("matters: first page", |desk| desk.list("matter", |_, _| {})),
    ("matters: deep", |desk| desk.list("matter", Desk::deep)),
    ("matters: open", |desk| {
        desk.list("matter", |_, q| q.open = Some(true))
    }),
    ("matters: not open, deep", |desk| {
        desk.list("matter", |d, q| {
            q.open = Some(false);
            d.deep(q);
        })
    }),
    ("matters: of one participant", |desk| {
        desk.list("matter", Desk::by)
    }),
    ("matters: FLASH", |desk| {
        desk.list("matter", |_, q| q.tag = Some("FLASH".into()))
    }),
    ("matters: ROUTINE, deep", |desk| {
        desk.list("matter", |d, q| {
            q.tag = Some("ROUTINE".into());
            d.deep(q);
        })
    }),
    ("matters: open IMMEDIATE", |desk| {
        desk.list("matter", |_, q| {
            q.tag = Some("IMMEDIATE".into());
            q.open = Some(true);
        })
    }),
    ("matters: of a day", |desk| {
        desk.list("matter", |d, q| d.time(q, 1))
    }),
    ("claims: first page", |desk| desk.list("claim", |_, _| {})),
    ("claims: denials, deep", |desk| {
        desk.list("claim", |d, q| {
            q.tag = Some("denial".into());
            d.deep(q);
        })
    }),
    ("tallies: first page", |desk| desk.list("tally", |_, _| {})),
    ("tolls: of one place", |desk| desk.list("toll", Desk::place)),
    ("areas: first page", |desk| desk.list("area", |_, _| {})),
    ("areas: open", |desk| {
        desk.list("area", |_, q| q.open = Some(true))
    }),
    ("separations: first page", |desk| {
        desk.list("separation", |_, _| {})
    }),
    ("instruments: first page", |desk| {
        desk.list("instrument", |_, _| {})
    }),
    ("statements: first page", |desk| {
        desk.statements(None, |_, _| {})
    }),
    ("statements: deep", |desk| desk.statements(None, Desk::deep)),
    ("statements: of one kind", |desk| desk.kind(|_, _| {})),
    ("statements: of one kind, deep", |desk| {
        desk.kind(Desk::deep)
    }),
    ("statements: of one participant", |desk| {
        desk.statements(None, Desk::by)
    }),
    ("statements: of one participant, deep", |desk| {
        desk.statements(None, |d, q| {
            d.by(q);
            d.deep(q);
        })
    }),
    ("statements: of one participant and kind", |desk| {
        desk.kind(Desk::by)
    }),
    ("statements: of a day", |desk| {
        desk.statements(None, |d, q| d.time(q, 1))
    }),
    ("statements: of one participant on a day", |desk| {
        desk.statements(None, |d, q| {
            d.by(q);
            d.time(q, 1);
        })
    }),
    ("one statement", Desk::statement),
    ("what is about a statement", Desk::about),
    ("one matter", Desk::matter),
    ("what is due", |desk| {
        desk.views.due(desk.now)?;
        Ok(())
    }),
    ("what was due at some time", Desk::due_then),
    ("lines", |desk| {
        desk.views.lines()?;
        Ok(())
    }),
    ("the board", |desk| desk.board(desk.now)),
    ("the board at some time", Desk::board_then),
    ("changes since some time", Desk::changes),
    ("changes since just now", |desk| {
        desk.views.changes_since(desk.seq - 50, CHANGES)?;
        Ok(())
    }),
    ("search: a place", Desk::search_place),
    ("search: a common word", |desk| {
        let word = *desk.dice.one(&[
            "explosions",
            "interrupted",
            "дорога",
            "القصف",
            "convoy",
            "патруль",
        ]);
        desk.find(word, None)
    }),
    ("search: a common word, deep", |desk| {
        let word = *desk.dice.one(&["explosions", "дорога", "القصف", "convoy"]);
        desk.find_deep(word)
    }),
    ("search: a rare name", Desk::search_name),
    ("search: two words", |desk| {
        let word = *desk
            .dice
            .one(&["convoy morning", "патруль взрывы", "الدورية انفجارات"]);
        desk.find(word, None)
    }),
    ("search: nothing", |desk| desk.find("zanzibar", None)),
];

impl Desk {
    fn new(node: &Arc<Node>) -> Outcome<Self> {
        let (eyes, now) = (Eyes::Node, node.now());
        let views = Arc::clone(node.views(&eyes));
        let mut desk = Self {
            search: Arc::clone(node.search(&eyes)),
            node: Arc::clone(node),
            dice: Dice::new(7),
            begin: UtcMs::parse("2016-03-01T00:00:00Z")?,
            now,
            some: Vec::new(),
            matters: Vec::new(),
            seq: views.context().seq,
            views,
        };
        for _ in 0..40 {
            let mut query = desk.query();
            desk.deep(&mut query);
            for row in desk.views.statements(None, &query)?.items {
                desk.some.push(row.reference.parse()?);
            }
            for row in desk.views.list("matter", &query)?.items {
                let row: serde_json::Value = serde_json::from_str(&row)?;
                desk.matters
                    .push(row["reference"].as_str().unwrap_or_default().parse()?);
            }
        }
        Ok(desk)
    }

    fn query(&self) -> ListQuery {
        ListQuery {
            limit: ROWS,
            ..ListQuery::default()
        }
    }

    fn some_time(&mut self) -> i64 {
        let span = (self.now.0 - self.begin.0).unsigned_abs();
        self.begin.0 + i64::try_from(self.dice.below(span)).unwrap_or(0)
    }

    fn deep(&mut self, query: &mut ListQuery) {
        query.after = Some((self.some_time(), i64::MAX));
    }

    fn by(&mut self, query: &mut ListQuery) {
        query.by = Some((*self.dice.one(&crate::cast::SIGNS)).into());
    }

    fn place(&mut self, query: &mut ListQuery) {
        query.place = Some(self.dice.spot().code.into());
    }

    fn category(&mut self, query: &mut ListQuery) {
        query.tag = Some(
            (*self
                .dice
                .one(&["shelling", "air_strike", "explosion", "access_denied"]))
            .into(),
        );
    }

    fn time(&mut self, query: &mut ListQuery, days: i64) {
        let from = self
            .some_time()
            .min(self.now.0 - days * DAY_MS)
            .max(self.begin.0);
        query.from = Some(UtcMs(from));
        query.until = Some(UtcMs(from + days * DAY_MS));
    }

    fn list(&mut self, capability: &str, ask: fn(&mut Self, &mut ListQuery)) -> Outcome {
        let mut query = self.query();
        ask(self, &mut query);
        self.views.list(capability, &query)?;
        Ok(())
    }

    fn statements(&mut self, kind: Option<&str>, ask: fn(&mut Self, &mut ListQuery)) -> Outcome {
        let mut query = self.query();
        ask(self, &mut query);
        self.views.statements(kind, &query)?;
        Ok(())
    }

    fn kind(&mut self, ask: fn(&mut Self, &mut ListQuery)) -> Outcome {
        let kind = *self.dice.one(&[
            "report.file/1",
            "receipt/1",
            "message.send/1",
            "comment/1",
            "retract/1",
        ]);
        self.statements(Some(kind), ask)
    }

    fn statement(&mut self) -> Outcome {
        let reference = self.dice.one(&self.some);
        self.views
            .statement(reference)?
            .ok_or("a statement is not there")?;
        Ok(())
    }

    fn about(&mut self) -> Outcome {
        let reference = self.dice.one(&self.matters);
        self.views.about(reference, ABOUT)?;
        Ok(())
    }

    fn matter(&mut self) -> Outcome {
        let reference = self.dice.one(&self.matters);
        self.views
            .object("matter", reference)?
            .ok_or("a matter is not there")?;
        Ok(())
    }

    fn due_then(&mut self) -> Outcome {
        let at = self.some_time();
        self.views.due(UtcMs(at))?;
        Ok(())
    }

    fn board(&self, now: UtcMs) -> Outcome {
        let own = self.node.own().next().map(|own| own.call_sign.clone());
        Board::of(&self.node, &Eyes::Node, own.as_ref(), now)?;
        Ok(())
    }

    fn board_then(&mut self) -> Outcome {
        let at = self.some_time();
        self.board(UtcMs(at))
    }

    fn changes(&mut self) -> Outcome {
        let since = self.dice.below(self.seq.unsigned_abs().max(1));
        self.views.changes_since(i64::try_from(since)?, CHANGES)?;
        Ok(())
    }

    fn find(&self, question: &str, after: Option<(i64, i64)>) -> Outcome {
        let query = ListQuery {
            after,
            ..self.query()
        };
        self.search
            .find(&self.views, self.node.places(), question, &query)?;
        Ok(())
    }

    fn find_deep(&mut self, question: &str) -> Outcome {
        let statements = self.seq.unsigned_abs().max(2) / 2;
        let after = i64::try_from(self.dice.below(statements))?;
        self.find(question, Some((after, 0)))
    }

    fn search_place(&mut self) -> Outcome {
        let spot = &SPOTS[self.dice.below(SPOTS.len() as u64) as usize];
        let name = *self.dice.one(&[spot.latin, spot.arabic, spot.cyrillic]);
        self.find(name, None)
    }

    fn search_name(&mut self) -> Outcome {
        let tongue = *self
            .dice
            .one(&[Tongue::English, Tongue::Arabic, Tongue::Russian]);
        let name = tongue.surname(300 + self.dice.below(1400));
        self.find(&name, None)
    }
}

/// All pages, one after the other: of each its latency.
fn all(desk: &mut Desk) -> Outcome<Vec<Latency>> {
    let mut latencies = Vec::with_capacity(PAGES.len());
    for (name, ask) in PAGES {
        let mut taken = Vec::with_capacity(TIMES);
        let from = Instant::now();
        while taken.len() < TIMES && (from.elapsed() < LONGEST || taken.is_empty()) {
            let from = Instant::now();
            ask(desk).map_err(|error| format!("{name}: {error}"))?;
            taken.push(from.elapsed());
        }
        latencies.push(Latency::of(&taken));
    }
    Ok(latencies)
}

/// Measures all pages twice.
pub fn measure(node: &Arc<Node>, speaker: &mut Speaker, table: &mut Table) -> Outcome {
    let mut desk = Desk::new(node)?;
    all(&mut desk)?;
    let idle = all(&mut desk)?;
    desk.seq = desk.views.context().seq;
    let (busy, said) = speaker.beside(node, SAID_PER_SECOND, || all(&mut desk))?;
    println!("{said} statements were said meanwhile");
    for ((name, _), (idle, busy)) in PAGES.iter().zip(idle.iter().zip(&busy)) {
        let ours = format!(
            "p50 {}, p99 {}",
            Unit::Ms.show(idle.p50_ms),
            Unit::Ms.show(idle.p99_ms)
        );
        let busy = format!(
            "p50 {}, p99 {}",
            Unit::Ms.show(busy.p50_ms),
            Unit::Ms.show(busy.p99_ms)
        );
        table.row(
            *name,
            format!("{ours}; at {SAID_PER_SECOND}/s {busy}"),
            None,
            None,
        );
    }
    for (how, latencies) in [("quiet", &idle), ("busy", &busy)] {
        let slowest = PAGES
            .iter()
            .zip(latencies)
            .max_by(|a, b| a.1.p99_ms.total_cmp(&b.1.p99_ms));
        let Some(((name, _), slowest)) = slowest else {
            continue;
        };
        let goal = Goal::at_most(
            &format!("pages-p99-{how}"),
            slowest.p99_ms,
            P99_MS,
            Unit::Ms,
        );
        let what = format!("the slowest page, {how}: {name}");
        table.row(
            what,
            format!("p99 {}", Unit::Ms.show(slowest.p99_ms)),
            None,
            Some(goal),
        );
    }
    Ok(())
}
