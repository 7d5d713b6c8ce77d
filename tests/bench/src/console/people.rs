//! Invented people by a seed, as unevenly named as people are: 张伟 is the name of one in a few thousand, as in the report
//! on names by the Ministry of Public Security for 2020 (294,282 of 1.4 billion). Pure.

use card_schema::date::Date;
use card_service::domains::residence::{
    model::{Facts, Field},
    rules,
};
use fastrand::Rng;

/// Surnames, the most frequent first.
const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢\
    姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常";
/// Given names of one character, the most frequent first.
const SINGLE: &str = "伟芳娜敏静强磊洋勇艳杰娟涛超霞平刚玲丹萍红鹏华飞鑫波斌莉宇浩凯健俊帆帅旭宁龙林欢佳";
/// Characters of given names of two, the most frequent first.
const PAIRED: &str = "明国华文建志海秀英玉春桂兰小晓红丽金荣成永军平云龙玲林芳德志强东庆峰梅娟燕辉鹏杰宇浩欣子梓涵轩博雨思佳\
    嘉怡诗雅婷慧颖雪琳倩美珍翠莲新生福祥贵宝忠义良才学武振兴家业光耀天立洪江河山石松柏竹青";
/// Parts of names in Latin letters.
const LATIN: [&str; 16] = [
    "Test", "Amina", "Bolat", "Chen", "Dilnur", "Erkin", "Fatima", "Gulnar", "Hassan", "Ivanova", "Jamal", "Kim",
    "Lee", "Maria", "Nguyen", "Omar",
];
/// Regions by their codes, as they stand in identity cards.
const REGIONS: &str = include_str!("../../../../card-service/data/regions.csv");
/// Ways to live, the most frequent first, by their names in forms.
const HOMES: [&str; 4] = ["rented", "employer", "relatives", "owned"];

/// Draws people. Equal seeds draw equal people.
#[derive(Debug)]
pub(super) struct People {
    random: Rng,
    today: Date,
    surnames: Vec<char>,
    single: Vec<char>,
    paired: Vec<char>,
    counties: Vec<&'static str>,
}

impl People {
    pub(super) fn new(seed: u64, today: Date) -> Self {
        let characters = |text: &str| text.chars().filter(|character| !character.is_whitespace()).collect();
        Self {
            random: Rng::with_seed(seed),
            today,
            surnames: characters(SURNAMES),
            single: characters(SINGLE),
            paired: characters(PAIRED),
            counties: counties(),
        }
    }

    /// Somebody as a clerk types them.
    pub(super) fn typed(&mut self) -> Facts {
        let mut facts = Facts::default();
        let birth = self.birth();
        if self.random.u8(..100) < 97 {
            facts.set(Field::DocumentKind, "resident_identity_card");
            let born = self.county();
            facts.set(Field::DocumentNumber, self.identity_card(born, birth));
            facts.set(Field::Name, self.name());
            let moved = self.random.u8(..100) < 10;
            facts.set(Field::HouseholdRegion, if moved { self.county() } else { born });
        } else {
            facts.set(Field::DocumentKind, "passport");
            facts.set(Field::DocumentNumber, format!("T{:09}", self.random.u32(..1_000_000_000)));
            facts.set(Field::Birth, birth.to_string());
            let latin = format!("{} {}", self.of(&LATIN), self.of(&LATIN));
            facts.set(Field::Name, latin.as_str());
            facts.set(Field::LatinName, latin);
        }
        facts.set(Field::Phone, format!("1{}{:09}", 3 + self.random.u8(..7), self.random.u32(..1_000_000_000)));
        let (road, house, room) = (self.random.u16(1..400), self.random.u16(1..300), self.random.u16(101..2_400));
        facts.set(Field::Address, format!("测试市测试区测试 {road} 路 {house} 号 {room} 室"));
        facts.set(Field::AddressSince, format!("2025-{:02}-{:02}", self.random.u8(1..13), self.random.u8(1..29)));
        facts.set(Field::Home, HOMES[common(&mut self.random, HOMES.len(), 1)]);
        facts.set(Field::Occupation, format!("测试工厂 {} 号", self.random.u16(1..2_000)));
        facts
    }

