//! One configuration: defaults, then the file, then the environment (`TRUCELINE_…`), then flags.

use crate::Failure;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use node::home::{Home, HomeError};
use record::log::{Limits, Options};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file that is read when none is named.
pub const FILE: &str = "truceline.toml";

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
}

impl Default for Settings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            data: PathBuf::from("data"),
            tracing: "warn".into(),
            in_flight_max: limits.in_flight_max,
            in_flight_per_key_max: limits.in_flight_per_key_max,
            flash_per_key_max: limits.flash_per_key_max,
            attachment_bytes_max: limits.attachment_bytes_max,
            keep_heads_every_ms: 1000,
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

/// Reads the configuration.
pub fn load(file: Option<&Path>) -> Result<Settings, Failure> {
    if let Some(named) = file.filter(|file| !file.exists()) {
        return Err(Failure::new(format!(
            "{}: no such configuration file",
            named.display()
        )));
    }
    Figment::from(Serialized::defaults(Settings::default()))
        .merge(Toml::file(file.unwrap_or(Path::new(FILE))))
        .merge(Env::prefixed("TRUCELINE_").ignore(&["long", "child", "fuzz_target", "token"]))
        .extract()
        .map_err(|error| {
            let place = error
                .metadata
                .as_ref()
                .and_then(|m| m.source.as_ref())
                .map(ToString::to_string);
            let place = place.map_or_else(String::new, |place| format!(" in {place}"));
            Failure::new(format!("configuration{place}: {error}"))
        })
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
}
