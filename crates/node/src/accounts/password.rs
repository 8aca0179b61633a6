//! Passwords: which are taken, how they are kept, and how one is checked without telling whether there is an account.

use super::id::random;
use super::name::{SignInName, normalised};
use super::secret::Secret;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Fewest characters of a password (NIST SP 800-63B asks for 8, and for 15 where nothing else is asked for).
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Most bytes of a password: nobody types more, and hashing more is work for an attacker to give us.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Fewest different characters of a password.
pub const PASSWORD_DIFFERENT_CHARS_MIN: usize = 5;

/// Names shorter than this may stand in a password by chance.
const NAME_CHARS_IN_PASSWORD_MIN: usize = 4;

/// What argon2id spends on one password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// The OWASP Password Storage Cheat Sheet's configuration of argon2id with 19 MiB.
pub const OWASP: Cost = Cost {
    memory_kib: 19 * 1024,
    passes: 2,
    lanes: 1,
};

const HASH_BYTES: usize = 32;
const SALT_BYTES: usize = 16;

/// The rule that a password breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRule {
    /// Too short.
    #[error("has at least 12 characters; a few words that only you would put together are good")]
    TooShort,
    /// Too long.
    #[error("has at most 1024 bytes")]
    TooLong,
    /// `aaaaaaaaaaaa`.
    #[error("has at least 5 different characters")]
    TooPlain,
    /// It is what an attacker tries first.
    #[error("does not contain the sign-in name")]
    HasName,
}

/// Whether `password` may be set for `name`.
///
/// # Errors
/// The rule that it breaks.
pub fn acceptable(password: &Secret, name: &SignInName) -> Result<(), PasswordRule> {
    let text = password.reveal();
    if text.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordRule::TooLong);
    }
    if text.chars().count() < PASSWORD_CHARS_MIN {
        return Err(PasswordRule::TooShort);
    }
    let mut different: Vec<char> = text.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < PASSWORD_DIFFERENT_CHARS_MIN {
        return Err(PasswordRule::TooPlain);
    }
    let telling = name.as_str().chars().count() >= NAME_CHARS_IN_PASSWORD_MIN;
    if telling && Zeroizing::new(normalised(text)).contains(name.as_str()) {
        return Err(PasswordRule::HasName);
    }
    Ok(())
}

/// How a password compares with the hash that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// Right, but hashed at another cost than the one that holds now.
    RightAtOtherCost,
}

/// Hashes and compares. Each call takes tens of milliseconds of one core: never on a thread that serves connections.
pub(crate) struct Passwords {
    cost: Cost,
    argon2: Argon2<'static>,
    nobodys: String,
}

impl Passwords {
    /// # Errors
    /// A sentence, when argon2 refuses the cost.
    pub fn new(cost: Cost) -> Result<Self, String> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(HASH_BYTES));
        let params =
            params.map_err(|error| format!("argon2id refuses the cost {cost:?}: {error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut passwords = Self {
            cost,
            argon2,
            nobodys: String::new(),
        };
        passwords.nobodys = passwords.hash(&Secret::random(""));
        Ok(passwords)
    }

    /// A PHC string with a new salt.
    pub fn hash(&self, password: &Secret) -> String {
        let salt = random::<SALT_BYTES>();
        let hash: Result<PasswordHash, _> =
            argon2::password_hash::PasswordHasher::hash_password_with_salt(
                &self.argon2,
                normal(password).as_bytes(),
                &salt,
            );
        hash.expect("salt and length fit, and the parameters were checked")
            .to_string()
    }

    /// Compares with the hash of the account, or, when there is no account or it has no password, with nobody's: that costs
    /// the same and is never right.
    pub fn check(&self, password: &Secret, kept: Option<&str>) -> Verdict {
        let parsed = kept.and_then(|kept| PasswordHash::new(kept).ok());
        let known = parsed.is_some();
        let hash = parsed.or_else(|| PasswordHash::new(&self.nobodys).ok());
        let Some(hash) = hash else {
            return Verdict::Wrong;
        };
        let right = self
            .argon2
            .verify_password(normal(password).as_bytes(), &hash)
            .is_ok();
        match right && known {
            false => Verdict::Wrong,
            true if self.is_current(&hash) => Verdict::Right,
            true => Verdict::RightAtOtherCost,
        }
    }

    fn is_current(&self, hash: &PasswordHash) -> bool {
        let Ok(params) = Params::try_from(hash) else {
            return false;
        };
        hash.algorithm == Algorithm::Argon2id.ident()
            && hash.version == Some(Version::V0x13.into())
            && (params.m_cost(), params.t_cost(), params.p_cost())
                == (self.cost.memory_kib, self.cost.passes, self.cost.lanes)
    }
}

/// One spelling for the same keys on different keyboards (NIST SP 800-63B, 5.1.1.2: NFKC).
fn normal(password: &Secret) -> Zeroizing<String> {
    Zeroizing::new(password.reveal().nfkc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn the_cost_is_in_the_hash_and_another_cost_is_noticed() {
        let owasp = Passwords::new(OWASP).unwrap();
        let kept = owasp.hash(&secret("four horses in a field"));
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        assert_eq!(
            owasp.check(&secret("four horses in a field"), Some(&kept)),
            Verdict::Right
        );
        assert_eq!(
            owasp.check(&secret("five horses in a field"), Some(&kept)),
            Verdict::Wrong
        );
        let cheap = Passwords::new(CHEAP).unwrap();
        assert_eq!(
            cheap.check(&secret("four horses in a field"), Some(&kept)),
            Verdict::RightAtOtherCost
        );
    }

    #[test]
    fn nobodys_password_is_never_right() {
        let mut passwords = Passwords::new(CHEAP).unwrap();
        passwords.nobodys = passwords.hash(&secret("known to everybody"));
        assert_eq!(
            passwords.check(&secret("known to everybody"), None),
            Verdict::Wrong
        );
        assert_eq!(
            passwords.check(&secret("known to everybody"), Some("not a hash")),
            Verdict::Wrong
        );
    }

    #[test]
    fn two_accounts_with_one_password_have_two_hashes() {
        let passwords = Passwords::new(CHEAP).unwrap();
        assert_ne!(
            passwords.hash(&secret("the same words")),
            passwords.hash(&secret("the same words"))
        );
    }

    #[test]
    fn a_password_typed_on_another_keyboard_is_the_same() {
        let passwords = Passwords::new(CHEAP).unwrap();
        let kept = passwords.hash(&secret("caf\u{e9} in Damascus"));
        assert_eq!(
            passwords.check(&secret("cafe\u{301} in Damascus"), Some(&kept)),
            Verdict::Right
        );
    }

    #[test]
    fn a_password_follows_its_rules() {
        let name: SignInName = "olga".parse().unwrap();
        let long = "abcdefgh".repeat(128) + "x";
        for (text, broken) in [
            ("elevenchars", Some(PasswordRule::TooShort)),
            ("éééééééééééé", Some(PasswordRule::TooPlain)),
            ("twelve chars", None),
            ("123412341234", Some(PasswordRule::TooPlain)),
            ("my name is OLGA!", Some(PasswordRule::HasName)),
            (&long[..1024], None),
            (&long, Some(PasswordRule::TooLong)),
        ] {
            assert_eq!(acceptable(&secret(text), &name).err(), broken, "{text}");
        }
    }
}
