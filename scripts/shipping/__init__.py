"""Artefacts of a release: what they contain, and how they are written."""
