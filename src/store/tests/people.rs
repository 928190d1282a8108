//! Customers and bookings: made, changed, brought twice, found, removed.

use jiff::tz::TimeZone;

use crate::{
    people::{Region, booking, customer},
    store::{Booker, BookingFilter, Brought, CustomerFilter, Error, Place, db::args, testing::*},
};

on_both!(
    a_customer_is_made_changed_and_found,
    an_external_id_is_one_customer_s,
    what_is_brought_twice_changes_and_does_not_double,
    a_booking_is_somebody_s,
    bookings_are_found_and_paged,
    bookings_that_are_brought_find_their_customers,
    a_customer_goes_with_his_bookings,
);

fn region() -> Region {
    "US".parse().unwrap()
}

fn person(external_id: &str, name: &str, phones: &[&str]) -> customer::Details {
    let draft = customer::Draft {
        external_id: Some(external_id.into()),
        name: Some(name.into()),
        phones: Some(phones.iter().map(|phone| (*phone).into()).collect()),
        preferences: Some(vec!["vegetarian".into()]),
        ..customer::Draft::default()
    };
    draft.check(region()).unwrap()
}

fn on(external_id: &str, starts_at: &str, status: &str) -> booking::Details {
    let draft = booking::Draft {
        external_id: Some(external_id.into()),
        starts_at: Some(starts_at.into()),
        status: Some(status.into()),
        guests: Some(30),
        ..booking::Draft::default()
    };
    draft.check(&TimeZone::UTC).unwrap()
}

async fn names(bench: &Bench, filter: &CustomerFilter) -> Vec<String> {
    let mut found = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let page = bench.store.customers(filter, before.as_deref(), 2).await;
        let (customers, more) = page.unwrap();
        before = customers.last().map(|last| last.id.clone());
        found.extend(customers.into_iter().map(|customer| customer.details.name));
        if !more {
            return found;
        }
    }
}

async fn a_customer_is_made_changed_and_found(bench: &Bench) {
    let store = &bench.store;
    for (n, name) in (0..).zip(["Ann", "John Smith", "דנה", "johanna"]) {
        let phone = format!("+1555012345{n}");
        let details = person("", name, &[&phone, "+15550199999"]);
        store.add_customer(&details, at(n)).await.unwrap();
    }
    let all = CustomerFilter::default();
    assert_eq!(
        names(bench, &all).await,
        ["johanna", "דנה", "John Smith", "Ann"]
    );
    let name = |name: &str| CustomerFilter {
        name: Some(name.into()),
        ..CustomerFilter::default()
    };
    assert_eq!(names(bench, &name("JO")).await, ["johanna", "John Smith"]);
    assert_eq!(names(bench, &name("דנ")).await, ["דנה"]);
    assert!(names(bench, &name("%")).await.is_empty());
    let phone = |number: &str| CustomerFilter {
        phone: Some(number.into()),
        ..CustomerFilter::default()
    };
    assert_eq!(names(bench, &phone("+15550123451")).await, ["John Smith"]);
    assert_eq!(
        names(bench, &phone("+15550199999")).await.len(),
        4,
        "a family"
    );
    let (found, _) = store.customers(&name("john s"), None, 1).await.unwrap();
    let changed = person("", "John Smith", &["+15550000000"]);
    let changed = store.change_customer(&found[0].id, &changed, at(9)).await;
    let changed = changed.unwrap().unwrap();
    assert_eq!(
        changed.details.phones[0].e164.as_deref(),
        Some("+15550000000")
    );
    assert_eq!((changed.created_at, changed.updated_at), (at(1), at(9)));
    assert!(names(bench, &phone("+15550123451")).await.is_empty());
    let nobody = store.change_customer("none", &changed.details, at(9)).await;
    assert_eq!(nobody.unwrap(), None);
}

