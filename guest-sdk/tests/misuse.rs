//! What an author is told who uses the macros in a way that does not work: the messages stand in
//! `misuse/*.stderr`. After a change of them, `TRYBUILD=overwrite` writes them anew.

#[test]
fn misuse_is_told_where_it_is_with_what_to_write_instead() {
    trybuild::TestCases::new().compile_fail("tests/misuse/*.rs");
}
