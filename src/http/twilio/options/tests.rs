use super::*;

fn check(tweak: impl FnOnce(&mut Options)) -> Result<(), BadOptions> {
    let mut options = Options::default();
    tweak(&mut options);
    options.check("/media")
}

#[test]
fn the_default_works() {
    assert_eq!(check(|_| {}), Ok(()));
    assert_eq!(check(|options| options.language = "en-US".into()), Ok(()));
    assert_eq!(
        check(|options| options.dial.number = "+97231234567".into()),
        Ok(())
    );
}

#[test]
fn a_door_has_a_path_of_its_own() {
    for bad in [
        "",
        "/",
        "voice",
        "/voice?x=1",
        "/{call}",
        "/*rest",
        "/קול",
        "/media",
        "/media/voice",
        "/api/v1/calls",
        "/metrics",
        "/webhook/twilio/status",
    ] {
        let refused = check(|options| options.voice_path = bad.into());
        assert_eq!(refused, Err(BadOptions::Path(bad.into())), "{bad}");
    }
    for good in ["/voice", "/mediator", "/calls.php", "/twilio-voice/"] {
        assert_eq!(
            check(|options| options.voice_path = good.into()),
            Ok(()),
            "{good}"
        );
    }
}

#[test]
fn what_would_fail_when_a_call_comes_fails_at_the_start() {
    let long = |options: &mut Options| {
        let greeting = options.greetings.get_mut("he-IL").unwrap();
        greeting.text = "שלום".repeat(900);
    };
    assert!(matches!(
        check(long),
        Err(BadOptions::LongGreeting(_, 4_001..))
    ));
    for number in ["+972-3", "a", "+", "sip:x@y", "+1234567890123456"] {
        let refused = check(|options| options.dial.number = number.into());
        assert_eq!(refused, Err(BadOptions::Number(number.into())), "{number}");
    }
    for silent in ["", "fr-FR"] {
        let none = Err(BadOptions::NoGreeting(silent.into()));
        assert_eq!(check(|options| options.language = silent.into()), none);
        let of_number = BTreeMap::from([("+1".to_owned(), silent.to_owned())]);
        assert_eq!(check(|options| options.languages = of_number), none);
    }
    assert_eq!(
        check(|options| options.record.max_s = 0),
        Err(BadOptions::Record)
    );
    let only_stream = check(|options| options.record.enabled = false);
    assert_eq!(only_stream, Err(BadOptions::NothingLasts));
}
