//! The words and signs of dhcpd.leases(5).

use std::iter::Peekable;
use std::str::Chars;

/// The longest word, in characters; the rest of a longer word is passed over.
const MAX_WORD: usize = 1024;

/// A word or a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, or a text in quotation marks without them.
    Word(String),
    /// `;`
    End,
    /// `{`
    Open,
    /// `}`
    Close,
}

/// The tokens of a text. A text without its closing quotation mark is left out.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token> {
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || next(&mut rest))
}

fn next(rest: &mut Peekable<Chars<'_>>) -> Option<Token> {
    loop {
        match rest.next()? {
            ';' => return Some(Token::End),
            '{' => return Some(Token::Open),
            '}' => return Some(Token::Close),
            '"' => return quoted(rest).map(Token::Word),
            '#' => while rest.next_if(|character| *character != '\n').is_some() {},
            space if space.is_whitespace() => {}
            first => return Some(Token::Word(word(first, rest))),
        }
    }
}

fn word(first: char, rest: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::from(first);
    let belongs = |character: &char| !character.is_whitespace() && !";{}\"#".contains(*character);
    while let Some(character) = rest.next_if(belongs) {
        push(&mut word, character);
    }
    word
}

/// The rest of a text in quotation marks. The server writes odd octets as `\` and three octal digits.
fn quoted(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(text),
            '\\' => {
                let character = rest.next()?;
                push(
                    &mut text,
                    character.to_digit(8).map_or(character, |digit| octal(digit, rest)),
                );
            }
            character => push(&mut text, character),
        }
    }
}

/// The character of up to three octal digits, of which the first is read.
fn octal(first: u32, rest: &mut Peekable<Chars<'_>>) -> char {
    let mut code = first;
    for _ in 0..2 {
        let Some(digit) = rest.peek().and_then(|character| character.to_digit(8)) else { break };
        code = code * 8 + digit;
        rest.next();
    }
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn push(text: &mut String, character: char) {
    if text.len() < MAX_WORD {
        text.push(character);
    }
}
