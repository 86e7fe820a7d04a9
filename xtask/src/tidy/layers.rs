//! Who may depend on whom: the table of `ARCHITECTURE.md` as data.
//!
//! - A normal or build dependency on a crate of ours stands in its row.
//! - A dev-dependency on a crate of ours points to a lower [rank](Layer::rank),
//!   or to the crate itself (its own `test-util`). So the server's tests may
//!   use the client, the client's may not use the server, and what knows both
//!   is tested in the facade or the binary.
//! - A normal or build dependency on somebody else's crate stands in the row
//!   too; tests, examples and benches may use what `deny.toml` lets in.

use super::Finding;
use super::manifest::Manifest;
use super::tree::Tree;
use crate::metadata::{Dependency, Kind};

/// Where the table is, for findings.
const TABLE: &str = "xtask/src/tidy/layers.rs";

/// One crate and what it may lean on.
struct Layer {
    name: &'static str,
    /// Crates of ours.
    ours: &'static [&'static str],
    /// Crates of others.
    theirs: &'static [&'static str],
    /// Crates of others that come with a feature only, as `optional`.
    with_a_feature: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    Layer {
        name: "atd-proto",
        ours: &[],
        theirs: &["bytes", "serde", "serde_json", "thiserror"],
        with_a_feature: &["schemars", "tokio"],
    },
    Layer {
        name: "atd-audit",
        ours: &[],
        theirs: &["rustix", "serde", "time"],
        with_a_feature: &[
            "ed25519-dalek",
            "hdrhistogram",
            "serde_json",
            "sha2",
            "tracing",
        ],
    },
    Layer {
        name: "atd-gate",
        ours: &["atd-proto"],
        theirs: &[
            "dashmap",
            "foldhash",
            "rustix",
            "thiserror",
            "tokio",
            "tracing",
        ],
        with_a_feature: &[
            "base64",
            "bs58",
            "ed25519-dalek",
            "getrandom",
            "serde",
            "serde_json",
            "sha2",
            "subtle",
        ],
    },
    Layer {
        name: "atd-registry",
        ours: &["atd-proto"],
        theirs: &[
            "async-trait",
            "bytes",
            "dashmap",
            "foldhash",
            "jsonschema",
            "schemars",
            "secrecy",
            "serde",
            "serde_json",
            "serde_path_to_error",
            "strsim",
            "thiserror",
            "tokio",
            "tokio-util",
            "ulid",
        ],
        with_a_feature: &[],
    },
    Layer {
        name: "atd-client",
        ours: &["atd-proto"],
        theirs: &[
            "bytes",
            "futures-core",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
        ],
        with_a_feature: &[],
    },
    Layer {
        name: "atd-server",
        ours: &["atd-proto", "atd-audit", "atd-gate", "atd-registry"],
        theirs: &[
            "bytes",
            "chacha20poly1305",
            "data-encoding",
            "getrandom",
            "regex",
            "rustix",
            "serde_json",
            "sha2",
            "thiserror",
            "tokio",
            "tokio-util",
            "tracing",
        ],
        with_a_feature: &[],
    },
    Layer {
        name: "atd-process",
        ours: &["atd-proto", "atd-registry"],
        theirs: &[
            "close_fds",
            "rustix",
            "secrecy",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
        ],
        with_a_feature: &[],
    },
    Layer {
        name: "atd-tools",
        ours: &["atd-proto", "atd-registry", "atd-process"],
        theirs: &["async-trait", "serde", "serde_json"],
        with_a_feature: &[
            "cap-std",
            "encoding_rs",
            "flate2",
            "globset",
            "grep-matcher",
            "grep-regex",
            "grep-searcher",
            "html5gum",
            "http-body-util",
            "hyper",
            "hyper-util",
            "ignore",
            "ipnet",
            "memchr",
            "rustix",
            "rustls",
            "rustls-native-certs",
            "schemars",
            "thiserror",
            "tokio",
            "tokio-rustls",
            "url",
        ],
    },
    Layer {
        name: "atd-runtime",
        ours: &[
            "atd-proto",
            "atd-audit",
            "atd-gate",
            "atd-registry",
            "atd-client",
            "atd-server",
            "atd-process",
            "atd-tools",
        ],
        theirs: &[],
        with_a_feature: &[],
    },
    Layer {
        name: "atd-cli",
        ours: &["atd-runtime"],
        theirs: &[
            "anstream",
            "anstyle",
            "anyhow",
            "bytesize",
            "clap",
            "clap_complete",
            "clap_mangen",
            "comfy-table",
            "crossterm",
            "getrandom",
            "httparse",
            "humantime",
            "rustix",
            "serde",
            "serde_json",
            "strsim",
            "tempfile",
            "terminal_size",
            "tokio",
            "toml",
            "tracing",
            "tracing-subscriber",
        ],
        with_a_feature: &[],
    },
    Layer {
        name: "benches",
        ours: &["atd-runtime"],
        theirs: &["criterion", "serde_json", "tokio"],
        with_a_feature: &[],
    },
    Layer {
        name: "xtask",
        ours: &[],
        theirs: &["anyhow", "clap", "serde", "serde_json", "toml"],
        with_a_feature: &[],
    },
];

