//! The entry point: from the samples of a measurement to everything that a report prints. It is a
//! pure function, so the same records give the same report.

use crate::analysis::Matrix;
use crate::record::Header;
use crate::sample::Sample;
use crate::studies::Findings;

/// The result of an analysis. All output formats print this and compute nothing.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The cells of every scenario.
    pub matrix: Matrix,
    /// What the study found beyond the cells.
    pub findings: Findings,
}

/// Analyses the samples of a measurement.
pub fn analyse(header: Header, samples: &[Sample]) -> Analysis {
    let matrix = Matrix::new(header, samples);
    let findings = (matrix.header.study.definition().find)(&matrix, samples);
    Analysis { matrix, findings }
}
