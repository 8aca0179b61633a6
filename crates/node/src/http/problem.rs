//! Errors as `application/problem+json` (RFC 9457): what happened, at which place, and what to do.

use crate::views::ViewError;
use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use record::log::SayError;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// The media type of errors.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Which sort of error, as a reference that stays the same.
    #[serde(rename = "type")]
    #[schema(example = "/problems/refused")]
    pub kind: String,
    /// The sort in words.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong here, and what to do.
    pub detail: String,
    /// The rule that refused a statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The member that breaks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// When to try again, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

/// The errors that every operation may answer with.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "it describes responses and is never built")]
pub enum Problems {
    /// The request is malformed: a parameter, a cursor or the body.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(#[to_schema] Problem),
    /// The credentials are not valid, or there are none and they are needed.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(#[to_schema] Problem),
    /// The caller may not do this.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// There is nothing here, or nothing that the caller may read: these two are one answer.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] Problem),
    /// The method is not for this path.
    #[response(status = 405, content_type = "application/problem+json")]
    MethodNotAllowed(#[to_schema] Problem),
    /// It took too long.
    #[response(status = 408, content_type = "application/problem+json")]
    Timeout(#[to_schema] Problem),
    /// A request with the same Idempotency-Key is under way.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] Problem),
    /// `prev` is not what the author last said about the object.
    #[response(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(#[to_schema] Problem),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] Problem),
    /// The body's media type is not taken.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(#[to_schema] Problem),
    /// A statement was refused, or a request contradicts itself.
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(#[to_schema] Problem),
    /// Too much at once.
    #[response(status = 429, content_type = "application/problem+json")]
    TooManyRequests(#[to_schema] Problem),
    /// Something failed here.
    #[response(status = 500, content_type = "application/problem+json")]
    Failed(#[to_schema] Problem),
    /// Nothing can be said here now.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] Problem),
}

impl Problem {
    /// An error of a sort.
    #[must_use]
    pub fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{kind}"),
            title: title.into(),
            status: status.as_u16(),
            detail: detail.into(),
            rule: None,
            field: None,
            retry_after_s: None,
        }
    }

    /// A malformed request.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            "The request is malformed",
            detail,
        )
    }

    /// A malformed parameter.
    #[must_use]
    pub fn parameter(name: &str, rule: impl Into<String>) -> Self {
        let rule = rule.into();
        Self {
            field: Some(name.into()),
            ..Self::bad_request(format!("{name}: {rule}"))
        }
    }

    /// Nothing here, or nothing for the caller. There is one text for both.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "Not found",
            "there is nothing here, or nothing that you may read",
        )
    }

    /// Sign in first.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "sign-in", "Sign in first", detail)
    }

    /// Not for this caller.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not for you", detail)
    }

    /// A statement was refused.
    #[must_use]
    pub fn refused(rule: &str, field: &str, reason: &str) -> Self {
        Self {
            rule: Some(rule.into()),
            field: Some(field.into()),
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "refused",
                "The statement was refused",
                format!("{field}: {reason}"),
            )
        }
    }

    /// Something failed here. What it was stands in the node's own log.
    #[must_use]
    pub fn failed() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "failed",
            "Something failed here",
            "the node's own log says what; nothing was changed",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = self.retry_after_s;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"truceline\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        tracing::error!(%error, "a view could not be read");
        Self::failed()
    }
}

impl From<crate::timers::TimerError> for Problem {
    fn from(error: crate::timers::TimerError) -> Self {
        tracing::error!(%error, "alarms could not be read");
        Self::failed()
    }
}

impl From<record::door::DoorError> for Problem {
    fn from(error: record::door::DoorError) -> Self {
        if matches!(error, record::door::DoorError::NotFound) {
            return Self::not_found();
        }
        tracing::error!(%error, "a log could not be read");
        Self::failed()
    }
}

impl From<SayError> for Problem {
    fn from(error: SayError) -> Self {
        let reason = error.to_string();
        match error {
            SayError::Refused(refused) => {
                Self::refused(refused.rule, &refused.field, &refused.reason)
            }
            SayError::Prev { .. } => Self {
                rule: Some("prev".into()),
                field: Some("prev".into()),
                ..Self::new(
                    StatusCode::PRECONDITION_FAILED,
                    "prev",
                    "You said something else about this since",
                    reason,
                )
            },
            SayError::Busy { .. } => Self {
                retry_after_s: Some(1),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "busy",
                    "Too much at once",
                    reason,
                )
            },
            SayError::ReadOnly(_) | SayError::Stopped => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "read-only",
                "Nothing can be said here now",
                reason,
            ),
            SayError::Store(error) => {
                tracing::error!(%error, "a statement could not be stored");
                Self::failed()
            }
            SayError::UnknownKey(_) | SayError::Ineffective(_) => {
                Self::refused("key", "kid", &reason)
            }
            SayError::Incomplete(group) => Self::refused("complete", &group, &reason),
            SayError::Target { .. } => Self::refused("target", "about", &reason),
            SayError::Attachment(_) => Self::refused("attachment", "attachments", &reason),
            SayError::Control(_) | SayError::LastLogKey => {
                Self::refused("control", "body", &reason)
            }
            SayError::Statement(_) => Self::refused("form", "statement", &reason),
        }
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::not_found()
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let status = rejection.status();
        let detail = rejection.body_text();
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(status, "too-large", "The body is too large", detail)
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::new(
                status,
                "media-type",
                "The media type is not taken",
                "send application/json",
            ),
            _ => Self::bad_request(detail),
        }
    }
}
