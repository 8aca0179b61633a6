//! What runs in this process: ours, `rstar`, `packed_spatial_index` and SQLite's R*Tree, the last three with the exact test of `geo`.

use geo::Intersects;
use packed_spatial_index::{Box3D, Index3DBuilder, SimdIndex3D};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, ParentNode, RTree, RTreeNode};
use rusqlite::Connection;
use space::{Ask, Position, Space, UtcMs, Volume};

use bench::Outcome;

use crate::Workload;
use crate::workload::{Moment, Thing};

/// Something that answers both questions. Answers are indices of volumes.
pub trait Peer {
    fn name(&self) -> &'static str;
    fn conflicts(&mut self, question: usize, out: &mut Vec<u32>) -> Outcome;
    fn holding(&mut self, moment: usize, out: &mut Vec<u32>) -> Outcome;

    /// Bytes of all volumes with their shapes, where it can be told.
    fn bytes(&mut self) -> Outcome<Option<f64>>;

    /// Adds a volume, visible when this returns; false when this peer cannot.
    fn insert(&mut self, id: usize, thing: &Thing) -> Outcome<bool>;

    /// Mean of a conflict question inside of a server, microseconds.
    fn server_us(&mut self) -> Outcome<Option<f64>> {
        Ok(None)
    }
}

/// The crate under test. Questions are parsed once: so they are for all peers.
pub struct Ours {
    pub space: Space,
    pub questions: Vec<Volume>,
    pub moments: Vec<(Position, UtcMs)>,
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "space"
    }

    fn conflicts(&mut self, question: usize, out: &mut Vec<u32>) -> Outcome {
        let hits = self
            .space
            .read(|s| s.conflicts(&self.questions[question], &Ask::everything()))
            .hits;
        out.extend(hits.iter().map(|c| c.id.0 as u32));
        Ok(())
    }

    fn holding(&mut self, moment: usize, out: &mut Vec<u32>) -> Outcome {
        let (place, at) = self.moments[moment];
        let hits = self
            .space
            .read(|s| s.holding(place, at, None, &Ask::everything()))
            .hits;
        out.extend(hits.iter().map(|h| h.id.0 as u32));
        Ok(())
    }

    fn bytes(&mut self) -> Outcome<Option<f64>> {
        Ok(Some(self.space.snapshot().bytes() as f64))
    }

    fn insert(&mut self, _: usize, _: &Thing) -> Outcome<bool> {
        Ok(false)
    }
}

/// Volumes, questions and moments as `geo` takes them, shared by its three users.
pub struct Exact<'a> {
    pub things: &'a [Thing],
    pub polygons: Vec<geo::Polygon>,
    pub questions: &'a [Thing],
    pub question_polygons: Vec<geo::Polygon>,
    pub moments: &'a [Moment],
}

impl<'a> Exact<'a> {
    pub fn new(work: &'a Workload) -> Self {
        Self {
            things: &work.volumes,
            polygons: work.volumes.iter().map(Thing::polygon).collect(),
            questions: &work.questions,
            question_polygons: work.questions.iter().map(Thing::polygon).collect(),
            moments: &work.moments,
        }
    }

    /// Bytes of the shapes, as `geo` keeps them.
    fn bytes(&self) -> usize {
        let ring = |p: &geo::Polygon| size_of_val(&p.exterior().0[..]);
        self.polygons
            .iter()
            .map(|p| size_of::<geo::Polygon>() + ring(p))
            .sum()
    }

    fn meets(&self, thing: usize, question: usize) -> bool {
        self.things[thing].shares_time_and_height(&self.questions[question])
            && self.polygons[thing].intersects(&self.question_polygons[question])
    }

    fn holds(&self, thing: usize, moment: usize) -> bool {
        let (thing_of, moment) = (&self.things[thing], &self.moments[moment]);
        thing_of.start_ms <= moment.at_ms
            && moment.at_ms < thing_of.end()
            && self.polygons[thing].intersects(&point(moment))
    }
}

fn point(moment: &Moment) -> geo::Point {
    geo::Point::new(moment.place[0] as f64 / 1e8, moment.place[1] as f64 / 1e8)
}

/// An end that a float holds.
fn far(end_ms: Option<i64>) -> f64 {
    end_ms.map_or(1e15, |ms| ms as f64)
}

