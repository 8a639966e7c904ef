"""An embedded cluster: enough of Kubernetes for kubectl and the official client, with processes for pods."""
