//! One order, from the account to the certificate in the state folder.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationHandle, AuthorizationStatus, ChallengeHandle, ChallengeType, Error,
    Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use tokio::time::timeout;
use zoners_http::HostAddresses;
use zoners_tls::{Certificate, CertificateRequest};

use crate::{
    AcmeFault, AcmeFiles, AcmeHttp, AcmeTerms, CertifiedName, ChallengeAnswers, ChallengeKind,
    FaultKind, MAX_NAMES,
};

/// The longest time of an order.
pub const MAX_ORDER: Duration = Duration::from_secs(600);
/// How often the server is asked for the state of an order.
const POLLS: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(500))
    .backoff(1.3)
    .timeout(Duration::from_secs(240));
/// The problem of an account that the server has no longer.
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// Orders a certificate and keeps it in `files`, at a time in seconds since 1970. The daemon must answer what is in
/// `answers` meanwhile.
///
/// # Errors
/// There is no new certificate; the former is still in `files`.
pub async fn obtain<H: HostAddresses + Send + Sync + 'static>(
    terms: &AcmeTerms,
    http: &AcmeHttp<H>,
    files: &AcmeFiles,
    answers: &ChallengeAnswers,
    now_s: u64,
) -> Result<Certificate, AcmeFault> {
    let ended = timeout(MAX_ORDER, run(terms, http, files, answers, now_s)).await;
    answers.clear();
    let late = || AcmeFault::new(FaultKind::Refused, "the server did not finish the order in time");
    let outcome = ended.unwrap_or_else(|_| Err(late()));
    outcome.map_err(|fault| AcmeFault { wanted_s: http.wanted_s(), ..fault })
}

async fn run<H: HostAddresses + Send + Sync + 'static>(
    terms: &AcmeTerms,
    http: &AcmeHttp<H>,
    files: &AcmeFiles,
    answers: &ChallengeAnswers,
    now_s: u64,
) -> Result<Certificate, AcmeFault> {
    let account = account(terms, http, files).await?;
    let mut order = place(terms, &account).await.map_err(|error| no_order(&error, files))?;
    prove(&mut order, terms, answers).await?;
    let names: Vec<String> = terms.names.iter().map(ToString::to_string).collect();
    let request = CertificateRequest::new(&names).map_err(refused)?;
    order.finalize_csr(&request.der).await.map_err(refused)?;
    let chain = order.poll_certificate(&POLLS).await.map_err(refused)?;
    let pem = format!("{}{chain}", request.key);
    let certificate = check(&pem, terms, now_s)?;
    files.keep_certificate(&pem).map_err(|error| {
        AcmeFault::new(FaultKind::Unusable, format!("the certificate cannot be kept: {error}"))
    })?;
    Ok(certificate)
}

/// The account in the state folder, or a new one.
async fn account<H: HostAddresses + Send + Sync + 'static>(
    terms: &AcmeTerms,
    http: &AcmeHttp<H>,
    files: &AcmeFiles,
) -> Result<Account, AcmeFault> {
    let unreachable = |error: &dyn std::fmt::Display| AcmeFault::new(FaultKind::Unreachable, error);
    let directory = terms.directory.as_str();
    let builder = Account::builder_with_http(Box::new(http.clone()));
    let kept = files.account(directory).unwrap_or_else(|why| {
        tracing::warn!("acme: the kept account counts for nothing: {why}");
        None
    });
    if let Some(credentials) = kept {
        let known = builder.from_credentials(credentials).await;
        return known.map_err(|error| unreachable(&error));
    }
    let contact: Vec<&str> = terms.contact.iter().map(String::as_str).collect();
    let new = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let made = builder.create(&new, directory.to_owned(), None).await;
    let (account, credentials) = made.map_err(|error| unreachable(&error))?;
    // Without the file, the next order makes another account.
    if let Err(error) = files.keep_account(directory, &credentials) {
        tracing::warn!("acme: the account is not kept: {error}");
    }
    Ok(account)
}

async fn place(terms: &AcmeTerms, account: &Account) -> Result<Order, Error> {
    let identifiers: Vec<Identifier> = terms.names.iter().map(identifier).collect();
    let own = AcmeTerms::OF_ADDRESSES;
    let is_offered = || account.profiles().any(|profile| profile.name == own);
    let by_itself = (terms.have_address() && is_offered()).then_some(own);
    let order = NewOrder::new(&identifiers);
    let order = match terms.profile.as_deref().or(by_itself) {
        Some(profile) => order.profile(profile),
        None => order,
    };
    account.new_order(&order).await
}

