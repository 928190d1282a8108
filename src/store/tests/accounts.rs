//! Accounts, their sessions, and tokens.

use jiff::SignedDuration;

use crate::store::{
    Account, AccountName, Error, Lifetimes, NewSession, NewToken, Role, Scope, Scopes, testing::*,
};

on_both!(
    accounts_are_added_changed_and_removed,
    there_is_an_admin_as_long_as_there_are_accounts,
    two_admins_cannot_make_each_other_less,
    sessions_end_by_age_and_by_not_being_used,
    sessions_end_with_the_password_and_with_the_account,
    a_password_that_changed_meanwhile_opens_nothing,
    tokens_open_until_their_time_is_up,
);

const LIFETIMES: Lifetimes = Lifetimes {
    idle: SignedDuration::from_secs(1_000),
    whole: SignedDuration::from_secs(3_000),
};

fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

async fn add(bench: &Bench, who: &str, role: Role) -> Account {
    let name = name(who);
    let added = bench.store.add_account(&name, role, "a hash", at(0));
    added.await.unwrap()
}

async fn open(bench: &Bench, account: &Account, hash: &str, secs: i64) -> Result<(), Error> {
    let session = NewSession {
        hash,
        address: "10.0.0.1",
        agent: "a browser",
    };
    let opened = bench
        .store
        .open_session(account, &session, LIFETIMES, at(secs));
    opened.await
}

/// Whose session it is, `secs` after the epoch of these tests.
async fn whose(bench: &Bench, hash: &str, secs: i64) -> Option<String> {
    let found = bench
        .store
        .session(hash, LIFETIMES, at(secs))
        .await
        .unwrap();
    found.map(|(_, account)| account.name.to_string())
}

async fn accounts_are_added_changed_and_removed(bench: &Bench) {
    let store = &bench.store;
    assert!(!store.has_accounts().await.unwrap());
    let dana = add(bench, "Dana", Role::Admin).await;
    assert_eq!((dana.name.as_str(), dana.role), ("dana", Role::Admin));
    assert!(store.has_accounts().await.unwrap());
    let again = store
        .add_account(&name("DANA"), Role::Viewer, "b", at(1))
        .await;
    assert!(matches!(again, Err(Error::Refused(_))), "{again:?}");
    add(bench, "יוסי", Role::Viewer).await;
    let names = store.accounts().await.unwrap().into_iter();
    let names: Vec<String> = names.map(|account| account.name.to_string()).collect();
    assert_eq!(names, ["dana", "יוסי"]);

    let yossi = store.set_role(&name("יוסי"), Role::Operator).await.unwrap();
    assert_eq!(yossi.role, Role::Operator);
    store
        .set_password(&name("יוסי"), "other", at(9))
        .await
        .unwrap();
    let (yossi, hash) = store.password_of(&name("יוסי")).await.unwrap().unwrap();
    assert_eq!((yossi.password_at, hash.as_str()), (at(9), "other"));
    store.remove_account(&name("יוסי")).await.unwrap();
    assert_eq!(store.account(&name("יוסי")).await.unwrap(), None);
    let nobody = name("nobody");
    for missing in [
        store.set_role(&nobody, Role::Viewer).await,
        store.set_password(&nobody, "a", at(0)).await,
        store.remove_account(&nobody).await,
    ] {
        assert!(matches!(missing, Err(Error::NoAccount(_))), "{missing:?}");
    }
    assert!(store.password_of(&nobody).await.unwrap().is_none());
}

async fn there_is_an_admin_as_long_as_there_are_accounts(bench: &Bench) {
    let store = &bench.store;
    let first = store
        .add_account(&name("yossi"), Role::Operator, "a", at(0))
        .await;
    assert!(matches!(first, Err(Error::Refused(_))), "{first:?}");
    add(bench, "dana", Role::Admin).await;
    let less = store.set_role(&name("dana"), Role::Viewer).await;
    assert!(matches!(less, Err(Error::Refused(_))), "{less:?}");
    add(bench, "yossi", Role::Viewer).await;
    let gone = store.remove_account(&name("dana")).await;
    assert!(matches!(gone, Err(Error::Refused(_))), "{gone:?}");
    assert_eq!(store.accounts().await.unwrap().len(), 2);
    store.remove_account(&name("yossi")).await.unwrap();
    store.remove_account(&name("dana")).await.unwrap();
    assert!(!store.has_accounts().await.unwrap());
}

async fn two_admins_cannot_make_each_other_less(bench: &Bench) {
    let other = bench.again().await;
    for round in 0..8 {
        let (one, two) = (format!("one{round}"), format!("two{round}"));
        if round == 0 {
            add(bench, &one, Role::Admin).await;
        }
        for who in [&one, &two] {
            let _ = bench
                .store
                .add_account(&name(who), Role::Admin, "a", at(0))
                .await;
        }
        for account in bench.store.accounts().await.unwrap() {
            if account.name != name(&one) && account.name != name(&two) {
                bench.store.remove_account(&account.name).await.unwrap();
            }
        }
        let (one, two) = (name(&one), name(&two));
        let (first, second) = tokio::join!(
            bench.store.set_role(&one, Role::Viewer),
            other.set_role(&two, Role::Viewer)
        );
        assert_eq!(
            [first.is_ok(), second.is_ok()]
                .iter()
                .filter(|ok| **ok)
                .count(),
            1,
            "{first:?} {second:?}"
        );
    }
    other.close().await;
}

