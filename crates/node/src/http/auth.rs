//! Who asks: the cookie or the token of a request, the address that it comes from, and whether a page of ours sent it.

use super::App;
use super::problem::{Kind, Problem};
use super::strict::header_text;
use crate::accounts::{AccountsError, Caller, Scope, Secret, Via, WebOrigin};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// The cookie's name where it is `Secure`: browsers then let no other host set it.
const COOKIE_SECURE: &str = "__Host-truceline";
/// The beginning of the cookie's name on this machine alone, over http. The port follows: browsers keep one set of cookies for all
/// nodes of a machine.
const COOKIE_LOOPBACK: &str = "truceline-";
/// Where a browser says from which site a request comes.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// What the cookie of a node at `origin` is called.
pub(super) fn cookie_name(origin: &WebOrigin) -> String {
    if origin.secure() {
        return COOKIE_SECURE.to_owned();
    }
    format!("{COOKIE_LOOPBACK}{}", origin.port())
}

/// The cookie that carries a session. It ends with the browser.
#[must_use]
pub(crate) fn session_cookie(app: &App, secret: &Secret) -> HeaderValue {
    cookie(app, secret.reveal(), "")
}

/// The cookie that makes the browser forget the session.
#[must_use]
pub(crate) fn no_cookie(app: &App) -> HeaderValue {
    cookie(app, "", "; Max-Age=0")
}

fn cookie(app: &App, value: &str, more: &str) -> HeaderValue {
    let secure = if app.settings.origin.secure() {
        "; Secure"
    } else {
        ""
    };
    let name = &app.cookie_name;
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
    let mut value = HeaderValue::try_from(text).expect("base64url and fixed words");
    value.set_sensitive(true);
    value
}

/// The value of our cookie, called `name`, if the request has it.
pub(crate) fn cookie_value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let texts = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = texts
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Whether the request carries anything by which its caller could be known.
pub(crate) fn has_credentials(headers: &HeaderMap, app: &App) -> bool {
    headers.contains_key(AUTHORIZATION) || cookie_value(headers, &app.cookie_name).is_some()
}

/// Refuses what a page of another site had the browser send: a changing request without a token that does not come from our own
/// origin. (A token cannot be sent by another site's page without the browser asking us first.)
///
/// # Errors
/// 403.
pub(crate) fn same_site(method: &Method, headers: &HeaderMap, app: &App) -> Result<(), Problem> {
    let safe = matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    );
    if safe || headers.contains_key(AUTHORIZATION) {
        return Ok(());
    }
    let origin = &app.settings.origin;
    let with_cookie = cookie_value(headers, &app.cookie_name).is_some();
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    let from = headers.get(ORIGIN).map(HeaderValue::as_bytes);
    let ours = match (site, from) {
        (Some(site), _) => site == b"same-origin",
        (None, Some(from)) => from == origin.as_str().as_bytes(),
        // No browser; without a cookie it has nothing to lose.
        (None, None) => !with_cookie,
    };
    let invited = || {
        from.is_some_and(|from| {
            app.settings
                .cors_origins
                .iter()
                .any(|ours| ours.as_str().as_bytes() == from)
        })
    };
    if ours || (!with_cookie && invited()) {
        return Ok(());
    }
    Err(Problem::new(
        Kind::Forbidden,
        "a page of another site cannot change anything here; a program that has no browser sends an API token as Bearer instead \
         of the cookie",
    )
    .because("cross_site"))
}

/// Every credential that is sent must be good; a token goes before the cookie, which a browser adds on its own.
impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let person = cookie_value(&parts.headers, &app.cookie_name)
            .map(|secret| by_cookie(app, secret))
            .transpose()?;
        let program = parts
            .headers
            .contains_key(AUTHORIZATION)
            .then(|| by_bearer(app, &parts.headers))
            .transpose()?;
        Ok(program.or(person).unwrap_or_else(Self::public))
    }
}

fn by_cookie(app: &App, secret: &str) -> Result<Caller, Problem> {
    let caller = app.accounts.caller(secret);
    caller.filter(|caller| !by_token(caller)).ok_or_else(|| {
        Problem::new(Kind::SignIn, "this session has ended; sign in again")
            .because("session_ended")
            .forgetting(no_cookie(app))
    })
}

fn by_bearer(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let caller = bearer(headers).and_then(|token| app.accounts.caller(token));
    caller.filter(by_token).ok_or_else(|| {
        Problem::new(
            Kind::SignIn,
            "this API token is not, or no longer, good; send Authorization: Bearer with a token that stands",
        )
        .because("bad_token")
    })
}