/// Has the server see that the names belong to this machine.
async fn prove(
    order: &mut Order,
    terms: &AcmeTerms,
    answers: &ChallengeAnswers,
) -> Result<(), AcmeFault> {
    if order.state().authorizations.len() > MAX_NAMES {
        return Err(refused("the server wants more proofs than there are names"));
    }
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let authorization = authorization.map_err(refused)?;
        if authorization.status != AuthorizationStatus::Valid {
            answer(authorization, terms, answers).await?;
        }
    }
    match order.poll_ready(&POLLS).await.map_err(refused)? {
        OrderStatus::Ready => Ok(()),
        _ => Err(refused(failed_proofs(order).await)),
    }
}

/// Answers the challenge of a name, and tells the server to look.
async fn answer(
    mut authorization: AuthorizationHandle<'_>,
    terms: &AcmeTerms,
    answers: &ChallengeAnswers,
) -> Result<(), AcmeFault> {
    let name = authorization.identifier().to_string();
    // Nothing is proven for names of others.
    if !terms.names.iter().any(|own| own.to_string() == name) {
        return Err(refused(format!(
            "the server wants a proof of {name}, which was not asked for"
        )));
    }
    let (kind, shown) = match terms.challenge {
        ChallengeKind::TlsAlpn01 => (ChallengeType::TlsAlpn01, "tls-alpn-01"),
        ChallengeKind::Http01 => (ChallengeType::Http01, "http-01"),
    };
    let challenge = authorization.challenge(kind);
    let mut challenge =
        challenge.ok_or_else(|| refused(format!("the server offers no {shown} for {name}")))?;
    open(&challenge, &name, terms.challenge, answers)?;
    challenge.set_ready().await.map_err(|error| refused(format!("{name}: {error}")))
}

fn open(
    challenge: &ChallengeHandle<'_>,
    name: &str,
    kind: ChallengeKind,
    answers: &ChallengeAnswers,
) -> Result<(), AcmeFault> {
    let key = challenge.key_authorization();
    match kind {
        ChallengeKind::TlsAlpn01 => answers.tls.add(name, key.digest().as_ref()).map_err(refused),
        ChallengeKind::Http01 => match answers.http.add(&challenge.token, key.as_str()) {
            true => Ok(()),
            false => Err(refused(format!("the server sent a token for {name} that is none"))),
        },
    }
}

/// Which names could not be proven, and why.
async fn failed_proofs(order: &mut Order) -> String {
    let (mut authorizations, mut reasons) = (order.authorizations(), Vec::new());
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else { break };
        let faults = state.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(faults.map(|fault| match &fault.detail {
            Some(detail) => format!("{name}: {detail}"),
            None => format!("{name}: {fault}"),
        }));
    }
    match reasons.is_empty() {
        true => "the server could not see that the names belong to this machine".to_owned(),
        false => reasons.join("; "),
    }
}

/// The certificate, if its names are those that were asked for, and its time is not over. One that begins later tells of a
/// slow clock here: clients have clocks of their own.
fn check(pem: &str, terms: &AcmeTerms, now_s: u64) -> Result<Certificate, AcmeFault> {
    let unusable =
        |what: String| AcmeFault::new(FaultKind::Unusable, format!("the certificate {what}"));
    let certificate = Certificate::from_pem(pem.as_bytes());
    let certificate = certificate.map_err(|why| unusable(format!("cannot be used: {why}")))?;
    if !terms.are_met_by(&certificate) {
        return Err(unusable(format!("is for {}", certificate.names().join(", "))));
    }
    match now_s <= certificate.validity().not_after {
        true => Ok(certificate),
        false => Err(unusable("has expired, by the clock of this machine".to_owned())),
    }
}

fn identifier(name: &CertifiedName) -> Identifier {
    match name {
        CertifiedName::Name(name) => Identifier::Dns(name.clone()),
        CertifiedName::Address(address) => Identifier::Ip(*address),
    }
}

fn refused(what: impl std::fmt::Display) -> AcmeFault {
    AcmeFault::new(FaultKind::Refused, what)
}

/// The server takes no order. An account that the server has no longer is forgotten, and the next order makes another.
fn no_order(error: &Error, files: &AcmeFiles) -> AcmeFault {
    let is_gone =
        matches!(error, Error::Api(problem) if problem.r#type.as_deref() == Some(NO_ACCOUNT));
    if !is_gone {
        return refused(error);
    }
    files.forget_account();
    AcmeFault::new(
        FaultKind::Unreachable,
        "the server has forgotten the account: the next order makes another",
    )
}
