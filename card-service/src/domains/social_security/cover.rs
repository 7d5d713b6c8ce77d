//! How far what an employer has paid reaches, and since when. Pure.

use card_schema::date::Date;
use card_schema::money::Fen;

/// How many of the declarations, in the order in which they are paid, the credit covers: as many as it covers together, since a correction
/// that gives back pays with what comes before it.
pub fn reaches(credit: Fen, due: impl IntoIterator<Item = Fen>) -> usize {
    let (mut covered, mut sum) = (0, 0);
    for (place, due) in due.into_iter().enumerate() {
        sum += due.0;
        if sum <= credit.0 {
            covered = place + 1;
        }
    }
    covered
}

/// The day on which what is paid had come to the bank, of what has arrived, the newest first: the newest without which it would not be
/// covered. `left` is what stands to the credit when all is paid. None where nothing that has arrived is missed.
pub fn since(left: Fen, arrived: impl IntoIterator<Item = (Date, Fen)>) -> Option<Date> {
    let mut left = left.0;
    for (day, amount) in arrived {
        left -= amount.0;
        if left < 0 {
            return Some(day);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_back_pays_with_what_comes_before_it() {
        for (credit, due, expected) in [
            (0, &[][..], 0),
            (999, &[1_000], 0),
            (1_000, &[1_000, 1], 1),
            (200, &[1_000, -800], 2),
            (199, &[1_000, -800], 0),
            (0, &[100, -200], 2),
            (0, &[-200, 100, 100, 1], 3),
            (1_500, &[1_000, 600, -50], 1),
        ] {
            assert_eq!(reaches(Fen(credit), due.iter().map(|due| Fen(*due))), expected, "{credit} {due:?}");
        }
    }

    #[test]
    fn a_month_is_paid_since_the_day_of_the_money_without_which_it_would_not_be() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let arrived = || [("2026-12-03", 500), ("2026-11-30", 300), ("2026-10-20", 1_000)];
        for (left, expected) in
            [(0, Some("2026-12-03")), (500, Some("2026-11-30")), (900, Some("2026-10-20")), (1_800, None)]
        {
            let arrived = arrived().map(|(text, amount)| (day(text), Fen(amount)));
            assert_eq!(since(Fen(left), arrived), expected.map(day), "{left}");
        }
    }
}
