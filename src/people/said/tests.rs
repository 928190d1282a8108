use jiff::{civil, tz::TimeZone};

use super::*;

/// On Wednesday, 13 November 2024, in the morning.
fn heard(text: &str) -> Heard {
    let called = civil::date(2024, 11, 13).at(10, 0, 0, 0);
    Heard::of(text, &called.to_zoned(TimeZone::UTC).unwrap())
}

#[test]
fn days_are_meant_from_the_call_on() {
    for (text, expected) in [
        ("Are you open today?", &["2024-11-13"][..]),
        ("tomorrow night", &["2024-11-14"]),
        ("the day after tomorrow", &["2024-11-15"]),
        ("on Friday, please", &["2024-11-15"]),
        ("next Friday", &["2024-11-15", "2024-11-22"]),
        ("last Friday", &["2024-11-08"]),
        ("we come on Wednesday", &["2024-11-13"]),
        ("the 15th", &["2024-11-15"]),
        ("on the fifteenth", &["2024-11-15"]),
        ("November 15th", &["2024-11-15"]),
        ("the 15th of November", &["2024-11-15"]),
        ("twenty first of December", &["2024-12-21"]),
        ("15 November", &["2024-11-15"]),
        ("on 15/11", &["2024-11-15"]),
        ("on 11/15", &["2024-11-15"]),
        ("15.11.2024", &["2024-11-15"]),
        ("2024-11-15", &["2024-11-15"]),
        ("on 5/12", &["2024-12-05", "2025-05-12"]),
        ("January 2", &["2025-01-02"]),
        ("the 12th", &["2024-11-12"]),
        ("may I come", &[]),
        ("7.30 or so", &[]),
        ("5-6 people", &[]),
        ("the first time, one second please", &[]),
        ("היום", &["2024-11-13"]),
        ("למחר בערב", &["2024-11-14"]),
        ("מחרתיים", &["2024-11-15"]),
        ("ביום שישי", &["2024-11-15"]),
        ("בשבת", &["2024-11-16"]),
        ("ביום שני", &["2024-11-18"]),
        ("שני אנשים", &[]),
        ("ב-15 בנובמבר", &["2024-11-15"]),
        ("ב-15 לנובמבר", &["2024-11-15"]),
        ("בחמישה עשר בנובמבר", &["2024-11-15"]),
        ("ב-15 לחודש", &["2024-11-15"]),
    ] {
        let days: Vec<String> = heard(text).days.iter().map(ToString::to_string).collect();
        assert_eq!(days, expected, "{text}");
    }
}

#[test]
fn times_are_kept_in_every_reading() {
    for (text, expected) in [
        ("at 7 pm", &["19:00"][..]),
        ("at 7pm", &["19:00"]),
        ("7 p.m.", &["19:00"]),
        ("at 7", &["07:00", "19:00"]),
        ("at seven in the evening", &["19:00"]),
        ("half past seven tonight", &["19:30"]),
        ("quarter to eight tonight", &["19:45"]),
        ("seven thirty tonight", &["19:30"]),
        ("19:30", &["19:30"]),
        ("7:30 pm", &["19:30"]),
        ("at noon", &["12:00"]),
        ("12 pm", &["12:00"]),
        ("eight o'clock in the morning", &["08:00", "20:00"]),
        ("party of seven", &[]),
        ("the 7th", &[]),
        ("בשבע וחצי בערב", &["19:30"]),
        ("בשמונה בערב", &["20:00"]),
        ("ב-19:30", &["19:30"]),
        ("בשעה 7", &["07:00", "19:00"]),
        ("רבע לשמונה בערב", &["19:45"]),
    ] {
        let times = heard(text).times;
        let times: Vec<String> = times
            .iter()
            .map(|time| time.strftime("%H:%M").to_string())
            .collect();
        assert_eq!(times, expected, "{text}");
    }
}

#[test]
fn guests_and_meals_are_heard() {
    for (text, expected) in [
        ("a party of six", &[6][..]),
        ("for 30 people", &[30]),
        ("thirty people", &[30]),
        ("a table for four at seven", &[4]),
        ("a table for 7:30", &[]),
        ("twenty five guests", &[25]),
        ("there will be eight of us", &[8]),
        ("we're five now", &[5]),
        ("we are 12", &[12]),
        ("שולחן לשישה", &[6]),
        ("שולחן ל-4", &[4]),
        ("30 איש", &[30]),
        ("שלושים וחמישה אנשים", &[35]),
        ("at seven", &[]),
    ] {
        assert_eq!(heard(text).guests, expected, "{text}");
    }
    for (text, meal) in [
        ("for dinner", Meal::Dinner),
        ("the lunch", Meal::Lunch),
        ("לארוחת ערב", Meal::Dinner),
        ("ארוחת צהריים", Meal::Lunch),
        ("ארוחת בוקר", Meal::Breakfast),
    ] {
        assert_eq!(heard(text).meals, [meal], "{text}");
    }
    let half_past = civil::time(19, 30, 0, 0);
    assert!(Meal::Dinner.fits(half_past) && !Meal::Lunch.fits(half_past));
}

#[test]
fn names_are_heard_by_their_sound() {
    for (text, name, parts) in [
        ("This is John Smith.", "John Smith", 2),
        ("this is Jon Smyth", "John Smith", 1),
        ("Hi, Katherine here", "Catherine Wood", 1),
        ("Steven's party", "Stephen Hall", 0),
        ("It's for Stephen", "Steven Hall", 1),
        ("my name is Mark", "Mark Young", 1),
        ("I will mark it, we are young", "Mark Young", 0),
        ("hello", "John Smith", 0),
        ("מדברת דנה כהן", "דנה כהן", 2),
        ("השולחן לדנה", "דנה כהן", 1),
        ("שלום, מה שלומכם", "שלום כהן", 0),
        ("מדבר שלום", "שלום כהן", 1),
        ("anything", "", 0),
    ] {
        assert_eq!(heard(text).named(name), parts, "{text} / {name}");
    }
}

#[test]
fn nothing_is_too_odd_to_be_read() {
    for text in [
        "",
        "\u{5b0}",
        "99999999999 of 99/99/99",
        "at",
        "half past",
        "ב",
        "the 31st of February",
    ] {
        let heard = heard(text);
        assert_eq!((heard.days.len(), heard.guests.len()), (0, 0), "{text:?}");
    }
}
