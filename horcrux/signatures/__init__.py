"""Signatures of images, of cosign's kind: read, checked against the settings' rules, and made."""
