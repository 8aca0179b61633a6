//! The mission's node on the disk: its own log and the mirrors of the two parties. It is made once and kept in `target/bench`
//! until the code that makes it changes; what is measured works on a copy.

use crate::cast::{SIGNS, Side};
use crate::story::Story;
use bench::Outcome;
use bench::disk::copy;
use node::home::SECRET;
use record::encoding::Hash;
use record::log::secret_file;
use record::mirror::PIN;
use record::time::{ManualClock, UtcMs};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What decides what is said and how it lies on the disk; another story is another store.
const CODE: [&[u8]; 5] = [
    include_bytes!("../../../../crates/record/src/store/sqlite.rs"),
    include_bytes!("world.rs"),
    include_bytes!("cast.rs"),
    include_bytes!("story.rs"),
    include_bytes!("words.rs"),
];
/// When the story stops; the node's clock is set to that.
const END: &str = "end";

/// A node's home, and when its story stops.
pub struct World {
    pub home: PathBuf,
    pub end: UtcMs,
}

impl World {
    /// The kept store of `statements` statements; filled now if it is not there.
    pub fn kept(folder: &Path, statements: u64) -> Outcome<Self> {
        let dir = folder.join(format!("mission-{statements}"));
        let whole = dir.join("whole");
        let code = Hash::of(&CODE).to_string();
        if !fs::read_to_string(&whole).is_ok_and(|made_by| made_by == code) {
            if dir.exists() {
                fs::remove_dir_all(&dir)?;
            }
            let from = Instant::now();
            fill(&dir, statements)?;
            fs::write(&whole, code)?;
            println!(
                "filled three logs with {statements} statements in {:.0} s; they are kept in target/bench",
                from.elapsed().as_secs_f64()
            );
        }
        Self::of(&dir)
    }

    /// What is in `dir` already.
    pub fn of(dir: &Path) -> Outcome<Self> {
        let home = dir.join(SIGNS[0]);
        let end = fs::read_to_string(home.join(END))?;
        Ok(Self {
            end: UtcMs::parse(&end)?,
            home,
        })
    }

    /// A copy to work on, without views.
    pub fn copy(&self, into: &Path) -> Outcome<Self> {
        copy(&self.home, &into.join(SIGNS[0]))?;
        Self::of(into)
    }
}

fn fill(dir: &Path, statements: u64) -> Outcome {
    let clock = Arc::new(ManualClock::at(UtcMs::parse("2016-02-22T12:00:00Z")?));
    let sides = SIGNS
        .iter()
        .map(|sign| Side::found(dir, sign, &clock))
        .collect::<Outcome<Vec<_>>>()?;
    let story = Story::begin(sides, &clock)?;
    let from = Instant::now();
    let (sides, end) = story.tell(statements, &mut |said| {
        println!("  {said} said after {:.0} s", from.elapsed().as_secs_f64());
    })?;
    let home = &sides[0].home;
    for side in &sides[1..] {
        mirror(home, side)?;
    }
    fs::write(home.join(END), end.to_string())?;
    Ok(())
}

/// A mirror has the files of a log, no secrets, and the key by which it is known.
fn mirror(home: &Path, side: &Side) -> Outcome {
    let name = side.origin().as_str().replace('/', "+");
    let mirrors = home.join(node::node::MIRRORS);
    fs::create_dir_all(&mirrors)?;
    let dir = mirrors.join(name);
    fs::rename(&side.home, &dir)?;
    fs::remove_dir_all(dir.join(SECRET))?;
    secret_file(&dir.join(PIN), &format!("{}\n", side.made.verifier))?;
    Ok(())
}
