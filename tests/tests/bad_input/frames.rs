//! Bytes that are not a request.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use petrel_tests::{
    Host,
    raw::{self, INFO, MESSAGE, Message, Wire, frame, header},
};

use crate::{host_with_a_user, still_serves};

/// The longest body that a frame may have.
const LIMIT: u64 = 128 << 20;

/// A small generator (xorshift64), so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.roll() % n.max(1) as u64) as usize
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.roll() as u8).collect()
    }
}

fn closes(address: SocketAddr, bytes: &[u8]) -> Result<bool> {
    let mut wire = Wire::open(address)?;
    wire.send(bytes)?;
    wire.is_closed_by_host()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_of_another_version_ends_the_connection() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    for version in [0, 1, 3, 22, 255] {
        let bytes = frame(version, MESSAGE, &Message::read(1).body());
        assert!(closes(host.address(), &bytes)?, "version {version}");
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_of_unknown_type_ends_the_connection() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    for kind in [0, 5, 99, 255] {
        let bytes = frame(2, kind, &Message::read(1).body());
        assert!(closes(host.address(), &bytes)?, "type {kind}");
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_beyond_the_limit_ends_the_connection_before_the_body() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    for length in [LIMIT + 1, 1 << 40, (1 << 48) - 1] {
        for kind in [INFO, MESSAGE] {
            assert!(
                closes(host.address(), &header(2, kind, length))?,
                "{length} bytes"
            );
        }
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_not_given_for_a_body_that_does_not_come() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    let before = host.peak_memory()?;
    let mut open = Vec::new();
    for _ in 0..40 {
        let mut wire = Wire::open(host.address())?;
        wire.send(&header(2, MESSAGE, LIMIT))?;
        wire.send(&[22, 3, 0, 0])?;
        open.push(wire);
    }
    still_serves(&host).await?;
    let grown = host.peak_memory()?.saturating_sub(before);
    assert!(grown < 128 << 20, "the host grew by {} MiB", grown >> 20);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_anywhere_in_a_request_is_forgotten() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    let requests = [
        Message::read(1).frame(),
        frame(2, INFO, b"build\nnamespaces\n"),
    ];
    for request in requests {
        for length in 0..request.len() {
            Wire::open(host.address())?.send(&request[..length])?;
        }
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_leaves_before_the_answer_is_forgotten() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    for _ in 0..100 {
        Wire::open(host.address())?.send(&Message::read(1).frame())?;
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_sent_together_are_answered_in_order() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    let mut wire = Wire::open(host.address())?;
    let mut together = Vec::new();
    for id in [1, 999, 1, 999] {
        together.extend(Message::read(id).frame());
    }
    // In pieces that end where no frame does.
    for piece in together.chunks(37) {
        wire.send(piece)?;
    }
    for expected in [0, 2, 0, 2] {
        let (kind, body) = wire.receive()?;
        assert_eq!((kind, body.get(5).copied()), (MESSAGE, Some(expected)));
    }
    Ok(())
}

/// A message whose counts or lengths say more than there is.
fn liars() -> Vec<Vec<u8>> {
    let honest = Message::read(1).body();
    let patched = |at: usize, bytes: &[u8]| {
        let mut body = honest.clone();
        body[at..at + bytes.len()].copy_from_slice(bytes);
        body
    };
    vec![
        Vec::new(),
        honest[..10].to_vec(),
        honest[..21].to_vec(),
        honest[..40].to_vec(),
        patched(0, &[0]),
        patched(0, &[255]),
        patched(18, &[255, 255]),
        patched(20, &[255, 255]),
        patched(22, &[0, 0, 0, 0]),
        patched(22, &[255, 255, 255, 255]),
        patched(22, &[127, 255, 255, 255]),
        // The digest is cut short.
        {
            let mut message = Message::read(1);
            message.fields[3].1.truncate(7);
            message.body()
        },
        // The namespace is unknown, or no text, or not there.
        {
            let mut message = Message::read(1);
            message.fields[0].1 = vec![0xFF, 0xFE];
            message.body()
        },
        {
            let mut message = Message::read(1);
            message.fields.remove(0);
            message.body()
        },
        // An operation whose bin name is longer than the operation.
        {
            let mut message = Message::read(1);
            message.info1 = 1;
            message.operations = vec![vec![1, 0, 0, 200, b'v']];
            message.body()
        },
        // An operation without even a header, and one that nobody knows.
        {
            let mut message = Message::read(1);
            message.info1 = 1;
            message.operations = vec![vec![1]];
            message.body()
        },
        {
            let mut message = Message::read(1);
            message.info1 = 1;
            message.operations = vec![vec![250, 0, 0, 1, b'v']];
            message.body()
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_contradicts_itself_is_refused() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    for (number, body) in liars().into_iter().enumerate() {
        let mut wire = Wire::open(host.address())?;
        wire.send(&frame(2, MESSAGE, &body))?;
        // An error or the end of the connection; what must not come is success.
        if let Ok((_, answer)) = wire.receive() {
            assert!(
                !matches!(answer.get(5), Some(0)),
                "message {number} was answered with ok"
            );
        }
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_info_requests_are_answered_or_refused() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    for body in [
        &b""[..],
        b"\n",
        b"\n\n\n",
        b"nobody-knows-this\n",
        b"build",
        b"\xff\xfe\n",
        b"query-show:trid=not-a-number\n",
        b"query-abort:trid=99999999999999999999999\n",
        b"namespace/nobody\n",
        b"sets/test/nobody\n",
        b"udf-get:filename=../../etc/passwd\n",
    ] {
        let mut wire = Wire::open(host.address())?;
        wire.send(&frame(2, INFO, body))?;
        if let Ok((kind, answer)) = wire.receive() {
            assert_eq!(kind, INFO);
            assert!(
                !String::from_utf8_lossy(&answer).contains("root:"),
                "a file got out"
            );
        }
    }
    assert!(raw::info(host.address(), "build")?.starts_with("8.2.0"));
    still_serves(&host).await
}

/// Sends bytes and waits until the host is done with them.
fn throw(host: &Host, bytes: &[u8]) -> Result<()> {
    let mut wire = Wire::open(host.address())?;
    // The host may have hung up before everything was sent.
    if wire.send(bytes).is_ok() && wire.finish().is_ok() {
        ensure!(
            wire.is_closed_by_host()?,
            "the host neither answered nor hung up: {bytes:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_do_no_harm() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    let mut dice = Dice(0x5EED_0001);
    for _ in 0..400 {
        let length = dice.below(600);
        throw(&host, &dice.bytes(length))?;
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bodies_in_sound_frames_do_no_harm() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    let mut dice = Dice(0x5EED_0002);
    for round in 0..400 {
        let length = dice.below(400);
        let mut body = dice.bytes(length);
        if body.len() > 22 && round % 2 == 0 {
            body[0] = 22;
            body[18..22].copy_from_slice(&[0, 3, 0, 2]);
        }
        let kind = if round % 5 == 0 { INFO } else { MESSAGE };
        throw(&host, &frame(2, kind, &body))?;
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_requests_with_a_few_wrong_bytes_do_no_harm() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    let mut dice = Dice(0x5EED_0003);
    let mut write = Message::read(1);
    (write.info1, write.info2) = (0, 1);
    write.operations = vec![vec![2, 1, 0, 1, b'v', 0, 0, 0, 0, 0, 0, 0, 1]];
    let mut call = Message::read(1)
        .with(30, "alive")
        .with(31, "f")
        .with(32, [0x90])
        .with(33, [0]);
    (call.info1, call.info2) = (0, 1);
    let filtered = Message::read(1).with(43, *b"\x92\xcc\x80\xc4\x08$.v == 1");
    let originals = [Message::read(1), write, call, filtered].map(|m| m.frame());
    for round in 0..1_000 {
        let mut bytes = originals[round % originals.len()].clone();
        for _ in 0..=dice.below(4) {
            let at = 8 + dice.below(bytes.len() - 8);
            bytes[at] = dice.roll() as u8;
        }
        throw(&host, &bytes)?;
    }
    still_serves(&host).await
}
