//! `launchctl print-disabled system` (macOS): jobs that a person has enabled or disabled for good.

/// Whether the job of this label is disabled. Until macOS 12 a disabled job is `true`; since macOS 13, `disabled`.
pub(crate) fn is_disabled(text: &str, label: &str) -> bool {
    let label = format!("\"{label}\"");
    let entries = text.lines().filter_map(|line| line.split_once(" => "));
    let mut own = entries.filter(|(name, _)| name.trim() == label);
    own.any(|(_, value)| matches!(value.trim(), "true" | "disabled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From github.com/ninehills/blog/issues/85 (cut), of macOS 12.
    const MONTEREY: &str = "\
disabled services = {
\t\"com.docker.helper\" => false
\t\"com.apple.ManagedClientAgent.enrollagent\" => true
\t\"com.citrix.ServiceRecords\" => true
}
login item associations = {
\t\"version.com.docker.helper\" => \"64133\"
\t\"com.docker.helper\" => \"com.docker.docker\"
}
";
    /// A line from github.com/usnistgov/macos_security/issues/167, of macOS 13.
    const VENTURA: &str = "disabled services = {\n\t\"com.openssh.sshd\" => disabled\n}\n";

    #[test]
    fn a_disabled_job_is_found_in_both_forms() {
        assert!(is_disabled(MONTEREY, "com.citrix.ServiceRecords"));
        assert!(!is_disabled(MONTEREY, "com.docker.helper"));
        assert!(!is_disabled(MONTEREY, "org.zoners.daemon"));
        assert!(is_disabled(VENTURA, "com.openssh.sshd"));
        assert!(!is_disabled(&VENTURA.replace("disabled\n", "enabled\n"), "com.openssh.sshd"));
    }
}
