//! zoners.toml(5): the page of the settings, from the example configuration, so that neither misses a setting.

use roff::{Inline, Roff, bold, italic, roman};
use zoners_server::config::{EXAMPLE, ExamplePart, example_parts};

/// A configuration that serves a home.
const HOME: &str = "\
[server]
listen = [\"192.168.1.2\"]

[[policy.list]]
list = \"oisd-small\"

[local]
records = [\"nas.home.arpa. A 192.168.1.3\"]";

/// The page, in roff.
pub(super) fn page() -> String {
    let mut page = Roff::new();
    let version = concat!("zoners ", env!("CARGO_PKG_VERSION"));
    page.control("TH", ["zoners.toml", "5", "", version]);
    page.control("SH", ["NAME"]).text([roman("zoners.toml - settings of Zoners")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([
        roman("Read from "),
        italic("/etc/zoners/zoners.toml"),
        roman(" or "),
        italic("~/.config/zoners/zoners.toml"),
        roman(", or from the file that "),
        bold("--config"),
        roman(" names; the form is TOML."),
    ]);
    let parts = example_parts(EXAMPLE);
    for part in &parts {
        match part {
            ExamplePart::Table { header, prose } => {
                page.control("SH", [*header]);
                page.text([roman(prose.join(" "))]);
            }
            ExamplePart::Settings { lines, prose } if lines.is_empty() => {
                page.control("PP", []).text([roman(prose.join(" "))]);
            }
            ExamplePart::Settings { lines, prose } => settings(&mut page, lines, prose),
        }
    }
    page.control("SH", ["EXAMPLE"])
        .text([roman("A server for a home, with a list that blocks advertisements:")]);
    page.control("PP", []).control("EX", []).text(verbatim(HOME)).control("EE", []);
    page.control("SH", ["SEE ALSO"]).text([
        bold("zoners"),
        roman("(1), "),
        bold("zoners-check"),
        roman("(1)"),
    ]);
    page.render()
}

/// Settings with the remarks behind their values, and with their prose.
fn settings(page: &mut Roff, lines: &[&str], prose: &[&str]) {
    for (at, line) in lines.iter().enumerate() {
        let (value, remark) = line.find("  #").map_or((*line, ""), |at| line.split_at(at));
        let macro_name = if at == 0 { "TP" } else { "TQ" };
        page.control(macro_name, []).text([bold(value), roman(remark)]);
    }
    page.text([roman(prose.join(" "))]);
}

fn verbatim(text: &str) -> Vec<Inline> {
    text.split_inclusive('\n').map(roman).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_the_tables_as_headings() {
        let page = page();
        assert!(
            page.contains(".SH [server]") || page.contains(".SH \"[server]\""),
            "{}",
            &page[..2000]
        );
    }
}
