"""The shop's services: one module each, wire-compatible with the real Sock Shop."""
