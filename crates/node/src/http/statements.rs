//! Statements: saying one, and reading them with as much as the reader may.

use super::App;
use super::auth::Asker;
use super::extract::{Asked, Body, Named};
use super::once::Before;
use super::page::{self, Page};
use super::problem::{Problem, Problems};
use crate::NodeError;
use crate::accounts::{Caller, Scope};
use crate::authority::{Eyes, may_read};
use crate::views::{ListQuery, StatementRow};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use record::audience::Audience;
use record::encoding::Hash;
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
}

/// Which statements.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
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
    /// Where the page begins, as the page before says.
    #[param(max_length = 128)]
    cursor: Option<String>,
    /// Rows at most.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Say a statement
///
/// The answer comes when the statement is durable and under a signed head. A refusal names the rule, the member and the reason,
/// and nothing was written then.
#[utoipa::path(
    post, path = "/api/v1/statements", tag = "statements", request_body = Say,
    params(("Idempotency-Key" = Option<String>, Header, description = "With a draft: the same key and request give the same answer, once", max_length = 128)),
    responses((status = 201, body = Logged), Problems)
)]
pub async fn say(
    State(app): State<App>,
    asker: Asker,
    headers: HeaderMap,
    Body(say): Body<Say>,
) -> Result<(StatusCode, Json<Logged>), Problem> {
    let caller = asker.need(Scope::Say)?;
    let logged = match (&say.statement, &say.draft) {
        (Some(compact), None) => {
            if say.office.is_some() || say.kid.is_some() {
                return Err(Problem::refused(
                    "one_way",
                    "office",
                    "is for a draft; a signed statement says itself which key signed it",
                ));
            }
            signed(&app, caller, compact).await?
        }
        (None, Some(draft)) => {
            let key = headers
                .get("idempotency-key")
                .map(|key| key.to_str().unwrap_or_default());
            match key {
                None => submit(&app, drafted(&app, caller, &say, draft)?).await?,
                Some(key) => once(&app, caller, key, &say, draft).await?,
            }
        }
        _ => {
            return Err(Problem::refused(
                "one_way",
                "statement",
                "send either a signed `statement` or a `draft`",
            ));
        }
    };
    Ok((StatusCode::CREATED, Json(logged)))
}

async fn signed(app: &App, caller: &Caller, compact: &str) -> Result<Logged, Problem> {
    let statement = Statement::parse(compact)
        .map_err(|error| Problem::refused("form", "statement", &error.to_string()))?;
    let own = caller
        .participant
        .as_ref()
        .and_then(|sign| app.node.own_of(sign).ok());
    if own.is_none_or(|own| *own.origin() != statement.leaf().log.origin) {
        return Err(Problem::forbidden(
            "a statement is said by its own participant's account",
        ));
    }
    submit(app, statement).await
}

/// A draft with an Idempotency-Key: it is signed once, and said until it stands there.
async fn once(
    app: &App,
    caller: &Caller,
    key: &str,
    say: &Say,
    draft: &Value,
) -> Result<Logged, Problem> {
    let request = serde_json::to_vec(say).map_err(|_| Problem::failed())?;
    let request = Hash::of(&[&request]);
    let account = caller
        .account
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let (once, now) = (Arc::clone(&app.once), app.node.now());
    let turn = once.turn(&account, key)?;
    let statement = match turn.before(&request, now)? {
        Before::Answered(answer) => {
            return serde_json::from_str(&answer).map_err(|_| Problem::failed());
        }
        Before::Signed(text) => Statement::parse(&text).map_err(|_| Problem::failed())?,
        Before::Nothing => {
            let statement = drafted(app, caller, say, draft)?;
            turn.signed(&request, &statement.to_string(), now)?;
            statement
        }
    };
    match submit(app, statement).await {
        Ok(logged) => {
            let answer = serde_json::to_string(&logged).map_err(|_| Problem::failed())?;
            turn.answered(&answer)?;
            Ok(logged)
        }
        Err(problem) if problem.status < 500 => {
            turn.refused()?;
            Err(problem)
        }
        Err(problem) => Err(problem),
    }
}

fn drafted(app: &App, caller: &Caller, say: &Say, draft: &Value) -> Result<Statement, Problem> {
    let office = say.office.as_deref().ok_or_else(|| {
        Problem::refused(
            "office",
            "office",
            "must stand there with a draft, such as duty_officer",
        )
    })?;
    let office = Office::read(&office.into(), &Place::Top)
        .map_err(|error| Problem::refused("office", "office", &error.rule()))?;
    if !caller.acts_as(office) {
        return Err(Problem::forbidden(format!(
            "this account does not hold the office {}",
            office.as_str()
        )));
    }
    let kid: Option<Kid> = say
        .kid
        .as_deref()
        .map(|kid| {
            kid.parse()
                .map_err(|rule: &str| Problem::refused("key", "kid", rule))
        })
        .transpose()?;
    let now = app.node.now();
    let text = serde_json::to_vec(draft).map_err(|_| Problem::failed())?;
    let draft = Draft::parse(&text, now)
        .map_err(|error| Problem::refused("form", "draft", &error.to_string()))?;
    let sign = caller
        .participant
        .as_ref()
        .ok_or_else(|| Problem::forbidden("this account belongs to no participant of this node"))?;
    app.node
        .sign(sign, office, kid, draft)
        .map_err(|error| match error {
            NodeError::View(error) => error.into(),
            NodeError::NotOurs(_) => Problem::forbidden(error.to_string()),
            other => Problem::refused("key", "office", &other.to_string()),
        })
}