async fn an_external_id_is_one_customer_s(bench: &Bench) {
    let store = &bench.store;
    let ann = store
        .add_customer(&person("7", "Ann", &[]), at(0))
        .await
        .unwrap();
    let refused = store.add_customer(&person("7", "Bob", &[]), at(1)).await;
    let why = refused.unwrap_err().to_string();
    assert!(
        why.contains("external_id") && why.contains(&ann.id),
        "{why}"
    );
    let bob = store
        .add_customer(&person("8", "Bob", &[]), at(1))
        .await
        .unwrap();
    let taken = store
        .change_customer(&bob.id, &person("7", "Bob", &[]), at(2))
        .await;
    assert!(matches!(taken, Err(Error::Refused(_))));
    let own = store
        .change_customer(&bob.id, &person("8", "Rob", &[]), at(2))
        .await;
    assert_eq!(own.unwrap().unwrap().details.name, "Rob");
}

async fn what_is_brought_twice_changes_and_does_not_double(bench: &Bench) {
    let store = &bench.store;
    let first = [
        person("7", "Ann", &["+15550123451"]),
        person("", "Bob", &["+15550123452"]),
    ];
    let plan = store.bring_customers(&first, at(0), true).await.unwrap();
    assert_eq!(plan, [Brought::New, Brought::New]);
    assert!(
        names(bench, &CustomerFilter::default()).await.is_empty(),
        "only asked"
    );
    store.bring_customers(&first, at(0), false).await.unwrap();
    let again = store.bring_customers(&first, at(1), false).await.unwrap();
    assert_eq!(again, [Brought::Same, Brought::Same]);
    let second = [
        person("7", "Ann Lee", &["+15550123451"]),
        person("", "bob", &["+15550123453", "+15550123452"]),
        person("", "Bob", &["+15550123459"]),
    ];
    let expected = [
        Brought::Changed(vec!["name"]),
        Brought::Changed(vec!["name", "phones"]),
        Brought::New,
    ];
    let plan = store.bring_customers(&second, at(2), true).await.unwrap();
    assert_eq!(plan, expected);
    let done = store.bring_customers(&second, at(2), false).await.unwrap();
    assert_eq!(done, expected);
    assert_eq!(names(bench, &CustomerFilter::default()).await.len(), 3);
}

