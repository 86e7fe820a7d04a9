//! The tags of HTML, as far as they matter, and the tokens that hold them.

use std::mem;

use html5gum::Span;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};

/// The longest attribute that is kept, in bytes.
const LONGEST_ATTRIBUTE: usize = 4096;

/// What a tag means for a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// A paragraph, or whatever else stands alone.
    Block,
    Heading(u8),
    Break,
    Rule,
    List {
        ordered: bool,
    },
    Item,
    Quote,
    Preformatted,
    Code,
    Strong,
    Emphasis,
    Strike,
    Link,
    Image,
    Table,
    Row,
    Cell,
    Title,
    Base,
    /// Never shown, with all that it holds.
    Hidden,
    Other,
}

impl Tag {
    fn of(name: &[u8]) -> Self {
        match name {
            b"h1" => Self::Heading(1),
            b"h2" => Self::Heading(2),
            b"h3" => Self::Heading(3),
            b"h4" => Self::Heading(4),
            b"h5" => Self::Heading(5),
            b"h6" => Self::Heading(6),
            b"br" => Self::Break,
            b"hr" => Self::Rule,
            b"ul" | b"menu" | b"dir" => Self::List { ordered: false },
            b"ol" => Self::List { ordered: true },
            b"li" => Self::Item,
            b"blockquote" => Self::Quote,
            b"pre" | b"listing" | b"xmp" | b"plaintext" => Self::Preformatted,
            b"code" | b"kbd" | b"samp" | b"tt" => Self::Code,
            b"b" | b"strong" => Self::Strong,
            b"i" | b"em" => Self::Emphasis,
            b"s" | b"del" | b"strike" => Self::Strike,
            b"a" => Self::Link,
            b"img" => Self::Image,
            b"table" => Self::Table,
            b"tr" => Self::Row,
            b"td" | b"th" => Self::Cell,
            b"title" => Self::Title,
            b"base" => Self::Base,
            b"address" | b"article" | b"aside" | b"body" | b"caption" | b"center" | b"dd"
            | b"details" | b"dialog" | b"div" | b"dl" | b"dt" | b"fieldset" | b"figcaption"
            | b"figure" | b"footer" | b"form" | b"header" | b"hgroup" | b"html" | b"legend"
            | b"main" | b"nav" | b"option" | b"p" | b"search" | b"section" | b"summary" => {
                Self::Block
            }
            b"applet" | b"audio" | b"canvas" | b"datalist" | b"iframe" | b"math" | b"noembed"
            | b"noframes" | b"noscript" | b"object" | b"script" | b"select" | b"style" | b"svg"
            | b"template" | b"textarea" | b"video" => Self::Hidden,
            _ => Self::Other,
        }
    }

    /// Whether it marks words within a line.
    pub(super) fn is_inline(self) -> bool {
        matches!(
            self,
            Self::Code | Self::Strong | Self::Emphasis | Self::Strike | Self::Link
        )
    }

    /// Whether an end tag `end` closes what this began.
    pub(super) fn is_closed_by(self, end: Self) -> bool {
        mem::discriminant(&self) == mem::discriminant(&end)
    }
}

/// A piece of a document.
#[derive(Debug)]
pub(super) enum Token {
    Start(Start),
    End { tag: Tag, name: Vec<u8> },
    Text(String),
}

/// A start tag with the attributes that matter.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) tag: Tag,
    pub(super) name: Vec<u8>,
    pub(super) alt: Option<String>,
    pub(super) class: Option<String>,
    pub(super) href: Option<String>,
    pub(super) src: Option<String>,
    pub(super) start: Option<String>,
    style: Option<String>,
    has_hidden: bool,
    self_closing: bool,
}

impl Start {
    fn new(name: &[u8]) -> Self {
        Self {
            tag: Tag::of(name),
            name: name.to_vec(),
            alt: None,
            class: None,
            href: None,
            src: None,
            start: None,
            style: None,
            has_hidden: false,
            self_closing: false,
        }
    }

    /// Whether a browser would not show the element either. Only for elements
    /// whose end is always said: where it may be left out, all that follows
    /// would be hidden with it.
    pub(super) fn is_hidden(&self) -> bool {
        const MAY_END_UNSAID: &[&[u8]] = &[
            b"body", b"br", b"dd", b"dt", b"hr", b"html", b"img", b"input", b"li", b"link",
            b"meta", b"option", b"p", b"td", b"th", b"tr",
        ];
        if self.tag == Tag::Hidden {
            return true;
        }
        let style = self.style.as_deref().unwrap_or_default();
        let shows_nothing = style
            .split(';')
            .filter_map(|property| property.split_once(':'))
            .any(|(name, value)| {
                name.trim().eq_ignore_ascii_case("display")
                    && value.trim().to_ascii_lowercase().starts_with("none")
            });
        (self.has_hidden || shows_nothing) && !MAY_END_UNSAID.contains(&self.name.as_slice())
    }

    /// Whether it holds nothing because it ends with `/>`, which counts only for
    /// what comes from XML.
    pub(super) fn is_empty(&self) -> bool {
        self.self_closing && matches!(self.name.as_slice(), b"svg" | b"math")
    }

    fn attribute(&mut self, name: &[u8]) -> Option<&mut Option<String>> {
        match name {
            b"alt" => Some(&mut self.alt),
            b"class" => Some(&mut self.class),
            b"href" => Some(&mut self.href),
            b"src" => Some(&mut self.src),
            b"start" => Some(&mut self.start),
            b"style" => Some(&mut self.style),
            _ => None,
        }
    }
}

/// What makes tokens of what the tokenizer of HTML sees. It holds one tag at a
/// time, and of that the attributes that matter.
pub(super) fn emitter()
-> CallbackEmitter<impl FnMut(CallbackEvent<'_>, Span<()>) -> Option<Token> + Send, Token> {
    let mut open: Option<Start> = None;
    let mut attribute = Vec::new();
    let mut emitter =
        CallbackEmitter::new(move |event: CallbackEvent<'_>, _: Span<()>| match event {
            CallbackEvent::OpenStartTag { name } => {
                open = Some(Start::new(name));
                None
            }
            CallbackEvent::AttributeName { name } => {
                attribute.clear();
                attribute.extend_from_slice(name.get(..16).unwrap_or(name));
                if let Some(open) = &mut open {
                    open.has_hidden |= name == b"hidden";
                }
                None
            }
            CallbackEvent::AttributeValue { value } => {
                let slot = open.as_mut().and_then(|open| open.attribute(&attribute));
                // The first of a name counts.
                if let Some(slot @ None) = slot
                    && value.len() <= LONGEST_ATTRIBUTE
                {
                    *slot = Some(String::from_utf8_lossy(value).into_owned());
                }
                None
            }
            CallbackEvent::CloseStartTag { self_closing } => {
                let mut start = open.take()?;
                start.self_closing = self_closing;
                Some(Token::Start(start))
            }
            CallbackEvent::EndTag { name } => Some(Token::End {
                tag: Tag::of(name),
                name: name.to_vec(),
            }),
            CallbackEvent::String { value } => {
                Some(Token::Text(String::from_utf8_lossy(value).into_owned()))
            }
            CallbackEvent::Comment { .. }
            | CallbackEvent::Doctype { .. }
            | CallbackEvent::Error(_) => None,
        });
    emitter.naively_switch_states(true);
    emitter
}
