//! The tables of one reader's views. Ids, `seq` and the order of rows are local; nothing else is.

/// Changes with every change of the tables or of what is written into them: other views are thrown away and computed anew.
pub const LAYOUT: i64 = 18;

/// Entries of a log are numbered below this in ids: `log * SPAN + index`.
pub const SPAN: i64 = 1 << 40;

/// `settled_at` of what is open.
pub const OPEN: i64 = i64::MAX;

/// The span of what is open, or stood for longer than a lifetime.
const SPAN_LONGEST: i64 = 22;

/// The class of how long a debt stood: the least `n` of which 4ⁿ milliseconds are longer.
pub fn span_of(said_at: i64, settled_at: i64) -> i64 {
    let stood = settled_at.saturating_sub(said_at).max(0);
    let bits = i64::from(i64::BITS - stood.leading_zeros());
    ((bits + 1) / 2).min(SPAN_LONGEST)
}

/// Debts that were open at `?1`, as `w`.
pub const OPEN_THEN: &str = "FROM span CROSS JOIN owed w INDEXED BY owed_open ON w.span = span.span AND w.said_at > ?1 - span.below_ms AND w.said_at <= ?1 AND w.settled_at > ?1 AND w.settled_at > w.said_at";

/// What is a person's word: the condition of the index `statement_word`, in the same spelling.
pub const NOT_BY_ITSELF: &str = "kind NOT IN ('head.seen/1', 'receipt/1', 'erase.done/1', 'office.grant/1', 'key.grant/1', 'participant.declare/1')";

