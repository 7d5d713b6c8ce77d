//! A card that this system has personalised, seen by tools that nobody here wrote: OpenSC, yubico-piv-tool, OpenSSL.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use image::{ImageFormat, RgbImage};
use tempfile::TempDir;
use town::{Place, Town, process};

const PIN: &str = "731945";
/// Slot, and the key's id in OpenSC's PKCS #11 module.
const SLOTS: [(&str, &str); 3] = [("9a", "01"), ("9c", "02"), ("9e", "04")];

/// A town with one personalised card at the shop, where no job is running.
fn personalised() -> Result<(Town, String)> {
    let mut town = Town::open()?;
    let holder = town.office.register("测试戊 Test Holder", "110000199001010136")?;
    let photo = town.office.api().send_file(&format!("/holders/{holder}/photo"), "picture", &noise()?)?;
    ensure!(photo.status == 200, "the photo was answered with {}", photo.status);
    let card = town.pcscd.new_card("personalised")?;
    town.put(&card, Place::Station)?;
    town.issue(holder, PIN)?;
    town.carry(&card, Place::Station, Place::Shop)?;
    let reader = town.pcscd.readers()[Place::Shop as usize].clone();
    Ok((town, reader))
}

/// A picture that packs badly: the photo is as large as one may be.
fn noise() -> Result<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(1);
    let picture = RgbImage::from_fn(480, 640, |_, _| image::Rgb([random.u8(..), random.u8(..), random.u8(..)]));
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png)?;
    Ok(file.into_inner())
}

fn run(command: &mut Command) -> Result<String> {
    let output = process::run(command)?;
    Ok(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

/// Reads the certificate of a slot with yubico-piv-tool, as PEM.
fn certificate(town: &Town, reader: &str, slot: &str, folder: &Path) -> Result<PathBuf> {
    let file = folder.join(format!("{slot}.pem"));
    let mut read = town.pcscd.command("yubico-piv-tool");
    run(read.args(["-r", reader, "-a", "read-certificate", "-s", slot, "-o"]).arg(&file))?;
    Ok(file)
}

#[test]
fn opensc_and_yubico_piv_tool_read_and_sign_with_every_key() {
    let (town, reader) = personalised().expect("a personalised card");
    let folder = TempDir::new().expect("a folder");
    signs_everywhere(&town, &reader, folder.path()).expect("every tool is content");
}

fn signs_everywhere(town: &Town, reader: &str, folder: &Path) -> Result<()> {
    let name = run(town.pcscd.command("piv-tool").args(["--reader", reader, "--name"]))?;
    ensure!(name.contains("Personal Identity Verification Card"), "piv-tool does not see a PIV card: {name}");
    let status = run(town.pcscd.command("yubico-piv-tool").args(["-r", reader, "-a", "status"]))?;
    ensure!(status.contains("CHUID:") && !status.contains("No data available"), "status is not complete: {status}");

    // The photo is there for whoever has the PIN, and for nobody else.
    let file = folder.join("photo");
    let read = |pin: &[&str]| {
        let mut tool = town.pcscd.command("pkcs15-tool");
        tool.args(["--reader", reader]).args(pin).args(["--raw", "--read-data-object", "Cardholder Facial Image"]);
        run(tool.arg("--output").arg(&file))
    };
    ensure!(read(&[]).is_err(), "the photo is read without the PIN");
    read(&["--verify-pin", "--pin", PIN])?;
    let object = fs::read(&file)?;
    let jpeg = object.windows(3).position(|window| window == [0xFF, 0xD8, 0xFF]).context("no picture in the object")?;
    let photo = image::load_from_memory_with_format(&object[jpeg..], ImageFormat::Jpeg)?;
    ensure!((photo.width(), photo.height()) == (240, 320), "another photo than was taken");

    let slot_number = Place::Shop as usize;
    let data = folder.join("data");
    fs::write(&data, b"an invented message of the test")?;
    for (slot, id) in SLOTS {
        let certificate = certificate(town, reader, slot, folder)?;
        let mut test = town.pcscd.command("yubico-piv-tool");
        test.args(["-r", reader, "-a", "verify-pin", "-P", PIN, "-a", "test-signature", "-s", slot, "-i"]);
        let tested = run(test.arg(&certificate))?;
        ensure!(tested.contains("Successful ECDSA verification"), "{slot}: {tested}");

        let signature = folder.join(format!("{slot}.signature"));
        let mut sign = town.pcscd.command("pkcs11-tool");
        sign.args(["--slot-index", &slot_number.to_string(), "--login", "--pin", PIN, "--id", id]);
        sign.args(["--sign", "--mechanism", "ECDSA-SHA256", "--signature-format", "openssl", "--input-file"]);
        run(sign.arg(&data).arg("--output-file").arg(&signature))
            .with_context(|| format!("pkcs11-tool with {slot}"))?;
        verify_signature(&certificate, &data, &signature)?;
    }
    Ok(())
}

fn verify_signature(certificate: &Path, data: &Path, signature: &Path) -> Result<()> {
    let key = certificate.with_extension("key");
    run(Command::new("openssl").args(["x509", "-pubkey", "-noout", "-in"]).arg(certificate).arg("-out").arg(&key))
        .and_then(|pem| if key.exists() { Ok(()) } else { Ok(fs::write(&key, pem)?) })?;
    let mut verify = Command::new("openssl");
    verify.args(["dgst", "-sha256", "-verify"]).arg(&key).arg("-signature").arg(signature).arg(data);
    let verified = run(&mut verify)?;
    ensure!(verified.contains("Verified OK"), "{verified}");
    Ok(())
}

#[test]
fn openssl_verifies_the_three_certificates_to_the_issuers_root() {
    let (town, reader) = personalised().expect("a personalised card");
    let folder = TempDir::new().expect("a folder");
    for (slot, _) in SLOTS {
        let certificate = certificate(&town, &reader, slot, folder.path()).expect("a certificate");
        let verify = |root: &Path| {
            let mut verify = Command::new("openssl");
            verify.args(["verify", "-CAfile"]).arg(root).arg("-untrusted").arg(town.service.card_ca());
            run(verify.arg(&certificate))
        };
        let verified = verify(&town.service.root()).expect("the certificate verifies");
        assert!(verified.trim_end().ends_with(": OK"), "{verified}");
        // The same check must refuse a root that is not the issuer's.
        verify(&certificate).expect_err("a certificate is not its own root");
    }
}
