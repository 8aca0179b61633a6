//! The logs as static tiles (C2SP tlog-tiles), for anybody to verify: what lies inside the public checkpoint, and nothing else.

use super::api::{Here, read};
use super::problem::Problem;
use super::strict::{Json, Path};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use record::audience::Reader;
use record::c2sp::tile::TileId;
use record::door::{self, DoorError, Policy, StoreTiles};
use record::name::CallSign;
use serde::Serialize;
use utoipa::ToSchema;

/// Full tiles never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The logs that can be read here.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogIndex {
    /// Each with where it is.
    pub logs: Vec<LogRow>,
}

/// One log.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogRow {
    /// Its participant's call sign.
    pub call_sign: String,
    /// Its origin.
    pub origin: String,
    /// The key by which this node knows it. Compare it with its owner over another line.
    pub verifier: Option<String>,
    /// Where its checkpoint and tiles are, below this address.
    #[schema(example = "log/RU/")]
    pub path: String,
    /// Entries under the checkpoint that is public now.
    pub size: Option<u64>,
    /// Whether this is an exercise: nothing in it is real.
    pub exercise: bool,
}

/// The logs that can be read here
#[utoipa::path(get, path = "/log/index.json", tag = "logs", responses((status = 200, body = LogIndex)))]
pub async fn index(here: Here) -> Result<Json<LogIndex>, Problem> {
    let node = here.0;
    let logs = read(move || Ok::<_, DoorError>(rows(&node))).await?;
    Ok(Json(LogIndex { logs }))
}

fn rows(node: &crate::Node) -> Vec<LogRow> {
    let members = node.sources().members();
    let rows = node.sources().all().into_iter().filter_map(|source| {
        let sign = members.call_signs.get(source.origin())?;
        let head = match source.log() {
            Some(log) => door::head_for(log, &Policy::default(), &Reader::public())
                .ok()
                .flatten(),
            None => source.head(),
        };
        let verifier = source.log().and_then(|log| {
            let ring = log.ring();
            let size = log.head().map_or(0, |head| head.size());
            ring.log_keys(size).first().map(|key| (*key).to_owned())
        });
        Some(LogRow {
            call_sign: sign.to_string(),
            origin: source.origin().to_string(),
            verifier,
            path: format!("log/{sign}/"),
            size: head.map(|head| head.checkpoint().size()),
            exercise: node.is_exercise(),
        })
    });
    rows.collect()
}

/// A log's checkpoint or one of its tiles
///
/// As C2SP tlog-tiles has them: `checkpoint`, `tile/L/N`, `tile/entries/N`, partial ones with `.p/W`.
#[utoipa::path(
    get, path = "/log/{call_sign}/{path}", tag = "logs",
    params(("call_sign" = String, Path, description = "Whose log", max_length = 16), ("path" = String, Path, description = "checkpoint, tile/…", max_length = 64)),
    responses((status = 200, description = "Bytes", content_type = "application/octet-stream", body = Vec<u8>))
)]
pub async fn file(
    here: Here,
    Path((sign, path)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let sign: CallSign = sign.parse().map_err(|_| Problem::not_found())?;
    let node = here.0;
    let wanted = path.clone();
    let bytes = read(move || answer(&node, &sign, &wanted)).await?;
    let bytes = bytes.ok_or_else(Problem::not_found)?;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    let text = path == "checkpoint";
    let media = if text {
        "text/plain; charset=utf-8"
    } else {
        "application/octet-stream"
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    let keep = if text { "no-cache" } else { FOR_EVER };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    Ok(response)
}

fn answer(node: &crate::Node, sign: &CallSign, path: &str) -> Result<Option<Vec<u8>>, DoorError> {
    let members = node.sources().members();
    let origin = members
        .call_signs
        .iter()
        .find(|(_, known)| *known == sign)
        .map(|(origin, _)| origin);
    let Some(source) = origin.and_then(|origin| node.sources().of(origin)) else {
        return Ok(None);
    };
    if let Some(log) = source.log() {
        return match door::answer(log, &Policy::default(), &Reader::public(), path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(DoorError::NotFound) => Ok(None),
            Err(error) => Err(error),
        };
    }
    // What was mirrored is under a head that its owner had published.
    let Some(head) = source.head() else {
        return Ok(None);
    };
    if path == "checkpoint" {
        return Ok(Some(head.to_string().into_bytes()));
    }
    let Ok(id) = TileId::parse(path) else {
        return Ok(None);
    };
    let tiles = StoreTiles::new(source.reader().clone(), head.checkpoint().size());
    Ok(tiles.read(id)?)
}
