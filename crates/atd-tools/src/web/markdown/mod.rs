//! HTML as Markdown, or as plain text.
//!
//! Well-kept converters build the tree of the page first, and walk it by
//! recursion: a page of 100 KB, nested deeply enough, ends the process or takes
//! seconds. This one takes the tokens of a well-kept tokenizer as they come.
//! Its time is linear in the page's length, and it holds no more than the text
//! and 64 open elements.

mod capture;
mod elements;
mod table;
mod tag;
mod walk;
mod writer;

use html5gum::Tokenizer;
use url::Url;

use self::walk::Walk;

/// What to make of HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Markdown,
    /// The words, without marks and links.
    Text,
}

/// What was made of HTML.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) title: Option<String>,
    pub(super) text: String,
    /// Whether it is all that there is.
    pub(super) is_whole: bool,
}

/// After how many tokens others get a turn on this thread.
const TURN: usize = 1024;

/// Makes a text of at most about `limit` bytes of a page that came from `base`.
pub(super) async fn convert(html: &str, base: &Url, style: Style, limit: usize) -> Document {
    let mut walk = Walk::new(base, style);
    let mut is_whole = true;
    let tokens = Tokenizer::new_with_emitter(html, tag::emitter());
    for (count, Ok(token)) in (1_usize..).zip(tokens) {
        walk.take(token);
        if walk.len() > limit {
            is_whole = false;
            break;
        }
        if count % TURN == 0 {
            tokio::task::yield_now().await;
        }
    }
    let (title, text) = walk.finish();
    Document {
        title,
        text,
        is_whole,
    }
}
