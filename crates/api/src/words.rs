//! Words that texts for people share.

/// The text with the first letter in upper case.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A list in words: "a, b and c"; "nothing" for an empty list.
#[must_use]
pub fn listed(texts: &[String]) -> String {
    match texts {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A number of things, with the plural of the word.
#[must_use]
pub fn counted(number: u64, thing: &str) -> String {
    of_them(number, thing, &format!("{thing}s"))
}

/// A number with its noun.
#[must_use]
pub fn of_them(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A number with digits in groups of three.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lists_are_told_in_words() {
        let texts = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(
            [listed(&texts), listed(&texts[..1]), listed(&[])],
            ["a, b and c", "a", "nothing"]
        );
        assert_eq!(
            [grouped(0), grouped(999), grouped(1000), grouped(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!([counted(1, "hour"), counted(1234, "hour")], ["1 hour", "1,234 hours"]);
        assert_eq!(of_them(2000, "query", "queries"), "2,000 queries");
        assert_eq!([capitalised("iPv4 works"), capitalised("")], ["IPv4 works", ""]);
    }
}
