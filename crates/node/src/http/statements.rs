//! Statements: saying one, and reading them with as much as the reader may.

use super::App;
use super::api::{self, Asker, Position, read};
use super::conflicts::{self, Review};
use super::exact;
use super::idempotency::IdempotencyKey;
use super::page::{Page, PageParams, Paged};
use super::problem::{Kind, Problem};
use super::strict::{Hashed, Json, Path};
use crate::Node;
use crate::accounts::{Caller, Scope};
use crate::authority::{Eyes, may_read};
use crate::views::erasure::ErasureRow;
use crate::views::{ListQuery, StatementRow, ViewError};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use record::audience::Audience;
use record::log::Receipt;
use record::name::{CallSign, Origin, Reference};
use record::statement::{Draft, Kid, Statement};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use truce::participants::Office;
use truce::wire::{Place, Wire};
use utoipa::{IntoParams, ToSchema};

/// Statements that are shown about one.
const ABOUT_MAX: u32 = 500;

/// What is said: a signed statement, or a draft that the node signs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Say {
    /// A signed statement with all of its disclosures, `leaf~disclosure~…~`. It may be sent again and stands there once.
    #[schema(example = "eyJhbGciOiJFZERTQSJ9.e30.c2ln~", max_length = 1048576)]
    pub statement: Option<String>,
    /// A draft, to be signed with the key that this node keeps for the office. Send an `Idempotency-Key` with it.
    #[schema(value_type = Option<DraftBody>)]
    pub draft: Option<Value>,
    /// The office that says the draft; the account must hold it.
    #[schema(example = "duty_officer", max_length = 64)]
    pub office: Option<String>,
    /// Which of the office's keys signs; left out, the first.
    #[schema(example = "3", max_length = 20)]
    pub kid: Option<String>,
}

/// A statement before it is signed.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes a draft, which the record reads")]
pub struct DraftBody {
    /// Kind and version.
    #[schema(example = "message.send/1")]
    pub kind: String,
    /// When it was said, with offset; left out, now.
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// What it is about: full references.
    pub about: Option<Vec<String>>,
    /// The last own statement about that object, as If-Match.
    pub prev: Option<String>,
    /// Digests that the author held.
    pub seen: Option<Vec<String>>,
    /// The groups: of each its readers and its content.
    pub groups: std::collections::BTreeMap<String, DraftGroup>,
}

/// A group of a draft.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes a draft, which the record reads")]
pub struct DraftGroup {
    /// Its readers: `public`, `parties`, call signs. None: nobody but the own side.
    pub aud: Vec<String>,
    /// What it says.
    #[schema(value_type = Object)]
    pub content: Value,
}

/// A receipt: the statement is on the disk and under a signed head.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Logged {
    /// Full reference.
    pub reference: String,
    /// To be read aloud.
    #[schema(example = "RU-412")]
    pub short: String,
    /// Size of the signed head that covers it.
    pub size: u64,
    /// Whether it stood there before: the same statement was sent again.
    pub already: bool,
    /// Of a notice of a site or a movement: that it is received, and what it meets of what its author reads.
    pub review: Option<Review>,
}

/// Which statements.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Kind and version, such as `message.send/1`.
    #[param(max_length = 64)]
    kind: Option<String>,
    /// The author's call sign.
    #[param(max_length = 16)]
    by: Option<String>,
    /// Not before.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Before.
    #[param(format = DateTime)]
    until: Option<String>,
}

