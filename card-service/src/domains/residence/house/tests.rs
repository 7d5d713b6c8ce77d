//! Where people live, on a real database: houses are found again, moving closes one home and opens another.

use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;
use uuid::Uuid;

use super::model::CellAnswer;
use super::{cell_of, choices, chosen, path_text};
use crate::db::query;
use crate::domains::residence::area::{model::Level, tests::town};
use crate::domains::residence::house::Chosen;
use crate::domains::residence::model::{ChangeReason, Facts, Field};
use crate::domains::residence::{Correction, Registration, Unchanged, change, register};
use crate::http::Refusal;
use crate::people::StaffId;
use crate::testing::{Office, office};

const BY: StaffId = StaffId(Uuid::from_u128(1));
const CELLS: [&str; 2] = ["990101001001001", "990102001002004"];

fn lives(address: &str) -> Facts {
    Facts::default()
        .with(Field::DocumentKind, "passport")
        .with(Field::Name, "测试甲")
        .with(Field::Birth, "1990-01-01")
        .with(Field::Address, address)
        .with(Field::AddressSince, "2026-03-01")
        .with(Field::Home, "rented")
}

async fn registered(office: &Office, number: &str, address: &str, cell: Option<&str>) -> Result<HolderId, Refusal> {
    let cell = cell.map(|cell| CellAnswer::In(cell.to_owned()));
    let facts = lives(address).with(Field::DocumentNumber, number);
    register(&office.app, BY, Registration { cell, ..Registration::of(facts) }).await
}

async fn moved(
    office: &Office,
    holder: HolderId,
    (address, since, stay_until): (&str, &str, Option<&str>),
    reason: ChangeReason,
    cell: Option<CellAnswer>,
) -> Result<(), Unchanged> {
    let fields: &'static [Field] =
        if stay_until.is_some() { Field::StayUntil.changed_with() } else { Field::Address.changed_with() };
    let typed = lives(address).with(Field::AddressSince, since).with(Field::StayUntil, stay_until.unwrap_or_default());
    let (app, correction) = (office.app.clone(), Correction { fields, typed, reason, cell, seen: i64::MAX });
    let changed = office
        .app
        .db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { change(&app, tx, BY, holder, &correction).await }));
    changed.await.unwrap()
}

async fn cell(office: &Office, holder: HolderId) -> String {
    path_text(&cell_of(&mut office.app.db.read().await.unwrap(), holder).await.unwrap())
}

/// Every home of somebody: from when, up to when, why it ended.
async fn homes(office: &Office, holder: HolderId) -> Vec<(i64, Option<i64>, Option<String>)> {
    let rows = query("SELECT since, until, ended FROM home WHERE holder_id = $1 ORDER BY opened")
        .bind(holder)
        .all(&mut office.app.db.read().await.unwrap())
        .await
        .unwrap();
    let day = |start: i64| start / 86_400_000_000;
    let home = |row: &crate::db::Row| {
        let until: Option<i64> = row.get("until").unwrap();
        (day(row.get("since").unwrap()), until.map(day), row.get("ended").unwrap())
    };
    rows.iter().map(home).collect()
}

