//! Writes the kept inputs: `cargo run -p fuzz --bin corpus`. Files that were added by hand stay.

use std::io;

fn main() -> io::Result<()> {
    for seed in fuzz::seeds::seeds() {
        let dir = fuzz::seeds::corpus_dir().join(seed.target);
        std::fs::create_dir_all(&dir)?;
        std::fs::write(dir.join(seed.name), seed.bytes)?;
    }
    Ok(())
}