/// Say a statement
///
/// The answer comes when the statement is durable and under a signed head. A refusal names rule, member and reason, and nothing
/// was written then. A signed statement may be sent again and stands there once; with a draft send an `Idempotency-Key`.
#[utoipa::path(
    post, path = "/api/v1/statements", tag = "statements", operation_id = "say", request_body = Say,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and request give the same answer, once", pattern = "^[A-Za-z0-9_-]{8,128}$")),
    responses(
        (status = 201, body = Logged, description = "The receipt"),
        (status = 409, description = "A request with this key is being done, or its outcome is not known"),
        (status = 412, description = "`prev` is not what your side last said about this"),
        (status = 429, description = "Too much is waiting")
    )
)]
pub async fn say(
    State(app): State<Arc<App>>,
    asker: Asker,
    key: IdempotencyKey,
    Hashed { body: say, request }: Hashed<Say>,
) -> Result<Response, Problem> {
    let caller = asker.need(Scope::Say)?;
    if let Some(compact) = &say.statement {
        if say.draft.is_some() || say.office.is_some() || say.kid.is_some() {
            return Err(api::refusal(
                "one_way",
                "statement",
                "comes alone: it says itself who signed it; or send a draft with its office",
            ));
        }
        let statement = signed(&asker, caller, compact)?;
        return Ok(answer(submit(&asker, statement).await));
    }
    let caller = caller.clone();
    let once = app.idempotency.clone();
    let work = {
        let caller = caller.clone();
        async move {
            let node = Arc::clone(&asker.node);
            let drafted = read(move || drafted(&node, &caller, &say)).await;
            answer(match drafted {
                Ok(statement) => submit(&asker, statement).await,
                Err(problem) => Err(problem),
            })
        }
    };
    Ok(once.once(&caller, key, request, work).await)
}

fn answer(logged: Result<Logged, Problem>) -> Response {
    match logged {
        Ok(logged) => (StatusCode::CREATED, Json(logged)).into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn signed(asker: &Asker, caller: &Caller, compact: &str) -> Result<Statement, Problem> {
    let statement = Statement::parse(compact)
        .map_err(|error| api::refusal("form", "statement", error.to_string()))?;
    let sign = caller.participant.as_ref();
    let own = sign.and_then(|sign| asker.node.own_of(sign).ok());
    if own.is_none_or(|own| *own.origin() != statement.leaf().log.origin) {
        return Err(Problem::new(
            Kind::Forbidden,
            "a statement is said with an account of its own participant",
        ));
    }
    Ok(statement)
}

/// Reads a draft and has it signed for an office that the caller holds.
fn drafted(node: &Node, caller: &Caller, say: &Say) -> Result<Statement, Problem> {
    let Some(draft) = &say.draft else {
        return Err(api::refusal(
            "one_way",
            "statement",
            "must stand there, or a draft",
        ));
    };
    let office = say.office.as_deref().unwrap_or_default();
    let office = Office::read(&office.into(), &Place::Top).map_err(|_| {
        api::refusal(
            "office",
            "office",
            "is the office that says the draft, such as duty_officer",
        )
    })?;
    if !caller.acts_as(office) {
        let detail = format!("this account or token does not act as {}", office.as_str());
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    let kid = say.kid.as_deref().map(str::parse::<Kid>).transpose();
    let kid = kid.map_err(|rule| api::refusal("key", "kid", rule))?;
    let text = serde_json::to_vec(draft).map_err(|_| Problem::internal())?;
    let draft = Draft::parse(&text, node.now())
        .map_err(|error| api::refusal("form", "draft", error.to_string()))?;
    let sign = caller.participant.as_ref().ok_or_else(Problem::not_found)?;
    Ok(node.sign(sign, office, kid, draft)?)
}

async fn submit(asker: &Asker, statement: Statement) -> Result<Logged, Problem> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let statement = Arc::new(statement);
    asker.node.submit(Arc::clone(&statement), move |result| {
        let _ = sender.send(result);
    });
    let receipt: Receipt = receiver.await.map_err(|_| Problem::internal())??;
    let said = receipt.reference;
    let first = statement
        .head()
        .and_then(|head| conflicts::notice(head, &said));
    Ok(Logged {
        short: api::short(&asker.node, &said),
        reference: said.to_string(),
        size: receipt.size,
        already: receipt.already,
        review: match first {
            Some(first) => Some(conflicts::review(asker, first, said).await),
            None => None,
        },
    })
}

/// Counts the exact places in an answer, and gives it back.
pub(super) fn told<T>(
    asker: &Asker,
    answer: T,
    rows: impl FnOnce(&T) -> &[StatementRow],
) -> Result<T, ViewError> {
    asker.count(&exact::in_statements(asker, rows(&answer))?);
    Ok(answer)
}

/// List statements
#[utoipa::path(get, path = "/api/v1/statements", tag = "statements", operation_id = "list_statements", params(Which, PageParams), responses((status = 200, body = Page<StatementRow>)))]
pub async fn list(
    asker: Asker,
    paged: Paged<Which, Position>,
) -> Result<Json<Page<StatementRow>>, Problem> {
    let query = api::list_query(&paged, |which| {
        Ok(ListQuery {
            by: which.by.clone(),
            from: api::time("from", which.from.as_deref())?,
            until: api::time("until", which.until.as_deref())?,
            ..ListQuery::default()
        })
    })?;
    let kind = paged.filters.kind.clone();
    let listed = read(move || {
        let listed = asker.views.statements(kind.as_deref(), &query)?;
        told(&asker, listed, |listed| &listed.items)
    })
    .await?;
    Ok(Json(api::page(&paged, listed)))
}

/// Read one statement
///
/// By its full reference, percent-encoded, or by call sign and index (`RU-412`).
#[utoipa::path(
    get, path = "/api/v1/statements/{statement}", tag = "statements",
    params(("statement" = String, Path, description = "Full reference, or call sign and index", max_length = 256)),
    responses((status = 200, body = StatementRow))
)]
pub async fn one(asker: Asker, Path(text): Path<String>) -> Result<Json<StatementRow>, Problem> {
    let reference = find(&asker, &text).await?;
    let row = read(move || {
        let row = asker.views.statement(&reference)?;
        told(&asker, row, Option::as_slice)
    })
    .await?;
    row.map(Json).ok_or_else(Problem::not_found)
}

