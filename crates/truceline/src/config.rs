//! One configuration: defaults, then the file, then the environment (`TRUCELINE_…`), then flags.

use crate::Failure;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::{Figment, Metadata, Source};
use node::accounts::{SessionTimes, WebOrigin};
use node::home::{Home, HomeError};
use node::http;
use record::log::{Limits, Options};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::Display;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The file that is read when none is named.
pub const FILE: &str = "truceline.toml";
/// Shortest time without a request after which a session ends, in milliseconds: a minute.
const SESSION_IDLE_MS_MIN: i64 = 60_000;
/// Longest time that a session lasts, in milliseconds: a week.
const SESSION_MS_MAX: i64 = 7 * 24 * 60 * 60 * 1000;

/// A value that is written as a text, and read where it stands: a mistake is told with its name and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T>(pub T);

impl<T: Display> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = text.parse().map(Self);
        value.map_err(|rule| D::Error::custom(format!("{text:?}: {rule}")))
    }
}

/// The address of a reverse proxy of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proxy(IpAddr);

impl FromStr for Proxy {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = text.parse().map(|address: IpAddr| address.to_canonical());
        match address {
            Ok(address) if !address.is_unspecified() => Ok(Self(address)),
            _ => Err("a proxy is named by its one address, such as 127.0.0.1 or 10.0.0.7"),
        }
    }
}

impl Display for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What can be configured. Times are in milliseconds, sizes in bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The node's data directory.
    pub data: PathBuf,
    /// What is logged to standard error, as `tracing` writes filters: `warn`, `info`, `record=debug`.
    pub tracing: String,
    /// Statements received and not yet logged.
    pub in_flight_max: usize,
    /// The same, of one key.
    pub in_flight_per_key_max: usize,
    /// Places kept free for flash statements, of one key.
    pub flash_per_key_max: usize,
    /// Bytes per attachment.
    pub attachment_bytes_max: u64,
    /// How often a head is kept that may become public.
    pub keep_heads_every_ms: i64,
    /// Where browsers find the node, such as `https://truce.example`; left out, on this machine alone.
    pub origin: Option<Written<WebOrigin>>,
    /// The domain to which passkeys are bound: the origin's own, or one above it. It can never be changed without losing them all.
    pub relying_party: Option<String>,
    /// Our own reverse proxies, whose `X-Forwarded-For` is believed.
    pub proxies: Vec<Written<Proxy>>,
    /// Origins of other sites whose pages may use the API with tokens.
    pub cors_origins: Vec<Written<WebOrigin>>,
    /// After how long without a request a session ends.
    pub session_idle_ms: i64,
    /// After how long a session ends however much it is used.
    pub session_absolute_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        let limits = Limits::default();
        let sessions = SessionTimes::default();
        Self {
            data: PathBuf::from("data"),
            tracing: "warn".into(),
            in_flight_max: limits.in_flight_max,
            in_flight_per_key_max: limits.in_flight_per_key_max,
            flash_per_key_max: limits.flash_per_key_max,
            attachment_bytes_max: limits.attachment_bytes_max,
            keep_heads_every_ms: 1000,
            origin: None,
            relying_party: None,
            proxies: Vec::new(),
            cors_origins: Vec::new(),
            session_idle_ms: sessions.idle_ms,
            session_absolute_ms: sessions.absolute_ms,
        }
    }
}

impl Settings {
    /// The home in `data`, or in the directory that is configured.
    pub fn home(&self, data: Option<&Path>) -> Home {
        Home::new(data.unwrap_or(&self.data))
    }

    /// How the log of `home` is opened for writing.
    pub fn options(&self, home: &Home) -> Result<Options, HomeError> {
        Ok(Options {
            limits: self.limits(),
            keep_heads_every_ms: self.keep_heads_every_ms,
            ..home.options()?
        })
    }

    fn limits(&self) -> Limits {
        Limits {
            in_flight_max: self.in_flight_max,
            in_flight_per_key_max: self.in_flight_per_key_max,
            flash_per_key_max: self.flash_per_key_max,
            attachment_bytes_max: self.attachment_bytes_max,
            ..Limits::default()
        }
    }
}

impl Settings {
    /// How the node is opened.
    pub fn node(&self) -> node::Settings {
        node::Settings {
            limits: self.limits(),
            keep_heads_every_ms: self.keep_heads_every_ms,
            ..node::Settings::default()
        }
    }
}

impl Settings {
    /// Where browsers find the node, if that is configured.
    pub fn origin(&self) -> Option<WebOrigin> {
        self.origin.as_ref().map(|Written(origin)| origin.clone())
    }

