//! How the header looks on a page.

/// Lines as the inside of a comment.
pub(crate) fn quoted(lines: &str) -> String {
    lines.lines().map(|line| format!(" *{line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// What the generator wrote, as a person would have: comments of one line on one line, names without `struct`, constants together.
pub(crate) fn tidy(generated: &str) -> String {
    let mut page: Vec<String> = Vec::new();
    let mut lines = generated.lines();
    while let Some(line) = lines.next() {
        let indent = &line[..line.len() - line.trim_start().len()];
        if line.trim() != "/*" {
            page.push(plain(line));
            continue;
        }
        let inside: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "*/").map(str::trim).collect();
        page.extend(comment(indent, &inside));
    }
    together(&page).join("\n")
}

/// A comment; an empty line before "Since" says nothing.
fn comment(indent: &str, inside: &[&str]) -> Vec<String> {
    let is_kept = |at: usize| !(inside[at].is_empty() && inside.get(at + 1).is_some_and(|next| next.starts_with("Since ")));
    let kept: Vec<&str> = (0..inside.len()).filter(|at| is_kept(*at)).map(|at| inside[at]).collect();
    if let [only] = kept.as_slice() {
        return vec![format!("{indent}/* {only} */")];
    }
    let middle = kept.iter().map(|line| format!("{indent} * {line}").trim_end().to_owned());
    [format!("{indent}/*")].into_iter().chain(middle).chain([format!("{indent} */")]).collect()
}

/// Names of types without `struct`, where they are not declared.
fn plain(line: &str) -> String {
    if line.starts_with("typedef struct") { line.to_owned() } else { line.replace("struct ledgerauth_", "ledgerauth_") }
}

/// Constants stand together: no empty line between one and the comment of the next.
fn together(page: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for (at, line) in page.iter().enumerate() {
        let after_constant = kept.last().is_some_and(|last| last.starts_with("#define"));
        let rest: Vec<&str> =
            page[at + 1..].iter().map(String::as_str).skip_while(|line| line.starts_with("/*") || line.starts_with(" *")).collect();
        let before_constant = rest.first().is_some_and(|next| next.starts_with("#define"));
        if !(line.is_empty() && after_constant && before_constant) {
            kept.push(line.clone());
        }
    }
    kept
}
