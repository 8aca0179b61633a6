//! What comes in is read strictly: what is unknown, doubled or of a wrong form is refused with its name and place, never
//! ignored. A misspelt member that is ignored is a rule that the sender believes to hold.

mod json;
mod misread;

pub use json::JSON_DEPTH_MAX;
pub(crate) use misread::{Misread, shortened};

use super::App;
use super::problem::{Kind, Problem};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use record::encoding::Hash;
use serde::Serialize;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use std::borrow::Cow;
use std::sync::Arc;

/// A JSON body, or a JSON answer.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let bytes = json_bytes(request, app).await?;
        parse_json(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A JSON body together with a hash of the whole request, by which a repetition is told from another request.
#[derive(Debug, Clone)]
pub struct Hashed<T> {
    /// The body.
    pub body: T,
    /// SHA-256 over method, address and body.
    pub request: Hash,
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Hashed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let line = format!("{} {}\n", request.method(), request.uri());
        let bytes = json_bytes(request, app).await?;
        let hash = Hash::of(&[line.as_bytes(), &bytes]);
        Ok(Self {
            body: parse_json(&bytes)?,
            request: hash,
        })
    }
}

async fn json_bytes(request: Request, app: &Arc<App>) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::new(
            Kind::MediaType,
            "the body must be JSON; send it with the header Content-Type: application/json",
        ));
    }
    read_body(request, app).await
}

/// Reads a whole body, not longer than the route allows and within [`Settings::body_within`](super::Settings).
///
/// # Errors
/// 408, 413, or 400 when the connection broke off.
pub async fn read_body(request: Request, app: &Arc<App>) -> Result<Bytes, Problem> {
    match tokio::time::timeout(app.settings.body_within, Bytes::from_request(request, app)).await {
        Err(_) => Err(Problem::of_status(Kind::Timeout.status())),
        Ok(Err(BytesRejection::FailedToBufferBody(error)))
            if error.status() == Kind::TooLarge.status() =>
        {
            Err(Problem::of_status(Kind::TooLarge.status()))
        }
        Ok(Err(_)) => Err(Problem::bad_request("the body", "did not arrive whole")),
        Ok(Ok(bytes)) => Ok(bytes),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let text = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (media_type, parameters) = text.split_once(';').unwrap_or((text, ""));
    let charset = parameters.trim().to_ascii_lowercase();
    media_type.trim().eq_ignore_ascii_case("application/json")
        && matches!(charset.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"")
}

/// Reads a body: 400 for what is no JSON, 422 with the place for what has another form.
///
/// # Errors
/// The problem.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    const WHOLE: &str = "the body";
    let value = json::parse(bytes).map_err(|flaw| match flaw {
        json::Flaw::Form(flaw) => flaw.problem(Kind::Refused, WHOLE),
        json::Flaw::Syntax(error) => {
            let place = format!("line {}, column {}", error.line(), error.column());
            Problem::bad_request(WHOLE, format!("is not JSON: see {place}"))
        }
    })?;
    T::deserialize(json::Tree(value)).map_err(|flaw| flaw.problem(Kind::Refused, WHOLE))
}

/// The parameters of a query. Which names are known is decided for all routes in one place, by the OpenAPI document.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        read_pairs(query_pairs(parts.uri.query())?).map(Self)
    }
}