pub const TABLES: &str = "
-- `last` is the leaf hash of the last folded entry: another one there means another log than the one that was folded.
CREATE TABLE log (id INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE, folded INTEGER NOT NULL DEFAULT 0, last BLOB);
-- What is known of each statement that these eyes read at all. `root` is what its object began with.
CREATE TABLE statement (
  id INTEGER PRIMARY KEY,
  leaf BLOB NOT NULL,
  kind TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  root INTEGER NOT NULL,
  standing TEXT NOT NULL,
  why TEXT,
  seq INTEGER NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX statement_member ON statement (root) WHERE root <> id;
CREATE INDEX statement_kind ON statement (kind, id);
CREATE INDEX statement_seq ON statement (seq);
CREATE INDEX statement_word ON statement (id, at_ms)
  WHERE kind NOT IN ('head.seen/1', 'receipt/1', 'erase.done/1', 'office.grant/1', 'key.grant/1', 'participant.declare/1');
-- Lists, in their order; `id >> 40` is the log.
CREATE INDEX statement_list ON statement (at_ms, id);
CREATE INDEX statement_kind_list ON statement (kind, at_ms, id);
CREATE INDEX statement_log_list ON statement (id >> 40, at_ms, id);
CREATE TABLE about (to_id INTEGER NOT NULL, from_id INTEGER NOT NULL, PRIMARY KEY (to_id, from_id)) WITHOUT ROWID;
-- Heads that others say they saw.
CREATE TABLE seen (by_log INTEGER NOT NULL, log INTEGER NOT NULL, from_id INTEGER NOT NULL, size INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (by_log, log, from_id)) WITHOUT ROWID;
CREATE INDEX seen_from ON seen (from_id);
-- Debts, from when to when they stood, of all objects with one root.
CREATE TABLE owed (
  root INTEGER NOT NULL,
  n INTEGER NOT NULL,
  about INTEGER NOT NULL,
  what TEXT NOT NULL,
  part TEXT,
  by_sign TEXT NOT NULL,
  to_sign TEXT NOT NULL,
  asked_in INTEGER NOT NULL,
  said_at INTEGER NOT NULL,
  started_at INTEGER,
  received INTEGER NOT NULL,
  due_at INTEGER,
  late_at INTEGER,
  settled_at INTEGER NOT NULL,
  holding TEXT,
  span INTEGER NOT NULL,
  PRIMARY KEY (root, n)
) WITHOUT ROWID;
-- What was open at some time is found by how long debts stood: of each span, only what was said so shortly before.
CREATE TABLE span (span INTEGER PRIMARY KEY, below_ms INTEGER NOT NULL);
WITH RECURSIVE s (n, below) AS (VALUES (0, 1) UNION ALL SELECT n + 1, below * 4 FROM s WHERE n < 21) INSERT INTO span SELECT n, below FROM s;
INSERT INTO span VALUES (22, 9223372036854775807);
CREATE INDEX owed_open ON owed (span, said_at, settled_at, by_sign, to_sign) WHERE settled_at > said_at;
-- Open debts are counted and ordered without looking at their rows.
CREATE INDEX owed_of ON owed (by_sign, settled_at, due_at, started_at, said_at, to_sign);
CREATE INDEX owed_to ON owed (to_sign, settled_at, due_at, started_at, said_at, by_sign);
CREATE INDEX owed_by ON owed (by_sign, asked_in) WHERE received = 0 AND by_sign <> to_sign;
-- `late_at`: when it was or will be overdue, which is never before it got there.
CREATE INDEX owed_late ON owed (late_at, root, n) WHERE settled_at > late_at;
CREATE INDEX owed_flash ON owed (settled_at, said_at) WHERE what = 'flash';
CREATE INDEX owed_check_in ON owed (settled_at, due_at) WHERE what = 'check_in';
CREATE INDEX owed_unreceived ON owed (asked_in, started_at) WHERE received = 0;
-- What statements add up to, one row an object.
CREATE TABLE object (
  id INTEGER PRIMARY KEY,
  capability TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  by_sign TEXT NOT NULL,
  place TEXT NOT NULL,
  tag TEXT NOT NULL,
  title TEXT,
  open INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  body TEXT NOT NULL
);
-- Lists, in their order, each with whatever else they are filtered by: totals are counted without reading a row.
CREATE INDEX object_list ON object (capability, at_ms, id, place, tag, open);
CREATE INDEX object_by ON object (capability, by_sign, at_ms, id, tag, open);
CREATE INDEX object_place ON object (capability, place, at_ms, id, by_sign, tag, open);
CREATE INDEX object_tag ON object (capability, tag, at_ms, id, open);
CREATE INDEX object_open ON object (capability, at_ms, id, by_sign, place, tag) WHERE open = 1;
CREATE INDEX object_seq ON object (seq);
-- Statements that wait to be read from their logs again, and those of which erased content is still held there.
CREATE TABLE again (id INTEGER PRIMARY KEY);
CREATE TABLE destroy (id INTEGER PRIMARY KEY);
CREATE INDEX object_test ON object (place, by_sign, at_ms) WHERE capability = 'line.test';
CREATE INDEX object_heard ON object (place, by_sign, tag, at_ms) WHERE capability = 'line.test';
-- Of each report what is counted, in the order of what it tells of.
CREATE TABLE report (
  from_ms INTEGER NOT NULL,
  id INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  said_ms INTEGER NOT NULL,
  known_to INTEGER NOT NULL,
  area TEXT NOT NULL,
  alleges INTEGER NOT NULL,
  access TEXT,
  sides TEXT NOT NULL,
  -- Its exact place, where that is read.
  lat_e7 INTEGER,
  lon_e7 INTEGER,
  uncertain_m INTEGER,
  PRIMARY KEY (from_ms, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX report_id ON report (id);
CREATE INDEX report_vague ON report (until_ms, from_ms, said_ms) WHERE known_to = 2;
-- Each version of a notice that counted at some time, with the extent of its place in 1e-7 degree, outward. Without one its place is
-- not read here, or nothing can be compared with it.
CREATE TABLE counting (
  id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  by_sign TEXT NOT NULL,
  south INTEGER,
  north INTEGER,
  west INTEGER,
  east INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (id, n)
) WITHOUT ROWID;
CREATE INDEX counting_until ON counting (until_ms, from_ms, south, north, west, east);
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
-- `epoch` is another whenever the tables are made anew: whatever follows their changes starts again.
INSERT INTO state VALUES ('seq', 0), ('cut_by', 0), ('epoch', abs(random()) | 1);
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debt_stood_for_less_than_its_span_says_and_for_no_less_than_the_one_before() {
        let day = 86_400_000;
        for stood in [0, 1, 3, 4, 15, 16, 17, 1000, day, 90 * day, 1 << 42] {
            let span = span_of(5, 5 + stood);
            let below = |span: i64| 4_i64.pow(u32::try_from(span).unwrap());
            assert!(span == SPAN_LONGEST || stood < below(span), "{stood}");
            assert!(span == 0 || stood >= below(span - 1), "{stood}");
        }
        assert_eq!(span_of(5, OPEN), SPAN_LONGEST);
    }
}
