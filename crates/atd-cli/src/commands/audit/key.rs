//! `atd audit key`, and reading what it made.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use atd_runtime::audit::SigningKey;

use crate::cli::AuditKeyOptions;
use crate::failure::Failure;
use crate::output;

pub(super) fn run(options: &AuditKeyOptions) -> Result<ExitCode, Failure> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)
        .map_err(|error| Failure::failed(format!("the system gives no randomness: {error}")))?;
    let key = SigningKey::from_bytes(&secret);
    let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = options.file.display();
    let mut open = OpenOptions::new();
    open.write(true).create_new(true).mode(0o600);
    let written = open
        .open(&options.file)
        .and_then(|mut file| file.write_all(format!("{digits}\n").as_bytes()));
    written.with_context(|| format!("cannot write the key to {path}"))?;
    output::print(key.public_key())?;
    Ok(ExitCode::SUCCESS)
}

/// The signing key in a file that nobody else may read.
pub(crate) fn read(path: &Path) -> Result<SigningKey, Failure> {
    let read = || {
        let found = fs::metadata(path)?;
        ensure!(
            found.mode() & 0o077 == 0,
            "others may read or write it: chmod 600 it"
        );
        Ok(fs::read_to_string(path)?.parse()?)
    };
    read()
        .with_context(|| format!("no signing key in {}", path.display()))
        .map_err(|error: anyhow::Error| Failure::usage(format!("{error:#}")))
}
