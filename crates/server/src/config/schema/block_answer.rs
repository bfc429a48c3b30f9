//! The answer to a blocked question, as written.

use std::net::IpAddr;

use zoners_policy::BlockStyle;

use super::readers::TextValue;

/// The answer to a blocked question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BlockAnswer(pub BlockStyle);

impl TextValue for BlockAnswer {
    const ALLOWED: &'static str =
        "\"null-address\", \"nxdomain\", \"nodata\", \"refused\", \"drop\" or an address";

    fn read(text: &str) -> Option<Self> {
        Some(BlockAnswer(match text {
            "null-address" => BlockStyle::NullAddress,
            "nxdomain" => BlockStyle::Nxdomain,
            "nodata" => BlockStyle::Nodata,
            "refused" => BlockStyle::Refused,
            "drop" => BlockStyle::Drop,
            address => BlockStyle::Addresses(vec![address.parse::<IpAddr>().ok()?]),
        }))
    }
}
