//! PostGIS in a temporary cluster of its own, over a socket with prepared statements.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bench::Outcome;
use bench::postgres::Cluster;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, NoTls, Statement};

use crate::Workload;
use crate::peers::Peer;
use crate::workload::Thing;

/// A geometry in the server's own binary form.
#[derive(Debug)]
pub struct Ewkb(Vec<u8>);

impl ToSql for Ewkb {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        ty.name() == "geometry"
    }

    to_sql_checked!();
}

fn ewkb(kind: u32, points: &[[f64; 2]]) -> Ewkb {
    let mut bytes = vec![1];
    bytes.extend((kind | 0x2000_0000).to_le_bytes());
    bytes.extend(4326u32.to_le_bytes());
    if kind == 3 {
        bytes.extend(1u32.to_le_bytes());
        bytes.extend((points.len() as u32).to_le_bytes());
    }
    for v in points.iter().flatten() {
        bytes.extend(v.to_le_bytes());
    }
    Ewkb(bytes)
}

fn polygon(thing: &Thing) -> Ewkb {
    let mut points: Vec<[f64; 2]> = thing.degrees().collect();
    points.push(points[0]);
    ewkb(3, &points)
}

fn instant(ms: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(ms.max(0) as u64)
}

/// What is said when there is a PostgreSQL without it.
const MISSING: &str = "PostGIS is not installed: there is a PostgreSQL without it";

/// Where it comes from.
const PACKAGE: &str =
    "PostgreSQL with PostGIS, on Debian 12 `apt-get install postgresql-15-postgis-3`";

/// Room for everything in memory, no sync: PostgreSQL at its fastest.
const SETTINGS: [&str; 12] = [
    "max_connections=8",
    "shared_buffers=2GB",
    "work_mem=64MB",
    "maintenance_work_mem=1GB",
    "max_wal_size=8GB",
    "fsync=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "max_parallel_workers_per_gather=0",
    "jit=off",
    "plan_cache_mode=force_generic_plan",
    "shared_preload_libraries=pg_stat_statements",
];

fn start(folder: &Path) -> Outcome<(Cluster, Client)> {
    let cluster = Cluster::with(folder, &SETTINGS)?;
    let mut client = Client::connect(&cluster.address(), NoTls)?;
    let found = client.query(
        "SELECT name FROM pg_available_extensions WHERE name = 'postgis'",
        &[],
    )?;
    if found.is_empty() {
        return Err(MISSING.into());
    }
    Ok((cluster, client))
}

/// Whether PostGIS can be measured here.
///
/// # Errors
/// What is missing, and how to get it.
pub fn available(folder: &Path) -> Outcome {
    start(folder)
        .map(|_| ())
        .map_err(|error| format!("{error}; needed is {PACKAGE}").into())
}

pub struct Postgis<'a> {
    client: Client,
    conflict: Statement,
    point: Statement,
    insert: Statement,
    questions: Vec<(Ewkb, &'a Thing)>,
    moments: Vec<(Ewkb, SystemTime)>,
    pub version: String,
    _cluster: Cluster,
}

/// `2016-09-12 00:00:00+00` of whole seconds.
fn text(ms: i64) -> String {
    let (days, second) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000) / 1000);
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}+00")
}

impl<'a> Postgis<'a> {
    pub const NAME: &'static str = "PostGIS GiST(geom, during, alt)";

    pub fn new(folder: &Path, work: &'a Workload) -> Outcome<Self> {
        let (cluster, mut client) = start(folder)?;
        client.batch_execute(
            "CREATE EXTENSION postgis; CREATE EXTENSION btree_gist; CREATE EXTENSION pg_stat_statements;
             CREATE TABLE volume (id int PRIMARY KEY, geom geometry(Polygon, 4326) NOT NULL, during tstzrange NOT NULL, alt numrange NOT NULL)",
        )?;
        let mut copy = client.copy_in("COPY volume FROM STDIN")?;
        for (i, t) in work.volumes.iter().enumerate() {
            let mut row = format!("{i}\t");
            for byte in polygon(t).0 {
                write!(row, "{byte:02X}")?;
            }
            let end = t.end_ms.map(text).unwrap_or_default();
            writeln!(
                row,
                "\t[\"{}\",\"{end}\")\t[{},{}]",
                text(t.start_ms),
                t.low_cm,
                t.high_cm
            )
            .map(|()| row = row.replace(",\"\")", ",)"))?;
            copy.write_all(row.as_bytes())?;
        }
        copy.finish()?;
        client
            .batch_execute("CREATE INDEX volume_gist ON volume USING gist (geom, during, alt)")?;
        client.batch_execute("VACUUM ANALYZE volume")?;
        let version: String = client
            .query_one(
                "SELECT version() || ', PostGIS ' || postgis_lib_version()",
                &[],
            )?
            .get(0);
        let conflict = client.prepare(
            "SELECT id FROM volume WHERE ST_Intersects(geom, $1::geometry) AND during && tstzrange($2, $3) AND alt && numrange($4::int8, $5::int8, '[]')",
        )?;
        let point = client.prepare("SELECT id FROM volume WHERE ST_Intersects(geom, $1::geometry) AND during @> $2::timestamptz")?;
        let insert = client.prepare("INSERT INTO volume VALUES ($1, $2, tstzrange($3, $4), numrange($5::int8, $6::int8, '[]'))")?;
        Ok(Self {
            client,
            conflict,
            point,
            insert,
            questions: work.questions.iter().map(|q| (polygon(q), q)).collect(),
            moments: work
                .moments
                .iter()
                .map(|m| {
                    (
                        ewkb(1, &[m.place.map(|v| v as f64 / 1e8)]),
                        instant(m.at_ms),
                    )
                })
                .collect(),
            version,
            _cluster: cluster,
        })
    }
}

impl Peer for Postgis<'_> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn conflicts(&mut self, question: usize, out: &mut Vec<u32>) -> Outcome {
        let (geom, q) = &self.questions[question];
        let (start, end) = (instant(q.start_ms), q.end_ms.map(instant));
        let (low, high) = (i64::from(q.low_cm), i64::from(q.high_cm));
        let rows = self
            .client
            .query(&self.conflict, &[geom, &start, &end, &low, &high])?;
        out.extend(rows.iter().map(|r| r.get::<_, i32>(0) as u32));
        Ok(())
    }

    fn holding(&mut self, moment: usize, out: &mut Vec<u32>) -> Outcome {
        let (geom, at) = &self.moments[moment];
        let rows = self.client.query(&self.point, &[geom, at])?;
        out.extend(rows.iter().map(|r| r.get::<_, i32>(0) as u32));
        Ok(())
    }

    /// Table and indices.
    fn bytes(&mut self) -> Outcome<Option<f64>> {
        let size = "SELECT pg_total_relation_size('volume')::float8";
        Ok(Some(self.client.query_one(size, &[])?.get(0)))
    }

    fn insert(&mut self, id: usize, t: &Thing) -> Outcome<bool> {
        let (start, end) = (instant(t.start_ms), t.end_ms.map(instant));
        let (low, high) = (i64::from(t.low_cm), i64::from(t.high_cm));
        let id = i32::try_from(id)?;
        self.client
            .execute(&self.insert, &[&id, &polygon(t), &start, &end, &low, &high])?;
        Ok(true)
    }

    fn server_us(&mut self) -> Outcome<Option<f64>> {
        let mean = "SELECT mean_exec_time * 1000 FROM pg_stat_statements WHERE query LIKE 'SELECT id FROM volume%alt &&%'";
        Ok(Some(self.client.query_one(mean, &[])?.get(0)))
    }
}
