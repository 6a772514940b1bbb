//! Literal bytes over a socket.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::config::Config;
use super::{connection, host::Host};
use crate::assembly::{self, HostOptions};

/// A host in memory, and a connection to it.
async fn connect(change: impl FnOnce(&mut Config)) -> TcpStream {
    let mut config = Config::default();
    change(&mut config);
    let dispatcher = Arc::new(assembly::open(HostOptions::default()).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let host = Arc::new(Host::new(config, dispatcher, address));
    tokio::spawn(async move {
        let (socket, peer) = listener.accept().await.unwrap();
        let _ = connection::run(host, socket, peer).await;
    });
    TcpStream::connect(address).await.unwrap()
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![2, kind];
    out.extend(&(body.len() as u64).to_be_bytes()[2..]);
    out.extend(body);
    out
}

async fn exchange(socket: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    socket.write_all(bytes).await.unwrap();
    let mut header = [0; 8];
    let read = tokio::time::timeout(Duration::from_secs(10), socket.read_exact(&mut header)).await;
    if read.unwrap().is_err() {
        return Vec::new();
    }
    let len = header[2..].iter().fold(0, |n, b| n << 8 | usize::from(*b));
    let mut body = vec![0; len];
    socket.read_exact(&mut body).await.unwrap();
    body
}

const FIELDS: &[u8] = b"\x00\x00\x00\x05\x00test\x00\x00\x00\x15\x0401234567890123456789";

fn request(info1: u8, info2: u8, ops: u8, rest: &[u8]) -> Vec<u8> {
    let mut body = vec![22, info1, info2, 0, 0, 0];
    body.extend([0; 12]);
    body.extend([0, 2, 0, ops]);
    body.extend(FIELDS);
    body.extend(rest);
    frame(3, &body)
}

#[tokio::test]
async fn what_is_put_is_got() {
    let mut socket = connect(|_| {}).await;
    let put = request(0, 1, 1, b"\x00\x00\x00\x07\x02\x03\x00\x01ahi");
    let reply = exchange(&mut socket, &put).await;
    assert_eq!((reply.len(), reply[5]), (22, 0));
    let reply = exchange(&mut socket, &request(3, 0, 0, b"")).await;
    assert_eq!(reply[5], 0);
    assert_eq!(reply[9], 1, "generation");
    assert!(reply.ends_with(b"\x00\x00\x00\x07\x01\x03\x00\x01ahi"));
}

#[tokio::test]
async fn requests_may_follow_without_waiting() {
    let mut socket = connect(|_| {}).await;
    let get = request(3, 0, 0, b"");
    let both = [&get[..], &get[..]].concat();
    assert_eq!(exchange(&mut socket, &both).await[5], 2, "not found");
    assert_eq!(exchange(&mut socket, b"").await[5], 2, "not found");
}

#[tokio::test]
async fn a_malformed_message_is_answered_and_the_connection_lives_on() {
    let mut socket = connect(|_| {}).await;
    assert_eq!(exchange(&mut socket, &frame(3, b"\x16\x01")).await[5], 4);
    let info = exchange(&mut socket, &frame(1, b"build\nnonsense\n")).await;
    let expected = "build\t8.2.0.0\nnonsense\tERROR:4:unrecognized command\n";
    assert_eq!(String::from_utf8(info).unwrap(), expected);
}

#[tokio::test]
async fn an_oversized_frame_is_refused_before_it_arrives() {
    let mut socket = connect(|c| c.network.max_frame_bytes = 1024).await;
    let reply = exchange(&mut socket, &[2, 3, 0, 0, 0, 0, 4, 1]).await;
    assert_eq!(reply[5], 13);
    assert!(exchange(&mut socket, b"").await.is_empty(), "then closed");
}

#[tokio::test]
async fn another_protocol_is_cut_off() {
    let mut socket = connect(|_| {}).await;
    assert!(exchange(&mut socket, b"G").await.is_empty());
}

#[tokio::test]
async fn a_frame_that_does_not_arrive_ends_the_connection() {
    let mut socket = connect(|c| c.network.frame_timeout_secs = 1).await;
    assert!(exchange(&mut socket, b"\x02\x03\x00").await.is_empty());
}

#[tokio::test]
async fn an_idle_connection_is_closed_where_the_config_says_so() {
    let mut socket = connect(|c| c.network.idle_timeout_secs = 1).await;
    assert!(exchange(&mut socket, b"").await.is_empty());
}

#[tokio::test]
async fn users_and_roles_are_not_supported() {
    let mut socket = connect(|_| {}).await;
    let reply = exchange(&mut socket, &frame(2, &[0; 16])).await;
    assert_eq!((reply.len(), reply[1]), (16, 51));
}
