//! Whose calls they were, as the people see it who find that out; and how all of it looks.

use callscribe::{
    ids::Track::Inbound,
    insight::{Insights, Sentiment},
    people::link::{Parts, Why},
    store::Role,
};
use serde_json::json;

use super::{browser, looks::views};
use crate::{
    gateway::{
        peer::Peer,
        server::{ENDING, TestServer, serve},
        story::talk,
    },
    harness::{
        browser::Browser,
        people::PASSWORD,
        site::Site,
        whose::{Called, nobodys, of},
    },
    twilio::peer::{STATUS, VOICE},
};

const DANA: &str = "+972541234567";
const HEADING: &str = "document.querySelector('h1').textContent";

async fn rings(server: &TestServer, call: &str) {
    let ring = [("CallSid", call), ("From", DANA), ("To", "+97231234567")];
    assert_eq!(server.post(VOICE, &ring).await.status(), 200);
}

async fn talks(server: &TestServer, call: &str) -> Peer {
    let mut peer = Peer::connect(&server.media(), call, "MZ1").await;
    peer.start(&[Inbound], &[("language", "en")]).await;
    for (n, frames) in (0..).zip(talk()[0].chunks(1600)) {
        peer.speak(Inbound, n * 200, frames).await;
    }
    server.until(call, "there", |_| true).await;
    peer
}

async fn hangs_up(server: &TestServer, call: &str, mut peer: Peer) {
    peer.stop().await;
    peer.closed().await;
    let ended = [
        ("CallSid", call),
        ("CallStatus", "completed"),
        ("CallDuration", "12"),
    ];
    assert_eq!(server.post(STATUS, &ended).await.status(), 200);
}

