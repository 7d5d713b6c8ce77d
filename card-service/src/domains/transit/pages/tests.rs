//! Fares are uploaded, looked at and taken, by whoever sets them; and every page of it in every state that it has.

use askama::Template as _;
use axum::http::StatusCode;
use card_schema::clock::Micros;
use uuid::Uuid;

use super::super::feed;
use super::super::model::Version;
use super::*;
use crate::people::StaffRole;
use crate::testing::city::{SUPPLEMENT_TEXT, fares_in, files, zipped};
use crate::testing::{Office, Shown, office};

/// 2026-11-23 17:04:05 in Beijing.
const AT: Micros = Micros(1_795_424_645_000_000);
/// One of everything that there is beside a feed.
const MORE: &str = r#"
[[cap]]
id = "bus-day"
networks = ["bus"]
period = "day"
fen = 500

[[discount]]
id = "metro-month"
networks = ["metro"]
period = "month"
steps = [{ from_fen = 10000, percent = 80 }, { from_fen = 15000, percent = 50 }]
except = ["child"]

[[concession]]
id = "child"
rider_category = "c"

[[concession]]
id = "elderly"
percent = 0
networks = ["bus", "metro"]

[[window]]
id = "bus-metro"
from = ["bus"]
to = ["metro"]
within_s = 5400
off_fen = 100

[[pass]]
id = "month"
name = "月票"
networks = ["bus", "metro"]
fen = 12000

[[pass]]
id = "day"
name = "日票"
networks = ["metro"]
days = 1
fen = 1500
"#;

fn ready(feed: &[u8], more: &str) -> Ready {
    Ready::read(feed, format!("{SUPPLEMENT_TEXT}{more}")).unwrap()
}

/// A feed that is not followed as a whole.
fn in_part() -> Vec<u8> {
    let mut files = files();
    files.insert("fare_attributes.txt".to_owned(), b"fare_id,price\n1,2\n".to_vec());
    zipped(&files)
}

/// A feed at which somebody should look.
fn with_a_warning() -> Vec<u8> {
    let mut files = files();
    files.insert("notes.txt".to_owned(), b"a\n1\n".to_vec());
    zipped(&files)
}

/// A feed in which something is wrong.
fn wrong() -> Vec<u8> {
    let mut files = files();
    files.insert("areas.txt".to_owned(), b"area_id,area_name\n1,a\n1,b\n".to_vec());
    zipped(&files)
}

/// The pages in every state that they have.
pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
    let version = |number, hours: i64, by: Option<&str>| Version {
        number,
        starts_at: AT.plus_seconds(hours * 3_600),
        imported_at: AT,
        imported_by: by.map(str::to_owned),
        source: [0xab; 32],
    };
    let some = [version(4, 24, None), version(3, 24, Some("test-admin")), version(2, -24, None), version(1, -48, None)];
    let mut pages = Vec::new();
    for (name, all) in [("some", &some[..]), ("none", &[])] {
        pages.push((format!("tariff-list-{name}"), view::list(frame.clone(), all, AT).render().unwrap()));
    }
    let full = ready(&zipped(&files()), MORE);
    for one in &some {
        let page = view::version(frame.clone(), &some, one, &full.tariff, AT);
        pages.push((format!("tariff-{}", one.number), page.render().unwrap()));
    }
    let choose = [
        None,
        Some(("archive", "fares-archive-missing")),
        Some(("archive", "fares-too-large")),
        Some(("archive", "fares-busy")),
        GONE,
        Some(("supplement", "fares-supplement-missing")),
    ];
    for (number, wrong) in choose.into_iter().enumerate() {
        let page = view::new_page(frame.clone(), MAX_BYTES, wrong);
        pages.push((format!("tariff-new-{number}"), page.render().unwrap()));
    }
    for (name, ready, wrong) in [
        ("clean", &full, None),
        ("seen", &ready(&with_a_warning(), ""), Some(("day", "fares-day-past"))),
        ("part", &ready(&in_part(), ""), Some(("take", "fares-take-missing"))),
        ("other", &full, Some(("take", "fares-other"))),
    ] {
        let read = (&ready.tariff, &ready.source, &ready.report);
        let page = CheckPage::asking(frame.clone(), (Uuid::nil(), AT), read, &Typed::new(), wrong);
        pages.push((format!("tariff-check-{name}"), page.render().unwrap()));
    }
    for (name, archive) in [("rows", wrong()), ("archive", b"PK".to_vec())] {
        let (_, report) = feed::read(&archive, SUPPLEMENT_TEXT);
        pages.push((format!("tariff-wrong-{name}"), CheckPage::wrong(frame.clone(), &report).render().unwrap()));
    }
    pages
}

