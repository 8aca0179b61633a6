//! The tables of one reader's views. Ids, `seq` and the order of rows are local; nothing else is.

/// Changes with every change of the tables or of what is written into them: other views are thrown away and computed anew.
pub const LAYOUT: i64 = 3;

/// Entries of a log are numbered below this in ids: `log * SPAN + index`.
pub const SPAN: i64 = 1 << 40;

/// `settled_at` of what is open.
pub const OPEN: i64 = i64::MAX;

/// What is a person's word: the condition of the index `statement_word`, in the same spelling.
pub const NOT_BY_ITSELF: &str = "kind NOT IN ('head.seen/1', 'receipt/1', 'erase.done/1', 'office.grant/1', 'key.grant/1', 'participant.declare/1')";

pub const TABLES: &str = "
CREATE TABLE log (id INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE, folded INTEGER NOT NULL DEFAULT 0);
-- What is known of each statement that these eyes read at all.
CREATE TABLE statement (
  id INTEGER PRIMARY KEY,
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
CREATE TABLE about (to_id INTEGER NOT NULL, from_id INTEGER NOT NULL, PRIMARY KEY (to_id, from_id)) WITHOUT ROWID;
-- Heads that others say they saw.
CREATE TABLE seen (by_log INTEGER NOT NULL, log INTEGER NOT NULL, from_id INTEGER NOT NULL, size INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (by_log, log, from_id)) WITHOUT ROWID;
-- Debts, from when to when they stood.
CREATE TABLE owed (
  object INTEGER NOT NULL,
  n INTEGER NOT NULL,
  what TEXT NOT NULL,
  part TEXT,
  by_sign TEXT NOT NULL,
  to_sign TEXT NOT NULL,
  asked_in INTEGER NOT NULL,
  said_at INTEGER NOT NULL,
  started_at INTEGER,
  received INTEGER NOT NULL,
  due_at INTEGER,
  settled_at INTEGER NOT NULL,
  holding TEXT,
  PRIMARY KEY (object, n)
) WITHOUT ROWID;
-- Each has all that its question reads: open items are counted and ordered without looking at their rows.
CREATE INDEX owed_open ON owed (settled_at, due_at, said_at, by_sign, to_sign);
CREATE INDEX owed_by ON owed (by_sign, settled_at, due_at, started_at, said_at, to_sign);
CREATE INDEX owed_to ON owed (to_sign, settled_at, due_at, started_at, said_at, by_sign);
CREATE INDEX owed_flash ON owed (settled_at, said_at) WHERE what = 'flash';
-- What was overdue once: a hand-over asks what was overdue at its time.
CREATE INDEX owed_late ON owed (by_sign, settled_at, due_at) WHERE settled_at > due_at;
CREATE INDEX owed_unreached ON owed (asked_in) WHERE started_at IS NULL;
-- What statements add up to, one row an object.
CREATE TABLE object (
  id INTEGER PRIMARY KEY,
  capability TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  by_sign TEXT NOT NULL,
  place TEXT NOT NULL,
  tag TEXT NOT NULL,
  open INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX object_list ON object (capability, at_ms, id);
CREATE INDEX object_place ON object (capability, place, at_ms);
CREATE INDEX object_open ON object (capability, tag, at_ms) WHERE open = 1;
CREATE INDEX object_seq ON object (seq);
CREATE INDEX object_line ON object (place, by_sign, at_ms) WHERE capability = 'line.test';
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
  PRIMARY KEY (from_ms, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX report_id ON report (id);
CREATE INDEX report_vague ON report (until_ms, from_ms, said_ms) WHERE known_to = 2;
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
-- `epoch` is another whenever the tables are made anew: whatever follows their changes starts again.
INSERT INTO state VALUES ('seq', 0), ('cut_by', 0), ('epoch', abs(random()) | 1);
";