impl Layer {
    fn of(name: &str) -> Option<&'static Self> {
        LAYERS.iter().find(|layer| layer.name == name)
    }

    /// How many crates of ours lie below this one at the longest: 0 for the
    /// leaves, and the more the more it depends on.
    fn rank(&self) -> usize {
        let below = self.ours.iter().filter_map(|name| Self::of(name));
        below.map(|layer| 1 + layer.rank()).max().unwrap_or(0)
    }

    /// Why this crate may not have that dependency, and what it may have.
    fn objection(&self, dependency: &Dependency) -> Option<String> {
        let name = dependency.name.as_str();
        match (Self::of(name), dependency.kind) {
            (None, Kind::Dev) => None,
            (None, _) if self.theirs.contains(&name) => None,
            (None, _) if self.with_a_feature.contains(&name) => (!dependency.optional)
                .then(|| format!("`{name}` is for a feature here: make it `optional = true`")),
            (None, _) => Some(format!(
                "`{}` may not lean on `{name}`: its row in {TABLE} allows {}; if it should, \
                 say so there",
                self.name,
                listed(&[self.theirs, self.with_a_feature].concat())
            )),
            (Some(layer), Kind::Dev) => {
                let allowed = layer.name == self.name || layer.rank() < self.rank();
                (!allowed).then(|| {
                    format!(
                        "the tests of `{}` may not use `{name}`, which knows as much or more: \
                         move the test to a crate that knows both",
                        self.name
                    )
                })
            }
            (Some(_), _) if self.ours.contains(&name) => None,
            (Some(_), _) => Some(format!(
                "`{}` may not know `{name}`: of our crates its row in {TABLE} allows {}",
                self.name,
                listed(self.ours)
            )),
        }
    }
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        _ => names.join(", "),
    }
}

/// Every edge that `cargo metadata` shows is one that the table allows.
pub(crate) fn edges_keep_the_table(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.metadata.members() {
        let Some(layer) = Layer::of(&package.name) else {
            continue;
        };
        let path = tree.metadata.relative(&package.manifest_path);
        let manifest = Manifest::read(&path, tree.text(&path).unwrap_or_default());
        for dependency in &package.dependencies {
            if let Some(objection) = layer.objection(dependency) {
                let line = line_of(&manifest, dependency);
                findings.push(Finding::new(&path, line, objection));
            }
        }
    }
    findings
}

fn line_of(manifest: &Manifest<'_>, dependency: &Dependency) -> usize {
    let key = dependency.rename.as_ref().unwrap_or(&dependency.name);
    let declared = manifest.dependencies();
    let mut declared = declared.iter();
    declared
        .find(|it| it.kind == dependency.kind && it.key == key)
        .map_or(1, |it| it.line)
}

