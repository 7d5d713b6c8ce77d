//! Photos through the routes, on a real database: what is kept and how, who sees it when, what is refused.

use axum::http::StatusCode;
use card_schema::ids::HolderId;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

use super::picture::{KEPT_BYTES, MAX_BYTES};
use super::store;
use crate::db::query;
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::store::reads;
use crate::domains::residence::{Registration, register, unregister};
use crate::http::Refusal;
use crate::people::{Staff, StaffRole};
use crate::testing::{Office, office};

struct Desk {
    office: Office,
    clerk: Staff,
    holder: HolderId,
}

fn picture(colour: [u8; 3]) -> Vec<u8> {
    let mut file = Vec::new();
    JpegEncoder::new(&mut file).encode_image(&RgbImage::from_pixel(480, 640, Rgb(colour))).unwrap();
    file
}

impl Desk {
    async fn new() -> Self {
        let office = office().await;
        let clerk = office.member("clerk", StaffRole::Clerk).await;
        let facts = Facts::default().with(Field::DocumentKind, "passport").with(Field::DocumentNumber, "T1000001");
        let facts = facts.with(Field::Name, "测试甲").with(Field::Address, "测试证路 1 号");
        let holder = register(&office.app, clerk.staff_id, Registration::of(facts)).await.unwrap();
        Self { office, clerk, holder }
    }

    async fn send(&self, path: &str, content_type: &str, body: Vec<u8>) -> (StatusCode, String) {
        let token = self.office.session(&self.clerk).await;
        let path = format!("/holders/{}{path}", self.holder);
        let shown = self.office.browse_with(Some(&token), &path, Some((content_type, body))).await;
        (shown.status, shown.page)
    }

    async fn take(&self, file: &[u8]) -> (StatusCode, String) {
        let part = b"--b\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a\"\r\n\r\n";
        let body = [&part[..], file, b"\r\n--b--\r\n"].concat();
        self.send("/photo", "multipart/form-data; boundary=b", body).await
    }

    async fn form(&self, path: &str, form: &str) -> (StatusCode, String) {
        self.send(path, "application/x-www-form-urlencoded", form.into()).await
    }

    async fn sealed(&self) -> Option<Vec<u8>> {
        store::load(&mut self.office.app.db.read().await.unwrap(), self.holder).await.unwrap()
    }

    async fn photos_read(&self) -> usize {
        let reads = reads(&mut self.office.app.db.read().await.unwrap(), self.holder, 100).await.unwrap();
        reads.iter().filter(|read| read.3 == "photo").count()
    }
}

/// The picture on a page.
fn shown(page: &str) -> Option<&str> {
    page.split_once("src=\"data:image/jpeg;base64,")?.1.split('"').next()
}

#[tokio::test]
async fn a_photo_is_kept_sealed_shown_to_whoever_says_why_and_replaced_for_good() {
    let desk = Desk::new().await;
    let (status, page) = desk.take(&picture([200, 30, 30])).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let red = shown(&page).unwrap().to_owned();
    let sealed = desk.sealed().await.unwrap();
    assert!(sealed.len() <= KEPT_BYTES + 28 && !sealed.windows(4).any(|window| window == b"JFIF"));
    assert_eq!(desk.photos_read().await, 0, "who took it has seen it");

    let (_, page) = desk.form("/record", "reason=holder_request").await;
    assert_eq!(shown(&page), Some(red.as_str()));
    assert_eq!(desk.photos_read().await, 1);

    let (status, page) = desk.take(&picture([30, 30, 200])).await;
    assert!(status == StatusCode::OK && shown(&page).is_some_and(|blue| blue != red));
    let rows: i64 = query("SELECT COUNT(*) FROM person_photo")
        .scalar_one(&mut desk.office.app.db.read().await.unwrap())
        .await
        .unwrap();
    assert!(rows == 1 && desk.sealed().await.unwrap() != sealed, "the one before is not kept");
}

#[tokio::test]
async fn a_photo_is_removed_when_its_holder_wants_it_and_the_record_counts_as_touched() {
    let desk = Desk::new().await;
    assert_eq!(desk.form("/photo/remove", "").await.0, StatusCode::SEE_OTHER, "there is nothing to remove");
    desk.take(&picture([200, 30, 30])).await;
    let (app, holder) = (desk.office.app.clone(), desk.holder);
    let undone = desk.office.app.db.write::<_, Refusal, _>(move |tx| {
        let app = app.clone();
        Box::pin(async move { unregister(&app, tx, holder).await })
    });
    assert!(!undone.await.unwrap(), "a record with a photo is not taken back");
    assert_eq!(desk.form("/photo/remove", "").await.0, StatusCode::SEE_OTHER);
    assert!(desk.sealed().await.is_none());
    let (_, page) = desk.form("/record", "reason=holder_request").await;
    assert!(shown(&page).is_none() && desk.photos_read().await == 0);
}

#[tokio::test]
async fn what_is_no_photo_is_refused_with_what_to_do_and_the_one_before_stays() {
    let desk = Desk::new().await;
    desk.take(&picture([200, 30, 30])).await;
    let before = desk.sealed().await;
    for (what, file, says) in [
        ("nothing", Vec::new(), "Choose a picture file"),
        ("a text", b"no picture".to_vec(), "not a JPEG or PNG"),
        ("half a picture", picture([9, 9, 9])[..400].to_vec(), "not a JPEG or PNG"),
        ("too large a file", vec![0xFF; MAX_BYTES + (128 << 10)], "too large"),
    ] {
        let (status, page) = desk.take(&file).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{what}");
        assert!(page.contains(says) && page.contains("href=\"#picture\""), "{what}: {page}");
    }
    let (status, page) = desk.form("/photo", "picture=").await;
    assert!(
        status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("Choose a picture file"),
        "a form without a file"
    );
    assert!(desk.sealed().await == before);
}
