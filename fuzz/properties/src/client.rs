//! HTTP/1.1 by hand: what a library would never send can be sent too.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// An answer in full.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header by its name in lower case, or the empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection that is kept, and made again where the server has closed it.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

/// Far longer than any answer takes; beyond it the server hangs.
const PATIENCE: Duration = Duration::from_secs(30);

impl Connection {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// Sends a request and reads its answer.
    ///
    /// # Panics
    /// No well-formed answer comes.
    pub(crate) fn ask(&mut self, head: &[u8], body: &[u8]) -> Answer {
        let request = [head, body].concat();
        // A server may close a connection that it keeps, at any moment before it answers.
        let kept = self.stream.is_some();
        let answer = match self.once(&request) {
            Err(_) if kept => self.once(&request),
            first => first,
        };
        answer.unwrap_or_else(|error| {
            panic!("no answer to {}: {error}", String::from_utf8_lossy(head))
        })
    }

    fn once(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut stream = if let Some(stream) = self.stream.take() {
            stream
        } else {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            BufReader::new(stream)
        };
        stream.get_mut().write_all(request)?;
        let answer = read(&mut stream)?;
        if !answer.header("connection").eq_ignore_ascii_case("close") {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn read(stream: &mut impl BufRead) -> io::Result<Answer> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| malformed(&line))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(": ").ok_or_else(|| malformed(text))?;
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    // Neither has a body (RFC 9110, 15.3.5 and 15.4.5).
    if ![204, 304].contains(&status) {
        let length = answer.header("content-length").parse();
        let length: u64 = length.map_err(|_| malformed("no length"))?;
        stream.take(length).read_to_end(&mut answer.body)?;
        if answer.body.len() as u64 != length {
            return Err(malformed("the body is cut short"));
        }
    }
    Ok(answer)
}