async fn count(office: &Office, sql: &'static str) -> i64 {
    query(sql).scalar_one(&mut office.app.db.read().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_house_is_found_again_however_its_address_is_typed_and_lies_nowhere_in_clear() {
    let office = office().await;
    town(&office.scratch).await;
    let one = registered(&office, "T1111111", "测隐路 12 号 A 座", Some(CELLS[0])).await.unwrap();
    // Another cell is not asked for, and does not count.
    let other = registered(&office, "T2222222", "测隐路１２号ａ座", Some(CELLS[1])).await.unwrap();
    assert_eq!(cell(&office, one).await, "虚构东区 虚构河滨街道 虚构柳岸社区 柳岸第1网格");
    assert_eq!(cell(&office, other).await, cell(&office, one).await);
    assert_eq!(count(&office, "SELECT COUNT(*) FROM house").await, 1);
    let contents = office.scratch.contents().await;
    for clear in ["测隐路 12 号", "测隐路12号A座"] {
        assert!(!contents.windows(clear.len()).any(|window| window == clear.as_bytes()));
    }
    assert!(contents.windows(15).any(|window| window == CELLS[0].as_bytes()), "the database itself was searched");
    let nowhere = registered(&office, "T3333333", "测试路 1 号", Some("nowhere")).await.unwrap_err();
    assert_eq!(nowhere.kind(), ProblemType::MalformedRequest);
    let unknown = registered(&office, "T3333333", "测试路 1 号", None).await.unwrap();
    assert_eq!(cell(&office, unknown).await, "", "who is nowhere known lives somewhere all the same");
}

#[tokio::test]
async fn whoever_moves_leaves_one_house_for_another_on_the_day_and_with_the_reason_of_the_record() {
    use ChangeReason::{Changed, Mistyped};
    let office = office().await;
    town(&office.scratch).await;
    let holder = registered(&office, "T1111111", "测试路 1 号", Some(CELLS[0])).await.unwrap();
    let to_new = ("测试路 2 号", "2026-09-01", None);
    assert_eq!(moved(&office, holder, to_new, Changed, None).await, Err(Unchanged::NoCell), "somebody is to be asked");
    let cell_answer = || Some(CellAnswer::In(CELLS[1].to_owned()));
    moved(&office, holder, to_new, Changed, cell_answer()).await.unwrap();
    assert_eq!(cell(&office, holder).await, "虚构西区 虚构站前街道 虚构货场社区 货场第4网格");
    let [march, september] = [20_513, 20_697];
    let changed = Some("changed".to_owned());
    let first = (march, Some(september), changed);
    assert_eq!(homes(&office, holder).await, [first.clone(), (september, None, None)]);
    // Another day of moving in is the same home; so is another day up to which somebody means to stay.
    moved(&office, holder, ("测试路 2 号", "2026-09-03", None), Mistyped, None).await.unwrap();
    moved(&office, holder, ("", "", Some("2099-12-31")), Changed, None).await.unwrap();
    let second = (september + 2, Some(47_482), None);
    assert_eq!(homes(&office, holder).await, [first.clone(), second]);
    // It was the first house after all.
    moved(&office, holder, ("测试路 1 号", "2026-09-03", None), Mistyped, None).await.unwrap();
    let wrong = (september + 2, Some(september + 2), Some("mistyped".to_owned()));
    assert_eq!(homes(&office, holder).await, [first, wrong, (september + 2, Some(47_482), None)]);
    // A house of which nobody knows where it is.
    moved(&office, holder, ("测试路 3 号", "2026-10-01", None), Changed, Some(CellAnswer::NotKnown)).await.unwrap();
    assert_eq!((cell(&office, holder).await.as_str(), homes(&office, holder).await.len()), ("", 3));
    assert_eq!(count(&office, "SELECT COUNT(*) FROM leaf WHERE kind = 62").await, 6, "each has its leaf");
}

#[tokio::test]
async fn what_is_offered_fits_on_a_page_and_leads_to_the_cell() {
    let office = office().await;
    let mut connection = office.app.db.read().await.unwrap();
    assert!(choices(&mut connection, None).await.unwrap().groups.is_empty());
    drop(connection);
    town(&office.scratch).await;
    let mut connection = office.app.db.read().await.unwrap();
    let all = choices(&mut connection, None).await.unwrap();
    assert!(all.cells, "so few are offered at once");
    assert_eq!(
        all.groups.iter().map(|(name, cells)| (name.as_str(), cells.len())).collect::<Vec<_>>()[0],
        ("虚构柳岸社区", 6)
    );
    assert_eq!(all.groups.iter().map(|(_, cells)| cells.len()).sum::<usize>(), 24);
    let under = choices(&mut connection, Some(&(Level::Street, "990102001".to_owned()))).await.unwrap();
    assert_eq!(under.groups.len(), 2);
    for (value, expected) in [
        ("", Chosen::Nothing),
        ("cell:nowhere", Chosen::Nothing),
        ("house:1", Chosen::Nothing),
        ("not-known", Chosen::Answer(CellAnswer::NotKnown)),
        ("cell:990101001001001", Chosen::Answer(CellAnswer::In("990101001001001".to_owned()))),
        ("community:990101001001", Chosen::Area((Level::Community, "990101001001".to_owned()))),
    ] {
        assert_eq!(chosen(&mut connection, value).await.unwrap(), expected, "{value}");
    }
}
