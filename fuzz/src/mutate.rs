//! A small mutator: the same seed gives the same inputs on every machine.

/// Longest input that is made, in bytes.
pub const INPUT_BYTES_MAX: usize = 64 * 1024;

/// What parsers stumble over.
const TOKENS: &[&[u8]] = &[
    b"",
    b"0",
    b"00",
    b"01",
    b"-0",
    b"-1",
    b"1.0",
    b"1e3",
    b"9007199254740991",
    b"9007199254740992",
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775807",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"[[[[[[[[[",
    b"\"a\":1,\"a\":2",
    b"\"_sd\":[]",
    b"\"...\":0",
    b"_sd_alg",
    b"\\u0000",
    b"\\ud800",
    b"\"",
    b",",
    b":",
    b"~",
    b"~~",
    b".",
    b"..",
    b"=",
    b"==",
    b"A",
    b"AA==",
    b"AB",
    b"-",
    b"_",
    b"+",
    b"/",
    b"#",
    b" ",
    b"\t",
    b"\n",
    b"\n\n",
    b"\r\n",
    b"\0",
    b"\x7f",
    b"\xff",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"\xe2\x80\x94 ",
    b"none",
    b"EdDSA",
    b"ES256",
    b"HS256",
    b"0/recovery",
    b"0/log",
    b"key.compromise/1",
    b"key.revoke/1",
    b"key.grant/1",
    b"/1",
    b"/0",
    b"x000/",
    b"/000",
    b".p/256",
    b".p/1",
    b"tile/entries/",
    b"old 0",
    b"index 0",
    b"extra AA==",
    b"public",
    b"own",
    b"Z",
    b"+24:00",
    b"-00:00",
    b"[UTC]",
    b"T24",
    b":60",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\0\0\0\0\0\0\0\0",
    b"\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\x80\0\0\0\0\0\0\0",
];

/// Draws numbers from a seed (xorshift64*, by Vigna).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        // A small bias does no harm here; the upper bits are the better ones.
        (self.next() >> 16) as usize % end.max(1)
    }
}

/// An input made from one of `corpus` by one to eight changes.
///
/// # Panics
/// When `corpus` is empty.
#[must_use]
pub fn mutated(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(8).min(random.below(8)) {
        change(random, &mut bytes, corpus);
    }
    bytes.truncate(INPUT_BYTES_MAX);
    bytes
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = random.below(bytes.len() + 1);
    let end = at + random.below(bytes.len() - at + 1).min(random.below(64));
    match random.below(10) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = random.below(256) as u8,
        2 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add([1, 255][random.below(2)]),
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        6 => {
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len() + 1);
            let to = from + random.below(other.len() - from + 1);
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        7 => drop(bytes.splice(at..end, TOKENS[random.below(TOKENS.len())].iter().copied())),
        8 => drop(bytes.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied())),
        _ => swap_lines(random, bytes),
    }
}

/// Two lines, or parts between `~`, change places.
fn swap_lines(random: &mut Random, bytes: &mut Vec<u8>) {
    let mark = [b'\n', b'~', b'.', b','][random.below(4)];
    let mut parts: Vec<&[u8]> = bytes.split(|byte| *byte == mark).collect();
    let (one, other) = (random.below(parts.len()), random.below(parts.len()));
    parts.swap(one, other);
    *bytes = parts.join(&mark);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_makes_one_sequence() {
        let corpus = [b"one\ntwo\nthree".to_vec(), Vec::new()];
        let sequence = |seed| {
            let mut random = Random::new(seed);
            (0..200)
                .map(|_| mutated(&mut random, &corpus))
                .collect::<Vec<_>>()
        };
        assert_eq!(sequence(1), sequence(1));
        assert_ne!(sequence(1), sequence(2));
        assert!(
            sequence(1)
                .iter()
                .any(|input| *input != corpus[0] && !input.is_empty())
        );
    }
}
