//! Rates: how often somebody may try. A token bucket each for a name and for an address, kept as one number (the time at which
//! the bucket is full again).

use super::id::AccountId;
use super::name::normalised;
use record::encoding::Hash;
use record::time::UtcMs;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// How large a bucket is and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tries at once.
    pub burst: u32,
    /// Milliseconds until one more is allowed.
    pub refill_ms: i64,
}

/// Failed sign-ins with one sign-in name, from wherever.
pub const NAME_RATE: Rate = Rate {
    burst: 10,
    refill_ms: 60_000,
};
/// Failed sign-ins from one address, with whatever names. A mission sits behind one address: right ones are not counted.
pub const ADDRESS_RATE: Rate = Rate {
    burst: 50,
    refill_ms: 6_000,
};
/// Passkey ceremonies begun from one address, and invitations looked at.
pub const CEREMONY_RATE: Rate = Rate {
    burst: 60,
    refill_ms: 2_000,
};
/// Questions of one account about conflicts. Planners ask by hand or from a tool; nobody reads off a map by asking.
pub const CHECK_RATE: Rate = Rate {
    burst: 60,
    refill_ms: 1_000,
};
/// Most buckets that are not full; beyond, an arbitrary one is forgotten. Only addresses without number reach it.
pub const BUCKETS_MAX: usize = 65_536;
/// An IPv6 customer has at least this many bits of network to himself: he is one address.
const IPV6_NETWORK_BITS: u32 = 64;

/// Try again after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(pub u64);

/// What a bucket is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 16]);

impl Key {
    /// For a name, whether or not it is one.
    pub fn name(text: &str) -> Self {
        Self::of(&[b"name", normalised(text).as_bytes()])
    }

    /// For an address.
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::of(&[b"v4", &v4.octets()]),
            IpAddr::V6(v6) => {
                let network = u128::from(v6) >> (Ipv6Addr::BITS - IPV6_NETWORK_BITS);
                Self::of(&[b"v6", &network.to_be_bytes()])
            }
        }
    }

    /// For an account.
    pub fn account(id: AccountId) -> Self {
        Self::of(&[b"account", id.to_string().as_bytes()])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut key = [0; 16];
        key.copy_from_slice(&Hash::of(parts).0[..16]);
        Self(key)
    }
}

/// Buckets of one rate.
pub(crate) struct Limiter {
    rate: Rate,
    buckets_max: usize,
    /// When each bucket is full again. What is not here is full.
    full_at: Mutex<HashMap<Key, i64>>,
}

impl Limiter {
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets_max: BUCKETS_MAX,
            full_at: Mutex::default(),
        }
    }

    /// Takes one try of `key`.
    ///
    /// # Errors
    /// When to come again.
    pub fn take(&self, key: Key, now: UtcMs) -> Result<(), RetryAfter> {
        let mut buckets = self.buckets();
        if !buckets.contains_key(&key) && buckets.len() >= self.buckets_max {
            buckets.retain(|_, full_at| *full_at > now.0);
            let crowded =
                (buckets.len() >= self.buckets_max).then(|| buckets.keys().next().copied());
            crowded.flatten().and_then(|any| buckets.remove(&any));
        }
        let full_at = buckets.entry(key).or_insert(now.0);
        let capacity_ms = i64::from(self.rate.burst) * self.rate.refill_ms;
        // Also when the clock was set back, nobody waits for longer than an empty bucket takes to fill.
        let from = (*full_at).clamp(now.0, now.0 + capacity_ms);
        let after = from + self.rate.refill_ms;
        let short_ms = after - (now.0 + capacity_ms);
        if short_ms > 0 {
            *full_at = from;
            return Err(RetryAfter(short_ms.unsigned_abs().div_ceil(1000)));
        }
        *full_at = after;
        Ok(())
    }

    /// Gives back a try that turned out to be right.
    pub fn give_back(&self, key: Key) {
        if let Some(full_at) = self.buckets().get_mut(&key) {
            *full_at -= self.rate.refill_ms;
        }
    }

    /// Forgets buckets that are full.
    pub fn sweep(&self, now: UtcMs) {
        self.buckets().retain(|_, full_at| *full_at > now.0);
    }

    fn buckets(&self) -> std::sync::MutexGuard<'_, HashMap<Key, i64>> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: Rate = Rate {
        burst: 3,
        refill_ms: 10_000,
    };

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let limiter = Limiter::new(RATE);
        let key = Key::name("desk");
        for _ in 0..3 {
            limiter.take(key, UtcMs(0)).unwrap();
        }
        assert_eq!(limiter.take(key, UtcMs(0)), Err(RetryAfter(10)));
        assert_eq!(limiter.take(key, UtcMs(9_001)), Err(RetryAfter(1)));
        limiter.take(key, UtcMs(10_000)).unwrap();
        assert!(limiter.take(key, UtcMs(10_000)).is_err());
        limiter.give_back(key);
        limiter.take(key, UtcMs(10_000)).unwrap();
        assert!(limiter.take(Key::name("other"), UtcMs(10_000)).is_ok());
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let limiter = Limiter::new(RATE);
        let key = Key::name("desk");
        for _ in 0..3 {
            limiter.take(key, UtcMs(1_000_000_000)).unwrap();
        }
        assert_eq!(limiter.take(key, UtcMs(0)), Err(RetryAfter(10)));
        limiter.take(key, UtcMs(10_000)).unwrap();
    }

    #[test]
    fn addresses_without_number_do_not_fill_the_memory() {
        let limiter = Limiter {
            buckets_max: 100,
            ..Limiter::new(RATE)
        };
        for i in 0..1000_u32 {
            limiter
                .take(Key::address(IpAddr::V4(i.into())), UtcMs(0))
                .unwrap();
            assert!(limiter.buckets().len() <= 100);
        }
        limiter.sweep(UtcMs(10_000));
        assert!(limiter.buckets().is_empty());
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let key = |text: &str| Key::address(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }

    #[test]
    fn one_name_in_two_spellings_has_one_bucket() {
        assert_eq!(Key::name("Olga"), Key::name(" olga"));
    }

    proptest! {
        #[test]
        fn no_more_pass_than_burst_and_refill_allow(steps in prop::collection::vec(0..20_000_i64, 1..60)) {
            let limiter = Limiter::new(RATE);
            let (mut now, mut passed) = (0, 0);
            for step in steps {
                now += step;
                passed += i64::from(limiter.take(Key::name("desk"), UtcMs(now)).is_ok());
                prop_assert!(passed <= 3 + now / RATE.refill_ms);
            }
        }
    }
}
