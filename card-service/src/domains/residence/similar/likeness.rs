//! Who may be one person: what two records must share to be looked at together, and whether they are alike enough to ask.
//! Pure.

use std::collections::{BTreeSet, HashMap};

use pinyin::ToPinyin as _;

use super::super::model::{Document, Facts, Field};

/// What a record has that another of the same person very likely has too. Kept as keyed hashes, never as they are.
///
/// A name goes in by its sound, so that 张伟, Zhang Wei and WEI ZHANG meet, and by its first character; a day of birth also
/// with one of its parts left out. No trait is a name or a day alone: those are shared by too many.
pub(super) fn traits(facts: &Facts) -> BTreeSet<String> {
    let mut traits = BTreeSet::new();
    let (name, birth) = (facts.get(Field::Name), facts.get(Field::Birth));
    if let [year, month, day] = birth.split('-').collect::<Vec<_>>()[..] {
        for sound in sounds(facts) {
            traits.insert(format!("sound {sound} {birth}"));
            traits.insert(format!("sound {sound} {year}-{month}"));
            traits.insert(format!("sound {sound} {year}--{day}"));
            traits.insert(format!("sound {sound} --{month}-{day}"));
        }
        if let Some(first) = name.chars().next() {
            traits.insert(format!("first {first} {birth}"));
        }
    }
    if !facts.get(Field::Phone).is_empty() {
        traits.insert(format!("phone {}", facts.get(Field::Phone)));
    }
    traits
}

/// The sounds of both names: which letters they have, in whatever order their parts stand.
fn sounds(facts: &Facts) -> BTreeSet<String> {
    let sounds = [Field::Name, Field::LatinName].map(|field| sound(facts.get(field)));
    sounds.into_iter().filter(|sound| !sound.is_empty()).collect()
}

fn sound(name: &str) -> String {
    let mut letters = Vec::new();
    for character in name.chars() {
        match character.to_pinyin() {
            Some(syllable) => letters.extend(syllable.plain().chars()),
            None => letters.extend(character.to_lowercase().filter(|letter| letter.is_alphanumeric())),
        }
    }
    letters.sort_unstable();
    letters.into_iter().collect()
}

/// Whether two records that share a trait are alike enough to ask whether they are of one person.
///
/// The evidence for it is weighed in bits, as Fellegi and Sunter do (A Theory for Record Linkage, 1969, section 2): of
/// what two records have in common, or have not, the logarithm to the base of two of how many times more often that is
/// seen in two records of one person than in those of two. Among a million people it takes twenty bits for two records
/// to be as likely of one as of two; a question is asked before that, because what is not asked stays two.
pub(super) fn are_alike(one: &Facts, other: &Facts) -> bool {
    const ASKED: i32 = 18;
    names(one, other) + births(one, other) + phones(one, other) + regions(one, other) + numbers(one, other) >= ASKED
}

/// One in thirty people has a certain surname and one in forty a certain character in the given name: five bits each. A
/// letter of a sound is worth one. A character that another clerk writes otherwise is seen once in thirty records.
fn names(one: &Facts, other: &Facts) -> i32 {
    const MOST: i32 = 15;
    let sound = sounds(one).intersection(&sounds(other)).map(|sound| weight(sound.chars())).max();
    let (one, other): (Vec<_>, Vec<_>) =
        (one.get(Field::Name).chars().collect(), other.get(Field::Name).chars().collect());
    let before = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let after = one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count();
    let (shorter, longer) = (one.len().min(other.len()), one.len().max(other.len()));
    let common = (before + after).min(shorter);
    let characters = (shorter > 0 && longer - common <= 1).then(|| {
        let common = one[..before].iter().chain(&one[one.len() - (common - before)..]);
        weight(common.copied()) - if before < longer { 5 } else { 0 }
    });
    sound.max(characters).unwrap_or(-3).min(MOST)
}

fn weight(characters: impl Iterator<Item = char>) -> i32 {
    let bits = |character: char| match character {
        _ if !character.is_alphanumeric() => 0,
        _ if character.is_ascii() => 1,
        _ => 5,
    };
    characters.map(bits).sum()
}

/// Fifty years have 18,000 days: fourteen bits. One figure another, or two changed for each other, is what a slip looks like.
fn births(one: &Facts, other: &Facts) -> i32 {
    both_known(one, other, Field::Birth, |one, other| match strsim::osa_distance(one, other) {
        0 => 14,
        1 => 4,
        _ => -6,
    })
}

/// A telephone is shared by few, who are relatives often; whoever comes again may have another.
fn phones(one: &Facts, other: &Facts) -> i32 {
    both_known(one, other, Field::Phone, |one, other| if one == other { 17 } else { -1 })
}

/// Whoever comes to a city comes from one of five hundred counties, roughly, and few change where their household is.
fn regions(one: &Facts, other: &Facts) -> i32 {
    both_known(one, other, Field::HouseholdRegion, |one, other| if one == other { 8 } else { -3 })
}

/// A person has one national number; its check digit lets no slip through. Of other documents there may be several.
fn numbers(one: &Facts, other: &Facts) -> i32 {
    let national = |facts: &Facts| facts.get(Field::DocumentKind) == Document::ResidentIdentityCard.name();
    let others = |one: &str, other: &str| if one == other { 0 } else { -8 };
    if national(one) && national(other) { both_known(one, other, Field::DocumentNumber, others) } else { 0 }
}

