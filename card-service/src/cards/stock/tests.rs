//! Drawers in a real database: boxes, counts, transfers, and a card that is issued from an empty one.

use axum::http::StatusCode;
use card_schema::ids::OrganisationId;

use super::store;
use crate::people::StaffRole;
use crate::testing::{Office, office};

/// A station, by its name.
async fn station(office: &Office, admin: &str, name: &str) -> OrganisationId {
    office.browse(Some(admin), "/organisations/new", Some(&format!("name={name}&kind=station"))).await;
    let found = store::drawers(&mut office.app.db.read().await.unwrap()).await.unwrap();
    found.into_iter().find(|drawer| drawer.name == name).unwrap().station
}

async fn balance(office: &Office, of: OrganisationId) -> Option<i64> {
    store::balance(&mut office.app.db.read().await.unwrap(), of).await.unwrap()
}

#[tokio::test]
async fn boxes_come_are_counted_written_off_and_sent_and_never_more_leaves_than_is_there() {
    let office = office().await;
    let admin = office.staff("admin", StaffRole::Administrator).await;
    let supervisor = office.staff("supervisor", StaffRole::Supervisor).await;
    let (here, there) = (station(&office, &admin, "Here").await, station(&office, &admin, "There").await);
    let page = format!("/stock/{here}");
    let low = async || store::count_low(&mut office.app.db.read().await.unwrap()).await.unwrap();
    assert_eq!((balance(&office, here).await, low().await), (None, 0), "nobody has counted");

    let send = async |form: &str| office.browse(Some(&supervisor), &page, Some(form)).await;
    let empty = send("act=write_off&written_off=1&why_written_off=torn").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(send("act=receive&received=30&batch=B1").await.status, StatusCode::SEE_OTHER);
    assert_eq!(send("act=write_off&written_off=2&why_written_off=torn").await.status, StatusCode::SEE_OTHER);
    let too_many = send(&format!("act=send&sent=29&to={there}")).await;
    assert_eq!(too_many.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(too_many.page.contains("value=\"29\""), "what was typed is kept");
    assert_eq!(send(&format!("act=send&sent=20&to={there}")).await.status, StatusCode::SEE_OTHER);
    assert_eq!((balance(&office, here).await, balance(&office, there).await), (Some(8), Some(20)));
    assert_eq!(low().await, 1);
    assert_eq!(send("act=count&counted=25&why_counted=regular").await.status, StatusCode::SEE_OTHER);
    assert_eq!((balance(&office, here).await, low().await), (Some(25), 0));

    let mut connection = office.app.db.read().await.unwrap();
    for of in [here, there] {
        let history = store::history(&mut connection, of, 100).await.unwrap();
        assert_eq!(history.iter().map(|past| past.amount).sum::<i64>(), history[0].balance);
        assert!(history.iter().all(|past| past.staff.as_deref() == Some("supervisor")));
    }
    let moves = office.browse(Some(&supervisor), &format!("{page}/moves"), None).await;
    assert!(moves.page.contains("There") && moves.page.contains("B1"));
}
