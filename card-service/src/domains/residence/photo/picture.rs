//! From the picture that a camera or a file gives to the one that a chip holds: upright, cut to a portrait, small. Pure.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};
use zeroize::Zeroizing;

/// The largest file that is looked at: what telephones take is smaller.
pub(super) const MAX_BYTES: usize = 10 << 20;
/// The longest side, in pixels, of a picture that is looked at.
const MAX_SIDE: u32 = 12_000;
/// The most memory that is taken for one picture, in bytes.
const MAX_MEMORY: u64 = 256 << 20;
/// The shortest sides of a picture in which a face can be told, in pixels.
const MIN: (u32, u32) = (180, 240);
/// The kept picture, in pixels: three by four, as photos for documents are.
pub const SIZE: (u16, u16) = (240, 320);
/// The most bytes of the kept picture. The chip's object may have 12,704 (SP 800-73-5 part 1, table 8), but there are chips
/// that take no more than 7,600 at once, with what stands around it.
pub(super) const KEPT_BYTES: usize = 6_144;

/// Why a picture cannot be kept, by the key of what a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Nothing was sent.
    Missing,
    /// More bytes, pixels or memory than is looked at.
    TooLarge,
    /// Not a JPEG or PNG picture, or a damaged one.
    NoPicture,
    /// Too few pixels to tell a face.
    TooSmall,
}

impl Unusable {
    /// The key of the text for a person.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Missing => "photo-missing",
            Self::TooLarge => "photo-too-large",
            Self::NoPicture => "photo-no-picture",
            Self::TooSmall => "photo-too-small",
        }
    }
}

/// The picture as it is kept: a JPEG of [`SIZE`] in at most [`KEPT_BYTES`], with nothing of what the camera wrote beside it.
///
/// A wider picture loses both sides alike; a taller one more below than above, where the face is.
///
/// # Errors
/// [`Unusable`], from the file's own fault; nothing is kept then.
pub(super) fn portrait(file: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    if file.len() > MAX_BYTES {
        return Err(Unusable::TooLarge);
    }
    let upright = decode(file)?;
    let (width, height) = (upright.width(), upright.height());
    let size = (u32::from(SIZE.0), u32::from(SIZE.1));
    let kept_width = width.min(height * size.0 / size.1);
    let kept_height = height.min(width * size.1 / size.0);
    if kept_width < MIN.0 || kept_height < MIN.1 {
        return Err(Unusable::TooSmall);
    }
    let cut = upright.crop_imm((width - kept_width) / 2, (height - kept_height) / 4, kept_width, kept_height);
    let small = cut.resize_exact(size.0, size.1, FilterType::Lanczos3).into_rgb8();
    // From the best quality down, until it fits; noise alone fits at the last.
    for quality in [90, 80, 70, 60, 50, 40, 30, 20, 10, 5, 1] {
        let mut kept = Zeroizing::new(Vec::with_capacity(KEPT_BYTES * 4));
        JpegEncoder::new_with_quality(&mut *kept, quality).encode_image(&small).map_err(|_| Unusable::NoPicture)?;
        if kept.len() <= KEPT_BYTES {
            return Ok(kept);
        }
    }
    Err(Unusable::NoPicture)
}

/// The picture's pixels, turned as the camera was held.
fn decode(file: &[u8]) -> Result<DynamicImage, Unusable> {
    let format = image::guess_format(file).map_err(|_| Unusable::NoPicture)?;
    if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png) {
        return Err(Unusable::NoPicture);
    }
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| fault(&error))?;
    if decoder.total_bytes() > MAX_MEMORY {
        return Err(Unusable::TooLarge);
    }
    let orientation = decoder.orientation().map_err(|error| fault(&error))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| fault(&error))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