type Box4 = GeomWithData<Rectangle<[f64; 4]>, u32>;

fn box_of(t: &Thing, i: u32) -> Box4 {
    let b = t.bounds();
    let low = [b[0], b[1], t.start_ms as f64, f64::from(t.low_cm)];
    let high = [b[2], b[3], far(t.end_ms), f64::from(t.high_cm)];
    GeomWithData::new(Rectangle::from_corners(low, high), i)
}

/// Nodes of a tree, leaves included.
fn nodes(parent: &ParentNode<Box4>) -> usize {
    let below = |child: &RTreeNode<Box4>| match child {
        RTreeNode::Leaf(_) => 1,
        RTreeNode::Parent(parent) => 1 + nodes(parent),
    };
    parent.children().iter().map(below).sum()
}

pub struct Rstar<'a> {
    exact: &'a Exact<'a>,
    tree: RTree<Box4>,
}

impl<'a> Rstar<'a> {
    pub const NAME: &'static str = "rstar 4D + geo";

    pub fn new(exact: &'a Exact<'a>) -> Self {
        let boxes = exact.things.iter().zip(0..).map(|(t, i)| box_of(t, i));
        Self {
            exact,
            tree: RTree::bulk_load(boxes.collect()),
        }
    }
}

impl Peer for Rstar<'_> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn conflicts(&mut self, question: usize, out: &mut Vec<u32>) -> Outcome {
        let q = &self.exact.questions[question];
        let b = q.bounds();
        let envelope = AABB::from_corners(
            [b[0], b[1], q.start_ms as f64, f64::from(q.low_cm)],
            [b[2], b[3], far(q.end_ms), f64::from(q.high_cm)],
        );
        let found = self
            .tree
            .locate_in_envelope_intersecting(envelope)
            .map(|item| item.data);
        out.extend(found.filter(|&i| self.exact.meets(i as usize, question)));
        Ok(())
    }

    fn holding(&mut self, moment: usize, out: &mut Vec<u32>) -> Outcome {
        let m = &self.exact.moments[moment];
        let [x, y] = m.place.map(|v| v as f64 / 1e8);
        let envelope =
            AABB::from_corners([x, y, m.at_ms as f64, -1e12], [x, y, m.at_ms as f64, 1e12]);
        let found = self
            .tree
            .locate_in_envelope_intersecting(envelope)
            .map(|item| item.data);
        out.extend(found.filter(|&i| self.exact.holds(i as usize, moment)));
        Ok(())
    }

    fn bytes(&mut self) -> Outcome<Option<f64>> {
        let tree = nodes(self.tree.root()) * size_of::<RTreeNode<Box4>>();
        Ok(Some((tree + self.exact.bytes()) as f64))
    }

    /// The tree only: the shape is made for it as for all peers.
    fn insert(&mut self, id: usize, thing: &Thing) -> Outcome<bool> {
        self.tree.insert(box_of(thing, id as u32));
        Ok(true)
    }
}

pub struct Packed<'a> {
    exact: &'a Exact<'a>,
    index: SimdIndex3D,
    found: Vec<usize>,
}

impl<'a> Packed<'a> {
    pub fn new(exact: &'a Exact<'a>) -> Outcome<Self> {
        let mut builder = Index3DBuilder::new(exact.things.len());
        for t in exact.things {
            let b = t.bounds();
            builder.add(Box3D::new(
                b[0],
                b[1],
                t.start_ms as f64,
                b[2],
                b[3],
                far(t.end_ms),
            ));
        }
        Ok(Self {
            exact,
            index: builder.finish_simd().map_err(|e| format!("{e:?}"))?,
            found: Vec::new(),
        })
    }
}