/// What is said about a statement
#[utoipa::path(
    get, path = "/api/v1/statements/{statement}/about", tag = "statements",
    params(("statement" = String, Path, description = "Full reference, or call sign and index", max_length = 256)),
    responses((status = 200, body = Vec<StatementRow>))
)]
pub async fn about(
    asker: Asker,
    Path(text): Path<String>,
) -> Result<Json<Vec<StatementRow>>, Problem> {
    let reference = find(&asker, &text).await?;
    let rows = read(move || {
        let rows = asker.views.about(&reference, ABOUT_MAX)?;
        told(&asker, rows, Vec::as_slice)
    })
    .await?;
    Ok(Json(rows))
}

/// Where a statement is erased
///
/// Who was to hold what its author had erased, who has said that it is destroyed there and when, and who has not: as far as the
/// asker sees what they said. Of a statement of which nothing was erased it is empty.
#[utoipa::path(
    get, path = "/api/v1/statements/{statement}/erasure", tag = "statements",
    params(("statement" = String, Path, description = "Full reference, or call sign and index", max_length = 256)),
    responses((status = 200, body = ErasureRow))
)]
pub async fn erasure(asker: Asker, Path(text): Path<String>) -> Result<Json<ErasureRow>, Problem> {
    let reference = find(&asker, &text).await?;
    let views = asker.views;
    let row = read(move || views.erasure(&reference)).await?;
    row.map(Json).ok_or_else(Problem::not_found)
}

/// Who can see a group, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupReaders {
    /// The group.
    pub group: String,
    /// Whom its author addressed.
    pub audience: Vec<String>,
    /// The marking by the Traffic Light Protocol 2.0 that comes nearest.
    #[schema(example = "TLP:AMBER+STRICT")]
    pub tlp: &'static str,
    /// Everybody who is known here.
    pub readers: Vec<ReaderRow>,
}

/// One reader.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReaderRow {
    /// Call sign, or `public`.
    pub reader: String,
    /// Whether he can see it.
    pub sees: bool,
    /// Why.
    pub because: String,
}

