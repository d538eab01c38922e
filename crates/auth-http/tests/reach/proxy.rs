//! A proxy that asks nothing and passes everything on: SOCKS 5 (RFC 1928) and CONNECT at one port.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// Starts one; its port.
pub(crate) fn start() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || serve(client));
        }
    });
    port
}

fn serve(mut client: TcpStream) -> io::Result<()> {
    let mut first = [0];
    client.read_exact(&mut first)?;
    let port = if first == [5] { by_socks(&mut client)? } else { by_connect(&mut client)? };
    let server = TcpStream::connect(("127.0.0.1", port))?;
    client.write_all(if first == [5] { b"\x05\0\0\x01\0\0\0\0\0\0" } else { b"HTTP/1.1 200 OK\r\n\r\n" })?;
    let (theirs, ours) = (server.try_clone()?, client.try_clone()?);
    let there = thread::spawn(move || pass_on(&client, &server));
    pass_on(&theirs, &ours);
    let _ = there.join();
    Ok(())
}

/// The port that a SOCKS client wants, after its first byte.
fn by_socks(client: &mut TcpStream) -> io::Result<u16> {
    let methods = usize::from(read(client, 1)?[0]);
    read(client, methods)?;
    client.write_all(b"\x05\0")?;
    let host = match read(client, 4)?[3] {
        1 => 4,
        3 => usize::from(read(client, 1)?[0]),
        _ => return Err(ErrorKind::Unsupported.into()),
    };
    let rest = read(client, host + 2)?;
    Ok(u16::from_be_bytes([rest[host], rest[host + 1]]))
}

/// The port that a client of CONNECT wants, after its first byte.
fn by_connect(client: &mut TcpStream) -> io::Result<u16> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read(client, 1)?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).and_then(|target| target.rsplit_once(':'));
    target.and_then(|(_, port)| port.parse().ok()).ok_or(ErrorKind::InvalidData.into())
}

fn read(client: &mut TcpStream, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Passes on what comes, and that nothing comes any more.
fn pass_on(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
