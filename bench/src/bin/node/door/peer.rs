//! PostgreSQL in the door's place, as fast as it can be asked to be: the rows that the record and the views keep for each of the
//! statements, with the same keys and indexes, in one prepared command and one commit a statement. It checks no signature,
//! judges nothing, proves nothing, speaks no HTTP and keeps no full text.

use super::{CONNECTIONS, Outcome};
use bench::clients::{self, Answer, Line, Load, Pace};
use bench::postgres::Cluster;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use record::store::sqlite::{KEYS, RECORD};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::{Client, NoTls, Statement};

// A record's disclosures are numbered so, and the tables below say it once more.
const _: () = assert!(record::store::SLOTS == 16);

/// A file of the node.
struct File {
    schema: &'static str,
    path: &'static str,
    /// What of its tables belongs to a statement: the table, and how a row tells the statement's index.
    tables: &'static [(&'static str, &'static str)],
}

const FILES: [File; 3] = [
    File {
        schema: "record",
        path: RECORD,
        tables: &[
            ("entry", "idx"),
            ("said", "idx"),
            ("object", "idx"),
            ("disclosure", "id / 16"),
        ],
    },
    File {
        schema: "keys",
        path: KEYS,
        tables: &[("key", "id / 16")],
    },
    File {
        schema: "views",
        path: "views/node.db",
        tables: &[
            ("statement", "id % (1 << 40)"),
            ("about", "from_id % (1 << 40)"),
            ("object", "id % (1 << 40)"),
            ("report", "id % (1 << 40)"),
            ("owed", "root % (1 << 40)"),
        ],
    },
];

/// What PostgreSQL came to.
pub struct Measured {
    /// What it calls itself.
    pub version: String,
    /// How it did.
    pub load: Load,
}

/// Has PostgreSQL take the rows of what was `answered` by the node whose files are in `home`, from as many connections as there
/// were clients, for at most as long.
pub fn measure(
    folder: &Path,
    home: &Path,
    answered: &[Answer],
    warm_up: Duration,
    during: Duration,
) -> Outcome<Measured> {
    let cluster = Cluster::start(folder)?;
    let rows = Arc::new(Rows::read(home, answered)?);
    println!("rows for each statement: {}", rows.means());
    for sql in &rows.tables {
        cluster.sql(sql)?;
    }
    let lines = || {
        let line = || To {
            address: cluster.address(),
            rows: Arc::clone(&rows),
        };
        (0..CONNECTIONS).map(|_| line()).collect::<Vec<_>>()
    };
    clients::bring::<Connected>(lines(), rows.pieces.len(), Pace::Flood, warm_up)?;
    for table in &rows.names {
        cluster.sql(&format!("TRUNCATE {table}"))?;
    }
    cluster.sql("CHECKPOINT")?;
    let load = clients::bring::<Connected>(lines(), rows.pieces.len(), Pace::Flood, during)?;
    let version = cluster
        .version()
        .replace("postgres (PostgreSQL)", "PostgreSQL");
    println!("{version}: {load}");
    Ok(Measured { version, load })
}

/// A value as SQLite has it, for PostgreSQL.
#[derive(Debug)]
struct Cell(Value);

