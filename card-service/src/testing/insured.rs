//! Somebody who is insured through an employer, and whoever files for it. All of it is invented.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{HolderId, OrganisationId, Shard, TapId};
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::wire::insurance::DisputeAnswer;

use super::town::random;
use crate::db::{Db, DbError, Tx};
use crate::domains::social_security::declaration::{DeclarationId, Line, Of, Sums, Totals};
use crate::domains::social_security::dispute::{self, Dispute};
use crate::domains::social_security::employment::Employment;
use crate::domains::social_security::filing::Mark;
use crate::domains::social_security::model::Household;
use crate::domains::social_security::receipt::Receipt;
use crate::domains::social_security::store::declaration::Declaration;
use crate::domains::social_security::store::employment::Found;
use crate::domains::social_security::store::receipt::Taken;
use crate::domains::social_security::store::{self, declaration, employment, receipt};
use crate::people::organisation::{self, Kind};
use crate::people::{StaffId, member};

/// What is kept of the worker's wage: no other amount reads so.
pub(crate) const PERSON: Fen = Fen(739_147);

/// Somebody works for an employer that takes part, was declared for a month, and left; the employer has paid, and its declaration is
/// booked; what the worker has disputed with a tap is answered. Each row was something else before.
pub(crate) async fn worked(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    employer: OrganisationId,
    holder: HolderId,
) -> Result<TapId, DbError> {
    tx.lock([Shard(0), holder.shard()]).await?;
    for risk in [1, 2] {
        store::put(tx, at, by, employer, risk).await?;
    }
    let this = Month::of(Date::in_china(at));
    for until in [None, Some(this)] {
        let employment = Employment { employer, from: this, until, household: Household::OtherRural };
        let found = Found { holder, employment, number: Mark([7; 32]), name: Mark([8; 32]) };
        match until {
            None => employment::add(tx, at, by, &[found]).await?,
            Some(_) => employment::put(tx, at, by, &found).await?,
        }
    }
    let (employer_pays, due) = (Fen(100), Fen(PERSON.0 + 100));
    let insurances = [due, Fen(0), Fen(0), Fen(0), Fen(0)];
    let sums = Sums { employer: employer_pays, person: PERSON, insurances, ..Sums::default() };
    let mut filed = Declaration {
        id: DeclarationId(random()),
        employer,
        of: Of { month: this, corrects: false },
        totals: Totals { people: 1, wages: Fen(1_000_000) },
        due,
        filed_at: at,
        by,
        paid_at: None,
        posted: false,
    };
    let line = Line { holder, wage: Fen(1_000_000), risk: 2, sums, corrects: None };
    declaration::file(tx, &filed, &[line]).await?;
    (filed.paid_at, filed.posted) = (Some(at), true);
    declaration::put_paid(tx, at, &filed).await?;
    let arrived = Receipt {
        number: "TEST-1".to_owned(),
        day: Date::in_china(at),
        amount: due,
        payer: "测试工厂".to_owned(),
        remark: "测试".to_owned(),
    };
    let disputed = Dispute { tap: TapId(random()), holder, employer, month: this, at, answered: None };
    store::dispute::put(tx, at, &disputed, None).await?;
    dispute::answer(tx, (by, at), &disputed, DisputeAnswer::Unfounded).await?;
    for whose in [None, Some(employer)] {
        receipt::put(tx, at, by, &[Taken { receipt: arrived.clone(), employer: whose }]).await?;
    }
    Ok(disputed.tap)
}

/// Makes an organisation an employer, for which somebody files.
pub(crate) async fn files_for(db: &Db, at: Micros, filer: StaffId, employer: OrganisationId) {
    let moved = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            organisation::store::describe(tx, at, employer, Kind::Employer, false).await?;
            let mut member = member::store::one(tx.conn(), filer).await?.expect("was added");
            member.post.organisation = Some(employer);
            member::store::update(tx, at, &member, None, None).await
        })
    });
    moved.await.unwrap();
}
