//! A month that an employer has missed is declared late, reckoned as its time was, and paid late.

use super::*;
use crate::domains::social_security::employment::Employment;
use crate::domains::social_security::filing::Mark;
use crate::domains::social_security::model::Household;
use crate::domains::social_security::store::employment::{self, Found};

#[tokio::test]
async fn a_missed_month_is_declared_for_two_years_and_stands_as_paid_late() {
    let bureau = Bureau::open().await;
    let people = bureau.register().await;
    let app = bureau.office.app.clone();
    let this = Month::of(app.today());
    let missed = this.before().before().before();
    let who = bureau.office.member("somebody", StaffRole::Clerk).await.staff_id;
    for (holder, (name, number)) in people.iter().copied().zip(WORKERS) {
        let employer = bureau.employer;
        let employment = Employment { employer, from: missed, until: None, household: Household::OtherRural };
        let number = Mark::of_number(&*app.keys, employer, number).unwrap();
        let name = Mark::of_name(&*app.keys, employer, name).unwrap();
        let (found, now) = (Found { holder, employment, number, name }, app.now());
        let enrolled = app.db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                tx.lock([holder.shard()]).await?;
                employment::add(tx, now, who, &[found]).await
            })
        });
        enrolled.await.unwrap();
    }
    let row = |place: usize| format!("{},{},8000,", WORKERS[place].1, WORKERS[place].0);
    let month = missed.to_string();
    let declare = async |place| bureau.declare("regular", &month, ("1", "8000"), &[&*row(place)]).await;
    assert!(bureau.months(people[0]).await.contains("not declared"), "it was missed");
    assert_eq!(declare(0).await.0, StatusCode::SEE_OTHER);
    assert!(bureau.months(people[0]).await.contains("declared and not paid in time"));
    // The class of risk is another by now: who comes after is reckoned as the others of that month.
    let risk = bureau.browse(&bureau.officer, &format!("/employers/{}", bureau.employer), "risk=5").await;
    assert_eq!(risk.0, StatusCode::SEE_OTHER);
    assert_eq!(declare(1).await.0, StatusCode::SEE_OTHER);
    let mut connection = app.db.read().await.unwrap();
    let owed = store::declaration::owed(&mut connection, bureau.employer).await.unwrap();
    let dues = store::declaration::of_employer(&mut connection, bureau.employer, 9).await.unwrap();
    drop(connection);
    assert_eq!(dues[0].due, dues[1].due, "the same wage and the same class");
    let sheet = format!("流水号,日期,金额,付款人\r\nTEST-1,{},{owed},测试工厂(朝阳)", app.today());
    assert_eq!(bureau.send(&bureau.officer, "/receipts/new", &[], &sheet).await.0, StatusCode::SEE_OTHER);
    assert_eq!(bureau.pay().await, 2);
    for person in people {
        assert!(bureau.months(person).await.contains("paid late"));
    }
    let old = (0..25).fold(this, |month, _| month.before()).to_string();
    let (status, page) = bureau.declare("regular", &old, ("1", "8000"), &[&*row(0)]).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("can be declared no more"), "{page}");
}