impl ToSql for Cell {
    fn to_sql(
        &self,
        to: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Integer(number) => number.to_sql(to, out),
            Value::Real(number) => number.to_sql(to, out),
            Value::Text(text) => text.to_sql(to, out),
            Value::Blob(bytes) => bytes.to_sql(to, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// All rows of one statement, and in which tables.
#[derive(Default)]
struct Piece {
    tables: Vec<usize>,
    cells: Vec<Cell>,
}

/// What PostgreSQL is given.
struct Rows {
    /// Commands that make the tables with their indexes.
    tables: Vec<String>,
    names: Vec<String>,
    /// Columns of each table.
    widths: Vec<usize>,
    pieces: Vec<Piece>,
}

impl Rows {
    fn read(home: &Path, answered: &[Answer]) -> Outcome<Self> {
        let wanted: BTreeSet<i64> = answered
            .iter()
            .map(|answer| i64::try_from(answer.index))
            .collect::<Result<_, _>>()?;
        let mut rows = Self {
            tables: Vec::new(),
            names: Vec::new(),
            widths: Vec::new(),
            pieces: Vec::new(),
        };
        let mut pieces: BTreeMap<i64, Piece> = BTreeMap::new();
        for file in FILES {
            let db = Connection::open_with_flags(
                home.join(file.path),
                OpenFlags::SQLITE_OPEN_READ_ONLY,
            )?;
            nothing_is_left_out(&db, &file, wanted.len())?;
            if file.schema == "views" {
                everything_counts(&db)?;
            }
            rows.tables.push(format!("CREATE SCHEMA {}", file.schema));
            for (table, index) in file.tables {
                let number = rows.names.len();
                rows.table(&db, file.schema, table)?;
                let mut select = db.prepare(&format!("SELECT {index}, * FROM {table}"))?;
                let mut held = select.query([])?;
                while let Some(row) = held.next()? {
                    let index = row.get(0)?;
                    if wanted.contains(&index) {
                        let piece = pieces.entry(index).or_default();
                        piece.tables.push(number);
                        for column in 1..=rows.widths[number] {
                            piece.cells.push(Cell(row.get(column)?));
                        }
                    }
                }
            }
        }
        rows.pieces = pieces.into_values().collect();
        for needed in ["record.entry", "keys.key", "views.statement"] {
            let table = rows.names.iter().position(|name| name == needed);
            let held = rows
                .pieces
                .iter()
                .filter(|piece| table.is_some_and(|table| piece.tables.contains(&table)));
            if held.count() != wanted.len() {
                return Err(format!("something was answered and is not in {needed}").into());
            }
        }
        Ok(rows)
    }

    /// Notes how `table` is made in PostgreSQL: the same columns, the same key, the same indexes.
    fn table(&mut self, db: &Connection, schema: &str, table: &str) -> Outcome {
        let name = format!("{schema}.{table}");
        let (mut columns, mut key) = (Vec::new(), BTreeMap::new());
        let mut select =
            db.prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1)")?;
        let mut infos = select.query([table])?;
        while let Some(info) = infos.next()? {
            let (column, kind, filled, place): (String, String, bool, i64) =
                (info.get(0)?, info.get(1)?, info.get(2)?, info.get(3)?);
            let kind = match kind.as_str() {
                "INTEGER" => "bigint",
                "BLOB" => "bytea",
                _ => "text",
            };
            let filled = if filled { " NOT NULL" } else { "" };
            columns.push(format!("\"{column}\" {kind}{filled}"));
            if place > 0 {
                key.insert(place, format!("\"{column}\""));
            }
        }
        self.widths.push(columns.len());
        let key: Vec<String> = key.into_values().collect();
        columns.push(format!("PRIMARY KEY ({})", key.join(", ")));
        self.tables
            .push(format!("CREATE TABLE {name} ({})", columns.join(", ")));
        let mut select = db.prepare(
            "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 AND sql NOT NULL",
        )?;
        for index in select.query_map([table], |row| row.get::<_, String>(0))? {
            // An expression stands in parentheses of its own there.
            let index = index?.replace(&format!(" ON {table} "), &format!(" ON {name} "));
            self.tables
                .push(index.replace("(id >> 40,", "((id >> 40),"));
        }
        self.names.push(name);
        Ok(())
    }

    /// One command for everything that goes into `tables`.
    fn command(&self, tables: &[usize]) -> String {
        let (mut commands, mut parameters) = (Vec::new(), 0);
        for table in tables {
            let values: Vec<String> = (1..=self.widths[*table])
                .map(|column| format!("${}", parameters + column))
                .collect();
            parameters += self.widths[*table];
            commands.push(format!(
                "INSERT INTO {} VALUES ({})",
                self.names[*table],
                values.join(", ")
            ));
        }
        let last = commands.pop().unwrap_or_default();
        let mut sql = String::new();
        for (number, command) in commands.iter().enumerate() {
            let with = if number == 0 { "WITH" } else { "," };
            let _ = write!(sql, "{with} c{number} AS ({command}) ");
        }
        sql + &last
    }

    fn means(&self) -> String {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for table in self.pieces.iter().flat_map(|piece| &piece.tables) {
            *counts.entry(*table).or_default() += 1;
        }
        let mean = |(table, count): (&usize, &usize)| {
            format!(
                "{} {:.2}",
                self.names[*table],
                *count as f64 / self.pieces.len() as f64
            )
        };
        counts.iter().map(mean).collect::<Vec<_>>().join(", ")
    }
}

/// What counts for nothing is less work to take.
fn everything_counts(db: &Connection) -> Outcome {
    const SQL: &str =
        "SELECT kind, standing, why FROM statement WHERE standing <> 'effective' LIMIT 1";
    let odd = db
        .query_row(SQL, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((kind, standing, why)) = odd else {
        return Ok(());
    };
    let (kind, standing, why): (String, String, Option<String>) = (kind, standing, why);
    let why = why.unwrap_or_default();
    Err(format!("a {kind} is {standing} instead of effective: {why}").into())
}

/// A table that grew with what was said and is not given to PostgreSQL would make the comparison unfair.
fn nothing_is_left_out(db: &Connection, file: &File, statements: usize) -> Outcome {
    let mut select = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    for name in select.query_map([], |row| row.get::<_, String>(0))? {
        let name = name?;
        let count: i64 = db.query_row(&format!("SELECT count(*) FROM \"{name}\""), [], |row| {
            row.get(0)
        })?;
        let known = file.tables.iter().any(|(table, _)| *table == name);
        if !known && count.unsigned_abs() > statements as u64 / 10 {
            return Err(format!(
                "{} {name} has {count} rows, and PostgreSQL is given none of them",
                file.path
            )
            .into());
        }
    }
    Ok(())
}

/// Where to connect, and what to bring.
struct To {
    address: String,
    rows: Arc<Rows>,
}

/// A connection with its prepared commands, by the tables that they fill.
struct Connected {
    client: Client,
    commands: HashMap<Vec<usize>, Statement>,
    rows: Arc<Rows>,
}

impl Line for Connected {
    type Address = To;

    async fn connect(to: To) -> Outcome<Self> {
        let (client, connection) = tokio_postgres::connect(&to.address, NoTls).await?;
        tokio::task::spawn_local(connection);
        let shapes: BTreeSet<&Vec<usize>> =
            to.rows.pieces.iter().map(|piece| &piece.tables).collect();
        let mut commands = HashMap::new();
        for shape in shapes {
            commands.insert(
                shape.clone(),
                client.prepare(&to.rows.command(shape)).await?,
            );
        }
        Ok(Self {
            client,
            commands,
            rows: Arc::clone(&to.rows),
        })
    }

    async fn bring(&mut self, number: usize) -> Outcome<u64> {
        let piece = &self.rows.pieces[number];
        let cells: Vec<&(dyn ToSql + Sync)> = piece
            .cells
            .iter()
            .map(|cell| cell as &(dyn ToSql + Sync))
            .collect();
        self.client
            .execute(&self.commands[&piece.tables], &cells)
            .await?;
        Ok(number as u64)
    }
}
