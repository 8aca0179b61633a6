//! Every error of the API, as RFC 9457 asks: one form, one table of kinds.

use crate::accounts::AccountsError;
use crate::accounts::rate::RetryAfter;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// The media type of an error.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// After how many seconds somebody comes again when the node is busy.
pub const BUSY_RETRY_AFTER_S: u64 = 2;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $status:ident, $slug:literal, $title:literal;)+) => {
        /// What went wrong. The word is stable; title and meaning may be worded better.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[doc = $doc])+ $name,)+ }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// Its name: a reference that stays the same and can be opened.
            #[must_use]
            pub fn uri(self) -> &'static str {
                match self { $(Self::$name => concat!("/problems/", $slug)),+ }
            }

            /// In a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }

            /// In a sentence or two.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii()),+ }
            }
        }
    };
}

kinds! {
    /// A part of the request cannot be read: a parameter that is unknown, stands there twice or has a wrong value, a bad
    /// cursor, or a body that is not JSON.
    BadRequest = BAD_REQUEST, "bad-request", "The request cannot be read";
    /// This needs somebody who has signed in, or the cookie or token that was sent is not, or no longer, good.
    SignIn = UNAUTHORIZED, "sign-in", "Sign in first";
    /// The caller is known and may not do this, or the request came from a page of another site.
    Forbidden = FORBIDDEN, "forbidden", "Not allowed";
    /// There is nothing at this address, or nothing that the caller may know of.
    NotFound = NOT_FOUND, "not-found", "Not here";
    /// The address is right, the method is not; `Allow` names those that are.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "Not by this method";
    /// The body did not arrive in time.
    Timeout = REQUEST_TIMEOUT, "timeout", "The request took too long to arrive";
    /// It contradicts what is there.
    Conflict = CONFLICT, "conflict", "It contradicts what is there";
    /// What the request rests on is no longer so: somebody of the caller's side said something else about it since.
    PreconditionFailed = PRECONDITION_FAILED, "precondition-failed", "Something was said about this since";
    /// The body is larger than is taken here.
    TooLarge = PAYLOAD_TOO_LARGE, "too-large", "The body is too large";
    /// The address is longer than is taken here.
    UriTooLong = URI_TOO_LONG, "uri-too-long", "The address is too long";
    /// The body has another media type than this address takes.
    MediaType = UNSUPPORTED_MEDIA_TYPE, "media-type", "Another media type is needed";
    /// The request was read and is refused: `field` says where, `rule` what must hold, `reason` is a word for programs.
    Refused = UNPROCESSABLE_ENTITY, "refused", "Refused";
    /// The caller asked too often; `Retry-After` says when to come again.
    TooManyRequests = TOO_MANY_REQUESTS, "too-many-requests", "Too often";
    /// The headers are larger than is taken here.
    HeadersTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "The headers are too large";
    /// Something is wrong with the node, not with the request. Its log has the request's number (`X-Request-Id`).
    Internal = INTERNAL_SERVER_ERROR, "internal", "The node failed";
    /// The node is busy, is stopping, or could not answer in time; `Retry-After` says when to come again.
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Not at this moment";
}

/// An error, on its way out. It is boxed, because every answer has room for one and few have one.
#[derive(Debug, Clone)]
pub struct Problem(Box<Content>);

#[derive(Debug, Clone)]
struct Content {
    kind: Kind,
    detail: Cow<'static, str>,
    rule: Option<Cow<'static, str>>,
    field: Option<Cow<'static, str>>,
    reason: Option<Cow<'static, str>>,
    retry_after_s: Option<u64>,
    cookie: Option<HeaderValue>,
}

impl Problem {
    /// A problem of this kind. `detail` is for the person who meets it: what happened, where, what to do next.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Content {
            kind,
            detail: detail.into(),
            rule: None,
            field: None,
            reason: None,
            retry_after_s: (kind == Kind::Unavailable).then_some(BUSY_RETRY_AFTER_S),
            cookie: None,
        }))
    }

    /// A refusal: `field` must be what `rule` says.
    #[must_use]
    pub fn refused(
        field: impl Into<Cow<'static, str>>,
        rule: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::broken(Kind::Refused, field, rule)
    }

    /// A part of the request that cannot be read: `field` must be what `rule` says.
    #[must_use]
    pub fn bad_request(
        field: impl Into<Cow<'static, str>>,
        rule: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::broken(Kind::BadRequest, field, rule)
    }

    fn broken(
        kind: Kind,
        field: impl Into<Cow<'static, str>>,
        rule: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (field, rule) = (field.into(), rule.into());
        let mut problem = Self::new(kind, format!("{field} {rule}"));
        (problem.0.field, problem.0.rule) = (Some(field), Some(rule));
        problem
    }

    /// There is nothing at this address: the one answer for what is unknown and what is forbidden.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            Kind::NotFound,
            "there is nothing at this address, or nothing that you may see; check the address",
        )
    }

    /// The node failed. What is said of it goes to the log and not to the caller.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            Kind::Internal,
            "the node failed at this; tell its administrator the number in X-Request-Id",
        )
    }

    /// Adds a word for programs.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Adds when to come again.
    #[must_use]
    pub fn retry_after(mut self, after: RetryAfter) -> Self {
        self.0.retry_after_s = Some(after.0);
        self
    }

    /// Makes the browser forget its cookie.
    #[must_use]
    pub(crate) fn forgetting(mut self, cookie: HeaderValue) -> Self {
        self.0.cookie = Some(cookie);
        self
    }

    /// Why, as a word for programs: of a refused statement the name of the rule.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Where.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// What happened, where, and what to do next.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The problem that an answer without one stands for: what the router and its layers say on their own.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let kind = Kind::ALL
            .iter()
            .copied()
            .find(|kind| kind.status() == status);
        match kind {
            Some(Kind::NotFound) => Self::not_found(),
            Some(Kind::Internal) => Self::internal(),
            Some(kind) => Self::new(kind, kind.meaning()),
            None if status.is_server_error() => Self::internal(),
            None => Self::new(Kind::BadRequest, Kind::BadRequest.meaning()),
        }
    }
}