async fn sessions_end_by_age_and_by_not_being_used(bench: &Bench) {
    let dana = add(bench, "dana", Role::Admin).await;
    open(bench, &dana, "one", 0).await.unwrap();
    assert_eq!(whose(bench, "none", 0).await, None);
    for (secs, expected) in [
        (0, Some("dana")),
        (900, Some("dana")),
        (1_899, Some("dana")),
        (2_800, Some("dana")),
        (2_999, Some("dana")),
        // Used all the time, but its whole time is up.
        (3_000, None),
    ] {
        assert_eq!(
            whose(bench, "one", secs).await.as_deref(),
            expected,
            "{secs}"
        );
    }
    open(bench, &dana, "two", 4_000).await.unwrap();
    assert_eq!(whose(bench, "two", 5_000).await, None, "not used");
    // Uses a few seconds apart are not written down.
    open(bench, &dana, "three", 6_000).await.unwrap();
    assert!(whose(bench, "three", 6_059).await.is_some());
    let sessions = bench
        .store
        .sessions_of(&dana.id, LIFETIMES, at(6_059))
        .await;
    let seen: Vec<_> = sessions.unwrap().iter().map(|s| s.seen_at).collect();
    assert_eq!(seen, [at(6_000)], "the others are forgotten");
    assert!(whose(bench, "three", 6_060).await.is_some());
    let sessions = bench
        .store
        .sessions_of(&dana.id, LIFETIMES, at(6_060))
        .await;
    let sessions = sessions.unwrap();
    assert_eq!(sessions[0].seen_at, at(6_060));
    assert_eq!(bench.count("SELECT COUNT(*) AS n FROM sessions").await, 1);
    let ended = bench.store.end_session("another", &sessions[0].id).await;
    assert!(!ended.unwrap(), "nobody ends another's session");
    assert!(
        bench
            .store
            .end_session(&dana.id, &sessions[0].id)
            .await
            .unwrap()
    );
    assert_eq!(whose(bench, "three", 6_061).await, None);
}

async fn sessions_end_with_the_password_and_with_the_account(bench: &Bench) {
    let dana = add(bench, "dana", Role::Admin).await;
    let yossi = add(bench, "yossi", Role::Viewer).await;
    open(bench, &dana, "d", 0).await.unwrap();
    open(bench, &yossi, "y1", 0).await.unwrap();
    open(bench, &yossi, "y2", 0).await.unwrap();
    // A role counts at once.
    bench
        .store
        .set_role(&yossi.name, Role::Operator)
        .await
        .unwrap();
    let (_, now) = bench
        .store
        .session("y1", LIFETIMES, at(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(now.role, Role::Operator);
    let changed = bench
        .store
        .set_password(&yossi.name, "b", at(1))
        .await
        .unwrap();
    assert_eq!(whose(bench, "y1", 2).await, None);
    assert_eq!(whose(bench, "y2", 2).await, None);
    assert_eq!(whose(bench, "d", 2).await.as_deref(), Some("dana"));
    open(bench, &changed, "y3", 2).await.unwrap();
    bench.store.remove_account(&yossi.name).await.unwrap();
    assert_eq!(whose(bench, "y3", 3).await, None);
}

async fn a_password_that_changed_meanwhile_opens_nothing(bench: &Bench) {
    let dana = add(bench, "dana", Role::Admin).await;
    bench
        .store
        .set_password(&dana.name, "b", at(5))
        .await
        .unwrap();
    let opened = open(bench, &dana, "one", 6).await;
    assert!(matches!(opened, Err(Error::NoAccount(_))), "{opened:?}");
    assert_eq!(whose(bench, "one", 6).await, None);
}

async fn tokens_open_until_their_time_is_up(bench: &Bench) {
    let store = &bench.store;
    let scopes: Scopes = [Scope::CallsRead, Scope::Doors].into_iter().collect();
    let token = |who: &'static str, hash: &'static str| (name(who), hash);
    for ((who, hash), expires_at) in [
        (token("crm", "h1"), None),
        (token("brief", "h2"), Some(at(100))),
    ] {
        let new = NewToken {
            name: &who,
            hash,
            scopes: &scopes,
            created_by: "dana",
            expires_at,
        };
        let made = store.add_token(&new, at(0)).await.unwrap();
        assert_eq!((made.scopes, made.used_at), (scopes.clone(), None));
        let again = NewToken {
            hash: "h3",
            ..new.clone()
        };
        let again = store.add_token(&again, at(0)).await;
        assert!(matches!(again, Err(Error::Refused(_))), "{again:?}");
        let none = NewToken {
            scopes: &Scopes::default(),
            ..new
        };
        let none = store.add_token(&none, at(0)).await;
        assert!(matches!(none, Err(Error::Refused(_))), "{none:?}");
    }
    for (hash, secs, expected) in [
        ("h1", 1, true),
        ("h1", 1_000_000, true),
        ("h2", 99, true),
        ("h2", 100, false),
        ("h3", 1, false),
    ] {
        let found = store.token(hash, at(secs)).await.unwrap();
        assert_eq!(found.is_some(), expected, "{hash} {secs}");
    }
    let used = store.tokens().await.unwrap().into_iter();
    let used: Vec<_> = used.map(|token| (token.name, token.used_at)).collect();
    let expected = [
        ("brief".into(), Some(at(99))),
        ("crm".into(), Some(at(1_000_000))),
    ];
    assert_eq!(used, expected);
    store.remove_token("crm").await.unwrap();
    assert!(store.token("h1", at(1)).await.unwrap().is_none());
    let gone = store.remove_token("crm").await;
    assert!(matches!(gone, Err(Error::NoToken(_))), "{gone:?}");
}