const fn fault(error: &ImageError) -> Unusable {
    match error {
        ImageError::Limits(_) => Unusable::TooLarge,
        _ => Unusable::NoPicture,
    }
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder as _, Rgb, RgbImage, codecs::png::PngEncoder};
    use proptest::prelude::*;

    use super::*;

    fn jpeg(picture: &RgbImage) -> Vec<u8> {
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, 95).encode_image(picture).unwrap();
        file
    }

    fn png(picture: &RgbImage) -> Vec<u8> {
        let mut file = Vec::new();
        let (width, height) = picture.dimensions();
        PngEncoder::new(&mut file).write_image(picture, width, height, ExtendedColorType::Rgb8).unwrap();
        file
    }

    fn kept(file: &[u8]) -> RgbImage {
        let kept = portrait(file).unwrap();
        assert!(kept.len() <= KEPT_BYTES);
        let picture = image::load_from_memory_with_format(&kept, ImageFormat::Jpeg).unwrap().into_rgb8();
        assert_eq!(picture.dimensions(), (u32::from(SIZE.0), u32::from(SIZE.1)));
        picture
    }

    fn is_near(one: Rgb<u8>, other: [u8; 3]) -> bool {
        one.0.iter().zip(other).all(|(one, other)| one.abs_diff(other) < 40)
    }

    #[test]
    fn noise_of_three_million_pixels_fits_the_chip() {
        let mut random = fastrand::Rng::with_seed(1);
        let noise = RgbImage::from_fn(2_000, 1_500, |_, _| Rgb([random.u8(..), random.u8(..), random.u8(..)]));
        kept(&jpeg(&noise));
        let small = RgbImage::from_fn(300, 400, |_, _| Rgb([random.u8(..), random.u8(..), random.u8(..)]));
        kept(&png(&small));
    }

    #[test]
    fn the_middle_of_a_wide_picture_and_the_upper_part_of_a_tall_one_are_kept() {
        let (red, green, blue) = ([200, 30, 30], [30, 160, 30], [30, 30, 200]);
        let thirds = |place: u32, length: u32| Rgb([red, green, blue][(place * 3 / length) as usize]);
        let wide = kept(&png(&RgbImage::from_fn(1_800, 600, |x, _| thirds(x, 1_800))));
        assert!([10, 120, 230].iter().all(|x| is_near(*wide.get_pixel(*x, 160), green)));
        let tall = kept(&png(&RgbImage::from_fn(300, 1_600, |_, y| thirds(y, 1_600))));
        assert!(is_near(*tall.get_pixel(120, 10), red) && is_near(*tall.get_pixel(120, 310), green));
    }

    #[test]
    fn a_camera_that_was_held_sideways_gives_an_upright_picture_and_its_place_is_gone() {
        // Orientation 6: what is at the left of the stored picture is the top of the scene (JEITA CP-3451, 4.6.4).
        let stored = RgbImage::from_fn(800, 600, |x, _| Rgb(if x < 400 { [200, 30, 30] } else { [30, 30, 200] }));
        let mut file = jpeg(&stored);
        let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0INVENTED-PLACE";
        let mut segment = vec![0xFF, 0xE1];
        segment.extend(u16::try_from(2 + 6 + tiff.len()).unwrap().to_be_bytes());
        segment.extend(b"Exif\0\0");
        segment.extend(tiff);
        file.splice(2..2, segment);
        let upright = kept(&file);
        assert!(is_near(*upright.get_pixel(120, 20), [200, 30, 30]), "{:?}", upright.get_pixel(120, 20));
        assert!(is_near(*upright.get_pixel(120, 300), [30, 30, 200]));
        let gone = |bytes: &[u8]| !bytes.windows(8).any(|window| window == b"INVENTED");
        assert!(!gone(&file) && gone(&portrait(&file).unwrap()));
    }

    #[test]
    fn what_is_no_portrait_is_refused_with_its_reason() {
        let picture = png(&RgbImage::new(400, 400));
        assert!(portrait(&picture).is_ok());
        for (what, file, unusable) in [
            ("nothing", Vec::new(), Unusable::NoPicture),
            ("a text", b"no picture at all, however long it may be".to_vec(), Unusable::NoPicture),
            ("a picture of another kind", b"GIF89a\x90\x01\x90\x01\x80\0\0".to_vec(), Unusable::NoPicture),
            ("half a picture", picture[..picture.len() / 2].to_vec(), Unusable::NoPicture),
            ("a stamp", png(&RgbImage::new(100, 130)), Unusable::TooSmall),
            ("a strip", png(&RgbImage::new(3_000, 40)), Unusable::TooSmall),
            ("a file that is too long", [picture.as_slice(), &vec![0; MAX_BYTES]].concat(), Unusable::TooLarge),
            ("a line too long to be looked at", png(&RgbImage::new(MAX_SIDE + 1, 1)), Unusable::TooLarge),
        ] {
            assert_eq!(portrait(&file).err(), Some(unusable), "{what}");
        }
    }

    #[test]
    fn a_few_bytes_that_claim_a_hundred_million_pixels_take_no_memory() {
        let mut file = png(&RgbImage::new(1, 1));
        let side = MAX_SIDE.to_be_bytes();
        file[16..20].copy_from_slice(&side);
        file[20..24].copy_from_slice(&side);
        let check = crc(&file[12..29]);
        file[29..33].copy_from_slice(&check.to_be_bytes());
        assert_eq!(portrait(&file).err(), Some(Unusable::TooLarge));
    }

    /// The check of a part of a PNG file (ISO/IEC 15948, annex D).
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
        })
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_answered(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            at in 0_usize..400,
            as_picture in any::<bool>(),
        ) {
            let mut file = if as_picture { jpeg(&RgbImage::new(240, 240)) } else { Vec::new() };
            let at = at.min(file.len());
            let end = (at + bytes.len()).min(file.len());
            file.splice(at..end, bytes);
            let _ = portrait(&file);
        }
    }
}
