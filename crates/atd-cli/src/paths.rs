//! Where things are unless somebody says otherwise.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The socket that was named, or the default one.
pub(crate) fn socket(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    named.or_else(default_socket).ok_or_else(|| {
        Failure::usage("there is no place for the socket: neither XDG_RUNTIME_DIR nor HOME is set")
            .advise("--socket PATH, or ATD_SOCKET in the environment")
    })
}

/// The audit log beside a socket.
pub(crate) fn audit_beside(socket: &Path) -> PathBuf {
    socket.with_file_name("audit.jsonl")
}

/// The audit log that was named, or the one beside the socket.
pub(crate) fn audit_log(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    match named {
        Some(named) => Ok(named),
        None => {
            let socket = env::var_os("ATD_SOCKET").filter(|path| !path.is_empty());
            socket
                .map(PathBuf::from)
                .or_else(default_socket)
                .map(|socket| audit_beside(&socket))
                .ok_or_else(|| {
                    Failure::usage(
                        "there is no place for the log: neither XDG_RUNTIME_DIR nor HOME is set",
                    )
                    .advise("--log FILE, or ATD_AUDIT_LOG in the environment")
                })
        }
    }
}

/// `--socket PATH` as it would have to be typed to reach this socket, with a
/// space before it; nothing where it is the default.
pub(crate) fn socket_flag(socket: &Path) -> String {
    if default_socket().is_some_and(|default| default == socket) {
        return String::new();
    }
    format!(" --socket {}", shell_word(&socket.display().to_string()))
}

/// The text as one word for a shell.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn default_socket() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value: &OsString| !value.is_empty());
    let runtime = set("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("atd"));
    let home = || set("HOME").map(|dir| PathBuf::from(dir).join(".atd"));
    Some(runtime.or_else(home)?.join("atd.sock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_for_a_shell() {
        assert_eq!(shell_word("/run/atd.sock"), "/run/atd.sock");
        assert_eq!(shell_word("/a b/it's"), r"'/a b/it'\''s'");
        assert_eq!(shell_word("$(x)"), "'$(x)'");
    }

    #[test]
    fn the_audit_log_stands_beside_the_socket() {
        assert_eq!(
            audit_beside(Path::new("/r/s.sock")),
            Path::new("/r/audit.jsonl")
        );
    }
}