    /// How the door of a node at `origin` is set up.
    pub fn door(&self, origin: WebOrigin) -> http::Settings {
        let cors_origins = self.cors_origins.iter();
        http::Settings {
            relying_party: self.relying_party.clone(),
            sessions: SessionTimes {
                idle_ms: self.session_idle_ms,
                absolute_ms: self.session_absolute_ms,
            },
            cors_origins: cors_origins.map(|Written(origin)| origin.clone()).collect(),
            proxies: self.proxies.iter().map(|Written(proxy)| proxy.0).collect(),
            ..http::Settings::new(origin)
        }
    }

    /// Settings that are out of bounds, or do not fit each other: their names, and what the first must be.
    fn checked(&self) -> Result<(), Unfit> {
        let unfit = |settings: &'static [&'static str], rule| Err(Unfit { settings, rule });
        if !(SESSION_IDLE_MS_MIN..=SESSION_MS_MAX).contains(&self.session_absolute_ms) {
            let rule = format!("is from {SESSION_IDLE_MS_MIN} to {SESSION_MS_MAX} milliseconds");
            return unfit(&["session_absolute_ms"], rule);
        }
        if !(SESSION_IDLE_MS_MIN..=self.session_absolute_ms).contains(&self.session_idle_ms) {
            let most = self.session_absolute_ms;
            let rule = format!(
                "is from {SESSION_IDLE_MS_MIN} to session_absolute_ms, {most} milliseconds"
            );
            return unfit(&["session_idle_ms", "session_absolute_ms"], rule);
        }
        if let Some(party) = &self.relying_party {
            let origin = self.origin.as_ref().map(|Written(origin)| origin);
            if let Err(rule) = relying(party, origin) {
                return unfit(&["relying_party"], rule);
            }
        }
        Ok(())
    }
}

/// Settings that do not fit.
struct Unfit {
    settings: &'static [&'static str],
    /// What the first of them must be.
    rule: String,
}

/// Browsers bind passkeys to the domain of the page, or to one above it.
fn relying(party: &str, origin: Option<&WebOrigin>) -> Result<(), String> {
    let Some(origin) = origin else {
        return Err("stands beside origin: set that too".into());
    };
    let Some(domain) = origin.domain() else {
        return Err(format!(
            "is a domain, and {origin} is reached by an address: browsers bind no passkeys to those"
        ));
    };
    let above = domain.strip_suffix(party);
    let fits = above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if fits && !party.is_empty() {
        return Ok(());
    }
    Err(format!("is {domain} or a domain above it, not {party:?}"))
}

/// Reads the configuration.
pub fn load(file: Option<&Path>) -> Result<Settings, Failure> {
    if let Some(named) = file.filter(|file| !file.exists()) {
        return Err(Failure::new(format!(
            "{}: no such configuration file",
            named.display()
        )));
    }
    let figment = Figment::from(Serialized::defaults(Settings::default()))
        .merge(Toml::file(file.unwrap_or(Path::new(FILE))))
        .merge(Env::prefixed("TRUCELINE_").ignore(&["long", "child", "fuzz_target", "token"]));
    let settings: Settings = figment.extract().map_err(|error| {
        let place = place(error.metadata.as_ref());
        let name = error.path.join(".").to_lowercase();
        let name = if name.is_empty() { name } else { name + " " };
        Failure::new(format!("configuration{place}: {name}{}", error.kind))
    })?;
    settings.checked().map_err(|Unfit { settings, rule }| {
        // Where somebody wrote one of them: what is left out stands nowhere.
        let mut places = settings
            .iter()
            .filter_map(|name| figment.find_metadata(name));
        let written = places.find(|metadata| !matches!(metadata.source, Some(Source::Code(_))));
        Failure::new(format!(
            "configuration{}: {} {rule}",
            place(written),
            settings[0]
        ))
    })?;
    Ok(settings)
}

/// Where a setting stands: in which file, or in the environment.
fn place(metadata: Option<&Metadata>) -> String {
    let Some(metadata) = metadata else {
        return String::new();
    };
    match &metadata.source {
        Some(source) => format!(" in {source}"),
        None => format!(" in {}", metadata.name),
    }
}

