//! Words that may not stand in files of a kind.
//!
//! This file is looked at like any other, so it spells each in two halves.

use std::path::Path;

use super::Finding;
use super::tree::Tree;

struct Ban {
    words: &'static [&'static str],
    /// Whether a file of that path is looked at.
    in_file: fn(&Path) -> bool,
    /// What is wrong with the words, and what would be right.
    instead: &'static str,
    /// Files that may hold them, each with the reason.
    except: &'static [(&'static str, &'static str)],
}

const BANS: &[Ban] = &[
    Ban {
        words: &[
            concat!("TO", "DO"),
            concat!("FIX", "ME"),
            concat!("XX", "X"),
            concat!("to", "do!"),
            concat!("un", "implemented!"),
        ],
        in_file: is_source,
        instead: "is unfinished work that nobody sees here: finish it, or open an issue",
        except: &[],
    },
    Ban {
        words: &[concat!("#[ig", "nore")],
        in_file: is_source,
        instead: "is a test that nobody runs: make it run always, or take it out",
        except: &[],
    },
    Ban {
        words: &[concat!("sl", "eep(")],
        in_file: is_test,
        instead: "guesses how long something takes: wait for the event, or set the clock",
        except: &[],
    },
    Ban {
        words: &[concat!("/wo", "rk/"), concat!("../sh", "ared")],
        in_file: |_| true,
        instead: "is on one machine only: name what is in this repository",
        except: &[],
    },
];

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn is_test(path: &Path) -> bool {
    is_source(path) && path.components().any(|part| part.as_os_str() == "tests")
}

/// No file holds a word that is banned from its kind.
pub(crate) fn banned_words_are_absent(tree: &Tree) -> Vec<Finding> {
    findings(tree, BANS)
}

fn findings(tree: &Tree, bans: &[Ban]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in &tree.files {
        let bans = bans.iter().filter(|ban| {
            (ban.in_file)(Path::new(path)) && ban.except.iter().all(|(except, _)| except != path)
        });
        for Ban { words, instead, .. } in bans {
            for (index, line) in text.lines().enumerate() {
                let banned = words.iter().filter(|word| holds(line, word));
                findings.extend(
                    banned.map(|word| Finding::new(path, index + 1, format!("`{word}` {instead}"))),
                );
            }
        }
    }
    findings
}

/// Whether a line holds a word that is not a part of a longer word or path.
fn holds(line: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let in_path = |c: char| in_word(c) || "./-}~".contains(c);
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        let continues = match word.chars().next() {
            Some('/') => before.is_some_and(in_path),
            Some(first) if in_word(first) => before.is_some_and(in_word),
            _ => false,
        };
        let goes_on = word.ends_with(in_word) && after.is_some_and(in_word);
        !continues && !goes_on
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn every_banned_word_is_found_in_its_line() {
        for ban in BANS {
            for word in ban.words {
                let text = format!("fine\nlet x = \"{word}\";\n");
                let path = "crates/atd-proto/tests/words.rs";
                let expected = format!("{path}:2: `{word}` {}", ban.instead);
                check(banned_words_are_absent, &[(path, &text)], &[&expected]);
            }
        }
    }

    #[test]
    fn a_part_of_a_longer_word_or_path_is_fine() {
        let wholes = [
            concat!("mktemp -t a.XX", "XXXX"),
            concat!("auto", "do!(x)"),
            concat!("fake_sl", "eep(1)"),
            concat!("https://example.org/wo", "rk/"),
            concat!("{root}/wo", "rk/a"),
        ];
        for whole in wholes {
            check(banned_words_are_absent, &[("tests/a.rs", whole)], &[]);
        }
    }

    #[test]
    fn an_exception_is_for_the_file_it_names() {
        let bans = [Ban {
            words: &["rot"],
            in_file: |_| true,
            instead: "rots",
            except: &[("compost.md", "is there for that")],
        }];
        let tree = Tree::of(&[("compost.md", "rot"), ("house.md", "rot")]);
        let found = findings(&tree, &bans);
        assert_eq!(found, [Finding::new("house.md", 1, "`rot` rots")]);
    }

    #[test]
    fn a_word_banned_from_tests_may_stand_elsewhere() {
        let text = concat!("clock.sl", "eep(pause)");
        check(banned_words_are_absent, &[("src/a.rs", text)], &[]);
        let text = concat!("- TO", "DO");
        check(banned_words_are_absent, &[("notes.md", text)], &[]);
    }
}
