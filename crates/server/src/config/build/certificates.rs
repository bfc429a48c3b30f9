//! Certificates of the listeners and of the dashboard, and authorities of clients, in files; remarks on certificates that clients do not accept, or
//! soon will not, and on keys that every user can read.

use zoners_tls::{Certificate, CertificateFiles, ClientAuthority, Validity};

use crate::config::{Config, ConfigError, ListenAddress};

/// A certificate that ends within this time, in seconds, should have been renewed.
const ENDS_SOON_S: u64 = 3 * 86_400;

/// The settings that name the files of a certificate.
struct CertificateSettings {
    chain: &'static str,
    key: &'static str,
}

const OF_LISTENERS: CertificateSettings =
    CertificateSettings { chain: "server.certificate", key: "server.certificate-key" };
const OF_DASHBOARD: CertificateSettings =
    CertificateSettings { chain: "server.dashboard-certificate", key: "server.dashboard-key" };

/// The authority of the clients of a table `[[listen]]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ListenerAuthority {
    pub(crate) address: ListenAddress,
    pub(crate) authority: ClientAuthority,
}

impl Config {
    /// Reads the authorities that sign certificates of clients.
    ///
    /// # Errors
    /// A file cannot be read, or has no authority.
    pub(crate) fn client_authorities(&self) -> Result<Vec<ListenerAuthority>, ConfigError> {
        let (mut read, mut error) = (Vec::new(), ConfigError::default());
        for (at, table) in self.listen.iter().enumerate() {
            let Some(file) = &table.client_authority else { continue };
            match ClientAuthority::read(file, table.require_client_certificate) {
                Ok(authority) => {
                    read.push(ListenerAuthority { address: table.address.clone(), authority });
                }
                Err(fault) => {
                    let key = format!("listen[{at}].client-authority");
                    error.add(self.source.fault(&key, &fault.to_string()));
                }
            }
        }
        error.outcome().map(|()| read)
    }

    /// Reads the certificate for encrypted transports, if one is configured.
    ///
    /// # Errors
    /// A file cannot be read, or does not have what it is to have.
    pub(crate) fn certificate(&self) -> Result<Option<Certificate>, ConfigError> {
        self.certificate_in(self.certificate_files(), &OF_LISTENERS)
    }

    /// Reads the certificate of the dashboard, if other machines reach it.
    ///
    /// # Errors
    /// A file cannot be read, or has no usable certificate or key.
    pub(crate) fn dashboard_certificate(&self) -> Result<Option<Certificate>, ConfigError> {
        self.certificate_in(self.dashboard_certificate_files(), &OF_DASHBOARD)
    }

    /// Remarks on the validity of both certificates and of the authorities of clients, at a time in seconds since 1970.
    pub(crate) fn validity_remarks(
        &self,
        of_listeners: Option<&Certificate>,
        of_dashboard: Option<&Certificate>,
        of_clients: &[ListenerAuthority],
        now_s: u64,
    ) -> Vec<String> {
        let both = [(of_listeners, OF_LISTENERS), (of_dashboard, OF_DASHBOARD)];
        let of_servers = both.into_iter().filter_map(|(certificate, settings)| {
            let what = validity_remark(certificate?.validity(), "no client accepts it", now_s)?;
            Some(self.source.remark(settings.chain, &what))
        });
        let of_clients = of_clients.iter().flat_map(|own| {
            let table = self.listen.iter().position(|table| table.address == own.address);
            let key = table.map(|at| format!("listen[{at}].client-authority"));
            let still = "clients with its certificates are served all the same";
            let validities = own.authority.validities().iter();
            let whats = validities.filter_map(|own| validity_remark(*own, still, now_s));
            whats.filter_map(move |what| Some(self.source.remark(key.as_ref()?, &what)))
        });
        of_servers.chain(of_clients).collect()
    }

    /// Remarks on private keys that every user of this machine can read.
    pub(super) fn open_keys(&self) -> impl Iterator<Item = String> {
        let listeners = (self.certificate_files(), OF_LISTENERS);
        let both = [listeners, (self.dashboard_certificate_files(), OF_DASHBOARD)];
        both.into_iter().filter_map(|(files, settings)| {
            let files = files.filter(CertificateFiles::key_is_open)?;
            let what = format!(
                "{}: every user of this machine can read the private key; better is `chmod 600`",
                files.key.display()
            );
            Some(self.source.remark(settings.key, &what))
        })
    }

    fn dashboard_certificate_files(&self) -> Option<CertificateFiles> {
        let (chain, key) = (&self.server.dashboard_certificate, &self.server.dashboard_key);
        let files = chain.clone().zip(key.clone());
        files.map(|(chain, key)| CertificateFiles { chain, key })
    }

    /// Reads a certificate; a fault is of the setting that names the file.
    fn certificate_in(
        &self,
        files: Option<CertificateFiles>,
        settings: &CertificateSettings,
    ) -> Result<Option<Certificate>, ConfigError> {
        let Some(files) = files else { return Ok(None) };
        files.read().map(Some).map_err(|fault| {
            let is_of_key = fault.file == files.key && files.key != files.chain;
            let setting = if is_of_key { settings.key } else { settings.chain };
            self.wrong(setting, &fault.to_string())
        })
    }
}

