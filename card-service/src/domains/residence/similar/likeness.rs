//! Who may be one person: what two records must share to be looked at together, and whether they are alike enough to ask.
//! Pure.

use std::collections::{BTreeSet, HashMap};

use pinyin::ToPinyin as _;

use super::super::model::{Facts, Field};

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

/// Whether two records that share a trait may be of one person.
pub(super) fn are_alike(one: &Facts, other: &Facts) -> bool {
    let same = |field| !one.get(field).is_empty() && one.get(field) == other.get(field);
    let sound = sounds(one).intersection(&sounds(other)).next().is_some();
    let name = same(Field::Name) || strsim::levenshtein(one.get(Field::Name), other.get(Field::Name)) <= 1;
    let parts = one.get(Field::Birth).split('-').zip(other.get(Field::Birth).split('-'));
    let equal = parts.filter(|(one, other)| one == other && !one.is_empty()).count();
    if sound { equal >= 2 || same(Field::Phone) } else { (name || same(Field::Phone)) && equal == 3 }
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

    #[test]
    fn one_person_who_is_taken_down_in_two_ways_is_found() {
        let known = person("测小明", "", "1990-03-07", "13800138000");
        let table = [
            ("the same again", person("测小明", "", "1990-03-07", "")),
            ("another character of the same sound", person("测晓明", "", "1990-03-07", "")),
            ("in Latin letters, family name first", person("CE XIAOMING", "", "1990-03-07", "")),
            ("in Latin letters, family name last", person("Xiaoming Ce", "", "1990-03-07", "")),
            ("as a second name", person("明", "Ce Xiaoming", "1990-03-07", "")),
            ("a day that was mistyped", person("测小明", "", "1990-03-17", "")),
            ("month and name heard wrongly, the telephone right", person("测晓鸣", "", "1991-05-07", "13800138000")),
            ("one character another", person("测小阳", "", "1990-03-07", "")),
        ];
        for (what, other) in table {
            assert!(meet(&known, &other), "{what}");
        }
    }

    #[test]
    fn people_who_have_little_in_common_are_not_taken_for_one() {
        let known = person("测小明", "", "1990-03-07", "13800138000");
        let table = [
            ("namesakes", person("测小明", "", "1985-11-21", "")),
            ("born on one day", person("试大海", "", "1990-03-07", "")),
            ("of one family name, born on one day", person("测大海", "", "1990-03-07", "")),
            ("two who share a telephone", person("试大海", "", "1962-01-30", "13800138000")),
            ("nothing is known", person("", "", "", "")),
        ];
        for (what, other) in table {
            assert!(!meet(&known, &other), "{what}");
        }
    }
}
