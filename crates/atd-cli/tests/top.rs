//! `atd top`, as somebody at a terminal and as a program reads it.

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use serde_json::Value;
use support::{Serving, atd, stderr, stdout};

/// A server with a page, which 3 calls and one refusal were made of.
fn serving() -> (Serving, String) {
    let serving = Serving::start(&["--metrics", "./metrics.sock"]);
    for _ in 0..3 {
        assert!(serving.ask(&["call", "ref:echo.say"]).status.success());
    }
    assert!(!serving.ask(&["call", "ref:fs.read"]).status.success());
    let address = serving.folder().join("metrics.sock");
    let address = address.to_str().unwrap().to_owned();
    (serving, address)
}

#[test]
fn one_look_is_a_table_of_what_there_is_since_the_start() {
    let (serving, address) = serving();
    let output = serving.ask(&["top", "--metrics", &address, "--once"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let table = stdout(&output);
    let words = |start: &str| -> Vec<String> {
        let mut lines = table.lines().filter(|line| line.starts_with(start));
        let line = lines
            .next()
            .unwrap_or_else(|| panic!("no {start} in {table}"));
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert!(table.contains("4 since the start, 0 in flight"), "{table}");
    assert_eq!(words("refused"), ["refused", "capability", "1"]);
    assert_eq!(words("TOOL")[1], "▾CALLS");
    let echo = words("ref:echo.say");
    assert_eq!(
        (&echo[1], &echo[echo.len() - 2], &echo[echo.len() - 1]),
        (&"3".to_owned(), &"0".to_owned(), &"0".to_owned())
    );
    // It reached no tool, and so took no time there.
    assert_eq!(
        words("ref:fs.read"),
        ["ref:fs.read", "1", "0", "-", "-", "1", "0"]
    );
}

#[test]
fn a_program_gets_numbers_and_then_what_is_new() {
    let (serving, address) = serving();
    let once = serving.ask(&["top", "--metrics", &address, "--once", "--json"]);
    let document: Value = serde_json::from_str(&stdout(&once)).unwrap();
    assert_eq!(document["calls"], 4);
    assert_eq!(document["refusals"]["capability"], 1);
    assert_eq!(document["tools"][0]["tool_id"], "ref:echo.say");
    assert_eq!(document["tools"][0]["outcomes"]["success"], 3);
    assert!(document["tools"][0]["p99_ms"].as_f64().unwrap() > 0.0);
    assert!(document.get("seconds").is_none());

    let mut command = atd();
    let command = command.args(["top", "--json", "--interval", "0.01", "--metrics", &address]);
    let mut watching = Killed(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(watching.0.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["calls"], 4);
    assert_eq!(next()["calls"], 0);
    serving.ask(&["call", "ref:echo.say"]);
    let seen = std::iter::from_fn(|| Some(next())).find(|document| document["calls"] != 0);
    let seen = seen.unwrap();
    assert_eq!(
        (&seen["calls"], &seen["calls_total"]),
        (&1.into(), &5.into())
    );
    assert!(seen["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn what_cannot_be_watched_is_told() {
    let (serving, address) = serving();
    for (args, code, said) in [
        (
            &["--metrics", "./nothing.sock", "--once"][..],
            4,
            "cannot read the metrics",
        ),
        (&["--metrics", &address], 2, "no terminal"),
        (&["--metrics", "nonsense", "--once"], 2, "a host and a port"),
        (&["--once"], 2, "--metrics"),
    ] {
        let args = [&["top"], args].concat();
        let output = serving.ask(&args);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

/// X2: what a page says makes no line and gives the terminal no order.
#[test]
fn a_page_that_lies_is_shown_and_obeyed_in_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let page = "atd_calls_total{tool=\"a\\nb\x1b[2Jc\",outcome=\"success\"} 1e300\n\
                atd_call_duration_seconds_bucket{tool=\"x\",le=\"NaN\"} NaN\n\
                atd_calls_total{tool=\"y\",outcome=\"z\"} -Inf\n\
                atd_refusals_total{scope=\"\x1b]0;t\x07\\n\"} 5\n\
                atd_audit_events_written_total 3\n\
                atd_audit_failing_since_timestamp_seconds 1e300\n";
    let shown = std::thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            let mut stream = stream.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).unwrap();
            write!(stream, "HTTP/1.0 200 OK\r\n\r\n{page}").unwrap();
        }
    });
    for json in [false, true] {
        let mut command = atd();
        command.args(["top", "--once", "--metrics", &address]);
        if json {
            command.arg("--json");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let text = stdout(&output);
        assert!(!text.contains(['\x1b', '\x07']), "{text:?}");
        assert!(text.lines().all(|line| json || line.len() < 120), "{text}");
        assert_eq!(text.lines().count(), if json { 1 } else { 8 }, "{text}");
    }
    shown.join().unwrap();
}

/// Somebody watches on a terminal, sorts, has seen enough, and has the
/// terminal back as it was.
#[test]
fn a_terminal_is_drawn_on_and_given_back() {
    let (_serving, address) = serving();
    for how in [&b"q"[..], b"\x03", b"TERM"] {
        let mut terminal = Terminal::open();
        let before = tcgetattr(&terminal.theirs).unwrap();
        let mut watching = terminal.runs(&["top", "--metrics", &address]);
        terminal.shows("\x1b[?1049h");
        terminal.shows("▾CALLS");
        assert!(!terminal.modes().contains(LocalModes::ICANON));
        terminal.types(b"t");
        terminal.shows("▾TOOL");
        terminal.shows("ref:fs.read");
        match how {
            b"TERM" => {
                let pid = rustix::process::Pid::from_child(&watching.0);
                rustix::process::kill_process(pid, Signal::TERM).unwrap();
            }
            key => terminal.types(key),
        }
        terminal.shows("\x1b[?1049l");
        terminal.shows("\x1b[?25h");
        assert!(watching.0.wait().unwrap().success());
        assert_eq!(terminal.modes(), before.local_modes);
    }
}

/// A line that the terminal breaks would push the ones above off the screen.
#[test]
fn what_is_drawn_is_no_wider_than_the_terminal() {
    let (_serving, address) = serving();
    for (width, shown) in [(80, "FAILED/S"), (40, "P99"), (24, "CALLS/S"), (3, "cal")] {
        let mut terminal = Terminal::of(width, 24);
        let _watching = terminal.runs(&["top", "--interval", "0.01", "--metrics", &address]);
        let drawn = terminal.draws(shown);
        for line in drawn.split("\r\n") {
            assert!(line.chars().count() <= width.into(), "{width}: {drawn}");
        }
        terminal.types(b"q");
        terminal.shows("\x1b[?1049l");
    }
}

/// Nobody has told the terminal how large it is.
#[test]
fn a_terminal_without_a_size_is_drawn_on_all_the_same() {
    let (_serving, address) = serving();
    let mut terminal = Terminal::of(0, 0);
    let _watching = terminal.runs(&["top", "--metrics", &address]);
    terminal.shows("ref:echo.say");
    terminal.types(b"q");
    terminal.shows("\x1b[?1049l");
}

/// A server that ends while it is watched is told of, and looked for.
#[test]
fn a_server_that_has_gone_is_said_to_be() {
    let (mut serving, address) = serving();
    let mut terminal = Terminal::open();
    let _watching = terminal.runs(&["top", "--interval", "0.01", "--metrics", &address]);
    terminal.shows("ref:echo.say");
    assert!(serving.end().0.success());
    terminal.shows("cannot read the metrics");
    terminal.types(b"q");
    terminal.shows("\x1b[?1049l");
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A terminal and who looks at it.
struct Terminal {
    ours: File,
    theirs: File,
    shown: Vec<u8>,
}

impl Terminal {
    fn open() -> Self {
        Self::of(100, 24)
    }

    fn of(columns: u16, rows: u16) -> Self {
        let ours = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&ours).unwrap();
        rustix::pty::unlockpt(&ours).unwrap();
        let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = rustix::fs::open(&name, flags, Mode::empty()).unwrap();
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&theirs, size).unwrap();
        Self {
            ours: ours.into(),
            theirs: theirs.into(),
            shown: Vec::new(),
        }
    }

    fn runs(&self, args: &[&str]) -> Killed {
        let theirs = || Stdio::from(self.theirs.try_clone().unwrap());
        let mut command = atd();
        command
            .args(args)
            .stdin(theirs())
            .stdout(theirs())
            .stderr(theirs());
        Killed(command.env("TERM", "xterm-256color").spawn().unwrap())
    }

    /// Waits until this is on it, after what was waited for before.
    fn shows(&mut self, text: &str) {
        loop {
            let shown = String::from_utf8_lossy(&self.shown);
            if let Some(at) = shown.find(text) {
                self.shown = shown[at + text.len()..].as_bytes().to_vec();
                return;
            }
            self.reads();
        }
    }

    /// Waits until something is drawn that holds this; all that is drawn with
    /// it, without its colours and other orders.
    fn draws(&mut self, text: &str) -> String {
        loop {
            self.shows("\x1b[?2026h");
            let end = "\x1b[?2026l";
            while !String::from_utf8_lossy(&self.shown).contains(end) {
                self.reads();
            }
            let drawn = String::from_utf8_lossy(&self.shown).into_owned();
            let drawn = drawn.split(end).next().unwrap();
            let drawn = anstream::adapter::strip_str(drawn).to_string();
            if drawn.contains(text) {
                return drawn;
            }
        }
    }

    fn reads(&mut self) {
        let mut some = [0; 4096];
        let read = self.ours.read(&mut some).unwrap();
        self.shown.extend_from_slice(&some[..read]);
    }

    fn types(&mut self, keys: &[u8]) {
        self.ours.write_all(keys).unwrap();
    }

    fn modes(&self) -> LocalModes {
        tcgetattr(&self.theirs).unwrap().local_modes
    }
}