fn by_token(caller: &Caller) -> bool {
    matches!(caller.via, Via::Token(_))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = header_text(headers, "authorization").ok()??;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Somebody who has signed in.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Caller);

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if caller.is_public() {
            return Err(Problem::new(
                Kind::SignIn,
                "sign in, or send an API token as Authorization: Bearer",
            ));
        }
        Ok(Self(caller))
    }
}

/// A person at a browser: for what changes or shows how one signs in, which no token may.
#[derive(Debug, Clone)]
pub struct Person(pub Caller);

impl FromRequestParts<Arc<App>> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let SignedIn(caller) = SignedIn::from_request_parts(parts, app).await?;
        match caller.via {
            Via::Session { .. } => Ok(Self(caller)),
            _ => Err(AccountsError::NotInSession.into()),
        }
    }
}

/// Somebody who may administer.
#[derive(Debug, Clone)]
pub struct Administrator(pub Caller);

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let SignedIn(caller) = SignedIn::from_request_parts(parts, app).await?;
        require(&caller, Scope::Admin)?;
        Ok(Self(caller))
    }
}

/// Whether the caller's credential may be used for this.
///
/// # Errors
/// 401 for the public, 403 for others.
pub fn require(caller: &Caller, scope: Scope) -> Result<(), Problem> {
    if caller.may(scope) {
        return Ok(());
    }
    if caller.is_public() {
        return Err(Problem::new(
            Kind::SignIn,
            "sign in, or send an API token as Authorization: Bearer",
        ));
    }
    let detail = format!("this needs the scope {scope}, which this sign-in or token does not have");
    Err(Problem::new(Kind::Forbidden, detail).because("scope"))
}

/// The address that a request comes from: for limits only, never kept and never logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub IpAddr);

impl FromRequestParts<Arc<App>> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Ok(Self(client(
            &parts.headers,
            peer(parts),
            &app.settings.proxies,
        )))
    }
}

/// Who is at the other end of the connection.
pub(crate) fn peer(parts: &Parts) -> IpAddr {
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| {
        address.ip().to_canonical()
    })
}

/// Behind our own proxies the caller is the last address that no proxy of ours has; what stands before it is the caller's word.
fn client(headers: &HeaderMap, peer: IpAddr, proxies: &[IpAddr]) -> IpAddr {
    let texts = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let named: Vec<Option<IpAddr>> = texts
        .flat_map(|text| text.split(','))
        .map(|text| text.trim().parse().ok())
        .collect();
    let mut client = peer;
    for before in named.into_iter().rev() {
        match before {
            Some(before) if proxies.contains(&client) => client = IpAddr::to_canonical(&before),
            _ => break,
        }
    }
    client
}

/// Whether nobody stands between this machine and the caller on it. A proxy on the same machine says that it is one.
pub(crate) fn is_local(parts: &Parts) -> bool {
    let relayed = ["forwarded", "x-forwarded-for", "via"]
        .iter()
        .any(|name| parts.headers.contains_key(*name));
    peer(parts).is_loopback() && !relayed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        let headers = |text: &'static str| {
            HeaderMap::from_iter([(
                "x-forwarded-for".parse().unwrap(),
                HeaderValue::from_static(text),
            )])
        };
        let proxies = [ip("10.0.0.1"), ip("10.0.0.2")];
        for (text, peer, expected) in [
            ("", "192.0.2.9", "192.0.2.9"),
            ("203.0.113.5", "192.0.2.9", "192.0.2.9"),
            ("203.0.113.5", "10.0.0.1", "203.0.113.5"),
            ("198.51.100.1, 203.0.113.5", "10.0.0.1", "203.0.113.5"),
            (
                "198.51.100.1, 203.0.113.5, 10.0.0.2",
                "10.0.0.1",
                "203.0.113.5",
            ),
            ("198.51.100.1, nonsense", "10.0.0.1", "10.0.0.1"),
            ("::ffff:203.0.113.5", "10.0.0.1", "203.0.113.5"),
        ] {
            assert_eq!(
                client(&headers(text), ip(peer), &proxies),
                ip(expected),
                "{text} {peer}"
            );
        }
    }

    #[test]
    fn nodes_on_one_machine_have_cookies_of_their_own() {
        let name = |origin: &str| cookie_name(&origin.parse().unwrap());
        assert_eq!(name("https://truce.example"), "__Host-truceline");
        assert_eq!(name("http://localhost:8080"), "truceline-8080");
        assert_eq!(name("http://127.0.0.1"), "truceline-80");
    }

    #[test]
    fn our_cookie_is_found_among_others() {
        let headers =
            |text: &'static str| HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(text))]);
        let value = |text| cookie_value(&headers(text), "truceline-80").map(str::to_owned);
        assert_eq!(value("a=b; truceline-80=xyz; c=d").as_deref(), Some("xyz"));
        assert_eq!(value("nottruceline-80=xyz; truceline-80"), None);
    }
}