    /// Somebody as they are registered.
    pub(super) fn checked(&mut self) -> Facts {
        rules::check(&self.typed(), self.today).expect("nothing is wrong with people who are invented here")
    }

    /// The same person under another document and telephone, as somebody comes a second time.
    pub(super) fn again(&mut self, facts: &Facts) -> Facts {
        let passport = format!("T{:09}", self.random.u32(..1_000_000_000));
        let facts = facts.clone().with(Field::DocumentKind, "passport").with(Field::DocumentNumber, passport);
        facts.with(Field::Phone, "")
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.random.usize(..all.len())]
    }

    fn name(&mut self) -> String {
        let random = &mut self.random;
        let mut name = String::from(self.surnames[common(random, self.surnames.len(), 5)]);
        if random.u8(..100) < 15 {
            name.push(self.single[common(random, self.single.len(), 48)]);
        } else {
            let [first, second] = [(); 2].map(|()| common(random, self.paired.len(), 15));
            name.extend([self.paired[first], self.paired[second]]);
        }
        name
    }

    /// Where somebody comes from: few counties send many.
    fn county(&mut self) -> &'static str {
        self.counties[common(&mut self.random, self.counties.len(), 100)]
    }

    /// Of working age mostly; whoever is entered without the day is born on the first of January.
    fn birth(&mut self) -> Date {
        let spread = self.random.u16(..25) + self.random.u16(..25) + self.random.u16(..15);
        let (month, day) =
            if self.random.u8(..100) < 2 { (1, 1) } else { (self.random.u8(1..13), self.random.u8(1..29)) };
        Date::new(1945 + spread, month, day).expect("every month has 28 days")
    }

    fn identity_card(&mut self, county: &str, birth: Date) -> String {
        let digits: String = birth.to_digits().map(char::from).iter().collect();
        let number = format!("{county}{digits}{:03}", self.random.u16(1..1_000));
        let sum = number.bytes().fold(0_u32, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
        format!("{number}{}", char::from(b"10X98765432"[sum as usize]))
    }
}

/// The codes of the counties there are, in an order that says nothing of where they lie.
fn counties() -> Vec<&'static str> {
    let rows = REGIONS.lines().skip(1).filter(|row| row.ends_with(',')).filter_map(|row| row.split(',').next());
    let mut counties: Vec<_> = rows.filter(|code| !code.ends_with("00")).collect();
    counties.sort_unstable_by_key(|code| code.bytes().rev().collect::<Vec<_>>());
    counties
}

/// A place in a list of which the first is had by most (the law of Zipf and Mandelbrot: the share of a place falls with one
/// over the place and an offset; the larger that is, the more even).
fn common(random: &mut Rng, length: usize, offset: u32) -> usize {
    let offset = f64::from(offset);
    #[expect(clippy::cast_precision_loss, reason = "a list is short")]
    let place = offset * ((length as f64 + offset) / offset).powf(random.f64()) - offset;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the length of a list")]
    let place = place as usize;
    place.min(length - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn people_of_one_seed_are_the_same_and_their_names_as_uneven_as_in_life() {
        let today = Date::new(2026, 11, 28).unwrap();
        let drawn = |seed| {
            let mut people = People::new(seed, today);
            (0..5_000).map(|_| people.checked()).collect::<Vec<_>>()
        };
        assert!(drawn(7) == drawn(7) && drawn(7) != drawn(8));
        let mut people = People::new(7, today);
        let mut names = BTreeMap::<String, usize>::new();
        for _ in 0..100_000 {
            *names.entry(people.name()).or_default() += 1;
        }
        let [wei, most] = [names["张伟"], *names.values().max().unwrap()];
        assert!((10..60).contains(&wei) && most < 60, "{wei} of 张伟, {most} of one name");
        assert!(names.len() > 40_000, "{} names", names.len());
    }
}
