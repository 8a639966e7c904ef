"""The judge: claims, findings, verdicts, the journal; it knows no stack."""
