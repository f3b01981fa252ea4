//! What the program prints, as transcripts in `tests/cmd`; `TRYCMD=overwrite` writes them anew.

#[test]
fn transcripts() {
    let cases = trycmd::TestCases::new();
    cases.case("tests/cmd/*.trycmd");
    // Their possible values are those that are compiled in.
    if !cfg!(all(feature = "crossbeam", feature = "rayon", feature = "threads")) {
        cases.skip("tests/cmd/help-*.trycmd");
    }
}
