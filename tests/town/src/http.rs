//! JSON over HTTP as the town's people and tests speak it, and pages as a browser gets them. Knows no particular endpoint.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::{
    Agent,
    config::RedirectAuthHeaders,
    http::{self, Method, Request, header},
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
};

/// A page as a browser gets it.
#[derive(Clone, Debug)]
pub struct Visit {
    /// HTTP status code.
    pub status: u16,
    /// Where it leads (`Location`), where it does.
    pub location: Option<String>,
    /// The body as it was sent, perhaps compressed.
    pub body: Vec<u8>,
    /// Bytes of head and body, before TLS.
    pub sent: usize,
    /// From the first byte of the request to the last of the answer.
    pub took: Duration,
}

/// A client of one base URL, with a bearer token if it has signed in.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
}

/// What came back: any status, with its body as JSON (`null` if there was none, a string if it was no JSON).
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status code.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// The seconds after which the same may be asked again (`Retry-After`), where the answer says so.
    pub retry_after_s: Option<u64>,
}

impl Reply {
    /// The body of a success.
    ///
    /// # Errors
    /// With the whole answer, for every status but 2xx.
    pub fn success(self) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("answered {}: {}", self.status, self.body);
        }
        Ok(self.body)
    }
}

impl Client {
    /// For `http://`, or for `https://` with the one root certificate (PEM) that is trusted.
    ///
    /// # Errors
    /// When the certificate cannot be read.
    pub fn new(base: &str, root: Option<&Path>) -> Result<Self> {
        let mut tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        if let Some(root) = root {
            let pem = fs::read(root).with_context(|| format!("reading {}", root.display()))?;
            tls = tls.root_certs(RootCerts::new_with_certs(&[Certificate::from_pem(&pem)?]));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_global(Some(Duration::from_mins(1)))
            .tls_config(tls.build())
            .build();
        Ok(Self { agent: config.into(), base: base.to_owned(), token: None })
    }

    /// The same client, with a bearer token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// The bearer token, of a client that has signed in.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The base URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    fn request(&self, method: &Method, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method.clone()).uri(format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    fn send(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Reply> {
        let request = self.request(method, path);
        let sent = match body {
            // Said to be empty: of a body whose end comes in a packet of its own the server would not read the end.
            Some(Value::Null) => self.agent.run(request.body("")?),
            Some(body) => {
                let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string())?;
                self.agent.run(request)
            }
            None => self.agent.run(request.body(())?),
        };
        reply(sent.with_context(|| format!("{method} {}{path}", self.base))?)
    }

    /// `POST` of a form, as a page of the same site sends it.
    ///
    /// # Errors
    /// When nothing answered.
    pub fn post_form(&self, path: &str, form: &str) -> Result<Reply> {
        let request = self
            .request(&Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        reply(self.agent.run(request.body(form)?).with_context(|| format!("POST {path}"))?)
    }

    /// Asks for a page as a browser does, or sends it a form. Does not follow where the answer leads.
    ///
    /// # Errors
    /// When nothing answered.
    pub fn visit(&self, path: &str, form: Option<&str>) -> Result<Visit> {
        self.page(path, "application/x-www-form-urlencoded", form.map(str::as_bytes))
    }

    /// Sends a file to a page, in the one field of its form.
    ///
    /// # Errors
    /// When nothing answered.
    pub fn send_file(&self, path: &str, field: &str, file: &[u8]) -> Result<Visit> {
        self.send_form(path, &[], (field, file))
    }

    /// Sends a form that has a file, after its other fields.
    ///
    /// # Errors
    /// When nothing answered.
    pub fn send_form(&self, path: &str, fields: &[(&str, &str)], (field, file): (&str, &[u8])) -> Result<Visit> {
        const BOUNDARY: &str = "----between-parts-of-a-form";
        let part = |name: &str, more: &str| {
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n")
        };
        let mut head: Vec<String> = fields.iter().map(|(name, text)| part(name, "") + text + "\r\n").collect();
        head.push(part(field, "; filename=\"file\""));
        let form = [head.concat().as_bytes(), file, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
        self.page(path, &format!("multipart/form-data; boundary={BOUNDARY}"), Some(&form))
    }

    fn page(&self, path: &str, kind: &str, form: Option<&[u8]>) -> Result<Visit> {
        let method = if form.is_some() { Method::POST } else { Method::GET };
        let request = self
            .request(&method, path)
            .header(header::CONTENT_TYPE, kind)
            .header(header::ACCEPT, "text/html")
            .header(header::ACCEPT_ENCODING, "gzip")
            .header("sec-fetch-site", "same-origin")
            .body(form.unwrap_or_default().to_owned())?;
        let request = self.agent.configure_request(request).max_redirects(0).max_redirects_will_error(false);
        let began = Instant::now();
        let mut response = match form {
            Some(_) => self.agent.run(request.build()),
            None => self.agent.run(request.build().map(|_| ())),
        }
        .with_context(|| format!("{method} {path}"))?;
        let body = response.body_mut().read_to_vec().context("reading a page")?;
        let took = began.elapsed();
        // `Name: value` and an end of line each, the line with the status, and an empty one.
        let head: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
        Ok(Visit { status: response.status().as_u16(), location, sent: 19 + head + body.len(), body, took })
    }

    /// `GET`.
    ///
    /// # Errors
    /// When nothing answered.
    pub fn get(&self, path: &str) -> Result<Reply> {
        self.send(&Method::GET, path, None)
    }

    /// `POST` with a JSON body, or with an empty one for `null`: a server may answer before it has read a body that it
    /// does not want, and then closes the connection.
    ///
    /// # Errors
    /// When nothing answered.
    pub fn post(&self, path: &str, body: &Value) -> Result<Reply> {
        self.send(&Method::POST, path, Some(body))
    }

    /// `PUT` with a JSON body.
    ///
    /// # Errors
    /// When nothing answered.
    pub fn put(&self, path: &str, body: &Value) -> Result<Reply> {
        self.send(&Method::PUT, path, Some(body))
    }

    /// `DELETE`.
    ///
    /// # Errors
    /// When nothing answered.
    pub fn delete(&self, path: &str) -> Result<Reply> {
        self.send(&Method::DELETE, path, None)
    }
}

/// What came back.
fn reply(mut response: http::Response<ureq::Body>) -> Result<Reply> {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let retry_after_s = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    let text = response.body_mut().read_to_string().context("reading an answer")?;
    let body = match serde_json::from_str(&text) {
        Ok(body) => body,
        Err(_) if text.is_empty() => Value::Null,
        Err(_) => Value::String(text),
    };
    Ok(Reply { status, body, retry_after_s })
}
