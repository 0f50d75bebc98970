//! Writes the seeds into the corpora: `cargo run -p hexmile-fuzz-properties --example seeds`.

use std::{error::Error, fs, path::Path};

use hexmile_fuzz_properties::seeds::seeds;

fn main() -> Result<(), Box<dyn Error>> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    for (i, seed) in seeds()?.into_iter().enumerate() {
        let folder = corpora.join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{i:02}")), seed.bytes)?;
    }
    Ok(())
}
