"""The reference stack on a KIND cluster: a real kubelet, on any machine with Docker, with or without a registry."""
