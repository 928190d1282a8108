//! `callscribe import`: a business's own customers and bookings, by the real program.

use std::{path::Path, process::Command};

fn import(folder: &Path, args: &[&str]) -> (bool, String) {
    let url = format!("store.url=sqlite://{}", folder.join("rows.db").display());
    let done = Command::new(env!("CARGO_BIN_EXE_callscribe"))
        .args(["--set", &url, "--set", "people.region=IL"])
        .args(["--set", "people.time_zone=Asia/Jerusalem", "import"])
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    let told = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8(told).unwrap())
}

#[test]
fn a_business_brings_its_own_and_brings_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let people =
        "id,name,phone\n1,דנה כהן,054-1234567\n2,,03-1234567\n3,Yossi,nobody\n4,Avi,03-7654321\n";
    write("customers.csv", people);
    let expected = "line 3: rejected: name: is missing\nline 4: rejected: phones: one of them is no phone number\n";
    let (fine, told) = import(folder.path(), &["--dry-run", "customers.csv"]);
    assert!(!fine, "lines were rejected");
    let planned = format!(
        "line 2: new\n{expected}line 5: new\ncustomers.csv: 2 would be new, 0 would be changed, 0 the same, 2 rejected\n"
    );
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(Into::into).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&told), sorted(&planned));
    let (_, told) = import(folder.path(), &["customers.csv"]);
    assert!(
        told.ends_with("2 new, 0 changed, 0 the same, 2 rejected\n"),
        "{told}"
    );
    write(
        "customers.csv",
        "id,name,phone\n1,דנה לוי,054-1234567\n4,Avi,03-7654321\n",
    );
    let (fine, told) = import(folder.path(), &["--dry-run", "customers.csv"]);
    assert!(
        fine && told.starts_with("line 2: changed: name\n"),
        "{told}"
    );
    write(
        "bookings.csv",
        "id,customer_phone,date,guests\nb1,+972541234567,2024-11-15T18:30,30\nb2,050-0000000,2024-11-15,2\n",
    );
    let (fine, told) = import(folder.path(), &["bookings.csv"]);
    assert!(
        !fine && told.contains("line 3: rejected: customer_phone: no customer has this number"),
        "{told}"
    );
    assert!(
        told.ends_with("1 new, 0 changed, 0 the same, 1 rejected\n"),
        "{told}"
    );
    let (fine, told) = import(folder.path(), &["none.csv"]);
    assert!(!fine && told.contains("none.csv"), "{told}");
    write("odd.csv", "name,phon\n");
    let (fine, told) = import(folder.path(), &["odd.csv"]);
    assert!(
        !fine && told.contains("odd.csv: line 1: there is no column \"phon\""),
        "{told}"
    );
}
