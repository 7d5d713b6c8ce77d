//! Three thousand people of a dormitory's spreadsheet: sent, checked row by row, and registered in the background.

use std::time::Instant;

use anyhow::Result;
use card_service::domains::residence::model::{Facts, Field};

use super::city::City;

/// An invented password.
const PASSWORD: &str = "invented for a clerk with a spreadsheet";
/// How long it may take before it is given up.
const AT_MOST: std::time::Duration = std::time::Duration::from_mins(10);

/// Seconds from sending the sheet until the last of its people is registered, and how many were.
pub(super) fn seconds(city: &mut City, rows: usize) -> Result<(f64, usize)> {
    let office = city.service.office()?;
    let clerk = office.add_staff(&city.service.root(), ("importer", PASSWORD), "clerk")?;
    let people: Vec<Facts> = (0..rows).map(|_| city.people.checked()).collect();
    let sheet = sheet(&people);
    let began = Instant::now();
    let import = clerk.send_sheet(sheet.as_bytes(), AT_MOST)?;
    clerk.register_sheet(&import, AT_MOST)?;
    let took = began.elapsed().as_secs_f64();
    let mut registered = 0;
    for facts in &people {
        let document = [Field::DocumentKind, Field::DocumentNumber].map(|field| (field.name(), facts.get(field)));
        let form: Vec<_> = document.iter().map(|(name, text)| format!("{name}={text}")).collect();
        registered += usize::from(clerk.api().visit("/find", Some(&form.join("&")))?.status == 303);
    }
    Ok((took, registered))
}

/// The people as rows under the headings of the template. A day is written as it is stored; nothing holds a comma.
fn sheet(people: &[Facts]) -> String {
    let row = |facts: &Facts| Field::ALL.map(|field| facts.get(field).to_owned()).join(",");
    let headings = Field::ALL.map(|field| field.name().to_owned()).join(",");
    [headings].into_iter().chain(people.iter().map(row)).collect::<Vec<_>>().join("\r\n")
}

#[cfg(test)]
mod tests {
    use card_schema::date::Date;
    use card_service::domains::residence::import::sheet as import;

    use super::super::people::People;
    use super::*;

    #[test]
    fn the_sheet_says_of_everybody_what_is_known() {
        let mut people = People::new(3, Date::new(2026, 11, 28).unwrap());
        let drawn: Vec<_> = (0..50).map(|_| people.checked()).collect();
        let read: Vec<_> =
            import::read(sheet(&drawn).as_bytes()).unwrap().into_iter().map(|(_, facts)| facts).collect();
        assert!(read == drawn);
    }
}
