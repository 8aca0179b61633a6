//! The marks in a source file, and a source file without a marked line.

use crate::run::Failure;

const MARK: &str = "// protects: ";

/// The tests that a line's trailing comment names, with commas between them.
pub fn marked(line: &str) -> Result<Vec<&str>, &'static str> {
    let Some((code, names)) = line.split_once(MARK) else {
        return Ok(Vec::new());
    };
    if code.trim().is_empty() {
        return Err("the mark stands behind the code that it protects, on the same line");
    }
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if names.iter().all(|name| is_name(name)) {
        return Ok(names);
    }
    Err("after `protects:` stand names of tests, with commas between them")
}

/// The names behind `fn` in a source file.
pub fn functions(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| {
        let (before, after) = line.split_once("fn ")?;
        let starts_word = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        (starts_word && end > 0).then(|| &after[..end])
    })
}

/// The source without the line, counted from 1, and without the rest of the brackets that it opens or closes:
/// a guard of several lines carries its mark behind its last line, where the formatter leaves it.
///
/// # Errors
/// The line is not there, or the other end of a bracket is not.
pub fn without_line(source: &str, line: usize) -> Result<String, Failure> {
    let lines: Vec<&str> = source.split_inclusive('\n').collect();
    let marked = line.checked_sub(1).filter(|index| *index < lines.len());
    let marked = marked.ok_or_else(|| Failure::new(format!("there is no line {line}")))?;
    let (mut first, mut last) = (marked, marked);
    let mut open = brackets(lines[marked]);
    let unpaired = || {
        Failure::new(format!(
            "the other end of a bracket of line {line} is missing"
        ))
    };
    while open < 0 {
        first = first.checked_sub(1).ok_or_else(unpaired)?;
        open = (open + brackets(lines[first])).min(0);
    }
    while open > 0 {
        last += 1;
        open += brackets(lines.get(last).ok_or_else(unpaired)?);
    }
    Ok(lines[..first].concat() + &lines[last + 1..].concat())
}

/// How many more brackets a line opens than it closes; strings, characters and comments do not count.
fn brackets(line: &str) -> i32 {
    let mut open = 0;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            break;
        }
        let literal = match c {
            '"' => string_len(rest),
            '\'' => character_len(rest),
            _ => None,
        };
        open += match c {
            '(' | '[' | '{' => 1,
            ')' | ']' | '}' => -1,
            _ => 0,
        };
        rest = &rest[literal.unwrap_or(c.len_utf8())..];
    }
    open
}

/// The length of the string literal that `text` begins with, if it ends on this line.
fn string_len(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length of the character literal that `text` begins with; a lifetime is none.
fn character_len(text: &str) -> Option<usize> {
    let inside = text.get(1..)?;
    let shortest = if inside.starts_with('\\') {
        2
    } else {
        inside.chars().next()?.len_utf8()
    };
    let end = inside.get(shortest..)?.find('\'')?;
    let plain = end == 0 || inside.starts_with('\\');
    plain.then_some(1 + shortest + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_line_names_its_tests() {
        let line = format!("    file.sync_all()?; {MARK}a_crash_loses_nothing, no_gap");
        assert_eq!(marked(&line), Ok(vec!["a_crash_loses_nothing", "no_gap"]));
        assert_eq!(
            marked("    file.sync_all()?; // as the standard asks"),
            Ok(vec![])
        );
    }

    #[test]
    fn a_mark_without_code_or_without_a_name_is_refused() {
        assert!(marked(&format!("    {MARK}no_gap")).is_err());
        assert!(marked(&format!("sync(); {MARK}see below")).is_err());
        assert!(marked(&format!("sync(); {MARK}")).is_err());
    }

    #[test]
    fn only_the_marked_line_goes() {
        let source = "fn f() {\n    a();\n    b();\n    c();\n}\n";
        let left = without_line(source, 3).expect("line 3 is there");
        assert_eq!(left, "fn f() {\n    a();\n    c();\n}\n");
    }

    #[test]
    fn a_guard_goes_whole() {
        let source = "a();\nif bad('{') { // because \"}\"\n    return Err(\"}\");\n}\nb();\n";
        assert_eq!(without_line(source, 2).expect("closed"), "a();\nb();\n");
        let call = "check(\n    x,\n    y,\n)?;\nb();";
        assert_eq!(without_line(call, 1).expect("closed"), "b();");
    }

    #[test]
    fn a_guard_marked_at_its_end_goes_whole_too() {
        let source = "a();\nif bad(\n    x,\n) {\n    return;\n} // mark\nb();\n";
        assert_eq!(without_line(source, 6).expect("opened"), "a();\nb();\n");
        let call = "a();\ncheck(\n    x,\n)?; // mark\n";
        assert_eq!(without_line(call, 4).expect("opened"), "a();\n");
    }

    #[test]
    fn a_line_that_is_not_there_is_an_error() {
        assert!(without_line("a();\n", 0).is_err());
        assert!(without_line("a();\n", 2).is_err());
        assert!(without_line("f(\n", 1).is_err());
        assert!(without_line("a();\n}\n", 2).is_err());
    }

    #[test]
    fn brackets_in_literals_and_comments_do_not_count() {
        assert_eq!(
            brackets("f(\"(((\", '(', '\\'', '\\u{7b}', b'[') // ((("),
            0
        );
        assert_eq!(brackets("fn f<'a>(x: &'a str) -> Vec<&'a str> {"), 1);
        assert_eq!(brackets("} else {"), 0);
    }

    #[test]
    fn the_names_of_functions_are_found() {
        let source = "pub fn one() {}\n    async fn two<T>(t: T) {}\n// often (three)\n";
        assert_eq!(functions(source).collect::<Vec<_>>(), ["one", "two"]);
    }
}
