//! How many connections a listener has open at once.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Layer as _;

/// Takes connections as another acceptor does, and no more at once than there is room for: each costs memory and an open
/// file from its first byte on, before anybody has shown a certificate. One too many is closed, and whoever sent it comes
/// again.
#[derive(Clone, Debug)]
pub struct Bounded<A> {
    acceptor: A,
    room: Arc<Semaphore>,
    listener: &'static str,
}

/// A connection's place. It goes with every request of the connection and is free again when the last of them is gone.
#[derive(Clone, Debug)]
pub struct Held {
    _place: Arc<OwnedSemaphorePermit>,
}

impl<A> Bounded<A> {
    /// Room for so many connections; the listener's name is that of its figures.
    pub fn new(acceptor: A, listener: &'static str, most: usize) -> Self {
        Self { acceptor, room: Arc::new(Semaphore::new(most)), listener }
    }
}

impl<I, S, A> Accept<I, S> for Bounded<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
{
    type Stream = A::Stream;
    type Service = AddExtension<A::Service, Held>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            metrics::counter!("connections_refused_total", "listener" => self.listener).increment(1);
            return Box::pin(async { Err(io::Error::other("no room for another connection")) });
        };
        let accepting = self.acceptor.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            Ok((stream, Extension(Held { _place: Arc::new(place) }).layer(service)))
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use axum_server::accept::DefaultAcceptor;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    /// The first bytes of an answer; nothing where the connection was closed instead.
    async fn ask(connection: &mut TcpStream) -> String {
        // One that was closed may be noticed here or there.
        let _closed = connection.write_all(b"GET / HTTP/1.1\r\nhost: test.invalid\r\n\r\n").await;
        let mut bytes = [0; 12];
        let read = connection.read(&mut bytes).await.unwrap_or(0);
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    }

    #[tokio::test]
    async fn one_connection_too_many_is_closed_and_finds_room_when_another_has_gone() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let bounded = Bounded::new(DefaultAcceptor::new(), "test", 2);
        let room = Arc::clone(&bounded.room);
        let routes = Router::new().route("/", get(|| async { "here" }));
        let server = axum_server::from_tcp(listener).unwrap().acceptor(bounded).serve(routes.into_make_service());
        let server = tokio::spawn(server);

        let mut first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut first).await, "HTTP/1.1 200");
        assert_eq!(ask(&mut second).await, "HTTP/1.1 200");
        let mut third = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut third).await, "");
        drop(second);
        drop(room.acquire().await.unwrap());
        let mut fourth = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut fourth).await, "HTTP/1.1 200");
        server.abort();
    }
}
