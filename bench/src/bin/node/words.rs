//! What the made-up mission writes about: places by their names in three scripts, sentences in three languages, and surnames
//! by which rare words are looked for. Nothing of it happened.

/// A place: code, names in Latin, Arabic and Cyrillic script, and its middle in 1e-7 degree.
pub struct Spot {
    pub code: &'static str,
    pub latin: &'static str,
    pub arabic: &'static str,
    pub cyrillic: &'static str,
    pub lat_e7: i64,
    pub lon_e7: i64,
}

const fn spot(
    code: &'static str,
    latin: &'static str,
    arabic: &'static str,
    cyrillic: &'static str,
    lat_e7: i64,
    lon_e7: i64,
) -> Spot {
    Spot {
        code,
        latin,
        arabic,
        cyrillic,
        lat_e7,
        lon_e7,
    }
}

/// The busiest first.
pub const SPOTS: [Spot; 40] = [
    spot(
        "SY0200",
        "Mount Simeon",
        "جبل سمعان",
        "Джебель-Симан",
        359_995_600,
        370_847_300,
    ),
    spot(
        "SY0702",
        "Maarrat al-Nu'man",
        "معرة النعمان",
        "Мааррет-эн-Нуман",
        355_385_800,
        367_919_300,
    ),
    spot("SY0302", "Douma", "دوما", "Дума", 334_326_200, 376_385_500),
    spot(
        "SY0404",
        "Al-Rastan",
        "الرستن",
        "Эр-Растан",
        348_710_000,
        367_724_500,
    ),
    spot(
        "SY0502",
        "Al-Suqaylabiyah",
        "السقيلبية",
        "Эс-Сукайлабия",
        354_810_200,
        363_244_100,
    ),
    spot(
        "SY0704",
        "Jisr al-Shughur",
        "جسر الشغور",
        "Джиср-эш-Шугур",
        358_775_600,
        363_290_100,
    ),
    spot(
        "SY0600",
        "Latakia",
        "اللاذقية",
        "Латакия",
        357_242_600,
        359_415_000,
    ),
    spot("SY1200", "Daraa", "درعا", "Деръа", 326_314_400, 362_035_200),
    spot("SY0204", "Azaz", "أعزاز", "Аазаз", 364_998_600, 371_838_200),
    spot(
        "SY0309",
        "Darayya",
        "داريا",
        "Дарайя",
        334_991_000,
        361_911_600,
    ),
    spot("SY0501", "Hama", "حماة", "Хама", 352_857_700, 371_262_500),
    spot("SY0700", "Idlib", "إدلب", "Идлиб", 359_069_100, 367_567_700),
    spot(
        "SY0202",
        "Al-Bab",
        "الباب",
        "Эль-Баб",
        363_094_600,
        375_327_700,
    ),
    spot(
        "SY0405",
        "Tadmur",
        "تدمر",
        "Тадмор",
        344_240_100,
        386_458_000,
    ),
    spot(
        "SY0205",
        "Manbij",
        "منبج",
        "Манбидж",
        360_668_700,
        379_173_500,
    ),
    spot("SY0703", "Harem", "حارم", "Харим", 361_401_400, 365_656_300),
    spot(
        "SY0705",
        "Ariha",
        "أريحا",
        "Ариха",
        357_628_400,
        365_520_400,
    ),
    spot("SY0401", "Homs", "حمص", "Хомс", 345_294_200, 368_951_100),
    spot(
        "SY0307",
        "Al-Zabadani",
        "الزبداني",
        "Эз-Забадани",
        337_081_900,
        361_119_800,
    ),
    spot(
        "SY0900",
        "Deir ez-Zor",
        "دير الزور",
        "Дейр-эз-Зор",
        354_491_300,
        401_934_200,
    ),
    spot(
        "SY1100",
        "Raqqa",
        "الرقة",
        "Ракка",
        358_720_400,
        390_470_600,
    ),
    spot(
        "SY0802",
        "Al-Qamishli",
        "القامشلي",
        "Эль-Камышлы",
        368_507_100,
        411_724_300,
    ),
    spot(
        "SY0206",
        "Ayn al-Arab",
        "عين العرب",
        "Айн-эль-Араб",
        366_022_400,
        383_481_600,
    ),
    spot(
        "SY0203",
        "Afrin",
        "عفرين",
        "Африн",
        365_489_100,
        367_929_500,
    ),
    spot(
        "SY0505",
        "Mhardeh",
        "محردة",
        "Мухарда",
        353_002_300,
        365_484_400,
    ),
    spot(
        "SY0402",
        "Al-Qusayr",
        "القصير",
        "Эль-Кусейр",
        345_408_100,
        365_552_800,
    ),
    spot(
        "SY0602",
        "Jableh",
        "جبلة",
        "Джебла",
        352_904_800,
        360_449_000,
    ),
    spot(
        "SY0503",
        "Al-Salamiyah",
        "سلمية",
        "Саламия",
        351_439_800,
        375_923_500,
    ),
    spot(
        "SY0504",
        "Masyaf",
        "مصياف",
        "Масьяф",
        351_033_500,
        363_392_000,
    ),
    spot(
        "SY1202",
        "Al-Sanamayn",
        "الصنمين",
        "Эс-Санамайн",
        331_255_900,
        362_754_000,
    ),
    spot(
        "SY1400",
        "Quneitra",
        "القنيطرة",
        "Эль-Кунейтра",
        330_333_300,
        357_833_300,
    ),
    spot(
        "SY0304",
        "Al-Tall",
        "التل",
        "Эт-Телль",
        337_179_500,
        363_278_500,
    ),
    spot(
        "SY0308",
        "Qatana",
        "قطنا",
        "Катана",
        333_891_600,
        360_036_000,
    ),
    spot(
        "SY1000",
        "Tartus",
        "طرطوس",
        "Тартус",
        348_390_400,
        359_716_000,
    ),
    spot(
        "SY1002",
        "Baniyas",
        "بانياس",
        "Банияс",
        351_498_400,
        360_013_500,
    ),
    spot(
        "SY0902",
        "Abu Kamal",
        "البوكمال",
        "Абу-Кемаль",
        345_407_600,
        405_196_600,
    ),
    spot(
        "SY0804",
        "Ras al-Ayn",
        "رأس العين",
        "Рас-эль-Айн",
        367_566_400,
        401_464_300,
    ),
    spot(
        "SY1300",
        "As-Suwayda",
        "السويداء",
        "Эс-Сувейда",
        327_666_700,
        368_500_000,
    ),
    spot(
        "SY0800",
        "Al-Hasakah",
        "الحسكة",
        "Эль-Хасака",
        362_257_800,
        407_344_600,
    ),
    spot(
        "SY0406",
        "Al-Mukharram",
        "المخرم",
        "Эль-Мухаррам",
        348_505_700,
        373_768_800,
    ),
];

