//! Where browsers find this node.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use webauthn_rs::prelude::Url;

/// Scheme, host and port as a browser sends them in `Origin`, such as `https://truce.example`. It decides what counts as our
/// own page, whether the cookie is `Secure`, and to what passkeys are bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin {
    url: Url,
    text: String,
}

/// The text is no origin that a node can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It is something else.
    #[error(
        "an origin is https:// and a host, with its port if that is not 443, and nothing behind it, such as https://truce.example"
    )]
    Form,
    /// Cookies and passkeys would cross the network in clear.
    #[error(
        "an origin with http:// is for this machine alone (localhost, 127.0.0.1, [::1]); elsewhere browsers need https://"
    )]
    NeedsTls,
}

impl FromStr for WebOrigin {
    type Err = OriginError;
    fn from_str(text: &str) -> Result<Self, OriginError> {
        let url: Url = text.parse().map_err(|_| OriginError::Form)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        if !bare
            || !anonymous
            || !matches!(url.scheme(), "http" | "https")
            || url.host_str().is_none()
        {
            return Err(OriginError::Form);
        }
        let origin = Self {
            text: url.origin().ascii_serialization(),
            url,
        };
        if origin.secure() || origin.is_loopback() {
            Ok(origin)
        } else {
            Err(OriginError::NeedsTls)
        }
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl WebOrigin {
    /// The text, as browsers write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is reached by https.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The port, also when the text leaves it out.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// The domain name, to which passkeys can be bound; `None` for an address, to which browsers bind none.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.url.domain()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    fn is_loopback(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        let address = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_this_machine_alone() {
        for (good, secure) in [
            ("https://truce.example", true),
            ("https://truce.example:8443", true),
            ("http://localhost:8080", false),
            ("http://127.0.0.1:8080", false),
            ("http://[::1]:8080", false),
        ] {
            let origin: WebOrigin = good.parse().unwrap();
            assert_eq!((origin.as_str(), origin.secure()), (good, secure));
        }
        assert_eq!(
            "http://truce.example".parse::<WebOrigin>(),
            Err(OriginError::NeedsTls)
        );
        assert_eq!(
            "http://192.0.2.1".parse::<WebOrigin>(),
            Err(OriginError::NeedsTls)
        );
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for bad in [
            "",
            "truce.example",
            "https://truce.example/room",
            "https://a@truce.example",
            "ftp://truce.example",
            "https://",
        ] {
            assert_eq!(bad.parse::<WebOrigin>(), Err(OriginError::Form), "{bad}");
        }
    }
}