/// Who can see a statement, and why
///
/// For its author's side, for the notification cell and for auditors.
#[utoipa::path(
    get, path = "/api/v1/statements/{statement}/readers", tag = "statements",
    params(("statement" = String, Path, description = "Full reference, or call sign and index", max_length = 256)),
    responses((status = 200, body = Vec<GroupReaders>))
)]
pub async fn readers(
    asker: Asker,
    Path(text): Path<String>,
) -> Result<Json<Vec<GroupReaders>>, Problem> {
    let caller = asker.need(Scope::Read)?;
    let reference = find(&asker, &text).await?;
    let author = asker
        .node
        .own_of(caller.participant.as_ref().ok_or_else(Problem::not_found)?);
    let own = author.is_ok_and(|own| *own.origin() == reference.origin);
    let looks = [Office::Auditor, Office::NotificationOfficer];
    if !own && !looks.iter().any(|office| caller.acts_as(*office)) {
        return Err(Problem::new(
            Kind::Forbidden,
            "who can see a statement is told to its author's side, to the notification cell and to auditors",
        ));
    }
    let views = Arc::clone(&asker.views);
    let found = reference.clone();
    let row = read(move || views.statement(&found))
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(
        row.groups
            .iter()
            .map(|group| group_readers(&asker.node, &reference, &group.name, &group.audience))
            .collect(),
    ))
}

fn group_readers(node: &Node, of: &Reference, group: &str, names: &[String]) -> GroupReaders {
    let audience = Audience::of(names.iter().filter_map(|name| name.parse().ok()));
    let members = node.sources().members();
    let row = |eyes: Eyes, reader: String, sign: Option<&CallSign>| {
        let sees = may_read(&eyes, &of.origin, &audience, &members);
        let own = matches!(&eyes, Eyes::Participant(origin) if *origin == of.origin);
        let party = matches!(&eyes, Eyes::Participant(origin) if members.parties.contains(origin));
        let named = |name: &str| names.iter().any(|other| other == name);
        let because = if own {
            "its author's own side"
        } else if named("public") {
            "it is addressed to the public"
        } else if sign.is_some_and(|sign| named(sign.as_str())) {
            "it is addressed to this participant by name"
        } else if sees && party {
            "it is addressed to the parties, and this is one"
        } else if named("parties") {
            "it is addressed to the parties, and this is none"
        } else {
            "it is not addressed to this reader"
        };
        ReaderRow {
            reader,
            sees,
            because: because.into(),
        }
    };
    let mut readers: Vec<ReaderRow> = members
        .call_signs
        .iter()
        .map(|(origin, sign)| {
            row(
                Eyes::Participant(origin.clone()),
                sign.to_string(),
                Some(sign),
            )
        })
        .collect();
    readers.push(row(Eyes::Public, "public".into(), None));
    GroupReaders {
        group: group.into(),
        audience: names.to_vec(),
        tlp: tlp(names),
        readers,
    }
}

/// TLP 2.0: `CLEAR` for the public, `GREEN` for all parties, `AMBER` for named participants, `AMBER+STRICT` for the own side.
#[must_use]
pub fn tlp(audience: &[String]) -> &'static str {
    let has = |name: &str| audience.iter().any(|other| other == name);
    if has("public") {
        "TLP:CLEAR"
    } else if has("parties") {
        "TLP:GREEN"
    } else if audience.iter().any(|name| name != "own") {
        "TLP:AMBER"
    } else {
        "TLP:AMBER+STRICT"
    }
}

/// The statement that `text` names, if the asker reads it at all.
pub(super) async fn find(asker: &Asker, text: &str) -> Result<Reference, Problem> {
    if let Ok(reference) = text.parse::<Reference>() {
        return Ok(reference);
    }
    let (sign, index) = text.rsplit_once('-').ok_or_else(Problem::not_found)?;
    let index = record::name::decimal(index).ok_or_else(Problem::not_found)?;
    let sign: CallSign = sign.parse().map_err(|_| Problem::not_found())?;
    let origin: Origin = asker
        .views
        .context()
        .directory
        .origin(&sign)
        .cloned()
        .ok_or_else(Problem::not_found)?;
    let views = Arc::clone(&asker.views);
    let found = read(move || views.find(&origin, index)).await?;
    found.ok_or_else(Problem::not_found)
}