/// An error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// What kind of error it is: a reference that stays the same and can be opened.
    #[schema(value_type = ProblemType)]
    r#type: &'static str,
    /// The kind in a few words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, where, and what to do next.
    detail: &'a str,
    /// What must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rule: Option<&'a str>,
    /// Where: a member such as `offices[0]`, a parameter, or a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<&'a str>,
    /// Why, as a word for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<&'a str>,
}

/// The names of the kinds of error.
pub struct ProblemType;

impl utoipa::PartialSchema for ProblemType {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::Custom(
                "uri-reference".into(),
            )))
            .enum_values(Some(Kind::ALL.iter().map(|kind| kind.uri())))
            .into()
    }
}
impl utoipa::ToSchema for ProblemType {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            r#type: self.0.kind.uri(),
            title: self.0.kind.title(),
            status: self.0.kind.status().as_u16(),
            detail: &self.0.detail,
            rule: self.0.rule.as_deref(),
            field: self.0.field.as_deref(),
            reason: self.0.reason.as_deref(),
        };
        let text = serde_json::to_vec(&body).expect("texts and a number");
        let mut response = (self.0.kind.status(), text).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.0.kind == Kind::SignIn {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"truceline\""),
            );
        }
        if let Some(cookie) = self.0.cookie {
            headers.insert(SET_COOKIE, cookie);
        }
        response
    }
}

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        use AccountsError as E;
        let detail = error.to_string();
        let (kind, reason) = match error {
            E::WrongCredentials => (Kind::SignIn, "wrong_credentials"),
            E::TooMany(after) => {
                return Self::new(Kind::TooManyRequests, detail)
                    .because("too_many_tries")
                    .retry_after(after);
            }
            E::Busy => (Kind::Unavailable, "busy"),
            E::Rule { field, rule } => return Self::refused(field, rule),
            E::NameTaken => (Kind::Conflict, "name_taken"),
            E::PasskeyKnown => (Kind::Conflict, "passkey_known"),
            E::Unknown(_) => (Kind::NotFound, "unknown"),
            E::NotInSession => (Kind::Forbidden, "not_in_session"),
            E::SignInAgain => (Kind::Forbidden, "sign_in_again"),
            E::NotAllowed(_) => (Kind::Forbidden, "scope"),
            E::Full { .. } => (Kind::Conflict, "full"),
            E::LastWay => (Kind::Conflict, "last_way"),
            E::OwnAccount => (Kind::Conflict, "own_account"),
            E::CeremonyOver => (Kind::Conflict, "ceremony_over"),
            E::PasskeyRefused => (Kind::Refused, "passkey_refused"),
            E::NoPasskeys => (Kind::Conflict, "no_passkeys"),
            E::Layout(_) | E::Settings(_) | E::Damaged(_) | E::File(_) | E::Database(_) => {
                tracing::error!("accounts: {detail}");
                return Self::internal();
            }
        };
        Self::new(kind, detail).because(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_one_kind_and_each_kind_says_what_it_means() {
        for kind in Kind::ALL {
            let same = Kind::ALL
                .iter()
                .filter(|other| other.status() == kind.status());
            assert_eq!(same.count(), 1, "{kind:?}");
            assert!(
                kind.meaning().ends_with('.') && !kind.meaning().contains("  "),
                "{}",
                kind.meaning()
            );
            assert_eq!(Problem::of_status(kind.status()).kind(), *kind);
        }
    }

    #[test]
    fn what_the_database_says_is_not_told() {
        let problem = Problem::from(AccountsError::Damaged("secret detail"));
        assert_eq!(problem.kind(), Kind::Internal);
        assert!(!problem.detail().contains("secret"));
    }
}
