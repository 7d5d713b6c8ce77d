//! How the command line reaches the daemon that runs on this machine. Knows the API's address and token, not its use.

use std::{path::Path, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use super::wire::{LocalFile, LocalProblem};
use crate::cli::messages::CliError;

/// A connection to the running daemon.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    file: LocalFile,
}

impl Client {
    /// Reads where the daemon listens.
    ///
    /// # Errors
    /// `daemon-not-running`, with what to do about it.
    pub fn open(local_file: &Path) -> Result<Self, CliError> {
        let bytes =
            std::fs::read(local_file).map_err(|error| not_running(&format!("{}: {error}", local_file.display())))?;
        let file: LocalFile = serde_json::from_slice(&bytes)
            .map_err(|error| not_running(&format!("{}: {error}", local_file.display())))?;
        crate::tls::install_provider();
        let http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(2))
            .build()
            .map_err(|error| not_running(&error.to_string()))?;
        Ok(Self { http, file })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// What the daemon answers, or `daemon-not-running`.
    pub async fn get<R: DeserializeOwned>(&self, path: &str) -> Result<R, CliError> {
        self.send::<(), R>(reqwest::Method::GET, path, None).await
    }

    /// Tells the daemon to do something.
    ///
    /// # Errors
    /// What the daemon answers, or `daemon-not-running`.
    pub async fn post<Q: Serialize, R: DeserializeOwned>(&self, path: &str, body: &Q) -> Result<R, CliError> {
        self.send(reqwest::Method::POST, path, Some(body)).await
    }

    /// Tells the daemon how something is to be from now on.
    ///
    /// # Errors
    /// What the daemon answers, or `daemon-not-running`.
    pub async fn put<Q: Serialize, R: DeserializeOwned>(&self, path: &str, body: &Q) -> Result<R, CliError> {
        self.send(reqwest::Method::PUT, path, Some(body)).await
    }

    /// Where a path of the daemon is.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.file.address)
    }

    async fn send<Q: Serialize, R: DeserializeOwned>(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Q>,
    ) -> Result<R, CliError> {
        let mut request = self.http.request(method, self.url(path)).bearer_auth(&self.file.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let reply = request.send().await.map_err(|error| not_running(&error.to_string()))?;
        let ok = reply.status().is_success();
        let status = reply.status().as_u16();
        let bytes = reply.bytes().await.map_err(|error| not_running(&error.to_string()))?;
        if ok {
            return serde_json::from_slice(if bytes.is_empty() { b"null" } else { &bytes })
                .map_err(|error| strange_answer(&error.to_string()));
        }
        match serde_json::from_slice::<LocalProblem>(&bytes) {
            Ok(problem) => Err(from_problem(problem)),
            Err(_) => Err(strange_answer(&format!("HTTP {status}"))),
        }
    }
}

fn from_problem(problem: LocalProblem) -> CliError {
    let code = problem.kind.strip_prefix(LocalProblem::PREFIX).unwrap_or(&problem.kind).to_owned();
    match problem.status {
        404 => CliError::nothing(code, problem.title_zh, problem.title),
        400 | 422 => CliError::usage(code, problem.title_zh, problem.title),
        _ => CliError::failed(code, problem.title_zh, problem.title),
    }
}

fn not_running(cause: &str) -> CliError {
    CliError::nothing(
        "daemon-not-running",
        format!("连接不到本机的读卡服务（{cause}）。请先运行 reader-daemon run，并使用相同的 --data-dir。"),
        format!(
            "The daemon on this machine cannot be reached ({cause}). Start it with reader-daemon run, with the same \
             --data-dir."
        ),
    )
}

fn strange_answer(cause: &str) -> CliError {
    CliError::failed(
        "daemon-answer",
        format!("本机的读卡服务给出了无法理解的答复（{cause}）。请确认程序与服务是同一版本。"),
        format!(
            "The daemon's answer cannot be understood ({cause}). Check that program and daemon are of one version."
        ),
    )
}