/// Names and values of a query, decoded. Each name stands there once.
pub(crate) fn query_pairs(query: Option<&str>) -> Result<Vec<(String, String)>, Problem> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in query
        .unwrap_or_default()
        .split('&')
        .filter(|part| !part.is_empty())
    {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = decoded(name).ok_or_else(|| unreadable("a parameter's name"))?;
        let value = decoded(value).ok_or_else(|| unreadable(shortened(&name)))?;
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(Problem::bad_request(
                shortened(&name),
                "stands in the query twice",
            ));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn unreadable(what: impl Into<Cow<'static, str>>) -> Problem {
    Problem::bad_request(
        what,
        "is not UTF-8 in percent encoding, without control characters",
    )
}

/// `None` for what is no percent encoding of UTF-8, and for control characters, which no parameter has.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Reads parameters into a struct. A value is text, and becomes a number, a truth value, a word or whatever the member is.
pub(crate) fn read_pairs<T: DeserializeOwned>(pairs: Vec<(String, String)>) -> Result<T, Problem> {
    let access = Pairs {
        pairs: pairs.into_iter(),
        value: None,
    };
    T::deserialize(de::value::MapAccessDeserializer::new(access))
        .map_err(|flaw: Misread| flaw.problem(Kind::BadRequest, "the query"))
}

struct Pairs {
    pairs: std::vec::IntoIter<(String, String)>,
    value: Option<(String, String)>,
}

impl<'de> MapAccess<'de> for Pairs {
    type Error = Misread;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misread> {
        let Some((name, value)) = self.pairs.next() else {
            return Ok(None);
        };
        let key = seed.deserialize(name.as_str().into_deserializer());
        self.value = Some((name, value));
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misread> {
        let (name, value) = self.value.take().unwrap_or_default();
        seed.deserialize(Text(value))
            .map_err(|flaw| flaw.inside(shortened(&name)))
    }
}

/// One value of a query.
struct Text(String);

macro_rules! from_text {
    ($($method:ident $visit:ident $type:ty, $what:literal;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            let value: $type = self.0.parse().map_err(|_| de::Error::custom(concat!("must be ", $what)))?;
            visitor.$visit(value)
        }
    )+};
}

impl<'de> serde::Deserializer<'de> for Text {
    type Error = Misread;

    from_text! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_i8 visit_i8 i8, "a whole number";
        deserialize_i16 visit_i16 i16, "a whole number";
        deserialize_i32 visit_i32 i32, "a whole number";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_u8 visit_u8 u8, "a whole number, not below 0";
        deserialize_u16 visit_u16 u16, "a whole number, not below 0";
        deserialize_u32 visit_u32 u32, "a whole number, not below 0";
        deserialize_u64 visit_u64 u64, "a whole number, not below 0";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_string(self.0)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if !words.contains(&self.0.as_str()) {
            return Err(de::Error::custom(format!(
                "must be one of {}",
                words.join(", ")
            )));
        }
        visitor.visit_enum(self.0.into_deserializer())
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The parameters in a path. A text that cannot be one names nothing: 404.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, app).await;
        path.map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| Problem::not_found())
    }
}

