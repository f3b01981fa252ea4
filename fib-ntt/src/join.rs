//! Fork and join: how a product uses several threads without knowing where they come from.

/// Runs two pieces of work, perhaps at the same time.
///
/// [`rayon::join`](https://docs.rs/rayon/latest/rayon/fn.join.html) is such a function:
///
/// ```
/// struct Rayon;
///
/// impl fib_ntt::Join for Rayon {
///     fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
///         rayon::join(a, b);
///     }
///
///     fn threads(&self) -> usize {
///         rayon::current_num_threads()
///     }
/// }
///
/// let (a, b) = ([u64::MAX; 3000], [7; 2000]);
/// let product = fib_ntt::multiply(&a, &b, &Rayon)?;
/// assert_eq!(product, fib_ntt::multiply(&a, &b, &fib_ntt::OneThread)?);
/// # Ok::<(), fib_ntt::ProductError>(())
/// ```
pub trait Join: Sync {
    /// Calls `a` and `b`, each once, and returns when both have returned. They may run on any threads.
    ///
    /// The pieces call `join` in turn, so an implementation must not wait for a thread that may itself be
    /// waiting here.
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send));

    /// How many threads can run pieces at the same time, the calling thread included. If it is 1, work is not
    /// split at all.
    fn threads(&self) -> usize;
}

/// Everything runs on the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct OneThread;

impl Join for OneThread {
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        a();
        b();
    }

    fn threads(&self) -> usize {
        1
    }
}

/// Runs both through `join`, if `is_split` says that they are worth it, and returns both results.
pub(crate) fn both<A: Send, B: Send>(
    join: &dyn Join,
    is_split: bool,
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    if !is_split {
        return (a(), b());
    }
    let (mut a, mut b) = (Piece::Waiting(a), Piece::Waiting(b));
    join.join(&mut || a.run(), &mut || b.run());
    (a.finish(), b.finish())
}

/// Work that runs once, however often it is called.
enum Piece<F, R> {
    Waiting(F),
    Running,
    Done(R),
}

impl<R, F: FnOnce() -> R> Piece<F, R> {
    fn run(&mut self) {
        match std::mem::replace(self, Piece::Running) {
            Piece::Waiting(work) => *self = Piece::Done(work()),
            other => *self = other,
        }
    }

    /// The result. An implementation of [`Join`] that has not called the piece does no harm.
    fn finish(mut self) -> R {
        self.run();
        match self {
            Piece::Done(result) => result,
            Piece::Waiting(_) | Piece::Running => unreachable!("`run` has returned"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls one piece twice and forgets the other.
    struct Careless;

    impl Join for Careless {
        fn join(&self, a: &mut (dyn FnMut() + Send), _: &mut (dyn FnMut() + Send)) {
            a();
            a();
        }

        fn threads(&self) -> usize {
            2
        }
    }

    #[test]
    fn each_piece_runs_once() {
        let (mut first, mut second) = (0, 0);
        let run = both(
            &Careless,
            true,
            || {
                first += 1;
                "first"
            },
            || {
                second += 1;
                "second"
            },
        );
        assert_eq!(run, ("first", "second"));
        assert_eq!((first, second), (1, 1));
    }
}