/// What a field says where both records have it.
fn both_known(one: &Facts, other: &Facts, field: Field, says: impl Fn(&str, &str) -> i32) -> i32 {
    let (one, other) = (one.get(field), other.get(field));
    if one.is_empty() || other.is_empty() { 0 } else { says(one, other) }
}

/// Which of these persons may be one that stands before them, by their places.
pub(super) fn repeated(persons: &[Facts]) -> BTreeSet<usize> {
    let (mut sharing, mut repeated) = (HashMap::<String, Vec<usize>>::new(), BTreeSet::new());
    for (place, person) in persons.iter().enumerate() {
        for one in traits(person) {
            let before = sharing.entry(one).or_default();
            if before.iter().any(|earlier| are_alike(&persons[*earlier], person)) {
                repeated.insert(place);
            }
            before.push(place);
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, latin: &str, birth: &str, phone: &str) -> Facts {
        let facts = Facts::default().with(Field::Name, name).with(Field::LatinName, latin);
        facts.with(Field::Birth, birth).with(Field::Phone, phone)
    }

    fn meet(one: &Facts, other: &Facts) -> bool {
        traits(one).intersection(&traits(other)).next().is_some() && are_alike(one, other)
    }

    fn from(person: Facts, region: &str) -> Facts {
        person.with(Field::HouseholdRegion, region)
    }

    fn with_number(person: Facts, number: &str) -> Facts {
        let kind = Document::ResidentIdentityCard.name();
        person.with(Field::DocumentKind, kind).with(Field::DocumentNumber, number)
    }

    #[test]
    fn one_person_who_is_taken_down_in_two_ways_is_found() {
        let known = from(person("测小明", "", "1990-03-07", "13800138000"), "340104");
        let table = [
            ("the same again", person("测小明", "", "1990-03-07", "")),
            ("another character of the same sound", person("测晓明", "", "1990-03-07", "")),
            ("in Latin letters, family name first", person("CE XIAOMING", "", "1990-03-07", "")),
            ("in Latin letters, family name last", person("Xiaoming Ce", "", "1990-03-07", "")),
            ("as a second name", person("明", "Ce Xiaoming", "1990-03-07", "")),
            ("a day that was mistyped", person("测小明", "", "1990-03-17", "")),
            ("two figures of a day changed for each other", from(person("测小明", "", "1990-03-70", ""), "340104")),
            ("sound and day mistyped, from the same county", from(person("测晓明", "", "1990-03-08", ""), "340104")),
            ("month and name heard wrongly, the telephone right", person("测晓鸣", "", "1991-05-07", "13800138000")),
            ("one character another", person("测小阳", "", "1990-03-07", "")),
            ("moved to another county's register", from(person("测小明", "", "1990-03-07", ""), "430102")),
        ];
        for (what, other) in table {
            assert!(meet(&known, &other) && meet(&other, &known), "{what}");
        }
        let numbered = with_number(known.clone(), "110101199003070017");
        let again = from(person("测小明", "", "1990-03-07", ""), "340104");
        assert!(meet(&numbered, &with_number(again, "110101199003070033")), "two national numbers, all else the same");
    }

    #[test]
    fn people_who_have_little_in_common_are_not_taken_for_one() {
        let known = from(person("测小明", "", "1990-03-07", "13800138000"), "340104");
        let table = [
            ("namesakes", person("测小明", "", "1985-11-21", "")),
            ("namesakes of one county", from(person("测小明", "", "1985-11-21", ""), "340104")),
            ("namesakes born in two years on one day", person("测小明", "", "1985-03-07", "")),
            ("born on one day", person("试大海", "", "1990-03-07", "")),
            ("born on one day in one county", from(person("试大海", "", "1990-03-07", ""), "340104")),
            ("of one family name, born on one day", person("测大海", "", "1990-03-07", "")),
            ("one sound, a day that is nearly the same", from(person("测晓明", "", "1990-03-08", ""), "430102")),
            ("two who share a telephone", person("试大海", "", "1962-01-30", "13800138000")),
            ("nothing is known", person("", "", "", "")),
        ];
        for (what, other) in table {
            assert!(!meet(&known, &other) && !meet(&other, &known), "{what}");
        }
        // Two characters are had by hundreds of a million, of whom some are born on one day.
        let short = person("测明", "", "1990-03-07", "");
        assert!(!meet(&short, &person("测阳", "", "1990-03-07", "")), "of a short name one character is little");
        let numbered = [("110101199003070017", "340104"), ("430102199003070032", "430102")]
            .map(|(number, region)| with_number(from(short.clone(), region), number));
        assert!(!meet(&numbered[0], &numbered[1]), "namesakes born on one day, each with a national number");
    }

    #[test]
    fn the_same_characters_count_once_wherever_the_names_differ() {
        let known = |one: &str, other: &str| names(&person(one, "", "", ""), &person(other, "", "", ""));
        for (one, other, bits) in [
            ("测小明", "测小明", 15),
            ("测试小明", "测试小明", 15),
            ("测小明", "测大明", 5),
            ("测小明", "测小", 5),
            ("测明", "测明明", 5),
            ("测明", "试明", 0),
            ("AMINA TEST", "AMINA TESTA", 9 - 5),
            ("测小明", "试小阳", -3),
        ] {
            assert_eq!((known(one, other), known(other, one)), (bits, bits), "{one} {other}");
        }
    }
}
