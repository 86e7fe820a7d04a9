//! The floor: a server in tokio that knows frames and nothing else, and sends
//! each back as it came, with one write for all that arrived together.

use std::path::Path;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// Serves for ever.
pub(super) async fn serve(socket: &Path) -> Result<()> {
    let listener = UnixListener::bind(socket)?;
    loop {
        let (stream, _) = listener.accept().await?;
        // A connection that fails is the client's to notice.
        tokio::spawn(async move { echo(stream).await.ok() });
    }
}

async fn echo(mut stream: UnixStream) -> Result<()> {
    let mut arrived = Vec::with_capacity(8 * 1024);
    while stream.read_buf(&mut arrived).await? > 0 {
        let whole = whole_frames(&arrived);
        if whole > 0 {
            stream.write_all(&arrived[..whole]).await?;
            arrived.drain(..whole);
        }
    }
    Ok(())
}

/// How many bytes the frames take that are there from first to last byte.
fn whole_frames(bytes: &[u8]) -> usize {
    let mut whole = 0;
    while let Some((length, body)) = bytes[whole..].split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if body.len() < length {
            break;
        }
        whole += 4 + length;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::whole_frames;

    #[test]
    fn a_frame_counts_when_its_last_byte_is_there() {
        let frames = [&[0, 0, 0, 2, b'{', b'}'][..], &[0, 0, 0, 1, b'1']].concat();
        let whole: Vec<_> = (0..=frames.len())
            .map(|end| whole_frames(&frames[..end]))
            .collect();
        assert_eq!(whole, [0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6, 11]);
    }
}