async fn submit(app: &App, statement: Statement) -> Result<Logged, Problem> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    app.node.submit(Arc::new(statement), move |result| {
        let _ = sender.send(result);
    });
    let receipt: Receipt = receiver.await.map_err(|_| Problem::failed())??;
    Ok(Logged {
        short: app.short(&receipt.reference),
        reference: receipt.reference.to_string(),
        size: receipt.size,
        already: receipt.already,
    })
}

/// List statements
#[utoipa::path(get, path = "/api/v1/statements", tag = "statements", params(Which), responses((status = 200, body = Page<StatementRow>), Problems))]
pub async fn list(
    State(app): State<App>,
    asker: Asker,
    Asked(which): Asked<Which>,
) -> Result<Json<Page<StatementRow>>, Problem> {
    let name = app.list_name(
        &asker.eyes,
        "statements",
        &[&which.kind, &which.by, &which.from, &which.until],
    );
    let query = ListQuery {
        by: which.by,
        from: page::time("from", which.from.as_deref())?,
        until: page::time("until", which.until.as_deref())?,
        after: which
            .cursor
            .map(|cursor| app.cursors.read(&name, &cursor))
            .transpose()?,
        limit: page::limit(which.limit)?,
        ..ListQuery::default()
    };
    let views = asker.views;
    let listed = app
        .read(move || views.statements(which.kind.as_deref(), &query))
        .await?;
    Ok(Json(app.page(&name, listed)))
}

/// Read one statement
///
/// By its full reference, percent-encoded, or by call sign and index (`RU-412`).
#[utoipa::path(
    get, path = "/api/v1/statements/{statement}", tag = "statements",
    params(("statement" = String, Path, description = "Full reference, or call sign and index", max_length = 256)),
    responses((status = 200, body = StatementRow), Problems)
)]
pub async fn one(
    State(app): State<App>,
    asker: Asker,
    Named(text): Named<String>,
) -> Result<Json<StatementRow>, Problem> {
    let reference = find(&app, &asker, &text).await?;
    let views = asker.views;
    let row = app.read(move || views.statement(&reference)).await?;
    row.map(Json).ok_or_else(Problem::not_found)
}

/// What is said about a statement
#[utoipa::path(
    get, path = "/api/v1/statements/{statement}/about", tag = "statements",
    params(("statement" = String, Path, description = "Full reference, or call sign and index", max_length = 256)),
    responses((status = 200, body = Vec<StatementRow>), Problems)
)]
pub async fn about(
    State(app): State<App>,
    asker: Asker,
    Named(text): Named<String>,
) -> Result<Json<Vec<StatementRow>>, Problem> {
    let reference = find(&app, &asker, &text).await?;
    let views = asker.views;
    let rows = app.read(move || views.about(&reference, ABOUT_MAX)).await?;
    Ok(Json(rows))
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
    responses((status = 200, body = Vec<GroupReaders>), Problems)
)]
pub async fn readers(
    State(app): State<App>,
    asker: Asker,
    Named(text): Named<String>,
) -> Result<Json<Vec<GroupReaders>>, Problem> {
    let caller = asker.need(Scope::Read)?;
    let reference = find(&app, &asker, &text).await?;
    let author = app
        .node
        .own_of(caller.participant.as_ref().ok_or_else(Problem::not_found)?);
    let own = author.is_ok_and(|own| *own.origin() == reference.origin);
    let looks = [Office::Auditor, Office::NotificationOfficer];
    if !own && !looks.iter().any(|office| caller.acts_as(*office)) {
        return Err(Problem::forbidden(
            "who can see a statement is told to its author's side, to the notification cell and to auditors",
        ));
    }
    let views = Arc::clone(&asker.views);
    let found = reference.clone();
    let row = app
        .read(move || views.statement(&found))
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(
        row.groups
            .iter()
            .map(|group| group_readers(&app, &reference, &group.name, &group.audience))
            .collect(),
    ))
}

fn group_readers(app: &App, of: &Reference, group: &str, names: &[String]) -> GroupReaders {
    let audience = Audience::of(names.iter().filter_map(|name| name.parse().ok()));
    let members = app.node.sources().members();
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
pub(super) async fn find(app: &App, asker: &Asker, text: &str) -> Result<Reference, Problem> {
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
    let found = app.read(move || views.find(&origin, index)).await?;
    found.ok_or_else(Problem::not_found)
}
