//! The lines to type, by system.

use crate::observations::HostSystem;

/// A page for the provider.
pub(crate) const REPORT: &str = "zoners doctor --report line.html";
/// A page without HTTPS, so that a log-in page can take its place.
const PLAIN_PAGE: &str = "http://neverssl.com/";
/// Marks of addresses of pages beside letters and digits (RFC 3986), but for the quotation mark.
const URL_MARKS: &str = "-._~:/?#[]@!$&()*+,;=%";

impl HostSystem {
    /// Restarts the daemon.
    pub(crate) const fn restart(self) -> &'static str {
        match self {
            HostSystem::Systemd => "sudo systemctl restart zoners",
            HostSystem::OpenRc => "sudo rc-service zoners restart",
            HostSystem::Runit => "sudo sv restart zoners",
            HostSystem::Macos => "sudo launchctl kickstart -k system/org.zoners.daemon",
            HostSystem::Bsd => "sudo service zoners restart",
        }
    }

    /// Shows the end of the daemon's log.
    pub(crate) const fn log(self) -> &'static str {
        match self {
            HostSystem::Systemd => "journalctl -u zoners -n 50",
            HostSystem::Macos => "tail -n 50 /Library/Logs/Zoners/zoners.log",
            HostSystem::OpenRc | HostSystem::Runit | HostSystem::Bsd => {
                "sudo grep zoners /var/log/messages | tail -n 50"
            }
        }
    }

    /// Names the programs at port 53.
    pub(crate) const fn port_owners(self) -> &'static str {
        match self {
            HostSystem::Macos => "sudo lsof -nP -i :53",
            HostSystem::Bsd => "sockstat -l -p 53",
            HostSystem::Systemd | HostSystem::OpenRc | HostSystem::Runit => {
                "sudo ss -lnptu 'sport = :53'"
            }
        }
    }

    /// Shows links and addresses.
    pub(crate) const fn addresses(self) -> &'static str {
        if self.is_linux() { "ip -brief address" } else { "ifconfig" }
    }

    /// Sets the clock.
    pub(crate) const fn set_clock(self) -> &'static str {
        match self {
            HostSystem::Systemd => "sudo timedatectl set-ntp true",
            HostSystem::Macos => "sudo sntp -sS time.apple.com",
            HostSystem::OpenRc | HostSystem::Runit => {
                "sudo chronyd -q 'server pool.ntp.org iburst'"
            }
            HostSystem::Bsd => "sudo service ntpd onestart",
        }
    }

    /// Shows the rules of the firewall.
    pub(crate) const fn firewall(self) -> &'static str {
        if self.is_linux() { "sudo nft list ruleset" } else { "sudo pfctl -s rules" }
    }

    /// Shows the quality of the Wi-Fi.
    pub(crate) const fn wireless(self) -> &'static str {
        match self {
            HostSystem::Macos => "sudo wdutil info",
            HostSystem::Bsd => "ifconfig wlan0 list sta",
            HostSystem::Systemd | HostSystem::OpenRc | HostSystem::Runit => "iw dev",
        }
    }

    /// Switches IPv4 off until the next connection.
    pub(crate) const fn ipv4_off(self) -> &'static str {
        if self.is_linux() {
            "sudo ip -4 route del default"
        } else {
            "sudo route -n delete -inet default"
        }
    }

    /// The same for IPv6.
    pub(crate) const fn ipv6_off(self) -> &'static str {
        if self.is_linux() {
            "sudo sysctl -w net.ipv6.conf.all.disable_ipv6=1"
        } else {
            "sudo route -n delete -inet6 default"
        }
    }

    /// Opens a page in the browser. The address may come from an untrusted network, and a person copies the line into a
    /// shell: an address with characters outside RFC 3986 is left out.
    pub(crate) fn open(self, url: &str) -> String {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || URL_MARKS.contains(letter);
        let is_page = url.starts_with("http://") || url.starts_with("https://");
        let url = if is_page && url.chars().all(is_plain) { url } else { PLAIN_PAGE };
        let program = if matches!(self, HostSystem::Macos) { "open" } else { "xdg-open" };
        format!("{program} '{url}'")
    }

    /// Raises the limit of descriptors of the service.
    pub(crate) const fn more_descriptors(self) -> &'static str {
        match self {
            HostSystem::Systemd => "sudo systemctl edit zoners    # [Service] LimitNOFILE=65536",
            HostSystem::OpenRc => "echo 'rc_ulimit=\"-n 65536\"' | sudo tee -a /etc/conf.d/zoners",
            HostSystem::Macos => "sudo zoners install",
            HostSystem::Runit | HostSystem::Bsd => {
                "ulimit -n 65536    # before the start of zoners"
            }
        }
    }

    const fn is_linux(self) -> bool {
        matches!(self, HostSystem::Systemd | HostSystem::OpenRc | HostSystem::Runit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_foreign_page_is_no_command() {
        let open = |url: &str| HostSystem::Systemd.open(url);
        let login = "https://login.example/?mac=00:11&x=(1);y";
        assert_eq!(open(login), format!("xdg-open '{login}'"));
        for url in ["http://a/'; rm -rf ~'", "http://a/`id`", "http://a/ b", "-x", "file:///etc"] {
            assert_eq!(open(url), "xdg-open 'http://neverssl.com/'", "{url}");
        }
        assert_eq!(HostSystem::Macos.open(login), format!("open '{login}'"));
    }
}
