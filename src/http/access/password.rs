//! Passwords: Argon2id, with the least parameters that OWASP's Password Storage Cheat Sheet names
//! (19 MiB of memory, two passes, one lane), in PHC's string format, so that better ones can come later.

use std::sync::LazyLock;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{self, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};

/// Memory in KiB, passes and lanes:
/// <https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id>.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Characters: what is tried over the network at the door's pace lasts for ever at ten.
pub const SHORTEST: usize = 10;
/// Bytes: more is no password, but work for us.
const LONGEST: usize = 1024;

/// A password that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password has at least {SHORTEST} characters, and {LONGEST} bytes at most")]
pub struct Unfit;

/// # Errors
/// When it is too short or too long to be one.
pub fn check(password: &SecretString) -> Result<(), Unfit> {
    let password = password.expose_secret();
    match password.chars().count() >= SHORTEST && password.len() <= LONGEST {
        true => Ok(()),
        false => Err(Unfit),
    }
}

/// What is kept of a password. It takes tens of milliseconds: not for an async thread.
///
/// # Errors
/// When the system gives no random bytes.
pub fn hash(password: &SecretString) -> Result<String, password_hash::Error> {
    let hash: PasswordHash = hasher()?.hash_password(password.expose_secret().as_bytes())?;
    Ok(hash.to_string())
}

/// Whether it is the password of that hash. Without a hash it is not, after the same work: the time does
/// not tell whether there is such an account.
#[must_use]
pub fn is(password: &SecretString, hash: Option<&str>) -> bool {
    static NOBODYS: LazyLock<Option<String>> =
        LazyLock::new(|| self::hash(&SecretString::from("nobody's password")).ok());
    let known = hash.is_some();
    let Some(hash) = hash.or(NOBODYS.as_deref()) else {
        return false;
    };
    let Ok(hash) = PasswordHash::new(hash) else {
        return false;
    };
    let given = password.expose_secret();
    let given = if given.len() > LONGEST { "" } else { given };
    let fits = hasher().and_then(|hasher| hasher.verify_password(given.as_bytes(), &hash));
    fits.is_ok() && known
}

fn hasher() -> Result<Argon2<'static>, password_hash::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other_is() {
        let password = SecretString::from("correct horse");
        let kept = hash(&password).unwrap();
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        assert_ne!(hash(&password).unwrap(), kept, "each has its own salt");
        for (given, kept, expected) in [
            ("correct horse", Some(kept.as_str()), true),
            ("correct horsf", Some(&kept), false),
            ("", Some(&kept), false),
            ("correct horse", Some("no hash"), false),
            ("nobody's password", None, false),
        ] {
            assert_eq!(is(&given.into(), kept), expected, "{given:?}");
        }
    }

    #[test]
    fn short_and_endless_passwords_are_not_taken() {
        for (password, expected) in [
            ("123456789".to_owned(), Err(Unfit)),
            ("1234567890".to_owned(), Ok(())),
            ("עשר אותיות".to_owned(), Ok(())),
            ("x".repeat(1024), Ok(())),
            ("x".repeat(1025), Err(Unfit)),
        ] {
            assert_eq!(check(&password.as_str().into()), expected, "{password}");
        }
    }
}
