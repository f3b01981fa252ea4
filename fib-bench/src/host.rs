//! Which machine this is: a short hash that is the same after every start of the machine, and that other
//! machines do not have, not even machines of the same model.
//!
//! A record is made public, and an identity of a machine is not. So the identity is the key of the hash, and
//! nobody can compute it from the hash. A host name alone can be guessed, and the hash then confirms the guess.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sysinfo::System;

/// Keeps the hash apart from the hashes of other programs.
const PURPOSE: &[u8] = b"fib: the host of a record";

/// Names that a machine has if nobody gave it a name.
const NO_NAMES: [&str; 3] = ["", "(none)", "localhost"];

/// The hash of this machine. `None` if the machine has neither an identity nor a name.
pub(crate) fn host() -> Option<String> {
    let identity = identity();
    // The identity of a Linux system is a file. Copies of one image have the same file, and containers often
    // have the file of their image, so the name counts too. An identity of the hardware is not copied, and
    // networks rename machines that run macOS.
    let needs_name = identity.is_none() || cfg!(target_os = "linux");
    hash(identity, System::host_name().ok().filter(|_| needs_name).and_then(|name| short(&name)))
}

/// 64 bits in hexadecimal digits.
fn hash(identity: Option<String>, name: Option<String>) -> Option<String> {
    if identity.is_none() && name.is_none() {
        return None;
    }
    let mut keyed = Hmac::<Sha256>::new_from_slice(identity.unwrap_or_default().as_bytes()).ok()?;
    keyed.update(PURPOSE);
    keyed.update(name.unwrap_or_default().as_bytes());
    let bytes = keyed.finalize().into_bytes();
    Some(format!("{:016x}", u64::from_be_bytes(*bytes.first_chunk()?)))
}

/// A host name without its domain, which depends on the network.
fn short(name: &str) -> Option<String> {
    let name = name.trim().split('.').next().unwrap_or_default().to_lowercase();
    Some(name).filter(|name| !NO_NAMES.contains(&&**name))
}

/// The 32 hexadecimal digits of an identity. `None` for `uninitialized`, for all digits the same, and for
/// anything else that is no identity.
fn digits(text: &str) -> Option<String> {
    let digits = text.trim().replace('-', "").to_lowercase();
    let is_sound = digits.len() == 32
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        && digits.bytes().any(|byte| byte != digits.as_bytes()[0]);
    is_sound.then_some(digits)
}

/// The identity that systemd or D-Bus gave to this system. Only root may read the identity of the hardware.
#[cfg(target_os = "linux")]
fn identity() -> Option<String> {
    let files = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
    files.iter().find_map(|file| digits(&start_of(file.as_ref())?))
}

/// The first bytes of a file. What is not a regular file may be endless.
#[cfg(target_os = "linux")]
fn start_of(path: &std::path::Path) -> Option<String> {
    use std::io::Read;
    let mut text = String::new();
    if path.metadata().ok()?.is_file() {
        std::fs::File::open(path).ok()?.take(100).read_to_string(&mut text).ok()?;
    }
    Some(text)
}

/// The identity of the hardware, where the system tells it (macOS, Windows).
#[cfg(not(target_os = "linux"))]
fn identity() -> Option<String> {
    digits(&sysinfo::Product::uuid().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "0123456789abcdef0123456789abcdef";

    fn of(identity: &str, name: &str) -> Option<String> {
        hash(digits(identity), short(name))
    }

    /// Records are compared with records of later versions of this program.
    #[test]
    fn the_hash_is_pinned() {
        assert_eq!(of(MACHINE, "seat-7").as_deref(), Some("92d4600cd7fe4b91"));
        assert_eq!(of("", "seat-7").as_deref(), Some("44010b67dd3e6e1e"));
    }

    #[test]
    fn machines_differ_by_their_identity_and_by_their_name() {
        let other = MACHINE.replace('0', "f");
        let hashes = [of(MACHINE, "seat-7"), of(MACHINE, "seat-8"), of(&other, "seat-7")];
        assert!(hashes.iter().all(Option::is_some));
        assert!(hashes[0] != hashes[1] && hashes[0] != hashes[2] && hashes[1] != hashes[2]);
    }

    #[test]
    fn how_a_name_or_an_identity_is_written_changes_nothing() {
        let hash = of(MACHINE, "seat-7");
        assert_eq!(of(&format!("{MACHINE}\n"), "Seat-7.example.org"), hash);
        assert_eq!(of("01234567-89AB-CDEF-0123-456789abcdef", "seat-7."), hash);
    }

    #[test]
    fn what_every_machine_may_have_identifies_none() {
        let zeros = "0".repeat(32);
        for identity in ["", "uninitialized\n", &zeros, &"x".repeat(32), &MACHINE[1..]] {
            for name in ["", "localhost", "localhost.localdomain", "(none)"] {
                assert_eq!(of(identity, name), None, "{identity} {name}");
            }
            assert_eq!(of(identity, "seat-7"), of("", "seat-7"));
        }
        assert!(of(MACHINE, "localhost").is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_a_regular_file_is_read_and_not_far() {
        let this_file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/host.rs");
        assert_eq!(start_of(this_file.as_ref()).map(|text| text.len()), Some(100));
        assert_eq!(start_of("/dev/zero".as_ref()).as_deref(), Some(""));
        assert_eq!(start_of("/no/such/file".as_ref()), None);
    }

    #[test]
    fn this_machine_has_one_hash() {
        assert_eq!(host(), host());
        assert!(host().is_none_or(
            |hash| hash.len() == 16 && !hash.contains(|c: char| !c.is_ascii_hexdigit())
        ));
    }
}
