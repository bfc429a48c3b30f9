"""A whole Debian with systemd in an emulator, for `scripts/vm`."""
