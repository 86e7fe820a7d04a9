//! The terminal that is drawn on.

use std::io::{self, Write};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen,
};
use crossterm::{cursor, execute, queue};
use tokio::sync::mpsc;

use super::view::cut;
use crate::cli::SortBy;

/// How soon the thread that reads keys sees that nobody wants them any more.
const ATTENTION: Duration = Duration::from_millis(100);

/// A terminal of our own until it is dropped: then it is as it was.
pub(super) struct Screen {
    keys: Option<mpsc::Receiver<io::Result<Key>>>,
    reader: Option<JoinHandle<()>>,
    has_colours: bool,
}

/// What somebody wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Sort(SortBy),
    /// The terminal has another size.
    Redraw,
}

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let mut screen = Self {
            keys: None,
            reader: None,
            has_colours: anstream::AutoStream::choice(&io::stdout())
                != anstream::ColorChoice::Never,
        };
        execute!(io::stdout(), EnterAlternateScreen, cursor::Hide)?;
        let (sender, keys) = mpsc::channel(16);
        screen.keys = Some(keys);
        let reader = thread::Builder::new().name("atd-keys".to_owned());
        screen.reader = Some(reader.spawn(move || read_keys(&sender))?);
        Ok(screen)
    }

    /// The next key that means something.
    pub(super) async fn key(&mut self) -> io::Result<Key> {
        match &mut self.keys {
            Some(keys) => keys.recv().await.unwrap_or(Ok(Key::Quit)),
            None => Ok(Key::Quit),
        }
    }

    pub(super) fn width(&self) -> usize {
        size().0
    }

    /// Shows these lines in place of what is there, as many and as much of each
    /// as have room.
    pub(super) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        let (width, height) = size();
        let mut out = io::stdout().lock();
        queue!(out, BeginSynchronizedUpdate, cursor::MoveTo(0, 0))?;
        for (row, line) in lines.iter().take(height).enumerate() {
            if row > 0 {
                out.write_all(b"\r\n")?;
            }
            // First, since the last column is where the cursor stays after it.
            queue!(out, Clear(ClearType::UntilNewLine))?;
            let line = cut(line, width);
            if self.has_colours {
                write!(out, "{line}")?;
            } else {
                write!(out, "{}", anstream::adapter::strip_str(&line))?;
            }
        }
        if lines.len() < height {
            queue!(
                out,
                cursor::MoveToNextLine(1),
                Clear(ClearType::FromCursorDown)
            )?;
        }
        queue!(out, EndSynchronizedUpdate)?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The reader ends once nobody listens.
        self.keys = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        // Where the terminal has gone there is nothing to restore.
        let _ = execute!(io::stdout(), LeaveAlternateScreen, cursor::Show);
        let _ = terminal::disable_raw_mode();
    }
}

/// How many columns and rows there are. A terminal that was told neither, as by
/// who made it for a program, says that it has none.
fn size() -> (usize, usize) {
    let (width, height) = terminal::size().unwrap_or_default();
    let or = |told: u16, usual| if told == 0 { usual } else { told.into() };
    (or(width, 80), or(height, 24))
}

fn read_keys(keys: &mpsc::Sender<io::Result<Key>>) {
    while !keys.is_closed() {
        let key = match event::poll(ATTENTION) {
            Ok(false) => continue,
            Ok(true) => event::read().map(|event| meaning(&event)).transpose(),
            Err(error) => Some(Err(error)),
        };
        let ended = matches!(key, Some(Err(_)));
        if key.is_some_and(|key| keys.blocking_send(key).is_err()) || ended {
            return;
        }
    }
}

fn meaning(event: &Event) -> Option<Key> {
    let key = match event {
        Event::Resize(..) => return Some(Key::Redraw),
        Event::Key(key) if key.kind == KeyEventKind::Press => key,
        _ => return None,
    };
    let KeyEvent {
        code, modifiers, ..
    } = key;
    Some(match code {
        KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char('c') => Key::Sort(SortBy::Calls),
        KeyCode::Char('p') => Key::Sort(SortBy::Latency),
        KeyCode::Char('r') => Key::Sort(SortBy::Refused),
        KeyCode::Char('f') => Key::Sort(SortBy::Failed),
        KeyCode::Char('t') => Key::Sort(SortBy::Tool),
        _ => return None,
    })
}