/// A header that stands there at most once, as text.
///
/// # Errors
/// 400 when it stands there twice or is not ASCII.
pub fn header_text<'h>(
    headers: &'h HeaderMap,
    name: &'static str,
) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) => Ok(Some(text)),
        _ => Err(Problem::bad_request(name, "stands there once and is ASCII")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        number: u8,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Body {
        name: String,
        inner: Option<Vec<Inner>>,
        free: Option<Value>,
    }

    async fn told(problem: Problem) -> (u16, Value) {
        let response = problem.into_response();
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), 10_000)
            .await
            .unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_flaw_in_a_body_is_named_with_its_place() {
        for (text, status, field, rule) in [
            (
                r#"{"name":"a","nmae":1}"#,
                422,
                "nmae",
                "is not a member that is known here",
            ),
            (
                r#"{"name":"a","inner":[{"number":1,"x":1}]}"#,
                422,
                "inner[0].x",
                "is not a member that is known here",
            ),
            (
                r#"{"name":"a","name":"b"}"#,
                422,
                "name",
                "stands there twice",
            ),
            (
                r#"{"name":"a","free":{"p":{"q":1,"q":2}}}"#,
                422,
                "free.p.q",
                "stands there twice",
            ),
            (r#"{"inner":null}"#, 422, "name", "is missing"),
            (
                r#"{"name":"a","inner":[{}]}"#,
                422,
                "inner[0].number",
                "is missing",
            ),
            (
                r#"{"name":"a","inner":[{"number":"seven"}]}"#,
                422,
                "inner[0].number",
                "must be a whole number from 0 to 255",
            ),
            (
                r#"{"name":"a","inner":[{"number":256}]}"#,
                422,
                "inner[0].number",
                "must be a whole number from 0 to 255",
            ),
            (r#"[]"#, 422, "the body", "must be an object"),
            (r#"["a"]"#, 422, "the body", "must be an object"),
            (
                r#"{"name":"a","inner":[[1]]}"#,
                422,
                "inner[0]",
                "must be an object",
            ),
            (
                r#"{"name":"a","inner":7}"#,
                422,
                "inner",
                "must be an array",
            ),
            (r#"{"name":null}"#, 422, "name", "must be a text"),
            (
                r#"{"name":"a"} {}"#,
                400,
                "the body",
                "is not JSON: see line 1, column 14",
            ),
            (
                "{\"name\":\"\u{1}\"}",
                400,
                "the body",
                "is not JSON: see line 1, column 10",
            ),
            ("", 400, "the body", "is not JSON: see line 1, column 0"),
        ] {
            let (got, body) = told(parse_json::<Body>(text.as_bytes()).unwrap_err()).await;
            assert_eq!(
                (got, body["field"].as_str(), body["rule"].as_str()),
                (status, Some(field), Some(rule)),
                "{text}"
            );
        }
        assert_eq!(
            told(parse_json::<Body>(b"{\"name\":\"\xff\"}").unwrap_err())
                .await
                .0,
            400
        );
        let deep = "[".repeat(100_000);
        assert_eq!(
            told(parse_json::<Value>(deep.as_bytes()).unwrap_err())
                .await
                .0,
            422
        );
    }

    #[tokio::test]
    async fn what_was_sent_is_not_repeated() {
        let text = r#"{"name":"a","inner":[{"number":"my password"}]}"#;
        let (_, body) = told(parse_json::<Body>(text.as_bytes()).unwrap_err()).await;
        assert!(!body.to_string().contains("password"), "{body}");
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Order {
        OldestFirst,
        NewestFirst,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Filters {
        place: Option<String>,
        limit: Option<u16>,
        open: Option<bool>,
        order: Option<Order>,
    }

    fn filters(query: &str) -> Result<Filters, Problem> {
        read_pairs(query_pairs(Some(query))?)
    }

    #[test]
    fn a_query_is_text_that_becomes_what_its_member_is() {
        let read = filters("place=a%20b+c%D8%AD&limit=7&open=true&order=newest_first").unwrap();
        let expected = Filters {
            place: Some("a b cح".into()),
            limit: Some(7),
            open: Some(true),
            order: Some(Order::NewestFirst),
        };
        assert_eq!(read, expected);
        assert_eq!(
            filters("").unwrap(),
            Filters {
                place: None,
                limit: None,
                open: None,
                order: None
            }
        );
    }

    #[tokio::test]
    async fn a_flaw_in_a_query_is_named() {
        for (query, field) in [
            ("limit=seven", "limit"),
            ("limit=-1", "limit"),
            ("limit=", "limit"),
            ("open=yes", "open"),
            ("order=sideways", "order"),
            ("place=a&place=b", "place"),
            ("place=%ff", "place"),
            ("place=%", "place"),
            ("place=%4", "place"),
            ("place=%+4", "place"),
            ("place=a%00b", "place"),
            ("%ff=a", "a parameter's name"),
        ] {
            let (status, body) = told(filters(query).unwrap_err()).await;
            assert_eq!(
                (status, body["field"].as_str()),
                (400, Some(field)),
                "{query}: {body}"
            );
        }
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        let is = |text: &'static str| {
            is_json(&HeaderMap::from_iter([(
                CONTENT_TYPE,
                HeaderValue::from_static(text),
            )]))
        };
        assert!(is("application/json") && is("Application/JSON; charset=UTF-8"));
        assert!(
            !is("text/plain")
                && !is("application/json; charset=latin1")
                && !is("application/jsonp")
        );
        assert!(!is_json(&HeaderMap::new()));
    }

    proptest! {
        #[test]
        fn no_bytes_and_no_query_bring_the_reader_down(bytes in prop::collection::vec(any::<u8>(), 0..200), query in ".{0,80}") {
            let _ = parse_json::<Body>(&bytes);
            let _ = filters(&query);
        }

        #[test]
        fn what_is_encoded_decodes(text in "[^\\p{Cc}]{0,40}") {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(decoded(&encoded), Some(text));
        }
    }
}