async fn upload(office: &Office, token: &str, parts: &[(&str, &[u8])]) -> Shown {
    let mut body = Vec::new();
    for (name, file) in parts {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a\"\r\n\r\n");
        body.extend([head.as_bytes(), file, b"\r\n"].concat());
    }
    body.extend(b"--b--\r\n");
    office.browse_with(Some(token), NEW, Some(("multipart/form-data; boundary=b", body))).await
}

/// What the page sends along.
fn along(page: &str) -> &str {
    page.split_once("name=\"upload\" value=\"").unwrap().1.split('"').next().unwrap()
}

#[tokio::test]
async fn fares_are_uploaded_looked_at_and_taken_and_nothing_happens_before() {
    let office = office().await;
    let token = office.staff("admin", StaffRole::Administrator).await;
    let numbers = async || store::newest(&mut office.app.db.read().await.unwrap()).await.unwrap();
    let supplement = format!("{SUPPLEMENT_TEXT}{MORE}");
    let sent = async |archive: &[u8]| {
        upload(&office, &token, &[("archive", archive), ("supplement", supplement.as_bytes())]).await
    };
    let (done, again) = (StatusCode::SEE_OTHER, StatusCode::UNPROCESSABLE_ENTITY);
    for (parts, said) in [
        (&[][..], "Choose the feed’s archive"),
        (&[("supplement", supplement.as_bytes())], "Choose the feed’s archive"),
        (&[("archive", &zipped(&files())[..])], "Choose the TOML file"),
        (&[("archive", &zipped(&files())[..]), ("supplement", &[0xff])], "is not written in UTF-8"),
        (&[("archive", b"no archive"), ("supplement", supplement.as_bytes())], "this is no zip archive"),
        (&[("archive", &zipped(&files())[..]), ("supplement", b"[[network]]\nid = 7")], "supplement.toml"),
    ] {
        let shown = upload(&office, &token, parts).await;
        assert_eq!(shown.status, again, "{said}");
        assert!(shown.page.contains(said), "{said}: {}", shown.page);
    }
    let shown = sent(&wrong()).await;
    assert_eq!(shown.status, again);
    for said in ["These files cannot be used", "areas.txt", "<td>3</td>", "1 is there already"] {
        assert!(shown.page.contains(said), "{said}: {}", shown.page);
    }
    assert_eq!(office.browse(Some(&token), CHECK, None).await.status, again, "nothing was kept");

    let shown = sent(&in_part()).await;
    assert_eq!((shown.status, &*shown.leads_to), (done, CHECK));
    let page = office.browse(Some(&token), CHECK, None).await.page;
    assert!(page.contains("fare_attributes.txt") && page.contains("bus-day: no more than 5.00 yuan a day"), "{page}");
    let id = along(&page).to_owned();
    let answer = async |form: &str| office.browse(Some(&token), CHECK, Some(form)).await;
    let tomorrow = Date::from_days(office.app.today().days() + 1).unwrap();
    for (form, status, said) in [
        (format!("upload={id}&take=yes"), again, "Choose from when on"),
        (format!("upload={id}&when=day&day=1.12.2026&take=yes"), again, "like 2026-12-01"),
        (format!("upload={id}&when=day&day={}&take=yes", office.app.today()), again, "has begun"),
        (format!("upload={id}&when=day&day={tomorrow}"), again, "Choose whether"),
        (format!("upload={}&when=at_once&take=yes", Uuid::nil()), StatusCode::CONFLICT, "uploaded other files since"),
    ] {
        let shown = answer(&form).await;
        assert_eq!(shown.status, status, "{form}");
        assert!(shown.page.contains(said), "{form}: {}", shown.page);
    }
    assert_eq!(numbers().await, 0);
    let shown = answer(&format!("upload={id}&when=day&day={tomorrow}&take=yes")).await;
    assert_eq!((shown.status, &*shown.leads_to, numbers().await), (done, "/fares/1", 1));
    assert_eq!(answer(&format!("upload={id}&when=at_once&take=yes")).await.status, again, "once");
    assert_eq!(numbers().await, 1);
    let shown = office.browse(Some(&token), "/fares/1", None).await;
    for said in ["Will come into force", "<dt>By</dt><dd>admin</dd>", "elderly: 0 % of each ride (bus, metro)"] {
        assert!(shown.page.contains(said), "{said}: {}", shown.page);
    }

    // Who does not want them has not brought them in.
    assert_eq!(sent(&zipped(&files())).await.leads_to, CHECK);
    let id = along(&office.browse(Some(&token), CHECK, None).await.page).to_owned();
    assert_eq!(answer(&format!("upload={id}&take=no")).await.leads_to, LIST);
    assert_eq!(office.browse(Some(&token), CHECK, None).await.status, again);
    assert_eq!(sent(&zipped(&files())).await.leads_to, CHECK);
    let id = along(&office.browse(Some(&token), CHECK, None).await.page).to_owned();
    assert_eq!(answer(&format!("upload={id}&when=at_once&take=yes")).await.leads_to, "/fares/2");
    let list = office.browse(Some(&token), LIST, None).await.page;
    assert!(list.contains("In force") && list.contains("Will come into force") && list.contains("admin"), "{list}");
    assert_eq!(office.browse(Some(&token), "/fares/3", None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn one_upload_is_read_at_a_time_and_a_file_that_is_too_large_is_told() {
    let office = office().await;
    fares_in(&office.scratch.db, "").await;
    let token = office.staff("admin", StaffRole::Administrator).await;
    let turn = office.app.fare_uploads.turn().unwrap();
    let shown = upload(&office, &token, &[("archive", b"PK"), ("supplement", b"a")]).await;
    assert_eq!(shown.status, StatusCode::CONFLICT);
    assert!(shown.page.contains("Somebody else’s files are being read"), "{}", shown.page);
    drop(turn);
    let large = vec![0; MAX_BYTES + MAX_SUPPLEMENT_BYTES + NoFile::FORM_BYTES];
    let shown = upload(&office, &token, &[("archive", &large), ("supplement", b"a")]).await;
    assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(shown.page.contains("256 MB are taken"), "{}", shown.page);
}

#[tokio::test]
async fn nobody_but_administrators_sees_or_sets_fares() {
    let office = office().await;
    for role in StaffRole::ALL {
        let token = office.staff(role.name(), role).await;
        let is_allowed = role == StaffRole::Administrator;
        for path in [LIST, NEW] {
            assert_eq!(
                office.browse(Some(&token), path, None).await.status.is_success(),
                is_allowed,
                "{role:?} {path}"
            );
        }
        let shown = upload(&office, &token, &[("archive", b"PK"), ("supplement", b"a")]).await;
        assert_eq!(shown.status == StatusCode::UNPROCESSABLE_ENTITY, is_allowed, "{role:?}");
        let home = office.browse(Some(&token), "/", None).await.page;
        assert_eq!(home.contains("href=\"/fares\""), is_allowed, "{role:?}");
    }
}