async fn click(browser: &Browser, what: &str) {
    browser
        .eval(&format!("document.querySelector('{what}').click()"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_s_number_becomes_a_customer_who_is_known_when_it_rings_again() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let server = serve(|_| {}).await;
    browser.go(&server.url("/review")).await;
    browser
        .until("document.body.innerText.includes('Nothing to review.')")
        .await;
    rings(&server, "CA1").await;
    let peer = talks(&server, "CA1").await;
    hangs_up(&server, "CA1", peer).await;
    // The list fills by itself.
    browser
        .until("document.querySelector('[data-call=CA1] .buttons')")
        .await;
    browser.picture("review-journey").await;
    click(&browser, "[data-call=CA1] a[href=\"/calls/CA1/customer\"]").await;
    browser
        .until("document.querySelector('[name=phones]')?.value.trim()")
        .await;
    let number = browser
        .text("document.querySelector('[name=phones]').value.trim()")
        .await;
    assert_eq!(number, DANA);
    click(&browser, "[name=name]").await;
    browser
        .eval("document.querySelector('[name=name]').focus()")
        .await;
    browser.keys("דנה כהן\u{E007}").await;
    // Linked by the job, and shown without a load.
    browser.until(&format!("{HEADING} === 'דנה כהן'")).await;
    browser
        .until("document.querySelector('#calls [data-call=CA1]')")
        .await;
    browser.picture("customer-journey").await;
    let said = browser
        .text("document.querySelector('#context').innerText")
        .await;
    assert!(said.contains(ENDING), "{said}");

    // It rings again: on the list, on the lead and on the live page stands who it is.
    browser.go(&server.url("/leads")).await;
    rings(&server, "CA2").await;
    browser
        .until("document.querySelector('[data-call=CA2] .rings')?.textContent === 'דנה כהן'")
        .await;
    click(&browser, "[data-call=CA2] .names").await;
    browser
        .until(&format!(
            "document.querySelector('#people .told')?.innerText.includes('{ENDING}')"
        ))
        .await;
    browser.picture("lead-rings").await;
    let peer = talks(&server, "CA2").await;
    browser.go(&server.url("/calls/CA2")).await;
    browser
        .until("document.querySelector('#people h2')?.textContent === 'דנה כהן'")
        .await;
    assert_eq!(
        browser
            .eval("document.querySelector('#people details').open")
            .await,
        true
    );
    browser.eval("(window.sameSince = true)").await;
    browser.picture("call-rings").await;
    hangs_up(&server, "CA2", peer).await;
    browser
        .until("document.querySelector('#people').innerText.includes('Found by the number')")
        .await;
    assert_eq!(browser.eval("window.sameSince === true").await, true);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}

/// By keys alone, and without scripts.
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_stands_and_needs_neither_mouse_nor_script() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let dana = site.customer("Dana", DANA).await;
    let yossi = site.customer("יוסי לוי", "+972549999999").await;
    site.booking(&yossi, "מסיבה", "2025-11-11T18:30").await;
    let call = site
        .called(&Called {
            sid: "CA1",
            number: Some(DANA),
            text: "it is Yossi, on his sister's phone",
            link: of(&dana, None),
        })
        .await;
    for with_scripts in [true, false] {
        browser.scripts(with_scripts).await;
        browser.go(&format!("{base}/calls/CA1")).await;
        click(&browser, "#people .buttons a").await;
        browser.until("document.querySelector('[name=q]')").await;
        browser
            .eval("document.querySelector('[name=q]').focus()")
            .await;
        browser.keys("יוס\u{E007}").await;
        browser
            .until("[...document.querySelectorAll('legend')].some((e) => e.textContent === 'Found' || e.textContent.startsWith('Linked')) && document.body.innerText.includes('מסיבה')")
            .await;
        browser
            .eval("[...document.querySelectorAll('.option')].find((e) => e.textContent.includes('מסיבה')).querySelector('input').focus()")
            .await;
        browser.keys(" \u{E007}").await;
        browser
            .until("document.querySelector('#people h2')?.textContent === 'יוסי לוי'")
            .await;
        // The rule finds what it found before.
        site.link(&call, Some(DANA), &of(&dana, None), "it is Yossi")
            .await;
        browser.go(&format!("{base}/calls/CA1")).await;
        let card = "document.querySelector('#people').innerText";
        let told = browser.text(card).await;
        assert!(
            told.contains("יוסי לוי") && told.contains("A person said so."),
            "{told}"
        );
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_sticks_out_of_customers_and_bookings() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    for page in ["customers", "bookings", "review"] {
        views(
            &browser,
            &format!("{base}/{page}"),
            &format!("{page}-empty"),
        )
        .await;
    }
    let told = people(&site).await;
    for (path, name) in [
        ("/customers", "customers"),
        ("/customers?q=zebra", "customers-none"),
        ("/customers?q=12345", "customers-wrong"),
        ("/customers/new", "customer-new"),
        ("/bookings", "bookings"),
        ("/bookings?status=cancelled", "bookings-none"),
        ("/bookings/new", "booking-new"),
        ("/review", "review"),
        ("/calls/CA-nobody/customer", "customer-of-call"),
        ("/calls/CA-several/link?from=review", "link-several"),
        ("/calls/CA-several/link?q=%D7%93", "link-found"),
        ("/calls/CA-several/link?q=zebra", "link-none"),
        ("/calls/CA-nobody", "call-of-nobody"),
        ("/calls/CA-in", "call-linked"),
        ("/calls/CA-word", "call-by-word"),
        ("/calls/CA-word/link", "link-by-word"),
    ] {
        views(&browser, &format!("{base}{path}"), name).await;
    }
    for (id, name) in &told.customers {
        views(&browser, &format!("{base}/customers/{id}"), name).await;
    }
    let of_dana = |rest: &str| format!("{base}/customers/{}/{rest}", told.customers[0].0);
    views(&browser, &of_dana("edit"), "customer-edit").await;
    views(&browser, &of_dana("delete"), "customer-delete").await;
    for (id, name) in &told.bookings {
        views(&browser, &format!("{base}/bookings/{id}"), name).await;
    }
    let of_party = |rest: &str| format!("{base}/bookings/{}/{rest}", told.bookings[0].0);
    views(&browser, &of_party("edit"), "booking-edit").await;
    views(&browser, &of_party("delete"), "booking-delete").await;
    let lead = site.ring("CA-ring", DANA).await;
    views(&browser, &format!("{base}/leads/{lead}"), "lead-known").await;
    views(&browser, &format!("{base}/leads"), "leads-known").await;
    looked_at(&browser, &site, &base, &told).await;
}

/// By somebody who may only look.
async fn looked_at(browser: &Browser, site: &Site, base: &str, told: &Told) {
    site.account("gil", Role::Admin).await;
    site.account("noa", Role::Viewer).await;
    browser.go(&format!("{base}/login")).await;
    browser
        .until("document.activeElement.name === 'name'")
        .await;
    browser
        .keys(&format!("noa\u{E004}{PASSWORD}\u{E007}"))
        .await;
    browser
        .until("document.querySelector('.who-am-i bdi')?.textContent === 'noa'")
        .await;
    let dana = format!("/customers/{}", told.customers[0].0);
    for (path, name) in [("/review", "review-viewer"), (&dana, "customer-viewer")] {
        views(browser, &format!("{base}{path}"), name).await;
        let offers = "document.querySelectorAll('main .button, main a.danger, main form[method=post]').length";
        assert_eq!(browser.eval(offers).await, 0, "{path}");
    }
}

struct Told {
    customers: Vec<(String, &'static str)>,
    bookings: Vec<(String, &'static str)>,
}

async fn people(site: &Site) -> Told {
    let draft = json!({
        "name": "דנה כהן", "phones": ["054-123-4567", DANA, "123-4567"], "language": "he",
        "preferences": ["צמחוני", "חניה ליד הכניסה", "vegan cake"], "external_id": "crm-4711",
        "email": "dana.cohen.with.a.rather.long.address@customers.example.com",
        "notes": "לקוחה ותיקה.\nלהתקשר רק אחרי ארבע.",
    });
    let dana = site.customer_as(draft).await;
    site.clock.advance(std::time::Duration::from_secs(60));
    let john = json!({ "name": "John Fitzgerald Smith-Featherstonehaugh the Younger", "phones": [DANA, "+15550123456"] });
    let john = site.customer_as(john).await;
    let bare = site.customer_as(json!({ "name": "Nobody Yet" })).await;
    let draft = json!({
        "customer_id": dana, "title": "ארוחת ערב חגיגית", "starts_at": "2025-11-11T18:30",
        "ends_at": "2025-11-11T22:00", "guests": 30, "notes": "שולחן ליד החלון", "external_id": "b-1",
    });
    let party = site.booking_as(draft).await;
    let draft = json!({
        "customer_id": john, "title": "hibachi party", "starts_at": "2025-11-10T15:00",
        "ends_at": "2025-11-10T15:40", "guests": 12, "status": "in_progress",
    });
    let hibachi = site.booking_as(draft).await;
    let day = json!({ "customer_id": john, "starts_at": "2025-12-24", "status": "pending" });
    let day = site.booking_as(day).await;
    calls(site, &dana, &john, &party, &hibachi).await;
    Told {
        customers: vec![
            (dana, "customer"),
            (john, "customer-many"),
            (bare, "customer-bare"),
        ],
        bookings: vec![
            (party, "booking"),
            (hibachi, "booking-line"),
            (day, "booking-bare"),
        ],
    }
}

async fn calls(site: &Site, dana: &str, john: &str, party: &str, hibachi: &str) {
    let call = async |sid: &str, number, text: &str, link| {
        let called = Called {
            sid,
            number,
            text,
            link,
        };
        site.called(&called).await
    };
    for n in 0..30 {
        let text = format!("This is call number {n}, about whether there is a place to park.");
        call(
            &format!("CA-many-{n:02}"),
            Some(DANA),
            &text,
            of(john, None),
        )
        .await;
    }
    let parts = Parts {
        exact_date: 10,
        named: 5,
        agreeing: 2,
        ..Parts::default()
    };
    let hebrew = "שלום, מדברת דנה כהן. יש לי הזמנה למחר בערב לשלושים אורחים ורציתי לבקש תפריט צמחוני, ולשאול אם יש חניה ליד הכניסה.";
    let link = of(dana, Some((party, parts)));
    let said = call("CA-in", Some(DANA), hebrew, link).await;
    let insights = Insights {
        topics: vec!["תפריט".into(), "חניה".into()],
        intent: Some("שינוי הזמנה".into()),
        action_items: vec!["להוסיף מנות צמחוניות".into(), "לשמור מקום חניה".into()],
        ..Insights::default()
    };
    site.meant(
        &said,
        "תפריט צמחוני לשלושים אורחים",
        Sentiment::Positive,
        insights,
    )
    .await;
    johns(site, john, hibachi).await;
    let text = "Hello, do you have a table for two tonight? My name is Avi.";
    call(
        "CA-nobody",
        Some("+972529876543"),
        text,
        nobodys(Why::Unknown),
    )
    .await;
    call("CA-several", Some(DANA), hebrew, nobodys(Why::Ambiguous)).await;
    call("CA-withheld", None, "hello?", nobodys(Why::Withheld)).await;
    let word = call("CA-word", Some(DANA), text, nobodys(Why::Ambiguous)).await;
    let now = site.clock.wall();
    let told = site.store.link_by_hand(&word, Some(dana), Some(party), now);
    told.await.unwrap();
}

/// While his party goes on, and after it.
async fn johns(site: &Site, john: &str, party: &str) {
    let parts = Parts {
        exact_date: 10,
        same_day: 3,
        named: 5,
        agreeing: 2,
        ..Parts::default()
    };
    for (sid, title, wait) in [
        ("CA-during", "Running ten minutes late", 25),
        ("CA-over", "Left a jacket there", 60),
    ] {
        let link = of(john, Some((party, parts)));
        let said = site
            .called(&Called {
                sid,
                number: Some("+15550123456"),
                text: "Hello, this is John.",
                link,
            })
            .await;
        site.meant(&said, title, Sentiment::Negative, Insights::default())
            .await;
        site.clock
            .advance(std::time::Duration::from_secs(wait * 60));
    }
}