/// A remark on a certificate that is not valid at a time, with the consequence, or soon will not be.
fn validity_remark(validity: Validity, consequence: &str, now_s: u64) -> Option<String> {
    let days = |seconds: u64| seconds / 86_400;
    if now_s < validity.not_before {
        return Some(format!("it is not valid yet: {consequence}"));
    }
    match validity.not_after.checked_sub(now_s) {
        None => {
            let ago = days(now_s - validity.not_after);
            Some(format!("it expired {ago} days ago: {consequence}"))
        }
        Some(left) if left < ENDS_SOON_S => Some(format!("it expires in {} days", days(left))),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::validate::Scope;

    const DAY_S: u64 = 86_400;

    /// A configuration with a certificate for the listeners and the dashboard; the key has this mode.
    fn config(folder: &std::path::Path, mode: u32) -> Config {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["dns.example".to_owned()]).unwrap();
        let chain = params.self_signed(&key).unwrap().pem();
        std::fs::write(folder.join("chain"), chain).unwrap();
        std::fs::write(folder.join("key"), key.serialize_pem()).unwrap();
        std::fs::set_permissions(folder.join("key"), Permissions::from_mode(mode)).unwrap();
        let at = folder.display();
        let text = format!(
            "[server]\ncertificate = \"{at}/chain\"\ncertificate-key = \"{at}/key\"\n\
             dashboard-https = \"127.0.0.1:8453\"\ndashboard-certificate = \"{at}/chain\"\n\
             dashboard-key = \"{at}/key\"\n"
        );
        Config::parse(&text, "zoners.toml").unwrap()
    }

    #[test]
    fn remarks_on_the_validity_have_the_line_of_each_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), 0o600);
        let validated = config.validate(Scope::Contents).unwrap();
        let validity = validated.certificate.as_ref().unwrap().validity();
        let remarks = |now_s| validated.certificate_remarks(&config, now_s);
        let of_both = |what: &str| {
            let of_listeners = format!("zoners.toml:2:15: server.certificate: {what}");
            [of_listeners, format!("zoners.toml:5:25: server.dashboard-certificate: {what}")]
        };
        assert_eq!(remarks(validity.not_after - ENDS_SOON_S), [""; 0]);
        let soon = validity.not_after - ENDS_SOON_S + 1;
        assert_eq!(remarks(soon), of_both("it expires in 2 days"));
        let late = validity.not_after + DAY_S;
        assert_eq!(remarks(late), of_both("it expired 1 days ago: no client accepts it"));
        let early = validity.not_before - 1;
        assert_eq!(remarks(early), of_both("it is not valid yet: no client accepts it"));
        assert_eq!(config.remarks(), [""; 0]);
    }

    #[test]
    fn remarks_on_authorities_of_clients_have_the_line_of_the_table() {
        let folder = tempfile::tempdir().unwrap();
        let chain = config(folder.path(), 0o600).server.certificate.unwrap();
        let (key, mut params) =
            (rcgen::KeyPair::generate().unwrap(), rcgen::CertificateParams::default());
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) =
            (rcgen::date_time_ymd(2000, 1, 1), rcgen::date_time_ymd(2020, 1, 1));
        let expired = params.self_signed(&key).unwrap().pem();
        let authority = folder.path().join("ca");
        std::fs::write(&authority, expired).unwrap();
        let read = |file: &std::path::Path| {
            let text = format!(
                "[[listen]]\naddress = \"tls://127.0.0.1:853\"\nclient-authority = {file:?}\n"
            );
            let config = Config::parse(&text, "zoners.toml").unwrap();
            config.client_authorities().map(|read| (config, read))
        };
        let (config, read_authority) = read(&authority).unwrap();
        let end_s = 1_577_836_800;
        let remarks = |now_s| config.validity_remarks(None, None, &read_authority, now_s);
        assert_eq!(remarks(end_s - ENDS_SOON_S), [""; 0]);
        assert_eq!(
            remarks(end_s + DAY_S),
            [
                "zoners.toml:3:20: listen.client-authority: it expired 1 days ago: clients with its certificates are \
              served all the same"
            ]
        );
        let fault = read(&chain).unwrap_err().to_string();
        assert!(fault.contains("is none of an authority (CA:TRUE)"), "{fault}");
    }

    #[test]
    fn remarks_on_open_keys_have_the_line_of_each_key() {
        let folder = tempfile::tempdir().unwrap();
        let remarks = config(folder.path(), 0o644).remarks();
        let starts = [
            "zoners.toml:3:19: server.certificate-key: ",
            "zoners.toml:6:17: server.dashboard-key: ",
        ];
        assert_eq!(remarks.len(), 2, "{remarks:?}");
        for (remark, start) in remarks.iter().zip(starts) {
            assert!(remark.starts_with(start) && remark.contains("chmod 600"), "{remark}");
        }
    }
}
