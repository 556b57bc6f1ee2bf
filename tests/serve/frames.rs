//! HTTP/2 frame by frame, for what no client library would send.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A client's preface and its empty SETTINGS.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
pub const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
/// The largest payload that the server takes unless it says more.
const MAX_FRAME: usize = 16 * 1024;

/// A connection that has said its first words.
pub async fn hello(addr: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.expect("connected");
    stream.write_all(HELLO).await.expect("sent");
    stream
}

/// Reads frames until one of this kind without flags; its payload.
pub async fn read(stream: &mut TcpStream, kind: u8) -> io::Result<Vec<u8>> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).await?;
        if head[3] == kind && head[4] == 0 {
            return Ok(payload);
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame is small").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header by literals that leave nothing in the table.
fn header(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let short = u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("a short text");
        [&[short], text.as_bytes()].concat()
    };
    [vec![0], text(name), text(value)].concat()
}

/// The headers of a gRPC call on this stream, which goes on, with as many bytes of others behind them.
pub fn call(stream: u32, path: &str, more: usize) -> Vec<u8> {
    let filler = header("x-filler", &"x".repeat(100));
    let block: Vec<u8> = [
        header(":method", "POST"),
        header(":scheme", "http"),
        header(":path", path),
        header(":authority", "x"),
        header("content-type", "application/grpc"),
        header("te", "trailers"),
    ]
    .concat()
    .into_iter()
    .chain(filler.iter().copied().cycle().take(more.div_ceil(filler.len()) * filler.len()))
    .collect();
    let last = block.chunks(MAX_FRAME).count() - 1;
    let frames = block.chunks(MAX_FRAME).enumerate().map(|(n, part)| {
        let kind = if n == 0 { HEADERS } else { CONTINUATION };
        frame(kind, if n == last { END_HEADERS } else { 0 }, stream, part)
    });
    frames.collect::<Vec<_>>().concat()
}

/// Takes the call on this stream back.
pub fn reset(stream: u32) -> Vec<u8> {
    const CANCEL: u32 = 8;
    frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
}
