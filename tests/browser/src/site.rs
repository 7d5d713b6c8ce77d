//! Another site on the same machine: one page, whatever is asked for.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};

/// How long a browser's unused connection may stay open: it opens some for later.
const IDLE: Duration = Duration::from_secs(5);

/// A running web server with one page. Dropping it stops it.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    /// Serves a page on a free port.
    ///
    /// # Errors
    /// When there is no port.
    pub fn serve(html: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("a port for the other site")?;
        let address = listener.local_addr()?;
        let over = Arc::new(AtomicBool::new(false));
        let (ended, html) = (Arc::clone(&over), html.to_owned());
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let html = html.clone();
                // Each on its own: a browser holds connections open without asking.
                thread::spawn(move || answer(stream, &html));
            }
        });
        Ok(Self { address, over, thread: Some(thread) })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

/// Reads to the end of the request's head and sends the page. A browser that went away needs no answer.
fn answer(mut stream: TcpStream, html: &str) -> Option<()> {
    stream.set_read_timeout(Some(IDLE)).ok()?;
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part).ok()? {
            0 => return None,
            read => head.extend_from_slice(&part[..read]),
        }
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{html}",
        html.len()
    )
    .ok()
}

impl Drop for Site {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread, which then looks.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
