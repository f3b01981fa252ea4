//! Why a product is refused.

/// Why a product is refused. The outputs may have been written to, unless the lengths are the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProductError {
    /// The product is longer than [`LONGEST`](crate::LONGEST).
    #[error(
        "the product has {limbs} limbs, and at most {} are supported: use shorter numbers",
        crate::LONGEST
    )]
    TooLong {
        /// The limbs of the product.
        limbs: usize,
    },
    /// The result does not fit the output.
    #[error("the output has {limbs} limbs, and the result needs at least {needed}")]
    OutputTooShort {
        /// The limbs of the output.
        limbs: usize,
        /// The result has at least so many.
        needed: usize,
    },
    /// The coefficients of a quadratic form are too large.
    #[error("the absolute values of the coefficients add up to {weight}, and the limit is {limit}", limit = crate::lanes::MOST_WEIGHT)]
    Coefficients {
        /// The sum of the absolute values.
        weight: u32,
    },
    /// A quadratic form has a negative value.
    #[error("the value of a quadratic form is negative: only zero and positive values have digits")]
    Negative,
    /// The system refuses the memory that the transforms need.
    #[error("the system refused {bytes} bytes of memory")]
    Memory {
        /// How much was asked for.
        bytes: usize,
    },
}
