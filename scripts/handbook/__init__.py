"""The documentation site in docs/book: its pages, its reference, and the test of every command."""
