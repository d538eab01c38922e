//! The page about profiles is what the code makes it: `LEDGERAUTH_WRITE_PAGE=1 cargo test -p auth-core --test profile_page` writes it anew.

use std::path::Path;

#[test]
fn the_page_says_what_the_code_reads() {
    let (file, made) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("providers/FIELDS.md"), auth_core::profile_page());
    if std::env::var_os("LEDGERAUTH_WRITE_PAGE").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), made, "write it anew as the head of this test says");
}

#[test]
fn every_line_tells_what_to_write_and_what_it_means() {
    let page = auth_core::profile_page();
    let rows: Vec<Vec<&str>> = page.lines().filter(|line| line.starts_with("| `")).map(|line| line.split(" | ").collect()).collect();
    assert!(rows.len() > 80, "{}", rows.len());
    for row in &rows {
        assert!(row.len() == 3 && !row[1].is_empty() && row[2].len() > 15, "{row:?}");
    }
    for table in ["`[[environment]]`", "`[key]`", "`[[key.format]]`", "`[token.refresh]`", "`[[token.error]]`", "`[[error.meaning]]`"] {
        assert!(page.contains(&format!("## {table}\n")), "{table}");
    }
}
