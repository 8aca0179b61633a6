//! Licence expressions (SPDX, annex D of its specification), as far as Cargo packages use them.

/// Whether an expression can be met with allowed licences alone: of an `OR` one side is enough, an `AND`
/// needs both. The old form `MIT/Apache-2.0` means `OR`.
///
/// # Errors
/// What is wrong with an expression that cannot be read.
pub fn is_allowed(expression: &str, allowed: &[&str]) -> Result<bool, String> {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut parser = Parser {
        words: spaced.split_whitespace().collect(),
        next: 0,
        allowed,
    };
    let verdict = parser.or()?;
    match parser.peek() {
        None => Ok(verdict),
        Some(word) => Err(format!("`{word}` is not expected in `{expression}`")),
    }
}

struct Parser<'a> {
    words: Vec<&'a str>,
    next: usize,
    allowed: &'a [&'a str],
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let there = self.peek() == Some(word);
        self.next += usize::from(there);
        there
    }

    fn or(&mut self) -> Result<bool, String> {
        let mut verdict = self.and()?;
        while self.take("OR") {
            verdict |= self.and()?;
        }
        Ok(verdict)
    }

    fn and(&mut self) -> Result<bool, String> {
        let mut verdict = self.one()?;
        while self.take("AND") {
            verdict &= self.one()?;
        }
        Ok(verdict)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let verdict = self.or()?;
            return if self.take(")") {
                Ok(verdict)
            } else {
                Err("`)` is missing".into())
            };
        }
        let licence = self.name()?;
        // An exception only adds permissions, so the licence alone may be allowed as well.
        let with_exception = if self.take("WITH") {
            format!("{licence} WITH {}", self.name()?)
        } else {
            String::new()
        };
        let this_or_later = licence.trim_end_matches('+');
        Ok(self
            .allowed
            .iter()
            .any(|name| *name == this_or_later || *name == with_exception))
    }

    fn name(&mut self) -> Result<&'a str, String> {
        let word = self.peek().ok_or("a licence is missing at the end")?;
        if matches!(word, "OR" | "AND" | "WITH" | ")") {
            return Err(format!("a licence is missing before `{word}`"));
        }
        self.next += 1;
        Ok(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: &[&str] = &["Apache-2.0", "MIT", "Unicode-3.0"];

    fn allowed(expression: &str) -> bool {
        is_allowed(expression, ALLOWED).expect("can be read")
    }

    #[test]
    fn of_or_one_side_is_enough() {
        assert!(allowed("GPL-2.0-only OR MIT"));
        assert!(allowed("MIT OR Apache-2.0 OR LGPL-2.1-or-later"));
        assert!(!allowed("GPL-2.0-only OR AGPL-3.0-only"));
    }

    #[test]
    fn and_needs_both() {
        assert!(allowed("MIT AND Apache-2.0"));
        assert!(!allowed("MIT AND GPL-2.0-only"));
    }

    #[test]
    fn and_binds_tighter_than_or() {
        assert!(allowed("MIT OR GPL-2.0-only AND LGPL-3.0-only"));
        assert!(!allowed("(MIT OR GPL-2.0-only) AND LGPL-3.0-only"));
        assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
    }

    #[test]
    fn the_old_slash_is_an_or() {
        assert!(allowed("MIT/Apache-2.0"));
        assert!(allowed("GPL-2.0-only / MIT"));
    }

    #[test]
    fn an_exception_widens_an_allowed_licence_and_no_other() {
        assert!(allowed("Apache-2.0 WITH LLVM-exception"));
        assert!(!allowed("GPL-2.0-only WITH Classpath-exception-2.0"));
        let with = &["GPL-2.0-only WITH Classpath-exception-2.0"];
        assert_eq!(
            is_allowed("GPL-2.0-only WITH Classpath-exception-2.0", with),
            Ok(true)
        );
        assert_eq!(is_allowed("GPL-2.0-only", with), Ok(false));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_not_allowed() {
        for broken in [
            "",
            "MIT OR",
            "OR MIT",
            "(MIT",
            "MIT)",
            "MIT Apache-2.0",
            "MIT WITH",
        ] {
            assert!(is_allowed(broken, ALLOWED).is_err(), "{broken}");
        }
    }
}
