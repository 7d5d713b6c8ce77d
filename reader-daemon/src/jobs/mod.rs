//! What the office asks of this terminal's readers. The service decides each step, the daemon carries it out and says
//! what it saw; every step may come twice.
//!
//! Holds no journal: after a restart the service says again where the job stands.

mod worker;

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use card_schema::wire::issuance::{Job, NumberedStep, Observation, ObservationRequest, Step};
use tokio::time::Instant;
use uuid::Uuid;

use self::worker::Worker;
use crate::{
    local::Prompts,
    station::Stations,
    submit::{
        SubmitterHandle,
        client::{ServiceClient, ServiceError},
    },
};

/// How long the service may hold the question for a job.
const LONG_POLL: Duration = Duration::from_secs(25);
/// The shortest time between two questions, should the service not hold them.
const POLL_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause after a failure.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Takes jobs and carries them out, one at a time.
#[derive(Debug)]
pub struct Jobs {
    /// The service.
    pub client: Arc<ServiceClient>,
    /// The readers.
    pub stations: Arc<Stations>,
    /// The person at the reader.
    pub prompts: Prompts,
    /// Consents go up as taps.
    pub submitter: SubmitterHandle,
}

impl Jobs {
    /// Asks for jobs, for ever. Ends only with its task.
    pub async fn run(self) {
        let mut pauses = pauses();
        loop {
            let asked = Instant::now();
            match self.client.next_job(LONG_POLL).await {
                Ok(Some(job)) => {
                    let id = job.job_id;
                    if let Err(error) = self.carry_out(job).await {
                        tracing::warn!(%id, %error, "the job cannot go on now");
                        tokio::time::sleep(pauses.next().unwrap_or(PAUSE_MAX)).await;
                        continue;
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "no jobs can be asked for");
                    // Where no tap goes up nobody else notices, and the next sale would wait for an answer in vain.
                    if self.submitter.online() != Some(false) {
                        self.submitter.retry();
                    }
                    tokio::time::sleep(pauses.next().unwrap_or(PAUSE_MAX)).await;
                    continue;
                }
            }
            pauses = self::pauses();
            if self.submitter.online() == Some(false) {
                self.submitter.stored();
            }
            tokio::time::sleep_until(asked + POLL_PAUSE).await;
        }
    }

    async fn carry_out(&self, job: Job) -> Result<(), ServiceError> {
        tracing::info!(job = %job.job_id, "a job for this terminal");
        let mut worker = Worker::new(self, job.reader);
        let mut next = job.step;
        loop {
            match &next.step {
                Step::Finished => {
                    tracing::info!(job = %job.job_id, "the job is done");
                    return Ok(());
                }
                Step::Failed { reason, reset } => {
                    tracing::warn!(job = %job.job_id, reason, reset, "the job has failed");
                    return Ok(());
                }
                _ => {}
            }
            let NumberedStep { number, step, .. } = next;
            let observation = worker.carry_out(step).await;
            tracing::info!(job = %job.job_id, number, observation = name(&observation), "a step was carried out");
            next = self.observe(job.job_id, ObservationRequest { number, observation }).await?;
        }
    }

    /// Tells until the service has heard: the same observation twice does no harm, a lost one would.
    async fn observe(&self, job: Uuid, request: ObservationRequest) -> Result<NumberedStep, ServiceError> {
        let mut pauses = pauses();
        loop {
            match self.client.observe(job, &request).await {
                Ok(reply) => return Ok(reply.next),
                Err(error @ (ServiceError::Problem(_) | ServiceError::Strange(_))) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "the service has not heard what was observed yet");
                    tokio::time::sleep(pauses.next().unwrap_or(PAUSE_MAX)).await;
                }
            }
        }
    }
}

/// For the log: what kind of thing was seen, and nothing of its content.
const fn name(observation: &Observation) -> &'static str {
    match observation {
        Observation::Card { .. } => "card",
        Observation::ManagementWitness { .. } => "management witness",
        Observation::ManagementResponse { .. } => "management response",
        Observation::Done => "done",
        Observation::PublicKey { .. } => "public key",
        Observation::Signature { .. } => "signature",
        Observation::FactoryPin { .. } => "factory PIN",
        Observation::Consent { .. } => "consent",
        Observation::CardRemoved => "card removed",
        Observation::ReaderGone => "reader gone",
        Observation::CardError { .. } => "card error",
        Observation::Declined => "declined",
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default().with_max_delay(PAUSE_MAX).without_max_times().with_jitter().build()
}