/// Every member has a row, and every row a member, in the directory of its name.
pub(crate) fn crates_and_rows_match(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.metadata.members() {
        let path = tree.metadata.relative(&package.manifest_path);
        if Layer::of(&package.name).is_none() {
            let message = format!(
                "`{}` has no row in the layer table: add one to {TABLE} and to ARCHITECTURE.md",
                package.name
            );
            findings.push(Finding::new(&path, 1, message));
        }
        let directory = path.trim_end_matches("/Cargo.toml");
        if directory.rsplit('/').next() != Some(&package.name) {
            let message = format!("`{}` lies in `{directory}`: name both alike", package.name);
            findings.push(Finding::new(&path, 1, message));
        }
    }
    for layer in LAYERS {
        if tree.metadata.member(layer.name).is_none() {
            let row = format!("name: \"{}\"", layer.name);
            let table = tree.text(TABLE).unwrap_or_default();
            let line = table.lines().position(|line| line.contains(&row));
            let message = format!("`{}` is no member: take its row out", layer.name);
            findings.push(Finding::new(
                TABLE,
                line.map_or(1, |line| line + 1),
                message,
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check_tree, tree_of_members};
    use super::*;

    fn objection(name: &str, dependency: &str, kind: Kind) -> Option<String> {
        let layer = Layer::of(name).expect("the crate has a row");
        layer.objection(&Dependency {
            name: dependency.into(),
            rename: None,
            kind,
            optional: false,
        })
    }

    #[test]
    fn a_row_names_only_crates_above_it() {
        for (index, layer) in LAYERS.iter().enumerate() {
            for name in layer.ours {
                let mut above = LAYERS[..index].iter();
                assert!(above.any(|layer| layer.name == *name), "{name}");
            }
        }
    }

    #[test]
    fn an_edge_in_the_table_is_allowed_and_any_other_is_not() {
        assert_eq!(objection("atd-gate", "atd-proto", Kind::Normal), None);
        assert_eq!(
            objection("atd-proto", "atd-gate", Kind::Normal).as_deref(),
            Some(
                "`atd-proto` may not know `atd-gate`: of our crates its row in \
                 xtask/src/tidy/layers.rs allows none"
            )
        );
        assert_eq!(
            objection("atd-cli", "atd-server", Kind::Build).as_deref(),
            Some(
                "`atd-cli` may not know `atd-server`: of our crates its row in \
                 xtask/src/tidy/layers.rs allows atd-runtime"
            )
        );
    }

    #[test]
    fn tests_use_what_is_below_or_the_crate_itself() {
        for (name, dependency) in [
            ("atd-server", "atd-client"),
            ("atd-cli", "atd-audit"),
            ("atd-runtime", "atd-tools"),
            ("atd-gate", "atd-gate"),
        ] {
            assert_eq!(objection(name, dependency, Kind::Dev), None, "{name}");
        }
        for (name, dependency) in [
            ("atd-client", "atd-server"),
            ("atd-process", "atd-server"),
            ("atd-audit", "atd-proto"),
            ("atd-server", "atd-runtime"),
        ] {
            assert!(objection(name, dependency, Kind::Dev).is_some(), "{name}");
        }
    }

    #[test]
    fn a_crate_of_others_is_allowed_by_the_row_or_for_tests() {
        assert_eq!(objection("atd-proto", "serde", Kind::Normal), None);
        assert_eq!(objection("atd-proto", "proptest", Kind::Dev), None);
        let clock = objection("atd-proto", "time", Kind::Normal);
        assert!(clock.is_some_and(|says| says.starts_with("`atd-proto` may not lean on `time`")));
        assert_eq!(
            objection("atd-gate", "ed25519-dalek", Kind::Normal).as_deref(),
            Some("`ed25519-dalek` is for a feature here: make it `optional = true`")
        );
    }

    #[test]
    fn a_forbidden_edge_is_found_in_its_line() {
        let clock = r#"[{"name": "time", "rename": "clock", "kind": null, "optional": false}]"#;
        let mut tree = tree_of_members(&[("atd-proto", clock)]);
        tree.files.insert(
            "crates/atd-proto/Cargo.toml".into(),
            "[dependencies]\nclock = { package = \"time\" }\n".into(),
        );
        check_tree(
            edges_keep_the_table,
            &tree,
            &[
                "crates/atd-proto/Cargo.toml:2: `atd-proto` may not lean on `time`: its row in \
                 xtask/src/tidy/layers.rs allows bytes, serde, serde_json, thiserror, schemars, \
                 tokio; if it should, say so there",
            ],
        );
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_crate_are_found() {
        let rows: Vec<_> = LAYERS[1..].iter().map(|row| (row.name, "[]")).collect();
        let mut tree = tree_of_members(&[&rows[..], &[("atd-new", "[]")]].concat());
        tree.files
            .insert(TABLE.into(), "[\n  name: \"atd-proto\"\n".into());
        check_tree(
            crates_and_rows_match,
            &tree,
            &[
                "crates/atd-new/Cargo.toml:1: `atd-new` has no row in the layer table: add one \
                 to xtask/src/tidy/layers.rs and to ARCHITECTURE.md",
                "xtask/src/tidy/layers.rs:2: `atd-proto` is no member: take its row out",
            ],
        );
    }
}