/// A language with its tag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    English,
    Arabic,
    Russian,
}

impl Tongue {
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Arabic => "ar",
            Self::Russian => "ru",
        }
    }

    /// The name of a place, as it is written in this language.
    pub fn name(self, spot: &Spot) -> &'static str {
        match self {
            Self::English => spot.latin,
            Self::Arabic => spot.arabic,
            Self::Russian => spot.cyrillic,
        }
    }

    fn sentences(self) -> &'static [&'static str] {
        match self {
            Self::English => ENGLISH,
            Self::Arabic => ARABIC,
            Self::Russian => RUSSIAN,
        }
    }

    /// `count` sentences from number `from` on, about a place and somebody there.
    pub fn text(self, from: u64, count: u64, spot: &Spot, who: &str) -> String {
        let all = self.sentences();
        let one = |n: u64| {
            let at = usize::try_from((from + n * 7) % all.len() as u64).unwrap_or(0);
            all[at]
                .replace("{place}", self.name(spot))
                .replace("{who}", who)
        };
        (0..count).map(one).collect::<Vec<_>>().join(" ")
    }

    /// One of some thousand surnames.
    pub fn surname(self, number: u64) -> String {
        let (first, second, last): (&[&str], &[&str], &[&str]) = match self {
            Self::English => (&LATIN[0], &LATIN[1], &LATIN[2]),
            Self::Arabic => (&ARABIC_PARTS[0], &ARABIC_PARTS[1], &ARABIC_PARTS[2]),
            Self::Russian => (&CYRILLIC[0], &CYRILLIC[1], &CYRILLIC[2]),
        };
        let part = |parts: &[&'static str], n: u64| {
            parts[usize::try_from(n % parts.len() as u64).unwrap_or(0)]
        };
        let (a, b) = (first.len() as u64, second.len() as u64);
        [
            part(first, number),
            part(second, number / a),
            part(last, number / (a * b)),
        ]
        .concat()
    }
}

