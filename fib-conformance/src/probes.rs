//! Kernels that count, panic, take their time, or compute another batch.

use fib_core::kernels;
use fib_core::{FibBackend, Kernel, Options, Run, Sequential, Slot, compute};
use std::fs::File;
use std::io::Write;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Defines a kernel that fills one slot at a time by additions, and runs an expression before each slot.
macro_rules! probe {
    ($probe:ident, $name:expr, $before:expr) => {
        impl Kernel for $probe {
            fn name(&self) -> &'static str {
                let name: fn(&Self) -> &'static str = $name;
                name(self)
            }
            fn cost(&self, n: u64, previous: Option<u64>) -> f64 {
                kernels::iterative().cost(n, previous)
            }
            fn fill(&self, run: &mut Run<'_>) {
                let before: fn(&Self, u64) = $before;
                while let Some(slot) = run.next_slot() {
                    before(self, slot.n);
                    fill_one(slot);
                }
            }
        }
    };
}

/// Computes F(n) by additions in the slot, with the simplest possible code.
fn fill_one(slot: Slot<'_>) {
    slot.out.fill(0);
    let mut other = vec![0; slot.out.len()];
    for k in 1..=slot.n {
        // (out, other) holds (F(k-1), F(k-2)), or the other way round in every second step
        let (a, b) = if (slot.n - k).is_multiple_of(2) {
            (&mut *slot.out, &other[..])
        } else {
            (&mut other[..], &*slot.out)
        };
        if k == 1 {
            a[0] = 1;
            continue;
        }
        let mut carry = false;
        for (a, &b) in a.iter_mut().zip(b) {
            (*a, carry) = a.carrying_add(b, carry);
        }
    }
}

/// Notes every index that it computes in a file. Workers in other processes write to the same file, which
/// they find by the name of the kernel.
pub(crate) struct Counting(&'static str);

const COUNTING: &str = "counting:";

probe!(Counting, |this| this.0, |this, n| this.note(n));

impl Counting {
    pub(crate) fn new() -> Self {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let number = FILES.fetch_add(1, SeqCst);
        let file = format!("fib-counting-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(file);
        File::create(&path).expect("there is room for a small file");
        let name = format!("{COUNTING}{}", path.to_str().expect("a readable path"));
        Counting(name.leak()) // a kernel's name is static; this one is as long as a test
    }

    fn path(&self) -> &Path {
        Path::new(&self.0[COUNTING.len()..])
    }

    fn note(&self, n: u64) {
        // One write of a few bytes to a file opened for appending is not torn.
        let mut file = File::options().append(true).open(self.path()).expect("the file exists");
        file.write_all(&n.to_le_bytes()).expect("there is room for a small file");
    }

    /// The indices that were computed so far, in no particular order.
    pub(crate) fn computed(&self) -> Vec<u64> {
        let bytes = std::fs::read(self.path()).expect("the file exists");
        bytes.as_chunks().0.iter().map(|&n| u64::from_le_bytes(n)).collect()
    }
}

impl Drop for Counting {
    /// Removes the file, unless this kernel belongs to a worker process.
    fn drop(&mut self) {
        let own = format!("fib-counting-{}-", std::process::id());
        if self.0.contains(&own) {
            let _ = std::fs::remove_file(self.path());
        }
    }
}

/// Panics at some indices.
pub(crate) struct Panicking;

impl Panicking {
    pub(crate) const AT: [u64; 4] = [0, 77, 78, 299];
}

// `resume_unwind` is a panic without the hook's message, which would look like a finding.
probe!(Panicking, |_| "panicking", |_, n| if Panicking::AT.contains(&n) {
    resume_unwind(Box::new(format!("boom at {n}")))
});

/// Takes 50 us for each index.
pub(crate) struct Dawdling;

probe!(Dawdling, |_| "dawdling", |_, _| {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(50) {
        std::thread::yield_now();
    }
});

/// Computes another batch on a backend before each index.
pub(crate) struct Nesting(pub(crate) Arc<dyn FibBackend>);

probe!(Nesting, |_| "nesting", |this, n| {
    let inner = compute(&*this.0, &kernels::doubling(), &[n, 10, n], &Options::default())
        .expect("the inner batch succeeds");
    assert_eq!(inner.limbs(1), Some(&[55][..]));
    assert_eq!(inner.limbs(0), inner.limbs(2));
});

/// The kernel of the suite with this name. Worker processes need it: pass it to `init_with`.
pub fn kernel(name: &str) -> Option<Arc<dyn Kernel>> {
    Some(match name {
        "panicking" => Arc::new(Panicking),
        "dawdling" => Arc::new(Dawdling),
        "nesting" => Arc::new(Nesting(Arc::new(Sequential))),
        _ if name.starts_with(COUNTING) => Arc::new(Counting(name.to_owned().leak())),
        _ => return crate::forks::kernel(name),
    })
}
