//! What becomes of an issuance that is given up, and of the cards that a holder had before.

use super::*;
use crate::cards::issuance::give_up;

#[tokio::test]
async fn an_issuance_that_is_given_up_frees_the_reader_and_its_chip_is_issued_anew() {
    let mut station = Station::new().await;
    let (card, job) = station.issue().await;
    let mut chip = Chip::blank();
    let (asked, _) = station.until_consent(&mut chip, job).await;
    give_up(&station.app, job).await.unwrap();
    assert_eq!((station.state(card).await, station.look(job).await.state), (CardState::Abandoned, Progress::Failed));
    assert!(current_step(&station.app, station.terminal.id).await.unwrap().is_none(), "the reader has nothing to do");
    assert_eq!(give_up(&station.app, job).await.unwrap_err().kind(), ProblemType::Conflict);
    assert_eq!(resume(&station.app, job).await.unwrap_err().kind(), ProblemType::Conflict);

    // What the holder signs meanwhile makes nothing active, and the reader hears that it is over.
    let agreed = station.agree(card, &chip, Text::current(Locale::En));
    let heard = station.answer(job, asked, &Observation::Consent { tap_id: agreed.id }).await;
    assert!(matches!(heard.step, Step::Failed { .. }));
    let outcomes = station.town.submit(&station.terminal, &[agreed]).await;
    assert_eq!(outcomes[0].outcome, Outcome::CardNotActive);

    let (another, job) = station.issue().await;
    station.carry_out(&mut chip, job, None).await;
    assert_eq!(station.consent(another, &chip).await, Outcome::Accepted);
    assert_eq!(station.state(card).await, CardState::Abandoned);
}