const LATIN: [[&str; 12]; 3] = [
    [
        "Bar", "Cor", "Dal", "Fen", "Gar", "Hol", "Jor", "Kel", "Lar", "Mor", "Nor", "Tar",
    ],
    [
        "ba", "de", "fi", "go", "ha", "li", "mo", "ne", "ra", "si", "to", "va",
    ],
    [
        "bek", "dan", "far", "ges", "kov", "lin", "man", "nor", "rist", "son", "ter", "win",
    ],
];
const CYRILLIC: [[&str; 12]; 3] = [
    [
        "Бар", "Вор", "Гал", "Дем", "Жар", "Зел", "Кар", "Лоб", "Мар", "Ник", "Пет", "Сав",
    ],
    [
        "а", "би", "во", "до", "ене", "ин", "ку", "ло", "на", "оче", "ри", "у",
    ],
    [
        "бин",
        "ваев",
        "дров",
        "енко",
        "жин",
        "кин",
        "лов",
        "мов",
        "нов",
        "ров",
        "сов",
        "ханов",
    ],
];
const ARABIC_PARTS: [[&str; 12]; 3] = [
    [
        "بر", "تم", "جم", "حس", "خل", "در", "رش", "زي", "سل", "شر", "عب", "كم",
    ],
    [
        "ا", "و", "ي", "ها", "يد", "ور", "ال", "ام", "وم", "ير", "ان", "اد",
    ],
    [
        "ني", "دي", "رة", "سي", "شي", "طي", "في", "قي", "لي", "مي", "وي", "بي",
    ],
];

const ENGLISH: &[&str] = &[
    "The patrol heard explosions at an assessed distance of three kilometres from {place}.",
    "Shelling began at dusk and went on for twenty minutes.",
    "{who} says that the road to {place} was closed by a barrier of earth.",
    "Two persons were taken to the hospital of {place} with wounds from fragments.",
    "No impact was seen; the direction is not determined.",
    "Bursts of heavy machine-gun fire came from the north-east.",
    "{who} asks whether the convoy may pass {place} tomorrow morning.",
    "The water station was without power for the second day.",
    "A crater of one metre was found beside the school and photographed.",
    "The unit at {place} confirmed that firing had stopped.",
    "The observation post had no view because of fog.",
    "{who} was named as the person who keeps the gate.",
];
const ARABIC: &[&str] = &[
    "سمعت الدورية انفجارات على مسافة ثلاثة كيلومترات من {place}.",
    "بدأ القصف عند الغروب واستمر عشرين دقيقة.",
    "قال {who} إن الطريق إلى {place} أغلق بساتر ترابي.",
    "نقل شخصان إلى مستشفى {place} بجروح من الشظايا.",
    "لم تشاهد آثار السقوط ولم يحدد الاتجاه.",
    "رشقات من رشاش ثقيل من جهة الشمال الشرقي.",
    "يسأل {who} إن كانت القافلة تستطيع المرور عبر {place} صباح الغد.",
    "محطة المياه بلا كهرباء لليوم الثاني.",
    "عثر على حفرة قطرها متر قرب المدرسة وصورت.",
    "أكدت الوحدة في {place} أن إطلاق النار توقف.",
];
const RUSSIAN: &[&str] = &[
    "Патруль слышал взрывы на расстоянии трёх километров от города {place}.",
    "Обстрел начался на закате и продолжался двадцать минут.",
    "{who} сообщает, что дорога на {place} перекрыта земляным валом.",
    "Двое доставлены в больницу города {place} с осколочными ранениями.",
    "Место падения не видно; направление не установлено.",
    "Очереди крупнокалиберного пулемёта с северо-востока.",
    "{who} спрашивает, может ли колонна завтра утром пройти {place}.",
    "Насосная станция второй день без электричества.",
    "Возле школы найдена и снята воронка в один метр.",
    "Подразделение у города {place} подтвердило прекращение огня.",
];
