//! The reason of the policy as JSON, for clients that ask for JSON (draft-ietf-dnsop-structured-dns-error-22).
//!
//! The object stays within the room of every EDE. Beside the plain text the object has the contact of the configuration
//! alone: so JSON tells no client more than a person is to know.

use std::borrow::Cow;

use serde::Serialize;
use zoners_dns::{Ede, EdeCode};

use super::query::Query;

/// The sub-error of a policy that the operator of the resolver chose; for EDE 15 alone.
const OPERATOR_POLICY: u8 = 6;
/// The language of the reasons.
const LANGUAGE: &str = "en";

/// The names are those of the draft.
#[derive(Serialize)]
struct StructuredError<'a> {
    /// Where to complain.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    contact: Option<[&'a str; 1]>,
    #[serde(rename = "j", skip_serializing_if = "Option::is_none")]
    justification: Option<&'a str>,
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    sub_error: Option<u8>,
    /// The language of the justification, present with a justification.
    #[serde(rename = "l", skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

/// The EDE in the form that the client understands.
pub(super) fn in_form_of_client<'e>(
    query: &Query<'_>,
    ede: &'e Ede,
    contact: Option<&str>,
) -> Cow<'e, Ede> {
    match query.request.head.edns {
        Some(edns) if edns.structured_errors => structured(ede, contact),
        _ => Cow::Borrowed(ede),
    }
}

fn structured<'e>(ede: &'e Ede, contact: Option<&str>) -> Cow<'e, Ede> {
    match ede.code {
        EdeCode::BLOCKED | EdeCode::CENSORED | EdeCode::FILTERED => {
            let sub_error = (ede.code == EdeCode::BLOCKED).then_some(OPERATOR_POLICY);
            let text = json(&ede.text, sub_error, contact);
            Cow::Owned(Ede::new(ede.code, text.unwrap_or_default()))
        }
        // Such a client may not get this code.
        EdeCode::FORGED => Cow::Owned(Ede::new(EdeCode::OTHER, &*ede.text)),
        _ => Cow::Borrowed(ede),
    }
}

/// The object with as much of the text as there is room for.
fn json(text: &str, sub_error: Option<u8>, contact: Option<&str>) -> Option<String> {
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let mut parts =
        { ends }.collect::<Vec<_>>().into_iter().rev().filter_map(|end| text.get(..end));
    parts.find_map(|part| {
        let justification = Some(part).filter(|part| !part.is_empty());
        let language = justification.map(|_| LANGUAGE);
        let contact = contact.map(|contact| [contact]);
        let error = StructuredError { contact, justification, sub_error, language };
        serde_json::to_string(&error).ok().filter(|object| object.len() <= Ede::MAX_TEXT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: EdeCode, text: &str, contact: Option<&str>) -> Ede {
        structured(&Ede::new(code, text), contact).into_owned()
    }

    #[test]
    fn the_reason_is_an_object_of_the_draft() {
        let blocked = of(EdeCode::BLOCKED, "list ads, line 1: ||a^", Some("mailto:me@a.example"));
        let expected =
            r#"{"c":["mailto:me@a.example"],"j":"list ads, line 1: ||a^","s":6,"l":"en"}"#;
        assert_eq!((blocked.code, &*blocked.text), (EdeCode::BLOCKED, expected));
        assert_eq!(of(EdeCode::BLOCKED, "", None).text, r#"{"s":6}"#);
        // The sub-errors are not for these codes.
        for code in [EdeCode::CENSORED, EdeCode::FILTERED] {
            assert_eq!(of(code, "a \"b\"", None).text, r#"{"j":"a \"b\"","l":"en"}"#);
        }
    }

    #[test]
    fn other_reasons_are_plain_and_none_is_called_forged() {
        assert_eq!(of(EdeCode::STALE_ANSWER, "a", None), Ede::new(EdeCode::STALE_ANSWER, "a"));
        assert_eq!(of(EdeCode::FORGED, "a", None), Ede::new(EdeCode::OTHER, "a"));
    }

    #[test]
    fn a_long_reason_is_cut_and_the_object_stays_whole() {
        let contact = format!("mailto:{}", "m".repeat(50));
        for unit in ["x", "\"", "\\", "\u{1}", "ä", "\u{1f600}"] {
            let text = of(EdeCode::BLOCKED, &unit.repeat(160), Some(&contact)).text;
            assert!(text.len() <= Ede::MAX_TEXT && text.len() > Ede::MAX_TEXT - 8, "{text}");
            let object: serde_json::Value = serde_json::from_str(&text).unwrap();
            let told = object["j"].as_str().unwrap();
            assert!(unit.repeat(160).starts_with(told) && object["c"][0] == contact.as_str());
        }
    }
}
