//! Hosts of downloads, resolved by a resolver of this process.

use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;
use zoners_dns::{Name, Network, Question, Rtype, name};
use zoners_http::HostAddresses;
use zoners_resolver::Resolver;

/// The wait for addresses of the second family, once the first family has addresses.
const SECOND_FAMILY_WAIT: Duration = Duration::from_millis(250);

/// Hosts as the resolver finds them.
pub(crate) struct ResolvedHosts<'a, N: Network>(pub(crate) &'a Resolver<N>);

impl<N: Network> HostAddresses for ResolvedHosts<'_, N> {
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let name = name::parse(host).map_err(|error| error.to_string())?;
        let (v4, v6) = (self.of_type(&name, Rtype::A), self.of_type(&name, Rtype::AAAA));
        let (mut v4, mut v6) = (pin!(v4), pin!(v6));
        let (first, second) = tokio::select! {
            biased;
            first = v4.as_mut() => second_of(first, v6).await,
            first = v6.as_mut() => second_of(first, v4).await,
        };
        match (first, second) {
            (Err(why), Some(Err(_)) | None) => Err(why),
            (first, second) => {
                let found = [Some(first), second].into_iter().flatten().flatten();
                Ok(alternating(found.collect()))
            }
        }
    }
}

/// Addresses of a type, or the reason for none.
type FamilyAddresses = Result<Vec<IpAddr>, String>;

/// The first look-up with the outcome of the second, which is not waited for long if the first has found addresses.
async fn second_of(
    first: FamilyAddresses,
    second: impl Future<Output = FamilyAddresses>,
) -> (FamilyAddresses, Option<FamilyAddresses>) {
    let second = match &first {
        Ok(_) => timeout(SECOND_FAMILY_WAIT, second).await.ok(),
        Err(_) => Some(second.await),
    };
    (first, second)
}

impl<N: Network> ResolvedHosts<'_, N> {
    async fn of_type(&self, name: &Name, rtype: Rtype) -> FamilyAddresses {
        let question = Question::new(name.clone(), rtype);
        let answer = self.0.resolve(&question, None).await.map_err(|why| why.to_string())?;
        let sets = answer.answer.iter().filter(|set| set.rtype == rtype);
        let found: Vec<IpAddr> = sets.flat_map(|set| set.addresses()).collect();
        match found.is_empty() {
            true => Err(format!("{}, no {rtype} record", answer.rcode)),
            false => Ok(found),
        }
    }
}

/// Addresses of the families in turn: one family may be broken.
fn alternating(families: Vec<Vec<IpAddr>>) -> Vec<IpAddr> {
    let longest = families.iter().map(Vec::len).max().unwrap_or_default();
    (0..longest)
        .flat_map(|place| families.iter().filter_map(move |family| family.get(place).copied()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate() {
        let parsed = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let families: Vec<Vec<IpAddr>> =
            vec![parsed(&["192.0.2.1", "192.0.2.2", "192.0.2.3"]), parsed(&["2001:db8::1"])];
        let expected: Vec<IpAddr> = parsed(&["192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.3"]);
        assert_eq!(alternating(families), expected);
        assert!(alternating(Vec::new()).is_empty());
    }
}
