//! Medians, also of values that are drawn again and again.

/// The median. With an even number of values it is the mean of the middle two. `None` without
/// values.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(f64::midpoint(values[low], values[high]))
}

/// Values of a measurement, each of which belongs to a unit: a round, or a run. A bootstrap draws
/// units and asks for the median of the values of the drawn units. The values are sorted only once.
#[derive(Clone, Debug, Default)]
pub struct ValuesOfUnits {
    sorted: Vec<(f64, usize)>,
}

impl ValuesOfUnits {
    /// From pairs of a value and the number of its unit.
    pub fn new(values: impl IntoIterator<Item = (f64, usize)>) -> Self {
        let mut sorted: Vec<(f64, usize)> = values.into_iter().collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        ValuesOfUnits { sorted }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The median, if `draws[unit]` says how many times each unit was drawn: each value of a unit
    /// counts that many times. `None` if no unit was drawn that has a value.
    pub fn median(&self, draws: &[u32]) -> Option<f64> {
        let count = |&(_, unit): &(f64, usize)| draws[unit] as usize;
        let all: usize = self.sorted.iter().map(count).sum();
        let (low, high) = (all.checked_sub(1)? / 2, all / 2);
        let mut below = 0;
        let mut lower = None;
        for value in &self.sorted {
            below += count(value);
            if lower.is_none() && below > low {
                lower = Some(value.0);
            }
            if below > high {
                return Some(f64::midpoint(lower?, value.0));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(median(vec![]), None);
        assert_eq!(ValuesOfUnits::default().median(&[]), None);
        assert_eq!(ValuesOfUnits::new([(3.0, 1)]).median(&[7, 0]), None);
    }

    proptest! {
        /// The same as the median of a list in which each value stands as often as it was drawn.
        #[test]
        fn drawn_values_count_as_often_as_they_were_drawn(
            values in prop::collection::vec((-1e3..1e3, 0usize..5), 0..30),
            draws in prop::collection::vec(0u32..4, 5),
        ) {
            let repeated = values.iter().flat_map(|&(value, unit)| vec![value; draws[unit] as usize]);
            let expected = median(repeated.collect());
            prop_assert_eq!(ValuesOfUnits::new(values).median(&draws), expected);
        }
    }
}
