use super::*;
use crate::insight::Turn;

fn extracted(turns: &[(&str, &str)]) -> Extracted {
    let turn = |(speaker, text): &(&str, &str)| Turn {
        speaker: (*speaker).into(),
        text: (*text).into(),
    };
    let said = Said {
        told_language: None,
        turns: turns.iter().map(turn).collect(),
    };
    extract(&said, &Words::of(&said))
}

#[test]
fn what_is_there_is_found_as_it_was_said() {
    let found = extracted(&[
        (
            "Agent",
            "Good morning, my name is John. How can I help you?",
        ),
        (
            "Customer",
            "Hi, this is Alice Miller. May I see Dr. Smith on December 15th at 10:30 or 5 pm?",
        ),
        (
            "Agent",
            "Tomorrow, yes. It costs $50 or 60 euros; your number is 7301442.",
        ),
    ]);
    assert_eq!(found.general.agent_name.as_deref(), Some("John"));
    assert_eq!(found.general.customer_name.as_deref(), Some("Alice Miller"));
    assert_eq!(
        Value::Object(found.specific),
        json!({
            "dates": ["December 15th", "Tomorrow"],
            "times": ["10:30", "5 pm"],
            "amounts": ["$50", "60 euros"],
            "numbers": ["7301442"],
            "provider": "Dr. Smith",
        })
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    for text in [
        "",
        "May I ask you something? I may come.",
        "This is terrible, my name is secret.",
        "It is 7 of 9 and there are 12 of us.",
        "doctor, doctor",
        "This is Monday's own. This is Dana's husband. This is The best. This is Dr. Nobody's.",
        "I was speaking with Verizon.",
        "You may 5 times a day, and march 3 miles.",
        "Version 1.2.3, ratio 3:1, score 21:9.",
        "שלום, מה שלומך? אני לא יודע מתי.",
        "כל מי שמי שרוצה יבוא.",
        "הדוקטור שלי לא כאן, דר ברחוב.",
    ] {
        let found = extracted(&[("Speaker", text)]);
        assert_eq!(found.general, General::default(), "{text}");
        assert!(found.specific.is_empty(), "{text}: {:?}", found.specific);
    }
}

/// What is found, kind by kind.
#[test]
fn values_are_whole_or_not_taken() {
    for (text, expected) in [
        ("It was $1,250.50.", json!({ "amounts": ["$1,250.50"] })),
        (
            "He owes 1,250 dollars",
            json!({ "amounts": ["1,250 dollars"] }),
        ),
        ("call 054-123-4567", json!({ "numbers": ["054-123-4567"] })),
        ("since 2025-12-15", json!({ "dates": ["2025-12-15"] })),
        ("on the 3rd of May", json!({ "dates": ["3rd of May"] })),
        (
            "on May 5 at 5:30 p.m.",
            json!({ "dates": ["May 5"], "times": ["5:30 p.m"] }),
        ),
        ("policy number 88213", json!({ "numbers": ["88213"] })),
        ("ב-15 בדצמבר", json!({ "dates": ["15 בדצמבר"] })),
        (
            "ביום שלישי בשעה 17:30",
            json!({ "dates": ["ביום שלישי"], "times": ["17:30"] }),
        ),
        (
            "מחר ב-9 בבוקר",
            json!({ "dates": ["מחר"], "times": ["9 בבוקר"] }),
        ),
        (
            "בשעה 8, זה עולה 250 שקל",
            json!({ "times": ["8"], "amounts": ["250 שקל"] }),
        ),
        (
            "350 ש\"ח או ₪400",
            json!({ "amounts": ["350 ש\"ח", "₪400"] }),
        ),
        ("תור לד\"ר לוי", json!({})),
        ("התור אצל ד\"ר לוי", json!({ "provider": "ד\"ר לוי" })),
    ] {
        let found = extracted(&[("Speaker", text)]);
        assert_eq!(Value::Object(found.specific), expected, "{text}");
        for value in expected.as_object().unwrap().values() {
            let parts = value
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![value.clone()]);
            let is_said = |part: &Value| text.contains(part.as_str().unwrap());
            assert!(
                parts.iter().all(is_said),
                "{text}: a piece of the text itself"
            );
        }
    }
}

#[test]
fn a_hebrew_name_follows_its_cue() {
    for (text, expected) in [
        ("שלום, שמי דנה", "דנה"),
        ("קוראים לי יוסי.", "יוסי"),
        ("היי, השם שלי הוא רותם", "רותם"),
    ] {
        let found = extracted(&[("Customer", text)]);
        assert_eq!(found.general.customer_name.as_deref(), Some(expected));
    }
}