async fn a_booking_is_somebody_s(bench: &Bench) {
    let store = &bench.store;
    let ann = store
        .add_customer(&person("7", "Ann", &["+15550123451"]), at(0))
        .await;
    let ann = ann.unwrap();
    store
        .add_customer(&person("8", "Bob", &["+15550123452"]), at(0))
        .await
        .unwrap();
    store
        .add_customer(&person("9", "Eve", &["+15550123452"]), at(0))
        .await
        .unwrap();
    let day = on("b1", "2024-11-15", "confirmed");
    for (of, why) in [
        (Booker::Id("none".into()), "customer_id"),
        (Booker::ExternalId("99".into()), "customer_external_id"),
        (Booker::Phone("+15550123459".into()), "no customer"),
        (Booker::Phone("+15550123452".into()), "more than one"),
    ] {
        let refused = store.add_booking(&of, &day, at(1)).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let made = store
        .add_booking(&Booker::Phone("+15550123451".into()), &day, at(1))
        .await;
    let made = made.unwrap();
    assert_eq!((&made.customer_id, &made.details), (&ann.id, &day));
    let twice = store
        .add_booking(&Booker::Id(ann.id.clone()), &day, at(2))
        .await;
    assert!(matches!(twice, Err(Error::Refused(_))));
    let later = on("b1", "2024-11-16T18:30", "in_progress");
    let bob = Booker::ExternalId("8".into());
    let changed = store
        .change_booking(&made.id, Some(&bob), &later, at(3))
        .await;
    let changed = changed.unwrap().unwrap();
    assert_eq!(changed.details, later);
    assert_ne!(changed.customer_id, ann.id);
    assert!(store.remove_booking(&made.id).await.unwrap());
    assert!(!store.remove_booking(&made.id).await.unwrap());
}

/// The external ids of all pages of one booking each.
async fn listed(bench: &Bench, filter: BookingFilter) -> Vec<String> {
    let mut found = Vec::new();
    let mut before: Option<Place> = None;
    loop {
        let page = bench.store.bookings(&filter, before.as_ref(), 1).await;
        let (bookings, next) = page.unwrap();
        found.extend(bookings.into_iter().filter_map(|b| b.details.external_id));
        let Some(next) = next else { return found };
        before = Some(next.to_string().parse().unwrap());
    }
}

async fn bookings_are_found_and_paged(bench: &Bench) {
    let store = &bench.store;
    let mut customers = Vec::new();
    for id in ["7", "8"] {
        let made = store.add_customer(&person(id, "Ann", &[]), at(0)).await;
        customers.push(made.unwrap().id);
    }
    for (id, whose, day, status) in [
        ("b0", 0, "2024-11-15T10:00", "confirmed"),
        ("b1", 0, "2024-11-15T10:00", "cancelled"),
        ("b2", 1, "2024-11-16", "confirmed"),
        ("b3", 0, "2024-11-17", "pending"),
    ] {
        let of = Booker::Id(customers[whose].clone());
        let booking = on(id, day, status);
        store.add_booking(&of, &booking, at(0)).await.unwrap();
    }
    let all = BookingFilter::default();
    let customer = Some(customers[0].clone());
    let status = Some("confirmed".parse().unwrap());
    let from = Some("2024-11-16T00:00:00Z".parse().unwrap());
    let to = Some("2024-11-17T00:00:00Z".parse().unwrap());
    for (filter, found) in [
        (all.clone(), &["b3", "b2", "b1", "b0"][..]),
        (
            BookingFilter {
                customer,
                ..all.clone()
            },
            &["b3", "b1", "b0"],
        ),
        (
            BookingFilter {
                status,
                ..all.clone()
            },
            &["b2", "b0"],
        ),
        (
            BookingFilter {
                from,
                to,
                ..all.clone()
            },
            &["b2"],
        ),
    ] {
        let mut listed = listed(bench, filter).await;
        // Two of one moment have no order of their own.
        listed.sort();
        listed.reverse();
        assert_eq!(listed, found);
    }
    for bad in ["", "1", "x.y", "1.nonsense"] {
        assert!(
            matches!(bad.parse::<Place>(), Err(Error::BadCursor)),
            "{bad}"
        );
    }
}

async fn bookings_that_are_brought_find_their_customers(bench: &Bench) {
    let store = &bench.store;
    store
        .add_customer(&person("7", "Ann", &["+15550123451"]), at(0))
        .await
        .unwrap();
    let ann = || Booker::Phone("+15550123451".into());
    let brought = [
        (ann(), on("b1", "2024-11-15", "confirmed")),
        (ann(), on("", "2024-11-16T18:00", "pending")),
        (
            Booker::ExternalId("99".into()),
            on("b2", "2024-11-15", "confirmed"),
        ),
    ];
    let outcomes = store.bring_bookings(&brought, at(0), false).await.unwrap();
    assert_eq!(outcomes[..2], [Ok(Brought::New), Ok(Brought::New)]);
    assert!(
        outcomes[2]
            .as_ref()
            .unwrap_err()
            .contains("no such customer")
    );
    let again = [
        (ann(), on("b1", "2024-11-15", "cancelled")),
        (ann(), on("", "2024-11-16T18:00", "pending")),
    ];
    let outcomes = store.bring_bookings(&again, at(1), false).await.unwrap();
    assert_eq!(
        outcomes,
        [Ok(Brought::Changed(vec!["status"])), Ok(Brought::Same)]
    );
}

async fn a_customer_goes_with_his_bookings(bench: &Bench) {
    let store = &bench.store;
    let ann = store
        .add_customer(&person("7", "Ann", &["+15550123451"]), at(0))
        .await
        .unwrap();
    let of = Booker::Id(ann.id.clone());
    let day = on("b1", "2024-11-15", "confirmed");
    let made = store.add_booking(&of, &day, at(0)).await.unwrap();
    assert!(store.remove_customer(&ann.id).await.unwrap());
    assert!(!store.remove_customer(&ann.id).await.unwrap());
    assert_eq!(store.booking(&made.id).await.unwrap(), None);
    let sql = "SELECT COUNT(*) AS n FROM customer_phones";
    let left = store.db.row(sql, args![]).await.unwrap().unwrap();
    assert_eq!(left.int("n").unwrap(), 0);
}