impl Peer for Packed<'_> {
    fn name(&self) -> &'static str {
        "packed_spatial_index 3D + geo"
    }

    fn conflicts(&mut self, question: usize, out: &mut Vec<u32>) -> Outcome {
        let q = &self.exact.questions[question];
        let b = q.bounds();
        self.found.clear();
        let query = Box3D::new(b[0], b[1], q.start_ms as f64, b[2], b[3], far(q.end_ms));
        self.index.search_into(query, &mut self.found);
        out.extend(
            self.found
                .iter()
                .filter(|&&i| self.exact.meets(i, question))
                .map(|&i| i as u32),
        );
        Ok(())
    }

    fn holding(&mut self, moment: usize, out: &mut Vec<u32>) -> Outcome {
        let m = &self.exact.moments[moment];
        let [x, y] = m.place.map(|v| v as f64 / 1e8);
        let t = m.at_ms as f64;
        self.found.clear();
        self.index
            .search_into(Box3D::new(x, y, t, x, y, t), &mut self.found);
        out.extend(
            self.found
                .iter()
                .filter(|&&i| self.exact.holds(i, moment))
                .map(|&i| i as u32),
        );
        Ok(())
    }

    fn bytes(&mut self) -> Outcome<Option<f64>> {
        Ok(Some(
            (self.index.to_bytes().len() + self.exact.bytes()) as f64,
        ))
    }

    /// It is built once.
    fn insert(&mut self, _: usize, _: &Thing) -> Outcome<bool> {
        Ok(false)
    }
}

const INSERT: &str = "INSERT INTO volume VALUES (?,?,?,?,?,?,?,?,?)";

type Columns = (i64, f64, f64, f64, f64, i64, i64, i32, i32);

fn columns(i: i64, t: &Thing) -> Columns {
    let b = t.bounds();
    (
        i,
        b[0],
        b[2],
        b[1],
        b[3],
        t.start_ms,
        t.end(),
        t.low_cm,
        t.high_cm,
    )
}

/// Two dimensions in the tree, time and height in auxiliary columns: of SQLite's ways the fastest at the median.
pub struct Sqlite<'a> {
    exact: &'a Exact<'a>,
    connection: Connection,
}

impl<'a> Sqlite<'a> {
    pub fn new(exact: &'a Exact<'a>) -> Outcome<Self> {
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch(
            "CREATE VIRTUAL TABLE volume USING rtree(id, w, e, s, n, +t0 INTEGER, +t1 INTEGER, +z0 INTEGER, +z1 INTEGER)",
        )?;
        let insert = connection.transaction()?;
        {
            let mut row = insert.prepare(INSERT)?;
            for (t, i) in exact.things.iter().zip(0i64..) {
                row.execute(columns(i, t))?;
            }
        }
        insert.commit()?;
        Ok(Self { exact, connection })
    }
}

impl Peer for Sqlite<'_> {
    fn name(&self) -> &'static str {
        "SQLite R*Tree 2D+aux + geo"
    }

    fn conflicts(&mut self, question: usize, out: &mut Vec<u32>) -> Outcome {
        let q = &self.exact.questions[question];
        let b = q.bounds();
        let mut select = self.connection.prepare_cached(
            "SELECT id FROM volume WHERE w<=? AND e>=? AND s<=? AND n>=? AND t0<? AND t1>? AND z0<=? AND z1>=?",
        )?;
        let mut rows = select.query((
            b[2],
            b[0],
            b[3],
            b[1],
            q.end(),
            q.start_ms,
            q.high_cm,
            q.low_cm,
        ))?;
        while let Some(row) = rows.next()? {
            let i: u32 = row.get(0)?;
            if self.exact.meets(i as usize, question) {
                out.push(i);
            }
        }
        Ok(())
    }

    fn holding(&mut self, moment: usize, out: &mut Vec<u32>) -> Outcome {
        let m = &self.exact.moments[moment];
        let [x, y] = m.place.map(|v| v as f64 / 1e8);
        let mut select = self.connection.prepare_cached(
            "SELECT id FROM volume WHERE w<=? AND e>=? AND s<=? AND n>=? AND t0<=? AND t1>?",
        )?;
        let mut rows = select.query((x, x, y, y, m.at_ms, m.at_ms))?;
        while let Some(row) = rows.next()? {
            let i: u32 = row.get(0)?;
            if self.exact.holds(i as usize, moment) {
                out.push(i);
            }
        }
        Ok(())
    }

    fn bytes(&mut self) -> Outcome<Option<f64>> {
        let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        let rows: i64 = self.connection.query_row(size, (), |row| row.get(0))?;
        Ok(Some(rows as f64 + self.exact.bytes() as f64))
    }

    fn insert(&mut self, id: usize, thing: &Thing) -> Outcome<bool> {
        let mut row = self.connection.prepare_cached(INSERT)?;
        row.execute(columns(id as i64, thing))?;
        Ok(true)
    }
}