/// Starts the program's own log on standard error. It never names people and never quotes statements.
pub fn start_logging(settings: &Settings) {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.tracing);
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let _ = subscriber.try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_named_with_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("truceline.toml");
        std::fs::write(&file, "in_flight_max = 7\n").unwrap();
        assert_eq!(load(Some(&file)).unwrap().in_flight_max, 7);
        std::fs::write(&file, "in_flght_max = 7\n").unwrap();
        let refused = load(Some(&file)).unwrap_err().message;
        assert!(
            refused.contains("in_flght_max") && refused.contains("truceline.toml"),
            "{refused}"
        );
        std::fs::write(&file, "in_flight_max = \"many\"\n").unwrap();
        assert!(
            load(Some(&file))
                .unwrap_err()
                .message
                .contains("in_flight_max")
        );
        assert!(
            load(Some(&dir.path().join("absent")))
                .unwrap_err()
                .message
                .contains("no such")
        );
    }

    fn of(text: &str) -> Result<Settings, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("truceline.toml");
        std::fs::write(&file, text).unwrap();
        load(Some(&file)).map_err(|failure| failure.message)
    }

    #[test]
    fn the_door_is_set_up_as_it_is_configured() {
        let settings = of("origin = \"https://room.truce.example:8443\"\nrelying_party = \"truce.example\"\n\
            proxies = [\"10.0.0.7\", \"::ffff:10.0.0.8\"]\ncors_origins = [\"https://map.example\"]\n\
            session_idle_ms = 60000\nsession_absolute_ms = 60000\n").unwrap();
        let door = settings.door(settings.origin().unwrap());
        assert_eq!(door.origin.as_str(), "https://room.truce.example:8443");
        assert_eq!(door.relying_party.as_deref(), Some("truce.example"));
        let proxies: [IpAddr; 2] = ["10.0.0.7".parse().unwrap(), "10.0.0.8".parse().unwrap()];
        assert_eq!(door.proxies, proxies);
        assert_eq!(door.cors_origins[0].as_str(), "https://map.example");
        assert_eq!(
            (door.sessions.idle_ms, door.sessions.absolute_ms),
            (60_000, 60_000)
        );
        let usual = Settings::default();
        assert!(usual.origin().is_none());
        let door = usual.door("http://localhost:8016".parse().unwrap());
        assert!(door.cors_origins.is_empty() && door.proxies.is_empty());
        assert_eq!(door.sessions, SessionTimes::default());
        assert_eq!(of("").unwrap().session_idle_ms, usual.session_idle_ms);
    }

    #[test]
    fn a_wrong_setting_is_told_by_its_name_and_file_and_what_it_must_be() {
        let at = "origin = \"https://room.truce.example\"\n";
        for (text, name, rule) in [
            (
                "origin = \"truce.example\"".to_owned(),
                "origin",
                "an origin is https://",
            ),
            (
                "origin = \"http://truce.example\"".into(),
                "origin",
                "this machine alone",
            ),
            ("origin = 7".into(), "origin", "expected a string"),
            (
                "cors_origins = [\"https://a.example\", \"*\"]".into(),
                "cors_origins",
                "an origin is https://",
            ),
            (
                "cors_origins = \"https://a.example\"".into(),
                "cors_origins",
                "expected a sequence",
            ),
            (
                "proxies = [\"10.0.0.0/8\"]".into(),
                "proxies",
                "by its one address",
            ),
            (
                "proxies = [\"0.0.0.0\"]".into(),
                "proxies",
                "by its one address",
            ),
            (
                "proxies = [\"proxy.example\"]".into(),
                "proxies",
                "by its one address",
            ),
            (
                "session_idle_ms = 59999".into(),
                "session_idle_ms",
                "from 60000",
            ),
            (
                "session_idle_ms = 50400001".into(),
                "session_idle_ms",
                "to session_absolute_ms, 50400000",
            ),
            (
                "session_absolute_ms = 3600000".into(),
                "session_idle_ms",
                "to session_absolute_ms, 3600000",
            ),
            (
                "session_absolute_ms = 604800001".into(),
                "session_absolute_ms",
                "to 604800000",
            ),
            (
                "relying_party = \"truce.example\"".into(),
                "relying_party",
                "set that too",
            ),
            (
                format!("{at}relying_party = \"\""),
                "relying_party",
                "is room.truce.example or a domain above",
            ),
            (
                format!("{at}relying_party = \"uce.example\""),
                "relying_party",
                "or a domain above",
            ),
            (
                format!("{at}relying_party = \"other.example\""),
                "relying_party",
                "or a domain above",
            ),
            (
                "origin = \"http://127.0.0.1:8016\"\nrelying_party = \"a.example\"".into(),
                "relying_party",
                "by an address",
            ),
        ] {
            let refused = of(&text).unwrap_err();
            for word in [name, rule, "truceline.toml"] {
                assert!(refused.contains(word), "{word}: {refused}");
            }
        }
    }
}
