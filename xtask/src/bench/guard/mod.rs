//! `cargo xtask bench --guard`: how many instructions the hot paths take, held
//! against the figures that the repository keeps.
//!
//! Time is another on each machine and in each minute; instructions are nearly
//! the same in each run, so a rise is one of the code. Callgrind counts them in
//! the example `hot_paths` of the benches, which says what the paths are.

mod callgrind;
mod figures;

use anyhow::{Context, Result, bail};

use super::PACKAGE;
use crate::cargo::{cargo, workspace_root};
use crate::metadata::Metadata;
use crate::report::Outcome;
use callgrind::Program;
use figures::{Counts, Figures};

/// The program whose instructions are counted.
const EXAMPLE: &str = "hot_paths";

/// Where the figures are, from the root of the workspace.
const FIGURES: &str = "benches/instructions.toml";

/// Counts, and fails where a path takes more than the figures allow.
pub(crate) fn check() -> Result<Outcome> {
    let Some(counts) = count()? else {
        return Ok(missing());
    };
    let path = workspace_root()?.join(FIGURES);
    let all = Figures::read(&path)?;
    let Some(kept) = all.of(&figures::platform()) else {
        print!("{}", figures::table(&Counts::new(), &counts));
        let platform = figures::platform();
        let why = format!("{FIGURES} has no figures of {platform}; --guard --accept adds them");
        return Ok(Outcome::Skipped(why));
    };
    print!("{}", figures::table(&kept.counts, &counts));
    let wrong = figures::compare(&kept.counts, &counts);
    if wrong.is_empty() {
        return Ok(Outcome::Passed);
    }
    let compiler = compiler()?;
    let mut why = wrong.join("\n");
    if kept.compiler != compiler {
        why += &format!(
            "\n(counted with {}, here with {compiler}: it may be the compiler's doing)",
            kept.compiler
        );
    }
    bail!(
        "{why}\nMend it, or say why it must be so and accept it: `cargo xtask bench --guard --accept`"
    )
}

/// Counts, and writes the figures of this platform anew.
pub(super) fn accept() -> Result<Outcome> {
    let Some(counts) = count()? else {
        return Ok(missing());
    };
    let path = workspace_root()?.join(FIGURES);
    let mut all = Figures::read(&path)?;
    let platform = figures::platform();
    let before = all.of(&platform).map(|kept| kept.counts.clone());
    print!("{}", figures::table(&before.unwrap_or_default(), &counts));
    all.keep(platform, compiler()?, counts);
    all.write(&path)?;
    println!("The figures are in {FIGURES}.");
    Ok(Outcome::Passed)
}

fn missing() -> Outcome {
    Outcome::Skipped("there is no `valgrind`, which counts the instructions".to_owned())
}

/// The instructions of one time along each path, where valgrind exists.
fn count() -> Result<Option<Counts>> {
    if !callgrind::exists() {
        return Ok(None);
    }
    let build = cargo("build --release -p").arg(PACKAGE);
    // Built in parts it would be another program than the one that is released.
    let build = build.args(["--example", EXAMPLE]);
    build.env("CARGO_INCREMENTAL", "0").run()?;
    let built = Metadata::read()?.target_directory;
    let program = Program {
        path: built.join("release/examples").join(EXAMPLE),
        out: built.join("bench/callgrind.out"),
    };
    program
        .paths()?
        .into_iter()
        .map(|path| {
            let counted = program.count(&path);
            let counted = counted.with_context(|| format!("the path `{path}` was not counted"))?;
            Ok((path, counted))
        })
        .collect::<Result<_>>()
        .map(Some)
}

/// Which compiler this is, such as `rustc 1.88.0`.
fn compiler() -> Result<String> {
    let version = callgrind::output("rustc", ["--version"])?;
    let words: Vec<_> = version.split_whitespace().take(2).collect();
    Ok(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_that_the_repository_keeps_can_be_read() {
        let path = workspace_root().expect("the root").join(FIGURES);
        let figures = Figures::read(&path).expect("they are as they were written");
        assert!(figures.of("x86_64-linux").is_some());
    }
}
